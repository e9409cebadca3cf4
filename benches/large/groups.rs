//! Hierarchical logistic regressions of many groups, eight rows to a group.
//!
//! The truth for the three shared latents is a sum over a grid of 13 points each, ± 4 sds around the fit,
//! with the groups summed out at 33 points each.

use crate::{Case, Moments};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

const PROGRAM: &str = "data row(site: index, y: bool, x)\nmu ~ Normal(0, 5)\nbeta ~ Normal(0, 5)\n\
    tau ~ HalfNormal(2)\nz[site] ~ Normal(0, 1)\ny ~ Bernoulli(logit = mu + tau * z[site] + beta * x)\n";

const ROWS: usize = 8;

/// Simulated with mu = -0.5, beta = 0.8, tau = 0.7.
pub(crate) fn case(groups: usize) -> Case {
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
    Case {
        name: "groups",
        size: groups,
        program: PROGRAM.to_owned(),
        csv,
        shared: 3,
        truth: Box::new(move |_, found| grid(&rows, found).into_iter().enumerate().collect()),
    }
}

/// Means and sds of mu, beta and tau.
fn grid(rows: &[(bool, f64)], around: &[Moments]) -> Vec<Moments> {
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
