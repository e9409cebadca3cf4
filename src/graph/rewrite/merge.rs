//! Makes one kernel of those that add to the log density and have the same rows: all with a single
//! row, and those that read some buffer row by row together. What is constant in a sum is then added
//! up.

use super::inline::{same, tidied};
use crate::graph::expression::{Expression, Leaf, NodeId, Op};
use crate::graph::node::{Access, Kernel, Model, Node, Target};
use crate::graph::trace::{Graph, Traced};

/// A kernel with more inputs than this is left as it is.
const MOST_INPUTS: usize = 32;

/// Merges as far as possible. A merged kernel stands where the last of its parts stood.
pub(super) fn merge(model: &mut Model) {
    let mut position = 0;
    while position < model.nodes.len() {
        let later = (position + 1..model.nodes.len())
            .find_map(|later| Some((later, merged(&model.nodes[position], &model.nodes[later])?)));
        match later {
            Some((later, kernel)) => {
                model.nodes[later] = Node::Kernel(kernel);
                model.nodes.remove(position);
            }
            None => position += 1,
        }
    }
    for node in &mut model.nodes {
        if let Node::Kernel(kernel) = node
            && let Target::LogDensity = kernel.target
            && let Some(body) = with_one_constant(&kernel.body)
        {
            kernel.body = body;
        }
    }
}

/// A sum whose constant parts are one, if there are several.
fn with_one_constant(body: &Expression) -> Option<Expression> {
    let negated = |id: NodeId| {
        if let Op::Neg(a) = body.ops[id.index()] { Some((-1.0, a)) } else { None }
    };
    let mut parts = Vec::new();
    body.parts(*body.outputs.first()?, 1.0, &negated, &mut parts);
    let constant = |(id, sign): &(NodeId, f64)| Some(sign * body.ops[id.index()].constant()?);
    let constants: Vec<f64> = parts.iter().filter_map(constant).collect();
    if constants.len() < 2 {
        return None;
    }
    let graph = Graph::new();
    let values = body.values(|leaf| graph.leaf(leaf));
    let others = parts.iter().filter(|part| constant(part).is_none());
    let sum = others.fold(Traced::Constant(0.0), |sum, (id, sign)| {
        let value = values[id.index()].number();
        if *sign > 0.0 { sum + value } else { sum - value }
    });
    Some(graph.expression(&[sum + constants.iter().sum::<f64>()]))
}

fn merged(first: &Node, second: &Node) -> Option<Kernel> {
    let (Node::Kernel(first), Node::Kernel(second)) = (first, second) else { return None };
    let adds = |kernel: &Kernel| matches!(kernel.target, Target::LogDensity);
    let fits = first.inputs.len() + second.inputs.len() <= MOST_INPUTS;
    if !adds(first) || !adds(second) || first.rows != second.rows || !fits {
        return None;
    }
    let shares = first.inputs.iter().any(|input| {
        matches!(input.access, Access::Contiguous(_))
            && second.inputs.iter().any(|other| same(input, other))
    });
    if first.rows != 1 && !shares {
        return None;
    }
    let (inputs, columns) = (first.inputs.len() as u32, first.columns.len() as u32);
    let graph = Graph::new();
    let one = first.body.values(|leaf| graph.leaf(leaf));
    let two = second.body.values(|leaf| {
        graph.leaf(match leaf {
            Leaf::Input(k) => Leaf::Input(k + inputs),
            Leaf::Column(k) => Leaf::Column(k + columns),
        })
    });
    let one = one[first.body.outputs.first()?.index()].number();
    let two = two[second.body.outputs.first()?.index()].number();
    let body = graph.expression(&[one + two]);
    let mut kernel = Kernel { body, ..first.clone() };
    kernel.inputs.extend(second.inputs.iter().cloned());
    kernel.columns.extend(second.columns.iter().cloned());
    Some(tidied(kernel))
}
