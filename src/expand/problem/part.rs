//! Mistakes about parts: what stands in them, how they are used, and what can be seen of them.

use super::{Called, Explain};
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A mistake about a part.
#[derive(Clone, Debug)]
pub(in crate::expand) enum PartProblem {
    Misplaced {
        what: &'static str,
        span: Span,
        part: Span,
    },
    OutputOutside {
        span: Span,
    },
    NoSuchOutput {
        part: String,
        name: String,
        span: Span,
    },
    AliasTwice {
        name: String,
        span: Span,
        first: Span,
    },
    Unknown {
        name: String,
        span: Span,
        nearest: Option<String>,
    },
    NotAPart {
        name: String,
        span: Span,
        defined: Span,
    },
    Called {
        name: String,
        span: Span,
        defined: Span,
        signature: String,
    },
    AxisCount {
        called: Called,
        span: Span,
        wanted: usize,
        given: usize,
    },
    NotAnInput {
        name: String,
        span: Span,
        part: String,
        defined: Span,
    },
    Private {
        alias: String,
        name: String,
        span: Span,
        outputs: Vec<String>,
        defined: Span,
    },
    NotThere {
        alias: String,
        name: String,
        span: Span,
        outputs: Vec<String>,
        nearest: Option<String>,
        defined: Span,
    },
    WholePart {
        alias: String,
        span: Span,
        outputs: Vec<String>,
        used: Span,
    },
    InputIsNoName {
        name: String,
        span: Span,
        argument: Span,
    },
}

/// `h.a`, `h.b`
fn outputs(alias: &str, outputs: &[String]) -> String {
    if outputs.is_empty() {
        return "it has none; a line `output …` in the part makes one".to_owned();
    }
    let names: Vec<String> = outputs.iter().map(|name| format!("`{alias}.{name}`")).collect();
    names.join(", ")
}

impl Explain for PartProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            PartProblem::Misplaced { what, span, part } => Diagnostic::error(
                Slug::BadPart,
                format!("{what} cannot stand in a part"),
                span,
                "belongs outside",
            )
            .because(part, "inside this part")
            .help("a part has equations; data come in as its inputs, in parentheses"),
            PartProblem::OutputOutside { span } => Diagnostic::error(
                Slug::BadPart,
                "`output` stands in a part only",
                span,
                "not inside the braces of a part",
            )
            .help("every name of a program can be seen in it; `report` prints one"),
            PartProblem::NoSuchOutput { part, name, span } => Diagnostic::error(
                Slug::BadPart,
                format!("`{part}` has no `{name}` to give out"),
                span,
                "not defined in the part",
            )
            .help("define it by an equation of the part"),
            PartProblem::AliasTwice { name, span, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is defined twice"),
                span,
                "defined again here",
            )
            .because(first, "first defined here")
            .help("give one of them another name"),
            PartProblem::Unknown { name, span, nearest } => {
                let message = format!("there is no part `{name}`");
                let diagnostic =
                    Diagnostic::error(Slug::UnknownFunction, message, span, "unknown part");
                match nearest {
                    Some(near) => {
                        diagnostic.help(format!("did you mean `{near}`?")).edit(span, near)
                    }
                    None => diagnostic.help("define it: `part name[axis](input) { … }`"),
                }
            }
            PartProblem::NotAPart { name, span, defined } => Diagnostic::error(
                Slug::BadPart,
                format!("`{name}` is not a part"),
                span,
                "`use` brings in a part",
            )
            .because(defined, "defined here")
            .help(format!("call it where its value is wanted: `{name}(…)`")),
            PartProblem::Called { name, span, defined, signature } => Diagnostic::error(
                Slug::BadPart,
                format!("`{name}` is a part, and has no value of its own"),
                span,
                "called like a function",
            )
            .because(defined, "defined here")
            .help(format!(
                "bring it in by a line of its own, `use {signature} as h`, and refer to its \
                 outputs, such as `h.effect`"
            )),
            PartProblem::AxisCount { called, span, wanted, given } => Diagnostic::error(
                Slug::BadPart,
                format!(
                    "`{}` is used over {wanted} {}, not {given}",
                    called.name,
                    if wanted == 1 { "axis" } else { "axes" },
                ),
                span,
                "used here",
            )
            .because(called.defined, "defined here")
            .help(format!("use it as `{}`", called.signature)),
            PartProblem::NotAnInput { name, span, part, defined } => Diagnostic::error(
                Slug::UnknownName,
                format!("`{name}` is neither an input nor a name of the part `{part}`"),
                span,
                "unknown in the part",
            )
            .because(defined, "its inputs are listed here")
            .help("a part sees its inputs and its own names only; make this an input"),
            PartProblem::Private { alias, name, span, outputs: known, defined } => {
                Diagnostic::error(
                    Slug::PrivateName,
                    format!("`{name}` is known only inside the part `{alias}`"),
                    span,
                    "not an output of the part",
                )
                .because(defined, "the part")
                .note(format!("its outputs: {}", outputs(&alias, &known)))
                .help(format!("add `output {name}` to the part"))
            }
            PartProblem::NotThere { alias, name, span, outputs: known, nearest, defined } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownName,
                    format!("the part `{alias}` has no output `{name}`"),
                    span,
                    "unknown name",
                )
                .because(defined, "the part")
                .note(format!("its outputs: {}", outputs(&alias, &known)));
                match nearest {
                    Some(near) => diagnostic
                        .help(format!("did you mean `{alias}.{near}`?"))
                        .edit(span, format!("{alias}.{near}")),
                    None => diagnostic,
                }
            }
            PartProblem::WholePart { alias, span, outputs: known, used } => Diagnostic::error(
                Slug::WrongKind,
                format!("`{alias}` is a part in use, not a value"),
                span,
                "a value is wanted here",
            )
            .because(used, "brought in here")
            .help(format!("refer to its outputs: {}", outputs(&alias, &known))),
            PartProblem::InputIsNoName { name, span, argument } => Diagnostic::error(
                Slug::BadPart,
                format!("the input `{name}` has a `~` in the part, so it must be a name"),
                argument,
                "an expression, which cannot be observed",
            )
            .because(span, "its `~`")
            .help("give the expression a name on a line of its own, and pass that"),
        }
    }
}
