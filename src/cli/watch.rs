//! `vippl watch`: a program and its data, checked again whenever one of them is saved.

use super::arguments::{CheckArguments, Command, ProgramArguments, RunArguments, WatchArguments};
use super::exit::{Exit, Refusal};
use super::terminal::Terminal;
use super::{check, files, run};
use crate::data::Argument;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const POLL: Duration = Duration::from_millis(200);

/// When each file was changed last, and how long it is; nothing for one that is not there.
type Stamps = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Checks, and fits if asked to, until the process is ended.
pub(super) fn watch(arguments: &WatchArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let mut seen: Option<Stamps> = None;
    let mut round = 0;
    loop {
        let stamps = stamps(arguments);
        if seen.as_ref() == Some(&stamps) {
            thread::sleep(POLL);
            continue;
        }
        round += 1;
        if round > 1 {
            terminal.tell(&format!("\n== {} was saved", arguments.model.display()));
        }
        seen = Some(stamps);
        let result = once(arguments, terminal);
        if let Err(refusal) = &result {
            super::refuse(refusal, false, terminal);
        }
        if arguments.rounds.is_some_and(|rounds| round >= rounds) {
            return result;
        }
    }
}

fn once(arguments: &WatchArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let program = ProgramArguments {
        model: arguments.model.clone(),
        data: arguments.data.clone(),
        json: false,
        deny_warnings: false,
        max_table: None,
    };
    if !arguments.fit {
        return check::check(&CheckArguments { program }, terminal);
    }
    let mut words = vec!["vippl".into(), "run".into(), arguments.model.clone().into_os_string()];
    words.extend(arguments.data.iter().map(Into::into));
    match Command::parsed(words) {
        Some(Command::Run(arguments)) => {
            let arguments: RunArguments = arguments;
            run::run(&arguments, terminal)
        }
        Some(_) | None => {
            Err(Refusal::new(Exit::Usage, "the data are no arguments of `vippl run`"))
        }
    }
}

/// The program, its data and everything of the language beside it.
fn stamps(arguments: &WatchArguments) -> Stamps {
    let folder = files::directory_of(&arguments.model);
    let mut paths = vec![arguments.model.clone()];
    for data in &arguments.data {
        match Argument::parse(data) {
            Argument::File(path) | Argument::NamedFile { path, .. } => paths.push(path),
            Argument::Scalar { .. } => {}
        }
    }
    let beside = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    for entry in std::fs::read_dir(beside).into_iter().flatten().flatten() {
        let path = entry.path();
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if ending.is_some_and(|e| matches!(e.as_str(), "vi" | "csv" | "json" | "tsv")) {
            paths.push(path);
        }
    }
    let stamp = |path: PathBuf| {
        let known = std::fs::metadata(&path).ok();
        let stamp = known.and_then(|m| Some((m.modified().ok()?, m.len())));
        (path, stamp)
    };
    paths.into_iter().map(stamp).collect()
}
