//! The full-rank guide: one normal with a dense covariance, held as its Cholesky factor.
//!
//! Invariant: the factor is square, lower triangular, finite, with a positive diagonal.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::{LocationScale, MeanField};

/// N(m, L Lᵀ), with L lower triangular.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Record", try_from = "Record")]
pub struct FullRank {
    mean: DVector<f64>,
    cholesky: DMatrix<f64>,
}

impl FullRank {
    /// The normal of mean m and covariance B Bᵀ, for any square root B; `None` if B is singular
    /// or anything is not finite.
    ///
    /// With Bᵀ = Q R, B Bᵀ = Rᵀ R, so L is Rᵀ with the signs of its columns chosen.
    pub fn from_root(mean: DVector<f64>, root: &DMatrix<f64>) -> Option<Self> {
        let mut cholesky = root.transpose().qr().r().transpose();
        for (index, mut column) in cholesky.column_iter_mut().enumerate() {
            if column[index] < 0.0 {
                column.neg_mut();
            }
        }
        Self::new(mean, cholesky)
    }

    /// The normal of mean m and Cholesky factor L; `None` if L is not a valid factor.
    pub fn new(mean: DVector<f64>, cholesky: DMatrix<f64>) -> Option<Self> {
        let square = cholesky.is_square() && cholesky.nrows() == mean.len();
        let finite = mean.iter().chain(cholesky.iter()).all(|entry| entry.is_finite());
        let triangular =
            || cholesky.upper_triangle() == DMatrix::from_diagonal(&cholesky.diagonal());
        let valid =
            square && finite && triangular() && cholesky.diagonal().iter().all(|l| *l > 0.0);
        valid.then_some(Self { mean, cholesky })
    }

    /// The mean m.
    pub fn mean(&self) -> &DVector<f64> {
        &self.mean
    }

    /// The lower Cholesky factor L of the covariance.
    pub fn cholesky(&self) -> &DMatrix<f64> {
        &self.cholesky
    }

    /// The covariance L Lᵀ.
    pub fn covariance(&self) -> DMatrix<f64> {
        &self.cholesky * self.cholesky.transpose()
    }

    /// The independent normals with the sds that each coordinate has given all others: the best
    /// mean-field guide of this normal.
    pub fn inside(&self) -> MeanField {
        let dimension = self.mean.len();
        let mut inverse = DMatrix::identity(dimension, dimension);
        self.cholesky.solve_lower_triangular_mut(&mut inverse);
        let scale = inverse.column_iter().map(|column| column.norm().recip()).collect();
        MeanField { mean: self.mean.as_slice().to_vec(), scale }
    }

    /// The same normal with its scale multiplied by a positive factor.
    pub fn scaled(&self, factor: f64) -> Self {
        Self { mean: self.mean.clone(), cholesky: &self.cholesky * factor }
    }

    /// The two squared distances of the means, each in the scale of one normal, the smaller first.
    pub fn whitened_distances_squared(&self, other: &Self) -> (f64, f64) {
        let (a, b) = (self.whitened_distance_squared(other), other.whitened_distance_squared(self));
        (a.min(b), a.max(b))
    }

    /// The squared distance of another's mean from this one's, in this one's scale.
    pub fn whitened_distance_squared(&self, other: &Self) -> f64 {
        let mut difference = &other.mean - &self.mean;
        self.cholesky.solve_lower_triangular_mut(&mut difference);
        difference.norm_squared()
    }
}

impl LocationScale for FullRank {
    fn dimension(&self) -> usize {
        self.mean.len()
    }

    fn log_scale(&self) -> f64 {
        self.cholesky.diagonal().iter().map(|entry| entry.ln()).sum()
    }

    fn transform(&self, base: &DMatrix<f64>) -> DMatrix<f64> {
        let mut points = &self.cholesky * base;
        for mut column in points.column_iter_mut() {
            column += &self.mean;
        }
        points
    }

    fn whiten(&self, points: &DMatrix<f64>) -> DMatrix<f64> {
        let mut base = points.clone();
        for mut column in base.column_iter_mut() {
            column -= &self.mean;
        }
        self.cholesky.solve_lower_triangular_mut(&mut base);
        base
    }
}

/// The serialised form: the mean, and row i of L with its i + 1 entries.
#[derive(Serialize, Deserialize)]
struct Record {
    mean: Vec<f64>,
    cholesky: Vec<Vec<f64>>,
}

impl From<FullRank> for Record {
    fn from(guide: FullRank) -> Self {
        let rows = guide.cholesky.row_iter().enumerate();
        Self {
            mean: guide.mean.iter().copied().collect(),
            cholesky: rows.map(|(i, row)| row.iter().take(i + 1).copied().collect()).collect(),
        }
    }
}

impl TryFrom<Record> for FullRank {
    type Error = &'static str;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let dimension = record.mean.len();
        let shaped = record.cholesky.len() == dimension
            && record.cholesky.iter().enumerate().all(|(i, row)| row.len() == i + 1);
        if !shaped {
            return Err("row i of `cholesky` must have i + 1 entries, one row per mean");
        }
        let entry = |i: usize, j: usize| if j <= i { record.cholesky[i][j] } else { 0.0 };
        let cholesky = DMatrix::from_fn(dimension, dimension, entry);
        Self::new(DVector::from_vec(record.mean), cholesky)
            .ok_or("`cholesky` must be finite with a positive diagonal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide() -> FullRank {
        let root = DMatrix::from_row_slice(2, 2, &[1.0, -2.0, 0.5, 3.0]);
        FullRank::from_root(DVector::from_vec(vec![1.0, -1.0]), &root).expect("a regular root")
    }

    #[test]
    fn any_root_gives_the_covariance_it_squares_to() {
        let expected = DMatrix::from_row_slice(2, 2, &[5.0, -5.5, -5.5, 9.25]);
        assert!((guide().covariance() - expected).amax() < 1e-14);
    }

    #[test]
    fn whitening_undoes_the_transform() {
        let base = DMatrix::from_row_slice(2, 3, &[0.3, -1.0, 2.0, 0.1, 0.7, -0.4]);
        assert!((guide().whiten(&guide().transform(&base)) - base).amax() < 1e-14);
    }

    #[test]
    fn log_density_agrees_with_scipy() {
        // scipy.stats.multivariate_normal([1, -1], [[5, -5.5], [-5.5, 9.25]]).logpdf([0.5, 2])
        let value = guide().log_density(&DMatrix::from_column_slice(2, 1, &[0.5, 2.0]))[0];
        assert!((value - LOG_PDF).abs() < 1e-12, "{value}");
    }

    const LOG_PDF: f64 = -4.187062052529236;

    #[test]
    fn a_serialised_guide_comes_back_the_same() {
        let text = serde_json::to_string(&guide()).expect("plain numbers");
        let back: FullRank = serde_json::from_str(&text).expect("what was written");
        assert_eq!(back, guide());
    }

    #[test]
    fn a_factor_with_a_zero_on_its_diagonal_is_refused() {
        let text = r#"{"mean":[0.0,0.0],"cholesky":[[1.0],[0.5,0.0]]}"#;
        assert!(serde_json::from_str::<FullRank>(text).is_err());
    }
}
