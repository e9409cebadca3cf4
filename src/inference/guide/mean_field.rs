//! The mean-field guide: independent normals on the unconstrained space.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::LocationScale;

/// N(m, diag(s²)), with s > 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanField {
    /// The means m, one per unconstrained coordinate.
    pub mean: Vec<f64>,
    /// The standard deviations s, one per unconstrained coordinate.
    pub scale: Vec<f64>,
}

impl LocationScale for MeanField {
    fn dimension(&self) -> usize {
        self.mean.len()
    }

    fn log_scale(&self) -> f64 {
        self.scale.iter().map(|scale| scale.ln()).sum()
    }

    fn transform(&self, base: &DMatrix<f64>) -> DMatrix<f64> {
        let mut points = base.clone();
        for mut column in points.column_iter_mut() {
            for ((x, mean), scale) in column.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = mean + scale * *x;
            }
        }
        points
    }

    fn whiten(&self, points: &DMatrix<f64>) -> DMatrix<f64> {
        let mut base = points.clone();
        for mut column in base.column_iter_mut() {
            for ((z, mean), scale) in column.iter_mut().zip(&self.mean).zip(&self.scale) {
                *z = (*z - mean) / scale;
            }
        }
        base
    }
}
