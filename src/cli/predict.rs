//! `vippl predict`: a saved fit and new data to predictions.

use super::arguments::PredictArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::load::{Loaded, Warnings};
use super::run::thread_pool;
use super::terminal::Terminal;
use crate::data::Mode;
use crate::output::{Row, read_draws, summary_table};
use crate::session::{
    Failure, Saved, SavedFit, Stage, Wanted, predict as draw, predicted_rows, prediction_table,
};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::Path;

/// Draws predictions from a saved fit.
pub(super) fn predict(arguments: &PredictArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let fit = load(&arguments.directory)?;
    arguments.drawn.output.as_deref().map_or(Ok(()), files::claim_file)?;
    let pool = thread_pool(arguments.drawn.threads)?;
    let warnings = Warnings { quiet: arguments.drawn.quiet, deny: false };
    let model = arguments.directory.join("model.vi");
    let saved = |path: &Path| {
        let text = fit.state.modules.get(&path.display().to_string());
        text.map(|text| text.clone().into_bytes()).ok_or_else(|| ErrorKind::NotFound.into())
    };
    let mut loaded = Loaded::open_with(&model, &[], &saved, Stage::Whole, warnings, terminal)?;
    loaded.document.forget_default_files();
    let data: Vec<String> = arguments.data.iter().chain(&arguments.more_data).cloned().collect();
    let mode = Mode::Predict(&fit.state.frozen);
    let binding = loaded.bind(&data, &arguments.directory, mode, terminal)?;
    let bound = binding.program;
    let seed = arguments.seed.unwrap_or(fit.state.seed);
    let wanted = Wanted::predictions(&bound, fit.fresh(&bound));
    let predictions = pool
        .install(|| draw::predict(&bound, &fit, &wanted, seed))
        .map_err(|error| Refusal::from_failure(Failure::from(error), &loaded.document.sources))?;
    let summary = predicted_rows(&bound, &predictions);
    if let Some(path) = &arguments.drawn.output {
        let table = prediction_table(&bound, &predictions);
        files::write_file(path, &|out| table.write_csv(out))?;
    }
    if arguments.drawn.json {
        terminal.print_json(&PredictionRecord {
            schema: "vippl.predict/1",
            model: &fit.state.model,
            seed,
            draws: fit.count,
            summary: &summary,
        })?;
    } else {
        terminal.print(&summary_table(&summary, &terminal.human(arguments.drawn.all)))?;
    }
    Ok(Exit::Success)
}

/// The result for programs, keys in this order.
#[derive(Serialize)]
struct PredictionRecord<'a> {
    schema: &'static str,
    model: &'a str,
    seed: u64,
    draws: usize,
    summary: &'a [Row],
}

/// Reads what `run --output` saved.
fn load(directory: &Path) -> Result<SavedFit, Refusal> {
    let broken = |path: &Path, why: String| {
        let message = format!("`{}` is not part of a saved fit: {why}", path.display());
        Refusal::new(Exit::Data, message)
    };
    let path = directory.join("state.json");
    let state: Saved = serde_json::from_slice(&files::read_input(&path)?)
        .map_err(|error| broken(&path, error.to_string()))?;
    let path = directory.join("draws.json");
    let (count, mut by_name) =
        read_draws(&files::read_input(&path)?).map_err(|error| broken(&path, error.to_string()))?;
    let draws = state.latents.iter().map(|latent| {
        let drawn = by_name.remove(&latent.name).unwrap_or_default();
        latent.read(&drawn, count).map_err(|why| broken(&path, why))
    });
    let draws = draws.collect::<Result<Vec<Vec<f64>>, Refusal>>()?;
    Ok(SavedFit { state, draws, count })
}
