//! The explicit Runge-Kutta method of order 8 with error estimates of orders 5 and 3.

use super::problem::{Method, Problem};
use super::tableau::{ERROR_3, ERROR_5, STAGE, STAGES, STEP, TIMES};
use crate::engine::lane::{Lane, add_scaled};

/// Vectors of the size of the solution that the method needs: its stages, and y′ at the end.
pub(super) const NUMBERS: usize = STAGES + 1;

/// The stages of the last step.
#[derive(Debug)]
pub(super) struct Explicit<'a, T> {
    /// y′ at the stages, one after the other, then at the end of the step.
    slopes: &'a mut [T],
    size: usize,
}

impl<'a, T: Lane> Explicit<'a, T> {
    pub(super) fn new(memory: &'a mut [T], size: usize) -> Self {
        Explicit { slopes: &mut memory[..NUMBERS * size], size }
    }

    /// Σ weight × y′ of element i.
    fn combine(&self, weights: &[f64; STAGES], i: usize) -> T {
        let slopes = self.slopes.iter().skip(i).step_by(self.size);
        slopes.zip(weights).fold(T::constant(0.0), |sum, (slope, weight)| sum + *slope * *weight)
    }
}

impl<T: Lane> Method<T> for Explicit<'_, T> {
    fn order(&self) -> i32 {
        8
    }

    fn begin(
        &mut self,
        problem: &mut Problem<'_, T>,
        start: f64,
        end: f64,
        y: &[T],
        scratch: &mut [T],
    ) -> f64 {
        let (slope, rest) = self.slopes.split_at_mut(self.size);
        problem.derivative(start, y, slope);
        let other = &mut rest[..self.size];
        problem.first_step((start, end), 8, (y, slope), (other, scratch))
    }

    fn attempt(
        &mut self,
        problem: &mut Problem<'_, T>,
        now: f64,
        length: f64,
        y: &[T],
        next: &mut [T],
    ) -> f64 {
        for stage in 1..=STAGES {
            let weights = if stage < STAGES { &STAGE[stage][..stage] } else { &STEP[..] };
            next.copy_from_slice(y);
            for (slope, weight) in self.slopes.chunks_exact(self.size).zip(weights) {
                if *weight != 0.0 {
                    add_scaled(next, T::constant(weight * length), slope);
                }
            }
            let time = now + length * TIMES.get(stage).copied().unwrap_or(1.0);
            problem.derivative(time, next, &mut self.slopes[stage * self.size..][..self.size]);
        }
        let fifth = problem.norm(y, next, |i| self.combine(&ERROR_5, i) * length);
        let third = problem.norm(y, next, |i| self.combine(&ERROR_3, i) * length);
        if fifth == 0.0 {
            0.0
        } else {
            fifth * fifth / (fifth * fifth + 0.01 * third * third).sqrt()
        }
    }

    fn accept(&mut self) {
        self.slopes.copy_within(STAGES * self.size.., 0);
    }
}
