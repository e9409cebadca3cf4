//! `vippl sbc`: whether fits of a program recover what its data were simulated with.

use super::arguments::SbcArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::load::{Loaded, Warnings};
use super::run::{guide, method, seed, thread_pool};
use super::terminal::Terminal;
use crate::data::Mode;
use crate::inference::Options;
use crate::output::element_name;
use crate::session::{Calibration, FitOptions, Ranks, SbcOptions, Stage, sbc as calibrate};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::fmt::Write;

/// How many latents are listed, those whose ranks are the least uniform first.
const LISTED: usize = 20;

/// Simulates, fits and tells how uniform the ranks are. Ranks that are not end with the code of a fit
/// that should not be used.
pub(super) fn sbc(arguments: &SbcArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let pool = thread_pool(arguments.threads)?;
    let program = &arguments.program;
    let warnings = Warnings { quiet: arguments.quiet, deny: program.deny_warnings };
    let mut loaded = Loaded::open(&program.model, &program.data, Stage::Whole, warnings, terminal)?;
    let directory = files::directory_of(&program.model);
    let binding = loaded.bind(&program.data, &directory, Mode::Fit, terminal)?;
    let model = loaded.compile(binding)?;
    let seed = seed(arguments.seed);
    let inference = Options {
        method: method(arguments.method),
        guide: guide(arguments.guide),
        ..Options::default()
    };
    let options = SbcOptions {
        simulations: arguments.simulations as usize,
        fit: FitOptions { inference, seed, ..FitOptions::default() },
        ..SbcOptions::default()
    };
    let bar = match terminal.shows_progress() && !arguments.quiet {
        true => ProgressBar::new(u64::from(arguments.simulations)),
        false => ProgressBar::hidden(),
    };
    let result =
        pool.install(|| calibrate(&model, &options, &mut |done| bar.set_position(done as u64)));
    bar.finish_and_clear();
    let calibration =
        result.map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))?;
    if program.json {
        terminal.print_json(&to_json(&calibration, &options))?;
    } else {
        terminal.print(&to_text(&calibration, &options))?;
    }
    Ok(if calibration.uniform { Exit::Success } else { Exit::DoNotUse })
}

fn name(ranks: &Ranks) -> String {
    element_name(&ranks.element.name, &ranks.element.index)
}

fn to_text(calibration: &Calibration, options: &SbcOptions) -> String {
    let [good, caution, useless] = calibration.verdicts;
    let mut text = format!(
        "{} simulations, seed {}: {good} GOOD, {caution} CAUTION, {useless} DO NOT USE, {} failed\n\n",
        options.simulations, options.fit.seed, calibration.failed
    );
    let mut order: Vec<&Ranks> = calibration.ranks.iter().collect();
    order.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let width = order.iter().take(LISTED).map(|r| name(r).chars().count()).max().unwrap_or(0);
    for ranks in order.iter().take(LISTED) {
        let mark = if ranks.p_value < calibration.limit { "  not uniform" } else { "" };
        let (name, pad) = (name(ranks), width);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:<pad$}  chi-square {:>6.1}  p {:.4}{mark}",
            ranks.chi_square, ranks.p_value
        );
    }
    let more = order.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(text, "and {more} more, all with larger p");
    }
    let _ = writeln!(
        text,
        "\n{}: p below {:.2e} is called not uniform, {} % of right programs are",
        if calibration.uniform { "ranks are uniform" } else { "RANKS ARE NOT UNIFORM" },
        calibration.limit,
        100.0 * options.error_rate
    );
    text
}

fn to_json(calibration: &Calibration, options: &SbcOptions) -> Value {
    let [good, caution, useless] = calibration.verdicts;
    let ranks = calibration.ranks.iter().map(|ranks| {
        json!({
            "name": ranks.element.name,
            "index": ranks.element.index,
            "chi_square": ranks.chi_square,
            "p": ranks.p_value,
            "ranks": ranks.ranks,
        })
    });
    json!({
        "schema": "vippl.sbc/1",
        "seed": options.fit.seed,
        "simulations": options.simulations,
        "draws": options.draws,
        "verdicts": { "good": good, "caution": caution, "do-not-use": useless },
        "failed": calibration.failed,
        "uniform": calibration.uniform,
        "p_limit": calibration.limit,
        "latents": ranks.collect::<Vec<Value>>(),
    })
}
