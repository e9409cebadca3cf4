//! Statements that are of another language from end to end, each with the equations it stands for.

use super::super::expression::{Text, Tokens};
use super::super::statement::{Form, head_end};
use super::{command, matching, python};
use crate::diagnostic::{Diagnostic, Slug};
use crate::syntax::formula::Formula;
use crate::syntax::token::{Lexeme, Token};

/// The message about a statement that only another language has.
pub(in crate::syntax::parser) fn whole(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    increment(text, tokens)
        .or_else(|| python::find(text, tokens))
        .or_else(|| command::find(text, tokens))
        .or_else(|| formula(text, tokens))
}

/// `target += normal_lpdf(y | mu, sigma)`
fn increment(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let [target, plus, equal, name, open, ..] = tokens else { return None };
    let is_increment = text.slice(*target) == "target"
        && plus.token == Token::Plus
        && equal.token == Token::Equal
        && open.token == Token::OpenParen;
    let density = text.slice(*name);
    let endings = ["_lpdf", "_lpmf", "_lupdf", "_lupmf"];
    let stem = endings.iter().find_map(|e| density.strip_suffix(e)).filter(|_| is_increment)?;
    let close = 4 + matching(&tokens[4..])?;
    let inside = &tokens[5..close];
    let bar = inside.iter().position(|l| matches!(l.token, Token::Pipe | Token::Comma))?;
    let variate = &inside[..bar];
    let (arguments, observed) = (words(text, &inside[bar + 1..]), words(text, variate));
    let family = capitalised(stem);
    let equation = format!("{observed} ~ {family}({arguments})");
    let place = text.cover(tokens);
    let diagnostic = Diagnostic::error(
        Slug::ForeignSyntax,
        "there is no `target`: a distribution is given with `~`",
        place,
        "adds a log density",
    )
    .help(format!("write `{equation}`"));
    let alone = close + 1 == tokens.len() && matches!(variate, [one] if one.token.is_name());
    Some(if alone { diagnostic.edit(place, equation) } else { diagnostic })
}

/// `y ~ x + (1 | g)`
fn formula(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let has_bar = tokens.iter().any(|l| matches!(text.slice(*l), "|" | "||"));
    if !has_bar || Form::of(tokens) != Form::Equation {
        return None;
    }
    let equations = equations_of(text, tokens)?;
    let place = text.cover(tokens);
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "there are no model formulas: every coefficient has a name and a prior",
            place,
            "a formula",
        )
        .help("write the equations, with priors on the scale of your data")
        .edit(place, equations),
    )
}

/// The equations of `y ~ x`, one a line.
pub(super) fn equations_of(text: Text<'_>, tokens: Tokens<'_>) -> Option<String> {
    let head = head_end(tokens).filter(|head| tokens[*head].token == Token::Tilde)?;
    let [response] = &tokens[..head] else { return None };
    let right = tokens.get(head + 1..).filter(|_| response.token.is_name())?;
    let formula = Formula::parse(text.slice(*response), words(text, right))?;
    Some(formula.equations(&|name| is_name_of(text, name)).join("\n"))
}

/// Whether a word stands somewhere in the text.
fn is_name_of(text: Text<'_>, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.text.split(|c| !is_part(c)).any(|word| word == name)
}

/// The text that some tokens cover.
pub(super) fn words<'t>(text: Text<'t>, tokens: &[Lexeme]) -> &'t str {
    text.text.get(text.cover(tokens).range()).unwrap_or("")
}

/// `StudentT` for `student_t`.
pub(super) fn capitalised(name: &str) -> String {
    name.split('_')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
            format!("{}{rest}", first.to_uppercase())
        })
        .collect()
}
