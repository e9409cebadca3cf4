//! Latents before any fit.

use super::Latents;
use rand_chacha::ChaCha8Rng;

/// Latents that no fit knows: all are drawn from their priors.
pub(in crate::session) struct Unknown {
    /// How many times they are drawn.
    pub(in crate::session) draws: usize,
}

impl Latents for Unknown {
    type Workspace = ();

    fn workspace(&self) {}

    fn count(&self) -> usize {
        self.draws
    }

    fn has(&self, _: &str) -> bool {
        true
    }

    fn column(&self, _: &str, _: &[String]) -> Option<usize> {
        None
    }

    fn value(&self, _: usize, _: usize) -> f64 {
        f64::NAN
    }

    fn assigns(&self) -> bool {
        false
    }

    fn assign(&self, (): &mut (), _: usize, _: &mut ChaCha8Rng) -> Option<Vec<f64>> {
        None
    }
}
