//! What a user types, entry by entry, to a program, its fit and answers; no terminal in sight.
//!
//! Invariant: after every entry the program is one that checks as a draft, whatever was typed: an
//! entry with a mistake is answered and changes nothing.

mod command;
mod commands;
mod enter;
mod evaluate;
mod fit;
mod tell;

pub use command::{COMMANDS, Command};

use crate::data::{BindingReport, Inputs, Mode, Tables};
use crate::diagnostic::render::{RenderOptions, render};
use crate::diagnostic::{Diagnostic, Slug};
use crate::output::HumanOptions;
use crate::session::{Document, Failure, Sort, Stage};
use crate::source::Sources;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a session asks of the process around it.
pub trait Host: Sync {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Replaces a file, or leaves it as it is.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn write(&self, path: &Path, text: &str) -> io::Result<()>;

    /// Lets the user change a text.
    ///
    /// # Errors
    ///
    /// If there is no editor, or it fails.
    fn edit(&self, text: &str) -> io::Result<String>;

    /// Whether the user has asked to leave what is running.
    fn is_cancelled(&self) -> bool;

    /// Shows what is running; an empty text takes it away.
    fn progress(&self, message: &str);
}

/// How a session answers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How results are drawn.
    pub human: HumanOptions,
    /// How diagnostics are drawn.
    pub diagnostics: RenderOptions,
    /// The seed of fits and draws.
    pub seed: u64,
}

/// What an entry is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text, without a final newline.
    pub text: String,
    /// Whether the entry was refused.
    pub refused: bool,
    /// Whether the session ends here.
    pub ends: bool,
}

impl Answer {
    fn told(text: impl Into<String>) -> Self {
        let text = text.into().trim_end().to_owned();
        Answer { text, ..Answer::default() }
    }

    fn refused(text: impl Into<String>) -> Self {
        Answer { refused: true, ..Answer::told(text) }
    }
}

/// A statement of the program.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    /// What its source is called in messages.
    name: String,
    /// Its lines, the comments before it included.
    text: String,
    /// How many lines of its source come before it.
    offset: usize,
    /// The names it defines.
    defined: Vec<(Sort, String)>,
}

impl Piece {
    /// The text at the lines that it has in its source.
    fn placed(&self) -> String {
        "\n".repeat(self.offset) + &self.text
    }
}

/// What `:undo` goes back to.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    pieces: Vec<Piece>,
    data: Vec<String>,
}

/// A session.
pub struct Repl<'h> {
    host: &'h dyn Host,
    settings: Settings,
    /// Where the program's own paths start.
    folder: PathBuf,
    state: State,
    past: Vec<State>,
    fit: Option<fit::Kept>,
    /// Whether every answer says how long it took.
    timed: bool,
    /// How many entries there were.
    entries: usize,
}

impl<'h> Repl<'h> {
    /// A session with an empty program.
    pub fn new(host: &'h dyn Host, settings: Settings) -> Self {
        Repl {
            host,
            settings,
            folder: PathBuf::new(),
            state: State::default(),
            past: Vec::new(),
            fit: None,
            timed: false,
            entries: 0,
        }
    }

    /// Whether an entry can be answered as it is, or goes on on the next line.
    pub fn is_complete(text: &str) -> bool {
        text.trim_start().starts_with(':') || crate::session::is_complete(text)
    }

    /// Answers an entry: equations, an expression, or a command.
    pub fn enter(&mut self, text: &str) -> Answer {
        let start = Instant::now();
        self.entries += 1;
        let trimmed = text.trim();
        let mut answer = if trimmed.is_empty() {
            Answer::default()
        } else if let Some(command) = trimmed.strip_prefix(':') {
            self.command(command)
        } else if crate::session::is_expression(trimmed) {
            self.expression(trimmed)
        } else {
            self.equations(text)
        };
        if self.timed && !trimmed.is_empty() && !answer.ends {
            let time = format!("({:.3} s)", start.elapsed().as_secs_f64());
            answer.text = if answer.text.is_empty() { time } else { answer.text + "\n" + &time };
        }
        answer
    }

    /// Opens a program file.
    pub fn load(&mut self, path: &Path) -> Answer {
        let bytes = match self.host.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                return Answer::refused(format!(
                    "error: `{}` cannot be read: {error}",
                    path.display()
                ));
            }
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Answer::refused(format!("error: `{}` is not UTF-8 text", path.display()));
        };
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let before = std::mem::replace(&mut self.folder, folder);
        let answer = self.replace(&path.display().to_string(), &text);
        if answer.refused {
            self.folder = before;
        }
        answer
    }

    /// Puts another program in place of this one, with the data if they fit it.
    fn replace(&mut self, name: &str, text: &str) -> Answer {
        let with = |data: Vec<String>| State { pieces: Vec::new(), data };
        let data = self.state.data.clone();
        let kept = self.adopt(with(data.clone()), name, text);
        if !kept.refused || data.is_empty() {
            return kept;
        }
        let mut answer = self.adopt(with(Vec::new()), name, text);
        if answer.refused {
            return kept;
        }
        answer.text.push_str("\nthe data of before do not fit this program: `:data` gives others");
        answer
    }

    /// The program as it is now.
    pub fn text(&self) -> String {
        let texts = self.state.pieces.iter().map(|piece| piece.text.trim_matches('\n'));
        let mut text = texts.collect::<Vec<&str>>().join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// The program as it is now, checked, to look names up in.
    pub fn document(&self) -> Document {
        self.open(&self.state, Stage::Draft)
    }

    /// The headers of the columns of the data given so far.
    pub fn columns(&self) -> Vec<String> {
        let document = self.document();
        self.tables(&document, &self.state.data).columns()
    }

    fn open(&self, state: &State, stage: Stage) -> Document {
        let texts: Vec<(&str, String)> =
            state.pieces.iter().map(|p| (p.name.as_str(), p.placed())).collect();
        let pieces: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (*n, t.as_str())).collect();
        let read = |path: &Path| self.host.read(&self.folder.join(path));
        Document::assemble(&self.folder, "session", &pieces, stage, &read)
    }

    fn tables(&self, document: &Document, data: &[String]) -> Tables {
        let read = |path: &Path| self.host.read(path);
        Inputs::parse(data).read(document.typed(), &self.folder, &read)
    }

    /// What the data say of a draft: sizes, if all that is declared is given. Mistakes in what is
    /// given; nothing of what is not given yet, nor of files that come before the first `data`.
    fn look(
        &self,
        document: &Document,
        data: &[String],
    ) -> (Option<BindingReport>, Vec<Diagnostic>) {
        let bound = document.bind(&self.tables(document, data), Mode::Fit);
        let declares = declares(document);
        let is_early = |d: &Diagnostic| {
            d.slug == Slug::MissingData || d.slug == Slug::UnclaimedData && !declares
        };
        let found = bound.diagnostics.into_iter().filter(|d| d.is_error() && !is_early(d));
        (bound.value.map(|binding| binding.report), found.collect())
    }

    fn rendered(&self, diagnostics: &[Diagnostic], sources: &Sources) -> String {
        render(diagnostics, sources, &self.settings.diagnostics).trim_end().to_owned()
    }

    fn failed(&self, failure: Failure, sources: &Sources) -> Answer {
        Answer::refused(match failure {
            Failure::Program(diagnostic) => self.rendered(&[*diagnostic], sources),
            Failure::Data(messages) => {
                let lines = messages.iter().map(|message| format!("error: {message}"));
                lines.collect::<Vec<String>>().join("\n")
            }
            Failure::Memory(message) => format!("error: {message}"),
            Failure::Interrupted => "the fit was left".to_owned(),
            Failure::Internal(what) => {
                format!("error: this is a mistake in vippl, please report it: {what}")
            }
        })
    }
}

/// Whether a program declares data.
fn declares(document: &Document) -> bool {
    let statements = document.statements();
    statements.iter().any(|s| s.defined.iter().any(|d| d.sort == Sort::Data))
}
