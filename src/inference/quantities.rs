//! How well each reported quantity is known from weighted draws.

use rayon::prelude::*;

use super::evaluate::Evaluator;
use super::fit::Draws;
use super::importance::Checked;
use super::psis;
use super::summary::moments;
use super::target::Target;
use super::verdict::{QuantityCheck, Thresholds};

/// The tail and the Monte Carlo error of each quantity under the weights.
pub fn check(draws: &Draws, log_ratios: &[f64]) -> Vec<QuantityCheck> {
    let weights = draws.weights();
    let indices = (0..draws.quantities.ncols()).into_par_iter();
    indices.map(|index| one(draws.quantity(index), &weights, log_ratios)).collect()
}

/// Whether a quantity is not known as well as a good fit demands.
pub fn want_more<T: Target>(
    evaluator: &mut Evaluator<T>,
    checked: &Checked,
    thresholds: &Thresholds,
) -> bool {
    let draws = Draws {
        points: checked.points.clone(),
        log_weights: checked.smoothed.log_weights.clone(),
        quantities: evaluator.quantities(&checked.points).transpose(),
    };
    check(&draws, &checked.log_ratios).iter().any(|quantity| {
        quantity.finite
            && (quantity.tail_error > thresholds.tail_error
                || quantity.mean_error > thresholds.mean_error
                || quantity.sd_error > thresholds.sd_error)
    })
}

fn one(values: &[f64], weights: &[f64], log_ratios: &[f64]) -> QuantityCheck {
    let found = moments(values, weights);
    let finite = found.mean.is_finite() && found.sd.is_finite();
    let known =
        QuantityCheck { finite, khat: 0.0, tail_error: 0.0, mean_error: 0.0, sd_error: 0.0 };
    if !finite || found.sd == 0.0 {
        return known;
    }
    let squared = |(h, ratio): (&f64, &f64)| ratio + 2.0 * (h - found.mean).abs().ln();
    let ratios: Vec<f64> = values.iter().zip(log_ratios).map(squared).collect();
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
