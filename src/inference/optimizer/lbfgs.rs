//! Limited-memory BFGS with a bisection for the weak Wolfe conditions.
//!
//! The line search is that of Lewis & Overton, "Nonsmooth optimization via quasi-Newton methods"
//! (2013), algorithm 2.6: it needs no smoothness and treats a value that is not finite as +∞, so
//! the domain of a log density needs no description. Invariant: the value of the state is finite
//! and never rises.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The algorithm's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lbfgs {
    /// Steps remembered (6: Zhang et al., "Pathfinder", 2022).
    pub memory: usize,
    /// Steps at most.
    pub max_iterations: usize,
    /// Stop when no partial derivative exceeds this.
    pub gradient_tolerance: f64,
    /// Stop when three steps in a row each lower the value by less than this, relative to it.
    pub value_tolerance: f64,
    /// The Armijo constant c₁ (Nocedal & Wright, 2006).
    pub sufficient_decrease: f64,
    /// The curvature constant c₂ (Nocedal & Wright, 2006).
    pub curvature: f64,
    /// Evaluations of one line search at most.
    pub max_trials: usize,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self {
            memory: 6,
            max_iterations: 300,
            gradient_tolerance: 1e-6,
            value_tolerance: 1e-9,
            sufficient_decrease: 1e-4,
            curvature: 0.9,
            max_trials: 40,
        }
    }
}

/// How a minimisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// More steps may lower the value.
    Running,
    /// The gradient vanished.
    Converged,
    /// The value hardly falls any more, or no step lowers it.
    Stalled,
}

/// The point reached, with what later steps need.
#[derive(Clone, Debug)]
pub struct State {
    /// The point.
    pub point: Vec<f64>,
    /// The function's value there.
    pub value: f64,
    /// The function's gradient there.
    pub gradient: Vec<f64>,
    pairs: VecDeque<Pair>,
    small_steps: u32,
}

/// A step s and the change y of the gradient along it, with s·y > 0.
#[derive(Clone, Debug)]
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inner: f64,
}

/// A point that a line search tried.
struct Trial {
    point: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Lbfgs {
    /// The state at a point; `None` if the value or the gradient is not finite there.
    ///
    /// `objective` returns the value at a point and writes the gradient.
    pub fn start<F>(&self, point: Vec<f64>, objective: &mut F) -> Option<State>
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
    {
        let trial = evaluate(point, objective);
        let Trial { point, value, gradient } = trial;
        let state = State { point, value, gradient, pairs: VecDeque::new(), small_steps: 0 };
        state.value.is_finite().then_some(state)
    }

    /// One quasi-Newton step.
    pub fn step<F>(&self, state: &mut State, objective: &mut F) -> Status
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
    {
        if largest(&state.gradient) < self.gradient_tolerance {
            return Status::Converged;
        }
        let mut direction = state.quasi_newton_direction();
        let mut slope = dot(&direction, &state.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            state.pairs.clear();
            direction = state.gradient.iter().map(|partial| -partial).collect();
            slope = -dot(&state.gradient, &state.gradient);
        }
        match self.search(state, &direction, slope, objective) {
            Some(trial) => self.accept(state, trial),
            None if state.pairs.is_empty() => Status::Stalled,
            None => {
                state.pairs.clear();
                self.note_small_step(state)
            }
        }
    }

    /// Steps until the minimum, a stall or the last iteration; `observe` sees each state.
    pub fn minimize<F, G>(&self, mut state: State, objective: &mut F, mut observe: G) -> State
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
        G: FnMut(&State),
    {
        observe(&state);
        for _ in 0..self.max_iterations {
            let status = self.step(&mut state, objective);
            observe(&state);
            match status {
                Status::Running => {}
                Status::Converged | Status::Stalled => break,
            }
        }
        state
    }

    /// A point on the ray that satisfies the weak Wolfe conditions, or failing that one that at
    /// least satisfies the first of them.
    fn search<F>(
        &self,
        state: &State,
        direction: &[f64],
        slope: f64,
        objective: &mut F,
    ) -> Option<Trial>
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
    {
        let first = if state.pairs.is_empty() { (-slope).sqrt().recip().min(1.0) } else { 1.0 };
        let (mut length, mut low, mut high) = (first, 0.0, f64::INFINITY);
        let mut fallback = None;
        for _ in 0..self.max_trials {
            let point = state.point.iter().zip(direction).map(|(x, p)| x + length * p).collect();
            let trial = evaluate(point, objective);
            if trial.value > state.value + self.sufficient_decrease * length * slope {
                high = length;
            } else if dot(&trial.gradient, direction) < self.curvature * slope {
                low = length;
                fallback = Some(trial);
            } else {
                return Some(trial);
            }
            length = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
            if high - low < 1e-14 * high.max(1.0) {
                break;
            }
        }
        fallback
    }

    fn accept(&self, state: &mut State, trial: Trial) -> Status {
        let step: Vec<f64> = trial.point.iter().zip(&state.point).map(|(new, x)| new - x).collect();
        let change: Vec<f64> =
            trial.gradient.iter().zip(&state.gradient).map(|(new, g)| new - g).collect();
        let inner = dot(&step, &change);
        if inner > 1e-12 * (dot(&step, &step) * dot(&change, &change)).sqrt() {
            state.pairs.push_back(Pair { step, change, inner });
            if state.pairs.len() > self.memory {
                state.pairs.pop_front();
            }
        }
        let fall = state.value - trial.value;
        (state.point, state.value, state.gradient) = (trial.point, trial.value, trial.gradient);
        if largest(&state.gradient) < self.gradient_tolerance {
            Status::Converged
        } else if fall <= self.value_tolerance * state.value.abs().max(1.0) {
            self.note_small_step(state)
        } else {
            state.small_steps = 0;
            Status::Running
        }
    }

    fn note_small_step(&self, state: &mut State) -> Status {
        state.small_steps += 1;
        if state.small_steps >= 3 { Status::Stalled } else { Status::Running }
    }
}

impl State {
    /// −H g by the two-loop recursion (Nocedal & Wright, algorithm 7.4).
    fn quasi_newton_direction(&self) -> Vec<f64> {
        let mut direction: Vec<f64> = self.gradient.iter().map(|partial| -partial).collect();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = dot(&pair.step, &direction) / pair.inner;
            add_scaled(&mut direction, -weight, &pair.change);
            weights.push(weight);
        }
        if let Some(last) = self.pairs.back() {
            let scale = last.inner / dot(&last.change, &last.change);
            direction.iter_mut().for_each(|entry| *entry *= scale);
        }
        for (pair, weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let correction = weight - dot(&pair.change, &direction) / pair.inner;
            add_scaled(&mut direction, correction, &pair.step);
        }
        direction
    }
}

fn evaluate<F>(point: Vec<f64>, objective: &mut F) -> Trial
where
    F: FnMut(&[f64], &mut [f64]) -> f64,
{
    let mut gradient = vec![0.0; point.len()];
    let value = objective(&point, &mut gradient);
    let finite = value.is_finite() && gradient.iter().all(|partial| partial.is_finite());
    Trial { point, value: if finite { value } else { f64::INFINITY }, gradient }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add_scaled(target: &mut [f64], factor: f64, other: &[f64]) {
    target.iter_mut().zip(other).for_each(|(x, y)| *x += factor * y);
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, partial| partial.abs().max(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimize<F>(start: &[f64], mut objective: F) -> State
    where
        F: FnMut(&[f64], &mut [f64]) -> f64,
    {
        let lbfgs = Lbfgs { value_tolerance: 0.0, ..Lbfgs::default() };
        let state = lbfgs.start(start.to_vec(), &mut objective).expect("a finite start");
        lbfgs.minimize(state, &mut objective, |_| {})
    }

    #[test]
    fn rosenbrock_reaches_its_minimum() {
        let state = minimize(&[-1.2, 1.0], |x, g| {
            let valley = x[1] - x[0] * x[0];
            g[0] = -400.0 * x[0] * valley - 2.0 * (1.0 - x[0]);
            g[1] = 200.0 * valley;
            100.0 * valley * valley + (1.0 - x[0]).powi(2)
        });
        assert!((state.point[0] - 1.0).abs() < 1e-6 && (state.point[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_barrier_of_values_that_are_not_finite_is_respected() {
        // x − ln x has its minimum at 1 and is NaN below 0.
        let state = minimize(&[30.0], |x, g| {
            g[0] = 1.0 - 1.0 / x[0];
            x[0] - x[0].ln()
        });
        assert!((state.point[0] - 1.0).abs() < 1e-5, "{}", state.point[0]);
    }

    #[test]
    fn a_start_that_is_not_finite_is_refused() {
        assert!(
            Lbfgs::default().start(vec![0.0], &mut |_: &[f64], _: &mut [f64]| f64::NAN).is_none()
        );
    }
}
