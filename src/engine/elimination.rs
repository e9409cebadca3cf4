//! Sums finite variables out: messages forwards, posterior marginals backwards.
//!
//! Steps of a plan with the same shape run in one batch. With e(s, k) the sum of the tables and
//! messages of a step where its scope is in states s and its variable in state k, the message is
//! m(s) = ln Σ_k exp e(s, k), and the adjoint of e(s, k) is that of m(s) times exp(e(s, k) - m(s)),
//! the probability of k given s: the adjoint of an entry of a table is its posterior probability.
//! The probabilities are kept between the sweeps, as many as there is room for. A number that all of a
//! message share is added to the log density at once. Where that is 0, nothing is
//! added to any adjoint, not even 0 times an infinity.

mod batch;
mod sample;
mod tile;

pub use sample::Assignments;
pub(super) use tile::{LANES, Lanes};

use super::flat::Layout;
use super::isa::Task;
use super::lane::Lane;
use super::program::{Cost, Options};
use super::workspace::{Extent, State};
use crate::graph::eliminate::plan;
use crate::graph::{Elimination, Inconsistency, Tag};
use crate::math::straight::Arithmetic;
use batch::{Batch, batches};
use tile::{Adjoints, Given, Sink};

/// An elimination with its batches.
#[derive(Clone, Debug)]
pub(super) struct EliminationStep {
    sizes: Vec<u32>,
    batches: Vec<Batch>,
    /// The tables without variables.
    constants: Vec<usize>,
    /// The messages without variables, and the last variable that was summed into each.
    roots: Vec<(usize, u32)>,
    /// Where the messages begin; their adjoints follow.
    memory: usize,
    messages: usize,
    /// Where what is kept begins, and how many vectors that is.
    first_kept: usize,
    kept: usize,
    pub(super) tag: Tag,
}

impl EliminationStep {
    pub(super) fn new(
        elimination: &Elimination,
        layout: &Layout,
        options: &Options,
    ) -> Result<Self, Inconsistency> {
        let Elimination { sizes, factors, tag } = elimination;
        let plan = plan(sizes, &elimination.scopes(), options.largest_table)
            .map_err(|_| Inconsistency::TableTooLarge(*tag))?;
        let tables: Vec<usize> = factors.iter().map(|f| layout.slot(f.table)).collect();
        let mut messages = 0;
        let mut places = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            places.push(messages);
            messages += step.entries / sizes[step.variable as usize] as usize;
        }
        let without = factors.iter().zip(&tables).filter(|(factor, _)| factor.scope.is_empty());
        let roots = plan.steps.iter().zip(&places).filter(|(step, _)| step.scope.is_empty());
        let (batches, kept) = batches(elimination, &plan, &tables, &places);
        Ok(EliminationStep {
            sizes: sizes.clone(),
            constants: without.map(|(_, table)| *table).collect(),
            roots: roots.map(|(step, place)| (*place, step.variable)).collect(),
            batches,
            memory: 0,
            messages,
            first_kept: 0,
            kept,
            tag: *tag,
        })
    }

    /// Adds the logarithm of the sum over all assignments to the log density.
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        state.total = state.total + state.isa.run(Forward { step: self, state });
        let memory = &state.memory[self.memory..];
        let constants = self.constants.iter().map(|position| state.values[*position]);
        let roots = self.roots.iter().map(|(position, _)| memory[*position]);
        state.total = constants.chain(roots).fold(state.total, |total, x| total + x);
    }

    /// Adds posterior probabilities to the adjoints of the tables.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        let one = T::constant(1.0);
        for position in &self.constants {
            state.adjoints[*position] = state.adjoints[*position] + one;
        }
        // The adjoints of tables are apart from the rest of the state for a while.
        let mut adjoints = std::mem::take(&mut state.adjoints);
        let sink = Adjoints(&mut adjoints);
        state.isa.run(Backward { step: self, state, sink });
        state.adjoints = adjoints;
    }

    /// What an elimination keeps.
    fn own<'a>(&self, kept: &'a mut [Lanes], parts: usize) -> &'a mut [Lanes] {
        &mut kept[parts * self.first_kept..][..parts * self.kept]
    }

    /// The first sum that is not finite after [`EliminationStep::forward`], and the last variable
    /// that was summed into it.
    pub(super) fn first_bad_root(&self, state: &State<f64>) -> Option<(usize, f64)> {
        let value = |position: &usize| state.memory[self.memory + position];
        let constants = self.constants.iter().map(|position| (0, state.values[*position]));
        let roots = self.roots.iter().map(|(position, v)| (*v as usize, value(position)));
        constants.chain(roots).find(|(_, value)| !value.is_finite())
    }

    pub(super) fn cost(&self) -> Cost {
        let rows = self.sizes.len();
        let all: usize = self.batches.iter().map(Batch::operations).sum();
        Cost { tag: self.tag, rows, row_operations: all.div_ceil(rows.max(1)), operations: 0 }
    }

    pub(super) fn extend(&mut self, extent: &mut Extent) {
        self.memory = extent.memory;
        extent.memory += 2 * self.messages;
        self.first_kept = extent.kept;
        extent.kept += self.kept;
        let scratch = self.batches.iter().map(Batch::scratch).max().unwrap_or(0);
        extent.strips = extent.strips.max(scratch);
    }
}

/// Sends all messages; gives what was taken off them.
struct Forward<'a, T> {
    step: &'a EliminationStep,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Forward<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let Forward { step, state } = self;
        let State { values, memory, kept, strips, .. } = state;
        let messages = &mut memory[step.memory..][..step.messages];
        let kept = step.own(kept, T::PARTS.len());
        let mut shared = 0.0;
        for batch in &step.batches {
            for tile in &batch.tiles {
                shared += batch.send::<A, T>(tile, values, messages, kept, strips);
            }
        }
        shared
    }
}

/// Spreads the adjoints of all messages, and gives those of the entries of every step to a sink.
struct Backward<'a, T, S> {
    step: &'a EliminationStep,
    state: &'a mut State<T>,
    sink: S,
}

impl<T: Lane, S: Sink> Task for Backward<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Backward { step, state, mut sink } = self;
        let State { values, memory, kept, strips, .. } = state;
        let memory = &mut memory[step.memory..][..2 * step.messages];
        let kept = &*step.own(kept, T::PARTS.len());
        let (messages, of_messages) = memory.split_at_mut(step.messages);
        let given = Given { values, messages };
        of_messages.fill(T::constant(0.0));
        for (root, _) in &step.roots {
            of_messages[*root] = T::constant(1.0);
        }
        for batch in step.batches.iter().rev() {
            for tile in batch.tiles.iter().rev() {
                let room = (kept, &mut strips[..]);
                batch.receive::<A, T>(tile, given, of_messages, room, &mut sink);
            }
        }
    }
}
