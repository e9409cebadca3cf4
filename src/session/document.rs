//! Program text to a checked program, with everything there is to say about it at once.

use crate::check;
use crate::data::{self, Binding, Mode, Tables};
use crate::diagnostic::{Checked, Diagnostic, Severity, Slug};
use crate::source::{SourceId, Sources};
use crate::syntax;
use crate::typed::{self, Plane, Role};

/// An opened program.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name, as reports show it.
    pub name: String,
    /// Its text, for reports.
    pub sources: Sources,
    /// What the parser and the checker found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    id: SourceId,
    typed: typed::Program,
}

impl Document {
    /// Parses and checks a program.
    pub fn open(name: &str, text: &str) -> Self {
        let mut sources = Sources::default();
        let id = sources.add(name, text);
        let parsed = syntax::parser::parse(id, text);
        let checked = check::check(&parsed.value);
        let mut diagnostics = parsed.diagnostics;
        diagnostics.extend(checked.diagnostics);
        diagnostics.sort_by_key(|d| d.primary.as_ref().map_or(0, |label| label.span.start));
        Document { name: name.to_owned(), sources, diagnostics, id, typed: checked.value }
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

    /// Binds the program to data, for fitting or for predicting.
    pub fn bind(&self, tables: &Tables, mode: Mode<'_>) -> Checked<Option<Binding>> {
        if self.has_errors() {
            return Checked { value: None, diagnostics: Vec::new() };
        }
        data::bind(self.typed.clone(), tables, mode)
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
