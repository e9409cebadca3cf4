//! Makes standard normal base draws whose sample moments are those of the normal exactly.
//!
//! Invariant: a base is a d × M matrix, one draw per column; its second half is the first negated,
//! so odd moments vanish exactly. Matched draws made 64 draws beat 256 independent ones in the
//! measurements behind the defaults of [`Options`](super::Options).

use nalgebra::{Cholesky, DMatrix};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// M antithetic standard normal draws: z and −z. An odd `count` is rounded up to an even one.
pub fn antithetic<R: Rng>(rng: &mut R, dimension: usize, count: usize) -> DMatrix<f64> {
    let half = count.div_ceil(2);
    let mut base = DMatrix::<f64>::zeros(dimension, 2 * half);
    let (first, second) = base.as_mut_slice().split_at_mut(dimension * half);
    for (z, mirrored) in first.iter_mut().zip(second) {
        *z = rng.sample(StandardNormal);
        *mirrored = -*z;
    }
    base
}

/// M independent standard normal draws.
pub fn independent<R: Rng>(rng: &mut R, dimension: usize, count: usize) -> DMatrix<f64> {
    DMatrix::from_fn(dimension, count, |_, _| rng.sample(StandardNormal))
}

/// M antithetic draws with sample mean 0 and unit sample variance in each coordinate, exactly.
pub fn matched_marginals<R: Rng>(rng: &mut R, dimension: usize, count: usize) -> DMatrix<f64> {
    let mut base = antithetic(rng, dimension, count);
    let draws = base.ncols() as f64;
    for mut row in base.row_iter_mut() {
        let variance = row.norm_squared() / draws;
        if variance > 0.0 {
            row /= variance.sqrt();
        }
    }
    base
}

/// M antithetic draws with sample mean 0 and sample covariance I, exactly.
///
/// With C = Z Zᵀ / M = R Rᵀ, the draws are R⁻¹ Z. C has full rank only if M ≥ 2 d; below that
/// only each coordinate's variance is matched.
pub fn matched<R: Rng>(rng: &mut R, dimension: usize, count: usize) -> DMatrix<f64> {
    let mut base = matched_marginals(rng, dimension, count);
    if base.ncols() < 2 * dimension {
        return base;
    }
    let covariance = &base * base.transpose() / base.ncols() as f64;
    if let Some(cholesky) = Cholesky::new(covariance) {
        cholesky.l_dirty().solve_lower_triangular_mut(&mut base);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::random::{Purpose, stream};

    #[test]
    fn matched_draws_have_exact_mean_and_covariance() {
        for dimension in [1, 3, 20] {
            let base = matched(&mut stream(1, Purpose::FixedDraws, 0), dimension, 64);
            let covariance = &base * base.transpose() / 64.0;
            assert!(base.column_sum().amax() < 1e-12);
            assert!((covariance - DMatrix::identity(dimension, dimension)).amax() < 1e-12);
        }
    }

    #[test]
    fn matched_marginals_have_unit_variance_with_fewer_draws_than_coordinates() {
        let base = matched(&mut stream(1, Purpose::FixedDraws, 0), 50, 16);
        for row in base.row_iter() {
            assert!((row.norm_squared() / 16.0 - 1.0).abs() < 1e-12);
            assert!(row.sum().abs() < 1e-12);
        }
    }
}
