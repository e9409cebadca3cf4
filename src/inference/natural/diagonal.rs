//! Natural gradients of independent normals: the step of [`Natural`] with a diagonal A.

use nalgebra::DMatrix;

use super::Natural;
use crate::inference::elbo;
use crate::inference::evaluate::Evaluator;
use crate::inference::fixed_draws::Fitted;
use crate::inference::guide::{Guide, LocationScale, MeanField};
use crate::inference::target::LogDensity;

impl Natural {
    /// Steps m += ρ s (s ḡ) / b and s ← s b^(−½) with b = 1 − ρ + ρ clip(a), a = −s mean(g z), until
    /// both tolerances are met; ρ is halved until the ELBO rises.
    pub fn fit_diagonal<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        mut guide: MeanField,
        base: &DMatrix<f64>,
        mut observe: impl FnMut(usize, f64),
    ) -> Option<Fitted> {
        let mut gradients = DMatrix::zeros(base.nrows(), base.ncols());
        let mut at = |guide: &MeanField, gradients: &mut DMatrix<f64>| {
            let points = guide.transform(base);
            elbo::estimate_with_gradients(evaluator, &points, guide.entropy(), gradients)
        };
        let mut elbo = at(&guide, &mut gradients);
        for _ in 0..self.max_shrinks {
            if elbo.is_finite() {
                break;
            }
            guide.scale.iter_mut().for_each(|scale| *scale *= 0.5);
            elbo = at(&guide, &mut gradients);
        }
        elbo.is_finite().then_some(())?;
        let (mut path, mut converged, mut rate) = (vec![elbo], false, 1.0);
        let draws = base.ncols() as f64;
        // Correlated coordinates are taken in turns that never end at once: ten times the steps.
        for iteration in 0..10 * self.max_iterations {
            let slope = gradients.column_mean();
            let bend = gradients.component_mul(base).column_sum() / -draws;
            let whitened: Vec<f64> =
                guide.scale.iter().zip(slope.iter()).map(|(s, g)| s * g).collect();
            let precision: Vec<f64> =
                guide.scale.iter().zip(bend.iter()).map(|(s, a)| s * a).collect();
            let mean_error = whitened.iter().map(|g| g * g).sum::<f64>().sqrt();
            let scale_error = precision.iter().map(|a| (a - 1.0).abs()).fold(0.0, f64::max);
            converged = mean_error < self.mean_tolerance && scale_error < self.scale_tolerance;
            let mut moved = false;
            for _ in 0..self.max_halvings {
                let mut trial = guide.clone();
                for i in 0..trial.mean.len() {
                    let clipped = precision[i].clamp(self.clip.recip(), self.clip);
                    let damped = 1.0 - rate + rate * clipped;
                    trial.mean[i] += rate * guide.scale[i] * whitened[i] / damped;
                    trial.scale[i] /= damped.sqrt();
                }
                let mut there = DMatrix::zeros(base.nrows(), base.ncols());
                let value = at(&trial, &mut there);
                if value > elbo {
                    (guide, elbo, gradients, moved) = (trial, value, there, true);
                    rate = (2.0 * rate).min(1.0);
                    break;
                }
                rate *= 0.5;
            }
            path.push(elbo);
            observe(iteration, elbo);
            if converged || !moved {
                break;
            }
        }
        Some(Fitted { guide: Guide::MeanField(guide), elbo, path, converged })
    }
}
