//! e^x and what is made of it.

use super::logarithm::tail;
use super::{Arithmetic, choose, polynomial};
use std::f64::consts::LOG2_E;

/// Adding it rounds a number below 2⁵¹ to an integer, which is then in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with trailing zeros.
pub(super) const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
pub(super) const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2, to 1.4e-18: its even and its odd powers, as two short chains
/// of operations take less time than a long one.
const EXP_EVEN: [f64; 6] = [
    0.5,
    0.041_666_666_666_666_67,
    0.001_388_888_888_888_374_8,
    2.480_158_732_554_774_3e-5,
    2.755_727_364_311_03e-7,
    2.091_468_696_808_687_6e-9,
];
const EXP_ODD: [f64; 5] = [
    0.166_666_666_666_666_7,
    0.008_333_333_333_326_136,
    0.000_198_412_698_748_206_27,
    2.755_725_540_020_642_2e-6,
    2.510_521_700_472_074_5e-8,
];

/// x = k ln 2 + r with an integer k and |r| ≤ ln 2 / 2: (k, r).
#[inline(always)]
fn reduce<A: Arithmetic>(x: f64) -> (f64, f64) {
    let k = A::fma(x, LOG2_E, ROUND) - ROUND;
    let r = A::fma(k, -LN2_LOW, A::fma(k, -LN2_HIGH, x));
    (k, r)
}

/// 2^k for an integer k in [-1022, 1023].
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k + ROUND).to_bits().wrapping_add(1023) << 52)
}

/// e^r - 1 for |r| ≤ ln 2 / 2.
#[inline(always)]
fn expm1_reduced<A: Arithmetic>(r: f64) -> f64 {
    let square = r * r;
    let even = polynomial::<A, 6>(square, &EXP_EVEN);
    let both = A::fma(r, polynomial::<A, 5>(square, &EXP_ODD), even);
    A::fma(square, both, r)
}

/// y 2^k for any integer k in [-1076, 1025], in two steps: the last rounds a subnormal.
#[inline(always)]
fn scale(y: f64, k: f64) -> f64 {
    let half = (k * 0.5 + ROUND) - ROUND;
    y * power_of_two(half) * power_of_two(k - half)
}

/// e^x within 1 ulp.
#[inline(always)]
pub fn exp<A: Arithmetic>(x: f64) -> f64 {
    // Beyond these ends the result is 0 or infinite; NaN stays.
    let x = choose(x < -746.0, -746.0, x);
    let x = choose(x > 710.0, 710.0, x);
    let (k, r) = reduce::<A>(x);
    scale(expm1_reduced::<A>(r) + 1.0, k)
}

/// e^x - 1 within 2 ulps.
#[inline(always)]
pub fn expm1<A: Arithmetic>(x: f64) -> f64 {
    let inside = choose(x < -40.0, -40.0, x);
    let inside = choose(inside > 710.0, 710.0, inside);
    let (k, r) = reduce::<A>(inside);
    // 2^k (e^r - 1 + 1 - 2^-k), where 2^-k does not matter for large k.
    let inverse = power_of_two(-choose(k > 1000.0, 1000.0, k));
    let y = scale(expm1_reduced::<A>(r) + (1.0 - inverse), k);
    // -0 and what is too small to reduce.
    choose(x.abs() < 1e-17, x, y)
}

/// tanh x within 2.5 ulps.
#[inline(always)]
pub fn tanh<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    // Beyond 20 it is 1; NaN stays.
    let e = expm1::<A>(choose(size > 20.0, 40.0, size + size));
    let y = e / (e + 2.0);
    y.copysign(x)
}

/// (ln(1 + e^x), 1 / (1 + e^-x)), each within 2.5 ulps with fused arithmetic, 3 without.
///
/// With z = e^-|x| and u = 1 + z, or half of that where it exceeds √2, f = u - 1 and
/// s = f / (2 + f): ln(1 + f) = 2 atanh s. Both quotients come from one division.
#[inline(always)]
pub fn softplus_and_sigmoid<A: Arithmetic>(x: f64) -> (f64, f64) {
    let z = exp::<A>(-x.abs());
    let u = 1.0 + z;
    let large = u > std::f64::consts::SQRT_2;
    let f = choose(large, A::fma(z, 0.5, -0.5), z);
    let divisor = 2.0 + f;
    let joint = 1.0 / (u * divisor);
    let s = f * (joint * u);
    let (low, high) = (choose(large, LN2_LOW, 0.0), choose(large, LN2_HIGH, 0.0));
    let ln = high + (f - (tail::<A>(f, s) - low));
    // One step of Newton's method, which also makes good what u lost.
    let recip = joint * divisor;
    let lost = z - (u - 1.0);
    let recip = A::fma(recip, A::fma(-lost, recip, A::fma(-u, recip, 1.0)), recip);
    let negative = x < 0.0;
    (choose(negative, 0.0, x) + ln, choose(negative, z * recip, recip))
}

/// e^x within 1 ulp for x ≤ 0; 0 where it is below the least normal number.
#[inline(always)]
pub fn exp_below_zero<A: Arithmetic>(x: f64) -> f64 {
    const LEAST: f64 = -708.0;
    let inside = choose(x < LEAST, LEAST, x);
    let shifted = A::fma(inside, LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = A::fma(k, -LN2_LOW, A::fma(k, -LN2_HIGH, inside));
    // 2^k, where k is in the lowest bits.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    choose(x < LEAST, 0.0, (expm1_reduced::<A>(r) + 1.0) * power)
}

/// (max(x, 0), 1 + e^-|x|, 1 / (1 + e^-x)): ln(1 + e^x) is the first and the logarithm of the second.
/// The last is within 2.5 ulps, and 0 where it is below 1e-307.
#[inline(always)]
pub fn softplus_in_parts<A: Arithmetic>(x: f64) -> (f64, f64, f64) {
    let z = exp_below_zero::<A>(-x.abs());
    let u = 1.0 + z;
    let negative = x < 0.0;
    (choose(negative, 0.0, x), u, choose(negative, z, 1.0) / u)
}

/// ln(1 + e^x) within 2.5 ulps.
#[inline(always)]
pub fn softplus<A: Arithmetic>(x: f64) -> f64 {
    softplus_and_sigmoid::<A>(x).0
}

/// 1 / (1 + e^-x) within 2.5 ulps.
#[inline(always)]
pub fn sigmoid<A: Arithmetic>(x: f64) -> f64 {
    softplus_and_sigmoid::<A>(x).1
}
