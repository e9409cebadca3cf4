//! The regularised incomplete gamma and beta functions, in logarithms, over numbers with or without
//! derivatives.
//!
//! Both tails are returned, the smaller of which keeps its relative accuracy. Series and continued
//! fractions stop by their values; with derivatives they go on for half as many terms again, because
//! a derivative in a shape multiplies the k-th term by no more than powers of ln k.

use crate::math::derivative::LN_SQRT_TAU;
use crate::math::dual::Dual;
use crate::math::scalar::Scalar;

/// More terms than any finite argument of practical size needs; near x = a about 10 √a are used.
const MAX_TERMS: u32 = 1_000_000;
/// Stands for zero in the continued fractions (Lentz's method).
const TINY: f64 = 1e-300;

/// A scalar that has a value now: comparisons may decide what is computed.
pub trait Number: Scalar<Mask = bool> {
    /// Whether it carries derivatives.
    const DERIVATIVES: bool;

    /// The value without derivatives.
    fn value(self) -> f64;
}

impl<T: num_dual::DualNum<Primitive = f64> + Copy> Number for T {
    const DERIVATIVES: bool = T::NDERIV > 0;

    fn value(self) -> f64 {
        self.re()
    }
}

impl<S: Number> Number for Dual<S> {
    const DERIVATIVES: bool = true;

    fn value(self) -> f64 {
        self.value.value()
    }
}

/// (ln P(a, x), ln Q(a, x)) with P(a, x) = γ(a, x) / Γ(a) and Q = 1 - P.
pub fn ln_incomplete_gamma<N: Number>(a: N, x: N) -> (N, N) {
    let (nothing, all) = (N::constant(f64::NEG_INFINITY), N::constant(0.0));
    if a.value().is_nan() || a.value() <= 0.0 || x.value().is_nan() {
        (N::constant(f64::NAN), N::constant(f64::NAN))
    } else if x.value() <= 0.0 {
        (nothing, all)
    } else if x.value() == f64::INFINITY {
        (all, nothing)
    } else if x.value() < a.value() + 1.0 {
        let lower = ln_gamma_kernel(a, x) - a.ln() + gamma_series(a, x).ln();
        with_complement(lower)
    } else {
        let upper = ln_gamma_kernel(a, x) + gamma_fraction(a, x).ln();
        swap(with_complement(upper))
    }
}

/// (ln I_x(a, b), ln I_y(b, a)) with x = 1 / (1 + e^-logit) and y = 1 - x.
pub fn ln_incomplete_beta<N: Number>(a: N, b: N, logit: N) -> (N, N) {
    let (nothing, all) = (N::constant(f64::NEG_INFINITY), N::constant(0.0));
    if !(a.value() > 0.0 && b.value() > 0.0) || logit.value().is_nan() {
        (N::constant(f64::NAN), N::constant(f64::NAN))
    } else if logit.value() == f64::NEG_INFINITY {
        (nothing, all)
    } else if logit.value() == f64::INFINITY {
        (all, nothing)
    } else {
        let (x, y) = (logit.sigmoid(), (-logit).sigmoid());
        let ln_beta = a.ln_gamma() + b.ln_gamma() - (a + b).ln_gamma();
        let kernel = -a * (-logit).softplus() - b * logit.softplus() - ln_beta;
        if x.value() * (a.value() + b.value() + 2.0) < a.value() + 1.0 {
            with_complement(kernel - a.ln() + beta_fraction(a, b, x).ln())
        } else {
            swap(with_complement(kernel - b.ln() + beta_fraction(b, a, y).ln()))
        }
    }
}

/// ln(1 - e^x), with x capped at 0 against rounding.
fn with_complement<N: Number>(x: N) -> (N, N) {
    let x = if x.value() > 0.0 { N::constant(0.0) } else { x };
    (x, x.log1m_exp())
}

fn swap<T>((a, b): (T, T)) -> (T, T) {
    (b, a)
}

/// a ln x - x - ln Γ(a); for large a through Stirling's series, where the three terms cancel.
fn ln_gamma_kernel<N: Number>(a: N, x: N) -> N {
    const LARGE: f64 = 50.0;
    if a.value() < LARGE {
        return a * x.ln() - x - a.ln_gamma();
    }
    let d = (x - a) / a;
    let z = a.square().recip();
    let tail = (z * (1.0 / 1680.0)).subtracted_from(1.0 / 1260.0);
    let stirling = (z * (z * tail).subtracted_from(1.0 / 360.0)).subtracted_from(1.0 / 12.0) / a;
    a * (d.log1p() - d) + a.ln() * 0.5 - LN_SQRT_TAU - stirling
}

/// The last term that counts, once the value of the sum has settled at the k-th.
fn enough<N: Number>(k: u32) -> u32 {
    if N::DERIVATIVES { k + k / 2 + 10 } else { k }
}

/// Σ xᵏ / ((a + 1) … (a + k))
fn gamma_series<N: Number>(a: N, x: N) -> N {
    let (mut sum, mut term) = (N::constant(1.0), N::constant(1.0));
    let mut last = MAX_TERMS;
    let mut k = 1;
    while k <= last {
        term = term * (x / (a + f64::from(k)));
        sum = sum + term;
        if last == MAX_TERMS && term.value() < sum.value() * 0.25 * f64::EPSILON {
            last = enough::<N>(k);
        }
        k += 1;
    }
    sum
}

/// The state of Lentz's method for b₀ + a₁/(b₁ + a₂/(b₂ + …)), or its reciprocal.
struct Fraction<N> {
    c: N,
    d: N,
    value: N,
}

impl<N: Number> Fraction<N> {
    /// One more level: numerator over denominator. Gives the factor by which the value changed.
    fn extend(&mut self, numerator: N, denominator: N) -> f64 {
        self.d = nonzero(numerator * self.d + denominator).recip();
        self.c = nonzero(denominator + numerator / self.c);
        let factor = self.d * self.c;
        self.value = self.value * factor;
        factor.value()
    }
}

/// 1/(x + 1 - a - 1(1 - a)/(x + 3 - a - …))
fn gamma_fraction<N: Number>(a: N, x: N) -> N {
    let mut b = x + 1.0 - a;
    let d = b.recip();
    let mut fraction = Fraction { c: N::constant(TINY.recip()), d, value: d };
    let mut last = MAX_TERMS;
    let mut k = 1;
    while k <= last {
        let order = f64::from(k);
        b = b + 2.0;
        let factor = fraction.extend((a - order) * order, b);
        if last == MAX_TERMS && (factor - 1.0).abs() < f64::EPSILON {
            last = enough::<N>(k);
        }
        k += 1;
    }
    fraction.value
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22).
fn beta_fraction<N: Number>(a: N, b: N, x: N) -> N {
    let one = N::constant(1.0);
    let d = nonzero(one - (a + b) * x / (a + 1.0)).recip();
    let mut fraction = Fraction { c: one, d, value: d };
    let mut last = MAX_TERMS;
    let mut k = 1;
    while k <= last {
        let order = f64::from(k);
        let twice = a + 2.0 * order;
        let even = (b - order) * order * x / ((twice - 1.0) * twice);
        fraction.extend(even, one);
        let odd = -(a + order) * (a + b + order) * x / (twice * (twice + 1.0));
        let factor = fraction.extend(odd, one);
        if last == MAX_TERMS && (factor - 1.0).abs() < f64::EPSILON {
            last = enough::<N>(k);
        }
        k += 1;
    }
    fraction.value
}

fn nonzero<N: Number>(x: N) -> N {
    if x.value().abs() < TINY { N::constant(TINY) } else { x }
}

/// How often a function is differentiated in a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// Not.
    Zero,
    /// Once.
    One,
    /// Twice.
    Two,
}

/// How often a function is differentiated in each of two shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Orders {
    /// Not.
    Zero,
    /// Once in a.
    A,
    /// Once in b.
    B,
    /// Twice in a.
    AA,
    /// Once in each.
    AB,
    /// Twice in b.
    BB,
}

/// ln P(a, x), or ln Q(a, x), differentiated in a.
pub fn ln_gamma_tail<N: Number>(upper: bool, order: Order, a: N, x: N) -> N {
    fn tail<N: Number>(upper: bool, a: N, x: N) -> N {
        let (below, above) = ln_incomplete_gamma(a, x);
        if upper { above } else { below }
    }
    match order {
        Order::Zero => tail(upper, a, x),
        Order::One => tail(upper, Dual::variable(a), Dual::fixed(x)).tangent,
        Order::Two => {
            let a = Dual::variable(Dual::variable(a));
            tail(upper, a, Dual::fixed(Dual::fixed(x))).tangent.tangent
        }
    }
}

/// ln I_x(a, b) at x = 1 / (1 + e^-logit), differentiated in a and b.
pub fn ln_beta_tail<N: Number>(orders: Orders, a: N, b: N, logit: N) -> N {
    let once = |da: f64, db: f64| {
        let (a, b) = (along(a, da), along(b, db));
        ln_incomplete_beta(a, b, Dual::fixed(logit)).0.tangent
    };
    let twice = |outer: (f64, f64), inner: (f64, f64)| {
        let (a, b) = (nested(a, outer.0, inner.0), nested(b, outer.1, inner.1));
        ln_incomplete_beta(a, b, Dual::fixed(Dual::fixed(logit))).0.tangent.tangent
    };
    match orders {
        Orders::Zero => ln_incomplete_beta(a, b, logit).0,
        Orders::A => once(1.0, 0.0),
        Orders::B => once(0.0, 1.0),
        Orders::AA => twice((1.0, 0.0), (1.0, 0.0)),
        Orders::AB => twice((1.0, 0.0), (0.0, 1.0)),
        Orders::BB => twice((0.0, 1.0), (0.0, 1.0)),
    }
}

fn along<N: Number>(value: N, slope: f64) -> Dual<N> {
    Dual { value, tangent: N::constant(slope) }
}

fn nested<N: Number>(value: N, outer: f64, inner: f64) -> Dual<Dual<N>> {
    Dual { value: along(value, inner), tangent: Dual::constant(outer) }
}
