//! `vippl prior`: what a program says before it has seen its observations.

use super::arguments::PriorArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::load::{Loaded, Warnings};
use super::run::thread_pool;
use super::terminal::Terminal;
use crate::data::Mode;
use crate::output::{Row, summary_table};
use crate::session::{Model, Stage, predicted_rows, prediction_table};
use serde::Serialize;

/// Draws from the priors, and predictions from these draws.
pub(super) fn prior(arguments: &PriorArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    arguments.drawn.output.as_deref().map_or(Ok(()), files::claim_file)?;
    let pool = thread_pool(arguments.drawn.threads)?;
    let warnings = Warnings { quiet: arguments.drawn.quiet, deny: false };
    // What nothing observes is drawn all the same.
    let mut loaded =
        Loaded::open(&arguments.model, &arguments.data, Stage::Draft, warnings, terminal)?;
    let directory = files::directory_of(&arguments.model);
    let bound = loaded.bind(&arguments.data, &directory, Mode::Fit, terminal)?.program;
    let seed = arguments.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let draws = arguments.draws as usize;
    let drawn = pool
        .install(|| Model::prior(&bound, draws, seed))
        .map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))?;
    let summary = predicted_rows(&bound, &drawn);
    if let Some(path) = &arguments.drawn.output {
        let table = prediction_table(&bound, &drawn);
        files::write_file(path, &|out| table.write_csv(out))?;
    }
    if arguments.drawn.json {
        let model = &loaded.document.name;
        let schema = "vippl.prior/1";
        terminal.print_json(&PriorRecord { schema, model, seed, draws, summary: &summary })?;
    } else {
        terminal.print(&summary_table(&summary, &terminal.human(arguments.drawn.all)))?;
    }
    Ok(Exit::Success)
}

/// The result for programs, keys in this order.
#[derive(Serialize)]
struct PriorRecord<'a> {
    schema: &'static str,
    model: &'a str,
    seed: u64,
    draws: usize,
    summary: &'a [Row],
}
