//! Sorts the rows of kernels that add to the log density by the group they read, so that a group is
//! read once for many rows.

use crate::graph::node::{Access, Kernel, Model, Node, Target};
use std::sync::Arc;

/// The element of each row.
type Index = Arc<[u32]>;

/// Kernels with fewer rows are left as they are.
const FEWEST_ROWS: usize = 512;
/// Groups of so many rows on average are worth reading once.
const LARGE_GROUP: usize = 8;

/// Sorts every kernel that gains from it.
pub(super) fn sort(model: &mut Model) {
    for node in &mut model.nodes {
        if let Node::Kernel(kernel) = node
            && matches!(kernel.target, Target::LogDensity)
            && kernel.rows >= FEWEST_ROWS
        {
            sort_rows(kernel);
        }
    }
}

/// Whether sorting makes rows read faster: not where groups are small, and rows mostly read one group
/// after the other.
fn gains(index: &[u32]) -> bool {
    let groups = index.iter().max().map_or(0, |last| *last as usize + 1);
    let follow = index.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count();
    index.len() >= LARGE_GROUP * groups || (index.len() - follow) * LARGE_GROUP > index.len()
}

/// Sorts by the index with the most elements, unless something is read row by row.
fn sort_rows(kernel: &mut Kernel) {
    if kernel.inputs.iter().any(|input| matches!(input.access, Access::Contiguous(_))) {
        return;
    }
    let gathers = kernel.inputs.iter().filter_map(|input| match &input.access {
        Access::Gather(index) => Some(index),
        Access::Uniform(_) | Access::Contiguous(_) => None,
    });
    let widest = gathers.max_by_key(|index| index.iter().max().copied().unwrap_or(0));
    let Some(index) = widest.filter(|index| !index.is_sorted() && gains(index)) else { return };
    let mut order: Vec<u32> = (0..kernel.rows as u32).collect();
    order.sort_by_key(|row| index[*row as usize]);
    for column in &mut kernel.columns {
        *column = order.iter().map(|row| column[*row as usize]).collect();
    }
    let mut sorted: Vec<(Index, Index)> = Vec::new();
    for input in &mut kernel.inputs {
        if let Access::Gather(index) = &mut input.access {
            let known = sorted.iter().find(|(from, _)| Arc::ptr_eq(from, index));
            let to = known.map(|(_, to)| to.clone()).unwrap_or_else(|| {
                let to: Index = order.iter().map(|row| index[*row as usize]).collect();
                sorted.push((index.clone(), to.clone()));
                to
            });
            *index = to;
        }
    }
}
