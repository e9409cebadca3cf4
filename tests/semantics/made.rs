//! Distributions made of others: censored, scaled, mixed, and written by the program.

use crate::witness::{D, assert_density, d, half_normal, noise, normal, sum};
use num_dual::DualNum;
use serde_json::json;

fn positive(seed: u64, count: usize) -> Vec<f64> {
    let mut draw = noise(seed);
    (0..count).map(|_| 0.2 + draw().abs()).collect()
}

#[test]
fn a_censored_value_counts_by_the_probability_beyond_it() {
    let y = positive(1, 5);
    let flags = [1, 0, 0, 1, 0];
    let program = "\
data row(y, bound: bool)
k ~ HalfNormal(1)
y ~ Censored(Exponential(rate = k), right = bound)
";
    assert_density(program, &json!({ "y": y, "bound": flags }), |at| {
        let k = at.one("k");
        let each = y.iter().zip(flags).map(|(y, over)| {
            let beyond = -k * *y;
            if over == 1 { beyond } else { k.ln() + beyond }
        });
        half_normal(k, 1.0) + sum(each)
    });
}

#[test]
fn a_scaled_distribution_is_moved_and_stretched() {
    let y = positive(2, 4);
    let program = "\
data y[row]
m ~ Normal(0, 1)
s ~ HalfNormal(1)
y ~ Scaled(Logistic(0, 1), m, s)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (m, s) = (at.one("m"), at.one("s"));
        let each = y.iter().map(|y| {
            let z = (-m + *y) / s;
            -z - (d(1.0) + (-z).exp()).ln() * 2.0 - s.ln()
        });
        normal(m, d(0.0), d(1.0)) + half_normal(s, 1.0) + sum(each)
    });
}

#[test]
fn a_mixture_adds_its_components() {
    let y = positive(3, 6);
    let program = "\
data y[row]
axis part = 1..2
p ~ Uniform(0, 1)
w[part] = [p, 1 - p]
m[part] ~ Normal(0, 1)
y ~ Mixture(w, Normal(m, 0.5))
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (p, m) = (at.one("p"), at.all("m"));
        let each = y.iter().map(|y| {
            let part = |m, w| normal(d(*y), m, d(0.5)).exp() * w;
            (part(m[0], p) + part(m[1], -p + 1.0)).ln()
        });
        sum(m.iter().map(|m| normal(*m, d(0.0), d(1.0)))) + sum(each)
    });
}

#[test]
fn a_family_of_the_program_has_the_log_density_it_says() {
    let y = positive(4, 4);
    let program = "\
dist Rayleigh(scale)(x) = log(x) - 2 * log(scale) - x^2 / (2 * scale^2) on [0, inf]
data y[row]
s ~ HalfNormal(1)
r ~ Rayleigh(s)
y ~ Rayleigh(r + s)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (s, r) = (at.one("s"), at.one("r"));
        let rayleigh = |x: crate::witness::D, scale: crate::witness::D| {
            x.ln() - scale.ln() * 2.0 - x * x / (scale * scale * 2.0)
        };
        half_normal(s, 1.0) + rayleigh(r, s) + sum(y.iter().map(|y| rayleigh(d(*y), r + s)))
    });
}

#[test]
fn the_density_of_a_made_distribution_is_a_number() {
    let y = positive(5, 4);
    let program = "\
dist Laplacian(mean, scale)(x) = -abs(x - mean) / scale - log(2 * scale)
data y[row]
m ~ Normal(0, 1)
s ~ HalfNormal(1)
each[i in row] = logpdf(Laplacian(m, s), y[i])
factor sum(each)
factor sum(i in row: logpdf(Scaled(Laplacian(m, 1), 1, s), y[i]))
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (m, s) = (at.one("m"), at.one("s"));
        let laplacian = |x: D, m: D, s: D| {
            let gap = if x.re > m.re { x - m } else { m - x };
            -gap / s - (s * 2.0).ln()
        };
        let each = y.iter().map(|y| {
            let moved = (d(*y) - 1.0) / s;
            laplacian(d(*y), m, s) + laplacian(moved, m, d(1.0)) - s.ln()
        });
        normal(m, d(0.0), d(1.0)) + half_normal(s, 1.0) + sum(each)
    });
}

#[test]
fn the_end_of_a_range_may_be_an_index() {
    let y = positive(5, 4);
    let program = "\
data y[row]
axis step = 1..4
k[step] ~ Normal(0, 1)
m[row, c in step] = sum(j in 1..c: k[j])
y[i in row] ~ Normal(m[i, 3], 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let k = at.all("k");
        let mean = k[0] + k[1] + k[2];
        let prior = sum(k.iter().map(|k| normal(*k, d(0.0), d(1.0))));
        prior + sum(y.iter().map(|y| normal(d(*y), mean, d(1.0))))
    });
}
