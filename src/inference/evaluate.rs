//! Evaluates a target at batches of unconstrained points, in threads, and counts the work.
//!
//! Invariant: each point is evaluated on its own and written to its own place, so results do not
//! depend on how a batch is divided among threads. That is why a clock may decide the division.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::interrupt::Interrupt;
use super::target::{LogDensity, Target};

/// The work below which a batch is not worth dividing: a few dispatches of the thread pool.
const WORTH_DIVIDING: Duration = Duration::from_micros(100);

/// How often a target was evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Evaluations of the log density without its gradient.
    pub log_density: u64,
    /// Evaluations of the log density with its gradient.
    pub gradient: u64,
    /// Products of the Hessian with a vector; each costs about two gradients.
    pub hessian_vector: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.log_density += other.log_density;
        self.gradient += other.gradient;
        self.hessian_vector += other.hessian_vector;
    }
}

/// A kind of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// Of the log density.
    LogDensity,
    /// Of the log density and its gradient.
    Gradient,
    /// Of the Hessian's product with a vector.
    HessianVector,
}

/// Counts that several threads add to.
#[derive(Debug, Default)]
pub struct Tally {
    log_density: AtomicU64,
    gradient: AtomicU64,
    hessian_vector: AtomicU64,
}

impl Tally {
    /// Counts one evaluation.
    pub fn count(&self, evaluation: Evaluation) {
        let own = match evaluation {
            Evaluation::LogDensity => &self.log_density,
            Evaluation::Gradient => &self.gradient,
            Evaluation::HessianVector => &self.hessian_vector,
        };
        own.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what was counted elsewhere.
    pub fn add(&self, counts: Counts) {
        self.log_density.fetch_add(counts.log_density, Ordering::Relaxed);
        self.gradient.fetch_add(counts.gradient, Ordering::Relaxed);
        self.hessian_vector.fetch_add(counts.hessian_vector, Ordering::Relaxed);
    }

    /// The evaluations so far.
    pub fn counts(&self) -> Counts {
        Counts {
            log_density: self.log_density.load(Ordering::Relaxed),
            gradient: self.gradient.load(Ordering::Relaxed),
            hessian_vector: self.hessian_vector.load(Ordering::Relaxed),
        }
    }
}

/// A target with the scratch memory of each thread and a count of evaluations.
pub struct Evaluator<'a, T: LogDensity> {
    target: &'a T,
    workspaces: Vec<T::Workspace>,
    threads: usize,
    counts: Counts,
    interrupt: Interrupt,
}

impl<'a, T: LogDensity> Evaluator<'a, T> {
    /// An evaluator that divides costly batches among the threads of the current rayon pool.
    pub fn new(target: &'a T) -> Self {
        Self::with_threads(target, rayon::current_num_threads())
    }

    /// An evaluator that stays on the calling thread.
    pub fn sequential(target: &'a T) -> Self {
        Self::with_threads(target, 1)
    }

    fn with_threads(target: &'a T, threads: usize) -> Self {
        let (counts, interrupt) = (Counts::default(), Interrupt::default());
        Self { target, workspaces: vec![target.workspace()], threads, counts, interrupt }
    }

    /// The same, told of a wish to stop.
    pub fn interruptible(self, interrupt: &Interrupt) -> Self {
        Self { interrupt: interrupt.clone(), ..self }
    }

    /// The wish to stop that it was told of.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Whether what evaluates should stop soon.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_raised()
    }

    /// The number of unconstrained coordinates, d.
    pub fn dimension(&self) -> usize {
        self.target.dimension()
    }

    /// The evaluations so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds work done elsewhere on the same target.
    pub fn add(&mut self, counts: Counts) {
        self.counts += counts;
    }

    /// log p at one point, and its gradient; without evaluation −∞, once interrupted.
    pub fn gradient(&mut self, point: &[f64], gradient: &mut [f64]) -> f64 {
        if self.is_interrupted() {
            return f64::NEG_INFINITY;
        }
        self.counts.gradient += 1;
        self.target.gradient(&mut self.workspaces[0], point, gradient)
    }

    /// The product of the Hessian of log p at `point` with `direction`.
    pub fn hessian_vector(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        self.counts.hessian_vector += 1;
        self.target.hessian_vector(&mut self.workspaces[0], point, direction, product);
    }

    /// log p at every column of `points` (d × N).
    pub fn log_densities(&mut self, points: &DMatrix<f64>) -> Vec<f64> {
        let mut values = vec![0.0; points.ncols()];
        self.counts.log_density += values.len() as u64;
        let target = self.target;
        let evaluate = |workspace: &mut T::Workspace, batch: Batch<'_>| {
            batch.for_each(|point, _| target.log_density(workspace, point));
        };
        self.run(points, &mut values, &mut [], &evaluate);
        values
    }

    /// log p at every column of `points` (d × N), and its gradients in the columns of `gradients`;
    /// without evaluation −∞, once interrupted.
    pub fn gradients(&mut self, points: &DMatrix<f64>, gradients: &mut DMatrix<f64>) -> Vec<f64> {
        if self.is_interrupted() {
            return vec![f64::NEG_INFINITY; points.ncols()];
        }
        let mut values = vec![0.0; points.ncols()];
        self.counts.gradient += values.len() as u64;
        let target = self.target;
        let evaluate = |workspace: &mut T::Workspace, batch: Batch<'_>| {
            target.gradients(workspace, batch.points, batch.values, batch.rows);
        };
        self.run(points, &mut values, gradients.as_mut_slice(), &evaluate);
        values
    }

    /// The products of the Hessians at every column of `points` (d × N) with the columns of
    /// `directions`, one for each.
    pub fn hessian_vectors(
        &mut self,
        points: &DMatrix<f64>,
        directions: &DMatrix<f64>,
    ) -> DMatrix<f64> {
        let dimension = points.nrows();
        let mut values = vec![0.0; points.ncols()];
        let mut products = DMatrix::zeros(dimension, points.ncols());
        self.counts.hessian_vector += values.len() as u64;
        let target = self.target;
        let mut both = DMatrix::zeros(2 * dimension, points.ncols());
        both.rows_mut(0, dimension).copy_from(points);
        both.rows_mut(dimension, dimension).copy_from(directions);
        let evaluate = |workspace: &mut T::Workspace, batch: Batch<'_>| {
            batch.for_each(|both, row| {
                let (point, direction) = both.split_at(dimension);
                target.hessian_vector(workspace, point, direction, row);
                0.0
            });
        };
        self.run(&both, &mut values, products.as_mut_slice(), &evaluate);
        products
    }

    fn run<F>(&mut self, points: &DMatrix<f64>, values: &mut [f64], rows: &mut [f64], evaluate: &F)
    where
        F: Fn(&mut T::Workspace, Batch<'_>) + Sync,
    {
        let (dimension, width) = (points.nrows(), rows.len() / values.len().max(1));
        let batch = Batch { points: points.as_slice(), values, rows, dimension, width };
        let (first, rest) = batch.split(1);
        let clock = Instant::now();
        evaluate(&mut self.workspaces[0], first);
        let cost = clock.elapsed().saturating_mul(rest.values.len() as u32);
        if self.threads > 1 && cost >= WORTH_DIVIDING {
            let target = self.target;
            self.workspaces.resize_with(self.threads, || target.workspace());
            rest.run_divided(&mut self.workspaces, evaluate);
        } else {
            evaluate(&mut self.workspaces[0], rest);
        }
    }
}

impl<T: Target> Evaluator<'_, T> {
    /// See [`Target::cost`].
    pub fn cost(&self) -> usize {
        self.target.cost()
    }

    /// Every quantity at every column of `points` (d × N), as a matrix quantities × N.
    pub fn quantities(&mut self, points: &DMatrix<f64>) -> DMatrix<f64> {
        let target = self.target;
        let mut values = vec![0.0; points.ncols()];
        let mut out = DMatrix::zeros(target.quantity_count(), points.ncols());
        let evaluate = |workspace: &mut T::Workspace, batch: Batch<'_>| {
            batch.for_each(|point, row| {
                target.quantities(workspace, point, row);
                0.0
            });
        };
        self.run(points, &mut values, out.as_mut_slice(), &evaluate);
        out
    }
}

/// Points and the places for what is computed at each: a value and a row of `width` numbers.
struct Batch<'b> {
    points: &'b [f64],
    values: &'b mut [f64],
    rows: &'b mut [f64],
    dimension: usize,
    width: usize,
}

impl<'b> Batch<'b> {
    fn split(self, at: usize) -> (Self, Self) {
        let Self { points, values, rows, dimension, width } = self;
        let at = at.min(values.len());
        let points = points.split_at(at * dimension);
        let values = values.split_at_mut(at);
        let rows = rows.split_at_mut(at * width);
        (
            Batch { points: points.0, values: values.0, rows: rows.0, dimension, width },
            Batch { points: points.1, values: values.1, rows: rows.1, dimension, width },
        )
    }

    /// Evaluates point by point.
    fn for_each(self, mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64) {
        let (dimension, width) = (self.dimension, self.width);
        for (index, value) in self.values.iter_mut().enumerate() {
            let point = &self.points[index * dimension..(index + 1) * dimension];
            let row = &mut self.rows[index * width..(index + 1) * width];
            *value = evaluate(point, row);
        }
    }

    fn run_divided<W: Send, F>(self, workspaces: &mut [W], evaluate: &F)
    where
        F: Fn(&mut W, Batch<'_>) + Sync,
    {
        if let [workspace] = workspaces {
            return evaluate(workspace, self);
        }
        let (left, right) = workspaces.split_at_mut(workspaces.len() / 2);
        let at = self.values.len() * left.len() / (left.len() + right.len());
        let (first, second) = self.split(at);
        rayon::join(|| first.run_divided(left, evaluate), || second.run_divided(right, evaluate));
    }
}
