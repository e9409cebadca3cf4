//! Random targets of one or two dimensions with several modes.

use crate::case::{Case, Truth};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal, StandardNormal};

const KINDS: usize = 6;

/// The case of a number.
pub(crate) fn case(index: usize, rng: &mut impl Rng) -> Case {
    match index % KINDS {
        0 => von_mises(rng),
        1 => sine(rng),
        2 => double_well(rng),
        3 => mixture(rng),
        4 => two_means(rng),
        _ => square(rng),
    }
}

fn normals(rng: &mut impl Rng, count: usize, mean: f64, sd: f64) -> Vec<f64> {
    let normal = Normal::new(mean, sd).expect("a positive sd");
    (0..count).map(|_| normal.sample(rng)).collect()
}

/// A direction with a prior that is wider than the circle.
fn von_mises(rng: &mut impl Rng) -> Case {
    let (mean, sd) = (rng.random_range(-3.0..3.0), 1.0 / rng.random_range(1.0f64..8.0).sqrt());
    let count = rng.random_range(5..30);
    let angles = normals(rng, count, mean, sd);
    let wrapped: Vec<f64> = angles.iter().map(|a: &f64| a.sin().atan2(a.cos())).collect();
    let prior: f64 = rng.random_range(2.0..12.0);
    let text = format!(
        "data wind(angle)\nmu ~ Normal(0, {prior})\nkappa = {}\nangle ~ VonMises(mu, kappa)\n",
        1.0 / (sd * sd)
    );
    Case::new("von mises", Truth::Grid(60.0), text).with("angle", wrapped)
}

/// A frequency.
fn sine(rng: &mut impl Rng) -> Case {
    let (frequency, noise) = (rng.random_range(0.5..6.0), rng.random_range(0.3..1.5));
    let times: Vec<f64> = (0..15).map(|_| rng.random_range(0.0..5.0)).collect();
    let y: Vec<f64> = times
        .iter()
        .map(|t| (frequency * t).sin() + noise * rng.sample::<f64, _>(StandardNormal))
        .collect();
    let prior = ["Uniform(0, 8)", "HalfNormal(4)", "LogNormal(1, 0.7)"][rng.random_range(0..3)];
    let text = format!("data wave(t, y)\nw ~ {prior}\ny ~ Normal(sin(w * t), {noise})\n");
    Case::new("sine", Truth::Grid(14.0), text).with("t", times).with("y", y)
}

/// -a (z^4 - 3 z^2) + b z
fn double_well(rng: &mut impl Rng) -> Case {
    let (a, b): (f64, f64) = (rng.random_range(0.5..3.0), rng.random_range(0.0..0.6));
    let (centre, scale): (f64, f64) = (rng.random_range(-10.0..10.0), rng.random_range(0.3..3.0));
    let text = format!(
        "x ~ Normal(0, 10)\nz = (x - {centre}) / {scale}\nfactor {b} * z - {a} * (z^4 - 3 * z^2)\n"
    );
    Case::new("double well", Truth::Grid(30.0), text)
}

/// Two normals of any place, width and weight.
fn mixture(rng: &mut impl Rng) -> Case {
    let weight: f64 = rng.random_range(0.05..0.95);
    let centre: f64 = rng.random_range(-8.0..8.0);
    let (first, second): (f64, f64) = (rng.random_range(0.2..2.0), rng.random_range(0.2..2.0));
    let other = centre + rng.random_range(3.0..6.0) * (first + second);
    let text = format!(
        "x ~ Normal(0, 20)\n\
         a = {} * exp(-0.5 * ((x - {centre}) / {first})^2)\n\
         b = {} * exp(-0.5 * ((x - {other}) / {second})^2)\n\
         factor log(a + b + 1e-300)\n",
        weight / first,
        (1.0 - weight) / second,
    );
    Case::new("mixture", Truth::Grid(60.0), text)
}

/// The means of a mixture of normals with unequal shares.
fn two_means(rng: &mut impl Rng) -> Case {
    let share: f64 = rng.random_range(0.5..0.9);
    let gap: f64 = rng.random_range(0.5..4.0);
    let count = rng.random_range(10..60);
    let y: Vec<f64> = (0..count)
        .map(|_| {
            let mean = if rng.random::<f64>() < share { 0.0 } else { gap };
            mean + rng.sample::<f64, _>(StandardNormal)
        })
        .collect();
    let text = format!(
        "data person(y)\n\
         m1 ~ Normal(0, 3)\n\
         m2 ~ Normal(0, 3)\n\
         factor sum(log({share} * exp(-0.5 * (y - m1)^2) + {} * exp(-0.5 * (y - m2)^2)))\n",
        1.0 - share
    );
    Case::new("two means", Truth::Grid(12.0), text).with("y", y)
}

/// A square that is observed.
fn square(rng: &mut impl Rng) -> Case {
    let (truth, noise): (f64, f64) = (rng.random_range(1.0..6.0), rng.random_range(0.5..2.0));
    let y = normals(rng, 5, truth * truth, noise);
    let centre: f64 = rng.random_range(0.0..1.0);
    let text = format!("data trial(y)\nx ~ Normal({centre}, 3)\ny ~ Normal(x^2, {noise})\n");
    Case::new("square", Truth::Grid(20.0), text).with("y", y)
}
