//! Unconstrained coordinates to the values of a constrained vector or matrix, and back.
//!
//! The conventions are Stan's (reference manual, "Constraint transforms"; sum-to-zero vectors as
//! of 2.36, simplices as before 2.37), so that unconstrained log densities agree. Matrices are in
//! row order. The log-Jacobian is with respect to the free coordinates that each transform names.

use std::f64::consts::LN_2;

use super::Bijector;
use super::recurrence::{Run, Step};
use crate::math::matrix;
use crate::math::scalar::Scalar;

/// A smooth one-to-one map from ℝᵈ onto a set of vectors or matrices of K rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorBijector {
    /// x > 0 with Σ x = 1, d = K - 1: [`Run::Stick`] from the first value. The free coordinates
    /// are x₁ … x_{K-1}.
    Simplex,
    /// x₁ < … < x_K on an interval of this shape, d = K:
    ///
    /// * the whole line: x₁ = u₁, then [`Run::Rise`];
    /// * above a lower bound: [`Run::Rise`] from the bound;
    /// * below an upper bound: [`Run::Fall`] from the bound, last value first;
    /// * between two: [`Run::Border`]; u = 0 gives equal distances.
    Ordered(Bijector),
    /// Σ x = 0, d = K - 1: [`Run::Contrast`] from the last value, whose coordinate is the last.
    /// An isometry of ℝᵈ and the hyperplane, with log-Jacobian 0.
    ZeroSum,
    /// Lower triangular with a positive diagonal and rows of length 1, d = K(K - 1)/2:
    /// [`Run::Row`] for each row, coordinates row by row. The free coordinates are the entries
    /// below the diagonal.
    CholeskyCorrelation,
    /// Lower triangular with a positive diagonal, d = K(K + 1)/2: entries row by row, those of
    /// the diagonal as eᵘ. All entries on and below the diagonal are free.
    CholeskyFactor,
    /// Symmetric, positive definite, with unit diagonal, d = K(K - 1)/2: L Lᵀ of a
    /// [`VectorBijector::CholeskyCorrelation`] L whose coordinates come column by column. The
    /// free coordinates are the entries below the diagonal, which adds Σ (K - k) ln L_kk.
    Correlation,
    /// Symmetric and positive definite, d = K(K + 1)/2: L Lᵀ of a
    /// [`VectorBijector::CholeskyFactor`] L. The free coordinates are the entries on and below the
    /// diagonal, which adds K ln 2 + Σ (K - k + 1) ln L_kk.
    Covariance,
}

impl VectorBijector {
    /// How many coordinates K rows take.
    pub fn dimension(self, rows: usize) -> usize {
        match self {
            VectorBijector::Simplex | VectorBijector::ZeroSum => rows.saturating_sub(1),
            VectorBijector::Ordered(_) => rows,
            VectorBijector::CholeskyCorrelation | VectorBijector::Correlation => {
                rows * rows.saturating_sub(1) / 2
            }
            VectorBijector::CholeskyFactor | VectorBijector::Covariance => rows * (rows + 1) / 2,
        }
    }

    /// How many values K rows have.
    pub fn len(self, rows: usize) -> usize {
        match self {
            VectorBijector::Simplex | VectorBijector::ZeroSum | VectorBijector::Ordered(_) => rows,
            VectorBijector::CholeskyCorrelation
            | VectorBijector::Correlation
            | VectorBijector::CholeskyFactor
            | VectorBijector::Covariance => rows * rows,
        }
    }

    /// The values at the coordinates u, and the log-Jacobian. A missing coordinate is NaN; bounds
    /// that the set has not are ignored.
    pub fn constrain<S: Scalar>(self, u: &[S], rows: usize, lower: S, upper: S) -> (Vec<S>, S) {
        let (zero, nan) = (S::constant(0.0), S::constant(f64::NAN));
        let mut u: Vec<S> = u.to_vec();
        u.resize(self.dimension(rows), nan);
        match self {
            VectorBijector::Simplex => run(Run::Stick, &u, zero, zero),
            VectorBijector::Ordered(Bijector::Identity) => {
                let Some((&first, rest)) = u.split_first() else { return (Vec::new(), zero) };
                let (mut x, log_jacobian) = run(Run::Rise, rest, first, zero);
                x.insert(0, first);
                (x, log_jacobian)
            }
            VectorBijector::Ordered(Bijector::Lower) => run(Run::Rise, &u, lower, upper),
            VectorBijector::Ordered(Bijector::Upper) => reversed(Run::Fall, u, lower, upper),
            VectorBijector::Ordered(Bijector::Interval) => run(Run::Border, &u, lower, upper),
            VectorBijector::ZeroSum => reversed(Run::Contrast, u, zero, zero),
            VectorBijector::CholeskyCorrelation => correlation_factor(rows, |i, j| u[row(i) + j]),
            VectorBijector::CholeskyFactor => factor(rows, &u),
            VectorBijector::Correlation => {
                let (l, inner) = correlation_factor(rows, |i, j| u[column(rows, j) + i - j - 1]);
                let log_jacobian = squared_log_jacobian(rows, &l, 1);
                (matrix::squared_lower(rows, &l), inner + log_jacobian)
            }
            VectorBijector::Covariance => {
                let (l, inner) = factor(rows, &u);
                let log_jacobian = squared_log_jacobian(rows, &l, 0) + real(rows) * LN_2;
                (matrix::squared_lower(rows, &l), inner + log_jacobian)
            }
        }
    }

    /// The coordinates of constrained values; infinite at the edge of the set, NaN outside.
    pub fn unconstrain(self, x: &[f64], rows: usize, lower: f64, upper: f64) -> Vec<f64> {
        if x.len() != self.len(rows) {
            return vec![f64::NAN; self.dimension(rows)];
        }
        match self {
            VectorBijector::Simplex => {
                let rest = after(x, |v| v);
                let coordinate = |k: usize| x[k].ln() - rest[k].ln() + real(rows - 1 - k).ln();
                (0..self.dimension(rows)).map(coordinate).collect()
            }
            VectorBijector::Ordered(shape) => ordered_coordinates(shape, x, lower, upper),
            VectorBijector::ZeroSum => contrasts(x),
            VectorBijector::CholeskyCorrelation => {
                x.chunks(rows.max(1)).enumerate().flat_map(|(i, row)| angles(i, row)).collect()
            }
            VectorBijector::CholeskyFactor => factor_coordinates(rows, x),
            VectorBijector::Correlation => {
                let l = matrix::cholesky(rows, x);
                let angles: Vec<_> =
                    l.chunks(rows.max(1)).enumerate().map(|(i, row)| angles(i, row)).collect();
                (0..rows)
                    .flat_map(|j| (j + 1..rows).map(move |i| (i, j)))
                    .map(|(i, j)| angles[i][j])
                    .collect()
            }
            VectorBijector::Covariance => factor_coordinates(rows, &matrix::cholesky(rows, x)),
        }
    }
}

/// Runs along the coordinates, and to the value that is left. `left` of the last is 1.
fn run<S: Scalar>(run: Run, u: &[S], lower: S, upper: S) -> (Vec<S>, S) {
    let mut state = run.start(lower, upper);
    let mut total = S::constant(0.0);
    let mut values = Vec::with_capacity(u.len() + 1);
    for (k, &u_k) in u.iter().enumerate() {
        let left = S::constant(real(u.len() - k));
        let Step { value, state: next, log_jacobian } = run.step(u_k, state, left, upper);
        values.push(value);
        total = total + log_jacobian;
        state = next;
    }
    values.extend(run.last(state));
    (values, total)
}

/// [`run`] with the last value first.
fn reversed<S: Scalar>(along: Run, mut u: Vec<S>, lower: S, upper: S) -> (Vec<S>, S) {
    u.reverse();
    let (mut x, log_jacobian) = run(along, &u, lower, upper);
    x.reverse();
    (x, log_jacobian)
}

/// The position of the first coordinate of row i below the diagonal, row by row.
fn row(i: usize) -> usize {
    i * i.saturating_sub(1) / 2
}

/// The position of the first coordinate of column j below the diagonal, column by column.
fn column(rows: usize, j: usize) -> usize {
    j * (2 * rows - j - 1) / 2
}

/// A factor of a correlation matrix from the coordinate of each entry below the diagonal.
fn correlation_factor<S: Scalar>(rows: usize, u: impl Fn(usize, usize) -> S) -> (Vec<S>, S) {
    let zero = S::constant(0.0);
    let (mut l, mut total) = (Vec::with_capacity(rows * rows), zero);
    for i in 0..rows {
        let coordinates: Vec<S> = (0..i).map(|j| u(i, j)).collect();
        let (values, log_jacobian) = run(Run::Row, &coordinates, zero, zero);
        l.extend(values);
        l.resize((i + 1) * rows, zero);
        total = total + log_jacobian;
    }
    (l, total)
}

/// A lower triangular matrix with a diagonal of eᵘ.
fn factor<S: Scalar>(rows: usize, u: &[S]) -> (Vec<S>, S) {
    let mut l = vec![S::constant(0.0); rows * rows];
    let mut total = S::constant(0.0);
    for i in 0..rows {
        for j in 0..=i {
            let u = u[row(i + 1) + j];
            l[i * rows + j] = if i == j { u.exp() } else { u };
        }
        total = total + u[row(i + 1) + i];
    }
    (l, total)
}

/// Σ (K - k + 1 - fixed) ln L_kk, k from 1: what L ↦ L Lᵀ adds, without K ln 2 where the
/// diagonal is free; `fixed` is 1 where it follows from the other entries.
fn squared_log_jacobian<S: Scalar>(rows: usize, l: &[S], fixed: usize) -> S {
    let mut total = S::constant(0.0);
    for k in fixed..rows {
        total = total + l[k * rows + k].ln() * real(rows - k - fixed);
    }
    total
}

fn ordered_coordinates(shape: Bijector, x: &[f64], lower: f64, upper: f64) -> Vec<f64> {
    let before = |k: usize| if k == 0 { lower } else { x[k - 1] };
    let next = |k: usize| x.get(k + 1).copied().unwrap_or(upper);
    let coordinate = |k: usize| match shape {
        Bijector::Identity if k == 0 => x[0],
        Bijector::Identity | Bijector::Lower => (x[k] - before(k)).ln(),
        Bijector::Upper => (next(k) - x[k]).ln(),
        Bijector::Interval => {
            (x[k] - before(k)).ln() - (upper - x[k]).ln() + real(x.len() - k).ln()
        }
    };
    (0..x.len()).map(coordinate).collect()
}

/// w_n = (s - x) / n and u = w √(n(n + 1)), from the last value on.
fn contrasts(x: &[f64]) -> Vec<f64> {
    let mut state = 0.0;
    let mut u = Vec::with_capacity(x.len());
    for n in (1..x.len()).rev() {
        let w = (state - x[n]) / real(n);
        u.push(w * (real(n) * real(n + 1)).sqrt());
        state += w;
    }
    u.reverse();
    u
}

/// artanh of each entry over the length of what is left of its row, which keeps the digits of
/// entries near that length.
fn angles(i: usize, row: &[f64]) -> Vec<f64> {
    let row = &row[..=i];
    let rest = after(row, |v| v * v);
    row[..i].iter().zip(rest).map(|(v, rest)| (v / rest.sqrt()).asinh()).collect()
}

fn factor_coordinates(rows: usize, l: &[f64]) -> Vec<f64> {
    let cells = (0..rows).flat_map(|i| (0..=i).map(move |j| (i, j)));
    cells.map(|(i, j)| if i == j { l[i * rows + j].ln() } else { l[i * rows + j] }).collect()
}

/// For each value Σ f(v) over those after it.
fn after(x: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums = vec![0.0; x.len()];
    for (sum, &v) in sums.iter_mut().zip(x).rev() {
        *sum = total;
        total += f(v);
    }
    sums
}

/// A size as a number.
#[expect(clippy::cast_precision_loss, reason = "sizes of axes are far below 2⁵³")]
fn real(n: usize) -> f64 {
    n as f64
}
