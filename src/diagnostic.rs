//! What is told to a user about a program or its data: facts here, drawing in [`render`].

pub mod render;
mod slug;

pub use slug::Slug;

use crate::source::{Sources, Span};

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing need change.
    Note,
    /// Probably not what was meant; the program still runs.
    Warning,
    /// The program or its data cannot be used.
    Error,
}

/// A place in the program and what it has to do with the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A short text beside the place.
    pub text: String,
}

/// A replacement of text that would solve the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What to replace; empty to insert.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// One message in four parts: what is wrong, here, because, try this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of the kind of problem; `vippl explain SLUG` prints its page.
    pub slug: Slug,
    /// Error, warning or note.
    pub severity: Severity,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// Here: the offending place. Absent for problems that are not in a program (a missing file).
    pub primary: Option<Label>,
    /// Because: other places that explain it (a declaration that conflicts, …).
    pub secondary: Vec<Label>,
    /// Because: facts without a place in the program (file, row, column and text of a cell, …).
    pub notes: Vec<String>,
    /// Try this, in words.
    pub help: Option<String>,
    /// Try this, as text edits that an editor can apply.
    pub edits: Vec<Edit>,
}

impl Diagnostic {
    /// An error at a place. The label repeats nothing: `here` says what this place is.
    pub fn error(
        slug: Slug,
        message: impl Into<String>,
        span: Span,
        here: impl Into<String>,
    ) -> Self {
        Self::new(slug, Severity::Error, message).at(span, here)
    }

    /// A warning at a place.
    pub fn warning(
        slug: Slug,
        message: impl Into<String>,
        span: Span,
        here: impl Into<String>,
    ) -> Self {
        Self::new(slug, Severity::Warning, message).at(span, here)
    }

    /// A diagnostic without a place yet.
    pub fn new(slug: Slug, severity: Severity, message: impl Into<String>) -> Self {
        Diagnostic {
            slug,
            severity,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
            edits: Vec::new(),
        }
    }

    /// Sets the primary place.
    pub fn at(mut self, span: Span, here: impl Into<String>) -> Self {
        self.primary = Some(Label { span, text: here.into() });
        self
    }

    /// Adds a place that explains the problem.
    pub fn because(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact that has no place in the program.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Offers a text edit.
    pub fn edit(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.edits.push(Edit { span, replacement: replacement.into() });
        self
    }

    /// The same at places of files: a place in the body of a definition also shows where that is
    /// used. A text that comes with the language is not to be mended, so there the use comes first.
    pub fn placed(mut self, sources: &Sources) -> Self {
        let Some(primary) = &mut self.primary else { return self };
        let mut uses = sources.uses(primary.span);
        primary.span = sources.written(primary.span);
        for label in &mut self.secondary {
            label.span = sources.written(label.span);
        }
        let embedded = |span: Span| sources.get(span.source).is_some_and(|s| s.embedded);
        if embedded(primary.span)
            && let Some(own) = uses.iter().position(|span| !embedded(*span))
        {
            let label = Label { span: uses.remove(own), text: "in this use".to_owned() };
            self.secondary.insert(0, std::mem::replace(primary, label));
        }
        for span in uses {
            self.secondary.push(Label { span, text: "in this use".to_owned() });
        }
        for edit in &mut self.edits {
            edit.span = sources.written(edit.span);
        }
        if self.edits.iter().any(|edit| embedded(edit.span)) {
            self.edits.clear();
        }
        self
    }

    /// Whether the program cannot be used because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What a front phase returns: a value even where the user made mistakes, and all it has to say.
#[derive(Clone, Debug)]
pub struct Checked<T> {
    /// The best value that could be made.
    pub value: T,
    /// Everything found, in the order of the program.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Checked<T> {
    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
