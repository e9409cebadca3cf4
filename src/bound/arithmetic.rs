//! Operators and reductions on numbers, over any [`Scalar`].

use super::EvaluationError;
use crate::library::Reduction;
use crate::library::joint::Kernel;
use crate::math::Scalar;
use crate::math::matrix::cholesky;
use crate::source::Span;
use crate::typed::Operator;

/// An operator on numbers; comparisons give 0 or 1.
pub(super) fn binary(operator: Operator, a: f64, b: f64) -> f64 {
    let truth = |t: bool| f64::from(u8::from(t));
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        // Exact as a product, and the commonest power.
        Operator::Power if b == 2.0 => a * a,
        Operator::Power => a.powf(b),
        Operator::Equal => truth(a == b),
        Operator::NotEqual => truth(a != b),
        Operator::Less => truth(a < b),
        Operator::LessEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterEqual => truth(a >= b),
        Operator::And => truth(a != 0.0 && b != 0.0),
        Operator::Or => truth(a != 0.0 || b != 0.0),
    }
}

/// An operator on scalars; comparisons, which are of the time of differential equations where they
/// are not data-only, give 0 or 1.
pub(crate) fn arithmetic<S: Scalar>(operator: Operator, a: S, b: S) -> S {
    let (no, yes) = (S::constant(0.0), S::constant(1.0));
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power => a.pow(b),
        Operator::Equal => S::select(a.same(b), yes, no),
        Operator::NotEqual => S::select(a.same(b), no, yes),
        Operator::Less => S::select(a.less(b), yes, no),
        Operator::LessEqual => S::select(b.less(a), no, yes),
        Operator::Greater => S::select(b.less(a), yes, no),
        Operator::GreaterEqual => S::select(a.less(b), no, yes),
        Operator::And => truth(a) * truth(b),
        Operator::Or => truth(a).max(truth(b)),
    }
}

/// 1 for all numbers but 0.
fn truth<S: Scalar>(x: S) -> S {
    S::constant(1.0) - negation(x)
}

/// 1 for 0, 0 for all other numbers.
pub(crate) fn negation<S: Scalar>(x: S) -> S {
    S::select(x.same(S::constant(0.0)), S::constant(1.0), S::constant(0.0))
}

/// Exponents up to this size are multiplied out: exact for negative bases, with finite tangents at 0.
const LARGEST_MULTIPLIED_EXPONENT: f64 = 16.0;

/// x^c for a constant exponent.
pub(crate) fn power<S: Scalar>(x: S, exponent: f64) -> S {
    let size = exponent.abs();
    if exponent.fract() != 0.0 || size > LARGEST_MULTIPLIED_EXPONENT {
        return if exponent == 0.5 { x.sqrt() } else { x.pow(S::constant(exponent)) };
    }
    let mut result = S::constant(1.0);
    let mut base = x;
    let mut rest = size as u32;
    while rest > 0 {
        if rest & 1 == 1 {
            result = result * base;
        }
        rest >>= 1;
        if rest > 0 {
            base = base.square();
        }
    }
    if exponent < 0.0 { result.recip() } else { result }
}

/// A covariance at two inputs, the first two arguments.
pub(crate) fn covariance<S: Scalar>(kernel: Kernel, arguments: &[S]) -> S {
    let (inputs, parameters) = arguments.split_at(arguments.len().min(2));
    let (x, y) = inputs.split_at(inputs.len().min(1));
    kernel.covariance(x, y, parameters)
}

/// ln Σ e^x; -inf of nothing.
pub(crate) fn log_sum_exp<S: Scalar>(elements: &[S]) -> S {
    let nothing = S::constant(f64::NEG_INFINITY);
    let Some(largest) = elements.iter().copied().reduce(S::max) else { return nothing };
    let zero = S::constant(0.0);
    // Where the largest is -inf, so are all: nothing is subtracted.
    let shift = S::select(largest.same(nothing), zero, largest);
    let sum = elements.iter().fold(zero, |sum, x| sum + (*x - shift).exp());
    sum.ln() + shift
}

/// Reduces elements; `sd` divides by n - 1.
pub(super) fn reduction<S: Scalar>(
    operation: Reduction,
    elements: &[S],
    span: Span,
) -> Result<S, EvaluationError> {
    let n = elements.len();
    let needed = match operation {
        Reduction::Sum | Reduction::Count | Reduction::LogSumExp => 0,
        Reduction::Mean | Reduction::Max | Reduction::Min => 1,
        Reduction::Sd => 2,
    };
    if n < needed {
        return Err(EvaluationError::NothingToReduce { span });
    }
    let sum = |xs: &mut dyn Iterator<Item = S>| xs.fold(S::constant(0.0), |a, b| a + b);
    Ok(match operation {
        Reduction::Sum => sum(&mut elements.iter().copied()),
        Reduction::Count => elements.iter().fold(S::constant(0.0), |count, x| {
            let zero = x.same(S::constant(0.0));
            count + S::select(zero, S::constant(0.0), S::constant(1.0))
        }),
        Reduction::LogSumExp => log_sum_exp(elements),
        Reduction::Mean => sum(&mut elements.iter().copied()) / n as f64,
        Reduction::Sd => {
            let mean = sum(&mut elements.iter().copied()) / n as f64;
            (sum(&mut elements.iter().map(|x| (*x - mean).square())) / (n as f64 - 1.0)).sqrt()
        }
        Reduction::Max => elements.iter().copied().reduce(S::max).unwrap_or(S::constant(f64::NAN)),
        Reduction::Min => elements.iter().copied().reduce(S::min).unwrap_or(S::constant(f64::NAN)),
    })
}

/// The lower triangular Cholesky factor of a matrix of data; NaN where it is not positive definite.
pub(crate) fn lower_factor(size: usize, matrix: &[f64]) -> Vec<f64> {
    cholesky(size, matrix)
}
