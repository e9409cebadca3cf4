//! Mistakes about axes and indices.

use super::Explain;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

mod missing;

pub(in crate::check) use missing::{Left, MissingAxis};

/// A mistake about an axis or an index. Lists of axes are printed: `[house, county]`.
#[derive(Clone, Debug)]
pub(in crate::check) enum AxisProblem {
    UnknownAxis {
        name: String,
        span: Span,
        nearest: Option<String>,
    },
    UnknownBinder {
        name: String,
        span: Span,
        nearest: Option<String>,
        axes: Vec<String>,
        /// Where data of this name are declared, as numbers, and whether as a single one.
        column: Option<(Span, bool)>,
        /// Where the kind of that column stands, or would.
        kind: Option<Span>,
    },
    AxisMismatch {
        what: String,
        at: Span,
        a_span: Span,
        a: String,
        b_span: Span,
        b: String,
    },
    NothingToContract {
        at: Span,
        a_span: Span,
        a: String,
        b_span: Span,
        b: String,
        shared: usize,
    },
    AmbiguousIndex {
        name: String,
        span: Span,
        axis: String,
        indices: Vec<String>,
        /// How often the name has the axis.
        wanted: usize,
    },
    IndexOrColumn {
        name: String,
        span: Span,
        column: Span,
    },
    NothingToReduce {
        function: String,
        span: Span,
        argument: Span,
        column: Option<(String, String)>,
        bound: String,
        /// The statement it stands in.
        statement: Option<Span>,
    },
    OneAxisWanted {
        function: String,
        span: Span,
        axes: String,
    },
    MissingAxis(Box<MissingAxis>),
    WrongLeftAxes {
        name: String,
        span: Span,
        given: String,
        axes: String,
        declared: Span,
    },
    WrongAxis {
        name: String,
        span: Span,
        wanted: String,
        found: String,
        declared: Span,
        help: Option<String>,
    },
    LacksAxis {
        name: String,
        span: Span,
        axis: String,
        axes: Vec<String>,
        declared: Span,
    },
    LabelWithoutAxis {
        name: String,
        span: Span,
        label: String,
        axes: Vec<String>,
        declared: Span,
    },
    SubscriptCount {
        name: String,
        span: Span,
        given: usize,
        axes: String,
        declared: Span,
        /// The axis of the only subscript.
        index: Option<String>,
    },
    NoOrder {
        axis: String,
        span: Span,
        declared: Span,
    },
    RangeOfArray {
        span: Span,
        axes: String,
    },
    FactorOfArray {
        span: Span,
        axes: String,
    },
    AnonymousLabels {
        span: Span,
    },
    AxisAsValue {
        name: String,
        span: Span,
    },
    OverOnElementwise {
        span: Span,
    },
    NotIndexable {
        span: Span,
    },
    WholeColumnStatistic {
        span: Span,
        rows: String,
        group: String,
        column: String,
    },
}

impl Explain for AxisProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            AxisProblem::UnknownAxis { name, span, nearest } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownAxis,
                    format!("unknown axis `{name}`"),
                    span,
                    "no table, column, array or `axis` line has this name",
                );
                match nearest {
                    Some(axis) => {
                        diagnostic.help(format!("did you mean `{axis}`?")).edit(span, axis)
                    }
                    None => diagnostic.help(format!("declare it: `axis {name} = 1..10`, or as a column: `{name}: index`")),
                }
            }
            AxisProblem::UnknownBinder { name, span, column: Some((column, scalar)), kind, .. } => {
                numbers_as_axis(&name, span, column, scalar, kind)
            }
            AxisProblem::UnknownBinder { name, span, nearest, axes, column: None, .. } => {
                unknown_binder(name, span, nearest, &axes)
            }
            AxisProblem::AxisMismatch { what, at, a_span, a, b_span, b } => Diagnostic::error(
                Slug::AxisMismatch,
                format!("`{what}` between something over {a} and something over {b}"),
                at,
                "neither side has all the axes of the other",
            )
            .because(a_span, format!("over {a}"))
            .because(b_span, format!("over {b}"))
            .help(pairs_help(&a, &b)),
            AxisProblem::NothingToContract { at, a_span, a, b_span, b, shared } => Diagnostic::error(
                Slug::AxisMismatch,
                if shared == 0 {
                    format!("`@` between {a} and {b}, which share no axis")
                } else {
                    format!("`@` between {a} and {b}, which share more than one axis")
                },
                at,
                "`@` sums over the one axis both sides have",
            )
            .because(a_span, format!("over {a}"))
            .because(b_span, format!("over {b}"))
            .help("write the sum out: `sum(k in axis: x[i, k] * b[k])`, or use `*` for elementwise products"),
            AxisProblem::AmbiguousIndex { name, span, axis, indices, wanted } => Diagnostic::error(
                Slug::AmbiguousIndex,
                format!(
                    "`{name}` is over `{axis}`, and {} indices ({}) run over it here",
                    number_word(indices.len()),
                    indices.join(", ")
                ),
                span,
                "which element is meant?",
            )
            .help(format!(
                "write the index: `{name}[{}]`",
                indices.iter().take(wanted).cloned().collect::<Vec<_>>().join(", ")
            )),
            AxisProblem::IndexOrColumn { name, span, column } => Diagnostic::error(
                Slug::AmbiguousIndex,
                format!("`{name}` is both an index of this equation and a column"),
                span,
                "the index, or the row's value?",
            )
            .because(column, "the column")
            .help(format!("give the index another name on the left: `[c in {name}]`")),
            AxisProblem::NothingToReduce { function, span, argument, column, bound, statement } => {
                let name = column.as_ref().map(|(column, _)| reduced_name(&function, column));
                let diagnostic = nothing_to_reduce(&function, span, argument, column.clone(), &bound);
                match (name, column, statement) {
                    (Some(name), Some((column, _)), Some(statement)) => {
                        let line = format!("{name} = {function}({column})\n");
                        diagnostic
                            .edit(Span { end: statement.start, ..statement }, line)
                            .edit(span, name)
                    }
                    _ => diagnostic,
                }
            }
            AxisProblem::OneAxisWanted { function, span, axes } => {
                one_axis_wanted(&function, span, &axes)
            }
            AxisProblem::MissingAxis(facts) => facts.diagnostic(),
            AxisProblem::WrongLeftAxes { name, span, given, axes, declared } => Diagnostic::error(
                Slug::WrongAxis,
                format!("`{name}` is over {axes}, but the left side binds {given}"),
                span,
                format!("bound here over {given}"),
            )
            .because(declared, format!("declared over {axes}"))
            .help(format!("write `{name} ~ …`: its own axes are then bound")),
            AxisProblem::WrongAxis { name, span, wanted, found, declared, help } => {
                let wanted = wanted.trim_matches(['[', ']']).to_owned();
                let found = if found.contains(' ') { found } else { format!("`{found}`") };
                let diagnostic = Diagnostic::error(
                    Slug::WrongAxis,
                    format!("`{name}` is indexed by `{wanted}`, not by {found}"),
                    span,
                    format!("not an element of `{wanted}`"),
                )
                .because(declared, format!("`{name}` is over `{wanted}`"));
                match help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic.help(format!(
                        "use a column or index of kind `{wanted}`; columns get it from their declaration: `column: {wanted}`"
                    )),
                }
            }
            AxisProblem::LacksAxis { name, span, axis, axes, declared } => {
                let forms: Vec<String> =
                    axes.iter().map(|axis| format!("`{name}[{axis} = …]`")).collect();
                Diagnostic::error(
                    Slug::WrongAxis,
                    format!("`{name}` is not over `{axis}`"),
                    span,
                    format!("not an axis of `{name}`"),
                )
                .because(declared, format!("`{name}` is over [{}]", axes.join(", ")))
                .help(format!("write {}", forms.join(" or ")))
            }
            AxisProblem::LabelWithoutAxis { name, span, label, axes, declared } => {
                let forms: Vec<String> =
                    axes.iter().map(|axis| format!("`{name}[{axis} = \"{label}\"]`")).collect();
                Diagnostic::error(
                    Slug::WrongAxis,
                    format!("which axis of `{name}` has the element \"{label}\"?"),
                    span,
                    "not an element of an axis that the program lists",
                )
                .because(declared, format!("`{name}` is over [{}]", axes.join(", ")))
                .help(format!("name the axis: {}", forms.join(" or ")))
            }
            AxisProblem::SubscriptCount { name, span, given, axes, declared, index } => {
                let message = if axes == "[]" {
                    format!("`{name}` has no axes, so it takes no index")
                } else {
                    format!("`{name}` is over {axes} and was given {given} indices")
                };
                let diagnostic =
                    Diagnostic::error(Slug::SubscriptCount, message, span, "too many indices")
                        .because(declared, "declared here");
                if let (Some(index), "[]") = (index, axes.as_str()) {
                    return diagnostic
                        .help(format!("for one value per `{index}` write `{name}[{index}]` on the left"))
                        .edit(Span { start: declared.end, ..declared }, format!("[{index}]"));
                }
                if axes == "[]" {
                    return diagnostic
                        .help(format!("drop the index, or name an axis where `{name}` is defined"));
                }
                diagnostic
            }
            AxisProblem::NoOrder { axis, span, declared } => Diagnostic::error(
                Slug::NoOrder,
                format!("`{axis}` has no order: its elements cannot be shifted"),
                span,
                "moves along an axis of labels",
            )
            .because(declared, "an axis of labels from the data")
            .help(format!("declare its order: `axis {axis} = [\"first\", \"second\"]`, or number it: `axis {axis} = 1..n`, and declare the column `{axis}: {axis}`")),
            AxisProblem::RangeOfArray { span, axes } => Diagnostic::error(
                Slug::MissingAxis,
                format!("the end of a range must be a single number, and this is over {axes}"),
                span,
                format!("over {axes}"),
            )
            .help("reduce it: `1..max(x)`"),
            AxisProblem::FactorOfArray { span, axes } => Diagnostic::error(
                Slug::MissingAxis,
                format!("a factor must be a single number, and this is over {axes}"),
                span,
                format!("over {axes}"),
            )
            .help("sum it: `factor sum(…)`"),
            AxisProblem::AnonymousLabels { span } => Diagnostic::error(
                Slug::UnknownAxis,
                "an axis of labels needs a name",
                span,
                "labels without a name",
            )
            .help("declare it on its own line: `axis animal = [\"hare\", \"lynx\"]`"),
            AxisProblem::AxisAsValue { name, span } => Diagnostic::error(
                Slug::UnknownName,
                format!("`{name}` is an axis, not a value"),
                span,
                "an axis",
            )
            .help(format!("its number of elements is `size({name})`; the element of an equation is the index on its left: `[i in {name}]`")),
            AxisProblem::OverOnElementwise { span } => Diagnostic::error(
                Slug::JointAxis,
                "`over` names the axis of a joint family, and this family gives one number at a time",
                span,
                "not a joint family",
            )
            .help("drop `over`: the axes on the left are all there is"),
            AxisProblem::NotIndexable { span } => Diagnostic::error(
                Slug::SubscriptCount,
                "only a name can be indexed",
                span,
                "not a name of something with axes",
            )
            .help("give the expression a name on its own line, then index that"),
            AxisProblem::WholeColumnStatistic { span, rows, group, column } => Diagnostic::warning(
                Slug::WholeColumnStatistic,
                format!("this is the statistic of the whole column over `{rows}`, not of one `{group}`"),
                span,
                format!("over all of `{rows}`"),
            )
            .help(format!(
                "the mean of one group is `mean(i in {rows} where {column}[i] == g: …[i])` with `g in {group}` on the left"
            )),
        }
    }
}

fn number_word(n: usize) -> String {
    match n {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        n => n.to_string(),
    }
}

fn pairs_help(a: &str, b: &str) -> String {
    let inner = |s: &str| s.trim_matches(['[', ']']).to_owned();
    format!(
        "write the result with its axes on the left to ask for all pairs: `name[{}, {}] = …`; to pick one element write the index: `x[column]`",
        inner(a),
        inner(b)
    )
}

/// `a[g]` with a column `g` that was not declared as an index.
fn numbers_as_axis(
    name: &str,
    span: Span,
    column: Span,
    scalar: bool,
    kind: Option<Span>,
) -> Diagnostic {
    if scalar {
        return Diagnostic::error(
            Slug::UnknownAxis,
            format!("`{name}` is a number, not an axis"),
            span,
            "what does it run over?",
        )
        .because(column, "a single number")
        .help("write the range of its elements")
        .edit(span, format!("1..{name}"));
    }
    let diagnostic = Diagnostic::error(
        Slug::UnknownAxis,
        format!("`{name}` is a column of numbers, not an axis"),
        span,
        "what does it run over?",
    )
    .because(column, "declared as numbers")
    .help(format!(
        "for one value per distinct `{name}` declare the column as an index: `{name}: index`"
    ));
    kind.into_iter().fold(diagnostic, |d, kind| d.edit(kind, ": index"))
}

fn unknown_binder(
    name: String,
    span: Span,
    nearest: Option<String>,
    axes: &[String],
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::UnknownAxis,
        format!("unknown axis `{name}`"),
        span,
        "what does it run over?",
    );
    if name.chars().count() > 2
        && let Some(axis) = nearest
    {
        return diagnostic.help(format!("did you mean `{axis}`?")).edit(span, axis);
    }
    match axes {
        [] => diagnostic.help(format!(
            "name a range: `[{name} in 1..10]`, or declare an axis: `axis {name} = 1..10`"
        )),
        [axis] => diagnostic.help(format!("drop `[{name}]`, or write `[{name} in {axis}]`")),
        [axis, ..] => {
            let mut sorted = axes.to_vec();
            sorted.sort();
            diagnostic.help(format!(
                "drop `[{name}]`, or say what it runs over: `[{name} in {axis}]` (the axes are {})",
                sorted.join(", ")
            ))
        }
    }
}

fn nothing_to_reduce(
    function: &str,
    span: Span,
    argument: Span,
    column: Option<(String, String)>,
    bound: &str,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Slug::NothingToReduce,
        format!("`{function}(…)` has nothing to reduce: its argument is a single number here"),
        span,
        "one number, not many",
    );
    let diagnostic = if bound == "[]" {
        diagnostic
    } else {
        diagnostic
            .because(argument, format!("{bound} is bound on the left, so this is one element"))
    };
    match column {
        Some((column, _)) => diagnostic.help(format!(
            "compute it on its own line, where nothing is bound: `{} = {function}({column})`",
            reduced_name(function, &column)
        )),
        None if bound == "[]" => diagnostic.help(format!(
            "a single number needs no `{function}`; the summary has the posterior mean and quantiles of every `report`"
        )),
        None => {
            let axes = bound.trim_matches(['[', ']']);
            let axis = axes.split(", ").next().unwrap_or(axes);
            diagnostic.help(format!(
                "each {axes} has its own value here: drop `{function}`, or write the index it runs over: `{function}(i in {axis}: …)`"
            ))
        }
    }
}

/// A name for what a function makes of a column.
pub(in crate::check) fn reduced_name(function: &str, column: &str) -> String {
    match function {
        "center" => format!("{column}_c"),
        "standardize" => format!("{column}_s"),
        _ => format!("{column}_{function}"),
    }
}

fn one_axis_wanted(function: &str, span: Span, axes: &str) -> Diagnostic {
    let along = matches!(function, "softmax" | "cumsum");
    if along && axes == "[]" {
        return Diagnostic::error(
            Slug::NothingToReduce,
            format!("`{function}` works along an axis, and its argument is a single number here"),
            span,
            "a single number",
        )
        .help(format!("where the axis is bound on the left, name it: `{function}(x, over = axis)`"));
    }
    let diagnostic = Diagnostic::error(
        Slug::AxisMismatch,
        format!("`{function}` works along one axis, and this is over {axes}"),
        span,
        format!("over {axes}"),
    );
    if along {
        return diagnostic.help(format!("name the axis: `{function}(x, over = axis)`"));
    }
    diagnostic.help(format!(
        "bind the other axes on the left, or write the statistic with its index: `x[i, k] - mean(j in row: x[j, k])` instead of `{function}`"
    ))
}
