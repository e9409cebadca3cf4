//! ln Γ and digamma of positive numbers.
//!
//! A number below 8 is moved to [1.5, 2.5) by the recurrence, where both are polynomials in the
//! distance from 2; from 8 on they are asymptotic series. The logarithm is taken once: of the
//! product of the factors passed, or of the number itself.

use super::logarithm::ln;
use super::{Arithmetic, choose, polynomial};

/// From here on the asymptotic series holds.
const ASYMPTOTIC: f64 = 8.0;
/// ln √(2π)
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// ln Γ(2 + t) / t for |t| ≤ ½, to 6e-19.
const LN_GAMMA: [f64; 19] = [
    0.422_784_335_098_467_13,
    0.322_467_033_424_113_26,
    -0.067_352_301_053_198_1,
    0.020_580_808_427_780_38,
    -0.007_385_551_028_671_944,
    0.002_890_510_331_034_267,
    -0.001_192_753_911_844_559_2,
    0.000_509_669_515_411_545_8,
    -0.000_223_154_753_974_984_6,
    9.945_767_355_819_498e-5,
    -4.492_631_368_685_508e-5,
    2.050_559_075_583_345_4e-5,
    -9.438_713_205_676_858e-6,
    4.384_704_404_598_36e-6,
    -2.043_911_735_629_803_7e-6,
    9.200_527_894_968_101e-7,
    -4.325_100_846_024_222e-7,
    2.787_408_052_113_59e-7,
    -1.322_111_196_958_111_2e-7,
];

/// ψ(2 + t) for |t| ≤ ½, to 1.6e-18.
const DIGAMMA: [f64; 20] = [
    0.422_784_335_098_467_13,
    0.644_934_066_848_226_4,
    -0.202_056_903_159_595_24,
    0.082_323_233_711_138_67,
    -0.036_927_755_143_244,
    0.017_343_061_984_386_18,
    -0.008_349_277_388_351_162,
    0.004_077_356_201_158_327,
    -0.002_008_392_659_733_939_7,
    0.000_994_575_044_648_632,
    -0.000_494_191_070_667_409_6,
    0.000_246_087_786_512_294_2,
    -0.000_122_691_162_965_464_69,
    6.123_704_338_305_966e-5,
    -3.071_097_870_420_390_5e-5,
    1.534_362_708_421_66e-5,
    -7.231_701_017_698_152e-6,
    3.614_556_780_301_568_3e-6,
    -2.627_891_771_944_428e-6,
    1.313_779_878_202_003_7e-6,
];

/// x (ln Γ(x) - (x - ½) ln x + x - ln √(2π)) in powers of 1 / x² for x ≥ 7.75, to 1e-18.
const STIRLING: [f64; 7] = [
    0.083_333_333_333_333_33,
    -0.002_777_777_777_772_3,
    0.000_793_650_788_366_505_9,
    -0.000_595_236_174_334_077_2,
    0.000_841_415_832_904_611_4,
    -0.001_887_105_836_120_370_7,
    0.004_992_229_670_323_309,
];

/// x² (ln x - 1 / (2x) - ψ(x)) in powers of 1 / x² for x ≥ 7.75, to 1e-17.
const ASYMPTOTIC_DIGAMMA: [f64; 8] = [
    0.083_333_333_333_333_33,
    -0.008_333_333_333_330_787,
    0.003_968_253_965_028_186,
    -0.004_166_665_102_685_832,
    0.007_575_382_640_376_153_4,
    -0.021_043_430_152_323_957,
    0.079_652_037_038_731_79,
    -0.292_363_123_697_631_3,
];

/// A number moved to [1.5, 2.5): its distance from 2, the product of the factors passed with its
/// derivative, and whether it was moved up.
#[derive(Clone, Copy)]
struct Moved {
    t: f64,
    product: f64,
    slope: f64,
    up: bool,
}

#[inline(always)]
fn moved<A: Arithmetic>(x: f64) -> Moved {
    // At most one of the two walks has factors other than 1.
    let (mut product, mut slope, mut t) = (1.0, 0.0, x - 2.0);
    let mut step = 0.0;
    while step < 6.0 {
        step += 1.0;
        let passed = x >= step + 1.5;
        let factor = x - step;
        slope = choose(passed, A::fma(slope, factor, product), slope);
        product = choose(passed, product * factor, product);
        t = choose(passed, factor - 2.0, t);
    }
    let (near, low) = (x < 1.5, x < 0.5);
    // x, or x (x + 1) with slope 2x + 1.
    let both = A::fma(x, x, x);
    product = choose(near, choose(low, both, x), product);
    slope = choose(near, choose(low, x + x + 1.0, 1.0), slope);
    t = choose(near, choose(low, x, x - 1.0), t);
    Moved { t, product, slope, up: near }
}

/// (ln Γ(x), ψ(x)) where x [is regular](is_regular): ln Γ within 5 ulps, 7 with separate
/// arithmetic; ψ within 4 units of the last place of the larger of 1 and itself.
#[inline(always)]
pub fn ln_gamma_and_digamma<A: Arithmetic>(x: f64) -> (f64, f64) {
    let large = x >= ASYMPTOTIC;
    let Moved { t, product, slope, up } = moved::<A>(x);
    let argument = choose(large, x, product);
    let ln = ln::<A>(argument);
    let recip = 1.0 / argument;

    let passed = slope * recip;
    let small_ln_gamma = A::fma(t, polynomial::<A, 19>(t, &LN_GAMMA), choose(up, -ln, ln));
    let small_digamma = polynomial::<A, 20>(t, &DIGAMMA) + choose(up, -passed, passed);

    let z = recip * recip;
    let rest = A::fma(recip, polynomial::<A, 7>(z, &STIRLING), LN_SQRT_TAU);
    let large_ln_gamma = A::fma(x - 0.5, ln - 1.0, rest - 0.5);
    let large_digamma = ln - A::fma(z, polynomial::<A, 8>(z, &ASYMPTOTIC_DIGAMMA), 0.5 * recip);

    (choose(large, large_ln_gamma, small_ln_gamma), choose(large, large_digamma, small_digamma))
}

/// Whether a number is positive, normal and finite; for others there is
/// [`special`](crate::math::special).
#[inline(always)]
pub fn is_regular(x: f64) -> bool {
    (f64::MIN_POSITIVE..f64::INFINITY).contains(&x)
}

/// ln Γ(x); see [`ln_gamma_and_digamma`].
#[inline(always)]
pub fn ln_gamma<A: Arithmetic>(x: f64) -> f64 {
    ln_gamma_and_digamma::<A>(x).0
}

/// ψ(x); see [`ln_gamma_and_digamma`].
#[inline(always)]
pub fn digamma<A: Arithmetic>(x: f64) -> f64 {
    ln_gamma_and_digamma::<A>(x).1
}
