//! Recognises what users of other languages write, before the grammar sees it.
//!
//! [`whole`] answers a statement that is of another language from end to end; [`rewrite`] turns
//! what has a counterpart into it; [`find`] answers the rest with one message.

mod command;
mod data;
mod declaration;
mod python;
mod statement;
mod whole;

pub(super) use whole::whole;

use super::expression::{Text, Tokens};
use super::layout::closing;
use super::statement::{Form, head_end};
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::foreign::{Foreign, Spelling};
use crate::syntax::token::{Lexeme, Token};

/// Replaces foreign spellings that only their context tells from ours: `x <- 1`, `target += e`,
/// `x == 1` as a definition, and `=` inside a condition.
pub(super) fn rewrite(text: Text<'_>, tokens: &mut Vec<Lexeme>, uses: &mut Vec<Foreign>) {
    target(text, tokens, uses);
    if let Some(at) = after_head(tokens) {
        let adjacent = |a: Lexeme, b: Lexeme| a.end == b.start;
        match (tokens[at], tokens.get(at + 1).copied()) {
            (less, Some(minus))
                if less.token == Token::Less
                    && minus.token == Token::Minus
                    && adjacent(less, minus) =>
            {
                tokens.remove(at + 1);
                replace(text, tokens, at, minus.end, "<-", uses);
            }
            (equal, _) if equal.token == Token::EqualEqual => {
                replace(text, tokens, at, equal.end, "== in a definition", uses);
            }
            _ => {}
        }
    }
    conditions(text, tokens, uses);
}

/// Makes the token at `at`, extended to `end`, what the spelling stands for.
fn replace(
    text: Text<'_>,
    tokens: &mut [Lexeme],
    at: usize,
    end: u32,
    spelling: &str,
    uses: &mut Vec<Foreign>,
) {
    let Some(spelling) = Spelling::of(spelling) else { return };
    tokens[at] = Lexeme { token: spelling.token, start: tokens[at].start, end };
    let span = text.span(tokens[at]);
    uses.push(Foreign { spelling, span, replacement: spelling.replacement.to_string() });
}

/// `target += e`
fn target(text: Text<'_>, tokens: &mut Vec<Lexeme>, uses: &mut Vec<Foreign>) {
    let [name, plus, equal, ..] = tokens.as_slice() else { return };
    let end = equal.end;
    if text.slice(*name) == "target" && plus.token == Token::Plus && equal.token == Token::Equal {
        tokens.drain(1..3);
        replace(text, tokens, 0, end, "target +=", uses);
    }
}

/// The index of the token after `[report | predict] name[…]`.
fn after_head(tokens: Tokens<'_>) -> Option<usize> {
    let first = tokens.first()?;
    let second_is_name = tokens.get(1).is_some_and(|l| l.token.is_name());
    let word = matches!(first.token, Token::Report | Token::Predict) && second_is_name;
    let name = usize::from(word);
    if !tokens.get(name)?.token.is_name() {
        return None;
    }
    let after = name + 1;
    let end = if tokens.get(after)?.token == Token::OpenBracket {
        after + matching(&tokens[after..])? + 1
    } else {
        after
    };
    (end < tokens.len()).then_some(end)
}

/// The index of the bracket that closes the first token.
fn matching(tokens: Tokens<'_>) -> Option<usize> {
    let mut open = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        if lexeme.token.opens() {
            open.push(closing(lexeme.token));
        } else if lexeme.token.closes() {
            open.pop();
            if open.is_empty() {
                return Some(at);
            }
        }
    }
    None
}

/// Reads `=` as `==` between `if` and `then`, and after `where`.
fn conditions(text: Text<'_>, tokens: &mut [Lexeme], uses: &mut Vec<Foreign>) {
    #[derive(Default)]
    struct Level {
        open_ifs: usize,
        in_guard: bool,
    }
    let mut outer = Vec::new();
    let mut level = Level::default();
    for at in 0..tokens.len() {
        let token = tokens[at].token;
        if token.opens() {
            outer.push(std::mem::take(&mut level));
        } else if token.closes() {
            level = outer.pop().unwrap_or_default();
        } else if token == Token::Equal && (level.open_ifs > 0 || level.in_guard) {
            replace(text, tokens, at, tokens[at].end, "= in a condition", uses);
        } else if token == Token::If {
            // `f(if = 1)` names an argument.
            let named = tokens.get(at + 1).is_some_and(|l| l.token == Token::Equal);
            level.open_ifs += usize::from(!named);
        } else if token == Token::Then {
            level.open_ifs = level.open_ifs.saturating_sub(1);
        } else if token == Token::Where {
            let named = tokens.get(at + 1).is_some_and(|l| l.token == Token::Equal);
            level.in_guard = !named;
        } else if matches!(
            token,
            Token::Over | Token::With | Token::Colon | Token::Comma | Token::Newline
        ) {
            level = Level::default();
        }
    }
}

/// The first habit of another language in a statement that has no counterpart here.
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    declaration::find(text, tokens)
        .or_else(|| data::find(text, tokens))
        .or_else(|| statement::find(text, tokens))
        .or_else(|| keyword(text, tokens))
        .or_else(|| leading_if(text, tokens))
        .or_else(|| bar(text, tokens))
        .or_else(|| dotted(text, tokens))
        .or_else(|| left_side(text, tokens))
}

/// `let x = 1`
fn keyword(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let [word, name, ..] = tokens else { return None };
    let known =
        ["let", "var", "val", "const", "auto", "def", "local", "param", "parameter", "function"];
    if !known.contains(&text.slice(*word)) || !name.token.is_name() {
        return None;
    }
    let (slice, called) = (text.slice(*word), text.slice(*name));
    if tokens.get(2).is_some_and(|l| l.token.opens()) {
        return Some(
            Diagnostic::error(
                Slug::ForeignSyntax,
                format!("a function is not defined with `{slice}`"),
                text.span(*word),
                "not a keyword",
            )
            .help(format!("write it as one equation: `fun {called}(x) = x^2`")),
        );
    }
    let prefix = Span { end: name.start, ..text.span(*word) };
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            format!("an equation needs no `{slice}`"),
            text.span(*word),
            "not a keyword",
        )
        .help(format!("start with the name: `{called} = …` or `{called} ~ …`"))
        .edit(prefix, ""),
    )
}

/// `if c then y ~ …`
fn leading_if(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let first = tokens.first().filter(|l| l.token == Token::If)?;
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "a statement does not start with `if`",
            text.span(*first),
            "`if` chooses between values, not between statements",
        )
        .help("put the choice on the right: `y ~ if c then Normal(0, 1) else Cauchy(0, 1)`"),
    )
}

/// `y ~ x | z`
fn bar(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let bar = tokens.iter().find(|l| l.token == Token::Pipe)?;
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "`|` is not an operator",
            text.span(*bar),
            "no conditioning bar, and no formula",
        )
        .help(
            "a distribution lists its parameters in parentheses: `y ~ Normal(mu, sigma)`; \
             `or` joins conditions",
        ),
    )
}

/// A dot in a name where a name is introduced.
fn dotted(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let is_data = Form::of(tokens) == Form::Data;
    let (at, lexeme) = tokens
        .iter()
        .enumerate()
        .find(|(at, l)| l.token == Token::Qualified && (is_data || *at == 0))?;
    let (name, span) = (text.slice(*lexeme), text.span(*lexeme));
    let plain = name.replace('.', "_");
    let column = at > 0
        && tokens[..at]
            .iter()
            .any(|l| l.token == Token::OpenParen || l.token == Token::OpenComprehension);
    let instead = if column { format!("\"{name}\" as {plain}") } else { plain };
    Some(
        Diagnostic::error(Slug::ForeignSyntax, "a name has no dot", span, "not one name")
            .help(format!("write `{instead}`"))
            .edit(span, instead),
    )
}

/// The left side of `=` or `~` that is not `name` or `name[…]`.
fn left_side(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    if Form::of(tokens) != Form::Equation {
        return None;
    }
    let end = head_end(tokens)?;
    let operator = tokens[end];
    let sign = text.slice(operator);
    let head = tokens.get(..end).filter(|h| !h.is_empty())?;
    if after_head(tokens) == Some(end) || words_only(head) {
        return None;
    }
    let place = text.cover(head);
    let written = text.text.get(place.range()).unwrap_or("");
    let diagnostic = Diagnostic::error(
        Slug::BadLeftSide,
        format!("the left side of `{sign}` must be a name"),
        place,
        "not a name",
    );
    if let [word, ..] = head
        && word.token.is_reserved()
    {
        let word = text.slice(*word);
        return Some(diagnostic.help(format!("`{word}` is a reserved word; choose another name")));
    }
    if let [_, colon, rest @ ..] = head
        && colon.token == Token::Colon
        && let Some(first) = rest.first()
    {
        let label = Span { end: first.start, ..place };
        return Some(
            diagnostic.help("an equation has no label; a comment starts with `#`").edit(label, ""),
        );
    }
    let all_names = head
        .iter()
        .skip(2)
        .all(|l| l.token.is_name() || l.token == Token::Comma || l.token.closes());
    let called = head.len() > 2 && head[0].token.is_name() && head[1].token == Token::OpenParen;
    if operator.token == Token::Equal && called && all_names {
        return Some(
            diagnostic
                .help(format!("a function is defined with `fun`: `fun {written} = …`"))
                .edit(Span { end: place.start, ..place }, "fun "),
        );
    }
    if written.len() > LONGEST_REPEATED {
        return Some(diagnostic.help("define a name first, on a line of its own"));
    }
    let name = suggested_name(text, head);
    let define = format!("{name} = {written}");
    Some(if operator.token == Token::Tilde {
        diagnostic
            .help(format!("define a name first: `{define}`, and on the next line `{name} ~ …`"))
            .edit(place, format!("{define}\n{name}"))
    } else {
        diagnostic.help("an equation defines one name; solve it for that name")
    })
}

/// How many bytes of the user's text a help repeats.
const LONGEST_REPEATED: usize = 80;

/// `a b`: two words, which the grammar reports as a keyword it does not know.
fn words_only(head: Tokens<'_>) -> bool {
    head.len() > 1 && head[..2].iter().all(|l| l.token.is_name())
}

/// `log_y` for `log(y)`.
fn suggested_name(text: Text<'_>, head: Tokens<'_>) -> String {
    let words: Vec<&str> =
        head.iter().filter(|l| l.token.is_name()).take(2).map(|l| text.slice(*l)).collect();
    match words.as_slice() {
        [] => "z".to_string(),
        [one] => format!("{one}_new"),
        several => several.join("_"),
    }
}
