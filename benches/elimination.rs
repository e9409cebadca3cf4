//! Times what summing finite latents out costs, each model at a size and at twice that size.
//!
//! `cargo bench --bench elimination -- [NAME…]` prints, for each: the unit and how many; seconds to
//! bind, to lower and to build; microseconds per gradient; nanoseconds per unit, which should not grow.

#![allow(clippy::print_stdout, reason = "prints a table")]

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use vippl::data::{Mode, Tables};
use vippl::engine::{Options, Program};
use vippl::graph::lower;
use vippl::inference::LogDensity;
use vippl::session::Document;

/// Gradients are repeated for at least this long.
const REPEATED: Duration = Duration::from_millis(300);

struct Case {
    name: &'static str,
    unit: &'static str,
    size: usize,
    program: &'static str,
    /// Data of a size.
    data: fn(usize, &mut ChaCha12Rng) -> Value,
}

const CASES: [Case; 5] = [
    Case {
        name: "hmm",
        unit: "step",
        size: 5_000,
        program: "\
data y[time]
axis state = 1..5
P[i in state, j in state] ~ Dirichlet(1) over j
mu[state] ~ Ordered(Normal(0, 5))
z[t in time] ~ Categorical(P[z[t-1]]) start DiscreteUniform(state)
y ~ Normal(mu[z], 1)
",
        data: |size, rng| {
            let mut state = 0;
            let y = (0..size).map(|_| {
                if rng.random_bool(0.1) {
                    state = rng.random_range(0..5);
                }
                2.0 * f64::from(state) + noise(rng)
            });
            json!({ "y": y.collect::<Vec<f64>>() })
        },
    },
    Case {
        name: "occupancy",
        unit: "site",
        size: 500,
        program: "\
data y[site, visit]: bool, x[site]
a ~ Normal(0, 1)
b ~ Normal(0, 1)
p ~ Uniform(0, 1)
z[site] ~ Bernoulli(logit = a + b * x)
y ~ if z then Bernoulli(p) else PointMass(0)
",
        data: |size, rng| {
            let x: Vec<f64> = (0..size).map(|_| noise(rng)).collect();
            let y = (0..size).map(|_| {
                let occupied = rng.random_bool(0.6);
                (0..5).map(|_| u8::from(occupied && rng.random_bool(0.4))).collect()
            });
            json!({ "x": x, "y": y.collect::<Vec<Vec<u8>>>() })
        },
    },
    Case {
        name: "lda",
        unit: "token",
        size: 10_000,
        program: "\
data token(doc: index, w: word), V: int
axis word = 1..V
axis topic = 1..5
theta[doc, topic] ~ Dirichlet(0.5) over topic
phi[topic, word] ~ Dirichlet(0.5) over word
z[token] ~ Categorical(theta[doc])
w ~ Categorical(phi[z])
",
        data: |size, rng| {
            let doc: Vec<usize> = (0..size).map(|i| i * 50 / size + 1).collect();
            let w: Vec<usize> = (0..size).map(|_| rng.random_range(1..=200)).collect();
            json!({ "doc": doc, "w": w, "V": 200 })
        },
    },
    Case {
        name: "nmixture",
        unit: "state",
        size: 100,
        program: "\
data y[site, visit]: int, K: int
lambda ~ HalfCauchy(10)
p ~ Uniform(0, 1)
n[site] ~ Poisson(lambda) in [0, K]
y ~ Binomial(n, p)
",
        data: |size, rng| {
            let y = (0..100).map(|_| (0..3).map(|_| rng.random_range(10..30)).collect());
            json!({ "y": y.collect::<Vec<Vec<u32>>>(), "K": size })
        },
    },
    Case {
        name: "recapture",
        unit: "animal",
        size: 150,
        program: "\
data y[animal, occasion]: bool
phi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
first[i in animal] = min(t in occasion where y[i, t]: t)
alive[i in animal, t in occasion] ~ if t <= first[i] then PointMass(1) else Bernoulli(alive[i, t-1] * phi)
y[i in animal, t in occasion] ~ if alive[i, t] then Bernoulli(p) else PointMass(0) where t > first[i]
",
        data: |size, rng| {
            let animal = |_| {
                let first = rng.random_range(0..9);
                let mut alive = true;
                let seen = (0..10).map(|t| {
                    alive &= t <= first || rng.random_bool(0.8);
                    u8::from(t == first || (t > first && alive && rng.random_bool(0.5)))
                });
                seen.collect()
            };
            json!({ "y": (0..size).map(animal).collect::<Vec<Vec<u8>>>() })
        },
    },
];

/// A sum of uniform variates with variance 1.
fn noise(rng: &mut impl Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

fn measure(case: &Case, size: usize) {
    let data = (case.data)(size, &mut ChaCha12Rng::seed_from_u64(1)).to_string();
    let document = Document::open(case.name, case.program);
    assert!(!document.has_errors(), "{:?}", document.diagnostics);
    let start = Instant::now();
    let bound = document.bind(&Tables::default().with_file("data.json", data), Mode::Fit);
    let program = bound.value.unwrap_or_else(|| panic!("{:?}", bound.diagnostics)).program;
    let binding = start.elapsed();
    let start = Instant::now();
    let density = lower::density(&program, &lower::Coordinates::new()).expect("lowers");
    let lowering = start.elapsed();
    let start = Instant::now();
    let compiled = Program::compile(&density.model, &Options::default()).expect("compiles");
    let compiling = start.elapsed();
    let mut workspace = compiled.workspace();
    let point = vec![0.1; compiled.dimension()];
    let mut gradient = vec![0.0; point.len()];
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < REPEATED {
        let value = compiled.gradient(&mut workspace, &point, &mut gradient);
        assert!(value.is_finite(), "{}: {value}", case.name);
        count += 1;
    }
    let each = start.elapsed() / count;
    println!(
        "{:<10} {size:>7} {:<7} {:>8.3} {:>8.3} {:>8.3} {:>11.1} {:>9.1}",
        case.name,
        case.unit,
        binding.as_secs_f64(),
        lowering.as_secs_f64(),
        compiling.as_secs_f64(),
        each.as_secs_f64() * 1e6,
        each.as_secs_f64() * 1e9 / size as f64,
    );
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    println!(
        "{:<10} {:>7} {:<7} {:>8} {:>8} {:>8} {:>11} {:>9}",
        "model", "size", "unit", "bind s", "lower s", "build s", "gradient us", "ns / unit"
    );
    for case in &CASES {
        if wanted.is_empty() || wanted.iter().any(|w| case.name.contains(w.as_str())) {
            measure(case, case.size);
            measure(case, 2 * case.size);
        }
    }
}
