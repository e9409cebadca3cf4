//! How the buffers of a model are used.

use crate::graph::node::{Model, Node};

/// How a buffer is used.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// The nodes that write to it.
    pub(super) writers: usize,
    /// Kernels that stand alone, by position among the nodes; once for each input.
    pub(super) kernels: Vec<usize>,
    /// Whether any other node of the log density reads it.
    pub(super) elsewhere: bool,
    /// Whether it is reported, or read by what is only reported.
    pub(super) reported: bool,
}

/// The usage of every buffer.
pub(super) fn usage(model: &Model) -> Vec<Usage> {
    let mut usage = vec![Usage::default(); model.buffers.len()];
    for (position, node) in model.nodes.iter().enumerate() {
        let is_kernel = matches!(node, Node::Kernel(_));
        node.for_each_read(&mut |buffer| match is_kernel {
            true => usage[buffer.index()].kernels.push(position),
            false => usage[buffer.index()].elsewhere = true,
        });
        node.for_each_write(&mut |buffer| usage[buffer.index()].writers += 1);
    }
    for node in &model.report_nodes {
        node.for_each_read(&mut |buffer| usage[buffer.index()].reported = true);
        node.for_each_write(&mut |buffer| usage[buffer.index()].writers += 1);
    }
    for quantity in &model.quantities {
        usage[quantity.buffer.index()].reported = true;
    }
    usage
}
