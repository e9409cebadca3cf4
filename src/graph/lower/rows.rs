//! The rows of a kernel: which element of each index belongs to which row, which values finite
//! latents have in it, and in which turn of a recurrence it is computed.

use super::LowerError;
use crate::bound::{EvaluationError, Evaluator, Finite};
use crate::typed::{Expr, IndexId, Plane};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Rows over bound indices, those a guard lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// How many.
    pub(super) count: usize,
    /// For each index that varies, its position in each row.
    pub(super) indices: Vec<(IndexId, Arc<[u32]>)>,
    /// Whether no combination was left out.
    pub(super) complete: bool,
    /// The row-major position of each row, where some were left out.
    kept: Vec<u32>,
    /// The values of finite latents in each row.
    assigned: Option<(Arc<Assigned>, Vec<u32>)>,
    /// In a recurrence, the number of rows up to the end of every wave.
    pub(super) waves: Option<Vec<u32>>,
}

/// Combinations of values of finite latents.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigned {
    /// The elements of each combination, as [`Finite`] numbers them, and where its values start.
    scopes: Vec<(Arc<[u32]>, u32)>,
    values: Vec<f64>,
}

impl Assigned {
    /// Adds a combination.
    pub(super) fn push(&mut self, scope: &Arc<[u32]>, values: &[f64]) {
        self.scopes.push((scope.clone(), self.values.len() as u32));
        self.values.extend_from_slice(values);
    }
}

impl Rows {
    /// Rows without indices.
    pub(super) fn count(count: usize) -> Self {
        Rows { count, complete: true, ..Rows::default() }
    }

    /// Every combination of the indices that the guard lets through, the last running fastest.
    pub(super) fn over(
        evaluator: &Evaluator<'_, ()>,
        indices: &[IndexId],
        guard: Option<&Expr>,
    ) -> Result<Self, LowerError> {
        let sizes: Vec<usize> = indices.iter().map(|i| evaluator.extent(*i)).collect();
        let total: usize = sizes.iter().product();
        let Some(guard) = guard else { return Ok(Rows::every(indices, &sizes)) };
        let truths = evaluator.data_over(guard, indices, None)?;
        let kept = (0..total as u32).filter(|at| truths[*at as usize] != 0.0).collect::<Vec<_>>();
        if kept.len() == total {
            return Ok(Rows::every(indices, &sizes));
        }
        Ok(Rows::at(evaluator, indices, kept))
    }

    /// Every combination of the indices.
    fn every(indices: &[IndexId], sizes: &[usize]) -> Self {
        let count: usize = sizes.iter().product();
        let mut stride = count.max(1);
        let columns = indices.iter().zip(sizes).map(|(index, size)| {
            stride /= (*size).max(1);
            (*index, (0..count).map(|row| (row / stride % size) as u32).collect())
        });
        Rows { count, indices: columns.collect(), complete: true, ..Rows::default() }
    }

    /// One row for each row-major position over the indices, in the order given.
    pub(super) fn at(
        evaluator: &Evaluator<'_, ()>,
        indices: &[IndexId],
        positions: Vec<u32>,
    ) -> Self {
        let mut columns: Vec<Vec<u32>> = vec![Vec::with_capacity(positions.len()); indices.len()];
        for position in &positions {
            evaluator.stand(indices, *position as usize);
            for (column, index) in columns.iter_mut().zip(indices) {
                column.push(evaluator.at(*index) as u32);
            }
        }
        let columns = columns.into_iter().map(Arc::from);
        let indices = indices.iter().copied().zip(columns).collect();
        Rows { count: positions.len(), indices, kept: positions, ..Rows::default() }
    }

    /// Every row as often as `from` names it, each with a combination of values.
    pub(super) fn assign(&self, from: &[u32], assigned: Assigned) -> Rows {
        let pick =
            |column: &[u32]| -> Vec<u32> { from.iter().map(|row| column[*row as usize]).collect() };
        let indices = self.indices.iter().map(|(i, column)| (*i, pick(column).into()));
        Rows {
            count: from.len(),
            indices: indices.collect(),
            complete: false,
            kept: pick(&self.positions()),
            assigned: Some((Arc::new(assigned), (0..from.len() as u32).collect())),
            waves: None,
        }
    }

    /// The same rows, each with the combination of values that `of` names.
    pub(super) fn assigned(self, assigned: Arc<Assigned>, of: Vec<u32>) -> Rows {
        Rows { assigned: Some((assigned, of)), ..self }
    }

    /// Rows in which each row of these stands for those that `segments` gives it.
    pub(super) fn expanded(&self, indices: Vec<(IndexId, Arc<[u32]>)>, segments: &[u32]) -> Rows {
        let assigned = self.assigned.as_ref().map(|(assigned, of)| {
            (assigned.clone(), segments.iter().map(|row| of[*row as usize]).collect())
        });
        // Segments ascend: the rows of a wave stay together.
        let waves = self.waves.as_ref().map(|waves| {
            waves.iter().map(|end| segments.partition_point(|row| row < end) as u32).collect()
        });
        Rows { count: segments.len(), indices, complete: true, kept: Vec::new(), assigned, waves }
    }

    /// The row-major position of each row.
    pub(super) fn positions(&self) -> Vec<u32> {
        if self.complete { (0..self.count as u32).collect() } else { self.kept.clone() }
    }

    /// The positions of an index, if it varies here.
    pub(super) fn of(&self, index: IndexId) -> Option<&Arc<[u32]>> {
        self.indices.iter().rev().find(|(i, _)| *i == index).map(|(_, p)| p)
    }

    /// Sets every index of an evaluator to its position in a row, every finite latent to its value.
    pub(super) fn enter(&self, evaluator: &Evaluator<'_, ()>, finite: &Finite, row: usize) {
        for (index, positions) in &self.indices {
            evaluator.set(*index, positions[row] as usize);
        }
        if let Some((assigned, of)) = &self.assigned {
            let (scope, start) = &assigned.scopes[of[row] as usize];
            for (k, element) in scope.iter().enumerate() {
                let element = &finite.elements[*element as usize];
                let value = assigned.values[*start as usize + k];
                evaluator.assign(element.variable, element.position, value);
            }
        }
    }

    /// The values of an expression of data and finite latents, in some of the rows or in all.
    pub(super) fn data(
        &self,
        evaluator: &Evaluator<'_, ()>,
        finite: &Finite,
        expr: &Expr,
        wanted: Option<&[u32]>,
    ) -> Result<Vec<f64>, EvaluationError> {
        let count = wanted.map_or(self.count, <[u32]>::len);
        if expr.plane == Plane::Finite {
            let row = |k: usize| wanted.map_or(k, |wanted| wanted[k] as usize);
            return (0..count)
                .map(|k| {
                    self.enter(evaluator, finite, row(k));
                    evaluator.data(expr)
                })
                .collect();
        }
        let outer = expr.outer_indices();
        let varying = self.indices.iter().filter(|(index, _)| outer.contains(index));
        let columns: Vec<(IndexId, Cow<'_, [u32]>)> = varying
            .map(|(index, at)| match wanted {
                None => (*index, Cow::Borrowed(&at[..])),
                Some(wanted) => (*index, wanted.iter().map(|row| at[*row as usize]).collect()),
            })
            .collect();
        if columns.is_empty() {
            return Ok(vec![evaluator.data(expr)?; count]);
        }
        evaluator.data_at(expr, count, &columns)
    }

    /// The same rows with more indices bound in them, and of the others only those that are used.
    pub(super) fn only(&self, used: &HashSet<IndexId>, more: Vec<(IndexId, Arc<[u32]>)>) -> Rows {
        let outside = |index: &IndexId| more.iter().all(|(own, _)| own != index);
        let kept = self.indices.iter().filter(|(index, _)| used.contains(index) && outside(index));
        let kept: Vec<(IndexId, Arc<[u32]>)> = kept.cloned().collect();
        Rows {
            count: self.count,
            indices: kept.into_iter().chain(more).collect(),
            complete: self.complete,
            kept: self.kept.clone(),
            assigned: self.assigned.clone(),
            waves: self.waves.clone(),
        }
    }

    /// The same rows with more indices bound in them.
    pub(super) fn with(&self, more: Vec<(IndexId, Arc<[u32]>)>) -> Rows {
        let mut rows = self.clone();
        rows.indices.extend(more);
        rows
    }
}
