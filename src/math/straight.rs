//! Special functions without branches on values, so that loops over them become vector code.
//!
//! Each is written once, over an [`Arithmetic`]: with fused multiply-add where the processor has
//! it, with separate operations where it has not. The two differ in the last place; on one machine
//! only one is used, for single numbers as for blocks. Errors are given in units in the last place
//! (ulps) against 60-digit references, `tests/straight_functions.rs`.

mod exponential;
mod gamma;
mod logarithm;
mod normal;

pub use exponential::{
    exp, exp_below_zero, expm1, sigmoid, softplus, softplus_and_sigmoid, softplus_in_parts, tanh,
};
pub use gamma::{digamma, is_regular, ln_gamma, ln_gamma_and_digamma};
pub use logarithm::{ln, log1p};
pub use normal::{erf, ln_normal_cdf, normal_cdf};

/// How a b + c is computed.
pub trait Arithmetic: Copy {
    /// a b + c, rounded once or twice.
    fn fma(a: f64, b: f64, c: f64) -> f64;
}

/// a b + c is rounded once, by an instruction of the processor.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// a b + c is rounded twice.
#[derive(Clone, Copy, Debug)]
pub struct Separate;

impl Arithmetic for Fused {
    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Separate {
    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}

/// c₀ + c₁ x + c₂ x² + …, by Horner's rule.
#[inline(always)]
fn polynomial<A: Arithmetic, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = A::fma(sum, x, c[k]);
    }
    sum
}

/// One of two numbers, without a branch.
#[inline(always)]
fn choose(mask: bool, yes: f64, no: f64) -> f64 {
    if mask { yes } else { no }
}
