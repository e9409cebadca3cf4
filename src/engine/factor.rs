//! Takes what is the same for all rows out of what is added up: Σ (f x + g) = f Σ x + n g.

use super::flat::Places;
use super::routine::{Destination, Sink};
use crate::graph::{Expression, Graph, Leaf, NodeId, Op, Traced, Value};
use crate::math::Unary;

/// An output: a value, times a factor that is the same for all rows, goes where the sink says.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) value: NodeId,
    pub(super) factor: Option<NodeId>,
    pub(super) sink: Sink,
}

/// The outputs that have a sink, as they are.
pub(super) fn as_written(expression: &Expression, sinks: Vec<Option<Sink>>) -> Vec<Wanted> {
    let outputs = expression.outputs.iter().zip(sinks);
    outputs
        .filter_map(|(id, sink)| Some(Wanted { value: *id, factor: None, sink: sink? }))
        .collect()
}

/// The expression with factors and summands that are the same for all rows taken out of its
/// outputs, of which those that are added up may become several.
pub(super) fn factored(
    expression: &Expression,
    sinks: Vec<Option<Sink>>,
    is_uniform: impl Fn(Leaf) -> bool,
) -> (Expression, Vec<Wanted>) {
    let mut uniform: Vec<bool> = Vec::with_capacity(expression.ops.len());
    for op in &expression.ops {
        let own = if let Op::Leaf(leaf) = op { is_uniform(*leaf) } else { true };
        uniform.push(own && op.operands().all(|operand| uniform[operand.index()]));
    }
    let graph = Graph::new();
    let values = expression.values(|leaf| graph.leaf(leaf));
    let peeler = Peeler { expression, uniform: &uniform, values: &values };
    let (mut outputs, mut places) = (Vec::new(), Vec::new());
    for (id, sink) in expression.outputs.iter().zip(sinks) {
        let Some(sink) = sink else { continue };
        let terms = if adds_up(&sink) { peeler.terms(*id) } else { vec![peeler.peel(*id)] };
        for Term { core, factor } in terms {
            outputs.push(core);
            let value = outputs.len() - 1;
            let factor = (!factor.is(1.0)).then(|| {
                outputs.push(factor);
                outputs.len() - 1
            });
            places.push((value, factor, sink.clone()));
        }
    }
    let expression = graph.expression(&outputs);
    let id = |place: usize| expression.outputs[place];
    let wanted = places.into_iter().map(|(value, factor, sink)| Wanted {
        value: id(value),
        factor: factor.map(id),
        sink,
    });
    let wanted = wanted.collect();
    (expression, wanted)
}

/// Whether all rows are added to one number, so that what is the same for all of them needs to be
/// added once.
fn adds_up(sink: &Sink) -> bool {
    match &sink.to {
        Destination::Total => true,
        Destination::Add(_, places) => match places {
            Places::One(_) => true,
            Places::Run(_)
            | Places::Scattered { .. }
            | Places::Runs { .. }
            | Places::Stretches { .. } => false,
        },
        Destination::Store(_) | Destination::Transposed(_) => false,
    }
}

/// factor × core
#[derive(Clone, Copy)]
struct Term<'g> {
    core: Traced<'g>,
    factor: Traced<'g>,
}

struct Peeler<'a, 'g> {
    expression: &'a Expression,
    uniform: &'a [bool],
    values: &'a [Value<Traced<'g>>],
}

impl<'g> Peeler<'_, 'g> {
    fn number(&self, id: NodeId) -> Traced<'g> {
        self.values[id.index()].number()
    }

    fn is_uniform(&self, id: NodeId) -> bool {
        self.uniform[id.index()]
    }

    /// A value without its factors.
    fn peel(&self, mut id: NodeId) -> Term<'g> {
        let mut factor = Traced::Constant(1.0);
        while let Some((u, a)) = self.scaled(id) {
            factor = factor * u;
            id = a;
        }
        Term { core: self.number(id), factor }
    }

    /// A factor that is the same for all rows, and the rest.
    fn scaled(&self, id: NodeId) -> Option<(Traced<'g>, NodeId)> {
        match self.expression.ops[id.index()] {
            _ if self.is_uniform(id) => None,
            Op::Neg(a) => Some((Traced::Constant(-1.0), a)),
            Op::Mul(u, a) | Op::Mul(a, u) if self.is_uniform(u) => Some((self.number(u), a)),
            Op::Constant(_)
            | Op::Leaf(_)
            | Op::Add(..)
            | Op::Sub(..)
            | Op::Mul(..)
            | Op::Div(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Ternary(..)
            | Op::Less(..)
            | Op::Same(..)
            | Op::Select(..)
            | Op::Gated(..) => None,
        }
    }

    /// The terms of a sum that are added up each for itself: what is the same for all rows, squares,
    /// whose sums cannot cancel, and all others together.
    fn terms(&self, id: NodeId) -> Vec<Term<'g>> {
        let mut parts = Vec::new();
        let one = Traced::Constant(1.0);
        self.expression.parts(id, one, &|id| self.scaled(id), &mut parts);
        let (mut terms, mut rest, mut others) = (Vec::new(), Traced::Constant(0.0), Vec::new());
        for (id, factor) in parts {
            let core = self.number(id);
            if self.is_uniform(id) {
                rest = rest + factor * core;
            } else if let Op::Unary(Unary::Square, _) = self.expression.ops[id.index()] {
                terms.push(Term { core, factor });
            } else {
                others.push(Term { core, factor });
            }
        }
        if !rest.is(0.0) {
            terms.push(Term { core: rest, factor: Traced::Constant(1.0) });
        }
        if let Some(Term { factor, .. }) = others.first().copied() {
            let sign = |term: &Term<'g>| match same(term.factor, factor) {
                true => Some(1.0),
                false => same(-term.factor, factor).then_some(-1.0),
            };
            let (one, nothing) = (Traced::Constant(1.0), Traced::Constant(0.0));
            let signs: Option<Vec<f64>> = others.iter().map(sign).collect();
            terms.push(match signs {
                Some(signs) => {
                    let signed = others.iter().zip(signs);
                    let core = signed.fold(nothing, |sum, (term, sign)| sum + term.core * sign);
                    Term { core, factor }
                }
                None => {
                    let scaled = others.iter().map(|term| term.core * term.factor);
                    Term { core: scaled.fold(nothing, |sum, term| sum + term), factor: one }
                }
            });
        }
        terms
    }
}

/// Whether two numbers are known to be the same.
fn same(a: Traced<'_>, b: Traced<'_>) -> bool {
    match (a, b) {
        (Traced::Constant(a), Traced::Constant(b)) => a == b,
        (Traced::At(_, a), Traced::At(_, b)) => a == b,
        (Traced::Constant(_), Traced::At(..)) | (Traced::At(..), Traced::Constant(_)) => false,
    }
}
