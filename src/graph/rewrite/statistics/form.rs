//! What a kernel computes as squares of linear functions of data.

use crate::graph::expression::{Leaf, NodeId, Op};
use crate::graph::node::{Access, Kernel, Product};
use crate::graph::trace::{Graph, Traced};
use crate::math::{Scalar, Unary};
use std::collections::BTreeMap;

/// An element of x_r: 1, a column, or those of a row of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Basis {
    One,
    Column(u32),
    /// The input that reads the product of the matrix with a vector.
    Product(u32),
}

/// Σ coefficient × basis.
pub(super) type Affine<'g> = BTreeMap<Basis, Traced<'g>>;

/// A linear function, and squares of linear functions with their factors.
#[derive(Clone, Debug, Default)]
pub(super) struct Form<'g> {
    pub(super) affine: Affine<'g>,
    pub(super) squares: Vec<(Traced<'g>, Affine<'g>)>,
}

impl<'g> Form<'g> {
    fn of(basis: Basis, coefficient: Traced<'g>) -> Self {
        Form { affine: BTreeMap::from([(basis, coefficient)]), squares: Vec::new() }
    }

    /// What is added in every row, if it is the same in all of them.
    pub(super) fn rest(&self) -> Option<Traced<'g>> {
        let is_uniform = self.affine.keys().all(|basis| *basis == Basis::One);
        is_uniform.then(|| self.affine.get(&Basis::One).copied().unwrap_or(Traced::Constant(0.0)))
    }

    /// The number, if it is the same in all rows.
    fn uniform(&self) -> Option<Traced<'g>> {
        if self.squares.is_empty() { self.rest() } else { None }
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

/// What a kernel computes as a form, if it is one. What is gathered counts as the same in all rows.
pub(super) fn form<'g>(
    kernel: &Kernel,
    graph: &'g Graph,
    products: &[Option<Product>],
) -> Option<Form<'g>> {
    let mut forms: Vec<Option<Form<'g>>> = Vec::with_capacity(kernel.body.ops.len());
    for op in &kernel.body.ops {
        let of = |id: NodeId| forms[id.index()].clone();
        let uniform = |id: NodeId| forms[id.index()].as_ref().and_then(Form::uniform);
        let form = match *op {
            Op::Constant(c) => Some(Form::of(Basis::One, Traced::Constant(c.value()))),
            Op::Leaf(leaf @ Leaf::Input(k)) => {
                match (&kernel.inputs[k as usize].access, &products[k as usize]) {
                    (Access::Uniform(_) | Access::Gather(_), _) => {
                        Some(Form::of(Basis::One, graph.leaf(leaf)))
                    }
                    (Access::Contiguous(_), Some(_)) => {
                        Some(Form::of(Basis::Product(k), Traced::Constant(1.0)))
                    }
                    (Access::Contiguous(_), None) => None,
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
                None if f == Unary::Square => of(a).and_then(Form::squared),
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
