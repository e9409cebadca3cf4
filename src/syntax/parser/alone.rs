//! Text that a user has typed so far: whether it is an expression, and whether more must follow.

use chumsky::Parser;
use chumsky::prelude::end;

use super::expression::{Text, expressions};
use super::statement::{Form, head_end};
use super::{Reader, expected, layout, strict};
use crate::diagnostic::Checked;
use crate::source::SourceId;
use crate::syntax::ast::{Expr, StatementKind};
use crate::syntax::lexer::lex;
use crate::syntax::token::{Lexeme, Token};

/// Whether a text is an expression rather than a statement: no word starts a statement, and there
/// is neither `=` nor `~` outside brackets.
pub fn is_expression(text: &str) -> bool {
    let mut tokens = lex(SourceId::default(), text).tokens;
    tokens.retain(|lexeme| lexeme.token != Token::Newline);
    !tokens.is_empty() && Form::of(&tokens) == Form::Equation && head_end(&tokens).is_none()
}

/// Whether a text can be read as it is. It cannot while a bracket is open, while its last token
/// carries a line on, while an `if` has no `else`, or while a part or `ode` has no braces.
pub fn is_complete(text: &str) -> bool {
    let tokens = lex(SourceId::default(), text).tokens;
    let mut written = tokens.iter().filter(|lexeme| lexeme.token != Token::Newline);
    let Some(last) = tokens.iter().rfind(|lexeme| lexeme.token != Token::Newline) else {
        return true;
    };
    let count = |wanted: &dyn Fn(Token) -> bool| tokens.iter().filter(|l| wanted(l.token)).count();
    let open = count(&Token::opens) > count(&Token::closes);
    let branches = count(&|t| t == Token::If) > count(&|t| t == Token::Else);
    let first = written.next().map(|lexeme| lexeme.token);
    let second = written.next().map(|lexeme| lexeme.token);
    let named = second.is_some_and(Token::is_name);
    let block = matches!(first, Some(Token::Part | Token::Ode)) && named;
    let braces = block && count(&|t| t == Token::OpenBrace) == 0;
    !(open || branches || braces || last.token.continues_line())
}

/// Parses a text that is one expression.
pub fn parse_expression(source: SourceId, text: &str) -> Checked<Option<Expr>> {
    let lexed = lex(source, text);
    let tokens: Vec<Lexeme> =
        lexed.tokens.into_iter().filter(|lexeme| lexeme.token != Token::Newline).collect();
    let layout = layout::cut(source, text, &tokens);
    let mut reader = Reader {
        text: Text { source, text },
        limits: super::Limits::default(),
        diagnostics: lexed.diagnostics,
        foreign: lexed.foreign,
    };
    reader.diagnostics.extend(layout.diagnostics);
    let mut pieces = layout.pieces.into_iter();
    let mut piece = pieces.next().unwrap_or_default();
    reader.prepare(&mut piece);
    let mut value = None;
    if !piece.broken {
        let rule = expressions(reader.text).expr.then_ignore(end());
        match rule.parse(&piece.tokens).into_result() {
            Ok(expr) => {
                strict::check(&StatementKind::Factor(expr.clone()), &mut reader.diagnostics);
                value = Some(expr);
            }
            Err(failures) => {
                let failure = failures.into_iter().max_by_key(|f| f.span().start);
                reader.diagnostics.extend(failure.map(|failure| {
                    expected::explain(reader.text, &piece.tokens, Form::Factor, &failure)
                }));
            }
        }
    }
    reader.diagnostics.extend(crate::syntax::foreign::report(&reader.foreign));
    Checked { value, diagnostics: reader.diagnostics }
}
