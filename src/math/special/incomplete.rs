//! The regularised incomplete gamma and beta functions, in logarithms.
//!
//! Both tails are returned, the smaller of which keeps its relative accuracy.

use super::gamma::ln_gamma;
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::scalar::Scalar;

/// More terms than any finite argument of practical size needs; near x = a about 10 √a are used.
const MAX_TERMS: u32 = 1_000_000;
/// Stands for zero in the continued fractions (Lentz's method).
const TINY: f64 = 1e-300;

/// (ln P(a, x), ln Q(a, x)) with P(a, x) = γ(a, x) / Γ(a) and Q = 1 - P.
pub fn ln_incomplete_gamma(a: f64, x: f64) -> (f64, f64) {
    if a.is_nan() || a <= 0.0 || x.is_nan() {
        (f64::NAN, f64::NAN)
    } else if x <= 0.0 {
        (f64::NEG_INFINITY, 0.0)
    } else if x == f64::INFINITY {
        (0.0, f64::NEG_INFINITY)
    } else if x < a + 1.0 {
        let lower = ln_gamma_kernel(a, x) - a.ln() + gamma_series(a, x).ln();
        with_complement(lower)
    } else {
        let upper = ln_gamma_kernel(a, x) + gamma_fraction(a, x).ln();
        swap(with_complement(upper))
    }
}

/// (ln I_x(a, b), ln I_y(b, a)) with y = 1 - x, which is given to keep the digits of a small one.
pub fn ln_incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if !(a > 0.0 && b > 0.0) || x.is_nan() || y.is_nan() {
        (f64::NAN, f64::NAN)
    } else if x <= 0.0 {
        (f64::NEG_INFINITY, 0.0)
    } else if y <= 0.0 {
        (0.0, f64::NEG_INFINITY)
    } else {
        let ln = |v: f64, rest: f64| if v > 0.5 { (-rest).ln_1p() } else { v.ln() };
        let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let kernel = a * ln(x, y) + b * ln(y, x) - ln_beta;
        if x * (a + b + 2.0) < a + 1.0 {
            with_complement(kernel - a.ln() + beta_fraction(a, b, x).ln())
        } else {
            swap(with_complement(kernel - b.ln() + beta_fraction(b, a, y).ln()))
        }
    }
}

/// ln(1 - e^x), with x capped at 0 against rounding.
fn with_complement(x: f64) -> (f64, f64) {
    let x = if x > 0.0 { 0.0 } else { x };
    (x, x.log1m_exp())
}

fn swap<T>((a, b): (T, T)) -> (T, T) {
    (b, a)
}

/// a ln x - x - ln Γ(a); for large a through Stirling's series, where the three terms cancel.
fn ln_gamma_kernel(a: f64, x: f64) -> f64 {
    const LARGE: f64 = 50.0;
    if a < LARGE {
        return a * x.ln() - x - ln_gamma(a);
    }
    let d = (x - a) / a;
    let z = (a * a).recip();
    let stirling = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z / 1680.0))) / a;
    a * (d.ln_1p() - d) + 0.5 * a.ln() - LN_SQRT_TAU - stirling
}

/// Σ xᵏ / ((a + 1) … (a + k))
fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..MAX_TERMS {
        term *= x / (a + f64::from(k));
        sum += term;
        if term < sum * 0.25 * f64::EPSILON {
            break;
        }
    }
    sum
}

/// 1/(x + 1 - a - 1(1 - a)/(x + 3 - a - …))
fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = TINY.recip();
    let mut d = b.recip();
    let mut h = d;
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        b += 2.0;
        d = nonzero(numerator * d + b).recip();
        c = nonzero(b + numerator / c);
        h *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = nonzero(1.0 - (a + b) * x / (a + 1.0)).recip();
    let mut h = d;
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        let even = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k));
        d = nonzero(1.0 + even * d).recip();
        c = nonzero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0));
        d = nonzero(1.0 + odd * d).recip();
        c = nonzero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

fn nonzero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}
