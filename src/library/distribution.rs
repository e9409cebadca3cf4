//! Distribution families: each declared once, in `continuous`, `positive` or `discrete`, and
//! everything else about it derived from the declaration.
//!
//! A log density is a function of one value and its parameters over any scalar, fully normalised,
//! without a branch on values. Outside a support that names parameters it is negative infinity;
//! invalid parameters give NaN or negative infinity, never a panic.

#[macro_use]
mod continuous;
#[macro_use]
mod declare;
#[macro_use]
mod discrete;
mod formula;
#[macro_use]
mod positive;
mod mass;
mod truncated;

use rand::{Rng, RngExt};
use rand_distr::{Exp1, StandardNormal};

use formula::*;
pub use mass::MAX_SUMMED;

use super::support::Bound::{Parameter as Named, Value};
use super::support::Support::{self, *};
use crate::math::composite::{
    ln_beta, ln_cauchy_survival, ln_choose, ln_incomplete_gamma, ln_laplace_cdf, log_diff_exp,
    log_sum_exp, logit,
};
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::scalar::{Scalar, Unary};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, LN_2, PI};

/// A named family of distributions with one or more parameterizations.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it describes.
    pub doc: &'static str,
    /// Whether arguments must be named, because their order is a known source of mistakes.
    pub named_only: bool,
    /// The positions of location and scale, where shifting and scaling the variate is the same
    /// as shifting and scaling these two. The same in every parameterization.
    pub location_scale: Option<(usize, usize)>,
    /// Told apart by the names of their parameters; the first takes positional arguments.
    pub parameterizations: &'static [Parameterization],
}

/// One choice of parameters of a family.
#[derive(Clone, Copy, Debug)]
pub struct Parameterization {
    /// The log density formula and what goes with it.
    pub density: Density,
    /// The parameters in positional order.
    pub parameters: &'static [Parameter],
    /// What the variate can be.
    pub variate: Support,
    /// The log density as a formula.
    pub doc: &'static str,
}

/// A parameter of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it may be; a bound may name an earlier parameter.
    pub support: Support,
    /// What it means.
    pub doc: &'static str,
}

/// A sampler was given parameters outside their supports, or a distribution that has none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot draw from {density:?} with parameters {parameters:?}")]
pub struct InvalidParameters {
    /// The distribution that was asked.
    pub density: Density,
    /// The parameters that it was given.
    pub parameters: Vec<f64>,
}

/// A family whose declaration sets only what differs.
const PLAIN: Family =
    Family { name: "", doc: "", named_only: false, location_scale: None, parameterizations: &[] };

/// The parameters as an array; a missing one is NaN.
fn take<S: Scalar, const N: usize>(parameters: &[S]) -> [S; N] {
    std::array::from_fn(|i| parameters.get(i).copied().unwrap_or(S::constant(f64::NAN)))
}

continuous! { positive discrete families }
