//! Logistic regressions with many predictors, one in five of which matters.
//!
//! The truth is by four chains of NUTS, with 5,000 draws each.

use crate::{Case, Moments, Truth};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vippl::inference::nuts::Nuts;
use vippl::inference::{Level, Method, Options};
use vippl::session::{FitOptions, Model, Timings};

const ROWS: usize = 1000;

pub(crate) fn case(predictors: usize) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(predictors as u64);
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    let effects: Vec<f64> =
        (0..predictors).map(|k| if k % 5 == 0 { normal() } else { 0.0 }).collect();
    let names: Vec<String> = (0..predictors).map(|k| format!("x{k}")).collect();
    let names = names.join(", ");
    let mut csv = format!("y, {names}\n");
    for _ in 0..ROWS {
        let x: Vec<f64> = (0..predictors).map(|_| rng.sample(StandardNormal)).collect();
        let logit: f64 = 0.3 + x.iter().zip(&effects).map(|(x, b)| x * b).sum::<f64>();
        let y = rng.random::<f64>() < 1.0 / (1.0 + (-logit).exp());
        csv += &u8::from(y).to_string();
        x.iter().for_each(|x| csv += &format!(",{x}"));
        csv += "\n";
    }
    let program = format!(
        "data row(y: bool, {names})\nX[row, term] = columns({names})\na ~ Normal(0, 2)\nb[term] ~ Normal(0, 1)\n\
         y ~ Bernoulli(logit = a + X @ b)\n"
    );
    let shared = predictors + 1;
    Case { name: "logistic", size: predictors, program, csv, shared, truth: Box::new(chains) }
}

fn chains(model: &Model, _: &[Moments]) -> Truth {
    let nuts = Nuts { draws: 5000, ..Nuts::default() };
    let inference = Options { method: Method::Nuts, nuts, ..Options::default() };
    let options = FitOptions { inference, seed: 1, ..FitOptions::default() };
    let fit = model.fit(&options, Timings::default(), &mut |_| {}).unwrap().fit;
    assert_eq!(fit.verdict.level, Level::Good, "the chains have to agree: {:?}", fit.verdict);
    fit.draws.summaries().iter().map(|s| (s.mean, s.sd)).enumerate().collect()
}
