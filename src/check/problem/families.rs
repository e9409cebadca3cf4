//! Mistakes about distributions: families, arguments, supports.

use super::Explain;
use crate::check::foreign::Rewriting;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::library::{Family, Support, distribution};
use crate::source::Span;

/// A mistake about a distribution.
#[derive(Clone, Debug)]
pub(in crate::check) enum FamilyProblem {
    UnknownFamily {
        name: String,
        span: Span,
        function: bool,
        /// How the call is written here, if that is known.
        rewriting: Option<Rewriting>,
    },
    DistributionAsNumber {
        name: String,
        span: Span,
    },
    NotADistribution(Box<NotADistribution>),
    SumOfDistributions {
        span: Span,
        help: String,
        edits: Vec<(Span, String)>,
    },
    NamedArgumentsOnly {
        family: &'static str,
        span: Span,
        forms: Vec<String>,
        /// The places of the arguments and the names that the first form has for them.
        names: Vec<(Span, &'static str)>,
    },
    WrongFamilyArguments {
        family: &'static str,
        span: Span,
        forms: Vec<String>,
        given: usize,
        stranger: Option<(String, Span, Option<String>)>,
        /// The edits that give the arguments the names they have here.
        renamed: Option<Vec<(Span, String)>>,
    },
    EmptyInterval {
        name: String,
        span: Span,
        /// Where the ends are and what: low, then high.
        ends: (Span, f64, Span, f64),
    },
    TwoIntervals {
        span: Span,
    },
    NoCdf {
        family: &'static str,
        span: Span,
    },
    LiteralOutsideSupport {
        family: &'static str,
        parameter: &'static str,
        support: Support,
        span: Span,
        value: f64,
    },
    /// A literal that must be above another literal.
    LiteralsOutOfOrder {
        family: &'static str,
        parameter: &'static str,
        at: (Span, f64),
        /// The name, place and value of the other.
        other: (&'static str, Span, f64),
    },
    LatentOutsideSupport {
        family: &'static str,
        parameter: &'static str,
        support: Support,
        span: Span,
        name: String,
        statement: Span,
    },
    ImproperPrior {
        name: String,
        span: Span,
        half: bool,
    },
    HintOnObserved {
        hint: String,
        span: Span,
        name: String,
    },
    CenteringDoesNotApply {
        name: String,
        span: Span,
        family: &'static str,
        at: Span,
        truncated: bool,
        choice: bool,
    },
}

impl Explain for FamilyProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            FamilyProblem::UnknownFamily { name, span, function, rewriting } => {
                unknown_family(&name, span, function, rewriting)
            }
            FamilyProblem::DistributionAsNumber { name, span } => Diagnostic::error(
                Slug::NotADistribution,
                format!("`{name}` is a distribution, not a number"),
                span,
                "a family of distributions",
            )
            .help(format!("a name is drawn from it with `~`: `x ~ {name}(…)`; functions are lower-case")),
            FamilyProblem::NotADistribution(facts) => facts.diagnostic(),
            FamilyProblem::SumOfDistributions { span, help, edits } => edited(
                Diagnostic::error(
                    Slug::NotADistribution,
                    "a distribution is not a number: it cannot be added or multiplied",
                    span,
                    "a distribution, not a number",
                )
                .help(help),
                edits,
            ),
            FamilyProblem::NamedArgumentsOnly { family, span, forms, names } => {
                let diagnostic = Diagnostic::error(
                    Slug::NamedArgumentsOnly,
                    format!("the arguments of `{family}` must be named"),
                    span,
                    "which parameter is this?",
                )
                .note("programs and books disagree about their order and meaning")
                .help(format!("write {}", either(&forms)));
                names.into_iter().fold(diagnostic, |diagnostic, (at, name)| {
                    diagnostic.edit(Span { end: at.start, ..at }, format!("{name} = "))
                })
            }
            FamilyProblem::WrongFamilyArguments {
                family, span, forms, given, stranger, renamed
            } => {
                match stranger {
                    Some((name, at, _)) if renamed.is_some() => edited(
                        Diagnostic::error(
                            Slug::WrongArguments,
                            format!("`{family}` has no parameter `{name}`"),
                            at,
                            "called otherwise here",
                        )
                        .help(format!("the parameters are {}", either(&forms))),
                        renamed.unwrap_or_default(),
                    ),
                    Some((name, at, nearest)) => {
                        let diagnostic = Diagnostic::error(
                            Slug::WrongArguments,
                            format!("`{family}` has no parameter `{name}`"),
                            at,
                            "unknown parameter",
                        );
                        match nearest {
                            Some(nearest) => diagnostic
                                .help(format!("did you mean `{nearest}`?"))
                                .edit(at, nearest),
                            None => diagnostic.help(format!("write {}", either(&forms))),
                        }
                    }
                    None => edited(Diagnostic::error(
                        Slug::WrongArguments,
                        format!("these arguments do not fit `{family}`"),
                        span,
                        match given {
                            0 => "called without arguments".to_owned(),
                            1 => "called with one argument".to_owned(),
                            n => format!("called with {n} arguments"),
                        },
                    )
                    .help(format!("write {}", either(&forms))), renamed.unwrap_or_default()),
                }
            }
            FamilyProblem::EmptyInterval { name, span, ends } => empty_interval(&name, span, ends),
            FamilyProblem::TwoIntervals { span } => Diagnostic::error(
                Slug::WrongArguments,
                "a distribution can be conditioned on one interval only",
                span,
                "the second interval",
            ),
            FamilyProblem::NoCdf { family, span } => no_cdf(family, span),
            FamilyProblem::LiteralOutsideSupport { family, parameter, support, span, value } => {
                literal_outside(family, parameter, support, span, value)
            }
            FamilyProblem::LiteralsOutOfOrder { family, parameter, at, other } => {
                let ((span, value), (name, other, bound)) = (at, other);
                let diagnostic = Diagnostic::error(
                    Slug::SupportMismatch,
                    format!("`{family}`'s {parameter} must be above its {name}"),
                    span,
                    format!("{value} is not above {bound}"),
                )
                .because(other, name);
                if value == bound {
                    diagnostic.help("to fix a value write `=` instead of `~`")
                } else {
                    diagnostic
                        .help(format!("write the smaller one as `{name}`"))
                        .edit(other, value.to_string())
                        .edit(span, bound.to_string())
                }
            }
            FamilyProblem::LatentOutsideSupport {
                family, parameter, support, span, name, statement
            } => Diagnostic::error(
                Slug::SupportMismatch,
                format!(
                    "`{family}`'s {parameter} must be {}; `{name}` need not be",
                    words(support)
                ),
                span,
                format!("may leave {}", set(support)),
            )
            .because(statement, format!("`{name}` is drawn here"))
            .help(suggestion(support, &name)),
            FamilyProblem::ImproperPrior { name, span, half } => Diagnostic::new(
                Slug::ImproperPrior,
                Severity::Warning,
                format!("`{name} ~ Flat` is improper: it has no prior predictive, and the posterior may not exist"),
            )
            .at(span, "not a probability distribution")
            .help(if half {
                format!("use a weakly informative prior, for example `{name} ~ HalfNormal(1)` on the scale of the data")
            } else {
                format!("use a weakly informative prior, for example `{name} ~ Normal(0, 10)` on the scale of the data")
            }),
            FamilyProblem::HintOnObserved { hint, span, name } => Diagnostic::error(
                Slug::BadHint,
                format!("`with {hint}` is for latents, and `{name}` is not one"),
                span,
                "has no effect here",
            )
            .help("remove the hint"),
            FamilyProblem::CenteringDoesNotApply { name, span, family, at, truncated, choice } => {
                let reason = match (truncated, choice) {
                    (true, _) => "it is conditioned on an interval",
                    (false, true) => "it is drawn from more than one distribution",
                    (false, false) => "this family has no location and scale",
                };
                Diagnostic::error(
                    Slug::BadHint,
                    format!("`{name}` cannot be centred or non-centred: {reason}"),
                    span,
                    "needs a location-scale family without `in`",
                )
                .because(at, format!("`{family}`"))
                .help("remove the hint")
            }
        }
    }
}

fn unknown_family(
    name: &str,
    span: Span,
    function: bool,
    rewriting: Option<Rewriting>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::UnknownFunction,
        format!("unknown distribution `{name}`"),
        span,
        "there is no family of this name",
    );
    match rewriting {
        Some(rewriting) => edited(diagnostic.help(rewriting.help), rewriting.edits),
        None if function => diagnostic
            .help(format!("`{name}` is a function; to compute a name write `=` instead of `~`")),
        None => {
            let names: Vec<&str> = distribution::ALL.iter().map(|f| f.name).collect();
            diagnostic.help(format!("the families are {}", names.join(", ")))
        }
    }
}

/// Adds edits to a message.
fn edited(diagnostic: Diagnostic, edits: Vec<(Span, String)>) -> Diagnostic {
    edits.into_iter().fold(diagnostic, |d, (span, instead)| d.edit(span, instead))
}

fn empty_interval(
    name: &str,
    span: Span,
    (low_span, low, high_span, high): (Span, f64, Span, f64),
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::SupportMismatch,
        "the interval is empty",
        span,
        "its lower end is not below its upper end",
    );
    if low == high {
        return diagnostic.help(format!("to fix the value write `{name} = {low}` without a `~`"));
    }
    diagnostic
        .help("write the lower end first")
        .edit(low_span, high.to_string())
        .edit(high_span, low.to_string())
}

fn no_cdf(family: &'static str, span: Span) -> Diagnostic {
    let has_cdf = |f: &&Family| f.parameterizations.iter().all(|p| p.density.has_cdf());
    let names: Vec<&str> = distribution::ALL.iter().filter(has_cdf).map(|f| f.name).collect();
    Diagnostic::error(
        Slug::NoCdf,
        format!("`{family}` cannot be conditioned on an interval: its cdf is not known here"),
        span,
        "needs the probability of the interval",
    )
    .help(format!("the families that can are {}", names.join(", ")))
}

/// The facts about a number on the right of `~`.
#[derive(Clone, Debug)]
pub(in crate::check) struct NotADistribution {
    /// The name on the left, and the right side.
    pub(in crate::check) name: String,
    pub(in crate::check) span: Span,
    /// Whether the name is data.
    pub(in crate::check) known: bool,
    /// The equations of the formula that the right side is.
    pub(in crate::check) equations: Option<Vec<String>>,
    /// What to change.
    pub(in crate::check) edits: Vec<(Span, String)>,
}

impl NotADistribution {
    fn diagnostic(self) -> Diagnostic {
        let NotADistribution { name, span, known, equations, edits } = self;
        let diagnostic = Diagnostic::error(
            Slug::NotADistribution,
            "the right side of `~` must be a distribution, and this is a number",
            span,
            if equations.is_some() { "a formula" } else { "a number" },
        );
        let help = match (known, equations) {
            (true, Some(_)) => {
                "there are no formulas: write an equation for every coefficient, with a prior on \
                 the scale of your data"
                    .to_owned()
            }
            (true, None) => {
                format!("say how `{name}` scatters around it: `{name} ~ Normal(…, sigma)`")
            }
            (false, _) => format!("to compute `{name}` write `=` instead of `~`"),
        };
        edited(diagnostic.help(help), edits)
    }
}

fn literal_outside(
    family: &str,
    parameter: &str,
    support: Support,
    span: Span,
    value: f64,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::SupportMismatch,
        format!("`{family}`'s {parameter} must be {}; {value} is not", words(support)),
        span,
        format!("outside {}", set(support)),
    );
    match support {
        Support::Positive | Support::NonNegative if value < 0.0 => {
            let positive = -value;
            diagnostic.help(format!("did you mean {positive}?")).edit(span, positive.to_string())
        }
        Support::Positive if value == 0.0 => {
            diagnostic.help(format!("write a positive number; a {parameter} of 0 leaves no choice"))
        }
        Support::Unit if value > 1.0 && value <= 100.0 => {
            let share = value / 100.0;
            diagnostic.help(format!("a probability is a share: {value} % is `{share}`"))
        }
        Support::Count | Support::Integers(..) => diagnostic.help("write a whole number"),
        Support::Real
        | Support::Positive
        | Support::NonNegative
        | Support::Unit
        | Support::Interval(..)
        | Support::Boolean => diagnostic.help(format!("write a number that is {}", words(support))),
    }
}

/// `A` or `B`, each in backquotes.
fn either(forms: &[String]) -> String {
    let quoted: Vec<String> = forms.iter().map(|f| format!("`{f}`")).collect();
    quoted.join(" or ")
}

/// What a value in a support is.
fn words(support: Support) -> &'static str {
    match support {
        Support::Real => "a real number",
        Support::Positive => "positive",
        Support::NonNegative => "non-negative",
        Support::Unit => "between 0 and 1",
        Support::Interval(..) => "inside its interval",
        Support::Boolean => "0 or 1",
        Support::Count => "a whole number, 0 or more",
        Support::Integers(..) => "a whole number in its range",
    }
}

/// The support as a set.
fn set(support: Support) -> &'static str {
    match support {
        Support::Real => "(-inf, inf)",
        Support::Positive => "(0, inf)",
        Support::NonNegative => "[0, inf)",
        Support::Unit => "(0, 1)",
        Support::Interval(..) => "the interval",
        Support::Boolean => "{0, 1}",
        Support::Count => "{0, 1, 2, …}",
        Support::Integers(..) => "the range",
    }
}

/// A prior that stays in a support.
fn suggestion(support: Support, name: &str) -> String {
    match support {
        Support::Positive | Support::NonNegative => {
            format!("give `{name}` a positive prior: `{name} ~ HalfNormal(1)`, or `in [0, inf]`")
        }
        Support::Unit => format!(
            "give `{name}` a prior on (0, 1): `{name} ~ Beta(1, 1)`, or pass its log odds by the argument `logit =`"
        ),
        Support::Real
        | Support::Interval(..)
        | Support::Boolean
        | Support::Count
        | Support::Integers(..) => format!("give `{name}` a prior inside the support"),
    }
}
