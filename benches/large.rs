//! Fits hierarchical logistic regressions of many groups, and compares them with sums over a grid.
//!
//! `cargo bench --bench large -- [GROUPS…]`. y ~ Bernoulli(logit = mu + tau z[group] + beta x), eight
//! rows to a group, simulated with mu = -0.5, beta = 0.8, tau = 0.7. The truth for the three shared
//! latents is a sum over a grid of 13 points each, ± 4 sds around the fit, with the groups summed out at
//! 33 points each: code that shares nothing with the fit's. Prints, for two seeds: verdict, errors of
//! means in sds, log ratios of sds, gradients, seconds.

#![allow(clippy::print_stdout, reason = "prints a table")]
#![allow(clippy::unwrap_used, reason = "a failure must stop the benchmark")]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use std::path::Path;
use std::time::Instant;
use vippl::data::{Inputs, Mode};
use vippl::session::{Document, FitOptions, Model, Timings};

const PROGRAM: &str = "data row(site: index, y: bool, x)\nmu ~ Normal(0, 5)\nbeta ~ Normal(0, 5)\n\
    tau ~ HalfNormal(2)\nz[site] ~ Normal(0, 1)\ny ~ Bernoulli(logit = mu + tau * z[site] + beta * x)\n";

const ROWS: usize = 8;

/// A mean and an sd.
type Moments = (f64, f64);

fn main() {
    let numbers = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let mut sizes: Vec<usize> = numbers.collect();
    if sizes.is_empty() {
        sizes = vec![500, 2000, 12_000];
    }
    println!(
        "{:>7} {:>5} {:>12} {:>24} {:>24} {:>9} {:>8}",
        "groups", "seed", "verdict", "means", "sds", "gradients", "seconds"
    );
    for groups in sizes {
        run(groups);
    }
}

fn run(groups: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(groups as u64);
    let mut rows = Vec::new();
    let mut csv = "site,y,x\n".to_owned();
    for group in 0..groups {
        let z: f64 = rng.sample(StandardNormal);
        for _ in 0..ROWS {
            let x: f64 = rng.sample(StandardNormal);
            let y = rng.random::<f64>() < 1.0 / (1.0 + (0.5 - 0.7 * z - 0.8 * x).exp());
            csv += &format!("{group},{},{x}\n", u8::from(y));
            rows.push((y, x));
        }
    }
    let document = Document::open("large", PROGRAM);
    let inputs = Inputs::parse(["data.csv".to_owned()]);
    let tables = inputs.read(document.typed(), Path::new("."), &|_| Ok(csv.clone().into_bytes()));
    let model = Model::compile(document.bind(&tables, Mode::Fit).value.unwrap()).unwrap();
    let mut truth = None;
    for seed in 1..=2 {
        let start = Instant::now();
        let options = FitOptions { seed, ..FitOptions::default() };
        let fit = model.fit(&options, Timings::default(), &mut |_| {}).unwrap().fit;
        let seconds = start.elapsed().as_secs_f64();
        let found: Vec<(f64, f64)> =
            fit.draws.summaries().iter().take(3).map(|s| (s.mean, s.sd)).collect();
        let truth = truth.get_or_insert_with(|| grid(&rows, &found));
        let errors = |of: fn(&Moments, &Moments) -> f64| {
            let errors = found.iter().zip(truth.iter()).map(|(f, t)| format!("{:.3}", of(f, t)));
            errors.collect::<Vec<String>>().join(" ")
        };
        println!(
            "{groups:>7} {seed:>5} {:>12} {:>24} {:>24} {:>9} {seconds:>8.1}",
            format!("{:?}", fit.verdict.level),
            errors(|f, t| (f.0 - t.0) / t.1),
            errors(|f, t| (f.1 / t.1).ln()),
            fit.counts.gradient
        );
    }
}

/// Means and sds of mu, beta and tau.
fn grid(rows: &[(bool, f64)], around: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const SIDE: usize = 13;
    let at = |k: usize, i: usize| around[k].0 + around[k].1 * (i as f64 - 6.0) * (4.0 / 6.0);
    let points: Vec<[f64; 3]> = (0..SIDE.pow(3))
        .map(|n| [at(0, n % SIDE), at(1, n / SIDE % SIDE), at(2, n / SIDE / SIDE)])
        .collect();
    let log_density = |point: &[f64; 3]| {
        let [mu, beta, tau] = *point;
        if tau <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let prior = -0.02 * (mu * mu + beta * beta) - tau * tau / 8.0;
        rows.chunks(ROWS).fold(prior, |sum, group| {
            let mut total = 0.0;
            for node in 0..33 {
                let z = (f64::from(node) - 16.0) * 0.375;
                let mut likelihood = (-0.5 * z * z).exp();
                for (y, x) in group {
                    let eta = mu + tau * z + beta * x;
                    likelihood /= 1.0 + if *y { (-eta).exp() } else { eta.exp() };
                }
                total += likelihood;
            }
            sum + f64::ln(total)
        })
    };
    let values: Vec<f64> = points.par_iter().map(log_density).collect();
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = values.iter().map(|v| (v - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let moment = |k: usize, power: i32| {
        points.iter().zip(&weights).map(|(p, w)| w * p[k].powi(power)).sum::<f64>() / total
    };
    (0..3).map(|k| (moment(k, 1), (moment(k, 2) - moment(k, 1).powi(2)).sqrt())).collect()
}
