//! Turns the exact second derivatives at a point into the normal that matches them.
//!
//! The Hessian comes from d Hessian-vector products, never from differences of gradients.

use nalgebra::{DMatrix, DVector};

use super::evaluate::Evaluator;
use super::guide::FullRank;
use super::target::LogDensity;
use crate::math::eigen::symmetric_eigen;

/// The smallest eigenvalue of a precision relative to its largest, below which it is raised.
const EIGENVALUE_FLOOR: f64 = 1e-8;

/// The Hessian of log p at an unconstrained point, d × d; `None` where it is not finite.
pub fn hessian<T: LogDensity>(evaluator: &mut Evaluator<T>, point: &[f64]) -> Option<DMatrix<f64>> {
    let dimension = point.len();
    let mut hessian = DMatrix::zeros(dimension, dimension);
    let mut direction = vec![0.0; dimension];
    for (index, column) in hessian.as_mut_slice().chunks_exact_mut(dimension).enumerate() {
        direction[index] = 1.0;
        evaluator.hessian_vector(point, &direction, column);
        direction[index] = 0.0;
    }
    let symmetric = (&hessian + hessian.transpose()) * 0.5;
    symmetric.iter().all(|entry| entry.is_finite()).then_some(symmetric)
}

/// The normal at `mean` with the given precision matrix, mended if it is not positive definite.
///
/// Negative eigenvalues are replaced by their absolute values (the curvature's size is right, its
/// sign is not), and none is let below 10⁻⁸ of the largest.
pub fn normal_from_precision(mean: DVector<f64>, precision: DMatrix<f64>) -> Option<FullRank> {
    let (mut values, vectors) = symmetric_eigen(precision)?;
    let floor = (EIGENVALUE_FLOOR * values.max()).max(f64::MIN_POSITIVE);
    values.apply(|value| *value = value.abs().max(floor));
    let root = vectors * DMatrix::from_diagonal(&values.map(|value| value.sqrt().recip()));
    FullRank::from_root(mean, &root)
}

/// The Laplace normal of log p at an unconstrained point; `None` where the Hessian is not finite.
pub fn laplace<T: LogDensity>(evaluator: &mut Evaluator<T>, point: &[f64]) -> Option<FullRank> {
    let precision = -hessian(evaluator, point)?;
    normal_from_precision(DVector::from_column_slice(point), precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indefinite_precision_keeps_the_size_of_its_curvature() {
        let precision = DMatrix::from_diagonal(&DVector::from_vec(vec![4.0, -0.25]));
        let normal = normal_from_precision(DVector::zeros(2), precision).expect("mended");
        let expected = DMatrix::from_diagonal(&DVector::from_vec(vec![0.25, 4.0]));
        assert!((normal.covariance() - expected).amax() < 1e-12);
    }

    #[test]
    fn a_flat_direction_is_wide_but_finite() {
        let precision = DMatrix::from_diagonal(&DVector::from_vec(vec![1.0, 0.0]));
        let normal = normal_from_precision(DVector::zeros(2), precision).expect("mended");
        assert!((normal.covariance()[(1, 1)] / 1e8 - 1.0).abs() < 1e-6);
    }
}
