//! Mistakes about names: unknown, defined twice, unused.

use super::{Explain, listed};
use crate::check::foreign::Rewriting;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::source::Span;

/// A mistake about a name.
#[derive(Clone, Debug)]
pub(in crate::check) enum NameProblem {
    DefinedTwice {
        name: String,
        span: Span,
        first: Span,
    },
    /// `y = a + b * x`, with `y` data.
    ComputesData {
        name: String,
        span: Span,
        first: Span,
        edits: Vec<(Span, String)>,
    },
    DefinesAsDistribution {
        name: String,
        span: Span,
        value: Span,
        family: String,
        /// What to change.
        edits: Vec<(Span, String)>,
    },
    NumberKind {
        kind: String,
        span: Span,
        meant: &'static str,
    },
    TwoPriors {
        name: String,
        span: Span,
        first: Span,
        observed: bool,
    },
    PredictsDefined {
        name: String,
        span: Span,
        first: Span,
    },
    PredictsUnobserved {
        name: String,
        span: Span,
        declared: Span,
    },
    ObservesLatent {
        name: String,
        span: Span,
        declared: Span,
    },
    UsesPrediction {
        name: String,
        span: Span,
    },
    ObservesItself {
        name: String,
        span: Span,
        statement: Span,
    },
    ObservesWithoutLatent {
        name: String,
        span: Span,
    },
    PredictedTwice {
        name: String,
        span: Span,
        first: Span,
    },
    /// A column that labels the rows of its own table, and another of the same name.
    LabelColumn {
        name: String,
        /// From the column to the one after it.
        span: Span,
        other: Span,
        cut: Span,
    },
    /// `data car[mpg, wt]`, where `mpg` and `wt` are meant as columns.
    ColumnsInBrackets {
        table: String,
        columns: Vec<String>,
        span: Span,
        edits: Vec<(Span, String)>,
    },
    UnknownName {
        name: String,
        span: Span,
        nearest: Option<String>,
        function: bool,
        /// The axis on the left.
        rows: Option<String>,
    },
    UnknownFunction {
        name: String,
        span: Span,
        nearest: Option<String>,
        variable: Option<Span>,
        /// How the call is written here, if that is known.
        rewriting: Option<Rewriting>,
    },
    UnknownHint {
        hint: String,
        span: Span,
        nearest: Option<String>,
    },
    AxisCycle {
        name: String,
        span: Span,
    },
    Cycle {
        names: Vec<String>,
        spans: Vec<Span>,
    },
    UnusedLatent {
        name: String,
        span: Span,
        nearest: Option<String>,
    },
    UnusedData {
        name: String,
        span: Span,
    },
    NothingObserved {
        span: Span,
    },
    NotYet {
        what: String,
        span: Span,
    },
    DiscreteLatent {
        name: String,
        span: Span,
        family: &'static str,
        at: Span,
        nearest: Option<String>,
    },
}

/// Offers the nearest name as an edit, if there is one.
fn did_you_mean(diagnostic: Diagnostic, span: Span, nearest: Option<String>) -> Diagnostic {
    match nearest {
        Some(name) => diagnostic.help(format!("did you mean `{name}`?")).edit(span, name),
        None => diagnostic,
    }
}

impl Explain for NameProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            NameProblem::DefinedTwice { name, span, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is defined twice"),
                span,
                "defined again here",
            )
            .because(first, "first defined here")
            .help("every name has one definition; rename one of them"),
            NameProblem::DefinesAsDistribution { name, span, value, family, edits } => {
                let diagnostic = Diagnostic::error(
                    Slug::NotADistribution,
                    format!("`=` computes `{name}`, and `{family}` is a distribution"),
                    value,
                    "a family of distributions",
                )
                .because(span, "defined here")
                .help(format!("write `~`: `{name} ~ {family}(…)`"));
                edits.into_iter().fold(diagnostic, |d, (at, new)| d.edit(at, new))
            }
            NameProblem::ComputesData { name, span, first, edits } => {
                let diagnostic = Diagnostic::error(
                    Slug::DefinedTwice,
                    format!("`{name}` is data, so it cannot be computed"),
                    span,
                    "defined again here",
                )
                .because(first, "declared as data here")
                .help(format!(
                    "to say how `{name}` scatters around this write `{name} ~ Normal(…, sigma)`; to compute something else give it another name"
                ));
                edits.into_iter().fold(diagnostic, |d, (at, new)| d.edit(at, new))
            }
            NameProblem::NumberKind { kind, span, meant } => Diagnostic::error(
                Slug::WrongKind,
                format!("there is no kind `{kind}`"),
                span,
                "read as the name of an axis",
            )
            .help(format!("did you mean `{meant}`? The kinds are `real`, `int`, `bool` and `index`"))
            .edit(span, meant),
            NameProblem::TwoPriors { name, span, first, observed } => two_priors(name, span, first, observed),
            NameProblem::PredictsDefined { name, span, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`predict {name} ~ …` would define `{name}` again"),
                span,
                "already has a definition",
            )
            .because(first, "defined here")
            .help(format!(
                "to draw an observed name again after the fit write `predict {name}` alone; to predict something else give it a new name"
            )),
            NameProblem::PredictsUnobserved { name, span, declared } => Diagnostic::error(
                Slug::PredictedName,
                format!("`{name}` has no `~` that could be drawn again"),
                span,
                "not observed by any `~`",
            )
            .because(declared, "defined here")
            .help(format!("write `predict {name}_new ~ …` with its distribution, or `report {name}`")),
            NameProblem::ObservesLatent { name, span, declared } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is computed from latents, so `~` can neither observe it nor define it"),
                span,
                "`~` on a computed name",
            )
            .because(declared, "computed here")
            .help("put the `~` on data or on a name computed from data only; to add a term to the log density write `factor`"),
            NameProblem::UsesPrediction { name, span } => Diagnostic::error(
                Slug::PredictedName,
                format!("`{name}` depends on a prediction"),
                span,
                "drawn only after the fit",
            )
            .help("only `predict` and `report` may use a predicted name; drop `predict` to make it a latent"),
            NameProblem::ObservesItself { name, span, statement } => Diagnostic::error(
                Slug::SelfObservation,
                format!("`{name}` is observed by a distribution that depends on `{name}` itself"),
                span,
                format!("depends on the value of `{name}` that is observed"),
            )
            .because(statement, format!("the same element of `{name}`"))
            .help(format!(
                "leave `{name}` out on the right; a value before it has an index: `{name}[t in time] ~ Normal(a * {name}[t-1], sd)`"
            )),
            NameProblem::ObservesWithoutLatent { name, span } => Diagnostic::new(
                Slug::NothingObserved,
                Severity::Note,
                format!("observing `{name}` tells nothing about the latents"),
            )
            .at(span, "depends on data alone")
            .help("use a latent here, or leave the line out"),
            NameProblem::PredictedTwice { name, span, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is predicted twice"),
                span,
                "again here",
            )
            .because(first, "first here")
            .help("one `predict` is enough; delete the other"),
            NameProblem::LabelColumn { name, span, other, cut } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{name}` is defined twice"),
                span,
                "the labels of its own table",
            )
            .because(other, "the column that equations use")
            .help(format!(
                "leave it out of the table `{name}`: a column with the name of its table labels the rows by itself"
            ))
            .edit(cut, ""),
            NameProblem::ColumnsInBrackets { table, columns, span, edits } => {
                let form = format!("data {table}({})", columns.join(", "));
                let diagnostic = Diagnostic::error(
                    Slug::UnexpectedToken,
                    "the columns of a table stand in parentheses",
                    span,
                    "read as an array and its axes",
                )
                .help(format!("write `{form}`"));
                edits.into_iter().fold(diagnostic, |d, (at, new)| d.edit(at, new))
            }
            NameProblem::UnknownName { name, span, nearest, function, rows } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownName,
                    format!("unknown name `{name}`"),
                    span,
                    "nothing in the program defines it",
                );
                if nearest.is_none() && function {
                    return diagnostic.help(format!(
                        "`{name}` is a function: write `{name}(…)`; a latent of this name needs a prior, `{name} ~ …`"
                    ));
                }
                if nearest.is_none() && name.contains('.') {
                    return diagnostic.help(format!(
                        "a name has no dot: declare the column with another name, `data row(\"{name}\" as {})`, and use that",
                        name.replace('.', "_").to_lowercase()
                    ));
                }
                if nearest.is_none() && matches!(name.as_str(), "i" | "j" | "k" | "n" | "t") {
                    return diagnostic.help(format!(
                        "an index is bound on the left: `y[{name} in {rows}] ~ …`; a bare name already means the value of the same element",
                        rows = rows.as_deref().unwrap_or("row")
                    ));
                }
                if nearest.is_none() {
                    return diagnostic.help(format!(
                        "if it is data add it to a `data` line; if it is to be inferred give it a prior: `{name} ~ Normal(0, 1)`"
                    ));
                }
                did_you_mean(diagnostic, span, nearest)
            }
            NameProblem::UnknownFunction { name, span, nearest, variable, rewriting } => {
                let mut diagnostic = Diagnostic::error(
                    Slug::UnknownFunction,
                    format!("unknown function `{name}`"),
                    span,
                    "there is no function of this name",
                );
                if let Some(variable) = variable {
                    diagnostic = diagnostic
                        .because(variable, "a variable, not a function")
                        .help(format!("to take an element write `{name}[…]`, to multiply write `{name} * (…)`"));
                    return diagnostic;
                }
                if let Some(Rewriting { help, edits }) = rewriting {
                    let edits = edits.into_iter();
                    return edits.fold(diagnostic.help(help), |d, (at, new)| d.edit(at, new));
                }
                match nearest {
                    Some(nearest) => operator_or_name(diagnostic, span, &nearest),
                    None => diagnostic.help("functions are lower-case, families of distributions capitalised: `log(x)`, `Normal(0, 1)`"),
                }
            }
            NameProblem::UnknownHint { hint, span, nearest } => {
                let diagnostic = Diagnostic::error(
                    Slug::BadHint,
                    format!("unknown hint `{hint}`"),
                    span,
                    "there is no hint of this name",
                );
                match nearest {
                    Some(_) => did_you_mean(diagnostic, span, nearest),
                    None => diagnostic.help("the hints for a latent are `noncentered` and `centered`"),
                }
            }
            NameProblem::AxisCycle { name, span } => Diagnostic::error(
                Slug::Cycle,
                format!("the axis `{name}` is another name of itself"),
                span,
                "has no elements of its own",
            )
            .help(format!("write its elements: `axis {name} = 1..10`")),
            NameProblem::Cycle { names, spans } => cycle(&names, &spans),
            NameProblem::UnusedLatent { name, span, nearest } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnusedLatent,
                    format!("`{name}` is a latent that no observation depends on"),
                    span,
                    "a latent, because `data` does not declare it",
                );
                match nearest {
                    Some(data) => diagnostic
                        .help(format!("did you mean the data `{data}`?"))
                        .edit(span, data),
                    None if is_replicate(&name) => diagnostic
                        .help(format!("to draw it after the fit write `predict {name} ~ …`"))
                        .edit(Span { end: span.start, ..span }, "predict "),
                    None => diagnostic.help(format!(
                        "use `{name}` in what is observed, write `predict {name} ~ …` to draw it after the fit, or remove it"
                    )),
                }
            }
            NameProblem::UnusedData { name, span } => Diagnostic::warning(
                Slug::UnusedData,
                format!("data `{name}` is declared but never used"),
                span,
                "no equation uses it",
            )
            .help("remove it, or use it"),
            NameProblem::NothingObserved { span } => Diagnostic::error(
                Slug::NothingObserved,
                "nothing is observed",
                span,
                "every `~` of the program is on a latent",
            )
            .help("declare the observed names with `data`, and give one of them a `~`"),
            NameProblem::NotYet { what, span } => Diagnostic::error(
                Slug::NotYet,
                format!("{what} cannot be run by this version"),
                span,
                "part of the language, but not supported yet",
            ),
            NameProblem::DiscreteLatent { name, span, family, at, nearest } => {
                discrete_latent(name, span, family, at, nearest)
            }
        }
    }
}

fn two_priors(name: String, span: Span, first: Span, observed: bool) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::TwoPriors,
        format!("`{name}` has two `~` statements"),
        span,
        "another `~`",
    )
    .because(first, "the first `~`");
    if observed {
        diagnostic.help("observing a name twice counts its data twice; keep one of them")
    } else {
        diagnostic.help("keep one; a second prior must be a `factor`")
    }
}

/// Whether a name says that its values are new: `y_rep`, `y_new`.
fn is_replicate(name: &str) -> bool {
    ["_rep", "_new", "_pred", "_sim", "_tilde", "_hat"].iter().any(|end| name.ends_with(end))
}

/// A synonym may be an operator: `pow` is `^`.
fn operator_or_name(diagnostic: Diagnostic, span: Span, nearest: &str) -> Diagnostic {
    if nearest.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return diagnostic.help(format!("did you mean `{nearest}`?")).edit(span, nearest);
    }
    diagnostic.help(format!("write the operator: `a {nearest} b`"))
}

fn cycle(names: &[String], spans: &[Span]) -> Diagnostic {
    let at = spans.first().copied().unwrap_or_default();
    let message = match names {
        [one] => format!("`{one}` is defined in terms of itself"),
        _ => format!("{} are defined in terms of each other", listed(names)),
    };
    let mut diagnostic =
        Diagnostic::error(Slug::Cycle, message, at, "leads back to where it began");
    for span in spans.iter().skip(1) {
        diagnostic = diagnostic.because(*span, "part of the cycle");
    }
    diagnostic.help("a recurrence along an axis is written with an index and `start`: `x[t in time] = f(x[t-1]) start x0`")
}

fn discrete_latent(
    name: String,
    span: Span,
    family: &'static str,
    at: Span,
    nearest: Option<String>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::UnboundedLatent,
        format!("`{name}` is a whole-number latent without a largest value"),
        span,
        "a latent, because `data` does not declare it",
    )
    .because(at, format!("`{family}` has no largest value that the data give"));
    match nearest {
        Some(data) => diagnostic.help(format!("did you mean the data `{data}`?")).edit(span, data),
        None => diagnostic.help(format!(
            "add `in [0, K]`: it is summed out over 0 to K; if `{name}` is in your data declare it: `data …, {name}: int`; if it should be drawn after the fit write `predict {name} ~ …`"
        )),
    }
}
