//! Fits a normal by noisy gradients of the ELBO, with fresh draws in every step.
//!
//! Two unbiased gradients: that of the path, without the score, which vanishes at a perfect guide
//! ("sticking the landing", Roeder, Wu & Duvenaud, 2017); and that of the score, with the mean of the
//! other draws as the control variate of each (Mnih & Rezende, 2016), which needs no gradient of the
//! target. Rates need no tuning: steps are measured by running averages of squared gradients, and a
//! rate is kept until the iterates no longer drift, then halved; averages of the iterates are reported,
//! and the fit ends when halving no longer moves them (Welandawe, Andersen, Vehtari & Huggins, 2024).

use nalgebra::DMatrix;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::draws;
use super::elbo;
use super::evaluate::Evaluator;
use super::family::Family;
use super::fixed_draws::Fitted;
use super::target::LogDensity;

/// Which gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Of the path of reparameterised draws, without the score.
    Path,
    /// Of the score, with leave-one-out control variates.
    Score,
}

/// The algorithm's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    /// Draws of a step.
    pub draws: usize,
    /// Draws of a step by the score, whose gradients are noisier.
    pub draws_score: usize,
    /// The first rate: how far a parameter moves in a step, in the scale of the start.
    pub first_rate: f64,
    /// Steps between looks at the iterates.
    pub window: usize,
    /// Looks at one rate at most.
    pub most_windows: usize,
    /// The iterates drift while the halves of a window differ by more than this, in their sds.
    pub drift: f64,
    /// Halvings of the rate at most.
    pub most_halvings: usize,
    /// Stop when halving the rate moves the average by less than this, in sds of the guide.
    pub tolerance: f64,
    /// How much of the averages of gradients a step keeps, and of their squares.
    pub memory: [f64; 2],
}

impl Default for Stochastic {
    fn default() -> Self {
        Self {
            draws: 16,
            draws_score: 64,
            first_rate: 0.1,
            window: 100,
            most_windows: 20,
            drift: 0.5,
            most_halvings: 8,
            tolerance: 0.02,
            memory: [0.9, 0.99],
        }
    }
}

/// Where an ascent stands.
#[derive(Clone, Debug)]
pub struct State {
    /// The parameters.
    pub theta: Vec<f64>,
    /// The ELBO estimated in the last step.
    pub elbo: f64,
    momentum: Vec<f64>,
    squares: Vec<f64>,
    steps: i32,
}

impl Stochastic {
    /// The state at θ = 0.
    pub fn start(&self, family: &Family) -> State {
        let zero = vec![0.0; family.parameters()];
        State {
            theta: zero.clone(),
            elbo: f64::NEG_INFINITY,
            momentum: zero.clone(),
            squares: zero,
            steps: 0,
        }
    }

    /// An unbiased estimate of the ELBO and of its gradient in θ; `None` where the density is not
    /// finite at a draw.
    pub fn estimate<T: LogDensity>(
        &self,
        estimator: Estimator,
        evaluator: &mut Evaluator<T>,
        family: &Family,
        theta: &[f64],
        base: &DMatrix<f64>,
    ) -> Option<(f64, Vec<f64>)> {
        let points = family.transform(theta, base);
        let entropy = family.entropy(theta);
        match estimator {
            Estimator::Path => {
                let mut slopes = DMatrix::zeros(base.nrows(), base.ncols());
                let elbo = elbo::estimate_with_gradients(evaluator, &points, entropy, &mut slopes);
                slopes -= family.slopes(theta, base);
                elbo.is_finite().then(|| (elbo, family.pull_back(theta, base, &slopes)))
            }
            Estimator::Score => {
                let log_p = evaluator.log_densities(&points);
                let log_q = family.log_densities(theta, base);
                let ratios: Vec<f64> = log_p.iter().zip(&log_q).map(|(p, q)| p - q).collect();
                let count = ratios.len() as f64;
                let mean = ratios.iter().sum::<f64>() / count;
                // The mean of the others is subtracted from each: (f − f̄) K / (K − 1).
                let by: Vec<f64> = ratios.iter().map(|f| (f - mean) / (count - 1.0)).collect();
                mean.is_finite().then(|| (mean, family.score(theta, base, &by)))
            }
        }
    }

    /// One step at a rate, with fresh draws. Where the density is not finite at one, nothing moves but
    /// the scales, which shrink.
    pub fn step<T: LogDensity, R: Rng>(
        &self,
        estimator: Estimator,
        state: &mut State,
        rate: f64,
        evaluator: &mut Evaluator<T>,
        family: &Family,
        rng: &mut R,
    ) {
        let (base, [keep, keep_squares]) =
            (self.base(estimator, family.dimension(), rng), self.memory);
        let found = self.estimate(estimator, evaluator, family, &state.theta, &base);
        let Some((elbo, gradient)) = found else {
            family.log_scales().into_iter().for_each(|index| state.theta[index] -= rate);
            return;
        };
        state.elbo = elbo;
        state.steps += 1;
        let (seen, seen_squares) =
            (1.0 - keep.powi(state.steps), 1.0 - keep_squares.powi(state.steps));
        for (index, g) in gradient.into_iter().enumerate() {
            state.momentum[index] = keep * state.momentum[index] + (1.0 - keep) * g;
            state.squares[index] =
                keep_squares * state.squares[index] + (1.0 - keep_squares) * g * g;
            let size = (state.squares[index] / seen_squares).sqrt();
            if size > 0.0 {
                state.theta[index] += rate * state.momentum[index] / seen / size;
            }
        }
    }

    fn base<R: Rng>(&self, estimator: Estimator, dimension: usize, rng: &mut R) -> DMatrix<f64> {
        match estimator {
            Estimator::Path => draws::antithetic(rng, dimension, self.draws),
            // The others are a control variate only if they are independent.
            Estimator::Score => draws::independent(rng, dimension, self.draws_score),
        }
    }

    /// Steps at falling rates until halving one no longer moves the average of the iterates.
    ///
    /// `observe` is told the estimated ELBO after each window.
    pub fn fit<T: LogDensity, R: Rng>(
        &self,
        estimator: Estimator,
        evaluator: &mut Evaluator<T>,
        family: Family,
        rng: &mut R,
        mut observe: impl FnMut(usize, f64),
    ) -> Option<Fitted> {
        let mut state = self.start(&family);
        let mut rate = self.first_rate;
        let (mut average, mut converged): (Option<Vec<f64>>, bool) = (None, false);
        let mut path = Vec::new();
        for _ in 0..=self.most_halvings {
            let mut mean = state.theta.clone();
            for _ in 0..self.most_windows {
                let (first, second) = (self.window / 2, self.window - self.window / 2);
                let mut halves = Vec::new();
                let mut elbo = 0.0;
                for steps in [first, second] {
                    let mut half = Moments::new(state.theta.len());
                    for _ in 0..steps {
                        self.step(estimator, &mut state, rate, evaluator, &family, rng);
                        half.add(&state.theta);
                        elbo += state.elbo / self.window as f64;
                    }
                    halves.push(half);
                }
                path.push(elbo);
                observe(path.len(), elbo);
                let drifts = halves[0].drifts(&halves[1], self.drift);
                mean = halves[0].mean_with(&halves[1]);
                if !drifts || evaluator.is_interrupted() {
                    break;
                }
            }
            let moved = average.as_ref().map(|before| family.distance(before, &mean));
            state.theta.clone_from(&mean);
            average = Some(mean);
            converged = moved.is_some_and(|moved| moved < self.tolerance);
            if converged || evaluator.is_interrupted() {
                break;
            }
            rate *= 0.5;
        }
        let guide = family.guide(&average?)?;
        let elbo = path.last().copied()?;
        elbo.is_finite().then_some(Fitted { guide, elbo, path, converged })
    }
}

/// Sums of iterates and of their squares.
struct Moments {
    sum: Vec<f64>,
    squares: Vec<f64>,
    count: f64,
}

impl Moments {
    fn new(length: usize) -> Self {
        Self { sum: vec![0.0; length], squares: vec![0.0; length], count: 0.0 }
    }

    fn add(&mut self, theta: &[f64]) {
        self.count += 1.0;
        for ((sum, square), x) in self.sum.iter_mut().zip(&mut self.squares).zip(theta) {
            *sum += x;
            *square += x * x;
        }
    }

    fn moments(&self, index: usize) -> (f64, f64) {
        let mean = self.sum[index] / self.count;
        (mean, (self.squares[index] / self.count - mean * mean).max(0.0))
    }

    /// Whether more than one parameter in twenty differs between two halves.
    fn drifts(&self, other: &Self, limit: f64) -> bool {
        let differs = |index: &usize| {
            let ((a, va), (b, vb)) = (self.moments(*index), other.moments(*index));
            (a - b).abs() > limit * (va + vb).sqrt() && (a - b).abs() > f64::EPSILON
        };
        let count = (0..self.sum.len()).filter(differs).count();
        20 * count > self.sum.len()
    }

    fn mean_with(&self, other: &Self) -> Vec<f64> {
        let count = self.count + other.count;
        self.sum.iter().zip(&other.sum).map(|(a, b)| (a + b) / count).collect()
    }
}
