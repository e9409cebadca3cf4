//! Holds the plain reading and the engine against a log density written by hand.
//!
//! The formula is read at dual numbers, so that it has derivatives; the transforms of supports are
//! the project's own, which have tests of their own.

use num_dual::{Dual64, DualNum};
use std::collections::HashMap;
use vippl::bound::Program;
use vippl::data::{Mode, Tables};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::engine::{self, reference};
use vippl::graph::lower;
use vippl::inference::LogDensity;
use vippl::session::Document;

/// Values with a derivative.
pub(crate) type D = Dual64;

/// Relative error allowed: sums are taken in different orders.
const TOLERANCE: f64 = 1e-10;
/// Points at which a program is held against its formula.
const POINTS: u64 = 3;

/// Numbers that look random and are always the same, in (-1, 1).
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 / (1_u64 << 53) as f64) * 2.0 - 1.0
    }
}

/// The constrained latents at a point, row-major.
pub(crate) struct At(HashMap<String, Vec<D>>);

impl At {
    pub(crate) fn all(&self, name: &str) -> &[D] {
        self.0.get(name).unwrap_or_else(|| panic!("the program has no latent {name}"))
    }

    pub(crate) fn one(&self, name: &str) -> D {
        self.all(name)[0]
    }
}

/// A constant.
pub(crate) fn d(x: f64) -> D {
    D::from_re(x)
}

pub(crate) fn ln_factorial(n: usize) -> f64 {
    (1..=n).map(|k| (k as f64).ln()).sum()
}

/// The log density of a normal distribution.
pub(crate) fn normal(x: D, mean: D, sd: D) -> D {
    let z = (x - mean) / sd;
    -z * z * 0.5 - sd.ln() - (2.0 * std::f64::consts::PI).ln() / 2.0
}

pub(crate) fn half_normal(x: D, sd: f64) -> D {
    normal(x, d(0.0), d(sd)) + 2f64.ln()
}

pub(crate) fn bernoulli(hit: bool, p: D) -> D {
    if hit { p.ln() } else { (-p + 1.0).ln() }
}

pub(crate) fn poisson(n: usize, rate: D) -> D {
    rate.ln() * n as f64 - rate - ln_factorial(n)
}

pub(crate) fn binomial(k: usize, n: usize, p: D) -> D {
    if k > n {
        return d(f64::NEG_INFINITY);
    }
    let ways = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    p.ln() * k as f64 + (-p + 1.0).ln() * (n - k) as f64 + ways
}

/// The density (K - 1)! of K probabilities under `Dirichlet(1)`.
pub(crate) fn flat_simplex(size: usize) -> f64 {
    ln_factorial(size - 1)
}

pub(crate) fn sum(terms: impl IntoIterator<Item = D>) -> D {
    terms.into_iter().fold(d(0.0), |sum, x| sum + x)
}

/// ln Σ e^x over every assignment of states to variables with these numbers of states; what is
/// impossible has log weight -∞.
pub(crate) fn over_all(sizes: &[usize], log_weight: impl Fn(&[usize]) -> D) -> D {
    let mut total = d(0.0);
    for code in 0..sizes.iter().product::<usize>() {
        let mut rest = code;
        let state = |size: &usize| {
            let state = rest % size;
            rest /= size;
            state
        };
        let assignment: Vec<usize> = sizes.iter().map(state).collect();
        let weight = log_weight(&assignment);
        if weight.re > f64::NEG_INFINITY {
            total += weight.exp();
        }
    }
    total.ln()
}

/// Binds a program to data in JSON.
///
/// # Panics
///
/// With the rendered messages if the program or its data have a mistake.
pub(crate) fn bind(program: &str, data: &serde_json::Value) -> Program {
    let document = Document::open("program.vi", program);
    let text = |d: &[_]| render(d, &document.sources, &RenderOptions::default());
    assert!(!document.has_errors(), "{}", text(&document.diagnostics));
    let bound =
        document.bind(&Tables::default().with_file("data.json", data.to_string()), Mode::Fit);
    let messages = text(&bound.diagnostics);
    bound.value.unwrap_or_else(|| panic!("{messages}")).program
}

pub(crate) fn compile(program: &Program) -> engine::Program {
    let density = lower::density(program, &lower::Coordinates::new()).expect("lowers");
    engine::Program::compile(&density.model, &engine::Options::default()).expect("compiles")
}

fn at(program: &Program, constrained: &[D]) -> At {
    let mut rest = constrained;
    let mut named = HashMap::new();
    for variable in program.typed.latents() {
        let size: usize = program.shape(variable).iter().product();
        let (own, more) = rest.split_at(size);
        rest = more;
        named.insert(program.typed.variable(variable).name.clone(), own.to_vec());
    }
    At(named)
}

#[track_caller]
fn assert_close(what: &str, actual: f64, expected: f64, scale: f64) {
    let close = (actual - expected).abs() <= TOLERANCE * scale.max(expected.abs()).max(1.0);
    assert!(close, "{what}: {actual:e}, by hand {expected:e}");
}

/// The log density on the unconstrained space by hand, and its gradient.
fn by_hand(program: &Program, point: &[f64], formula: &impl Fn(&At) -> D) -> (f64, Vec<f64>) {
    let partial = |i: usize| {
        let seed = |(j, x): (usize, &f64)| D::new(*x, f64::from(u8::from(i == j)));
        let seeded: Vec<D> = point.iter().enumerate().map(seed).collect();
        let read = reference::evaluate(program, &seeded).expect("evaluates");
        formula(&at(program, &read.constrained)) + read.log_jacobian
    };
    let all: Vec<D> = (0..point.len()).map(partial).collect();
    (all.first().map_or(f64::NAN, |x| x.re), all.iter().map(|x| x.eps).collect())
}

/// The plain reading and the engine have the density and the gradient of a formula of the
/// constrained latents. Returns the number of coordinates.
#[track_caller]
pub(crate) fn assert_density(
    program: &str,
    data: &serde_json::Value,
    formula: impl Fn(&At) -> D,
) -> usize {
    let bound = bind(program, data);
    let compiled = compile(&bound);
    let mut workspace = compiled.workspace();
    let dimension = compiled.dimension();
    for seed in 0..POINTS {
        let mut draw = noise(seed + 40);
        let point: Vec<f64> = (0..dimension).map(|_| 1.2 * draw()).collect();
        let (expected, partials) = by_hand(&bound, &point, &formula);
        assert!(expected.is_finite(), "the formula is {expected}");
        let size = partials.iter().fold(expected.abs(), |a, b| a.max(b.abs()));
        let (value, gradient) = reference::gradient(&bound, &point).expect("evaluates");
        assert_close("log density of the plain reading", value, expected, 0.0);
        let mut own = vec![f64::NAN; dimension];
        let value = compiled.gradient(&mut workspace, &point, &mut own);
        assert_close("log density of the engine", value, expected, 0.0);
        for i in 0..dimension {
            assert_close(&format!("plain derivative {i}"), gradient[i], partials[i], size);
            assert_close(&format!("derivative {i} of the engine"), own[i], partials[i], size);
        }
    }
    dimension
}
