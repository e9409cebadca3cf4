//! Equations in triangular matrices, and their adjoint.
//!
//! For X = L⁻¹ B, with G = L⁻ᵀ (adjoint of X): the adjoint of B is G, that of L the lower triangle
//! of -G Xᵀ. For X = L⁻ᵀ B, with G = L⁻¹ (adjoint of X), that of L is the lower triangle of -X Gᵀ.

use super::flat::Layout;
use super::lane::{Lane, add_scaled, dot};
use super::program::Cost;
use super::workspace::State;
use crate::graph::{Tag, TriangularSolve};
use std::ops::Range;

/// How many columns are solved together: what is read again and again stays in the cache.
const STRIP: usize = 64;

/// Equations with their places.
#[derive(Clone, Debug)]
pub(super) struct TriangularSolveStep {
    size: usize,
    count: usize,
    columns: usize,
    matrix: usize,
    shared: bool,
    input: usize,
    output: usize,
    transposed: bool,
    pub(super) tag: Tag,
}

impl TriangularSolveStep {
    pub(super) fn new(solve: &TriangularSolve, layout: &Layout) -> Self {
        TriangularSolveStep {
            size: solve.size,
            count: solve.count,
            columns: solve.columns,
            matrix: layout.slot(solve.matrix),
            shared: solve.shared,
            input: layout.slot(solve.input),
            output: layout.slot(solve.output),
            transposed: solve.transposed,
            tag: solve.tag,
        }
    }

    fn matrix(&self, item: usize) -> Range<usize> {
        let length = self.size * self.size;
        let start = self.matrix + if self.shared { 0 } else { item * length };
        start..start + length
    }

    /// The positions of the input and of the output.
    fn sides(&self, item: usize) -> [Range<usize>; 2] {
        let length = self.size * self.columns;
        [self.input, self.output].map(|start| {
            let start = start + item * length;
            start..start + length
        })
    }

    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        for item in 0..self.count {
            let [input, output] = self.sides(item);
            state.values.copy_within(input, output.start);
            let places = [self.matrix(item), output];
            let Ok([matrix, x]) = state.values.get_disjoint_mut(places) else { continue };
            solve(matrix, x, self.columns, self.transposed);
        }
    }

    /// Adds to the adjoints of B and L; uses up that of X.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        for item in 0..self.count {
            let [input, output] = self.sides(item);
            let matrix = &state.values[self.matrix(item)];
            solve(matrix, &mut state.adjoints[output.clone()], self.columns, !self.transposed);
            let x = &state.values[output.clone()];
            let sides = [input, output.clone()];
            if let Ok([to, g]) = state.adjoints.get_disjoint_mut(sides) {
                to.iter_mut().zip(g).for_each(|(to, g)| *to = *to + *g);
            }
            let places = [self.matrix(item), output];
            let Ok([to, g]) = state.adjoints.get_disjoint_mut(places) else { continue };
            match self.transposed {
                false => subtract_product(to, g, x, self.columns),
                true => subtract_product(to, x, g, self.columns),
            }
        }
    }

    pub(super) fn cost(&self) -> Cost {
        let row_operations = 3 * self.size * self.columns;
        Cost { tag: self.tag, rows: self.count * self.size, row_operations, operations: 0 }
    }
}

/// X becomes L⁻¹ X, or L⁻ᵀ X.
fn solve<T: Lane>(matrix: &[T], x: &mut [T], columns: usize, transposed: bool) {
    if columns == 1 {
        return solve_column(matrix, x, transposed);
    }
    let size = x.len() / columns.max(1);
    for first in (0..columns).step_by(STRIP) {
        let strip = first..columns.min(first + STRIP);
        for step in 0..size {
            let row = if transposed { size - 1 - step } else { step };
            let coefficients = &matrix[row * size..][..=row];
            let (above, rest) = x.split_at_mut(row * columns);
            let own = &mut rest[strip.clone()];
            let others = above.chunks_exact_mut(columns).zip(coefficients);
            if transposed {
                own.iter_mut().for_each(|x| *x = *x / coefficients[row]);
                others.for_each(|(other, c)| add_scaled(&mut other[strip.clone()], -*c, own));
            } else {
                others.for_each(|(other, c)| add_scaled(own, -*c, &other[strip.clone()]));
                own.iter_mut().for_each(|x| *x = *x / coefficients[row]);
            }
        }
    }
}

/// The same for a single column.
fn solve_column<T: Lane>(matrix: &[T], x: &mut [T], transposed: bool) {
    let size = x.len();
    for step in 0..size {
        let row = if transposed { size - 1 - step } else { step };
        let coefficients = &matrix[row * size..][..=row];
        let (above, rest) = x.split_at_mut(row);
        if transposed {
            rest[0] = rest[0] / coefficients[row];
            add_scaled(above, -rest[0], &coefficients[..row]);
        } else {
            rest[0] = (rest[0] - dot(&coefficients[..row], above)) / coefficients[row];
        }
    }
}

/// Subtracts the lower triangle of A Bᵀ from a square matrix.
fn subtract_product<T: Lane>(to: &mut [T], a: &[T], b: &[T], columns: usize) {
    let size = a.len() / columns.max(1);
    for row in 0..size {
        let to = &mut to[row * size..][..=row];
        if columns == 1 {
            add_scaled(to, -a[row], b);
            continue;
        }
        let own = &a[row * columns..][..columns];
        for (to, other) in to.iter_mut().zip(b.chunks_exact(columns.max(1))) {
            *to = *to - dot(own, other);
        }
    }
}
