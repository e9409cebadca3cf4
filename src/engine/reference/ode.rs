//! Differential equations by a method with nothing in common with the engine's: many equal steps of
//! the classical Runge-Kutta method of order 4, extrapolated twice.

use super::Reading;
use crate::bound::solved::{self, OdeSystem};
use crate::bound::{EvaluationError, Evaluator};
use crate::math::Scalar;
use crate::typed::{IndexId, Solution};

/// The numbers of steps between two times: each twice the one before, for the extrapolation.
const STEPS: [usize; 3] = [64, 128, 256];

impl<S: Scalar> Reading<'_, S> {
    /// The states of all systems at all times, row-major.
    pub(super) fn solve(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        indices: &[IndexId],
        solution: &Solution,
    ) -> Result<Vec<S>, EvaluationError> {
        let Some((_, points)) = indices.split_last() else { return Ok(Vec::new()) };
        let states = solution.initial.len();
        let total: usize = points.iter().map(|index| evaluator.extent(*index)).product();
        let mut solved = vec![S::constant(f64::NAN); total * states];
        for system in solved::systems(evaluator, points, solution)? {
            let first = system.positions.first().copied().unwrap_or(0);
            // Rates and initial values are the same at all positions of a system.
            evaluator.stand(points, first);
            let values = self.solve_one(evaluator, solution, &system)?;
            for (position, values) in system.positions.iter().zip(values.chunks(states.max(1))) {
                solved[position * states..][..states].copy_from_slice(values);
            }
        }
        Ok(solved)
    }

    /// The states of one system at its times.
    fn solve_one(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        solution: &Solution,
        system: &OdeSystem,
    ) -> Result<Vec<S>, EvaluationError> {
        let initial = &solution.initial;
        let first = initial.iter().map(|e| evaluator.eval(e)).collect::<Result<Vec<S>, _>>()?;
        let mut runs = Vec::new();
        for steps in STEPS {
            let (mut y, mut now) = (first.clone(), system.start);
            let mut values = Vec::new();
            for time in &system.times {
                let length = (time - now) / steps as f64;
                for step in 0..steps {
                    y = self.step(evaluator, solution, now + step as f64 * length, length, &y)?;
                }
                now = *time;
                values.extend_from_slice(&y);
            }
            runs.push(values);
        }
        self.states.borrow_mut().clear();
        // The error of order 4 of two runs cancels, then that of order 5 (Richardson).
        let extrapolate = |coarse: &[S], fine: &[S], power: f64| -> Vec<S> {
            let pairs = coarse.iter().zip(fine);
            pairs.map(|(c, f)| *f + (*f - *c) * (1.0 / (power - 1.0))).collect()
        };
        let once = extrapolate(&runs[0], &runs[1], 16.0);
        let again = extrapolate(&runs[1], &runs[2], 16.0);
        Ok(extrapolate(&once, &again, 32.0))
    }

    fn step(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        solution: &Solution,
        time: f64,
        length: f64,
        y: &[S],
    ) -> Result<Vec<S>, EvaluationError> {
        let moved = |slope: &[S], by: f64| -> Vec<S> {
            y.iter().zip(slope).map(|(y, k)| *y + *k * (length * by)).collect()
        };
        let a = self.slope(evaluator, solution, time, y)?;
        let b = self.slope(evaluator, solution, time + 0.5 * length, &moved(&a, 0.5))?;
        let c = self.slope(evaluator, solution, time + 0.5 * length, &moved(&b, 0.5))?;
        let d = self.slope(evaluator, solution, time + length, &moved(&c, 1.0))?;
        let weighted = |i: usize| (a[i] + b[i] * 2.0 + c[i] * 2.0 + d[i]) * (length / 6.0);
        Ok(y.iter().enumerate().map(|(i, y)| *y + weighted(i)).collect())
    }

    fn slope(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        solution: &Solution,
        time: f64,
        y: &[S],
    ) -> Result<Vec<S>, EvaluationError> {
        let mut states = y.to_vec();
        states.push(S::constant(time));
        *self.states.borrow_mut() = states;
        solution.rates.iter().map(|rate| evaluator.eval(rate)).collect()
    }
}
