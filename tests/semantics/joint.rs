//! Families of several values and matrices: closed forms, and forms that mean the same.

use crate::witness::{
    D, assert_density, bernoulli, bind, compile, d, half_normal, ln_factorial, noise, normal, sum,
};
use num_dual::DualNum;
use serde_json::json;
use vippl::inference::LogDensity;

/// The standard normal cdf, by the series Σ x^(2k+1) / (1·3·…·(2k+1)).
fn normal_cdf(x: f64) -> f64 {
    let (mut term, mut series) = (x, x);
    for k in 1..200 {
        term *= x * x / (2 * k + 1) as f64;
        series += term;
    }
    0.5 + series * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Sums of K ordered variates observed through noise.
fn ordered(interval: &str, log_mass: f64) {
    let program = format!(
        "data y\nc[1..3] ~ Ordered(Normal(0.5, 2)){interval}\ny ~ Normal(c[1] * c[2] - c[3], 1)\n"
    );
    assert_density(&program, &json!({ "y": 0.4 }), |at| {
        let c = at.all("c");
        let each = |c: &D| normal(*c, d(0.5), d(2.0)) - log_mass;
        sum(c.iter().map(each)) + ln_factorial(3) + normal(d(0.4), c[0] * c[1] - c[2], d(1.0))
    });
}

#[test]
fn ordered_variates_have_all_their_orders() {
    ordered("", 0.0);
}

#[test]
fn ordered_variates_above_a_bound() {
    ordered(" in [0, inf]", (1.0 - normal_cdf(-0.25)).ln());
}

#[test]
fn ordered_variates_below_a_bound() {
    ordered(" in [-inf, 1]", normal_cdf(0.25).ln());
}

#[test]
fn ordered_variates_between_bounds() {
    ordered(" in [-1, 3]", (normal_cdf(1.25) - normal_cdf(-0.75)).ln());
}

/// Under N(0, s²) for each and Σ x = 0 the law of x lives on a plane of K - 1 dimensions; with
/// respect to its area the density is (2π s²)^(-(K-1)/2) exp(-Σ x² / (2 s²)).
#[test]
fn effects_that_sum_to_zero() {
    let y = [0.3, -0.2, 1.0, 0.1];
    let program = "\
data y[group]
s ~ HalfNormal(1)
e[group] ~ ZeroSum(Normal(0, s))
y ~ Normal(e, 1)
";
    let dimension = assert_density(program, &json!({ "y": y }), |at| {
        let (s, e) = (at.one("s"), at.all("e"));
        let squares = sum(e.iter().map(|e| *e * *e));
        let plane =
            -squares / (s * s * 2.0) - s.ln() * 3.0 - 1.5 * (2.0 * std::f64::consts::PI).ln();
        let rows = y.iter().zip(e).map(|(y, e)| normal(d(*y), *e, d(1.0)));
        half_normal(s, 1.0) + plane + sum(rows)
    });
    assert_eq!(dimension, 4);
}

#[test]
fn matrices_multiply_and_turn_over() {
    let (x, y) = ([[1.0, 2.0, -1.0], [0.5, -1.5, 2.0]], [[0.3, 0.1], [0.2, -0.4]]);
    let program = "\
data X[row, col], y[row, other]
axis other = 1..2
B[col, other] ~ Normal(0, 1)
XB = X @ B
G = transpose(X) @ X
total = sum(i in col, j in col: G[i, j] * B[i, 1] * B[j, 2])
factor total
y ~ Normal(XB, 1)
";
    assert_density(program, &json!({ "X": x, "y": y }), |at| {
        let b = at.all("B");
        let mut total = sum(b.iter().map(|b| normal(*b, d(0.0), d(1.0))));
        for i in 0..2 {
            for j in 0..2 {
                let mean = sum((0..3).map(|k| b[2 * k + j] * x[i][k]));
                total += normal(d(y[i][j]), mean, d(1.0));
            }
        }
        for i in 0..3 {
            for j in 0..3 {
                let g = x[0][i] * x[0][j] + x[1][i] * x[1][j];
                total += b[2 * i] * b[2 * j + 1] * g;
            }
        }
        total
    });
}

/// Two correlated normals by conditioning: x ~ N(m1, s1), y | x ~ N(m2 + r s2 z, s2 √(1 - r²)).
fn pair(x: D, y: D, mean: [D; 2], sd: [D; 2], r: D) -> D {
    let z = (x - mean[0]) / sd[0];
    normal(x, mean[0], sd[0]) + normal(y, mean[1] + r * sd[1] * z, sd[1] * (-r * r + 1.0).sqrt())
}

#[test]
fn the_forms_of_the_multivariate_normal_are_one_distribution() {
    let y = [[0.3, 1.1], [-0.8, 0.2], [1.4, -0.5]];
    let shared = "\
data y[row, k]
axis k = 1..2
m[k] ~ Normal(0, 1)
s[k] ~ HalfNormal(2)
r ~ Uniform(-1, 1)
R[i in k, j in k] = if i == j then 1 else r
S[i in k, j in k] = s[i] * s[j] * R[i, j]
";
    let forms = [
        "y ~ MvNormal(m, S)",
        "y ~ MvNormal(m, sd = s, corr = R)",
        "L[i in k, j in k] = s[i] * (if j == 1 then R[i, 1] else if i == 1 then 0 else sqrt(1 - r^2))
y ~ MvNormal(m, chol = L)",
        "L[i in k, j in k] = if j == 1 then R[i, 1] else if i == 1 then 0 else sqrt(1 - r^2)
y ~ MvNormal(m, sd = s, corr_chol = L)",
        "det = s[1]^2 * s[2]^2 * (1 - r^2)
Q[i in k, j in k] = (if i == j then s[1]^2 * s[2]^2 / s[i]^2 else -S[1, 2]) / det
y ~ MvNormal(m, precision = Q)",
    ];
    for form in forms {
        let program = format!("{shared}{form} over k\n");
        assert_density(&program, &json!({ "y": y }), |at| {
            let (m, s, r) = (at.all("m"), at.all("s"), at.one("r"));
            let prior = normal(m[0], d(0.0), d(1.0)) + normal(m[1], d(0.0), d(1.0));
            let scales = half_normal(s[0], 2.0) + half_normal(s[1], 2.0) - 2f64.ln();
            let row = |y: &[f64; 2]| pair(d(y[0]), d(y[1]), [m[0], m[1]], [s[0], s[1]], r);
            prior + scales + sum(y.iter().map(row))
        });
    }
}

#[test]
fn a_process_at_two_points_is_a_pair_of_normals() {
    let program = "\
data x[row], y[row]
a ~ HalfNormal(1)
l ~ HalfNormal(2)
v ~ HalfNormal(1)
y ~ GP(ExpQuad(a, l), at = x, noise_var = v)
";
    let (x, y) = ([0.5, 1.7], [0.4, -0.9]);
    assert_density(program, &json!({ "x": x, "y": y }), |at| {
        let (a, l, v) = (at.one("a"), at.one("l"), at.one("v"));
        let distance = l.recip() * (x[1] - x[0]);
        let covariance = a * a * (-distance * distance * 0.5).exp();
        let variance = a * a + v;
        let sd = variance.sqrt();
        half_normal(a, 1.0)
            + half_normal(l, 2.0)
            + half_normal(v, 1.0)
            + pair(d(y[0]), d(y[1]), [d(0.0); 2], [sd; 2], covariance / variance)
    });
}

/// Log density and gradient of the compiled program at one point.
fn value(program: &str, data: &serde_json::Value) -> Vec<f64> {
    let compiled = compile(&bind(program, data));
    let mut workspace = compiled.workspace();
    let mut draw = noise(5);
    let point: Vec<f64> = (0..compiled.dimension()).map(|_| draw()).collect();
    let mut all = vec![0.0; point.len()];
    let value = compiled.gradient(&mut workspace, &point, &mut all);
    all.push(value);
    all
}

fn assert_same(one: &str, other: &str, data: &serde_json::Value) {
    let (one, other) = (value(one, data), value(other, data));
    assert_eq!(one.len(), other.len());
    for (a, b) in one.iter().zip(&other) {
        assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{a} and {b}");
    }
}

#[test]
fn a_process_is_the_multivariate_normal_of_its_covariance() {
    let data = json!({ "x": [0.1, 0.9, 2.0, 3.5], "y": [0.3, 0.5, -0.2, 1.0] });
    let head = "data x[row], y[row]\na ~ HalfNormal(1)\nl ~ HalfNormal(2)\nf[row] ~ ";
    let tail = "\ny ~ Normal(f, 0.5)\n";
    let process = "GP(ExpQuad(a, l) + Matern12(1, 2 * l), at = x, mean = 0.2, noise_var = 0.1)";
    let normal = "MvNormal(0.2, K)
K[i in row, j in row] = a^2 * exp(-0.5 * ((x[i] - x[j]) / l)^2)
  + exp(-abs(x[i] - x[j]) / (2 * l)) + (if i == j then 0.1 else 0)";
    assert_same(&format!("{head}{process}{tail}"), &format!("{head}{normal}{tail}"), &data);
}

#[test]
fn counts_are_outcomes_in_any_order() {
    let head = "axis kind = 1..3\np[kind] ~ Dirichlet(2)\n";
    let outcomes = format!("data row(y: kind)\n{head}y ~ Categorical(p)\n");
    let counts = format!("data n[kind]: int\n{head}n ~ Multinomial(6, p)\n");
    let one = value(&outcomes, &json!({ "y": [1, 3, 3, 2, 3, 1] }));
    let other = value(&counts, &json!({ "n": [2, 1, 3] }));
    let orders = ln_factorial(6) - ln_factorial(2) - ln_factorial(1) - ln_factorial(3);
    assert!((one[2] + orders - other[2]).abs() < 1e-10, "{one:?} {other:?}");
    assert!((one[0] - other[0]).abs() < 1e-10 && (one[1] - other[1]).abs() < 1e-10);
}

#[test]
fn ordered_outcomes_are_differences_of_logistic_curves() {
    let (x, y) = ([0.5, -1.0, 2.0, 0.1], [1, 3, 2, 2]);
    let program = "\
data row(x, y: grade)
axis grade = 1..3
b ~ Normal(0, 1)
c[1..2] ~ Ordered(Normal(0, 2))
y ~ OrderedLogistic(b * x, c)
";
    assert_density(program, &json!({ "x": x, "y": y }), |at| {
        let (b, c) = (at.one("b"), at.all("c"));
        let row = |i: usize| {
            // P(y > k) = logistic(b x - c_k), so P(y = 2) = P(y > 1) - P(y > 2).
            let above = |k: usize| ((c[k] - b * x[i]).exp() + 1.0).recip();
            match y[i] {
                1 => bernoulli(false, above(0)),
                2 => (above(0) - above(1)).ln(),
                _ => bernoulli(true, above(1)),
            }
        };
        let cuts = sum(c.iter().map(|c| normal(*c, d(0.0), d(2.0)))) + 2f64.ln();
        normal(b, d(0.0), d(1.0)) + cuts + sum((0..4).map(row))
    });
}
