//! The ladder: starts, modes, guide, importance check, verdict.
//!
//! Invariant: equal target, options and seed give equal bits, for any number of threads.

use nalgebra::DMatrix;
use rayon::prelude::*;
use thiserror::Error;

use super::draws;
use super::evaluate::{Counts, Evaluator};
use super::find::{self, Found, find, find_full_rank, follow};
use super::guide::Guide;
use super::importance::{self, Checked};
use super::natural::Natural;
use super::options::{Candidates, Method, Options, Starts};
use super::psis;
use super::quantities;
use super::random::{Purpose, stream};
use super::sampled;
use super::summary::{Summary, summarize_repeated};
use super::target::Target;
use super::verdict::{Diagnostics, Level, Reported, Verdict};

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
    /// How many draws in a row share their globals, where locals were drawn afterwards: they count as
    /// one for Monte Carlo errors.
    pub repeats: usize,
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
        let summary = |index| summarize_repeated(self.quantity(index), &weights, self.repeats);
        quantities.map(summary).collect()
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
    let mut evaluator = Evaluator::new(target).interruptible(&options.interrupt);
    let candidates = match options.method {
        Method::Vi => {
            let found = find(&mut evaluator, target, options, seed, progress)?;
            return Ok(followed(evaluator, target, found, options, seed, progress));
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
    Ok(corrected(&mut evaluator, &found, &options, seed, progress))
}

/// A fit of one normal, bent by a triangular map from where it is, and checked again.
pub fn fit_bent<T: Target>(
    target: &T,
    fit: &Fit,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Option<Fit> {
    let mut evaluator = Evaluator::new(target).interruptible(&options.interrupt);
    let told = &fit.diagnostics;
    let found = Found {
        guide: fit.guide.clone()?,
        algorithm: fit.algorithm,
        starts: told.starts.clone(),
        modes: told.modes.clone(),
        left_out: told.left_out,
        elbo_path: told.elbo_path.clone(),
        highest: None,
        single: told.single,
        exploration: None,
    };
    let bent = find::bend(&mut evaluator, found, &options.bent, seed, progress);
    let is_bent = matches!(bent.guide, Guide::Triangular(_));
    is_bent.then(|| corrected(&mut evaluator, &bent, options, seed, progress))
}

/// The fit of a guide; where it is not good, its heaviest draws are followed to modes that it lacks.
fn followed<T: Target>(
    mut evaluator: Evaluator<T>,
    target: &T,
    mut found: Found,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Fit {
    let starts = &options.starts;
    let cheap = evaluator.dimension() <= starts.large && target.cost() < starts.dear;
    let rounds = if cheap { starts.follow_rounds } else { 0 };
    for _ in 0..rounds {
        let checked = checked(&mut evaluator, &found.guide, options, seed, progress);
        let heaviest = checked.heaviest(starts.followed);
        let mut fit = conclude(&mut evaluator, &found, checked, options, seed);
        if fit.verdict.level == Level::Good || evaluator.is_interrupted() {
            return fit;
        }
        let exploration = found.exploration.take();
        match follow(&mut evaluator, target, exploration, &heaviest, options, progress) {
            Some(more) => found = more,
            None => {
                fit.counts = evaluator.counts();
                return fit;
            }
        }
    }
    corrected(&mut evaluator, &found, options, seed, progress)
}

/// The fit of a guide: its draws checked by importance weights, corrected and judged.
fn corrected<T: Target>(
    evaluator: &mut Evaluator<T>,
    found: &Found,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Fit {
    let checked = checked(evaluator, &found.guide, options, seed, progress);
    conclude(evaluator, found, checked, options, seed)
}

/// The draws of a guide with their importance weights, as many as it takes.
pub(super) fn checked<T: Target>(
    evaluator: &mut Evaluator<T>,
    guide: &Guide,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Checked {
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
    let correction = match guide {
        Guide::Triangular(_) => options.correction.without_refits(),
        Guide::MeanField(_) | Guide::FullRank(_) | Guide::Mixture(_) | Guide::Bordered(_) => {
            options.correction.clone()
        }
    };
    importance::check(evaluator, guide, seed, &correction, wants_more, observe)
}

/// The draws to report, the checks of every quantity, and the verdict.
fn conclude<T: Target>(
    evaluator: &mut Evaluator<T>,
    found: &Found,
    checked: Checked,
    options: &Options,
    seed: u64,
) -> Fit {
    let correction = &options.correction;
    let dimension = evaluator.dimension();
    let evidence = Evidence::of(&checked);
    let trusted = correction.trusts(evidence.khat) || dimension < correction.give_up_dimension;
    let reported = match options.method {
        Method::Vi | Method::Importance if trusted => Reported::Corrected,
        Method::Map => Reported::Mode,
        Method::Vi | Method::Importance | Method::Laplace | Method::Pathfinder | Method::Nuts => {
            Reported::Guide
        }
    };
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
    let draws = Draws { points, log_weights, quantities, chains: None, repeats: 1 };
    let mut checks = quantities::check(&draws, &log_ratios);
    quantities::pardon_constants(evaluator, &mut checks, seed);
    let diagnostics = Diagnostics {
        dimension,
        reported,
        quantities: checks,
        resting_on_once: found.resting_on_once(&draws.points, &draws),
        mean_field: matches!(found.guide, Guide::MeanField(_) | Guide::Bordered(_)),
        interrupted: evaluator.is_interrupted(),
        too_large: dimension > options.full_rank_limit,
        ..evidence.diagnostics(found)
    };
    evidence.fit(found, diagnostics, draws, evaluator.counts(), options)
}

/// What the check of a guide found, without its draws.
pub(super) struct Evidence {
    pub(super) khat: f64,
    pub(super) ess: f64,
    pub(super) draws: usize,
    weight_error: f64,
    log_evidence: f64,
    elbo: (f64, f64),
    refits: usize,
}

impl Evidence {
    pub(super) fn of(checked: &Checked) -> Self {
        Self {
            khat: checked.smoothed.khat,
            ess: checked.ess,
            draws: checked.log_ratios.len(),
            weight_error: psis::tail_error(&checked.log_ratios).error,
            log_evidence: checked.log_evidence,
            elbo: checked.elbo,
            refits: checked.refits,
        }
    }

    /// The diagnostics, with what is not known here as for a corrected normal without quantities.
    pub(super) fn diagnostics(&self, found: &Found) -> Diagnostics {
        Diagnostics {
            dimension: found.guide.dimension(),
            reported: Reported::Corrected,
            khat: self.khat,
            weight_error: self.weight_error,
            ess: self.ess,
            checked_draws: self.draws,
            self_kl: self.log_evidence - self.elbo.0,
            refits: self.refits,
            quantities: Vec::new(),
            starts: found.starts.clone(),
            modes: found.modes.clone(),
            resting_on_once: 0.0,
            left_out: found.left_out,
            single: found.single,
            elbo_path: found.elbo_path.clone(),
            mean_field: false,
            interrupted: false,
            too_large: false,
            integrated: None,
            chains: None,
        }
    }

    /// The fit, judged.
    pub(super) fn fit(
        self,
        found: &Found,
        diagnostics: Diagnostics,
        draws: Draws,
        counts: Counts,
        options: &Options,
    ) -> Fit {
        let verdict = Verdict::judge(&diagnostics, &options.thresholds);
        Fit {
            method: options.method,
            guide: Some(found.guide.clone()),
            algorithm: found.algorithm,
            elbo: self.elbo.0,
            elbo_error: self.elbo.1,
            log_evidence: self.log_evidence,
            counts,
            diagnostics,
            draws,
            verdict,
        }
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
