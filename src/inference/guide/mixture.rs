//! The mixture guide: one full-rank normal per mode.

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

    /// The number of unconstrained coordinates, d.
    pub fn dimension(&self) -> usize {
        self.components.first().map_or(0, LocationScale::dimension)
    }
}
