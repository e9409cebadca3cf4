//! Fits a triangular guide: bends a fitted normal until the ELBO on fixed draws is highest.
//!
//! L-BFGS from the normal itself, without the sinh-arcsinh maps first and with them second.
//! Invariant: the ELBO on the fixed draws is at least that of the normal.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::elbo;
use super::evaluate::Evaluator;
use super::guide::{FullRank, LN_2_PI, LocationScale, Triangular};
use super::optimizer::Lbfgs;
use super::target::{LogDensity, Target};

/// The algorithm's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bent {
    /// Fixed draws at least.
    pub draws: usize,
    /// Fixed draws per dimension at least, rounded up to a power of two.
    pub draws_per_dimension: usize,
    /// How many coordinates, those that the others depend on most, bend the others.
    pub features: usize,
    /// L-BFGS steps at most, without and with the sinh-arcsinh maps.
    pub iterations: [usize; 2],
    /// The operations (see [`Target::cost`]) that these may take.
    pub operations: f64,
    /// The weight of ½ θ² against the ELBO, per draw: one draw's worth of evidence.
    pub ridge: f64,
    /// L-BFGS memory.
    pub memory: usize,
    /// Stop when no partial derivative exceeds this.
    pub gradient_tolerance: f64,
    /// Stop when three steps in a row each raise the ELBO by less than this, in nats over its size.
    pub value_tolerance: f64,
    /// The most dimensions in which a normal is bent without being asked.
    pub limit: usize,
}

impl Default for Bent {
    fn default() -> Self {
        Self {
            draws: 256,
            draws_per_dimension: 4,
            features: 3,
            iterations: [80, 60],
            operations: 6e9,
            ridge: 1.0,
            memory: 10,
            gradient_tolerance: 2e-3,
            value_tolerance: 1e-6,
            limit: 200,
        }
    }
}

impl Bent {
    /// The number of fixed draws in d dimensions.
    pub fn draws_for(&self, dimension: usize) -> usize {
        self.draws.max((self.draws_per_dimension * dimension).next_power_of_two())
    }

    /// The bent guide, and its ELBO on the columns of `base` (d × M); `None` if the normal cannot be
    /// factored or its ELBO is not finite.
    pub fn fit<T: Target>(
        &self,
        evaluator: &mut Evaluator<T>,
        normal: &FullRank,
        base: &DMatrix<f64>,
        mut observe: impl FnMut(usize, f64),
    ) -> Option<(Triangular, f64)> {
        let order = self.order(evaluator, normal, base)?;
        let mut guide = Triangular::straight(normal, order, self.features)?;
        let (mut elbo, mut steps) = (f64::NEG_INFINITY, 0);
        let affordable = self.operations / (base.ncols() * evaluator.cost().max(1)) as f64;
        for (stage, max_iterations) in self.iterations.into_iter().enumerate() {
            let frozen = if stage == 0 { guide.tail_parameters() } else { Vec::new() };
            let lbfgs = Lbfgs {
                memory: self.memory,
                max_iterations: max_iterations.min((affordable as usize).saturating_sub(steps)),
                gradient_tolerance: self.gradient_tolerance,
                value_tolerance: self.value_tolerance,
                ..Lbfgs::default()
            };
            let straight = guide.clone();
            let mut objective = self.objective(evaluator, &straight, base, &frozen);
            let state = lbfgs.start(guide.parameters().to_vec(), &mut objective)?;
            let state = lbfgs.minimize(state, &mut objective, |state| {
                steps += 1;
                observe(steps, -state.value);
            });
            elbo = -state.value;
            guide = straight.with_parameters(&state.point);
        }
        Some((guide, elbo))
    }

    /// −ELBO + ridge/(2 M) |θ|² as a function of the parameters θ, with its gradient.
    fn objective<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &Triangular,
        base: &DMatrix<f64>,
        frozen: &[usize],
    ) -> impl FnMut(&[f64], &mut [f64]) -> f64 {
        let draws = base.ncols() as f64;
        let ridge = self.ridge / draws;
        let noise = 0.5 * base.nrows() as f64 * (1.0 + LN_2_PI);
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        move |theta, gradient| {
            let trial = guide.with_parameters(theta);
            let entropy = noise + trial.log_scales(base).iter().sum::<f64>() / draws;
            let points = trial.transform(base);
            let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut gradients);
            if !elbo.is_finite() {
                return f64::INFINITY;
            }
            let raised = trial.pull_back(base, &gradients);
            for ((out, raised), theta) in gradient.iter_mut().zip(&raised).zip(theta) {
                *out = ridge * theta - raised;
            }
            frozen.iter().for_each(|&index| gradient[index] = 0.0);
            0.5 * ridge * theta.iter().map(|theta| theta * theta).sum::<f64>() - elbo
        }
    }

    /// The coordinates, those first on which the others' locations and scales depend most.
    ///
    /// For a normal posterior the whitened gradients g are −z. What is left, r = g + z, tells of
    /// scales that change with z_j by E[r_k z_j z_k], and of locations that do by
    /// E[r_k (z_j² − 1)].
    fn order<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        normal: &FullRank,
        base: &DMatrix<f64>,
    ) -> Option<Vec<usize>> {
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        let points = normal.transform(base);
        let elbo =
            elbo::estimate_with_gradients(evaluator, &points, normal.entropy(), &mut gradients);
        elbo.is_finite().then_some(())?;
        let rest = normal.cholesky().tr_mul(&gradients) + base;
        let draws = base.ncols() as f64;
        let by_scale = base * rest.component_mul(base).transpose() / draws;
        let squares = base.map(|z| z * z - 1.0);
        let by_place = squares * rest.transpose() / draws;
        let dimension = base.nrows();
        let score = |j: usize| {
            let others = (0..dimension).filter(|k| *k != j);
            others.map(|k| by_scale[(j, k)].powi(2) + 0.5 * by_place[(j, k)].powi(2)).sum::<f64>()
        };
        let scores: Vec<f64> = (0..dimension).map(score).collect();
        let mut order: Vec<usize> = (0..dimension).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order[self.features.min(dimension)..].sort_unstable();
        Some(order)
    }
}
