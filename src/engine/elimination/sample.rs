//! The variables that were summed out, given the point: joint samples and marginals.

use super::batch::Batch;
use super::tile::{Given, Lanes, Row, Sink, Tile};
use super::{Backward, EliminationStep};
use crate::engine::isa::Task;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::workspace::{State, Workspace};
use crate::graph::Tag;
use crate::math::straight::Arithmetic;
use rand::{Rng, RngExt};

/// The posterior of the finite variables of a model at a point, z | θ, y.
#[derive(Debug)]
pub struct Assignments<'w> {
    eliminations: Vec<&'w EliminationStep>,
    state: &'w mut State<f64>,
}

impl Program {
    /// Evaluates at an unconstrained point and keeps what the finite variables depend on.
    pub fn assignments<'w>(
        &'w self,
        workspace: &'w mut Workspace,
        point: &[f64],
    ) -> Assignments<'w> {
        let state = &mut workspace.plain;
        self.begin(state, point.iter().copied());
        self.steps.iter().for_each(|step| step.evaluate(state));
        let eliminations = self.steps.iter().filter_map(|step| match step {
            Step::Elimination(elimination) => Some(elimination),
            Step::Density(_)
            | Step::Map(_)
            | Step::Product(_)
            | Step::Recurrence(_)
            | Step::Cholesky(_)
            | Step::TriangularSolve(_)
            | Step::NoisyKronecker(_)
            | Step::Ode(_) => None,
        });
        Assignments { eliminations: eliminations.collect(), state }
    }
}

impl Assignments<'_> {
    /// The statements of the eliminations, in the order of the model's nodes.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.eliminations.iter().map(|elimination| elimination.tag)
    }

    /// How many states the variables of an elimination have; nothing for one that does not exist.
    pub fn sizes(&self, elimination: usize) -> &[u32] {
        self.eliminations.get(elimination).map_or(&[], |elimination| &elimination.sizes)
    }

    /// Draws the states of all variables of an elimination together. Returns whether there is
    /// anything to draw from: all assignments may be impossible at the point, or NaN.
    pub fn sample(&mut self, elimination: usize, rng: &mut impl Rng, states: &mut [u32]) -> bool {
        let Some(elimination) = self.eliminations.get(elimination) else { return false };
        let drawable = elimination.first_bad_root(self.state).is_none();
        if !drawable || states.len() != elimination.sizes.len() {
            return false;
        }
        let isa = self.state.isa;
        for batch in elimination.batches.iter().rev() {
            for item in (0..batch.len()).rev() {
                let State { values, memory, strips, .. } = &mut *self.state;
                let given = Given { values, messages: &memory[elimination.memory..] };
                let assignment = batch.assignment(item, states);
                let (planes, message) = strips.split_at_mut(batch.states);
                isa.run(Condition { batch, item, assignment, given, planes, message });
                let mut left: f64 = rng.random();
                let mut chosen = None;
                for (state, [probability, ..]) in strips[..batch.states].iter().enumerate() {
                    // Rounding may leave something over; it goes to the last possible state.
                    if *probability > 0.0 && left >= 0.0 {
                        chosen = Some(state as u32);
                        left -= probability;
                    }
                }
                states[batch.variable(item)] = chosen.unwrap_or(0);
            }
        }
        true
    }

    /// The probabilities of all states of the first variable of an elimination, then of the
    /// second, …; 0 where all assignments are impossible.
    pub fn marginals(&mut self, elimination: usize) -> Vec<f64> {
        let Some(elimination) = self.eliminations.get(elimination) else { return Vec::new() };
        let mut starts = Vec::with_capacity(elimination.sizes.len());
        let mut end = 0;
        for size in &elimination.sizes {
            starts.push(end);
            end += *size as usize;
        }
        let mut marginals = vec![0.0; end];
        let state = &mut *self.state;
        let sink = Marginals { starts: &starts, marginals: &mut marginals };
        state.isa.run(Backward { step: elimination, state, sink });
        marginals
    }
}

/// Computes the probability of every state of the variable of a step, given the states of its scope: the
/// first number of as many vectors.
struct Condition<'a> {
    batch: &'a Batch,
    item: usize,
    assignment: usize,
    given: Given<'a, f64>,
    planes: &'a mut [Lanes],
    message: &'a mut [Lanes],
}

impl Task for Condition<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Condition { batch, item, assignment, given, planes, message } = self;
        let tile = Tile { items: item..item + 1, first: assignment, columns: 1, kept: None };
        batch.weigh::<A, f64>(&tile, given, planes, message);
    }
}

/// The posterior probabilities of the states of all variables, and where those of each begin.
struct Marginals<'a> {
    starts: &'a [usize],
    marginals: &'a mut [f64],
}

impl Sink for Marginals<'_> {
    #[inline(always)]
    fn add(&mut self, batch: &Batch, row: &Row<'_>) {
        self.marginals[self.starts[batch.variable(row.item)] + row.state] += row.sum;
    }
}
