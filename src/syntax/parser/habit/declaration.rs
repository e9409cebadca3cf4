//! Declarations with a type, as in Stan: `real<lower=0> sigma`.

use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::parser::expression::{Text, Tokens};
use crate::syntax::token::Token;

const TYPES: &[&str] = &[
    "real",
    "int",
    "vector",
    "row_vector",
    "matrix",
    "array",
    "simplex",
    "ordered",
    "positive_ordered",
    "unit_vector",
    "cov_matrix",
    "corr_matrix",
    "cholesky_factor_corr",
    "cholesky_factor_cov",
];

/// `real<lower=0> x`, `vector[N] x`, `int n = 3`
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let first = tokens.first().filter(|l| TYPES.contains(&text.slice(**l)))?;
    let second = tokens.get(1)?;
    if matches!(second.token, Token::Tilde | Token::Equal) {
        return None;
    }
    let at = declared(tokens)?;
    let name = text.slice(tokens[at]);
    let kind = text.slice(*first);
    let head = text.cover(&tokens[..=at]);
    let diagnostic = Diagnostic::error(
        Slug::ForeignSyntax,
        format!("names are not declared with a type, so no `{kind} … {name}`"),
        head,
        "a declaration",
    );
    let defined =
        tokens.get(at + 1).is_some_and(|l| matches!(l.token, Token::Equal | Token::Tilde));
    Some(if defined {
        let prefix = Span { end: text.span(tokens[at]).start, ..head };
        diagnostic.help(format!("write the equation alone: `{name} …`")).edit(prefix, "")
    } else {
        diagnostic.help(format!(
            "delete it: a parameter needs only its prior, as in `{name} ~ Normal(0, 1)`; \
             data are listed as `data {name}`"
        ))
    })
}

/// Where the declared name is: the first one outside `[…]` and `<…>` after the type.
fn declared(tokens: Tokens<'_>) -> Option<usize> {
    let (mut depth, mut angles) = (0usize, 0usize);
    for (at, lexeme) in tokens.iter().enumerate().skip(1) {
        let token = lexeme.token;
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        } else if token == Token::Less {
            angles += 1;
        } else if token == Token::Greater {
            angles = angles.saturating_sub(1);
        } else if depth == 0 && angles == 0 {
            // A second word of the type, as in `array[N] real x`.
            let last = tokens.get(at + 1).is_none_or(|l| {
                !l.token.is_name() && !matches!(l.token, Token::Less | Token::OpenBracket)
            });
            match token.is_name() {
                true if last => return Some(at),
                true => {}
                false => return None,
            }
        }
    }
    None
}
