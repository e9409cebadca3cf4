//! Normal means with a horseshoe prior: a local scale and a value for each row.
//!
//! The truth for the global scale and for every value is by sums over grids of ln tau and ln lambda, the
//! values being normal given these. Local scales have no sd, so they are not compared.

use crate::{Case, Moments, Truth};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

const PROGRAM: &str = "data row(y)\ntau ~ HalfCauchy(1)\nlambda[row] ~ HalfCauchy(1)\n\
    z[row] ~ Normal(0, 1)\ny ~ Normal(z * lambda * tau, 1)\n";

/// One row in twenty has a mean that is drawn with sd 4; the others have none.
pub(crate) fn case(rows: usize) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(rows as u64);
    let draw = |_| {
        let noise: f64 = rng.sample(StandardNormal);
        let mean: f64 = rng.sample(StandardNormal);
        noise + if rng.random::<f64>() < 0.05 { 4.0 * mean } else { 0.0 }
    };
    let y: Vec<f64> = (0..rows).map(draw).collect();
    let csv = y.iter().fold("y\n".to_owned(), |csv, y| csv + &format!("{y}\n"));
    let truth = move |_: &_, found: &[Moments]| sums(&y, found[0]);
    let program = PROGRAM.to_owned();
    Case { name: "horseshoe", size: rows, program, csv, shared: 1, truth: Box::new(truth) }
}

/// The moments of tau and of every z.
fn sums(y: &[f64], (mean, sd): Moments) -> Truth {
    const POINTS: usize = 25;
    let width = (sd / mean).max(0.01);
    let log_tau = |i: usize| mean.ln() + width * (i as f64 / (POINTS - 1) as f64 - 0.5) * 10.0;
    // ln of the integral over lambda, and the first two moments of z, for a row and a scale.
    let given = |y: f64, log_tau: f64| {
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for k in -300..300 {
            let v = 0.05 * f64::from(k);
            let scale = (log_tau + v).exp();
            let variance = 1.0 + scale * scale;
            let density =
                (v - 0.5 * y * y / variance).exp() / ((1.0 + (2.0 * v).exp()) * variance.sqrt());
            let mean = y * scale / variance;
            total += density;
            first += density * mean;
            second += density * (mean * mean + variance.recip());
        }
        (f64::ln(total), first / total, second / total)
    };
    let rows: Vec<Vec<(f64, f64, f64)>> = (0..POINTS)
        .into_par_iter()
        .map(|i| y.iter().map(|y| given(*y, log_tau(i))).collect())
        .collect();
    // tau ~ C+(0, 1), in ln tau.
    let log_p = |i: usize| {
        let prior = log_tau(i) - (2.0 * log_tau(i)).exp().ln_1p();
        prior + rows[i].iter().map(|row| row.0).sum::<f64>()
    };
    let log_p: Vec<f64> = (0..POINTS).map(log_p).collect();
    let highest = log_p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_p.iter().map(|p| (p - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let expected = |of: &dyn Fn(usize) -> f64| {
        weights.iter().enumerate().map(|(i, w)| w * of(i)).sum::<f64>() / total
    };
    let moments = |first: f64, second: f64| (first, (second - first * first).sqrt());
    let tau = moments(expected(&|i| log_tau(i).exp()), expected(&|i| (2.0 * log_tau(i)).exp()));
    let z = |j: usize| moments(expected(&|i| rows[i][j].1), expected(&|i| rows[i][j].2));
    let place = |j: usize| 1 + y.len() + j;
    std::iter::once((0, tau)).chain((0..y.len()).map(|j| (place(j), z(j)))).collect()
}
