//! Why an expression has no value: the facts, for which `data` and `session` have the words.

use crate::source::Span;
use crate::typed::{AxisId, VariableId};

/// Why an expression has no value. Binding evaluates every index expression, so a bound program
/// meets these only in what is computed after the fit.
#[derive(Clone, Debug, PartialEq)]
pub enum EvaluationError {
    /// An integer that is not an element of an axis.
    OutOfRange {
        /// The index expression.
        span: Span,
        /// The axis it should be in.
        axis: AxisId,
        /// The integer.
        value: f64,
    },
    /// A label that is not an element of an axis.
    UnknownLabel {
        /// Where it was written.
        span: Span,
        /// The axis it should be in.
        axis: AxisId,
        /// The label.
        label: String,
    },
    /// `min`, `max` or `mean` of nothing, or `sd` of fewer than two.
    NothingToReduce {
        /// The reduction.
        span: Span,
    },
    /// A missing cell used as an index.
    MissingIndex {
        /// The index expression.
        span: Span,
    },
    /// An element of a latent with finitely many values that has not been given one.
    Unassigned {
        /// The latent.
        variable: VariableId,
        /// The row-major position of the element.
        position: usize,
    },
    /// An element that the `where` of its statement leaves out.
    LeftOut {
        /// Where it was used.
        span: Span,
        /// The variable.
        variable: VariableId,
        /// The row-major position of the element.
        position: usize,
    },
    /// A time of differential equations that is not finite or lies before the first.
    TimesDescend {
        /// The times.
        span: Span,
    },
    /// A variable without a value: it belongs to a later plane than the evaluation.
    Unavailable {
        /// Where it was used.
        span: Span,
    },
}
