//! The error function and the standard normal cdf, with relative accuracy in the lower tail.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::math::derivative::LN_SQRT_TAU;

/// 1/√2 minus its nearest `f64`.
const FRAC_1_SQRT_2_TAIL: f64 = -4.833_646_656_726_456_7e-17;

/// Below this the continued fraction of Mills' ratio converges in [`MILLS_TERMS`] terms.
const TAIL: f64 = -5.0;
/// Terms of the continued fraction: exact to the last place from |x| = 5 on.
const MILLS_TERMS: u8 = 60;

/// erf(x) = 2/√π ∫₀ˣ e^(-t²) dt
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// Φ(x) = erfc(-x/√2) / 2
pub fn normal_cdf(x: f64) -> f64 {
    let z = -x * FRAC_1_SQRT_2;
    if !(z > 0.0 && z < 28.0) {
        return 0.5 * libm::erfc(z);
    }
    // What rounding took from z matters in the tail, where erfc falls like e^(-z²).
    let lost = (-x).mul_add(FRAC_1_SQRT_2, -z) - x * FRAC_1_SQRT_2_TAIL;
    0.5 * (libm::erfc(z) - FRAC_2_SQRT_PI * (-z * z).exp() * lost)
}

/// ln Φ(x); in the lower tail -x²/2 - ln √(2π) + ln R(-x) with Mills' ratio R.
pub fn ln_normal_cdf(x: f64) -> f64 {
    if x > 0.0 {
        (-normal_cdf(-x)).ln_1p()
    } else if x > TAIL {
        normal_cdf(x).ln()
    } else {
        mills(-x).ln() - LN_SQRT_TAU - 0.5 * x * x
    }
}

/// (1 - Φ(t)) / φ(t) = 1/(t + 1/(t + 2/(t + 3/(t + …)))) for t ≥ 5.
fn mills(t: f64) -> f64 {
    let below = (1..=MILLS_TERMS).rev().fold(t, |below, k| t + f64::from(k) / below);
    below.recip()
}
