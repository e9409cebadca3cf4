//! Divides the rows of a large kernel into shares that threads take.
//!
//! Invariant: which rows make a share depends on the program alone, each share adds to places of its
//! own, and those are added to the whole in the order of the rows. So the bits are the same whoever
//! takes which share, and whether threads take them at all. A thread that waits for others may take
//! whatever else its pool has to do: where points alone keep all threads busy, nobody takes shares
//! away.

use super::abreast::run_rows_together;
use super::execute::{Given, Sinks, drain_all, fill};
use super::flat::Places;
use super::isa::Task;
use super::lane::Lane;
use super::routine::{BLOCK, Destination, Routine, Space};
use super::workspace::{Partial, State};
use crate::math::straight::Arithmetic;
use rayon::prelude::*;
use std::ops::Range;

/// More shares than this would take more memory and serve more threads than machines have to spare
/// for one evaluation.
const MOST_SHARES: usize = 16;
/// The places of all shares together take no more numbers than this, or than a fourth of a column.
const FEW_PLACES: usize = 1 << 17;
/// Adding a share to the whole may take this part of the work.
const WORTH_ADDING: usize = 8;

/// Some rows of a routine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    rows: Range<usize>,
    /// The adjoints that its rows add to, in ascending order.
    touched: Vec<Range<usize>>,
}

/// The rows of a routine in shares of at least so much work, each with as many places as there are
/// adjoints; none if rows are too few, or if their outputs cannot be added later.
pub(super) fn shares(routine: &Routine, least: usize, places: usize) -> Vec<Share> {
    let adds = routine.row_outputs.iter().all(|output| match &output.sink.to {
        Destination::Total | Destination::Add(Space::Adjoints, _) | Destination::Transposed(_) => {
            true
        }
        Destination::Store(_) | Destination::Add(Space::Values, _) => false,
    });
    let work = routine.rows * routine.row_work();
    let room = FEW_PLACES.max(routine.rows / 4) / places.max(1);
    let count = (work / least.max(1)).min(MOST_SHARES).min(room);
    if !adds || count < 2 || routine.row_outputs.is_empty() {
        return Vec::new();
    }
    let height = routine.rows.div_ceil(count).next_multiple_of(BLOCK);
    let starts = (0..routine.rows).step_by(height);
    let shares: Vec<Share> = starts
        .map(|first| {
            let rows = first..routine.rows.min(first + height);
            Share { touched: touched(routine, &rows), rows }
        })
        .collect();
    let added: usize = shares.iter().flat_map(|share| &share.touched).map(Range::len).sum();
    if shares.len() < 2 || added * WORTH_ADDING > work { Vec::new() } else { shares }
}

/// The adjoints that some rows add to, as ranges that do not meet.
fn touched(routine: &Routine, rows: &Range<usize>) -> Vec<Range<usize>> {
    let outputs = routine.row_outputs.iter();
    let mut all: Vec<Range<usize>> = outputs
        .filter_map(|output| match &output.sink.to {
            Destination::Add(Space::Adjoints, places) => Some(span(places, rows)),
            Destination::Transposed(product) => Some(product.inputs()),
            Destination::Total | Destination::Store(_) | Destination::Add(Space::Values, _) => None,
        })
        .collect();
    all.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in all {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// The positions of some rows, and those between.
fn span(places: &Places, rows: &Range<usize>) -> Range<usize> {
    match places {
        Places::One(position) => *position..position + 1,
        Places::Run(start) => start + rows.start..start + rows.end,
        Places::Scattered { .. } | Places::Runs { .. } | Places::Stretches { .. } => {
            let positions = || rows.clone().map(|row| places.at(row));
            let (low, high) = (positions().min(), positions().max());
            low.unwrap_or(0)..high.map_or(0, |high| high + 1)
        }
    }
}

/// Runs all rows of a routine whose prelude has run.
pub(super) fn run_shares<T: Lane>(routine: &Routine, state: &mut State<T>) {
    make_room(routine, state);
    let (given, _, partials) = state.split();
    let parts = partials[..routine.shares.len()].par_iter_mut().zip(&routine.shares);
    let run = |(partial, share): (&mut Partial<T>, &Share)| {
        partial.begin(share);
        let rows = share.rows.clone();
        given.isa.run(Rows { routine, rows, given, partial });
    };
    if rayon::current_num_threads() > 1 {
        parts.for_each(run);
    } else {
        partials.iter_mut().zip(&routine.shares).for_each(run);
    }
    add_up(routine, state);
}

/// Runs all rows of a routine at several points, a block of rows at a time for all of them.
pub(super) fn run_shares_together(routine: &Routine, states: &mut [State<f64>]) {
    states.iter_mut().for_each(|state| make_room(routine, state));
    for (position, share) in routine.shares.iter().enumerate() {
        states.iter_mut().for_each(|state| state.partials[position].begin(share));
        run_rows_together(routine, share.rows.clone(), states, Some(position));
    }
    states.iter_mut().for_each(|state| add_up(routine, state));
}

/// The first evaluation makes room for all that follow.
fn make_room<T: Lane>(routine: &Routine, state: &mut State<T>) {
    let State { registers, adjoints, partials, .. } = state;
    let zero = T::constant(0.0);
    partials.resize_with(partials.len().max(routine.shares.len()), || Partial {
        registers: registers.clone(),
        adjoints: vec![zero; adjoints.len()],
        total: zero,
    });
}

impl<T: Lane> Partial<T> {
    fn begin(&mut self, share: &Share) {
        let zero = T::constant(0.0);
        self.total = zero;
        share.touched.iter().for_each(|range| self.adjoints[range.clone()].fill(zero));
    }
}

/// Adds the shares to the whole, in the order of their rows.
fn add_up<T: Lane>(routine: &Routine, state: &mut State<T>) {
    let State { partials, adjoints, total, .. } = state;
    for (partial, share) in partials.iter().zip(&routine.shares) {
        *total = *total + partial.total;
        for range in &share.touched {
            let parts = &partial.adjoints[range.clone()];
            for (to, part) in adjoints[range.clone()].iter_mut().zip(parts) {
                *to = *to + *part;
            }
        }
    }
}

struct Rows<'a, T> {
    routine: &'a Routine,
    rows: Range<usize>,
    given: Given<'a, T>,
    partial: &'a mut Partial<T>,
}

impl<T: Lane> Task for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Rows { routine, rows, given, partial } = self;
        let Partial { registers, adjoints, total } = partial;
        for first in rows.clone().step_by(BLOCK) {
            let rows = first..rows.end.min(first + BLOCK);
            fill::<A, T>(routine, &rows, given, registers);
            let sinks = Sinks { values: &mut [], adjoints: &mut *adjoints, total: &mut *total };
            drain_all::<A, T>(routine, &rows, given.scalars, registers, sinks);
        }
    }
}
