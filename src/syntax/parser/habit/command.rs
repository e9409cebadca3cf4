//! Lines that tell a program what to do: `library(brms)`, `brm(y ~ x)`, `observe y`, `print(x)`.

use super::super::expression::{Text, Tokens};
use super::matching;
use super::python::arguments;
use super::whole::{capitalised, equations_of, words};
use crate::diagnostic::{Diagnostic, Slug};
use crate::syntax::token::Token;

/// A line that is a command of another language.
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let [word, next, ..] = tokens else { return None };
    let place = text.cover(tokens);
    let message =
        |message: &str| Diagnostic::error(Slug::ForeignSyntax, message, place, "a command");
    if matches!(text.slice(*word), "observe" | "observed" | "obs") && next.token.is_name() {
        return Some(
            message("what is observed is said by `data`")
                .help("delete the line: a name that `data` declares and a `~` follows is observed")
                .edit(place, ""),
        );
    }
    let is_list = tokens[1..].iter().all(|l| l.token.is_name() || l.token == Token::Comma);
    if matches!(text.slice(*word), "parameters" | "params" | "latent" | "latents" | "var")
        && is_list
    {
        return Some(
            message("latents are not declared")
                .help("delete the line: a name with a `~` that is not data is a latent")
                .edit(place, ""),
        );
    }
    if text.slice(*word) == "return" {
        return Some(
            message("an equation needs no `return`")
                .help("a function is one equation, `fun f(x) = x^2`; `report` prints a quantity"),
        );
    }
    let third = tokens.get(2).map_or("", |l| text.slice(*l));
    if word.token == Token::Predict
        && next.token.is_name()
        && matches!(third, "at" | "for" | "given" | "with" | "where" | "from")
    {
        return Some(message("predictions at other values are made from a saved fit").help(
            "write `predict` and the name alone; fit with `--output DIR`, and give the new \
                 rows to `vippl predict DIR new.csv`",
        ));
    }
    let called = next.token == Token::OpenParen && matching(&tokens[1..])? + 2 == tokens.len();
    if !called {
        return None;
    }
    let inside = &tokens[2..tokens.len() - 1];
    let path = text.slice(*word);
    match path.rsplit(['.', ':']).next().unwrap_or(path) {
        "library" | "require" | "seed" | "rm" | "setwd" | "options" | "packages" | "source" => {
            Some(
                message("this is not needed")
                    .help("delete the line; seeds and options are given on the command line")
                    .edit(place, ""),
            )
        }
        "print" | "cat" | "summary" | "plot" | "head" => Some(
            message("a program has no commands; `report` prints a quantity after the fit")
                .help("write `report` and a name, or delete the line"),
        ),
        "brm" | "lm" | "glm" | "lmer" | "glmer" | "stan_glm" | "stan_lm" | "stan_lmer" | "ulam"
        | "map" | "bf" => {
            let formula = arguments(inside).into_iter().next()?;
            let diagnostic = message("a model is written as equations")
                .help("write the equations, with priors on the scale of your data");
            Some(match equations_of(text, formula) {
                Some(equations) => diagnostic.edit(place, equations),
                None => diagnostic,
            })
        }
        "prior" | "set_prior" => {
            let prior = arguments(inside).into_iter().next()?;
            let [family, open, ..] = prior else { return None };
            let rest = words(text, &prior[1..]);
            let named = open.token == Token::OpenParen;
            let example = format!("b ~ {}{rest}", capitalised(text.slice(*family)));
            let example = if named { example } else { "b ~ Normal(0, 1)".to_owned() };
            Some(
                message("a prior is an equation of the name it is for")
                    .help(format!("write `{example}` with the name of the coefficient")),
            )
        }
        _ => None,
    }
}
