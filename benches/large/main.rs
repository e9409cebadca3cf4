//! Fits large models with generated data, and compares them with truths that share no code with the fit.
//!
//! `cargo bench --bench large -- [groups | horseshoe | logistic] [SIZE…]`. Prints, for two seeds: the
//! verdict, the largest error of a mean in sds and the largest log ratio of sds, of the shared latents
//! and of the others whose truth is known, gradients, seconds, and the reasons of the verdict.

#![allow(clippy::print_stdout, reason = "prints a table")]
#![allow(clippy::unwrap_used, reason = "a failure must stop the benchmark")]

mod groups;
mod horseshoe;
mod logistic;

use std::path::Path;
use std::time::Instant;
use vippl::data::{Inputs, Mode};
use vippl::session::{Document, FitOptions, Model, Timings};

/// A mean and an sd.
pub(crate) type Moments = (f64, f64);

/// The truth of some latents: their places in the order of the summary.
pub(crate) type Truth = Vec<(usize, Moments)>;

/// A program with data.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) program: String,
    pub(crate) csv: String,
    /// How many latents at the beginning are shared by all rows.
    pub(crate) shared: usize,
    /// The truth, given the model and what a fit found.
    #[allow(clippy::type_complexity, reason = "named by its field")]
    pub(crate) truth: Box<dyn Fn(&Model, &[Moments]) -> Truth>,
}

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let chosen = |name: &str| {
        let named = words.iter().any(|word| word.parse::<usize>().is_err());
        !named || words.iter().any(|word| word == name)
    };
    let sizes = |usual: &[usize]| if sizes.is_empty() { usual.to_vec() } else { sizes.clone() };
    println!(
        "{:>10} {:>7} {:>5} {:>9} {:>14} {:>14} {:>10} {:>8}",
        "model", "size", "seed", "verdict", "shared", "others", "gradients", "seconds"
    );
    if chosen("groups") {
        sizes(&[500, 2000, 12_000]).into_iter().for_each(|size| run(&groups::case(size)));
    }
    if chosen("horseshoe") {
        sizes(&[1500, 6000]).into_iter().for_each(|size| run(&horseshoe::case(size)));
    }
    if chosen("logistic") {
        sizes(&[200]).into_iter().for_each(|size| run(&logistic::case(size)));
    }
}

fn run(case: &Case) {
    let document = Document::open(case.name, &case.program);
    let inputs = Inputs::parse(["data.csv".to_owned()]);
    let read = |_: &Path| Ok(case.csv.clone().into_bytes());
    let tables = inputs.read(document.typed(), Path::new("."), &read);
    let model = Model::compile(document.bind(&tables, Mode::Fit).value.unwrap()).unwrap();
    let mut truth = None;
    for seed in 1..=2 {
        let start = Instant::now();
        let options = FitOptions { seed, ..FitOptions::default() };
        let fit = model.fit(&options, Timings::default(), &mut |_| {}).unwrap().fit;
        let seconds = start.elapsed().as_secs_f64();
        let found: Vec<Moments> = fit.draws.summaries().iter().map(|s| (s.mean, s.sd)).collect();
        let truth = truth.get_or_insert_with(|| (case.truth)(&model, &found));
        let errors = |shared: bool| {
            let known = truth.iter().filter(|(index, _)| (*index < case.shared) == shared);
            let (mut mean, mut sd) = (0.0, 0.0);
            for (index, (true_mean, true_sd)) in known {
                mean = f64::max(mean, ((found[*index].0 - true_mean) / true_sd).abs());
                sd = f64::max(sd, (found[*index].1 / true_sd).ln().abs());
            }
            format!("{mean:.3} / {sd:.3}")
        };
        println!(
            "{:>10} {:>7} {seed:>5} {:>9} {:>14} {:>14} {:>10} {seconds:>8.1}",
            case.name,
            case.size,
            format!("{:?}", fit.verdict.level),
            errors(true),
            errors(false),
            fit.counts.gradient
        );
        for reason in &fit.verdict.reasons {
            println!("{:>11}{}", "", format!("{reason:?}").chars().take(160).collect::<String>());
        }
    }
}
