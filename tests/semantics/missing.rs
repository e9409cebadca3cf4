//! Missing cells: continuous ones are latents, finite ones are summed out, and all else is as if
//! they were given.

use crate::witness::{
    At, D, assert_density, bernoulli, bind, d, flat_simplex, half_normal, normal, over_all,
    poisson, sum,
};
use num_dual::DualNum;
use serde_json::json;
use vippl::library::{Elementwise, function};

/// A column with every third cell missing, and one more.
const X: [Option<f64>; 6] = [Some(0.3), None, Some(-1.2), None, Some(2.0), Some(0.7)];
const Y: [f64; 6] = [0.1, -0.4, 1.3, 0.8, -2.0, 0.5];

/// The cells of a column, those that are missing from the latent of its name.
fn whole(name: &str, given: &[Option<f64>], at: &At) -> Vec<D> {
    let missing = at.all(name);
    given.iter().zip(missing).map(|(g, m)| g.map_or(*m, d)).collect()
}

fn normals(xs: &[D], mean: D, sd: D) -> D {
    sum(xs.iter().map(|x| normal(*x, mean, sd)))
}

#[test]
fn a_missing_predictor_is_a_latent() {
    let program = "\
data row(x?, y)
m ~ Normal(0, 2)
s ~ HalfNormal(1)
b ~ Normal(0, 1)
x ~ Normal(m, s)
y ~ Normal(b * x, 1)
";
    let dimension = assert_density(program, &json!({ "x": X, "y": Y }), |at| {
        let (m, s, b) = (at.one("m"), at.one("s"), at.one("b"));
        let x = whole("x", &X, at);
        let seen = x.iter().zip(Y).map(|(x, y)| normal(d(y), b * *x, d(1.0)));
        normal(m, d(0.0), d(2.0))
            + half_normal(s, 1.0)
            + normal(b, d(0.0), d(1.0))
            + normals(&x, m, s)
            + sum(seen)
    });
    assert_eq!(dimension, 3 + 2);
}

/// The same density as the program in which the missing cells are a latent of their own.
#[test]
fn the_program_that_spells_it_out_has_the_same_density() {
    let short = "\
data row(x?, y)
m ~ Normal(0, 2)
b ~ Normal(0, 1)
x ~ StudentT(4, m, 0.5)
y ~ Normal(b * x^2, 1)
";
    let long = "\
data row(known: bool, cell, y)
m ~ Normal(0, 2)
b ~ Normal(0, 1)
gap[row] ~ StudentT(4, m, 0.5) where not known
cell ~ StudentT(4, m, 0.5) where known
x[row] = if known then cell else gap
y ~ Normal(b * x^2, 1)
";
    let cells: Vec<f64> = X.iter().map(|x| x.unwrap_or(0.0)).collect();
    let known: Vec<bool> = X.iter().map(Option::is_some).collect();
    let short = bind(short, &json!({ "x": X, "y": Y }));
    let long = bind(long, &json!({ "known": known, "cell": cells, "y": Y }));
    let mut draw = crate::witness::noise(5);
    for _ in 0..3 {
        let point: Vec<f64> = (0..4).map(|_| draw()).collect();
        let read = |program| vippl::engine::reference::gradient(program, &point).expect("reads");
        let ((a, da), (b, db)) = (read(&short), read(&long));
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
        assert!(da.iter().zip(&db).all(|(a, b)| (a - b).abs() < 1e-12), "{da:?} and {db:?}");
    }
}

#[test]
fn a_missing_outcome_is_a_latent_with_a_support() {
    let cells = [Some(0.3), None, Some(1.2)];
    let program = "\
data row(y?)
rate ~ HalfNormal(1)
y ~ Exponential(rate = rate)
";
    assert_density(program, &json!({ "y": cells }), |at| {
        let rate = at.one("rate");
        let y = whole("y", &cells, at);
        half_normal(rate, 1.0) + sum(y.iter().map(|y| rate.ln() - rate * *y))
    });
}

#[test]
fn a_series_looks_back_over_its_gaps() {
    let cells = [None, Some(0.5), None, None, Some(1.0), Some(-0.4), None];
    let program = "\
data y?[time]
a ~ Normal(0, 1)
s ~ HalfNormal(1)
y[t in time] ~ Normal(a * y[t-1], s) start Normal(0, 2)
";
    let dimension = assert_density(program, &json!({ "y": cells }), |at| {
        let (a, s) = (at.one("a"), at.one("s"));
        let y = whole("y", &cells, at);
        let steps = (1..7).map(|t| normal(y[t], a * y[t - 1], s));
        normal(a, d(0.0), d(1.0)) + half_normal(s, 1.0) + normal(y[0], d(0.0), d(2.0)) + sum(steps)
    });
    assert_eq!(dimension, 2 + 4);
}

#[test]
fn a_local_level_is_observed_where_it_is() {
    let cells = [Some(1.0), None, Some(0.2), None];
    let program = "\
data y?[time]
level[t in time] ~ Normal(level[t-1], 0.5) start Normal(0, 1)
y ~ Normal(level, 0.3)
";
    assert_density(program, &json!({ "y": cells }), |at| {
        let (y, level) = (whole("y", &cells, at), at.all("level"));
        let steps = (1..4).map(|t| normal(level[t], level[t - 1], d(0.5)));
        let seen = (0..4).map(|t| normal(y[t], level[t], d(0.3)));
        normal(level[0], d(0.0), d(1.0)) + sum(steps) + sum(seen)
    });
}

#[test]
fn cells_of_two_axes_may_be_missing() {
    let cells = [[Some(0.1), None, Some(0.4)], [None, None, Some(-1.0)]];
    let program = "\
data y?[person, item]
a[person] ~ Normal(0, 1)
b[item] ~ Normal(0, 1)
y[person, item] ~ Normal(a + b, 0.5)
";
    assert_density(program, &json!({ "y": cells }), |at| {
        let (a, b) = (at.all("a"), at.all("b"));
        let y = whole("y", &cells.concat(), at);
        let each = (0..6).map(|k| normal(y[k], a[k / 3] + b[k % 3], d(0.5)));
        normals(a, d(0.0), d(1.0)) + normals(b, d(0.0), d(1.0)) + sum(each)
    });
}

#[test]
fn two_columns_may_have_gaps_in_the_same_row() {
    let z = [Some(1.0), None, None, Some(0.2), Some(-0.3), Some(0.9)];
    let program = "\
data row(x?, z?, y)
b ~ Normal(0, 1)
c ~ Normal(0, 1)
x ~ Normal(0, 1)
z ~ Normal(c * x, 0.7)
y ~ Normal(b * x * z, 1)
";
    assert_density(program, &json!({ "x": X, "z": z, "y": Y }), |at| {
        let (b, c) = (at.one("b"), at.one("c"));
        let (x, z) = (whole("x", &X, at), whole("z", &z, at));
        let rows = (0..6)
            .map(|i| normal(z[i], c * x[i], d(0.7)) + normal(d(Y[i]), b * x[i] * z[i], d(1.0)));
        normals(&[b, c], d(0.0), d(1.0)) + normals(&x, d(0.0), d(1.0)) + sum(rows)
    });
}

#[test]
fn missing_truths_are_summed_out() {
    let cells = [Some(1.0), None, Some(0.0), None, None, Some(1.0)];
    let program = "\
data row(smokes?: bool, y)
p ~ Uniform(0, 1)
b ~ Normal(0, 1)
smokes ~ Bernoulli(p)
y ~ Normal(b * smokes, 1)
";
    let dimension = assert_density(program, &json!({ "smokes": cells, "y": Y }), |at| {
        let (p, b) = (at.one("p"), at.one("b"));
        let row = |z: usize, y: f64| bernoulli(z == 1, p) + normal(d(y), b * z as f64, d(1.0));
        let rows = cells.iter().zip(Y).map(|(cell, y)| match cell {
            Some(z) => row(*z as usize, y),
            None => over_all(&[2], |z| row(z[0], y)),
        });
        normal(b, d(0.0), d(1.0)) + sum(rows)
    });
    assert_eq!(dimension, 2);
}

#[test]
fn a_missing_label_may_be_an_index() {
    let program = "\
data row(kind?: index, y)
share[kind] ~ Dirichlet(1)
mu[kind] ~ Normal(0, 2)
kind ~ Categorical(share)
y ~ Normal(mu[kind], if kind == \"b\" then 2 else 1)
";
    let kinds = [Some("a"), None, Some("c"), Some("b"), None, Some("a")];
    assert_density(program, &json!({ "kind": kinds, "y": Y }), |at| {
        let (share, mu) = (at.all("share"), at.all("mu"));
        let row = |k: usize, y: f64| {
            share[k].ln() + normal(d(y), mu[k], d(if k == 1 { 2.0 } else { 1.0 }))
        };
        let rows = kinds.iter().zip(Y).map(|(kind, y)| match kind {
            Some(kind) => row(["a", "b", "c"].iter().position(|k| k == kind).expect("known"), y),
            None => over_all(&[3], |k| row(k[0], y)),
        });
        normals(mu, d(0.0), d(2.0)) + sum(rows) + flat_simplex(3)
    });
}

#[test]
fn a_missing_whole_number_may_be_an_outcome_of_a_range() {
    let scores = [Some(1), None, Some(3), Some(2), None, None];
    let program = "\
data row(score?: int, y)
axis level = 1..3
share[level] ~ Dirichlet(1)
b ~ Normal(0, 1)
score ~ Categorical(share)
y ~ Normal(b * score, 1)
";
    assert_density(program, &json!({ "score": scores, "y": Y }), |at| {
        let (share, b) = (at.all("share"), at.one("b"));
        let row = |k: usize, y: f64| share[k].ln() + normal(d(y), b * (k + 1) as f64, d(1.0));
        let rows = scores.iter().zip(Y).map(|(score, y)| match score {
            Some(score) => row(score - 1, y),
            None => over_all(&[3], |k| row(k[0], y)),
        });
        normal(b, d(0.0), d(1.0)) + sum(rows) + flat_simplex(3)
    });
}

#[test]
fn a_chain_of_states_may_be_partly_known() {
    let states = [Some(1.0), None, None, Some(0.0), None];
    let program = "\
data z?[time]: bool, y[time]
stay ~ Uniform(0, 1)
z[t in time] ~ Bernoulli(if z[t-1] then stay else 1 - stay) start Bernoulli(0.5)
y ~ Normal(if z then 2 else 0, 1)
";
    let y = &Y[..5];
    assert_density(program, &json!({ "z": states, "y": y }), |at| {
        let stay = at.one("stay");
        over_all(&[2; 5], |z| {
            let impossible = (0..5).any(|t| states[t].is_some_and(|s| s != z[t] as f64));
            if impossible {
                return d(f64::NEG_INFINITY);
            }
            let steps = (1..5).map(|t| {
                let p = if z[t - 1] == 1 { stay } else { -stay + 1.0 };
                bernoulli(z[t] == 1, p)
            });
            let seen = (0..5).map(|t| normal(d(y[t]), d(2.0 * z[t] as f64), d(1.0)));
            sum(steps) + sum(seen) + 0.5f64.ln()
        })
    });
}

#[test]
fn missing_counts_are_summed_out_up_to_a_bound() {
    let counts = [Some(2), None, Some(0)];
    let program = "\
data site(n?: int, y: int)
rate ~ HalfNormal(3)
n ~ Poisson(rate) in [0, 12]
y ~ Binomial(n, 0.4)
";
    let y = [1, 2, 0];
    assert_density(program, &json!({ "n": counts, "y": y }), |at| {
        let rate = at.one("rate");
        let mass = sum((0..=12).map(|k| poisson(k, rate).exp())).ln();
        let row =
            |n: usize, y: usize| poisson(n, rate) - mass + crate::witness::binomial(y, n, d(0.4));
        let rows = counts.iter().zip(y).map(|(n, y)| match n {
            Some(n) => row(*n, y),
            None => over_all(&[13], |n| row(n[0], y)),
        });
        half_normal(rate, 3.0) + sum(rows)
    });
}

/// Nothing depends on them, so that the density is that of the given cells.
#[test]
fn missing_counts_without_a_bound_do_not_count() {
    let counts = [Some(2), None, Some(0)];
    let program = "data site(n?: int)\nrate ~ HalfNormal(3)\nn ~ Poisson(rate)\n";
    let dimension = assert_density(program, &json!({ "n": counts }), |at| {
        let rate = at.one("rate");
        half_normal(rate, 3.0) + poisson(2, rate) + poisson(0, rate)
    });
    assert_eq!(dimension, 1);
}

#[test]
fn rows_of_a_multivariate_normal_may_have_gaps() {
    let cells = [[Some(0.1), None], [None, None], [Some(-1.0), Some(0.4)]];
    let program = "\
data y?[person, item]
r ~ Uniform(-0.9, 0.9)
m[item] ~ Normal(0, 1)
S[i in item, j in item] = if i == j then 1 else r
y ~ MvNormal(m, cov = S) over item
";
    let dimension = assert_density(program, &json!({ "y": cells }), |at| {
        let (r, m) = (at.one("r"), at.all("m"));
        let y = whole("y", &cells.concat(), at);
        // The second given the first.
        let rows = (0..3).map(|i| {
            let (a, b) = (y[2 * i], y[2 * i + 1]);
            let mean = m[1] + r * (a - m[0]);
            normal(a, m[0], d(1.0)) + normal(b, mean, (-r * r + 1.0).sqrt())
        });
        normals(m, d(0.0), d(1.0)) - 1.8f64.ln() + sum(rows)
    });
    assert_eq!(dimension, 3 + 3);
}

#[test]
fn a_guard_may_leave_missing_cells_out() {
    let program = "\
data row(x?, y, use: bool)
m ~ Normal(0, 1)
x ~ Normal(m, 1) where use
y ~ Normal(x, 1) where use
";
    let used = [true, true, false, false, true, true];
    assert_density(program, &json!({ "x": X, "y": Y, "use": used }), |at| {
        let m = at.one("m");
        let x = whole("x", &X, at);
        let rows = (0..6)
            .filter(|i| used[*i])
            .map(|i| normal(x[i], m, d(1.0)) + normal(d(Y[i]), x[i], d(1.0)));
        normal(m, d(0.0), d(1.0)) + sum(rows)
    });
}

/// Complete cases only.
#[test]
fn a_guard_may_ask_whether_a_cell_is_missing() {
    let program = "\
data row(x?, y)
m ~ Normal(0, 1)
x ~ Normal(m, 1) where not is_missing(x)
y ~ Normal(x, 1) where not is_missing(x)
";
    let dimension = assert_density(program, &json!({ "x": X, "y": Y }), |at| {
        let m = at.one("m");
        let rows = X
            .iter()
            .zip(Y)
            .filter_map(|(x, y)| x.map(|x| normal(d(x), m, d(1.0)) + normal(d(y), d(x), d(1.0))));
        normal(m, d(0.0), d(1.0)) + sum(rows)
    });
    assert_eq!(dimension, 1);
}

/// Whether a cell is missing depends on its value.
#[test]
fn a_selection_model_explains_the_gaps() {
    let program = "\
data row(x?)
m ~ Normal(0, 1)
b ~ Normal(0, 1)
x ~ Normal(m, 1)
gap = is_missing(x)
gap ~ Bernoulli(logit = b * x)
";
    assert_density(program, &json!({ "x": X }), |at| {
        let (m, b) = (at.one("m"), at.one("b"));
        let x = whole("x", &X, at);
        let gaps = x
            .iter()
            .zip(X)
            .map(|(x, given)| bernoulli(given.is_none(), ((-b * *x).exp() + 1.0).recip()));
        normals(&[m, b], d(0.0), d(1.0)) + normals(&x, m, d(1.0)) + sum(gaps)
    });
}

/// The indicator method: a number of its own in place of what is missing.
#[test]
fn a_column_without_a_distribution_may_be_asked_about() {
    let program = "\
data row(x?, y)
b ~ Normal(0, 1)
c ~ Normal(0, 1)
y ~ Normal(if is_missing(x) then c else b * x, 1)
";
    assert_density(program, &json!({ "x": X, "y": Y }), |at| {
        let (b, c) = (at.one("b"), at.one("c"));
        let rows = X.iter().zip(Y).map(|(x, y)| normal(d(y), x.map_or(c, |x| b * x), d(1.0)));
        normals(&[b, c], d(0.0), d(1.0)) + sum(rows)
    });
}

/// Statistics are of the given cells; sums and comprehensions of all.
#[test]
fn statistics_skip_missing_cells() {
    let program = "\
data row(x?, y)
b ~ Normal(0, 1)
middle = mean(x)
spread = sd(x)
x ~ Normal(middle, 2 * spread)
z = standardize(log(3 + x))
k = center(x)
c = k + max(x) - min(x)
total = sum(x)
all = mean(i in row: x[i])
y ~ Normal(b * z + c + 0.1 * total + 0.2 * all, 1)
";
    let given: Vec<f64> = X.iter().flatten().copied().collect();
    let statistics = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (mean, (square / (n - 1.0)).sqrt())
    };
    let logs: Vec<f64> = given.iter().map(|x| (3.0 + x).ln()).collect();
    let ((mean, sd), (log_mean, log_sd)) = (statistics(&given), statistics(&logs));
    assert_density(program, &json!({ "x": X, "y": Y }), |at| {
        let b = at.one("b");
        let x = whole("x", &X, at);
        let total = sum(x.iter().copied());
        let rows = x.iter().zip(Y).map(|(x, y)| {
            let z = ((*x + 3.0).ln() - log_mean) / log_sd;
            let c = *x - mean + (2.0 - -1.2);
            normal(d(y), b * z + c + total * 0.1 + total * (0.2 / 6.0), d(1.0))
        });
        normal(b, d(0.0), d(1.0)) + normals(&x, d(mean), d(2.0 * sd)) + sum(rows)
    });
}

#[test]
fn a_written_family_may_have_missing_cells() {
    let program = "\
dist Cauchys(m)(x) = -log(pi) - log(1 + (x - m)^2)
data row(x?)
m ~ Normal(0, 1)
x ~ Cauchys(m)
";
    assert_density(program, &json!({ "x": X }), |at| {
        let m = at.one("m");
        let x = whole("x", &X, at);
        let each = x.iter().map(|x| -((*x - m).powi(2) + 1.0).ln() - std::f64::consts::PI.ln());
        normal(m, d(0.0), d(1.0)) + sum(each)
    });
}

#[test]
fn a_column_without_gaps_is_as_ever() {
    let program = "data row(x?)\nm ~ Normal(0, 1)\nx ~ Normal(m, 1)\n";
    let dimension = assert_density(program, &json!({ "x": Y }), |at| {
        let m = at.one("m");
        normal(m, d(0.0), d(1.0)) + sum(Y.iter().map(|x| normal(d(*x), m, d(1.0))))
    });
    assert_eq!(dimension, 1);
}

/// `is_missing` of a number that is no number.
#[test]
fn not_a_number_is_missing() {
    assert!(function("is_missing").is_some());
    let ask = |x: f64| Elementwise::IsMissing.apply(&[x]);
    assert_eq!([ask(f64::NAN), ask(0.0), ask(f64::INFINITY)], [1.0, 0.0, 0.0]);
}
