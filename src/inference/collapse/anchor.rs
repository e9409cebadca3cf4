//! Where the modes of locals will be, from what they are at one point of the globals.
//!
//! u(g) ≈ u(g₀) + (−∂²ℓ/∂u²)⁻¹ ∂²ℓ/∂u∂g (g − g₀), by the implicit function theorem.

use super::modes::{MOST_SDS, Modes, Pair};

/// The modes at one point of the globals, and how they change with each of them.
pub(super) struct Anchor {
    globals: Vec<f64>,
    /// For each block the mode, and L with L Lᵀ the inverse curvature there.
    places: Vec<(Pair, [f64; 3])>,
    /// For each global, what every block moves by, in sds: Lᵀ ∂²ℓ/∂u∂g.
    moves: Vec<Vec<Pair>>,
}

impl Anchor {
    pub(super) fn new(globals: &[f64], blocks: &[Vec<usize>], modes: &Modes) -> Self {
        let places = (0..blocks.len()).map(|index| modes.place(index)).collect();
        Self { globals: globals.to_vec(), places, moves: Vec::new() }
    }

    /// Takes in the product of the Hessian with the direction of the next global.
    pub(super) fn push(&mut self, blocks: &[Vec<usize>], product: &[f64]) {
        let moved = blocks.iter().zip(&self.places).map(|(block, (_, [a, b, c]))| {
            let slope = |place: usize| block.get(place).map_or(0.0, |at| product[*at]);
            [a * slope(0) + b * slope(1), c * slope(1)]
        });
        self.moves.push(moved.collect());
    }

    /// Writes the modes that are to be expected at a point of the globals.
    pub(super) fn predict(&self, blocks: &[Vec<usize>], globals: &[f64], point: &mut [f64]) {
        for (index, (block, (centre, [a, b, c]))) in blocks.iter().zip(&self.places).enumerate() {
            let mut sds = [0.0; 2];
            for ((moves, to), from) in self.moves.iter().zip(globals).zip(&self.globals) {
                for (sd, change) in sds.iter_mut().zip(moves[index]) {
                    *sd += change * (to - from);
                }
            }
            let [first, second] = sds.map(|sd| sd.clamp(-MOST_SDS, MOST_SDS));
            let moved = [centre[0] + a * first, centre[1] + b * first + c * second];
            for (at, u) in block.iter().zip(moved).filter(|(_, u)| u.is_finite()) {
                point[*at] = u;
            }
        }
    }
}
