//! The explicit Runge-Kutta method of order 8 with error estimates of orders 5 and 3, and an
//! interpolation of order 7.

use super::problem::{Method, Problem, Step};
use super::tableau::{
    ERROR_3, ERROR_5, FURTHER, FURTHER_TIMES, INTERPOLATION, SLOPES, STAGE, STAGES, STEP, TIMES,
};
use crate::engine::lane::{Lane, add_scaled};

/// Vectors of the size of the solution that the method needs: slopes, then coefficients of the
/// interpolation.
pub(super) const NUMBERS: usize = SLOPES + INTERPOLATION.len();

/// The stages of the last step.
#[derive(Debug)]
pub(super) struct Explicit<'a, T> {
    /// y′ at the stages, one after the other, then at the end of the step, then where only the
    /// interpolation looks.
    slopes: &'a mut [T],
    /// The last coefficients of the interpolation, one after the other.
    coefficients: &'a mut [T],
    size: usize,
}

impl<'a, T: Lane> Explicit<'a, T> {
    pub(super) fn new(memory: &'a mut [T], size: usize) -> Self {
        let (slopes, coefficients) = memory[..NUMBERS * size].split_at_mut(SLOPES * size);
        Explicit { slopes, coefficients, size }
    }

    /// Adds length × Σ weight × y′.
    fn add(&self, weights: &[f64], length: f64, to: &mut [T]) {
        for (slope, weight) in self.slopes.chunks_exact(self.size).zip(weights) {
            if *weight != 0.0 {
                add_scaled(to, T::constant(weight * length), slope);
            }
        }
    }

    /// Computes the slopes that only the interpolation reads, and its coefficients.
    fn prepare(&mut self, problem: &mut Problem<'_, T>, step: &Step<'_, T>, scratch: &mut [T]) {
        let length = step.end - step.start;
        for (position, (weights, time)) in FURTHER.iter().zip(FURTHER_TIMES).enumerate() {
            scratch.copy_from_slice(step.y);
            let known = STAGES + 1 + position;
            self.add(&weights[..known], length, scratch);
            let slope = &mut self.slopes[known * self.size..][..self.size];
            problem.derivative(step.start + length * time, scratch, slope);
        }
        for (position, weights) in INTERPOLATION.iter().enumerate() {
            scratch.fill(T::constant(0.0));
            self.add(weights, length, scratch);
            self.coefficients[position * self.size..][..self.size].copy_from_slice(scratch);
        }
    }

    /// The solution at a time inside a step.
    fn interpolate(&self, step: &Step<'_, T>, time: f64, out: &mut [T]) {
        let length = step.end - step.start;
        let part = (time - step.start) / length;
        let left = 1.0 - part;
        for (i, out) in out.iter_mut().enumerate() {
            let slope = |position: usize| self.slopes[position * self.size + i] * length;
            let coefficient = |position: usize| self.coefficients[position * self.size + i];
            let change = step.next[i] - step.y[i];
            let (first, last) = (slope(0), slope(STAGES));
            let mut sum = (coefficient(3) * part + coefficient(2)) * left;
            sum = ((sum + coefficient(1)) * part + coefficient(0)) * left;
            sum = ((sum + (change * 2.0 - first - last)) * part + (first - change)) * left;
            *out = step.y[i] + (sum + change) * part;
        }
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
            self.add(weights, length, next);
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
        self.slopes.copy_within(STAGES * self.size..(STAGES + 1) * self.size, 0);
    }

    fn lands(&self) -> bool {
        false
    }

    fn report(
        &mut self,
        problem: &mut Problem<'_, T>,
        step: &Step<'_, T>,
        times: &[f64],
        scratch: &mut [T],
        mut visit: impl FnMut(usize, &[T]),
    ) {
        if times.iter().any(|time| *time < step.end) {
            self.prepare(problem, step, scratch);
        }
        for (position, time) in times.iter().enumerate() {
            if *time < step.end {
                self.interpolate(step, *time, scratch);
                visit(position, scratch);
            } else {
                visit(position, step.next);
            }
        }
    }
}
