//! The numbers of a list, and what its instructions do with vectors of them.

use super::{At, LANES, Place, SIZE};
use crate::engine::block::{View, pair_block, step};
use crate::engine::function::gated;
use crate::engine::lane::sum;
use crate::engine::product::dot;
use crate::engine::routine::Code;
use crate::math::scalar::{Binary, Unary};
use crate::math::special::kept;
use crate::math::straight::Arithmetic;

/// A vector of rows.
type Vector = [f64; LANES];

/// As many numbers as a list may have, and a vector more, so that none ends beyond them.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Array([f64; SIZE + LANES]);

/// A number of each row from numbers of their operands: a loop over vectors. What costs little is not
/// worth setting up slices for.
macro_rules! each {
    ($numbers:ident, $rows:ident, $target:ident, |$($x:ident),+| $f:expr) => {{
        let mut row = 0;
        while row < $rows {
            $(let $x = $numbers.spread($x, row);)+
            let mut out = [0.0; LANES];
            for i in 0..LANES {
                $(let $x = $x[i];)+
                out[i] = $f;
            }
            $numbers.set_vector($target + row, out);
            row += LANES as Place;
        }
    }};
}

impl Array {
    pub(super) fn new(numbers: &[f64]) -> Box<Self> {
        let mut array = Box::new(Array([0.0; SIZE + LANES]));
        array.0.iter_mut().zip(numbers).for_each(|(to, x)| *to = *x);
        array
    }

    /// The number at a place. All places are below `SIZE`; that the compiler sees it saves a check.
    #[inline(always)]
    pub(super) fn at(&self, place: Place) -> f64 {
        self.0[place as usize % SIZE]
    }

    #[inline(always)]
    pub(super) fn set(&mut self, place: Place, x: f64) {
        self.0[place as usize % SIZE] = x;
    }

    /// The numbers of some rows.
    #[inline(always)]
    pub(super) fn rows(&self, first: Place, rows: Place) -> &[f64] {
        &self.0[first as usize..][..rows as usize]
    }

    /// Writes numbers from a place on.
    pub(super) fn put(&mut self, first: usize, numbers: &[f64]) {
        self.0[first..first + numbers.len()].copy_from_slice(numbers);
    }

    /// The vector from a place on.
    #[allow(clippy::manual_memcpy, reason = "a loop is never a call")]
    #[inline(always)]
    fn vector(&self, first: Place) -> Vector {
        let first = first as usize % SIZE;
        let from = &self.0[first..first + LANES];
        let mut vector = [0.0; LANES];
        for i in 0..LANES {
            vector[i] = from[i];
        }
        vector
    }

    #[allow(clippy::manual_memcpy, reason = "a loop is never a call")]
    #[inline(always)]
    fn set_vector(&mut self, first: Place, vector: Vector) {
        let first = first as usize % SIZE;
        let to = &mut self.0[first..first + LANES];
        for i in 0..LANES {
            to[i] = vector[i];
        }
    }

    /// The vector of a number that begins at a row.
    #[inline(always)]
    fn spread(&self, at: At, row: Place) -> Vector {
        match at {
            At::One(place) => [self.at(place); LANES],
            At::Rows(first) => self.vector(first + row),
        }
    }

    /// Σ x
    #[inline(always)]
    pub(super) fn sum(&self, first: Place, rows: Place) -> f64 {
        if rows as usize == LANES { sum(&self.vector(first)) } else { sum(self.rows(first, rows)) }
    }

    /// Σ x y
    #[inline(always)]
    pub(super) fn dot<A: Arithmetic>(&self, a: Place, b: Place, rows: Place) -> f64 {
        if rows as usize == LANES {
            dot::<A>(&self.vector(a), &self.vector(b))
        } else {
            dot::<A>(self.rows(a, rows), self.rows(b, rows))
        }
    }

    /// Adds columns up, each times a number, a vector of rows at a time.
    #[inline(always)]
    pub(super) fn product<A: Arithmetic>(&mut self, table: &[Place], rows: Place, target: Place) {
        let (terms, _) = table.as_chunks::<2>();
        for row in (0..rows).step_by(LANES) {
            let mut sum = [0.0; LANES];
            for [column, factor] in terms {
                let (column, factor) = (self.vector(column + row), self.at(*factor));
                for i in 0..LANES {
                    sum[i] = A::fma(column[i], factor, sum[i]);
                }
            }
            self.set_vector(target + row, sum);
        }
    }

    /// Computes rows, a vector at a time.
    #[inline(always)]
    pub(super) fn compute<A: Arithmetic>(&mut self, code: &Code<At>, rows: Place, target: Place) {
        match *code {
            Code::Copy(a) => each!(self, rows, target, |a| a),
            Code::Neg(a) => each!(self, rows, target, |a| -a),
            Code::Unary(Unary::Square, a) => each!(self, rows, target, |a| a * a),
            Code::Add(a, b) => each!(self, rows, target, |a, b| a + b),
            Code::Sub(a, b) => each!(self, rows, target, |a, b| a - b),
            Code::Mul(a, b) => each!(self, rows, target, |a, b| a * b),
            Code::Div(a, b) => each!(self, rows, target, |a, b| a / b),
            Code::Binary(Binary::Kept, a, b) => each!(self, rows, target, |a, b| kept(a, b)),
            Code::Gated(a, b) => each!(self, rows, target, |a, b| gated(a, b)),
            Code::MulAdd(a, b, c) => each!(self, rows, target, |a, b, c| A::fma(a, b, c)),
            Code::MulSub(a, b, c) => each!(self, rows, target, |a, b, c| A::fma(a, b, -c)),
            Code::SubMul(a, b, c) => each!(self, rows, target, |a, b, c| A::fma(-a, b, c)),
            Code::Unary(..)
            | Code::Pair(..)
            | Code::Binary(..)
            | Code::Ternary(..)
            | Code::Less(..)
            | Code::Same(..)
            | Code::Select(..) => self.step::<A>(code, rows as usize, target as usize),
        }
    }

    /// Whatever blocks of rows compute.
    #[inline(always)]
    fn step<A: Arithmetic>(&mut self, code: &Code<At>, rows: usize, target: usize) {
        let (from, to) = self.0.split_at_mut(target % SIZE);
        let length = rows.next_multiple_of(LANES);
        let mut lane = 0;
        while lane < length {
            let view = |at| match at {
                At::One(place) => View::One(from[place as usize]),
                At::Rows(place) => {
                    let first = place as usize + lane;
                    View::Rows(&from[first..first + LANES])
                }
            };
            if let Code::Pair(pair, at, _) = code {
                let (first, second) = to.split_at_mut(length);
                let (first, second) = (&mut first[lane..], &mut second[lane..]);
                pair_block::<A>(*pair, view(*at), &mut first[..LANES], &mut second[..LANES]);
            } else {
                step::<A, At>(code, view, &mut to[lane..lane + LANES]);
            }
            lane += LANES;
        }
    }
}
