//! Draws from a target by the no-U-turn sampler: several chains, each adapted on its own.
//!
//! The slow reference that guides are judged by. Invariant: a chain depends on the target, the
//! options, the seed and its own number only, never on the number of threads.

pub mod adaptation;
pub mod metric;
pub mod trajectory;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::adaptation::{DualAveraging, Learner};
use self::metric::Metric;
use self::trajectory::{Position, Stepper};
use super::evaluate::{Counts, Evaluator};
use super::options::Starts;
use super::random::{Purpose, stream};
use super::start::finite_start;
use super::target::Target;

/// The sampler's constants; Stan's, except for the dense metric of small models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nuts {
    /// Chains.
    pub chains: usize,
    /// Iterations of each chain that only adapt it.
    pub warmup: usize,
    /// Iterations of each chain that are kept.
    pub draws: usize,
    /// The mean acceptance that the step size aims at.
    pub acceptance: f64,
    /// Doublings of a trajectory at most.
    pub max_depth: usize,
    /// An energy error above this is a divergence.
    pub max_error: f64,
    /// The most coordinates that get a dense metric: d² per step, and it needs draws to estimate.
    pub dense_limit: usize,
}

impl Default for Nuts {
    fn default() -> Self {
        Self {
            chains: 4,
            warmup: 1000,
            draws: 1000,
            acceptance: 0.8,
            max_depth: 10,
            max_error: 1000.0,
            dense_limit: 30,
        }
    }
}

/// A finished chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The kept points, one per column (d × N).
    pub points: DMatrix<f64>,
    /// Kept iterations whose trajectory diverged.
    pub divergences: usize,
    /// Kept iterations that reached the largest trajectory.
    pub saturated: usize,
    /// The mean acceptance of the kept iterations.
    pub acceptance: f64,
    /// The step size.
    pub step: f64,
}

impl Nuts {
    /// Every chain, in order; a chain without a finite starting point is left out.
    pub fn sample<T: Target>(
        &self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        starts: &Starts,
        seed: u64,
    ) -> Vec<Chain> {
        let interrupt = evaluator.interrupt().clone();
        let outcomes: Vec<(Option<Chain>, Counts)> = (0..self.chains)
            .into_par_iter()
            .map(|index| {
                let mut own = Evaluator::sequential(target).interruptible(&interrupt);
                let chain = self.chain(&mut own, target, starts, seed, index);
                (chain, own.counts())
            })
            .collect();
        let mut chains = Vec::new();
        for (chain, counts) in outcomes {
            evaluator.add(counts);
            chains.extend(chain);
        }
        // Chains that were stopped are of different lengths.
        let shortest = chains.iter().map(|chain: &Chain| chain.points.ncols()).min().unwrap_or(0);
        for chain in &mut chains {
            chain.points = chain.points.columns(0, shortest).into_owned();
        }
        chains
    }

    fn chain<T: Target>(
        &self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        starts: &Starts,
        seed: u64,
        index: usize,
    ) -> Option<Chain> {
        let dimension = target.dimension();
        let start = finite_start(evaluator, target, seed, index, starts)?;
        let mut rng = stream(seed, Purpose::Chain, index as u32);
        let mut position = Position::at(evaluator, DVector::from_vec(start))?;
        let mut metric = Metric::unit(dimension);
        let mut step = self.stepper(&metric, 1.0).reasonable_step(evaluator, &position, &mut rng);
        let mut averaging = DualAveraging::new(step, self.acceptance);
        let mut learner = Learner::new(self.warmup, dimension, dimension <= self.dense_limit);
        for iteration in 0..self.warmup {
            if evaluator.is_interrupted() {
                return None;
            }
            let stepper = self.stepper(&metric, step);
            let (next, told) = stepper.transition(evaluator, &position, &mut rng);
            position = next;
            step = averaging.update(told.acceptance);
            if let Some(learned) = learner.observe(iteration, &position.point) {
                metric = learned;
                let stepper = self.stepper(&metric, step);
                step = stepper.reasonable_step(evaluator, &position, &mut rng);
                averaging = DualAveraging::new(step, self.acceptance);
            }
        }
        if self.warmup > 0 {
            step = averaging.average();
        }
        let stepper = self.stepper(&metric, step);
        let mut chain = Chain {
            points: DMatrix::zeros(dimension, self.draws),
            divergences: 0,
            saturated: 0,
            acceptance: 0.0,
            step,
        };
        let mut kept = 0;
        for mut column in chain.points.column_iter_mut() {
            if evaluator.is_interrupted() {
                break;
            }
            kept += 1;
            let (next, told) = stepper.transition(evaluator, &position, &mut rng);
            position = next;
            column.copy_from(&position.point);
            chain.divergences += usize::from(told.diverged);
            chain.saturated += usize::from(told.depth == self.max_depth);
            chain.acceptance += told.acceptance / self.draws as f64;
        }
        chain.points = chain.points.columns(0, kept).into_owned();
        (kept > 0).then_some(chain)
    }

    fn stepper<'m>(&self, metric: &'m Metric, step: f64) -> Stepper<'m> {
        Stepper { metric, step, max_depth: self.max_depth, max_error: self.max_error }
    }
}
