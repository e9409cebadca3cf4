//! How text may look where it is going: colours, and characters beyond ASCII.

use crate::inference::Level;

/// What a stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether terminal colours are understood.
    pub color: bool,
    /// Whether characters beyond ASCII are.
    pub unicode: bool,
}

impl Style {
    /// Text as in a file.
    pub const PLAIN: Style = Style { color: false, unicode: true };

    /// Emphasised.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Less important.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// In the colour of a verdict.
    pub fn level(self, level: Level, text: &str) -> String {
        let code = match level {
            Level::Good => "1;32",
            Level::Caution => "1;33",
            Level::DoNotUse => "1;31",
        };
        self.paint(code, text)
    }

    /// `±`
    pub fn plus_minus(self) -> &'static str {
        if self.unicode { "±" } else { "+/-" }
    }

    /// `…`
    pub fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
