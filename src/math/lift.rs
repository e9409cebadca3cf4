//! `f64` and every `Copy` dual number of num-dual as a [`Scalar`].
//!
//! What num-dual knows it does itself, which makes it an independent witness of the table of
//! derivatives. The rest is lifted: with h = x - re(x), which is nilpotent, the Taylor polynomial
//! of f at re(x) is exact up to third order, and its coefficients come from the table.

use num_dual::DualNum;

use super::dual::Dual;
use super::scalar::{Binary, Scalar, Ternary, Unary};
use super::special::{self, incomplete};

impl<T: DualNum<Primitive = f64> + Copy> Scalar for T {
    type Mask = bool;

    #[inline]
    fn constant(x: f64) -> Self {
        T::from(x)
    }

    #[inline]
    fn apply(self, f: Unary) -> Self {
        const { assert!(T::NDERIV <= 3, "derivatives are lifted up to third order") };
        if T::NDERIV == 0 {
            return T::from(special::value(f, self.re()));
        }
        match f {
            Unary::Exp => DualNum::exp(&self),
            Unary::Expm1 => DualNum::exp_m1(&self),
            Unary::Ln => DualNum::ln(&self),
            Unary::Log1p => DualNum::ln_1p(&self),
            Unary::Square => self * self,
            Unary::Recip => DualNum::recip(&self),
            Unary::Sin => DualNum::sin(&self),
            Unary::Cos => DualNum::cos(&self),
            Unary::Atan => DualNum::atan(&self),
            // num-dual's tanh is NaN at large arguments, its square root at 0, its arcsine at 1.
            Unary::Abs
            | Unary::Softplus
            | Unary::Sigmoid
            | Unary::Sqrt
            | Unary::Asin
            | Unary::Tanh
            | Unary::LnGamma
            | Unary::Digamma
            | Unary::Trigamma
            | Unary::Tetragamma
            | Unary::Erf
            | Unary::NormalCdf
            | Unary::LnNormalCdf
            | Unary::LnBesselI0
            | Unary::BesselRatio
            | Unary::Floor => lift(self, f),
        }
    }

    #[inline]
    fn apply2(self, f: Binary, other: Self) -> Self {
        if T::NDERIV == 0 {
            return T::from(special::value2(f, self.re(), other.re()));
        }
        match f {
            Binary::Pow => power(self, other),
            Binary::XLogY => x_log_y(self, other),
            Binary::Kept if self.re() == 0.0 && !other.re().is_finite() => T::from(0.0),
            Binary::Kept => other,
            // The steps of these functions are themselves arithmetic.
            Binary::LnGammaLower(order) => incomplete::ln_gamma_tail(false, order, self, other),
            Binary::LnGammaUpper(order) => incomplete::ln_gamma_tail(true, order, self, other),
        }
    }

    #[inline]
    fn apply3(self, f: Ternary, second: Self, third: Self) -> Self {
        match f {
            Ternary::LnBetaLower(orders) => incomplete::ln_beta_tail(orders, self, second, third),
        }
    }

    #[inline]
    fn less(self, other: Self) -> bool {
        self.re() < other.re()
    }

    #[inline]
    fn same(self, other: Self) -> bool {
        self.re() == other.re()
    }

    #[inline]
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
}

/// A function of one variable that can be evaluated over any scalar.
trait Curve: Copy {
    fn at<S: Scalar>(self, x: S) -> S;
}

impl Curve for Unary {
    fn at<S: Scalar>(self, x: S) -> S {
        x.apply(self)
    }
}

/// x ↦ x^c
#[derive(Clone, Copy)]
struct Power(f64);

impl Curve for Power {
    fn at<S: Scalar>(self, x: S) -> S {
        x.pow(S::constant(self.0))
    }
}

/// f(x₀), f′(x₀), f″(x₀), f‴(x₀) up to the given order; the rest are 0.
fn taylor<F: Curve>(f: F, x: f64, order: usize) -> [f64; 4] {
    match order {
        0 => [f.at(x), 0.0, 0.0, 0.0],
        1 => {
            let y = f.at(Dual::variable(x));
            [y.value, y.tangent, 0.0, 0.0]
        }
        2 => {
            let y = f.at(Dual::variable(Dual::variable(x)));
            [y.value.value, y.value.tangent, y.tangent.tangent, 0.0]
        }
        _ => {
            let y = f.at(Dual::variable(Dual::variable(Dual::variable(x))));
            let (low, high) = (y.value, y.tangent);
            [low.value.value, low.value.tangent, low.tangent.tangent, high.tangent.tangent]
        }
    }
}

/// Stands for an infinite slope, with room for the products of third-order arithmetic.
const HELD: f64 = 1e290;

/// f(x) for nilpotent x - re(x): Σ f⁽ᵏ⁾(x₀) hᵏ / k!
///
/// A coefficient that is infinite or NaN (at a pole, or √x at 0) is held at [`HELD`]: it would
/// turn the value itself into NaN.
fn lift<T: DualNum<Primitive = f64> + Copy, F: Curve>(x: T, f: F) -> T {
    let [f0, f1, f2, f3] = taylor(f, x.re(), T::NDERIV);
    if !x.re().is_finite() {
        // h is NaN here; a plateau at infinity has zero derivatives.
        return T::from(f0);
    }
    let finite = |c: f64| if c.is_nan() { HELD } else { c.clamp(-HELD, HELD) };
    let h = x - x.re();
    let mut tail = T::from(0.0);
    if T::NDERIV >= 3 {
        tail = h * finite(f3 / 6.0);
    }
    if T::NDERIV >= 2 {
        tail = h * (tail + finite(f2 / 2.0));
    }
    h * (tail + finite(f1)) + f0
}

/// a^b = a^b₀ e^((b - b₀) ln a), where the exponential is 1 plus nilpotent terms.
fn power<T: DualNum<Primitive = f64> + Copy>(a: T, b: T) -> T {
    let fixed = lift(a, Power(b.re()));
    if a.re() > 0.0 { fixed * DualNum::exp(&((b - b.re()) * DualNum::ln(&a))) } else { fixed }
}

/// a ln b, and 0 where a = 0, also at b = 0 or ∞, where the slope in a is that of the nearest b.
fn x_log_y<T: DualNum<Primitive = f64> + Copy>(a: T, b: T) -> T {
    let edge = b.re() == f64::INFINITY || (b.re() >= 0.0 && b.re() < f64::MIN_POSITIVE);
    if a.re() == 0.0 && edge {
        a * b.re().clamp(f64::MIN_POSITIVE, f64::MAX).ln()
    } else {
        a * DualNum::ln(&b)
    }
}
