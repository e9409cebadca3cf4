//! Log densities of the multivariate normal, Student t and matrix normal families.
//!
//! Every form is brought to z, the variate moved and scaled to have the identity for its
//! covariance, and to the logarithm of the volume that this takes.

use std::f64::consts::PI;

use super::{at, one, real, sum};
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::matrix;
use crate::math::scalar::Scalar;

/// A variate in standard units.
pub(super) struct Standard<S> {
    /// z = M (x - mean)
    z: Vec<S>,
    /// -ln det M
    log_volume: S,
}

/// x - mean
fn centered<S: Scalar>(x: &[S], mean: &[S]) -> Vec<S> {
    x.iter().enumerate().map(|(i, &x)| x - at(mean, i)).collect()
}

/// z = L⁻¹ (x - mean) for a covariance L Lᵀ.
pub(super) fn by_cholesky<S: Scalar>(x: &[S], mean: &[S], l: &[S]) -> Standard<S> {
    let n = x.len();
    Standard {
        z: matrix::solve_lower(n, l, &centered(x, mean)),
        log_volume: matrix::log_diagonal(n, l),
    }
}

/// [`by_cholesky`] with the Cholesky factor of the covariance.
pub(super) fn by_covariance<S: Scalar>(x: &[S], mean: &[S], covariance: &[S]) -> Standard<S> {
    by_cholesky(x, mean, &matrix::cholesky(x.len(), covariance))
}

/// z = Lᵀ (x - mean) for a precision L Lᵀ.
pub(super) fn by_precision<S: Scalar>(x: &[S], mean: &[S], precision: &[S]) -> Standard<S> {
    let n = x.len();
    let l = matrix::cholesky(n, precision);
    Standard {
        z: matrix::multiply_upper(n, &l, &centered(x, mean)),
        log_volume: -matrix::log_diagonal(n, &l),
    }
}

/// z = L⁻¹ ((x - mean) / sd) for a correlation L Lᵀ.
pub(super) fn by_scales<S: Scalar>(x: &[S], mean: &[S], sd: &[S], l: &[S]) -> Standard<S> {
    let n = x.len();
    let scaled = centered(x, mean).into_iter().enumerate().map(|(i, x)| x / at(sd, i));
    Standard {
        z: matrix::solve_lower(n, l, &scaled.collect::<Vec<_>>()),
        log_volume: matrix::log_diagonal(n, l) + sum((0..n).map(|i| at(sd, i).ln())),
    }
}

/// -|z|² / 2 - ln volume - n ln √(2π)
pub(super) fn normal<S: Scalar>(x: Standard<S>) -> S {
    let n = real(x.z.len());
    squares(&x.z) * -0.5 - x.log_volume - n * LN_SQRT_TAU
}

/// ln Γ((df + n)/2) - ln Γ(df/2) - n/2 ln(π df) - ln volume - (df + n)/2 ln(1 + |z|²/df)
pub(super) fn student_t<S: Scalar>(df: &[S], x: Standard<S>) -> S {
    let (df, n) = (one(df), real(x.z.len()));
    let half = (df + n) * 0.5;
    let constant = half.ln_gamma() - (df * 0.5).ln_gamma() - (df * PI).ln() * (0.5 * n);
    constant - x.log_volume - half * (squares(&x.z) / df).log1p()
}

/// Σ zᵢ²
pub(super) fn squares<S: Scalar>(z: &[S]) -> S {
    sum(z.iter().map(|z| z.square()))
}

/// The matrix normal without noise: tr(R⁻¹ X C⁻¹ Xᵀ) through the factors of R and C alone.
pub(super) fn kronecker<S: Scalar>(rows: usize, columns: usize, x: &[S], r: &[S], c: &[S]) -> S {
    let (l, k) = (matrix::cholesky(rows, r), matrix::cholesky(columns, c));
    let across = x.chunks(columns).flat_map(|row| matrix::solve_lower(columns, &k, row));
    let across: Vec<S> = across.collect();
    let down = matrix::columns(columns, &across);
    let z = down.iter().flat_map(|column| matrix::solve_lower(rows, &l, column)).collect();
    let log_volume = matrix::log_diagonal(rows, &l) * real(columns)
        + matrix::log_diagonal(columns, &k) * real(rows);
    normal(Standard { z, log_volume })
}

/// The matrix normal with noise: the covariance of all values together,
/// Cov(x_ij, x_kl) = R_ik C_jl + noise_var [i = k, j = l].
pub(super) fn noisy_kronecker<S: Scalar>(
    columns: usize,
    x: &[S],
    r: &[S],
    c: &[S],
    noise_var: &[S],
) -> S {
    let n = x.len();
    let rows = n / columns;
    let entry = |position: usize| {
        let (a, b) = (position / n, position % n);
        let product = r[a / columns * rows + b / columns] * c[a % columns * columns + b % columns];
        if a == b { product + one(noise_var) } else { product }
    };
    let covariance: Vec<S> = (0..n * n).map(entry).collect();
    normal(by_covariance(x, &[S::constant(0.0)], &covariance))
}
