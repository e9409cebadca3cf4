//! Turns divisions by the same number into products with its reciprocal.
//!
//! A product costs a fraction of a division, at an error of one more unit in the last place.
//! Where the divisor is subnormal its reciprocal overflows, and the quotient is not finite.

use crate::graph::{Expression, Graph, Leaf, Op, Traced, Value};
use crate::math::Scalar;
use crate::math::scalar::Unary;

/// The expression with a / b as a · (1 / b) wherever b divides often: for all rows alike,
/// where derivatives need the reciprocal anyway, or in more than one operation.
pub(super) fn share_reciprocals(
    expression: &Expression,
    is_uniform: impl Fn(Leaf) -> bool,
) -> Expression {
    let ops = &expression.ops;
    let mut uniform: Vec<bool> = Vec::with_capacity(ops.len());
    let mut divisions = vec![0_usize; ops.len()];
    for op in ops {
        let own = if let Op::Leaf(leaf) = op { is_uniform(*leaf) } else { true };
        uniform.push(own && op.operands().all(|operand| uniform[operand.index()]));
        if let Op::Div(_, b) | Op::Unary(Unary::Recip, b) = op {
            divisions[b.index()] += 1;
        }
    }
    let graph = Graph::new();
    let mut values: Vec<Value<Traced<'_>>> = Vec::with_capacity(ops.len());
    for op in ops {
        let value = op.evaluate(|leaf| graph.leaf(leaf), |id| values[id.index()]);
        let mut shared = None;
        if let Op::Div(a, b) = op {
            let often = divisions[b.index()] > 1 || uniform[b.index()];
            let divisor = values[b.index()].number();
            shared = (often && divisor.constant_value().is_none())
                .then(|| values[a.index()].number() * divisor.recip());
        }
        values.push(shared.map_or(value, Value::Number));
    }
    let outputs: Vec<_> = expression.outputs.iter().map(|id| values[id.index()].number()).collect();
    graph.expression(&outputs)
}
