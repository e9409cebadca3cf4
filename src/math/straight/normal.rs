//! erf x and Φ(x).

use super::exponential::exp;
use super::logarithm::log1p;
use super::{Arithmetic, choose, polynomial};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// 1/√2 minus its nearest `f64`.
const FRAC_1_SQRT_2_TAIL: f64 = -4.833_646_656_726_457e-17;
/// Where the map of [0, ∞) to [-1, 1] is 0.
const MIDDLE: f64 = 3.75;

/// (1 + 2z) e^(z²) erfc z in powers of (z - 3.75) / (z + 3.75), to 2.4e-18: the form of Shepherd
/// and Laframboise (1981).
const SCALED: [f64; 26] = [
    1.237_512_630_837_827_5,
    -0.140_240_598_585_547_02,
    0.003_585_415_485_464_458_3,
    0.082_276_738_490_151_09,
    -0.108_803_930_141_750_23,
    0.092_304_321_160_196_38,
    -0.058_693_398_589_611_16,
    0.028_362_277_421_543_98,
    -0.009_746_579_558_275_152,
    0.001_755_625_832_191_535_5,
    0.000_293_713_666_984_613_1,
    -0.000_290_153_978_137_838_4,
    5.164_909_388_582_170_4e-5,
    2.238_390_827_660_038e-5,
    -1.144_413_438_965_847_5e-5,
    -9.728_413_451_815_077e-7,
    1.751_618_940_694_367_5e-6,
    -5.827_501_862_768_702_6e-8,
    -2.586_489_910_718_321e-7,
    2.430_183_948_450_321_3e-8,
    3.866_242_066_283_782_5e-8,
    -4.396_921_916_763e-9,
    -5.169_080_644_815_892e-9,
    5.485_084_520_084_018e-10,
    4.243_303_825_109_604_5e-10,
    -3.798_064_723_590_741e-11,
];

/// erf(z) / z in powers of z² for |z| ≤ 1, to 1.3e-19.
const SMALL: [f64; 13] = [
    FRAC_2_SQRT_PI,
    -0.376_126_389_031_837_5,
    0.112_837_916_709_548_79,
    -0.026_866_170_645_076_792,
    0.005_223_977_624_818_014_5,
    -0.000_854_832_698_083_379,
    0.000_120_553_311_116_427_1,
    -1.492_559_526_683_118_2e-5,
    1.646_100_048_412_136_8e-6,
    -1.635_031_270_105_469_5e-7,
    1.465_977_527_404_743_6e-8,
    -1.137_284_885_679_167_4e-9,
    5.957_176_147_748_911e-11,
];

/// e^(z²) erfc z for z ≥ 0.
#[inline(always)]
fn scaled<A: Arithmetic>(z: f64) -> f64 {
    let t = (z - MIDDLE) / (z + MIDDLE);
    polynomial::<A, 26>(t, &SCALED) / A::fma(z, 2.0, 1.0)
}

/// erfc(z + low) for z ≥ 0, where low is below the last place of z.
#[inline(always)]
fn complement<A: Arithmetic>(z: f64, low: f64) -> f64 {
    let z = choose(z > 30.0, 30.0, z);
    let scaled = scaled::<A>(z);
    // e^-(z²) keeps its digits if what z² loses is made good; `mul_add` is exact everywhere.
    let square = z * z;
    let lost = A::fma(z + z, low, z.mul_add(z, -square));
    let e = exp::<A>(-square);
    scaled * A::fma(-e, lost, e)
}

/// erf x within 2 ulps.
#[inline(always)]
pub fn erf<A: Arithmetic>(x: f64) -> f64 {
    let z = x.abs();
    let small = x * polynomial::<A, 13>(x * x, &SMALL);
    let large = (1.0 - complement::<A>(z, 0.0)).copysign(x);
    choose(z < 1.0, small, large)
}

/// ln Φ(x) within 6 ulps.
///
/// Above 0 it is ln(1 - Φ(-x)). Below, with s = e^(z²) erfc(z) / 2 and z = -x/√2, it is
/// ln(1 + (s - 1)) - x²/2: what s - 1 loses where s is small is nothing beside x².
#[inline(always)]
pub fn ln_normal_cdf<A: Arithmetic>(x: f64) -> f64 {
    let z = x.abs() * FRAC_1_SQRT_2;
    // At infinity the quotient would be NaN.
    let half = 0.5 * scaled::<A>(choose(z > 1e100, 1e100, z));
    let upper = x > 0.0;
    let ln = log1p::<A>(choose(upper, -normal_cdf::<A>(-x), half - 1.0));
    choose(upper, ln, A::fma(-0.5 * x, x, ln))
}

/// Φ(x) within 5.5 ulps, also far in the lower tail.
#[inline(always)]
pub fn normal_cdf<A: Arithmetic>(x: f64) -> f64 {
    let z = x.abs() * FRAC_1_SQRT_2;
    // What rounding took from z matters where e^(-z²) is small.
    let low = x.abs().mul_add(FRAC_1_SQRT_2, -z) + x.abs() * FRAC_1_SQRT_2_TAIL;
    let half = 0.5 * complement::<A>(z, choose(z < 30.0, low, 0.0));
    let tail = choose(x > 0.0, 1.0 - half, half);
    // Near 0 the complement and erf meet.
    let near = A::fma(0.5 * x * FRAC_1_SQRT_2, polynomial::<A, 13>(z * z, &SMALL), 0.5);
    choose(z < 0.5, near, tail)
}
