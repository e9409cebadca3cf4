//! What only whole programs show: priors that starts are drawn from, and intervals.

use std::path::Path;
use vippl::data::{Inputs, Mode};
use vippl::inference::{Fit, Level, Reason};
use vippl::session::{Document, FitOptions, Model, Timings};

fn fitted(text: &str, seed: u64) -> Fit {
    let document = Document::open("test", text);
    assert!(!document.has_errors(), "{:?}", document.diagnostics);
    let none: Inputs = Inputs::parse(Vec::<String>::new());
    let tables = none.read(document.typed(), Path::new("."), &|_| Ok(Vec::new()));
    let binding = document.bind(&tables, Mode::Fit).value.unwrap();
    let model = Model::compile(binding).unwrap();
    let options = FitOptions { seed, ..FitOptions::default() };
    model.fit(&options, Timings::default(), &mut |_| {}).unwrap().fit
}

#[test]
fn a_latent_rounded_onto_the_upper_end_of_its_interval_keeps_its_probability() {
    // Beta(0.3, 0.05): a seventh of it is nearer to 1 than numbers are to each other.
    let fit = fitted("p ~ Beta(0.3, 0.05)\nfactor 0 * p\n", 1);
    let not_finite = |reason: &Reason| matches!(reason, Reason::NotFiniteDensity);
    assert!(!fit.verdict.reasons.iter().any(not_finite), "{:?}", fit.verdict);
    let found = fit.draws.summaries()[0];
    let (mean, sd) = (0.3 / 0.35, (0.3f64 * 0.05 / (0.35 * 0.35 * 1.35)).sqrt());
    let off = (found.mean - mean).abs() / sd;
    assert!(off < 0.05 && (found.sd / sd).ln().abs() < 0.05, "{found:?} {mean} {sd}");
}

#[test]
fn starts_are_drawn_from_the_priors_of_a_program() {
    // Modes near 1 and 80: uniform starts come near the first only.
    let text = "centre ~ Normal(90, 30)\nx ~ Normal(centre, 100)\n\
                factor log(exp(-0.5 * (x - 1)^2) + exp(-0.5 * (x - 80)^2) + 1e-300)\n";
    for seed in 0..3 {
        let fit = fitted(text, seed);
        let modes = fit.diagnostics.modes.iter().filter(|mode| mode.kept).count();
        assert_eq!(modes, 2, "{seed}: {:?}", fit.diagnostics.modes);
    }
}

#[test]
fn flat_priors_leave_uniform_starts() {
    let fit = fitted("x ~ Flat\ny ~ Flat in [0, 1]\nfactor -0.5 * (x - 2 * y)^2\n", 1);
    assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict);
}
