//! Simulation-based calibration: whether fits recover what data were simulated with.
//!
//! Latents are drawn from the priors and data given them; a program that describes how the data came
//! about then ranks the true value of every latent uniformly among its posterior draws (Talts,
//! Betancourt, Simpson, Vehtari & Gelman, "Validating Bayesian inference algorithms with
//! simulation-based calibration", 2018). What is simulated replaces what was observed; sizes, labels
//! and covariates are those of the data. Invariant: simulation k depends on the seed and k alone.

use super::failure::Failure;
use super::fit::FitOptions;
use super::model::Model;
use super::predict::{self, Prediction, Unknown, Wanted};
use crate::bound;
use crate::data::{Binding, BindingReport};
use crate::inference::{Level, resample};
use crate::math::special::incomplete::ln_incomplete_gamma;
use crate::output::Element;
use crate::typed::{RandomId, RandomRole, VariableId};
use std::collections::HashSet;

/// How to calibrate.
#[derive(Clone, Debug, PartialEq)]
pub struct SbcOptions {
    /// How many data sets are simulated and fitted.
    pub simulations: usize,
    /// The posterior draws that a true value is ranked among: ranks are 0 to this.
    pub draws: usize,
    /// The bins that ranks are counted in.
    pub bins: usize,
    /// How often the ranks of a right program are called not uniform, for all latents together.
    pub error_rate: f64,
    /// How each is fitted; the seed is that of everything.
    pub fit: FitOptions,
}

impl Default for SbcOptions {
    fn default() -> Self {
        SbcOptions {
            simulations: 100,
            draws: 99,
            bins: 10,
            error_rate: 0.01,
            fit: FitOptions::default(),
        }
    }
}

/// The ranks of one latent's element.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// The element.
    pub element: Element,
    /// The rank of its true value in each simulation that was fitted.
    pub ranks: Vec<usize>,
    /// χ² of the counts in bins against equal ones.
    pub chi_square: f64,
    /// The probability of a χ² that large where ranks are uniform.
    pub p_value: f64,
}

/// What the simulations say.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Every element of every continuous latent.
    pub ranks: Vec<Ranks>,
    /// Fits that were GOOD, CAUTION and DO NOT USE.
    pub verdicts: [usize; 3],
    /// Simulations that could not be fitted.
    pub failed: usize,
    /// Whether no latent's ranks are far from uniform.
    pub uniform: bool,
    /// The p-value below which one latent's ranks are called not uniform.
    pub limit: f64,
}

/// Simulates data from a program and fits them, again and again. `progress` is told how many are done.
///
/// # Errors
///
/// [`Failure::Data`] if data cannot be simulated: a prior that cannot be drawn from, or an observed
/// name that the program uses elsewhere than on the left of its `~`.
pub fn sbc(
    model: &Model,
    options: &SbcOptions,
    progress: &mut dyn FnMut(usize),
) -> Result<Calibration, Failure> {
    let observed = observed(&model.bound)?;
    let elements = model.elements();
    let latents = latents(model, &elements);
    let simulated = simulate(model, &observed, options)?;
    let (truths, data) = simulated.split_at(simulated.len() - observed.len());
    let mut all: Vec<Vec<usize>> = vec![Vec::new(); latents.len()];
    let (mut verdicts, mut failed) = ([0; 3], 0);
    for simulation in 0..options.simulations {
        let seed = options.fit.seed.wrapping_add(simulation as u64);
        match rank(model, data, &observed, truths, &latents, simulation, seed, options)? {
            Some((ranks, level)) => {
                all.iter_mut().zip(ranks).for_each(|(all, rank)| all.push(rank));
                verdicts[level as usize] += 1;
            }
            None => failed += 1,
        }
        progress(simulation + 1);
    }
    let limit = options.error_rate / latents.len().max(1) as f64;
    let judge = |((quantity, _, _), ranks): (&(usize, usize, usize), Vec<usize>)| {
        let chi_square = chi_square(&ranks, options.draws, options.bins);
        let p_value = upper_tail(chi_square, options.bins - 1);
        Ranks { element: elements[*quantity].clone(), ranks, chi_square, p_value }
    };
    let ranks: Vec<Ranks> = latents.iter().zip(all).map(judge).collect();
    let uniform = ranks.iter().all(|ranks| ranks.p_value >= limit);
    Ok(Calibration { ranks, verdicts, failed, uniform, limit })
}

/// The observed statements, whose names must not be used elsewhere.
fn observed(bound: &bound::Program) -> Result<Vec<(RandomId, VariableId)>, Failure> {
    let typed = &bound.typed;
    let randoms = typed.randoms.iter().enumerate();
    let observed = randoms.filter(|(_, random)| random.role == RandomRole::Observed);
    let observed: Vec<_> =
        observed.map(|(index, random)| (RandomId(index as u32), random.variable)).collect();
    let names: HashSet<VariableId> = observed.iter().map(|(_, variable)| *variable).collect();
    if names.len() < observed.len() {
        return Err(Failure::Data(vec![
            "data cannot be simulated: a name is observed by several statements".to_owned(),
        ]));
    }
    let used: HashSet<VariableId> =
        typed.expressions().into_iter().flat_map(crate::typed::Expr::variables).collect();
    let is_data = |v: &VariableId| matches!(typed.variable(*v).role, crate::typed::Role::Data(_));
    let wrong = names.iter().find(|variable| used.contains(variable) || !is_data(variable));
    match wrong {
        None if observed.is_empty() => {
            Err(Failure::Data(vec!["the program observes nothing to simulate".to_owned()]))
        }
        None => Ok(observed),
        Some(variable) => Err(Failure::Data(vec![format!(
            "data cannot be simulated: `{}` is computed, or used elsewhere than on the left of its `~`",
            typed.variable(*variable).name
        )])),
    }
}

/// The quantity of every element of a continuous latent, with the variable's place among the
/// simulated ones and the element's within it.
fn latents(model: &Model, elements: &[Element]) -> Vec<(usize, usize, usize)> {
    let mut latents = Vec::new();
    let randoms = model.bound.typed.randoms.iter();
    let continuous = randoms.filter(|random| random.role == RandomRole::Latent);
    for (place, random) in continuous.enumerate() {
        let reported = model.reported().iter().find(|r| r.variable == random.variable);
        if let Some(reported) = reported {
            let positions = reported.positions.iter().enumerate();
            latents.extend(positions.map(|(i, p)| (reported.offset + i, place, *p as usize)));
        }
    }
    latents.retain(|(quantity, _, _)| *quantity < elements.len());
    latents
}

/// Draws of all continuous latents, then of everything observed.
fn simulate(
    model: &Model,
    observed: &[(RandomId, VariableId)],
    options: &SbcOptions,
) -> Result<Vec<Prediction>, Failure> {
    let mut bound = model.bound.clone();
    let randoms = bound.typed.randoms.iter();
    let latent = randoms.filter(|r| r.role == RandomRole::Latent).map(|r| r.variable);
    let variables: Vec<VariableId> = latent.collect();
    // Nothing that the program predicts or reports besides is wanted.
    bound.typed.predictive = observed.iter().map(|(id, _)| *id).collect();
    bound.typed.reports.clear();
    bound.typed.randoms.iter_mut().filter(|r| r.role == RandomRole::Predicted).for_each(|r| {
        r.role = RandomRole::Observed;
    });
    let wanted = Wanted { variables, predictions: true, imputed: false, fresh: HashSet::new() };
    let nothing = Unknown { draws: options.simulations };
    Ok(predict::predict(&bound, &nothing, &wanted, options.fit.seed)?)
}

/// The ranks of the latents in one simulation, and the verdict on its fit; `None` if there is no fit.
#[expect(clippy::too_many_arguments, reason = "what one simulation is about")]
fn rank(
    model: &Model,
    data: &[Prediction],
    observed: &[(RandomId, VariableId)],
    truths: &[Prediction],
    latents: &[(usize, usize, usize)],
    simulation: usize,
    seed: u64,
    options: &SbcOptions,
) -> Result<Option<(Vec<usize>, Level)>, Failure> {
    let mut bound = model.bound.clone();
    for (prediction, (_, variable)) in data.iter().zip(observed) {
        let Some(array) = bound.values[variable.index()].as_mut() else { continue };
        for (position, draws) in prediction.positions.iter().zip(&prediction.draws) {
            array.set(*position, draws[simulation]);
        }
    }
    let binding = Binding { program: bound, report: BindingReport::default() };
    let simulated = Model::compile(binding)?;
    let fit = FitOptions { seed, draws: options.draws, ..options.fit.clone() };
    let Ok((found, _)) = simulated.best_fit(&fit.inference, seed, &mut |_| {}) else {
        return Ok(None);
    };
    let rows = resample(&found.draws.weights(), options.draws, seed);
    let rank = |(quantity, variable, position): &(usize, usize, usize)| {
        let truth = &truths[*variable];
        let element = truth.positions.iter().position(|p| p == position)?;
        let value = truth.draws[element][simulation];
        let draws = found.draws.quantity(*quantity);
        Some(rows.iter().filter(|row| draws[**row] < value).count())
    };
    let ranks: Option<Vec<usize>> = latents.iter().map(rank).collect();
    Ok(ranks.map(|ranks| (ranks, found.verdict.level)))
}

/// Σ (n − e)² / e over bins of ranks 0, …, `draws`.
fn chi_square(ranks: &[usize], draws: usize, bins: usize) -> f64 {
    let mut counts = vec![0.0; bins];
    ranks.iter().for_each(|rank| counts[rank * bins / (draws + 1)] += 1.0);
    let expected = ranks.len() as f64 / bins as f64;
    counts.iter().map(|count: &f64| (count - expected).powi(2) / expected).sum()
}

/// P(χ² > x) with this many degrees of freedom.
fn upper_tail(x: f64, freedom: usize) -> f64 {
    if x.is_finite() { ln_incomplete_gamma(0.5 * freedom as f64, 0.5 * x).1.exp() } else { 1.0 }
}
