//! The parts of a model: buffers of real numbers, and the kernels and products that fill them.
//!
//! Invariant (see [`Model::check`]): a node reads only buffers that earlier nodes have filled, and
//! no two nodes write the same element, except that accumulations share their buffer.

use super::elimination::Elimination;
use super::expression::Expression;
use super::linear::{Cholesky, NoisyKronecker, TriangularSolve};
use super::matrix::Matrix;
use super::ode::Ode;
use super::recurrence::Recurrence;
use std::sync::Arc;

/// A vector of [`Model::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

impl BufferId {
    /// The unconstrained point itself.
    pub const POINT: BufferId = BufferId(0);

    /// The position in the list of buffers.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The statement a node came from; its meaning belongs to whoever built the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u32);

/// A log density on ℝ^d: the sum over the rows of every kernel with [`Target::LogDensity`].
#[derive(Clone, Debug)]
pub struct Model {
    /// The length of every buffer; the first is the unconstrained point, of length d.
    pub buffers: Vec<usize>,
    /// What the log density needs, in an order in which everything is computed before it is used.
    pub nodes: Vec<Node>,
    /// What only [`Model::quantities`] need; computed after `nodes`. None may add to the log density.
    pub report_nodes: Vec<Node>,
    /// What to report, in order.
    pub quantities: Vec<Quantity>,
}

impl Model {
    /// The number of unconstrained coordinates, d.
    pub fn dimension(&self) -> usize {
        self.buffers.first().copied().unwrap_or(0)
    }

    /// Adds a buffer.
    pub fn add_buffer(&mut self, length: usize) -> BufferId {
        self.buffers.push(length);
        BufferId(self.buffers.len() as u32 - 1)
    }
}

/// Consecutive elements of a buffer to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The buffer.
    pub buffer: BufferId,
    /// The first element.
    pub offset: usize,
    /// How many elements.
    pub length: usize,
}

/// One step of the computation.
#[derive(Clone, Debug)]
pub enum Node {
    /// An expression evaluated for every row.
    Kernel(Kernel),
    /// A dense matrix times a vector.
    Product(Product),
    /// Kernels whose rows take turns.
    Recurrence(Recurrence),
    /// Finite variables summed out.
    Elimination(Elimination),
    /// Lower factors of symmetric matrices.
    Cholesky(Cholesky),
    /// Equations in triangular matrices.
    TriangularSolve(TriangularSolve),
    /// Matrix normals with noise.
    NoisyKronecker(NoisyKronecker),
    /// Solutions of differential equations.
    Ode(Ode),
}

impl Node {
    /// The kernels it is made of.
    pub fn kernels(&self) -> &[Kernel] {
        match self {
            Node::Kernel(kernel) => std::slice::from_ref(kernel),
            Node::Recurrence(recurrence) => &recurrence.kernels,
            Node::Product(_)
            | Node::Elimination(_)
            | Node::Cholesky(_)
            | Node::TriangularSolve(_)
            | Node::NoisyKronecker(_)
            | Node::Ode(_) => &[],
        }
    }
}

/// An expression evaluated for every row r = 0, …, rows - 1.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// How many rows.
    pub rows: usize,
    /// Where [`Leaf::Input`](super::Leaf::Input) k comes from; these are differentiated.
    pub inputs: Vec<Input>,
    /// Data: [`Leaf::Column`](super::Leaf::Column) k of row r is `columns[k][r]`. Never differentiated.
    pub columns: Vec<Arc<[f64]>>,
    /// What is computed, with one output.
    pub body: Expression,
    /// What becomes of the output.
    pub target: Target,
    /// The statement it came from.
    pub tag: Tag,
}

impl Kernel {
    /// What its inputs gather, each index once, in their order.
    pub fn gathers(&self) -> Vec<&Arc<[u32]>> {
        let mut indices: Vec<&Arc<[u32]>> = Vec::new();
        for input in &self.inputs {
            if let Access::Gather(index) = &input.access
                && !indices.iter().any(|known| Arc::ptr_eq(known, index))
            {
                indices.push(index);
            }
        }
        indices
    }
}

/// One number per row, read from a buffer.
#[derive(Clone, Debug)]
pub struct Input {
    /// The buffer.
    pub buffer: BufferId,
    /// Which element a row reads.
    pub access: Access,
}

/// Which element of a buffer belongs to row r.
#[derive(Clone, Debug)]
pub enum Access {
    /// The same element for every row.
    Uniform(usize),
    /// Element offset + r.
    Contiguous(usize),
    /// Element index\[r\].
    Gather(Arc<[u32]>),
}

/// What becomes of a kernel's value.
#[derive(Clone, Debug)]
pub enum Target {
    /// The sum over rows is added to the log density.
    LogDensity,
    /// Row r becomes the element of `buffer` at offset + r.
    Store(Slot),
    /// Row r is added to the element `index[r]` of `buffer`, which starts at zero.
    Accumulate {
        /// The buffer; only accumulations may write to it.
        buffer: BufferId,
        /// The element for each row.
        index: Arc<[u32]>,
    },
}

impl Target {
    /// The buffer it writes to.
    pub fn buffer(&self) -> Option<BufferId> {
        match self {
            Target::LogDensity => None,
            Target::Store(slot) => Some(slot.buffer),
            Target::Accumulate { buffer, .. } => Some(*buffer),
        }
    }
}

/// A place in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The buffer.
    pub buffer: BufferId,
    /// The first element.
    pub offset: usize,
}

/// output = X input, with adjoint: input += Xᵀ output.
#[derive(Clone, Debug)]
pub struct Product {
    /// X, data only.
    pub matrix: Arc<Matrix>,
    /// The first of `columns` consecutive elements.
    pub input: Slot,
    /// The first of `rows` consecutive elements.
    pub output: Slot,
    /// The statement it came from.
    pub tag: Tag,
}

/// How a model breaks its invariant: always a mistake of whoever built it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inconsistency {
    /// A node reads or writes beyond the end of a buffer, or a buffer that does not exist.
    OutOfBuffer(Tag),
    /// A column or an index does not have one element per row.
    WrongLength(Tag),
    /// A body names an input or a column that the kernel does not have, or has not one output.
    WrongBody(Tag),
    /// A node that is only reported adds to the log density.
    ReportedDensity(Tag),
    /// A kernel of a recurrence adds to the log density.
    DensityInRecurrence(Tag),
    /// A row of a recurrence reads what it writes, or what is written in a later turn.
    ReadsTooEarly(Tag),
    /// A table names a variable that does not exist, or one twice.
    WrongScope(Tag),
    /// Summing out would need a table larger than the options allow.
    TableTooLarge(Tag),
    /// A tolerance is not a positive number.
    WrongTolerance(Tag),
    /// A node writes to elements that it reads.
    WritesInput(Tag),
    /// A node writes to the unconstrained point.
    WritesPoint(Tag),
    /// A quantity reaches beyond its buffer.
    Quantity(usize),
}

impl Model {
    /// The first inconsistency, if any. A model without one compiles and evaluates without panics.
    pub fn check(&self) -> Option<Inconsistency> {
        let nodes = self.nodes.iter().find_map(|node| self.check_node(node));
        let reports = || {
            self.report_nodes.iter().find_map(|node| match node {
                Node::Kernel(Kernel { target: Target::LogDensity, tag, .. }) => {
                    Some(Inconsistency::ReportedDensity(*tag))
                }
                Node::Elimination(Elimination { tag, .. }) => {
                    Some(Inconsistency::ReportedDensity(*tag))
                }
                Node::Kernel(_)
                | Node::Product(_)
                | Node::Recurrence(_)
                | Node::Cholesky(_)
                | Node::TriangularSolve(_)
                | Node::NoisyKronecker(_)
                | Node::Ode(_) => self.check_node(node),
            })
        };
        let quantities = || {
            let bad = |q: &Quantity| !self.contains(q.buffer, q.offset, q.length);
            self.quantities.iter().position(bad).map(Inconsistency::Quantity)
        };
        nodes.or_else(reports).or_else(quantities)
    }

    /// Whether a buffer exists and has these elements.
    pub(super) fn contains(&self, buffer: BufferId, offset: usize, length: usize) -> bool {
        let end = offset.checked_add(length);
        self.buffers.get(buffer.index()).is_some_and(|size| end.is_some_and(|end| end <= *size))
    }

    fn contains_all(&self, buffer: BufferId, index: &[u32]) -> bool {
        let size = self.buffers.get(buffer.index()).copied().unwrap_or(0);
        index.iter().all(|i| (*i as usize) < size)
    }

    fn check_node(&self, node: &Node) -> Option<Inconsistency> {
        match node {
            Node::Kernel(kernel) => self.check_kernel(kernel),
            Node::Recurrence(recurrence) => self.check_recurrence(recurrence),
            Node::Elimination(elimination) => self.check_elimination(elimination),
            Node::Cholesky(cholesky) => self.check_cholesky(cholesky),
            Node::TriangularSolve(solve) => self.check_triangular_solve(solve),
            Node::NoisyKronecker(node) => self.check_noisy_kronecker(node),
            Node::Ode(ode) => self.check_ode(ode),
            Node::Product(product) => {
                let Product { matrix, input, output, tag } = product;
                if output.buffer == BufferId::POINT {
                    return Some(Inconsistency::WritesPoint(*tag));
                }
                let fits = self.contains(input.buffer, input.offset, matrix.columns())
                    && self.contains(output.buffer, output.offset, matrix.rows());
                (!fits).then_some(Inconsistency::OutOfBuffer(*tag))
            }
        }
    }

    pub(super) fn check_kernel(&self, kernel: &Kernel) -> Option<Inconsistency> {
        let Kernel { rows, inputs, columns, body, target, tag } = kernel;
        let target_index = match target {
            Target::LogDensity | Target::Store(_) => None,
            Target::Accumulate { index, .. } => Some(index),
        };
        if kernel.gathers().into_iter().chain(target_index).any(|index| index.len() != *rows)
            || columns.iter().any(|column| column.len() != *rows)
        {
            return Some(Inconsistency::WrongLength(*tag));
        }
        if target.buffer() == Some(BufferId::POINT) {
            return Some(Inconsistency::WritesPoint(*tag));
        }
        if body.outputs.len() != 1 || !body.is_closed(inputs.len(), columns.len()) {
            return Some(Inconsistency::WrongBody(*tag));
        }
        let reads = inputs.iter().all(|input| match &input.access {
            Access::Uniform(offset) => self.contains(input.buffer, *offset, 1),
            Access::Contiguous(offset) => self.contains(input.buffer, *offset, *rows),
            Access::Gather(index) => self.contains_all(input.buffer, index),
        });
        let writes = match target {
            Target::LogDensity => true,
            Target::Store(slot) => self.contains(slot.buffer, slot.offset, *rows),
            Target::Accumulate { buffer, index } => self.contains_all(*buffer, index),
        };
        (!(reads && writes)).then_some(Inconsistency::OutOfBuffer(*tag))
    }
}
