//! The line being typed: its colours, what can complete it, and whether it goes on.

use crate::output::Style;
use crate::repl::{COMMANDS, Repl};
use crate::session::{
    Candidate, CandidateKind, Class, Completion, Document, Index, classes, complete,
};
use rustyline::Context;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use std::borrow::Cow;

/// What is known while a line is typed.
pub(super) struct Helper {
    style: Style,
    program: String,
    data: Vec<String>,
    files: FilenameCompleter,
}

impl Helper {
    pub(super) fn new(style: Style) -> Self {
        Helper { style, program: String::new(), data: Vec::new(), files: FilenameCompleter::new() }
    }

    /// Looks at the program as it is before the next line.
    pub(super) fn look(&mut self, repl: &Repl<'_>) {
        self.program = repl.text();
        self.data = repl.columns();
    }

    /// What can be written at a place of the line, as if it followed the program.
    fn candidates(&self, line: &str, at: usize) -> Completion {
        let text = format!("{}{line}", self.program);
        let document = Document::open("session", &text);
        let index = Index::of(document.written());
        let mut found = complete(&document, &index, &self.data, &text, self.program.len() + at);
        found.range.start = found.range.start.saturating_sub(self.program.len());
        found.range.end = found.range.end.saturating_sub(self.program.len());
        found
    }
}

impl rustyline::Helper for Helper {}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        if let Some(command) = line.trim_start().strip_prefix(':') {
            let name = command.split_whitespace().next().unwrap_or("");
            if !command.contains(char::is_whitespace) {
                let start = at.saturating_sub(name.len());
                let fitting = COMMANDS.iter().filter(|c| c.name.starts_with(name));
                let pair = |c: &crate::repl::Command| Pair {
                    display: format!(":{}", c.name),
                    replacement: format!("{} ", c.name),
                };
                return Ok((start, fitting.map(pair).collect()));
            }
            if COMMANDS.iter().any(|c| c.name.starts_with(name) && c.takes_files) {
                return self.files.complete(line, at, context);
            }
        }
        let found = self.candidates(line, at);
        if found.wants_path {
            return self.files.complete(line, at, context);
        }
        let typed = line.get(found.range.clone()).unwrap_or("");
        let fits = |c: &&Candidate| c.label.starts_with(typed);
        let pair = |c: &Candidate| Pair {
            display: c.label.clone(),
            replacement: match c.kind {
                CandidateKind::Family | CandidateKind::Function => format!("{}(", c.insert),
                CandidateKind::Keyword
                | CandidateKind::Parameter
                | CandidateKind::Column
                | CandidateKind::Axis
                | CandidateKind::Name => c.insert.clone(),
            },
        };
        Ok((found.range.start, found.candidates.iter().filter(fits).map(pair).collect()))
    }
}

impl Hinter for Helper {
    type Hint = String;
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if !self.style.color || line.trim_start().starts_with(':') {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len() * 2);
        let mut done = 0;
        for (range, class) in classes(line) {
            let Some(code) = color(class) else { continue };
            out.push_str(&line[done..range.start]);
            out.push_str(&format!("\u{1b}[{code}m{}\u{1b}[0m", &line[range.clone()]));
            done = range.end;
        }
        out.push_str(&line[done..]);
        Cow::Owned(out)
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.style.color
    }
}

/// The colour of a class, as a terminal takes it.
fn color(class: Class) -> Option<&'static str> {
    match class {
        Class::Keyword => Some("35"),
        Class::Family => Some("36"),
        Class::Function => Some("34"),
        Class::Parameter => Some("33"),
        Class::Number | Class::String => Some("32"),
        Class::Comment => Some("2"),
        Class::Name | Class::Operator => None,
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        // A blank line ends an entry that could go on, and shows what is wrong with it.
        let ends = text.ends_with('\n') || Repl::is_complete(text);
        Ok(if ends { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}
