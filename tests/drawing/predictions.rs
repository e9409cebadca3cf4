//! Predictions of every kind of distribution, against closed forms.

use super::{DRAWS, assert_frequency, assert_moments, draws, fit, mean};

/// An unrelated latent: a program without one has nothing to fit.
const UNRELATED: &str = "data w\nt ~ Normal(0, 1)\nw ~ Normal(t, 1)\n";

fn predicted(text: &str) -> super::Fitted {
    fit(&format!("{UNRELATED}{text}"), &[("w=0.5", "")]).1
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a.iter().copied()), mean(b.iter().copied()));
    mean(a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)))
}

#[test]
fn independent_elements_in_order_are_order_statistics() {
    let fitted = predicted("axis k = 1..3\npredict x[k] ~ Ordered(Normal(0, 1))");
    let x = draws(&fitted, "x");
    // Of three standard normals (Godwin 1949).
    let (expected, outer) = (0.846_284_375_3, 0.559_467_203_8_f64.sqrt());
    assert_moments("least", &x[0], -expected, outer);
    assert_moments("middle", &x[1], 0.0, 0.448_671_120_9_f64.sqrt());
    assert_moments("greatest", &x[2], expected, outer);
}

#[test]
fn unlike_elements_come_in_order_however_rarely_they_would() {
    // X1 < X2 for X1 ~ N(m, 1), X2 ~ N(0, 1): their sum is free, their difference a normal above
    // 0. In order once in 4 draws at m = 1, once in 90,000 at m = 6.
    for (m, first, second, sd) in [
        (1, 0.083_647_179_350_650_7, 0.916_352_820_649_349_3, 0.786_431_127_571_039_3),
        (6, 2.848_123_155_498_377, 3.151_876_844_501_623, 0.722_013_082_014_003_4),
    ] {
        let text = format!("axis k = 1..2\nm[k] = [{m}, 0]\npredict x[k] ~ Ordered(Normal(m, 1))");
        let fitted = predicted(&text);
        let x = draws(&fitted, "x");
        assert_moments("first", &x[0], first, sd);
        assert_moments("second", &x[1], second, sd);
        assert!(x[0].iter().zip(&x[1]).all(|(a, b)| a <= b));
    }
}

#[test]
fn elements_that_sum_to_zero_have_their_covariance() {
    let fitted = predicted("axis k = 1..4\npredict x[k] ~ ZeroSum(Normal(0, 2))");
    let x = draws(&fitted, "x");
    for draw in 0..DRAWS {
        assert!(x.iter().map(|values| values[draw]).sum::<f64>().abs() < 1e-12);
    }
    // s² (δ - 1/K)
    let sd = (4.0 * 0.75_f64).sqrt();
    x.iter().for_each(|values| assert_moments("x", values, 0.0, sd));
    let found = covariance(&x[0], &x[1]);
    assert!((found + 1.0).abs() < 4.5 * 3.0 * 2.0 / (DRAWS as f64).sqrt(), "{found}");
}

#[test]
fn outcomes_have_their_probabilities() {
    let fitted = predicted("axis k = 1..3\np[k] = [0.2, 0.5, 0.3]\npredict c ~ Categorical(p)");
    let c = &draws(&fitted, "c")[0];
    for (position, probability) in [0.2, 0.5, 0.3].into_iter().enumerate() {
        let count = c.iter().filter(|value| **value == position as f64).count();
        assert_frequency("c", count as f64 / DRAWS as f64, probability);
    }
}

#[test]
fn a_series_is_drawn_from_its_own_earlier_elements() {
    let fitted = predicted(
        "axis time = 1..3\npredict x[i in time] ~ Normal(0.5 * x[i-1], 1) start Normal(0, 1)",
    );
    let x = draws(&fitted, "x");
    let variances = [1.0, 1.25, 1.3125_f64];
    x.iter().zip(variances).for_each(|(x, v)| assert_moments("x", x, 0.0, v.sqrt()));
    let found = covariance(&x[1], &x[2]);
    assert!((found - 0.625).abs() < 4.5 * 2.0 / (DRAWS as f64).sqrt(), "{found}");
}

#[test]
fn joint_values_have_their_covariance() {
    let fitted = predicted(
        "axis k = 1..2\nS[i in k, j in k] = if i == j then 2 else 1.2\n\
         m[k] = [1, -1]\npredict x[k] ~ MvNormal(m, S)",
    );
    let x = draws(&fitted, "x");
    assert_moments("first", &x[0], 1.0, 2f64.sqrt());
    assert_moments("second", &x[1], -1.0, 2f64.sqrt());
    let found = covariance(&x[0], &x[1]);
    assert!((found - 1.2).abs() < 4.5 * 3.0 / (DRAWS as f64).sqrt(), "{found}");
}

#[test]
fn choices_follow_data_and_point_masses_are_points() {
    let fitted = predicted(
        "predict a ~ if w > 0 then PointMass(3) else Normal(0, 1)\n\
         predict b ~ if w > 1 then PointMass(3) else Normal(0, 1) in [1, inf]",
    );
    assert!(draws(&fitted, "a")[0].iter().all(|a| *a == 3.0));
    // E[X | X > 1] = φ(1) / (1 - Φ(1)), Var = 1 + h - h².
    let hazard = 1.525_135_276_160_981_f64;
    let sd = (1.0 + hazard - hazard * hazard).sqrt();
    assert_moments("b", &draws(&fitted, "b")[0], hazard, sd);
}

/// m ~ Multinomial(10, θ) with θ ~ Dirichlet(1 + n): E m = 10 a / A, and the variance is that of
/// the multinomial times (A + 10) / (A + 1).
#[test]
fn counts_after_counts_are_dirichlet_multinomial() {
    let text = "data n[kind]: int\ntheta[kind] ~ Dirichlet(1)\nn ~ Multinomial(sum(n), theta)\n\
                predict m[kind] ~ Multinomial(10, theta)";
    let (_, fitted) = fit(text, &[("n.json", "{\"n\": [3, 5, 12]}")]);
    let total = 23.0;
    for (values, a) in draws(&fitted, "m").iter().zip([4.0, 6.0, 13.0]) {
        let p = a / total;
        let sd = (10.0 * p * (1.0 - p) * (total + 10.0) / (total + 1.0)).sqrt();
        let found = mean(values.iter().copied());
        // θ is known from a few thousand weighted draws: a hundredth of a sd and more.
        assert!((found - 10.0 * p).abs() < 0.08 * sd, "{found}, not {}", 10.0 * p);
        let spread = mean(values.iter().map(|m| (m - found).powi(2))).sqrt();
        assert!((spread / sd - 1.0).abs() < 0.05, "{spread}, not {sd}");
    }
}

/// ln p(z = 1 | x) / p(z = 0 | x) = ln(1 / 3) + 4 x - 8.
#[test]
fn a_prediction_that_depends_on_a_label_of_a_row_uses_its_posterior() {
    let text = "data y\ndata e(x)\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)\n\
                z[e] ~ Bernoulli(0.25)\nx ~ Normal(if z then 4 else 0, 1)\n\
                predict again[e] ~ Normal(if z then 4 else 0, 0.1)";
    let (_, fitted) = fit(text, &[("y=1", ""), ("e.csv", "x\n1.5\n")]);
    let odds = (4.0_f64 * 1.5 - 8.0).exp() / 3.0;
    let again = &draws(&fitted, "again")[0];
    let high = again.iter().filter(|x| **x > 2.0).count() as f64 / DRAWS as f64;
    assert_frequency("high", high, odds / (1.0 + odds));
    let z = &draws(&fitted, "z")[0];
    assert!(again.iter().zip(z).all(|(x, z)| (*x > 2.0) == (*z == 1.0)), "the same label");
}
