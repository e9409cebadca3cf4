//! Equations that are ours but for one habit: truncation, open intervals, sizes, several on a line.

use super::super::expression::{Text, Tokens};
use super::super::statement::{Form, head_end};
use super::matching;
use super::whole::words;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::token::{Lexeme, Token};

/// The first of these habits in a statement.
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    if Form::of(tokens) != Form::Equation {
        return None;
    }
    let head = head_end(tokens)?;
    size(text, tokens, head)
        .or_else(|| truncation(text, tokens, head))
        .or_else(|| open_interval(text, tokens, head))
        .or_else(|| several(text, tokens, head))
}

/// `beta[2] ~ Normal(0, 1)`
fn size(text: Text<'_>, tokens: Tokens<'_>, head: usize) -> Option<Diagnostic> {
    let [name, open, number, close] = &tokens[head.checked_sub(4)?..head] else { return None };
    let is_number = number.token == Token::Number && close.token == Token::CloseBracket;
    if !name.token.is_name() || open.token != Token::OpenBracket || !is_number {
        return None;
    }
    let (called, written) = (text.slice(*name), text.slice(*number));
    let span = text.span(*number);
    let diagnostic = Diagnostic::error(
        Slug::BadLeftSide,
        format!("`[{written}]` on the left is not an axis"),
        span,
        "the left side names the elements that the equation is for",
    );
    if matches!(written, "0" | "1") {
        return Some(diagnostic.help(format!(
            "one equation is for all elements: `{called}[1..2] {} …`; what differs from element \
             to element is a list: `m[1..2] = [0, 5]`",
            text.slice(tokens[head])
        )));
    }
    let range = format!("1..{written}");
    let others = format!("`{called}[{range}]` has the elements 1 to {written}");
    Some(diagnostic.help(format!("write the range: {others}")).edit(span, range))
}

/// `Normal(0, 5) T[0, ]`, `dnorm(0, 1)I(0,)`
fn truncation(text: Text<'_>, tokens: Tokens<'_>, head: usize) -> Option<Diagnostic> {
    let at = (head + 2..tokens.len()).find(|at| {
        let is_word = matches!(text.slice(tokens[*at]), "T" | "I");
        let opens = tokens.get(at + 1).is_some_and(|l| l.token.opens());
        is_word && opens && tokens[at - 1].token.closes()
    })?;
    let close = at + 1 + matching(&tokens[at + 1..])?;
    let ends = ends(text, &tokens[at + 2..close]);
    let place = text.cover(&tokens[at..=close]);
    let touches = tokens[at - 1].end == tokens[at].start;
    let instead = format!("{}in {ends}", if touches { " " } else { "" });
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "truncation is written `in [low, high]`",
            place,
            "truncates in Stan and BUGS",
        )
        .help("write both ends; one that is open is `inf` or `-inf`")
        .edit(place, instead),
    )
}

/// `in [0, ]`, `in (0, inf)`
fn open_interval(text: Text<'_>, tokens: Tokens<'_>, head: usize) -> Option<Diagnostic> {
    let at = (head + 2..tokens.len()).find(|at| {
        let opens = tokens.get(at + 1).is_some_and(|l| l.token.opens());
        tokens[*at].token == Token::In && opens && tokens[at - 1].token.closes()
    })?;
    let close = at + 1 + matching(&tokens[at + 1..])?;
    let inside = &tokens[at + 2..close];
    let commas = top_commas(inside);
    let round = tokens[at + 1].token != Token::OpenBracket;
    let lacks_end = matches!(inside, [first, .., last]
        if first.token == Token::Comma || last.token == Token::Comma)
        || matches!(inside, [only] if only.token == Token::Comma);
    if commas.len() != 1 || !(round || lacks_end) {
        return None;
    }
    let place = text.cover(&tokens[at + 1..=close]);
    let (message, help) = if lacks_end {
        ("an interval has two ends", "an end that is open is `inf` or `-inf`")
    } else {
        ("an interval is written with brackets", "write `[` and `]`, also where an end is open")
    };
    Some(
        Diagnostic::error(Slug::ForeignSyntax, message, place, "not an interval")
            .help(help)
            .edit(place, ends(text, inside)),
    )
}

/// The ends of an interval, with `inf` for one that is not written.
fn ends(text: Text<'_>, inside: Tokens<'_>) -> String {
    let comma = top_commas(inside).first().copied().unwrap_or(inside.len());
    let (low, high) = (&inside[..comma], inside.get(comma + 1..).unwrap_or(&[]));
    let low = if low.is_empty() { "-inf" } else { words(text, low) };
    let high = if high.is_empty() { "inf" } else { words(text, high) };
    format!("[{low}, {high}]")
}

/// The commas outside brackets.
fn top_commas(tokens: Tokens<'_>) -> Vec<usize> {
    let mut depth = 0usize;
    let mut found = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        if lexeme.token.opens() {
            depth += 1;
        } else if lexeme.token.closes() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && lexeme.token == Token::Comma {
            found.push(at);
        }
    }
    found
}

/// `a = 1, b = 2`
fn several(text: Text<'_>, tokens: Tokens<'_>, head: usize) -> Option<Diagnostic> {
    let commas: Vec<usize> = top_commas(tokens)
        .into_iter()
        .filter(|at| *at > head && starts_equation(&tokens[at + 1..]))
        .collect();
    let first = *commas.first()?;
    let word = tokens.first().filter(|l| matches!(l.token, Token::Report | Token::Predict));
    let again = match word {
        Some(word) if head > 1 => format!("\n{} ", text.slice(*word)),
        Some(_) | None => "\n".to_owned(),
    };
    let diagnostic = Diagnostic::error(
        Slug::UnexpectedToken,
        "a line has one equation",
        text.span(tokens[first]),
        "a second equation follows",
    )
    .help("write each on a line of its own");
    Some(commas.into_iter().fold(diagnostic, |diagnostic, at| {
        let comma = text.span(tokens[at]);
        diagnostic.edit(Span { end: tokens[at + 1].start, ..comma }, again.clone())
    }))
}

/// `b = …`, `b[k] ~ …`
fn starts_equation(tokens: &[Lexeme]) -> bool {
    let [name, next, ..] = tokens else { return false };
    let sign = if next.token == Token::OpenBracket {
        matching(&tokens[1..]).and_then(|close| tokens.get(close + 2))
    } else {
        Some(next)
    };
    name.token.is_name() && sign.is_some_and(|s| matches!(s.token, Token::Equal | Token::Tilde))
}
