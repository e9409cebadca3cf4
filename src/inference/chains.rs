//! Whether chains agree, and how many independent draws they are worth.
//!
//! Vehtari, Gelman, Simpson, Carpenter & Bürkner, "Rank-normalization, folding, and localization:
//! an improved R-hat for assessing convergence of MCMC" (2021). Draws of one quantity are given
//! chain after chain, all of one length; every chain is split in half.

mod normal_quantile;

use normal_quantile::normal_quantile;

/// What the chains of one quantity tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// The larger of the rank-normalised split R-hat and that of the folded draws.
    pub rhat: f64,
    /// The effective sample size of the rank-normalised draws.
    pub bulk_ess: f64,
    /// The smaller effective sample size of the 5 % and the 95 % quantile.
    pub tail_ess: f64,
    /// The effective sample size for the mean.
    pub mean_ess: f64,
    /// The effective sample size for the sd: that of the squared deviations from the mean.
    pub sd_ess: f64,
}

/// What `chains` chains, one after another in `draws`, tell of a quantity.
///
/// NaN throughout if a draw is not finite; draws that never move have an R-hat of NaN.
pub fn mixing(draws: &[f64], chains: usize) -> Mixing {
    if chains == 0 || draws.len() < 4 * chains || !draws.iter().all(|draw| draw.is_finite()) {
        let nan = f64::NAN;
        return Mixing { rhat: nan, bulk_ess: nan, tail_ess: nan, mean_ess: nan, sd_ess: nan };
    }
    let halves = 2 * chains;
    let split = split(draws, chains);
    let mut sorted = split.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = quantile(&sorted, 0.5);
    let folded: Vec<f64> = split.iter().map(|draw| (draw - median).abs()).collect();
    let (ranked, ranked_folded) = (rank_normalised(&split), rank_normalised(&folded));
    let below = |probability: f64| {
        let at = quantile(&sorted, probability);
        let indicators: Vec<f64> = split.iter().map(|d| f64::from(u8::from(*d <= at))).collect();
        ess(&indicators, halves)
    };
    let mean = split.iter().map(|draw| draw / split.len() as f64).sum::<f64>();
    let squares: Vec<f64> = split.iter().map(|draw| (draw - mean).powi(2)).collect();
    Mixing {
        rhat: rhat(&ranked, halves).max(rhat(&ranked_folded, halves)),
        bulk_ess: ess(&ranked, halves),
        tail_ess: below(0.05).min(below(0.95)),
        mean_ess: ess(&split, halves),
        sd_ess: ess(&squares, halves),
    }
}

/// Every chain in halves; the middle draw of an odd number is left out.
fn split(draws: &[f64], chains: usize) -> Vec<f64> {
    let length = draws.len() / chains;
    let half = length / 2;
    let halves =
        draws.chunks_exact(length).flat_map(|chain| [&chain[..half], &chain[length - half..]]);
    halves.flatten().copied().collect()
}

/// Φ⁻¹((r − 3/8) / (S + 1/4)) for the average rank r of each draw among all S.
fn rank_normalised(draws: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.sort_unstable_by(|&a, &b| draws[a].total_cmp(&draws[b]));
    let mut scores = vec![0.0; draws.len()];
    let mut first = 0;
    while first < order.len() {
        let tied = |&&index: &&usize| draws[index] == draws[order[first]];
        let count = order[first..].iter().take_while(tied).count();
        let rank = first as f64 + 0.5 * (count + 1) as f64;
        let score = normal_quantile((rank - 0.375) / (draws.len() as f64 + 0.25));
        order[first..first + count].iter().for_each(|&index| scores[index] = score);
        first += count;
    }
    scores
}

/// The linear quantile of increasing values (type 7 of Hyndman & Fan, 1996).
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let at = probability * (sorted.len() - 1) as f64;
    let below = sorted[at.floor() as usize];
    below + at.fract() * (sorted[at.ceil() as usize] - below)
}

/// The mean within each chain.
fn means(draws: &[f64], chains: usize) -> Vec<f64> {
    let length = draws.len() / chains;
    draws.chunks_exact(length).map(|chain| chain.iter().sum::<f64>() / length as f64).collect()
}

/// The sample variance.
fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// √((W (n − 1)/n + B/n) / W), for the variances W within and B/n between chains of n draws.
fn rhat(draws: &[f64], chains: usize) -> f64 {
    let length = draws.len() / chains;
    let within = draws.chunks_exact(length).map(variance).sum::<f64>() / chains as f64;
    let between = variance(&means(draws, chains));
    ((within * (length - 1) as f64 / length as f64 + between) / within).sqrt()
}

/// The effective sample size, from autocorrelations cut off where the sums of neighbouring pairs
/// turn negative and made decreasing (Geyer, 1992).
fn ess(draws: &[f64], chains: usize) -> f64 {
    let length = draws.len() / chains;
    let total = draws.len() as f64;
    if draws.iter().all(|draw| *draw == draws[0]) {
        return total;
    }
    let means = means(draws, chains);
    let autocovariance = |lag: usize| {
        let of_chain = |(chain, mean): (&[f64], &f64)| {
            let pairs = chain.iter().zip(&chain[lag..]);
            pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / length as f64
        };
        draws.chunks_exact(length).zip(&means).map(of_chain).sum::<f64>() / chains as f64
    };
    let n = length as f64;
    let within = autocovariance(0) * n / (n - 1.0);
    let between = if chains > 1 { variance(&means) } else { 0.0 };
    let pooled = within * (n - 1.0) / n + between;
    let correlation = |lag: usize| 1.0 - (within - autocovariance(lag)) / pooled;
    let (mut sum, mut tail) = (0.0, 0.0);
    let mut previous = f64::INFINITY;
    for lag in (0..length - 1).step_by(2) {
        let even = if lag == 0 { 1.0 } else { correlation(lag) };
        let pair = even + correlation(lag + 1);
        if pair <= 0.0 || lag + 4 >= length {
            // Of the last pair, the first is added once (Vehtari et al., 2021, as in ArviZ).
            tail = even.max(0.0);
            break;
        }
        previous = pair.min(previous);
        sum += previous;
    }
    let time = (-1.0 + 2.0 * sum + tail).max(1.0 / total.log10());
    total / time
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Autoregressive draws: tests/inference/mixing.py.
    fn draws(phi: f64, shift: f64) -> Vec<f64> {
        let (mut state, mut out) = (12_345u64, Vec::new());
        for chain in 0..4 {
            let mut x = 0.0;
            for _ in 0..250 {
                let mut noise = 0.0;
                for _ in 0..12 {
                    state = (1_103_515_245 * state + 12_345) % (1 << 31);
                    noise += state as f64 / f64::from(1u32 << 31);
                }
                x = phi * x + (noise - 6.0);
                out.push(x + shift * f64::from(chain));
            }
        }
        out
    }

    #[test]
    fn mixing_agrees_with_arviz() {
        let table = [
            (
                0.0,
                0.0,
                [
                    1.0006432789640278,
                    994.4654791905167,
                    976.4524465688168,
                    992.6969337587358,
                    977.9764955111024,
                ],
            ),
            (
                0.6,
                0.0,
                [
                    1.004558539612689,
                    287.8944149202452,
                    472.17921431012843,
                    287.38975198349505,
                    474.1753128383941,
                ],
            ),
            (-0.5, 0.0, [1.003542542007653, 3000.0, 924.9819529073086, 3000.0, 556.4341891309792]),
            (
                0.9,
                0.0,
                [
                    1.0313404628000484,
                    91.38072743116234,
                    132.82940325768246,
                    90.7993561528,
                    121.3294960068673,
                ],
            ),
            (
                0.3,
                0.5,
                [
                    1.1503353889065393,
                    18.955006549707207,
                    332.82553776904064,
                    18.572917804260545,
                    784.67704225023,
                ],
            ),
        ];
        for (phi, shift, expected) in table {
            let m = mixing(&draws(phi, shift), 4);
            let found = [m.rhat, m.bulk_ess, m.tail_ess, m.mean_ess, m.sd_ess];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found / expected - 1.0).abs() < 1e-9, "{phi} {shift}: {m:?}");
            }
        }
    }

    #[test]
    fn draws_that_are_not_finite_tell_nothing() {
        let mut draws = draws(0.0, 0.0);
        draws[7] = f64::NAN;
        assert!(mixing(&draws, 4).rhat.is_nan());
        assert!(mixing(&[1.0; 400], 4).rhat.is_nan());
    }
}
