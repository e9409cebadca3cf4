//! Nodes of trapezoidal rules in one and two dimensions.
//!
//! On the whole line the trapezoidal rule converges faster than any power of its spacing h for smooth
//! functions: for a normal of sd 1 its relative error is 2 exp(−2 π² / h²).

/// Equally spaced nodes around 0.
#[derive(Clone, Debug)]
pub(super) struct Line {
    half: i32,
    spacing: f64,
}

impl Line {
    /// Nodes `spacing` apart from −reach to reach.
    pub(super) fn new(spacing: f64, reach: f64) -> Self {
        Self { half: (reach / spacing).round() as i32, spacing }
    }

    /// The node 0 alone.
    pub(super) fn point() -> Self {
        Self { half: 0, spacing: 1.0 }
    }

    pub(super) fn len(&self) -> usize {
        2 * self.middle() + 1
    }

    pub(super) fn middle(&self) -> usize {
        self.half.unsigned_abs() as usize
    }

    pub(super) fn spacing(&self) -> f64 {
        self.spacing
    }

    /// A node.
    pub(super) fn at(&self, node: usize) -> f64 {
        self.beside(node, 0.0)
    }

    /// The place at a distance from a node that is given in spacings.
    pub(super) fn beside(&self, node: usize, distance: f64) -> f64 {
        (node as f64 - f64::from(self.half) + distance) * self.spacing
    }

    /// The nodes from the middle to one end, then to the other, each with the one before it.
    pub(super) fn outwards(&self) -> impl Iterator<Item = (usize, Option<usize>)> {
        let middle = self.middle();
        let up = (middle + 1..self.len()).map(|node| (node, Some(node - 1)));
        let down = (0..middle).rev().map(|node| (node, Some(node + 1)));
        std::iter::once((middle, None)).chain(up).chain(down)
    }
}

/// The nodes of an outer coordinate and, at each of them, of an inner one: node k J + j is the j-th of J
/// inner ones at the k-th outer one. In one dimension the inner coordinate has the node 0 alone.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) outer: Line,
    pub(super) inner: Line,
    /// The nodes by their distance from the middle.
    order: Vec<usize>,
}

impl Rule {
    pub(super) fn new(outer: Line, inner: Line) -> Self {
        let mut order: Vec<usize> = (0..outer.len() * inner.len()).collect();
        let distance = |node: &usize| {
            let (first, second) = (node / inner.len(), node % inner.len());
            outer.at(first).powi(2) + inner.at(second).powi(2)
        };
        order.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
        Self { outer, inner, order }
    }

    /// How many nodes.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The outer and the inner node of a node.
    pub(super) fn places(&self, node: usize) -> (usize, usize) {
        (node / self.inner.len(), node % self.inner.len())
    }

    /// The nodes, the middle one first.
    pub(super) fn outwards(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }
}
