//! Formulas that several declarations share.

use std::f64::consts::{LN_2, PI};

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::math::composite::{ln_beta, ln_choose, ln_incomplete_beta, ln_incomplete_gamma, logit};
use crate::math::scalar::Scalar;
use crate::math::special::ln_gamma;

/// `inside` where low ≤ x ≤ high, else negative infinity.
pub(super) fn within<S: Scalar>(x: S, low: S, high: S, inside: S) -> S {
    let outside = S::constant(f64::NEG_INFINITY);
    S::select(x.less(low), outside, S::select(high.less(x), outside, inside))
}

/// The parameter itself where it is positive, else NaN: for formulas that would stay finite.
pub(super) fn positive<S: Scalar>(parameter: S) -> S {
    S::select(S::constant(0.0).less(parameter), parameter, S::constant(f64::NAN))
}

/// The parameter itself where it is in [0, 1], else NaN.
pub(super) fn probability<S: Scalar>(p: S) -> S {
    let invalid = S::constant(f64::NAN);
    let below_one = S::select(S::constant(1.0).less(p), invalid, p);
    S::select(p.less(S::constant(0.0)), invalid, below_one)
}

/// shape ln rate - ln Γ(shape) + (shape - 1) ln x - rate x
pub(super) fn gamma<S: Scalar>(shape: S, rate: S, x: S) -> S {
    let shape = positive(shape);
    shape * rate.ln() - shape.ln_gamma() + (shape - 1.0) * x.ln() - rate * x
}

/// The log density of a standard t variate.
pub(super) fn student_t<S: Scalar>(df: S, z: S) -> S {
    let half = (df + 1.0) * 0.5;
    let constant = half.ln_gamma() - (df * 0.5).ln_gamma() - (df * PI).ln() * 0.5;
    constant - half * (z.square() / df).log1p()
}

/// df / (df - 2), infinite for df ≤ 2 and NaN for df ≤ 1.
pub(super) fn student_t_variance(df: f64) -> f64 {
    if df > 2.0 {
        df / (df - 2.0)
    } else if df > 1.0 {
        f64::INFINITY
    } else {
        f64::NAN
    }
}

/// (ln P(|T| ≤ t), ln P(|T| > t)) for a standard t variate and t ≥ 0: t² / (t² + df) is
/// Beta(1/2, df/2).
pub(super) fn folded_t_tails<S: Scalar>(df: S, t: S) -> (S, S) {
    let moved = S::constant(0.0).less(t);
    let logit = S::select(moved, t, S::constant(1.0)).ln() * 2.0 - df.ln();
    let (lower, upper) = ln_incomplete_beta(S::constant(0.5), df * 0.5, logit);
    let nothing = S::constant(f64::NEG_INFINITY);
    (S::select(moved, lower, nothing), S::select(moved, upper, S::constant(0.0)))
}

/// (ln P(T ≤ t), ln P(T > t)) for a standard t variate.
pub(super) fn student_t_tails<S: Scalar>(df: S, t: S) -> (S, S) {
    let small = folded_t_tails(df, t.abs()).1 - LN_2;
    let large = (-small.exp()).log1p();
    let below = t.less(S::constant(0.0));
    (S::select(below, small, large), S::select(below, large, small))
}

/// (ln P(X ≤ x), ln P(X > x)) of a beta variate, also at the ends.
pub(super) fn beta_tails<S: Scalar>(a: S, b: S, x: S) -> (S, S) {
    let (zero, one, nothing) = (S::constant(0.0), S::constant(1.0), S::constant(f64::NEG_INFINITY));
    let (above, below) = (zero.less(x), x.less(one));
    let inside = S::select(above, S::select(below, x, S::constant(0.5)), S::constant(0.5));
    let (lower, upper) = ln_incomplete_beta(a, b, logit(inside));
    let (lower, upper) = (S::select(below, lower, zero), S::select(below, upper, nothing));
    (S::select(above, lower, nothing), S::select(above, upper, zero))
}

/// (ln P(X ≤ x), ln P(X > x)) of the reciprocal of a gamma variate.
pub(super) fn reciprocal_tails<S: Scalar>(shape: S, scale: S, x: S) -> (S, S) {
    let (zero, nothing) = (S::constant(0.0), S::constant(f64::NEG_INFINITY));
    let positive = zero.less(x);
    let inside = S::select(positive, x, S::constant(1.0));
    let (lower, upper) = ln_incomplete_gamma(shape, scale / inside);
    (S::select(positive, upper, nothing), S::select(positive, lower, zero))
}

/// (a - 1) ln x + (b - 1) ln(1 - x) - ln B(a, b), with 0 ln 0 = 0.
pub(super) fn beta<S: Scalar>(a: S, b: S, x: S) -> S {
    let (a, b, one) = (positive(a), positive(b), S::constant(1.0));
    let rest = S::select(x.same(one), (b - 1.0).x_log_y(one - x), (b - 1.0) * (-x).log1p());
    (a - 1.0).x_log_y(x) + rest - ln_beta(a, b)
}

/// x ln p + (n - x) ln(1 - p) + ln (n choose x)
pub(super) fn binomial<S: Scalar>(n: S, p: S, x: S) -> S {
    let p = probability(p);
    let failures = S::select(x.same(n), S::constant(0.0), (n - x) * (-p).log1p());
    within(x, S::constant(0.0), n, x.x_log_y(p) + failures + ln_choose(n, x))
}

/// ln Γ(a + x) - ln Γ(a) - ln x!
pub(super) fn ln_rising<S: Scalar>(a: S, x: S) -> S {
    (a + x).ln_gamma() - a.ln_gamma() - (x + 1.0).ln_gamma()
}

/// A draw from the von Mises distribution by Best and Fisher's (1979) wrapped Cauchy envelope.
pub(super) fn von_mises(location: f64, concentration: f64, rng: &mut impl Rng) -> f64 {
    /// Below this the distribution is uniform, above [`NORMAL`] it is normal, to all digits.
    const UNIFORM: f64 = 1e-8;
    const NORMAL: f64 = 1e12;
    let wrap = |x: f64| x - 2.0 * PI * (x / (2.0 * PI)).round();
    if concentration < UNIFORM {
        return wrap(2.0 * PI * rng.random::<f64>());
    }
    if concentration > NORMAL {
        return wrap(location + rng.sample::<f64, _>(StandardNormal) / concentration.sqrt());
    }
    let tau = 1.0 + (1.0 + 4.0 * concentration * concentration).sqrt();
    let rho = (tau - (2.0 * tau).sqrt()) / (2.0 * concentration);
    let r = (1.0 + rho * rho) / (2.0 * rho);
    loop {
        let z = (PI * rng.random::<f64>()).cos();
        let f = (1.0 + r * z) / (r + z);
        let c = concentration * (r - f);
        let u: f64 = 1.0 - rng.random::<f64>();
        if c * (2.0 - c) > u || (c / u).ln() + 1.0 >= c {
            let angle = f.clamp(-1.0, 1.0).acos();
            return wrap(location + if rng.random() { angle } else { -angle });
        }
    }
}

/// Mean and variance of scale Eᵖ for a standard exponential E.
pub(super) fn power_moments(scale: f64, p: f64) -> (f64, f64) {
    let raw = |p: f64| if p > -1.0 { ln_gamma(1.0 + p).exp() } else { f64::INFINITY };
    let (first, second) = (raw(p), raw(2.0 * p));
    (scale * first, scale * scale * (second - first * first))
}

/// ln P(X ≤ x) of a 0/1 variate with ln P(X = 0).
pub(super) fn bernoulli_ln_cdf<S: Scalar>(x: S, ln_zero: S) -> S {
    let (zero, never) = (S::constant(0.0), S::constant(f64::NEG_INFINITY));
    S::select(x.less(zero), never, S::select(x.less(S::constant(1.0)), ln_zero, zero))
}

/// ln P(X > x) of a 0/1 variate with ln P(X = 1).
pub(super) fn bernoulli_ln_survival<S: Scalar>(x: S, ln_one: S) -> S {
    let (zero, never) = (S::constant(0.0), S::constant(f64::NEG_INFINITY));
    S::select(x.less(zero), zero, S::select(x.less(S::constant(1.0)), ln_one, never))
}

/// (ln P(X ≤ x), ln P(X > x)) of a binomial variate: those that 1 - p exceeds a
/// Beta(n - x, x + 1) variate. n and x have no slope.
pub(super) fn binomial_tails<S: Scalar>(n: S, logit: S, x: S) -> (S, S) {
    let (zero, one, nothing) = (S::constant(0.0), S::constant(1.0), S::constant(f64::NEG_INFINITY));
    let x = x.floor();
    let (above, below) = (zero.less(x + 1.0), x.less(n));
    let failures = S::select(below, n - x, one);
    let successes = S::select(above, x + 1.0, one);
    let (lower, upper) = ln_incomplete_beta(failures.floor(), successes, -logit);
    let (lower, upper) = (S::select(below, lower, zero), S::select(below, upper, nothing));
    (S::select(above, lower, nothing), S::select(above, upper, zero))
}

/// (ln P(X ≤ x), ln P(X > x)) of a Poisson variate: those that a Gamma(x + 1) variate exceeds the
/// rate. x has no slope.
pub(super) fn poisson_tails<S: Scalar>(rate: S, x: S) -> (S, S) {
    let more = x.floor() + 1.0;
    let possible = S::constant(0.0).less(more);
    let shape = S::select(possible, more, S::constant(1.0));
    let (lower, upper) = ln_incomplete_gamma(shape, rate);
    let nothing = S::constant(f64::NEG_INFINITY);
    (S::select(possible, upper, nothing), S::select(possible, lower, S::constant(0.0)))
}

/// (ln P(X ≤ x), ln P(X > x)) of a negative binomial variate with this logarithm of the mean:
/// those that size / (size + mean) exceeds a Beta(size, x + 1) variate. x has no slope.
pub(super) fn negative_binomial_tails<S: Scalar>(log_mean: S, size: S, x: S) -> (S, S) {
    let more = x.floor() + 1.0;
    let possible = S::constant(0.0).less(more);
    let shape = S::select(possible, more, S::constant(1.0));
    let (lower, upper) = ln_incomplete_beta(size, shape, size.ln() - log_mean);
    let nothing = S::constant(f64::NEG_INFINITY);
    (S::select(possible, lower, nothing), S::select(possible, upper, S::constant(0.0)))
}

/// A Poisson draw whose mean is a gamma draw of this mean and shape `size`.
pub(super) fn mixed_poisson(mean: f64, size: f64, rng: &mut impl Rng) -> Option<f64> {
    if mean == 0.0 {
        return Some(0.0);
    }
    let rate = rng.sample(rand_distr::Gamma::new(size, mean / size).ok()?);
    if rate == 0.0 { Some(0.0) } else { Some(rng.sample(rand_distr::Poisson::new(rate).ok()?)) }
}

/// A parameter as a count of the samplers, up to 2⁵³.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
pub(super) fn whole(x: f64) -> Option<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    ((0.0..=LARGEST).contains(&x) && x.fract() == 0.0).then_some(x as u64)
}

/// A count of the samplers as a number.
#[expect(clippy::cast_precision_loss, reason = "samplers of at most 2⁵³ trials")]
pub(super) fn count(x: u64) -> f64 {
    x as f64
}
