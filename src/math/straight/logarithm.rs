//! ln x and ln(1 + x), by the method of FreeBSD's `e_log.c`: x = 2^k (1 + f), s = f / (2 + f),
//! ln(1 + f) = f - (f²/2 - s (f²/2 + R(s²))).

use super::exponential::{LN2_HIGH, LN2_LOW};
use super::{Arithmetic, choose, polynomial};

/// R(s²) / s², to 2⁻⁵⁸.
const R: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// The bits of √½, above which numbers below 1 count as 1 + f with a small f.
const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2⁵², whose lowest bits count in ones.
const COUNTER: u64 = 0x4330_0000_0000_0000;

/// f - ln(1 + f), given s = f / (2 + f).
#[inline(always)]
pub(super) fn tail<A: Arithmetic>(f: f64, s: f64) -> f64 {
    let z = s * s;
    let half = 0.5 * f * f;
    A::fma(-s, A::fma(z, polynomial::<A, 7>(z, &R), half), half)
}

/// x = 2^k m with m in [√½, √2), for a positive normal x: (k, m).
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let bits = x.to_bits();
    // The exponent relative to √½, with an offset that keeps it positive.
    let offset = bits.wrapping_sub(SQRT_HALF_BITS).wrapping_add(1024 << 52) >> 52;
    let k = f64::from_bits(COUNTER | offset) - (4_503_599_627_370_496.0 + 1024.0);
    let m = f64::from_bits(bits.wrapping_sub(offset.wrapping_sub(1024) << 52));
    (k, m)
}

/// ln x within 1 ulp.
#[inline(always)]
pub fn ln<A: Arithmetic>(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let scaled = choose(subnormal, x * 18_014_398_509_481_984.0, x);
    let (k, m) = split(scaled);
    let k = choose(subnormal, k - 54.0, k);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let y = k * LN2_HIGH + (f - A::fma(-k, LN2_LOW, tail::<A>(f, s)));
    edges(x, y)
}

/// ln(1 + x) within 1.5 ulps.
#[inline(always)]
pub fn log1p<A: Arithmetic>(x: f64) -> f64 {
    let u = 1.0 + x;
    let (k, m) = split(u);
    let near = k == 0.0;
    // What the sum lost, relative to u.
    let lost = choose(x < 1.0, x - (u - 1.0), 1.0 - (u - x)) / u;
    let f = choose(near, x, m - 1.0);
    let lost = choose(near, 0.0, lost);
    let s = f / (2.0 + f);
    let low = A::fma(k, LN2_LOW, lost);
    let y = k * LN2_HIGH + (f - (tail::<A>(f, s) - low));
    choose(x.abs() < 1e-300, x, edges(u, y))
}

/// The logarithm of x where x is 0, negative, infinite or NaN; else y.
#[inline(always)]
fn edges(x: f64, y: f64) -> f64 {
    let y = choose(x < f64::INFINITY, y, x);
    let y = choose(x == 0.0, f64::NEG_INFINITY, y);
    choose(x < 0.0, f64::NAN, y)
}
