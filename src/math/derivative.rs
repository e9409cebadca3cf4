//! The table of derivatives: every [`Unary`] and [`Binary`] function once, over any [`Scalar`].
//!
//! A derivative is an expression in the same scalar type, so the table differentiates itself as
//! often as a type nests. Nowhere else is the derivative of an elementary function written.

use super::scalar::{Binary, Order, Orders, Scalar, Ternary, Unary};

/// 1 / √(2π)
pub const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
/// What stands for an infinite slope: about the largest that √x has at a normal number, and finite
/// after a product with an adjoint up to 10¹⁵⁴.
pub const HELD_SLOPE: f64 = 1e154;
/// ln √(2π)
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// f′(x), given y = f(x).
///
/// The slope of ln Φ is a difference of numbers of size x² in an exponent: far in the lower tail
/// it keeps all but x² units in the last place.
///
/// The slope of √x at 0 is [`HELD_SLOPE`]. At a kink (|x| at 0) it is the middle of the two slopes,
/// and 0 for [`Unary::Floor`]. The table ends at the third derivative of ln Γ: the derivative of
/// tetragamma is NaN.
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
        Unary::Sigmoid => y * y.subtracted_from(1.0),
        Unary::Tanh => y.square().subtracted_from(1.0),
        Unary::Sqrt => held(y.recip() * 0.5),
        Unary::Square => x * 2.0,
        Unary::Recip => -y.square(),
        Unary::Sin => x.apply(Unary::Cos),
        Unary::Cos => -x.apply(Unary::Sin),
        Unary::Atan => (x.square() + 1.0).recip(),
        Unary::Asin => (x.subtracted_from(1.0) * (x + 1.0)).sqrt().recip(),
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
            (S::select(x.same(zero), half, slope) + y.square()).subtracted_from(1.0)
        }
        Unary::Floor => zero,
    }
}

/// An infinite slope held at [`HELD_SLOPE`], so that the tangent of a constant stays 0 and is not
/// ∞ 0.
fn held<S: Scalar>(slope: S) -> S {
    let infinite = S::constant(f64::MAX).less(slope);
    S::select(infinite, S::constant(HELD_SLOPE), slope)
}

/// (∂f/∂a, ∂f/∂b), given y = f(a, b).
///
/// Conventions at the edges, which keep a data argument (tangent 0) from spoiling the other:
/// a^b has slope 0 in b where a ≤ 0, and slope 0 in a where b = 0; a ln b has slope 0 in b where
/// both are 0, and where b = 0 its slope in a is that of the smallest positive b.
pub fn partials<S: Scalar>(f: Binary, a: S, b: S, y: S) -> (S, S) {
    let zero = S::constant(0.0);
    match f {
        Binary::Pow => {
            let base = held(b * a.pow(b - 1.0));
            let exponent = y * a.ln();
            (S::select(b.same(zero), zero, base), S::select(zero.less(a), exponent, zero))
        }
        Binary::XLogY => {
            let factor = b.max(S::constant(f64::MIN_POSITIVE)).ln();
            let at_zero = S::select(b.same(zero), zero, a / b);
            (factor, S::select(a.same(zero), at_zero, a / b))
        }
        Binary::Kept => {
            let (one, finite) = (S::constant(1.0), b.abs().less(S::constant(f64::INFINITY)));
            (zero, S::select(finite, one, S::select(a.same(zero), zero, one)))
        }
        Binary::LnGammaLower(order) => gamma_partials(order, Binary::LnGammaLower, 1.0, a, b),
        Binary::LnGammaUpper(order) => gamma_partials(order, Binary::LnGammaUpper, -1.0, a, b),
    }
}

/// Of L = ln P(a, x) or ln Q(a, x), with g = ∂L/∂x = ± e^(a ln x - x - ln Γ(a) - L) / x and
/// u = ln x - ψ(a) - ∂L/∂a: ∂g/∂a = g u, and ∂²g/∂a² = g (u² - ψ′(a) - ∂²L/∂a²). The table ends at
/// the second derivative in a. Where the tail is empty every slope is 0.
fn gamma_partials<S: Scalar>(
    order: Order,
    tail: impl Fn(Order) -> Binary,
    sign: f64,
    a: S,
    x: S,
) -> (S, S) {
    let (zero, end) = (S::constant(0.0), S::constant(f64::INFINITY));
    let at = |order| a.apply2(tail(order), x);
    let (ln_x, value) = (x.ln(), at(Order::Zero));
    let density = ((a - 1.0) * ln_x - x - a.ln_gamma() - value).exp() * sign;
    let score = || ln_x - a.apply(Unary::Digamma) - at(Order::One);
    let (shape, slope) = match order {
        Order::Zero => (at(Order::One), density),
        Order::One => (at(Order::Two), density * score()),
        Order::Two => {
            let curvature = a.apply(Unary::Trigamma) + at(Order::Two);
            (S::constant(f64::NAN), density * (score().square() - curvature))
        }
    };
    let inside = S::select(x.less(end), slope, zero);
    let inside = S::select(value.same(-end), zero, inside);
    (shape, S::select(zero.less(x), inside, zero))
}

/// The partial derivatives of f at its three arguments.
///
/// Of L = ln I_p(a, b) with ln p = -ln(1 + e^-l) and q = 1 - p: g = ∂L/∂l = p^a q^b / (B(a, b) I),
/// ∂ ln g/∂a = u = ln p - ψ(a) + ψ(a + b) - ∂L/∂a, ∂ ln g/∂b = v = ln q - ψ(b) + ψ(a + b) - ∂L/∂b.
/// The table ends at second derivatives in a and b.
pub fn partials3<S: Scalar>(f: Ternary, [a, b, l]: [S; 3]) -> [S; 3] {
    let Ternary::LnBetaLower(orders) = f;
    let at = |orders| a.apply3(Ternary::LnBetaLower(orders), b, l);
    let end = S::constant(f64::NAN);
    let value = at(Orders::Zero);
    let (ln_p, ln_q, total) = (-(-l).softplus(), -l.softplus(), a + b);
    let ln_density = a * ln_p + b * ln_q - a.ln_gamma() - b.ln_gamma() + total.ln_gamma();
    let empty = value.same(S::constant(f64::NEG_INFINITY));
    let density = S::select(empty, S::constant(0.0), (ln_density - value).exp());
    let shared = |f: Unary| total.apply(f);
    let u = || ln_p - a.apply(Unary::Digamma) + shared(Unary::Digamma) - at(Orders::A);
    let v = || ln_q - b.apply(Unary::Digamma) + shared(Unary::Digamma) - at(Orders::B);
    let trigamma = |x: S| x.apply(Unary::Trigamma);
    match orders {
        Orders::Zero => [at(Orders::A), at(Orders::B), density],
        Orders::A => [at(Orders::AA), at(Orders::AB), density * u()],
        Orders::B => [at(Orders::AB), at(Orders::BB), density * v()],
        Orders::AA => {
            let rest = shared(Unary::Trigamma) - trigamma(a) - at(Orders::AA);
            [end, end, density * (u().square() + rest)]
        }
        Orders::AB => {
            let rest = shared(Unary::Trigamma) - at(Orders::AB);
            [end, end, density * (u() * v() + rest)]
        }
        Orders::BB => {
            let rest = shared(Unary::Trigamma) - trigamma(b) - at(Orders::BB);
            [end, end, density * (v().square() + rest)]
        }
    }
}
