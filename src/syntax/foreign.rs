//! Spellings of other languages that have one counterpart here, and the message about each.
//!
//! A spelling repeated in a program is one mistake: one message, with an edit for every place.

use super::token::Token;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A spelling of another language and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Spelling {
    /// As written.
    pub text: &'static str,
    /// What it is read as.
    pub token: Token,
    /// What to write.
    pub replacement: &'static str,
    /// What is wrong.
    pub message: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// One use of a foreign spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which.
    pub spelling: &'static Spelling,
    /// Where.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
}

macro_rules! spellings {
    ($($text:literal => $token:ident $replacement:literal, $message:literal, $help:literal;)*) => {
        static SPELLINGS: &[Spelling] = &[$(Spelling {
            text: $text,
            token: Token::$token,
            replacement: $replacement,
            message: $message,
            help: $help,
        }),*];
    };
}

spellings! {
    "//" => Newline "#", "a comment starts with `#`, not `//`", "write `#`";
    ";" => Newline "", "a statement ends with its line, not with `;`", "delete the `;`";
    "<-" => Equal "=", "`<-` is not used here", "write `=` for a definition, or `~` for a distribution";
    ":=" => Equal "=", "`:=` is not used here", "write `=` for a definition";
    "←" => Equal "=", "`←` is not used here", "write `=` for a definition, or `~` for a distribution";
    "**" => Caret "^", "a power is written `^`, not `**`", "write `^`";
    ".^" => Caret "^", "`.^` is not an operator", "write `^`: it works on each element";
    ".*" => Star "*", "`.*` is not an operator", "write `*`: it works on each element, and `@` is the matrix product";
    "./" => Slash "/", "`./` is not an operator", "write `/`: it works on each element";
    "%*%" => Contract "@", "the matrix product is written `@`, not `%*%`", "write `@`";
    "&&" => And "and", "`&&` is not an operator", "write `and`";
    "&" => And "and", "`&` is not an operator", "write `and`";
    "∧" => And "and", "`∧` is not an operator", "write `and`";
    "||" => Or "or", "`||` is not an operator", "write `or`";
    "∨" => Or "or", "`∨` is not an operator", "write `or`";
    "!" => Not "not ", "`!` is not an operator", "write `not`";
    "¬" => Not "not ", "`¬` is not an operator", "write `not`";
    "∈" => In "in", "`∈` is not an operator", "write `in`";
    "≤" => LessEqual "<=", "`≤` is not an operator", "write `<=`";
    "≥" => GreaterEqual ">=", "`≥` is not an operator", "write `>=`";
    "≠" => NotEqual "!=", "`≠` is not an operator", "write `!=`";
    "×" => Star "*", "`×` is not an operator", "write `*`";
    "·" => Star "*", "`·` is not an operator", "write `*`";
    "⋅" => Star "*", "`⋅` is not an operator", "write `*`";
    "∙" => Star "*", "`∙` is not an operator", "write `*`";
    "÷" => Slash "/", "`÷` is not an operator", "write `/`";
    "−" => Minus "-", "this is a typographic minus sign", "write the hyphen `-`";
    "–" => Minus "-", "this is a dash, not a minus sign", "write the hyphen `-`";
    "—" => Minus "-", "this is a dash, not a minus sign", "write the hyphen `-`";
    "∼" => Tilde "~", "this is a typographic tilde", "write the `~` of the keyboard";
    "˜" => Tilde "~", "this is a typographic tilde", "write the `~` of the keyboard";
    "～" => Tilde "~", "this is a full-width tilde", "write the `~` of the keyboard";
    "…" => DotDot "..", "a range is written with two points", "write `..`";
    "''" => String "\"", "a string stands in double quotes", "write `\"…\"`";
    "“”" => String "\"", "a string stands in straight quotes", "write `\"…\"`";
    "= in a condition" => EqualEqual "==", "`=` defines; a comparison is written `==`", "write `==`";
    "== in a definition" => Equal "=", "`==` compares; a definition is written `=`", "write `=`";
    "target +=" => Factor "factor", "there is no `target`", "write `factor` and what to add to the log density";
}

impl Spelling {
    /// The entry of a spelling.
    pub fn of(text: &str) -> Option<&'static Spelling> {
        SPELLINGS.iter().find(|s| s.text == text)
    }

    /// What to put at `start..end` of the text.
    pub fn replacement_at(&self, text: &str, start: usize, end: usize) -> String {
        let next = text[end..].chars().next();
        let previous = text[..start].chars().next_back();
        let touches = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
        let spaced = |word: &str| {
            let before = if touches(previous) { " " } else { "" };
            let after = if touches(next) { " " } else { "" };
            format!("{before}{word}{after}")
        };
        if self.token == Token::String {
            let mut inner = text[start..end].chars();
            inner.next();
            inner.next_back();
            format!("\"{}\"", inner.as_str())
        } else if self.text == ";" {
            // Two statements on one line become two lines.
            let rest = text[end..].split('\n').next().unwrap_or("").trim_start();
            let last = rest.is_empty() || rest.starts_with(['#', '/', ';', '}']);
            if last { String::new() } else { "\n".to_string() }
        } else if matches!(self.token, Token::And | Token::Or | Token::In) {
            spaced(self.replacement)
        } else if self.token == Token::Not && next == Some(' ') {
            "not".to_string()
        } else {
            self.replacement.to_string()
        }
    }
}

/// One message for each spelling used, in the order of their first places.
pub fn report(uses: &[Foreign]) -> Vec<Diagnostic> {
    let mut reported: Vec<&'static Spelling> = Vec::new();
    let mut diagnostics = Vec::new();
    for first in uses {
        if reported.contains(&first.spelling) {
            continue;
        }
        reported.push(first.spelling);
        let spelling = first.spelling;
        let mut diagnostic =
            Diagnostic::error(Slug::ForeignSyntax, spelling.message, first.span, "here")
                .help(spelling.help);
        let same: Vec<&Foreign> = uses.iter().filter(|u| u.spelling == spelling).collect();
        if same.len() > 1 {
            let places = same.len();
            diagnostic = diagnostic.note(format!("the program has this in {places} places"));
        }
        for one in same {
            diagnostic = diagnostic.edit(one.span, one.replacement.clone());
        }
        diagnostics.push(diagnostic);
    }
    diagnostics
}
