//! From the names of a program and its data to a model, telling what is found on the way.

use super::exit::{Exit, Refusal};
use super::files::{self, DataReader};
use super::terminal::Terminal;
use crate::data::{Binding, Inputs, Mode};
use crate::diagnostic::{Diagnostic, Severity};
use crate::session::{Document, Model, Timings};
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
    warnings: Warnings,
}

impl Loaded {
    /// Opens a program, telling everything found in it.
    pub(super) fn open(
        model: &Path,
        warnings: Warnings,
        terminal: &Terminal,
    ) -> Result<Self, Refusal> {
        let start = Instant::now();
        let text = files::read_text(model)?;
        let name = if model == Path::new("-") {
            "<stdin>".to_owned()
        } else {
            model.display().to_string()
        };
        let document = Document::open(&name, &text);
        let found = document.diagnostics.clone();
        let mut loaded =
            Loaded { document, told: Vec::new(), timings: Timings::default(), warnings };
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
        let bound = self.document.bind(&tables, mode);
        self.tell(bound.diagnostics, reader.exit(), terminal)?;
        self.timings.bind = start.elapsed();
        bound.value.ok_or_else(|| {
            Refusal::new(Exit::Internal, "the data could not be bound, and nothing says why")
        })
    }

    /// Compiles a bound program.
    pub(super) fn compile(&mut self, binding: Binding) -> Result<Model, Refusal> {
        let start = Instant::now();
        let model = Model::compile(binding)
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
