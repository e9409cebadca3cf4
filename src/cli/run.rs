//! `vippl run`: a program and its data to a posterior.

use super::arguments::{GuideArgument, MethodArgument, RunArguments};
use super::exit::{Exit, Refusal};
use super::files::{self, OutputDirectory, Part};
use super::load::{Loaded, Warnings};
use super::terminal::{Terminal, variable};
use crate::data::Mode;
use crate::inference::{GuideChoice, Level, Method, Options, Progress};
use crate::output::{FitRecord, report, write_summary};
use crate::session::{FitOptions, Fitted, Model, Saved, draw_table, record};
use indicatif::ProgressBar;
use rayon::ThreadPool;
use std::time::Duration;

/// How often the progress line turns.
const TICK: Duration = Duration::from_millis(100);

/// Fits a program to data, prints and saves the result.
pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let is_ours = |path: &std::path::Path| super::summary::is_fit(path);
    let output = arguments.output.as_deref();
    let output =
        output.map(|path| OutputDirectory::claim(path, arguments.force, &is_ours)).transpose()?;
    let pool = thread_pool(arguments.threads)?;
    let warnings = Warnings { quiet: arguments.quiet, deny: arguments.deny_warnings };
    let mut loaded = Loaded::open(&arguments.model, &arguments.data, warnings, terminal)?;
    loaded.largest_table = arguments.max_table.unwrap_or(loaded.largest_table);
    if !arguments.predict {
        loaded.tell_unprinted_reports(terminal)?;
    }
    let directory = files::directory_of(&arguments.model);
    let binding = loaded.bind(&arguments.data, &directory, Mode::Fit, terminal)?;
    let model = loaded.compile(binding)?;
    let fitted = fit(arguments, &loaded, &model, &pool, terminal)?;
    let record = pool.install(|| record(&loaded.document, &model, &fitted, &loaded.told));
    let saved = output.map(|directory| save(&directory, &loaded, &model, &fitted, &record));
    if arguments.json {
        terminal.print_json(&record)?;
    } else {
        terminal.print(&report(&record, &terminal.human(arguments.all)))?;
    }
    if let (Some(Ok(())), Some(path), false) = (&saved, &arguments.output, arguments.quiet) {
        terminal.tell(&format!("saved in {}", path.display()));
    }
    saved.transpose()?;
    Ok(match record.verdict.level {
        Level::DoNotUse if !arguments.exit_zero => Exit::DoNotUse,
        Level::DoNotUse | Level::Caution | Level::Good => Exit::Success,
    })
}

fn fit(
    arguments: &RunArguments,
    loaded: &Loaded,
    model: &Model,
    pool: &ThreadPool,
    terminal: &Terminal,
) -> Result<Fitted, Refusal> {
    let guide = match arguments.guide {
        GuideArgument::Auto => GuideChoice::Auto,
        GuideArgument::MeanField => GuideChoice::MeanField,
        GuideArgument::FullRank => GuideChoice::FullRank,
        GuideArgument::Triangular => GuideChoice::Triangular,
    };
    let method = match arguments.method {
        MethodArgument::Vi => Method::Vi,
        MethodArgument::Nuts => Method::Nuts,
        MethodArgument::Importance => Method::Importance,
        MethodArgument::Laplace => Method::Laplace,
        MethodArgument::Pathfinder => Method::Pathfinder,
        MethodArgument::Map => Method::Map,
    };
    if method != Method::Vi && guide != GuideChoice::Auto {
        let message = format!("`--guide` is for `--method vi`, not for `{}`", method.name());
        return Err(Refusal::new(Exit::Usage, message));
    }
    let mut nuts = Options::default().nuts;
    nuts.draws = nuts.draws.max((arguments.draws as usize).div_ceil(nuts.chains));
    let options = FitOptions {
        inference: Options { method, guide, nuts, ..Options::default() },
        // Short enough to be typed again, and exact in every reader of JSON.
        seed: arguments.seed.unwrap_or_else(|| rand::random::<u32>().into()),
        draws: arguments.draws as usize,
        predict: arguments.predict,
        ..FitOptions::default()
    };
    let bar = if terminal.shows_progress() && !arguments.quiet {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(TICK);
        bar
    } else {
        ProgressBar::hidden()
    };
    let fitted = pool.install(|| {
        model.fit(&options, loaded.timings, &mut |progress| bar.set_message(message(&progress)))
    });
    bar.finish_and_clear();
    fitted.map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))
}

fn message(progress: &Progress) -> String {
    match progress {
        Progress::Started { start, of, elbo: Some(elbo) } => {
            format!("start {} of {of}: ELBO {elbo:.2}", start + 1)
        }
        Progress::Started { start, of, elbo: None } => {
            format!("start {} of {of}: rejected", start + 1)
        }
        Progress::Stepped { mode, iteration, elbo } => {
            format!("mode {}, step {iteration}: ELBO {elbo:.2}", mode + 1)
        }
        Progress::Sampled { chain, of, divergences } => {
            format!("chain {} of {of}: {divergences} divergences", chain + 1)
        }
        Progress::Checked { draws, khat, efficiency } => {
            format!("checked {draws} draws: k-hat {khat:.2}, {:.0} % effective", 100.0 * efficiency)
        }
    }
}

/// The threads a command may use: by its option, by `VIPPL_THREADS`, or all there are.
pub(super) fn thread_pool(option: Option<u16>) -> Result<ThreadPool, Refusal> {
    let threads = match (option, variable("VIPPL_THREADS")) {
        (Some(threads), _) => threads.into(),
        (None, None) => 0,
        (None, Some(text)) => {
            text.parse::<u16>().ok().filter(|n| *n > 0).map(usize::from).ok_or_else(|| {
                let message = format!("VIPPL_THREADS is `{text}`, not a number of threads");
                Refusal::new(Exit::Usage, message)
            })?
        }
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Refusal::new(Exit::Internal, format!("no threads: {error}")))
}

fn save(
    directory: &OutputDirectory,
    loaded: &Loaded,
    model: &Model,
    fitted: &Fitted,
    record: &FitRecord,
) -> Result<(), Refusal> {
    let draws = draw_table(model, fitted);
    let state = Saved::new(&loaded.document, model, fitted);
    let parts: Vec<Part<'_>> = vec![
        ("model.vi", Box::new(|out| out.write_all(loaded.document.text().as_bytes()))),
        (
            "fit.json",
            Box::new(|out| {
                serde_json::to_writer_pretty(&mut *out, record)?;
                out.write_all(b"\n")
            }),
        ),
        ("draws.csv", Box::new(|out| draws.write_csv(out))),
        ("draws.json", Box::new(|out| draws.write_json(out))),
        ("summary.csv", Box::new(|out| write_summary(&record.summary, out))),
        ("state.json", Box::new(|out| Ok(serde_json::to_writer(out, &state)?))),
    ];
    Ok(directory.write(&parts)?)
}
