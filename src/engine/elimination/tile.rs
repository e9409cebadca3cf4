//! Messages and posterior probabilities of the steps of a batch, a column for each assignment of the
//! scope of each step, a row for each state of the variable: eight columns are one vector.
//!
//! Invariant: the numbers of a column do not depend on what it shares a tile with. Loops over eight
//! numbers are functions of their own, as they become vector code then.

use super::batch::{Batch, Readings};
use crate::engine::lane::Lane;
use crate::engine::routine::Part;
use crate::math::straight::{self, Arithmetic};
use std::ops::Range;

/// How many columns are computed at a time.
pub(in crate::engine) const LANES: usize = 8;

/// Numbers of so many columns.
pub(in crate::engine) type Lanes = [f64; LANES];

/// Neighbouring columns of a batch that are computed together.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    pub(super) items: Range<usize>,
    /// The first assignment of the first item.
    pub(super) first: usize,
    /// How many columns.
    pub(super) columns: usize,
    /// The first vector that is kept for the way back, if there is room: as many for the numbers as for
    /// their tangents, if there are any.
    pub(super) kept: Option<usize>,
}

impl Tile {
    /// How many vectors have a number for each column.
    fn strips(&self) -> usize {
        self.columns.div_ceil(LANES)
    }

    /// The columns of the items in turn.
    #[inline(always)]
    fn segments(&self, assignments: usize) -> Segments {
        let Tile { items, first, columns, .. } = self.clone();
        Segments { items, assignments, first, at: 0, columns }
    }
}

/// The segments of a tile that are left.
struct Segments {
    items: Range<usize>,
    assignments: usize,
    first: usize,
    at: usize,
    columns: usize,
}

impl Segments {
    #[inline(always)]
    fn next(&mut self) -> Option<Segment> {
        let Range { start: item, end } = self.items;
        if item >= end {
            return None;
        }
        let (first, at) = (self.first, self.at);
        let count = (self.assignments - first).min(self.columns - at);
        self.items.start = item + 1;
        (self.first, self.at) = (0, at + count);
        Some(Segment { item, first, at, count })
    }
}

/// Neighbouring columns that belong to one item.
#[derive(Clone, Copy)]
struct Segment {
    item: usize,
    /// The first of its assignments.
    first: usize,
    /// Where they begin in the tile.
    at: usize,
    count: usize,
}

/// The adjoints of e(s, k), or of their tangents, for a state k of the variable of an item and some s.
pub(super) struct Row<'a> {
    pub(super) item: usize,
    /// Where the tables of the item begin.
    tables: &'a [usize],
    pub(super) state: usize,
    /// The first s.
    first: usize,
    part: Part,
    numbers: &'a [f64],
    pub(super) sum: f64,
}

/// What takes the adjoints of the entries of a batch.
pub(super) trait Sink {
    fn add(&mut self, batch: &Batch, row: &Row<'_>);
}

/// The adjoints of all tables.
pub(super) struct Adjoints<'a, T>(pub(super) &'a mut [T]);

impl<T: Lane> Sink for Adjoints<'_, T> {
    #[inline(always)]
    fn add(&mut self, batch: &Batch, row: &Row<'_>) {
        batch.tables.add(row.tables, row, batch.assignments, self.0);
    }
}

impl Readings {
    /// Adds what is read for a state and the columns of a segment to a row of them.
    #[inline(always)]
    fn read<T: Lane>(
        &self,
        (starts, from, part): (&[usize], &[T], Part),
        (state, first, assignments): (usize, usize, usize),
        row: &mut [f64],
    ) {
        if self.are_same() {
            return;
        }
        let (runs, scattered) = self.others(starts);
        for (k, start) in runs.iter().enumerate() {
            let from = &from[start + self.runs[k][state] as usize + first..][..row.len()];
            for i in 0..row.len() {
                row[i] += from[i].part(part);
            }
        }
        for (k, start) in scattered.iter().enumerate() {
            let offsets = &self.scattered[k][state * assignments + first..][..row.len()];
            for i in 0..row.len() {
                row[i] += from[start + offsets[i] as usize].part(part);
            }
        }
    }

    /// The sum of what is read for a state whatever the assignment.
    #[inline(always)]
    fn sum<T: Lane>(&self, starts: &[usize], from: &[T], part: Part, state: usize) -> f64 {
        let mut sum = 0.0;
        for (k, offsets) in self.same.iter().enumerate() {
            sum += from[starts[k] + offsets[state] as usize].part(part);
        }
        sum
    }

    /// Adds a row to what was read for it.
    #[inline(always)]
    fn add<T: Lane>(&self, starts: &[usize], row: &Row<'_>, assignments: usize, to: &mut [T]) {
        let Row { state, first, part, numbers, sum, .. } = *row;
        for (k, offsets) in self.same.iter().enumerate() {
            to[starts[k] + offsets[state] as usize].add_part(part, sum);
        }
        if self.are_same() {
            return;
        }
        let (runs, scattered) = self.others(starts);
        for (k, start) in runs.iter().enumerate() {
            let to = &mut to[start + self.runs[k][state] as usize + first..][..numbers.len()];
            for i in 0..numbers.len() {
                to[i].add_part(part, numbers[i]);
            }
        }
        for (k, start) in scattered.iter().enumerate() {
            let offsets = &self.scattered[k][state * assignments + first..][..numbers.len()];
            for i in 0..numbers.len() {
                to[start + offsets[i] as usize].add_part(part, numbers[i]);
            }
        }
    }

    /// Whether nothing depends on the assignment, as where there is one.
    #[inline(always)]
    fn are_same(&self) -> bool {
        self.runs.is_empty() && self.scattered.is_empty()
    }

    /// The starts of what depends on the assignment.
    #[inline(always)]
    fn others<'a>(&self, starts: &'a [usize]) -> (&'a [usize], &'a [usize]) {
        let runs = self.same.len() + self.runs.len();
        (&starts[self.same.len()..runs], &starts[runs..])
    }
}

/// What the columns of a batch are computed from.
#[derive(Clone, Copy)]
pub(super) struct Given<'a, T> {
    pub(super) values: &'a [T],
    pub(super) messages: &'a [T],
}

impl Batch {
    /// The most vectors that a tile of the batch needs, and its messages or their adjoints.
    pub(super) fn scratch(&self) -> usize {
        (self.states + 1) * self.tiles.iter().map(Tile::strips).max().unwrap_or(0)
    }

    /// e(s, k) for all states k of the variable and the columns of a tile, and their tangents if there
    /// are any.
    #[inline(always)]
    fn gather<T: Lane>(&self, tile: &Tile, given: Given<'_, T>, planes: &mut [Lanes]) {
        let vectors = self.states * tile.strips();
        let width = tile.strips() * LANES;
        let alone = self.assignments == 1 && self.tables.are_same() && self.messages.are_same();
        for (p, part) in T::PARTS.iter().enumerate() {
            let plane = planes[p * vectors..(p + 1) * vectors].as_flattened_mut();
            let mut segments = tile.segments(self.assignments);
            while let Some(Segment { item, first, at, count }) = segments.next() {
                let tables = (self.table_starts(item), given.values, *part);
                let messages = (self.message_starts(item), given.messages, *part);
                for state in 0..self.states {
                    let place = (state, first, self.assignments);
                    let sum = self.tables.sum(tables.0, tables.1, *part, state)
                        + self.messages.sum(messages.0, messages.1, *part, state);
                    if alone {
                        plane[state * width + at] = sum;
                        continue;
                    }
                    let row = &mut plane[state * width + at..][..count];
                    row.fill(sum);
                    self.tables.read(tables, place, row);
                    self.messages.read(messages, place, row);
                }
            }
        }
    }

    /// The posterior probabilities of all states of the variable for the columns of a tile, in the
    /// first vectors, and their tangents if there are any in the next; their messages, and the tangents
    /// of those, alike.
    ///
    /// Where all is impossible, so is the message, and all probabilities are 0. Where a probability is
    /// 0, so is its tangent.
    #[inline(always)]
    pub(super) fn weigh<A: Arithmetic, T: Lane>(
        &self,
        tile: &Tile,
        given: Given<'_, T>,
        planes: &mut [Lanes],
        out: &mut [Lanes],
    ) {
        self.gather(tile, given, planes);
        let strips = tile.strips();
        let (values, tangents) = planes.split_at_mut(self.states * strips);
        for strip in 0..strips {
            let column = |state| state * strips + strip;
            let mut largest = [f64::NEG_INFINITY; LANES];
            for state in 0..self.states {
                raise(&mut largest, &values[column(state)]);
            }
            clear(&mut largest);
            let mut sum = [0.0; LANES];
            for state in 0..self.states {
                exponentiate::<A>(&mut values[column(state)], &largest);
                add(&mut sum, &values[column(state)]);
            }
            let (message, factor) = logarithm::<A>(&sum, &largest);
            let mut mean = [0.0; LANES];
            for state in 0..self.states {
                let weight = &mut values[column(state)];
                multiply(weight, &factor);
                if T::PARTS.len() > 1 {
                    let slope = &mut tangents[column(state)];
                    weigh_slope(slope, weight);
                    add(&mut mean, slope);
                }
            }
            if T::PARTS.len() > 1 {
                for state in 0..self.states {
                    let (slope, weight) = (&mut tangents[column(state)], &values[column(state)]);
                    subtract_product::<A>(slope, weight, &mean);
                }
            }
            out[strip] = message;
            if T::PARTS.len() > 1 {
                out[strips + strip] = mean;
            }
        }
    }

    /// Computes the messages of a tile, each less its largest number unless it is the only one, so that
    /// messages stay small along a chain, and keeps the probabilities. Returns what was taken off.
    #[inline(always)]
    pub(super) fn send<A: Arithmetic, T: Lane>(
        &self,
        tile: &Tile,
        values: &[T],
        messages: &mut [T],
        kept: &mut [Lanes],
        scratch: &mut [Lanes],
    ) -> f64 {
        let (parts, strips) = (T::PARTS.len(), tile.strips());
        let vectors = parts * self.states * strips;
        let (own, scratch) = scratch.split_at_mut(parts * strips);
        let planes = match tile.kept {
            Some(place) => &mut kept[parts * place..][..vectors],
            None => &mut scratch[..vectors],
        };
        let given = Given { values, messages: &*messages };
        self.weigh::<A, T>(tile, given, planes, own);
        let own = own.as_flattened();
        let mut shared = 0.0;
        let mut segments = tile.segments(self.assignments);
        while let Some(Segment { item, first, at, count }) = segments.next() {
            let output = self.output(item);
            let to = &mut messages[output + first..][..count];
            for (p, part) in T::PARTS.iter().enumerate() {
                let own = &own[p * strips * LANES + at..][..count];
                for i in 0..count {
                    to[i].set_part(*part, own[i]);
                }
            }
            if first + count == self.assignments && !self.strides.is_empty() {
                shared += take_off_largest(&mut messages[output..][..self.assignments]);
            }
        }
        shared
    }

    /// Spreads the adjoints of the messages of a tile over their entries: adds to the adjoints of the
    /// messages they used, and gives them to the sink.
    ///
    /// Where an adjoint is 0, so are those of its entries.
    #[inline(always)]
    pub(super) fn receive<A: Arithmetic, T: Lane>(
        &self,
        tile: &Tile,
        given: Given<'_, T>,
        adjoints: &mut [T],
        (kept, scratch): (&[Lanes], &mut [Lanes]),
        sink: &mut impl Sink,
    ) {
        let (parts, strips) = (T::PARTS.len(), tile.strips());
        let vectors = self.states * strips;
        let (own, planes) = scratch.split_at_mut(parts * strips);
        let planes = &mut planes[..parts * vectors];
        let weights = match tile.kept {
            Some(place) => &kept[parts * place..][..parts * vectors],
            None => {
                self.weigh::<A, T>(tile, given, planes, own);
                &[]
            }
        };
        let all = own.as_flattened_mut();
        all.fill(0.0);
        let mut segments = tile.segments(self.assignments);
        while let Some(Segment { item, first, at, count }) = segments.next() {
            let from = &adjoints[self.output(item) + first..][..count];
            for (p, part) in T::PARTS.iter().enumerate() {
                let own = &mut all[p * strips * LANES + at..][..count];
                for i in 0..count {
                    own[i] = from[i].part(*part);
                }
            }
        }
        for strip in 0..strips {
            let moving = if parts > 1 { own[strips + strip] } else { [0.0; LANES] };
            let adjoint = [&own[strip], &moving];
            for state in 0..self.states {
                let at = state * strips + strip;
                let weight = *weights.get(at).unwrap_or(&planes[at]);
                if parts > 1 {
                    let slope = *weights.get(vectors + at).unwrap_or(&planes[vectors + at]);
                    planes[vectors + at] = share_slope::<A>(adjoint, &weight, &slope);
                }
                planes[at] = share(adjoint, &weight);
            }
        }
        let planes = planes.as_flattened();
        let mut segments = tile.segments(self.assignments);
        while let Some(Segment { item, first, at, count }) = segments.next() {
            let (starts, tables) = (self.message_starts(item), self.table_starts(item));
            for (p, part) in T::PARTS.iter().enumerate() {
                for state in 0..self.states {
                    let start = (p * vectors + state * strips) * LANES + at;
                    let numbers = &planes[start..][..count];
                    let mut sum = 0.0;
                    for number in numbers {
                        sum += number;
                    }
                    let row = Row { item, tables, state, first, part: *part, numbers, sum };
                    self.messages.add(starts, &row, self.assignments, adjoints);
                    sink.add(self, &row);
                }
            }
        }
    }
}

/// Subtracts the largest number from all and returns it, 0 if it is not finite: what is impossible
/// stays so.
#[inline(always)]
fn take_off_largest<T: Lane>(message: &mut [T]) -> f64 {
    let mut largest = f64::NEG_INFINITY;
    for x in message.iter() {
        largest = if x.real() > largest { x.real() } else { largest };
    }
    if !largest.is_finite() {
        return 0.0;
    }
    for x in message {
        *x = *x - largest;
    }
    largest
}

#[inline(always)]
fn raise(largest: &mut Lanes, xs: &Lanes) {
    for i in 0..LANES {
        largest[i] = if xs[i] > largest[i] { xs[i] } else { largest[i] };
    }
}

/// Where all is impossible, 0 is subtracted. NaN is never largest; it spoils the sum.
#[inline(always)]
fn clear(largest: &mut Lanes) {
    for x in largest {
        *x = if *x == f64::NEG_INFINITY { 0.0 } else { *x };
    }
}

/// x = e^(x - largest)
#[inline(always)]
fn exponentiate<A: Arithmetic>(xs: &mut Lanes, largest: &Lanes) {
    for i in 0..LANES {
        xs[i] = straight::exp_below_zero::<A>(xs[i] - largest[i]);
    }
}

#[inline(always)]
fn add(sum: &mut Lanes, xs: &Lanes) {
    for i in 0..LANES {
        sum[i] += xs[i];
    }
}

#[inline(always)]
fn multiply(xs: &mut Lanes, factor: &Lanes) {
    for i in 0..LANES {
        xs[i] *= factor[i];
    }
}

/// ln(sum) + largest, and 1 / sum, or 0 where the sum is 0.
#[inline(always)]
fn logarithm<A: Arithmetic>(sum: &Lanes, largest: &Lanes) -> (Lanes, Lanes) {
    let (mut message, mut factor) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        message[i] = straight::ln::<A>(sum[i]) + largest[i];
    }
    for i in 0..LANES {
        factor[i] = if sum[i] == 0.0 { 0.0 } else { 1.0 / sum[i] };
    }
    (message, factor)
}

/// slope = weight slope, but 0 where the weight is.
#[inline(always)]
fn weigh_slope(slope: &mut Lanes, weight: &Lanes) {
    for i in 0..LANES {
        let share = weight[i] * slope[i];
        slope[i] = if weight[i] == 0.0 { 0.0 } else { share };
    }
}

/// slope = slope - weight mean, but 0 where the weight is.
#[inline(always)]
fn subtract_product<A: Arithmetic>(slope: &mut Lanes, weight: &Lanes, mean: &Lanes) {
    for i in 0..LANES {
        let rest = A::fma(-weight[i], mean[i], slope[i]);
        slope[i] = if weight[i] == 0.0 { 0.0 } else { rest };
    }
}

/// adjoint weight, but 0 where the adjoint and its tangent are.
#[inline(always)]
fn share([adjoint, moving]: [&Lanes; 2], weight: &Lanes) -> Lanes {
    let mut shares = [0.0; LANES];
    for i in 0..LANES {
        let share = adjoint[i] * weight[i];
        let nothing = adjoint[i] == 0.0 && moving[i] == 0.0;
        shares[i] = if nothing { 0.0 } else { share };
    }
    shares
}

/// The tangent of adjoint weight, but 0 where the adjoint and its tangent are.
#[inline(always)]
fn share_slope<A: Arithmetic>(
    [adjoint, moving]: [&Lanes; 2],
    weight: &Lanes,
    slope: &Lanes,
) -> Lanes {
    let mut shares = [0.0; LANES];
    for i in 0..LANES {
        let share = A::fma(moving[i], weight[i], adjoint[i] * slope[i]);
        let nothing = adjoint[i] == 0.0 && moving[i] == 0.0;
        shares[i] = if nothing { 0.0 } else { share };
    }
    shares
}
