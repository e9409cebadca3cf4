//! Says what went wrong when an expression had no value: at which element, in which row.

use super::cells::describe;
use super::{Binder, Mode};
use crate::bound::{Elements, EvaluationError, Evaluator};
use crate::data::labels::nearest;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::typed::{AxisId, AxisOrigin, Expr, ExprKind, IndexId, Operator, VariableId};

/// An evaluation that failed, and the positions of the indices at that moment.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: EvaluationError,
    pub(super) at: Vec<usize>,
}

impl Failure {
    /// A failure at the present positions of the indices.
    pub(super) fn at(
        evaluator: &Evaluator<'_, ()>,
        indices: &[IndexId],
        error: EvaluationError,
    ) -> Self {
        let at = indices.iter().map(|index| evaluator.at(*index)).collect();
        Failure { error, at }
    }
}

impl Binder<'_> {
    /// The message for a failure at these positions of the indices of a statement.
    pub(super) fn explain(&self, failure: &Failure, indices: &[IndexId]) -> Diagnostic {
        let at = self.elements_at(indices, &failure.at);
        self.explain_at(&failure.error, &at)
    }

    fn explain_at(&self, error: &EvaluationError, at: &str) -> Diagnostic {
        match error {
            EvaluationError::OutOfRange { span, axis, value } => {
                self.out_of_range(*span, *axis, *value, at)
            }
            EvaluationError::UnknownLabel { span, axis, label } => {
                self.no_such_label(*span, *axis, label)
            }
            EvaluationError::NothingToReduce { span } => Diagnostic::error(
                Slug::NothingToReduce,
                format!("there are too few elements to reduce{at}"),
                *span,
                "runs over too few elements",
            )
            .help("`min`, `max` and `mean` need one element, `sd` and `standardize` two"),
            EvaluationError::MissingIndex { span } => Diagnostic::error(
                Slug::MissingCells,
                format!("the index is missing{at}"),
                *span,
                "a missing cell",
            ),
            EvaluationError::LeftOut { span, variable, position } => {
                self.left_out(*span, *variable, *position, at)
            }
            EvaluationError::TimesDescend { span } => Diagnostic::error(
                Slug::DataOutsideSupport,
                format!("the times of differential equations begin with `from`{at}"),
                *span,
                "before `from`, or not finite",
            )
            .help("`from` gives the time of the values after `start`; no time may lie before it"),
            EvaluationError::Unassigned { variable, .. } => {
                let declared = self.typed.variable(*variable);
                Diagnostic::error(
                    Slug::NotYet,
                    format!("this needs the value of `{}`, which is summed out", declared.name),
                    declared.span,
                    "a latent with finitely many values",
                )
            }
            EvaluationError::Unavailable { span } => Diagnostic::error(
                Slug::NotYet,
                "this version cannot evaluate this expression on the data alone",
                *span,
                "needs more than data",
            ),
        }
    }

    fn no_such_label(&self, span: Span, axis: AxisId, label: &str) -> Diagnostic {
        let (name, elements) = (&self.typed.axis(axis).name, &self.axes[axis.index()]);
        let problem = Diagnostic::error(
            Slug::UnknownLabel,
            format!("`{name}` has no element `{label}`"),
            span,
            "not an element",
        );
        let known = match elements {
            Elements::Labels(labels) => labels.as_slice(),
            Elements::Range { .. } => &[],
        };
        match nearest(label, known.iter().map(String::as_str)).first() {
            Some(near) => problem
                .note(describe(name, elements))
                .help(format!("did you mean \"{near}\"?"))
                .edit(span, format!("\"{near}\"")),
            None => problem.help(describe(name, elements)),
        }
    }

    fn left_out(&self, span: Span, variable: VariableId, position: usize, at: &str) -> Diagnostic {
        let element = self.element(variable, position);
        let problem = Diagnostic::error(
            Slug::IndexOutOfRange,
            format!("`{element}` does not exist: its `where` leaves it out"),
            span,
            format!("used here{at}"),
        );
        let problem = match self.typed.left_out_by(variable) {
            Some((_, guard)) => problem.because(guard.span, "this does not hold there"),
            None => problem,
        };
        problem.help("use it only where it exists: repeat the condition after `where`, or choose another value with `if`")
    }

    /// The number in a subscript, where an index runs through it: `t - 1`.
    fn shift_at(&self, span: Span) -> Option<&Expr> {
        let typed = self.typed;
        let defined = typed.definitions.iter().flat_map(|d| d.value.expressions().into_iter());
        let drawn = typed
            .randoms
            .iter()
            .flat_map(|r| r.distribution.expressions().into_iter().chain(&r.guard));
        let added = typed.factors.iter().flat_map(|f| std::iter::once(&f.value).chain(&f.guard));
        let mut found = None;
        for expr in defined.chain(drawn).chain(added) {
            expr.walk(&mut |e| {
                if let ExprKind::ElementOf(number) = &e.kind
                    && e.span == span
                {
                    found = Some(&**number);
                }
            });
        }
        found.filter(|number| !number.outer_indices().is_empty())
    }

    /// A subscript that comes before the first element of its axis.
    fn before_the_first(
        &self,
        number: &Expr,
        axis: AxisId,
        value: f64,
        at: &str,
    ) -> Option<Diagnostic> {
        let (info, elements) = (self.typed.axis(axis), &self.axes[axis.index()]);
        let first = match elements {
            Elements::Range { first, size } if *size > 0 => *first as f64,
            Elements::Range { .. } => return None,
            Elements::Labels(labels) => labels.first()?.parse().unwrap_or(1.0),
        };
        let reads_data = !number.variables().is_empty();
        if reads_data || value >= first {
            return None;
        }
        let text = self.typed.print(number);
        let problem = Diagnostic::error(
            Slug::MissingStart,
            format!("`{text}` leaves axis `{}` at its first element", info.name),
            number.span,
            format!("{value}{at}"),
        )
        .because(info.span, format!("`{}` begins with {}", info.name, elements.label(0)));
        let guard = if let ExprKind::Binary(Operator::Subtract, t, _) = &number.kind
            && let Elements::Range { .. } = elements
        {
            format!(": `where {} > {}`", self.typed.print(t), 2.0 * first - value - 1.0)
        } else {
            String::new()
        };
        Some(problem.help(format!(
            "give a value with `start`, or leave the element out with `where`{guard}"
        )))
    }

    fn out_of_range(&self, span: Span, axis: AxisId, value: f64, at: &str) -> Diagnostic {
        if let Some(number) = self.shift_at(span)
            && let Some(problem) = self.before_the_first(number, axis, value, at)
        {
            return problem;
        }
        let info = self.typed.axis(axis);
        let elements = &self.axes[axis.index()];
        let has = match elements {
            Elements::Range { size: 0, .. } => "no elements".to_owned(),
            Elements::Range { first, size } => {
                format!("the elements {first} to {}", first + *size as i64 - 1)
            }
            Elements::Labels(labels) => format!("{} labelled elements", labels.len()),
        };
        let problem = Diagnostic::error(
            Slug::IndexOutOfRange,
            format!("the index is {value}{at}, which is not an element of `{}`", info.name),
            span,
            format!("{value} here"),
        )
        .because(info.span, format!("`{}` has {has}", info.name));
        let is_range = match &self.typed.axis(self.typed.resolve_axis(axis)).origin {
            AxisOrigin::Range(..) => true,
            AxisOrigin::Rows(_)
            | AxisOrigin::Array
            | AxisOrigin::Levels
            | AxisOrigin::Labels(_)
            | AxisOrigin::Same(_) => false,
        };
        match (self.mode, is_range) {
            (Mode::Predict(_), true) => {
                problem.help("an axis that the program declares keeps the elements of the fit")
            }
            (Mode::Predict(_), false) | (Mode::Fit, true | false) => problem.help(
                "leave the element out with `where`, or choose another value for it with `if`",
            ),
        }
    }
}
