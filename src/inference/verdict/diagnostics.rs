//! The evidence that a verdict is drawn from.

use serde::{Deserialize, Serialize};

use crate::inference::start::Method;

/// What became of one start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartReport {
    /// Where its candidate came from; `None` if it had none.
    pub method: Option<Method>,
    /// The candidate's ELBO.
    pub elbo: Option<f64>,
    /// Steps of its optimisation.
    pub iterations: usize,
    /// The fitted mode it led to, if that was among those fitted.
    pub mode: Option<usize>,
}

/// A fitted mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeReport {
    /// Its ELBO on the fixed draws.
    pub elbo: f64,
    /// How many starts led to it, or to one that no dip of the density divides from it.
    pub starts: usize,
    /// Whether the fit met its tolerances.
    pub converged: bool,
    /// Whether it is part of the guide.
    pub kept: bool,
}

/// Where the reported numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// From draws of the guide, corrected by importance weights.
    Corrected,
    /// From draws of the guide as it is.
    Guide,
    /// From the draws of Markov chains.
    Chains,
    /// From one point, the highest mode.
    Mode,
}

/// What is known of one reported quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantityCheck {
    /// Whether it is finite at every draw of positive weight, and its spread a number with all its
    /// digits.
    pub finite: bool,
    /// Whether it is the same at every draw, though not at every point.
    pub constant: bool,
    /// k-hat of w (h − mean)².
    pub khat: f64,
    /// The relative error of its sd that the tail of w (h − mean)² makes.
    pub tail_error: f64,
    /// The Monte Carlo standard error of its mean, in sds.
    pub mean_error: f64,
    /// The relative Monte Carlo standard error of its sd.
    pub sd_error: f64,
}

/// The evidence on a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// The number of unconstrained coordinates.
    pub dimension: usize,
    /// Where the reported numbers come from.
    pub reported: Reported,
    /// k-hat of the importance weights.
    pub khat: f64,
    /// The relative error of the sum of the weights that their tail makes.
    pub weight_error: f64,
    /// The effective sample size of the weights.
    pub ess: f64,
    /// The draws that were weighted.
    pub checked_draws: usize,
    /// log Ẑ − ELBO, an estimate of KL(guide ‖ posterior) in nats.
    pub self_kl: f64,
    /// The proposal's moment refits.
    pub refits: usize,
    /// Each reported quantity, in the target's order.
    pub quantities: Vec<QuantityCheck>,
    /// Each start.
    pub starts: Vec<StartReport>,
    /// Each fitted mode, best first.
    pub modes: Vec<ModeReport>,
    /// How far the numbers rest on modes that one start alone found: what leaving them out changes
    /// the most, of a mean in sds or of an sd relatively.
    pub resting_on_once: f64,
    /// Distinct candidates near the best mode that were not fitted.
    pub left_out: usize,
    /// Whether no dip of the density divides the modes that are kept.
    pub single: bool,
    /// The ELBO of the best mode on the fixed draws, step by step.
    pub elbo_path: Vec<f64>,
    /// Whether the guide is mean-field.
    pub mean_field: bool,
    /// Whether the fit was stopped before its end.
    pub interrupted: bool,
    /// Whether the guide was chosen for the dimension, which is too large for a full covariance.
    pub too_large: bool,
    /// The locals that were integrated out, if any were.
    pub integrated: Option<Integrated>,
    /// What the chains tell, if there are any.
    pub chains: Option<ChainReport>,
}

/// Locals that were integrated out of the density that the guide was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integrated {
    /// How many coordinates.
    pub locals: usize,
    /// How many blocks they fall into, independent of one another given the globals.
    pub blocks: usize,
    /// How much the log density of the globals changes by a finer rule of integration, in nats.
    pub error: f64,
    /// The share of the moves that drew locals that was accepted, where they were drawn by moves.
    pub accepted: Option<f64>,
}

impl Diagnostics {
    /// ESS / N.
    pub fn efficiency(&self) -> f64 {
        self.ess / self.checked_draws as f64
    }
}

/// What several chains tell of the draws they made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    /// Chains that were wanted.
    pub wanted: usize,
    /// Chains that could start.
    pub chains: usize,
    /// Draws of each.
    pub draws: usize,
    /// Draws whose trajectory diverged.
    pub divergences: usize,
    /// Draws whose trajectory reached its largest length.
    pub saturated: usize,
    /// The largest R-hat of a quantity.
    pub rhat: f64,
    /// The smallest effective sample size of a quantity, in its bulk.
    pub bulk_ess: f64,
    /// The same in its tails.
    pub tail_ess: f64,
}
