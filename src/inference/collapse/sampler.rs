//! Draws of one block from its weighted grid.
//!
//! Between nodes the log density is a parabola through the values at the nodes beside it: along the
//! outer coordinate that of the sums over inner nodes, then along the inner one at the outer node found.

use super::grid::Grid;
use super::modes::Pair;
use super::rule::{Line, Rule};

/// Nodes with less than this share of the weight of their line are not drawn from.
const LEAST_DRAWN: f64 = 1e-6;

/// The pieces in which a side of a cell is drawn from.
const PIECES: usize = 8;

/// The outer nodes and the weights of Gauss and Legendre's rule of three points on (−½, ½).
const GAUSS: f64 = 0.387_298_334_620_741_7;
const GAUSS_WEIGHTS: [f64; 2] = [8.0 / 18.0, 5.0 / 18.0];

/// Draws of one block.
pub(super) struct Sampler<'g> {
    grid: &'g Grid,
    rule: &'g Rule,
    block: usize,
    outer: Cells,
}

impl<'g> Sampler<'g> {
    pub(super) fn new(grid: &'g Grid, rule: &'g Rule, block: usize) -> Self {
        let inner = rule.inner.len();
        let weight = |outer: usize| {
            (outer * inner..(outer + 1) * inner).map(|node| grid.weight(node, block)).sum::<f64>()
        };
        Self { grid, rule, block, outer: Cells::new(&rule.outer, weight) }
    }

    /// The draw below which this share of the probability lies along the outer coordinate, and `second`
    /// along the inner one given it.
    pub(super) fn draw(&self, share: f64, second: f64) -> Pair {
        let Self { grid, rule, block, outer } = self;
        let Some((node, offset)) = outer.draw(share) else { return [f64::NAN; 2] };
        let place = match grid.size(*block) {
            2 => {
                let weight = |place: usize| grid.weight(node * rule.inner.len() + place, *block);
                let drawn = Cells::new(&rule.inner, weight).draw(second);
                drawn.map_or(f64::NAN, |(place, offset)| rule.inner.beside(place, offset))
            }
            _ => 0.0,
        };
        grid.point(rule, *block, (node, offset), place)
    }
}

/// The cells around the nodes of a line, for draws.
struct Cells {
    cells: Vec<Cell>,
    total: f64,
}

struct Cell {
    node: usize,
    side: Side,
    /// The mass of this cell and those before it.
    until: f64,
}

impl Cells {
    fn new(line: &Line, weight: impl Fn(usize) -> f64) -> Self {
        let weights: Vec<f64> = (0..line.len()).map(weight).collect();
        let logs: Vec<f64> = weights.iter().map(|weight| weight.ln()).collect();
        let log = |node: Option<usize>| {
            node.and_then(|node| logs.get(node)).copied().unwrap_or(f64::NEG_INFINITY)
        };
        let least = LEAST_DRAWN * weights.iter().sum::<f64>();
        let (mut cells, mut total) = (Vec::new(), 0.0);
        for (node, weight) in weights.iter().enumerate().filter(|(_, w)| **w > least) {
            let own = logs[node];
            let side = Side::new(log(node.checked_sub(1)) - own, log(Some(node + 1)) - own);
            total += weight * side.mean();
            cells.push(Cell { node, side, until: total });
        }
        Self { cells, total }
    }

    /// The node, and the distance from it in spacings, below which this share of the mass lies.
    fn draw(&self, share: f64) -> Option<(usize, f64)> {
        let at = share * self.total;
        let last = self.cells.len().checked_sub(1)?;
        let index = self.cells.partition_point(|cell| cell.until <= at).min(last);
        let before = index.checked_sub(1).map_or(0.0, |before| self.cells[before].until);
        let cell = &self.cells[index];
        Some((cell.node, cell.side.quantile((at - before) / (cell.until - before))))
    }
}

/// The density exp(slope s + bend s²) along one side of a cell, for s in (−½, ½), relative to that at
/// its node.
#[derive(Clone, Copy, Default)]
struct Side {
    slope: f64,
    bend: f64,
}

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
