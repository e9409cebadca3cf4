//! What inference knows of a model: a log density on an unconstrained space, and what to report.

use rand::Rng;

/// A twice differentiable log density on ℝ^d, up to no constant: normalised if the model is.
///
/// All points are unconstrained. A workspace holds the scratch memory of one thread, so that an
/// evaluation allocates nothing. A density that is not finite at a point is an answer, not a
/// failure: `-inf` (or NaN, which callers treat alike) means "rejected here", and derivatives
/// there are unspecified.
pub trait LogDensity: Sync {
    /// The scratch memory of one thread.
    type Workspace: Send;

    /// The number of unconstrained coordinates, d.
    fn dimension(&self) -> usize;

    /// Fresh scratch memory.
    fn workspace(&self) -> Self::Workspace;

    /// The log density at a point of length d, with the log-Jacobian of the transforms.
    fn log_density(&self, workspace: &mut Self::Workspace, point: &[f64]) -> f64;

    /// The log density, and its gradient written to `gradient` (length d).
    fn gradient(&self, workspace: &mut Self::Workspace, point: &[f64], gradient: &mut [f64])
    -> f64;

    /// The log density and its gradient at several points, which lie one after the other in
    /// `points`, as their gradients do in `gradients`; the bits are those of [`Self::gradient`].
    /// A density that reads much data does so once for all of them.
    fn gradients(
        &self,
        workspace: &mut Self::Workspace,
        points: &[f64],
        values: &mut [f64],
        gradients: &mut [f64],
    ) {
        let dimension = self.dimension().max(1);
        let places = points.chunks(dimension).zip(gradients.chunks_mut(dimension));
        for (value, (point, gradient)) in values.iter_mut().zip(places) {
            *value = self.gradient(workspace, point, gradient);
        }
    }

    /// The product of the Hessian at `point` with `direction`, written to `product` (all length d).
    fn hessian_vector(
        &self,
        workspace: &mut Self::Workspace,
        point: &[f64],
        direction: &[f64],
        product: &mut [f64],
    );
}

/// A log density with quantities of interest: constrained latents and reported expressions.
pub trait Target: LogDensity {
    /// How many real numbers [`Target::quantities`] writes.
    fn quantity_count(&self) -> usize;

    /// Every quantity at an unconstrained point, in the order they are reported.
    fn quantities(&self, workspace: &mut Self::Workspace, point: &[f64], out: &mut [f64]);

    /// An unconstrained point drawn from the prior; `None` if there is none to draw from, or the
    /// draw has no image.
    fn draw_prior(&self, _rng: &mut dyn Rng) -> Option<Vec<f64>> {
        None
    }

    /// About how many floating-point operations one log density takes; 0 if unknown. The same for
    /// equal targets, so that what is decided by it can be repeated.
    fn cost(&self) -> usize {
        0
    }
}
