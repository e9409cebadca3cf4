//! A small model as one list of instructions: what an evaluation costs is then what its operations
//! cost, and not what it takes to set up steps and blocks.
//!
//! All numbers of an evaluation are in one array: constants and data, the point, and whatever is
//! computed, each in its own place, written once. Buffers and adjoints exist only while the list is
//! made, as places of the numbers that are in them. What several steps compute is computed once.
//!
//! Invariant: an instruction reads only what is before its target. Each number has the bits that the
//! steps give it, except for the sign of a zero that is added to nothing.

mod array;
mod builder;
mod settle;

use super::flat::Layout;
use super::function::{compute, pair};
use super::isa::{Isa, Task};
use super::routine::{Code, Pair, Part};
use super::step::Step;
use crate::math::straight::Arithmetic;
use array::Array;
use builder::Builder;
use std::ops::Range;

/// Numbers of rows are computed so many at a time, the last of them for nothing: one vector of the
/// widest kind.
const LANES: usize = 8;

/// A list has no more numbers than this, so that places are short.
const SIZE: usize = 1 << 14;

/// The place of a number.
type Place = u16;

/// A number for all rows, or one for each row from a place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    One(Place),
    Rows(Place),
}

/// What is computed by one instruction. Its tag is a byte of its own, so that it is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Act {
    /// A sum.
    Add(Place, Place),
    /// A difference.
    Sub(Place, Place),
    /// A product.
    Mul(Place, Place),
    /// Another number.
    Single(Code<Place>),
    /// Two numbers.
    Pair(Pair, Place),
    /// Numbers of so many rows; those of the second function of a pair come after those of the first.
    Rows(Code<At>, Place),
    /// The numbers whose places are in a table.
    Gather(Place),
    /// The sum over so many rows.
    Sum(Place, Place),
    /// The sum over so many rows of the products of two numbers.
    Dot(Place, Place, Place),
    /// Numbers of so many rows: the sum of columns, each times a number. A table has the places of a
    /// column and of its number in turn.
    Product(Place, Place),
    /// For each column of a table, the sum over so many rows of its products with numbers.
    Transposed(Place, Place, Place),
    /// Numbers are added to those after the target, each at the distance in a table.
    Scatter(Place, Place),
}

impl Act {
    /// A number: the commonest are told apart at once.
    fn single(code: Code<Place>) -> Self {
        if let Code::Add(a, b) = code {
            Act::Add(a, b)
        } else if let Code::Mul(a, b) = code {
            Act::Mul(a, b)
        } else if let Code::Sub(a, b) = code {
            Act::Sub(a, b)
        } else {
            Act::Single(code)
        }
    }
}

/// What to compute, and the first place it goes to.
#[derive(Clone, Copy, Debug)]
struct Instruction {
    act: Act,
    target: Place,
}

/// A list of instructions.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// The numbers before the first evaluation.
    numbers: Vec<f64>,
    instructions: Vec<Instruction>,
    /// So many of the instructions, the first, depend on the point and not on its tangent.
    settled: usize,
    tables: Vec<Box<[Place]>>,
    /// Where the point is, and its tangent if there is one.
    points: Vec<usize>,
}

/// Where results are.
#[derive(Clone, Debug)]
struct Results {
    total: Place,
    /// The place of each derivative.
    derivatives: Box<[Place]>,
    /// So many instructions, the first, compute them.
    end: usize,
}

/// The lists of a model: one for values alone; one for gradients, which are computed by its first
/// instructions, and products with the Hessian, which need what is left.
#[derive(Clone, Debug)]
pub(super) struct Small {
    value: List,
    log_density: Results,
    derivatives: List,
    gradient: Results,
    product: Results,
}

/// The numbers of each list.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    value: Box<Array>,
    derivatives: Box<Array>,
    /// So many instructions, the first, need not run again at the same point.
    done: usize,
}

impl Small {
    /// The lists of these steps, unless one of them would have more numbers than `most`, for each kind
    /// of derivatives, or than there is room for, or is of a kind that only runs by itself.
    pub(super) fn new(
        steps: &[Step],
        layout: &Layout,
        dimension: usize,
        most: usize,
    ) -> Option<Self> {
        let mut builder = Builder::new(layout, dimension, Part::Value, most.min(SIZE))?;
        append(&mut builder, steps, Part::Value, false)?;
        let log_density = builder.results(Part::Value);
        let value = builder.finish()?;
        let mut builder = Builder::new(layout, dimension, Part::Tangent, (2 * most).min(SIZE))?;
        append(&mut builder, steps, Part::Value, true)?;
        let gradient = builder.results(Part::Value);
        builder.begin_again();
        append(&mut builder, steps, Part::Tangent, true)?;
        let product = builder.results(Part::Tangent);
        Some(Small { value, log_density, derivatives: builder.finish()?, gradient, product })
    }

    pub(super) fn numbers(&self) -> Numbers {
        Numbers {
            value: Array::new(&self.value.numbers),
            derivatives: Array::new(&self.derivatives.numbers),
            done: 0,
        }
    }

    /// How many instructions a gradient takes.
    pub(super) fn length(&self) -> usize {
        self.gradient.end
    }

    pub(super) fn log_density(&self, isa: Isa, numbers: &mut Numbers, point: &[f64]) -> f64 {
        let Numbers { value: numbers, .. } = numbers;
        self.value.set(numbers, &[point]);
        isa.run(Run { list: &self.value, range: 0..self.log_density.end, numbers });
        numbers.at(self.log_density.total)
    }

    pub(super) fn gradient(
        &self,
        isa: Isa,
        numbers: &mut Numbers,
        point: &[f64],
        gradient: &mut [f64],
    ) -> f64 {
        let list = &self.derivatives;
        let Numbers { derivatives: numbers, done, .. } = numbers;
        list.set(numbers, &[point]);
        *done = self.gradient.end;
        isa.run(Run { list, range: 0..*done, numbers });
        self.gradient.read(numbers, gradient);
        numbers.at(self.gradient.total)
    }

    /// The product with the Hessian. At the point of the last gradient or product only what neither
    /// has computed is.
    pub(super) fn hessian_vector(
        &self,
        isa: Isa,
        numbers: &mut Numbers,
        (point, direction): (&[f64], &[f64]),
        product: &mut [f64],
    ) {
        let list = &self.derivatives;
        let Numbers { derivatives: numbers, done, .. } = numbers;
        let first = if list.is_at(numbers, point) { *done } else { 0 };
        *done = list.settled;
        list.set(numbers, &[point, direction]);
        isa.run(Run { list, range: first..self.product.end, numbers });
        self.product.read(numbers, product);
    }
}

/// Appends steps, and what computes adjoints or tangents of adjoints if these are asked for.
fn append(builder: &mut Builder, steps: &[Step], part: Part, adjoints: bool) -> Option<()> {
    for step in steps {
        builder.routine(match (step, part, adjoints) {
            (Step::Density(density), _, false) => &density.value,
            (Step::Density(density), Part::Value, true) => &density.gradient.plain,
            (Step::Density(density), Part::Tangent, true) => &density.gradient.moving,
            (Step::Map(map), Part::Value, _) => &map.value.plain,
            (Step::Map(map), Part::Tangent, _) => &map.value.moving,
            (
                Step::Product(_)
                | Step::Recurrence(_)
                | Step::Elimination(_)
                | Step::Cholesky(_)
                | Step::TriangularSolve(_)
                | Step::NoisyKronecker(_)
                | Step::Ode(_),
                ..,
            ) => return None,
        })?;
    }
    for step in steps.iter().rev().filter(|_| adjoints) {
        if let Step::Map(map) = step {
            let adjoint = &map.adjoint;
            builder.routine(match part {
                Part::Value => &adjoint.plain,
                Part::Tangent => &adjoint.moving,
            })?;
        }
    }
    Some(())
}

impl List {
    /// Writes the point, and its tangent if there is one.
    fn set(&self, numbers: &mut Array, points: &[&[f64]]) {
        for (start, point) in self.points.iter().zip(points) {
            numbers.put(*start, point);
        }
    }

    /// Whether the numbers are those of a point.
    fn is_at(&self, numbers: &Array, point: &[f64]) -> bool {
        let start = self.points.first().copied().unwrap_or(0);
        let before = numbers.rows(start as Place, point.len() as Place);
        before.iter().zip(point).all(|(a, b)| a.to_bits() == b.to_bits())
    }
}

impl Results {
    fn read(&self, numbers: &Array, derivatives: &mut [f64]) {
        for (k, to) in derivatives.iter_mut().enumerate() {
            *to = self.derivatives.get(k).map_or(f64::NAN, |place| numbers.at(*place));
        }
    }
}

/// Some instructions of a list.
struct Run<'a> {
    list: &'a List,
    range: Range<usize>,
    numbers: &'a mut Array,
}

impl Task for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Run { list, range, numbers } = self;
        for Instruction { act, target } in &list.instructions[range] {
            let target = *target;
            match act {
                Act::Add(a, b) => numbers.set(target, numbers.at(*a) + numbers.at(*b)),
                Act::Sub(a, b) => numbers.set(target, numbers.at(*a) - numbers.at(*b)),
                Act::Mul(a, b) => numbers.set(target, numbers.at(*a) * numbers.at(*b)),
                Act::Single(code) => {
                    let x = compute::<A, Place>(code, |place| numbers.at(place)).0;
                    numbers.set(target, x);
                }
                Act::Pair(functions, place) => {
                    let (first, second) = pair::<A>(*functions, numbers.at(*place));
                    numbers.set(target, first);
                    numbers.set(target + 1, second);
                }
                Act::Rows(code, rows) => numbers.compute::<A>(code, *rows, target),
                Act::Gather(table) => {
                    for (to, place) in (target..).zip(&list.tables[*table as usize]) {
                        numbers.set(to, numbers.at(*place));
                    }
                }
                Act::Sum(start, rows) => numbers.set(target, numbers.sum(*start, *rows)),
                Act::Dot(a, b, rows) => numbers.set(target, numbers.dot::<A>(*a, *b, *rows)),
                Act::Product(table, rows) => {
                    numbers.product::<A>(&list.tables[*table as usize], *rows, target);
                }
                Act::Transposed(table, start, rows) => {
                    for (to, column) in (target..).zip(&list.tables[*table as usize]) {
                        numbers.set(to, numbers.dot::<A>(*column, *start, *rows));
                    }
                }
                Act::Scatter(start, table) => {
                    for (from, distance) in (*start..).zip(&list.tables[*table as usize]) {
                        let to = target + distance;
                        numbers.set(to, numbers.at(to) + numbers.at(from));
                    }
                }
            }
        }
    }
}
