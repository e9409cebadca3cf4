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
    let tail = upper_tail(&log_weights);
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

/// k-hat of log ratios, without smoothing them.
pub fn khat(log_ratios: &[f64]) -> f64 {
    let shifted = shifted(log_ratios);
    shape_or_verdict(log_ratios, fit_tail(&shifted, &upper_tail(&shifted)))
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

/// The ⌈min(0.2 n, 3 √n)⌉ largest of the shifted log weights.
fn upper_tail(log_weights: &[f64]) -> Tail {
    let count = log_weights.len();
    let length = (0.2 * count as f64).min(3.0 * (count as f64).sqrt()).ceil() as usize;
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
            let others = candidates.iter().map(|(_, other)| (other - own).clamp(-700.0, 700.0).exp());
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
