//! Sums the squares of linear functions of data when the program is compiled.
//!
//! A kernel of the form Σ_r (u + Σ_j c_j (a_jᵀ x_r)²), where u, c_j and the a_j depend on scalars and
//! latent vectors only and x_r are data of row r, is n u + Σ_j c_j ‖X a_j‖² = n u + Σ_j c_j ‖R a_j‖² with X = Q R.
//! The triangle R has as many rows as x_r has elements, however many rows X has, and the sum keeps
//! its digits: forming Xᵀ X would lose half of them. Where they also depend on what is gathered, each
//! group of rows that gather the same has a triangle of its own.

mod form;
mod grouped;
mod rows;

use super::Draft;
use super::inline::tidied;
use super::usage::usage;
use crate::graph::matrix::Matrix;
use crate::graph::node::{
    Access, BufferId, Input, Kernel, Model, Node, Product, Slot, Tag, Target,
};
use crate::graph::trace::{Graph, Traced};
use crate::math::Scalar;
use form::{Basis, form};
use rows::Rows;
use std::sync::Arc;

/// Kernels with fewer rows are left as they are.
const FEWEST_ROWS: usize = 64;
/// The most elements that x_r may have: R costs their square.
const MOST_ELEMENTS: usize = 512;
/// Triangles have rows of zeros below, so that sums over their rows are sums of whole vectors.
const VECTOR: usize = 8;

/// Rewrites every kernel of this form.
pub(super) fn summarise(draft: &mut Draft) {
    let model = &mut draft.model;
    let mut position = 0;
    while position < model.nodes.len() {
        match summary(model, position) {
            Some(nodes) => {
                let count = nodes.len();
                model.nodes.splice(position..=position, nodes);
                position += count;
            }
            None => position += 1,
        }
    }
    drop_unread(draft);
}

fn summary(model: &mut Model, position: usize) -> Option<Vec<Node>> {
    let Node::Kernel(kernel) = &model.nodes[position] else { return None };
    if !matches!(kernel.target, Target::LogDensity) || kernel.rows < FEWEST_ROWS {
        return None;
    }
    let kernel = kernel.clone();
    let products: Vec<Option<Product>> =
        kernel.inputs.iter().map(|input| product_of(model, input, kernel.rows)).collect();
    let graph = Graph::new();
    let form = form(&kernel, &graph, &products)?;
    let rest = form.rest()?;
    if form.squares.is_empty() {
        return None;
    }
    let bases = form.squares.iter().flat_map(|(_, affine)| affine.keys().copied());
    let rows = Rows::new(&kernel, &products, bases);
    if rows.size > MOST_ELEMENTS {
        return None;
    }
    if !kernel.gathers().is_empty() {
        return grouped::summary(model, &rows, &graph, &form);
    }
    let size = rows.size;
    if size * size > kernel.rows {
        return None;
    }
    let mut columns = Vec::new();
    rows.reduce(kernel.rows, |row| row, &mut columns);
    let height = size.next_multiple_of(VECTOR);
    let mut triangle = Matrix::zero(height, size);
    for (column, values) in columns.iter().enumerate() {
        (0..=column).for_each(|row| triangle.set(row, column, values[row]));
    }
    let triangle = Arc::new(triangle);
    let builder = Builder { rows: &rows, graph: &graph };
    let mut nodes = Vec::new();
    for (factor, affine) in &form.squares {
        let vector = model.add_buffer(size);
        let rotated = model.add_buffer(height);
        for (basis, offset) in &rows.places {
            let coefficient = affine.get(basis).copied().unwrap_or(Traced::Constant(0.0));
            let slot = Slot { buffer: vector, offset: *offset };
            nodes.push(builder.coefficients(*basis, coefficient, slot));
        }
        nodes.push(Node::Product(Product {
            matrix: triangle.clone(),
            input: Slot { buffer: vector, offset: 0 },
            output: Slot { buffer: rotated, offset: 0 },
            tag: kernel.tag,
        }));
        nodes.push(builder.squares(*factor, rotated, height));
    }
    nodes.push(builder.density(1, rest * kernel.rows as f64, None));
    Some(nodes)
}

/// The product whose whole output an input reads row by row.
fn product_of(model: &Model, input: &Input, rows: usize) -> Option<Product> {
    let Access::Contiguous(first) = input.access else { return None };
    model.nodes.iter().find_map(|node| match node {
        Node::Product(product)
            if product.output.buffer == input.buffer
                && product.output.offset == first
                && product.matrix.rows() == rows =>
        {
            Some(product.clone())
        }
        Node::Product(_)
        | Node::Kernel(_)
        | Node::Recurrence(_)
        | Node::Elimination(_)
        | Node::Cholesky(_)
        | Node::TriangularSolve(_)
        | Node::NoisyKronecker(_)
        | Node::Ode(_) => None,
    })
}

struct Builder<'a, 'g> {
    rows: &'a Rows<'a>,
    graph: &'g Graph,
}

impl Builder<'_, '_> {
    /// Stores the coefficients of a basis: the coefficient itself, or times the vector of a product.
    fn coefficients(&self, basis: Basis, coefficient: Traced<'_>, slot: Slot) -> Node {
        let target = Target::Store(slot);
        match self.rows.product(basis) {
            None => self.node(1, coefficient, None, target),
            Some(Product { matrix, input, .. }) => {
                let access = Access::Contiguous(input.offset);
                let vector = Input { buffer: input.buffer, access };
                self.node(matrix.columns(), coefficient, Some((vector, false)), target)
            }
        }
    }

    /// Σ factor × w²
    fn squares(&self, factor: Traced<'_>, rotated: BufferId, size: usize) -> Node {
        let access = Access::Contiguous(0);
        let input = Input { buffer: rotated, access };
        self.node(size, factor, Some((input, true)), Target::LogDensity)
    }

    fn density(&self, rows: usize, value: Traced<'_>, input: Option<(Input, bool)>) -> Node {
        self.node(rows, value, input, Target::LogDensity)
    }

    /// A kernel of a number times an input, or times its square.
    fn node(
        &self,
        rows: usize,
        factor: Traced<'_>,
        input: Option<(Input, bool)>,
        target: Target,
    ) -> Node {
        let mut inputs = self.rows.kernel.inputs.clone();
        // The factor is carried over to a graph of its own.
        let expression = self.graph.expression(&[factor]);
        let graph = Graph::new();
        let values = expression.values(|leaf| graph.leaf(leaf));
        let mut value = expression
            .outputs
            .first()
            .map_or(Traced::Constant(f64::NAN), |id| values[id.index()].number());
        if let Some((input, squared)) = input {
            let x = graph.input(inputs.len() as u32);
            inputs.push(input);
            value = value * if squared { x.square() } else { x };
        }
        let body = graph.expression(&[value]);
        let tag: Tag = self.rows.kernel.tag;
        Node::Kernel(tidied(Kernel { rows, inputs, columns: Vec::new(), body, target, tag }))
    }
}

/// Moves products that only reports read to the reports, and drops those that nobody reads.
fn drop_unread(draft: &mut Draft) {
    let usage = usage(&draft.model);
    let nodes = std::mem::take(&mut draft.model.nodes);
    let reported: Vec<BufferId> = draft
        .kernels
        .iter()
        .flat_map(Node::kernels)
        .flat_map(|k| &k.inputs)
        .map(|input| input.buffer)
        .collect();
    for node in nodes {
        if let Node::Product(product) = &node {
            let buffer = product.output.buffer;
            let usage = &usage[buffer.index()];
            if usage.kernels.is_empty() && !usage.elsewhere {
                if usage.reported || reported.contains(&buffer) {
                    draft.products.push(node);
                }
                continue;
            }
        }
        draft.model.nodes.push(node);
    }
}
