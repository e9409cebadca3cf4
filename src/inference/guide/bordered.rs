//! The bordered guide: a few coordinates with all their covariances, the others independent given them.
//!
//! Invariant: borders and the rest together are all coordinates, each once; scales are positive.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{FullRank, LocationScale};

/// x_C = m_C + L z_C for the border C, and x_i = m_i + b_i · z_C + s_i z_i for the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bordered {
    /// The coordinates of the border.
    pub border: Vec<usize>,
    /// The other coordinates.
    pub rest: Vec<usize>,
    /// N(m_C, L Lᵀ)
    pub core: FullRank,
    /// m_i of the others.
    pub mean: Vec<f64>,
    /// s_i of the others: their sds given the border.
    pub scale: Vec<f64>,
    /// b_i, one row of the border's length after the other.
    pub loadings: Vec<f64>,
}

impl Bordered {
    fn split(&self, points: &DMatrix<f64>) -> (DMatrix<f64>, DMatrix<f64>) {
        let pick = |list: &[usize]| {
            DMatrix::from_fn(list.len(), points.ncols(), |i, k| points[(list[i], k)])
        };
        (pick(&self.border), pick(&self.rest))
    }

    fn join(&self, core: &DMatrix<f64>, others: &DMatrix<f64>) -> DMatrix<f64> {
        let mut points = DMatrix::zeros(self.dimension(), core.ncols());
        for (list, rows) in [(&self.border, core), (&self.rest, others)] {
            for (row, coordinate) in rows.row_iter().zip(list) {
                points.row_mut(*coordinate).copy_from(&row);
            }
        }
        points
    }

    /// b_i · z_C of the others, column by column.
    fn shift(&self, core: &DMatrix<f64>) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.rest.len(), self.border.len(), &self.loadings) * core
    }
}

impl LocationScale for Bordered {
    fn dimension(&self) -> usize {
        self.border.len() + self.rest.len()
    }

    fn log_scale(&self) -> f64 {
        self.core.log_scale() + self.scale.iter().map(|scale| scale.ln()).sum::<f64>()
    }

    fn transform(&self, base: &DMatrix<f64>) -> DMatrix<f64> {
        let (core, mut others) = self.split(base);
        let shift = self.shift(&core);
        for (i, mut row) in others.row_iter_mut().enumerate() {
            row *= self.scale[i];
            row += shift.row(i);
            row.add_scalar_mut(self.mean[i]);
        }
        self.join(&self.core.transform(&core), &others)
    }

    fn whiten(&self, points: &DMatrix<f64>) -> DMatrix<f64> {
        let (core, mut others) = self.split(points);
        let core = self.core.whiten(&core);
        let shift = self.shift(&core);
        for (i, mut row) in others.row_iter_mut().enumerate() {
            row -= shift.row(i);
            row.add_scalar_mut(-self.mean[i]);
            row /= self.scale[i];
        }
        self.join(&core, &others)
    }
}
