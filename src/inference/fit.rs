//! The ladder: starts, modes, guide, importance check, verdict.
//!
//! Invariant: equal target, options and seed give equal bits, for any number of threads.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use thiserror::Error;

use super::bent::Bent;
use super::draws;
use super::evaluate::{Counts, Evaluator};
use super::guide::{FullRank, Guide, Mixture};
use super::importance::{self, Checked};
use super::modes::{Explored, explore};
use super::natural::Natural;
use super::options::{Candidates, GuideChoice, Method, Options, Starts};
use super::psis;
use super::quantities;
use super::random::{Purpose, stream};
use super::sampled;
use super::start;
use super::summary::{Summary, summarize};
use super::target::Target;
use super::verdict::{Diagnostics, ModeReport, Reported, StartReport, Verdict};

/// Why there is no fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// The target has no coordinates.
    #[error("the model has no latent quantities to infer")]
    NoLatents,
    /// No start found a point where the log density and its gradient are finite.
    #[error("the log density is not finite at any of {starts} × {attempts} random points")]
    NoFiniteStart {
        /// The starts.
        starts: usize,
        /// The points tried in each.
        attempts: usize,
    },
    /// Every start had a finite point, but no guide around any has a finite ELBO.
    #[error("no guide has a finite ELBO: the log density is finite on too small a region")]
    NoFiniteGuide,
}

/// What a fit is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// A start has its candidate, or none.
    Started {
        /// Which start.
        start: usize,
        /// Of how many.
        of: usize,
        /// Its ELBO.
        elbo: Option<f64>,
    },
    /// A guide has taken a step.
    Stepped {
        /// Which mode, best first.
        mode: usize,
        /// Which step.
        iteration: usize,
        /// The ELBO on the fixed draws.
        elbo: f64,
    },
    /// A chain is finished.
    Sampled {
        /// Which.
        chain: usize,
        /// Of how many.
        of: usize,
        /// Its divergences.
        divergences: usize,
    },
    /// Draws have been weighed.
    Checked {
        /// How many.
        draws: usize,
        /// k-hat of their weights.
        khat: f64,
        /// ESS / N.
        efficiency: f64,
    },
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Progress::Started { start, of, elbo: Some(elbo) } => {
                write!(f, "start {} of {of}: ELBO {elbo:.2}", start + 1)
            }
            Progress::Started { start, of, elbo: None } => {
                write!(f, "start {} of {of}: rejected", start + 1)
            }
            Progress::Stepped { mode, iteration, elbo } => {
                write!(f, "mode {}, step {iteration}: ELBO {elbo:.2}", mode + 1)
            }
            Progress::Sampled { chain, of, divergences } => {
                write!(f, "chain {} of {of}: {divergences} divergences", chain + 1)
            }
            Progress::Checked { draws, khat, efficiency } => {
                let effective = 100.0 * efficiency;
                write!(f, "checked {draws} draws: k-hat {khat:.2}, {effective:.0} % effective")
            }
        }
    }
}

/// Weighted draws on the unconstrained space.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    /// The points, one per column (d × N).
    pub points: DMatrix<f64>,
    /// Their log weights; the weights sum to 1.
    pub log_weights: Vec<f64>,
    /// Every quantity of the target at every draw: row = draw, column = quantity (N × Q).
    pub quantities: DMatrix<f64>,
    /// How many Markov chains of equal length the draws are, one after another.
    pub chains: Option<usize>,
}

impl Draws {
    /// The weights.
    pub fn weights(&self) -> Vec<f64> {
        self.log_weights.iter().map(|log_weight| log_weight.exp()).collect()
    }

    /// The draws of one quantity, contiguous in memory.
    pub fn quantity(&self, index: usize) -> &[f64] {
        let draws = self.quantities.nrows();
        &self.quantities.as_slice()[index * draws..(index + 1) * draws]
    }

    /// The summary of every quantity, in the target's order.
    pub fn summaries(&self) -> Vec<Summary> {
        if let Some(chains) = self.chains {
            return quantities::chain_summaries(self, chains);
        }
        let weights = self.weights();
        let quantities = (0..self.quantities.ncols()).into_par_iter();
        quantities.map(|index| summarize(self.quantity(index), &weights)).collect()
    }
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fit {
    /// How the draws were come by.
    pub method: Method,
    /// The guide, if there is one.
    pub guide: Option<Guide>,
    /// The name of the algorithm that fitted it, or drew.
    pub algorithm: &'static str,
    /// The guide's ELBO, from fresh draws; NaN without a guide.
    pub elbo: f64,
    /// The Monte Carlo standard error of the ELBO.
    pub elbo_error: f64,
    /// The estimate of the log evidence by importance sampling.
    pub log_evidence: f64,
    /// The evaluations of the target.
    pub counts: Counts,
    /// The evidence on the fit.
    pub diagnostics: Diagnostics,
    /// The draws that everything reported comes from.
    pub draws: Draws,
    /// The verdict.
    pub verdict: Verdict,
}

/// A guide and how it was found.
struct Found {
    guide: Guide,
    algorithm: &'static str,
    starts: Vec<StartReport>,
    modes: Vec<ModeReport>,
    left_out: usize,
    elbo_path: Vec<f64>,
    highest: Option<DVector<f64>>,
    /// Whether no dip of the density divides the modes that are kept.
    single: bool,
}

/// Fits a guide to a target, checks it, corrects it and judges the result.
pub fn fit<T: Target>(
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fit, FitError> {
    let dimension = target.dimension();
    if dimension == 0 {
        return Err(FitError::NoLatents);
    }
    let mut evaluator = Evaluator::new(target);
    let candidates = match options.method {
        Method::Vi => {
            let found = find(&mut evaluator, target, options, seed, progress)?;
            return Ok(corrected(evaluator, found, options, seed, progress));
        }
        Method::Nuts => return sampled::sample(evaluator, target, options, seed, progress),
        Method::Importance => Candidates::Both,
        Method::Laplace | Method::Map => Candidates::Laplace,
        Method::Pathfinder => Candidates::Pathfinder,
    };
    // Without a step, the guide of a mode is the normal that a start found.
    let mut options = Options {
        starts: Starts { candidates, ..options.starts.clone() },
        natural: Natural { max_iterations: 0, ..options.natural.clone() },
        ..options.clone()
    };
    if options.method != Method::Importance {
        options.correction = options.correction.of_the_guide_alone();
    }
    let found = find_full_rank(&mut evaluator, target, &options, seed, progress)?;
    Ok(corrected(evaluator, found, &options, seed, progress))
}

/// The guide that is asked for.
fn find<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let small = target.dimension() <= options.full_rank_limit;
    match options.guide {
        GuideChoice::FullRank => find_full_rank(evaluator, target, options, seed, progress),
        GuideChoice::Triangular => {
            let found = find_full_rank(evaluator, target, options, seed, progress)?;
            Ok(bend(evaluator, found, &options.bent, seed, progress))
        }
        GuideChoice::Auto if small => find_full_rank(evaluator, target, options, seed, progress),
        GuideChoice::MeanField | GuideChoice::Auto => {
            find_mean_field(evaluator, options, seed, progress)
        }
    }
}

/// The guide bent by a triangular map, if there is one mode: the best normal, if several of them
/// stand for it.
fn bend<T: Target>(
    evaluator: &mut Evaluator<T>,
    found: Found,
    options: &Bent,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Found {
    let normal = match &found.guide {
        Guide::FullRank(normal) => Some(normal),
        Guide::Mixture(mixture) if found.single => mixture.components.first(),
        Guide::Mixture(_) | Guide::MeanField(_) | Guide::Triangular(_) => None,
    };
    let Some(normal) = normal else { return found };
    let dimension = evaluator.dimension();
    let mut rng = stream(seed, Purpose::Bend, 0);
    let base = draws::matched(&mut rng, dimension, options.draws_for(dimension));
    let mut elbo_path = found.elbo_path.clone();
    let observe = |iteration, elbo| {
        elbo_path.push(elbo);
        progress(Progress::Stepped { mode: 0, iteration, elbo });
    };
    match options.fit(evaluator, normal, &base, observe) {
        Some((guide, _)) => Found { guide: Guide::Triangular(guide), elbo_path, ..found },
        None => found,
    }
}

/// The fit of a guide: its draws checked by importance weights, corrected and judged.
fn corrected<T: Target>(
    mut evaluator: Evaluator<T>,
    found: Found,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Fit {
    let wants_more = |evaluator: &mut Evaluator<T>, checked: &Checked| {
        quantities::want_more(evaluator, checked, &options.thresholds)
    };
    let observe = |checked: &Checked| {
        progress(Progress::Checked {
            draws: checked.log_ratios.len(),
            khat: checked.smoothed.khat,
            efficiency: checked.efficiency(),
        });
    };
    let correction = match &found.guide {
        Guide::Triangular(_) => options.correction.without_refits(),
        Guide::MeanField(_) | Guide::FullRank(_) | Guide::Mixture(_) => options.correction.clone(),
    };
    let checked =
        importance::check(&mut evaluator, &found.guide, seed, &correction, wants_more, observe);
    conclude(evaluator, found, checked, options, seed)
}

/// Modes found from random starts, the best kept.
fn find_full_rank<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let Explored { modes, starts, left_out, highest } =
        explore(evaluator, target, options, seed, progress)?;
    let first = modes.first().map(|mode| (mode.fitted.elbo, mode.fitted.path.clone()));
    let (best, elbo_path) = first.ok_or(FitError::NoFiniteGuide)?;
    let lowest = best - options.starts.mode_gap;
    let stepped = options.natural.max_iterations > 0;
    let single = modes.iter().filter(|mode| mode.fitted.elbo > lowest).all(|mode| mode.with_best);
    let reports = modes.iter().map(|mode| ModeReport {
        elbo: mode.fitted.elbo,
        starts: mode.support,
        converged: mode.fitted.converged || !stepped,
        kept: mode.fitted.elbo > lowest,
    });
    let reports = reports.collect();
    let kept = modes.into_iter().filter(|mode| mode.fitted.elbo > lowest);
    let mut kept: Vec<(FullRank, f64)> =
        kept.map(|mode| (mode.fitted.guide, mode.fitted.elbo)).collect();
    let guide = if kept.len() > 1 {
        Guide::Mixture(Mixture::from_elbos(kept))
    } else {
        Guide::FullRank(kept.pop().ok_or(FitError::NoFiniteGuide)?.0)
    };
    let algorithm = if stepped { "natural" } else { options.method.name() };
    let highest = Some(highest);
    Ok(Found { guide, algorithm, starts, modes: reports, left_out, elbo_path, highest, single })
}

/// The best of a few mean-field fits from random points.
fn find_mean_field<T: Target>(
    evaluator: &mut Evaluator<T>,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let dimension = evaluator.dimension();
    let Starts { radius_mean_field: radius, attempts, .. } = options.starts;
    let count = options.starts.count_mean_field_for(dimension);
    let mut rng = stream(seed, Purpose::FixedDraws, 0);
    let base = draws::matched(&mut rng, dimension, options.fixed_draws.draws_for(dimension));
    let (mut any_finite, mut fits) = (false, Vec::new());
    for start in 0..count {
        let mut rng = stream(seed, Purpose::Start, start as u32);
        let point = start::finite_point(evaluator, &mut rng, radius, attempts);
        any_finite |= point.is_some();
        let observe = |iteration, elbo| {
            progress(Progress::Stepped { mode: start, iteration, elbo });
        };
        let fitted =
            point.and_then(|point| options.fixed_draws.fit(evaluator, &point, &base, observe));
        let elbo = fitted.as_ref().map(|fitted| fitted.elbo);
        progress(Progress::Started { start, of: count, elbo });
        fits.push(fitted);
    }
    if !any_finite {
        return Err(FitError::NoFiniteStart { starts: count, attempts });
    }
    mean_field_found(fits).ok_or(FitError::NoFiniteGuide)
}

fn mean_field_found(fits: Vec<Option<super::fixed_draws::Fitted>>) -> Option<Found> {
    let mut order: Vec<usize> = (0..fits.len()).filter(|&start| fits[start].is_some()).collect();
    let elbo = |start: usize| fits[start].as_ref().map_or(f64::NEG_INFINITY, |fit| fit.elbo);
    order.sort_by(|&a, &b| elbo(b).total_cmp(&elbo(a)));
    let starts = fits.iter().enumerate().map(|(index, fit)| StartReport {
        method: fit.as_ref().map(|_| start::Method::MeanField),
        elbo: fit.as_ref().map(|fit| fit.elbo),
        iterations: fit.as_ref().map_or(0, |fit| fit.path.len()),
        mode: order.iter().position(|&start| start == index),
    });
    let starts = starts.collect();
    let modes = order.iter().enumerate().filter_map(|(rank, &start)| {
        let fit = fits[start].as_ref()?;
        Some(ModeReport { elbo: fit.elbo, starts: 1, converged: fit.converged, kept: rank == 0 })
    });
    let modes = modes.collect();
    let best = fits.into_iter().nth(*order.first()?)??;
    Some(Found {
        guide: Guide::MeanField(best.guide),
        algorithm: "fixed",
        starts,
        modes,
        left_out: 0,
        elbo_path: best.path,
        highest: None,
        single: true,
    })
}

/// The draws to report, the checks of every quantity, and the verdict.
fn conclude<T: Target>(
    mut evaluator: Evaluator<T>,
    found: Found,
    checked: Checked,
    options: &Options,
    seed: u64,
) -> Fit {
    let correction = &options.correction;
    let dimension = evaluator.dimension();
    let (khat, ess, checked_draws) = (checked.smoothed.khat, checked.ess, checked.log_ratios.len());
    let weight_error = psis::tail_error(&checked.log_ratios).error;
    let trusted = correction.trusts(khat) || dimension < correction.give_up_dimension;
    let reported = match options.method {
        Method::Vi | Method::Importance if trusted => Reported::Corrected,
        Method::Map => Reported::Mode,
        Method::Vi | Method::Importance | Method::Laplace | Method::Pathfinder | Method::Nuts => {
            Reported::Guide
        }
    };
    let (elbo, elbo_error) = checked.elbo;
    let log_evidence = checked.log_evidence;
    let (points, log_weights, log_ratios) = match (reported, &found.highest) {
        (Reported::Corrected, _) => {
            let Checked { points, smoothed, log_ratios, .. } = checked;
            (points, smoothed.log_weights, log_ratios)
        }
        (Reported::Mode, Some(highest)) => {
            let point = DMatrix::from_column_slice(dimension, 1, highest.as_slice());
            (point, vec![0.0], vec![0.0])
        }
        (Reported::Guide | Reported::Chains | Reported::Mode, _) => {
            let points = guide_draws(&found.guide, options, seed);
            let log_weights = vec![-(points.ncols() as f64).ln(); points.ncols()];
            (points, log_weights.clone(), log_weights)
        }
    };
    let quantities = evaluator.quantities(&points).transpose();
    let draws = Draws { points, log_weights, quantities, chains: None };
    let mut checks = quantities::check(&draws, &log_ratios);
    quantities::pardon_constants(&mut evaluator, &mut checks, seed);
    let diagnostics = Diagnostics {
        dimension,
        reported,
        khat,
        weight_error,
        ess,
        checked_draws,
        self_kl: log_evidence - elbo,
        refits: checked.refits,
        quantities: checks,
        starts: found.starts,
        modes: found.modes,
        left_out: found.left_out,
        single: found.single,
        elbo_path: found.elbo_path,
        mean_field: matches!(found.guide, Guide::MeanField(_)),
        too_large: dimension > options.full_rank_limit,
        chains: None,
    };
    let verdict = Verdict::judge(&diagnostics, &options.thresholds);
    let counts = evaluator.counts();
    let (method, guide, algorithm) = (options.method, Some(found.guide), found.algorithm);
    Fit {
        method,
        guide,
        algorithm,
        elbo,
        elbo_error,
        log_evidence,
        counts,
        diagnostics,
        draws,
        verdict,
    }
}

/// Equally weighted draws of the guide itself, each normal's share by its weight.
fn guide_draws(guide: &Guide, options: &Options, seed: u64) -> DMatrix<f64> {
    let correction = &options.correction;
    let dimension = guide.dimension();
    let large = dimension > correction.large;
    let count = if large { correction.first_draws } else { correction.final_draws };
    let mut columns = Vec::new();
    for (index, (weight, shape)) in guide.components().into_iter().enumerate() {
        let mut rng = stream(seed, Purpose::Guide, index as u32);
        let share = (weight * count as f64).round().max(2.0) as usize;
        let points = shape.transform(&draws::matched(&mut rng, dimension, share));
        columns.extend_from_slice(points.as_slice());
    }
    let draws = columns.len() / dimension;
    DMatrix::from_vec(dimension, draws, columns)
}
