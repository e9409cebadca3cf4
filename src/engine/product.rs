//! A dense matrix of data times a vector, and its adjoint.

use super::flat::Layout;
use super::lane::Lane;
use super::workspace::State;
use crate::graph::{Matrix, Product, Tag};
use std::sync::Arc;

/// A product with its places.
#[derive(Clone, Debug)]
pub(super) struct PlacedProduct {
    pub(super) matrix: Arc<Matrix>,
    input: usize,
    output: usize,
    pub(super) tag: Tag,
}

impl PlacedProduct {
    pub(super) fn new(product: &Product, layout: &Layout) -> Self {
        PlacedProduct {
            matrix: product.matrix.clone(),
            input: layout.slot(product.input),
            output: layout.slot(product.output),
            tag: product.tag,
        }
    }

    /// output = X input
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        let columns = self.matrix.columns;
        for row in 0..self.matrix.rows {
            let input = &state.values[self.input..self.input + columns];
            state.values[self.output + row] = dot(self.row(row), input);
        }
    }

    /// adjoint of input += Xᵀ adjoint of output
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        let columns = self.matrix.columns;
        for row in 0..self.matrix.rows {
            let adjoint = state.adjoints[self.output + row];
            let input = &mut state.adjoints[self.input..self.input + columns];
            for (to, x) in input.iter_mut().zip(self.row(row)) {
                *to = *to + adjoint * *x;
            }
        }
    }

    fn row(&self, row: usize) -> &[f64] {
        let columns = self.matrix.columns;
        &self.matrix.values[row * columns..(row + 1) * columns]
    }
}

/// How many partial sums of a dot product are kept.
const PARTIAL_SUMS: usize = 4;

/// Σ x v, always in the same order.
fn dot<T: Lane>(xs: &[f64], vs: &[T]) -> T {
    let mut partial = [T::constant(0.0); PARTIAL_SUMS];
    let (x_chunks, x_rest) = xs.as_chunks::<PARTIAL_SUMS>();
    let (v_chunks, v_rest) = vs.as_chunks::<PARTIAL_SUMS>();
    for (xs, vs) in x_chunks.iter().zip(v_chunks) {
        for ((sum, x), v) in partial.iter_mut().zip(xs).zip(vs) {
            *sum = *sum + *v * *x;
        }
    }
    let rest = x_rest.iter().zip(v_rest).fold(T::constant(0.0), |sum, (x, v)| sum + *v * *x);
    partial.iter().fold(rest, |sum, x| sum + *x)
}
