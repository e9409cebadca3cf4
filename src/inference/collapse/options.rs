//! The constants of the integration of locals, and its rules.

use serde::{Deserialize, Serialize};

use super::rule::{Line, Rule};
use crate::inference::optimizer::Lbfgs;

/// The constants of the integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collapse {
    /// Newton steps at most, for the blocks that need the most.
    pub newton_steps: usize,
    /// Newton's method stops when no block would move by more than this, in sds: the grids are finer.
    pub newton_tolerance: f64,
    /// Halvings of a Newton step at most; a block that they do not help stays where it is.
    pub halvings: usize,
    /// How often a grid may be moved to where the mass is.
    pub moves: usize,
    /// Spacings of the trapezoidal rules in sds, coarse to fine. A guide is fitted by the first; the
    /// first that the next one changes little checks it.
    pub spacings: Vec<f64>,
    /// How far the grids reach, in sds, for each spacing.
    pub reaches: Vec<f64>,
    /// The spacing and the reach, for both coordinates, of the rule that puts grids of pairs in place.
    pub locating: [f64; 2],
    /// How often grids of pairs may be moved: all once, then those that are in the wrong place.
    pub locating_moves: usize,
    /// The spacings of outer coordinates, in sds.
    pub outer_spacings: Vec<f64>,
    /// How far the grids of outer coordinates reach.
    pub outer_reaches: Vec<f64>,
    /// The spacings of inner coordinates.
    pub inner_spacings: Vec<f64>,
    /// How far the grids of inner coordinates reach.
    pub inner_reaches: Vec<f64>,
    /// Newton steps of inner coordinates at an outer node at most.
    pub inner_steps: usize,
    /// These stop when no block would move by more than this, in sds; the last step is taken untried.
    pub inner_tolerance: f64,
    /// The largest change of the log density by the next rule, in nats, of one that will do.
    pub rule_error: f64,
    /// Points at which rules are compared.
    pub rule_points: usize,
    /// Starts of a round, at most, and at most where there are several modes.
    pub starts: [usize; 3],
    /// ESS/N below which a normal is refitted or bent: a round of draws costs as much as a fit.
    pub refit_efficiency: f64,
    /// Points of a path that Pathfinder judges.
    pub path_candidates: usize,
    /// Fixed draws of the guide at least.
    pub fixed_draws: usize,
    /// The same where the density is dear.
    pub least_fixed_draws: usize,
    /// Steps of the guide at most.
    pub iterations: usize,
    /// The descents of the starts.
    pub lbfgs: Lbfgs,
    /// Draws of the first round of the check, of the last one, and of locals for each of globals.
    pub draws: [usize; 3],
    /// The operations that a round may take: dear densities get fewer draws.
    pub operations: f64,
    /// The fewest draws of a round.
    pub least_draws: usize,
    /// The numbers that the draws of all coordinates may take.
    pub most_numbers: usize,
}

impl Default for Collapse {
    fn default() -> Self {
        Self {
            newton_steps: 12,
            newton_tolerance: 0.1,
            halvings: 6,
            moves: 2,
            spacings: vec![1.5, 1.25, 0.9, 0.6, 0.3, 0.15],
            reaches: vec![3.0, 3.75, 4.5, 6.0, 7.5, 9.0],
            outer_spacings: vec![0.9, 0.6, 0.45, 0.3, 0.15],
            outer_reaches: vec![4.5, 5.4, 5.85, 6.0, 6.0],
            inner_spacings: vec![1.5, 1.25, 1.25, 1.0, 0.8],
            inner_reaches: vec![3.0, 3.75, 3.75, 5.0, 5.6],
            locating: [1.5, 3.0],
            locating_moves: 5,
            inner_steps: 6,
            inner_tolerance: 0.3,
            rule_error: 0.02,
            rule_points: 16,
            starts: [3, 6, 12],
            refit_efficiency: 0.3,
            path_candidates: 8,
            fixed_draws: 64,
            least_fixed_draws: 32,
            iterations: 20,
            lbfgs: Lbfgs {
                max_iterations: 80,
                gradient_tolerance: 1e-3,
                value_tolerance: 1e-7,
                max_trials: 12,
                ..Lbfgs::default()
            },
            draws: [512, 1024, 4],
            operations: 1e10,
            least_draws: 256,
            most_numbers: 50_000_000,
        }
    }
}

/// The rules of one level of fineness.
pub(super) struct Rules {
    pub(super) integrating: Rule,
    /// What else is needed where some blocks have two coordinates.
    pub(super) pairs: Option<PairRules>,
}

pub(super) struct PairRules {
    /// Puts the grids in place.
    pub(super) locating: Rule,
    /// For draws: a block alone needs less than the sum over all.
    pub(super) drawing: Rule,
}

impl Collapse {
    /// How many levels there are, with blocks of one coordinate or of two.
    pub(super) fn levels(&self, in_pairs: bool) -> usize {
        let [spacings, reaches] = match in_pairs {
            true => [&self.outer_spacings, &self.outer_reaches],
            false => [&self.spacings, &self.reaches],
        };
        spacings.len().min(reaches.len())
    }

    /// The rules of a level, or of the finest, with blocks of one coordinate or of two.
    pub(super) fn rules(&self, level: usize, in_pairs: bool) -> Rules {
        if !in_pairs {
            let line = line(&self.spacings, &self.reaches, level);
            let integrating = Rule::new(line, Line::point());
            return Rules { integrating, pairs: None };
        }
        let rule = |level| {
            Rule::new(
                line(&self.outer_spacings, &self.outer_reaches, level),
                line(&self.inner_spacings, &self.inner_reaches, level),
            )
        };
        let [spacing, reach] = self.locating;
        let locating = Rule::new(Line::new(spacing, reach), Line::new(spacing, reach));
        Rules { integrating: rule(level), pairs: Some(PairRules { locating, drawing: rule(0) }) }
    }
}

fn line(spacings: &[f64], reaches: &[f64], level: usize) -> Line {
    let level = level.min(spacings.len().min(reaches.len()).saturating_sub(1));
    let spacing = spacings.get(level).copied().unwrap_or(1.0);
    Line::new(spacing, reaches.get(level).copied().unwrap_or(4.0))
}
