//! Runs a [`Routine`]: the prelude once, then every instruction for a block of rows at a time.

use super::flat::Places;
use super::lane::{Lane, from_mask, sum, to_mask};
use super::routine::{BLOCK, Code, Instruction, Operand, Routine, Sink, Source, Space};
use super::workspace::State;
use crate::graph::{Leaf, Op, Value};
use crate::math::Scalar;
use crate::math::scalar::Unary;
use std::mem;
use std::ops::Range;

/// Runs a routine: adds to the log density, stores values or adds to adjoints.
pub(super) fn run<T: Lane>(routine: &Routine, state: &mut State<T>) {
    if routine.is_idle() {
        return;
    }
    run_prelude(routine, state);
    for (sink, slot) in &routine.scalar_outputs {
        let value = state.scalars[routine.first_scalar + *slot as usize];
        drain_scalar(sink, value, routine.rows, state);
    }
    run_rows(routine, 0..routine.rows, state);
}

/// Runs some rows of a routine whose prelude has run.
pub(super) fn run_rows<T: Lane>(routine: &Routine, rows: Range<usize>, state: &mut State<T>) {
    if routine.row_outputs.is_empty() {
        return;
    }
    if rows.len() == 1 {
        return run_row(routine, rows.start, state);
    }
    for_each_block(routine, rows, state, |state, rows| {
        for (sink, register) in &routine.row_outputs {
            drain_block(sink, *register, &rows, state);
        }
    });
}

/// Runs the instructions over rows in order, and `visit` after each block.
pub(super) fn for_each_block<T: Lane>(
    routine: &Routine,
    rows: Range<usize>,
    state: &mut State<T>,
    mut visit: impl FnMut(&mut State<T>, Range<usize>),
) {
    let Range { start: mut first, end } = rows;
    while first < end {
        let rows = first..end.min(first + BLOCK);
        for instruction in &routine.instructions {
            step(routine, state, instruction, &rows);
        }
        visit(state, rows.clone());
        first = rows.end;
    }
}

/// Computes what is the same for all rows.
pub(super) fn run_prelude<T: Lane>(routine: &Routine, state: &mut State<T>) {
    let mut scalars = mem::take(&mut state.scalars);
    let read = |leaf| read_single(routine, leaf, state);
    interpret(&routine.prelude, &mut scalars[routine.first_scalar..], read);
    state.scalars = scalars;
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

fn read_single<T: Lane>(routine: &Routine, leaf: Leaf, state: &State<T>) -> T {
    let missing = T::constant(f64::NAN);
    match leaf {
        Leaf::Column(_) => missing,
        Leaf::Input(k) => {
            let source = &routine.sources[k as usize];
            let position = source.places.single(routine.rows);
            position.map_or(missing, |position| space(state, source.space)[position])
        }
    }
}

fn space<T>(state: &State<T>, space: Space) -> &[T] {
    match space {
        Space::Values => &state.values,
        Space::Adjoints => &state.adjoints,
    }
}

fn space_mut<T>(state: &mut State<T>, space: Space) -> &mut [T] {
    match space {
        Space::Values => &mut state.values,
        Space::Adjoints => &mut state.adjoints,
    }
}

/// One number per row, or one for all.
#[derive(Clone, Copy)]
enum View<'a, T> {
    Rows(&'a [T]),
    One(T),
}

fn map<T: Lane>(out: &mut [T], a: &[T], f: impl Fn(T) -> T) {
    for (out, a) in out.iter_mut().zip(a) {
        *out = f(*a);
    }
}

fn zip<T: Lane>(out: &mut [T], a: View<'_, T>, b: View<'_, T>, f: impl Fn(T, T) -> T) {
    match (a, b) {
        (View::Rows(a), View::Rows(b)) => {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = f(*a, *b);
            }
        }
        (View::Rows(a), View::One(b)) => map(out, a, |a| f(a, b)),
        (View::One(a), View::Rows(b)) => map(out, b, |b| f(a, b)),
        (View::One(a), View::One(b)) => out.fill(f(a, b)),
    }
}

/// One instruction for one block.
fn step<T: Lane>(
    routine: &Routine,
    state: &mut State<T>,
    instruction: &Instruction,
    rows: &Range<usize>,
) {
    // The target is never an operand, so it may leave the state while operands are read.
    let mut target = mem::take(&mut state.registers[instruction.target as usize]);
    compute(routine, state, instruction.code, rows, &mut target[..rows.len()]);
    state.registers[instruction.target as usize] = target;
}

fn compute<T: Lane>(
    routine: &Routine,
    state: &State<T>,
    code: Code,
    rows: &Range<usize>,
    out: &mut [T],
) {
    let register = |register: u32| &state.registers[register as usize][..rows.len()];
    let scalar = |slot: u32| state.scalars[routine.first_scalar + slot as usize];
    let view = |operand| match operand {
        Operand::Register(of) => View::Rows(register(of)),
        Operand::Scalar(slot) => View::One(scalar(slot)),
    };
    match code {
        Code::Column(k) => {
            let column = &routine.columns[k as usize][rows.clone()];
            for (out, x) in out.iter_mut().zip(column) {
                *out = T::constant(*x);
            }
        }
        Code::Input(k) => load(&routine.sources[k as usize], state, rows, out),
        Code::Broadcast(slot) => out.fill(scalar(slot)),
        Code::Neg(a) => map(out, register(a), |a| -a),
        Code::Unary(f, a) => unary(out, register(a), f),
        Code::Add(a, b) => zip(out, view(a), view(b), |a, b| a + b),
        Code::Sub(a, b) => zip(out, view(a), view(b), |a, b| a - b),
        Code::Mul(a, b) => zip(out, view(a), view(b), |a, b| a * b),
        Code::Div(a, b) => zip(out, view(a), view(b), |a, b| a / b),
        Code::Binary(f, a, b) => zip(out, view(a), view(b), |a, b| a.apply2(f, b)),
        Code::Ternary(f, a, b, c) => {
            let rest = register(b).iter().zip(register(c));
            for ((out, a), (b, c)) in out.iter_mut().zip(register(a)).zip(rest) {
                *out = a.apply3(f, *b, *c);
            }
        }
        Code::Less(a, b) => zip(out, view(a), view(b), |a, b| from_mask(a.less(b))),
        Code::Same(a, b) => zip(out, view(a), view(b), |a, b| from_mask(a.same(b))),
        Code::Gated(a, b) => zip(out, view(a), view(b), Scalar::gated),
        Code::Select(mask, yes, no) => {
            let arms = register(yes).iter().zip(register(no));
            for ((out, mask), (yes, no)) in out.iter_mut().zip(register(mask)).zip(arms) {
                *out = T::select(to_mask(*mask), *yes, *no);
            }
        }
    }
}

/// Runs the instructions for a single row, and drains its outputs.
fn run_row<T: Lane>(routine: &Routine, row: usize, state: &mut State<T>) {
    for Instruction { target, code } in &routine.instructions {
        state.row[*target as usize] = compute_row(routine, state, *code, row);
    }
    for (sink, register) in &routine.row_outputs {
        let value = state.row[*register as usize];
        match sink {
            Sink::Total => state.total = state.total + value,
            Sink::Store(start) => state.values[start + row] = value,
            Sink::Add(to, places) => {
                let to = &mut space_mut(state, *to)[places.at(row)];
                *to = *to + value;
            }
        }
    }
}

fn compute_row<T: Lane>(routine: &Routine, state: &State<T>, code: Code, row: usize) -> T {
    let register = |register: u32| state.row[register as usize];
    let scalar = |slot: u32| state.scalars[routine.first_scalar + slot as usize];
    let number = |operand| match operand {
        Operand::Register(of) => register(of),
        Operand::Scalar(slot) => scalar(slot),
    };
    match code {
        Code::Column(k) => T::constant(routine.columns[k as usize][row]),
        Code::Input(k) => {
            let source = &routine.sources[k as usize];
            space(state, source.space)[source.places.at(row)]
        }
        Code::Broadcast(slot) => scalar(slot),
        Code::Neg(a) => -register(a),
        Code::Unary(f, a) => register(a).apply(f),
        Code::Add(a, b) => number(a) + number(b),
        Code::Sub(a, b) => number(a) - number(b),
        Code::Mul(a, b) => number(a) * number(b),
        Code::Div(a, b) => number(a) / number(b),
        Code::Binary(f, a, b) => number(a).apply2(f, number(b)),
        Code::Ternary(f, a, b, c) => register(a).apply3(f, register(b), register(c)),
        Code::Less(a, b) => from_mask(number(a).less(number(b))),
        Code::Same(a, b) => from_mask(number(a).same(number(b))),
        Code::Gated(a, b) => number(a).gated(number(b)),
        Code::Select(mask, yes, no) => {
            T::select(to_mask(register(mask)), register(yes), register(no))
        }
    }
}

/// A function of one argument; the square has a loop of its own, which vectorises.
fn unary<T: Lane>(out: &mut [T], a: &[T], f: Unary) {
    if f == Unary::Square {
        map(out, a, |a| a * a);
    } else {
        map(out, a, |a| a.apply(f));
    }
}

fn load<T: Lane>(source: &Source, state: &State<T>, rows: &Range<usize>, out: &mut [T]) {
    let from = space(state, source.space);
    match &source.places {
        Places::One(position) => out.fill(from[*position]),
        Places::Run(start) => out.copy_from_slice(&from[start + rows.start..start + rows.end]),
        Places::Scattered { start, index } => {
            let from = &from[*start..];
            for (out, index) in out.iter_mut().zip(&index[rows.clone()]) {
                *out = from[*index as usize];
            }
        }
    }
}

/// Puts a block of an output where it belongs.
fn drain_block<T: Lane>(sink: &Sink, register: u32, rows: &Range<usize>, state: &mut State<T>) {
    let register = register as usize;
    let values = mem::take(&mut state.registers[register]);
    let block = &values[..rows.len()];
    match sink {
        Sink::Total => state.total = state.total + sum(block),
        Sink::Store(start) => {
            state.values[start + rows.start..start + rows.end].copy_from_slice(block);
        }
        Sink::Add(to, places) => add_block(space_mut(state, *to), places, rows, block),
    }
    state.registers[register] = values;
}

fn add_block<T: Lane>(to: &mut [T], places: &Places, rows: &Range<usize>, block: &[T]) {
    match places {
        Places::One(position) => to[*position] = to[*position] + sum(block),
        Places::Run(start) => {
            let to = &mut to[start + rows.start..start + rows.end];
            for (to, x) in to.iter_mut().zip(block) {
                *to = *to + *x;
            }
        }
        Places::Scattered { start, index } => {
            let to = &mut to[*start..];
            for (index, x) in index[rows.clone()].iter().zip(block) {
                to[*index as usize] = to[*index as usize] + *x;
            }
        }
    }
}

/// Puts an output that is the same for all rows where it belongs.
fn drain_scalar<T: Lane>(sink: &Sink, value: T, rows: usize, state: &mut State<T>) {
    match sink {
        Sink::Total => state.total = state.total + value * rows as f64,
        Sink::Store(start) => state.values[*start..start + rows].fill(value),
        Sink::Add(to, places) => {
            let to = space_mut(state, *to);
            match places {
                Places::One(position) => to[*position] = to[*position] + value * rows as f64,
                Places::Run(start) => {
                    to[*start..start + rows].iter_mut().for_each(|to| *to = *to + value);
                }
                Places::Scattered { start, index } => {
                    for index in index.iter() {
                        let to = &mut to[start + *index as usize];
                        *to = *to + value;
                    }
                }
            }
        }
    }
}
