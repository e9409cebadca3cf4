//! The kinetic energy of a Hamiltonian system: momenta p ~ N(0, Σ⁻¹), with Σ near the posterior's
//! covariance.
//!
//! Invariant: Σ is finite and positive definite.

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Σ, the inverse mass.
#[derive(Clone, Debug)]
pub enum Metric {
    /// A diagonal Σ.
    Diagonal(DVector<f64>),
    /// A dense Σ, with its lower Cholesky factor L.
    Dense {
        /// Σ
        covariance: DMatrix<f64>,
        /// L
        cholesky: DMatrix<f64>,
    },
}

impl Metric {
    /// Σ = I.
    pub fn unit(dimension: usize) -> Self {
        Metric::Diagonal(DVector::from_element(dimension, 1.0))
    }

    /// The velocity Σ p of a momentum.
    pub fn velocity(&self, momentum: &DVector<f64>) -> DVector<f64> {
        match self {
            Metric::Diagonal(variance) => variance.component_mul(momentum),
            Metric::Dense { covariance, .. } => covariance * momentum,
        }
    }

    /// The kinetic energy ½ pᵀ Σ p of a momentum.
    pub fn energy(&self, momentum: &DVector<f64>) -> f64 {
        0.5 * momentum.dot(&self.velocity(momentum))
    }

    /// A momentum p ~ N(0, Σ⁻¹).
    pub fn draw<R: Rng>(&self, rng: &mut R) -> DVector<f64> {
        let dimension = match self {
            Metric::Diagonal(variance) => variance.len(),
            Metric::Dense { covariance, .. } => covariance.nrows(),
        };
        let mut z = DVector::from_fn(dimension, |_, _| rng.sample(StandardNormal));
        match self {
            Metric::Diagonal(variance) => z.zip_apply(variance, |z, v| *z /= v.sqrt()),
            Metric::Dense { cholesky, .. } => {
                cholesky.tr_solve_lower_triangular_mut(&mut z);
            }
        }
        z
    }
}

/// The running mean and covariance of points (Welford, 1962).
#[derive(Clone, Debug)]
pub struct Moments {
    count: usize,
    mean: DVector<f64>,
    squares: Squares,
}

/// Sums of squared deviations.
#[derive(Clone, Debug)]
enum Squares {
    Diagonal(DVector<f64>),
    Dense(DMatrix<f64>),
}

impl Moments {
    /// None yet, for a dense Σ or a diagonal one.
    pub fn new(dimension: usize, dense: bool) -> Self {
        let squares = if dense {
            Squares::Dense(DMatrix::zeros(dimension, dimension))
        } else {
            Squares::Diagonal(DVector::zeros(dimension))
        };
        Self { count: 0, mean: DVector::zeros(dimension), squares }
    }

    /// Takes in a point.
    pub fn observe(&mut self, point: &DVector<f64>) {
        self.count += 1;
        let before = point - &self.mean;
        self.mean.axpy(1.0 / self.count as f64, &before, 1.0);
        let after = point - &self.mean;
        match &mut self.squares {
            Squares::Diagonal(squares) => *squares += before.component_mul(&after),
            Squares::Dense(squares) => squares.ger(1.0, &before, &after, 1.0),
        }
    }

    /// n/(n + 5) S + 10⁻³ · 5/(n + 5) I, for the sample covariance S of n points (Stan reference
    /// manual, "Automatic parameter tuning"); `None` if that is not positive definite.
    pub fn metric(&self) -> Option<Metric> {
        let n = self.count as f64;
        let (share, ridge) = (n / (n + 5.0) / (n - 1.0).max(1.0), 1e-3 * 5.0 / (n + 5.0));
        match &self.squares {
            Squares::Diagonal(squares) => {
                let variance = squares.map(|square| share * square + ridge);
                variance.iter().all(|v| v.is_finite()).then_some(Metric::Diagonal(variance))
            }
            Squares::Dense(squares) => {
                let ridge = DMatrix::from_diagonal_element(squares.nrows(), squares.ncols(), ridge);
                let covariance = (squares + squares.transpose()) * (0.5 * share) + ridge;
                let cholesky = Cholesky::new(covariance.clone())?.l();
                Some(Metric::Dense { covariance, cholesky })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::random::{Purpose, stream};

    #[test]
    fn momenta_have_the_inverse_covariance() {
        let covariance = DMatrix::from_row_slice(2, 2, &[4.0, 1.8, 1.8, 1.0]);
        let cholesky = Cholesky::new(covariance.clone()).expect("positive definite").l();
        let metric = Metric::Dense { covariance: covariance.clone(), cholesky };
        let mut rng = stream(1, Purpose::Chain, 0);
        let mut total = DMatrix::zeros(2, 2);
        for _ in 0..40_000 {
            let p = metric.draw(&mut rng);
            total.ger(1.0 / 40_000.0, &p, &p, 1.0);
        }
        // An entry of Σ E[p pᵀ] has standard error below 0.025; four of them.
        let product = covariance * total;
        assert!((product - DMatrix::identity(2, 2)).amax() < 0.1);
    }

    #[test]
    fn the_moments_of_points_are_numpys() {
        // numpy.cov([[1, 2, 4], [0, 3, 1]]) = [[7/3, 1/3], [1/3, 7/3]]
        let mut moments = Moments::new(2, true);
        for point in [[1.0, 0.0], [2.0, 3.0], [4.0, 1.0]] {
            moments.observe(&DVector::from_row_slice(&point));
        }
        let Some(Metric::Dense { covariance, .. }) = moments.metric() else { panic!("dense") };
        let expected = |s: f64, ridge: f64| 3.0 / 8.0 * s + ridge;
        assert!((covariance[(0, 0)] - expected(7.0 / 3.0, 6.25e-4)).abs() < 1e-12);
        assert!((covariance[(0, 1)] - expected(1.0 / 3.0, 0.0)).abs() < 1e-12);
    }
}
