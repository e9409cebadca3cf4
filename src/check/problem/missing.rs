//! Mistakes about names with missing cells.

use super::Explain;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// A mistake about a name that is declared with `?`.
#[derive(Clone, Debug)]
pub(in crate::check) enum MissingProblem {
    /// `is_missing` of something that has no missing cells.
    NeverMissing { span: Span },
    /// Something depends on counts of which some are missing and have no largest value.
    UnboundedCount { column: String, declared: Span, name: String, span: Span },
}

impl Explain for MissingProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            MissingProblem::NeverMissing { span } => Diagnostic::error(
                Slug::WrongArguments,
                "`is_missing` takes a name that is declared with `?`",
                span,
                "not declared with `?`",
            )
            .help("mark the column: `data table(x?)`; everything else has no missing cells"),
            MissingProblem::UnboundedCount { column, declared, name, span } => Diagnostic::error(
                Slug::UnboundedLatent,
                format!(
                    "`{name}` depends on `{column}`, whose missing cells have no largest value"
                ),
                span,
                format!("depends on all cells of `{column}`"),
            )
            .because(declared, "cells may be missing")
            .help(format!(
                "add `in [0, K]` to the distribution of `{column}`, with a K that it hardly reaches: \
                 the missing cells are then summed out"
            )),
        }
    }
}
