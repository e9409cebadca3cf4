//! Products that are computed inside the one kernel that reads them: their matrix is then read once
//! for X v and for Xᵀ r, and X v is stored nowhere.

use super::flat::Layout;
use super::product::PlacedProduct;
use super::step::Step;
use crate::graph::{Access, BufferId, Input, Kernel, Model, Node, Product, Target};
use std::collections::HashMap;
use std::sync::Arc;

/// The products of a model that are computed inside kernels, by the buffer they fill.
#[derive(Clone, Debug, Default)]
pub(super) struct Fused {
    products: HashMap<BufferId, Product>,
    placed: HashMap<BufferId, Arc<PlacedProduct>>,
    /// Those that reports read as well.
    reported: Vec<Product>,
}

impl Fused {
    /// Finds them: the output is a whole buffer that a single kernel reads, row by row, to add to
    /// the log density.
    pub(super) fn of(model: &Model) -> Self {
        let mut fused = Fused::default();
        let reads = reads(&model.nodes);
        let report_reads = self::reads(&model.report_nodes);
        for node in &model.nodes {
            let Node::Product(product) = node else { continue };
            let buffer = product.output.buffer;
            let whole = model.buffers.get(buffer.index()) == Some(&product.matrix.rows());
            let read = reads.get(&buffer).map(Vec::as_slice);
            if whole
                && let Some([Read::RowByRow(rows)]) = read
                && *rows == product.matrix.rows()
            {
                fused.products.insert(buffer, product.clone());
                let quantities = model.quantities.iter();
                let reported = report_reads.contains_key(&buffer)
                    || quantities.clone().any(|quantity| quantity.buffer == buffer);
                if reported {
                    fused.reported.push(product.clone());
                }
            }
        }
        fused
    }

    /// Gives them their places.
    pub(super) fn place(&mut self, layout: &Layout) {
        let products = self.products.iter();
        let placed =
            products.map(|(buffer, product)| (*buffer, PlacedProduct::new(product, layout)));
        self.placed = placed.map(|(buffer, product)| (buffer, Arc::new(product))).collect();
    }

    /// Whether a node is not run by itself.
    pub(super) fn contains(&self, node: &Node) -> bool {
        matches!(node, Node::Product(product) if self.products.contains_key(&product.output.buffer))
    }

    /// Whether a buffer is filled by one of them.
    pub(super) fn fills(&self, buffer: BufferId) -> bool {
        self.products.contains_key(&buffer)
    }

    /// The product that an input reads.
    pub(super) fn product(&self, input: &Input) -> Option<&Arc<PlacedProduct>> {
        self.placed.get(&input.buffer)
    }

    /// The steps that fill, for reports, what is otherwise stored nowhere.
    pub(super) fn reported(&self, layout: &Layout) -> Vec<Step> {
        let steps = self.reported.iter();
        steps.map(|product| Step::Product(PlacedProduct::new(product, layout))).collect()
    }
}

/// How a buffer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// By a kernel of this many rows that adds to the log density, from the first element on.
    RowByRow(usize),
    Otherwise,
}

fn reads(nodes: &[Node]) -> HashMap<BufferId, Vec<Read>> {
    let mut reads: HashMap<BufferId, Vec<Read>> = HashMap::new();
    for node in nodes {
        let mut read = |buffer, how| reads.entry(buffer).or_default().push(how);
        match node {
            Node::Kernel(kernel) => {
                kernel.inputs.iter().for_each(|input| read(input.buffer, how(kernel, input)));
            }
            Node::Product(_)
            | Node::Recurrence(_)
            | Node::Elimination(_)
            | Node::Cholesky(_)
            | Node::TriangularSolve(_)
            | Node::NoisyKronecker(_)
            | Node::Ode(_) => node.for_each_read(&mut |buffer| read(buffer, Read::Otherwise)),
        }
    }
    reads
}

fn how(kernel: &Kernel, input: &Input) -> Read {
    match (&kernel.target, &input.access) {
        (Target::LogDensity, Access::Contiguous(0)) => Read::RowByRow(kernel.rows),
        (Target::LogDensity | Target::Store(_) | Target::Accumulate { .. }, _) => Read::Otherwise,
    }
}
