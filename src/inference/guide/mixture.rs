//! The mixture guide: one full-rank normal per mode.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{FullRank, LocationScale};

/// Σ_k w_k N(m_k, L_k L_kᵀ), with weights that sum to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// The weights w_k.
    pub weights: Vec<f64>,
    /// The normals, one per weight and at least one.
    pub components: Vec<FullRank>,
}

impl Mixture {
    /// The mixture of normals weighted by exp(ELBO), which is each mode's share of the evidence
    /// where the normals fit well and do not overlap.
    pub fn from_elbos(modes: Vec<(FullRank, f64)>) -> Self {
        let best = modes.iter().map(|(_, elbo)| *elbo).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = modes.iter().map(|(_, elbo)| (elbo - best).exp()).sum();
        let weights = modes.iter().map(|(_, elbo)| (elbo - best).exp() / total).collect();
        Self { weights, components: modes.into_iter().map(|(guide, _)| guide).collect() }
    }

    /// The share of some components in the density at every column of `points` (d × N).
    pub fn share(&self, of: impl Fn(usize) -> bool, points: &DMatrix<f64>) -> Vec<f64> {
        let mut shares = vec![0.0; points.ncols()];
        let logs: Vec<Vec<f64>> = self.components.iter().map(|c| c.log_density(points)).collect();
        for (draw, share) in shares.iter_mut().enumerate() {
            let log = |k: usize| self.weights[k].ln() + logs[k][draw];
            let components = 0..self.components.len();
            let highest = components.clone().map(log).fold(f64::NEG_INFINITY, f64::max);
            let part = |k: usize| (log(k) - highest).exp();
            let own: f64 = components.clone().filter(|k| of(*k)).map(part).sum();
            *share = own / components.map(part).sum::<f64>();
        }
        shares
    }

    /// The number of unconstrained coordinates, d.
    pub fn dimension(&self) -> usize {
        self.components.first().map_or(0, LocationScale::dimension)
    }
}
