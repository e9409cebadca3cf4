//! From the names of a program and its data to a model, telling what is found on the way.

use super::exit::{Exit, Refusal};
use super::files::{self, DataReader};
use super::terminal::Terminal;
use crate::data::{Binding, Inputs, Mode};
use crate::diagnostic::{Diagnostic, Severity};
use crate::session::{Document, Model, Timings, usual_table};
use std::path::Path;
use std::time::Instant;

/// What to do with warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Warnings {
    /// Whether to tell them.
    pub(super) quiet: bool,
    /// Whether to stop at them.
    pub(super) deny: bool,
}

/// A checked program, with what was told of it and the time it took.
pub(super) struct Loaded {
    pub(super) document: Document,
    pub(super) told: Vec<Diagnostic>,
    pub(super) timings: Timings,
    /// The most entries of a table in which finite latents are summed out.
    pub(super) largest_table: usize,
    warnings: Warnings,
}

impl Loaded {
    /// Opens a program, telling everything found in it; `data` is what else was given. What the
    /// program imports is read from files.
    pub(super) fn open(
        model: &Path,
        data: &[String],
        warnings: Warnings,
        terminal: &Terminal,
    ) -> Result<Self, Refusal> {
        let folder = files::directory_of(model);
        let read = |path: &Path| files::read(&folder.join(path));
        Self::open_with(model, data, &read, warnings, terminal)
    }

    /// Opens a program; `read` gives what it imports, by paths relative to it.
    pub(super) fn open_with(
        model: &Path,
        data: &[String],
        read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
        warnings: Warnings,
        terminal: &Terminal,
    ) -> Result<Self, Refusal> {
        let start = Instant::now();
        refuse_a_table(model, data)?;
        let text = files::read_text(model)?;
        let name = if model == Path::new("-") {
            "<stdin>".to_owned()
        } else {
            model.display().to_string()
        };
        let mut document = Document::open_in(&files::directory_of(model), &name, &text, read);
        if document.has_errors() && !data.is_empty() {
            let reader = DataReader::default();
            let read = |path: &Path| reader.read(path);
            let folder = files::directory_of(model);
            let tables = Inputs::parse(data).read(document.typed(), &folder, &read);
            document.blame_missing_data_line(&tables);
        }
        let found = document.diagnostics.clone();
        let largest_table = usual_table();
        let (told, timings) = (Vec::new(), Timings::default());
        let mut loaded = Loaded { document, told, timings, largest_table, warnings };
        loaded.tell(found, Exit::Program, terminal)?;
        loaded.timings.check = start.elapsed();
        Ok(loaded)
    }

    /// Binds the program to data, telling everything found in them.
    pub(super) fn bind(
        &mut self,
        data: &[String],
        directory: &Path,
        mode: Mode<'_>,
        terminal: &Terminal,
    ) -> Result<Binding, Refusal> {
        let start = Instant::now();
        let reader = DataReader::default();
        let read = |path: &Path| reader.read(path);
        let tables = Inputs::parse(data).read(self.document.typed(), directory, &read);
        let bound = self.document.bind_within(&tables, mode, self.largest_table);
        self.tell(bound.diagnostics, reader.exit(), terminal)?;
        self.timings.bind = start.elapsed();
        bound.value.ok_or_else(|| {
            Refusal::new(Exit::Internal, "the data could not be bound, and nothing says why")
        })
    }

    /// Tells which reports a run without predictions does not print.
    pub(super) fn tell_unprinted_reports(&mut self, terminal: &Terminal) -> Result<(), Refusal> {
        self.tell(self.document.unprinted_reports(), Exit::Program, terminal)
    }

    /// Compiles a bound program.
    pub(super) fn compile(&mut self, binding: Binding) -> Result<Model, Refusal> {
        let start = Instant::now();
        let model = Model::compile_within(binding, self.largest_table)
            .map_err(|failure| Refusal::from_failure(failure, &self.document.sources))?;
        self.timings.compile = start.elapsed();
        Ok(model)
    }

    /// Tells what was found; errors, and warnings where they are denied, refuse.
    fn tell(
        &mut self,
        found: Vec<Diagnostic>,
        exit: Exit,
        terminal: &Terminal,
    ) -> Result<(), Refusal> {
        let sources = &self.document.sources;
        if found.iter().any(Diagnostic::is_error) {
            return Err(Refusal::with_places(exit, found, sources));
        }
        let is_warning = |d: &Diagnostic| d.severity == Severity::Warning;
        if self.warnings.deny && found.iter().any(is_warning) {
            let mut refusal = Refusal::with_places(Exit::Program, found, sources);
            refusal.messages.push("there are warnings, and --deny-warnings was given".to_owned());
            return Err(refusal);
        }
        if !self.warnings.quiet {
            terminal.diagnostics(&found, sources);
        }
        self.told.extend(found);
        Ok(())
    }
}

/// A file of data where the program should be, as in `vippl run data.csv model.vi`.
fn refuse_a_table(model: &Path, data: &[String]) -> Result<(), Refusal> {
    let is = |path: &Path, endings: &[&str]| {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        ending.is_some_and(|e| endings.contains(&e.as_str()))
    };
    if !is(model, &["csv", "tsv", "json", "xlsx", "xls"]) {
        return Ok(());
    }
    let shown = model.display();
    let program = data.iter().find(|d| is(Path::new(d.as_str()), &["vi"]));
    let message = match program {
        Some(program) => format!(
            "the program comes first, then the data: write `{program} {shown}`, not \
             `{shown} {program}`"
        ),
        None => format!(
            "`{shown}` is a file of data, not a program: write `MODEL.vi {shown}` with the name \
             of your program"
        ),
    };
    Err(Refusal::new(Exit::Usage, message))
}
