//! Why a fit could not start, told with the statement, the row and the value to blame.

use super::failure::Failure;
use super::model::Model;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::engine::Blame;
use crate::graph::lower::Origin;
use crate::inference::FitError;
use crate::inference::LogDensity;
use crate::output::exact;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Points tried for one with a term that is not finite: the origin, then random ones.
const TRIALS: usize = 32;

/// Random points are uniform in (-RADIUS, RADIUS), as the starts of a fit are.
const RADIUS: f64 = 2.0;

impl Model {
    /// A program without latents has nothing to fit.
    pub(super) fn no_latents(&self) -> Failure {
        let message = "the program has no latent, so there is nothing to fit";
        let diagnostic = Diagnostic::new(Slug::NothingToFit, Severity::Error, message)
            .help("give an unknown quantity a prior with `~`; `vippl density` evaluates the rest");
        Failure::Program(Box::new(diagnostic))
    }

    /// Every start was rejected: finds the first term that is not finite.
    pub(super) fn rejected(&self, error: &FitError, seed: u64) -> Failure {
        let message = format!("the fit cannot start: {error}");
        let diagnostic = Diagnostic::new(Slug::NotFinite, Severity::Error, message);
        let diagnostic = match self.blame(seed) {
            Some((origin, blame)) => self.accuse(diagnostic, origin, &blame),
            None => diagnostic,
        };
        let help = "check that parameters stay inside their supports where latents vary over all \
                    their values, and that priors are not far wider than what the data can say \
                    (`Flat` is as wide as can be)";
        Failure::Program(Box::new(diagnostic.help(help)))
    }

    fn blame(&self, seed: u64) -> Option<(&Origin, Blame)> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut workspace = self.engine.workspace();
        let mut point = vec![0.0; self.engine.dimension()];
        for _ in 0..TRIALS {
            let finite = self.engine.log_density(&mut workspace, &point).is_finite();
            if !finite && let Some(blame) = self.engine.blame(&point) {
                let origin = self.density.origins.get(blame.tag.0 as usize)?;
                return Some((origin, blame));
            }
            point.fill_with(|| rng.random_range(-RADIUS..RADIUS));
        }
        None
    }

    fn accuse(&self, diagnostic: Diagnostic, origin: &Origin, blame: &Blame) -> Diagnostic {
        let position = match &origin.positions {
            Some(positions) => positions.get(blame.row).map(|p| *p as usize),
            None => Some(blame.row),
        };
        let element = origin.variable.zip(position);
        let element = element.map(|(variable, p)| self.element_name(variable, p));
        let here = match &element {
            Some(element) => format!("the log density of `{element}` is {} here", blame.value),
            None => format!("this term is {} here", blame.value),
        };
        let diagnostic = diagnostic.at(origin.span, here);
        let observed = origin.variable.zip(position).and_then(|(variable, p)| {
            let array = self.bound.values.get(variable.index())?.as_ref()?;
            array.get(p)
        });
        match (element, observed) {
            (Some(element), Some(value)) => {
                diagnostic.note(format!("`{element}` is observed as {}", exact(value)))
            }
            (Some(_) | None, None) | (None, Some(_)) => diagnostic,
        }
    }
}
