//! What is inferred of missing cells, against closed forms, enumeration, and the numbers that data
//! were simulated with; draws from families that a program writes, against their cdf.

use super::{Fitted, Model, assert_frequency, assert_moments, draws, fit, fit_with};
use std::fmt::Write;
use vippl::inference::Level;

/// The mean and the sd of an element, and the Monte Carlo error of the mean.
fn moments(model: &Model, fitted: &Fitted, name: &str, labels: &[&str]) -> (f64, f64, f64) {
    let place = model.elements().iter().position(|e| e.name == name && e.index == labels);
    let summary = &fitted.fit.draws.summaries()[place.expect("an element")];
    (summary.mean, summary.sd, summary.mcse_mean)
}

/// x ~ N(0, 1), y ~ N(b x, s): x given y is normal with precision 1 + b²/s².
#[test]
fn a_missing_predictor_has_its_conditional_distribution() {
    let program = "data row(x?, y)\nx ~ Normal(0, 1)\ny ~ Normal(2 * x, 0.5)\n";
    let (model, fitted) = fit(program, &[("d.csv", "x,y\n0.1,0.3\nNA,1.7\n,-4\n1,2\nNaN,0\n")]);
    let (precision, shrink) = (1.0 + 4.0 / 0.25, 2.0 / 0.25);
    let names: Vec<String> = model.elements().iter().map(|e| e.index.concat()).collect();
    assert_eq!(names, ["2", "3", "5"]);
    for (row, y) in [("2", 1.7), ("3", -4.0), ("5", 0.0)] {
        let (mean, sd, mcse) = moments(&model, &fitted, "x", &[row]);
        assert!((mean - shrink * y / precision).abs() < 4.5 * mcse + 1e-6, "{row}: {mean}");
        assert!((sd * precision.sqrt() - 1.0).abs() < 0.05, "{row}: {sd}");
    }
    assert_eq!(fitted.fit.verdict.level, Level::Good);
}

/// Outcomes that are missing at random do not move the rest: mu given the given ones.
#[test]
fn missing_outcomes_add_nothing_and_are_predicted() {
    let program = "data row(y?)\nmu ~ Normal(0, 2)\ny ~ Normal(mu, 1)\n";
    let (model, fitted) = fit(program, &[("d.csv", "y\n1.5\nNA\n0.5\nNA\n")]);
    let precision = 0.25 + 2.0;
    let (mean, sd, mcse) = moments(&model, &fitted, "mu", &[]);
    assert!((mean - 2.0 / precision).abs() < 4.5 * mcse + 1e-6, "{mean}");
    assert!((sd * precision.sqrt() - 1.0).abs() < 0.05, "{sd}");
    for row in ["2", "4"] {
        let (mean, sd, mcse) = moments(&model, &fitted, "y", &[row]);
        assert!((mean - 2.0 / precision).abs() < 4.5 * mcse + 1e-6, "{mean}");
        assert!((sd / (1.0 + 1.0 / precision).sqrt() - 1.0).abs() < 0.05, "{sd}");
    }
    // Replicates of the given ones.
    let again = draws(&fitted, "y");
    assert_eq!(again.len(), 2);
    let spread = (1.0 + 1.0 / precision).sqrt();
    again.iter().for_each(|y| assert_moments("y", y, 2.0 / precision, spread));
}

#[test]
fn missing_truths_and_labels_have_their_probabilities() {
    let program = "\
data w
t ~ Normal(0, 1)
w ~ Normal(t, 1)
axis kind = [\"a\", \"b\", \"c\"]
data row(z?: bool, kind?: kind, y, v)
share[kind] = [0.2, 0.5, 0.3]
level[kind] = [0, 1, 3]
z ~ Bernoulli(0.3)
kind ~ Categorical(share)
y ~ Normal(2 * z, 1)
v ~ Normal(level[kind], 1)
report count = sum(z)
";
    let rows = "z,kind,y,v\n1,a,0,0\n,,1.4,0.8\nNA,c,0.2,2\n0,NA,1,2.4\n";
    let (_, fitted) = fit(program, &[("w=0", ""), ("d.csv", rows)]);
    let density = |x: f64, m: f64| (-0.5 * (x - m) * (x - m)).exp();
    let truth = |y: f64| {
        let (yes, no) = (0.3 * density(y, 2.0), 0.7 * density(y, 0.0));
        yes / (yes + no)
    };
    let z = &fitted.finite.iter().find(|p| p.variable == "z").expect("z");
    assert_eq!(z.labels, [["2"], ["3"]]);
    let share = |draws: &[f64], value: f64| {
        draws.iter().filter(|d| **d == value).count() as f64 / draws.len() as f64
    };
    assert_frequency("z[2]", share(&z.draws[0], 1.0), truth(1.4));
    assert_frequency("z[3]", share(&z.draws[1], 1.0), truth(0.2));
    let kind = &fitted.finite.iter().find(|p| p.variable == "kind").expect("kind");
    assert_eq!(kind.labels, [["2"], ["4"]]);
    for (draws, v) in kind.draws.iter().zip([0.8, 2.4]) {
        let weights: Vec<f64> =
            [(0.2, 0.0), (0.5, 1.0), (0.3, 3.0)].iter().map(|(p, m)| p * density(v, *m)).collect();
        let total: f64 = weights.iter().sum();
        for (k, weight) in weights.iter().enumerate() {
            assert_frequency("kind", share(draws, k as f64), weight / total);
        }
    }
    // One is given, two are not.
    let count = &fitted.finite.iter().find(|p| p.variable == "count").expect("count").draws[0];
    let (a, b) = (truth(1.4), truth(0.2));
    assert_frequency("count", share(count, 3.0), a * b);
    assert_frequency("count", share(count, 1.0), (1.0 - a) * (1.0 - b));
}

#[test]
fn missing_counts_without_a_bound_are_predicted() {
    let program = "data w\nt ~ Normal(0, 1)\nw ~ Normal(t, 1)\ndata row(n?: int, x)\n\
                   n ~ Poisson(3 * x)\n";
    let (_, fitted) = fit(program, &[("w=0", ""), ("d.csv", "n,x\n2,1\nNA,2\n")]);
    let missing = fitted.predictions.iter().find(|p| p.labels == [["2"]]).expect("the gap");
    assert_eq!(missing.variable, "n");
    assert_moments("n", &missing.draws[0], 6.0, 6.0_f64.sqrt());
    // The given count is predicted again, as every observation is.
    let given = fitted.predictions.iter().find(|p| p.labels == [["1"]]).expect("the rest");
    assert_moments("n", &given.draws[0], 3.0, 3.0_f64.sqrt());
}

/// y = 1 + 0.8 x + noise with 120 rows, of which x is missing where y is large, for one row in four:
/// complete rows alone would be biased, the imputed ones are not.
#[test]
fn numbers_that_data_were_simulated_with_are_recovered() {
    let mut state = 7_u64;
    let mut uniform = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let mut normal = move || {
        let (r, turn) = ((-2.0 * uniform().ln()).sqrt(), uniform());
        r * (std::f64::consts::TAU * turn).cos()
    };
    let mut rows = "x,y\n".to_owned();
    let mut gaps = 0;
    for _ in 0..120 {
        let x = 2.0 + normal();
        let y = 1.0 + 0.8 * x + 0.5 * normal();
        let is_missing = y > 2.9 && normal() > 0.0;
        gaps += usize::from(is_missing);
        let cell = if is_missing { "NA".to_owned() } else { x.to_string() };
        writeln!(rows, "{cell},{y}").expect("writes");
    }
    assert!((15..50).contains(&gaps), "{gaps}");
    let program = "\
data row(x?, y)
m ~ Normal(0, 5)
s ~ HalfNormal(5)
a ~ Normal(0, 5)
b ~ Normal(0, 5)
e ~ HalfNormal(5)
x ~ Normal(m, s)
y ~ Normal(a + b * x, e)
";
    let (model, fitted) = fit_with(program, &[("d.csv", &rows)], 1000);
    for (name, truth) in [("m", 2.0), ("s", 1.0), ("a", 1.0), ("b", 0.8), ("e", 0.5)] {
        let (mean, sd, _) = moments(&model, &fitted, name, &[]);
        // Off by 4 sd once in 15,000 data sets.
        assert!((mean - truth).abs() < 4.0 * sd, "{name}: {mean} ± {sd}, not {truth}");
        assert!(sd < 0.3, "{name}: {sd}");
    }
}

/// A Kolmogorov-Smirnov statistic is above 2.8 once in a million seeds.
#[test]
fn families_of_a_program_are_drawn_by_their_densities() {
    let program = "\
dist Gumbels(m, s)(x) = -log(s) - (x - m) / s - exp(-(x - m) / s)
dist Triangle(b)(x) = log(2 * x / b^2) on [0, b]
dist Geo(p)(k) = log(p) + k * log(1 - p) on [0, inf]
data w
t ~ Normal(0, 1)
w ~ Normal(t, 1)
data row(n: int)
n ~ Geo(0.4)
predict n
predict u ~ Gumbels(10, 0.3)
predict v ~ Triangle(4)
";
    let (_, fitted) = fit_with(program, &[("w=0", ""), ("d.csv", "n\n2\n")], 4000);
    let distance = |name: &str, cdf: &dyn Fn(f64) -> f64| {
        let mut drawn = draws(&fitted, name)[0].clone();
        drawn.sort_by(f64::total_cmp);
        let n = drawn.len() as f64;
        let gap = |(k, x): (usize, &f64)| {
            let p = cdf(*x);
            (p - k as f64 / n).abs().max((p - (k + 1) as f64 / n).abs())
        };
        drawn.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
    };
    let u = distance("u", &|x| (-(-(x - 10.0) / 0.3).exp()).exp());
    let v = distance("v", &|x| x * x / 16.0);
    assert!(u < 2.8 && v < 2.8, "{u} {v}");
    let n = &draws(&fitted, "n")[0];
    assert_moments("n", n, 0.6 / 0.4, (0.6_f64 / 0.16).sqrt());
    assert!(n.iter().all(|k| k.fract() == 0.0 && *k >= 0.0));
}
