//! The grammar of statements.

use chumsky::prelude::*;

use super::expression::{
    Expressions, NAME, Rule, Text, Tokens, bracketed, name, names, open_paren, parenthesised, path,
    string, token,
};
use crate::syntax::ast::*;
use crate::syntax::token::{Lexeme, Token};

/// A rule for each kind of statement, and for the parts that survive a mistake elsewhere in it.
pub(super) struct Statements<'t> {
    import: Rule<'t, StatementKind>,
    data: Rule<'t, StatementKind>,
    axis: Rule<'t, StatementKind>,
    equation: Rule<'t, StatementKind>,
    report: Rule<'t, StatementKind>,
    predict: Rule<'t, StatementKind>,
    factor: Rule<'t, StatementKind>,
    fun: Rule<'t, StatementKind>,
    dist: Rule<'t, StatementKind>,
    ode: Rule<'t, StatementKind>,
    used: Rule<'t, StatementKind>,
    output: Rule<'t, StatementKind>,
    /// `part name[axes](parameters)`, alone.
    part: Rule<'t, StatementKind>,
    /// `[report | predict] name[binders]`, alone.
    pub(super) equation_head: Rule<'t, EquationHead>,
    /// `fun name(params)[binders]`, alone.
    pub(super) fun_head: Rule<'t, FunHead>,
    /// One entry of a `data` statement, alone.
    pub(super) entry: Rule<'t, Entry>,
}

/// `[report | predict] name[binders]`: the word, the name and the binders.
pub(super) type EquationHead = (Option<Token>, Name, Option<Vec<Binder>>);
/// `name(params)[binders]`
pub(super) type FunHead = (Name, Vec<FunctionParameter>, Option<Vec<Binder>>);

impl<'t> Statements<'t> {
    /// The rules over a text.
    pub(super) fn new(text: Text<'t>, e: &Expressions<'t>) -> Self {
        let head = equation_head(text, e);
        let fun_head = fun_head(text, e);
        let entry = entry(text);
        let alone = |rule: Rule<'t, StatementKind>| rule.then_ignore(end()).boxed();
        Statements {
            import: alone(import(text)),
            data: alone(data(text, entry.clone(), e)),
            axis: alone(axis(text, e)),
            equation: alone(equation(text, head.clone(), e)),
            report: alone(listing(text, Token::Report, StatementKind::Report)),
            predict: alone(listing(text, Token::Predict, StatementKind::Predict)),
            factor: alone(factor(e)),
            fun: alone(function(fun_head.clone(), e)),
            dist: alone(distribution(text, e)),
            ode: alone(ode(text, e)),
            used: alone(used(text, e)),
            output: alone(listing(text, Token::Output, StatementKind::Output)),
            part: alone(part(text)),
            equation_head: head.then_ignore(end()).boxed(),
            fun_head: token(Token::Fun).ignore_then(fun_head).then_ignore(end()).boxed(),
            entry: entry.then_ignore(end()).boxed(),
        }
    }

    /// The rule of the kind of statement that these tokens are.
    pub(super) fn rule(&self, shape: Form) -> &Rule<'t, StatementKind> {
        match shape {
            Form::Import => &self.import,
            Form::Data => &self.data,
            Form::Axis => &self.axis,
            Form::Equation => &self.equation,
            Form::Report => &self.report,
            Form::Predict => &self.predict,
            Form::Factor => &self.factor,
            Form::Fun => &self.fun,
            Form::Dist => &self.dist,
            Form::Ode => &self.ode,
            Form::Part => &self.part,
            Form::Use => &self.used,
            Form::Output => &self.output,
        }
    }
}

/// The kinds of statement, told apart by their first tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Import,
    Data,
    Axis,
    /// `… = …` and `… ~ …`
    Equation,
    /// `report a, b`
    Report,
    /// `predict a, b`
    Predict,
    Factor,
    Fun,
    Dist,
    Ode,
    /// The head of a part; its equations are statements of their own.
    Part,
    Use,
    /// `output a, b`
    Output,
}

impl Form {
    /// The words that start a statement.
    const WORDS: &[(Token, Form)] = &[
        (Token::Import, Form::Import),
        (Token::Data, Form::Data),
        (Token::Axis, Form::Axis),
        (Token::Report, Form::Report),
        (Token::Predict, Form::Predict),
        (Token::Factor, Form::Factor),
        (Token::Fun, Form::Fun),
        (Token::Dist, Form::Dist),
        (Token::Ode, Form::Ode),
        (Token::Part, Form::Part),
        (Token::Use, Form::Use),
        (Token::Output, Form::Output),
    ];

    /// The kind of statement. A word that is a keyword here is a name before `=`, `~` or `[`.
    pub(super) fn of(tokens: Tokens<'_>) -> Form {
        let (Some(first), second) = (tokens.first(), tokens.get(1).map(|l| l.token)) else {
            return Form::Equation;
        };
        let is_name = matches!(second, Some(Token::Equal | Token::Tilde | Token::EqualEqual))
            || second == Some(Token::OpenBracket) && head_end(tokens).is_some();
        if is_name {
            return Form::Equation;
        }
        let listing = matches!(first.token, Token::Report | Token::Predict);
        if listing && head_end(tokens).is_some() {
            return Form::Equation;
        }
        let form = Form::WORDS.iter().find(|(word, _)| *word == first.token);
        form.map_or(Form::Equation, |(_, form)| *form)
    }
}

/// Where the `=` or `~` of an equation is: the first one outside brackets.
pub(super) fn head_end(tokens: Tokens<'_>) -> Option<usize> {
    let mut depth = 0usize;
    for (at, lexeme) in tokens.iter().enumerate() {
        if lexeme.token.opens() {
            depth += 1;
        } else if lexeme.token.closes() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && matches!(lexeme.token, Token::Equal | Token::Tilde) {
            return Some(at);
        }
    }
    None
}

/// `import "file" as name`
fn import<'t>(text: Text<'t>) -> Rule<'t, StatementKind> {
    token(Token::Import)
        .ignore_then(string(text))
        .then(token(Token::As).ignore_then(name(text)).or_not())
        .map(|(path, alias)| StatementKind::Import { path, alias })
        .boxed()
}

/// `data entry, … from "file" with hints`
fn data<'t>(
    text: Text<'t>,
    entry: Rule<'t, Entry>,
    e: &Expressions<'t>,
) -> Rule<'t, StatementKind> {
    token(Token::Data)
        .ignore_then(entry.separated_by(token(Token::Comma)).at_least(1).collect())
        .then(token(Token::From).ignore_then(string(text)).or_not())
        .then(hints(text, e))
        .map(|((entries, from), hints)| StatementKind::Data(Data { entries, from, hints }))
        .boxed()
}

fn entry<'t>(text: Text<'t>) -> Rule<'t, Entry> {
    let columns = column(text)
        .separated_by(token(Token::Comma))
        .at_least(1)
        .collect()
        .delimited_by(open_paren(), token(Token::CloseParen));
    let table = name(text)
        .then_ignore(open_paren().rewind())
        .then(columns)
        .map(|(name, columns)| Entry::Table { name, columns });
    let array =
        name(text).then(missing(text)).then(bracketed(name(text)).or_not()).then(kind(text)).map(
            |(((name, missing), axes), kind)| {
                let axes = axes.unwrap_or_default();
                Entry::Array { name, missing, axes, kind }
            },
        );
    table.or(array).boxed()
}

/// `"Header text" as name?: kind`
fn column<'t>(text: Text<'t>) -> Rule<'t, Column> {
    string(text)
        .then_ignore(token(Token::As))
        .or_not()
        .then(name(text))
        .then(missing(text))
        .then(kind(text))
        .map(|(((header, name), missing), kind)| Column { header, name, missing, kind })
        .boxed()
}

fn missing<'t>(text: Text<'t>) -> Rule<'t, Option<crate::source::Span>> {
    token(Token::Question).map(move |l| text.span(l)).or_not().boxed()
}

fn kind<'t>(text: Text<'t>) -> Rule<'t, Option<Name>> {
    token(Token::Colon).ignore_then(name(text)).or_not().boxed()
}

/// `axis name = extent`
fn axis<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    token(Token::Axis)
        .ignore_then(name(text))
        .then_ignore(token(Token::Equal))
        .then(e.extent.clone())
        .map(|(name, extent)| StatementKind::Axis { name, extent })
        .boxed()
}

/// `with hint(arguments), …`
fn hints<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, Vec<Hint>> {
    let hint = name(text)
        .then(e.arguments.clone().or_not())
        .map(|(name, arguments)| Hint { name, arguments: arguments.unwrap_or_default() });
    token(Token::With)
        .ignore_then(hint.separated_by(token(Token::Comma)).at_least(1).collect())
        .or_not()
        .map(Option::unwrap_or_default)
        .boxed()
}

/// `[report | predict] name[binders]`. Before another name, the first word is the keyword.
fn equation_head<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, EquationHead> {
    let word = any()
        .filter(|l: &Lexeme| matches!(l.token, Token::Report | Token::Predict))
        .labelled(NAME)
        .then_ignore(name(text).rewind())
        .map(|l| l.token)
        .or_not();
    word.then(name(text))
        .then(e.binders.clone().or_not())
        .map(|((word, name), binders)| (word, name, binders))
        .boxed()
}

/// `head = value where guard`, `head ~ distribution over axes where guard with hints`
fn equation<'t>(
    text: Text<'t>,
    head: Rule<'t, EquationHead>,
    e: &Expressions<'t>,
) -> Rule<'t, StatementKind> {
    enum Right {
        Define(Expr, Option<Expr>),
        Random(Expr, Vec<Name>, Option<Expr>, Vec<Hint>),
    }
    let guard = token(Token::Where).ignore_then(e.expr.clone()).or_not().boxed();
    let over = token(Token::Over).ignore_then(names(text)).or_not().map(Option::unwrap_or_default);
    let define = token(Token::Equal)
        .ignore_then(e.expr.clone())
        .then(guard.clone())
        .map(|(value, guard)| Right::Define(value, guard));
    let random = token(Token::Tilde)
        .ignore_then(e.expr.clone())
        .then(over)
        .then(guard)
        .then(hints(text, e))
        .map(|(((d, over), guard), hints)| Right::Random(d, over, guard, hints));
    head.then(define.or(random))
        .map(|((word, name, binders), right)| match right {
            Right::Define(value, guard) => {
                let report = word == Some(Token::Report);
                StatementKind::Define(Define { report, name, binders, value, guard })
            }
            Right::Random(distribution, over, guard, hints) => {
                let predict = word == Some(Token::Predict);
                let random = Random { predict, name, binders, distribution, over, guard, hints };
                StatementKind::Random(random)
            }
        })
        .boxed()
}

/// `report a, b`, `predict a, b`
fn listing<'t>(
    text: Text<'t>,
    word: Token,
    make: fn(Vec<Name>) -> StatementKind,
) -> Rule<'t, StatementKind> {
    let listed = path(text).separated_by(token(Token::Comma)).at_least(1).collect();
    token(word).ignore_then(listed).map(make).boxed()
}

/// `factor e`
fn factor<'t>(e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    token(Token::Factor).ignore_then(e.expr.clone()).map(StatementKind::Factor).boxed()
}

fn parameters<'t>(text: Text<'t>) -> Rule<'t, Vec<FunctionParameter>> {
    let parameter = name(text)
        .then(bracketed(name(text)).or_not())
        .map(|(name, axes)| FunctionParameter { name, axes: axes.unwrap_or_default() });
    parenthesised(parameter.boxed())
}

fn fun_head<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, FunHead> {
    name(text)
        .then(parameters(text))
        .then(e.binders.clone().or_not())
        .map(|((name, parameters), binders)| (name, parameters, binders))
        .boxed()
}

/// `fun name(parameters)[binders] = body`
fn function<'t>(head: Rule<'t, FunHead>, e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    token(Token::Fun)
        .ignore_then(head)
        .then_ignore(token(Token::Equal))
        .then(e.expr.clone())
        .map(|((name, parameters, binders), body)| {
            StatementKind::Function(FunctionDefinition { name, parameters, binders, body })
        })
        .boxed()
}

/// `dist name(parameters)(variate) = log_density on [low, high]`
fn distribution<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    let variate = name(text).delimited_by(open_paren(), token(Token::CloseParen));
    token(Token::Dist)
        .ignore_then(name(text))
        .then(parameters(text))
        .then(variate)
        .then_ignore(token(Token::Equal))
        .then(e.expr.clone())
        .then(token(Token::On).ignore_then(e.interval.clone()).or_not())
        .map(|((((name, parameters), variate), log_density), support)| {
            let definition =
                DistributionDefinition { name, parameters, variate, log_density, support };
            StatementKind::Distribution(definition)
        })
        .boxed()
}

/// `ode name[axes] at times from start stiff with hints { equations }`
fn ode<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    let named = name(text).then(bracketed(name(text))).map(|(name, axes)| (Some(name), axes));
    let unnamed = bracketed(name(text)).map(|axes| (None, axes));
    let array = named.or(unnamed).or_not().map(Option::unwrap_or_default);
    let equations = ode_equation(text, e)
        .separated_by(token(Token::Newline))
        .collect()
        .delimited_by(token(Token::OpenBrace), token(Token::CloseBrace));
    token(Token::Ode)
        .ignore_then(array)
        .then_ignore(token(Token::At))
        .then(name(text))
        .then_ignore(token(Token::From))
        .then(e.expr.clone())
        .then(token(Token::Stiff).or_not())
        .then(hints(text, e))
        .then(equations)
        .map(|((((((name, axes), at), from), stiff), hints), equations)| {
            let stiff = stiff.is_some();
            StatementKind::Ode(Ode { name, axes, at, from, stiff, hints, equations })
        })
        .boxed()
}

/// `part name[axes](parameters)`
fn part<'t>(text: Text<'t>) -> Rule<'t, StatementKind> {
    token(Token::Part)
        .ignore_then(name(text))
        .then(bracketed(name(text)).or_not())
        .then(parameters(text))
        .map(|((name, axes), parameters)| {
            let axes = axes.unwrap_or_default();
            StatementKind::Part(Part { name, axes, parameters, statements: Vec::new() })
        })
        .boxed()
}

/// `use part[axes](arguments) as alias`
fn used<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, StatementKind> {
    token(Token::Use)
        .ignore_then(path(text))
        .then(bracketed(path(text)).or_not())
        .then(e.arguments.clone())
        .then_ignore(token(Token::As))
        .then(name(text))
        .map(|(((part, axes), arguments), alias)| {
            StatementKind::Use(Use { part, axes: axes.unwrap_or_default(), arguments, alias })
        })
        .boxed()
}

/// `state' = rate start value`. A missing `start` is an `Error` value, which `strict` reports.
fn ode_equation<'t>(text: Text<'t>, e: &Expressions<'t>) -> Rule<'t, OdeEquation> {
    name(text)
        .then_ignore(token(Token::Prime))
        .then_ignore(token(Token::Equal))
        .then(e.expr.clone())
        .map(|(state, value)| {
            let end = crate::source::Span { start: value.span.end, ..value.span };
            let (rate, start) = if let ExprKind::Start(rate, start) = value.kind {
                (*rate, *start)
            } else {
                (value, Expr { kind: ExprKind::Error, span: end })
            };
            OdeEquation { state, rate, start }
        })
        .boxed()
}
