//! Program text to a checked program, with everything there is to say about it at once.

use super::cost::{costly, usual_table};
use crate::check;
use crate::data::{self, Binding, Mode, Tables};
use crate::diagnostic::{Checked, Diagnostic, Severity, Slug};
use crate::expand::{self, Modules, Read};
use crate::source::{SourceId, Sources};
use crate::syntax;
use crate::typed::{self, Plane, Role};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

/// An opened program.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name, as reports show it.
    pub name: String,
    /// Its text, for reports.
    pub sources: Sources,
    /// What the parser, expansion and the checker found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    id: SourceId,
    modules: Modules,
    typed: typed::Program,
}

impl Document {
    /// Parses and checks a program that imports nothing but the standard library.
    pub fn open(name: &str, text: &str) -> Self {
        let no_files = |_: &Path| Err(io::Error::new(io::ErrorKind::NotFound, "no files here"));
        Self::open_in(Path::new(""), name, text, &no_files)
    }

    /// Parses and checks a program; `read` reads the modules that it imports, by their paths
    /// relative to its folder.
    pub fn open_in(folder: &Path, name: &str, text: &str, read: &Read<'_>) -> Self {
        let mut sources = Sources::default();
        let id = sources.add(name, text);
        let parsed = syntax::parser::parse(id, text);
        let modules = Modules::load(&parsed.value, folder, &mut sources, read);
        let expanded = expand::expand(&parsed.value, &modules.value, &mut sources);
        let checked = check::check(&expanded.value);
        let mut diagnostics = parsed.diagnostics;
        diagnostics.extend(modules.diagnostics);
        diagnostics.extend(expanded.diagnostics);
        diagnostics.extend(checked.diagnostics);
        let diagnostics = in_order(diagnostics, &sources);
        let (name, modules) = (name.to_owned(), modules.value);
        Document { name, sources, diagnostics, id, modules, typed: checked.value }
    }

    /// The texts of the files that the program imports, by their paths relative to it.
    pub fn imported(&self) -> BTreeMap<String, String> {
        let text = |source| self.sources.get(source).map_or(String::new(), |s| s.text.clone());
        let files = self.modules.files();
        files.map(|(path, source)| (path.display().to_string(), text(source))).collect()
    }

    /// Whether the program has a mistake.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The checked program; complete only without errors.
    pub fn typed(&self) -> &typed::Program {
        &self.typed
    }

    /// The text of the program.
    pub fn text(&self) -> &str {
        self.sources.get(self.id).map_or("", |source| source.text.as_str())
    }

    /// Forgets the files that the program names: a saved fit has its data already.
    pub fn forget_default_files(&mut self) {
        for table in &mut self.typed.tables {
            table.from = None;
        }
        for variable in &mut self.typed.variables {
            match &mut variable.role {
                Role::Data(entry) => entry.from = None,
                Role::Derived(_) | Role::Latent(_) | Role::Predicted(_) => {}
            }
        }
    }

    /// Where a program without a `data` line is given a file with columns, that is what is wrong
    /// with it, and not the names that it leaves unknown.
    pub fn blame_missing_data_line(&mut self, tables: &Tables) {
        let is_declared = self.text().lines().any(|line| line.trim_start().starts_with("data"));
        if is_declared || !self.has_errors() {
            return;
        }
        if let Some(problem) = data::data_line(self.id, self.text(), tables) {
            self.diagnostics.retain(|d| is_about_syntax(d.slug));
            self.diagnostics.insert(0, problem);
        }
    }

    /// Notes for reports of predictions, which a run without predictions does not print.
    pub fn unprinted_reports(&self) -> Vec<Diagnostic> {
        let reports = self.typed.reports.iter().map(|v| self.typed.variable(*v));
        let predicted = reports.filter(|v| v.plane == Plane::Predicted);
        let note = |name: &str, span| {
            Diagnostic::new(
                Slug::PredictedName,
                Severity::Note,
                format!("`{name}` is computed from predictions, so it is not printed"),
            )
            .at(span, "reported here")
            .help("add `--predict` to draw the predictions and print it")
        };
        predicted.map(|v| note(&v.name, v.span)).collect()
    }

    /// Binds the program to data, for fitting or for predicting. No value either where it would
    /// cost too much to sum out its latents with finitely many values.
    pub fn bind(&self, tables: &Tables, mode: Mode<'_>) -> Checked<Option<Binding>> {
        self.bind_within(tables, mode, usual_table())
    }

    /// The same with tables of as many entries as are allowed.
    pub fn bind_within(
        &self,
        tables: &Tables,
        mode: Mode<'_>,
        largest_table: usize,
    ) -> Checked<Option<Binding>> {
        if self.has_errors() {
            return Checked { value: None, diagnostics: Vec::new() };
        }
        let mut bound = data::bind(self.typed.clone(), tables, mode);
        // A prediction sums nothing out.
        let summed = bound.value.as_ref().filter(|_| matches!(mode, Mode::Fit));
        if let Some(problem) = summed.and_then(|b| costly(&b.program, largest_table)) {
            bound.diagnostics.push(problem);
            bound.value = None;
        }
        bound
    }
}

/// Whether a mistake is one of the text, whatever its names mean.
fn is_about_syntax(slug: Slug) -> bool {
    matches!(
        slug,
        Slug::UnexpectedCharacter
            | Slug::UnexpectedToken
            | Slug::UnterminatedString
            | Slug::BadNumber
            | Slug::UnbalancedBracket
            | Slug::TooDeep
            | Slug::ForeignSyntax
            | Slug::AmbiguousElse
            | Slug::ChainedComparison
            | Slug::BadLeftSide
            | Slug::UnknownFunction
            | Slug::WrongArguments
            | Slug::NamedArgumentsOnly
    )
}

/// Diagnostics in the order of the program, at places of files. What is wrong in the body of a
/// function is said once, however often the function is called.
fn in_order(mut diagnostics: Vec<Diagnostic>, sources: &Sources) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| d.primary.as_ref().map(|label| sources.order(label.span)));
    let mut seen = HashSet::new();
    diagnostics.retain(|d| {
        let place = d.primary.as_ref().map(|label| sources.written(label.span));
        let used = d.primary.as_ref().is_some_and(|label| !sources.uses(label.span).is_empty());
        !used || seen.insert((d.slug, place, d.message.clone()))
    });
    diagnostics.into_iter().map(|d| d.placed(sources)).collect()
}
