//! A seed to data.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution, Exp1, Poisson, StandardNormal};

/// A stream of variates.
pub(crate) struct Draws(ChaCha12Rng);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Draws(ChaCha12Rng::seed_from_u64(seed))
    }

    /// Between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    pub(crate) fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        let z: f64 = StandardNormal.sample(&mut self.0);
        mean + sd * z
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        let e: f64 = Exp1.sample(&mut self.0);
        mean * e
    }

    pub(crate) fn hit(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    pub(crate) fn poisson(&mut self, mean: f64) -> usize {
        Poisson::new(mean).unwrap().sample(&mut self.0) as usize
    }

    pub(crate) fn binomial(&mut self, n: usize, p: f64) -> usize {
        (0..n).filter(|_| self.hit(p)).count()
    }

    /// A position, with these probabilities.
    pub(crate) fn categorical(&mut self, p: &[f64]) -> usize {
        let mut left = self.uniform();
        let position = p.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        position.unwrap_or(p.len() - 1)
    }

    /// How long a Weibull variate lasts.
    pub(crate) fn weibull(&mut self, shape: f64, scale: f64) -> f64 {
        scale * self.exponential(1.0).powf(1.0 / shape)
    }
}

/// The probability of log odds.
pub(crate) fn inv_logit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
