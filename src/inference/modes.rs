//! Turns random starts into distinct modes, each fitted by natural gradients.
//!
//! Starts come in rounds. A start of a later round that ends where an earlier one did is counted
//! and costs no more than its descent. Once a guide has been checked, its heaviest draws can be starts
//! too: they point at what it lacks. Invariant: which starts there are depends on the seed and on
//! counted work only, never on the clock or the number of threads.

use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::draws;
use super::evaluate::{Counts, Evaluator};
use super::fit::{FitError, Progress};
use super::fixed_draws::FixedDraws;
use super::guide::FullRank;
use super::natural::{Fitted, Natural, State};
use super::options::{Options, Starts};
use super::random::{Purpose, stream};
use super::start::{self, Candidate, Ending};
use super::target::{LogDensity, Target};
use super::verdict::StartReport;

/// A fitted mode.
#[derive(Clone, Debug)]
pub struct Mode {
    /// The fit.
    pub fitted: Fitted,
    /// The starts that led to it.
    pub starts: Vec<usize>,
    /// How many starts led to it or to a mode that no dip of the density divides from it.
    pub support: usize,
    /// Whether no dip of the density divides it from the best mode.
    pub with_best: bool,
}

/// What became of the starts.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Every start.
    pub starts: Vec<StartReport>,
    /// Distinct candidates near the best that were not fitted, to save work.
    pub left_out: usize,
    /// The highest point that a start ended at.
    pub highest: DVector<f64>,
}

/// Starts and modes so far.
#[derive(Clone, Debug)]
pub struct Exploration {
    options: Starts,
    natural: Natural,
    fixed: FixedDraws,
    base: DMatrix<f64>,
    seed: u64,
    /// One per start; `None` if it found no normal.
    endings: Vec<Option<Ending>>,
    modes: Vec<Mode>,
    /// Starts whose candidates were not fitted.
    unfitted: Vec<usize>,
    /// The gradients that fits of modes took.
    fitting: u64,
}

/// Starts, round by round, until further ones are not worth their cost.
///
/// # Errors
///
/// If no start has a finite density, or none leads to a guide.
pub fn explore<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exploration, FitError> {
    let Options { starts, natural, fixed_draws: fixed, .. } = options;
    let dimension = target.dimension();
    let mut rng = stream(seed, Purpose::FixedDraws, 0);
    let base = draws::matched(&mut rng, dimension, natural.draws_for(dimension, target.cost()));
    let mut exploration = Exploration {
        options: starts.clone(),
        natural: natural.clone(),
        fixed: fixed.clone(),
        base,
        seed,
        endings: Vec::new(),
        modes: Vec::new(),
        unfitted: Vec::new(),
        fitting: 0,
    };
    let (mut any_finite, mut spent) = (false, 0);
    loop {
        let round = exploration.random_round(evaluator, target, progress);
        any_finite |= round.any_finite;
        spent += round.gradients;
        exploration.fit_new(evaluator, target, round.first, progress);
        if evaluator.is_interrupted() || exploration.is_enough(target, spent, round.gradients) {
            break;
        }
    }
    if !any_finite {
        let (starts, attempts) = (exploration.endings.len(), starts.attempts);
        return Err(FitError::NoFiniteStart { starts, attempts });
    }
    match exploration.modes.is_empty() {
        true => Err(FitError::NoFiniteGuide),
        false => Ok(exploration),
    }
}

/// What a round of starts did.
struct Round {
    /// Its first start.
    first: usize,
    /// Whether any start had a finite density.
    any_finite: bool,
    /// The gradients it took.
    gradients: u64,
}

impl Exploration {
    /// Starts at points that the guide so far gives too little weight, and where symmetries of the modes
    /// so far would put others; fits what is new. Whether there is a mode among them that matters.
    pub fn follow<T: Target>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        heaviest: &[Vec<f64>],
        progress: &mut dyn FnMut(Progress),
    ) -> bool {
        let mut points = [heaviest, &self.mirrored()].concat();
        for round in 0..self.options.mirrors {
            let (before, first) = (self.kept().count(), self.endings.len());
            let from = |_: &mut Evaluator<T>, start: usize| points.get(start - first).cloned();
            self.round(evaluator, target, points.len(), &from, progress);
            self.fit_new(evaluator, target, first, progress);
            if self.kept().count() == before {
                return round > 0;
            }
            points = self.mirrored();
        }
        true
    }

    /// The modes that were fitted, best first.
    pub fn modes(&self) -> &[Mode] {
        &self.modes
    }

    /// Whether a mode holds probability, or is so far from the best that little of it matters.
    pub fn matters(&self, mode: &Mode) -> bool {
        let Some(best) = self.modes.first() else { return false };
        let below = best.fitted.elbo - mode.fitted.elbo;
        let distance = best.fitted.guide.whitened_distance_squared(&mode.fitted.guide);
        below < self.options.mode_gap || below - distance.ln() < self.options.spread_gap
    }

    /// Every mode that matters, mirrored at its nearest neighbour: periods and signs make modes that
    /// follow one another at equal distances.
    fn mirrored(&self) -> Vec<Vec<f64>> {
        let nearest = |mode: &Mode| {
            let guide = &mode.fitted.guide;
            let distance = |other: &Mode| guide.whitened_distance_squared(&other.fitted.guide);
            let others = self.kept().filter(|other| distance(other) > 0.0);
            let nearest = others.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
            let (here, there) = (guide.mean(), nearest.fitted.guide.mean());
            Some(here.iter().zip(there).map(|(h, t)| 2.0 * h - t).collect())
        };
        self.kept().filter_map(nearest).collect()
    }

    fn kept(&self) -> impl Iterator<Item = &Mode> {
        self.modes.iter().filter(|mode| self.matters(mode))
    }

    /// The endings of one more round of random starts.
    fn random_round<T: Target>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        progress: &mut dyn FnMut(Progress),
    ) -> Round {
        let (dimension, seed, options) = (target.dimension(), self.seed, self.options.clone());
        let count = options.count_for(dimension, target.cost());
        let from = |own: &mut Evaluator<T>, start| match &options.first {
            Some(first) if start == 0 => Some(first.clone()),
            Some(first) => start::start_around(own, first, seed, start, &options),
            None if options.are_mean_field(dimension) => {
                start::middle_start(own, seed, start, &options)
            }
            None => start::finite_start(own, target, seed, start, &options),
        };
        self.round(evaluator, target, count, &from, progress)
    }

    /// The endings of one more round of starts, found in parallel, each on its own random stream.
    fn round<T: Target>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        count: usize,
        from: &(impl Fn(&mut Evaluator<T>, usize) -> Option<Vec<f64>> + Sync),
        progress: &mut dyn FnMut(Progress),
    ) -> Round {
        let dimension = target.dimension();
        let (options, fixed, seed) = (&self.options, &self.fixed, self.seed);
        let mut rng = stream(seed, Purpose::Candidate, 0);
        let common = draws::matched(&mut rng, dimension, options.common_draws_for(dimension));
        let first = self.endings.len();
        let last = first + count;
        let known: Vec<&Candidate> = self.candidates().map(|(_, candidate)| candidate).collect();
        let interrupt = evaluator.interrupt().clone();
        let outcomes: Vec<(bool, Option<Ending>, Counts)> = (first..last)
            .into_par_iter()
            .map(|index| {
                let mut own = Evaluator::sequential(target).interruptible(&interrupt);
                let point = from(&mut own, index);
                let finite = point.is_some();
                let path_base = start::path_base(seed, index as u32, dimension, options, fixed);
                let ending = point.and_then(|point| match options.are_mean_field(dimension) {
                    true => start::mean_field_ending(
                        &mut own, &point, fixed, &path_base, &common, options,
                    ),
                    false => start::ending(&mut own, point, &known, &path_base, &common, options),
                });
                (finite, ending, own.counts())
            })
            .collect();
        let mut round = Round { first, any_finite: false, gradients: 0 };
        for (start, (finite, ending, counts)) in (first..).zip(outcomes) {
            evaluator.add(counts);
            round.any_finite |= finite;
            round.gradients += counts.gradient;
            let elbo = ending.as_ref().and_then(|ending| self.candidate(ending)).map(|c| c.elbo);
            progress(Progress::Started { start, of: last, elbo });
            self.endings.push(ending);
        }
        round
    }

    /// The starts that have a candidate of their own.
    fn candidates(&self) -> impl Iterator<Item = (usize, &Candidate)> {
        self.endings.iter().enumerate().filter_map(|(index, ending)| match ending {
            Some(Ending::New(candidate)) => Some((index, candidate)),
            Some(Ending::Known { .. }) | None => None,
        })
    }

    /// The candidate that an ending stands for.
    fn candidate<'a>(&'a self, ending: &'a Ending) -> Option<&'a Candidate> {
        match ending {
            Ending::New(candidate) => Some(candidate),
            Ending::Known { candidate } => {
                self.candidates().map(|(_, candidate)| candidate).nth(*candidate)
            }
        }
    }

    /// Gives every start from `first` on its mode, and fits what is new, best first.
    fn fit_new<T: Target>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        first: usize,
        progress: &mut dyn FnMut(Progress),
    ) {
        let owners: Vec<usize> = self.candidates().map(|(start, _)| start).collect();
        let mut new: Vec<(usize, Candidate)> = Vec::new();
        for start in first..self.endings.len() {
            match &self.endings[start] {
                Some(Ending::New(candidate)) => new.push((start, candidate.clone())),
                Some(Ending::Known { candidate }) => {
                    let owner = owners.get(*candidate);
                    let holds = |mode: &&mut Mode| owner.is_some_and(|o| mode.starts.contains(o));
                    if let Some(mode) = self.modes.iter_mut().find(holds) {
                        mode.starts.push(start);
                    }
                }
                None => {}
            }
        }
        new.sort_by(|a, b| b.1.elbo.total_cmp(&a.1.elbo));
        for (start, candidate) in new {
            self.place(evaluator, target, (start, &candidate), progress);
        }
        self.modes.sort_by(|a, b| b.fitted.elbo.total_cmp(&a.fitted.elbo));
        for index in 0..self.modes.len() {
            let guide = &self.modes[index].fitted.guide;
            let with = |other: &Mode| self.connected(evaluator, guide, &other.fitted.guide);
            let together: Vec<bool> = self.modes.iter().map(with).collect();
            let starts = self.modes.iter().zip(&together).filter(|(_, together)| **together);
            let support = starts.map(|(mode, _)| mode.starts.len()).sum();
            self.modes[index].support = support;
            self.modes[index].with_best = together[0];
        }
    }

    /// Finds the mode of a candidate, fitting it if it is none of those known.
    fn place<T: Target>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        target: &T,
        (start, candidate): (usize, &Candidate),
        progress: &mut dyn FnMut(Progress),
    ) {
        let fitted = self.modes.len();
        let spent = fitted > 0 && self.is_spent(target);
        let near = |mode: &Mode| {
            let members = mode.starts.iter().filter_map(|&index| self.endings.get(index)?.as_ref());
            let mut members = members.filter_map(|ending| self.candidate(ending));
            members.any(|member| start::same_candidate(member, candidate, &self.options))
                || ((spent || fitted >= self.options.least_modes)
                    && self.connected(evaluator, &mode.fitted.guide, &candidate.guide))
        };
        if let Some(index) = self.modes.iter().position(near) {
            self.modes[index].starts.push(start);
            return;
        }
        let highest = self.candidates().map(|(_, c)| c.elbo).fold(f64::NEG_INFINITY, f64::max);
        let far = candidate.elbo < highest - self.options.candidate_gap;
        if fitted >= self.options.modes || spent || (far && fitted >= self.options.least_modes) {
            self.unfitted.push(start);
            return;
        }
        let known: Vec<&Fitted> = self.modes.iter().map(|mode| &mode.fitted).collect();
        let observe = |iteration, state: &State| {
            progress(Progress::Stepped { mode: fitted, iteration, elbo: state.elbo });
            match leads_to(state, &known, &self.options) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let before = evaluator.counts().gradient;
        if evaluator.is_interrupted() {
            let (guide, elbo) = (candidate.guide.clone(), candidate.elbo);
            let fitted = Fitted { guide, elbo, path: Vec::new(), converged: false };
            self.modes.push(Mode { fitted, starts: vec![start], support: 1, with_best: false });
            return;
        }
        let result = self.natural.fit(evaluator, &candidate.guide, &self.base, observe);
        self.fitting += evaluator.counts().gradient - before;
        let Some(result) = result else { return };
        let same = |mode: &&mut Mode| same_fit(&mode.fitted, &result, &self.options);
        match self.modes.iter_mut().find(same) {
            Some(mode) => {
                mode.starts.push(start);
                if result.elbo > mode.fitted.elbo {
                    mode.fitted = result;
                }
            }
            None => self.modes.push(Mode {
                fitted: result,
                starts: vec![start],
                support: 1,
                with_best: false,
            }),
        }
    }

    /// Whether fits of modes have taken all that they may.
    fn is_spent<T: Target>(&self, target: &T) -> bool {
        self.fitting >= self.options.mode_gradients
            || self.fitting as f64 * target.cost() as f64 >= self.options.mode_operations
    }

    /// Whether the density nowhere dips between the means of two normals: they are parts of one
    /// mode that has no normal's shape.
    fn connected<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        a: &FullRank,
        b: &FullRank,
    ) -> bool {
        let steps = self.options.between + 1;
        let point = |i: usize| a.mean().lerp(b.mean(), i as f64 / steps as f64);
        let points: Vec<DVector<f64>> = (0..=steps).map(point).collect();
        let values = evaluator.log_densities(&DMatrix::from_columns(&points));
        let lower_end = values[0].min(values[steps]);
        values.iter().all(|value| *value > lower_end - self.options.dip)
    }

    /// Whether to stop: no further round is affordable, and no mode that matters rests on one
    /// start only.
    fn is_enough<T: Target>(&self, target: &T, spent: u64, last_round: u64) -> bool {
        let dimension = target.dimension();
        let several = self.kept().count() > 1;
        let starts = self.endings.len() + self.options.count_for(dimension, target.cost());
        if starts > self.options.most_for(dimension, several) {
            return true;
        }
        let once = self.kept().any(|mode| mode.support == 1);
        let gradients = spent + last_round;
        let affordable = gradients <= self.options.gradients
            && gradients as f64 * target.cost() as f64 <= self.options.operations;
        !(once || affordable)
    }

    /// What became of the starts; `None` if none found a normal.
    pub fn explored(&self) -> Option<Explored> {
        let best = self.modes.first()?.fitted.elbo;
        let mode_of = |start: usize| self.modes.iter().position(|m| m.starts.contains(&start));
        let highest = self.candidates().map(|(_, c)| c.elbo).fold(f64::NEG_INFINITY, f64::max);
        let lowest = highest.min(best) - self.options.mode_gap;
        let near = |start: &&usize| {
            let ending = self.endings.get(**start).and_then(Option::as_ref);
            ending.and_then(|e| self.candidate(e)).is_some_and(|c| c.elbo > lowest)
        };
        let left_out = self.unfitted.iter().filter(near).count();
        let ends = self.candidates().map(|(_, candidate)| candidate);
        let highest = ends.max_by(|a, b| a.height.total_cmp(&b.height))?.end.clone();
        let report = |(index, ending): (usize, &Option<Ending>)| {
            let candidate = ending.as_ref().and_then(|ending| self.candidate(ending));
            StartReport {
                method: candidate.map(|candidate| candidate.method),
                elbo: candidate.map(|candidate| candidate.elbo),
                iterations: candidate.map_or(0, |candidate| candidate.iterations),
                mode: mode_of(index),
            }
        };
        let starts = self.endings.iter().enumerate().map(report).collect();
        Some(Explored { starts, left_out, highest })
    }
}

/// Whether a fit under way is about to find a mode that another has found as well or better.
fn leads_to(state: &State, known: &[&Fitted], options: &Starts) -> bool {
    let mut better = known.iter().filter(|known| state.elbo < known.elbo).peekable();
    let Some(normal) = better.peek().and_then(|_| state.normal()) else { return false };
    let limit = options.same_mode.max(normal.mean().len() as f64);
    better.any(|known| normal.whitened_distances_squared(&known.guide).1 < limit)
}

/// Whether two fits are of one mode. Converged fits must be near each other in both scales: a
/// narrow mode beside a wide one is a mode of its own.
fn same_fit(a: &Fitted, b: &Fitted, options: &Starts) -> bool {
    let (near, far) = a.guide.whitened_distances_squared(&b.guide);
    let distance = if a.converged && b.converged { far } else { near };
    distance < options.same_mode.max(a.guide.mean().len() as f64)
}
