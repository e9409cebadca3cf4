//! The conditional densities of all blocks at one point of the globals: grids, weights, integrals.
//!
//! The outer coordinate of a block has nodes v_k = c + s t_k. At each of them an inner one has nodes
//! m_k + σ_k t_j, with the mode m_k and the scale σ_k of its own density there: so a grid bends with its
//! density, and where the inner density is normal given the outer coordinate a few nodes are exact.
//! Invariant: a block's weights ω sum to 1.

use super::modes::{MOST_SDS, Modes, Pair};
use super::rule::Rule;

/// Nodes whose weight is below this in a block add nothing to it.
const LEAST_WEIGHT: f64 = 1e-13;

/// Log weights so far below the highest are not worth an exponential.
const NEGLIGIBLE: f64 = -45.0;

/// A grid is moved if its mean is further off than this, in its sds,
const OFF_CENTRE: f64 = 0.5;
/// or its variance not within this factor of 1.
const OFF_SCALE: f64 = 2.0;

/// A grid is narrowed at most by this factor: sds below it are not known from nodes one apart.
const MOST_NARROWED: f64 = 0.5;

/// A tail that falls more slowly than by this factor from node to node is no tail yet.
const MOST_SLOWLY: f64 = 0.95;

/// The grid of one block.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    size: usize,
    /// c and s.
    centre: f64,
    scale: f64,
    /// The joint mode, and by how much the inner mode moves with the outer coordinate there.
    mode: Pair,
    shear: f64,
    /// The sd of the inner coordinate at the joint mode.
    width: f64,
    /// The weighted mean and variance of t_k.
    mean: f64,
    variance: f64,
    highest: f64,
    total: f64,
}

impl Own {
    /// Whether the grid is in the wrong place.
    fn is_off(&self) -> bool {
        self.mean.abs() > OFF_CENTRE || !(OFF_SCALE.recip()..=OFF_SCALE).contains(&self.variance)
    }
}

/// Where the inner density is at an outer node. A block of one coordinate keeps the default.
#[derive(Clone, Copy, Debug)]
struct Track {
    /// m_k and σ_k.
    mode: f64,
    width: f64,
    log_width: f64,
}

impl Default for Track {
    fn default() -> Self {
        Self { mode: 0.0, width: 1.0, log_width: 0.0 }
    }
}

/// The grids of all blocks.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    blocks: Vec<Own>,
    /// The inner densities of every block, outer node after outer node.
    tracks: Vec<Track>,
    /// ℓ_b at the nodes, node after node, each with the part without locals at its end; then ω.
    values: Vec<f64>,
    /// The part without locals.
    rest: f64,
    /// The largest weight at each node.
    largest: Vec<f64>,
}

impl Grid {
    pub(super) fn new(blocks: &[Vec<usize>]) -> Self {
        let own = |block: &Vec<usize>| Own { size: block.len(), ..Own::default() };
        Self {
            blocks: blocks.iter().map(own).collect(),
            tracks: Vec::new(),
            values: Vec::new(),
            rest: 0.0,
            largest: Vec::new(),
        }
    }

    /// Makes room for the nodes of a rule.
    pub(super) fn reshape(&mut self, rule: &Rule) {
        self.tracks.resize(self.blocks.len() * rule.outer.len(), Track::default());
        self.values.resize((self.blocks.len() + 1) * rule.len(), 0.0);
        self.largest.resize(rule.len(), 0.0);
    }

    /// Puts the grids around the modes.
    pub(super) fn centre(&mut self, modes: &Modes) {
        for (index, own) in self.blocks.iter_mut().enumerate() {
            let (mode, [outer, both, inner]) = modes.place(index);
            let shear = if outer > 0.0 { both / outer } else { 0.0 };
            let (centre, scale) = (mode[0], outer);
            *own =
                Own { size: own.size, centre, scale, mode, shear, width: inner, ..Own::default() };
        }
    }

    /// Writes the outer coordinates of an outer node, and the inner modes to be expected there from that
    /// of the node before, towards the middle, and of the one before that.
    pub(super) fn predict(
        &self,
        blocks: &[Vec<usize>],
        rule: &Rule,
        (node, before): (usize, Option<usize>),
        point: &mut [f64],
    ) {
        let count = self.blocks.len();
        for (index, (own, block)) in self.blocks.iter().zip(blocks).enumerate() {
            let track = |node: usize| self.tracks[node * count + index];
            let outer = |node: usize| own.centre + own.scale * rule.outer.at(node);
            let predicted = match before {
                None => own.mode[1] + own.shear * (outer(node) - own.mode[0]),
                Some(before) => {
                    let Track { mode, width, .. } = track(before);
                    let earlier = (2 * before).abs_diff(node);
                    let change = if before == rule.outer.middle() {
                        own.shear * (outer(node) - outer(before))
                    } else {
                        mode - track(earlier).mode
                    };
                    mode + change.clamp(-MOST_SDS * width, MOST_SDS * width)
                }
            };
            for (coordinate, u) in block.iter().zip([outer(node), predicted]) {
                point[*coordinate] = u;
            }
        }
    }

    /// Takes in the modes and the scales of inner coordinates at an outer node.
    pub(super) fn follow(&mut self, node: usize, inner: &Modes) {
        let count = self.blocks.len();
        for (index, own) in self.blocks.iter().enumerate().filter(|(_, own)| own.size == 2) {
            let ([mode, _], [width, ..]) = inner.place(index);
            let known = mode.is_finite() && width.is_finite() && width > 0.0;
            let (mode, width) = if known { (mode, width) } else { (own.mode[1], own.width) };
            self.tracks[node * count + index] = Track { mode, width, log_width: width.ln() };
        }
    }

    /// Writes the points of a node.
    pub(super) fn at_node(
        &self,
        blocks: &[Vec<usize>],
        rule: &Rule,
        node: usize,
        point: &mut [f64],
    ) {
        let (first, second) = rule.places(node);
        let (t, r) = (rule.outer.at(first), rule.inner.at(second));
        let tracks = &self.tracks[first * self.blocks.len()..];
        for ((own, block), track) in self.blocks.iter().zip(blocks).zip(tracks) {
            let u = [own.centre + own.scale * t, track.mode + track.width * r];
            block.iter().zip(u).for_each(|(coordinate, u)| point[*coordinate] = u);
        }
    }

    /// Where the parts of a node go.
    pub(super) fn values_at(&mut self, node: usize) -> &mut [f64] {
        let width = self.blocks.len() + 1;
        &mut self.values[node * width..(node + 1) * width]
    }

    /// Turns the parts at the nodes into weights and integrals; whether some grid is in the wrong place.
    pub(super) fn weigh(&mut self, rule: &Rule) -> bool {
        let Self { blocks, tracks, values, rest, largest } = self;
        let width = blocks.len() + 1;
        *rest = values[width - 1];
        for own in &mut *blocks {
            (own.highest, own.total, own.mean, own.variance) = (f64::NEG_INFINITY, 0.0, 0.0, 0.0);
        }
        for (node, row) in values.chunks_exact_mut(width).enumerate() {
            let (outer, inner) = rule.places(node);
            // A block of one coordinate has the nodes in the middle of the inner one.
            let single = if inner == rule.inner.middle() { 0.0 } else { f64::NEG_INFINITY };
            let tracks = &tracks[outer * blocks.len()..];
            for ((own, value), track) in blocks.iter_mut().zip(row).zip(tracks) {
                *value += if own.size == 2 { track.log_width } else { single };
                if *value > own.highest {
                    own.highest = *value;
                }
            }
        }
        for row in values.chunks_exact_mut(width) {
            for (own, value) in blocks.iter().zip(row) {
                let below = *value - own.highest;
                *value = if below > NEGLIGIBLE { below.exp() } else { 0.0 };
            }
        }
        complete(rule, values, blocks.len());
        for (node, row) in values.chunks_exact(width).enumerate() {
            let t = rule.outer.at(rule.places(node).0);
            for (own, value) in blocks.iter_mut().zip(row) {
                own.total += *value;
                own.mean += *value * t;
                own.variance += *value * t * t;
            }
        }
        for (row, largest) in values.chunks_exact_mut(width).zip(largest) {
            *largest = 0.0;
            for (own, value) in blocks.iter().zip(row) {
                let share = *value / own.total;
                *value = if share < LEAST_WEIGHT { 0.0 } else { share };
                *largest = largest.max(share);
            }
        }
        let mut off = false;
        for own in blocks {
            own.mean /= own.total;
            own.variance = own.variance / own.total - own.mean.powi(2);
            off |= own.is_off();
        }
        off
    }

    /// Moves grids to the mean and the sd of their weights: all, or those that are in the wrong place.
    pub(super) fn recentre(&mut self, all: bool) {
        for own in self.blocks.iter_mut().filter(|own| all || own.is_off()) {
            let centre = own.centre + own.scale * own.mean;
            if centre.is_finite() && own.variance.is_finite() {
                // A grid whose mass lies on one node has no variance of its own: it is narrowed.
                let change = own.variance.sqrt().max(MOST_NARROWED);
                (own.centre, own.scale) = (centre, own.scale * change);
            }
        }
    }

    /// ℓ_0 + Σ_b ln ∫ exp ℓ_b
    pub(super) fn log_integral(&self, rule: &Rule) -> f64 {
        let steps =
            [rule.outer.spacing().ln(), rule.outer.spacing().ln() + rule.inner.spacing().ln()];
        let integral = |own: &Own| {
            own.highest + own.total.ln() + own.scale.ln() + steps[usize::from(own.size == 2)]
        };
        self.rest + self.blocks.iter().map(integral).sum::<f64>()
    }

    /// ω of a block at a node.
    pub(super) fn weight(&self, node: usize, block: usize) -> f64 {
        self.values[node * (self.blocks.len() + 1) + block]
    }

    /// Whether a node has no weight in any block.
    pub(super) fn is_idle(&self, node: usize) -> bool {
        self.largest[node] < LEAST_WEIGHT
    }

    /// How many coordinates a block has.
    pub(super) fn size(&self, block: usize) -> usize {
        self.blocks[block].size
    }

    /// The point of a block at a distance from an outer node and at a place of the inner coordinate, the
    /// one in spacings and the other in sds: modes and scales between nodes are interpolated.
    pub(super) fn point(
        &self,
        rule: &Rule,
        block: usize,
        (node, offset): (usize, f64),
        r: f64,
    ) -> Pair {
        let own = &self.blocks[block];
        let outer = own.centre + own.scale * rule.outer.beside(node, offset);
        if own.size < 2 {
            return [outer, 0.0];
        }
        let track = |node: usize| self.tracks[node * self.blocks.len() + block];
        let other = if offset < 0.0 { node.checked_sub(1) } else { Some(node + 1) };
        let other = other.filter(|other| *other < rule.outer.len()).unwrap_or(node);
        let (own, next, share) = (track(node), track(other), offset.abs());
        let mode = own.mode + share * (next.mode - own.mode);
        let width = own.width * (next.width / own.width).powf(share);
        [outer, mode + width * r]
    }
}

/// Gives the nodes at both ends of the outer coordinate the mass of those that would come after them, if
/// the log density went on as a parabola through the last three: a straight line in an exponential tail.
fn complete(rule: &Rule, values: &mut [f64], blocks: usize) {
    let (outer, inner) = (rule.outer.len(), rule.inner.len());
    if outer < 3 {
        return;
    }
    for ends in [[0, 1, 2], [outer - 1, outer - 2, outer - 3]] {
        for block in 0..blocks {
            let at = |outer: usize, inner_node: usize| {
                (outer * inner + inner_node) * (blocks + 1) + block
            };
            let [last, before, earlier] =
                ends.map(|outer| (0..inner).map(|node| values[at(outer, node)]).sum::<f64>());
            let factor = 1.0 + beyond(last / before, before / earlier);
            if factor > 1.0 {
                (0..inner).for_each(|node| values[at(ends[0], node)] *= factor);
            }
        }
    }
}

/// Σ_k Π_{i ≤ k} r qⁱ, the terms after the last of a sequence in units of it, whose last ratio is r and
/// whose ratios change by the factor q; 0 where it does not fall.
fn beyond(ratio: f64, before: f64) -> f64 {
    let change = (ratio / before).min(1.0);
    let (mut next, mut term, mut sum) = (ratio, 1.0, 0.0);
    if !(ratio > 0.0 && ratio < MOST_SLOWLY && change > 0.0) {
        return 0.0;
    }
    while term > LEAST_WEIGHT {
        next *= change;
        term *= next;
        sum += term;
    }
    sum
}
