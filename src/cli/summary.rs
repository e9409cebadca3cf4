//! `vippl summary`: a saved fit, printed again.

use super::arguments::SummaryArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::terminal::Terminal;
use crate::output::{FIT_SCHEMA, FitRecord, report};
use std::path::Path;

/// Prints a saved fit.
pub(super) fn summary(arguments: &SummaryArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let path = arguments.directory.join("fit.json");
    let text = files::read_input(&path)?;
    let record = parse(&text).map_err(|why| {
        Refusal::new(Exit::Data, format!("`{}` is not a saved fit: {why}", path.display()))
    })?;
    if arguments.json {
        terminal.print_json(&record)?;
    } else {
        terminal.print(&report(&record, &terminal.human(arguments.all)))?;
    }
    Ok(Exit::Success)
}

/// Whether a directory holds a saved fit.
pub(super) fn is_fit(directory: &Path) -> bool {
    files::read(&directory.join("fit.json")).is_ok_and(|text| parse(&text).is_ok())
}

fn parse(text: &[u8]) -> Result<FitRecord, String> {
    let record: FitRecord = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if record.schema == FIT_SCHEMA {
        Ok(record)
    } else {
        Err(format!("its schema is `{}`, not `{FIT_SCHEMA}`", record.schema))
    }
}
