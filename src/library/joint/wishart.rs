//! The Wishart distributions of covariance matrices and their inverses.

use std::f64::consts::LN_2;

use super::normal::squares;
use super::{real, sum};
use crate::math::matrix;
use crate::math::scalar::Scalar;

/// ln √π
const LN_SQRT_PI: f64 = 0.572_364_942_924_700_1;

/// ln Γ_n(a) = n(n - 1)/4 ln π + Σ_{j<n} ln Γ(a - j/2)
fn ln_multivariate_gamma<S: Scalar>(n: usize, a: S) -> S {
    let constant = 0.5 * real(n) * (real(n) - 1.0) * LN_SQRT_PI;
    sum((0..n).map(|j| (a - 0.5 * real(j)).ln_gamma())) + constant
}

/// NaN unless df > n - 1.
fn degrees<S: Scalar>(n: usize, df: S) -> S {
    S::select(S::constant(real(n) - 1.0).less(df), df, S::constant(f64::NAN))
}

/// |L⁻¹ M|², the sum of all squares, for lower triangular L and M: tr((L Lᵀ)⁻¹ M Mᵀ).
fn trace<S: Scalar>(n: usize, l: &[S], m: &[S]) -> S {
    let columns = matrix::columns(n, m);
    sum(columns.iter().map(|column| squares(&matrix::solve_lower(n, l, column))))
}

/// ((df - n - 1) ln|X| - df ln|V| - tr(V⁻¹ X) - df n ln 2)/2 - ln Γ_n(df/2)
pub(super) fn wishart<S: Scalar>(n: usize, x: &[S], df: S, scale: &[S]) -> S {
    let df = degrees(n, df);
    let (l, v) = (matrix::cholesky(n, x), matrix::cholesky(n, scale));
    (df - (real(n) + 1.0)) * matrix::log_diagonal(n, &l)
        - df * matrix::log_diagonal(n, &v)
        - trace(n, &v, &l) * 0.5
        - df * (0.5 * real(n) * LN_2)
        - ln_multivariate_gamma(n, df * 0.5)
}

/// (df ln|V| - (df + n + 1) ln|X| - tr(V X⁻¹) - df n ln 2)/2 - ln Γ_n(df/2)
pub(super) fn inverse_wishart<S: Scalar>(n: usize, x: &[S], df: S, scale: &[S]) -> S {
    let df = degrees(n, df);
    let (l, v) = (matrix::cholesky(n, x), matrix::cholesky(n, scale));
    df * matrix::log_diagonal(n, &v)
        - (df + (real(n) + 1.0)) * matrix::log_diagonal(n, &l)
        - trace(n, &l, &v) * 0.5
        - df * (0.5 * real(n) * LN_2)
        - ln_multivariate_gamma(n, df * 0.5)
}
