//! Draws from a density, whole or restricted to an interval.

use rand::Rng;

use super::{Density, InvalidParameters};

impl Density {
    /// A draw.
    ///
    /// # Errors
    ///
    /// Parameters outside their supports, and [`Density::Flat`], which is improper.
    pub fn sample(self, parameters: &[f64], rng: &mut impl Rng) -> Result<f64, InvalidParameters> {
        let declared = self.parameterization().parameters;
        let valid = declared.len() == parameters.len()
            && declared
                .iter()
                .zip(parameters)
                .all(|(p, &x)| x.is_finite() && p.support.contains(x, parameters));
        let drawn = if valid { self.draw(parameters, rng) } else { None };
        drawn.ok_or_else(|| self.invalid(parameters))
    }

    pub(super) fn invalid(self, parameters: &[f64]) -> InvalidParameters {
        InvalidParameters { density: self, parameters: parameters.to_vec() }
    }
}
