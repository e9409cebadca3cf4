//! Nodes of trapezoidal rules in one and two dimensions.
//!
//! On the whole line the trapezoidal rule converges faster than any power of its spacing h for smooth
//! functions: for a normal of sd 1 its relative error is 2 exp(−2 π² / h²).

/// A grid of equally weighted nodes around 0.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The nodes, in one or two dimensions; the second is 0 in one.
    nodes: Vec<[f64; 2]>,
    spacing: f64,
    dimensions: usize,
    /// The nodes by their distance from 0.
    order: Vec<usize>,
}

impl Rule {
    /// Nodes `spacing` apart from −reach to reach.
    pub(super) fn new(spacing: f64, reach: f64, dimensions: usize) -> Self {
        let half = (reach / spacing).round() as i32;
        let line = || (-half..=half).map(|i| f64::from(i) * spacing);
        let nodes: Vec<[f64; 2]> = match dimensions {
            2 => line().flat_map(|a| line().map(move |b| [a, b])).collect(),
            _ => line().map(|a| [a, 0.0]).collect(),
        };
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        let distance = |node: &usize| nodes[*node][0].powi(2) + nodes[*node][1].powi(2);
        order.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
        Self { nodes, spacing, dimensions, order }
    }

    /// How many nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// One or two.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The distance of neighbours.
    pub(super) fn spacing(&self) -> f64 {
        self.spacing
    }

    /// A node.
    pub(super) fn node(&self, index: usize) -> [f64; 2] {
        self.nodes[index]
    }

    /// The nodes before and after one along a coordinate, where there are any.
    pub(super) fn neighbours(&self, index: usize, place: usize) -> [Option<usize>; 2] {
        let side = if self.dimensions == 2 { self.nodes.len().isqrt() } else { self.nodes.len() };
        let (stride, at) = match (self.dimensions, place) {
            (2, 0) => (side, index / side),
            _ => (1, index % side),
        };
        [(at > 0).then(|| index - stride), (at + 1 < side).then_some(index + stride)]
    }

    /// The nodes, the middle one first.
    pub(super) fn outwards(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }

    /// Whether a node is used for a block of this many coordinates: in a rule for two, a block of one
    /// uses the nodes whose second coordinate is 0.
    pub(super) fn serves(&self, index: usize, coordinates: usize) -> bool {
        coordinates == self.dimensions || self.nodes[index][1] == 0.0
    }
}
