//! Estimates the evidence lower bound of a guide by averaging over its draws.
//!
//! ELBO(q) = E_q[log p(x)] + H(q), with log p the unconstrained log density. Every estimate of it,
//! with or without gradients, is made here; a guide supplies the points and the entropy.
//! Invariant: an estimate with any draw where log p is not finite is −∞, never NaN.

use nalgebra::DMatrix;

use super::evaluate::Evaluator;
use super::target::LogDensity;

/// The estimate from the columns of `points` (d × M): mean log p + entropy.
pub fn estimate<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    points: &DMatrix<f64>,
    entropy: f64,
) -> f64 {
    let values = evaluator.log_densities(points);
    combine(&values, entropy)
}

/// The estimate, and the gradients of log p at the points in the columns of `gradients` (d × M).
///
/// For x = m + L z, the ELBO's gradient in m is the mean of the columns g, and in L the mean of
/// g zᵀ, plus L⁻ᵀ from the entropy.
pub fn estimate_with_gradients<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    points: &DMatrix<f64>,
    entropy: f64,
    gradients: &mut DMatrix<f64>,
) -> f64 {
    let values = evaluator.gradients(points, gradients);
    if gradients.iter().all(|partial| partial.is_finite()) {
        combine(&values, entropy)
    } else {
        f64::NEG_INFINITY
    }
}

/// The mean of log p − log q over draws of q, and its standard error were they independent.
pub fn mean_log_ratio(log_ratios: &[f64]) -> (f64, f64) {
    let count = log_ratios.len() as f64;
    if log_ratios.is_empty() || log_ratios.iter().any(|ratio| !ratio.is_finite()) {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let mean = log_ratios.iter().sum::<f64>() / count;
    let squares: f64 = log_ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
    (mean, (squares / (count * (count - 1.0).max(1.0))).sqrt())
}

/// ln of the mean of exponentials; what is not finite counts as −∞.
pub fn log_mean_exp(values: &[f64]) -> f64 {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let highest = finite().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return highest;
    }
    let total: f64 = finite().map(|value| (value - highest).exp()).sum();
    highest + (total / values.len() as f64).ln()
}

fn combine(values: &[f64], entropy: f64) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    if mean.is_finite() && entropy.is_finite() { mean + entropy } else { f64::NEG_INFINITY }
}
