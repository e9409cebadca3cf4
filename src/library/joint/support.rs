//! Sets of several values: what a joint distribution can produce and what its parameters may be.

use crate::library::support::Support;
use crate::math::matrix;

/// How far sums and symmetric entries may be off, relative to their size.
const TOLERANCE: f64 = 1e-8;

/// The set of vectors or matrices that a joint variate or a parameter may be. Each names the free
/// coordinates that the volume of a density is measured in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VectorSupport {
    /// Every value on its own in this set; all are free.
    Each(Support),
    /// Strictly increasing; all are free.
    Ordered,
    /// Sums to 0; orthonormal coordinates of the hyperplane, in which K independent normal values
    /// given their sum are K - 1 with the same sd s: each value has sd s √(1 - 1/K).
    ZeroSum,
    /// Non-negative and sums to 1; all but the last are free.
    Simplex,
    /// Lower triangular with rows of length 1 and a positive diagonal; the entries below the
    /// diagonal are free.
    CholeskyCorrelation,
    /// Lower triangular with a positive diagonal; the entries on and below it are free.
    CholeskyFactor,
    /// Symmetric, positive definite, with ones on the diagonal; the entries below it are free.
    Correlation,
    /// Symmetric and positive definite; the entries on and below the diagonal are free.
    Covariance,
    /// Whole numbers, 0 or more, whose sum is given or taken as given.
    Counts,
}

impl VectorSupport {
    /// How many axes a value of the set must have: 1, or 2 of the same size.
    pub fn axes(self) -> usize {
        match self {
            VectorSupport::Each(_)
            | VectorSupport::Ordered
            | VectorSupport::ZeroSum
            | VectorSupport::Simplex
            | VectorSupport::Counts => 1,
            VectorSupport::CholeskyCorrelation
            | VectorSupport::CholeskyFactor
            | VectorSupport::Correlation
            | VectorSupport::Covariance => 2,
        }
    }

    /// The set in words.
    pub fn words(self) -> &'static str {
        match self {
            VectorSupport::Each(_) => "vectors",
            VectorSupport::Ordered => "increasing vectors",
            VectorSupport::ZeroSum => "vectors that sum to 0",
            VectorSupport::Simplex => "probabilities that sum to 1",
            VectorSupport::CholeskyCorrelation => "Cholesky factors of correlation matrices",
            VectorSupport::CholeskyFactor => "Cholesky factors of covariance matrices",
            VectorSupport::Correlation => "correlation matrices",
            VectorSupport::Covariance => "covariance matrices",
            VectorSupport::Counts => "counts",
        }
    }

    /// Whether the values are whole numbers.
    pub fn is_discrete(self) -> bool {
        match self {
            VectorSupport::Each(support) => support.is_discrete(),
            VectorSupport::Counts => true,
            VectorSupport::Ordered
            | VectorSupport::ZeroSum
            | VectorSupport::Simplex
            | VectorSupport::CholeskyCorrelation
            | VectorSupport::CholeskyFactor
            | VectorSupport::Correlation
            | VectorSupport::Covariance => false,
        }
    }

    /// Whether finite values, in row order, belong to the set; sums and symmetry within 1e-8.
    pub fn contains(self, x: &[f64]) -> bool {
        let finite = x.iter().all(|v| v.is_finite());
        let total: f64 = x.iter().sum();
        finite
            && match self {
                VectorSupport::Each(support) => x.iter().all(|&v| support.contains(v, &[])),
                VectorSupport::Ordered => x.is_sorted_by(|a, b| a < b),
                VectorSupport::ZeroSum => {
                    let size: f64 = x.iter().map(|v| v.abs()).sum();
                    total.abs() <= TOLERANCE * size.max(1.0)
                }
                VectorSupport::Simplex => {
                    x.iter().all(|&v| v >= 0.0) && (total - 1.0).abs() <= TOLERANCE
                }
                VectorSupport::CholeskyCorrelation => is_triangular(x) && is_unit_length_in_rows(x),
                VectorSupport::CholeskyFactor => is_triangular(x),
                VectorSupport::Correlation => {
                    let unit = diagonal(x).all(|v| (v - 1.0).abs() <= TOLERANCE);
                    unit && is_positive_definite(x)
                }
                VectorSupport::Covariance => is_positive_definite(x),
                VectorSupport::Counts => x.iter().all(|&v| v >= 0.0 && v.fract() == 0.0),
            }
    }
}

/// The number of rows of a square matrix; 0 where the values are not one.
fn rows(x: &[f64]) -> usize {
    let n = x.len().isqrt();
    if n * n == x.len() { n } else { 0 }
}

fn diagonal(x: &[f64]) -> impl Iterator<Item = f64> {
    x.iter().copied().step_by(rows(x) + 1)
}

fn is_triangular(x: &[f64]) -> bool {
    let n = rows(x);
    let above = |(i, row): (usize, &[f64])| row.iter().skip(i + 1).all(|&v| v == 0.0);
    n > 0 && diagonal(x).all(|v| v > 0.0) && x.chunks(n).enumerate().all(above)
}

fn is_unit_length_in_rows(x: &[f64]) -> bool {
    let n = rows(x);
    let length = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>();
    n > 0 && x.chunks(n).all(|row| (length(row) - 1.0).abs() <= TOLERANCE)
}

fn is_positive_definite(x: &[f64]) -> bool {
    let n = rows(x);
    if n == 0 {
        return false;
    }
    let size = diagonal(x).fold(0.0, f64::max);
    let symmetric = |k: usize| (x[k] - x[k % n * n + k / n]).abs() <= TOLERANCE * size;
    (0..x.len()).all(symmetric) && matrix::log_diagonal(n, &matrix::cholesky(n, x)).is_finite()
}
