//! A kernel's program in the form in which it runs.
//!
//! Invariant: an instruction never writes a register it reads, and reads only what was loaded or
//! written before it in the same block, or computed by the prelude.

use super::flat::Places;
use super::product::PlacedProduct;
use super::share::Share;
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

impl Destination {
    /// Whether sums of products over rows go there, so that products need not be stored first.
    pub(super) fn takes_products(&self) -> bool {
        match self {
            Destination::Total => true,
            Destination::Add(_, places) => match places {
                Places::One(_) | Places::Runs { .. } => true,
                Places::Run(_) | Places::Scattered { .. } | Places::Stretches { .. } => false,
            },
            Destination::Store(_) | Destination::Transposed(_) => false,
        }
    }
}

/// A number per row that goes somewhere.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) sink: Sink,
    /// The scalar that it is multiplied by.
    pub(super) factor: Option<u32>,
    /// A register or a column.
    pub(super) value: Operand,
    /// What it is multiplied by row by row, if the products are added up.
    pub(super) times: Option<Operand>,
}

/// A number that an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    /// One number per row.
    Register(u32),
    /// One number per row, of data.
    Column(u32),
    /// One number for all rows.
    Scalar(u32),
}

/// Two functions that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pair {
    /// ln(1 + e^x) and 1 / (1 + e^-x)
    SoftplusSigmoid,
    /// The same, where the first is only added up over rows: a block of it has the right sum.
    SummedSoftplusSigmoid,
    /// ln Γ(x) and ψ(x)
    LnGammaDigamma,
}

impl Pair {
    /// Those that need not be added up.
    pub(super) const ALL: [Pair; 2] = [Pair::SoftplusSigmoid, Pair::LnGammaDigamma];

    pub(super) fn functions(self) -> [Unary; 2] {
        match self {
            Pair::SoftplusSigmoid | Pair::SummedSoftplusSigmoid => {
                [Unary::Softplus, Unary::Sigmoid]
            }
            Pair::LnGammaDigamma => [Unary::LnGamma, Unary::Digamma],
        }
    }
}

/// What an instruction does with its operands. Masks are numbers, 1 or 0. The tag is a byte of its
/// own, so that it is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Code<O = Operand> {
    /// Copies data, or repeats a scalar.
    Copy(O),
    Neg(O),
    Unary(Unary, O),
    /// The second function goes to the register given.
    Pair(Pair, O, u32),
    Add(O, O),
    Sub(O, O),
    Mul(O, O),
    Div(O, O),
    /// a b + c
    MulAdd(O, O, O),
    /// a b - c
    MulSub(O, O, O),
    /// c - a b
    SubMul(O, O, O),
    Binary(Binary, O, O),
    Ternary(Ternary, O, O, O),
    Less(O, O),
    Same(O, O),
    Gated(O, O),
    /// mask, yes, no
    Select(O, O, O),
}

impl<O> Code<O> {
    /// How many numbers it gives for a row.
    pub(super) fn results(&self) -> usize {
        match self {
            Code::Pair(..) => 2,
            Code::Copy(_)
            | Code::Neg(_)
            | Code::Unary(..)
            | Code::Add(..)
            | Code::Sub(..)
            | Code::Mul(..)
            | Code::Div(..)
            | Code::MulAdd(..)
            | Code::MulSub(..)
            | Code::SubMul(..)
            | Code::Binary(..)
            | Code::Ternary(..)
            | Code::Less(..)
            | Code::Same(..)
            | Code::Gated(..)
            | Code::Select(..) => 1,
        }
    }

    /// The same on other operands.
    pub(super) fn map<P>(self, mut f: impl FnMut(O) -> P) -> Code<P> {
        match self {
            Code::Copy(a) => Code::Copy(f(a)),
            Code::Neg(a) => Code::Neg(f(a)),
            Code::Unary(g, a) => Code::Unary(g, f(a)),
            Code::Pair(pair, a, second) => Code::Pair(pair, f(a), second),
            Code::Add(a, b) => Code::Add(f(a), f(b)),
            Code::Sub(a, b) => Code::Sub(f(a), f(b)),
            Code::Mul(a, b) => Code::Mul(f(a), f(b)),
            Code::Div(a, b) => Code::Div(f(a), f(b)),
            Code::MulAdd(a, b, c) => Code::MulAdd(f(a), f(b), f(c)),
            Code::MulSub(a, b, c) => Code::MulSub(f(a), f(b), f(c)),
            Code::SubMul(a, b, c) => Code::SubMul(f(a), f(b), f(c)),
            Code::Binary(g, a, b) => Code::Binary(g, f(a), f(b)),
            Code::Ternary(g, a, b, c) => Code::Ternary(g, f(a), f(b), f(c)),
            Code::Less(a, b) => Code::Less(f(a), f(b)),
            Code::Same(a, b) => Code::Same(f(a), f(b)),
            Code::Gated(a, b) => Code::Gated(f(a), f(b)),
            Code::Select(mask, yes, no) => Code::Select(f(mask), f(yes), f(no)),
        }
    }
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
    /// Outputs with one number per row.
    pub(super) row_outputs: Vec<Output>,
    /// The rows in parts that threads may take, if there are many; else nothing.
    pub(super) shares: Vec<Share>,
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

    /// About how many additions and products a row takes, those with matrices included.
    pub(super) fn row_work(&self) -> usize {
        let columns = self.sources.iter().map(|source| match &source.from {
            Origin::Places(_) => 0,
            Origin::Product(product) => 2 * product.matrix.columns(),
        });
        self.row_operations() + columns.sum::<usize>()
    }

    /// Operations of a row: an estimate of what its functions cost.
    pub(super) fn row_operations(&self) -> usize {
        self.instructions.len() + self.loads.len()
    }
}
