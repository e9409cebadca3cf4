//! Mistakes about distributions of several values, of outcomes, and of series.

use super::Explain;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A mistake about the structure of a distribution or a series.
#[derive(Clone, Debug)]
pub(in crate::check) enum StructureProblem {
    /// `start` after something that never looks back.
    NothingBefore { span: Span },
    /// A constraint on something that is no family of one value.
    ElementWanted { family: &'static str, span: Span },
    /// A joint family that does not say over which axis.
    JointAxis { name: String, family: &'static str, span: Span, axes: Vec<String>, count: usize },
    /// `over` an axis that the left side does not have.
    OverElsewhere { over: String, span: Span, axes: String },
    /// A matrix over other axes than the family is joint over.
    MatrixAxes { span: Span, found: String, wanted: String },
    /// `edges =` something that has no two columns of the axis.
    EdgeTable { span: Span, axis: String },
    /// A number or vector where a matrix must be.
    NotAMatrix { span: Span },
    /// A continuous latent with a `PointMass` branch.
    LatentAtom { name: String, span: Span },
    /// A latent of which some branches are continuous and others are not.
    MixedLatent { name: String, span: Span, family: &'static str },
    /// A joint family where the density of one value is wanted.
    OneValueWanted { family: &'static str, span: Span },
    /// A family without a sampler where a draw is wanted.
    NotDrawn { family: String, span: Span },
    /// Components of a mixture on different intervals.
    MixedSupports { span: Span },
    /// Times of differential equations that are not over one axis.
    TimesAxis { name: String, span: Span, axes: String },
    /// An axis of states whose labels are not the states.
    StatesOfAxis { axis: String, span: Span, labels: Vec<String>, states: Vec<String> },
    /// A rate or initial value over an axis.
    RateOfArray { span: Span, axes: String },
    /// A rate or initial value that varies over the times.
    RateOverTimes { name: String, span: Span },
    /// A hint that differential equations do not have, or with other arguments.
    OdeHint { hint: String, span: Span, known: bool },
    /// A rate or initial value that depends on what is summed out or predicted.
    RateOfFinite { span: Span },
    /// `transpose` where indices say which axis is which.
    LooseTranspose { span: Span },
    /// `cholesky` where one number is wanted.
    LooseFactor { span: Span },
    /// `cholesky` of a matrix for each element of some axes, without a name.
    FactorsOfGroups { span: Span },
    /// `cholesky` of what is summed out.
    FactorOfFinite { span: Span },
    /// A number where one of several distributions must be.
    NumberInPlace { span: Span, start: bool, continuous: bool },
    /// An argument that varies where all joint values need one number.
    GroupArgument { span: Span, axes: String },
    /// A difference or quotient of kernels.
    KernelOperator { span: Span },
    /// A call in place of a kernel that is none.
    UnknownKernel { name: String, span: Span, nearest: Option<&'static str>, known: String },
    /// A function along an axis that its argument does not vary over.
    NotOver { function: String, span: Span, axis: String },
    /// A condition that leaves out some values of a group and not others.
    GuardInGroup { name: String, family: &'static str, span: Span, axis: String },
    /// An argument of outcomes without exactly one free axis.
    OutcomeAxis { name: String, family: &'static str, span: Span, axes: String },
}

impl Explain for StructureProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            StructureProblem::NothingBefore { span } => Diagnostic::error(
                Slug::MissingStart,
                "nothing before `start` looks back along an axis",
                span,
                "no index here comes before the first element",
            )
            .help("`x[t - 1] start 0` gives the value where `t - 1` lies before the first element"),
            StructureProblem::ElementWanted { family, span } => {
                if !matches!(family, "Ordered" | "ZeroSum") {
                    return Diagnostic::error(
                        Slug::WrongArguments,
                        format!("`{family}` takes a family of one value"),
                        span,
                        "not a family of one value",
                    )
                    .help(format!("for example `{family}(Normal(0, 1), …)`"));
                }
                let (wanted, help) = match family {
                    "ZeroSum" => (
                        "`Normal(0, sd)`",
                        "values that sum to 0 are normal, with the mean 0 and without an interval",
                    ),
                    _ => ("one family", "it takes a family of one value, the same for every element"),
                };
                Diagnostic::error(
                    Slug::JointAxis,
                    format!("`{family}` ties elements of {wanted}, such as `{family}(Normal(0, 1))`"),
                    span,
                    "not the distribution of one element",
                )
                .help(help)
            }
            StructureProblem::JointAxis { name, family, span, axes, count } => {
                joint_axis(&name, family, span, &axes, count)
            }
            StructureProblem::OverElsewhere { over, span, axes } => Diagnostic::error(
                Slug::JointAxis,
                format!("the left side has the axes {axes}, and `{over}` is not one index of them"),
                span,
                "not an axis or index of the left side",
            )
            .help("after `over` stands an axis of the left side, or the name of an index: `P[i in state, j in state] ~ Dirichlet(1) over j`"),
            StructureProblem::MatrixAxes { span, found, wanted } => Diagnostic::error(
                Slug::WrongAxis,
                format!("this is a matrix over {found}, and one over {wanted} is wanted"),
                span,
                format!("over {found}"),
            )
            .help(format!("define it over both: `K[i in …, j in …] = …` with the axes {wanted}")),
            StructureProblem::EdgeTable { span, axis } => Diagnostic::error(
                Slug::WrongArguments,
                format!("`edges` must name a table with two columns of kind `{axis}`"),
                span,
                "not such a table",
            )
            .help(format!("declare it: `data edge(from: {axis}, to: {axis})`, then `edges = edge`")),
            StructureProblem::NotAMatrix { span } => Diagnostic::error(
                Slug::WrongArguments,
                "a matrix is wanted here: a name with two axes, `transpose(a)`, `a @ b`, or sums and multiples of such",
                span,
                "not a matrix",
            )
            .help("define it first: `K[i in axis, j in axis] = …`, then write `K` here"),
            StructureProblem::LatentAtom { name, span } => Diagnostic::error(
                Slug::NotADistribution,
                format!("`{name}` is a continuous latent and cannot have a `PointMass`"),
                span,
                "all probability on one value",
            )
            .help("give the choice to a finite latent: `z ~ Bernoulli(p)`, and use `if z then x else 0`"),
            StructureProblem::MixedLatent { name, span, family } => Diagnostic::error(
                Slug::NotADistribution,
                format!("`{name}` has finitely many values elsewhere, and `{family}` has not"),
                span,
                "not a distribution of finitely many values",
            )
            .help("all branches of a latent are of one sort; make two latents and choose between them with `if`"),
            StructureProblem::OneValueWanted { family, span } => Diagnostic::error(
                Slug::WrongArguments,
                format!("`logpdf` takes a distribution of one value, and `{family}` is joint"),
                span,
                "gives several values",
            )
            .help("write it as a `~` statement on the values"),
            StructureProblem::NotDrawn { family, span } => Diagnostic::error(
                Slug::WrongArguments,
                format!("`{family}` has a log density and no sampler: it cannot be drawn from here"),
                span,
                "cannot be drawn from",
            )
            .help("observe it or give it to a latent: `y ~ …`; predictions need a family of the language"),
            StructureProblem::MixedSupports { span } => Diagnostic::error(
                Slug::SupportMismatch,
                "the components of a mixture must live on the same interval",
                span,
                "their ends differ",
            )
            .help("use a finite latent and `if` for components on different sets"),
            StructureProblem::TimesAxis { name, span, axes } => Diagnostic::error(
                Slug::WrongKind,
                format!("the times after `at` must be over one axis, and `{name}` is over {axes}"),
                span,
                "not a list of times",
            )
            .help("times are data: `data ts[time]` or a column of a table"),
            StructureProblem::StatesOfAxis { axis, span, labels, states } => {
                let written: Vec<String> = states.iter().map(|s| format!("\"{s}\"")).collect();
                let message = if labels.is_empty() {
                    format!("the axis `{axis}` of the states has no labels in the program")
                } else {
                    format!(
                        "the states {} are not the elements {} of `{axis}`",
                        super::listed(&states),
                        super::listed(&labels)
                    )
                };
                Diagnostic::error(Slug::WrongAxis, message, span, "the axis of the states")
                    .help(format!("write `axis {axis} = [{}]`", written.join(", ")))
            }
            StructureProblem::RateOfArray { span, axes } => Diagnostic::error(
                Slug::MissingAxis,
                format!("a rate and a value at the start are one number, and this is over {axes}"),
                span,
                format!("over {axes}"),
            )
            .help("say which element is meant, for example `z0[\"hare\"]`; for a system for each element of an axis write the axis after `ode`: `ode[subject] at …`"),
            StructureProblem::RateOverTimes { name, span } => Diagnostic::error(
                Slug::WrongAxis,
                format!("`{name}` varies over the times after `at`, and is not known between them"),
                span,
                "varies over the times",
            )
            .help("give each system its own value, `k[subject]` with an index column, or make it a function of the time `t`"),
            StructureProblem::OdeHint { hint, span, known } => Diagnostic::error(
                Slug::BadHint,
                if known {
                    format!("`{hint}` has other arguments")
                } else {
                    format!("differential equations have no hint `{hint}`")
                },
                span,
                "not such a hint",
            )
            .help("`with tolerance(1e-8)`, relative and absolute, or `tolerance(1e-8, 1e-6)`, from 1e-14 to 0.01; `steps(100000)` for the most steps between two times"),
            StructureProblem::RateOfFinite { span } => Diagnostic::error(
                Slug::NotYet,
                "differential equations cannot depend on latents that are summed out, nor on predictions",
                span,
                "depends on such a name",
            ),
            StructureProblem::LooseFactor { span } => Diagnostic::error(
                Slug::WrongArguments,
                "`cholesky` gives a whole matrix, and one number is wanted here",
                span,
                "gives a matrix",
            )
            .help("give it a name on a line of its own, `L = cholesky(S)`, and write `L[i, j]` here"),
            StructureProblem::FactorsOfGroups { span } => Diagnostic::error(
                Slug::WrongArguments,
                "this `cholesky` is of one matrix for each element of another axis",
                span,
                "one of many matrices",
            )
            .help("give it a name and all axes on a line of its own: `L[group, i in item, j in item] = cholesky(S)`"),
            StructureProblem::FactorOfFinite { span } => Diagnostic::error(
                Slug::WrongArguments,
                "the matrix of `cholesky` cannot depend on latents that are summed out",
                span,
                "depends on a finite latent or a prediction",
            )
            .help("factor the matrix of each value, and choose between the factors: `if z then L1[i, j] else L2[i, j]`"),
            StructureProblem::LooseTranspose { span } => Diagnostic::error(
                Slug::WrongArguments,
                "`transpose` makes a matrix, and here elements are meant",
                span,
                "a matrix",
            )
            .help("define the matrix on its own line: `Omega = L @ transpose(L)`; elsewhere indices say which axis is which: `L[j, i]`"),
            StructureProblem::NumberInPlace { span, start, continuous } => Diagnostic::error(
                Slug::NotADistribution,
                "a distribution must stand here, and this is a number",
                span,
                "a number",
            )
            .help(match (start, continuous) {
                (true, _) => "after `start` stands what the first values are drawn from: `start Normal(0, 1)`",
                (false, true) => "a choice between numbers stands inside a distribution: `Normal(if … then m else 0, 1)`",
                (false, false) => "`PointMass(0)` is the distribution that always gives 0",
            }),
            StructureProblem::GroupArgument { span, axes } => Diagnostic::error(
                Slug::MissingAxis,
                format!("this must be one number for all values that are joint, and it varies over {axes}"),
                span,
                format!("varies over {axes}"),
            )
            .help("choose one element with an index, or reduce it: `mean(…)`"),
            StructureProblem::KernelOperator { span } => Diagnostic::error(
                Slug::WrongArguments,
                "kernels may be added and multiplied, and multiplied by numbers, nothing else",
                span,
                "not a kernel",
            )
            .help("only sums and products of covariances are sure to be covariances"),
            StructureProblem::UnknownKernel { name, span, nearest, known } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownFunction,
                    format!("unknown kernel `{name}`"),
                    span,
                    "there is no kernel of this name",
                )
                .help(format!("the kernels are {known}; they may be added and multiplied"));
                match nearest {
                    Some(nearest) => diagnostic.edit(span, nearest),
                    None => diagnostic,
                }
            }
            StructureProblem::NotOver { function, span, axis } => Diagnostic::error(
                Slug::AxisMismatch,
                format!("`{function}` works along `{axis}`, and this does not vary over `{axis}`"),
                span,
                format!("the same for every element of `{axis}`"),
            )
            .help("after `over =` stands an axis of the argument"),
            StructureProblem::GuardInGroup { name, family, span, axis } => Diagnostic::error(
                Slug::JointAxis,
                format!("`{family}` gives the elements of `{name}` over `{axis}` together, and `where` cannot leave out some of them"),
                span,
                format!("varies over `{axis}`"),
            )
            .help(format!("leave out whole groups, or declare a smaller axis in place of `{axis}`")),
            StructureProblem::OutcomeAxis { name, family, span, axes } => {
                let message = if axes == "[]" {
                    format!("`{family}` needs a probability for every outcome, and this is one number")
                } else {
                    format!("`{family}` needs exactly one free axis, the outcomes of `{name}`, and this has {axes}")
                };
                let label = if axes == "[]" { "one number".to_owned() } else { format!("over {axes}") };
                Diagnostic::error(Slug::JointAxis, message, span, label).help(
                    "the axis of the outcomes stays free: with `p[group, outcome]` write `Categorical(p[group])`; for two outcomes write `Bernoulli(p)`",
                )
            }
        }
    }
}

fn joint_axis(
    name: &str,
    family: &'static str,
    span: Span,
    axes: &[String],
    count: usize,
) -> Diagnostic {
    let list = format!("[{}]", axes.join(", "));
    let (message, help) = match (axes, count) {
        ([], 1) => (
            format!("`{family}` gives several values, but `{name}` has no axis"),
            format!("write the axis on the left: `{name}[axis] ~ {family}(…)`"),
        ),
        ([] | [_], _) => (
            format!("`{family}` gives a matrix, but `{name}` has the axes {list}"),
            match axes {
                [axis] => format!(
                    "write two indices on the left: `{name}[i in {axis}, j in {axis}] ~ {family}(…)`"
                ),
                _ => format!(
                    "write two axes on the left: `{name}[i in axis, j in axis] ~ {family}(…)`"
                ),
            },
        ),
        (_, 2) if axes.len() == 2 => (
            format!("`{family}` is joint over both axes {list} of `{name}`"),
            "leave `over` out, or name two".to_owned(),
        ),
        (_, 1) => (
            format!(
                "`{family}` is joint over one of the axes {list} of `{name}`; say which with `over`"
            ),
            match axes.split_last() {
                Some((last, rest)) if !rest.contains(last) => {
                    format!("for example `~ {family}(…) over {last}`")
                }
                _ => {
                    format!("give the indices names: `{name}[i in …, j in …] ~ {family}(…) over j`")
                }
            },
        ),
        (_, _) => (
            format!(
                "`{family}` is joint over two of the axes {list} of `{name}`; say which with `over`"
            ),
            format!("name both: `~ {family}(…) over i, j`"),
        ),
    };
    Diagnostic::error(Slug::JointAxis, message, span, "joint over an axis").help(help)
}
