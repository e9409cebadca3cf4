//! What the words of a text are, for colours: by its tokens alone, so that any text has them.

use super::lexer::lex;
use super::token::{Lexeme, Token};
use crate::source::SourceId;
use std::ops::Range;

/// What a stretch of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A word of the language.
    Keyword,
    /// A distribution family or kernel: a capitalised name that is called.
    Family,
    /// A function: any other name that is called.
    Function,
    /// The name before the `=` of an argument.
    Parameter,
    /// Any other name.
    Name,
    /// A number.
    Number,
    /// A string.
    String,
    /// A comment.
    Comment,
    /// An operator.
    Operator,
}

/// The stretches of a text that are something, in its order.
pub fn classes(text: &str) -> Vec<(Range<usize>, Class)> {
    let lexed = lex(SourceId::default(), text);
    let comments = lexed.comments.iter().map(|c| (c.span.range(), Class::Comment));
    let mut found: Vec<(Range<usize>, Class)> = comments.collect();
    let mut depth = 0usize;
    let mut first = true;
    for (at, lexeme) in lexed.tokens.iter().enumerate() {
        let next = lexed.tokens.get(at + 1);
        let previous = at.checked_sub(1).map(|before| lexed.tokens[before]);
        if lexeme.token == Token::Newline {
            first |= depth == 0;
            continue;
        }
        let class = class(text, *lexeme, lexeme.token, previous, next.copied(), first, depth);
        // Braces hold statements, other brackets do not.
        if matches!(lexeme.token, Token::OpenParen | Token::OpenBracket) {
            depth += 1;
        } else if matches!(lexeme.token, Token::CloseParen | Token::CloseBracket) {
            depth = depth.saturating_sub(1);
        }
        first = lexeme.token == Token::OpenBrace
            || first && matches!(lexeme.token, Token::Output | Token::Report | Token::Predict);
        found.extend(class.map(|class| (lexeme.range(), class)));
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// What a token is, between its neighbours; `first` is whether it starts a statement.
fn class(
    text: &str,
    lexeme: Lexeme,
    token: Token,
    previous: Option<Lexeme>,
    next: Option<Lexeme>,
    first: bool,
    depth: usize,
) -> Option<Class> {
    let after = next.map(|lexeme| lexeme.token);
    if token.is_reserved() {
        let names_argument = depth > 0 && after == Some(Token::Equal);
        return Some(if names_argument { Class::Parameter } else { Class::Keyword });
    }
    if token.is_contextual() && acts(token, previous.map(|l| l.token), after, first, depth) {
        return Some(Class::Keyword);
    }
    if token.is_name() || token == Token::Qualified {
        let written = &text[lexeme.range()];
        let own = written.rsplit('.').next().unwrap_or(written);
        let called = after == Some(Token::OpenParen)
            && next.is_some_and(|l| l.start == lexeme.end)
            && previous.is_none_or(|l| l.token != Token::Data);
        return Some(match called {
            true if own.starts_with(char::is_uppercase) => Class::Family,
            true => Class::Function,
            false if depth > 0 && after == Some(Token::Equal) => Class::Parameter,
            false => Class::Name,
        });
    }
    if token == Token::Number {
        Some(Class::Number)
    } else if token == Token::String {
        Some(Class::String)
    } else {
        let is_operator = OPERATORS.contains(&token) || token.is_comparison();
        is_operator.then_some(Class::Operator)
    }
}

const OPERATORS: &[Token] = &[
    Token::Equal,
    Token::Tilde,
    Token::Plus,
    Token::Minus,
    Token::Star,
    Token::Slash,
    Token::Contract,
    Token::Caret,
    Token::DotDot,
];

/// Whether a contextual keyword is one where it stands.
fn acts(
    token: Token,
    previous: Option<Token>,
    next: Option<Token>,
    first: bool,
    depth: usize,
) -> bool {
    let operand = next.is_some_and(|t| {
        t.is_name() || matches!(t, Token::String | Token::Number | Token::Qualified)
    });
    if token.starts_statement() {
        let of_value = next.is_some_and(|t| matches!(t, Token::OpenParen | Token::Minus));
        return first && (operand || token == Token::Factor && of_value);
    }
    let after_operand = previous.is_some_and(Token::ends_operand);
    if token == Token::As {
        after_operand && operand
    } else if token == Token::On {
        depth == 0 && after_operand && next == Some(Token::OpenBracket)
    } else if token == Token::At {
        let opens = matches!(previous, Some(Token::Ode | Token::CloseBracket));
        depth == 0 && opens && operand
    } else if token == Token::From {
        depth == 0 && after_operand && (operand || next == Some(Token::OpenParen))
    } else {
        token == Token::Stiff && depth == 0 && next == Some(Token::OpenBrace)
    }
}
