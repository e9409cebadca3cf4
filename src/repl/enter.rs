//! Equations into the program: each replaces the one that defined the same name.

use super::{Answer, Piece, Repl, State};
use crate::diagnostic::{Diagnostic, Severity};
use crate::session::{self, Stage};

impl Repl<'_> {
    /// Adds what was typed, if the program still checks with it.
    pub(super) fn equations(&mut self, text: &str) -> Answer {
        let name = format!("entry {}", self.entries);
        self.adopt(self.state.clone(), &name, text)
    }

    /// Makes a state with more statements that of the session, or says why not.
    pub(super) fn adopt(&mut self, mut state: State, name: &str, text: &str) -> Answer {
        let new = split(name, text);
        let mut replaced = Vec::new();
        for piece in &new {
            // The first name says which statement: a table, a left side.
            let Some(key) = piece.defined.first() else { continue };
            let same = |other: &Piece| other.defined.first() == Some(key);
            if let Some(at) = state.pieces.iter().position(same) {
                state.pieces.remove(at);
                replaced.push(key.1.clone());
            }
        }
        state.pieces.extend(new.iter().cloned());
        let document = self.open(&state, Stage::Draft);
        let (errors, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
            document.diagnostics.iter().cloned().partition(Diagnostic::is_error);
        if !errors.is_empty() {
            return Answer::refused(self.rendered(&errors, &document.sources));
        }
        let (report, problems) = self.look(&document, &state.data);
        let was_bound = {
            let before = self.open(&self.state, Stage::Draft);
            self.look(&before, &self.state.data).0.is_some()
        };
        if !problems.is_empty() && (was_bound || report.is_none() && !state.data.is_empty()) {
            return Answer::refused(self.rendered(&problems, &document.sources));
        }
        let warnings: Vec<Diagnostic> = others
            .into_iter()
            .filter(|d| d.severity == Severity::Warning)
            .filter(|d| is_about(d, &document, &new))
            .collect();
        let mut lines = Vec::new();
        if !warnings.is_empty() {
            lines.push(self.rendered(&warnings, &document.sources));
        }
        lines.extend(self.told(&document, report.as_ref(), &new, &replaced));
        lines.extend(self.keep_fit(&state));
        if state != self.state {
            self.past.push(std::mem::replace(&mut self.state, state));
        }
        Answer::told(lines.join("\n"))
    }
}

/// Whether a diagnostic is in one of these statements.
fn is_about(diagnostic: &Diagnostic, document: &session::Document, pieces: &[Piece]) -> bool {
    let Some(label) = &diagnostic.primary else { return true };
    let source = document.sources.get(label.span.source);
    source.is_some_and(|source| {
        pieces.iter().any(|piece| piece.name == source.name && piece.placed() == source.text)
    })
}

/// The statements of a text, to be pieces of a program.
pub(super) fn split(name: &str, text: &str) -> Vec<Piece> {
    let pieces = session::pieces(text).into_iter().map(|piece| Piece {
        name: name.to_owned(),
        offset: text[..piece.range.start].matches('\n').count(),
        text: text[piece.range].trim_end().to_owned(),
        defined: piece.defined.into_iter().map(|d| (d.sort, d.name)).collect(),
    });
    pieces.filter(|piece| !piece.text.trim().is_empty()).collect()
}
