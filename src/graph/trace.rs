//! Turns code generic over [`Scalar`] into an [`Expression`], by running it on [`Traced`] numbers.
//!
//! Invariant: a graph holds no operation twice, and operations on constants are done at once
//! (unless simplification is switched off, which only tests do).

use super::expression::{Expression, Leaf, Literal, NodeId, Op};
use super::simplify;
use crate::math::Scalar;
use crate::math::scalar::{Binary, Ternary, Unary};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Operations under construction, shared by the [`Traced`] numbers that extend them.
#[derive(Debug)]
pub struct Graph {
    simplify: bool,
    nodes: RefCell<Nodes>,
}

#[derive(Debug, Default)]
struct Nodes {
    ops: Vec<Op>,
    known: HashMap<Op, NodeId>,
}

impl Default for Graph {
    fn default() -> Self {
        Graph::new()
    }
}

impl Graph {
    /// An empty graph that simplifies as it grows.
    pub fn new() -> Self {
        Graph::with_simplification(true)
    }

    /// An empty graph; without simplification it records every operation as it is.
    pub fn with_simplification(simplify: bool) -> Self {
        Graph { simplify, nodes: RefCell::default() }
    }

    /// Input k of the kernel.
    pub fn input(&self, k: u32) -> Traced<'_> {
        self.leaf(Leaf::Input(k))
    }

    /// Column k of the kernel.
    pub fn column(&self, k: u32) -> Traced<'_> {
        self.leaf(Leaf::Column(k))
    }

    /// A leaf.
    pub fn leaf(&self, leaf: Leaf) -> Traced<'_> {
        self.record(Op::Leaf(leaf))
    }

    /// The program that computes these numbers, and nothing else.
    pub fn expression(&self, outputs: &[Traced<'_>]) -> Expression {
        let outputs: Vec<NodeId> = outputs.iter().map(|output| self.id(*output)).collect();
        Expression::pruned(&self.nodes.borrow().ops, &outputs)
    }

    /// What an operation is.
    pub(super) fn op(&self, id: NodeId) -> Op {
        self.nodes.borrow().ops[id.index()]
    }

    /// The number computed by an operation of this graph.
    pub(super) fn number(&self, id: NodeId) -> Traced<'_> {
        match self.op(id) {
            Op::Constant(c) => Traced::Constant(c.value()),
            op if op.is_mask() => Traced::Constant(f64::NAN),
            Op::Leaf(_)
            | Op::Neg(_)
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
            | Op::Gated(..) => Traced::At(self, id),
        }
    }

    fn id(&self, number: Traced<'_>) -> NodeId {
        match number {
            Traced::Constant(c) => self.intern(Op::Constant(Literal::new(c))),
            Traced::At(_, id) => id,
        }
    }

    fn intern(&self, op: Op) -> NodeId {
        let op = simplify::canonical(op);
        let mut nodes = self.nodes.borrow_mut();
        let known = nodes.known.get(&op).filter(|_| self.simplify);
        if let Some(id) = known {
            return *id;
        }
        let id = NodeId(nodes.ops.len() as u32);
        nodes.ops.push(op);
        nodes.known.insert(op, id);
        id
    }

    fn record(&self, op: Op) -> Traced<'_> {
        Traced::At(self, self.intern(op))
    }

    /// Records an operation that gives a number.
    fn build(&self, op: Op) -> Traced<'_> {
        if self.simplify
            && let Some(simpler) = simplify::number(self, op)
        {
            return simpler;
        }
        self.record(op)
    }

    /// Records an operation that gives a mask.
    fn compare(&self, op: Op) -> TracedMask<'_> {
        TracedMask::At(self, self.intern(op))
    }
}

/// A number that is known, or computed by a graph.
#[derive(Clone, Copy, Debug)]
pub enum Traced<'g> {
    /// A known number.
    Constant(f64),
    /// The value of an operation.
    At(&'g Graph, NodeId),
}

/// The outcome of a comparison of traced numbers.
#[derive(Clone, Copy, Debug)]
pub enum TracedMask<'g> {
    /// A known outcome.
    Known(bool),
    /// The value of a comparison.
    At(&'g Graph, NodeId),
}

impl<'g> Traced<'g> {
    /// The number, if it is known.
    pub fn constant_value(self) -> Option<f64> {
        match self {
            Traced::Constant(c) => Some(c),
            Traced::At(..) => None,
        }
    }

    /// Whether it is known to be this number.
    pub(crate) fn is(self, x: f64) -> bool {
        self.constant_value() == Some(x)
    }

    fn unary(self, op: impl FnOnce(NodeId) -> Op, known: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Traced::Constant(c) => Traced::Constant(known(c)),
            Traced::At(graph, id) => graph.build(op(id)),
        }
    }

    fn binary(
        self,
        other: Self,
        op: impl FnOnce(NodeId, NodeId) -> Op,
        known: impl FnOnce(f64, f64) -> f64,
    ) -> Self {
        match (self, other) {
            (Traced::Constant(a), Traced::Constant(b)) => Traced::Constant(known(a, b)),
            (Traced::At(graph, _), _) | (_, Traced::At(graph, _)) => {
                graph.build(op(graph.id(self), graph.id(other)))
            }
        }
    }

    fn compare(
        self,
        other: Self,
        op: impl FnOnce(NodeId, NodeId) -> Op,
        known: impl FnOnce(f64, f64) -> bool,
    ) -> TracedMask<'g> {
        match (self, other) {
            (Traced::Constant(a), Traced::Constant(b)) => TracedMask::Known(known(a, b)),
            (Traced::At(graph, _), _) | (_, Traced::At(graph, _)) => {
                graph.compare(op(graph.id(self), graph.id(other)))
            }
        }
    }
}

impl Neg for Traced<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(Op::Neg, |a| -a)
    }
}

macro_rules! operator {
    ($($operator:ident, $function:ident, $op:ident;)*) => {
        $(
            impl $operator for Traced<'_> {
                type Output = Self;
                fn $function(self, other: Self) -> Self {
                    self.binary(other, Op::$op, |a, b| a.$function(b))
                }
            }
            impl $operator<f64> for Traced<'_> {
                type Output = Self;
                fn $function(self, other: f64) -> Self {
                    self.$function(Traced::Constant(other))
                }
            }
        )*
    };
}

operator! {
    Add, add, Add;
    Sub, sub, Sub;
    Mul, mul, Mul;
    Div, div, Div;
}

impl<'g> Scalar for Traced<'g> {
    type Mask = TracedMask<'g>;

    fn constant(x: f64) -> Self {
        Traced::Constant(x)
    }

    fn apply(self, f: Unary) -> Self {
        self.unary(|a| Op::Unary(f, a), |a| a.apply(f))
    }

    fn apply2(self, f: Binary, other: Self) -> Self {
        self.binary(other, |a, b| Op::Binary(f, a, b), |a, b| a.apply2(f, b))
    }

    fn apply3(self, f: Ternary, second: Self, third: Self) -> Self {
        match (self, second, third) {
            (Traced::Constant(a), Traced::Constant(b), Traced::Constant(c)) => {
                Traced::Constant(a.apply3(f, b, c))
            }
            (Traced::At(graph, _), _, _)
            | (_, Traced::At(graph, _), _)
            | (_, _, Traced::At(graph, _)) => {
                let [a, b, c] = [self, second, third].map(|operand| graph.id(operand));
                graph.build(Op::Ternary(f, a, b, c))
            }
        }
    }

    fn less(self, other: Self) -> Self::Mask {
        self.compare(other, Op::Less, |a, b| a < b)
    }

    fn same(self, other: Self) -> Self::Mask {
        self.compare(other, Op::Same, |a, b| a == b)
    }

    fn gated(self, derivative: Self) -> Self {
        self.binary(derivative, Op::Gated, f64::gated)
    }

    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        match mask {
            TracedMask::Known(true) => yes,
            TracedMask::Known(false) => no,
            TracedMask::At(graph, mask) => {
                graph.build(Op::Select(mask, graph.id(yes), graph.id(no)))
            }
        }
    }
}
