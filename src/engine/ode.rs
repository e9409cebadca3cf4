//! Solves differential equations together with their sensitivities.
//!
//! Beside the states y, the equations of S = ∂y/∂(θ, y₀) are integrated: S′ = (∂f/∂y) S + ∂f/∂θ.
//! Rows of S at the output times are kept, so that the adjoint of the node is Sᵀ times that of its
//! output. The explicit method interpolates between its steps, the implicit one lands on the
//! output times. Both the states and every column of S are held to the tolerances; a value without
//! derivatives takes the steps that the states alone need.

mod explicit;
mod implicit;
mod lu;
mod problem;
mod tableau;

use super::flat::Layout;
use super::lane::Lane;
use super::program::{Cost, Options};
use super::workspace::{Extent, State};
use crate::graph::{Ode, Tag};
use explicit::Explicit;
use implicit::Implicit;
use problem::{Method, Problem, Step, System, Tolerances};
use std::ops::Range;
use std::sync::Arc;

/// Differential equations with their places.
#[derive(Clone, Debug)]
pub(super) struct OdeStep {
    system: System,
    parameters: Vec<usize>,
    initial: Vec<usize>,
    start: f64,
    times: Arc<[f64]>,
    output: usize,
    stiff: bool,
    tolerances: Tolerances,
    max_steps: usize,
    /// Where the sensitivities begin: times × states × (parameters, then initial states).
    memory: usize,
    pub(super) tag: Tag,
}

impl OdeStep {
    pub(super) fn new(ode: &Ode, layout: &Layout, options: &Options) -> Self {
        let place = |(buffer, offset): &(_, usize)| layout.range(*buffer).start + offset;
        OdeStep {
            system: System::new(ode, &options.differentiation),
            parameters: ode.parameters.iter().map(place).collect(),
            initial: ode.initial.iter().map(place).collect(),
            start: ode.start,
            times: ode.times.clone(),
            output: layout.slot(ode.output),
            stiff: ode.stiff,
            tolerances: Tolerances {
                relative: ode.relative_tolerance,
                absolute: ode.absolute_tolerance,
            },
            max_steps: ode.max_steps,
            memory: 0,
            tag: ode.tag,
        }
    }

    /// Parameters, then initial states.
    fn directions(&self) -> usize {
        self.parameters.len() + self.initial.len()
    }

    /// Stores the states.
    pub(super) fn evaluate<T: Lane>(&self, state: &mut State<T>) {
        self.solve(state, 1);
    }

    /// Stores the states and keeps the sensitivities.
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        self.solve(state, 1 + self.directions());
    }

    /// Solves for a matrix with one row per state: the state, then its sensitivities if the width
    /// has room for them.
    fn solve<T: Lane>(&self, state: &mut State<T>, width: usize) {
        let State { values, memory, scratch, reals, pivots, .. } = state;
        let states = self.initial.len();
        if states == 0 {
            return;
        }
        let size = states * width;
        let (parameters, rest) = scratch.split_at_mut(self.parameters.len());
        let (numbers, rest) = rest.split_at_mut(self.system.numbers());
        let (y, rest) = rest.split_at_mut(size);
        let (next, rest) = rest.split_at_mut(size);
        let (other, rest) = rest.split_at_mut(size);
        for (to, from) in parameters.iter_mut().zip(&self.parameters) {
            *to = values[*from];
        }
        y.fill(T::constant(0.0));
        for (i, from) in self.initial.iter().enumerate() {
            y[i * width] = values[*from];
            if width > 1 {
                y[i * width + 1 + self.parameters.len() + i] = T::constant(1.0);
            }
        }
        let system = &self.system;
        let tolerances = self.tolerances;
        let mut problem = Problem { system, tolerances, width, parameters, numbers };
        let mut store = |time: usize, y: &[T]| {
            for i in 0..states {
                let row = &y[i * width..][..width];
                values[self.output + time * states + i] = row[0];
                let at = self.memory + (time * states + i) * self.directions();
                memory[at..at + width - 1].copy_from_slice(&row[1..]);
            }
        };
        let solved = if self.stiff {
            let mut method = Implicit::new(rest, reals, pivots, states, width);
            self.follow(&mut problem, &mut method, [y, next, other], &mut store)
        } else {
            let mut method = Explicit::new(rest, size);
            self.follow(&mut problem, &mut method, [y, next, other], &mut store)
        };
        y.fill(T::constant(f64::NAN));
        (solved..self.times.len()).for_each(|time| store(time, y));
    }

    /// Steps through the times, and returns how many of them were reached.
    fn follow<T: Lane>(
        &self,
        problem: &mut Problem<'_, T>,
        method: &mut impl Method<T>,
        [y, next, scratch]: [&mut [T]; 3],
        mut store: impl FnMut(usize, &[T]),
    ) -> usize {
        let mut now = self.start;
        let end = self.times.last().copied().unwrap_or(now);
        let mut step = method.begin(problem, now, end, y, next);
        let mut reached = self.times.partition_point(|time| *time <= now);
        (0..reached).for_each(|position| store(position, y));
        let mut tries = 0;
        while let Some(time) = self.times.get(reached) {
            tries += 1;
            let goal = if method.lands() { *time } else { end };
            let left = goal - now;
            // Two equal steps rather than a long and a very short one.
            let length = if step >= left { left } else { step.min((left * 0.5).max(step * 0.5)) };
            if tries > self.max_steps || now + length == now || !length.is_finite() {
                return reached;
            }
            let error = method.attempt(problem, now, length, y, next);
            let factor = problem::growth(error, method.order());
            if error.is_nan() || error > 1.0 {
                step = length * factor.min(1.0);
                continue;
            }
            let after = if length == left { goal } else { now + length };
            let first = reached;
            reached += self.times[first..].partition_point(|time| *time <= after);
            if reached > first {
                let taken = Step { start: now, end: after, y, next };
                method.report(problem, &taken, &self.times[first..reached], scratch, |k, y| {
                    store(first + k, y);
                });
                tries = 0;
            }
            now = after;
            y.copy_from_slice(next);
            method.accept();
            // A step that was cut short says little about the next.
            step = if length < step { step.max(length * factor) } else { length * factor };
        }
        reached
    }

    /// Adds Sᵀ times the adjoints of the states.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        let count = self.times.len() * self.initial.len();
        for row in 0..count {
            let adjoint = state.adjoints[self.output + row];
            if adjoint.is_zero() {
                continue;
            }
            let sensitivities = &state.memory[self.memory + row * self.directions()..];
            let places = self.parameters.iter().chain(&self.initial);
            for (place, sensitivity) in places.zip(sensitivities) {
                state.adjoints[*place] = state.adjoints[*place] + adjoint * *sensitivity;
            }
        }
    }

    /// How many steps there will be is not known; ten are counted for each time.
    pub(super) fn cost(&self) -> Cost {
        let evaluations = 10 * if self.stiff { 3 * 4 } else { tableau::STAGES };
        Cost {
            tag: self.tag,
            rows: self.times.len(),
            row_operations: evaluations * self.system.operations(),
            operations: 0,
        }
    }

    pub(super) fn extend(&mut self, extent: &mut Extent) {
        let states = self.initial.len();
        let size = states * (1 + self.directions());
        self.memory = extent.memory;
        extent.memory += self.times.len() * states * self.directions();
        let method = if self.stiff { implicit::NUMBERS } else { explicit::NUMBERS };
        let numbers = self.parameters.len() + self.system.numbers() + (3 + method) * size;
        extent.scratch = extent.scratch.max(numbers);
        if self.stiff {
            let Range { end, .. } = implicit::matrices(states);
            extent.reals = extent.reals.max(end);
            extent.pivots = extent.pivots.max(implicit::pivots(states));
        }
    }
}
