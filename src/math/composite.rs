//! Functions that densities share, composed of the primitives of [`Scalar`].

use std::f64::consts::{FRAC_1_PI, LN_2};

use super::scalar::{Binary, Order, Orders, Scalar, Ternary, Unary};

/// ln B(a, b) = ln Γ(a) + ln Γ(b) - ln Γ(a + b)
pub fn ln_beta<S: Scalar>(a: S, b: S) -> S {
    a.ln_gamma() + b.ln_gamma() - (a + b).ln_gamma()
}

/// ln (n choose k); negative infinity for whole k outside 0..n.
pub fn ln_choose<S: Scalar>(n: S, k: S) -> S {
    (n + 1.0).ln_gamma() - (k + 1.0).ln_gamma() - (n - k + 1.0).ln_gamma()
}

/// Γ(x), with its sign for negative x.
pub fn gamma<S: Scalar>(x: S) -> S {
    let floor = x.floor();
    let odd = floor - (floor * 0.5).floor() * 2.0;
    let sign =
        S::select(x.less(S::constant(0.0)), (odd * 2.0).subtracted_from(1.0), S::constant(1.0));
    sign * x.ln_gamma().exp()
}

/// ln(x / (1 - x))
pub fn logit<S: Scalar>(x: S) -> S {
    x.ln() - (-x).log1p()
}

/// ln(e^high - e^low) for low ≤ high.
pub fn log_diff_exp<S: Scalar>(high: S, low: S) -> S {
    let nothing = low.same(S::constant(f64::NEG_INFINITY));
    S::select(nothing, high, high + (low - high).log1m_exp())
}

/// ln P(Z > z) for a standard Cauchy Z: arctan(1/z) / π in the upper tail.
pub fn ln_cauchy_survival<S: Scalar>(z: S) -> S {
    let tail = z.recip().apply(Unary::Atan) * FRAC_1_PI;
    let body = (z.apply(Unary::Atan) * FRAC_1_PI).subtracted_from(0.5);
    S::select(S::constant(1.0).less(z), tail, body).ln()
}

/// ln P(Z ≤ z) for a standard Laplace Z.
pub fn ln_laplace_cdf<S: Scalar>(z: S) -> S {
    let upper = ((-z).exp() * -0.5).log1p();
    S::select(z.less(S::constant(0.0)), z - LN_2, upper)
}

/// ln(e^a + e^b)
pub fn log_sum_exp<S: Scalar>(a: S, b: S) -> S {
    let high = a.max(b);
    let nothing = high.same(S::constant(f64::NEG_INFINITY));
    S::select(nothing, high, high + (a.min(b) - high).exp().log1p())
}

/// (ln P(a, x), ln Q(a, x)) of the regularised incomplete gamma function, also at x ≤ 0.
pub fn ln_incomplete_gamma<S: Scalar>(a: S, x: S) -> (S, S) {
    let positive = S::constant(0.0).less(x);
    let inside = S::select(positive, x, S::constant(1.0));
    let lower = a.apply2(Binary::LnGammaLower(Order::Zero), inside);
    let upper = a.apply2(Binary::LnGammaUpper(Order::Zero), inside);
    let nothing = S::constant(f64::NEG_INFINITY);
    (S::select(positive, lower, nothing), S::select(positive, upper, S::constant(0.0)))
}

/// (ln I_p(a, b), ln I_q(b, a)) of the regularised incomplete beta function at
/// p = 1 / (1 + e^-logit) and q = 1 - p.
pub fn ln_incomplete_beta<S: Scalar>(a: S, b: S, logit: S) -> (S, S) {
    let lower = Ternary::LnBetaLower(Orders::Zero);
    (a.apply3(lower, b, logit), b.apply3(lower, a, -logit))
}

/// The nearest whole number, halves away from zero.
pub fn round<S: Scalar>(x: S) -> S {
    let magnitude = x.abs();
    let floor = magnitude.floor();
    let half = S::constant(0.5);
    let rounded = S::select((magnitude - floor).less(half), floor, floor + 1.0);
    S::select(x.less(S::constant(0.0)), -rounded, rounded)
}
