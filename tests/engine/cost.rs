//! Derivative programs have about as many operations as derivatives written by hand.

use vippl::graph::{DifferentiationOptions, Expression, Graph, Seed, Traced, gradient};
use vippl::math::{Scalar, Unary};

/// How many more operations a derived program may have than one written by hand.
const EXCESS: f64 = 1.2;

fn assert_about_as_short(
    name: &str,
    inputs: usize,
    density: impl for<'g> FnOnce(&'g Graph) -> Traced<'g>,
    by_hand: impl for<'g> FnOnce(&'g Graph) -> Vec<Traced<'g>>,
) {
    let derived = gradient(
        &crate::witness::body(density),
        inputs,
        Seed::One,
        &DifferentiationOptions::default(),
    );
    let graph = Graph::new();
    let hand = graph.expression(&by_hand(&graph));
    assert_same_values(name, &derived, &hand);
    let (derived, hand) = (derived.operation_count(), hand.operation_count());
    assert!(derived as f64 <= EXCESS * hand as f64, "{name}: {derived} against {hand}");
}

fn assert_same_values(name: &str, derived: &Expression, hand: &Expression) {
    let (inputs, columns) = ([0.7, -0.3, 1.9], [3.0, 2.0]);
    let pairs = derived.evaluate(&inputs, &columns).into_iter();
    for (a, b) in pairs.zip(hand.evaluate(&inputs, &columns)) {
        assert!((a - b).abs() < 1e-13 * (1.0 + b.abs()), "{name}: {a} and {b}");
    }
}

#[test]
fn normal_with_a_linear_predictor() {
    assert_about_as_short(
        "normal",
        3,
        |g| {
            let mean = g.input(0) + g.input(1) * g.column(1);
            crate::model::normal(g.column(0), mean, g.input(2))
        },
        |g| {
            let (x, y, scale) = (g.column(1), g.column(0), g.input(2));
            let r = scale.recip();
            let z = (y - (g.input(0) + g.input(1) * x)) * r;
            let z2 = z.square();
            let value = z2 * -0.5 - scale.ln() - 0.918_938_533_204_672_8;
            let mean = z * r;
            vec![value, mean, mean * x, (z2 - 1.0) * r]
        },
    );
}

#[test]
fn bernoulli_with_a_linear_predictor() {
    assert_about_as_short(
        "bernoulli",
        2,
        |g| {
            let eta = g.input(0) + g.input(1) * g.column(1);
            g.column(0) * eta - eta.softplus()
        },
        |g| {
            let (x, y) = (g.column(1), g.column(0));
            let eta = g.input(0) + g.input(1) * x;
            let rest = y - eta.sigmoid();
            vec![y * eta - eta.softplus(), rest, rest * x]
        },
    );
}

#[test]
fn negative_binomial_with_a_linear_predictor() {
    assert_about_as_short(
        "negative binomial",
        3,
        |g| {
            let (y, phi) = (g.column(0), g.input(2));
            let eta = g.input(0) + g.input(1) * g.column(1);
            let softplus = (eta - phi.ln()).softplus();
            (y + phi).ln_gamma() - phi.ln_gamma() - (y + 1.0).ln_gamma() + y * (eta - phi.ln())
                - (y + phi) * softplus
        },
        |g| {
            let (x, y, phi) = (g.column(1), g.column(0), g.input(2));
            let (ln_phi, total) = (phi.ln(), y + phi);
            let eta = g.input(0) + g.input(1) * x;
            let logit = eta - ln_phi;
            let softplus = logit.softplus();
            let value = total.ln_gamma() - phi.ln_gamma() - (y + 1.0).ln_gamma() + y * logit
                - total * softplus;
            let mean = y - total * logit.sigmoid();
            let shape = total.apply(Unary::Digamma)
                - phi.apply(Unary::Digamma)
                - softplus
                - mean * phi.recip();
            vec![value, mean, mean * x, shape]
        },
    );
}
