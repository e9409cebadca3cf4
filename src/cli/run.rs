//! `vippl run`: a program and its data to a posterior.

use super::arguments::{AlgorithmArgument, GuideArgument, MethodArgument, RunArguments};
use super::exit::{Exit, Refusal};
use super::files::{self, OutputDirectory, Part};
use super::load::{Loaded, Warnings};
use super::terminal::{Terminal, variable};
use crate::data::Mode;
use crate::inference::{Algorithm, GuideChoice, Level, Method, Options};
use crate::output::{FitRecord, report, write_summary};
use crate::session::{FitOptions, Fitted, Model, Saved, Stage, draw_table, record};
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
    let mut loaded =
        Loaded::open(&arguments.model, &arguments.data, Stage::Whole, warnings, terminal)?;
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
    if fitted.fit.diagnostics.interrupted {
        return Ok(Exit::Interrupted);
    }
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
    let (guide, method) = (guide(arguments.guide), method(arguments.method));
    let algorithm = match arguments.algorithm {
        AlgorithmArgument::Auto => Algorithm::Auto,
        AlgorithmArgument::Natural => Algorithm::Natural,
        AlgorithmArgument::Fixed => Algorithm::Fixed,
        AlgorithmArgument::Stochastic => Algorithm::Stochastic,
        AlgorithmArgument::Score => Algorithm::Score,
    };
    if method != Method::Vi {
        let options =
            [("guide", guide != GuideChoice::Auto), ("algorithm", algorithm != Algorithm::Auto)];
        if let Some((name, _)) = options.into_iter().find(|(_, given)| *given) {
            let message = format!("`--{name}` is for `--method vi`, not for `{}`", method.name());
            return Err(Refusal::new(Exit::Usage, message));
        }
    }
    let mut nuts = Options::default().nuts;
    nuts.draws = nuts.draws.max((arguments.draws as usize).div_ceil(nuts.chains));
    let options = FitOptions {
        inference: Options { method, guide, algorithm, nuts, ..Options::default() },
        seed: seed(arguments.seed),
        draws: arguments.draws as usize,
        predict: arguments.predict,
        ..FitOptions::default()
    };
    let threads = pool.current_num_threads();
    let afford = model.afford(&options.inference, available(arguments.memory), threads);
    afford.map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))?;
    let interrupt = options.inference.interrupt.clone();
    // Without a handler an interrupt ends the process at once, as it would otherwise.
    let _ = ctrlc::set_handler(move || {
        if interrupt.is_raised() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        interrupt.raise();
    });
    let bar = if terminal.shows_progress() && !arguments.quiet {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(TICK);
        bar
    } else {
        ProgressBar::hidden()
    };
    let fitted = pool.install(|| {
        model.fit(&options, loaded.timings, &mut |progress| bar.set_message(progress.to_string()))
    });
    bar.finish_and_clear();
    fitted.map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))
}

/// The seed that was given, or one of the system's: short enough to be typed again, and exact in every
/// reader of JSON.
pub(super) fn seed(given: Option<u64>) -> u64 {
    given.unwrap_or_else(|| rand::random::<u32>().into())
}

/// The bytes that a fit may take: as many GiB as were given, or what is free.
fn available(given: Option<f64>) -> f64 {
    given.map_or_else(files::free_memory, |gib| gib * f64::from(1 << 30))
}

pub(super) fn guide(argument: GuideArgument) -> GuideChoice {
    match argument {
        GuideArgument::Auto => GuideChoice::Auto,
        GuideArgument::MeanField => GuideChoice::MeanField,
        GuideArgument::FullRank => GuideChoice::FullRank,
        GuideArgument::Triangular => GuideChoice::Triangular,
    }
}

pub(super) fn method(argument: MethodArgument) -> Method {
    match argument {
        MethodArgument::Vi => Method::Vi,
        MethodArgument::Nuts => Method::Nuts,
        MethodArgument::Importance => Method::Importance,
        MethodArgument::Laplace => Method::Laplace,
        MethodArgument::Pathfinder => Method::Pathfinder,
        MethodArgument::Map => Method::Map,
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
