//! The two streams and what each can show.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{RenderOptions, render};
use crate::output::{HumanOptions, Style};
use crate::source::Sources;
use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// How wide reports are at most, and when the width is not known.
const WIDEST: usize = 100;

/// After so many messages nobody reads on; the first are the ones to mend.
const MOST_DIAGNOSTICS: usize = 50;

/// The narrowest reports: below this, lines are left to break where they may.
const NARROWEST: usize = 40;

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    out: Style,
    err: Style,
    shows_progress: bool,
    width: usize,
}

impl Terminal {
    /// What the environment says of the streams.
    pub(super) fn detect() -> Self {
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let unicode = has_unicode();
        let color = |is_terminal: bool| {
            if variable("NO_COLOR").is_some() {
                false
            } else if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
                true
            } else {
                is_terminal && !dumb
            }
        };
        let columns = variable("COLUMNS").and_then(|c| c.parse().ok()).unwrap_or(WIDEST);
        Terminal {
            out: Style { color: color(io::stdout().is_terminal()), unicode },
            err: Style { color: color(io::stderr().is_terminal()), unicode },
            shows_progress: io::stderr().is_terminal() && !dumb,
            width: columns.clamp(NARROWEST, WIDEST),
        }
    }

    /// How results are drawn.
    pub(super) fn human(&self, all: bool) -> HumanOptions {
        HumanOptions { style: self.out, all, width: self.width, ..HumanOptions::default() }
    }

    /// What stdout can show.
    pub(super) fn style(&self) -> Style {
        self.out
    }

    /// Whether a line that changes is understood on stderr.
    pub(super) fn shows_progress(&self) -> bool {
        self.shows_progress
    }

    /// Writes a result. A reader that has seen enough is no error.
    pub(super) fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Writes a result for programs.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.print(&text)
    }

    /// Writes a line that is not a result. There is nowhere to say that stderr is closed.
    pub(super) fn tell(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", line.trim_end_matches('\n'));
    }

    /// Draws diagnostics on stderr.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if !diagnostics.is_empty() {
            let Style { color, unicode } = self.err;
            let options = RenderOptions { color, unicode, ..RenderOptions::default() };
            let (shown, rest) = diagnostics.split_at(diagnostics.len().min(MOST_DIAGNOSTICS));
            self.tell(&render(shown, sources, &options));
            if !rest.is_empty() {
                self.tell(&format!("… and {} more", rest.len()));
            }
        }
    }
}

/// The value of an environment variable that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the locale, if there is one, uses UTF-8.
fn has_unicode() -> bool {
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
