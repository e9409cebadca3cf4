//! Fits a full-rank normal by natural-gradient ascent of the ELBO on fixed, matched draws.
//!
//! x = m + B z for the columns z of a base with mean 0 and covariance I, so the ELBO is a smooth
//! function of (m, B) with no noise in it. Gradients g of log p alone give both natural steps: by
//! Stein's lemma E[∇² log p] = E[g zᵀ] B⁻¹, so no Hessian is needed. Invariant: the ELBO on the
//! fixed draws never falls. B need not be triangular: a triangular one would rotate the draws.

mod diagonal;

use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::elbo;
use super::evaluate::Evaluator;
use super::guide::{FullRank, LN_2_PI, LocationScale};
use super::target::LogDensity;
use crate::math::eigen::symmetric_eigen;

/// The algorithm's constants; each was settled on 45 posteriors of posteriordb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Natural {
    /// Fixed draws M at least; 64 matched draws beat 256 independent ones by 81 % to 19 %.
    pub draws: usize,
    /// Fixed draws per dimension at least, rounded up to a power of two.
    pub draws_per_dimension: usize,
    /// Beyond this many draws, two per dimension are enough: as few as match their covariance.
    pub many_draws: usize,
    /// The operations of an evaluation (see [`Target::cost`](super::Target::cost)) from which two per
    /// dimension are enough at once.
    pub dear: usize,
    /// Steps at most.
    pub max_iterations: usize,
    /// Stop when the whitened mean gradient |Bᵀ ḡ| is below this: posterior sds of the mean.
    pub mean_tolerance: f64,
    /// Stop when the whitened precision's eigenvalues are this close to 1.
    pub scale_tolerance: f64,
    /// Stop after three steps that each raise the ELBO by less than this: such differences are
    /// below what the importance check can see.
    pub least_increase: f64,
    /// A step changes no variance by more than this factor.
    pub clip: f64,
    /// A step moves the mean by at most this many sds per root dimension.
    pub max_move: f64,
    /// The Armijo constant.
    pub sufficient_increase: f64,
    /// Halvings of the rate in one step at most.
    pub max_halvings: usize,
    /// Halvings of the first scale at most, until every draw has a finite log density.
    pub max_shrinks: usize,
}

impl Default for Natural {
    fn default() -> Self {
        Self {
            draws: 64,
            draws_per_dimension: 3,
            many_draws: 512,
            dear: 200_000,
            max_iterations: 40,
            mean_tolerance: 0.05,
            scale_tolerance: 0.05,
            least_increase: 1e-3,
            clip: 4.0,
            max_move: 3.0,
            sufficient_increase: 1e-4,
            max_halvings: 12,
            max_shrinks: 20,
        }
    }
}

/// The normal N(m, B Bᵀ) and what the last evaluation of the draws said of it.
#[derive(Clone, Debug)]
pub struct State {
    mean: DVector<f64>,
    root: DMatrix<f64>,
    log_scale: f64,
    /// The ELBO on the fixed draws.
    pub elbo: f64,
    gradients: DMatrix<f64>,
    rate: f64,
}

impl State {
    /// The normal; `None` if its scale is singular.
    pub fn normal(&self) -> Option<FullRank> {
        FullRank::from_root(self.mean.clone(), &self.root)
    }
}

/// What a step found, measured before it moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Info {
    /// |Bᵀ ḡ|: how far the mean is from its optimum, in sds.
    pub mean_error: f64,
    /// max |a − 1| over the eigenvalues a of the expected whitened precision.
    pub scale_error: f64,
    /// Whether the step raised the ELBO.
    pub moved: bool,
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The normal.
    pub guide: FullRank,
    /// Its ELBO on the fixed draws.
    pub elbo: f64,
    /// The ELBO before each step.
    pub path: Vec<f64>,
    /// Whether both tolerances were met.
    pub converged: bool,
}

impl Natural {
    /// The number of fixed draws in d dimensions, at a cost per evaluation: where it is dear, as few
    /// as match their covariance.
    pub fn draws_for(&self, dimension: usize, cost: usize) -> usize {
        let wanted = (self.draws_per_dimension * dimension).next_power_of_two();
        let most = if cost < self.dear { self.many_draws } else { 0 };
        self.draws.max(wanted.min(most.max(2 * dimension)))
    }

    /// The state at a normal, shrunk until every draw has a finite log density.
    pub fn start<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &FullRank,
        base: &DMatrix<f64>,
    ) -> Option<State> {
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        let mut scaled = guide.clone();
        for _ in 0..=self.max_shrinks {
            let (points, entropy) = (scaled.transform(base), scaled.entropy());
            let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut gradients);
            if elbo.is_finite() {
                let (mean, root) = (scaled.mean().clone(), scaled.cholesky().clone());
                let log_scale = scaled.log_scale();
                return Some(State { mean, root, log_scale, elbo, gradients, rate: 1.0 });
            }
            scaled = scaled.scaled(0.5);
        }
        None
    }

    /// One natural step: with A = −sym(Bᵀ E[g zᵀ]) = V a Vᵀ and b = 1 − ρ + ρ clip(a),
    /// m += ρ B V (Vᵀ Bᵀ ḡ / b) and B ← B V b^(−½) Vᵀ; ρ is halved until the ELBO rises.
    ///
    /// `None` if the eigenvalues cannot be found.
    pub fn step<T: LogDensity>(
        &self,
        state: &mut State,
        evaluator: &mut Evaluator<T>,
        base: &DMatrix<f64>,
    ) -> Option<Info> {
        let draws = base.ncols() as f64;
        let whitened = state.root.tr_mul(&state.gradients);
        let slope = whitened.column_mean();
        let product = &whitened * base.transpose() / -draws;
        let (eigenvalues, vectors) = symmetric_eigen((&product + product.transpose()) * 0.5)?;
        let rotated = vectors.tr_mul(&slope);
        let basis = &state.root * &vectors;
        let curvature = Curvature { eigenvalues, vectors, rotated, basis };
        let mut info = Info {
            mean_error: slope.norm(),
            scale_error: curvature.eigenvalues.map(|a| (a - 1.0).abs()).max(),
            moved: false,
        };
        // Where the optimum is as near as the ELBO can tell, no shorter step is better.
        let clipped = curvature.clipped(self.clip);
        let expected = curvature.expected_increase(&clipped, &clipped, state.rate);
        let trials = if expected < self.least_increase { 1 } else { self.max_halvings };
        for _ in 0..trials {
            if self.attempt(state, &curvature, evaluator, base) {
                info.moved = true;
                state.rate = (2.0 * state.rate).min(1.0);
                break;
            }
            state.rate *= 0.5;
        }
        Some(info)
    }

    /// Moves the state at its present rate if that raises the ELBO enough.
    fn attempt<T: LogDensity>(
        &self,
        state: &mut State,
        curvature: &Curvature,
        evaluator: &mut Evaluator<T>,
        base: &DMatrix<f64>,
    ) -> bool {
        let rate = state.rate;
        let dimension = base.nrows() as f64;
        let clipped = curvature.clipped(self.clip);
        let damped = clipped.map(|a| 1.0 - rate + rate * a);
        let mut step = curvature.rotated.component_div(&damped) * rate;
        step *= (self.max_move * dimension.sqrt() / step.norm()).min(1.0);
        let mean = &state.mean + &curvature.basis * step;
        let mut narrowed = curvature.basis.clone();
        for (mut column, b) in narrowed.column_iter_mut().zip(damped.iter()) {
            column /= b.sqrt();
        }
        let root = narrowed * curvature.vectors.transpose();
        let log_scale = state.log_scale - 0.5 * damped.map(f64::ln).sum();

        let mut points = &root * base;
        points.column_iter_mut().for_each(|mut column| column += &mean);
        let entropy = log_scale + 0.5 * dimension * (1.0 + LN_2_PI);
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut gradients);
        let expected = curvature.expected_increase(&clipped, &damped, rate);
        let slack = 1e-12 * state.elbo.abs();
        if elbo <= state.elbo + self.sufficient_increase * expected - slack {
            return false;
        }
        *state = State { mean, root, log_scale, elbo, gradients, rate };
        true
    }

    /// Steps until both tolerances are met, then once more: that last step, whose direction is
    /// already paid for, takes the fit from near the optimum onto it. `observe` may end it.
    pub fn fit<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &FullRank,
        base: &DMatrix<f64>,
        mut observe: impl FnMut(usize, &State) -> ControlFlow<()>,
    ) -> Option<Fitted> {
        let mut state = self.start(evaluator, guide, base)?;
        let (mut path, mut converged, mut small_steps) = (Vec::new(), false, 0);
        for iteration in 0..self.max_iterations {
            path.push(state.elbo);
            let Some(info) = self.step(&mut state, evaluator, base) else { break };
            let left = observe(iteration, &state).is_break();
            converged =
                info.mean_error < self.mean_tolerance && info.scale_error < self.scale_tolerance;
            let increase = state.elbo - path[iteration];
            small_steps = if increase < self.least_increase { small_steps + 1 } else { 0 };
            let stuck = !info.moved || small_steps == 3;
            if converged || stuck || left || evaluator.is_interrupted() {
                break;
            }
        }
        let guide = FullRank::from_root(state.mean, &state.root)?;
        Some(Fitted { guide, elbo: state.elbo, path, converged })
    }
}

/// The expected whitened precision V a Vᵀ, the mean gradient Vᵀ Bᵀ ḡ in its axes, and B V.
struct Curvature {
    eigenvalues: DVector<f64>,
    vectors: DMatrix<f64>,
    rotated: DVector<f64>,
    basis: DMatrix<f64>,
}

impl Curvature {
    /// The eigenvalues within this factor of 1.
    fn clipped(&self, clip: f64) -> DVector<f64> {
        self.eigenvalues.map(|a| a.clamp(1.0 / clip, clip))
    }

    /// The increase of the ELBO to first order: ρ/2 Σ (a − 1)(clip a − 1) + ρ Σ (Vᵀ Bᵀ ḡ)² / b.
    fn expected_increase(&self, clipped: &DVector<f64>, damped: &DVector<f64>, rate: f64) -> f64 {
        let scale: f64 =
            self.eigenvalues.iter().zip(clipped).map(|(a, c)| (a - 1.0) * (c - 1.0)).sum();
        let mean: f64 = self.rotated.iter().zip(damped).map(|(g, b)| g * g / b).sum();
        rate * (0.5 * scale + mean)
    }
}
