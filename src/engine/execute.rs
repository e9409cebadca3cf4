//! Runs a [`Routine`]: the prelude once, then every instruction for a block of rows at a time.

use super::block::{Instructions, Register};
use super::flat::{Places, for_each_run};
use super::function::compute;
use super::isa::Task;
use super::lane::{Lane, from_mask, sum, to_mask};
use super::routine::{
    BLOCK, Code, Destination, Instruction, Operand, Origin, Part, Routine, Sink, Source, Space,
};
use super::workspace::State;
use crate::graph::{Leaf, Op, Value};
use crate::math::straight::Arithmetic;
use std::ops::Range;

/// Runs a routine: adds to the log density, stores values or adds to adjoints.
pub(super) fn run<T: Lane>(routine: &Routine, state: &mut State<T>) {
    if routine.is_idle() {
        return;
    }
    state.isa.run(Whole { routine, state });
}

struct Whole<'a, T> {
    routine: &'a Routine,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Whole<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Whole { routine, state } = self;
        once::<A, T>(routine, state);
        if !routine.row_outputs.is_empty() {
            blocks::<A, T>(routine, 0..routine.rows, state);
        }
    }
}

/// What is the same for all rows: the prelude and its outputs.
struct Once<'a, T> {
    routine: &'a Routine,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Once<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        once::<A, T>(self.routine, self.state);
    }
}

#[inline(always)]
fn once<A: Arithmetic, T: Lane>(routine: &Routine, state: &mut State<T>) {
    prelude::<A, T>(routine, state);
    for (sink, slot) in &routine.scalar_outputs {
        let value = state.scalars[routine.first_scalar + *slot as usize];
        drain_scalar::<A, T>(sink, value, routine.rows, state);
    }
}

/// Runs a routine at several points, a block of rows at a time for all of them, so that data are
/// read from memory once. Each has the bits that [`run`] gives it.
pub(super) fn run_together(routine: &Routine, states: &mut [State<f64>]) {
    if routine.is_idle() {
        return;
    }
    for state in states.iter_mut() {
        state.isa.run(Once { routine, state });
    }
    for first in (0..routine.rows).step_by(BLOCK) {
        let rows = first..routine.rows.min(first + BLOCK);
        states.iter_mut().for_each(|state| run_rows(routine, rows.clone(), state));
    }
}

/// Runs some rows of a routine whose prelude has run.
pub(super) fn run_rows<T: Lane>(routine: &Routine, rows: Range<usize>, state: &mut State<T>) {
    if !routine.row_outputs.is_empty() {
        state.isa.run(Rows { routine, rows, state });
    }
}

struct Rows<'a, T> {
    routine: &'a Routine,
    rows: Range<usize>,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Rows { routine, rows, state } = self;
        if rows.len() == 1 {
            single::<A, T>(routine, rows.start, state);
        } else {
            blocks::<A, T>(routine, rows, state);
        }
    }
}

/// Runs the instructions over all rows in order, and `visit` after each block.
pub(super) fn for_each_block(
    routine: &Routine,
    state: &mut State<f64>,
    visit: impl FnMut(&mut State<f64>, &Range<usize>),
) {
    state.isa.run(Visited { routine, state, visit });
}

struct Visited<'a, F> {
    routine: &'a Routine,
    state: &'a mut State<f64>,
    visit: F,
}

impl<F: FnMut(&mut State<f64>, &Range<usize>)> Task for Visited<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Visited { routine, state, mut visit } = self;
        prelude::<A, f64>(routine, state);
        for first in (0..routine.rows).step_by(BLOCK) {
            let rows = first..routine.rows.min(first + BLOCK);
            fill::<A, f64>(routine, &rows, state);
            visit(state, &rows);
        }
    }
}

/// Computes what is the same for all rows.
pub(super) fn run_prelude<T: Lane>(routine: &Routine, state: &mut State<T>) {
    state.isa.run(Prelude { routine, state });
}

struct Prelude<'a, T> {
    routine: &'a Routine,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Prelude<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        prelude::<A, T>(self.routine, self.state);
    }
}

#[inline(always)]
fn prelude<A: Arithmetic, T: Lane>(routine: &Routine, state: &mut State<T>) {
    let State { scalars, values, adjoints, .. } = state;
    let scalars = &mut scalars[routine.first_scalar..][..routine.prelude.scalars];
    for (slot, source) in &routine.prelude.loads {
        let source = &routine.sources[*source as usize];
        let from = if source.space == Space::Values { &values[..] } else { &adjoints[..] };
        scalars[*slot as usize] = match &source.from {
            Origin::Places(places) => from[places.at(0)].part(source.part),
            Origin::Product(product) => product.row::<A, T>(0, values, source.part),
        };
    }
    for Instruction { target, code } in &routine.prelude.instructions {
        let (first, second) = compute::<A>(*code, |operand| match operand {
            Operand::Register(k) | Operand::Scalar(k) => scalars[k as usize],
            Operand::Column(k) => routine.columns[k as usize][0],
        });
        scalars[*target as usize] = first;
        if let Code::Pair(_, _, other) = code {
            scalars[*other as usize] = second;
        }
    }
}

#[inline(always)]
fn blocks<A: Arithmetic, T: Lane>(routine: &Routine, rows: Range<usize>, state: &mut State<T>) {
    let Range { start: mut first, end } = rows;
    while first < end {
        let rows = first..end.min(first + BLOCK);
        fill::<A, T>(routine, &rows, state);
        drain_all::<A, T>(routine, &rows, state);
        first = rows.end;
    }
}

/// Computes the registers of a block.
#[inline(always)]
fn fill<A: Arithmetic, T: Lane>(routine: &Routine, rows: &Range<usize>, state: &mut State<T>) {
    for (register, source) in &routine.loads {
        let register = &mut state.registers[*register as usize];
        let out = &mut register.0[..rows.len()];
        let source = &routine.sources[*source as usize];
        load::<A, T>(source, &state.values, &state.adjoints, rows, out);
    }
    if !routine.instructions.is_empty() {
        let scalars = &state.scalars[routine.first_scalar..];
        let registers = &mut state.registers;
        state.isa.run(Instructions { routine, rows, scalars, registers });
    }
}

/// Puts the outputs of a block where they belong.
#[inline(always)]
fn drain_all<A: Arithmetic, T: Lane>(routine: &Routine, rows: &Range<usize>, state: &mut State<T>) {
    let State { registers, values, adjoints, total, .. } = state;
    for (sink, operand) in &routine.row_outputs {
        let block = output(routine, *operand, registers, rows);
        match &sink.to {
            Destination::Total => total.add_part(sink.part, sum(block)),
            Destination::Store(start) => {
                let to = &mut values[start + rows.start..start + rows.end];
                for (to, x) in to.iter_mut().zip(block) {
                    to.set_part(sink.part, *x);
                }
            }
            Destination::Add(Space::Values, places) => {
                add_block(values, places, rows, sink.part, block);
            }
            Destination::Add(Space::Adjoints, places) => {
                add_block(adjoints, places, rows, sink.part, block);
            }
            Destination::Transposed(product) => {
                product.add_transposed::<A, T>(rows, block, adjoints, sink.part);
            }
        }
    }
}

/// An output of a block.
pub(super) fn output<'a>(
    routine: &'a Routine,
    operand: Operand,
    registers: &'a [Register],
    rows: &Range<usize>,
) -> &'a [f64] {
    match operand {
        Operand::Register(k) => &registers[k as usize].0[..rows.len()],
        Operand::Column(k) => &routine.columns[k as usize][rows.clone()],
        // Such an output is one of the scalar outputs.
        Operand::Scalar(_) => &[],
    }
}

#[inline(always)]
fn load<A: Arithmetic, T: Lane>(
    source: &Source,
    values: &[T],
    adjoints: &[T],
    rows: &Range<usize>,
    out: &mut [f64],
) {
    let from = if source.space == Space::Values { values } else { adjoints };
    match &source.from {
        Origin::Places(Places::One(position)) => out.fill(from[*position].part(source.part)),
        Origin::Places(Places::Run(start)) => {
            let from = &from[start + rows.start..start + rows.end];
            for (out, x) in out.iter_mut().zip(from) {
                *out = x.part(source.part);
            }
        }
        Origin::Places(Places::Scattered { start, index }) => {
            let from = &from[*start..];
            for (out, index) in out.iter_mut().zip(&index[rows.clone()]) {
                *out = from[*index as usize].part(source.part);
            }
        }
        Origin::Places(Places::Runs { start, index, ends, first }) => {
            for_each_run(ends, first, rows, |run| {
                let x = from[start + index[run.start] as usize].part(source.part);
                out[run.start - rows.start..run.end - rows.start].fill(x);
            });
        }
        Origin::Product(product) => product.block::<A, T>(rows, values, source.part, out),
    }
}

#[inline(always)]
fn add_block<T: Lane>(
    to: &mut [T],
    places: &Places,
    rows: &Range<usize>,
    part: Part,
    block: &[f64],
) {
    match places {
        Places::One(position) => to[*position].add_part(part, sum(block)),
        Places::Run(start) => {
            let to = &mut to[start + rows.start..start + rows.end];
            for (to, x) in to.iter_mut().zip(block) {
                to.add_part(part, *x);
            }
        }
        Places::Scattered { start, index } => {
            let to = &mut to[*start..];
            for (index, x) in index[rows.clone()].iter().zip(block) {
                to[*index as usize].add_part(part, *x);
            }
        }
        Places::Runs { start, index, ends, first } => for_each_run(ends, first, rows, |run| {
            let x = sum(&block[run.start - rows.start..run.end - rows.start]);
            to[start + index[run.start] as usize].add_part(part, x);
        }),
    }
}

/// Runs the instructions for a single row, and drains its outputs.
#[inline(always)]
fn single<A: Arithmetic, T: Lane>(routine: &Routine, row: usize, state: &mut State<T>) {
    let State { scalars, row: numbers, values, adjoints, total, .. } = state;
    let scalars = &scalars[routine.first_scalar..];
    for (register, source) in &routine.loads {
        let source = &routine.sources[*source as usize];
        let from = if source.space == Space::Values { &values[..] } else { &adjoints[..] };
        numbers[*register as usize] = match &source.from {
            Origin::Places(places) => from[places.at(row)].part(source.part),
            Origin::Product(product) => product.row::<A, T>(row, values, source.part),
        };
    }
    for Instruction { target, code } in &routine.instructions {
        let (first, second) = compute::<A>(*code, |operand| match operand {
            Operand::Register(k) => numbers[k as usize],
            Operand::Column(k) => routine.columns[k as usize][row],
            Operand::Scalar(k) => scalars[k as usize],
        });
        numbers[*target as usize] = first;
        if let Code::Pair(_, _, other) = code {
            numbers[*other as usize] = second;
        }
    }
    for (sink, operand) in &routine.row_outputs {
        let value = match *operand {
            Operand::Register(k) => numbers[k as usize],
            Operand::Column(k) => routine.columns[k as usize][row],
            Operand::Scalar(k) => scalars[k as usize],
        };
        match &sink.to {
            Destination::Total => total.add_part(sink.part, value),
            Destination::Store(start) => values[start + row].set_part(sink.part, value),
            Destination::Add(Space::Values, places) => {
                values[places.at(row)].add_part(sink.part, value);
            }
            Destination::Add(Space::Adjoints, places) => {
                adjoints[places.at(row)].add_part(sink.part, value);
            }
            Destination::Transposed(product) => {
                product.add_transposed_row::<A, T>(row, value, adjoints, sink.part);
            }
        }
    }
}

/// Puts an output that is the same for all rows where it belongs.
#[inline(always)]
fn drain_scalar<A: Arithmetic, T: Lane>(
    sink: &Sink,
    value: f64,
    rows: usize,
    state: &mut State<T>,
) {
    let (part, all) = (sink.part, value * rows as f64);
    match &sink.to {
        Destination::Total => state.total.add_part(part, all),
        Destination::Store(start) => {
            state.values[*start..start + rows].iter_mut().for_each(|to| to.set_part(part, value));
        }
        Destination::Add(to, places) => {
            let to = match to {
                Space::Values => &mut state.values,
                Space::Adjoints => &mut state.adjoints,
            };
            match places {
                Places::One(position) => to[*position].add_part(part, all),
                Places::Run(start) => {
                    to[*start..start + rows].iter_mut().for_each(|to| to.add_part(part, value));
                }
                Places::Scattered { start, index } | Places::Runs { start, index, .. } => {
                    for index in index.iter() {
                        to[start + *index as usize].add_part(part, value);
                    }
                }
            }
        }
        Destination::Transposed(product) => {
            product.add_transposed_constant::<A, T>(value, &mut state.adjoints, part);
        }
    }
}

/// Computes the number of every operation, masks as 1 or 0.
pub(super) fn interpret<T: Lane>(ops: &[Op], numbers: &mut [T], read: impl Fn(Leaf) -> T) {
    for (position, op) in ops.iter().enumerate() {
        let value = op.evaluate(&read, |id| {
            let number = numbers[id.index()];
            let is_mask = ops[id.index()].is_mask();
            if is_mask { Value::Mask(to_mask(number)) } else { Value::Number(number) }
        });
        numbers[position] = match value {
            Value::Number(number) => number,
            Value::Mask(mask) => from_mask(mask),
        };
    }
}
