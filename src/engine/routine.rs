//! A kernel's program in the form in which it runs.
//!
//! Invariant: an instruction never writes the register it reads, and reads only what was written
//! before it in the same block, or by the prelude.

use super::flat::Places;
use crate::graph::Op;
use crate::math::scalar::{Binary, Ternary, Unary};
use std::sync::Arc;

/// How many rows an instruction handles at once: long enough to hide its dispatch, short enough
/// for a dozen registers to stay in the first-level cache.
pub(super) const BLOCK: usize = 256;

/// Values and adjoints have the same layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// The buffers.
    Values,
    /// The derivative of the log density in each element of the buffers.
    Adjoints,
}

/// Where an input is read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) space: Space,
    pub(super) places: Places,
    /// Whether nothing writes there between the first row and the last.
    pub(super) settled: bool,
}

/// What becomes of an output.
#[derive(Clone, Debug)]
pub(super) enum Sink {
    /// Its sum over rows is added to the log density.
    Total,
    /// It is written to consecutive values.
    Store(usize),
    /// It is added to whatever is there.
    Add(Space, Places),
}

/// A number that an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// One number per row.
    Register(u32),
    /// One number for all rows.
    Scalar(u32),
}

/// What an instruction does. Masks are numbers, 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Reads a column of data.
    Column(u32),
    /// Reads an input.
    Input(u32),
    /// Repeats a scalar.
    Broadcast(u32),
    Neg(u32),
    Unary(Unary, u32),
    Add(Operand, Operand),
    Sub(Operand, Operand),
    Mul(Operand, Operand),
    Div(Operand, Operand),
    Binary(Binary, Operand, Operand),
    /// Registers.
    Ternary(Ternary, u32, u32, u32),
    Less(Operand, Operand),
    Same(Operand, Operand),
    Gated(Operand, Operand),
    /// Registers: mask, yes, no.
    Select(u32, u32, u32),
}

/// One instruction for a block of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) target: u32,
    pub(super) code: Code,
}

/// A kernel's program.
#[derive(Clone, Debug)]
pub(super) struct Routine {
    pub(super) rows: usize,
    pub(super) sources: Vec<Source>,
    pub(super) columns: Vec<Arc<[f64]>>,
    /// Where its scalars begin: routines that take turns have scalars of their own.
    pub(super) first_scalar: usize,
    /// What is the same for all rows: operation i computes scalar i.
    pub(super) prelude: Vec<Op>,
    /// What is computed for every block of rows.
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: usize,
    /// Outputs that are the same for all rows.
    pub(super) scalar_outputs: Vec<(Sink, u32)>,
    /// Outputs with one number per row.
    pub(super) row_outputs: Vec<(Sink, u32)>,
}

impl Routine {
    /// Whether it has no effect.
    pub(super) fn is_idle(&self) -> bool {
        self.rows == 0 || (self.scalar_outputs.is_empty() && self.row_outputs.is_empty())
    }
}
