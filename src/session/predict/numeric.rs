//! Draws from a distribution of which only the log density is known, up to a constant.
//!
//! Real numbers: on a scale without ends the density is covered by pieces on which its logarithm is
//! nearly straight; a draw from these pieces is accepted in proportion to the density, so that it
//! is exact wherever the pieces keep within [`SLACK`]. A narrow peak is found because the logarithm
//! rises towards it; one between zeros, where nothing rises, may be missed. Whole numbers: by their
//! probabilities, from the largest outwards.

use rand::{Rng, RngExt};

/// The scale without ends reaches from -REACH to REACH: for the real line, 1e17 on both sides.
const REACH: f64 = 40.0;
/// The first pieces.
const PIECES: usize = 160;
/// How far the logarithm of the density may be from a straight line in the middle of a piece.
const BEND: f64 = 0.05;
/// What the straight lines are lifted by, so that they cover the density.
const SLACK: f64 = 0.1;
/// Where the log density is this far below its largest value there is nothing to be drawn.
const DEPTH: f64 = 40.0;
/// The most evaluations that a cover may take.
const MOST: usize = 20_000;
/// The steps of a search for a peak; each keeps 0.62 of the interval.
const NARROWING: usize = 60;
/// Proposals before a draw is given up.
const TRIES: usize = 10_000;
/// The most whole numbers whose probabilities are added up.
const MOST_NUMBERS: usize = 1_000_000;

/// A draw from a density on an interval, of which the ends may be infinite. `None` if the density
/// is nowhere positive.
pub(super) fn real_number(
    mut log_density: impl FnMut(f64) -> f64,
    ends: (f64, f64),
    rng: &mut dyn Rng,
) -> Option<f64> {
    let mut at = |u: f64| {
        let (x, log_slope) = onto(u, ends);
        let value = log_density(x) + log_slope;
        if value.is_nan() { f64::NEG_INFINITY } else { value }
    };
    let (pieces, total) = cover(&mut at)?;
    for _ in 0..TRIES {
        let mut left = total * rng.random::<f64>();
        let mut chosen = pieces.last()?;
        for piece in &pieces {
            left -= piece.mass;
            if left < 0.0 {
                chosen = piece;
                break;
            }
        }
        let u = chosen.draw(rng.random());
        let (ratio, slack) = (at(u) - chosen.line(u), SLACK);
        if rng.random::<f64>().ln() < ratio - slack {
            return Some(onto(u, ends).0);
        }
    }
    None
}

/// A draw from the whole numbers of an interval, of which the ends may be infinite. `None` if none
/// of them has a positive probability.
pub(super) fn whole_number(
    mut log_probability: impl FnMut(f64) -> f64,
    ends: (f64, f64),
    rng: &mut dyn Rng,
) -> Option<f64> {
    let (low, high) = (ends.0.ceil(), ends.1.floor());
    let start = 0.0_f64.clamp(low, high.max(low));
    let (mut numbers, mut largest) = (Vec::new(), f64::NEG_INFINITY);
    for step in [1.0, -1.0] {
        let mut x = if step > 0.0 { start } else { start - 1.0 };
        let mut fallen = 0;
        while (low..=high).contains(&x) && numbers.len() < MOST_NUMBERS {
            let value = Some(log_probability(x)).filter(|v| !v.is_nan());
            let value = value.unwrap_or(f64::NEG_INFINITY);
            largest = largest.max(value);
            numbers.push((x, value));
            // Far below the largest, and further with every number: the rest is nothing.
            let is_far = largest > f64::NEG_INFINITY && value < largest - DEPTH;
            fallen = if is_far { fallen + 1 } else { 0 };
            if fallen > 1000 {
                break;
            }
            x += step;
        }
    }
    let weight = |value: f64| (value - largest).exp();
    let total: f64 = numbers.iter().map(|(_, value)| weight(*value)).sum();
    if largest == f64::NEG_INFINITY || !total.is_finite() {
        return None;
    }
    let mut left = total * rng.random::<f64>();
    let mut chosen = None;
    for (x, value) in &numbers {
        if weight(*value) > 0.0 && left >= 0.0 {
            chosen = Some(*x);
            left -= weight(*value);
        }
    }
    chosen
}

/// From the scale without ends to an interval, with ln dx/du.
fn onto(u: f64, (low, high): (f64, f64)) -> (f64, f64) {
    let softplus = |u: f64| u.max(0.0) + (-u.abs()).exp().ln_1p();
    match (low.is_finite(), high.is_finite()) {
        (false, false) => (u.sinh(), u.cosh().ln()),
        (true, false) => (low + u.exp(), u),
        (false, true) => (high - u.exp(), u),
        (true, true) => {
            let width = high - low;
            let from_low = width / (1.0 + (-u).exp());
            (low + from_low, width.ln() - softplus(u) - softplus(-u))
        }
    }
}

/// A piece of the scale with the logarithm of the density at its ends, relative to the largest.
struct Piece {
    from: (f64, f64),
    to: (f64, f64),
    mass: f64,
}

impl Piece {
    fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        let width = to.0 - from.0;
        // The density beside a point of density 0 is not above that at the other end.
        let floor = from.1.max(to.1);
        let end = |value: f64| if value.is_finite() { value } else { floor };
        let (from, to) = ((from.0, end(from.1)), (to.0, end(to.1)));
        let rise = to.1 - from.1;
        let mean = if rise.abs() < 1e-9 { 1.0 } else { rise.exp_m1() / rise };
        Piece { from, to, mass: width * from.1.exp() * mean }
    }

    /// The straight line.
    fn line(&self, u: f64) -> f64 {
        let share = (u - self.from.0) / (self.to.0 - self.from.0);
        self.from.1 + share * (self.to.1 - self.from.1)
    }

    /// The point below which a share of the mass lies.
    fn draw(&self, share: f64) -> f64 {
        let (rise, width) = (self.to.1 - self.from.1, self.to.0 - self.from.0);
        let along = if rise.abs() < 1e-9 { share } else { (share * rise.exp_m1()).ln_1p() / rise };
        self.from.0 + along.clamp(0.0, 1.0) * width
    }
}

/// Pieces that cover a density, and their mass together.
fn cover(at: &mut impl FnMut(f64) -> f64) -> Option<(Vec<Piece>, f64)> {
    let step = 2.0 * REACH / PIECES as f64;
    let grid = (0..=PIECES).map(|k| -REACH + k as f64 * step);
    let mut nodes: Vec<(f64, f64)> = grid.map(|u| (u, at(u))).collect();
    let best = nodes.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    if best == f64::NEG_INFINITY {
        return None;
    }
    let is_peak = |k: usize| {
        let here = nodes[k].1;
        let beside =
            |k: Option<usize>| k.and_then(|k| nodes.get(k)).map_or(f64::NEG_INFINITY, |n| n.1);
        here > f64::NEG_INFINITY && here >= beside(k.checked_sub(1)) && here >= beside(Some(k + 1))
    };
    let peaks: Vec<usize> = (0..nodes.len()).filter(|k| is_peak(*k)).collect();
    for k in peaks {
        let (low, high) = (nodes[k].0 - step, nodes[k].0 + step);
        nodes.push(peak(at, low.max(-REACH), high.min(REACH)));
    }
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
    nodes.dedup_by(|a, b| a.0 == b.0);
    let largest = nodes.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::INFINITY {
        return None;
    }
    let mut waiting: Vec<((f64, f64), (f64, f64))> =
        nodes.windows(2).rev().map(|pair| (pair[0], pair[1])).collect();
    let (mut pieces, mut evaluations) = (Vec::new(), 0);
    while let Some((from, to)) = waiting.pop() {
        let middle = 0.5 * (from.0 + to.0);
        let too_small = middle <= from.0 || middle >= to.0 || evaluations >= MOST;
        let between = if too_small { 0.5 * (from.1 + to.1) } else { at(middle) };
        evaluations += 1;
        if from.1.max(to.1).max(between) < largest - DEPTH {
            continue;
        }
        let bend = between - 0.5 * (from.1 + to.1);
        if too_small || bend.abs() < BEND {
            let relative = |(u, value): (f64, f64)| (u, value - largest);
            pieces.push(Piece::new(relative(from), relative(to)));
        } else {
            waiting.push(((middle, between), to));
            waiting.push((from, (middle, between)));
        }
    }
    let total: f64 = pieces.iter().map(|piece| piece.mass).sum();
    // Lines are relative to the largest value.
    pieces.iter_mut().for_each(|piece| {
        piece.from.1 += largest;
        piece.to.1 += largest;
    });
    (total > 0.0 && total.is_finite()).then_some((pieces, total))
}

/// The largest value between two points, by the golden section.
fn peak(at: &mut impl FnMut(f64) -> f64, mut low: f64, mut high: f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_a, mut at_b) = (at(a), at(b));
    for _ in 0..NARROWING {
        if at_a >= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - GOLDEN * (high - low);
            at_a = at(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + GOLDEN * (high - low);
            at_b = at(b);
        }
    }
    if at_a >= at_b { (a, at_a) } else { (b, at_b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::special::incomplete::ln_incomplete_gamma;
    use crate::math::special::normal_cdf;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Exceeded once in a million seeds (Smirnov 1948).
    const KOLMOGOROV: f64 = 2.8;
    const DRAWS: usize = 20_000;

    fn distance(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
        draws.sort_by(f64::total_cmp);
        let n = draws.len() as f64;
        let gap = |(k, x): (usize, &f64)| {
            let p = cdf(*x);
            (p - k as f64 / n).abs().max((p - (k + 1) as f64 / n).abs())
        };
        draws.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
    }

    fn reals(log_density: impl Fn(f64) -> f64, ends: (f64, f64)) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..DRAWS).map(|_| real_number(&log_density, ends, &mut rng).expect("a draw")).collect()
    }

    #[test]
    fn real_numbers_have_the_cdf_of_their_density() {
        let line = (f64::NEG_INFINITY, f64::INFINITY);
        for (mean, sd) in [(0.0, 1.0), (1e4, 0.5), (-3.0, 1e3), (0.2, 1e-6)] {
            let draws = reals(|x| -0.5 * ((x - mean) / sd).powi(2), line);
            let d = distance(draws, |x| normal_cdf((x - mean) / sd));
            assert!(d < KOLMOGOROV, "Normal({mean}, {sd}): {d}");
        }
        for shape in [0.5, 3.0, 200.0] {
            let draws = reals(|x| (shape - 1.0) * x.ln() - x, (0.0, f64::INFINITY));
            let d = distance(draws, |x| ln_incomplete_gamma(shape, x).0.exp());
            assert!(d < KOLMOGOROV, "Gamma({shape}): {d}");
        }
        let draws = reals(|x| x.ln(), (0.0, 2.0));
        let d = distance(draws, |x| x * x / 4.0);
        assert!(d < KOLMOGOROV, "a triangle: {d}");
        // Uniform, and zero on its left half.
        let draws = reals(|x| if x > 1.0 { 0.0 } else { f64::NEG_INFINITY }, (0.0, 2.0));
        let d = distance(draws, |x| (x - 1.0).max(0.0));
        assert!(d < KOLMOGOROV, "half a rectangle: {d}");
        // Two peaks that are far apart.
        let two = |x: f64| {
            let part = |share: f64, m: f64, s: f64| (share / s).ln() - 0.5 * ((x - m) / s).powi(2);
            let (a, b) = (part(0.3, -50.0, 0.1), part(0.7, 80.0, 2.0));
            a.max(b) + (-(a - b).abs()).exp().ln_1p()
        };
        let d = distance(reals(two, line), |x| {
            0.3 * normal_cdf((x + 50.0) / 0.1) + 0.7 * normal_cdf((x - 80.0) / 2.0)
        });
        assert!(d < KOLMOGOROV, "two peaks: {d}");
    }

    #[test]
    fn nothing_is_drawn_from_no_density() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(real_number(|_| f64::NEG_INFINITY, (0.0, 1.0), &mut rng), None);
        assert_eq!(whole_number(|_| f64::NAN, (0.0, 3.0), &mut rng), None);
    }

    /// A chi-squared statistic with 9 degrees of freedom is above 44 once in a million seeds.
    #[test]
    fn whole_numbers_have_their_probabilities() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let probability = |x: f64| (0.5_f64).powf(x + 1.0);
        let mut counts = [0.0; 10];
        for _ in 0..DRAWS {
            let x = whole_number(|x| probability(x).ln(), (0.0, f64::INFINITY), &mut rng);
            counts[(x.expect("a draw") as usize).min(9)] += 1.0;
        }
        let expected = |k: usize| {
            let p = if k == 9 { 0.5_f64.powi(9) } else { probability(k as f64) };
            p * DRAWS as f64
        };
        let chi: f64 =
            counts.iter().enumerate().map(|(k, c)| (c - expected(k)).powi(2) / expected(k)).sum();
        assert!(chi < 44.0, "{chi}");
    }
}
