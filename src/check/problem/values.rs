//! Mistakes about kinds of values, and about forms in the wrong place.

use super::{Explain, listed};
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A mistake about the kind of a value or the place of a form.
#[derive(Clone, Debug)]
pub(in crate::check) enum ValueProblem {
    UnknownLabel {
        label: String,
        axis: String,
        span: Span,
        labels: Vec<String>,
        nearest: Option<String>,
    },
    ObservesElement {
        name: String,
        span: Span,
        declared: Span,
        found: String,
        axis: String,
    },
    WrongKind {
        what: String,
        wanted: String,
        span: Span,
        found: String,
        help: Option<String>,
    },
    LabelAsNumber {
        axis: String,
        span: Span,
        ordered: bool,
    },
    ComparesAxes {
        a_span: Span,
        a: String,
        b_span: Span,
        b: String,
    },
    LatentCondition {
        what: &'static str,
        span: Span,
        /// The names, where they are declared, and whether they are data with missing cells.
        latents: Vec<(String, Span, bool)>,
        /// The reported name it is for.
        reported: Option<String>,
    },
    MisplacedLabel {
        label: String,
        span: Span,
    },
    MisplacedList {
        span: Span,
    },
    MisplacedColumns {
        span: Span,
    },
    ColumnsNeedAxis {
        name: String,
        span: Span,
    },
    UnnamedColumn {
        span: Span,
        /// A name for it.
        name: String,
    },
    ColumnsOfOtherAxis {
        name: String,
        axis: String,
        span: Span,
        declared: Span,
        wanted: Vec<String>,
        given: Vec<String>,
    },
    IntervalOnNumber {
        span: Span,
    },
    ArgumentCount {
        name: String,
        span: Span,
        parameters: Vec<String>,
        given: usize,
    },
    NamedArgumentOfFunction {
        function: String,
        span: Span,
    },
    NotAReduction {
        name: String,
        span: Span,
    },
}

impl Explain for ValueProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            ValueProblem::UnknownLabel { label, axis, span, labels, nearest } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownLabel,
                    format!("`{axis}` has no element \"{label}\""),
                    span,
                    format!("not one of the elements of `{axis}`"),
                );
                match nearest {
                    Some(nearest) => diagnostic
                        .help(format!("did you mean \"{nearest}\"?"))
                        .edit(span, format!("\"{nearest}\"")),
                    None => diagnostic.help(format!("its elements are {}", labels.join(", "))),
                }
            }
            ValueProblem::ObservesElement { name, span, declared, found, axis } => Diagnostic::error(
                Slug::WrongKind,
                format!("`{name}` is {found}, and this distribution is over numbers"),
                span,
                found,
            )
            .because(declared, format!("declared as an element of `{axis}`"))
            .help(format!(
                "declare it by what it holds: `{name}: int` for counts and scores, `{name}: bool` for 0 and 1"
            )),
            ValueProblem::WrongKind { what, wanted, span, found, help } => Diagnostic {
                help,
                ..Diagnostic::error(
                    Slug::WrongKind,
                    format!("{what} must be {wanted}, and this is {found}"),
                    span,
                    found,
                )
            },
            ValueProblem::LabelAsNumber { axis, span, ordered } => {
                let diagnostic = Diagnostic::error(
                    Slug::WrongKind,
                    format!("an element of `{axis}` is a label, not a number"),
                    span,
                    format!("an element of `{axis}`"),
                );
                if ordered {
                    diagnostic.help(format!("labels have no arithmetic; compare them: `== \"…\"`, or number the axis: `axis {axis} = 1..n`"))
                } else {
                    diagnostic.help("give each label its own value, as in `a[county]`; if the column holds numbers to calculate with, declare it a second time under another name: `\"header\" as value`")
                }
            }
            ValueProblem::ComparesAxes { a_span, a, b_span, b } => Diagnostic::error(
                Slug::WrongAxis,
                format!("compares an element of `{a}` with an element of `{b}`"),
                a_span,
                format!("an element of `{a}`"),
            )
            .because(b_span, format!("an element of `{b}`"))
            .help(format!("elements of different axes are never the same; if they are meant to be, declare both with one axis: `column: {a}`")),
            ValueProblem::LatentCondition { what, span, latents, reported } => {
                let names: Vec<String> = latents.iter().map(|(n, ..)| n.clone()).collect();
                let gaps: Vec<String> =
                    latents.iter().filter(|l| l.2).map(|(n, ..)| n.clone()).collect();
                // What is evaluated for every combination of the values of finite latents.
                let enumerated = !matches!(
                    what,
                    "`where`" | "the ends of a range" | "the value of a `PointMass`"
                );
                let allowed =
                    if enumerated { "data and finite latents" } else { "data" };
                let mut diagnostic = Diagnostic::error(
                    Slug::LatentCondition,
                    format!("{what} may depend on {allowed} only, not on {}", listed(&names)),
                    span,
                    "depends on a latent",
                );
                for (name, declared, missing) in latents {
                    let why = match missing {
                        true => format!("missing cells of `{name}` are latents"),
                        false => format!("`{name}` is not data"),
                    };
                    diagnostic = diagnostic.because(declared, why);
                }
                if let [gap] = &gaps[..] {
                    return diagnostic.help(format!(
                        "what is known of `{gap}` is whether a cell is missing: `is_missing({gap})`; a \
                         second column without missing cells may stand here"
                    ));
                }
                if let Some(name) = reported.filter(|_| what == "a condition") {
                    return diagnostic.help(format!(
                        "for a posterior probability report the numbers compared, save the draws with `--output DIR`, and count: `{name}` is the share of the rows of `draws.csv` where it holds"
                    ));
                }
                diagnostic.help(match what {
                    "an index" => "use a column, an index of the equation, or a latent of finitely many values: `z ~ Categorical(p)`",
                    "`where`" => "what exists must be known before the fit; to choose by a latent of finitely many values write `if z then … else …`",
                    "the ends of a range" => "the number of elements is fixed before the fit: declare it as data, `data n: int`",
                    _ => "a condition on a continuous latent has no gradient; for an unknown change point use one of finitely many values: `tau ~ DiscreteUniform(year)`",
                })
            }
            ValueProblem::MisplacedLabel { label, span } => Diagnostic::error(
                Slug::WrongKind,
                format!("the label \"{label}\" is not a number"),
                span,
                "a label",
            )
            .help("labels stand in brackets, `alpha[county = \"AITKIN\"]`, or beside `==`"),
            ValueProblem::MisplacedList { span } => Diagnostic::error(
                Slug::WrongKind,
                "a list stands alone on the right of an equation whose left side names its axis",
                span,
                "a list",
            )
            .help("give it a name and an axis on its own line: `m0[state] = [3, 10]`"),
            ValueProblem::MisplacedColumns { span } => Diagnostic::error(
                Slug::WrongKind,
                "`columns(…)` stands alone on the right of a definition",
                span,
                "inside an expression",
            )
            .help("give it a name on its own line: `X[row, term] = columns(one = 1, x)`"),
            ValueProblem::ColumnsNeedAxis { name, span } => Diagnostic::error(
                Slug::MissingAxis,
                format!("the columns of `{name}` need an axis"),
                span,
                "makes an axis of its names",
            )
            .help(format!("write the axes on the left, the new one last: `{name}[row, term] = columns(…)`")),
            ValueProblem::UnnamedColumn { span, name } => Diagnostic::error(
                Slug::WrongArguments,
                "a column of `columns(…)` that is not a name needs one",
                span,
                "has no name",
            )
            .help("write `name = expression`")
            .edit(Span { end: span.start, ..span }, format!("{name} = ")),
            ValueProblem::ColumnsOfOtherAxis { name, axis, span, declared, wanted, given } => {
                let same = wanted.len() == given.len() && given.iter().all(|g| wanted.contains(g));
                Diagnostic::error(
                    Slug::AxisMismatch,
                    format!("the columns of `{name}` are not the elements of `{axis}`"),
                    span,
                    if same { "in another order" } else { "other names than the axis has" },
                )
                .because(declared, format!("the elements of `{axis}`: {}", wanted.join(", ")))
                .help(if same {
                    "write the columns in the order of the axis"
                } else {
                    "use another name for the last axis on the left"
                })
            }
            ValueProblem::IntervalOnNumber { span } => Diagnostic::error(
                Slug::NotADistribution,
                "`in [a, b]` conditions a distribution, and this is a number",
                span,
                "an interval",
            )
            .help("put it after the distribution: `x ~ Normal(0, 1) in [0, inf]`; to limit a number use `min(max(x, a), b)`"),
            ValueProblem::ArgumentCount { name, span, parameters, given } => Diagnostic::error(
                Slug::WrongArguments,
                format!(
                    "`{name}` takes {} and was given {given}",
                    match parameters.len() {
                        1 => "one argument".to_owned(),
                        n => format!("{n} arguments"),
                    }
                ),
                span,
                format!("{name}({})", parameters.join(", ")),
            ),
            ValueProblem::NamedArgumentOfFunction { function, span } => Diagnostic::error(
                Slug::WrongArguments,
                format!("`{function}` takes its arguments by position"),
                span,
                "a named argument",
            )
            .help("drop the name"),
            ValueProblem::NotAReduction { name, span } => Diagnostic::error(
                Slug::WrongArguments,
                format!("`{name}` does not reduce, so it takes no index"),
                span,
                "not a reduction",
            )
            .help("the reductions are `sum`, `mean`, `sd`, `max`, `min` and `count`"),
        }
    }
}
