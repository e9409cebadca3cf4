//! Rewrites an operation as a simpler one while it is recorded.
//!
//! Invariant: a rewritten program is as accurate as the original, and where the original is not
//! finite, so is it, with one exception: 0 · x and 0 / x are 0 whatever x is. Tangents are full of
//! such zeros, and a derivative with respect to something else must not depend on x.

use super::expression::{NodeId, Op};
use super::trace::{Graph, Traced};
use crate::math::Scalar;
use crate::math::scalar::Unary;

/// Constant factors between these powers of two move to the front of a product: reordering cannot
/// overflow or underflow what did not nearly do so before.
const MOVABLE: std::ops::RangeInclusive<f64> = 1.0 / 1024.0..=1024.0;

/// The operation with operands that may be exchanged in order.
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
        | Op::Less(..)
        | Op::Same(..)
        | Op::Select(..)
        | Op::Gated(..) => op,
    }
}

/// A simpler way to the same number, if there is one.
pub(super) fn number(graph: &Graph, op: Op) -> Option<Traced<'_>> {
    match op {
        Op::Constant(_) | Op::Leaf(_) | Op::Binary(..) | Op::Less(..) | Op::Same(..) => None,
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

/// x, where the operation is -x.
fn negated(graph: &Graph, id: NodeId) -> Option<Traced<'_>> {
    match graph.op(id) {
        Op::Neg(a) => Some(graph.number(a)),
        Op::Mul(a, b) => {
            let c = graph.number(a).constant_value().filter(|c| *c < 0.0)?;
            Some(graph.number(b) * -c)
        }
        _ => None,
    }
}
