//! Unconstrained real numbers to the values of a constrained latent, and back.
//!
//! The conventions are Stan's, so that unconstrained log densities agree. One match per
//! direction; a bijector has no state, and bounds may depend on other latents.

pub mod recurrence;
pub mod vector;

use super::scalar::Scalar;

/// A smooth one-to-one map from the real line onto an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bijector {
    /// x = u
    Identity,
    /// x = lower + e^u, onto (lower, ∞)
    Lower,
    /// x = upper - e^u, onto (-∞, upper)
    Upper,
    /// x = lower + (upper - lower) / (1 + e^-u), onto (lower, upper)
    Interval,
}

impl Bijector {
    /// The bijector onto an interval with or without a finite end on either side.
    pub fn onto(has_lower: bool, has_upper: bool) -> Self {
        match (has_lower, has_upper) {
            (false, false) => Bijector::Identity,
            (true, false) => Bijector::Lower,
            (false, true) => Bijector::Upper,
            (true, true) => Bijector::Interval,
        }
    }

    /// The constrained x of an unconstrained u. A bound that the shape has not is ignored.
    pub fn constrain<S: Scalar>(self, u: S, lower: S, upper: S) -> S {
        match self {
            Bijector::Identity => u,
            Bijector::Lower => u.exp() + lower,
            Bijector::Upper => upper - u.exp(),
            Bijector::Interval => (upper - lower) * u.sigmoid() + lower,
        }
    }

    /// ln |dx/du| at the unconstrained u; for an interval ln(upper - lower) + u - 2 ln(1 + e^u).
    pub fn log_jacobian<S: Scalar>(self, u: S, lower: S, upper: S) -> S {
        match self {
            Bijector::Identity => S::constant(0.0),
            Bijector::Lower | Bijector::Upper => u,
            Bijector::Interval => (upper - lower).ln() + u - u.softplus() * 2.0,
        }
    }

    /// The unconstrained u of a constrained x; infinite at an end, NaN outside.
    pub fn unconstrain(self, x: f64, lower: f64, upper: f64) -> f64 {
        match self {
            Bijector::Identity => x,
            Bijector::Lower => (x - lower).ln(),
            Bijector::Upper => (upper - x).ln(),
            Bijector::Interval => (x - lower).ln() - (upper - x).ln(),
        }
    }
}
