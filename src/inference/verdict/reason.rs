//! The facts that a verdict gives as its reasons, and how they are told.

use serde::{Deserialize, Serialize};

/// A fact that the verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// The importance weights have too heavy a tail to correct the guide.
    HeavyWeights {
        /// k-hat of the weights.
        khat: f64,
        /// The limit it exceeds.
        limit: f64,
    },
    /// Few draws carry most of the weight.
    FewEffectiveDraws {
        /// The effective sample size.
        ess: f64,
        /// The draws it is out of.
        draws: usize,
        /// The share of draws that would do.
        limit: f64,
    },
    /// The sds of some quantities rest on a few extreme draws.
    HeavyTailedQuantities {
        /// Which, in the target's order.
        quantities: Vec<usize>,
        /// The largest relative error that their tails make.
        worst_error: f64,
    },
    /// Some means or sds have a large Monte Carlo error.
    NoisyQuantities {
        /// Which, in the target's order.
        quantities: Vec<usize>,
        /// The largest error, of a mean in sds or of an sd relative to it.
        worst_error: f64,
    },
    /// Some quantities are infinite or undefined at draws of positive weight.
    NotFiniteQuantities {
        /// Which, in the target's order.
        quantities: Vec<usize>,
    },
    /// Some quantities have the same value at every draw, though not at every point.
    ConstantQuantities {
        /// Which, in the target's order.
        quantities: Vec<usize>,
    },
    /// The density is not finite at points that the guide reaches.
    NotFiniteDensity,
    /// The correction failed, so the guide itself is reported.
    Uncorrected {
        /// k-hat of the weights.
        khat: f64,
        /// The limit it exceeds.
        limit: f64,
    },
    /// The guide, which is reported as it is, differs from the posterior.
    GuideDiffers {
        /// log Ẑ − ELBO in nats.
        self_kl: f64,
        /// The number of unconstrained coordinates.
        dimension: usize,
    },
    /// A mean-field guide was used because the model is large.
    MeanFieldForSize {
        /// The number of unconstrained coordinates.
        dimension: usize,
    },
    /// The fit was stopped before its end.
    Interrupted,
    /// The integrals over locals change with a finer quadrature.
    CoarseQuadrature {
        /// By how much, in nats.
        error: f64,
        /// The limit it exceeds.
        limit: f64,
    },
    /// The moves that drew coupled locals were often rejected.
    StuckLocals {
        /// The share that was accepted.
        accepted: f64,
        /// The limit it is below.
        limit: f64,
    },
    /// The optimisation stopped before its tolerances were met.
    NotConverged,
    /// The starts led to different modes.
    SeveralModes {
        /// Distinct modes that were fitted.
        found: usize,
        /// Those that share the posterior's mass.
        kept: usize,
        /// The ELBO of the best less that of the worst.
        elbo_spread: f64,
    },
    /// A mode that matters was found by one start only, so another may have been missed.
    ModeFoundOnce {
        /// The starts in all.
        starts: usize,
        /// How many such modes there are.
        modes: usize,
        /// What they change, of a mean in sds or of an sd relatively.
        influence: f64,
    },
    /// Only the highest point of the posterior is known.
    ModeOnly,
    /// Some chains found no point to start at.
    StuckChains {
        /// How many.
        stuck: usize,
        /// Of how many.
        of: usize,
    },
    /// Chains do not agree on the distribution of some quantity.
    ChainsDisagree {
        /// The largest R-hat.
        rhat: f64,
        /// The limit it exceeds.
        limit: f64,
    },
    /// Successive draws are too much alike.
    SlowChains {
        /// The smallest effective sample size, of bulks and tails.
        ess: f64,
        /// The limit it is below.
        limit: f64,
    },
    /// Trajectories diverged.
    Divergences {
        /// How many.
        count: usize,
        /// Of how many draws.
        draws: usize,
    },
    /// There are more modes than were fitted.
    ModesLeftOut {
        /// Those not fitted that are near the best.
        left_out: usize,
    },
}

impl Reason {
    /// The reason in a sentence; `name` names a quantity.
    pub fn explain(&self, name: &dyn Fn(usize) -> String) -> String {
        let list = |quantities: &[usize]| {
            let shown: Vec<String> = quantities.iter().take(5).map(|&q| name(q)).collect();
            let rest = quantities.len() - shown.len();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        match self {
            Reason::HeavyWeights { khat, limit } => format!(
                "the importance weights have a heavy tail (k-hat {khat:.2}, limit {limit}): \
                 the correction of the guide cannot be trusted"
            ),
            Reason::FewEffectiveDraws { ess, draws, limit } => format!(
                "only {ess:.0} of {draws} draws are effective (wanted: {:.0} %): \
                 the guide fits the posterior poorly",
                100.0 * limit
            ),
            Reason::HeavyTailedQuantities { quantities, worst_error } => format!(
                "the sd of {} rests on a few extreme draws and may be off by {:.0} %: \
                 prefer quantiles",
                list(quantities),
                100.0 * worst_error.min(1.0)
            ),
            Reason::NoisyQuantities { quantities, worst_error } => format!(
                "the Monte Carlo error of {} is large (up to {worst_error:.2} sd)",
                list(quantities)
            ),
            Reason::NotFiniteQuantities { quantities } => {
                format!("{} is infinite or undefined at some draws", list(quantities))
            }
            Reason::ConstantQuantities { quantities } => format!(
                "{} is the same at all draws: it is rounded, or stuck at an end of its support",
                list(quantities)
            ),
            Reason::ModeOnly => {
                "a mode tells nothing of the uncertainty, and in hierarchies not even the centre"
                    .to_owned()
            }
            Reason::StuckChains { stuck, of } => {
                format!("{stuck} of {of} chains found no point where the density is finite")
            }
            Reason::ChainsDisagree { rhat, limit } => format!(
                "the chains do not agree (R-hat {rhat:.3}, limit {limit}): some have not reached \
                 the posterior, or it has several modes"
            ),
            Reason::SlowChains { ess, limit } => format!(
                "the draws of some quantity are worth {ess:.0} independent ones (wanted: {limit})"
            ),
            Reason::Divergences { count, draws } => format!(
                "{count} of {draws} trajectories diverged: a narrow part of the posterior may be \
                 missing"
            ),
            Reason::NotFiniteDensity => {
                "the density is not finite at points that the guide reaches: a parameter may leave \
                 its support, or a value be rounded onto its end"
                    .to_owned()
            }
            Reason::Uncorrected { khat, limit } => format!(
                "the check by importance weights failed (k-hat {khat:.2}, limit {limit}): \
                 the numbers are the guide's own, uncorrected"
            ),
            Reason::GuideDiffers { self_kl, dimension } => format!(
                "the guide is {self_kl:.2} nats or more from the posterior in {dimension} \
                 dimensions"
            ),
            Reason::MeanFieldForSize { dimension } => format!(
                "with {dimension} latents the guide ignores correlations (mean-field): \
                 sds are likely too small"
            ),
            Reason::Interrupted => "the fit was stopped before its end".to_owned(),
            Reason::CoarseQuadrature { error, .. } => format!(
                "the density of the latents that all others share is known to {error:.1} nats only: \
                 the others could not be integrated out well"
            ),
            Reason::StuckLocals { accepted, limit } => format!(
                "of the moves that draw the coupled latents {:.0} % were accepted (wanted: {:.0} %): \
                 some draws have not left where they began",
                100.0 * accepted,
                100.0 * limit
            ),
            Reason::NotConverged => {
                "the optimisation stopped before the ELBO reached its maximum".to_owned()
            }
            Reason::SeveralModes { found, kept, elbo_spread } => format!(
                "the starts led to {found} different modes, {kept} of which share the \
                 probability; their ELBOs span {elbo_spread:.1} nats"
            ),
            Reason::ModeFoundOnce { starts, modes: 1, .. } => format!(
                "one of {starts} starts found a mode that no other did: there may be modes that \
                 none found"
            ),
            Reason::ModeFoundOnce { starts, modes, .. } => format!(
                "{modes} modes were found by one of {starts} starts each: there may be modes that \
                 none found"
            ),
            Reason::ModesLeftOut { left_out } => format!(
                "{left_out} more modes were found than were fitted: the posterior has too many"
            ),
        }
    }
}
