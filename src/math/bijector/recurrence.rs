//! The vector transforms as recurrences: from one coordinate and one running number to one value.
//!
//! A run takes its coordinates one after the other; values that are left without a coordinate are
//! given by [`Run::last`]. The number [`Run::start`] begins with, each step's `left` and the
//! formulas of the steps are all there is to a transform.

use std::f64::consts::LN_2;

use crate::math::scalar::Scalar;

/// A way to run along the values of a vector or of a row of a matrix. s is the running number,
/// u the coordinate, n what is `left`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Run {
    /// Parts of a stick of length eˢ: x = eˢ z with z = 1 / (1 + e^-(u - ln n)), where n values
    /// come after this one; s′ = s + ln(1 - z), ln |J| = s + ln z + ln(1 - z). Starts at 0; the
    /// last value is eˢ.
    Stick,
    /// Borders of the parts of a stick between two bounds: [`Run::Stick`] where n values come from
    /// this one on, with x = upper - e^s′. Starts at ln(upper - lower).
    Border,
    /// x = s + eᵘ, s′ = x, ln |J| = u. Starts at the lower bound.
    Rise,
    /// x = s - eᵘ, s′ = x, ln |J| = u. Starts at the upper bound, with the last value.
    Fall,
    /// Contrasts of the n values that come after this one in the run: with w = u / √(n(n + 1)),
    /// x = s - n w and s′ = s + w. Orthonormal: ln |J| = 0. Starts at 0, with the last value; the
    /// one that is left is s.
    Contrast,
    /// Parts of a row of length e^(s/2): x = e^(s/2) tanh u, s′ = s + ln(1 - tanh² u),
    /// ln |J| = s/2 + ln(1 - tanh² u). Starts at 0; the last value is e^(s/2).
    Row,
}

/// What a step gives.
#[derive(Clone, Copy, Debug)]
pub struct Step<S> {
    /// The constrained value x.
    pub value: S,
    /// The running number for the next step.
    pub state: S,
    /// What the step adds to the log-Jacobian.
    pub log_jacobian: S,
}

impl Run {
    /// The running number before the first step. Bounds that the run has not are ignored.
    pub fn start<S: Scalar>(self, lower: S, upper: S) -> S {
        match self {
            Run::Stick | Run::Contrast | Run::Row => S::constant(0.0),
            Run::Border => (upper - lower).ln(),
            Run::Rise => lower,
            Run::Fall => upper,
        }
    }

    /// One value from its coordinate; `left` counts values as the run says, from 1.
    pub fn step<S: Scalar>(self, u: S, state: S, left: S, upper: S) -> Step<S> {
        match self {
            Run::Stick | Run::Border => {
                let u = u - left.ln();
                let (part, rest) = (state - (-u).softplus(), state - u.softplus());
                let value = match self {
                    Run::Border => upper - rest.exp(),
                    Run::Stick | Run::Rise | Run::Fall | Run::Contrast | Run::Row => part.exp(),
                };
                Step { value, state: rest, log_jacobian: part - u.softplus() }
            }
            Run::Rise => {
                let value = state + u.exp();
                Step { value, state: value, log_jacobian: u }
            }
            Run::Fall => {
                let value = state - u.exp();
                Step { value, state: value, log_jacobian: u }
            }
            Run::Contrast => {
                let w = u / (left * (left + 1.0)).sqrt();
                let value = state - left * w;
                Step { value, state: state + w, log_jacobian: S::constant(0.0) }
            }
            Run::Row => {
                let used = ln_sech_squared(u);
                let length = state * 0.5;
                let value = length.exp() * u.tanh();
                Step { value, state: state + used, log_jacobian: length + used }
            }
        }
    }

    /// The value that is left without a coordinate after all steps, if there is one.
    pub fn last<S: Scalar>(self, state: S) -> Option<S> {
        match self {
            Run::Stick => Some(state.exp()),
            Run::Contrast => Some(state),
            Run::Row => Some((state * 0.5).exp()),
            Run::Border | Run::Rise | Run::Fall => None,
        }
    }
}

/// ln(1 - tanh² u) = 2 (ln 2 + u - ln(1 + e^2u))
fn ln_sech_squared<S: Scalar>(u: S) -> S {
    (u + LN_2 - (u * 2.0).softplus()) * 2.0
}
