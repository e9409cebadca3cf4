//! What is drawn after a fit, judged: latents with finitely many values, and reports of them.

use super::fit::Fitted;
use super::model::Model;
use crate::inference::quantities::check_drawn;
use crate::inference::{Thresholds, Verdict};
use crate::typed::Role;
use std::ops::Range;

impl Model {
    /// Adds the checks of what was drawn to those of the fit, and judges the fit again.
    pub(super) fn judge_finite(&self, fitted: &mut Fitted, thresholds: &Thresholds) {
        // A weighted draw that was taken several times has a value for each, and the weight of all. One
        // that was taken once has had its weight by being taken.
        let mut runs: Vec<Range<usize>> = Vec::new();
        for same in fitted.resampled.chunk_by(|a, b| a == b) {
            let first = runs.last().map_or(0, |run| run.end);
            runs.push(first..first + same.len());
        }
        let log_weights: Vec<f64> = runs.iter().map(|run| (run.len() as f64).ln()).collect();
        let draws = &fitted.fit.draws;
        let worth = match &fitted.fit.diagnostics.chains {
            Some(chains) => (chains.bulk_ess / draws.points.ncols() as f64).clamp(0.0, 1.0),
            None => 1.0,
        };
        let typed = &self.bound.typed;
        for drawn in &fitted.finite {
            let variable = typed.find(&drawn.variable);
            let is_state = variable.is_some_and(|v| match typed.variable(v).role {
                Role::Latent(_) => true,
                Role::Data(_) | Role::Derived(_) | Role::Predicted(_) => false,
            });
            for element in &drawn.draws {
                // The probability of a state is the mean of all; of what has a spread, one value will do.
                let mean = |run: &[f64]| run.iter().sum::<f64>() / run.len() as f64;
                let value = |run: &Range<usize>| match is_state {
                    true => mean(&element[run.clone()]),
                    false => element[run.start],
                };
                let values: Vec<f64> = runs.iter().map(value).collect();
                let check = check_drawn(&values, &log_weights, worth, is_state);
                fitted.fit.diagnostics.quantities.push(check);
            }
        }
        fitted.fit.verdict = Verdict::judge(&fitted.fit.diagnostics, thresholds);
    }
}
