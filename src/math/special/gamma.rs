//! ln Γ and its first three derivatives.
//!
//! Large arguments use the asymptotic series in Bernoulli numbers, smaller ones step up to it by
//! the recurrence, negative ones are reflected.

use std::f64::consts::PI;

/// Even Bernoulli numbers B₂, B₄, …, B₂₀.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174611.0 / 330.0,
];

/// From here on ten terms of the asymptotic series are exact to the last place.
const ASYMPTOTIC: f64 = 12.0;

/// ln |Γ(x)|; infinite at 0 and the negative integers.
pub fn ln_gamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { f64::INFINITY } else { libm::lgamma(x) }
}

/// ψ(x) = d/dx ln Γ(x); NaN at the negative integers, -1/x at ±0.
pub fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return -x.recip();
    }
    if x < 0.0 {
        let (sin, cos) = sin_cos_pi(x);
        return if sin == 0.0 { f64::NAN } else { digamma(1.0 - x) - PI * cos / sin };
    }
    if x >= ASYMPTOTIC {
        let z = (x * x).recip();
        return x.ln() - 0.5 / x - z * series(z, |k, b| b / (2.0 * k));
    }
    let (mut x, mut shift) = (x, 0.0);
    while x > 2.0 {
        x -= 1.0;
        shift += x.recip();
    }
    if x < 1.0 {
        shift -= x.recip();
        x += 1.0;
    }
    digamma_unit(x) + shift
}

/// ψ on [1, 2] as (x - x₀) (Y + P/Q), which keeps relative accuracy at its root x₀.
///
/// Coefficients from Boost.Math, `detail/digamma.hpp` (J. Maddock).
fn digamma_unit(x: f64) -> f64 {
    const ROOT: [f64; 3] = [
        1_569_415_565.0 / 1_073_741_824.0,
        381_566_830.0 / 1_073_741_824.0 / 1_073_741_824.0,
        9.016_312_093_258_695e-20,
    ];
    const Y: f64 = 0.995_581_626_892_089_8;
    const P: [f64; 6] = [
        0.254_798_510_611_315_51,
        -0.325_550_311_868_044_9,
        -0.650_318_537_708_965_1,
        -0.289_191_264_447_747_84,
        -0.045_251_321_448_739_06,
        -0.002_071_332_116_774_595,
    ];
    const Q: [f64; 7] = [
        1.0,
        2.076_711_702_373_047,
        1.460_624_290_976_351_5,
        0.435_935_296_926_659_69,
        0.054_151_797_245_674_225,
        0.002_128_498_701_782_114_4,
        -5.578_984_132_167_551e-7,
    ];
    let g = x - ROOT[0] - ROOT[1] - ROOT[2];
    let polynomial = |c: &[f64]| c.iter().rev().fold(0.0, |sum, c| sum * (x - 1.0) + c);
    g * Y + g * (polynomial(&P) / polynomial(&Q))
}

/// ψ₁(x) = d²/dx² ln Γ(x); infinite at 0 and the negative integers.
pub fn trigamma(x: f64) -> f64 {
    if x < 0.0 {
        let (sin, _) = sin_cos_pi(x);
        return (PI / sin).powi(2) - trigamma(1.0 - x);
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < ASYMPTOTIC {
        sum += (x * x).recip();
        x += 1.0;
    }
    let z = (x * x).recip();
    sum + (1.0 + 0.5 / x + z * series(z, |_, b| b)) / x
}

/// ψ₂(x) = d³/dx³ ln Γ(x); NaN at the negative integers, -2/x³ at ±0.
pub fn tetragamma(x: f64) -> f64 {
    if x < 0.0 {
        let (sin, cos) = sin_cos_pi(x);
        let reflected = 2.0 * cos * (PI / sin).powi(3);
        return if sin == 0.0 { f64::NAN } else { tetragamma(1.0 - x) - reflected };
    }
    if x == 0.0 {
        return -x.recip();
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < ASYMPTOTIC {
        sum -= 2.0 / (x * x * x);
        x += 1.0;
    }
    let z = (x * x).recip();
    sum - (1.0 + 1.0 / x + z * series(z, |k, b| (2.0 * k + 1.0) * b)) * z
}

/// Σ w(k, B₂ₖ) z^(k-1) over k = 1, 2, …
fn series(z: f64, weight: impl Fn(f64, f64) -> f64) -> f64 {
    let terms = BERNOULLI.iter().zip(1..=10_u8).rev();
    terms.fold(0.0, |sum, (&b, k)| sum * z + weight(f64::from(k), b))
}

/// (sin πx, cos πx) with the reduction done before multiplying by π.
fn sin_cos_pi(x: f64) -> (f64, f64) {
    let r = x - 2.0 * (0.5 * x).round();
    if r.abs() == 1.0 {
        return (0.0, -1.0);
    }
    if r.abs() > 0.5 {
        let (sin, cos) = (PI * (1.0 - r.abs())).sin_cos();
        return (sin.copysign(r), -cos);
    }
    (PI * r).sin_cos()
}
