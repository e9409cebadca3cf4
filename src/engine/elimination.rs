//! Sums finite variables out: messages forwards, posterior marginals backwards.
//!
//! Steps of a plan with the same shape run in one batch. With e(s, k) the sum of the tables and
//! messages of a step where its scope is in states s and its variable in state k, the message is
//! m(s) = ln Σ_k exp e(s, k), and the adjoint of e(s, k) is that of m(s) times exp(e(s, k) - m(s)):
//! the adjoint of an entry of a table is its posterior probability. A number that all of a message
//! share is added to the log density at once. Where that is 0, nothing is
//! added to any adjoint, not even 0 times an infinity.

mod batch;
mod sample;

pub use sample::Assignments;

use super::flat::Layout;
use super::lane::Lane;
use super::program::{Cost, Options};
use super::workspace::{Extent, State};
use crate::graph::eliminate::plan;
use crate::graph::{Elimination, Inconsistency, Tag};
use batch::{Batch, batches};

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
        Ok(EliminationStep {
            sizes: sizes.clone(),
            constants: without.map(|(_, table)| *table).collect(),
            roots: roots.map(|(step, place)| (*place, step.variable)).collect(),
            batches: batches(elimination, &plan, &tables, &places),
            memory: 0,
            messages,
            tag: *tag,
        })
    }

    /// Adds the logarithm of the sum over all assignments to the log density.
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        let memory = &mut state.memory[self.memory..];
        let mut shared = 0.0;
        for batch in &self.batches {
            for item in 0..batch.len() {
                shared += batch.send(item, &state.values, memory, &mut state.scratch);
            }
        }
        state.total = state.total + shared;
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
        let State { values, adjoints, memory, scratch, .. } = state;
        self.for_each_weight(values, memory, scratch, |batch, item, assignment, weights| {
            batch.add_to_tables(item, assignment, weights, adjoints);
        });
    }

    /// Calls `visit` with batch, item, assignment of the scope, and the posterior probabilities of
    /// that and each state of the variable; leaves out what is impossible.
    fn for_each_weight<T: Lane>(
        &self,
        values: &[T],
        memory: &mut [T],
        scratch: &mut [T],
        mut visit: impl FnMut(&Batch, usize, usize, &[T]),
    ) {
        let memory = &mut memory[self.memory..self.memory + 2 * self.messages];
        let (messages, adjoints) = memory.split_at_mut(self.messages);
        adjoints.fill(T::constant(0.0));
        for (root, _) in &self.roots {
            adjoints[*root] = T::constant(1.0);
        }
        for batch in self.batches.iter().rev() {
            for item in (0..batch.len()).rev() {
                batch.receive(item, values, messages, adjoints, scratch, |assignment, weights| {
                    visit(batch, item, assignment, weights);
                });
            }
        }
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
        let states = self.sizes.iter().max().copied().unwrap_or(0);
        extent.scratch = extent.scratch.max(states as usize);
    }
}
