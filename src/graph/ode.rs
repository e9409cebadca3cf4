//! Solutions of ordinary differential equations.

use super::expression::Expression;
use super::node::{BufferId, Inconsistency, Model, Slot, Tag};
use std::sync::Arc;

/// Stores y(t) at given times, where y′ = f(y, θ, t) and y(start) = `initial`.
///
/// Where the equations cannot be solved, the solution is NaN from that time on.
#[derive(Clone, Debug)]
pub struct Ode {
    /// f, with one output per state. [`Leaf::Input`](super::Leaf::Input) k is state k for
    /// k < n, then the parameters, then the time; there are no columns.
    pub equations: Expression,
    /// n, the number of states.
    pub states: usize,
    /// The element that holds each parameter θ.
    pub parameters: Vec<(BufferId, usize)>,
    /// The element that holds each state at the start.
    pub initial: Vec<(BufferId, usize)>,
    /// The time of the initial states.
    pub start: f64,
    /// Ascending, none before the start.
    pub times: Arc<[f64]>,
    /// The first of times × states elements, row-major.
    pub output: Slot,
    /// Whether to use an implicit method, whose steps need not be short where the equations are
    /// stiff.
    pub stiff: bool,
    /// The error of a step relative to a state or sensitivity.
    pub relative_tolerance: f64,
    /// The error of a step that is allowed for numbers near 0.
    pub absolute_tolerance: f64,
    /// The most steps between two times.
    pub max_steps: usize,
    /// The statement it came from.
    pub tag: Tag,
}

impl Model {
    pub(super) fn check_ode(&self, ode: &Ode) -> Option<Inconsistency> {
        let Ode { equations, states, parameters, initial, times, output, tag, .. } = ode;
        let inputs = states + parameters.len() + 1;
        if equations.outputs.len() != *states || !equations.is_closed(inputs, 0) {
            return Some(Inconsistency::WrongBody(*tag));
        }
        let from = std::iter::once(&ode.start).chain(times.iter());
        let ascending = from.clone().zip(times.iter()).all(|(before, after)| before <= after);
        let finite = from.clone().all(|time| time.is_finite());
        if initial.len() != *states || !ascending || !finite {
            return Some(Inconsistency::WrongLength(*tag));
        }
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if !positive(ode.relative_tolerance) || !positive(ode.absolute_tolerance) {
            return Some(Inconsistency::WrongTolerance(*tag));
        }
        let reads: Vec<(Slot, usize)> = parameters
            .iter()
            .chain(initial)
            .map(|(buffer, offset)| (Slot { buffer: *buffer, offset: *offset }, 1))
            .collect();
        self.check_dense(&reads, (*output, states.saturating_mul(times.len())), *tag)
    }
}
