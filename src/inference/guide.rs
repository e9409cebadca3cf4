//! The families of guides on the unconstrained space: normals, mixtures of them, and bent ones.
//!
//! A guide x = m + L z, z ~ N(0, I), supplies its points, its entropy and its density; nothing
//! here evaluates a target.

mod bordered;
mod full_rank;
mod mean_field;
mod mixture;
mod triangular;

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

pub use bordered::Bordered;
pub use full_rank::FullRank;
pub use mean_field::MeanField;
pub use mixture::Mixture;
pub use triangular::Triangular;

/// ln(2π)
pub const LN_2_PI: f64 = 1.837_877_066_409_345_3;

/// A law x = T(z) of z ~ N(0, I); for a normal, x = m + L z.
pub trait LocationScale: Send + Sync {
    /// The number of unconstrained coordinates, d.
    fn dimension(&self) -> usize;

    /// ln |det L|
    fn log_scale(&self) -> f64;

    /// ln |det ∂x/∂z| at base draws z, column by column (d × M): ln |det L| for a normal.
    fn log_scales(&self, base: &DMatrix<f64>) -> Vec<f64> {
        vec![self.log_scale(); base.ncols()]
    }

    /// The points T(z) of base draws z, column by column (d × M).
    fn transform(&self, base: &DMatrix<f64>) -> DMatrix<f64>;

    /// The base draws T⁻¹(x) of points x, column by column (d × M).
    fn whiten(&self, points: &DMatrix<f64>) -> DMatrix<f64>;

    /// The entropy of a normal, ln |det L| + d/2 (1 + ln 2π).
    fn entropy(&self) -> f64 {
        self.log_scale() + 0.5 * self.dimension() as f64 * (1.0 + LN_2_PI)
    }

    /// The log density at every column of `points`: −½ ‖z‖² − ln |det ∂x/∂z| − d/2 ln 2π.
    fn log_density(&self, points: &DMatrix<f64>) -> Vec<f64> {
        let constant = 0.5 * self.dimension() as f64 * LN_2_PI;
        let base = self.whiten(points);
        let log_scales = self.log_scales(&base);
        let squares = base.column_iter().map(|z| z.norm_squared());
        squares.zip(log_scales).map(|(square, scale)| -0.5 * square - scale - constant).collect()
    }
}

/// A fitted guide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Guide {
    /// Independent normals.
    MeanField(MeanField),
    /// One normal with a full covariance.
    FullRank(FullRank),
    /// Several normals, one per mode of the posterior.
    Mixture(Mixture),
    /// One normal, bent by a triangular map.
    Triangular(Triangular),
    /// A normal with the covariances of a few coordinates with all.
    Bordered(Bordered),
}

impl Guide {
    /// The number of unconstrained coordinates, d.
    pub fn dimension(&self) -> usize {
        match self {
            Guide::MeanField(guide) => guide.dimension(),
            Guide::FullRank(guide) => guide.dimension(),
            Guide::Mixture(guide) => guide.dimension(),
            Guide::Triangular(guide) => guide.dimension(),
            Guide::Bordered(guide) => guide.dimension(),
        }
    }

    /// The laws that the guide is made of, with their weights, which sum to 1.
    pub fn components(&self) -> Vec<(f64, &dyn LocationScale)> {
        match self {
            Guide::MeanField(guide) => vec![(1.0, guide as &dyn LocationScale)],
            Guide::FullRank(guide) => vec![(1.0, guide as &dyn LocationScale)],
            Guide::Triangular(guide) => vec![(1.0, guide as &dyn LocationScale)],
            Guide::Bordered(guide) => vec![(1.0, guide as &dyn LocationScale)],
            Guide::Mixture(guide) => guide
                .weights
                .iter()
                .zip(&guide.components)
                .map(|(weight, component)| (*weight, component as &dyn LocationScale))
                .collect(),
        }
    }
}
