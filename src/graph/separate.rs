//! Finds latents that are independent of one another given the others, and weighs what the log
//! density says of each.
//!
//! A set of coordinates goes with every element of every buffer and every row of the log density:
//! those that it depends on. Coordinates that meet few others are taken as locals, as long as they
//! fall into small blocks that no row ties together; what remains are the globals. Invariant: a row
//! depends on the coordinates of one block at most.

use super::dependence::{Dependence, Row};
use super::expression::{Expression, Leaf, NodeId, Op};
use super::node::{Access, BufferId, Input, Kernel, Model, Node, Quantity, Target};
use super::summed::single_sums;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// How far latents are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeparationOptions {
    /// The most globals.
    pub most_globals: usize,
    /// The most coordinates of a block.
    pub most_in_block: usize,
    /// The fewest blocks.
    pub least_blocks: usize,
}

/// A log density whose blocks of locals are independent of one another given the globals.
#[derive(Clone, Debug)]
pub struct Separated {
    /// The coordinates of each block, ascending.
    pub blocks: Vec<Vec<u32>>,
    /// All other coordinates, ascending.
    pub globals: Vec<u32>,
    /// Σ_b w_b ℓ_b + w_B ℓ_0 for B blocks: ℓ_b are the rows that depend on block b, ℓ_0 the others.
    /// Its point has the coordinates as they were, then w_0, …, w_B. So the derivative in w_b is ℓ_b.
    pub weighed: Model,
    /// ℓ_0, …, ℓ_(B−1) and the others as quantities, at the coordinates as they were.
    pub parts: Model,
}

impl Model {
    /// The separation of a model; `None` if there is none within the options. Locals are among the
    /// coordinates of `candidates`.
    pub fn separate(
        &self,
        candidates: &[Range<usize>],
        options: &SeparationOptions,
    ) -> Option<Separated> {
        let nodes = single_sums(&self.nodes)?;
        let largest = options.most_globals + options.most_in_block;
        let all = 0..self.dimension() as u32;
        let dependence = Dependence::of(self, &nodes, all, largest)?;
        if dependence.densities().iter().flatten().any(|row| row.is_many()) {
            return None;
        }
        let (block_of, blocks) = blocks(self.dimension(), &dependence, candidates, options);
        let globals: Vec<u32> =
            (0..self.dimension() as u32).filter(|c| block_of[*c as usize].is_none()).collect();
        if globals.len() > options.most_globals || blocks.len() < options.least_blocks {
            return None;
        }
        let block_of = |set: &Arc<[u32]>| set.iter().find_map(|c| block_of[*c as usize]);
        let block_of_set: Vec<Option<u32>> = dependence.sets().iter().map(block_of).collect();
        let part = |row: &Row| block_of_set[row.index()].unwrap_or(blocks.len() as u32);
        let densities = dependence.densities().iter();
        let rows: Vec<Vec<u32>> = densities.map(|rows| rows.iter().map(part).collect()).collect();
        let weighed = self.weighed(nodes.clone(), &rows, blocks.len());
        let parts = self.in_parts(nodes, rows, blocks.len());
        Some(Separated { blocks, globals, weighed, parts })
    }

    /// The model with the weight of its part before every row of the log density.
    pub(super) fn weighed(&self, nodes: Vec<Node>, parts: &[Vec<u32>], blocks: usize) -> Model {
        let dimension = self.dimension();
        let mut buffers = self.buffers.clone();
        buffers[BufferId::POINT.index()] = dimension + blocks + 1;
        let mut parts = parts.iter();
        let nodes = nodes.into_iter().map(|node| {
            let Some(kernel) = density(&node) else { return node };
            let rows: &[u32] = parts.next().map_or(&[], Vec::as_slice);
            let weights = rows.iter().map(|part| dimension as u32 + part).collect();
            Node::Kernel(weighed(kernel.clone(), weights))
        });
        let nodes = nodes.collect();
        Model { buffers, nodes, report_nodes: Vec::new(), quantities: Vec::new() }
    }

    /// The model with a sum for each part in place of the log density.
    fn in_parts(&self, nodes: Vec<Node>, parts: Vec<Vec<u32>>, blocks: usize) -> Model {
        let (buffers, quantities) = (self.buffers.clone(), Vec::new());
        let mut model = Model { buffers, nodes: Vec::new(), report_nodes: Vec::new(), quantities };
        let buffer = model.add_buffer(blocks + 1);
        let mut parts = parts.into_iter();
        for node in nodes {
            let Some(kernel) = density(&node) else {
                model.nodes.push(node);
                continue;
            };
            let index: Arc<[u32]> = parts.next().unwrap_or_default().into();
            let target = Target::Accumulate { buffer, index };
            model.nodes.push(Node::Kernel(Kernel { target, ..kernel.clone() }));
        }
        model.quantities.push(Quantity { buffer, offset: 0, length: blocks + 1 });
        model
    }
}

/// The kernel of a node that adds to the log density.
fn density(node: &Node) -> Option<&Kernel> {
    match node {
        Node::Kernel(kernel) => matches!(kernel.target, Target::LogDensity).then_some(kernel),
        Node::Product(_)
        | Node::Recurrence(_)
        | Node::Elimination(_)
        | Node::Cholesky(_)
        | Node::TriangularSolve(_)
        | Node::NoisyKronecker(_)
        | Node::Ode(_) => None,
    }
}

/// A kernel whose rows are multiplied by these coordinates of the point.
fn weighed(mut kernel: Kernel, weights: Vec<u32>) -> Kernel {
    let uniform = weights.windows(2).all(|pair| pair[0] == pair[1]);
    let access = match weights.first() {
        Some(first) if uniform => Access::Uniform(*first as usize),
        Some(_) | None => Access::Gather(Arc::from(weights)),
    };
    let Expression { mut ops, outputs } = kernel.body;
    let next = ops.len() as u32;
    ops.push(Op::Leaf(Leaf::Input(kernel.inputs.len() as u32)));
    ops.extend(outputs.first().map(|value| Op::Mul(NodeId(next), *value)));
    kernel.inputs.push(Input { buffer: BufferId::POINT, access });
    kernel.body = Expression::pruned(&ops, &[NodeId(next + 1)]);
    kernel
}

/// The block of each coordinate and the coordinates of each block: candidates one after the other,
/// those that meet the fewest coordinates first, unless they would tie too large a block.
fn blocks(
    dimension: usize,
    dependence: &Dependence,
    candidates: &[Range<usize>],
    options: &SeparationOptions,
) -> (Vec<Option<u32>>, Vec<Vec<u32>>) {
    let used: BTreeSet<usize> =
        dependence.densities().iter().flatten().map(|row| row.index()).collect();
    let mut sets_of: Vec<Vec<usize>> = vec![Vec::new(); dimension];
    for set in &used {
        for coordinate in dependence.sets()[*set].iter() {
            sets_of[*coordinate as usize].push(*set);
        }
    }
    let met = |coordinate: usize| {
        let sets = sets_of[coordinate].iter().flat_map(|set| dependence.sets()[*set].iter());
        sets.collect::<BTreeSet<_>>().len()
    };
    let mut order: Vec<(usize, usize)> =
        candidates.iter().cloned().flatten().map(|c| (met(c), c)).collect();
    order.sort_unstable();
    let mut owner: Vec<Option<usize>> = vec![None; dimension];
    let mut members: Vec<Vec<u32>> = Vec::new();
    for (_, coordinate) in order {
        let sets = sets_of[coordinate].iter().flat_map(|set| dependence.sets()[*set].iter());
        let joined: BTreeSet<usize> = sets.filter_map(|c| owner[*c as usize]).collect();
        let size: usize = joined.iter().map(|block| members[*block].len()).sum();
        if size + 1 > options.most_in_block || sets_of[coordinate].is_empty() {
            continue;
        }
        let mut merged = vec![coordinate as u32];
        joined.iter().for_each(|block| merged.append(&mut members[*block]));
        merged.iter().for_each(|c| owner[*c as usize] = Some(members.len()));
        members.push(merged);
    }
    members.retain(|block| !block.is_empty());
    members.iter_mut().for_each(|block| block.sort_unstable());
    members.sort_unstable();
    let mut block_of = vec![None; dimension];
    for (index, block) in members.iter().enumerate() {
        block.iter().for_each(|c| block_of[*c as usize] = Some(index as u32));
    }
    (block_of, members)
}
