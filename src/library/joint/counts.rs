//! Log densities of proportions and of counts that share a total.

use super::{at, real, sum};
use crate::math::scalar::Scalar;

/// How far probabilities may be from summing to 1. They are never renormalised.
pub(super) const PROBABILITY_TOLERANCE: f64 = 1e-8;

/// ln Γ(Σ aₖ) - Σ ln Γ(aₖ) + Σ (aₖ - 1) ln xₖ
pub(super) fn dirichlet<S: Scalar>(x: &[S], a: &[S]) -> S {
    let terms = x.iter().enumerate().map(|(k, &x)| {
        let a = positive(at(a, k));
        (a - 1.0).x_log_y(x) - a.ln_gamma()
    });
    sum(terms) + total(x.len(), a).ln_gamma()
}

/// ln n! - Σ ln xₖ! + Σ xₖ ln pₖ
pub(super) fn multinomial<S: Scalar>(n: S, x: &[S], p: &[S]) -> S {
    let ways = (n + 1.0).ln_gamma() - sum(x.iter().map(|&x| (x + 1.0).ln_gamma()));
    let chosen = sum(x.iter().enumerate().map(|(k, &x)| x.x_log_y(at(p, k))));
    if_total(n, x, if_probabilities(p, x.len(), ways + chosen))
}

/// ln n! + ln Γ(A) - ln Γ(n + A) + Σ (ln Γ(xₖ + aₖ) - ln Γ(aₖ) - ln xₖ!), A = Σ aₖ
pub(super) fn dirichlet_multinomial<S: Scalar>(n: S, x: &[S], a: &[S]) -> S {
    let total = total(x.len(), a);
    let outside = (n + 1.0).ln_gamma() + total.ln_gamma() - (n + total).ln_gamma();
    let terms = x.iter().enumerate().map(|(k, &x)| {
        let a = positive(at(a, k));
        (x + a).ln_gamma() - a.ln_gamma() - (x + 1.0).ln_gamma()
    });
    if_total(n, x, outside + sum(terms))
}

/// Σ aₖ over n elements
fn total<S: Scalar>(n: usize, a: &[S]) -> S {
    match a {
        [single] => *single * real(n),
        _ => sum(a.iter().copied()),
    }
}

fn positive<S: Scalar>(a: S) -> S {
    S::select(S::constant(0.0).less(a), a, S::constant(f64::NAN))
}

/// `inside` where Σ xₖ = n, else negative infinity.
fn if_total<S: Scalar>(n: S, x: &[S], inside: S) -> S {
    S::select(sum(x.iter().copied()).same(n), inside, S::constant(f64::NEG_INFINITY))
}

/// `inside` where the k values of p are probabilities that sum to 1, else NaN.
pub(super) fn if_probabilities<S: Scalar>(p: &[S], k: usize, inside: S) -> S {
    let off = (total(k, p) - 1.0).abs();
    let invalid = S::constant(f64::NAN);
    let summed = S::select(S::constant(PROBABILITY_TOLERANCE).less(off), invalid, inside);
    let least = p.iter().copied().reduce(S::min).unwrap_or(invalid);
    S::select(least.less(S::constant(0.0)), invalid, summed)
}
