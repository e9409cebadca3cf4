//! What to try after a fit that is not good.

use crate::inference::Reason;

/// What to try, most promising first, each once.
pub fn advice(reasons: &[Reason]) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    for reason in reasons {
        let text = for_reason(reason).to_owned();
        if !advice.contains(&text) {
            advice.push(text);
        }
    }
    advice
}

fn for_reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::HeavyWeights { .. } | Reason::FewEffectiveDraws { .. } => {
            "give weakly determined scales a tighter prior, or try `--method nuts`: the guide does not \
             follow the posterior's shape"
        }
        Reason::Uncorrected { .. } | Reason::GuideDiffers { .. } => {
            "try `--method nuts`, or `--guide full-rank` after a mean-field one: the guide alone is not \
             close enough"
        }
        Reason::MeanFieldForSize { .. } => {
            "try `--guide full-rank` if memory allows: it keeps correlations"
        }
        Reason::HeavyTailedQuantities { .. } => {
            "report quantiles rather than sds of these quantities, or give them a proper prior \
             with lighter tails"
        }
        Reason::NoisyQuantities { .. } => {
            "fit again with another `--seed` to see how far these numbers move"
        }
        Reason::NotFiniteDensity => {
            "give what must be positive or a probability a link (`log =`, `logit =`) or a prior \
             that stays inside, away from the ends"
        }
        Reason::NotFiniteQuantities { .. } => {
            "look for a division by, or a logarithm of, something that can be 0"
        }
        Reason::ConstantQuantities { .. } => {
            "give it a prior that stays inside its support, away from the ends"
        }
        Reason::ModeOnly => "use the default method, or `--method nuts`",
        Reason::StuckChains { .. } => {
            "look for latents that leave the supports of what depends on them"
        }
        Reason::ChainsDisagree { .. } | Reason::SlowChains { .. } => {
            "take more draws, or a prior that rules out what cannot be: `--method vi` shows the \
             modes that its starts find"
        }
        Reason::Divergences { .. } => {
            "write hierarchical latents `with noncentered`, or give their scales tighter priors"
        }
        Reason::Interrupted => "let the fit end",
        Reason::CoarseQuadrature { .. } | Reason::StuckLocals { .. } => {
            "try `--guide full-rank` or `--method nuts`: they do not integrate latents out"
        }
        Reason::NotConverged => {
            "look for improper (`Flat`) priors on what the data do not determine"
        }
        Reason::SeveralModes { .. }
        | Reason::ModeFoundOnce { .. }
        | Reason::ModesLeftOut { .. } => {
            "if the modes are mirror images of one another, break the symmetry with priors; if not, \
             fit again with other seeds to see whether a better one turns up"
        }
    }
}
