//! Rewrites an operation as a simpler one while it is recorded.
//!
//! Invariant: a rewritten program is as accurate as the original, and where the original is not
//! finite, so is it, with one exception: 0 · x and 0 / x are 0 whatever x is. Tangents are full of
//! such zeros, and a derivative with respect to something else must not depend on x.

use super::expression::{NodeId, Op};
use super::trace::{Graph, Traced};
use crate::math::Scalar;
use crate::math::scalar::{Binary, Unary};

/// Constant factors between these powers of two move to the front of a product: reordering cannot
/// overflow or underflow what did not nearly do so before.
const MOVABLE: std::ops::RangeInclusive<f64> = 1.0 / 1024.0..=1024.0;

/// A simpler way to the same number, if there is one.
pub(super) fn number(graph: &Graph, op: Op) -> Option<Traced<'_>> {
    match op {
        Op::Binary(Binary::Kept, a, b) => {
            let (a, b) = (graph.number(a), graph.number(b));
            let used = a.constant_value().is_some_and(|a| a != 0.0);
            (used || b.constant_value().is_some_and(f64::is_finite)).then_some(b)
        }
        Op::Constant(_)
        | Op::Leaf(_)
        | Op::Binary(..)
        | Op::Ternary(..)
        | Op::Less(..)
        | Op::Same(..) => None,
        Op::Neg(a) => negation(graph, a),
        Op::Add(a, b) => sum(graph, a, b),
        Op::Sub(a, b) => difference(graph, a, b),
        Op::Mul(a, b) => product(graph, a, b),
        Op::Div(a, b) => quotient(graph, a, b),
        Op::Unary(f, a) => function(graph, f, a),
        Op::Select(_, yes, no) => (yes == no).then(|| graph.number(yes)),
        Op::Gated(a, b) => link(graph, a, b),
    }
}

/// The operation with its operands in the one order under which it is looked up.
pub(super) fn canonical(op: Op) -> Op {
    match op {
        Op::Add(a, b) if b < a => Op::Add(b, a),
        Op::Mul(a, b) if b < a => Op::Mul(b, a),
        Op::Same(a, b) if b < a => Op::Same(b, a),
        Op::Constant(_)
        | Op::Leaf(_)
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
        | Op::Gated(..) => op,
    }
}

/// c and x, where the number is c x with a constant c that may move; 1 and itself otherwise.
fn split(graph: &Graph, id: NodeId) -> (f64, Traced<'_>) {
    let op = graph.op(id);
    if let Op::Neg(a) = op {
        return (-1.0, graph.number(a));
    }
    if let Op::Mul(a, b) = op {
        for (factor, rest) in [(a, b), (b, a)] {
            match graph.number(factor).constant_value() {
                Some(c) if MOVABLE.contains(&c.abs()) => return (c, graph.number(rest)),
                Some(_) | None => {}
            }
        }
    }
    (1.0, graph.number(id))
}

/// -y, where the number is y with a minus sign.
fn negated(graph: &Graph, id: NodeId) -> Option<Traced<'_>> {
    let (c, x) = split(graph, id);
    (c < 0.0).then(|| x * -c)
}

fn negation(graph: &Graph, a: NodeId) -> Option<Traced<'_>> {
    if let Op::Sub(x, y) = graph.op(a) {
        return Some(graph.number(y) - graph.number(x));
    }
    let (c, x) = split(graph, a);
    (c != 1.0).then(|| x * -c)
}

fn sum(graph: &Graph, a: NodeId, b: NodeId) -> Option<Traced<'_>> {
    let (x, y) = (graph.number(a), graph.number(b));
    if x.is(0.0) {
        return Some(y);
    }
    if y.is(0.0) {
        return Some(x);
    }
    if a == b {
        return Some(x * 2.0);
    }
    match (negated(graph, a), negated(graph, b)) {
        (_, Some(y)) => Some(x - y),
        (Some(x), None) => Some(y - x),
        (None, None) => None,
    }
}

fn difference(graph: &Graph, a: NodeId, b: NodeId) -> Option<Traced<'_>> {
    let (x, y) = (graph.number(a), graph.number(b));
    if y.is(0.0) {
        return Some(x);
    }
    if x.is(0.0) {
        return Some(-y);
    }
    match (negated(graph, a), negated(graph, b)) {
        (_, Some(y)) => Some(x + y),
        (Some(x), None) => Some(-(x + y)),
        (None, None) => None,
    }
}

fn product(graph: &Graph, a: NodeId, b: NodeId) -> Option<Traced<'_>> {
    let (x, y) = (graph.number(a), graph.number(b));
    if y.constant_value().is_some() && x.constant_value().is_none() {
        return product_with_constant(graph, b, a);
    }
    if x.constant_value().is_some() {
        return product_with_constant(graph, a, b);
    }
    let ((c, x), (d, y)) = (split(graph, a), split(graph, b));
    if c != 1.0 || d != 1.0 {
        return Some((x * y) * (c * d));
    }
    (a == b).then(|| x.square())
}

/// c y, with c first.
fn product_with_constant(graph: &Graph, constant: NodeId, b: NodeId) -> Option<Traced<'_>> {
    let c = graph.number(constant).constant_value()?;
    let y = graph.number(b);
    if c == 0.0 {
        return Some(Traced::Constant(0.0));
    }
    if c == 1.0 {
        return Some(y);
    }
    if c == -1.0 {
        return Some(-y);
    }
    let (d, y) = split(graph, b);
    (d != 1.0 && MOVABLE.contains(&c.abs())).then(|| y * (c * d))
}

/// Whether 1 / c is exact, so that a division by c may become a product.
fn has_exact_reciprocal(c: f64) -> bool {
    let mantissa = c.to_bits() & ((1 << 52) - 1);
    mantissa == 0 && c.is_normal() && c.recip().is_normal()
}

fn quotient(graph: &Graph, a: NodeId, b: NodeId) -> Option<Traced<'_>> {
    let (x, y) = (graph.number(a), graph.number(b));
    if x.is(0.0) {
        return Some(x);
    }
    if let Some(c) = y.constant_value() {
        return has_exact_reciprocal(c).then(|| x * c.recip());
    }
    if let Some(c) = x.constant_value() {
        return (c == 1.0 || c == -1.0).then(|| y.recip() * c);
    }
    if let (-1.0, y) = split(graph, b) {
        return Some(-(x / y));
    }
    let (c, x) = split(graph, a);
    (c != 1.0).then(|| (x / y) * c)
}

fn function(graph: &Graph, f: Unary, a: NodeId) -> Option<Traced<'_>> {
    let Op::Neg(x) = graph.op(a) else {
        return None;
    };
    let x = graph.number(x);
    if matches!(f, Unary::Square | Unary::Abs) {
        return Some(x.apply(f));
    }
    matches!(f, Unary::Recip | Unary::Sin | Unary::Tanh | Unary::Erf).then(|| -x.apply(f))
}

fn link(graph: &Graph, adjoint: NodeId, derivative: NodeId) -> Option<Traced<'_>> {
    let (a, d) = (graph.number(adjoint), graph.number(derivative));
    if a.is(0.0) {
        return Some(a);
    }
    if a.constant_value().is_some() || d.constant_value().is_some_and(f64::is_finite) {
        return Some(a * d);
    }
    let (c, d) = split(graph, derivative);
    (c != 1.0).then(|| a.gated(d) * c)
}
