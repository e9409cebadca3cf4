//! One transition of the no-U-turn sampler.
//!
//! Hoffman & Gelman (2014) with multinomial draws and the generalised criterion of Betancourt, "A
//! conceptual introduction to Hamiltonian Monte Carlo" (2017), and the two further checks across
//! subtrees of Stan 2.21. A trajectory doubles until it turns back on itself; its next point is
//! drawn with weights exp(−H), later halves preferred. Invariant: the posterior is left as it is.

use nalgebra::DVector;
use rand::{Rng, RngExt};

use super::metric::Metric;
use crate::inference::evaluate::Evaluator;
use crate::inference::target::LogDensity;

/// A point with log p and its gradient.
#[derive(Clone, Debug)]
pub struct Position {
    /// The unconstrained point.
    pub point: DVector<f64>,
    /// The gradient of log p there.
    pub gradient: DVector<f64>,
    /// log p there.
    pub log_density: f64,
}

impl Position {
    /// The position at a point; `None` if log p or its gradient is not finite there.
    pub fn at<T: LogDensity>(evaluator: &mut Evaluator<T>, point: DVector<f64>) -> Option<Self> {
        let mut gradient = DVector::zeros(point.len());
        let log_density = evaluator.gradient(point.as_slice(), gradient.as_mut_slice());
        let position = Self { point, gradient, log_density };
        position.is_finite().then_some(position)
    }

    fn is_finite(&self) -> bool {
        self.log_density.is_finite() && self.gradient.iter().all(|partial| partial.is_finite())
    }
}

/// What a transition tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transition {
    /// The mean of min(1, exp(H₀ − H)) over the trajectory.
    pub acceptance: f64,
    /// Whether the energy error exceeded its limit.
    pub diverged: bool,
    /// Doublings of the trajectory.
    pub depth: usize,
}

/// How trajectories are made.
#[derive(Clone, Copy, Debug)]
pub struct Stepper<'m> {
    /// The kinetic energy.
    pub metric: &'m Metric,
    /// The step size of the leapfrog integrator.
    pub step: f64,
    /// Doublings at most.
    pub max_depth: usize,
    /// An energy error above this is a divergence.
    pub max_error: f64,
}

/// A state of the Hamiltonian system.
#[derive(Clone)]
struct Phase {
    position: Position,
    momentum: DVector<f64>,
}

/// A momentum and its velocity, at an end of a trajectory.
#[derive(Clone)]
struct End {
    momentum: DVector<f64>,
    velocity: DVector<f64>,
}

/// A part of a trajectory, in the direction it grew.
struct Tree {
    inner: End,
    outer: End,
    /// The sum of its momenta.
    sum: DVector<f64>,
    /// ln Σ exp(H₀ − H)
    log_weight: f64,
    proposal: Position,
}

/// The running totals of one transition.
struct Totals {
    energy: f64,
    acceptance: f64,
    steps: u64,
    diverged: bool,
}

impl Stepper<'_> {
    /// The next position of the chain.
    pub fn transition<T: LogDensity, R: Rng>(
        &self,
        evaluator: &mut Evaluator<T>,
        from: &Position,
        rng: &mut R,
    ) -> (Position, Transition) {
        let phase = Phase { position: from.clone(), momentum: self.metric.draw(rng) };
        let start = self.end(&phase);
        let energy = self.energy(&phase);
        let mut totals = Totals { energy, acceptance: 0.0, steps: 0, diverged: false };
        let mut edges = [phase.clone(), phase];
        let mut whole = Tree {
            inner: start.clone(),
            outer: start.clone(),
            sum: start.momentum,
            log_weight: 0.0,
            proposal: from.clone(),
        };
        let mut depth = 0;
        while depth < self.max_depth {
            let forward = rng.random::<bool>();
            if !forward {
                std::mem::swap(&mut whole.inner, &mut whole.outer);
            }
            let edge = &mut edges[usize::from(forward)];
            let grown = self.grow(evaluator, edge, depth, forward, &mut totals, rng);
            let Some(grown) = grown else { break };
            depth += 1;
            let (joined, turns) = join(whole, grown, rng, Preference::Later);
            whole = joined;
            if !forward {
                std::mem::swap(&mut whole.inner, &mut whole.outer);
            }
            if turns {
                break;
            }
        }
        let acceptance = totals.acceptance / totals.steps.max(1) as f64;
        (whole.proposal, Transition { acceptance, diverged: totals.diverged, depth })
    }

    /// A subtree of 2^depth steps from an edge; `None` if it turns back or diverges.
    fn grow<T: LogDensity, R: Rng>(
        &self,
        evaluator: &mut Evaluator<T>,
        edge: &mut Phase,
        depth: usize,
        forward: bool,
        totals: &mut Totals,
        rng: &mut R,
    ) -> Option<Tree> {
        if depth == 0 {
            return self.leaf(evaluator, edge, forward, totals);
        }
        let first = self.grow(evaluator, edge, depth - 1, forward, totals, rng)?;
        let second = self.grow(evaluator, edge, depth - 1, forward, totals, rng)?;
        let (joined, turns) = join(first, second, rng, Preference::None);
        (!turns).then_some(joined)
    }

    /// One leapfrog step.
    fn leaf<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        edge: &mut Phase,
        forward: bool,
        totals: &mut Totals,
    ) -> Option<Tree> {
        self.leapfrog(evaluator, edge, if forward { self.step } else { -self.step });
        let energy = self.energy(edge);
        let error = if energy.is_nan() { f64::INFINITY } else { energy - totals.energy };
        totals.steps += 1;
        totals.acceptance += (-error).exp().min(1.0);
        if error > self.max_error {
            totals.diverged = true;
            return None;
        }
        let end = self.end(edge);
        Some(Tree {
            inner: end.clone(),
            outer: end.clone(),
            sum: end.momentum,
            log_weight: -error,
            proposal: edge.position.clone(),
        })
    }

    /// p += ε/2 ∇; x += ε Σ p; p += ε/2 ∇.
    fn leapfrog<T: LogDensity>(&self, evaluator: &mut Evaluator<T>, at: &mut Phase, step: f64) {
        let Phase { position, momentum } = at;
        momentum.axpy(0.5 * step, &position.gradient, 1.0);
        position.point.axpy(step, &self.metric.velocity(momentum), 1.0);
        let (point, gradient) = (position.point.as_slice(), position.gradient.as_mut_slice());
        position.log_density = evaluator.gradient(point, gradient);
        if position.is_finite() {
            momentum.axpy(0.5 * step, &position.gradient, 1.0);
        } else {
            position.log_density = f64::NEG_INFINITY;
        }
    }

    fn energy(&self, phase: &Phase) -> f64 {
        self.metric.energy(&phase.momentum) - phase.position.log_density
    }

    fn end(&self, phase: &Phase) -> End {
        let velocity = self.metric.velocity(&phase.momentum);
        End { momentum: phase.momentum.clone(), velocity }
    }

    /// A step size at which one leapfrog step changes the energy by about ln 0.8, from the present
    /// one by doublings or halvings (Hoffman & Gelman, 2014, algorithm 4).
    pub fn reasonable_step<T: LogDensity, R: Rng>(
        mut self,
        evaluator: &mut Evaluator<T>,
        from: &Position,
        rng: &mut R,
    ) -> f64 {
        let mut gain = |stepper: &Self| {
            let mut phase = Phase { position: from.clone(), momentum: stepper.metric.draw(rng) };
            let before = stepper.energy(&phase);
            stepper.leapfrog(evaluator, &mut phase, stepper.step);
            let gain = before - stepper.energy(&phase);
            if gain.is_nan() { f64::NEG_INFINITY } else { gain }
        };
        let limit = 0.8f64.ln();
        let grows = gain(&self) > limit;
        let factor = if grows { 2.0 } else { 0.5 };
        for _ in 0..MAX_DOUBLINGS {
            self.step *= factor;
            if (gain(&self) > limit) != grows {
                break;
            }
        }
        self.step
    }
}

/// Doublings or halvings of the first step size at most.
const MAX_DOUBLINGS: usize = 50;

/// Which part of a trajectory its proposal is drawn from.
#[derive(Clone, Copy, PartialEq)]
enum Preference {
    /// By weight.
    None,
    /// The later part as often as detailed balance allows.
    Later,
}

/// Two adjoining trees as one, and whether the whole turns back on itself. The outer end of
/// `first` adjoins the inner end of `second`.
fn join<R: Rng>(first: Tree, second: Tree, rng: &mut R, preference: Preference) -> (Tree, bool) {
    let sum = &first.sum + &second.sum;
    let high = first.log_weight.max(second.log_weight);
    let both = (first.log_weight - high).exp() + (second.log_weight - high).exp();
    let log_weight = high + both.ln();
    let against = match preference {
        Preference::None => log_weight,
        Preference::Later => first.log_weight,
    };
    let take_second = rng.random::<f64>().ln() < second.log_weight - against;
    let straight = |a: &End, b: &End, sum: &DVector<f64>| {
        sum.dot(&a.velocity) > 0.0 && sum.dot(&b.velocity) > 0.0
    };
    let goes_on = straight(&first.inner, &second.outer, &sum)
        && straight(&first.inner, &second.inner, &(&first.sum + &second.inner.momentum))
        && straight(&first.outer, &second.outer, &(&second.sum + &first.outer.momentum));
    let proposal = if take_second { second.proposal } else { first.proposal };
    (Tree { inner: first.inner, outer: second.outer, sum, log_weight, proposal }, !goes_on)
}
