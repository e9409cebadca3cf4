//! Turns weighted draws of one quantity into the numbers that are reported of it.
//!
//! Invariant: weights are normalised and as many as the values; nothing here is random except the
//! offset of a resampling, which its seed fixes.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::random::{Purpose, stream};

/// What is reported of one quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
    /// The 5 % quantile.
    pub q05: f64,
    /// The median.
    pub q50: f64,
    /// The 95 % quantile.
    pub q95: f64,
    /// The Monte Carlo standard error of the mean, √(Σ w² (h − mean)²).
    pub mcse_mean: f64,
    /// The Monte Carlo standard error of the sd, √(Σ w² ((h − mean)² − sd²)²) / (2 sd).
    pub mcse_sd: f64,
}

/// The moments of a quantity and their Monte Carlo errors, as in [`Summary`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
    /// The Monte Carlo standard error of the mean.
    pub mcse_mean: f64,
    /// The Monte Carlo standard error of the sd.
    pub mcse_sd: f64,
}

/// The moments of values with normalised weights; NaN throughout if a value of positive weight is
/// not finite.
///
/// They are computed of (h − r)/s for the first value r and the largest |h − r| = s, so that a mean
/// of 10¹⁵ keeps the digits of its sd, and squares of the smallest and largest numbers are numbers.
pub fn moments(values: &[f64], weights: &[f64]) -> Moments {
    moments_repeated(values, weights, 1)
}

/// The same of values that come in runs of `repeats`: a run counts as one draw for the Monte Carlo
/// errors, which are √(Σ_runs (Σ_run w (h − mean))²) and so on.
pub fn moments_repeated(values: &[f64], weights: &[f64], repeats: usize) -> Moments {
    let pairs = || values.iter().copied().zip(weights.iter().copied()).filter(|(_, w)| *w > 0.0);
    let reference = pairs().next().map_or(f64::NAN, |(h, _)| h);
    let scale = pairs().fold(0.0, |scale: f64, (h, _)| {
        let distance = (h - reference).abs();
        if distance.is_nan() || distance > scale { distance } else { scale }
    });
    if !scale.is_finite() {
        return Moments { mean: f64::NAN, sd: f64::NAN, mcse_mean: f64::NAN, mcse_sd: f64::NAN };
    }
    if scale == 0.0 {
        // A constant is reported exactly; one draw says nothing of a spread.
        let sd = if pairs().nth(1).is_some() { 0.0 } else { f64::NAN };
        return Moments { mean: reference, sd, mcse_mean: 0.0, mcse_sd: 0.0 };
    }
    let scaled = || pairs().map(|(h, w)| ((h - reference) / scale, w));
    let total: f64 = pairs().map(|(_, w)| w).sum();
    let mean = scaled().map(|(h, w)| w * h).sum::<f64>() / total;
    let variance: f64 = scaled().map(|(h, w)| w * (h - mean).powi(2)).sum();
    let concentration: f64 = pairs().map(|(_, w)| w * w).sum();
    let by_run = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        let runs = values.chunks(repeats.max(1)).zip(weights.chunks(repeats.max(1)));
        let sum = |(values, weights): (&[f64], &[f64])| {
            let terms = values.iter().zip(weights).filter(|(_, w)| **w > 0.0);
            terms.map(|(h, w)| of((h - reference) / scale, *w)).sum::<f64>().powi(2)
        };
        runs.map(sum).sum()
    };
    let mcse = by_run(&|h, w| w * (h - mean));
    let spread = by_run(&|h, w| w * ((h - mean).powi(2) - variance));
    let sd = (variance / (1.0 - concentration)).sqrt();
    let mcse_sd = if sd > 0.0 { spread.sqrt() / (2.0 * sd) } else { 0.0 };
    Moments {
        mean: reference + scale * mean,
        sd: scale * sd,
        mcse_mean: scale * mcse.sqrt(),
        mcse_sd: scale * mcse_sd,
    }
}

/// The summary of values with normalised weights; NaN throughout if a value of positive weight is
/// not finite.
pub fn summarize(values: &[f64], weights: &[f64]) -> Summary {
    summarize_repeated(values, weights, 1)
}

/// The same of values that come in runs of `repeats`: see [`moments_repeated`].
pub fn summarize_repeated(values: &[f64], weights: &[f64], repeats: usize) -> Summary {
    let Moments { mean, sd, mcse_mean, mcse_sd } = moments_repeated(values, weights, repeats);
    let [q05, q50, q95] =
        if mean.is_nan() { [f64::NAN; 3] } else { quantiles(values, weights, [0.05, 0.5, 0.95]) };
    Summary { mean, sd, q05, q50, q95, mcse_mean, mcse_sd }
}

/// Weighted quantiles: each value stands at the middle of its weight, linear in between.
///
/// With equal weights this is the (i − ½)/n rule (type 5 of Hyndman & Fan, 1996).
pub fn quantiles<const N: usize>(values: &[f64], weights: &[f64], at: [f64; N]) -> [f64; N] {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut below = 0.0;
    let middles: Vec<f64> = order
        .iter()
        .map(|&i| {
            below += weights[i];
            below - 0.5 * weights[i]
        })
        .collect();
    at.map(|probability| {
        let upper = middles.partition_point(|middle| *middle < probability * below);
        match (upper.checked_sub(1).map(|i| (i, order[i])), order.get(upper)) {
            (None, None) => f64::NAN,
            (None, Some(&only)) => values[only],
            (Some((_, only)), None) => values[only],
            (Some((i, left)), Some(&right)) => {
                let share = (probability * below - middles[i]) / (middles[upper] - middles[i]);
                values[left] + share * (values[right] - values[left])
            }
        }
    })
}

/// The indices of `count` equally weighted draws by systematic resampling (Kitagawa, 1996):
/// draw i is taken ⌊count · w_i⌋ or ⌈count · w_i⌉ times. The indices are in increasing order.
pub fn resample(weights: &[f64], count: usize, seed: u64) -> Vec<usize> {
    let offset: f64 = stream(seed, Purpose::Resample, 0).random();
    let total: f64 = weights.iter().sum();
    let mut indices = Vec::with_capacity(count);
    let mut reached = 0.0;
    for (index, weight) in weights.iter().enumerate() {
        reached += weight / total * count as f64;
        while indices.len() < count && indices.len() as f64 + offset < reached {
            indices.push(index);
        }
    }
    let last = weights.iter().rposition(|weight| *weight > 0.0);
    if let Some(last) = last {
        indices.resize(count, last);
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_no_spread_and_one_draw_has_none_that_is_known() {
        let moments = moments(&[1.1; 7], &[1.0 / 7.0; 7]);
        assert_eq!((moments.mean, moments.sd, moments.mcse_mean), (1.1, 0.0, 0.0));
        assert!(super::moments(&[1.1, 2.0], &[1.0, 0.0]).sd.is_nan());
    }

    #[test]
    fn equal_weights_give_the_textbook_moments() {
        // numpy: mean, std(ddof=1), quantile(method="hazen")
        let summary = summarize(&[1.0, 2.0, 2.0, 4.0, 7.0], &[0.2; 5]);
        assert!((summary.mean - 3.2).abs() < 1e-12);
        assert!((summary.sd - 2.3874672772626644).abs() < 1e-12, "{}", summary.sd);
        assert!((summary.q05 - 1.0).abs() < 1e-12);
        assert!((summary.q50 - 2.0).abs() < 1e-12);
        assert!((summary.q95 - 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_large_mean_keeps_the_digits_of_the_sd() {
        let offsets = [0.0, 1.0, 2.0, 3.0, 5.0];
        let summary = summarize(&offsets.map(|x| 1e15 + x), &[0.2; 5]);
        // numpy.std([0, 1, 2, 3, 5], ddof=1)
        assert!((summary.sd - 1.9235384061671346).abs() < 1e-12, "{}", summary.sd);
        assert!((summary.mean - 1e15 - 2.25).abs() < 0.2);
    }

    #[test]
    fn the_smallest_and_largest_numbers_have_sds() {
        for size in [1e-200, 1e200] {
            let summary = summarize(&[1.0, 2.0, 2.0, 4.0, 7.0].map(|x| x * size), &[0.2; 5]);
            assert!((summary.sd / size - 2.3874672772626644).abs() < 1e-12, "{}", summary.sd);
        }
    }

    #[test]
    fn a_weight_of_two_counts_as_the_value_twice() {
        let doubled = summarize(&[1.0, 5.0, 5.0], &[1.0 / 3.0; 3]);
        let weighted = summarize(&[1.0, 5.0], &[1.0 / 3.0, 2.0 / 3.0]);
        assert!((doubled.mean - weighted.mean).abs() < 1e-12);
    }

    #[test]
    fn a_value_of_no_weight_may_be_anything() {
        let summary = summarize(&[1.0, f64::NAN, 3.0], &[0.5, 0.0, 0.5]);
        assert_eq!((summary.mean, summary.q50), (2.0, 2.0));
    }

    #[test]
    fn an_infinite_value_leaves_nothing_to_report() {
        let summary = summarize(&[1.0, f64::INFINITY], &[0.5, 0.5]);
        assert!(summary.mean.is_nan() && summary.q50.is_nan());
    }

    #[test]
    fn resampling_takes_each_draw_in_proportion() {
        let indices = resample(&[0.5, 0.0, 0.25, 0.25], 8, 3);
        let taken = |index| indices.iter().filter(|&&i| i == index).count();
        assert_eq!((indices.len(), taken(0), taken(1), taken(2), taken(3)), (8, 4, 0, 2, 2));
    }
}
