//! A fit that can be left before its end.
//!
//! Inference tells its progress and knows nothing of leaving: a fit is left by unwinding from
//! where it told of its progress, and nothing of it is kept.

use super::failure::Failure;
use super::fit::{FitOptions, Fitted, Timings};
use super::model::Model;
use crate::inference::Progress;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What unwinds when a fit is left.
struct Left;

impl Model {
    /// Fits the model as [`Model::fit`] does, until `progress` breaks; then there is no fit.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn fit_until(
        &self,
        options: &FitOptions,
        timings: Timings,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<Fitted>, Failure> {
        let mut tell = |told: Progress| {
            if progress(told).is_break() {
                // Not a panic: no hook is run, and nothing is printed.
                resume_unwind(Box::new(Left));
            }
        };
        match catch_unwind(AssertUnwindSafe(|| self.fit(options, timings, &mut tell))) {
            Ok(fitted) => fitted.map(Some),
            Err(unwound) if unwound.is::<Left>() => Ok(None),
            Err(unwound) => resume_unwind(unwound),
        }
    }
}
