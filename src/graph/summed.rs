//! Finite variables that share no table with another, summed out by kernels: ln Σ_z exp Σ_f table_f\[z\],
//! a row for each variable.

use super::elimination::Elimination;
use super::node::{Access, BufferId, Input, Kernel, Node, Target};
use super::trace::{Graph, Traced};
use crate::math::composite::log_sum_exp;
use std::collections::BTreeMap;

/// A row reads at most this many entries.
const MOST_ENTRIES: usize = 64;

/// The nodes with kernels in place of eliminations; `None` if a table ties several variables
/// together, or one has too many states.
pub(super) fn single_sums(nodes: &[Node]) -> Option<Vec<Node>> {
    let mut summed = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Elimination(elimination) => summed.extend(kernels(elimination)?),
            Node::Kernel(_)
            | Node::Product(_)
            | Node::Recurrence(_)
            | Node::Cholesky(_)
            | Node::TriangularSolve(_)
            | Node::NoisyKronecker(_)
            | Node::Ode(_) => summed.push(node.clone()),
        }
    }
    Some(summed)
}

/// Variables whose rows look alike: their states, and the buffers of their tables.
type Kind = (u32, Vec<BufferId>);

/// A kernel for every kind of variable.
fn kernels(elimination: &Elimination) -> Option<Vec<Node>> {
    let mut tables: Vec<Vec<(BufferId, usize)>> = vec![Vec::new(); elimination.sizes.len()];
    for factor in &elimination.factors {
        let [variable] = factor.scope.as_slice() else { return None };
        tables[*variable as usize].push((factor.table.buffer, factor.table.offset));
    }
    let mut kinds: BTreeMap<Kind, Vec<Vec<usize>>> = BTreeMap::new();
    for (tables, size) in tables.iter().zip(&elimination.sizes) {
        if tables.len() * *size as usize > MOST_ENTRIES {
            return None;
        }
        let buffers = tables.iter().map(|(buffer, _)| *buffer).collect();
        let offsets = tables.iter().map(|(_, offset)| *offset).collect();
        kinds.entry((*size, buffers)).or_default().push(offsets);
    }
    let kernel = |((size, buffers), rows): (Kind, Vec<Vec<usize>>)| {
        let mut inputs = Vec::new();
        for (table, buffer) in buffers.iter().enumerate() {
            for state in 0..size {
                let index = rows.iter().map(|offsets| offsets[table] as u32 + state).collect();
                inputs.push(Input { buffer: *buffer, access: Access::Gather(index) });
            }
        }
        let graph = Graph::new();
        let entry = |state: u32| {
            let tables = (0..buffers.len() as u32).map(|table| graph.input(table * size + state));
            tables.fold(Traced::Constant(0.0), |sum, entry| sum + entry)
        };
        let value = (0..size).map(entry).reduce(log_sum_exp).unwrap_or(Traced::Constant(0.0));
        Node::Kernel(Kernel {
            rows: rows.len(),
            inputs,
            columns: Vec::new(),
            body: graph.expression(&[value]),
            target: Target::LogDensity,
            tag: elimination.tag,
        })
    };
    Some(kinds.into_iter().map(kernel).collect())
}
