//! Keeps the left side of a statement whose right side could not be parsed.
//!
//! A name so kept counts as defined, so that one mistake does not become many.

use chumsky::Parser;

use super::Limits;
use super::depth;
use super::expression::{Text, Tokens};
use super::statement::{Form, Statements, head_end};
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::token::Token;

/// The statement with `Error` where its right side was, if its left side can be read.
pub(super) fn salvage<'t>(
    text: Text<'t>,
    tokens: Tokens<'t>,
    grammar: &Statements<'t>,
    limits: &Limits,
) -> Option<StatementKind> {
    let form = Form::of(tokens);
    if form == Form::Data {
        return entries(tokens, grammar, limits);
    }
    let at = head_end(tokens)?;
    let head = tokens.get(..at).filter(|h| depth::check(h, limits).is_ok())?;
    let error = Expr { kind: ExprKind::Error, span: rest(text, tokens, at) };
    match form {
        Form::Equation => equation(head, tokens[at].token, error, grammar),
        Form::Fun => {
            let (name, parameters, binders) = grammar.fun_head.parse(head).into_output()?;
            let body = error;
            Some(StatementKind::Function(FunctionDefinition { name, parameters, binders, body }))
        }
        Form::Axis => {
            let [_, name] = head else { return None };
            let name = crate::source::Spanned::new(text.slice(*name).to_string(), text.span(*name));
            let extent = Extent::Range(Box::new(error.clone()), Box::new(error));
            Some(StatementKind::Axis { name, extent })
        }
        Form::Import
        | Form::Data
        | Form::Report
        | Form::Predict
        | Form::Factor
        | Form::Dist
        | Form::Ode
        | Form::Part
        | Form::Use
        | Form::Output => None,
    }
}

fn equation<'t>(
    head: Tokens<'t>,
    operator: Token,
    error: Expr,
    grammar: &Statements<'t>,
) -> Option<StatementKind> {
    let (word, name, binders) = grammar.equation_head.parse(head).into_output()?;
    Some(if operator == Token::Equal {
        let report = word == Some(Token::Report);
        StatementKind::Define(Define { report, name, binders, value: error, guard: None })
    } else {
        StatementKind::Random(Random {
            predict: word == Some(Token::Predict),
            name,
            binders,
            distribution: error,
            over: Vec::new(),
            guard: None,
            hints: Vec::new(),
        })
    })
}

/// The entries of a `data` statement that can be read each by itself.
fn entries<'t>(
    tokens: Tokens<'t>,
    grammar: &Statements<'t>,
    limits: &Limits,
) -> Option<StatementKind> {
    let mut entries = Vec::new();
    let (mut depth, mut from) = (0usize, 1usize);
    for at in 1..=tokens.len() {
        let token = tokens.get(at).map(|l| l.token);
        match token {
            Some(t) if t.opens() => depth += 1,
            Some(t) if t.closes() => depth = depth.saturating_sub(1),
            Some(Token::Comma) | None if depth == 0 => {
                let part = &tokens[from..at];
                if depth::check(part, limits).is_ok() {
                    entries.extend(grammar.entry.parse(part).into_output());
                }
                from = at + 1;
            }
            Some(_) | None => {}
        }
    }
    let data = Data { entries, from: None, hints: Vec::new() };
    (!data.entries.is_empty()).then_some(StatementKind::Data(data))
}

/// Whether a statement holds more equations than the one that is kept of it.
pub(super) fn holds_more(tokens: Tokens<'_>) -> bool {
    let mut rest = tokens;
    let mut signs = 0;
    while let Some(at) = head_end(rest) {
        signs += 1;
        rest = &rest[at + 1..];
    }
    signs > 1
}

fn rest(text: Text<'_>, tokens: Tokens<'_>, operator: usize) -> Span {
    match tokens.get(operator + 1..) {
        Some(right) if !right.is_empty() => text.cover(right),
        Some(_) | None => text.cover(&tokens[operator..]),
    }
}
