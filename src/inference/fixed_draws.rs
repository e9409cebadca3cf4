//! Fits a mean-field normal by maximising the ELBO on fixed, matched draws with L-BFGS.
//!
//! The deterministic ELBO of Giordano, Ingram & Broderick, "Black box variational inference with
//! a deterministic objective" (2024), with matched draws in place of independent ones. Invariant:
//! the ELBO on the fixed draws never falls from one stage to the next.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::elbo;
use super::evaluate::Evaluator;
use super::guide::{LocationScale, MeanField};
use super::optimizer::{Lbfgs, State};
use super::target::LogDensity;

/// The algorithm's constants; settled on models of 90 to 12,000 latents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedDraws {
    /// Fixed draws in up to `large` dimensions.
    pub draws: usize,
    /// Fixed draws in more dimensions.
    pub draws_large: usize,
    /// The dimension above which `draws_large` applies.
    pub large: usize,
    /// The scale that every coordinate starts with.
    pub first_scale: f64,
    /// L-BFGS steps at most in each stage; between stages the mean is measured in new scales.
    pub stages: Vec<usize>,
    /// L-BFGS memory.
    pub memory: usize,
    /// Stop when no scaled partial derivative of the ELBO exceeds this.
    pub gradient_tolerance: f64,
    /// The range that the logarithm of a scale may move in.
    pub log_scale_range: (f64, f64),
    /// Shrinkings of the scales by e at most, until every draw has a finite log density.
    pub max_shrinks: usize,
}

impl Default for FixedDraws {
    fn default() -> Self {
        Self {
            draws: 64,
            draws_large: 16,
            large: 100,
            first_scale: 0.1,
            stages: vec![60, 60, 200],
            memory: 10,
            gradient_tolerance: 1e-3,
            log_scale_range: (-25.0, 15.0),
            max_shrinks: 12,
        }
    }
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The normal.
    pub guide: MeanField,
    /// Its ELBO on the fixed draws.
    pub elbo: f64,
    /// The ELBO after each step.
    pub path: Vec<f64>,
    /// Whether the scaled gradient vanished.
    pub converged: bool,
}

impl FixedDraws {
    /// The number of fixed draws in d dimensions.
    pub fn draws_for(&self, dimension: usize) -> usize {
        if dimension > self.large { self.draws_large } else { self.draws }
    }

    /// The fit from a point, with the ELBO averaged over the columns of `base` (d × M).
    ///
    /// `None` if the ELBO is not finite at the start, however small the scales. `observe` is told
    /// the ELBO after each step.
    pub fn fit<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        point: &[f64],
        base: &DMatrix<f64>,
        mut observe: impl FnMut(usize, f64),
    ) -> Option<Fitted> {
        let scale = vec![self.first_scale; point.len()];
        let mut guide = MeanField { mean: point.to_vec(), scale };
        let (mut path, mut last) = (Vec::new(), None);
        for &max_iterations in &self.stages {
            let lbfgs = self.optimizer(max_iterations);
            let state = self.stage(evaluator, &mut guide, base, &lbfgs, |state| {
                path.push(-state.value);
                observe(path.len(), -state.value);
            })?;
            let largest = state.gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            last = Some((-state.value, largest < self.gradient_tolerance));
        }
        let (elbo, converged) = last?;
        Some(Fitted { guide, elbo, path, converged })
    }

    fn optimizer(&self, max_iterations: usize) -> Lbfgs {
        Lbfgs {
            memory: self.memory,
            max_iterations,
            gradient_tolerance: self.gradient_tolerance,
            value_tolerance: 0.0,
            ..Lbfgs::default()
        }
    }

    /// One stage, over θ = (u, v) with mean m + s u and log scale ln s + v, from θ = 0.
    fn stage<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &mut MeanField,
        base: &DMatrix<f64>,
        lbfgs: &Lbfgs,
        observe: impl FnMut(&State),
    ) -> Option<State> {
        let dimension = guide.mean.len();
        let mut start = None;
        for _ in 0..=self.max_shrinks {
            let mut objective = self.objective(evaluator, guide.clone(), base);
            start = lbfgs.start(vec![0.0; 2 * dimension], &mut objective);
            if start.is_some() {
                break;
            }
            guide.scale.iter_mut().for_each(|scale| *scale *= (-1.0f64).exp());
        }
        let mut objective = self.objective(evaluator, guide.clone(), base);
        let state = lbfgs.minimize(start?, &mut objective, observe);
        *guide = moved(guide, &state.point);
        Some(state)
    }

    /// −ELBO as a function of θ, with its gradient: −ḡ s in u and −mean(g z) s′ − 1 in v.
    fn objective<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: MeanField,
        base: &DMatrix<f64>,
    ) -> impl FnMut(&[f64], &mut [f64]) -> f64 {
        let (low, high) = self.log_scale_range;
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        move |theta, gradient| {
            let trial = moved(&guide, theta);
            if !trial.scale.iter().all(|s| (low..=high).contains(&s.ln())) {
                return f64::INFINITY;
            }
            let (points, entropy) = (trial.transform(base), trial.entropy());
            let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut gradients);
            let (in_mean, in_scale) = gradient.split_at_mut(guide.mean.len());
            pull_back(&gradients, base, in_mean, in_scale);
            in_mean.iter_mut().zip(&guide.scale).for_each(|(g, s)| *g *= -s);
            in_scale.iter_mut().zip(&trial.scale).for_each(|(g, s)| *g = -*g * s - 1.0);
            -elbo
        }
    }
}

/// The guide that θ = (u, v) stands for.
fn moved(guide: &MeanField, theta: &[f64]) -> MeanField {
    let (u, v) = theta.split_at(guide.mean.len());
    let mean = guide.mean.iter().zip(&guide.scale).zip(u).map(|((m, s), u)| m + s * u);
    let scale = guide.scale.iter().zip(v).map(|(s, v)| s * v.exp());
    MeanField { mean: mean.collect(), scale: scale.collect() }
}

/// The means over draws of g and of g z, coordinate by coordinate.
fn pull_back(
    gradients: &DMatrix<f64>,
    base: &DMatrix<f64>,
    in_mean: &mut [f64],
    in_scale: &mut [f64],
) {
    in_mean.fill(0.0);
    in_scale.fill(0.0);
    let draws = base.ncols() as f64;
    for (g, z) in gradients.column_iter().zip(base.column_iter()) {
        for (((mean, scale), g), z) in in_mean.iter_mut().zip(&mut *in_scale).zip(&g).zip(&z) {
            *mean += g / draws;
            *scale += g * z / draws;
        }
    }
}
