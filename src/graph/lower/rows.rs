//! The rows of a kernel: which element of each index belongs to which row.

use super::LowerError;
use crate::bound::Evaluator;
use crate::typed::{Expr, IndexId};

/// Rows over bound indices, those a guard lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// How many.
    pub(super) count: usize,
    /// For each index that varies, its position in each row.
    pub(super) indices: Vec<(IndexId, Vec<u32>)>,
    /// Whether no combination was left out.
    pub(super) complete: bool,
    /// The row-major position of each row, where some were left out.
    kept: Vec<u32>,
}

impl Rows {
    /// Rows without indices.
    pub(super) fn count(count: usize) -> Self {
        Rows { count, indices: Vec::new(), complete: true, kept: Vec::new() }
    }

    /// Every combination of the indices that the guard lets through, the last running fastest.
    pub(super) fn over(
        evaluator: &Evaluator<'_, ()>,
        indices: &[IndexId],
        guard: Option<&Expr>,
    ) -> Result<Self, LowerError> {
        let sizes: Vec<usize> = indices.iter().map(|i| evaluator.extent(*i)).collect();
        let mut positions: Vec<Vec<u32>> = vec![Vec::new(); indices.len()];
        let mut kept = Vec::new();
        evaluator.for_each(indices, guard, |position| {
            let mut rest = position;
            for (column, size) in positions.iter_mut().zip(&sizes).rev() {
                column.push((rest % size) as u32);
                rest /= size;
            }
            kept.push(position as u32);
            Ok::<(), LowerError>(())
        })?;
        let count = kept.len();
        let complete = count == sizes.iter().product::<usize>();
        if complete {
            kept.clear();
        }
        Ok(Rows {
            count,
            indices: indices.iter().copied().zip(positions).collect(),
            complete,
            kept,
        })
    }

    /// The row-major position of each row.
    pub(super) fn positions(&self) -> Vec<u32> {
        if self.complete { (0..self.count as u32).collect() } else { self.kept.clone() }
    }

    /// The positions of an index, if it varies here.
    pub(super) fn of(&self, index: IndexId) -> Option<&[u32]> {
        self.indices.iter().rev().find(|(i, _)| *i == index).map(|(_, p)| p.as_slice())
    }

    /// Sets every index of an evaluator to its position in a row.
    pub(super) fn enter(&self, evaluator: &Evaluator<'_, ()>, row: usize) {
        for (index, positions) in &self.indices {
            evaluator.set(*index, positions[row] as usize);
        }
    }

    /// The same rows with more indices bound in them.
    pub(super) fn with(&self, more: Vec<(IndexId, Vec<u32>)>) -> Rows {
        let mut indices = self.indices.clone();
        indices.extend(more);
        Rows { count: self.count, indices, complete: self.complete, kept: self.kept.clone() }
    }
}
