//! Takes what is the same for all rows out of what is added up: Σ (f x + g) = f Σ x + n g.

use super::flat::Places;
use super::routine::{Destination, Sink};
use crate::graph::{Expression, Graph, Leaf, NodeId, Op, Traced, Value};

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
/// outputs.
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
        let Peeled { core, factor, rest } = peeler.peel(*id, adds_up(&sink));
        if !rest.is(0.0) {
            outputs.push(rest);
            places.push((outputs.len() - 1, None, sink.clone()));
        }
        outputs.push(core);
        let value = outputs.len() - 1;
        let factor = (!factor.is(1.0)).then(|| {
            outputs.push(factor);
            outputs.len() - 1
        });
        places.push((value, factor, sink));
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
            Places::Run(_) | Places::Scattered { .. } | Places::Runs { .. } => false,
        },
        Destination::Store(_) | Destination::Transposed(_) => false,
    }
}

/// factor core + rest
struct Peeled<'g> {
    core: Traced<'g>,
    factor: Traced<'g>,
    rest: Traced<'g>,
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

    fn peel(&self, mut id: NodeId, takes_rest: bool) -> Peeled<'g> {
        let (mut factor, mut rest) = (Traced::Constant(1.0), Traced::Constant(0.0));
        let uniform = |id: NodeId| self.uniform[id.index()];
        while !uniform(id) {
            match self.expression.ops[id.index()] {
                Op::Neg(a) => {
                    factor = -factor;
                    id = a;
                }
                Op::Mul(u, a) | Op::Mul(a, u) if uniform(u) => {
                    factor = factor * self.number(u);
                    id = a;
                }
                Op::Add(u, a) | Op::Add(a, u) if takes_rest && uniform(u) => {
                    rest = rest + factor * self.number(u);
                    id = a;
                }
                Op::Sub(a, u) if takes_rest && uniform(u) => {
                    rest = rest - factor * self.number(u);
                    id = a;
                }
                Op::Sub(u, a) if takes_rest && uniform(u) => {
                    rest = rest + factor * self.number(u);
                    factor = -factor;
                    id = a;
                }
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
                | Op::Gated(..) => break,
            }
        }
        Peeled { core: self.number(id), factor, rest }
    }
}
