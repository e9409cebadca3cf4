//! Single numbers by the functions that blocks use, so that both give the same bits.

use super::routine::{Code, Pair};
use crate::math::scalar::{Binary, Scalar, Unary};
use crate::math::{special, straight};
use straight::Arithmetic;

/// f(x)
#[inline(always)]
pub(super) fn unary<A: Arithmetic>(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Recip => 1.0 / x,
        Unary::Exp => straight::exp::<A>(x),
        Unary::Expm1 => straight::expm1::<A>(x),
        Unary::Ln => straight::ln::<A>(x),
        Unary::Log1p => straight::log1p::<A>(x),
        Unary::Softplus => straight::softplus::<A>(x),
        Unary::Sigmoid => straight::sigmoid::<A>(x),
        Unary::Tanh => straight::tanh::<A>(x),
        Unary::LnGamma if straight::is_regular(x) => straight::ln_gamma::<A>(x),
        Unary::Digamma if straight::is_regular(x) => straight::digamma::<A>(x),
        Unary::Erf => straight::erf::<A>(x),
        Unary::NormalCdf => straight::normal_cdf::<A>(x),
        Unary::LnNormalCdf => straight::ln_normal_cdf::<A>(x),
        Unary::Sin
        | Unary::Cos
        | Unary::Atan
        | Unary::Asin
        | Unary::LnGamma
        | Unary::Digamma
        | Unary::Trigamma
        | Unary::Tetragamma
        | Unary::LnBesselI0
        | Unary::BesselRatio
        | Unary::Floor => special::value(f, x),
    }
}

/// Both functions of a pair.
#[inline(always)]
pub(super) fn pair<A: Arithmetic>(pair: Pair, x: f64) -> (f64, f64) {
    match pair {
        Pair::SoftplusSigmoid | Pair::SummedSoftplusSigmoid => {
            straight::softplus_and_sigmoid::<A>(x)
        }
        Pair::LnGammaDigamma if straight::is_regular(x) => straight::ln_gamma_and_digamma::<A>(x),
        Pair::LnGammaDigamma => (special::ln_gamma(x), special::digamma(x)),
    }
}

/// f(a, b)
#[inline(always)]
pub(super) fn binary<A: Arithmetic>(f: Binary, a: f64, b: f64) -> f64 {
    match f {
        Binary::XLogY => x_log_y::<A>(a, b),
        Binary::Kept => special::kept(a, b),
        Binary::Pow | Binary::LnGammaLower(_) | Binary::LnGammaUpper(_) => a.apply2(f, b),
    }
}

/// a ln b, and 0 where a = 0 unless b is NaN or negative.
#[inline(always)]
pub(super) fn x_log_y<A: Arithmetic>(a: f64, b: f64) -> f64 {
    let y = a * straight::ln::<A>(b);
    if a == 0.0 && b >= 0.0 { 0.0 } else { y }
}

/// The number that stands for a mask.
#[inline(always)]
pub(super) fn from_mask(mask: bool) -> f64 {
    if mask { 1.0 } else { 0.0 }
}

/// a b, but 0 where a is 0 and b is not finite.
#[inline(always)]
pub(super) fn gated(a: f64, b: f64) -> f64 {
    a * special::kept(a, b)
}

/// What an instruction computes from single numbers; for a pair, both.
#[inline(always)]
pub(super) fn compute<A: Arithmetic, O: Copy>(
    code: &Code<O>,
    number: impl Fn(O) -> f64,
) -> (f64, f64) {
    let value = match *code {
        Code::Copy(a) => number(a),
        Code::Neg(a) => -number(a),
        Code::Unary(f, a) => unary::<A>(f, number(a)),
        Code::Pair(functions, a, _) => return pair::<A>(functions, number(a)),
        Code::Add(a, b) => number(a) + number(b),
        Code::Sub(a, b) => number(a) - number(b),
        Code::Mul(a, b) => number(a) * number(b),
        Code::Div(a, b) => number(a) / number(b),
        Code::MulAdd(a, b, c) => A::fma(number(a), number(b), number(c)),
        Code::MulSub(a, b, c) => A::fma(number(a), number(b), -number(c)),
        Code::SubMul(a, b, c) => A::fma(-number(a), number(b), number(c)),
        Code::Binary(f, a, b) => binary::<A>(f, number(a), number(b)),
        Code::Ternary(f, a, b, c) => number(a).apply3(f, number(b), number(c)),
        Code::Less(a, b) => from_mask(number(a) < number(b)),
        Code::Same(a, b) => from_mask(number(a) == number(b)),
        Code::Gated(a, b) => gated(number(a), number(b)),
        Code::Select(mask, yes, no) => {
            if number(mask) > 0.0 {
                number(yes)
            } else {
                number(no)
            }
        }
    };
    (value, 0.0)
}
