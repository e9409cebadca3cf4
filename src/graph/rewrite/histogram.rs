//! Computes terms of scalars and data once for each value that the data have.
//!
//! Σ_r h(θ, y_r) = Σ_v n_v h(θ, v), where n_v rows have y_r = v. A term without data is the case of
//! one value.

use super::inline::tidied;
use crate::graph::expression::{Expression, Leaf, NodeId, Op};
use crate::graph::node::{Access, Kernel, Model, Node, Target};
use crate::graph::trace::{Graph, Traced};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Values must repeat so often on average.
const REPEATS: usize = 4;
/// Where half of so many rows differ, values are taken not to repeat.
const SAMPLE: usize = 2048;
/// Kernels with fewer rows are left as they are.
const FEWEST_ROWS: usize = 64;

/// Takes such terms out of every kernel that adds to the log density.
pub(super) fn count(model: &mut Model) {
    let nodes = std::mem::take(&mut model.nodes);
    for node in nodes {
        match node {
            Node::Kernel(kernel)
                if matches!(kernel.target, Target::LogDensity) && kernel.rows >= FEWEST_ROWS =>
            {
                model.nodes.extend(counted(kernel).into_iter().map(Node::Kernel));
            }
            Node::Kernel(_)
            | Node::Product(_)
            | Node::Recurrence(_)
            | Node::Elimination(_)
            | Node::Cholesky(_)
            | Node::TriangularSolve(_)
            | Node::NoisyKronecker(_)
            | Node::Ode(_) => model.nodes.push(node),
        }
    }
}

/// A part of a sum, with its factor.
#[derive(Clone, Copy, Debug)]
struct Term {
    factor: f64,
    id: NodeId,
}

fn counted(kernel: Kernel) -> Vec<Kernel> {
    let Some(root) = kernel.body.outputs.first() else { return vec![kernel] };
    let mut parts = Vec::new();
    kernel.body.parts(*root, 1.0, &|id| scaled(&kernel.body, id), &mut parts);
    let leaves = leaves(&kernel.body);
    let mut groups: HashMap<Vec<u32>, Vec<Term>> = HashMap::new();
    let mut rest = Vec::new();
    for (id, factor) in parts {
        let term = Term { factor, id };
        match columns_of(&kernel, &leaves[id.index()]) {
            Some(columns) => groups.entry(columns).or_default().push(term),
            None => rest.push(term),
        }
    }
    let mut kernels = Vec::new();
    let mut groups: Vec<(Vec<u32>, Vec<Term>)> = groups.into_iter().collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    for (columns, terms) in groups {
        match values(&kernel, &columns) {
            Some((firsts, weights)) => kernels.push(weighted(&kernel, &terms, &firsts, weights)),
            None => rest.extend(terms),
        }
    }
    if kernels.is_empty() {
        return vec![kernel];
    }
    if !rest.is_empty() {
        let graph = Graph::new();
        let body = sum(&graph, &kernel.body, &rest);
        let body = graph.expression(&[body]);
        kernels.push(tidied(Kernel { body, ..kernel }));
    }
    kernels
}

/// A sign or a constant factor of a value, and the rest.
fn scaled(body: &Expression, id: NodeId) -> Option<(f64, NodeId)> {
    let constant = |id: NodeId| body.ops[id.index()].constant().filter(|c| c.is_finite());
    match body.ops[id.index()] {
        Op::Neg(a) => Some((-1.0, a)),
        Op::Mul(a, b) => {
            let second = || Some((constant(b)?, a));
            constant(a).map(|c| (c, b)).or_else(second)
        }
        Op::Constant(_)
        | Op::Leaf(_)
        | Op::Add(..)
        | Op::Sub(..)
        | Op::Div(..)
        | Op::Unary(..)
        | Op::Binary(..)
        | Op::Ternary(..)
        | Op::Less(..)
        | Op::Same(..)
        | Op::Select(..)
        | Op::Gated(..) => None,
    }
}

/// The leaves that every operation depends on, ascending.
fn leaves(body: &Expression) -> Vec<Vec<Leaf>> {
    let mut leaves: Vec<Vec<Leaf>> = Vec::with_capacity(body.ops.len());
    for op in &body.ops {
        let mut own: Vec<Leaf> = match op {
            Op::Leaf(leaf) => vec![*leaf],
            Op::Constant(_)
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
            | Op::Gated(..) => {
                op.operands().flat_map(|id| leaves[id.index()].iter().copied()).collect()
            }
        };
        own.sort_unstable();
        own.dedup();
        leaves.push(own);
    }
    leaves
}

/// The columns among some leaves, if all inputs among them are the same in all rows.
fn columns_of(kernel: &Kernel, leaves: &[Leaf]) -> Option<Vec<u32>> {
    let mut columns = Vec::new();
    for leaf in leaves {
        match leaf {
            Leaf::Column(k) => columns.push(*k),
            Leaf::Input(k) => match kernel.inputs[*k as usize].access {
                Access::Uniform(_) => {}
                Access::Contiguous(_) | Access::Gather(_) => return None,
            },
        }
    }
    Some(columns)
}

/// The first row with each combination of values, and how many rows have it; nothing if they
/// hardly repeat.
fn values(kernel: &Kernel, columns: &[u32]) -> Option<(Vec<usize>, Vec<f64>)> {
    let most = kernel.rows / REPEATS;
    if kernel.rows > 2 * SAMPLE && distinct(kernel, columns, SAMPLE) > SAMPLE / 2 {
        return None;
    }
    let (mut firsts, mut weights) = (Vec::new(), Vec::new());
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut key = Vec::with_capacity(columns.len());
    for row in 0..kernel.rows {
        key.clear();
        key.extend(columns.iter().map(|k| kernel.columns[*k as usize][row].to_bits()));
        match known.get(&key) {
            Some(position) => weights[*position] += 1.0,
            None if firsts.len() == most => return None,
            None => {
                known.insert(key.clone(), firsts.len());
                firsts.push(row);
                weights.push(1.0);
            }
        }
    }
    Some((firsts, weights))
}

/// How many combinations of values the first rows have.
fn distinct(kernel: &Kernel, columns: &[u32], rows: usize) -> usize {
    let key = |row: usize| -> Vec<u64> {
        columns.iter().map(|k| kernel.columns[*k as usize][row].to_bits()).collect()
    };
    (0..rows).map(key).collect::<HashSet<_>>().len()
}

fn sum<'g>(graph: &'g Graph, body: &Expression, terms: &[Term]) -> Traced<'g> {
    let values = body.values(|leaf| graph.leaf(leaf));
    let parts = terms.iter().map(|term| values[term.id.index()].number() * term.factor);
    parts.fold(Traced::Constant(0.0), |sum, part| sum + part)
}

/// The kernel of some terms over some rows, each weighted.
fn weighted(kernel: &Kernel, terms: &[Term], rows: &[usize], weights: Vec<f64>) -> Kernel {
    let graph = Graph::new();
    let weight = match weights[..] {
        [only] => Traced::Constant(only),
        _ => graph.column(kernel.columns.len() as u32),
    };
    let body = graph.expression(&[sum(&graph, &kernel.body, terms) * weight]);
    let pick = |column: &Arc<[f64]>| rows.iter().map(|row| column[*row]).collect();
    let mut columns: Vec<Arc<[f64]>> = kernel.columns.iter().map(pick).collect();
    columns.push(weights.into());
    // Inputs that differ from row to row are not among the leaves of the terms.
    tidied(Kernel { rows: rows.len(), columns, body, ..kernel.clone() })
}
