//! Steps of an elimination that look alike: the same sizes, read in the same pattern from
//! different places.
//!
//! Invariant: the batches, and the items of each in order, use a message only after it was sent.

use crate::engine::lane::Lane;
use crate::graph::Elimination;
use crate::graph::eliminate::{Plan, PlanStep};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Steps with one pattern of reading.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// The states of the variable that is summed out.
    states: usize,
    /// The states of the scope together: the length of a message.
    assignments: usize,
    /// How far each variable of the scope moves the message.
    strides: Vec<usize>,
    /// Where each entry of a table is, relative to its first, for every table of a step.
    tables: Vec<Vec<u32>>,
    /// The same for every message of a step.
    messages: Vec<Vec<u32>>,
    items: Items,
}

/// What differs from step to step; lists hold the parts of one step after those of another.
#[derive(Clone, Debug, Default)]
struct Items {
    variables: Vec<u32>,
    scopes: Vec<u32>,
    tables: Vec<usize>,
    messages: Vec<usize>,
    /// Where the message of the step begins.
    outputs: Vec<usize>,
}

/// The part of a list that belongs to an item.
fn part<A>(list: &[A], item: usize, length: usize) -> &[A] {
    &list[item * length..(item + 1) * length]
}

impl Batch {
    /// How many steps.
    pub(super) fn len(&self) -> usize {
        self.items.variables.len()
    }

    pub(super) fn variable(&self, item: usize) -> usize {
        self.items.variables[item] as usize
    }

    /// Sums, exponentials and their adjoints.
    pub(super) fn operations(&self) -> usize {
        let entry = 4 * (self.tables.len() + self.messages.len()) + 6;
        self.len() * self.assignments * self.states * entry
    }

    /// e(s, k) for all k, where s is the assignment.
    fn gather<T: Lane>(
        &self,
        item: usize,
        assignment: usize,
        values: &[T],
        memory: &[T],
        sums: &mut [T],
    ) {
        sums.fill(T::constant(0.0));
        self.for_each_table(item, assignment, |start, offsets| {
            let from = &values[start..];
            for (sum, offset) in sums.iter_mut().zip(offsets) {
                *sum = *sum + from[*offset as usize];
            }
        });
        self.for_each_message(item, assignment, |start, offsets| {
            let from = &memory[start..];
            for (sum, offset) in sums.iter_mut().zip(offsets) {
                *sum = *sum + from[*offset as usize];
            }
        });
    }

    /// Where each table of a step begins, and where its entries for all states of the variable are.
    fn for_each_table(&self, item: usize, assignment: usize, mut visit: impl FnMut(usize, &[u32])) {
        let entries = assignment * self.states..(assignment + 1) * self.states;
        let starts = part(&self.items.tables, item, self.tables.len());
        for (start, offsets) in starts.iter().zip(&self.tables) {
            visit(*start, &offsets[entries.clone()]);
        }
    }

    /// The same for the messages of a step.
    fn for_each_message(
        &self,
        item: usize,
        assignment: usize,
        mut visit: impl FnMut(usize, &[u32]),
    ) {
        let entries = assignment * self.states..(assignment + 1) * self.states;
        let starts = part(&self.items.messages, item, self.messages.len());
        for (start, offsets) in starts.iter().zip(&self.messages) {
            visit(*start, &offsets[entries.clone()]);
        }
    }

    /// Computes the message of a step, less its largest number unless it is the only one, so that
    /// messages stay small along a chain. Returns what was taken off.
    pub(super) fn send<T: Lane>(
        &self,
        item: usize,
        values: &[T],
        memory: &mut [T],
        scratch: &mut [T],
    ) -> f64 {
        let sums = &mut scratch[..self.states];
        let mut largest = f64::NEG_INFINITY;
        for assignment in 0..self.assignments {
            self.gather(item, assignment, values, memory, sums);
            let message = log_sum_exp(sums);
            largest = largest.max(message.real());
            memory[self.items.outputs[item] + assignment] = message;
        }
        if self.strides.is_empty() || !largest.is_finite() {
            return 0.0;
        }
        let output = self.items.outputs[item];
        for message in &mut memory[output..output + self.assignments] {
            if !is_impossible(*message) {
                *message = *message - largest;
            }
        }
        largest
    }

    /// Spreads the adjoint of the message of a step over its entries: adds to the adjoints of the
    /// messages it used, and calls `visit` with each assignment and the weights of all states.
    /// Where a weight is 0, so is its tangent.
    pub(super) fn receive<T: Lane>(
        &self,
        item: usize,
        values: &[T],
        messages: &[T],
        adjoints: &mut [T],
        scratch: &mut [T],
        mut visit: impl FnMut(usize, &[T]),
    ) {
        let sums = &mut scratch[..self.states];
        for assignment in 0..self.assignments {
            let adjoint = adjoints[self.items.outputs[item] + assignment];
            if adjoint.is_zero() {
                continue;
            }
            self.gather(item, assignment, values, messages, sums);
            let Some((_, total)) = exponentiate(sums) else { continue };
            let scale = adjoint / total;
            sums.iter_mut().for_each(|share| *share = *share * scale);
            self.for_each_message(item, assignment, |start, offsets| {
                add_at(&mut adjoints[start..], offsets, sums);
            });
            visit(assignment, sums);
        }
    }

    /// Adds the weights of an assignment to the adjoints of the tables of a step.
    pub(super) fn add_to_tables<T: Lane>(
        &self,
        item: usize,
        assignment: usize,
        weights: &[T],
        adjoints: &mut [T],
    ) {
        self.for_each_table(item, assignment, |start, offsets| {
            add_at(&mut adjoints[start..], offsets, weights);
        });
    }

    /// Calls `visit` with every state of the variable of a step and its probability, given the
    /// states of its scope.
    pub(super) fn condition(
        &self,
        item: usize,
        states: &[u32],
        values: &[f64],
        messages: &[f64],
        scratch: &mut [f64],
        mut visit: impl FnMut(u32, f64),
    ) {
        let scope = part(&self.items.scopes, item, self.strides.len());
        let moves = scope.iter().zip(&self.strides);
        let assignment: usize =
            moves.map(|(v, stride)| states[*v as usize] as usize * stride).sum();
        let sums = &mut scratch[..self.states];
        self.gather(item, assignment, values, messages, sums);
        let Some((_, total)) = exponentiate(sums) else { return };
        for (state, share) in sums.iter().enumerate() {
            visit(state as u32, share / total);
        }
    }
}

fn add_at<T: Lane>(to: &mut [T], offsets: &[u32], weights: &[T]) {
    for (offset, weight) in offsets.iter().zip(weights) {
        let to = &mut to[*offset as usize];
        *to = *to + *weight;
    }
}

fn is_impossible<T: Lane>(x: T) -> bool {
    x.same(T::constant(f64::NEG_INFINITY))
}

/// Turns every x into e^(x - m), where m is the largest, with the tangents of an impossible one
/// dropped. Returns m and the sum; nothing if all are -∞.
fn exponentiate<T: Lane>(xs: &mut [T]) -> Option<(f64, T)> {
    let mut largest = f64::NEG_INFINITY;
    for x in xs.iter() {
        // NaN stays, and spoils the sum.
        let keep = x.real() <= largest || largest.is_nan();
        largest = if keep { largest } else { x.real() };
    }
    if largest == f64::NEG_INFINITY {
        return None;
    }
    let mut sum = T::constant(0.0);
    for x in xs {
        let share = if is_impossible(*x) { T::constant(0.0) } else { (*x - largest).exp() };
        *x = if share.real() == 0.0 { T::constant(0.0) } else { share };
        sum = sum + *x;
    }
    Some((largest, sum))
}

/// ln Σ e^x, and -∞ without tangent if all are. Changes the numbers.
fn log_sum_exp<T: Lane>(xs: &mut [T]) -> T {
    match exponentiate(xs) {
        Some((largest, sum)) => sum.ln() + largest,
        None => T::constant(f64::NEG_INFINITY),
    }
}

/// The pattern of a step: its sizes and how its variables move each table and message.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shape {
    states: usize,
    scope: Vec<usize>,
    tables: Vec<Vec<usize>>,
    messages: Vec<Vec<usize>>,
}

/// The steps of a plan in batches, given where each table and message begins.
pub(super) fn batches(
    elimination: &Elimination,
    plan: &Plan,
    tables: &[usize],
    places: &[usize],
) -> Vec<Batch> {
    let mut numbers: HashMap<Shape, usize> = HashMap::new();
    let mut shapes: Vec<usize> = Vec::with_capacity(plan.steps.len());
    let mut parts: Vec<Reads> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let reads = Reads::new(elimination, plan, step);
        let next = numbers.len();
        shapes.push(*numbers.entry(reads.shape(elimination, step)).or_insert(next));
        parts.push(reads);
    }
    let mut batches: Vec<Batch> = Vec::new();
    let mut last = None;
    for step in schedule(plan, &shapes) {
        let (reads, own) = (&parts[step], &plan.steps[step]);
        if last != Some(shapes[step]) {
            batches.push(reads.batch(elimination, own));
            last = Some(shapes[step]);
        }
        if let Some(batch) = batches.last_mut() {
            batch.items.variables.push(own.variable);
            batch.items.scopes.extend(&own.scope);
            batch.items.tables.extend(reads.tables.iter().map(|(_, of)| tables[*of as usize]));
            batch.items.messages.extend(reads.messages.iter().map(|(_, of)| places[*of as usize]));
            batch.items.outputs.push(places[step]);
        }
    }
    batches
}

/// The steps in an order that keeps those of one shape together, each after those it waits for.
fn schedule(plan: &Plan, shapes: &[usize]) -> Vec<usize> {
    let mut waits: Vec<usize> = plan.steps.iter().map(|step| step.messages.len()).collect();
    let mut successor = vec![None; plan.steps.len()];
    for (position, step) in plan.steps.iter().enumerate() {
        step.messages.iter().for_each(|message| successor[*message as usize] = Some(position));
    }
    let mut ready: Vec<VecDeque<usize>> = vec![VecDeque::new(); plan.steps.len()];
    let mut open = BTreeSet::new();
    for (position, _) in waits.iter().enumerate().filter(|(_, waits)| **waits == 0) {
        ready[shapes[position]].push_back(position);
        open.insert(shapes[position]);
    }
    let mut order = Vec::with_capacity(plan.steps.len());
    while let Some(shape) = open.pop_first() {
        while let Some(position) = ready[shape].pop_front() {
            order.push(position);
            let Some(next) = successor[position] else { continue };
            waits[next] -= 1;
            if waits[next] == 0 {
                ready[shapes[next]].push_back(next);
                open.insert(shapes[next]);
            }
        }
        open.remove(&shape);
    }
    order
}

/// The tables and messages of a step with the strides of its scope and its variable, sorted by
/// their strides so that steps that look alike compare equal.
struct Reads {
    tables: Vec<(Vec<usize>, u32)>,
    messages: Vec<(Vec<usize>, u32)>,
}

impl Reads {
    fn new(elimination: &Elimination, plan: &Plan, step: &PlanStep) -> Self {
        let sizes = &elimination.sizes;
        let strides = |scope: &[u32]| -> Vec<usize> {
            let own = step.scope.iter().chain([&step.variable]);
            own.map(|variable| stride(sizes, scope, *variable)).collect()
        };
        let table = |f: &u32| (strides(&elimination.factors[*f as usize].scope), *f);
        let message = |m: &u32| (strides(&plan.steps[*m as usize].scope), *m);
        let mut tables: Vec<_> = step.factors.iter().map(table).collect();
        let mut messages: Vec<_> = step.messages.iter().map(message).collect();
        tables.sort_unstable();
        messages.sort_unstable();
        Reads { tables, messages }
    }

    fn shape(&self, elimination: &Elimination, step: &PlanStep) -> Shape {
        let size = |variable: &u32| elimination.sizes[*variable as usize] as usize;
        let strides = |of: &[(Vec<usize>, u32)]| of.iter().map(|(s, _)| s.clone()).collect();
        Shape {
            states: size(&step.variable),
            scope: step.scope.iter().map(size).collect(),
            tables: strides(&self.tables),
            messages: strides(&self.messages),
        }
    }

    /// A batch of the shape, without items.
    fn batch(&self, elimination: &Elimination, step: &PlanStep) -> Batch {
        let Shape { states, scope, tables, messages } = self.shape(elimination, step);
        let mut sizes = scope.clone();
        sizes.push(states);
        let offsets = |of: Vec<Vec<usize>>| -> Vec<Vec<u32>> {
            of.iter().map(|strides| offsets(&sizes, strides)).collect()
        };
        Batch {
            states,
            assignments: scope.iter().product(),
            strides: (0..scope.len()).map(|i| scope[i + 1..].iter().product()).collect(),
            tables: offsets(tables),
            messages: offsets(messages),
            items: Items::default(),
        }
    }
}

/// How far a variable moves a row-major table over a scope; 0 if it is not in the scope.
fn stride(sizes: &[u32], scope: &[u32], variable: u32) -> usize {
    let position = scope.iter().position(|v| *v == variable);
    position.map_or(0, |at| scope[at + 1..].iter().map(|v| sizes[*v as usize] as usize).product())
}

/// Where a table is read for every assignment of variables of these sizes, row-major.
fn offsets(sizes: &[usize], strides: &[usize]) -> Vec<u32> {
    let mut offsets = vec![0_u32];
    for (size, stride) in sizes.iter().zip(strides) {
        let moved = |from: &u32| {
            let from = *from;
            (0..*size).map(move |state| from + (state * stride) as u32)
        };
        offsets = offsets.iter().flat_map(moved).collect();
    }
    offsets
}
