//! The LKJ distribution of correlation matrices (Lewandowski, Kurowicka and Joe 2009).

use super::{real, sum};
use crate::math::matrix;
use crate::math::scalar::Scalar;

/// ln π
const LN_PI: f64 = 1.144_729_885_849_400_2;

/// The logarithm of what makes det(Ω)^(η - 1) integrate to 1:
/// Σ_{k=1}^{n-1} (ln Γ(η + (n - 1)/2) - ln Γ(η + (n - 1 - k)/2) - (k/2) ln π)
pub(crate) fn lkj_constant<S: Scalar>(n: usize, eta: S) -> S {
    let most = (eta + 0.5 * (real(n) - 1.0)).ln_gamma();
    sum((1..n).map(|k| {
        let part = (eta + 0.5 * (real(n) - 1.0 - real(k))).ln_gamma();
        most - part - 0.5 * real(k) * LN_PI
    }))
}

/// The constant plus (η - 1) ln det Ω.
pub(super) fn lkj<S: Scalar>(n: usize, correlation: &[S], eta: S) -> S {
    let l = matrix::cholesky(n, correlation);
    lkj_constant(n, eta) + (eta - 1.0) * matrix::log_diagonal(n, &l) * 2.0
}

/// The constant plus Σ_k (n - k + 2 η - 2) ln L_kk, k from 1: the density of L Lᵀ times the
/// volume that L ↦ L Lᵀ takes below the diagonal, ∏ L_kk^(n - k).
pub(super) fn lkj_cholesky<S: Scalar>(n: usize, l: &[S], eta: S) -> S {
    let power = |k: usize| (eta - 1.0) * 2.0 + (real(n) - real(k) - 1.0);
    lkj_constant(n, eta) + sum((1..n).map(|k| power(k) * l[k * n + k].ln()))
}
