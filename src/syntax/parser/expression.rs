//! The grammar of expressions.
//!
//! It is a little wider than the language: it accepts chained comparisons, `b + if …`, and `in` or
//! `start` after an unparenthesised `else`, which `strict` then reports with a better message than
//! a missing token could give.

use chumsky::extra;
use chumsky::pratt::{infix, left, prefix, right};
use chumsky::prelude::*;

use crate::source::{SourceId, Span, Spanned};
use crate::syntax::ast::*;
use crate::syntax::token::{Lexeme, Token};

/// The tokens of one statement.
pub(super) type Tokens<'t> = &'t [Lexeme];
/// What went wrong, with the index of the token.
pub(super) type Failure<'t> = Rich<'t, Lexeme>;
/// A parser of part of a statement.
pub(super) type Rule<'t, T> = Boxed<'t, 't, Tokens<'t>, T, extra::Err<Failure<'t>>>;

/// How an operand is called in messages.
pub(super) const EXPRESSION: &str = "an expression";
/// How an infix operator is called in messages.
pub(super) const OPERATOR: &str = "an operator";
/// How a name is called in messages.
pub(super) const NAME: &str = "a name";
/// How a string is called in messages.
pub(super) const STRING: &str = "a string";

/// The text behind the tokens.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) source: SourceId,
    pub(super) text: &'t str,
}

impl<'t> Text<'t> {
    /// The place of one token.
    pub(super) fn span(self, lexeme: Lexeme) -> Span {
        Span::new(self.source, lexeme.start as usize, lexeme.end as usize)
    }

    /// The place of some tokens.
    pub(super) fn cover(self, tokens: &[Lexeme]) -> Span {
        let start = tokens.first().map_or(0, |l| l.start as usize);
        let end = tokens.last().map_or(start, |l| l.end as usize);
        Span::new(self.source, start, end)
    }

    /// What a token says.
    pub(super) fn slice(self, lexeme: Lexeme) -> &'t str {
        self.text.get(lexeme.range()).unwrap_or("")
    }

    fn name(self, lexeme: Lexeme) -> Name {
        Spanned::new(self.slice(lexeme).to_string(), self.span(lexeme))
    }

    /// A string without its quotes, which may be of another language.
    fn string(self, lexeme: Lexeme) -> Spanned<String> {
        let mut inner = self.slice(lexeme).chars();
        inner.next();
        inner.next_back();
        Spanned::new(inner.as_str().to_string(), self.span(lexeme))
    }

    fn number(self, lexeme: Lexeme) -> Expr {
        let text = self.slice(lexeme);
        // The lexer lets only readable numbers through.
        let value = text.parse().unwrap_or(f64::NAN);
        let integer = text.bytes().all(|b| b.is_ascii_digit());
        Expr { kind: ExprKind::Number { value, integer }, span: self.span(lexeme) }
    }
}

/// A token of one kind.
pub(super) fn token<'t>(wanted: Token) -> Rule<'t, Lexeme> {
    any().filter(move |l: &Lexeme| l.token == wanted).labelled(wanted.describe()).boxed()
}

/// A name; contextual keywords are names.
pub(super) fn name<'t>(text: Text<'t>) -> Rule<'t, Name> {
    any().filter(|l: &Lexeme| l.token.is_name()).map(move |l| text.name(l)).labelled(NAME).boxed()
}

/// A name, or a name of a module or of a part in use: `module.name`.
pub(super) fn path<'t>(text: Text<'t>) -> Rule<'t, Name> {
    any()
        .filter(|l: &Lexeme| l.token.is_name() || l.token == Token::Qualified)
        .map(move |l| text.name(l))
        .labelled(NAME)
        .boxed()
}

/// A string.
pub(super) fn string<'t>(text: Text<'t>) -> Rule<'t, Spanned<String>> {
    any()
        .filter(|l: &Lexeme| l.token == Token::String)
        .map(move |l| text.string(l))
        .labelled(STRING)
        .boxed()
}

/// `name, name`
pub(super) fn names<'t>(text: Text<'t>) -> Rule<'t, Vec<Name>> {
    name(text).separated_by(token(Token::Comma)).at_least(1).collect().boxed()
}

/// `[ a, b ]`
pub(super) fn bracketed<'t, T: 't>(item: Rule<'t, T>) -> Rule<'t, Vec<T>> {
    item.separated_by(token(Token::Comma))
        .at_least(1)
        .collect()
        .delimited_by(token(Token::OpenBracket), token(Token::CloseBracket))
        .boxed()
}

/// `(`, whether or not a `:` stands before its `)`.
pub(super) fn open_paren<'t>() -> Rule<'t, Lexeme> {
    any()
        .filter(|l: &Lexeme| matches!(l.token, Token::OpenParen | Token::OpenComprehension))
        .labelled("(")
        .boxed()
}

/// `( a, b )`
pub(super) fn parenthesised<'t, T: 't>(item: Rule<'t, T>) -> Rule<'t, Vec<T>> {
    item.separated_by(token(Token::Comma))
        .collect()
        .delimited_by(open_paren(), token(Token::CloseParen))
        .boxed()
}

/// The rules that statements build on; all of one recursive knot.
#[derive(Clone)]
pub(super) struct Expressions<'t> {
    /// `expr`
    pub(super) expr: Rule<'t, Expr>,
    /// `binders`
    pub(super) binders: Rule<'t, Vec<Binder>>,
    /// `extent`
    pub(super) extent: Rule<'t, Extent>,
    /// `interval`
    pub(super) interval: Rule<'t, Interval>,
    /// `( arg, … )`
    pub(super) arguments: Rule<'t, Vec<Argument>>,
}

/// The grammar of expressions over a text.
pub(super) fn expressions<'t>(text: Text<'t>) -> Expressions<'t> {
    let mut expr = Recursive::declare();
    let mut operation = Recursive::declare();
    let whole: Rule<'t, Expr> = expr.clone().boxed();
    let range_end: Rule<'t, Expr> = operation.clone().boxed();
    let extent = extent(text, range_end);
    let binder = binder(text, extent.clone());
    let interval = interval(text, whole.clone());
    let arguments = parenthesised(argument(text, whole.clone()));
    let subscripts = bracketed(subscript(text, whole.clone()));
    let comprehension = comprehension(binder.clone(), whole.clone());
    let atom = choice((
        literal(text),
        named(text, arguments.clone(), comprehension),
        group(text, whole.clone()),
        list(text, whole.clone()),
        conditional(text, whole),
    ))
    .labelled(EXPRESSION);
    let indexed = atom.foldl(subscripts.then_end(text).repeated(), |base, (subscripts, end)| {
        let span = base.span.to(end);
        Expr { kind: ExprKind::Index(Box::new(base), subscripts), span }
    });
    operation.define(operators(text, indexed.boxed()));
    let inside = token(Token::In).ignore_then(interval.clone()).or_not();
    let start = token(Token::Start).ignore_then(expr.clone()).or_not();
    expr.define(operation.then(inside).then(start).map(|((value, interval), start)| {
        let value = match interval {
            Some(interval) => {
                let span = value.span.to(interval.span);
                Expr { kind: ExprKind::In(Box::new(value), interval), span }
            }
            None => value,
        };
        match start {
            Some(first) => {
                let span = value.span.to(first.span);
                Expr { kind: ExprKind::Start(Box::new(value), Box::new(first)), span }
            }
            None => value,
        }
    }));
    Expressions { expr: expr.boxed(), binders: bracketed(binder), extent, interval, arguments }
}

/// Pairs what a rule gives with the place where it ends.
trait ThenEnd<'t, T> {
    fn then_end(self, text: Text<'t>) -> Rule<'t, (T, Span)>;
}

impl<'t, T: 't> ThenEnd<'t, T> for Rule<'t, T> {
    fn then_end(self, text: Text<'t>) -> Rule<'t, (T, Span)> {
        self.map_with(move |value, e| (value, text.cover(e.slice()))).boxed()
    }
}

/// Infix and prefix operators by precedence, loosest first.
fn operators<'t>(text: Text<'t>, operand: Rule<'t, Expr>) -> Rule<'t, Expr> {
    let binary = |l: Expr, (operator, place): (BinaryOperator, Span), r: Expr| {
        let span = l.span.to(r.span);
        Expr { kind: ExprKind::Binary(operator, place, Box::new(l), Box::new(r)), span }
    };
    let unary = |operator: UnaryOperator, place: Span, operand: Expr| {
        let span = place.to(operand.span);
        Expr { kind: ExprKind::Unary(operator, Box::new(operand)), span }
    };
    let sign = token(Token::Minus).labelled(EXPRESSION).map(move |l| text.span(l));
    let not = token(Token::Not).labelled(EXPRESSION).map(move |l| text.span(l));
    operand
        .pratt((
            infix(left(1), level(text, DISJUNCTION), move |l, o, r, _| binary(l, o, r)),
            infix(left(2), level(text, CONJUNCTION), move |l, o, r, _| binary(l, o, r)),
            prefix(3, not, move |place, e, _| unary(UnaryOperator::Not, place, e)),
            infix(left(4), level(text, COMPARISON), move |l, o, r, _| binary(l, o, r)),
            infix(left(5), level(text, SUM), move |l, o, r, _| binary(l, o, r)),
            infix(left(6), level(text, PRODUCT), move |l, o, r, _| binary(l, o, r)),
            prefix(7, sign, move |place, e, _| unary(UnaryOperator::Negate, place, e)),
            infix(right(8), level(text, POWER), move |l, o, r, _| binary(l, o, r)),
        ))
        .boxed()
}

type Level = &'static [(Token, BinaryOperator)];

const DISJUNCTION: Level = &[(Token::Or, BinaryOperator::Or)];
const CONJUNCTION: Level = &[(Token::And, BinaryOperator::And)];
const COMPARISON: Level = &[
    (Token::EqualEqual, BinaryOperator::Equal),
    (Token::NotEqual, BinaryOperator::NotEqual),
    (Token::Less, BinaryOperator::Less),
    (Token::LessEqual, BinaryOperator::LessEqual),
    (Token::Greater, BinaryOperator::Greater),
    (Token::GreaterEqual, BinaryOperator::GreaterEqual),
];
const SUM: Level = &[(Token::Plus, BinaryOperator::Add), (Token::Minus, BinaryOperator::Subtract)];
const PRODUCT: Level = &[
    (Token::Star, BinaryOperator::Multiply),
    (Token::Slash, BinaryOperator::Divide),
    (Token::Contract, BinaryOperator::Contract),
];
const POWER: Level = &[(Token::Caret, BinaryOperator::Power)];

/// The operators of one level of precedence, each with its place.
fn level<'t>(text: Text<'t>, level: Level) -> Rule<'t, (BinaryOperator, Span)> {
    chumsky::primitive::select(move |l: Lexeme, _| {
        let found = level.iter().find(|(token, _)| *token == l.token);
        found.map(|(_, operator)| (*operator, text.span(l)))
    })
    .labelled(OPERATOR)
    .boxed()
}

/// `1.5`, `"hare"`
fn literal<'t>(text: Text<'t>) -> Rule<'t, Expr> {
    let number = token(Token::Number).map(move |l| text.number(l));
    let label = string(text).map(|s| Expr { kind: ExprKind::Label(s.value), span: s.span });
    number.or(label).boxed()
}

/// `name`, `name(…)`, `sum(k in lag: …)`
fn named<'t>(
    text: Text<'t>,
    arguments: Rule<'t, Vec<Argument>>,
    comprehension: Rule<'t, Comprehension>,
) -> Rule<'t, Expr> {
    enum Tail {
        Call(Vec<Argument>),
        Comprehension(Comprehension),
    }
    let call = token(Token::OpenParen).rewind().ignore_then(arguments).map(Tail::Call);
    let tail = comprehension.map(Tail::Comprehension).or(call).or_not();
    any()
        .filter(|l: &Lexeme| l.token.is_name() || l.token == Token::Qualified)
        .map(move |l| text.name(l))
        .then(tail)
        .map_with(move |(name, tail), e| {
            let kind = match tail {
                None => ExprKind::Name(name.value),
                Some(Tail::Call(arguments)) => ExprKind::Call(name, arguments),
                Some(Tail::Comprehension((binders, guard, body))) => {
                    let (guard, body) = (guard.map(Box::new), Box::new(body));
                    ExprKind::Comprehension { function: name, binders, guard, body }
                }
            };
            Expr { kind, span: text.cover(e.slice()) }
        })
        .boxed()
}

type Comprehension = (Vec<Binder>, Option<Expr>, Expr);

/// `(binder, … where guard: body)`
fn comprehension<'t>(binder: Rule<'t, Binder>, expr: Rule<'t, Expr>) -> Rule<'t, Comprehension> {
    let guard = token(Token::Where).ignore_then(expr.clone()).or_not();
    binder
        .separated_by(token(Token::Comma))
        .at_least(1)
        .collect()
        .then(guard)
        .then_ignore(token(Token::Colon))
        .then(expr)
        .delimited_by(token(Token::OpenComprehension), token(Token::CloseParen))
        .map(|((binders, guard), body)| (binders, guard, body))
        .boxed()
}

/// `(e)`
fn group<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Expr> {
    expr.delimited_by(open_paren(), token(Token::CloseParen))
        .map_with(move |e, extra| Expr {
            kind: ExprKind::Group(Box::new(e)),
            span: text.cover(extra.slice()),
        })
        .boxed()
}

/// `[a, b]`
fn list<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Expr> {
    bracketed(expr)
        .map_with(move |items, e| Expr { kind: ExprKind::List(items), span: text.cover(e.slice()) })
        .boxed()
}

/// `if c then a else b`
fn conditional<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Expr> {
    token(Token::If)
        .ignore_then(expr.clone())
        .then_ignore(token(Token::Then))
        .then(expr.clone())
        .then_ignore(token(Token::Else))
        .then(expr)
        .map_with(move |((condition, yes), no), e| Expr {
            kind: ExprKind::If(Box::new(condition), Box::new(yes), Box::new(no)),
            span: text.cover(e.slice()),
        })
        .boxed()
}

/// `[low, high]`
fn interval<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Interval> {
    expr.clone()
        .then_ignore(token(Token::Comma))
        .then(expr)
        .delimited_by(token(Token::OpenBracket), token(Token::CloseBracket))
        .map_with(move |(low, high), e| Interval {
            low: Box::new(low),
            high: Box::new(high),
            span: text.cover(e.slice()),
        })
        .boxed()
}

/// `e`, or `name = e` where the name may be any word.
fn argument<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Argument> {
    any()
        .filter(|l: &Lexeme| l.token.is_name() || l.token.is_reserved())
        .labelled(EXPRESSION)
        .map(move |l| text.name(l))
        .then_ignore(token(Token::Equal))
        .or_not()
        .then(expr)
        .map(|(name, value)| Argument { name, value })
        .boxed()
}

/// `e`, or `axis = e`
fn subscript<'t>(text: Text<'t>, expr: Rule<'t, Expr>) -> Rule<'t, Subscript> {
    name(text)
        .labelled(EXPRESSION)
        .then_ignore(token(Token::Equal))
        .or_not()
        .then(expr)
        .map(|(axis, value)| Subscript { axis, value })
        .boxed()
}

/// `a..b`, `["a", "b"]`, or an axis
fn extent<'t>(text: Text<'t>, end: Rule<'t, Expr>) -> Rule<'t, Extent> {
    let range = end
        .clone()
        .then_ignore(token(Token::DotDot))
        .then(end)
        .map(|(low, high)| Extent::Range(Box::new(low), Box::new(high)));
    let labels = bracketed(string(text))
        .map_with(move |labels, e| Extent::Labels(labels, text.cover(e.slice())));
    choice((labels, range, path(text).map(Extent::Axis))).boxed()
}

/// `county`, `c in county`, `1..3`
fn binder<'t>(text: Text<'t>, extent: Rule<'t, Extent>) -> Rule<'t, Binder> {
    let follows = any()
        .filter(|l: &Lexeme| {
            matches!(l.token, Token::Comma | Token::CloseBracket | Token::Where | Token::Colon)
        })
        .rewind()
        .labelled(OPERATOR);
    let whole = token(Token::In).ignore_then(extent.clone()).map(Some);
    let bare = follows.map(|_| None);
    let named = name(text).then(whole.or(bare)).map(|(name, extent)| (Some(name), extent));
    named
        .or(extent.map(|extent| (None, Some(extent))))
        .map_with(move |(name, extent), e| Binder { name, extent, span: text.cover(e.slice()) })
        .boxed()
}
