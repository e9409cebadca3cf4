//! A straight-line program of scalar operations, the body of a kernel.
//!
//! Invariant: operations come after their operands, and every one is needed by some output.

use crate::math::Scalar;
use crate::math::scalar::{Binary, Ternary, Unary};
use std::ops::{Mul, Neg};

/// An operation of an [`Expression`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The position in the list of operations.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A number, equal to itself bit by bit, so that operations can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Literal(u64);

impl Literal {
    /// A literal number.
    pub fn new(x: f64) -> Self {
        Literal(x.to_bits())
    }

    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// What an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leaf {
    /// An input of the kernel.
    Input(u32),
    /// A column of data.
    Column(u32),
}

/// One operation. [`Op::Less`] and [`Op::Same`] give masks, all others numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A number.
    Constant(Literal),
    /// A number that differs from row to row or from evaluation to evaluation.
    Leaf(Leaf),
    /// -a
    Neg(NodeId),
    /// a + b
    Add(NodeId, NodeId),
    /// a - b
    Sub(NodeId, NodeId),
    /// a b
    Mul(NodeId, NodeId),
    /// a / b
    Div(NodeId, NodeId),
    /// f(a)
    Unary(Unary, NodeId),
    /// f(a, b)
    Binary(Binary, NodeId, NodeId),
    /// f(a, b, c)
    Ternary(Ternary, NodeId, NodeId, NodeId),
    /// a < b
    Less(NodeId, NodeId),
    /// a == b
    Same(NodeId, NodeId),
    /// The second where the mask holds, else the third.
    Select(NodeId, NodeId, NodeId),
    /// a b, but 0 where the adjoint a is 0 and the derivative b is not finite: a link of the chain
    /// rule to a value that was computed and not selected.
    Gated(NodeId, NodeId),
}

impl Op {
    /// The operands, in order.
    pub fn operands(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        let list = match *self {
            Op::Constant(_) | Op::Leaf(_) => [None; 3],
            Op::Neg(a) | Op::Unary(_, a) => [Some(a), None, None],
            Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::Div(a, b)
            | Op::Binary(_, a, b)
            | Op::Less(a, b)
            | Op::Same(a, b)
            | Op::Gated(a, b) => [Some(a), Some(b), None],
            Op::Ternary(_, a, b, c) | Op::Select(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        list.into_iter().flatten()
    }

    /// The same operation on other operands.
    pub fn map(self, mut f: impl FnMut(NodeId) -> NodeId) -> Op {
        match self {
            Op::Constant(_) | Op::Leaf(_) => self,
            Op::Neg(a) => Op::Neg(f(a)),
            Op::Unary(g, a) => Op::Unary(g, f(a)),
            Op::Add(a, b) => Op::Add(f(a), f(b)),
            Op::Sub(a, b) => Op::Sub(f(a), f(b)),
            Op::Mul(a, b) => Op::Mul(f(a), f(b)),
            Op::Div(a, b) => Op::Div(f(a), f(b)),
            Op::Binary(g, a, b) => Op::Binary(g, f(a), f(b)),
            Op::Ternary(g, a, b, c) => Op::Ternary(g, f(a), f(b), f(c)),
            Op::Less(a, b) => Op::Less(f(a), f(b)),
            Op::Same(a, b) => Op::Same(f(a), f(b)),
            Op::Gated(a, b) => Op::Gated(f(a), f(b)),
            Op::Select(mask, yes, no) => Op::Select(f(mask), f(yes), f(no)),
        }
    }

    /// The number that it is, if it is a constant.
    pub(crate) fn constant(&self) -> Option<f64> {
        if let Op::Constant(c) = self { Some(c.value()) } else { None }
    }

    /// Whether it gives a mask.
    pub fn is_mask(&self) -> bool {
        matches!(self, Op::Less(..) | Op::Same(..))
    }

    /// Whether it computes something, rather than naming a number.
    pub fn is_computation(&self) -> bool {
        !matches!(self, Op::Constant(_) | Op::Leaf(_))
    }
}

/// A value of an operation: a number or a mask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<S: Scalar> {
    /// A number.
    Number(S),
    /// The outcome of a comparison.
    Mask(S::Mask),
}

impl<S: Scalar> Value<S> {
    /// The number; a mask used as one, which no expression does, is NaN.
    pub(crate) fn number(self) -> S {
        match self {
            Value::Number(x) => x,
            Value::Mask(_) => S::constant(f64::NAN),
        }
    }
}

impl Op {
    /// Computes the operation from the values of its operands and of the leaves.
    pub(crate) fn evaluate<S: Scalar>(
        &self,
        leaf: impl FnOnce(Leaf) -> S,
        value: impl Fn(NodeId) -> Value<S>,
    ) -> Value<S> {
        let number = |id| value(id).number();
        Value::Number(match *self {
            Op::Constant(c) => S::constant(c.value()),
            Op::Leaf(of) => leaf(of),
            Op::Neg(a) => -number(a),
            Op::Add(a, b) => number(a) + number(b),
            Op::Sub(a, b) => number(a) - number(b),
            Op::Mul(a, b) => number(a) * number(b),
            Op::Div(a, b) => number(a) / number(b),
            Op::Unary(f, a) => number(a).apply(f),
            Op::Binary(f, a, b) => number(a).apply2(f, number(b)),
            Op::Ternary(f, a, b, c) => number(a).apply3(f, number(b), number(c)),
            Op::Less(a, b) => return Value::Mask(number(a).less(number(b))),
            Op::Same(a, b) => return Value::Mask(number(a).same(number(b))),
            Op::Select(mask, yes, no) => match value(mask) {
                Value::Mask(mask) => S::select(mask, number(yes), number(no)),
                Value::Number(_) => S::constant(f64::NAN),
            },
            Op::Gated(a, b) => number(a).gated(number(b)),
        })
    }
}

/// Operations in order, and which of them are the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The operations; each refers only to earlier ones.
    pub ops: Vec<Op>,
    /// The results.
    pub outputs: Vec<NodeId>,
}

impl Expression {
    /// The operations that the outputs need, renumbered.
    pub fn pruned(ops: &[Op], outputs: &[NodeId]) -> Self {
        let mut needed = vec![false; ops.len()];
        for output in outputs {
            needed[output.index()] = true;
        }
        for (position, op) in ops.iter().enumerate().rev() {
            if needed[position] {
                op.operands().for_each(|operand| needed[operand.index()] = true);
            }
        }
        let mut moved = vec![NodeId(0); ops.len()];
        let mut kept = Vec::new();
        for (position, op) in ops.iter().enumerate() {
            if needed[position] {
                moved[position] = NodeId(kept.len() as u32);
                kept.push(op.map(|operand| moved[operand.index()]));
            }
        }
        let outputs = outputs.iter().map(|output| moved[output.index()]).collect();
        Expression { ops: kept, outputs }
    }

    /// Whether all operands are earlier operations and all leaves exist.
    pub fn is_closed(&self, inputs: usize, columns: usize) -> bool {
        let exists = |op: &Op| {
            let Op::Leaf(leaf) = op else { return true };
            match leaf {
                Leaf::Input(k) => (*k as usize) < inputs,
                Leaf::Column(k) => (*k as usize) < columns,
            }
        };
        let ordered = self.ops.iter().enumerate().all(|(position, op)| {
            op.operands().all(|operand| operand.index() < position) && exists(op)
        });
        ordered && self.outputs.iter().all(|output| output.index() < self.ops.len())
    }

    /// The parts of a sum, each with its factor. `scaled` takes a factor off a value, or nothing.
    pub(crate) fn parts<F: Copy + Neg<Output = F> + Mul<Output = F>>(
        &self,
        sum: NodeId,
        factor: F,
        scaled: &impl Fn(NodeId) -> Option<(F, NodeId)>,
        parts: &mut Vec<(NodeId, F)>,
    ) {
        if let Some((own, rest)) = scaled(sum) {
            return self.parts(rest, factor * own, scaled, parts);
        }
        match self.ops[sum.index()] {
            Op::Add(a, b) => {
                self.parts(a, factor, scaled, parts);
                self.parts(b, factor, scaled, parts);
            }
            Op::Sub(a, b) => {
                self.parts(a, factor, scaled, parts);
                self.parts(b, -factor, scaled, parts);
            }
            Op::Constant(_)
            | Op::Leaf(_)
            | Op::Neg(_)
            | Op::Mul(..)
            | Op::Div(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Ternary(..)
            | Op::Less(..)
            | Op::Same(..)
            | Op::Select(..)
            | Op::Gated(..) => parts.push((sum, factor)),
        }
    }

    /// How many operations compute something.
    pub fn operation_count(&self) -> usize {
        self.ops.iter().filter(|op| op.is_computation()).count()
    }

    /// The value of every operation, given those of the leaves.
    pub(crate) fn values<S: Scalar>(&self, leaf: impl Fn(Leaf) -> S) -> Vec<Value<S>> {
        let mut values: Vec<Value<S>> = Vec::with_capacity(self.ops.len());
        for op in &self.ops {
            let value = op.evaluate(&leaf, |id| values[id.index()]);
            values.push(value);
        }
        values
    }

    /// The outputs, given the inputs and the columns: the plain reading of an expression.
    pub fn evaluate<S: Scalar>(&self, inputs: &[S], columns: &[f64]) -> Vec<S> {
        let missing = f64::NAN;
        let values = self.values(|leaf| match leaf {
            Leaf::Input(k) => inputs.get(k as usize).copied().unwrap_or(S::constant(missing)),
            Leaf::Column(k) => S::constant(columns.get(k as usize).copied().unwrap_or(missing)),
        });
        self.outputs.iter().map(|output| values[output.index()].number()).collect()
    }
}
