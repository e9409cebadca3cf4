//! Puts what depends on the point alone before what depends on a direction too, so that several
//! products with the Hessian at one point compute it once.

use super::{Act, At, Instruction, LANES, Place};
use std::ops::Range;

/// The same instructions, those first that do not depend on the numbers in a range of places, and how
/// many these are. Of either kind each comes after what it reads.
pub(super) fn settle(
    instructions: Vec<Instruction>,
    tables: &[Box<[Place]>],
    direction: Range<usize>,
) -> (Vec<Instruction>, usize) {
    let ends = instructions.iter().map(|instruction| instruction.written(tables).end);
    let size = ends.max().unwrap_or(0).max(direction.end);
    let mut moves = vec![false; size];
    moves[direction].fill(true);
    // What is added to in place moves as a whole, so that it also begins anew.
    let mut is_moving = vec![false; instructions.len()];
    let mut count = usize::MAX;
    while count != is_moving.iter().filter(|moving| **moving).count() {
        count = is_moving.iter().filter(|moving| **moving).count();
        for (is_moving, instruction) in is_moving.iter_mut().zip(&instructions) {
            let written = instruction.written(tables);
            if moves[written.clone()].contains(&true) || instruction.reads(tables, &moves) {
                *is_moving = true;
                moves[written].fill(true);
            }
        }
    }
    let both = instructions.into_iter().zip(is_moving);
    let (moving, settled): (Vec<_>, Vec<_>) = both.partition(|(_, is_moving)| *is_moving);
    let count = settled.len();
    (settled.into_iter().chain(moving).map(|(instruction, _)| instruction).collect(), count)
}

impl Instruction {
    /// The places of the numbers that are written.
    fn written(&self, tables: &[Box<[Place]>]) -> Range<usize> {
        let vectors = |rows: Place| (rows as usize).next_multiple_of(LANES);
        let count = match &self.act {
            Act::Add(..)
            | Act::Sub(..)
            | Act::Mul(..)
            | Act::Single(_)
            | Act::Sum(..)
            | Act::Dot(..) => 1,
            Act::Pair(..) => 2,
            Act::Rows(code, rows) => code.results() * vectors(*rows),
            Act::Product(_, rows) => vectors(*rows),
            Act::Gather(table) | Act::Transposed(table, ..) => tables[*table as usize].len(),
            Act::Scatter(_, table) => {
                tables[*table as usize].iter().max().map_or(0, |last| *last as usize + 1)
            }
        };
        self.target as usize..self.target as usize + count
    }

    /// Whether a number at one of the marked places is read.
    fn reads(&self, tables: &[Box<[Place]>], marked: &[bool]) -> bool {
        let one = |place: &Place| marked[*place as usize];
        let many =
            |start: Place, rows: Place| marked[start as usize..][..rows as usize].contains(&true);
        match &self.act {
            Act::Add(a, b) | Act::Sub(a, b) | Act::Mul(a, b) => one(a) || one(b),
            Act::Single(code) => {
                let mut any = false;
                code.map(|place| any |= one(&place));
                any
            }
            Act::Pair(_, place) => one(place),
            Act::Rows(code, rows) => {
                let mut any = false;
                code.map(|at| match at {
                    At::One(place) => any |= one(&place),
                    At::Rows(start) => any |= many(start, *rows),
                });
                any
            }
            Act::Gather(table) | Act::Product(table, _) => tables[*table as usize].iter().any(one),
            Act::Sum(start, rows) | Act::Transposed(_, start, rows) => many(*start, *rows),
            Act::Dot(a, b, rows) => many(*a, *rows) || many(*b, *rows),
            Act::Scatter(start, table) => many(*start, tables[*table as usize].len() as Place),
        }
    }
}
