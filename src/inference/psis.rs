//! Smooths importance weights by a generalised Pareto fit of their tail, and measures the tail.
//!
//! Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling" (2024). The shape
//! k of the fitted tail, k-hat, tells how many moments the weights have (1/k): below 0.7 the
//! weighted averages can be trusted.

/// Weights after smoothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothed {
    /// Log weights, normalised to sum to 1 on the natural scale.
    pub log_weights: Vec<f64>,
    /// k-hat: 0 if the weights are all equal, +∞ if the tail is too short to tell.
    pub khat: f64,
}

impl Smoothed {
    /// The effective sample size (Σ w)² / Σ w².
    pub fn effective_sample_size(&self) -> f64 {
        self.log_weights.iter().map(|log_weight| (2.0 * log_weight).exp()).sum::<f64>().recip()
    }
}

/// The tail of a sample of log ratios, in increasing order, and the log of its threshold.
struct Tail {
    indices: Vec<usize>,
    threshold: f64,
}

/// Replaces the largest ratios by the order statistics of the Pareto law fitted to them.
///
/// A log ratio that is not finite has weight 0.
pub fn smooth(log_ratios: &[f64]) -> Smoothed {
    let mut log_weights = shifted(log_ratios);
    let tail = upper_tail(&log_weights, tail_length(log_ratios.len()));
    let fit = fit_tail(&log_weights, &tail);
    if let Some(Pareto { shape, scale }) = fit.filter(|fit| fit.shape.is_finite()) {
        let count = tail.indices.len() as f64;
        for (rank, &index) in tail.indices.iter().enumerate() {
            let below = (rank as f64 + 0.5) / count;
            let excess = if shape.abs() < 1e-9 {
                -scale * (-below).ln_1p()
            } else {
                scale * (-shape * (-below).ln_1p()).exp_m1() / shape
            };
            log_weights[index] = (excess + tail.threshold.exp()).ln().min(0.0);
        }
    }
    let total = log_weights.iter().map(|log_weight| log_weight.exp()).sum::<f64>().ln();
    log_weights.iter_mut().for_each(|log_weight| *log_weight -= total);
    Smoothed { log_weights, khat: shape_or_verdict(log_ratios, fit) }
}

/// What the largest of some positive numbers do to their sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailError {
    /// k-hat: how heavy their tail is.
    pub khat: f64,
    /// The relative standard error that the tail gives the sum.
    pub error: f64,
}

/// The error that the tail of positive numbers, given as logarithms, gives their sum.
///
/// The tail's part of the sum is M (u + E min(X, q)) for M numbers above a threshold u, with X by the
/// Pareto fit and q the largest of ten times as many; its error follows from that of the fit. A shorter tail is looked at too, and believed
/// where it disagrees clearly: what counts is the end, which the threshold may be far from.
pub fn tail_error(log_ratios: &[f64]) -> TailError {
    let shifted = shifted(log_ratios);
    let length = tail_length(shifted.len());
    let whole = tail_error_of(log_ratios, &shifted, length);
    let short = length / SHORTER;
    if short < SHORTEST {
        return whole;
    }
    let end = tail_error_of(log_ratios, &shifted, short);
    // Of few numbers, a light shape must be clearly light: its standard error is (1 + k)/√n.
    let uncertain = (1.0 + end.khat.max(0.0)) / (short as f64).sqrt();
    let (light, heavy) = (end.khat + uncertain <= LIGHT_SHAPE, end.khat > HEAVY_SHAPE);
    match whole.khat <= LIGHT_SHAPE {
        true if heavy && end.error > whole.error => end,
        false if light && end.error < whole.error => end,
        true | false => whole,
    }
}

/// A shape that leaves a sum a variance.
const LIGHT_SHAPE: f64 = 0.5;

/// A shape with which sums converge too slowly to be of use (Vehtari et al., 2024).
const HEAVY_SHAPE: f64 = 0.7;

/// How much shorter the shorter tail is.
const SHORTER: usize = 4;

/// The fewest numbers that a shape is estimated from.
const SHORTEST: usize = 25;

/// How many times as many numbers a tail is thought of as having: what lies beyond their largest, no
/// fit can tell, and where proposals have heavier tails than the target there is nothing.
const REACH: f64 = 10.0;

fn tail_error_of(log_ratios: &[f64], shifted: &[f64], length: usize) -> TailError {
    let tail = upper_tail(shifted, length);
    let Some(fit) = fit_tail(shifted, &tail).filter(|fit| fit.shape.is_finite()) else {
        let khat = shape_or_verdict(log_ratios, None);
        return TailError { khat, error: if khat == 0.0 { 0.0 } else { f64::INFINITY } };
    };
    let count = tail.indices.len() as f64;
    let total: f64 = shifted.iter().map(|ratio| ratio.exp()).sum();
    let in_tail: f64 = tail.indices.iter().map(|&index| shifted[index].exp()).sum();
    let k = fit.shape;
    let (for_scale, for_shape) = fit.reach(-(REACH * count).ln());
    let mean = tail.threshold.exp() + fit.scale * for_scale;
    // The covariance of maximum likelihood (Smith, 1987), through the derivatives of the mean.
    let spread = 2.0 * (1.0 + k) * for_scale.powi(2) + ((1.0 + k) * for_shape).powi(2)
        - 2.0 * (1.0 + k) * for_scale * for_shape;
    let sampled = fit.scale * (spread.max(0.0) / count).sqrt() / mean;
    // What the tail should hold, and what it happens to hold.
    let fitted = count * mean;
    let missed = ((fitted - in_tail) / (total - in_tail + fitted)).abs();
    let share = in_tail.max(fitted) / (total - in_tail + in_tail.max(fitted));
    TailError { khat: fit.shape, error: (share * sampled).hypot(missed) }
}

fn shape_or_verdict(log_ratios: &[f64], fit: Option<Pareto>) -> f64 {
    let first = log_ratios.first().copied().unwrap_or_default();
    let equal = |ratio: &f64| (ratio - first).abs() <= 1e-10 * first.abs().max(1.0);
    match fit {
        Some(Pareto { shape, .. }) if shape.is_finite() => shape,
        _ if log_ratios.iter().all(equal) => 0.0,
        _ => f64::INFINITY,
    }
}

/// The log ratios less their maximum, with −∞ where they are not finite.
fn shifted(log_ratios: &[f64]) -> Vec<f64> {
    let finite = |ratio: f64| if ratio.is_finite() { ratio } else { f64::NEG_INFINITY };
    let highest = log_ratios.iter().copied().map(finite).fold(f64::NEG_INFINITY, f64::max);
    let highest = finite(highest).max(f64::MIN);
    log_ratios.iter().map(|&ratio| finite(ratio) - highest).collect()
}

/// ⌈min(0.2 n, 3 √n)⌉
fn tail_length(count: usize) -> usize {
    (0.2 * count as f64).min(3.0 * (count as f64).sqrt()).ceil() as usize
}

/// The `length` largest of the shifted log weights.
fn upper_tail(log_weights: &[f64], length: usize) -> Tail {
    let count = log_weights.len();
    if length == 0 || length >= count {
        return Tail { indices: Vec::new(), threshold: 0.0 };
    }
    let mut order: Vec<usize> = (0..count).collect();
    let by_weight = |a: &usize, b: &usize| log_weights[*a].total_cmp(&log_weights[*b]);
    let (_, &mut at, upper) = order.select_nth_unstable_by(count - length - 1, by_weight);
    let threshold = log_weights[at].max(f64::MIN_POSITIVE.ln());
    let mut indices: Vec<usize> =
        upper.iter().copied().filter(|&index| log_weights[index] > threshold).collect();
    indices.sort_unstable_by(|a, b| by_weight(a, b).then(a.cmp(b)));
    Tail { indices, threshold }
}

fn fit_tail(log_weights: &[f64], tail: &Tail) -> Option<Pareto> {
    let excess: Vec<f64> =
        tail.indices.iter().map(|&i| log_weights[i].exp() - tail.threshold.exp()).collect();
    let spread = excess.last().is_some_and(|largest| *largest > 1e-12);
    (excess.len() > 4 && spread).then(|| Pareto::fit(&excess))
}

/// A generalised Pareto law on [0, ∞): density (1 + k x / σ)^(−1/k − 1) / σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pareto {
    /// The shape k.
    pub shape: f64,
    /// The scale σ.
    pub scale: f64,
}

impl Pareto {
    /// E min(X, q)/σ for the quantile q that X exceeds with probability p, given ln p, and the
    /// derivative of E min(X, q)/σ by k: with b = 1 − k it is ∫ S(x) dx/σ = (1 − p^b)/b.
    fn reach(self, log_p: f64) -> (f64, f64) {
        const NEAR: f64 = 1e-4;
        let b = 1.0 - self.shape;
        let (mean, slope) = if b.abs() < NEAR {
            (-log_p - 0.5 * b * log_p * log_p, -0.5 * log_p * log_p)
        } else {
            let rest = -(b * log_p).exp_m1();
            (rest / b, -(1.0 - rest) * log_p / b - rest / (b * b))
        };
        (mean, -slope)
    }

    /// The fit of Zhang & Stephens, "A new and efficient estimation method for the generalized
    /// Pareto distribution" (2009), to an increasing sample, with the weak prior on k of Vehtari
    /// et al. (ten observations at ½).
    pub fn fit(sample: &[f64]) -> Self {
        const PRIOR_B: f64 = 3.0;
        const PRIOR_K: f64 = 10.0;
        let count = sample.len() as f64;
        let grid = 30 + count.sqrt() as usize;
        let quartile = sample[((count / 4.0 + 0.5) as usize).max(1) - 1].max(1e-300);
        let largest = sample[sample.len() - 1];
        let mean_log = |b: f64| sample.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / count;
        let candidates: Vec<(f64, f64)> = (1..=grid)
            .map(|j| {
                let step = 1.0 - (grid as f64 / (j as f64 - 0.5)).sqrt();
                let b = step / (PRIOR_B * quartile) + largest.recip();
                let k = mean_log(b);
                (b, count * ((-b / k).ln() - k - 1.0))
            })
            .collect();
        let weight = |own: f64| {
            let others =
                candidates.iter().map(|(_, other)| (other - own).clamp(-700.0, 700.0).exp());
            others.sum::<f64>().recip()
        };
        let (mut b, mut total) = (0.0, 0.0);
        for (candidate, likelihood) in &candidates {
            let weight = weight(*likelihood);
            if weight >= 10.0 * f64::EPSILON {
                b += weight * candidate;
                total += weight;
            }
        }
        let b = b / total;
        let k = mean_log(b);
        Self { shape: (count * k + PRIOR_K * 0.5) / (count + PRIOR_K), scale: -k / b }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::inference::random::{Purpose, stream};

    /// (k, n, k-hat, effective sample size) of arviz.psislw: tests/inference/psis.py.
    const ARVIZ: [(f64, usize, f64, f64); 8] = [
        (0.2, 100, 0.31962088433384134, 94.33224357249432),
        (0.2, 5000, 0.21752652764953387, 4689.246576838661),
        (0.5, 100, 0.49196002019884816, 57.551462273358894),
        (0.5, 5000, 0.49877142662416596, 1896.5853129096456),
        (0.7, 100, 0.6062891118970055, 33.269119962144906),
        (0.7, 5000, 0.686253457863696, 364.2237681135527),
        (1.0, 100, 0.7778001678793185, 14.22903784183718),
        (1.0, 5000, 0.9674316609273481, 26.588144180743676),
    ];

    #[test]
    fn smoothing_agrees_with_arviz() {
        for (k, n, khat, ess) in ARVIZ {
            let ratios: Vec<f64> =
                (0..n).map(|i| -k * ((i as f64 + 0.5) / n as f64).ln()).collect();
            let smoothed = smooth(&ratios);
            assert!((smoothed.khat - khat).abs() < 1e-8, "{k} {n}: {}", smoothed.khat);
            let found = smoothed.effective_sample_size();
            assert!((found / ess - 1.0).abs() < 1e-8, "{k} {n}: {found}");
        }
    }

    #[test]
    fn khat_of_pareto_draws_is_their_shape() {
        // One k-hat has sd (1 + k)/√190 (Smith, 1987), so the mean of 40 has at most 0.025; the
        // prior towards ½ adds a bias of at most 0.03. The bound is that and four sds.
        for (index, k) in [0.1, 0.5, 0.9].into_iter().enumerate() {
            let mut rng = stream(7, Purpose::Importance, index as u32);
            let mut one = || -> f64 {
                let ratios: Vec<f64> =
                    (0..4000).map(|_| -k * (1.0 - rng.random::<f64>()).ln()).collect();
                smooth(&ratios).khat
            };
            let mean = (0..40).map(|_| one()).sum::<f64>() / 40.0;
            assert!((mean - k).abs() < 0.13, "{k}: {mean}");
        }
    }

    #[test]
    fn the_error_of_a_sum_is_that_of_repeated_samples() {
        // Sums of 5,000 Pareto numbers of shape k: sd over mean, by theory √((1−k)²/(1−2k)/5000).
        for (index, k) in [0.1, 0.3].into_iter().enumerate() {
            let mut rng = stream(9, Purpose::Importance, index as u32);
            let mut one = || {
                let ratios: Vec<f64> =
                    (0..5000).map(|_| -k * (1.0 - rng.random::<f64>()).ln()).collect();
                tail_error(&ratios).error
            };
            let mean = (0..40).map(|_| one()).sum::<f64>() / 40.0;
            let theory = ((1.0 - k).powi(2) / (1.0 - 2.0 * k) / 5000.0).sqrt();
            assert!(mean < 2.0 * theory, "{k}: {mean} {theory}");
        }
    }

    #[test]
    fn a_tail_reaches_as_far_as_its_quantile() {
        // Simpson's rule with 200,000 steps for the integral of S(x) = (1 + k x)^(-1/k) up to the
        // quantile of 1/1500; the slope by differences of it.
        let reach = |shape: f64| Pareto { shape, scale: 1.0 }.reach(-1500.0f64.ln());
        let expected = [
            (0.2, 1.246402200096881),
            (0.7, 2.961754157124144),
            (1.0, 7.313220387090333),
            (1.2, 16.58679941883276),
        ];
        for (shape, mean) in expected {
            let (found, slope) = reach(shape);
            assert!((found / mean - 1.0).abs() < 1e-9, "{shape}: {found}");
            let difference = (reach(shape + 1e-4).0 - reach(shape - 1e-4).0) / 2e-4;
            assert!((slope / difference - 1.0).abs() < 1e-4, "{shape}: {slope} {difference}");
        }
    }

    #[test]
    fn a_tail_without_a_mean_leaves_the_sum_unknown() {
        // A sum of ten times as many is larger by a factor of 10^(k - 1) for each: 0.58 more.
        let mut rng = stream(9, Purpose::Importance, 7);
        let mut one = || {
            let ratios: Vec<f64> = (0..5000).map(|_| -1.2 * rng.random::<f64>().ln()).collect();
            tail_error(&ratios).error
        };
        let errors: Vec<f64> = (0..40).map(|_| one()).collect();
        let mean = errors.iter().sum::<f64>() / 40.0;
        assert!(mean > 0.3 && errors.iter().all(|error| *error > 0.1), "{mean} {errors:?}");
    }

    #[test]
    fn equal_weights_have_no_tail() {
        let smoothed = smooth(&[-3.0; 100]);
        assert_eq!(smoothed.khat, 0.0);
        assert!((smoothed.effective_sample_size() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_draw_where_the_target_is_not_finite_has_no_weight() {
        let mut ratios: Vec<f64> = (0..100).map(|i| (f64::from(i)).sin()).collect();
        (ratios[3], ratios[4]) = (f64::NAN, f64::NEG_INFINITY);
        let smoothed = smooth(&ratios);
        assert_eq!(smoothed.log_weights[3], f64::NEG_INFINITY);
        assert_eq!(smoothed.log_weights[4], f64::NEG_INFINITY);
        assert!(smoothed.khat.is_finite());
    }
}
