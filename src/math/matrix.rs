//! Triangular linear algebra over any scalar: matrices as slices in row order.
//!
//! No pivots and no branches on values, so that the steps can be traced. A matrix that is not
//! positive definite gives NaN. Lengths must fit the number of rows; nothing above the diagonal
//! of a triangular or symmetric matrix is read.

use super::scalar::Scalar;

/// The lower triangular L with L Lᵀ = A, for a symmetric positive definite n × n matrix A.
pub fn cholesky<S: Scalar>(n: usize, a: &[S]) -> Vec<S> {
    let mut l = vec![S::constant(0.0); n * n];
    for i in 0..n {
        for j in 0..=i {
            let mut rest = a[i * n + j];
            for k in 0..j {
                rest = rest - l[i * n + k] * l[j * n + k];
            }
            l[i * n + j] = if i == j { rest.sqrt() } else { rest / l[j * n + j] };
        }
    }
    l
}

/// Σ ln L_ii
pub fn log_diagonal<S: Scalar>(n: usize, l: &[S]) -> S {
    let mut total = S::constant(0.0);
    for i in 0..n {
        total = total + l[i * n + i].ln();
    }
    total
}

/// The y with L y = b.
pub fn solve_lower<S: Scalar>(n: usize, l: &[S], b: &[S]) -> Vec<S> {
    let mut y: Vec<S> = Vec::with_capacity(n);
    for i in 0..n {
        let mut rest = b[i];
        for (k, &solved) in y.iter().enumerate() {
            rest = rest - l[i * n + k] * solved;
        }
        y.push(rest / l[i * n + i]);
    }
    y
}

/// The y with Lᵀ y = b.
pub fn solve_upper<S: Scalar>(n: usize, l: &[S], b: &[S]) -> Vec<S> {
    let mut y = b.to_vec();
    for i in (0..n).rev() {
        for k in i + 1..n {
            y[i] = y[i] - l[k * n + i] * y[k];
        }
        y[i] = y[i] / l[i * n + i];
    }
    y
}

/// L b
pub fn multiply_lower<S: Scalar>(n: usize, l: &[S], b: &[S]) -> Vec<S> {
    let row = |i: usize| {
        let mut total = l[i * n] * b[0];
        for k in 1..=i {
            total = total + l[i * n + k] * b[k];
        }
        total
    };
    (0..n).map(row).collect()
}

/// Lᵀ b
pub fn multiply_upper<S: Scalar>(n: usize, l: &[S], b: &[S]) -> Vec<S> {
    let column = |i: usize| {
        let mut total = l[i * n + i] * b[i];
        for k in i + 1..n {
            total = total + l[k * n + i] * b[k];
        }
        total
    };
    (0..n).map(column).collect()
}

/// L Lᵀ
pub fn squared_lower<S: Scalar>(n: usize, l: &[S]) -> Vec<S> {
    let entry = |position: usize| {
        let (i, j) = (position / n, position % n);
        let mut total = l[i * n] * l[j * n];
        for k in 1..=i.min(j) {
            total = total + l[i * n + k] * l[j * n + k];
        }
        total
    };
    (0..n * n).map(entry).collect()
}

/// The columns of an n × m matrix, each of n entries.
pub fn columns<S: Scalar>(m: usize, a: &[S]) -> Vec<Vec<S>> {
    (0..m).map(|j| a.iter().copied().skip(j).step_by(m).collect()).collect()
}
