//! Sums the squares of linear functions of data when the program is compiled.
//!
//! A kernel of the form Σ_r (u + Σ_j c_j (a_jᵀ x_r)²), where u, c_j and the a_j depend on scalars and
//! latent vectors only and x_r are data of row r, is n u + Σ_j c_j ‖X a_j‖² = n u + Σ_j c_j ‖R a_j‖² with X = Q R.
//! The triangle R has as many rows as x_r has elements, however many rows X has, and the sum keeps
//! its digits: forming Xᵀ X would lose half of them.

use super::Draft;
use super::inline::tidied;
use super::usage::usage;
use crate::graph::expression::{Leaf, Op};
use crate::graph::matrix::Matrix;
use crate::graph::node::{
    Access, BufferId, Input, Kernel, Model, Node, Product, Slot, Tag, Target,
};
use crate::graph::trace::{Graph, Traced};
use crate::math::Scalar;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kernels with fewer rows are left as they are.
const FEWEST_ROWS: usize = 64;
/// The most elements that x_r may have: R costs their square.
const MOST_ELEMENTS: usize = 512;

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

/// An element of x_r: 1, a column, or those of a row of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Basis {
    One,
    Column(u32),
    /// The input that reads the product of the matrix with a vector.
    Product(u32),
}

/// Σ coefficient × basis.
type Affine<'g> = BTreeMap<Basis, Traced<'g>>;

/// A linear function, and squares of linear functions with their factors.
#[derive(Clone, Debug, Default)]
struct Form<'g> {
    affine: Affine<'g>,
    squares: Vec<(Traced<'g>, Affine<'g>)>,
}

impl<'g> Form<'g> {
    fn of(basis: Basis, coefficient: Traced<'g>) -> Self {
        Form { affine: BTreeMap::from([(basis, coefficient)]), squares: Vec::new() }
    }

    /// The number, if it is the same in all rows.
    fn uniform(&self) -> Option<Traced<'g>> {
        let is_uniform = self.squares.is_empty() && self.affine.keys().all(|b| *b == Basis::One);
        is_uniform.then(|| self.affine.get(&Basis::One).copied().unwrap_or(Traced::Constant(0.0)))
    }

    fn scaled(&self, factor: impl Fn(Traced<'g>) -> Traced<'g>) -> Self {
        Form {
            affine: self.affine.iter().map(|(basis, c)| (*basis, factor(*c))).collect(),
            squares: self.squares.iter().map(|(c, a)| (factor(*c), a.clone())).collect(),
        }
    }

    fn plus(mut self, other: Self) -> Self {
        for (basis, c) in other.affine {
            self.affine.entry(basis).and_modify(|sum| *sum = *sum + c).or_insert(c);
        }
        self.squares.extend(other.squares);
        self
    }

    fn squared(self) -> Option<Self> {
        let squares = vec![(Traced::Constant(1.0), self.affine)];
        self.squares.is_empty().then_some(Form { affine: Affine::new(), squares })
    }
}

/// What each operation of a kernel is as a form, if it is one.
fn form<'g>(kernel: &Kernel, graph: &'g Graph, products: &[Option<Product>]) -> Option<Form<'g>> {
    let mut forms: Vec<Option<Form<'g>>> = Vec::with_capacity(kernel.body.ops.len());
    for op in &kernel.body.ops {
        let of = |id: crate::graph::NodeId| forms[id.index()].clone();
        let uniform = |id: crate::graph::NodeId| forms[id.index()].as_ref().and_then(Form::uniform);
        let form = match *op {
            Op::Constant(c) => Some(Form::of(Basis::One, Traced::Constant(c.value()))),
            Op::Leaf(leaf @ Leaf::Input(k)) => {
                match (&kernel.inputs[k as usize].access, &products[k as usize]) {
                    (Access::Uniform(_), _) => Some(Form::of(Basis::One, graph.leaf(leaf))),
                    (Access::Contiguous(_), Some(_)) => {
                        Some(Form::of(Basis::Product(k), Traced::Constant(1.0)))
                    }
                    (Access::Contiguous(_) | Access::Gather(_), _) => None,
                }
            }
            Op::Leaf(Leaf::Column(k)) => Some(Form::of(Basis::Column(k), Traced::Constant(1.0))),
            Op::Neg(a) => of(a).map(|a| a.scaled(|c| -c)),
            Op::Add(a, b) => of(a).zip(of(b)).map(|(a, b)| a.plus(b)),
            Op::Sub(a, b) => of(a).zip(of(b)).map(|(a, b)| a.plus(b.scaled(|c| -c))),
            Op::Mul(a, b) => match (uniform(a), uniform(b)) {
                (Some(u), _) => of(b).map(|b| b.scaled(|c| c * u)),
                (_, Some(u)) => of(a).map(|a| a.scaled(|c| c * u)),
                (None, None) if a == b => of(a).and_then(Form::squared),
                (None, None) => None,
            },
            Op::Div(a, b) => match uniform(b) {
                Some(u) => of(a).map(|a| a.scaled(|c| c / u)),
                None => None,
            },
            Op::Unary(f, a) => match uniform(a) {
                Some(u) => Some(Form::of(Basis::One, u.apply(f))),
                None if f == crate::math::Unary::Square => of(a).and_then(Form::squared),
                None => None,
            },
            Op::Binary(f, a, b) => {
                let both = uniform(a).zip(uniform(b));
                both.map(|(a, b)| Form::of(Basis::One, a.apply2(f, b)))
            }
            Op::Ternary(..) | Op::Less(..) | Op::Same(..) | Op::Select(..) | Op::Gated(..) => None,
        };
        forms.push(form);
    }
    forms.get(kernel.body.outputs.first()?.index())?.clone()
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
    let constant = form.affine.keys().all(|basis| *basis == Basis::One);
    if !constant || form.squares.is_empty() {
        return None;
    }
    let mut bases: Vec<Basis> =
        form.squares.iter().flat_map(|(_, affine)| affine.keys().copied()).collect();
    bases.sort_unstable();
    bases.dedup();
    let width = |basis: Basis| match basis {
        Basis::One | Basis::Column(_) => 1,
        Basis::Product(k) => products[k as usize].as_ref().map_or(0, |p| p.matrix.columns()),
    };
    let mut places = BTreeMap::new();
    let mut size = 0;
    for basis in bases {
        places.insert(basis, size);
        size += width(basis);
    }
    if size > MOST_ELEMENTS || size * size > kernel.rows {
        return None;
    }
    let triangle = Arc::new(triangle(&kernel, &products, &places, size));
    let builder = Builder { kernel: &kernel, products: &products, graph: &graph };
    let mut nodes = Vec::new();
    for (factor, affine) in &form.squares {
        let vector = model.add_buffer(size);
        let rotated = model.add_buffer(size);
        for (basis, offset) in &places {
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
        nodes.push(builder.squares(*factor, rotated, size));
    }
    let rest = form.affine.get(&Basis::One).copied().unwrap_or(Traced::Constant(0.0));
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
    kernel: &'a Kernel,
    products: &'a [Option<Product>],
    graph: &'g Graph,
}

impl Builder<'_, '_> {
    /// Stores the coefficients of a basis: the coefficient itself, or times the vector of a product.
    fn coefficients(&self, basis: Basis, coefficient: Traced<'_>, slot: Slot) -> Node {
        let target = Target::Store(slot);
        let product = match basis {
            Basis::One | Basis::Column(_) => None,
            Basis::Product(k) => self.products[k as usize].as_ref(),
        };
        match product {
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
        let mut inputs = self.kernel.inputs.clone();
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
        let tag: Tag = self.kernel.tag;
        Node::Kernel(tidied(Kernel { rows, inputs, columns: Vec::new(), body, target, tag }))
    }
}

/// The R of a QR of the rows x_r, by Householder reflections of R on top of a block of rows.
fn triangle(
    kernel: &Kernel,
    products: &[Option<Product>],
    places: &BTreeMap<Basis, usize>,
    size: usize,
) -> Matrix {
    let height = Matrix::TILE.max(2 * size);
    let mut columns = vec![vec![0.0; size + height]; size];
    for first in (0..kernel.rows).step_by(height) {
        let rows = height.min(kernel.rows - first);
        for (basis, offset) in places {
            match basis {
                Basis::One => columns[*offset][size..size + rows].fill(1.0),
                Basis::Column(k) => columns[*offset][size..size + rows]
                    .copy_from_slice(&kernel.columns[*k as usize][first..first + rows]),
                Basis::Product(k) => {
                    let Some(product) = &products[*k as usize] else { continue };
                    for column in 0..product.matrix.columns() {
                        for row in 0..rows {
                            columns[offset + column][size + row] =
                                product.matrix.at(first + row, column);
                        }
                    }
                }
            }
        }
        columns.iter_mut().for_each(|column| column[size + rows..].fill(0.0));
        reflect(&mut columns, size);
    }
    let mut triangle = Matrix::zero(size, size);
    for (column, values) in columns.iter().enumerate() {
        (0..=column).for_each(|row| triangle.set(row, column, values[row]));
    }
    triangle
}

/// Turns a triangle on top of a block into a triangle on top of zeros.
fn reflect(columns: &mut [Vec<f64>], size: usize) {
    for pivot in 0..columns.len() {
        let (done, rest) = columns.split_at_mut(pivot + 1);
        let own = &mut done[pivot];
        let block = dot(&own[size..], &own[size..]);
        if block == 0.0 {
            continue;
        }
        let length = (own[pivot] * own[pivot] + block).sqrt();
        let head = if own[pivot] > 0.0 { own[pivot] + length } else { own[pivot] - length };
        // H = 1 - 2 v vᵀ / vᵀ v with v = (head, block).
        let factor = 2.0 / (head * head + block);
        for other in rest {
            let along = head * other[pivot] + dot(&own[size..], &other[size..]);
            let step = factor * along;
            other[pivot] -= step * head;
            for (to, x) in other[size..].iter_mut().zip(&own[size..]) {
                *to -= step * x;
            }
        }
        own[pivot] = if own[pivot] > 0.0 { -length } else { length };
        own[size..].fill(0.0);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| sum + a * b);
    sums.iter().fold(rest, |sum, x| sum + x)
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
