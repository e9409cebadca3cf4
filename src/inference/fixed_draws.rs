//! Fits a normal by maximising the ELBO on fixed, matched draws: L-BFGS, then Newton's method.
//!
//! The deterministic ELBO of Giordano, Ingram & Broderick, "Black box variational inference with
//! a deterministic objective" (2024), with matched draws in place of independent ones. Newton's
//! equations are solved by conjugate gradients on Hessian-vector products (Steihaug, 1983).
//! Invariant: the ELBO on the fixed draws never falls from one stage to the next.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::elbo;
use super::evaluate::Evaluator;
use super::family::Family;
use super::guide::{Guide, MeanField};
use super::optimizer::{Lbfgs, NewtonCg};
use super::target::{LogDensity, Target};

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
    /// The operations (see [`Target::cost`]) that a fit may take.
    pub operations: f64,
    /// Newton's method, where L-BFGS has not met the tolerance.
    pub newton: NewtonCg,
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
            operations: 6e9,
            newton: NewtonCg::default(),
        }
    }
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The normal.
    pub guide: Guide,
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

    /// Independent normals around a point, with the first scale.
    pub fn around(&self, point: &[f64]) -> Family {
        let scale = vec![self.first_scale; point.len()];
        Family::MeanField(MeanField { mean: point.to_vec(), scale })
    }

    /// The fit of a family, with the ELBO averaged over the columns of `base` (d × M).
    ///
    /// `None` if the ELBO is not finite at the start, however small the scales. `observe` is told
    /// the ELBO after each step.
    pub fn fit<T: Target>(
        &self,
        evaluator: &mut Evaluator<T>,
        family: Family,
        base: &DMatrix<f64>,
        mut observe: impl FnMut(usize, f64),
    ) -> Option<Fitted> {
        let mut family = self.shrunk(evaluator, family, base)?;
        let (mut path, mut last) = (Vec::new(), None);
        let before = evaluator.counts();
        let affordable = self.operations / evaluator.cost().max(1) as f64;
        // What is left of it, in steps.
        let left = |evaluator: &Evaluator<T>| {
            let now = evaluator.counts();
            let products = now.hessian_vector - before.hessian_vector;
            let spent = now.gradient - before.gradient + 2 * products;
            ((affordable - spent as f64) / base.ncols() as f64).max(0.0) as usize
        };
        for &max_iterations in &self.stages {
            let lbfgs = self.optimizer(max_iterations.min(left(evaluator)));
            let mut objective = self.objective(evaluator, &family, base);
            let state = lbfgs.start(vec![0.0; family.parameters()], &mut objective)?;
            let state = lbfgs.minimize(state, &mut objective, |state| {
                path.push(-state.value);
                observe(path.len(), -state.value);
            });
            drop(objective);
            family = family.at(&state.point)?;
            last = Some((-state.value, self.is_flat(&state.gradient)));
            if evaluator.is_interrupted() {
                break;
            }
        }
        let (mut elbo, mut converged) = last?;
        let mut steps = 0;
        while !converged
            && steps < self.newton.max_iterations
            && left(evaluator) > 0
            && !evaluator.is_interrupted()
        {
            let (found, flat) = self.newton(evaluator, &family, base)?;
            (family, steps, converged) = (found.0, steps + 1, flat);
            let risen = found.1 - elbo;
            elbo = elbo.max(found.1);
            path.push(elbo);
            observe(path.len(), elbo);
            if risen <= self.newton.least_fall {
                break;
            }
        }
        let guide = family.guide(&vec![0.0; family.parameters()])?;
        Some(Fitted { guide, elbo, path, converged })
    }

    /// The family with its scales shrunk until the ELBO is finite.
    fn shrunk<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        mut family: Family,
        base: &DMatrix<f64>,
    ) -> Option<Family> {
        for _ in 0..=self.max_shrinks {
            let zero = vec![0.0; family.parameters()];
            let mut gradient = zero.clone();
            if self.objective(evaluator, &family, base)(&zero, &mut gradient).is_finite() {
                return Some(family);
            }
            let mut smaller = zero;
            family.log_scales().into_iter().for_each(|index| smaller[index] = -1.0);
            family = family.at(&smaller)?;
        }
        None
    }

    /// One Newton step from θ = 0: the family around where it led with its ELBO, and whether the
    /// gradient there vanishes.
    fn newton<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        family: &Family,
        base: &DMatrix<f64>,
    ) -> Option<((Family, f64), bool)> {
        let zero = vec![0.0; family.parameters()];
        let mut gradient = zero.clone();
        let value = self.objective(evaluator, family, base)(&zero, &mut gradient);
        let points = family.transform(&zero, base);
        let mut slopes = DMatrix::zeros(base.nrows(), base.ncols());
        evaluator.gradients(&points, &mut slopes);
        let pulled = family.pull_back(&zero, base, &slopes);
        let direction = self.newton.direction(&gradient, |direction| {
            let moved = family.push(&zero, base, direction);
            let products = evaluator.hessian_vectors(&points, &moved);
            let mut curved = family.pull_back(&zero, base, &products);
            let bent = family.bend(&pulled, direction);
            curved.iter_mut().zip(bent).for_each(|(c, b)| *c = -(*c + b));
            curved
        });
        let mut objective = self.objective(evaluator, family, base);
        let (theta, value, gradient) =
            self.newton.search(value, &gradient, &direction, &mut objective)?;
        Some(((family.at(&theta)?, -value), self.is_flat(&gradient)))
    }

    fn is_flat(&self, gradient: &[f64]) -> bool {
        gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs())) < self.gradient_tolerance
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

    /// −ELBO as a function of θ, with its gradient.
    fn objective<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        family: &Family,
        base: &DMatrix<f64>,
    ) -> impl FnMut(&[f64], &mut [f64]) -> f64 {
        let (low, high) = self.log_scale_range;
        let logs = family.log_scales();
        let mut slopes = DMatrix::zeros(base.nrows(), base.ncols());
        move |theta, gradient| {
            if !logs.iter().all(|index| (low..=high).contains(&theta[*index])) {
                return f64::INFINITY;
            }
            let (points, entropy) = (family.transform(theta, base), family.entropy(theta));
            let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut slopes);
            let pulled = family.pull_back(theta, base, &slopes);
            gradient.iter_mut().zip(pulled).for_each(|(g, p)| *g = -p);
            logs.iter().for_each(|index| gradient[*index] -= 1.0);
            -elbo
        }
    }
}
