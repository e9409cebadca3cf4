//! The intrinsic conditional autoregression on the edges of a graph.

use super::{Extent, real, sum};
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::scalar::Scalar;

/// -Σ (xᵢ - xⱼ)² / 2 over the edges i, j
pub(super) fn differences<S: Scalar>(extent: Extent, x: &[S]) -> S {
    sum(extent.edges.iter().map(|&[i, j]| (x[i] - x[j]).square())) * -0.5
}

/// The log density of Σ xᵢ under Normal(0, soft_zero_sum n).
pub(super) fn soft_zero_sum<S: Scalar>(x: &[S], soft_zero_sum: S) -> S {
    let sd = soft_zero_sum * real(x.len());
    (sum(x.iter().copied()) / sd).square() * -0.5 - sd.ln() - LN_SQRT_TAU
}
