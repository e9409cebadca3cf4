//! Every mistake that expansion knows: the facts of each as fields, and its words beside them.

mod module;
mod part;

pub(super) use module::ModuleProblem;
pub(super) use part::PartProblem;

use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A mistake that can say what it is.
pub(super) trait Explain {
    /// The message in four parts.
    fn diagnostic(self) -> Diagnostic;
}

/// Something that collects mistakes.
pub(super) trait Report {
    /// Where they are collected.
    fn diagnostics(&mut self) -> &mut Vec<Diagnostic>;

    /// Records a mistake.
    fn report(&mut self, problem: impl Explain) {
        let diagnostic = problem.diagnostic();
        self.diagnostics().push(diagnostic);
    }
}

/// What is called, for messages about its arguments.
#[derive(Clone, Debug)]
pub(super) struct Called {
    /// The name as it is called.
    pub(super) name: String,
    /// `f(a, W[row, col])`
    pub(super) signature: String,
    /// Where it is defined.
    pub(super) defined: Span,
}

/// A mistake in a definition or a call.
#[derive(Clone, Debug)]
pub(super) enum CallProblem {
    DefinedTwice {
        name: String,
        span: Span,
        first: Span,
    },
    ArgumentCount {
        called: Called,
        span: Span,
        wanted: usize,
        given: usize,
    },
    UnknownArgument {
        called: Called,
        name: String,
        span: Span,
        nearest: Option<String>,
    },
    RepeatedArgument {
        called: Called,
        name: String,
        span: Span,
    },
    MissingArgument {
        called: Called,
        name: String,
        span: Span,
    },
    PositionalAfterNamed {
        called: Called,
        span: Span,
    },
    Recursive {
        chain: Vec<String>,
        span: Span,
    },
    ArgumentIsExpression {
        called: Called,
        parameter: String,
        axes: String,
        span: Span,
    },
    ArgumentAxesUnwritten {
        name: String,
        span: Span,
        axes: String,
    },
    ArgumentAxisCount {
        called: Called,
        name: String,
        span: Span,
        axes: String,
        wanted: String,
    },
    ArgumentAxesDisagree {
        called: Called,
        name: String,
        span: Span,
        axis: String,
        two: [String; 2],
    },
    ArgumentIsNoAxis {
        parameter: String,
        span: Span,
        argument: Span,
    },
    RangeAsValue {
        axis: String,
        span: Span,
        range: String,
    },
    ArgumentOfIndex {
        called: Called,
        span: Span,
        index: String,
        bound: Span,
    },
    Captured {
        name: String,
        span: Span,
        bound: Span,
    },
    TooLarge {
        name: String,
        span: Span,
        limit: usize,
    },
    TooDeep {
        name: String,
        span: Span,
        limit: usize,
    },
    TooManyBodies {
        name: String,
        span: Span,
        limit: usize,
    },
}

/// `two arguments`
fn arguments(count: usize) -> String {
    match count {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

fn wrong(called: &Called, message: String, span: Span, here: &str) -> Diagnostic {
    Diagnostic::error(Slug::WrongArguments, message, span, here)
        .because(called.defined, "defined here")
        .help(format!("call it as `{}`", called.signature))
}

impl Explain for CallProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            CallProblem::DefinedTwice { name, span, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is defined twice"),
                span,
                "defined again here",
            )
            .because(first, "first defined here")
            .help("every name has one definition; rename one of them"),
            CallProblem::ArgumentCount { called, span, wanted, given } => {
                let (name, wanted) = (&called.name, arguments(wanted));
                let message = format!("`{name}` takes {wanted} and was given {given}");
                wrong(&called, message, span, "called here")
            }
            CallProblem::UnknownArgument { called, name, span, nearest } => {
                let message = format!("`{}` has no parameter `{name}`", called.name);
                let diagnostic = wrong(&called, message, span, "not one of its parameters");
                match nearest {
                    Some(near) => diagnostic.edit(span, near),
                    None => diagnostic,
                }
            }
            CallProblem::RepeatedArgument { called, name, span } => {
                let message = format!("`{}` is given `{name}` twice", called.name);
                wrong(&called, message, span, "given again here")
            }
            CallProblem::MissingArgument { called, name, span } => {
                let message = format!("`{}` is not given its argument `{name}`", called.name);
                wrong(&called, message, span, "called here")
            }
            CallProblem::PositionalAfterNamed { called, span } => {
                let message = "an argument without a name follows one with a name".to_owned();
                wrong(&called, message, span, "which argument is this?")
            }
            CallProblem::Recursive { chain, span } => Diagnostic::error(
                Slug::Cycle,
                match chain.as_slice() {
                    [first, ..] => format!("`{first}` is defined in terms of itself"),
                    [] => "this is defined in terms of itself".to_owned(),
                },
                span,
                "used here, in its own body",
            )
            .note(format!("the chain: {}", chain.join(" -> ")))
            .help(
                "functions and parts are put in where they are used, so they cannot use \
                 themselves; a series that depends on its own past is a recurrence, with `start`",
            ),
            CallProblem::ArgumentIsExpression { called, parameter, axes, span } => {
                Diagnostic::error(
                    Slug::ArrayArgument,
                    format!("`{}` needs a name here, not an expression", called.name),
                    span,
                    format!("its parameter `{parameter}` is an array over {axes}"),
                )
                .because(called.defined, "defined here")
                .help(format!(
                    "give the value a name with its axes on a line of its own, such as \
                     `{parameter}_value{axes} = …`, and pass that name"
                ))
            }
            CallProblem::ArgumentAxesUnwritten { name, span, axes } => Diagnostic::error(
                Slug::ArrayArgument,
                format!("the axes of `{name}` are not written anywhere"),
                span,
                format!("an array over {axes} is wanted here"),
            )
            .help(format!("write its axes on the left of its definition: `{name}[…] = …`")),
            CallProblem::ArgumentAxisCount { called, name, span, axes, wanted } => {
                Diagnostic::error(
                    Slug::ArrayArgument,
                    format!("`{name}` is over {axes}, and `{}` wants {wanted}", called.name),
                    span,
                    "another number of axes",
                )
                .because(called.defined, "defined here")
                .help(format!("call it as `{}`", called.signature))
            }
            CallProblem::ArgumentAxesDisagree { called, name, span, axis, two: [one, other] } => {
                Diagnostic::error(
                    Slug::ArrayArgument,
                    format!("`{}` wants one axis `{axis}`, and is given two", called.name),
                    span,
                    format!("`{name}` has `{other}` where an argument before has `{one}`"),
                )
                .because(called.defined, "defined here")
                .help(format!("call it as `{}`", called.signature))
            }
            CallProblem::ArgumentIsNoAxis { parameter, span, argument } => Diagnostic::error(
                Slug::ArrayArgument,
                format!("`{parameter}` stands for an axis here"),
                argument,
                "not the name of an axis",
            )
            .because(span, "an index runs over it here")
            .help("pass the name of an axis"),
            CallProblem::RangeAsValue { axis, span, range } => Diagnostic::error(
                Slug::ArrayArgument,
                format!("`{axis}` is the range {range} here, which has no name"),
                span,
                "the name of an axis is wanted",
            )
            .help(format!("give the axis a name: `axis {axis} = {range}`")),
            CallProblem::ArgumentOfIndex { called, span, index, bound } => Diagnostic::error(
                Slug::ArrayArgument,
                format!("an argument of `{}` cannot depend on an index", called.name),
                span,
                format!("this depends on the index `{index}`"),
            )
            .because(bound, "the index is bound here")
            .because(called.defined, "its value has axes, so it is computed once for all of them")
            .help("pass whole arrays, and pick elements of the result"),
            CallProblem::Captured { name, span, bound } => Diagnostic::error(
                Slug::CapturedIndex,
                format!("`{name}` is not the index `{name}` of the equation that uses this"),
                span,
                format!("this is the `{name}` of the program"),
            )
            .because(bound, "an index of the same name")
            .help("rename the index, or make what is meant a parameter of the function"),
            CallProblem::TooLarge { name, span, limit } => Diagnostic::error(
                Slug::TooDeep,
                format!("`{name}` makes the program too large"),
                span,
                format!("put in here, it makes more than {limit} expressions"),
            )
            .help("give a part of it a name on its own line"),
            CallProblem::TooManyBodies { name, span, limit } => Diagnostic::error(
                Slug::TooDeep,
                format!("`{name}` is used inside too many others"),
                span,
                format!("functions and parts inside one another go {limit} deep"),
            )
            .help("give a part of it a name on its own line"),
            CallProblem::TooDeep { name, span, limit } => Diagnostic::error(
                Slug::TooDeep,
                format!("`{name}` makes this expression too deeply nested"),
                span,
                format!("beyond the limit of {limit}"),
            )
            .help("give a part of it a name on its own line"),
        }
    }
}
