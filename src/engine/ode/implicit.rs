//! The implicit Runge-Kutta method Radau IIA of order 5, for stiff equations.
//!
//! With Z_i = y(t + c_i h) - y, the stages solve Z_i = h Σ_j a_ij y′(t + c_j h, y + Z_j). The
//! Newton iteration uses ∂f/∂y at the beginning of the step, for the states and for every
//! sensitivity alike (the dependence of one on the other only costs iterations). The error is
//! estimated by an embedded formula of order 3 (Hairer and Wanner 1996, Solving Ordinary
//! Differential Equations II, section IV.8).

use super::lu;
use super::problem::{Method, Problem, Step};
use crate::engine::lane::Lane;
use std::ops::Range;

const SQRT_6: f64 = 2.449_489_742_783_178;
const TIMES: [f64; 3] = [(4.0 - SQRT_6) / 10.0, (4.0 + SQRT_6) / 10.0, 1.0];
const STAGE: [[f64; 3]; 3] = [
    [
        (88.0 - 7.0 * SQRT_6) / 360.0,
        (296.0 - 169.0 * SQRT_6) / 1800.0,
        (-2.0 + 3.0 * SQRT_6) / 225.0,
    ],
    [
        (296.0 + 169.0 * SQRT_6) / 1800.0,
        (88.0 + 7.0 * SQRT_6) / 360.0,
        (-2.0 - 3.0 * SQRT_6) / 225.0,
    ],
    [(16.0 - SQRT_6) / 36.0, (16.0 + SQRT_6) / 36.0, 1.0 / 9.0],
];
/// The real eigenvalue of the inverse of [`STAGE`], 3 + ∛9 - ∛3.
const EIGENVALUE: f64 = 3.637_834_252_744_496;
/// The weights of the stages in the estimate of the error.
const ERROR: [f64; 3] = [(-13.0 - 7.0 * SQRT_6) / 3.0, (-13.0 + 7.0 * SQRT_6) / 3.0, -1.0 / 3.0];

/// The iteration ends when what is left is this part of the error that is allowed.
const CONVERGED: f64 = 1e-3;
/// Steps of the Newton iteration before the time step is made shorter.
const ITERATIONS: usize = 15;

/// Vectors of the size of the solution that the method needs: the stages, their residuals and
/// slopes, the slope at the beginning and the error.
pub(super) const NUMBERS: usize = 11;

/// The matrices among the plain numbers: ∂f/∂y, then the matrix of the error, then that of the
/// stages.
pub(super) fn matrices(states: usize) -> Range<usize> {
    0..11 * states * states
}

/// Rows of the matrices of the error and of the stages.
pub(super) fn pivots(states: usize) -> usize {
    4 * states
}

/// The stages of the last step.
#[derive(Debug)]
pub(super) struct Implicit<'a, T> {
    stages: &'a mut [T],
    residuals: &'a mut [T],
    slopes: &'a mut [T],
    slope: &'a mut [T],
    error: &'a mut [T],
    jacobian: &'a mut [f64],
    error_matrix: &'a mut [f64],
    stage_matrix: &'a mut [f64],
    error_pivots: &'a mut [usize],
    stage_pivots: &'a mut [usize],
    states: usize,
    /// Whether the last attempt was rejected, or there was none.
    unsure: bool,
}

impl<'a, T: Lane> Implicit<'a, T> {
    pub(super) fn new(
        memory: &'a mut [T],
        reals: &'a mut [f64],
        pivots: &'a mut [usize],
        states: usize,
        width: usize,
    ) -> Self {
        let size = states * width;
        let (stages, rest) = memory.split_at_mut(3 * size);
        let (residuals, rest) = rest.split_at_mut(3 * size);
        let (slopes, rest) = rest.split_at_mut(3 * size);
        let (slope, rest) = rest.split_at_mut(size);
        let (jacobian, matrices) = reals[..matrices(states).end].split_at_mut(states * states);
        let (error_matrix, stage_matrix) = matrices.split_at_mut(states * states);
        let (error_pivots, stage_pivots) = pivots[..4 * states].split_at_mut(states);
        Implicit {
            stages,
            residuals,
            slopes,
            slope,
            error: &mut rest[..size],
            jacobian,
            error_matrix,
            stage_matrix,
            error_pivots,
            stage_pivots,
            states,
            unsure: true,
        }
    }

    /// Factorises 1 - h A ⊗ J and (γ / h) - J.
    fn prepare(&mut self, length: f64) {
        let n = self.states;
        let one = |i, j| f64::from(u8::from(i == j));
        for i in 0..n {
            for j in 0..n {
                let slope = self.jacobian[i * n + j];
                self.error_matrix[i * n + j] = one(i, j) * EIGENVALUE / length - slope;
                for (row, weights) in STAGE.iter().enumerate() {
                    for (column, weight) in weights.iter().enumerate() {
                        let at = (row * n + i) * 3 * n + column * n + j;
                        self.stage_matrix[at] =
                            one(row * n + i, column * n + j) - length * weight * slope;
                    }
                }
            }
        }
        lu::factorize(self.error_matrix, self.error_pivots);
        lu::factorize(self.stage_matrix, self.stage_pivots);
    }

    /// Finds the stages; returns whether the iteration converges.
    fn iterate(
        &mut self,
        problem: &mut Problem<'_, T>,
        now: f64,
        length: f64,
        y: &[T],
        next: &mut [T],
    ) -> bool {
        let size = y.len();
        self.stages.fill(T::constant(0.0));
        let mut before = f64::NAN;
        for iteration in 0..ITERATIONS {
            for (stage, time) in TIMES.iter().enumerate() {
                let change = &self.stages[stage * size..][..size];
                next.iter_mut().zip(y).zip(change).for_each(|((to, y), z)| *to = *y + *z);
                let slope = &mut self.slopes[stage * size..][..size];
                problem.derivative(now + length * time, next, slope);
            }
            for (stage, weights) in STAGE.iter().enumerate() {
                for i in 0..size {
                    let slopes = weights.iter().enumerate();
                    let moved = slopes.fold(T::constant(0.0), |sum, (other, weight)| {
                        sum + self.slopes[other * size + i] * (length * weight)
                    });
                    let at = stage * size + i;
                    self.residuals[at] = moved - self.stages[at];
                }
            }
            lu::solve(self.stage_matrix, self.stage_pivots, self.residuals);
            self.stages.iter_mut().zip(&*self.residuals).for_each(|(z, dz)| *z = *z + *dz);
            let change = (0..3)
                .map(|stage| problem.norm(y, next, |i| self.residuals[stage * size + i]))
                .fold(0.0, |largest: f64, norm| if norm <= largest { largest } else { norm });
            let rate = change / before;
            before = change;
            if !change.is_finite() || (iteration > 2 && rate >= 1.0) {
                return false;
            }
            if change == 0.0 || (rate < 1.0 && change * rate / (1.0 - rate) < CONVERGED) {
                return true;
            }
        }
        false
    }

    /// (γ / h - J)⁻¹ (y′ + Σ e_i Z_i / h), left in `error`.
    fn estimate(&mut self, length: f64) {
        let size = self.slope.len();
        for i in 0..size {
            let stages = ERROR.iter().enumerate().fold(T::constant(0.0), |sum, (stage, weight)| {
                sum + self.stages[stage * size + i] * (weight / length)
            });
            self.error[i] = self.slope[i] + stages;
        }
        lu::solve(self.error_matrix, self.error_pivots, self.error);
    }
}

impl<T: Lane> Method<T> for Implicit<'_, T> {
    fn order(&self) -> i32 {
        4
    }

    fn begin(
        &mut self,
        problem: &mut Problem<'_, T>,
        start: f64,
        end: f64,
        y: &[T],
        scratch: &mut [T],
    ) -> f64 {
        problem.derivative(start, y, self.slope);
        problem.first_step((start, end), 4, (y, self.slope), (self.error, scratch))
    }

    fn attempt(
        &mut self,
        problem: &mut Problem<'_, T>,
        now: f64,
        length: f64,
        y: &[T],
        next: &mut [T],
    ) -> f64 {
        problem.jacobian(now, y, self.jacobian);
        self.prepare(length);
        let size = y.len();
        if !self.iterate(problem, now, length, y, next) {
            self.unsure = true;
            return f64::NAN;
        }
        problem.derivative(now, y, self.slope);
        self.estimate(length);
        let last = &self.stages[2 * size..][..size];
        next.iter_mut().zip(y).zip(last).for_each(|((to, y), z)| *to = *y + *z);
        let mut error = problem.norm(y, next, |i| self.error[i]);
        if self.unsure && error > 1.0 {
            // The estimate is too large in fast directions; it is filtered once more.
            let shifted = &mut self.residuals[..size];
            shifted.iter_mut().zip(y).zip(&*self.error).for_each(|((to, y), e)| *to = *y + *e);
            problem.derivative(now, shifted, self.slope);
            self.estimate(length);
            error = problem.norm(y, next, |i| self.error[i]);
        }
        self.unsure = error.is_nan() || error > 1.0;
        error
    }

    fn accept(&mut self) {
        self.unsure = false;
    }

    /// The polynomial through the stages is of order 3 only.
    fn lands(&self) -> bool {
        true
    }

    fn report(
        &mut self,
        _: &mut Problem<'_, T>,
        step: &Step<'_, T>,
        times: &[f64],
        _: &mut [T],
        mut visit: impl FnMut(usize, &[T]),
    ) {
        (0..times.len()).for_each(|position| visit(position, step.next));
    }
}
