//! Says what was expected where the grammar found something else.

use chumsky::error::RichPattern;

use super::expression::{EXPRESSION, Failure, NAME, OPERATOR, STRING, Text, Tokens};
use super::layout::symbol;
use super::statement::{Form, head_end};
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::token::{Lexeme, Token};

/// Where the grammar stopped.
struct Stop<'t> {
    text: Text<'t>,
    tokens: Tokens<'t>,
    form: Form,
    /// The index of the token that does not fit; the length when the statement ends too early.
    at: usize,
    /// What would have fitted, without operators and the end of the statement.
    wanted: Vec<String>,
    /// Whether the statement could have ended here.
    may_end: bool,
    /// Whether an operand is complete, so that an operator would have fitted.
    after_operand: bool,
}

/// What may always follow an operand, and says nothing in a list of what was expected.
const TAILS: &[&str] = &["[", "(", "in", "start", "where", "over", "with", "?"];

/// The message for a failure of the grammar.
pub(super) fn explain<'t>(
    text: Text<'t>,
    tokens: Tokens<'t>,
    form: Form,
    failure: &Failure<'t>,
) -> Diagnostic {
    let mut wanted = Vec::new();
    let (mut may_end, mut after_operand) = (false, false);
    for pattern in failure.expected() {
        let label = match pattern {
            RichPattern::Label(label) => label.to_string(),
            RichPattern::EndOfInput => {
                may_end = true;
                continue;
            }
            RichPattern::Token(_)
            | RichPattern::Identifier(_)
            | RichPattern::Any
            | RichPattern::SomethingElse
            | _ => continue,
        };
        if label == OPERATOR {
            after_operand = true;
        } else if !wanted.contains(&label) {
            wanted.push(label);
        }
    }
    if after_operand {
        wanted.retain(|w| !TAILS.contains(&w.as_str()));
    }
    let at = failure.span().start.min(tokens.len());
    let stop = Stop { text, tokens, form, at, wanted, may_end, after_operand };
    stop.habit().unwrap_or_else(|| stop.general())
}

impl Stop<'_> {
    fn found(&self) -> Option<Lexeme> {
        self.tokens.get(self.at).copied()
    }

    fn previous(&self) -> Option<Lexeme> {
        self.tokens.get(self.at.checked_sub(1)?).copied()
    }

    fn wants(&self, label: &str) -> bool {
        self.wanted.iter().any(|w| w == label)
    }

    /// The token that does not fit, or the place just after the last one.
    fn place(&self) -> Span {
        match (self.found(), self.tokens.last()) {
            (Some(found), _) => self.text.span(found),
            (None, Some(last)) => Span { start: last.end, ..self.text.span(*last) },
            (None, None) => self.text.cover(&[]),
        }
    }

    /// The innermost bracket open here, if any.
    fn bracket(&self) -> Option<Lexeme> {
        let mut depth = 0usize;
        for lexeme in self.tokens[..self.at].iter().rev() {
            if lexeme.token.closes() {
                depth += 1;
            } else if lexeme.token.opens() {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return Some(*lexeme),
                }
            }
        }
        None
    }

    fn written(&self, lexeme: Lexeme) -> String {
        if lexeme.token == Token::Newline {
            return "the end of the line".to_string();
        }
        format!("`{}`", self.text.slice(lexeme))
    }

    fn after(&self) -> String {
        self.previous().map_or_else(String::new, |p| format!(" after {}", self.written(p)))
    }

    fn general(&self) -> Diagnostic {
        let found = self.found();
        let what = if self.wants(EXPRESSION) {
            EXPRESSION.to_string()
        } else if self.wanted.is_empty() {
            "an operator or the end of the line".to_string()
        } else {
            alternatives(&self.wanted)
        };
        let after = self.after();
        let (message, here) = match found {
            Some(found) if self.wanted.is_empty() || self.may_end && !self.wants(EXPRESSION) => {
                let found = self.written(found);
                (format!("{found} cannot follow here"), format!("expected {what}{after}"))
            }
            Some(found) => {
                let found = self.written(found);
                (format!("expected {what}{after}, found {found}"), "not expected here".to_string())
            }
            None => (format!("expected {what}{after}"), "the statement ends here".to_string()),
        };
        let mut diagnostic = Diagnostic::error(Slug::UnexpectedToken, message, self.place(), here);
        if let Some(open) = self.bracket() {
            let text = format!("inside this `{}`", symbol(open.token));
            diagnostic = diagnostic.because(self.text.span(open), text);
        }
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    /// What to do about a failure without a message of its own.
    fn help(&self) -> Option<String> {
        let found = self.found().map(|l| l.token);
        if self.wants(NAME) && found.is_some_and(Token::is_reserved) {
            return Some("this word is reserved; choose another name".to_string());
        }
        if self.wants(EXPRESSION)
            && let Some(before) = self.previous()
            && before.token.continues_line()
        {
            let before = self.text.slice(before);
            return Some(format!("write what comes after the `{before}`, or delete it"));
        }
        if self.after_operand && found.is_some_and(|t| t.ends_operand() || t.opens()) {
            let in_call = self.bracket().is_some_and(|b| b.token != Token::OpenBracket);
            let comma = if in_call { "a `,` between two arguments, or " } else { "" };
            return Some(format!("write {comma}an operator between the two; a product needs `*`"));
        }
        let example = match self.form {
            Form::Import => "`import \"file.vi\" as name`",
            Form::Data => "`data school(y, sigma), n: int, x[row, column]`",
            Form::Axis => "`axis day = 1..31`, `axis size = [\"small\", \"large\"]`",
            Form::Equation => return None,
            Form::Report => "`report a, b` or `report ratio = a / b`",
            Form::Predict => "`predict y` or `predict y_new ~ Normal(mu, sigma)`",
            Form::Factor => "`factor log_weight`",
            Form::Fun => "`fun square(x) = x^2`",
            Form::Dist => "`dist Name(a, b)(x) = -a * abs(x - b) on [0, inf]`",
            Form::Ode => {
                "`ode z[animal] at times from 0 { hare' = hare start 1 }`, equations on lines"
            }
            Form::Part => "`part hierarchy[group](scale) { … }`, equations on lines",
            Form::Use => "`use hierarchy[county](scale = 1) as h`",
            Form::Output => "`output effect` or `output effect[group] = tau * z`",
        };
        Some(format!("for example {example}"))
    }

    /// What has a better answer than a list of expected tokens.
    fn habit(&self) -> Option<Diagnostic> {
        self.unnamed_report()
            .or_else(|| self.clause())
            .or_else(|| self.conditional())
            .or_else(|| self.slice())
            .or_else(|| self.colon())
            .or_else(|| self.second_sign())
            .or_else(|| self.prime())
            .or_else(|| self.ternary())
            .or_else(|| self.brace())
            .or_else(|| self.not_a_statement())
    }

    /// `report mean(x)`, `report a > 3`
    fn unnamed_report(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|_| self.form == Form::Report)?;
        let value = self.tokens.get(1).filter(|_| !found.token.is_name())?;
        let whole = self.text.cover(&self.tokens[1..]);
        let start = Span { end: whole.start, ..whole };
        Some(
            Diagnostic::error(
                Slug::UnexpectedToken,
                "what is reported needs a name",
                self.text.span(*value).to(whole),
                "has no name",
            )
            .help("write `report name = …`; names that exist are listed: `report a, b`")
            .edit(start, "value = "),
        )
    }

    /// `if c a else b`, `if c then a`
    fn conditional(&self) -> Option<Diagnostic> {
        let word = ["then", "else"].into_iter().find(|w| self.wants(w))?;
        let opening = self.opening_if()?;
        // An operator may follow too, but `then` is what makes the statement whole.
        let part = if word == "then" { "condition" } else { "`then` branch" };
        let place = self.place();
        let message = format!("expected `{word}` after the {part} of this `if`");
        let diagnostic = Diagnostic::error(Slug::UnexpectedToken, message, place, "expected here")
            .because(self.text.span(opening), "this `if`")
            .help("write `if … then … else …`: both branches are needed");
        Some(if word == "then" && self.found().is_some_and(|f| !f.token.closes()) {
            diagnostic.edit(Span { end: place.start, ..place }, "then ")
        } else {
            diagnostic
        })
    }

    /// The nearest `if` before the stop whose `then` (or `else`) has not come yet.
    fn opening_if(&self) -> Option<Lexeme> {
        self.tokens[..self.at].iter().rev().copied().find(|l| l.token == Token::If)
    }

    /// `x[1:3]`, `x[1..3]`
    fn slice(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|l| matches!(l.token, Token::Colon | Token::DotDot))?;
        let head = head_end(self.tokens)?;
        let bracket = self.bracket().filter(|l| l.token == Token::OpenBracket)?;
        if self.form != Form::Equation || self.at < head {
            return None;
        }
        Some(
            Diagnostic::error(
                Slug::ForeignSyntax,
                "an index picks one element; there are no slices",
                self.text.span(found),
                "not an element",
            )
            .because(self.text.span(bracket), "inside this index")
            .help("let an index on the left run over the range: `z[k in 1..3] = y[k]`"),
        )
    }

    /// `axis a = 1:3`, `y[i in 1:3] ~ …`
    fn colon(&self) -> Option<Diagnostic> {
        let colon = self.found().filter(|l| l.token == Token::Colon)?;
        let in_brackets = self.bracket().is_some();
        if self.form == Form::Data || !in_brackets && self.form != Form::Axis {
            return None;
        }
        let span = self.text.span(colon);
        Some(
            Diagnostic::error(
                Slug::ForeignSyntax,
                "a range is written with `..`, not with `:`",
                span,
                "not a range",
            )
            .help("write `1..3`, both ends included")
            .edit(span, ".."),
        )
    }

    /// `a = b = c`, `a ~ b ~ c`
    fn second_sign(&self) -> Option<Diagnostic> {
        let sign = self.found().filter(|l| matches!(l.token, Token::Equal | Token::Tilde))?;
        let operator_before = self.previous().is_some_and(|l| l.token.continues_line());
        let first = self.tokens[..self.at]
            .iter()
            .find(|l| matches!(l.token, Token::Equal | Token::Tilde))?;
        if operator_before || self.bracket().is_some() {
            return None;
        }
        let (again, before) = (self.text.slice(sign), self.text.slice(*first));
        Some(
            Diagnostic::error(
                Slug::UnexpectedToken,
                format!("a second `{again}` in one statement"),
                self.text.span(sign),
                "not expected here",
            )
            .because(self.text.span(*first), format!("the statement already has this `{before}`"))
            .help("write one equation per line; a comparison is written `==`"),
        )
    }

    /// `X'`
    fn prime(&self) -> Option<Diagnostic> {
        let prime = self.found().filter(|l| l.token == Token::Prime)?;
        let diagnostic = Diagnostic::error(
            Slug::ForeignSyntax,
            "`'` is not an operator",
            self.text.span(prime),
            "only an equation of an `ode` block has a `'`",
        )
        .help("write `transpose(x)` for a transpose");
        let name = self.previous().filter(|l| l.token.is_name());
        Some(match name {
            Some(name) => {
                let both = self.text.span(name).to(self.text.span(prime));
                let call = format!("transpose({})", self.text.slice(name));
                diagnostic.edit(both, call)
            }
            None => diagnostic,
        })
    }

    /// `c ? a : b`
    fn ternary(&self) -> Option<Diagnostic> {
        let mark = self.found().filter(|l| l.token == Token::Question)?;
        if self.form == Form::Data {
            return None;
        }
        let place = self.text.span(mark);
        Some(
            Diagnostic::error(
                Slug::ForeignSyntax,
                "a choice is written with `if`, not with `?`",
                place,
                "not an operator",
            )
            .help("write `if … then … else …`"),
        )
    }

    /// `name … {`
    fn brace(&self) -> Option<Diagnostic> {
        let brace = self.found().filter(|l| l.token == Token::OpenBrace)?;
        if self.form == Form::Ode {
            return None;
        }
        Some(
            Diagnostic::error(
                Slug::ForeignSyntax,
                "there are no blocks",
                self.text.span(brace),
                "only `ode` and `part` have braces",
            )
            .help("write the equations alone, one per line"),
        )
    }

    /// `over`, `where` and `with` in the wrong order or the wrong statement.
    fn clause(&self) -> Option<Diagnostic> {
        let found =
            self.found().filter(|l| matches!(l.token, Token::Over | Token::Where | Token::With))?;
        if !self.may_end || self.bracket().is_some() {
            return None;
        }
        let word = self.text.slice(found);
        let span = self.text.span(found);
        let earlier = self.tokens[..self.at]
            .iter()
            .rev()
            .find(|l| matches!(l.token, Token::Over | Token::Where | Token::With));
        let message = format!("`{word}` cannot follow here");
        Some(match earlier {
            Some(earlier) => {
                let before = self.text.slice(*earlier);
                Diagnostic::error(Slug::UnexpectedToken, message, span, "out of order")
                    .because(self.text.span(*earlier), format!("after this `{before}`"))
                    .help("each comes at most once, in the order `over … where … with …`")
            }
            None => {
                Diagnostic::error(Slug::UnexpectedToken, message, span, "not in this statement")
                    .help("`over` and `with` belong to a `~`; `where` to a `~` or a definition")
            }
        })
    }

    /// A line that is no statement: `foo`, `print(x)`, `foo x = 1`
    fn not_a_statement(&self) -> Option<Diagnostic> {
        if self.form != Form::Equation || !self.wants("=") || !self.wants("~") {
            return None;
        }
        let head = self.text.cover(&self.tokens[..self.at]);
        let written = self.text.text.get(head.range()).unwrap_or("");
        if written.is_empty() || written.contains('\n') {
            return None;
        }
        let place = self.place();
        let message = format!("expected `=` or `~` after `{written}`");
        Some(
            Diagnostic::error(Slug::UnexpectedToken, message, place, "expected here")
                .because(head, "not a statement yet")
                .help(
                    "a line defines a name with `=` or `~`, or starts with one of the words \
                     data, axis, report, predict, factor, fun, dist, ode, import, part, use",
                ),
        )
    }
}

/// "`,` or `)`"
fn alternatives(wanted: &[String]) -> String {
    let quoted: Vec<String> = wanted
        .iter()
        .map(|w| match w.as_str() {
            EXPRESSION | NAME | STRING | OPERATOR => w.clone(),
            _ if w.starts_with("a ") || w.starts_with("the ") => w.clone(),
            _ => format!("`{w}`"),
        })
        .collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "something else".to_string(),
    }
}
