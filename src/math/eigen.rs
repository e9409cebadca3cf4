//! Eigenvalues of symmetric matrices of plain numbers.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Sweeps of the symmetric eigenvalue iteration, in multiples of the dimension.
const EIGEN_SWEEPS: usize = 60;

/// Eigenvalues and eigenvectors (in columns) of a finite symmetric matrix.
pub fn symmetric_eigen(matrix: DMatrix<f64>) -> Option<(DVector<f64>, DMatrix<f64>)> {
    if !matrix.iter().all(|entry| entry.is_finite()) {
        return None;
    }
    let sweeps = EIGEN_SWEEPS * matrix.nrows().max(1);
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, sweeps)?;
    Some((eigen.eigenvalues, eigen.eigenvectors))
}
