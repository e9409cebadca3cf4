//! The number type that densities, functions and transforms are written over.
//!
//! One declaration of a density serves four uses: plain values (`f64`), derivatives
//! ([`Dual`](crate::math::dual::Dual) and every `Copy` dual number of num-dual), and the tracing scalar of the
//! kernel compiler. A function written over [`Scalar`] never branches on values: it selects.

use std::ops::{Add, Div, Mul, Neg, Sub};

pub use super::special::incomplete::{Order, Orders};

/// Every function of one argument that a density may use.
///
/// Each has its value in [`special`](crate::math::special) and its derivative in
/// [`derivative`](crate::math::derivative()).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unary {
    /// |x|
    Abs,
    /// e^x
    Exp,
    /// e^x - 1
    Expm1,
    /// ln x
    Ln,
    /// ln(1 + x)
    Log1p,
    /// ln(1 + e^x)
    Softplus,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// √x
    Sqrt,
    /// x²
    Square,
    /// 1 / x
    Recip,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// arctan x
    Atan,
    /// arcsin x
    Asin,
    /// tanh x
    Tanh,
    /// ln Γ(x)
    LnGamma,
    /// digamma, the derivative of ln Γ
    Digamma,
    /// trigamma, the second derivative of ln Γ
    Trigamma,
    /// tetragamma, the third derivative of ln Γ
    Tetragamma,
    /// erf x
    Erf,
    /// Φ(x), the standard normal cdf
    NormalCdf,
    /// ln Φ(x), accurate in the lower tail
    LnNormalCdf,
    /// ln I₀(x), the modified Bessel function of the first kind, for x ≥ 0
    LnBesselI0,
    /// I₁(x) / I₀(x) for x ≥ 0, the derivative of ln I₀
    BesselRatio,
    /// The largest integer not above x; derivative 0.
    Floor,
}

impl Unary {
    /// Every function, in the order of declaration.
    pub const ALL: [Unary; 25] = [
        Unary::Abs,
        Unary::Exp,
        Unary::Expm1,
        Unary::Ln,
        Unary::Log1p,
        Unary::Softplus,
        Unary::Sigmoid,
        Unary::Sqrt,
        Unary::Square,
        Unary::Recip,
        Unary::Sin,
        Unary::Cos,
        Unary::Atan,
        Unary::Asin,
        Unary::Tanh,
        Unary::LnGamma,
        Unary::Digamma,
        Unary::Trigamma,
        Unary::Tetragamma,
        Unary::Erf,
        Unary::NormalCdf,
        Unary::LnNormalCdf,
        Unary::LnBesselI0,
        Unary::BesselRatio,
        Unary::Floor,
    ];
}

/// Every function of two arguments beyond the four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binary {
    /// x^y for x ≥ 0, or any x with integer y
    Pow,
    /// x ln y, and 0 where x = 0
    XLogY,
    /// y, but 0 where x is 0 and y is not finite
    Kept,
    /// ln P(x, y) of the regularised incomplete gamma function with shape x, differentiated in x
    LnGammaLower(Order),
    /// ln Q(x, y) = ln(1 - P(x, y)), differentiated in x
    LnGammaUpper(Order),
}

/// Every function of three arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ternary {
    /// ln I_p(x, y) of the regularised incomplete beta function with shapes x and y, at
    /// p = 1 / (1 + e^-z), differentiated in x and y
    LnBetaLower(Orders),
}

/// A real number, a number with derivatives, or a node of a traced expression.
///
/// Arithmetic with `f64` on the right is cheaper than with a constant of the type.
/// Comparisons look at values only.
pub trait Scalar:
    Copy
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
{
    /// The outcome of a comparison: `bool`, or a node.
    type Mask: Copy;

    /// A number that depends on nothing.
    fn constant(x: f64) -> Self;

    /// Applies a function of one argument.
    fn apply(self, f: Unary) -> Self;

    /// Applies a function of two arguments.
    fn apply2(self, f: Binary, other: Self) -> Self;

    /// Applies a function of three arguments.
    fn apply3(self, f: Ternary, second: Self, third: Self) -> Self;

    /// self < other, by value.
    fn less(self, other: Self) -> Self::Mask;

    /// self == other, by value.
    fn same(self, other: Self) -> Self::Mask;

    /// `yes` where the mask holds, else `no`. Both are evaluated; the one not taken may be
    /// non-finite without harm to value or derivatives of the other.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// e^x
    fn exp(self) -> Self {
        self.apply(Unary::Exp)
    }
    /// ln x
    fn ln(self) -> Self {
        self.apply(Unary::Ln)
    }
    /// ln(1 + x)
    fn log1p(self) -> Self {
        self.apply(Unary::Log1p)
    }
    /// ln(1 + e^x)
    fn softplus(self) -> Self {
        self.apply(Unary::Softplus)
    }
    /// 1 / (1 + e^-x)
    fn sigmoid(self) -> Self {
        self.apply(Unary::Sigmoid)
    }
    /// √x
    fn sqrt(self) -> Self {
        self.apply(Unary::Sqrt)
    }
    /// x²
    fn square(self) -> Self {
        self.apply(Unary::Square)
    }
    /// 1 / x
    fn recip(self) -> Self {
        self.apply(Unary::Recip)
    }
    /// |x|
    fn abs(self) -> Self {
        self.apply(Unary::Abs)
    }
    /// e^x - 1
    fn expm1(self) -> Self {
        self.apply(Unary::Expm1)
    }
    /// tanh x
    fn tanh(self) -> Self {
        self.apply(Unary::Tanh)
    }
    /// The largest integer not above x.
    fn floor(self) -> Self {
        self.apply(Unary::Floor)
    }
    /// Φ(x)
    fn normal_cdf(self) -> Self {
        self.apply(Unary::NormalCdf)
    }
    /// ln Φ(x)
    fn ln_normal_cdf(self) -> Self {
        self.apply(Unary::LnNormalCdf)
    }
    /// ln(1 - e^x) for x < 0, accurate at both ends; negative infinity at 0.
    ///
    /// Switches between ln(-expm1 x) and log1p(-e^x) at -ln 2 (Mächler 2012).
    fn log1m_exp(self) -> Self {
        let near = (-self.expm1()).ln();
        let far = (-self.exp()).log1p();
        Self::select(Self::constant(-std::f64::consts::LN_2).less(self), near, far)
    }
    /// ln Γ(x)
    fn ln_gamma(self) -> Self {
        self.apply(Unary::LnGamma)
    }
    /// x^y
    fn pow(self, exponent: Self) -> Self {
        self.apply2(Binary::Pow, exponent)
    }
    /// x ln y, and 0 where x = 0
    fn x_log_y(self, y: Self) -> Self {
        self.apply2(Binary::XLogY, y)
    }
    /// The smaller of the two, by value.
    fn min(self, other: Self) -> Self {
        Self::select(self.less(other), self, other)
    }
    /// The larger of the two, by value.
    fn max(self, other: Self) -> Self {
        Self::select(other.less(self), self, other)
    }
    /// self × derivative, but 0 where self is 0 and the derivative is not finite: a link of the
    /// chain rule to a value that was not used.
    fn gated(self, derivative: Self) -> Self {
        self * self.kept(derivative)
    }
    /// The derivative that [`Scalar::gated`] multiplies by: 0 where self is 0 and it is not finite.
    fn kept(self, derivative: Self) -> Self {
        self.apply2(Binary::Kept, derivative)
    }
    /// c - self
    fn subtracted_from(self, c: f64) -> Self {
        -self + c
    }
}
