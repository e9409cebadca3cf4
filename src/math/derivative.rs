//! The table of derivatives: every [`Unary`] and [`Binary`] function once, over any [`Scalar`].
//!
//! A derivative is an expression in the same scalar type, so the table differentiates itself as
//! often as a type nests. Nowhere else is the derivative of an elementary function written.

use super::scalar::{Binary, Scalar, Unary};

/// 1 / √(2π)
pub const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
/// ln √(2π)
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// f′(x), given y = f(x).
///
/// The slope of ln Φ is a difference of numbers of size x² in an exponent: far in the lower tail
/// it keeps all but x² units in the last place.
///
/// At a kink (|x| at 0) the middle of the two slopes, and 0 for [`Unary::Floor`]. The table ends
/// at the third derivative of ln Γ: the derivative of tetragamma is NaN.
pub fn derivative<S: Scalar>(f: Unary, x: S, y: S) -> S {
    let zero = S::constant(0.0);
    match f {
        Unary::Abs => {
            let sign = S::select(zero.less(x), S::constant(1.0), zero);
            S::select(x.less(zero), S::constant(-1.0), sign)
        }
        Unary::Exp => y,
        Unary::Expm1 => x.exp(),
        Unary::Ln => x.recip(),
        Unary::Log1p => (x + 1.0).recip(),
        Unary::Softplus => x.sigmoid(),
        Unary::Sigmoid => y * y.from_constant(1.0),
        Unary::Tanh => y.square().from_constant(1.0),
        Unary::Sqrt => y.recip() * 0.5,
        Unary::Square => x * 2.0,
        Unary::Recip => -y.square(),
        Unary::Sin => x.apply(Unary::Cos),
        Unary::Cos => -x.apply(Unary::Sin),
        Unary::Atan => (x.square() + 1.0).recip(),
        Unary::Asin => (x.from_constant(1.0) * (x + 1.0)).sqrt().recip(),
        Unary::LnGamma => x.apply(Unary::Digamma),
        Unary::Digamma => x.apply(Unary::Trigamma),
        Unary::Trigamma => x.apply(Unary::Tetragamma),
        Unary::Tetragamma => S::constant(f64::NAN),
        Unary::Erf => (-x.square()).exp() * std::f64::consts::FRAC_2_SQRT_PI,
        Unary::NormalCdf => (x.square() * -0.5).exp() * FRAC_1_SQRT_TAU,
        Unary::LnNormalCdf => (x.square() * -0.5 - y - LN_SQRT_TAU).exp(),
        Unary::LnBesselI0 => x.apply(Unary::BesselRatio),
        Unary::BesselRatio => {
            let half = S::constant(0.5);
            let slope = y / x;
            (S::select(x.same(zero), half, slope) + y.square()).from_constant(1.0)
        }
        Unary::Floor => zero,
    }
}

/// (∂f/∂a, ∂f/∂b), given y = f(a, b).
///
/// Conventions at the edges, which keep a data argument (tangent 0) from spoiling the other:
/// a^b has slope 0 in b where a ≤ 0, and slope 0 in a where b = 0; a ln b has slope 0 in b where
/// a = 0, and where b = 0 its slope in a is that of the smallest positive b.
pub fn partials<S: Scalar>(f: Binary, a: S, b: S, y: S) -> (S, S) {
    let zero = S::constant(0.0);
    match f {
        Binary::Pow => {
            let base = b * a.pow(b - 1.0);
            let exponent = y * a.ln();
            (S::select(b.same(zero), zero, base), S::select(zero.less(a), exponent, zero))
        }
        Binary::XLogY => {
            let factor = b.max(S::constant(f64::MIN_POSITIVE)).ln();
            (factor, S::select(a.same(zero), zero, a / b))
        }
    }
}
