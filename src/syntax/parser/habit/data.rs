//! Entries of `data` statements as other languages declare them: `real x`, `x = int`, a header alone.

use super::super::expression::{Text, Tokens};
use super::super::statement::Form;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::plain;
use crate::syntax::token::{Lexeme, Token};

/// The kind that a word stands for.
fn kind(word: &str) -> Option<&'static str> {
    match word {
        "real" | "float" | "double" | "number" | "numeric" | "vector" => Some("real"),
        "int" | "integer" => Some("int"),
        "bool" | "boolean" | "logical" => Some("bool"),
        "index" | "factor" | "category" | "categorical" | "string" | "str" => Some("index"),
        _ => None,
    }
}

/// The first of these habits in a statement.
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    if Form::of(tokens) != Form::Data {
        return None;
    }
    kinds(text, tokens).or_else(|| header(text, tokens)).or_else(|| comma(text, tokens))
}

/// Whether an entry or a column may begin after this token.
fn begins(before: Lexeme) -> bool {
    before.token == Token::Data || before.token == Token::Comma || before.token.opens()
}

/// `real x` and `x = real`, everywhere in the statement.
fn kinds(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let mut edits = Vec::new();
    for at in 1..tokens.len() {
        if !begins(tokens[at - 1]) {
            continue;
        }
        match &tokens[at..] {
            [word, name, ..] if word.token.is_name() && name.token.is_name() => {
                let (first, second) = (text.slice(*word), text.slice(*name));
                let place = text.span(*word).to(text.span(*name));
                match (kind(first), kind(second)) {
                    (Some(kind), None) => edits.push((place, format!("{second}: {kind}"))),
                    (_, Some(kind)) => edits.push((place, format!("{first}: {kind}"))),
                    (None, None) => {}
                }
            }
            [name, equal, word, ..] if name.token.is_name() && equal.token == Token::Equal => {
                if let Some(kind) = kind(text.slice(*word)) {
                    let end = text.span(*word);
                    edits.push((Span { start: name.end, ..end }, format!(": {kind}")));
                }
            }
            _ => {}
        }
    }
    let (place, _) = edits.first()?;
    let diagnostic = Diagnostic::error(
        Slug::ForeignSyntax,
        "the kind of a column stands after its name and a `:`",
        *place,
        "not a column",
    )
    .help("write `x: int`; `: real` may be left out");
    Some(edits.into_iter().fold(diagnostic, |d, (span, instead)| d.edit(span, instead)))
}

/// `"Body Mass"` without `as`; `"a "b" c" as x`.
fn header(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let at = (1..tokens.len()).find(|at| {
        let named = tokens.get(at + 1).is_some_and(|l| l.token == Token::As);
        tokens[*at].token == Token::String && begins(tokens[at - 1]) && !named
    })?;
    let (header, next) = (tokens[at], tokens.get(at + 1));
    let written = text.slice(header).trim_matches(['"', '\'', '“', '”']);
    let diagnostic = |message: &str, here: &str| {
        Diagnostic::error(Slug::UnexpectedToken, message, text.span(header), here)
    };
    let touches =
        |l: &Lexeme| l.start == header.end && (l.token.is_name() || l.token == Token::String);
    if next.is_some_and(touches) {
        return Some(
            diagnostic("a string cannot hold a double quote", "ends here")
                .help("rename the column in the file, without the quotes"),
        );
    }
    let in_table = tokens[..at].iter().any(|l| l.token == Token::OpenParen);
    if !in_table {
        return Some(
            diagnostic("a file does not say what its columns are for", "not a name")
                .help(format!("name a table and its columns: `data row(y, x) from \"{written}\"`")),
        );
    }
    let name = plain::letters(&written.to_lowercase());
    let after = Span { start: header.end, end: header.end, ..text.span(header) };
    Some(
        diagnostic("a column needs a name that equations can use", "the header in the file")
            .help(format!("write `\"{written}\" as {name}`"))
            .edit(after, format!(" as {name}")),
    )
}

/// `row(mpg wt)`
fn comma(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let ends = |l: &Lexeme| matches!(l.token, Token::Comma | Token::CloseParen | Token::Colon);
    let table = tokens.iter().position(|l| l.token.opens())?;
    let gaps: Vec<usize> = (table + 2..tokens.len())
        .filter(|at| {
            let (name, next) = (tokens[at - 1], tokens[*at]);
            let column = begins(tokens[at - 2]) || tokens[at - 2].token == Token::Name;
            name.token == Token::Name
                && next.token == Token::Name
                && column
                && tokens.get(at + 1).is_none_or(|l| ends(l) || l.token == Token::Name)
        })
        .collect();
    let first = tokens[*gaps.first()?];
    let diagnostic = Diagnostic::error(
        Slug::UnexpectedToken,
        "columns are separated by commas",
        text.span(first),
        "a comma is missing before this",
    )
    .help("write a `,` between two names");
    Some(gaps.into_iter().fold(diagnostic, |diagnostic, at| {
        let end = text.span(tokens[at - 1]).end;
        diagnostic.edit(Span { start: end, end, ..text.span(tokens[at]) }, ",")
    }))
}
