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

/// output = the log density of each of `count` matrices of values under the normal distribution with
/// Cov(x_ij, x_kl) = R_ik C_jl + noise [i = k, j = l].
///
/// Only the lower triangles of R and C are read, and they alone have derivatives. Where the
/// covariance is not positive definite the log density is NaN.
#[derive(Clone, Debug)]
pub struct NoisyKronecker {
    /// The rows and columns of the values.
    pub extent: [usize; 2],
    /// How many matrices of values.
    pub count: usize,
    /// R and C: the first element of one, or of `count`.
    pub matrices: [Slot; 2],
    /// Whether there is one R, one C for all; else there is one for each.
    pub shared: [bool; 2],
    /// The first of `count` variances.
    pub noise: Slot,
    /// The first of count × rows × columns values.
    pub values: Slot,
    /// The first of `count` elements.
    pub output: Slot,
    /// The statement it came from.
    pub tag: Tag,
}

impl Model {
    pub(super) fn check_noisy_kronecker(&self, node: &NoisyKronecker) -> Option<Inconsistency> {
        let NoisyKronecker { extent, count, matrices, shared, noise, values, output, tag } = node;
        let square =
            |of: usize| product(&[extent[of], extent[of], if shared[of] { 1 } else { *count }]);
        let reads = [
            (matrices[0], square(0)),
            (matrices[1], square(1)),
            (*noise, *count),
            (*values, product(&[extent[0], extent[1], *count])),
        ];
        self.check_dense(&reads, (*output, *count), *tag)
    }

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
