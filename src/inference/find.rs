//! Finds a guide: the one that is asked for, by the algorithm that is asked for.
//!
//! Invariant: what is found says of every start and mode what became of it.

use nalgebra::{DMatrix, DVector};

use super::bent::Bent;
use super::draws;
use super::evaluate::Evaluator;
use super::family::Family;
use super::fit::{Draws, FitError, Progress};
use super::guide::{FullRank, Guide, Mixture};
use super::modes::{Exploration, Explored, Mode, explore};
use super::natural::Natural;
use super::options::{Algorithm, GuideChoice, Options, Starts};
use super::quantities;
use super::random::{Purpose, stream};
use super::start;
use super::stochastic::Estimator;
use super::target::{LogDensity, Target};
use super::verdict::{ModeReport, StartReport};

/// A guide and how it was found.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) guide: Guide,
    pub(super) algorithm: &'static str,
    pub(super) starts: Vec<StartReport>,
    pub(super) modes: Vec<ModeReport>,
    pub(super) left_out: usize,
    pub(super) elbo_path: Vec<f64>,
    pub(super) highest: Option<DVector<f64>>,
    /// Whether no dip of the density divides the modes that are kept.
    pub(super) single: bool,
    /// What more starts would add to, where modes were looked for.
    pub(super) exploration: Option<Exploration>,
}

impl Found {
    /// How far what draws say rests on modes that one start alone found: see
    /// [`Diagnostics::resting_on_once`](super::verdict::Diagnostics::resting_on_once). `globals` are
    /// the points of the guide that the draws were made from.
    pub(super) fn resting_on_once(&self, globals: &DMatrix<f64>, draws: &Draws) -> f64 {
        let kept: Vec<&ModeReport> = self.modes.iter().filter(|mode| mode.kept).collect();
        let once = |index: usize| kept.get(index).is_some_and(|mode| mode.starts == 1);
        if !(0..kept.len()).any(once) {
            return 0.0;
        }
        match &self.guide {
            Guide::Mixture(mixture) => {
                quantities::influence(draws, &mixture.share(|index| !once(index), globals))
            }
            Guide::FullRank(_)
            | Guide::MeanField(_)
            | Guide::Triangular(_)
            | Guide::Bordered(_) => f64::INFINITY,
        }
    }
}

/// The guide that is asked for.
pub(super) fn find<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let small = target.dimension() <= options.full_rank_limit;
    let correlated = match options.guide {
        GuideChoice::Auto => small,
        GuideChoice::MeanField => false,
        GuideChoice::FullRank | GuideChoice::Triangular => true,
    };
    let found = match (correlated, options.algorithm) {
        (true, Algorithm::Auto | Algorithm::Natural) => {
            find_full_rank(evaluator, target, options, seed, progress)
        }
        (false, Algorithm::Auto | Algorithm::Fixed) => {
            find_mean_field(evaluator, options, seed, progress)
        }
        (true, Algorithm::Fixed)
        | (false, Algorithm::Natural)
        | (_, Algorithm::Stochastic | Algorithm::Score) => {
            ascend(evaluator, target, correlated, options, seed, progress)
        }
    }?;
    Ok(match options.guide {
        GuideChoice::Auto if !correlated => respond(evaluator, found, options, seed),
        GuideChoice::Triangular => bend(evaluator, found, &options.bent, seed, progress),
        GuideChoice::Auto | GuideChoice::MeanField | GuideChoice::FullRank => found,
    })
}

/// A mean-field guide that was chosen for the size, with the covariances of the coordinates that it
/// gets most wrong, by linear response.
fn respond<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    found: Found,
    options: &Options,
    seed: u64,
) -> Found {
    let Guide::MeanField(guide) = &found.guide else { return found };
    let mut rng = stream(seed, Purpose::Response, 0);
    let base = draws::matched_marginals(&mut rng, guide.mean.len(), options.response.draws);
    match options.response.bordered(evaluator, guide, &base, &mut rng) {
        Some(guide) => Found { guide, ..found },
        None => found,
    }
}

/// One normal by the algorithm that is asked for, from the best candidate of the starts, or from a
/// random point where a full covariance is too large to start with.
fn ascend<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    correlated: bool,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let dimension = target.dimension();
    let whole = correlated || dimension <= options.full_rank_limit;
    let (family, found) = if whole {
        let natural = Natural { max_iterations: 0, ..options.natural.clone() };
        let still = Options { natural, ..options.clone() };
        let found = find_full_rank(evaluator, target, &still, seed, progress)?;
        let normal = match &found.guide {
            Guide::FullRank(normal) => Some(normal),
            Guide::Mixture(mixture) => mixture.components.first(),
            Guide::MeanField(_) | Guide::Triangular(_) | Guide::Bordered(_) => None,
        };
        let normal = normal.ok_or(FitError::NoFiniteGuide)?.clone();
        let family =
            if correlated { Family::FullRank(normal) } else { Family::MeanField(normal.inside()) };
        (family, Some(found))
    } else {
        let Starts { radius_mean_field: radius, attempts, .. } = options.starts;
        let mut rng = stream(seed, Purpose::Start, 0);
        let point = start::finite_point(evaluator, &mut rng, radius, attempts)
            .ok_or(FitError::NoFiniteStart { starts: 1, attempts })?;
        (options.fixed_draws.around(&point), None)
    };
    let mut rng = stream(seed, Purpose::FixedDraws, 0);
    let observe = |iteration, elbo| progress(Progress::Stepped { mode: 0, iteration, elbo });
    let base = |rng: &mut _| {
        let count = match correlated {
            true => options.natural.draws_for(dimension, target.cost()),
            false => options.fixed_draws.draws_for(dimension),
        };
        draws::matched(rng, dimension, count)
    };
    let (name, fitted) = match (options.algorithm, &family) {
        (Algorithm::Stochastic, _) => {
            let stochastic = &options.stochastic;
            let fitted = stochastic.fit(Estimator::Path, evaluator, family, &mut rng, observe);
            ("stochastic", fitted)
        }
        (Algorithm::Score, _) => {
            let stochastic = &options.stochastic;
            ("score", stochastic.fit(Estimator::Score, evaluator, family, &mut rng, observe))
        }
        (Algorithm::Natural, Family::MeanField(normal)) => {
            let (normal, base) = (normal.clone(), base(&mut rng));
            ("natural", options.natural.fit_diagonal(evaluator, normal, &base, observe))
        }
        (Algorithm::Auto | Algorithm::Natural | Algorithm::Fixed, _) => {
            let base = base(&mut rng);
            ("fixed", options.fixed_draws.fit(evaluator, family, &base, observe))
        }
    };
    let fitted = fitted.ok_or(FitError::NoFiniteGuide)?;
    let own = ModeReport { elbo: fitted.elbo, starts: 1, converged: fitted.converged, kept: true };
    let (starts, mut modes) = found.map(|found| (found.starts, found.modes)).unwrap_or_default();
    match modes.first_mut() {
        Some(best) => *best = ModeReport { starts: best.starts, ..own },
        None => modes.push(own),
    }
    modes.iter_mut().skip(1).for_each(|mode| mode.kept = false);
    Ok(Found {
        guide: fitted.guide,
        algorithm: name,
        starts,
        modes,
        left_out: 0,
        elbo_path: fitted.path,
        highest: None,
        single: true,
        exploration: None,
    })
}

/// The guide bent by a triangular map, if there is one mode: the best normal, if several of them
/// stand for it.
pub(super) fn bend<T: Target>(
    evaluator: &mut Evaluator<T>,
    found: Found,
    options: &Bent,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Found {
    let normal = match &found.guide {
        Guide::FullRank(normal) => Some(normal),
        Guide::Mixture(mixture) if found.single => mixture.components.first(),
        Guide::Mixture(_) | Guide::MeanField(_) | Guide::Triangular(_) | Guide::Bordered(_) => None,
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

/// Modes found from random starts, the best kept.
pub(super) fn find_full_rank<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, FitError> {
    let exploration = explore(evaluator, target, options, seed, progress)?;
    found_by(exploration, options).ok_or(FitError::NoFiniteGuide)
}

/// The best modes, and others that starts at the draws of the largest weights lead to; `None` if none
/// that matters is new.
pub(super) fn follow<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    exploration: Option<Exploration>,
    heaviest: &[Vec<f64>],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Option<Found> {
    let mut exploration = exploration?;
    let more = exploration.follow(evaluator, target, heaviest, progress);
    more.then(|| found_by(exploration, options)).flatten()
}

/// The modes of an exploration that matter, as a guide.
fn found_by(exploration: Exploration, options: &Options) -> Option<Found> {
    let Explored { starts, left_out, highest } = exploration.explored()?;
    let stepped = options.natural.max_iterations > 0;
    let report = |mode: &Mode| ModeReport {
        elbo: mode.fitted.elbo,
        starts: mode.support,
        converged: mode.fitted.converged || !stepped,
        kept: exploration.matters(mode),
    };
    let modes = exploration.modes();
    let reports: Vec<ModeReport> = modes.iter().map(report).collect();
    let elbo_path = modes.first()?.fitted.path.clone();
    let kept = modes.iter().zip(&reports).filter(|(_, report)| report.kept);
    let kept: Vec<&Mode> = kept.map(|(mode, _)| mode).collect();
    let single = kept.iter().all(|mode| mode.with_best);
    let mut kept: Vec<(FullRank, f64)> =
        kept.iter().map(|mode| (mode.fitted.guide.clone(), mode.fitted.elbo)).collect();
    let guide = if kept.len() > 1 {
        Guide::Mixture(Mixture::from_elbos(kept))
    } else {
        Guide::FullRank(kept.pop()?.0)
    };
    let algorithm = if stepped { "natural" } else { options.method.name() };
    Some(Found {
        guide,
        algorithm,
        starts,
        modes: reports,
        left_out,
        elbo_path,
        highest: Some(highest),
        single,
        exploration: Some(exploration),
    })
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
    let count = options.starts.count_mean_field_for(dimension, evaluator.cost());
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
        let family = point.map(|point| options.fixed_draws.around(&point));
        let fitted =
            family.and_then(|family| options.fixed_draws.fit(evaluator, family, &base, observe));
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
        guide: best.guide,
        algorithm: "fixed",
        starts,
        modes,
        left_out: 0,
        elbo_path: best.path,
        highest: None,
        single: true,
        exploration: None,
    })
}
