//! What is drawn after a fit, judged: latents with finitely many values, and reports of them.

use super::fit::Fitted;
use super::model::Model;
use crate::inference::quantities::check_drawn;
use crate::inference::{Thresholds, Verdict};
use crate::typed::Role;

impl Model {
    /// Adds the checks of what was drawn to those of the fit, and judges the fit again.
    pub(super) fn judge_finite(&self, fitted: &mut Fitted, thresholds: &Thresholds) {
        // A weighted draw that was taken several times has a value for each: the first will do.
        let mut rows: Vec<(usize, usize)> = fitted.resampled.iter().copied().zip(0..).collect();
        rows.dedup_by_key(|(row, _)| *row);
        let draws = &fitted.fit.draws;
        let log_weights: Vec<f64> = rows.iter().map(|(row, _)| draws.log_weights[*row]).collect();
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
                let values: Vec<f64> = rows.iter().map(|(_, at)| element[*at]).collect();
                let check = check_drawn(&values, &log_weights, worth, is_state);
                fitted.fit.diagnostics.quantities.push(check);
            }
        }
        fitted.fit.verdict = Verdict::judge(&fitted.fit.diagnostics, thresholds);
    }
}
