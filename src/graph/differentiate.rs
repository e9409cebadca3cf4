//! Turns an expression into one that also computes its derivative in every input.
//!
//! The expression is cut at its waists, the operations through which every path from some input to
//! the result passes. Between waists, in an *island*, derivatives are found by evaluating the
//! operations over dual numbers of traced numbers; the chain rule joins the islands from the
//! result downwards. Any set of cuts gives the right derivative: cuts decide only the cost.

use super::expression::{Expression, Leaf, NodeId, Op, Value};
use super::trace::{Graph, Traced};
use crate::math::Scalar;
use crate::math::dual::Dual;

/// How an expression is differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DifferentiationOptions {
    /// Whether programs are simplified. Only tests say no.
    pub simplify: bool,
    /// Islands with more active inputs than this are cut at every operation, which is the reverse
    /// mode. Up to about four tangents, dual numbers need no more operations than the reverse mode
    /// and often fewer; nearly all islands of densities have one to three.
    pub widest_island: usize,
}

impl Default for DifferentiationOptions {
    fn default() -> Self {
        DifferentiationOptions { simplify: true, widest_island: 4 }
    }
}

/// The derivative of whatever an expression contributes to, with respect to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// 1: the value is added to the log density.
    One,
    /// Read from a leaf. Where it is 0, a derivative that is not finite counts as 0: the value was
    /// stored and not used.
    Read(Leaf),
}

/// The expression with outputs value, ∂/∂input 0, …, ∂/∂input (inputs - 1), each derivative times
/// the seed. Columns are not differentiated. `body` has one output.
pub fn gradient(
    body: &Expression,
    inputs: usize,
    seed: Seed,
    options: &DifferentiationOptions,
) -> Expression {
    let graph = Graph::with_simplification(options.simplify);
    let values = body.values(|leaf| graph.leaf(leaf));
    let mut outputs = vec![Traced::Constant(0.0); inputs + 1];
    if let Some(root) = body.outputs.first() {
        outputs[0] = values[root.index()].number();
        let mut sweep = Sweep {
            body,
            values: &values,
            active: active(body),
            cut: vec![false; body.ops.len()],
            adjoints: vec![None; body.ops.len()],
            gated: gated(body, *root, seed),
            widest: options.widest_island,
        };
        sweep.run(
            *root,
            match seed {
                Seed::One => Traced::Constant(1.0),
                Seed::Read(leaf) => graph.leaf(leaf),
            },
        );
        for (op, adjoint) in body.ops.iter().zip(&sweep.adjoints) {
            if let (Op::Leaf(Leaf::Input(k)), Some(adjoint)) = (op, adjoint)
                && let Some(output) = outputs.get_mut(*k as usize + 1)
            {
                *output = *output + *adjoint;
            }
        }
    }
    graph.expression(&outputs)
}

/// The expression with the tangent of every output after all outputs. The tangent of input k is
/// read from input `inputs` + k; columns have none.
pub fn tangents(
    expression: &Expression,
    inputs: usize,
    options: &DifferentiationOptions,
) -> Expression {
    let graph = Graph::with_simplification(options.simplify);
    let values = expression.values(|leaf| match leaf {
        Leaf::Column(_) => Dual::fixed(graph.leaf(leaf)),
        Leaf::Input(k) => Dual { value: graph.leaf(leaf), tangent: graph.input(inputs as u32 + k) },
    });
    let outputs = || expression.outputs.iter().map(|id| values[id.index()].number());
    let all: Vec<Traced<'_>> =
        outputs().map(|y| y.value).chain(outputs().map(|y| y.tangent)).collect();
    graph.expression(&all)
}

/// The operands through which a derivative may flow.
fn differentiable(op: &Op) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
    let skipped = if op.is_mask() { 3 } else { usize::from(matches!(op, Op::Select(..))) };
    op.operands().collect::<Vec<_>>().into_iter().skip(skipped)
}

/// Which operations depend on an input.
fn active(body: &Expression) -> Vec<bool> {
    let mut active: Vec<bool> = Vec::with_capacity(body.ops.len());
    for op in &body.ops {
        let is_input = matches!(op, Op::Leaf(Leaf::Input(_)));
        let depends = is_input || differentiable(op).any(|operand| active[operand.index()]);
        active.push(depends);
    }
    active
}

/// Which operations may be computed without being selected, so that their adjoint may be 0 while
/// the derivative below is not finite.
fn gated(body: &Expression, root: NodeId, seed: Seed) -> Vec<bool> {
    let mut gated = vec![false; body.ops.len()];
    gated[root.index()] = matches!(seed, Seed::Read(_));
    for (position, op) in body.ops.iter().enumerate().rev() {
        let spread = gated[position] || matches!(op, Op::Select(..));
        differentiable(op).for_each(|operand| gated[operand.index()] |= spread);
    }
    gated
}

/// The backward pass over the waists.
struct Sweep<'a, 'g> {
    body: &'a Expression,
    values: &'a [Value<Traced<'g>>],
    active: Vec<bool>,
    /// Operations that have an adjoint of their own: the inputs, the waists and the root.
    cut: Vec<bool>,
    adjoints: Vec<Option<Traced<'g>>>,
    gated: Vec<bool>,
    widest: usize,
}

impl<'g> Sweep<'_, 'g> {
    fn run(&mut self, root: NodeId, seed: Traced<'g>) {
        if !self.active[root.index()] {
            return;
        }
        self.mark_waists(root);
        self.adjoints[root.index()] = Some(seed);
        for position in (0..=root.index()).rev() {
            let top = NodeId(position as u32);
            if let Some(adjoint) = self.adjoints[position]
                && !matches!(self.body.ops[position], Op::Leaf(_))
            {
                self.differentiate_island(top, adjoint);
            }
        }
    }

    /// Marks the inputs and every operation that dominates one of them, seen from the root.
    fn mark_waists(&mut self, root: NodeId) {
        let dominators = self.dominators(root);
        for (position, op) in self.body.ops.iter().enumerate() {
            if !matches!(op, Op::Leaf(Leaf::Input(_))) {
                continue;
            }
            let mut at = position;
            while let Some(above) = dominators[at]
                && !self.cut[at]
            {
                self.cut[at] = true;
                at = above;
            }
        }
        self.cut[root.index()] = true;
    }

    /// The closest operation through which every path from the root passes; itself for the root,
    /// `None` for what the root does not reach.
    fn dominators(&self, root: NodeId) -> Vec<Option<usize>> {
        let mut dominators: Vec<Option<usize>> = vec![None; self.body.ops.len()];
        dominators[root.index()] = Some(root.index());
        for user in (0..=root.index()).rev() {
            if dominators[user].is_none() {
                continue;
            }
            for operand in differentiable(&self.body.ops[user]) {
                let operand = operand.index();
                dominators[operand] = match dominators[operand] {
                    None => Some(user),
                    Some(known) => Some(meet(&dominators, known, user)),
                };
            }
        }
        dominators
    }

    /// Adds to the adjoints of everything at the lower edge of the island below `top`.
    fn differentiate_island(&mut self, top: NodeId, adjoint: Traced<'g>) {
        let (mut island, mut edge) = self.island(top);
        if edge.len() > self.widest && island.len() > 1 {
            island.iter().for_each(|node| self.cut[node.index()] = true);
            (island, edge) = self.island(top);
        }
        for below in edge {
            let Some(derivative) = self.tangent(top, below, &island) else { continue };
            let product = match self.gated[top.index()] {
                true => adjoint.gated(derivative),
                false => adjoint * derivative,
            };
            let sum = &mut self.adjoints[below.index()];
            *sum = Some(sum.map_or(product, |sum| sum + product));
        }
    }

    /// The active operations of an island in order, the top last, and the cuts just below it.
    fn island(&self, top: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
        let mut reached = vec![false; top.index() + 1];
        reached[top.index()] = true;
        let (mut island, mut edge) = (Vec::new(), Vec::new());
        for position in (0..=top.index()).rev() {
            if !reached[position] || !self.active[position] {
                continue;
            }
            let node = NodeId(position as u32);
            if self.cut[position] && node != top {
                edge.push(node);
            } else {
                island.push(node);
                differentiable(&self.body.ops[position])
                    .for_each(|operand| reached[operand.index()] = true);
            }
        }
        island.reverse();
        (island, edge)
    }

    /// d top / d below, through the operations of the island.
    fn tangent(&self, top: NodeId, below: NodeId, island: &[NodeId]) -> Option<Traced<'g>> {
        let mut tangents: Vec<Option<Traced<'g>>> = vec![None; top.index() + 1];
        tangents[below.index()] = Some(Traced::Constant(1.0));
        for node in island {
            let op = self.body.ops[node.index()];
            if differentiable(&op).all(|operand| tangents[operand.index()].is_none()) {
                continue;
            }
            let dual = op.evaluate(
                |_| Dual::fixed(self.values[node.index()].number()),
                |operand| match self.values[operand.index()] {
                    Value::Mask(mask) => Value::Mask(mask),
                    Value::Number(value) => Value::Number(Dual {
                        value,
                        tangent: tangents[operand.index()].unwrap_or(Traced::Constant(0.0)),
                    }),
                },
            );
            tangents[node.index()] = Some(dual.number().tangent);
        }
        tangents[top.index()]
    }
}

/// The closest common dominator of two operations; dominators come later in the list.
fn meet(dominators: &[Option<usize>], mut a: usize, mut b: usize) -> usize {
    while a != b {
        let lower = a.min(b);
        let Some(above) = dominators[lower] else { return a.max(b) };
        (a, b) = (a.max(b), above);
    }
    a
}
