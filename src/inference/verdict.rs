//! Turns the diagnostics of a fit into a verdict and its reasons.
//!
//! The ruling principle is that no fit fails silently: the verdict is GOOD only if the evidence
//! says that means are within 0.1 posterior sd and sds within 10 %. Reasons carry facts; their
//! prose is in one place, [`Reason::explain`].

use serde::{Deserialize, Serialize};

use super::start::Method;

/// How far the reported numbers can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Means within 0.1 posterior sd and sds within 10 %, as far as can be told.
    Good,
    /// Some number may be off by more than that.
    Caution,
    /// The numbers should not be used.
    DoNotUse,
}

/// The limits that the verdict is drawn from, measured on 1,062 normal fits of 45 posteriors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// k-hat above this: corrected answers may be wrong (5 % false alarms, 8 % misses).
    pub khat: f64,
    /// ESS/N from which the answer is good whatever k-hat says: few weights matter then.
    pub efficiency_despite_khat: f64,
    /// ESS/N below this: the guide is poor, and the correction leans on few draws.
    pub efficiency: f64,
    /// ESS/N below this: do not use.
    pub least_efficiency: f64,
    /// The relative error of an sd by the tail of w (h − mean)² above this: it may be wrong.
    pub tail_error: f64,
    /// The relative error of the sum of the weights by their tail below this: few weights matter,
    /// whatever k-hat says.
    pub weight_error: f64,
    /// Monte Carlo standard error of a mean, in sds, above this: two of them make 0.1 sd.
    pub mean_error: f64,
    /// Relative Monte Carlo standard error of an sd above this: two of them make 10 %.
    pub sd_error: f64,
    /// Self-KL in nats above this: the guide itself is not the posterior (5 % false alarms, 6 %
    /// misses).
    pub self_kl: f64,
    /// Self-KL per dimension above this: a typical sd is off by more than 20 %, since a normal
    /// whose sd is off by a factor r has KL −ln r + r²/2 − ½.
    pub self_kl_per_dimension: f64,
    /// A spread of the mean-field ELBO over starts, in nats, above this: the starts disagree.
    pub elbo_spread: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            khat: 0.7,
            efficiency_despite_khat: 0.8,
            efficiency: 0.3,
            least_efficiency: 0.1,
            tail_error: 0.05,
            weight_error: 0.02,
            mean_error: 0.05,
            sd_error: 0.05,
            self_kl: 0.05,
            self_kl_per_dimension: 0.05,
            elbo_spread: 3.0,
        }
    }
}

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
    /// How many starts led to it.
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
}

/// What is known of one reported quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantityCheck {
    /// Whether it is finite at every draw of positive weight.
    pub finite: bool,
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
    /// Distinct candidates near the best mode that were not fitted.
    pub left_out: usize,
    /// The ELBO of the best mode on the fixed draws, step by step.
    pub elbo_path: Vec<f64>,
    /// Whether the guide is mean-field.
    pub mean_field: bool,
    /// Whether the guide was chosen for the dimension, which is too large for a full covariance.
    pub too_large: bool,
}

impl Diagnostics {
    /// ESS / N.
    pub fn efficiency(&self) -> f64 {
        self.ess / self.checked_draws as f64
    }
}

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
            Reason::NotConverged => {
                "the optimisation stopped before the ELBO reached its maximum".to_owned()
            }
            Reason::SeveralModes { found, kept, elbo_spread } => format!(
                "the starts led to {found} different modes, {kept} of which share the \
                 probability; their ELBOs span {elbo_spread:.1} nats"
            ),
            Reason::ModeFoundOnce { starts, modes: 1 } => format!(
                "one of {starts} starts found a mode that no other did: there may be modes that \
                 none found"
            ),
            Reason::ModeFoundOnce { starts, modes } => format!(
                "{modes} modes were found by one of {starts} starts each: there may be modes that \
                 none found"
            ),
            Reason::ModesLeftOut { left_out } => format!(
                "{left_out} more modes were found than were fitted: the posterior has too many"
            ),
        }
    }
}

/// The verdict on a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far the numbers can be relied on.
    pub level: Level,
    /// Why: every alarm, and what is worth knowing of a good fit.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// The verdict on the evidence.
    pub fn judge(diagnostics: &Diagnostics, thresholds: &Thresholds) -> Self {
        let mut verdict = Self { level: Level::Good, reasons: Vec::new() };
        match diagnostics.reported {
            Reported::Corrected => verdict.judge_weights(diagnostics, thresholds),
            Reported::Guide => verdict.judge_guide(diagnostics, thresholds),
        }
        verdict.judge_quantities(diagnostics, thresholds);
        verdict.judge_modes(diagnostics, thresholds);
        verdict
    }

    fn add(&mut self, level: Level, reason: Reason) {
        self.level = self.level.max(level);
        self.reasons.push(reason);
    }

    fn judge_weights(&mut self, diagnostics: &Diagnostics, thresholds: &Thresholds) {
        if !diagnostics.self_kl.is_finite() {
            self.add(Level::Caution, Reason::NotFiniteDensity);
        }
        let (khat, efficiency) = (diagnostics.khat, diagnostics.efficiency());
        let few = below(efficiency, thresholds.efficiency);
        let heavy = above(khat, thresholds.khat)
            && above(diagnostics.weight_error, thresholds.weight_error);
        if heavy && below(efficiency, thresholds.efficiency_despite_khat) {
            let level = if few { Level::DoNotUse } else { Level::Caution };
            self.add(level, Reason::HeavyWeights { khat, limit: thresholds.khat });
        }
        if few {
            let hardly_any = below(efficiency, thresholds.least_efficiency);
            let level = if hardly_any { Level::DoNotUse } else { Level::Caution };
            let (ess, draws) = (diagnostics.ess, diagnostics.checked_draws);
            self.add(level, Reason::FewEffectiveDraws { ess, draws, limit: thresholds.efficiency });
        }
        if diagnostics.mean_field && diagnostics.too_large {
            let dimension = diagnostics.dimension;
            self.add(Level::Caution, Reason::MeanFieldForSize { dimension });
        }
    }

    fn judge_guide(&mut self, diagnostics: &Diagnostics, thresholds: &Thresholds) {
        let (khat, dimension) = (diagnostics.khat, diagnostics.dimension);
        self.add(Level::Caution, Reason::Uncorrected { khat, limit: thresholds.khat });
        let self_kl = diagnostics.self_kl;
        if above(self_kl, thresholds.self_kl) {
            let far = above(self_kl, thresholds.self_kl_per_dimension * dimension as f64);
            let level = if far { Level::DoNotUse } else { Level::Caution };
            self.add(level, Reason::GuideDiffers { self_kl, dimension });
        }
        if diagnostics.mean_field {
            self.add(Level::Caution, Reason::MeanFieldForSize { dimension });
        }
        if diagnostics.modes.iter().any(|mode| mode.kept && !mode.converged) {
            self.add(Level::Caution, Reason::NotConverged);
        }
    }

    fn judge_quantities(&mut self, diagnostics: &Diagnostics, thresholds: &Thresholds) {
        let which = |bad: &dyn Fn(&QuantityCheck) -> bool| -> Vec<usize> {
            let quantities = diagnostics.quantities.iter().enumerate();
            quantities.filter(|(_, check)| bad(check)).map(|(index, _)| index).collect()
        };
        let worst = |quantities: &[usize], value: &dyn Fn(&QuantityCheck) -> f64| {
            let values = quantities.iter().map(|&q| value(&diagnostics.quantities[q]));
            values.fold(f64::NEG_INFINITY, f64::max)
        };
        let infinite = which(&|check| !check.finite);
        if !infinite.is_empty() {
            self.add(Level::Caution, Reason::NotFiniteQuantities { quantities: infinite });
        }
        if diagnostics.reported == Reported::Guide {
            return;
        }
        let heavy = which(&|check| check.finite && above(check.tail_error, thresholds.tail_error));
        if !heavy.is_empty() {
            let worst_error = worst(&heavy, &|check| check.tail_error);
            self.add(
                Level::Caution,
                Reason::HeavyTailedQuantities { quantities: heavy, worst_error },
            );
        }
        let noisy = which(&|check| {
            let noisy_mean = check.mean_error > thresholds.mean_error;
            check.finite && (noisy_mean || check.sd_error > thresholds.sd_error)
        });
        if !noisy.is_empty() {
            let worst_error = worst(&noisy, &|check| check.mean_error.max(check.sd_error));
            self.add(Level::Caution, Reason::NoisyQuantities { quantities: noisy, worst_error });
        }
    }

    fn judge_modes(&mut self, diagnostics: &Diagnostics, thresholds: &Thresholds) {
        let modes = &diagnostics.modes;
        let (Some(best), Some(worst)) = (modes.first(), modes.last()) else { return };
        let elbo_spread = best.elbo - worst.elbo;
        if diagnostics.mean_field && elbo_spread <= thresholds.elbo_spread {
            return;
        }
        let kept = || modes.iter().filter(|mode| mode.kept);
        let found = modes.len();
        if found > 1 {
            let level = if diagnostics.mean_field { Level::Caution } else { Level::Good };
            self.add(level, Reason::SeveralModes { found, kept: kept().count(), elbo_spread });
        }
        let once = kept().filter(|mode| mode.starts == 1).count();
        if once > 0 {
            let starts = diagnostics.starts.len();
            self.add(Level::Caution, Reason::ModeFoundOnce { starts, modes: once });
        }
        if diagnostics.left_out > 0 {
            let left_out = diagnostics.left_out;
            self.add(Level::Caution, Reason::ModesLeftOut { left_out });
        }
    }
}

/// Whether a value is above a limit, or not a number, which raises every alarm.
fn above(value: f64, limit: f64) -> bool {
    value.is_nan() || value > limit
}

/// Whether a value is below a limit, or not a number, which raises every alarm.
fn below(value: f64, limit: f64) -> bool {
    value.is_nan() || value < limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Diagnostics {
        let quantity = QuantityCheck {
            finite: true,
            khat: 0.1,
            tail_error: 0.01,
            mean_error: 0.02,
            sd_error: 0.02,
        };
        let mode = ModeReport { elbo: -3.0, starts: 8, converged: true, kept: true };
        Diagnostics {
            dimension: 4,
            reported: Reported::Corrected,
            khat: 0.2,
            weight_error: 0.1,
            ess: 4000.0,
            checked_draws: 5000,
            self_kl: 0.01,
            refits: 0,
            quantities: vec![quantity; 2],
            starts: Vec::new(),
            modes: vec![mode],
            left_out: 0,
            elbo_path: Vec::new(),
            mean_field: false,
            too_large: false,
        }
    }

    fn level(change: impl FnOnce(&mut Diagnostics)) -> Level {
        let mut diagnostics = healthy();
        change(&mut diagnostics);
        Verdict::judge(&diagnostics, &Thresholds::default()).level
    }

    #[test]
    fn evidence_without_an_alarm_is_good() {
        let verdict = Verdict::judge(&healthy(), &Thresholds::default());
        assert_eq!(verdict, Verdict { level: Level::Good, reasons: Vec::new() });
    }

    #[test]
    fn each_alarm_lowers_the_level() {
        assert_eq!(level(|d| (d.khat, d.ess) = (0.8, 2500.0)), Level::Caution);
        assert_eq!(level(|d| (d.khat, d.ess) = (0.8, 1000.0)), Level::DoNotUse);
        assert_eq!(level(|d| d.ess = 1000.0), Level::Caution);
        assert_eq!(level(|d| d.ess = 400.0), Level::DoNotUse);
        assert_eq!(level(|d| d.quantities[1].tail_error = 0.2), Level::Caution);
        assert_eq!(level(|d| d.quantities[1].finite = false), Level::Caution);
        assert_eq!(level(|d| d.quantities[1].sd_error = 0.2), Level::Caution);
        assert_eq!(level(|d| d.reported = Reported::Guide), Level::Caution);
        assert_eq!(level(|d| (d.mean_field, d.too_large) = (true, true)), Level::Caution);
    }

    #[test]
    fn a_guide_far_from_the_posterior_is_not_to_be_used_uncorrected() {
        let far = |d: &mut Diagnostics| (d.reported, d.self_kl) = (Reported::Guide, 0.5);
        assert_eq!(level(far), Level::DoNotUse);
    }

    #[test]
    fn a_diagnostic_that_is_not_a_number_is_an_alarm() {
        assert_eq!(level(|d| d.khat = f64::NAN), Level::Good, "ESS/N of 0.8 decides");
        assert_eq!(level(|d| (d.khat, d.ess) = (f64::NAN, f64::NAN)), Level::DoNotUse);
    }

    #[test]
    fn a_mode_that_matters_and_was_found_once_asks_for_caution() {
        let other = ModeReport { elbo: -40.0, starts: 7, converged: true, kept: false };
        let once = |kept| ModeReport { elbo: -9.0, starts: 1, converged: true, kept };
        let found = |d: &mut Diagnostics| {
            d.modes[0].starts = 1;
            d.modes.push(other);
        };
        assert_eq!(level(found), Level::Caution);
        let second = |d: &mut Diagnostics| d.modes.push(once(true));
        assert_eq!(level(second), Level::Caution);
        let poor = |d: &mut Diagnostics| d.modes.push(once(false));
        assert_eq!(level(poor), Level::Good);
    }

    #[test]
    fn a_reason_names_its_quantities() {
        let reason = Reason::HeavyTailedQuantities { quantities: vec![2, 0], worst_error: 0.3 };
        let text = reason.explain(&|index| ["mu", "nu", "tau"][index].to_owned());
        assert!(text.starts_with("the sd of tau, mu rests on"), "{text}");
    }
}
