//! Statements of PyMC, NumPyro and Pyro: a call that gives a random name its distribution.

use super::super::expression::{Text, Tokens};
use super::matching;
use super::whole::words;
use crate::diagnostic::{Diagnostic, Slug};
use crate::syntax::token::{Lexeme, Token};

/// A call as far as it says what its statement means.
struct Call<'t> {
    /// The name of the function, without its module.
    function: &'t str,
    /// The label given as a string, if any.
    label: Option<&'t str>,
    /// What is observed, where an argument says so.
    observed: Option<&'t str>,
    /// The axis, where an argument says so.
    axis: Option<&'t str>,
    /// The other arguments.
    arguments: Vec<&'t str>,
}

/// `mu = pm.Normal("mu", 0, 1)`, `pm.Normal("y", mu, 1, observed=y)`,
/// `numpyro.sample("y", dist.Normal(mu, 1), obs=y)`, `import pymc as pm`.
pub(super) fn find(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    block(text, tokens).or_else(|| import(text, tokens)).or_else(|| statement(text, tokens))
}

/// `with pm.Model() as model:`
fn block(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let first = tokens.first().filter(|l| l.token == Token::With)?;
    tokens.last().filter(|l| l.token == Token::Colon && l.start > first.end)?;
    let place = text.cover(tokens);
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "the whole program is the model",
            place,
            "opens a block of Python",
        )
        .help("delete the line, and write the equations without indentation")
        .edit(place, ""),
    )
}

/// `import pymc as pm`
fn import(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let [word, module, ..] = tokens else { return None };
    let keyword = text.slice(*word);
    let is_module = module.token.is_name() || module.token == Token::Qualified;
    if !(matches!(keyword, "import" | "from" | "using") && is_module) {
        return None;
    }
    let place = text.cover(tokens);
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "every function and distribution is there without an import",
            place,
            "not needed",
        )
        .help("delete the line")
        .edit(place, ""),
    )
}

fn statement(text: Text<'_>, tokens: Tokens<'_>) -> Option<Diagnostic> {
    let (name, at) = match tokens {
        [name, sign, ..]
            if name.token.is_name() && matches!(sign.token, Token::Equal | Token::Tilde) =>
        {
            (Some(text.slice(*name)), 2)
        }
        _ => (None, 0),
    };
    let outer = call(text, tokens.get(at..)?)?;
    if outer.function.starts_with(char::is_lowercase) && outer.function != "sample" {
        return None;
    }
    let place = text.cover(tokens);
    let label = outer.label.filter(|label| is_name(label));
    let name = outer.observed.or(name).or(label)?;
    let binder = outer.axis.map_or_else(String::new, |axis| format!("[{axis}]"));
    let instead = match (outer.function, &outer.arguments[..]) {
        ("Deterministic" | "deterministic", [value, ..]) => format!("{name} = {value}"),
        ("Potential" | "factor", [value, ..]) => format!("factor {value}"),
        ("sample", [distribution, ..]) => {
            let plain = distribution.rsplit_once('(').map_or("", |(call, _)| call);
            let module = plain.rfind('.').map_or(0, |dot| dot + 1);
            format!("{name}{binder} ~ {}", &distribution[module..])
        }
        (family, arguments) => format!("{name}{binder} ~ {family}({})", arguments.join(", ")),
    };
    Some(
        Diagnostic::error(
            Slug::ForeignSyntax,
            "a name is drawn with `~`, and its label is its name",
            place,
            "a call of a Python library",
        )
        .help(format!("write `{instead}`"))
        .edit(place, instead),
    )
}

/// A call of a module's function that is all there is, with a label first or a dot in its name.
fn call<'t>(text: Text<'t>, tokens: Tokens<'_>) -> Option<Call<'t>> {
    let [callee, open, ..] = tokens else { return None };
    let path = text.slice(*callee);
    let is_callee = callee.token == Token::Qualified || callee.token.is_name();
    if !is_callee || open.token != Token::OpenParen || matching(&tokens[1..])? + 2 != tokens.len() {
        return None;
    }
    let inside = &tokens[2..tokens.len() - 1];
    let mut call = Call {
        function: path.rsplit('.').next().unwrap_or(path),
        label: None,
        observed: None,
        axis: None,
        arguments: Vec::new(),
    };
    for (position, argument) in arguments(inside).into_iter().enumerate() {
        match argument {
            [only] if position == 0 && only.token == Token::String => {
                call.label = Some(text.slice(*only).trim_matches(['"', '\'']));
            }
            [word, equal, value @ ..] if equal.token == Token::Equal && !value.is_empty() => {
                match text.slice(*word) {
                    "observed" | "obs" => call.observed = Some(words(text, value)),
                    "dims" => call.axis = Some(words(text, value).trim_matches(['"', '\''])),
                    "shape" | "size" | "initval" | "name" | "testval" => {}
                    _ => call.arguments.push(words(text, argument)),
                }
            }
            _ => call.arguments.push(words(text, argument)),
        }
    }
    let is_foreign = call.label.is_some() && callee.token == Token::Qualified
        || call.label.is_some() && call.function == "sample"
        || call.label.is_some() && call.function.starts_with(char::is_uppercase);
    is_foreign.then_some(call)
}

/// The arguments between the commas outside brackets.
pub(super) fn arguments(tokens: Tokens<'_>) -> Vec<&[Lexeme]> {
    let mut depth = 0usize;
    let parts = tokens.split(|lexeme| {
        if lexeme.token.opens() {
            depth += 1;
        } else if lexeme.token.closes() {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && lexeme.token == Token::Comma
    });
    parts.filter(|part| !part.is_empty()).collect()
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
