//! Sorts the rows of kernels that add to the log density by the group they read, so that a group is
//! read once for many rows.

use crate::graph::node::{Access, Kernel, Model, Node, Target};
use std::cmp::{Ordering, Reverse};
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

/// Sorts by the index with the most elements, and rows of one element by the others, which are then
/// read one element after the other; nothing if something is read row by row.
fn sort_rows(kernel: &mut Kernel) {
    if kernel.inputs.iter().any(|input| matches!(input.access, Access::Contiguous(_))) {
        return;
    }
    let mut indices: Vec<Index> = kernel.gathers().into_iter().cloned().collect();
    indices.sort_by_key(|index| Reverse(index.iter().max().copied().unwrap_or(0)));
    let Some(widest) = indices.first() else { return };
    let compare = |a: &u32, b: &u32| {
        let pairs = indices.iter().map(|index| (index[*a as usize], index[*b as usize]));
        pairs.fold(Ordering::Equal, |order, (a, b)| order.then(a.cmp(&b)))
    };
    let mut order: Vec<u32> = (0..kernel.rows as u32).collect();
    if order.is_sorted_by(|a, b| compare(a, b).is_le()) || !(widest.is_sorted() || gains(widest)) {
        return;
    }
    order.sort_by(compare);
    for column in &mut kernel.columns {
        *column = order.iter().map(|row| column[*row as usize]).collect();
    }
    let sorted: Vec<Index> = indices
        .iter()
        .map(|index| order.iter().map(|row| index[*row as usize]).collect())
        .collect();
    for input in &mut kernel.inputs {
        if let Access::Gather(index) = &mut input.access
            && let Some(known) = indices.iter().position(|from| Arc::ptr_eq(from, index))
        {
            *index = sorted[known].clone();
        }
    }
}
