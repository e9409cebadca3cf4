//! Values of every [`Unary`] and [`Binary`] function at `f64` arguments.
//!
//! Total: a pole gives an infinity or NaN, never a panic. Against 50-digit references each is
//! within a few units in the last place, except near zeros that are not representable, where the
//! error is a few units of the last place of 1.

mod bessel;
mod gamma;
pub mod incomplete;
mod normal;

pub use bessel::{bessel_ratio, ln_bessel_i0};
pub use gamma::{digamma, ln_gamma, tetragamma, trigamma};
pub use normal::{erf, ln_normal_cdf, normal_cdf};

use super::scalar::{Binary, Unary};

/// f(x)
#[inline]
pub fn value(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Ln => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Softplus => softplus(x),
        Unary::Sigmoid => sigmoid(x),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Recip => x.recip(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Atan => x.atan(),
        Unary::Asin => x.asin(),
        Unary::Tanh => x.tanh(),
        Unary::LnGamma => ln_gamma(x),
        Unary::Digamma => digamma(x),
        Unary::Trigamma => trigamma(x),
        Unary::Tetragamma => tetragamma(x),
        Unary::Erf => erf(x),
        Unary::NormalCdf => normal_cdf(x),
        Unary::LnNormalCdf => ln_normal_cdf(x),
        Unary::LnBesselI0 => ln_bessel_i0(x),
        Unary::BesselRatio => bessel_ratio(x),
        Unary::Floor => x.floor(),
    }
}

/// f(a, b)
#[inline]
pub fn value2(f: Binary, a: f64, b: f64) -> f64 {
    match f {
        Binary::Pow => a.powf(b),
        Binary::XLogY => x_log_y(a, b),
        Binary::Kept => kept(a, b),
        Binary::LnGammaLower(order) => incomplete::ln_gamma_tail(false, order, a, b),
        Binary::LnGammaUpper(order) => incomplete::ln_gamma_tail(true, order, a, b),
    }
}

/// b, but 0 where a is 0 and b is not finite
#[inline(always)]
pub fn kept(a: f64, b: f64) -> f64 {
    let finite = b.abs() < f64::INFINITY;
    if a == 0.0 && !finite { 0.0 } else { b }
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)
#[inline]
pub fn softplus(x: f64) -> f64 {
    // `f64::max` would drop a NaN.
    let linear = if x < 0.0 { 0.0 } else { x };
    linear + (-x.abs()).exp().ln_1p()
}

/// 1 / (1 + e^-x), written as e^x / (1 + e^x) for negative x so that the tail keeps its digits.
#[inline]
pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// a ln b, and 0 where a = 0 unless b is NaN or negative.
#[inline]
pub fn x_log_y(a: f64, b: f64) -> f64 {
    if a == 0.0 && b >= 0.0 { 0.0 } else { a * b.ln() }
}
