//! The instructions of a routine for a block of rows: one loop each.
//!
//! Loops are written out by macros, over slices of one length, so that they are compiled as vector
//! code of whatever instructions the caller was compiled for.

use super::function::{from_mask, gated, unary, x_log_y};
use super::isa::Task;
use super::routine::{BLOCK, Code, Instruction, Operand, Pair, Routine};
use crate::math::scalar::{Binary, Scalar, Unary};
use crate::math::special;
use crate::math::straight::{self, Arithmetic};
use std::ops::Range;
use std::sync::Arc;

/// One number per row of a block, aligned to the widest vectors.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Register(pub(super) [f64; BLOCK]);

impl Register {
    pub(super) const ZERO: Register = Register([0.0; BLOCK]);
}

/// One number per row, or one for all.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Rows(&'a [f64]),
    One(f64),
}

/// What operands are read from.
#[derive(Clone, Copy)]
struct Sources<'a> {
    /// The registers below the target, and those above it.
    below: &'a [Register],
    above: &'a [Register],
    columns: &'a [Arc<[f64]>],
    scalars: &'a [f64],
    first: usize,
    length: usize,
}

impl<'a> Sources<'a> {
    #[inline(always)]
    fn view(self, operand: Operand) -> View<'a> {
        match operand {
            Operand::Register(of) => View::Rows(self.register(of as usize)),
            Operand::Column(of) => {
                View::Rows(&self.columns[of as usize][self.first..self.first + self.length])
            }
            Operand::Scalar(of) => View::One(self.scalars[of as usize]),
        }
    }

    #[inline(always)]
    fn register(self, of: usize) -> &'a [f64] {
        let register = match of.checked_sub(self.below.len()) {
            None => &self.below[of],
            Some(distance) => &self.above[distance - 1],
        };
        &register.0[..self.length]
    }
}

macro_rules! map {
    ($out:ident, $a:expr, |$x:ident| $f:expr) => {
        match $a {
            View::Rows(a) => {
                let a = &a[..$out.len()];
                for i in 0..$out.len() {
                    let $x = a[i];
                    $out[i] = $f;
                }
            }
            View::One($x) => $out.fill($f),
        }
    };
}

macro_rules! zip {
    ($out:ident, $a:expr, $b:expr, |$x:ident, $y:ident| $f:expr) => {
        match ($a, $b) {
            (View::Rows(a), View::Rows(b)) => {
                let (a, b) = (&a[..$out.len()], &b[..$out.len()]);
                for i in 0..$out.len() {
                    let ($x, $y) = (a[i], b[i]);
                    $out[i] = $f;
                }
            }
            (View::Rows(a), View::One($y)) => {
                let a = &a[..$out.len()];
                for i in 0..$out.len() {
                    let $x = a[i];
                    $out[i] = $f;
                }
            }
            (View::One($x), View::Rows(b)) => {
                let b = &b[..$out.len()];
                for i in 0..$out.len() {
                    let $y = b[i];
                    $out[i] = $f;
                }
            }
            (View::One($x), View::One($y)) => $out.fill($f),
        }
    };
}

macro_rules! zip3 {
    ($out:ident, $a:expr, $b:expr, $c:expr, |$x:ident, $y:ident, $z:ident| $f:expr) => {
        match $a {
            View::Rows(first) => {
                let first = &first[..$out.len()];
                zip3!(@ $out, $b, $c, i, |$y, $z| { let $x = first[i]; $f })
            }
            View::One($x) => zip3!(@ $out, $b, $c, i, |$y, $z| $f),
        }
    };
    (@ $out:ident, $b:expr, $c:expr, $i:ident, |$y:ident, $z:ident| $f:expr) => {
        match ($b, $c) {
            (View::Rows(b), View::Rows(c)) => {
                let (b, c) = (&b[..$out.len()], &c[..$out.len()]);
                for $i in 0..$out.len() {
                    let ($y, $z) = (b[$i], c[$i]);
                    $out[$i] = $f;
                }
            }
            (View::Rows(b), View::One($z)) => {
                let b = &b[..$out.len()];
                for $i in 0..$out.len() {
                    let $y = b[$i];
                    $out[$i] = $f;
                }
            }
            (View::One($y), View::Rows(c)) => {
                let c = &c[..$out.len()];
                for $i in 0..$out.len() {
                    let $z = c[$i];
                    $out[$i] = $f;
                }
            }
            (View::One($y), View::One($z)) => {
                for $i in 0..$out.len() {
                    $out[$i] = $f;
                }
            }
        }
    };
}

/// The instructions of a routine over some rows, at most a block.
pub(super) struct Instructions<'a> {
    pub(super) routine: &'a Routine,
    pub(super) rows: &'a Range<usize>,
    pub(super) scalars: &'a [f64],
    pub(super) registers: &'a mut [Register],
}

impl Task for Instructions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Instructions { routine, rows, scalars, registers } = self;
        let length = rows.len().min(BLOCK);
        for Instruction { target, code } in &routine.instructions {
            let (target, columns, first) = (*target as usize, &routine.columns[..], rows.start);
            let sources = |below, above| Sources { below, above, columns, scalars, first, length };
            if let Code::Pair(pair, operand, second) = code {
                let second = *second as usize;
                // An instruction never writes a register it reads, and the two it writes differ.
                let (view, both) = match operand {
                    Operand::Register(of) => {
                        let all = registers.get_disjoint_mut([*of as usize, target, second]);
                        let Ok([from, out, other]) = all else { return };
                        (View::Rows(&from.0[..length]), [out, other])
                    }
                    Operand::Column(_) | Operand::Scalar(_) => {
                        let Ok(both) = registers.get_disjoint_mut([target, second]) else { return };
                        (sources(&[], &[]).view(*operand), both)
                    }
                };
                let [out, other] = both;
                pair_block::<A>(*pair, view, &mut out.0[..length], &mut other.0[..length]);
                continue;
            }
            let (below, rest) = registers.split_at_mut(target);
            let Some((out, above)) = rest.split_first_mut() else { return };
            let sources = sources(below, above);
            let out = &mut out.0[..length];
            step::<A, Operand>(code, |operand| sources.view(operand), out);
        }
    }
}

/// What an instruction with one result computes from operands of the same length as `out`.
#[inline(always)]
pub(super) fn step<'a, A: Arithmetic, O: Copy>(
    code: &Code<O>,
    view: impl Fn(O) -> View<'a>,
    out: &mut [f64],
) {
    match *code {
        Code::Copy(a) => map!(out, view(a), |a| a),
        Code::Neg(a) => map!(out, view(a), |a| -a),
        Code::Unary(f, a) => unary_block::<A>(f, view(a), out),
        // Two results: see `pair_block`.
        Code::Pair(..) => {}
        Code::Add(a, b) => zip!(out, view(a), view(b), |a, b| a + b),
        Code::Sub(a, b) => zip!(out, view(a), view(b), |a, b| a - b),
        Code::Mul(a, b) => zip!(out, view(a), view(b), |a, b| a * b),
        Code::Div(a, b) => zip!(out, view(a), view(b), |a, b| a / b),
        Code::MulAdd(a, b, c) => zip3!(out, view(a), view(b), view(c), |a, b, c| A::fma(a, b, c)),
        Code::MulSub(a, b, c) => zip3!(out, view(a), view(b), view(c), |a, b, c| A::fma(a, b, -c)),
        Code::SubMul(a, b, c) => zip3!(out, view(a), view(b), view(c), |a, b, c| A::fma(-a, b, c)),
        Code::Binary(Binary::XLogY, a, b) => {
            zip!(out, view(a), view(b), |a, b| x_log_y::<A>(a, b));
        }
        Code::Binary(Binary::Kept, a, b) => zip!(out, view(a), view(b), |a, b| special::kept(a, b)),
        Code::Binary(f, a, b) => zip!(out, view(a), view(b), |a, b| a.apply2(f, b)),
        Code::Ternary(f, a, b, c) => {
            zip3!(out, view(a), view(b), view(c), |a, b, c| a.apply3(f, b, c));
        }
        Code::Less(a, b) => zip!(out, view(a), view(b), |a, b| from_mask(a < b)),
        Code::Same(a, b) => zip!(out, view(a), view(b), |a, b| from_mask(a == b)),
        Code::Gated(a, b) => zip!(out, view(a), view(b), |a, b| gated(a, b)),
        Code::Select(mask, yes, no) => {
            zip3!(out, view(mask), view(yes), view(no), |mask, yes, no| if mask > 0.0 {
                yes
            } else {
                no
            });
        }
    }
}

#[inline(always)]
fn unary_block<A: Arithmetic>(f: Unary, a: View<'_>, out: &mut [f64]) {
    match f {
        Unary::Abs => map!(out, a, |x| x.abs()),
        Unary::Exp => map!(out, a, |x| straight::exp::<A>(x)),
        Unary::Expm1 => map!(out, a, |x| straight::expm1::<A>(x)),
        Unary::Ln => map!(out, a, |x| straight::ln::<A>(x)),
        Unary::Log1p => map!(out, a, |x| straight::log1p::<A>(x)),
        Unary::Softplus => map!(out, a, |x| straight::softplus::<A>(x)),
        Unary::Sigmoid => map!(out, a, |x| straight::sigmoid::<A>(x)),
        Unary::Tanh => map!(out, a, |x| straight::tanh::<A>(x)),
        Unary::Sqrt => map!(out, a, |x| x.sqrt()),
        Unary::Square => map!(out, a, |x| x * x),
        Unary::Recip => map!(out, a, |x| 1.0 / x),
        Unary::Erf => map!(out, a, |x| straight::erf::<A>(x)),
        Unary::NormalCdf => map!(out, a, |x| straight::normal_cdf::<A>(x)),
        Unary::LnNormalCdf => map!(out, a, |x| straight::ln_normal_cdf::<A>(x)),
        Unary::LnGamma => {
            map!(out, a, |x| straight::ln_gamma::<A>(x));
            mend(a, out, special::ln_gamma);
        }
        Unary::Digamma => {
            map!(out, a, |x| straight::digamma::<A>(x));
            mend(a, out, special::digamma);
        }
        Unary::Sin
        | Unary::Cos
        | Unary::Atan
        | Unary::Asin
        | Unary::Trigamma
        | Unary::Tetragamma
        | Unary::LnBesselI0
        | Unary::BesselRatio
        | Unary::Floor => map!(out, a, |x| unary::<A>(f, x)),
    }
}

/// Computes anew what the functions of positive numbers cannot.
#[inline(always)]
fn mend(a: View<'_>, out: &mut [f64], f: impl Fn(f64) -> f64) {
    match a {
        View::Rows(a) => {
            let irregular = a.iter().fold(false, |any, x| any | !straight::is_regular(*x));
            if irregular {
                for (out, x) in out.iter_mut().zip(a) {
                    if !straight::is_regular(*x) {
                        *out = f(*x);
                    }
                }
            }
        }
        View::One(x) => {
            if !straight::is_regular(x) {
                out.fill(f(x));
            }
        }
    }
}

macro_rules! map_pair {
    ($out:ident, $other:ident, $a:expr, |$x:ident| $f:expr) => {
        match $a {
            View::Rows(a) => {
                let (a, $other) = (&a[..$out.len()], &mut $other[..$out.len()]);
                for i in 0..$out.len() {
                    let $x = a[i];
                    ($out[i], $other[i]) = $f;
                }
            }
            View::One($x) => {
                let (first, second) = $f;
                $out.fill(first);
                $other.fill(second);
            }
        }
    };
}

/// Two functions of an operand of the same length as `out` and `other`.
#[inline(always)]
pub(super) fn pair_block<A: Arithmetic>(
    pair: Pair,
    a: View<'_>,
    out: &mut [f64],
    other: &mut [f64],
) {
    match pair {
        Pair::SoftplusSigmoid => {
            map_pair!(out, other, a, |x| straight::softplus_and_sigmoid::<A>(x));
        }
        Pair::SummedSoftplusSigmoid => summed_softplus::<A>(a, out, other),
        Pair::LnGammaDigamma => {
            map_pair!(out, other, a, |x| straight::ln_gamma_and_digamma::<A>(x));
            mend(a, out, special::ln_gamma);
            mend(a, other, special::digamma);
        }
    }
}

/// So many rows multiply what their logarithms are of at once.
const FACTORS: usize = 16;

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), where all logarithms of a block are one, of the product
/// of what they are of: it is at most 2^256. The first row has it.
#[inline(always)]
fn summed_softplus<A: Arithmetic>(a: View<'_>, out: &mut [f64], sigmoid: &mut [f64]) {
    let sigmoid = &mut sigmoid[..out.len()];
    let mut product = 1.0;
    match a {
        View::Rows(a) => {
            let a = &a[..out.len()];
            let mut factors = [1.0; FACTORS];
            let whole = out.len() - out.len() % FACTORS;
            for first in (0..whole).step_by(FACTORS) {
                let rows = first..first + FACTORS;
                let (a, out) = (&a[rows.clone()], &mut out[rows.clone()]);
                softplus_rows::<A>(a, out, &mut sigmoid[rows], &mut factors);
            }
            for i in whole..out.len() {
                let factor;
                (out[i], factor, sigmoid[i]) = straight::softplus_in_parts::<A>(a[i]);
                factors[i - whole] *= factor;
            }
            for factor in factors {
                product *= factor;
            }
        }
        View::One(x) => {
            let (high, factor, s) = straight::softplus_in_parts::<A>(x);
            out.fill(high);
            sigmoid.fill(s);
            for _ in 0..out.len() {
                product *= factor;
            }
        }
    }
    if let Some(first) = out.first_mut() {
        *first += straight::ln::<A>(product);
    }
}

/// Some rows of [`summed_softplus`]: a loop of its own, which becomes vector code.
#[inline(always)]
fn softplus_rows<A: Arithmetic>(
    a: &[f64],
    out: &mut [f64],
    sigmoid: &mut [f64],
    factors: &mut [f64; FACTORS],
) {
    let (a, out) = (&a[..FACTORS], &mut out[..FACTORS]);
    let sigmoid = &mut sigmoid[..FACTORS];
    for i in 0..FACTORS {
        let factor;
        (out[i], factor, sigmoid[i]) = straight::softplus_in_parts::<A>(a[i]);
        factors[i] *= factor;
    }
}
