//! How well each reported quantity is known from draws.

use nalgebra::DMatrix;
use rand::RngExt;
use rayon::prelude::*;

use super::chains::mixing;
use super::evaluate::Evaluator;
use super::fit::Draws;
use super::importance::Checked;
use super::psis;
use super::random::{Purpose, stream};
use super::summary::{Summary, moments, moments_repeated};
use super::target::Target;
use super::verdict::{ChainReport, QuantityCheck, Thresholds};

/// Points that a quantity is evaluated at to see whether it ever changes.
const PROBES: usize = 8;

/// They are uniform in (−RADIUS, RADIUS).
const RADIUS: f64 = 2.0;

/// The tail and the Monte Carlo error of each quantity under the weights. There is a log ratio for
/// each run of `draws.repeats` draws.
pub fn check(draws: &Draws, log_ratios: &[f64]) -> Vec<QuantityCheck> {
    let weights = draws.weights();
    let indices = (0..draws.quantities.ncols()).into_par_iter();
    indices.map(|index| one(draws.quantity(index), &weights, log_ratios, draws.repeats)).collect()
}

/// The most that means, in sds, and sds, relatively, change if only a share of each run of draws is
/// kept; infinite if nothing is.
pub fn influence(draws: &Draws, kept: &[f64]) -> f64 {
    let weights = draws.weights();
    let shares = kept.iter().flat_map(|share| std::iter::repeat_n(share, draws.repeats));
    let left: Vec<f64> = weights.iter().zip(shares).map(|(weight, share)| weight * share).collect();
    let total: f64 = left.iter().sum();
    if total <= 0.0 {
        return f64::INFINITY;
    }
    let left: Vec<f64> = left.iter().map(|weight| weight / total).collect();
    let change = |index| {
        let values = draws.quantity(index);
        let (all, rest) = (moments(values, &weights), moments(values, &left));
        ((rest.mean - all.mean).abs() / all.sd).max((rest.sd / all.sd).ln().abs())
    };
    let changes = (0..draws.quantities.ncols()).into_par_iter().map(change);
    // Of what has no spread nothing can be missed.
    changes.filter(|change| !change.is_nan()).reduce(|| 0.0, f64::max)
}

/// Whether a quantity is not known as well as a good fit demands.
pub fn want_more<T: Target>(
    evaluator: &mut Evaluator<T>,
    checked: &Checked,
    thresholds: &Thresholds,
) -> bool {
    let quantities = evaluator.quantities(&checked.points).transpose();
    let log_weights = checked.smoothed.log_weights.clone();
    let draws =
        Draws { points: checked.points.clone(), log_weights, quantities, chains: None, repeats: 1 };
    check(&draws, &checked.log_ratios).iter().any(|quantity| {
        quantity.finite
            && (thresholds.is_heavy(quantity)
                || quantity.mean_error > thresholds.mean_error
                || quantity.sd_error > thresholds.sd_error)
    })
}

/// Lets off quantities that are constant by their definition: the same wherever they are evaluated.
pub fn pardon_constants<T: Target>(
    evaluator: &mut Evaluator<T>,
    checks: &mut [QuantityCheck],
    seed: u64,
) {
    if !checks.iter().any(|check| check.constant) {
        return;
    }
    let mut rng = stream(seed, Purpose::Probe, 0);
    let draw = |_, _| rng.random_range(-RADIUS..RADIUS);
    let points = DMatrix::from_fn(evaluator.dimension(), PROBES, draw);
    let values = evaluator.quantities(&points);
    for (check, row) in checks.iter_mut().zip(values.row_iter()) {
        check.constant &= row.iter().any(|value| *value != row[0]);
    }
}

/// A quantity of weighted draws.
fn one(values: &[f64], weights: &[f64], log_ratios: &[f64], repeats: usize) -> QuantityCheck {
    let found = moments_repeated(values, weights, repeats);
    let known = settled(found.sd);
    if !known.finite || known.constant {
        return known;
    }
    let squared = |(run, ratio): (&[f64], &f64)| {
        let square = run.iter().map(|h| ((h - found.mean) / found.sd).powi(2)).sum::<f64>();
        ratio + (square / run.len() as f64).ln()
    };
    let runs = values.chunks(repeats.max(1));
    let ratios: Vec<f64> = runs.zip(log_ratios).map(squared).collect();
    let tail = psis::tail_error(&ratios);
    QuantityCheck {
        khat: tail.khat,
        // A variance is off by twice as much as its root.
        tail_error: 0.5 * tail.error,
        mean_error: found.mcse_mean / found.sd,
        sd_error: found.mcse_sd / found.sd,
        ..known
    }
}

/// A quantity that was drawn after the fit, given some of its draws with their log weights. `worth` is
/// how many independent draws each stands for. Of a state only the mean is judged, and an error of 0.01
/// is a small one whatever it is of: that is known well long before the sd of a rare state is.
pub fn check_drawn(values: &[f64], log_weights: &[f64], worth: f64, state: bool) -> QuantityCheck {
    let total: f64 = log_weights.iter().map(|w| w.exp()).sum();
    let weights: Vec<f64> = log_weights.iter().map(|w| w.exp() / total).collect();
    let found = one(values, &weights, log_weights, 1);
    let more = worth.sqrt().recip();
    let mean_error = more * found.mean_error;
    if state {
        let sd = moments(values, &weights).sd;
        let mean_error = mean_error * (sd / LEAST_STATE_SD).min(1.0);
        return QuantityCheck { finite: found.finite, mean_error, ..settled(1.0) };
    }
    QuantityCheck { constant: false, mean_error, sd_error: more * found.sd_error, ..found }
}

/// A state that varies less than this is judged as if it varied so much.
const LEAST_STATE_SD: f64 = 0.2;

/// What an sd alone tells.
fn settled(sd: f64) -> QuantityCheck {
    let constant = sd == 0.0;
    let finite = sd.is_finite() && (constant || sd.is_normal());
    QuantityCheck { finite, constant, khat: 0.0, tail_error: 0.0, mean_error: 0.0, sd_error: 0.0 }
}

/// The summary of each quantity of chains: Monte Carlo errors by effective sample sizes.
pub fn chain_summaries(draws: &Draws, chains: usize) -> Vec<Summary> {
    let weights = draws.weights();
    let indices = (0..draws.quantities.ncols()).into_par_iter();
    let summary = |index| {
        let values = draws.quantity(index);
        let summary = super::summary::summarize(values, &weights);
        let told = mixing(values, chains);
        let count = values.len() as f64;
        Summary {
            mcse_mean: summary.mcse_mean * (count / told.mean_ess).sqrt(),
            mcse_sd: summary.mcse_sd * (count / told.sd_ess).sqrt(),
            ..summary
        }
    };
    indices.map(summary).collect()
}

/// What the chains tell of every quantity and of all together. `report` has the rest filled in.
pub fn check_chains(draws: &Draws, mut report: ChainReport) -> (Vec<QuantityCheck>, ChainReport) {
    let told: Vec<_> = (0..draws.quantities.ncols())
        .into_par_iter()
        .map(|index| mixing(draws.quantity(index), report.chains))
        .collect();
    let summaries = chain_summaries(draws, report.chains);
    let checks = summaries.iter().map(|summary| {
        let known = settled(summary.sd);
        if known.finite && !known.constant {
            let (mean_error, sd_error) =
                (summary.mcse_mean / summary.sd, summary.mcse_sd / summary.sd);
            QuantityCheck { mean_error, sd_error, ..known }
        } else {
            known
        }
    });
    let checks: Vec<QuantityCheck> = checks.collect();
    // One quantity that cannot be judged, with NaN, spoils the whole.
    let moving = told.iter().zip(&checks).filter(|(_, check)| !check.constant);
    for (told, _) in moving {
        let worse =
            |a: f64, b: f64, is: bool| if a.is_nan() || !(is || b.is_nan()) { a } else { b };
        report.rhat = worse(report.rhat, told.rhat, told.rhat > report.rhat);
        let least = |a: f64, b: f64| worse(a, b, b < a);
        report.bulk_ess = least(report.bulk_ess, told.bulk_ess);
        report.tail_ess = least(report.tail_ess, told.tail_ess);
    }
    (checks, report)
}
