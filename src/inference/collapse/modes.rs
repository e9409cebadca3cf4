//! Newton's method for all blocks at once, at fixed values of the other coordinates.
//!
//! Invariant: a block's density at its centre is the highest found so far.

/// Curvatures below this share of the scale-free one are no curvatures.
const LEAST_CURVATURE: f64 = 1e-8;

/// The gain of the log density that a Newton step may lose to rounding.
const ROUNDING: f64 = 1e-9;

/// A mode is predicted at most this many sds from a known one: further off the line is none.
pub(super) const MOST_SDS: f64 = 4.0;

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
    /// L with L Lᵀ = (−∇²ℓ)⁻¹: (L_00, L_10, L_11).
    root: [f64; 3],
}

impl Block {
    /// The Newton step and L with L Lᵀ = (−∇²ℓ)⁻¹, where curvatures that are not positive are replaced
    /// by their sizes; returns the squared length of the step in sds.
    fn propose(&mut self) -> f64 {
        if self.size < 2 {
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
pub(super) struct Modes {
    blocks: Vec<Block>,
}

impl Modes {
    pub(super) fn new(blocks: &[Vec<usize>]) -> Self {
        let own = |block: &Vec<usize>| Block { size: block.len(), ..Block::default() };
        Self { blocks: blocks.iter().map(own).collect() }
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
            own.stuck = !(own.value.is_finite() && own.slope.iter().all(|slope| slope.is_finite()));
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

    /// Takes the steps that were short enough not to be tried.
    pub(super) fn finish(&mut self) {
        for own in self.blocks.iter_mut().filter(|own| !own.stuck && own.rate == 0.0) {
            if own.step.iter().all(|step| step.is_finite()) {
                own.centre.iter_mut().zip(own.step).for_each(|(centre, step)| *centre += step);
            }
        }
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
}
