//! Fits the globals of a model whose locals are integrated out, then draws the locals given them.
//!
//! The ladder of [`fit()`](super::fit()) on the marginal density: starts, modes, natural gradients, the
//! check by importance weights, a bent guide where a normal is not good. The guide is fitted by a
//! coarse rule of integration and checked by one that a finer one would not change. Invariant: the
//! draws that are reported have all d coordinates, and weights that are those of their globals.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::collapse::{Collapse, Collapsed, Parts};
use super::draws;
use super::evaluate::{Counts, Evaluator, Tally};
use super::find::{self, Found};
use super::fit::{self, Draws, Evidence, Fit, FitError, Progress};
use super::importance::Checked;
use super::natural::Natural;
use super::nested::{Coupling, Nested, NestedLaplace};
use super::optimizer::Lbfgs;
use super::options::{Correction, Method, Options, Starts};
use super::quantities;
use super::random::{Purpose, Stream, stream};
use super::start;
use super::target::Target;
use super::verdict::{Diagnostics, Integrated};

/// The log density of the globals of a target, by a rule that integrates its locals out.
pub trait Marginal: Target + Sized + Sync {
    /// The same, looking for the modes of locals near those at a point of the globals: for points
    /// around it, few Newton steps are enough.
    fn anchored(self, globals: &[f64]) -> Self;

    /// The same by a finer rule; `None` if there is none.
    fn finer(&self) -> Option<Self>;

    /// The rule to be used where this one, which is the finest, is not fine enough.
    fn fallback(self) -> Self;

    /// Whether the density is estimated without bias: its error is noise.
    fn is_unbiased(&self) -> bool;

    /// The evaluations of the target so far.
    fn tally(&self) -> &Tally;

    /// All d coordinates with these globals, `repeats` draws of the locals one after the other.
    fn completed(
        &self,
        workspace: &mut Self::Workspace,
        globals: &[f64],
        repeats: usize,
        rng: &mut Stream,
    ) -> Vec<f64>;

    /// All d coordinates for draws of the globals, one per column: `repeats` columns in a row for each,
    /// with locals drawn given them.
    fn complete(&self, globals: &DMatrix<f64>, repeats: usize, seed: u64) -> DMatrix<f64> {
        let count = globals.ncols() * repeats;
        let columns: Vec<Vec<f64>> = (0..globals.ncols())
            .into_par_iter()
            .map_init(
                || self.workspace(),
                |workspace, draw| {
                    let mut rng = stream(seed, Purpose::Complete, draw as u32);
                    let point: Vec<f64> = globals.column(draw).iter().copied().collect();
                    self.completed(workspace, &point, repeats, &mut rng)
                },
            )
            .collect();
        let numbers = columns.concat();
        DMatrix::from_vec(numbers.len() / count.max(1), count, numbers)
    }

    /// How much a finer rule may change the log density, in nats, for this one to be enough.
    fn tolerance(&self, options: &Collapse) -> f64;

    /// How many draws of the locals one of the globals gets.
    fn repeats(&self, options: &Collapse) -> usize;

    /// What was integrated out, with the error of the rule in nats.
    fn integrated(&self, error: f64) -> Integrated;
}

/// Fits a target by the marginal of its globals, locals in small independent blocks.
///
/// # Errors
///
/// If no start finds a finite density, or no guide has a finite ELBO.
pub fn fit_collapsed<T: Target, P: Target>(
    target: &T,
    parts: &Parts<P>,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fit, FitError> {
    let coarse = Collapsed::new(target, parts, &options.collapse, 0);
    fit_marginal(target, coarse, options, seed, progress)
}

/// Fits a target by the marginal of its globals, locals coupled by a sparse Hessian.
///
/// # Errors
///
/// If no start finds a finite density, or no guide has a finite ELBO.
pub fn fit_nested<T: Target, P: Target>(
    target: &T,
    coupling: &Coupling<P>,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fit, FitError> {
    let rule = NestedLaplace::new(target, coupling, &options.nested, 0);
    let centre = vec![0.0; coupling.globals.len()];
    let (rule, first) = approach(rule.anchored(&centre), options, seed);
    let collapse = Collapse { starts: options.nested.starts, ..options.collapse.clone() };
    let starts = Starts { first, ..options.starts.clone() };
    let options = Options { collapse, starts, ..options.clone() };
    fit_marginal(target, rule, &options, seed, progress)
}

/// Goes up the marginal from the first start in short descents, each looking for modes of locals near
/// those where the last one ended: far from them they are dear to find. The rule there, and the place.
fn approach<M: Marginal>(mut rule: M, options: &Options, seed: u64) -> (M, Option<Vec<f64>>) {
    let Nested { approaches, approach_steps, .. } = options.nested;
    let lbfgs = Lbfgs { max_iterations: approach_steps, ..options.collapse.lbfgs.clone() };
    let starts = Starts { lbfgs, ..options.starts.clone() };
    let mut place = None;
    for _ in 0..approaches {
        let end = {
            let mut own = Evaluator::sequential(&rule).interruptible(&options.interrupt);
            let from = place.clone();
            let from = from.or_else(|| start::finite_start(&mut own, &rule, seed, 0, &starts));
            let path = from.and_then(|from| start::descend(&mut own, from, &starts));
            path.and_then(|path| Some((path.last()?.point.as_slice().to_vec(), path.len())))
        };
        let Some((point, steps)) = end else { break };
        rule = rule.anchored(&point);
        place = Some(point);
        if steps <= approach_steps {
            break;
        }
    }
    (rule, place)
}

fn fit_marginal<T: Target, M: Marginal>(
    target: &T,
    coarse: M,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fit, FitError> {
    let affordable = |cost: usize| for_marginal(options, cost, target.dimension());
    let options = affordable(coarse.cost());
    let mut evaluator = Evaluator::new(&coarse).interruptible(&options.interrupt);
    let found = find::find_full_rank(&mut evaluator, &coarse, &options, seed, progress)?;
    let (fine, error) = enough(coarse, &found, &options.collapse, seed);
    let options = affordable(fine.cost());
    let mut evaluator = Evaluator::new(&fine).interruptible(&options.interrupt);
    let checked = fit::checked(&mut evaluator, &found.guide, &options, seed, progress);
    let trusted = |checked: &Checked| options.correction.trusts(checked.smoothed.khat);
    let good = checked.efficiency() > options.correction.refit_efficiency && trusted(&checked);
    let known = error <= options.thresholds.quadrature_error || fine.is_unbiased();
    let (found, checked) = if good || !known || options.method != Method::Vi {
        (found, checked)
    } else {
        let bent = find::bend(&mut evaluator, found.clone(), &options.bent, seed, progress);
        let again = fit::checked(&mut evaluator, &bent.guide, &options, seed, progress);
        let worse = (trusted(&checked), checked.ess) >= (trusted(&again), again.ess);
        if !worse { (bent, again) } else { (found, checked) }
    };
    Ok(conclude(target, &fine, (found, checked), error, &options, seed))
}

/// Fewer starts and draws than a density without integrals gets: each costs as much as thirty.
fn for_marginal(options: &Options, cost: usize, dimension: usize) -> Options {
    let collapse = &options.collapse;
    let [count, most, most_of_several] = collapse.starts;
    let [first, last, _] = collapse.draws;
    let affordable = (collapse.operations / cost.max(1) as f64) as usize;
    let within = |draws: usize| draws.min(affordable).max(collapse.least_draws);
    let held = (collapse.most_numbers / dimension.max(1)).max(collapse.least_draws);
    Options {
        starts: Starts {
            count,
            count_dear: count,
            most,
            most_of_several,
            // Integrals have errors, below which no line search should look.
            lbfgs: collapse.lbfgs.clone(),
            gradients: 0,
            path_candidates: collapse.path_candidates,
            least_modes: 1,
            ..options.starts.clone()
        },
        natural: Natural {
            draws: collapse.fixed_draws.min((affordable / 8).max(collapse.least_fixed_draws)),
            max_iterations: collapse.iterations.min(options.natural.max_iterations),
            ..options.natural.clone()
        },
        correction: Correction {
            first_draws: within(first).min(held),
            final_draws: within(last).min(held),
            operations: f64::INFINITY,
            extra_rounds: 1,
            refit_efficiency: collapse.refit_efficiency,
            ..options.correction.clone()
        },
        ..options.clone()
    }
}

/// The coarsest rule that the next one changes little at draws of the guide, looking for modes near
/// those at its mean, and by how much it is changed. If there is none, the one to fall back to, with how
/// much the finest changed.
fn enough<M: Marginal>(coarse: M, found: &Found, options: &Collapse, seed: u64) -> (M, f64) {
    let dimension = found.guide.dimension();
    let base =
        draws::antithetic(&mut stream(seed, Purpose::Rule, 0), dimension, options.rule_points);
    let points = match found.guide.components().first() {
        Some((_, shape)) => shape.transform(&base),
        None => base,
    };
    let centre = points.column_mean();
    let mut rule = coarse.anchored(centre.as_slice());
    let mut before = Evaluator::new(&rule).log_densities(&points);
    let mut error = f64::INFINITY;
    loop {
        let Some(finer) = rule.finer() else { return (rule.fallback(), error) };
        let finer = finer.anchored(centre.as_slice());
        let after = Evaluator::new(&finer).log_densities(&points);
        let changes: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b - a).collect();
        let middle = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
        error = changes.iter().map(|change| (change - middle).abs()).fold(0.0, larger);
        if error <= rule.tolerance(options) {
            rule.tally().add(finer.tally().counts());
            return (rule, error);
        }
        finer.tally().add(rule.tally().counts());
        rule = finer;
        before = after;
    }
}

fn larger(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

/// All coordinates drawn, every quantity checked, and the verdict.
fn conclude<T: Target, M: Marginal>(
    target: &T,
    marginal: &M,
    (found, checked): (Found, Checked),
    error: f64,
    options: &Options,
    seed: u64,
) -> Fit {
    let dimension = target.dimension();
    let evidence = Evidence::of(&checked);
    let most = options.collapse.most_numbers / (dimension * checked.points.ncols()).max(1);
    let repeats = marginal.repeats(&options.collapse).min(most).max(1);
    let points: DMatrix<f64> = marginal.complete(&checked.points, repeats, seed);
    let share = (repeats as f64).ln();
    let weights = checked.smoothed.log_weights.iter();
    let log_weights = weights.flat_map(|w| std::iter::repeat_n(w - share, repeats)).collect();
    let mut evaluator = Evaluator::new(target);
    let quantities = evaluator.quantities(&points).transpose();
    let draws = Draws { points, log_weights, quantities, chains: None, repeats };
    let mut checks = quantities::check(&draws, &checked.log_ratios);
    quantities::pardon_constants(&mut evaluator, &mut checks, seed);
    let diagnostics = Diagnostics {
        dimension,
        quantities: checks,
        resting_on_once: found.resting_on_once(&checked.points, &draws),
        interrupted: options.interrupt.is_raised(),
        integrated: Some(marginal.integrated(error)),
        ..evidence.diagnostics(&found)
    };
    let mut counts: Counts = evaluator.counts();
    counts += marginal.tally().counts();
    evidence.fit(&found, diagnostics, draws, counts, options)
}
