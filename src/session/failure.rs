//! Why a step of the pipeline gave nothing, and whose mistake that is.

use crate::bound::EvaluationError;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::graph::Inconsistency;
use crate::graph::lower::LowerError;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The program cannot be used.
    Program(Box<Diagnostic>),
    /// The data, or values given like data, cannot be used: one sentence each.
    Data(Vec<String>),
    /// There is not enough memory: one sentence.
    Memory(String),
    /// The fit was stopped before it had anything to tell.
    Interrupted,
    /// A mistake of ours.
    Internal(String),
}

impl Failure {
    /// A plain sentence for what should not have happened.
    pub(super) fn internal(what: impl std::fmt::Debug) -> Self {
        Failure::Internal(format!("{what:?}"))
    }
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Self {
        Failure::internal(error)
    }
}

impl From<Inconsistency> for Failure {
    fn from(inconsistency: Inconsistency) -> Self {
        Failure::internal(inconsistency)
    }
}

impl From<LowerError> for Failure {
    fn from(error: LowerError) -> Self {
        match error {
            LowerError::Evaluation(error) => error.into(),
            LowerError::TooManyToCompare { span, count } => {
                let message = format!(
                    "this compares {count} values that depend on latents, more than this version \
                     compares"
                );
                let diagnostic = Diagnostic::new(Slug::NotYet, Severity::Error, message)
                    .at(span, "compared here")
                    .help("reduce over a smaller axis, or over data only");
                Failure::Program(Box::new(diagnostic))
            }
        }
    }
}
