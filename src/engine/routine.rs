//! A kernel's program in the form in which it runs.
//!
//! Invariant: an instruction never writes a register it reads, and reads only what was loaded or
//! written before it in the same block, or computed by the prelude.

use super::flat::Places;
use super::product::PlacedProduct;
use crate::graph::Matrix;
use crate::math::scalar::{Binary, Ternary, Unary};
use std::sync::Arc;

/// How many rows an instruction handles at once: long enough to hide its dispatch, short enough
/// for a dozen registers to stay in the first-level cache. A tile of a matrix has as many.
pub(super) const BLOCK: usize = Matrix::TILE;

/// Values and adjoints have the same layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// The buffers.
    Values,
    /// The derivative of the log density in each element of the buffers.
    Adjoints,
}

/// Which half of a number with a tangent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Value,
    Tangent,
}

/// Where an input is read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) space: Space,
    pub(super) part: Part,
    pub(super) from: Origin,
    /// Whether nothing writes there between the first row and the last.
    pub(super) settled: bool,
}

/// What an input is.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// An element for each row.
    Places(Places),
    /// The product of a matrix with a vector, computed block by block and stored nowhere.
    Product(Arc<PlacedProduct>),
}

/// What becomes of an output.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    pub(super) part: Part,
    pub(super) to: Destination,
}

/// Where an output goes.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// Its sum over rows is added to the log density.
    Total,
    /// It is written to consecutive values.
    Store(usize),
    /// It is added to whatever is there.
    Add(Space, Places),
    /// Its product with the transposed matrix is added to the adjoint of the vector.
    Transposed(Arc<PlacedProduct>),
}

/// A number that an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// One number per row.
    Register(u32),
    /// One number per row, of data.
    Column(u32),
    /// One number for all rows.
    Scalar(u32),
}

/// Two functions that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// ln(1 + e^x) and 1 / (1 + e^-x)
    SoftplusSigmoid,
    /// ln Γ(x) and ψ(x)
    LnGammaDigamma,
}

impl Pair {
    pub(super) const ALL: [Pair; 2] = [Pair::SoftplusSigmoid, Pair::LnGammaDigamma];

    pub(super) fn functions(self) -> [Unary; 2] {
        match self {
            Pair::SoftplusSigmoid => [Unary::Softplus, Unary::Sigmoid],
            Pair::LnGammaDigamma => [Unary::LnGamma, Unary::Digamma],
        }
    }
}

/// What an instruction does. Masks are numbers, 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Copies data, or repeats a scalar.
    Copy(Operand),
    Neg(Operand),
    Unary(Unary, Operand),
    /// The second function goes to the register given.
    Pair(Pair, Operand, u32),
    Add(Operand, Operand),
    Sub(Operand, Operand),
    Mul(Operand, Operand),
    Div(Operand, Operand),
    /// a b + c
    MulAdd(Operand, Operand, Operand),
    /// a b - c
    MulSub(Operand, Operand, Operand),
    /// c - a b
    SubMul(Operand, Operand, Operand),
    Binary(Binary, Operand, Operand),
    Ternary(Ternary, Operand, Operand, Operand),
    Less(Operand, Operand),
    Same(Operand, Operand),
    Gated(Operand, Operand),
    /// mask, yes, no
    Select(Operand, Operand, Operand),
}

/// One instruction for a block of rows; in a prelude, for one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) target: u32,
    pub(super) code: Code,
}

/// What is the same for all rows. Its registers are the scalars of the routine.
#[derive(Clone, Debug, Default)]
pub(super) struct Prelude {
    /// Scalars that never change.
    pub(super) constants: Vec<(u32, f64)>,
    /// Scalars that are read, and the source of each.
    pub(super) loads: Vec<(u32, u32)>,
    pub(super) instructions: Vec<Instruction>,
    /// How many scalars there are.
    pub(super) scalars: usize,
}

/// A kernel's program.
#[derive(Clone, Debug)]
pub(super) struct Routine {
    pub(super) rows: usize,
    pub(super) sources: Vec<Source>,
    pub(super) columns: Vec<Arc<[f64]>>,
    /// Where its scalars begin: they are its own, so that constants are written once.
    pub(super) first_scalar: usize,
    pub(super) prelude: Prelude,
    /// Registers that are read at the start of every block, and the source of each.
    pub(super) loads: Vec<(u32, u32)>,
    /// What is computed for every block of rows.
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: usize,
    /// Outputs that are the same for all rows.
    pub(super) scalar_outputs: Vec<(Sink, u32)>,
    /// Outputs with one number per row: registers or columns.
    pub(super) row_outputs: Vec<(Sink, Operand)>,
}

impl Routine {
    /// Whether it has no effect.
    pub(super) fn is_idle(&self) -> bool {
        self.rows == 0 || (self.scalar_outputs.is_empty() && self.row_outputs.is_empty())
    }

    /// Whether a matrix is read on the way.
    pub(super) fn reads_products(&self) -> bool {
        self.sources.iter().any(|source| matches!(source.from, Origin::Product(_)))
    }

    /// Operations of a row: an estimate of what its functions cost.
    pub(super) fn row_operations(&self) -> usize {
        self.instructions.len() + self.loads.len()
    }
}
