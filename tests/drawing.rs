//! What is drawn after a fit: latents with finitely many values, and predictions.
//!
//! Witnesses from outside: posteriors by enumerating all values of the finite latents, closed
//! forms of conjugate models, order statistics. Seeds are fixed. A frequency or a mean may be off
//! by [`SIGMAS`] of its standard errors: a right program would fail less than once in 100,000
//! comparisons.

#[path = "drawing/finite.rs"]
mod finite;
#[path = "drawing/missing.rs"]
mod missing;
#[path = "drawing/predictions.rs"]
mod predictions;

use std::path::Path;
use vippl::data::{self, Mode};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::session::{Document, FitOptions, Fitted, Model, Prediction, Timings};

/// How many standard errors a Monte Carlo estimate may be off.
const SIGMAS: f64 = 4.5;

/// Equally weighted draws of each fit.
const DRAWS: usize = 20_000;

/// Fits a program to files given by name, with predictions.
fn fit(text: &str, files: &[(&str, &str)]) -> (Model, Fitted) {
    fit_with(text, files, DRAWS)
}

/// The same with so many draws.
fn fit_with(text: &str, files: &[(&str, &str)], count: usize) -> (Model, Fitted) {
    let document = Document::open("model.vi", text);
    let show =
        |diagnostics: &[_]| render(diagnostics, &document.sources, &RenderOptions::default());
    assert!(!document.has_errors(), "{}", show(&document.diagnostics));
    let inputs = data::Inputs::parse(files.iter().map(|(name, _)| *name));
    let read = |path: &Path| -> std::io::Result<Vec<u8>> {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or(std::io::ErrorKind::NotFound.into())
    };
    let tables = inputs.read(document.typed(), Path::new(""), &read);
    let bound = document.bind(&tables, Mode::Fit);
    let binding = bound.value.unwrap_or_else(|| panic!("{}", show(&bound.diagnostics)));
    let model = Model::compile(binding).unwrap_or_else(|failure| panic!("{failure:?}"));
    let options = FitOptions { seed: 1, draws: count, predict: true, ..FitOptions::default() };
    let fitted = model.fit(&options, Timings::default(), &mut |_| {});
    let fitted = fitted.unwrap_or_else(|failure| panic!("{failure:?}"));
    (model, fitted)
}

/// The draws of a name, element by element.
fn draws<'f>(fitted: &'f Fitted, name: &str) -> &'f [Vec<f64>] {
    let all = fitted.finite.iter().chain(&fitted.predictions);
    let found: Vec<&Prediction> = all.filter(|p| p.variable == name).collect();
    assert_eq!(found.len(), 1, "one `{name}`");
    &found[0].draws
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Holds a relative frequency against a probability.
fn assert_frequency(what: &str, found: f64, probability: f64) {
    let error = (probability * (1.0 - probability) / DRAWS as f64).sqrt();
    // One more draw for what is too rare for a normal error.
    let allowed = SIGMAS * error + 1.0 / DRAWS as f64;
    assert!((found - probability).abs() < allowed, "{what}: {found}, not {probability}");
}

/// Holds the mean and the sd of draws against a distribution with these.
fn assert_moments(what: &str, values: &[f64], expected: f64, sd: f64) {
    let found = mean(values.iter().copied());
    let error = sd / (values.len() as f64).sqrt();
    assert!((found - expected).abs() < SIGMAS * error, "{what}: mean {found}, not {expected}");
    let spread = mean(values.iter().map(|x| (x - found).powi(2))).sqrt();
    // The error of a sd is that of a normal, or three times as large for skew and heavy tails.
    let allowed = 3.0 * SIGMAS * sd / (2.0 * values.len() as f64).sqrt();
    assert!((spread - sd).abs() < allowed, "{what}: sd {spread}, not {sd}");
}
