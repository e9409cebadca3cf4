//! Turns an optimisation path into the best normal along it.
//!
//! Zhang, Carpenter, Gelman & Vehtari, "Pathfinder: Parallel quasi-Newton variational inference"
//! (2022): at each point the inverse Hessian that L-BFGS would use gives a normal, and the highest
//! ELBO wins. The normal is formed densely, O(d²) per point and remembered step.

use std::collections::VecDeque;

use nalgebra::{Cholesky, DMatrix, DVector};

use super::elbo;
use super::evaluate::Evaluator;
use super::guide::{FullRank, LocationScale};
use super::target::LogDensity;

/// A point of a minimisation of −log p, with the gradient of −log p.
#[derive(Clone, Debug)]
pub struct PathPoint {
    /// The unconstrained point.
    pub point: DVector<f64>,
    /// The gradient of −log p.
    pub gradient: DVector<f64>,
    /// log p
    pub log_density: f64,
}

/// The normal of highest ELBO, estimated on `base` (d × M), along a path; `None` if none is finite.
///
/// At most `candidates` points are judged, evenly spaced.
pub fn best_normal<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    path: &[PathPoint],
    memory: usize,
    candidates: usize,
    base: &DMatrix<f64>,
) -> Option<FullRank> {
    let mut curvature = Curvature::new(evaluator.dimension(), memory);
    let stride = (path.len() / candidates.max(1)).max(1);
    let mut best: Option<(f64, FullRank)> = None;
    for (index, window) in path.windows(2).enumerate() {
        let [before, after] = window else { continue };
        curvature.observe(&after.point - &before.point, &after.gradient - &before.gradient);
        if (index + 1) % stride != 0 {
            continue;
        }
        let Some(normal) = curvature.normal_at(after) else { continue };
        let points = normal.transform(base);
        let estimate = elbo::estimate(evaluator, &points, normal.entropy());
        if best.as_ref().is_none_or(|(elbo, _)| estimate > *elbo) && estimate.is_finite() {
            best = Some((estimate, normal));
        }
    }
    best.map(|(_, normal)| normal)
}

/// The inverse Hessian of −log p as L-BFGS estimates it.
struct Curvature {
    /// The diagonal α that the recent steps are added to (Pathfinder, algorithm 3).
    diagonal: DVector<f64>,
    steps: VecDeque<(DVector<f64>, DVector<f64>)>,
    memory: usize,
}

impl Curvature {
    fn new(dimension: usize, memory: usize) -> Self {
        Self { diagonal: DVector::from_element(dimension, 1.0), steps: VecDeque::new(), memory }
    }

    /// Takes in a step s and the change y of the gradient along it, if s·y > 0.
    ///
    /// 1/α ← a / (b α) + y² / b − a s² / (b c α²), with a = yᵀ α y, b = y·s, c = sᵀ α⁻¹ s.
    fn observe(&mut self, step: DVector<f64>, change: DVector<f64>) {
        let b = change.dot(&step);
        if b <= 1e-12 * change.norm_squared() {
            return;
        }
        let alpha = &self.diagonal;
        let a = change.component_mul(alpha).dot(&change);
        let c = step.component_div(alpha).dot(&step);
        self.diagonal = DVector::from_fn(step.len(), |i, _| {
            let (s, y) = (step[i], change[i]);
            (a / (b * alpha[i]) + y * y / b - a * s * s / (b * c * alpha[i].powi(2))).recip()
        });
        self.steps.push_back((step, change));
        if self.steps.len() > self.memory {
            self.steps.pop_front();
        }
    }

    /// N(x − H g, H), with H the inverse Hessian by BFGS updates of diag(α).
    fn normal_at(&self, at: &PathPoint) -> Option<FullRank> {
        if self.steps.is_empty() {
            return None;
        }
        let mut inverse = DMatrix::from_diagonal(&self.diagonal);
        for (step, change) in &self.steps {
            let rho = change.dot(step).recip();
            let moved = &inverse * change;
            let weight = rho + rho * rho * change.dot(&moved);
            inverse.ger(-rho, step, &moved, 1.0);
            inverse.ger(-rho, &moved, step, 1.0);
            inverse.ger(weight, step, step, 1.0);
        }
        let mean = &at.point - &inverse * &at.gradient;
        let symmetric = (&inverse + inverse.transpose()) * 0.5;
        FullRank::new(mean, Cholesky::new(symmetric)?.l())
    }
}
