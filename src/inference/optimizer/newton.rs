//! Newton's method with conjugate gradients: products with the Hessian, never the Hessian.
//!
//! Steihaug, "The conjugate gradient method and trust regions in large scale optimization" (1983),
//! with a line search in place of the region: where the curvature is negative the direction so far is
//! taken. Invariant: a step never raises the value.

use serde::{Deserialize, Serialize};

/// The algorithm's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewtonCg {
    /// Newton steps at most.
    pub max_iterations: usize,
    /// Conjugate-gradient steps in each at most.
    pub max_inner: usize,
    /// The residual is solved down to this share of the gradient.
    pub forcing: f64,
    /// Halvings of a step at most.
    pub max_halvings: usize,
    /// Stop when a step lowers the value by less than this.
    pub least_fall: f64,
}

impl Default for NewtonCg {
    fn default() -> Self {
        Self {
            max_iterations: 10,
            max_inner: 60,
            forcing: 0.05,
            max_halvings: 20,
            least_fall: 1e-6,
        }
    }
}

impl NewtonCg {
    /// About −H⁻¹ g, by products with H.
    pub fn direction(
        &self,
        gradient: &[f64],
        mut product: impl FnMut(&[f64]) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut direction = vec![0.0; gradient.len()];
        let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut conjugate = residual.clone();
        let mut squared = dot(&residual, &residual);
        let goal = self.forcing * squared.sqrt();
        for inner in 0..self.max_inner {
            let curved = product(&conjugate);
            let curvature = dot(&conjugate, &curved);
            if !(curvature > 0.0 && curvature.is_finite()) {
                if inner == 0 {
                    direction.clone_from(&residual);
                }
                break;
            }
            let length = squared / curvature;
            add(&mut direction, length, &conjugate);
            add(&mut residual, -length, &curved);
            let next = dot(&residual, &residual);
            if next.sqrt() <= goal {
                break;
            }
            let keep = next / squared;
            squared = next;
            conjugate.iter_mut().zip(&residual).for_each(|(p, r)| *p = r + keep * *p);
        }
        direction
    }

    /// The step from 0 along a direction, halved until the value falls enough: the point, with the
    /// value and the gradient there; `None` if none is found.
    pub fn search<F>(
        &self,
        value: f64,
        gradient: &[f64],
        direction: &[f64],
        objective: &mut F,
    ) -> Option<(Vec<f64>, f64, Vec<f64>)>
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
    {
        const SUFFICIENT: f64 = 1e-4;
        let slope = dot(gradient, direction);
        let mut length = 1.0;
        for _ in 0..=self.max_halvings {
            let point: Vec<f64> = direction.iter().map(|p| length * p).collect();
            let mut there = vec![0.0; point.len()];
            let trial = objective(&point, &mut there);
            let finite = there.iter().all(|partial| partial.is_finite());
            if finite && trial <= value + SUFFICIENT * length * slope {
                return Some((point, trial, there));
            }
            length *= 0.5;
        }
        let zero = vec![0.0; gradient.len()];
        value.is_finite().then(|| (zero, value, gradient.to_vec()))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(target: &mut [f64], factor: f64, other: &[f64]) {
    target.iter_mut().zip(other).for_each(|(x, y)| *x += factor * y);
}
