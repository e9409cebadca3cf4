//! Blocks of rows that read the same numbers, and so compute the same: one of each is kept.
//!
//! Invariant: a block equals the kept block it is given, input by input and column by column.

use super::super::node::{Access, Input, Kernel};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// Blocks of consecutive rows, each given to the first that is like it.
#[derive(Debug)]
pub(super) struct Shared {
    /// For every block, the position of its like among those kept.
    pub(super) like: Vec<u32>,
    /// The rows of the blocks that are kept.
    pub(super) kept: Vec<Range<usize>>,
}

impl Shared {
    /// Finds out which blocks of a kernel are alike. `starts` are their first rows.
    pub(super) fn of(kernel: &Kernel, starts: &[u32]) -> Self {
        let ends = starts.iter().skip(1).copied().chain([kernel.rows as u32]);
        let blocks = starts.iter().zip(ends).map(|(start, end)| *start as usize..end as usize);
        let mut shared = Shared { like: Vec::with_capacity(starts.len()), kept: Vec::new() };
        let mut known: HashMap<u64, Vec<u32>> = HashMap::new();
        for block in blocks {
            let candidates = known.entry(signature(kernel, &block)).or_default();
            let equal = |other: &&u32| alike(kernel, &block, &shared.kept[**other as usize]);
            let found = candidates.iter().find(equal).copied();
            let position = found.unwrap_or_else(|| {
                let position = shared.kept.len() as u32;
                candidates.push(position);
                shared.kept.push(block);
                position
            });
            shared.like.push(position);
        }
        shared
    }

    /// Whether computing the kept blocks only saves more than it costs to add up more tables.
    pub(super) fn saves(&self) -> bool {
        2 * self.kept.len() <= self.like.len()
    }

    /// The rows that are kept.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        self.kept.iter().flat_map(Clone::clone)
    }

    /// The kernel over the rows that are kept.
    pub(super) fn keep(&self, kernel: Kernel) -> Kernel {
        let rows = || self.rows();
        let inputs = kernel.inputs.iter().map(|input| {
            let access = match &input.access {
                Access::Uniform(offset) => Access::Uniform(*offset),
                Access::Contiguous(offset) => {
                    Access::Gather(rows().map(|row| (offset + row) as u32).collect())
                }
                Access::Gather(index) => Access::Gather(rows().map(|row| index[row]).collect()),
            };
            Input { buffer: input.buffer, access }
        });
        let columns = kernel.columns.iter().map(|column| rows().map(|row| column[row]).collect());
        Kernel {
            rows: rows().count(),
            inputs: inputs.collect(),
            columns: columns.collect(),
            ..kernel
        }
    }
}

/// The element that a row reads, where rows read different ones.
fn element(input: &Input, row: usize) -> u32 {
    match &input.access {
        Access::Uniform(_) => 0,
        Access::Contiguous(offset) => (offset + row) as u32,
        Access::Gather(index) => index[row],
    }
}

fn signature(kernel: &Kernel, block: &Range<usize>) -> u64 {
    let mut hasher = DefaultHasher::new();
    block.len().hash(&mut hasher);
    for row in block.clone() {
        kernel.inputs.iter().for_each(|input| element(input, row).hash(&mut hasher));
        kernel.columns.iter().for_each(|column| column[row].to_bits().hash(&mut hasher));
    }
    hasher.finish()
}

fn alike(kernel: &Kernel, a: &Range<usize>, b: &Range<usize>) -> bool {
    a.len() == b.len()
        && a.clone().zip(b.clone()).all(|(a, b)| {
            kernel.inputs.iter().all(|input| element(input, a) == element(input, b))
                && kernel.columns.iter().all(|c| c[a].to_bits() == c[b].to_bits())
        })
}
