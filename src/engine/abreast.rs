//! Runs a [`Routine`] at several points at once, so that data are read from memory once for all of them
//! and loaded from the caches once for a few.
//!
//! Invariant: each point has the bits that it has alone.

use super::block::Register;
use super::execute::{Block, drain, drain_all, fill, instructions, load};
use super::isa::Task;
use super::product::ABREAST;
use super::routine::{BLOCK, Destination, Operand, Origin, Part, Routine};
use super::workspace::State;
use crate::math::straight::Arithmetic;
use std::ops::Range;

/// Runs some rows of a routine at several points, in the places of a share if there are shares.
pub(super) fn run_rows_together(
    routine: &Routine,
    rows: Range<usize>,
    states: &mut [State<f64>],
    share: Option<usize>,
) {
    if let Some(state) = states.first() {
        state.isa.run(Together { routine, rows, states, share });
    }
}

struct Together<'a> {
    routine: &'a Routine,
    rows: Range<usize>,
    states: &'a mut [State<f64>],
    share: Option<usize>,
}

impl Task for Together<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Together { routine, rows, states, share } = self;
        // All points take turns in the same registers, which then stay in the first-level cache.
        let mut shared =
            states.first_mut().map(|s| std::mem::take(&mut s.shared)).unwrap_or_default();
        shared.resize(shared.len().max(routine.registers), Register::ZERO);
        let all = rows.end;
        for first in rows.step_by(BLOCK) {
            let rows = first..all.min(first + BLOCK);
            for group in states.chunks_mut(ABREAST) {
                if let [a, b, c, d] = group {
                    let group = [a, b, c, d];
                    abreast::<A>(routine, &rows, group, share, &mut shared);
                    continue;
                }
                for state in group {
                    fill::<A, f64>(routine, &rows, state.given(share).0, &mut shared);
                    let (scalars, sinks) = state.sinks(share);
                    drain_all::<A, f64>(routine, &rows, scalars, &shared, sinks);
                }
            }
        }
        states.iter_mut().take(1).for_each(|state| state.shared = std::mem::take(&mut shared));
    }
}

/// Computes a block at several points, and puts its outputs where they belong. What is multiplied with
/// matrices is kept in the registers of each point.
#[inline(always)]
fn abreast<A: Arithmetic>(
    routine: &Routine,
    rows: &Range<usize>,
    mut group: [&mut State<f64>; ABREAST],
    share: Option<usize>,
    shared: &mut [Register],
) {
    let length = rows.len();
    for (register, source) in &routine.loads {
        if let Origin::Product(product) = &routine.sources[*source as usize].from {
            let places = group.each_mut().map(|state| {
                let (given, own) = state.given(share);
                (given.values, &mut own[*register as usize])
            });
            let values = places.each_ref().map(|(values, _)| *values);
            let out = places.map(|(_, own)| own);
            product.times::<A, f64, ABREAST>(rows, values, Part::Value, out);
        }
    }
    for state in &mut group {
        let (given, own) = state.given(share);
        for (register, source) in &routine.loads {
            let register = *register as usize;
            let (source, out) = (&routine.sources[*source as usize], &mut shared[register]);
            match &source.from {
                Origin::Product(_) => {
                    out.0[..length].copy_from_slice(&own[register].0[..length]);
                }
                Origin::Places(_) => {
                    load::<A, f64>(source, given.values, given.adjoints, rows, out);
                }
            }
        }
        instructions(routine, rows, given, shared);
        for output in &routine.row_outputs {
            if let (Destination::Transposed(_), Operand::Register(k)) =
                (&output.sink.to, output.value)
            {
                let from = &shared[k as usize].0[..length];
                own[k as usize].0[..length].copy_from_slice(from);
            }
        }
        let (scalars, mut sinks) = state.sinks(share);
        for output in &routine.row_outputs {
            if !matches!(output.sink.to, Destination::Transposed(_)) {
                drain::<A, f64>(routine, output, rows, scalars, shared, &mut sinks);
            }
        }
    }
    for out in &routine.row_outputs {
        if let Destination::Transposed(product) = &out.sink.to {
            let (mut factors, mut r) = ([1.0; ABREAST], [&[][..]; ABREAST]);
            let mut points = group.each_mut().map(|state| state.transposing(share));
            for (p, (scalars, registers, _)) in points.iter_mut().enumerate() {
                let block = Block::of(routine, out, rows, scalars, registers);
                (factors[p], r[p]) = (block.factor, block.rows);
            }
            let adjoints = points.map(|(_, _, adjoints)| adjoints);
            let part = Part::Value;
            product.add_all_transposed::<A, f64, ABREAST>(rows, r, factors, adjoints, part);
        }
    }
}
