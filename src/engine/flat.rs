//! Places all buffers one after the other, so that an element is a single position.

use super::routine::BLOCK;
use crate::graph::{Access, BufferId, Model, Node, Slot};
use std::ops::Range;
use std::sync::Arc;

/// Where each buffer is. Those of the log density come first, then those that are only reported;
/// those that nobody uses are left out.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    ranges: Vec<Range<usize>>,
    size: usize,
    active: usize,
}

impl Layout {
    /// The layout for what the nodes of the log density use, except what is stored nowhere,
    /// and for what only reports use.
    pub(super) fn new(
        model: &Model,
        nodes: &[&Node],
        is_virtual: impl Fn(BufferId) -> bool,
    ) -> Self {
        let mut order = vec![BufferId::POINT];
        let mut seen = vec![false; model.buffers.len()];
        seen.iter_mut().take(1).for_each(|point| *point = true);
        let mut include = |buffer: BufferId| {
            if let Some(seen) = seen.get_mut(buffer.index())
                && !is_virtual(buffer)
                && !std::mem::replace(seen, true)
            {
                order.push(buffer);
            }
        };
        for node in nodes {
            node.for_each_read(&mut include);
            node.for_each_write(&mut include);
        }
        let active = order.len();
        let mut report = |buffer: BufferId| {
            if let Some(seen) = seen.get_mut(buffer.index())
                && !std::mem::replace(seen, true)
            {
                order.push(buffer);
            }
        };
        for node in &model.report_nodes {
            node.for_each_read(&mut report);
            node.for_each_write(&mut report);
        }
        model.quantities.iter().for_each(|quantity| report(quantity.buffer));
        let mut layout = Layout { ranges: vec![0..0; model.buffers.len()], size: 0, active: 0 };
        for (position, buffer) in order.iter().enumerate() {
            let length = model.buffers.get(buffer.index()).copied().unwrap_or(0);
            if let Some(range) = layout.ranges.get_mut(buffer.index()) {
                *range = layout.size..layout.size + length;
            }
            layout.size += length;
            if position < active {
                layout.active = layout.size;
            }
        }
        layout
    }

    /// The number of positions.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The number of positions that the log density uses, which come first.
    pub(super) fn active(&self) -> usize {
        self.active
    }

    /// The positions of a buffer; empty for one that does not exist or is not used.
    pub(super) fn range(&self, buffer: BufferId) -> Range<usize> {
        self.ranges.get(buffer.index()).cloned().unwrap_or(0..0)
    }

    pub(super) fn slot(&self, slot: Slot) -> usize {
        self.range(slot.buffer).start + slot.offset
    }

    pub(super) fn places(&self, buffer: BufferId, access: &Access) -> Places {
        let start = self.range(buffer).start;
        match access {
            Access::Uniform(offset) => Places::One(start + offset),
            Access::Contiguous(offset) => Places::Run(start + offset),
            Access::Gather(index) => Places::scattered(start, index),
        }
    }
}

/// The position that belongs to each row.
#[derive(Clone, Debug)]
pub(super) enum Places {
    /// The same for all rows.
    One(usize),
    /// This position plus the row.
    Run(usize),
    /// The position start + index\[row\].
    Scattered {
        /// Where the buffer begins.
        start: usize,
        /// One element per row.
        index: Arc<[u32]>,
    },
    /// Scattered, where many neighbouring rows have the same position.
    Runs {
        /// Where the buffer begins.
        start: usize,
        /// One element per row.
        index: Arc<[u32]>,
        /// Where rows with another element begin, and the number of rows.
        ends: Arc<[u32]>,
        /// The run in which each block of rows begins.
        first: Arc<[u32]>,
    },
    /// Scattered, where many neighbouring rows have one position after the other.
    Stretches {
        /// Where the buffer begins.
        start: usize,
        /// One element per row.
        index: Arc<[u32]>,
        /// Where rows with an element that does not follow begin, and the number of rows.
        ends: Arc<[u32]>,
        /// The stretch in which each block of rows begins.
        first: Arc<[u32]>,
    },
}

/// Neighbouring rows are worth a run or a stretch if there are so many of them on average.
const SHORTEST_RUN: usize = 8;

impl Places {
    /// The position start + index\[row\].
    pub(super) fn scattered(start: usize, index: &Arc<[u32]>) -> Self {
        let index = index.clone();
        if let Some((ends, first)) = divided(&index, |before, next| before == next) {
            return Places::Runs { start, index, ends, first };
        }
        if let Some((ends, first)) = divided(&index, |before, next| before + 1 == next) {
            return Places::Stretches { start, index, ends, first };
        }
        Places::Scattered { start, index }
    }

    /// The position of a row.
    pub(super) fn at(&self, row: usize) -> usize {
        match self {
            Places::One(position) => *position,
            Places::Run(start) => start + row,
            Places::Scattered { start, index }
            | Places::Runs { start, index, .. }
            | Places::Stretches { start, index, .. } => start + index[row] as usize,
        }
    }

    /// The position of all rows, if it is known to be one.
    pub(super) fn single(&self, rows: usize) -> Option<usize> {
        match self {
            Places::One(position) => Some(*position),
            Places::Run(start) => (rows == 1).then_some(*start),
            Places::Scattered { start, index } | Places::Stretches { start, index, .. } => {
                match index.as_ref() {
                    [only] if rows == 1 => Some(start + *only as usize),
                    _ => None,
                }
            }
            Places::Runs { start, index, ends, .. } => {
                (ends.len() == 1).then(|| start + index[0] as usize)
            }
        }
    }
}

/// Ends of parts of rows, and the part in which each block of rows begins.
type Parts = (Arc<[u32]>, Arc<[u32]>);

/// Where rows begin whose element does not continue that of the row before, and the number of rows, and
/// the part in which each block of rows begins; nothing if parts would be short.
fn divided(index: &[u32], continues: impl Fn(u32, u32) -> bool) -> Option<Parts> {
    let breaks = || (1..index.len()).filter(|row| !continues(index[*row - 1], index[*row]));
    if (breaks().count() + 1) * SHORTEST_RUN > index.len() {
        return None;
    }
    let ends: Arc<[u32]> = breaks().chain([index.len()]).map(|row| row as u32).collect();
    let blocks = (0..index.len()).step_by(BLOCK);
    let first = blocks.map(|row| ends.partition_point(|end| *end as usize <= row) as u32);
    let first = first.collect();
    Some((ends, first))
}

/// The runs or stretches of rows, each as far as it is among some rows.
pub(super) struct Divided<'a> {
    ends: &'a [u32],
    next: usize,
    rows: Range<usize>,
}

impl<'a> Divided<'a> {
    /// Those among these rows, given where all end, and which is the first of each block.
    #[inline(always)]
    pub(super) fn new(ends: &'a [u32], first: &[u32], rows: &Range<usize>) -> Self {
        let next = first.get(rows.start / BLOCK).map_or(ends.len(), |next| *next as usize);
        Divided { ends, next, rows: rows.clone() }
    }
}

impl Iterator for Divided<'_> {
    type Item = Range<usize>;

    // Inlined, so that what is done for each is compiled for the instructions of the caller.
    #[inline(always)]
    fn next(&mut self) -> Option<Range<usize>> {
        while self.rows.start < self.rows.end && self.next < self.ends.len() {
            let (row, end) = (self.rows.start, self.ends[self.next] as usize);
            self.next += 1;
            if row < end {
                self.rows.start = end.min(self.rows.end);
                return Some(row..self.rows.start);
            }
        }
        None
    }
}
