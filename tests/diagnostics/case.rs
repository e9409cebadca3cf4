//! Runs one small program through parsing, checking and binding, and compares what is said with
//! the markers in its text.
//!
//! `# error[slug]`, `# warning[slug]` or `# note[slug]` at the end of a line stands for one
//! diagnostic whose primary label begins on that line; on a line of its own, for one without a
//! place in the program (it may have one in a module). A line `# data: file.csv n=3` gives what a user would type after the program. A line
//! `# fixable` promises that the offered edits together leave no error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vippl::data::{Inputs, Mode, read_file};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::diagnostic::{Diagnostic, Edit, Severity};
use vippl::session::Document;
use vippl::source::{SourceId, Sources};

/// Line (0 for none), severity and slug, with how often they occur.
pub(crate) type Marks = BTreeMap<(usize, String), usize>;

/// A program and the arguments of its header.
pub(crate) struct Case {
    /// The directory that arguments are relative to.
    directory: PathBuf,
    name: String,
    text: String,
    arguments: Option<Vec<String>>,
    /// Whether the edits together must leave no error.
    pub(crate) fixable: bool,
}

impl Case {
    /// The program in a file.
    pub(crate) fn read(path: &Path) -> Case {
        let text = std::fs::read_to_string(path).unwrap();
        Case::of(path.parent().unwrap(), &path.file_name().unwrap().to_string_lossy(), &text)
    }

    /// A program with data beside it.
    pub(crate) fn of(directory: &Path, name: &str, text: &str) -> Case {
        let header = text.lines().find_map(|line| line.strip_prefix("# data:"));
        let arguments = header.map(|h| h.split_whitespace().map(str::to_owned).collect());
        Case {
            directory: directory.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
            arguments,
            fixable: text.lines().any(|line| line == "# fixable"),
        }
    }

    /// The same with other text.
    fn with_text(&self, text: String) -> Case {
        Case {
            directory: self.directory.clone(),
            name: self.name.clone(),
            text,
            arguments: self.arguments.clone(),
            fixable: self.fixable,
        }
    }

    /// Everything that is said about the program.
    pub(crate) fn diagnostics(&self) -> (Vec<Diagnostic>, Sources) {
        let read = |path: &Path| read_file(&self.directory.join(path));
        let document = Document::open_in(Path::new(""), &self.name, &self.text, &read);
        let mut diagnostics = document.diagnostics.clone();
        if let Some(arguments) = &self.arguments
            && !document.has_errors()
        {
            let tables = Inputs::parse(arguments).read(document.typed(), Path::new(""), &read);
            diagnostics.extend(document.bind(&tables, Mode::Fit).diagnostics);
        }
        // Only the text of the case is edited here.
        for diagnostic in &mut diagnostics {
            diagnostic.edits.retain(|edit| edit.span.source == SourceId(0));
        }
        (diagnostics, document.sources)
    }

    /// The markers in the text.
    pub(crate) fn expected(&self) -> Marks {
        let mut marks = Marks::new();
        for (at, line) in self.text.lines().enumerate() {
            let number = if line.starts_with('#') { 0 } else { at + 1 };
            for severity in ["error[", "warning[", "note["] {
                for (start, _) in line.match_indices(severity) {
                    let end = start + line[start..].find(']').unwrap() + 1;
                    *marks.entry((number, line[start..end].to_owned())).or_default() += 1;
                }
            }
        }
        marks
    }

    /// What was said, as marks.
    pub(crate) fn found(&self, diagnostics: &[Diagnostic]) -> Marks {
        let mut marks = Marks::new();
        for diagnostic in diagnostics {
            let line = diagnostic
                .primary
                .as_ref()
                .filter(|label| label.span.source == SourceId(0))
                .map_or(0, |label| self.text[..label.span.range().start].matches('\n').count() + 1);
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let mark = format!("{severity}[{}]", diagnostic.slug.name());
            *marks.entry((line, mark)).or_default() += 1;
        }
        marks
    }

    /// What a user reads.
    pub(crate) fn rendered(&self) -> String {
        let (diagnostics, sources) = self.diagnostics();
        render(&diagnostics, &sources, &RenderOptions::default())
    }

    /// The program with edits applied.
    pub(crate) fn edited(&self, mut edits: Vec<Edit>) -> Case {
        edits.sort_by_key(|e| (e.span.start, e.span.end));
        edits.dedup();
        let mut text = self.text.clone();
        for edit in edits.iter().rev() {
            text.replace_range(edit.span.range(), &edit.replacement);
        }
        self.with_text(text)
    }
}
