//! Places all buffers one after the other, so that an element is a single position.

use crate::graph::{Access, BufferId, Slot};
use std::ops::Range;
use std::sync::Arc;

/// Where each buffer begins.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The first position of each buffer, and the end of the last.
    starts: Vec<usize>,
}

impl Layout {
    pub(super) fn new(lengths: &[usize]) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for length in lengths {
            end += length;
            starts.push(end);
        }
        Layout { starts }
    }

    /// The number of positions.
    pub(super) fn size(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The positions of a buffer; empty for one that does not exist.
    pub(super) fn range(&self, buffer: BufferId) -> Range<usize> {
        match self.starts.get(buffer.index()..buffer.index() + 2) {
            Some([start, end]) => *start..*end,
            Some(_) | None => 0..0,
        }
    }

    pub(super) fn slot(&self, slot: Slot) -> usize {
        self.range(slot.buffer).start + slot.offset
    }

    pub(super) fn places(&self, buffer: BufferId, access: &Access) -> Places {
        let start = self.range(buffer).start;
        match access {
            Access::Uniform(offset) => Places::One(start + offset),
            Access::Contiguous(offset) => Places::Run(start + offset),
            Access::Gather(index) => Places::Scattered { start, index: index.clone() },
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
}

impl Places {
    /// The position of a row.
    pub(super) fn at(&self, row: usize) -> usize {
        match self {
            Places::One(position) => *position,
            Places::Run(start) => start + row,
            Places::Scattered { start, index } => start + index[row] as usize,
        }
    }

    /// The position of all rows, if it is known to be one.
    pub(super) fn single(&self, rows: usize) -> Option<usize> {
        match self {
            Places::One(position) => Some(*position),
            Places::Run(start) => (rows == 1).then_some(*start),
            Places::Scattered { start, index } => match index.as_ref() {
                [only] if rows == 1 => Some(start + *only as usize),
                _ => None,
            },
        }
    }
}
