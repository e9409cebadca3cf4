//! Makes one kernel of those that add to the log density and have the same rows: all with a single
//! row, and those that read some buffer row by row together.

use super::inline::{same, tidied};
use crate::graph::expression::Leaf;
use crate::graph::node::{Access, Kernel, Model, Node, Target};
use crate::graph::trace::Graph;

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
