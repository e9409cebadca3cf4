//! The conditional densities of all blocks at one point of the globals: modes, scales, grids, weights.
//!
//! Invariant: a block's grid is u = c + L t for nodes t, with L lower triangular; its weights ω sum to 1.

use super::rule::Rule;

/// Curvatures below this share of the scale-free one are no curvatures.
const LEAST_CURVATURE: f64 = 1e-8;

/// Nodes whose weight is below this in a block add nothing to it.
const LEAST_WEIGHT: f64 = 1e-13;

/// Cells whose weight is below this are not drawn from.
const LEAST_DRAWN: f64 = 1e-6;

/// A grid is moved if its mean is further off than this, in its sds,
const OFF_CENTRE: f64 = 0.5;
/// or its variance not within this factor of 1.
const OFF_SCALE: f64 = 2.0;

/// The gain of the log density that a Newton step may lose to rounding.
const ROUNDING: f64 = 1e-9;

pub(super) type Pair = [f64; 2];

/// One block.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    size: usize,
    /// The best point so far, with ℓ_b and its slope there.
    centre: Pair,
    value: f64,
    slope: Pair,
    /// −∇²ℓ_b at the centre.
    curvature: [Pair; 2],
    step: Pair,
    /// The share of the step that is tried; 0 if none is to be.
    rate: f64,
    /// Whether a step did not raise the density however short: none is tried again.
    stuck: bool,
    /// L: (L_00, L_10, L_11).
    root: [f64; 3],
    /// The weighted mean and variances of t.
    mean: Pair,
    variance: Pair,
    log_integral: f64,
}

impl Block {
    /// The point of a node.
    fn point(&self, t: Pair) -> Pair {
        let [a, b, c] = self.root;
        [self.centre[0] + a * t[0], self.centre[1] + b * t[0] + c * t[1]]
    }

    /// The Newton step and L with L Lᵀ = (−∇²ℓ)⁻¹, where curvatures that are not positive are replaced
    /// by their sizes; returns the squared length of the step in sds.
    fn propose(&mut self) -> f64 {
        if self.size == 1 {
            let mut curvature = self.curvature[0][0].abs();
            if !curvature.is_finite() || curvature < LEAST_CURVATURE {
                curvature = 1.0;
            }
            self.step = [self.slope[0] / curvature, 0.0];
            self.root = [curvature.sqrt().recip(), 0.0, 0.0];
            return self.slope[0] * self.step[0];
        }
        let [[a, _], [b, c]] = self.curvature;
        let (middle, half) = (0.5 * (a + c), 0.5 * (a - c));
        let radius = half.hypot(b);
        let angle = 0.5 * b.atan2(half);
        let (sin, cos) = angle.sin_cos();
        let mend = |x: f64| {
            let size = x.abs();
            if size.is_finite() && size >= LEAST_CURVATURE { size } else { 1.0 }
        };
        let (first, second) = (mend(middle + radius), mend(middle - radius));
        // The inverse V diag(1/λ) Vᵀ with V = [cos −sin; sin cos].
        let (p, q) = (first.recip(), second.recip());
        let inverse =
            [cos * cos * p + sin * sin * q, cos * sin * (p - q), sin * sin * p + cos * cos * q];
        self.step = [
            inverse[0] * self.slope[0] + inverse[1] * self.slope[1],
            inverse[1] * self.slope[0] + inverse[2] * self.slope[1],
        ];
        let l00 = inverse[0].sqrt();
        let l10 = inverse[1] / l00;
        self.root = [l00, l10, (inverse[2] - l10 * l10).max(f64::MIN_POSITIVE).sqrt()];
        self.slope[0] * self.step[0] + self.slope[1] * self.step[1]
    }
}

/// All blocks.
#[derive(Clone, Debug)]
pub(super) struct Conditional {
    blocks: Vec<Block>,
    /// ℓ_b at the nodes, node after node, each with the part without locals at its end; then ω.
    values: Vec<f64>,
    nodes: usize,
    /// The part without locals.
    rest: f64,
    /// The largest weight at each node.
    largest: Vec<f64>,
}

impl Conditional {
    pub(super) fn new(blocks: &[Vec<usize>], nodes: usize) -> Self {
        let own = |block: &Vec<usize>| Block { size: block.len(), ..Block::default() };
        Self {
            blocks: blocks.iter().map(own).collect(),
            values: vec![0.0; (blocks.len() + 1) * nodes],
            nodes,
            rest: 0.0,
            largest: vec![0.0; nodes],
        }
    }

    /// The centre of a block, and L.
    pub(super) fn place(&self, index: usize) -> (Pair, [f64; 3]) {
        (self.blocks[index].centre, self.blocks[index].root)
    }

    /// Takes in values and slopes at a first point.
    pub(super) fn begin(
        &mut self,
        blocks: &[Vec<usize>],
        dimension: usize,
        point: &[f64],
        gradient: &[f64],
    ) {
        for (index, (own, block)) in self.blocks.iter_mut().zip(blocks).enumerate() {
            *own = Block { size: own.size, value: gradient[dimension + index], ..Block::default() };
            for (place, coordinate) in block.iter().enumerate() {
                own.centre[place] = point[*coordinate];
                own.slope[place] = gradient[*coordinate];
            }
        }
    }

    /// Takes in the product of the Hessian with the direction along each block's coordinate `place`.
    pub(super) fn curve(&mut self, blocks: &[Vec<usize>], place: usize, product: &[f64]) {
        for (own, block) in self.blocks.iter_mut().zip(blocks) {
            for (row, coordinate) in block.iter().enumerate() {
                if place < own.size {
                    own.curvature[row][place] = -product[*coordinate];
                }
            }
        }
    }

    /// Finds the Newton step of every block; whether all are within the tolerance, in sds.
    pub(super) fn propose(&mut self, tolerance: f64) -> bool {
        let mut converged = true;
        for own in &mut self.blocks {
            let squared = own.propose();
            let small = squared < tolerance * tolerance || own.stuck;
            own.rate = if small { 0.0 } else { 1.0 };
            converged &= small;
        }
        converged
    }

    /// Writes the points to be tried.
    pub(super) fn trial(&self, blocks: &[Vec<usize>], point: &mut [f64]) {
        for (own, block) in self.blocks.iter().zip(blocks) {
            for (place, coordinate) in block.iter().enumerate() {
                point[*coordinate] = own.centre[place] + own.rate * own.step[place];
            }
        }
    }

    /// Moves the blocks whose density rose, and halves the steps of the others; whether none is left.
    pub(super) fn accept(
        &mut self,
        blocks: &[Vec<usize>],
        dimension: usize,
        gradient: &[f64],
    ) -> bool {
        let mut done = true;
        for (index, (own, block)) in self.blocks.iter_mut().zip(blocks).enumerate() {
            if own.rate == 0.0 {
                continue;
            }
            let value = gradient[dimension + index];
            let finite = block.iter().all(|coordinate| gradient[*coordinate].is_finite());
            if finite && value >= own.value - ROUNDING * own.value.abs().max(1.0) {
                own.value = value;
                for (place, coordinate) in block.iter().enumerate() {
                    own.centre[place] += own.rate * own.step[place];
                    own.slope[place] = gradient[*coordinate];
                }
                own.rate = 0.0;
            } else {
                own.rate *= 0.5;
                done = false;
            }
        }
        done
    }

    /// Writes the best points, and gives up on blocks whose steps did not help.
    pub(super) fn settle(&mut self, blocks: &[Vec<usize>], point: &mut [f64]) {
        self.blocks.iter_mut().for_each(|own| own.stuck |= own.rate > 0.0);
        (0..blocks.len()).for_each(|index| self.at_centre(blocks, index, point));
    }

    /// Writes the best point of one block.
    pub(super) fn at_centre(&self, blocks: &[Vec<usize>], index: usize, point: &mut [f64]) {
        for (place, coordinate) in blocks[index].iter().enumerate() {
            point[*coordinate] = self.blocks[index].centre[place];
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
        let t = rule.node(node);
        for (own, block) in self.blocks.iter().zip(blocks) {
            let u = own.point(t);
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
        let width = self.blocks.len() + 1;
        let log_spacing = rule.spacing().ln();
        let mut off = false;
        self.rest = self.values[width - 1];
        self.largest.fill(0.0);
        for (index, own) in self.blocks.iter_mut().enumerate() {
            let serves = |node: &usize| rule.serves(*node, own.size);
            let nodes = || (0..self.nodes).filter(serves);
            let of = |node: usize| self.values[node * width + index];
            let highest = nodes().map(of).filter(|v| !v.is_nan()).fold(f64::NEG_INFINITY, f64::max);
            let (mut total, mut mean, mut square) = (0.0, [0.0; 2], [0.0; 2]);
            for node in 0..self.nodes {
                let value = self.values[node * width + index];
                let weight =
                    if rule.serves(node, own.size) { (value - highest).exp() } else { 0.0 };
                let weight = if weight.is_finite() { weight } else { 0.0 };
                self.values[node * width + index] = weight;
                total += weight;
                for (place, t) in rule.node(node).into_iter().enumerate() {
                    mean[place] += weight * t;
                    square[place] += weight * t * t;
                }
            }
            for node in 0..self.nodes {
                let share = self.values[node * width + index] / total;
                self.values[node * width + index] = if share < LEAST_WEIGHT { 0.0 } else { share };
                self.largest[node] = self.largest[node].max(share);
            }
            let log_det = own.root[0].ln() + if own.size == 2 { own.root[2].ln() } else { 0.0 };
            own.log_integral = highest + total.ln() + log_det + own.size as f64 * log_spacing;
            for place in 0..own.size {
                own.mean[place] = mean[place] / total;
                own.variance[place] = square[place] / total - own.mean[place].powi(2);
                let scaled = own.variance[place];
                off |= own.mean[place].abs() > OFF_CENTRE
                    || !(OFF_SCALE.recip()..=OFF_SCALE).contains(&scaled);
            }
        }
        off
    }

    /// Moves every grid to the mean and the sds of its weights.
    pub(super) fn recentre(&mut self) {
        for own in &mut self.blocks {
            let centre = own.point(own.mean);
            let finite = centre.iter().chain(&own.variance).all(|x| x.is_finite());
            if !finite {
                continue;
            }
            own.centre = centre;
            // A grid whose mass lies on one node has no variance of its own: it is narrowed.
            let [first, second] = own.variance.map(|variance| variance.max(0.01).sqrt());
            own.root = [own.root[0] * first, own.root[1] * first, own.root[2] * second];
        }
    }

    /// ℓ_0 + Σ_b ln ∫ exp ℓ_b
    pub(super) fn log_integral(&self) -> f64 {
        self.rest + self.blocks.iter().map(|own| own.log_integral).sum::<f64>()
    }

    /// ω of a block at a node.
    pub(super) fn weight(&self, node: usize, block: usize) -> f64 {
        self.values[node * (self.blocks.len() + 1) + block]
    }

    /// Whether a node has no weight in any block.
    pub(super) fn is_idle(&self, node: usize) -> bool {
        self.largest[node] < LEAST_WEIGHT
    }

    /// Makes ready to draw from a block.
    pub(super) fn sampler(&self, index: usize, rule: &Rule) -> Sampler<'_> {
        let size = self.blocks[index].size;
        let logs: Vec<f64> = (0..self.nodes).map(|node| self.weight(node, index).ln()).collect();
        let log_weight = |node: Option<usize>| node.map_or(f64::NEG_INFINITY, |node| logs[node]);
        let mut cells = Vec::new();
        let mut total = 0.0;
        for node in (0..self.nodes).filter(|node| self.weight(*node, index) > LEAST_DRAWN) {
            let side = |place: usize| {
                let [before, after] = rule.neighbours(node, place).map(log_weight);
                Side::new(before - logs[node], after - logs[node])
            };
            let sides = [side(0), if size == 2 { side(1) } else { Side::default() }];
            total += self.weight(node, index) * sides[0].mean() * sides[1].mean();
            cells.push(Cell { node, sides, until: total });
        }
        Sampler { block: &self.blocks[index], cells, total }
    }
}

/// The cells of a block's grid, for draws: inside a cell the log density is a parabola along each
/// coordinate, through the values at the nodes beside it.
pub(super) struct Sampler<'c> {
    block: &'c Block,
    cells: Vec<Cell>,
    total: f64,
}

struct Cell {
    node: usize,
    sides: [Side; 2],
    /// The mass of this cell and those before it.
    until: f64,
}

/// The density exp(slope s + bend s²) along one side of a cell, for s in (−½, ½), relative to that at
/// its node.
#[derive(Clone, Copy, Default)]
struct Side {
    slope: f64,
    bend: f64,
}

/// The pieces in which a side is drawn from.
const PIECES: usize = 8;

/// The outer nodes and the weights of Gauss and Legendre's rule of three points on (−½, ½).
const GAUSS: f64 = 0.387_298_334_620_741_7;
const GAUSS_WEIGHTS: [f64; 2] = [8.0 / 18.0, 5.0 / 18.0];

impl Side {
    /// From the log density at the neighbouring nodes, less that at the node.
    fn new(before: f64, after: f64) -> Self {
        let (slope, bend) = match (before.is_finite(), after.is_finite()) {
            (true, true) => (0.5 * (after - before), 0.5 * (after + before)),
            (true, false) => (-before, 0.0),
            (false, true) => (after, 0.0),
            (false, false) => (0.0, 0.0),
        };
        Side { slope, bend }
    }

    fn at(&self, s: f64) -> f64 {
        (self.slope * s + self.bend * s * s).exp()
    }

    fn mean(&self) -> f64 {
        let [middle, outer] = GAUSS_WEIGHTS;
        middle + outer * (self.at(-GAUSS) + self.at(GAUSS))
    }

    /// The point in (−½, ½) below which this share of the mass lies.
    fn quantile(&self, share: f64) -> f64 {
        let middle = |piece: usize| (piece as f64 + 0.5) / PIECES as f64 - 0.5;
        let masses: [f64; PIECES] = std::array::from_fn(|piece| self.at(middle(piece)));
        let mut left = share * masses.iter().sum::<f64>();
        for (piece, mass) in masses.iter().enumerate() {
            if left < *mass {
                return (piece as f64 + left / mass) / PIECES as f64 - 0.5;
            }
            left -= mass;
        }
        0.5
    }
}

impl Sampler<'_> {
    /// The draw below which this share of the probability lies, in the order of the cells; `second` is
    /// the share along the second coordinate of the cell.
    pub(super) fn draw(&self, rule: &Rule, share: f64, second: f64) -> Pair {
        let at = share * self.total;
        let index =
            self.cells.partition_point(|cell| cell.until <= at).min(self.cells.len().max(1) - 1);
        let Some(cell) = self.cells.get(index) else { return [f64::NAN; 2] };
        let before = index.checked_sub(1).map_or(0.0, |before| self.cells[before].until);
        let within = (at - before) / (cell.until - before);
        let [first, other] = rule.node(cell.node);
        let along = |side: &Side, share: f64| rule.spacing() * side.quantile(share);
        let t = [first + along(&cell.sides[0], within), other + along(&cell.sides[1], second)];
        self.block.point(if self.block.size == 2 { t } else { [t[0], 0.0] })
    }
}
