//! Steps of an elimination that look alike: the same sizes, read in the same pattern from
//! different places.
//!
//! Invariant: the batches, and the items of each in order, use a message only after it was sent; no
//! two items of a tile wait for one another.

use super::tile::{LANES, Tile};
use crate::graph::Elimination;
use crate::graph::eliminate::{Plan, PlanStep};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// A tile has about so many numbers, so that it stays in the first-level cache.
const TILE: usize = 1024;

/// So many numbers of an elimination are kept for the way back, at most.
const KEPT: usize = 1 << 20;

/// Steps with one pattern of reading.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// The states of the variable that is summed out.
    pub(super) states: usize,
    /// The states of the scope together: the length of a message.
    pub(super) assignments: usize,
    /// How far each variable of the scope moves the message.
    pub(super) strides: Vec<usize>,
    pub(super) tables: Readings,
    pub(super) messages: Readings,
    pub(super) items: Items,
    pub(super) tiles: Vec<Tile>,
}

/// How the tables of a step are read, or its messages: those of each kind after the kind before.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    /// The same entry for all assignments of the scope: its offset for each state.
    pub(super) same: Vec<Vec<u32>>,
    /// Neighbouring entries for neighbouring assignments: the offset of the first for each state.
    pub(super) runs: Vec<Vec<u32>>,
    /// An offset for each state and assignment.
    pub(super) scattered: Vec<Vec<u32>>,
}

/// What differs from step to step; lists hold the parts of one step after those of another.
#[derive(Clone, Debug, Default)]
pub(super) struct Items {
    variables: Vec<u32>,
    scopes: Vec<u32>,
    tables: Vec<usize>,
    messages: Vec<usize>,
    /// Where the message of the step begins.
    outputs: Vec<usize>,
}

/// The part of a list that belongs to an item.
#[inline(always)]
fn part<A>(list: &[A], item: usize, length: usize) -> &[A] {
    &list[item * length..(item + 1) * length]
}

impl Readings {
    fn new(states: usize, scope: &[usize], patterns: &[Pattern]) -> Self {
        let mut readings = Readings::default();
        for Pattern { kind, strides } in patterns {
            let sizes: Vec<usize> = [states].into_iter().chain(scope.iter().copied()).collect();
            match kind {
                Kind::Same => readings.same.push(offsets(&sizes[..1], strides)),
                Kind::Runs => readings.runs.push(offsets(&sizes[..1], strides)),
                Kind::Scattered => readings.scattered.push(offsets(&sizes, strides)),
            }
        }
        readings
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.same.len() + self.runs.len() + self.scattered.len()
    }
}

impl Batch {
    /// How many steps.
    pub(super) fn len(&self) -> usize {
        self.items.variables.len()
    }

    pub(super) fn variable(&self, item: usize) -> usize {
        self.items.variables[item] as usize
    }

    /// Where the message of a step is.
    #[inline(always)]
    pub(super) fn output(&self, item: usize) -> usize {
        self.items.outputs[item]
    }

    /// Where each table of a step begins.
    #[inline(always)]
    pub(super) fn table_starts(&self, item: usize) -> &[usize] {
        part(&self.items.tables, item, self.tables.len())
    }

    /// Where each message that a step reads begins.
    #[inline(always)]
    pub(super) fn message_starts(&self, item: usize) -> &[usize] {
        part(&self.items.messages, item, self.messages.len())
    }

    /// The assignment of the scope of a step that these states are.
    pub(super) fn assignment(&self, item: usize, states: &[u32]) -> usize {
        let scope = part(&self.items.scopes, item, self.strides.len());
        let moves = scope.iter().zip(&self.strides);
        moves.map(|(v, stride)| states[*v as usize] as usize * stride).sum()
    }

    /// Sums, exponentials and their adjoints.
    pub(super) fn operations(&self) -> usize {
        let entry = 4 * (self.tables.len() + self.messages.len()) + 6;
        self.len() * self.assignments * self.states * entry
    }

    /// How many columns a tile has at most: those of whole steps if they fit.
    fn width(&self) -> usize {
        let most = (TILE / self.states.max(1) / LANES * LANES).max(LANES);
        let whole = most - most % self.assignments.max(1);
        if whole > 0 { whole } else { most }
    }

    /// Divides the items into tiles, of which no item reads what another sends. Returns how many vectors
    /// are kept by then.
    fn divide(&mut self, mut kept: usize) -> usize {
        let mut ends = Vec::new();
        let mut sent = HashSet::new();
        for item in 0..self.len() {
            if self.message_starts(item).iter().any(|start| sent.contains(start)) {
                ends.push(item * self.assignments);
                sent.clear();
            }
            sent.insert(self.output(item));
        }
        ends.push(self.len() * self.assignments);
        let (width, assignments, mut first) = (self.width(), self.assignments, 0);
        for end in ends {
            while first < end {
                let columns = width.min(end - first);
                let vectors = self.states * columns.div_ceil(LANES);
                let fits = (kept + vectors) * LANES <= KEPT;
                let items = first / assignments..(first + columns).div_ceil(assignments);
                let place = fits.then_some(kept);
                self.tiles.push(Tile { items, first: first % assignments, columns, kept: place });
                kept += if fits { vectors } else { 0 };
                first += columns;
            }
        }
        kept
    }
}

/// The pattern of a step: its sizes and how its variables move each table and message.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shape {
    states: usize,
    scope: Vec<usize>,
    tables: Vec<Pattern>,
    messages: Vec<Pattern>,
}

/// The steps of a plan in batches, given where each table and message begins, and how many vectors
/// they keep.
pub(super) fn batches(
    elimination: &Elimination,
    plan: &Plan,
    tables: &[usize],
    places: &[usize],
) -> (Vec<Batch>, usize) {
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
    let kept = batches.iter_mut().fold(0, |kept, batch| batch.divide(kept));
    (batches, kept)
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

/// The tables and messages of a step, each with how the scope and the variable move it, sorted so that
/// steps that look alike compare equal.
struct Reads {
    tables: Vec<(Pattern, u32)>,
    messages: Vec<(Pattern, u32)>,
}

/// How a step reads a table or a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pattern {
    kind: Kind,
    /// How far the variable moves it, then how far those of the scope do.
    strides: Vec<usize>,
}

/// The fields of [`Readings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Same,
    Runs,
    Scattered,
}

impl Pattern {
    fn new(strides: Vec<usize>, scope: &[usize]) -> Self {
        let moved = || strides.iter().skip(1).zip(scope).zip(message_strides(scope));
        let relevant = || moved().filter(|((_, size), _)| **size > 1);
        let kind = if relevant().all(|((stride, _), _)| *stride == 0) {
            Kind::Same
        } else if relevant().all(|((stride, _), own)| *stride == own) {
            Kind::Runs
        } else {
            Kind::Scattered
        };
        Pattern { kind, strides }
    }
}

/// How far each variable of a scope of these sizes moves the message over it.
fn message_strides(scope: &[usize]) -> impl Iterator<Item = usize> {
    (0..scope.len()).map(|i| scope[i + 1..].iter().product())
}

impl Reads {
    fn new(elimination: &Elimination, plan: &Plan, step: &PlanStep) -> Self {
        let sizes = &elimination.sizes;
        let of_scope: Vec<usize> =
            step.scope.iter().map(|variable| sizes[*variable as usize] as usize).collect();
        let pattern = |scope: &[u32]| {
            let own = [&step.variable].into_iter().chain(&step.scope);
            Pattern::new(own.map(|variable| stride(sizes, scope, *variable)).collect(), &of_scope)
        };
        let table = |f: &u32| (pattern(&elimination.factors[*f as usize].scope), *f);
        let message = |m: &u32| (pattern(&plan.steps[*m as usize].scope), *m);
        let mut tables: Vec<_> = step.factors.iter().map(table).collect();
        let mut messages: Vec<_> = step.messages.iter().map(message).collect();
        tables.sort_unstable();
        messages.sort_unstable();
        Reads { tables, messages }
    }

    fn shape(&self, elimination: &Elimination, step: &PlanStep) -> Shape {
        let size = |variable: &u32| elimination.sizes[*variable as usize] as usize;
        let patterns = |of: &[(Pattern, u32)]| of.iter().map(|(p, _)| p.clone()).collect();
        Shape {
            states: size(&step.variable),
            scope: step.scope.iter().map(size).collect(),
            tables: patterns(&self.tables),
            messages: patterns(&self.messages),
        }
    }

    /// A batch of the shape, without items.
    fn batch(&self, elimination: &Elimination, step: &PlanStep) -> Batch {
        let Shape { states, scope, tables, messages } = self.shape(elimination, step);
        Batch {
            states,
            assignments: scope.iter().product(),
            strides: message_strides(&scope).collect(),
            tables: Readings::new(states, &scope, &tables),
            messages: Readings::new(states, &scope, &messages),
            items: Items::default(),
            tiles: Vec::new(),
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
