//! Differential equations against closed forms, with their derivatives.

use crate::witness::{D, assert_density, d, half_normal, noise, normal, sum};
use num_dual::DualNum;
use serde_json::json;

const TIMES: [f64; 4] = [0.3, 0.9, 1.4, 2.5];

fn observed(seed: u64, count: usize) -> Vec<f64> {
    let mut draw = noise(seed);
    (0..count).map(|_| draw()).collect()
}

#[test]
fn states_by_their_own_names_decay() {
    let y = observed(1, TIMES.len());
    for stiff in ["", " stiff"] {
        let program = format!(
            "\
data y[time], ts[time]
k ~ HalfNormal(1)
first ~ Normal(0, 1)
ode at ts from 0{stiff} {{
  x' = -k * x start first
}}
y ~ Normal(x, 1)
"
        );
        assert_density(&program, &json!({ "y": y, "ts": TIMES }), |at| {
            let (k, start) = (at.one("k"), at.one("first"));
            let x = |t: &f64| start * (-k * *t).exp();
            let seen = y.iter().zip(&TIMES).map(|(y, t)| normal(d(*y), x(t), d(1.0)));
            half_normal(k, 1.0) + normal(start, d(0.0), d(1.0)) + sum(seen)
        });
    }
}

#[test]
fn an_oscillator_has_two_states_over_an_axis() {
    let y = observed(2, 2 * TIMES.len());
    let rows: Vec<&[f64]> = y.chunks(2).collect();
    let program = "\
data y[time, state], ts[time]
axis state = [\"place\", \"speed\"]
w ~ HalfNormal(1)
z0[state] ~ Normal(0, 1)
ode z[state] at ts from 0 {
  speed' = -w^2 * place start z0[\"speed\"]
  place' = speed start z0[\"place\"]
}
y ~ Normal(z, 1)
";
    assert_density(program, &json!({ "y": rows, "ts": TIMES }), |at| {
        let (w, z0) = (at.one("w"), at.all("z0"));
        let mut total = half_normal(w, 1.0) + sum(z0.iter().map(|z| normal(*z, d(0.0), d(1.0))));
        for (t, y) in TIMES.iter().zip(&rows) {
            let (sin, cos): (D, D) = ((w * *t).sin(), (w * *t).cos());
            let place = z0[0] * cos + z0[1] / w * sin;
            let speed = z0[1] * cos - z0[0] * w * sin;
            total += normal(d(y[0]), place, d(1.0)) + normal(d(y[1]), speed, d(1.0));
        }
        total
    });
}

#[test]
fn rates_may_depend_on_time() {
    let y = observed(3, TIMES.len());
    let program = "\
data y[time], ts[time]
a ~ Normal(0, 1)
ode at ts from 0 {
  x' = a * t start 1
}
y ~ Normal(x, 1)
";
    assert_density(program, &json!({ "y": y, "ts": TIMES }), |at| {
        let a = at.one("a");
        let seen =
            y.iter().zip(&TIMES).map(|(y, t)| normal(d(*y), a * (0.5 * t * t) + 1.0, d(1.0)));
        normal(a, d(0.0), d(1.0)) + sum(seen)
    });
}

/// x' = -k x for each subject, with a rate and a first value of its own.
fn decays(y: &[f64], k: &[D], first: &[f64], times: impl Fn(usize) -> (usize, f64)) -> D {
    let each = y.iter().enumerate().map(|(cell, y)| {
        let (subject, time) = times(cell);
        normal(d(*y), (-k[subject] * time).exp() * first[subject], d(1.0))
    });
    sum(k.iter().map(|k| half_normal(*k, 1.0))) + sum(each)
}

#[test]
fn there_is_a_system_for_each_element_of_a_group() {
    let y = observed(11, 12);
    let rows: Vec<&[f64]> = y.chunks(4).collect();
    let program = "\
data y[subject, time], ts[time], dose[subject]
k[subject] ~ HalfNormal(1)
ode[subject] at ts from 0 { x' = -k * x start dose }
y ~ Normal(x, 1)
";
    let dose = [1.0, 2.0, 0.5];
    assert_density(program, &json!({ "y": rows, "ts": TIMES, "dose": dose }), |at| {
        decays(&y, at.all("k"), &dose, |cell| (cell / 4, TIMES[cell % 4]))
    });
}

#[test]
fn each_element_may_have_times_of_its_own() {
    let y = observed(12, 6);
    let times = [0.2, 0.5, 1.5, 0.4, 0.6, 3.0];
    let program = "\
data y[subject, time], ts[subject, time], dose[subject]
axis state = [\"x\", \"lost\"]
k[subject] ~ HalfNormal(1)
ode z[subject, state] at ts from 0 with tolerance(1e-11) {
  x' = -k * x start dose
  lost' = k * x start 0
}
y[subject, time] ~ Normal(z[state = \"x\"] + 0 * z[state = \"lost\"], 1)
";
    let dose = [1.0, 2.0];
    let rows = |v: &[f64]| v.chunks(3).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let data = json!({ "y": rows(&y), "ts": rows(&times), "dose": dose });
    assert_density(program, &data, |at| {
        decays(&y, at.all("k"), &dose, |cell| (cell / 3, times[cell]))
    });
}

/// A long table: the rows of a subject, in any order, are times of its system.
#[test]
fn rows_belong_to_the_systems_that_a_column_names() {
    let y = observed(13, 6);
    let subject = [2, 1, 2, 3, 1, 2];
    let times = [0.7, 0.3, 0.1, 2.0, 1.0, 0.7];
    let program = "\
axis subject = 1..3
data row(y, ts, subject: subject), dose[subject]
k[subject] ~ HalfNormal(1)
ode at ts from 0 { x' = -k[subject] * x start dose[subject] }
y ~ Normal(x, 1)
";
    let dose = [1.0, 2.0, 0.5];
    let data = json!({ "y": y, "ts": times, "subject": subject, "dose": dose });
    assert_density(program, &data, |at| {
        decays(&y, at.all("k"), &dose, |cell| (subject[cell] - 1, times[cell]))
    });
}
