//! Fits a posterior by default settings, and measures how far it is from reference draws.

use crate::database::{Posterior, bind_model, json};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;
use vippl::inference::{Level, Summary, summarize};
use vippl::session::{FitOptions, Model, Timings};

/// What a fit says.
pub(crate) struct Fitted {
    pub(crate) level: Level,
    pub(crate) dimension: usize,
    pub(crate) gradients: u64,
    pub(crate) seconds: f64,
    /// Summaries by Stan's names: `theta[3]`, column-major for several axes.
    pub(crate) summaries: HashMap<String, Summary>,
}

/// Fits with default settings.
pub(crate) fn fit(folder: &Path, posterior: &Posterior, seed: u64) -> Fitted {
    let binding = bind_model(folder, posterior);
    let start = Instant::now();
    let model = Model::compile(binding).expect("compiles");
    let options = FitOptions { seed, ..FitOptions::default() };
    let fitted = model.fit(&options, Timings::default(), &mut |_| {}).expect("fits");
    let seconds = start.elapsed().as_secs_f64();
    let draws = &fitted.fit.draws;
    let weights = draws.weights();
    let mut columns: HashMap<String, Vec<f64>> = HashMap::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (i, element) in model.elements().into_iter().enumerate() {
        // References have vectors only, so positions count from 1 within a name.
        let position = positions.entry(element.name.clone()).or_insert(0);
        *position += 1;
        let scalar = element.index.is_empty();
        let name = if scalar { element.name } else { format!("{}[{position}]", element.name) };
        columns.insert(name, draws.quantity(i).to_vec());
    }
    standardise(&posterior.model, &mut columns);
    let summaries =
        columns.iter().map(|(name, values)| (name.clone(), summarize(values, &weights))).collect();
    Fitted {
        level: fitted.fit.verdict.level,
        dimension: fitted.fit.diagnostics.dimension,
        gradients: fitted.fit.counts.gradient,
        seconds,
        summaries,
    }
}

/// Adds what a Stan program has under other names: rows of a matrix, raw variables of what is written
/// non-centred.
fn standardise(model: &str, columns: &mut HashMap<String, Vec<f64>>) {
    if model == "hmm_drive_0" || model == "hmm_example" {
        for (row, column) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let own = columns[&format!("P[{}]", 2 * (row - 1) + column)].clone();
            columns.insert(format!("theta{row}[{column}]"), own);
        }
    }
    if model == "lotka_volterra" {
        for (k, name) in (1..).zip(["alpha", "beta", "gamma", "delta"]) {
            columns.insert(format!("theta[{k}]"), columns[name].clone());
        }
    }
    if model != "radon_hierarchical_intercept_noncentered" {
        return;
    }
    let (location, scale) = (columns["mu_alpha"].clone(), columns["sigma_alpha"].clone());
    for i in 1.. {
        let Some(alpha) = columns.get(&format!("alpha[{i}]")) else { return };
        let raw = alpha.iter().zip(&location).zip(&scale).map(|((a, m), s)| (a - m) / s).collect();
        columns.insert(format!("alpha_raw[{i}]"), raw);
    }
}

/// How far a fit is from a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errors {
    /// max |mean - reference| / reference sd
    pub(crate) mean: f64,
    /// max |ln(sd / reference sd)|
    pub(crate) sd: f64,
    /// The largest standard error of a reference's mean, in sds: its own noise. That of the logarithm
    /// of an sd is smaller by the root of two, for normals.
    pub(crate) noise: f64,
}

/// The errors of a fit, if there is a reference.
pub(crate) fn errors(folder: &Path, posterior: &Posterior, fitted: &Fitted) -> Option<Errors> {
    let path = folder.join("reference").join(format!("{}.json", posterior.name));
    if !posterior.has_reference {
        return None;
    }
    let reference = json(&path);
    let numbers = |key: &str| -> Vec<f64> {
        reference[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let (means, sds, ess) = (numbers("mean"), numbers("sd"), numbers("ess"));
    let mut noise: Vec<f64> =
        numbers("mcse_mean_by_chains").iter().zip(&sds).map(|(error, sd)| error / sd).collect();
    noise.extend(ess.iter().skip(noise.len()).map(|ess| ess.sqrt().recip()));
    noise.resize(means.len(), f64::NAN);
    let names = reference["parameters"].as_array().into_iter().flatten();
    let larger = |a: f64, b: f64| if b.is_nan() || b > a { b } else { a };
    let mut worst = Errors { mean: 0.0, sd: 0.0, noise: 0.0 };
    for (((name, mean), sd), noise) in names.zip(means).zip(sds).zip(noise) {
        let name = name.as_str().unwrap_or_default();
        let own = fitted
            .summaries
            .get(name)
            .or_else(|| fitted.summaries.get(name.trim_end_matches("[1]")))
            .unwrap_or_else(|| panic!("{}: no quantity {name}", posterior.name));
        let me = (own.mean - mean).abs() / sd;
        let log_ratio = (own.sd / sd).ln().abs();
        worst.mean = larger(worst.mean, me);
        worst.sd = larger(worst.sd, log_ratio);
        worst.noise = larger(worst.noise, noise);
    }
    Some(worst)
}
