//! Runs a [`Routine`]: the prelude once, then every instruction for a block of rows at a time.

use super::abreast::run_rows_together;
use super::block::{Instructions, Register};
use super::flat::{Divided, Places};
use super::function::compute;
use super::isa::{Isa, Task};
use super::lane::{Lane, from_mask, sum, to_mask};
use super::product::dot;
use super::routine::{
    BLOCK, Code, Destination, Instruction, Operand, Origin, Output, Part, Routine, Sink, Source,
    Space,
};
use super::share::{run_shares, run_shares_together};
use super::workspace::State;
use crate::graph::{Leaf, Op, Value};
use crate::math::straight::Arithmetic;
use std::ops::Range;

/// Runs a routine: adds to the log density, stores values or adds to adjoints.
pub(super) fn run<T: Lane>(routine: &Routine, state: &mut State<T>) {
    if routine.is_idle() {
        return;
    }
    if routine.shares.is_empty() {
        state.isa.run(Whole { routine, state });
    } else {
        state.isa.run(Once { routine, state });
        run_shares(routine, state);
    }
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
    if !routine.shares.is_empty() {
        return run_shares_together(routine, states);
    }
    run_rows_together(routine, 0..routine.rows, states, None);
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
            let (given, registers, _) = state.split();
            fill::<A, f64>(routine, &rows, given, registers);
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
        let (first, second) = compute::<A, Operand>(code, |operand| match operand {
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
        let (given, registers, _) = state.split();
        fill::<A, T>(routine, &rows, given, registers);
        let State { registers, scalars, values, adjoints, total, .. } = state;
        drain_all::<A, T>(routine, &rows, scalars, registers, Sinks { values, adjoints, total });
        first = rows.end;
    }
}

/// The numbers that rows are computed from.
#[derive(Clone, Copy)]
pub(super) struct Given<'a, T> {
    pub(super) isa: Isa,
    pub(super) values: &'a [T],
    pub(super) adjoints: &'a [T],
    pub(super) scalars: &'a [f64],
}

/// Where outputs are put.
pub(super) struct Sinks<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) adjoints: &'a mut [T],
    pub(super) total: &'a mut T,
}

/// Computes the registers of a block.
#[inline(always)]
pub(super) fn fill<A: Arithmetic, T: Lane>(
    routine: &Routine,
    rows: &Range<usize>,
    given: Given<'_, T>,
    registers: &mut [Register],
) {
    let Given { values, adjoints, .. } = given;
    for (register, source) in &routine.loads {
        let out = &mut registers[*register as usize];
        let source = &routine.sources[*source as usize];
        load::<A, T>(source, values, adjoints, rows, out);
    }
    instructions(routine, rows, given, registers);
}

/// Computes what instructions write, of a block whose inputs are loaded.
#[inline(always)]
pub(super) fn instructions<T>(
    routine: &Routine,
    rows: &Range<usize>,
    given: Given<'_, T>,
    registers: &mut [Register],
) {
    if !routine.instructions.is_empty() {
        let scalars = &given.scalars[routine.first_scalar..];
        given.isa.run(Instructions { routine, rows, scalars, registers });
    }
}

/// Puts the outputs of a block where they belong.
#[inline(always)]
pub(super) fn drain_all<A: Arithmetic, T: Lane>(
    routine: &Routine,
    rows: &Range<usize>,
    scalars: &[f64],
    registers: &[Register],
    mut sinks: Sinks<'_, T>,
) {
    for output in &routine.row_outputs {
        drain::<A, T>(routine, output, rows, scalars, registers, &mut sinks);
    }
}

/// Puts an output of a block where it belongs.
#[inline(always)]
pub(super) fn drain<A: Arithmetic, T: Lane>(
    routine: &Routine,
    output: &Output,
    rows: &Range<usize>,
    scalars: &[f64],
    registers: &[Register],
    sinks: &mut Sinks<'_, T>,
) {
    let block = Block::of(routine, output, rows, scalars, registers);
    let part = output.sink.part;
    match &output.sink.to {
        Destination::Total => sinks.total.add_part(part, block.sum::<A>(0..rows.len())),
        Destination::Store(start) => {
            let to = &mut sinks.values[start + rows.start..start + rows.end];
            for (to, x) in to.iter_mut().zip(block.rows) {
                to.set_part(part, block.factor * x);
            }
        }
        Destination::Add(space, places) => {
            let to = match space {
                Space::Values => &mut *sinks.values,
                Space::Adjoints => &mut *sinks.adjoints,
            };
            // Known where loops are compiled, so that they need not ask for it.
            match part {
                Part::Value => add_block::<A, T>(to, places, rows, Part::Value, &block),
                Part::Tangent => add_block::<A, T>(to, places, rows, Part::Tangent, &block),
            }
        }
        Destination::Transposed(product) => {
            product.add_transposed::<A, T>(rows, block.rows, block.factor, sinks.adjoints, part);
        }
    }
}

/// An output of a block: factor × rows × times.
pub(super) struct Block<'a> {
    pub(super) rows: &'a [f64],
    times: Option<&'a [f64]>,
    pub(super) factor: f64,
}

impl<'a> Block<'a> {
    #[inline(always)]
    pub(super) fn of(
        routine: &'a Routine,
        out: &Output,
        rows: &Range<usize>,
        scalars: &[f64],
        registers: &'a [Register],
    ) -> Self {
        let factor = out.factor.map_or(1.0, |slot| scalars[routine.first_scalar + slot as usize]);
        Block {
            rows: output(routine, out.value, registers, rows),
            times: out.times.map(|times| output(routine, times, registers, rows)),
            factor,
        }
    }

    /// The sum over some rows.
    #[inline(always)]
    fn sum<A: Arithmetic>(&self, rows: Range<usize>) -> f64 {
        let sum = match self.times {
            None => sum(&self.rows[rows]),
            Some(times) => dot::<A>(&self.rows[rows.clone()], &times[rows]),
        };
        self.factor * sum
    }
}

/// An operand of an output of a block.
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
pub(super) fn load<A: Arithmetic, T: Lane>(
    source: &Source,
    values: &[T],
    adjoints: &[T],
    rows: &Range<usize>,
    register: &mut Register,
) {
    let from = if source.space == Space::Values { values } else { adjoints };
    match (&source.from, source.part) {
        (Origin::Places(places), Part::Value) => {
            load_part(places, Part::Value, from, rows, register);
        }
        (Origin::Places(places), Part::Tangent) => {
            load_part(places, Part::Tangent, from, rows, register);
        }
        (Origin::Product(product), part) => {
            product.times::<A, T, 1>(rows, [values], part, [register]);
        }
    }
}

/// Loads a part that is known where this is compiled, so that loops need not ask for it.
#[inline(always)]
fn load_part<T: Lane>(
    places: &Places,
    part: Part,
    from: &[T],
    rows: &Range<usize>,
    register: &mut Register,
) {
    let out = &mut register.0[..rows.len()];
    match places {
        Places::One(position) => out.fill(from[*position].part(part)),
        Places::Run(start) => {
            let from = &from[start + rows.start..start + rows.end];
            for (out, x) in out.iter_mut().zip(from) {
                *out = x.part(part);
            }
        }
        Places::Scattered { start, index } => {
            let from = &from[*start..];
            for (out, index) in out.iter_mut().zip(&index[rows.clone()]) {
                *out = from[*index as usize].part(part);
            }
        }
        Places::Runs { start, index, ends, first } => {
            for run in Divided::new(ends, first, rows) {
                let x = from[start + index[run.start] as usize].part(part);
                out[run.start - rows.start..run.end - rows.start].fill(x);
            }
        }
        Places::Stretches { start, index, ends, first } => {
            for stretch in Divided::new(ends, first, rows) {
                let from = &from[start + index[stretch.start] as usize..][..stretch.len()];
                let out = &mut out[stretch.start - rows.start..][..from.len()];
                for i in 0..from.len() {
                    out[i] = from[i].part(part);
                }
            }
        }
    }
}

#[inline(always)]
fn add_block<A: Arithmetic, T: Lane>(
    to: &mut [T],
    places: &Places,
    rows: &Range<usize>,
    part: Part,
    block: &Block<'_>,
) {
    match places {
        Places::One(position) => {
            to[*position].add_part(part, block.sum::<A>(0..rows.len()));
        }
        Places::Run(start) => {
            let to = &mut to[start + rows.start..start + rows.end];
            for (to, x) in to.iter_mut().zip(block.rows) {
                to.add_part(part, block.factor * x);
            }
        }
        Places::Scattered { start, index } => {
            let to = &mut to[*start..];
            for (index, x) in index[rows.clone()].iter().zip(block.rows) {
                to[*index as usize].add_part(part, block.factor * x);
            }
        }
        Places::Runs { start, index, ends, first } => {
            for run in Divided::new(ends, first, rows) {
                let x = block.sum::<A>(run.start - rows.start..run.end - rows.start);
                to[start + index[run.start] as usize].add_part(part, x);
            }
        }
        Places::Stretches { start, index, ends, first } => {
            for stretch in Divided::new(ends, first, rows) {
                let to = &mut to[start + index[stretch.start] as usize..][..stretch.len()];
                let from = &block.rows[stretch.start - rows.start..][..to.len()];
                for i in 0..to.len() {
                    to[i].add_part(part, block.factor * from[i]);
                }
            }
        }
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
        let (first, second) = compute::<A, Operand>(code, |operand| match operand {
            Operand::Register(k) => numbers[k as usize],
            Operand::Column(k) => routine.columns[k as usize][row],
            Operand::Scalar(k) => scalars[k as usize],
        });
        numbers[*target as usize] = first;
        if let Code::Pair(_, _, other) = code {
            numbers[*other as usize] = second;
        }
    }
    for Output { sink, factor, value, times } in &routine.row_outputs {
        let number = |operand: Operand| match operand {
            Operand::Register(k) => numbers[k as usize],
            Operand::Column(k) => routine.columns[k as usize][row],
            Operand::Scalar(k) => scalars[k as usize],
        };
        let value = times.map_or(number(*value), |times| number(*value) * number(times));
        let value = factor.map_or(value, |slot| scalars[slot as usize] * value);
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
                Places::Scattered { start, index }
                | Places::Runs { start, index, .. }
                | Places::Stretches { start, index, .. } => {
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
