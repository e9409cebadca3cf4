//! The modified Bessel function I₀ in logarithms, and the ratio I₁ / I₀.
//!
//! A power series with positive terms below [`LARGE`], the asymptotic series above it.

use crate::math::derivative::LN_SQRT_TAU;

/// From here on the asymptotic series reaches the last place before it diverges.
const LARGE: f64 = 30.0;
/// Terms of the power series that matter below [`LARGE`].
const SERIES_TERMS: u8 = 80;
/// Terms of the asymptotic series.
const ASYMPTOTIC_TERMS: u8 = 24;

/// ln I₀(x)
pub fn ln_bessel_i0(x: f64) -> f64 {
    if x.abs() < LARGE {
        excess(x, 0.0).ln_1p()
    } else if x.is_infinite() {
        f64::INFINITY
    } else {
        let x = x.abs();
        asymptotic(x, 0.0).ln() + (x - 0.5 * x.ln() - LN_SQRT_TAU)
    }
}

/// I₁(x) / I₀(x)
pub fn bessel_ratio(x: f64) -> f64 {
    if x.abs() < LARGE {
        0.5 * x * (1.0 + excess(x, 1.0)) / (1.0 + excess(x, 0.0))
    } else if x.is_infinite() {
        x.signum()
    } else {
        x.signum() * asymptotic(x.abs(), 1.0) / asymptotic(x.abs(), 0.0)
    }
}

/// Σ (x²/4)^k / (k! (k + order)!) over k ≥ 1, for order 0 or 1
fn excess(x: f64, order: f64) -> f64 {
    let z = 0.25 * x * x;
    (1..=SERIES_TERMS).rev().fold(0.0, |sum, k| {
        let k = f64::from(k);
        (1.0 + sum) * (z / (k * (k + order)))
    })
}

/// √(2πx) e^-x I_order(x) = Σ Π (( 2j - 1)² - 4 order²) / (8 j x)
fn asymptotic(x: f64, order: f64) -> f64 {
    (1..=ASYMPTOTIC_TERMS).rev().fold(1.0, |sum, j| {
        let j = f64::from(j);
        let odd = 2.0 * j - 1.0;
        1.0 + sum * (odd * odd - 4.0 * order * order) / (8.0 * j * x)
    })
}
