//! The Cholesky factor of latent matrices, and its adjoint.
//!
//! Row by row, L_ij = (A_ij - Σ_{k<j} L_ik L_jk) / L_jj and L_ii = √(A_ii - Σ_{k<i} L_ik²); the
//! adjoint undoes the same assignments in reverse (Murray 2016, arXiv:1602.07527, section 4). Rows
//! go in strips, so that a finished row is fetched from memory once per strip.

use super::flat::Layout;
use super::lane::{Lane, add_scaled, dot};
use super::program::Cost;
use super::workspace::State;
use crate::graph::{Cholesky, Tag};
use std::ops::Range;

/// How many rows share a fetch of a finished row.
const STRIP: usize = 8;

/// A factorisation with its places.
#[derive(Clone, Debug)]
pub(super) struct CholeskyStep {
    size: usize,
    count: usize,
    input: usize,
    output: usize,
    pub(super) tag: Tag,
}

impl CholeskyStep {
    pub(super) fn new(cholesky: &Cholesky, layout: &Layout) -> Self {
        CholeskyStep {
            size: cholesky.size,
            // Matrices without rows need no work.
            count: if cholesky.size == 0 { 0 } else { cholesky.count },
            input: layout.slot(cholesky.input),
            output: layout.slot(cholesky.output),
            tag: cholesky.tag,
        }
    }

    /// The positions of the input and the output of one matrix.
    fn places(&self, matrix: usize) -> [Range<usize>; 2] {
        let length = self.size * self.size;
        [self.input, self.output].map(|start| {
            let start = start + matrix * length;
            start..start + length
        })
    }

    /// L Lᵀ = A
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        for matrix in 0..self.count {
            let Ok([input, output]) = state.values.get_disjoint_mut(self.places(matrix)) else {
                continue;
            };
            let rows = input.chunks_exact(self.size).zip(output.chunks_exact_mut(self.size));
            for (row, (from, to)) in rows.enumerate() {
                to[..=row].copy_from_slice(&from[..=row]);
                to[row + 1..].fill(T::constant(0.0));
            }
            factorize(output, self.size);
        }
    }

    /// Adds to the adjoint of A; uses up the adjoint of L.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        for matrix in 0..self.count {
            let [_, factor] = self.places(matrix);
            let Ok([input, output]) = state.adjoints.get_disjoint_mut(self.places(matrix)) else {
                continue;
            };
            adjoint(&state.values[factor], output, input, self.size);
        }
    }

    pub(super) fn cost(&self) -> Cost {
        let row_operations = self.size * self.size;
        Cost { tag: self.tag, rows: self.count * self.size, row_operations, operations: 0 }
    }
}

/// Turns the lower triangle of A into L.
fn factorize<T: Lane>(matrix: &mut [T], size: usize) {
    for first in (0..size).step_by(STRIP) {
        let (above, strip) = matrix.split_at_mut(first * size);
        let last = size.min(first + STRIP);
        for (column, finished) in above.chunks_exact(size).enumerate() {
            for row in strip.chunks_exact_mut(size).take(last - first) {
                eliminate(row, finished, column);
            }
        }
        for row in first..last {
            let (finished, rest) = strip.split_at_mut((row - first) * size);
            let own = &mut rest[..size];
            for (column, finished) in (first..).zip(finished.chunks_exact(size)) {
                eliminate(own, finished, column);
            }
            own[row] = (own[row] - dot(&own[..row], &own[..row])).sqrt();
        }
    }
}

/// L_ij from A_ij and what is left of it.
fn eliminate<T: Lane>(row: &mut [T], finished: &[T], column: usize) {
    let rest = row[column] - dot(&row[..column], &finished[..column]);
    row[column] = rest / finished[column];
}

/// Turns the adjoint of L into that of A, and adds it.
fn adjoint<T: Lane>(factor: &[T], adjoint: &mut [T], input: &mut [T], size: usize) {
    for strip in (0..size.div_ceil(STRIP)).rev() {
        let first = strip * STRIP;
        let last = size.min(first + STRIP);
        for row in (first..last).rev() {
            let own = &factor[row * size..][..=row];
            let (above, rest) = adjoint.split_at_mut(row * size);
            let own_adjoint = &mut rest[..=row];
            let pivot = own_adjoint[row] / (own[row] * 2.0);
            input[row * size + row] = input[row * size + row] + pivot;
            add_scaled(&mut own_adjoint[..row], pivot * -2.0, &own[..row]);
            for column in (first..row).rev() {
                let finished = (&factor[column * size..], &mut above[column * size..]);
                let to = &mut input[row * size + column];
                restore((own, &mut *own_adjoint), finished, column, to);
            }
        }
        let (above, strip) = adjoint.split_at_mut(first * size);
        for column in (0..first).rev() {
            for row in first..last {
                let own = (&factor[row * size..], &mut strip[(row - first) * size..]);
                let finished = (&factor[column * size..], &mut above[column * size..]);
                restore(own, finished, column, &mut input[row * size + column]);
            }
        }
    }
}

/// The reverse of [`eliminate`], for rows of L with their adjoints.
fn restore<T: Lane>(
    own: (&[T], &mut [T]),
    finished: (&[T], &mut [T]),
    column: usize,
    input: &mut T,
) {
    let ((own, own_adjoint), (finished, finished_adjoint)) = (own, finished);
    let rest = own_adjoint[column] / finished[column];
    *input = *input + rest;
    finished_adjoint[column] = finished_adjoint[column] - rest * own[column];
    add_scaled(&mut own_adjoint[..column], -rest, &finished[..column]);
    add_scaled(&mut finished_adjoint[..column], -rest, &own[..column]);
}
