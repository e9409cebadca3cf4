//! Factors of latent matrices, and equations in them.
//!
//! Matrices are row-major and square; several of one size follow each other.

use super::node::{BufferId, Inconsistency, Model, Slot, Tag};

/// output = L with L Lᵀ = input, for each of `count` symmetric matrices.
///
/// Only the lower triangle of the input is read, and it alone has derivatives; the upper triangle
/// of the output is 0. Where a matrix is not positive definite its factor is NaN.
#[derive(Clone, Debug)]
pub struct Cholesky {
    /// The number of rows.
    pub size: usize,
    /// How many matrices.
    pub count: usize,
    /// The first of count × size × size elements.
    pub input: Slot,
    /// The first of count × size × size elements.
    pub output: Slot,
    /// The statement it came from.
    pub tag: Tag,
}

/// output = L⁻¹ input, or L⁻ᵀ input, for each of `count` matrices on the right.
#[derive(Clone, Debug)]
pub struct TriangularSolve {
    /// The number of rows of L.
    pub size: usize,
    /// How many matrices on the right.
    pub count: usize,
    /// The columns of each.
    pub columns: usize,
    /// L, of which only the lower triangle is read: the first of size × size elements, or of
    /// count × size × size.
    pub matrix: Slot,
    /// Whether there is one L for all; else there is one for each.
    pub shared: bool,
    /// The first of count × size × columns elements.
    pub input: Slot,
    /// The first of count × size × columns elements.
    pub output: Slot,
    /// Whether Lᵀ is meant.
    pub transposed: bool,
    /// The statement it came from.
    pub tag: Tag,
}

impl Model {
    pub(super) fn check_cholesky(&self, cholesky: &Cholesky) -> Option<Inconsistency> {
        let Cholesky { size, count, input, output, tag } = cholesky;
        let length = product(&[*size, *size, *count]);
        self.check_dense(&[(*input, length)], (*output, length), *tag)
    }

    pub(super) fn check_triangular_solve(&self, solve: &TriangularSolve) -> Option<Inconsistency> {
        let TriangularSolve { size, count, columns, matrix, shared, input, output, .. } = solve;
        let square = product(&[*size, *size, if *shared { 1 } else { *count }]);
        let length = product(&[*size, *count, *columns]);
        self.check_dense(&[(*matrix, square), (*input, length)], (*output, length), solve.tag)
    }

    /// Checks a node that reads and writes consecutive elements.
    pub(super) fn check_dense(
        &self,
        reads: &[(Slot, usize)],
        write: (Slot, usize),
        tag: Tag,
    ) -> Option<Inconsistency> {
        let (output, length) = write;
        let fits =
            |(slot, length): &(Slot, usize)| self.contains(slot.buffer, slot.offset, *length);
        if output.buffer == BufferId::POINT {
            return Some(Inconsistency::WritesPoint(tag));
        }
        if !fits(&write) || !reads.iter().all(fits) {
            return Some(Inconsistency::OutOfBuffer(tag));
        }
        let meets = |(slot, size): &(Slot, usize)| {
            slot.buffer == output.buffer
                && slot.offset < output.offset + length
                && output.offset < slot.offset + size
        };
        reads.iter().any(meets).then_some(Inconsistency::WritesInput(tag))
    }
}

fn product(sizes: &[usize]) -> usize {
    sizes.iter().copied().fold(1, usize::saturating_mul)
}
