//! The probability of an interval, accurate in both tails.

use super::Density;
use crate::library::support::Bound;
use crate::math::composite::log_diff_exp;
use crate::math::scalar::Scalar;

impl Density {
    /// ln P(X ≤ x), where [`Density::has_cdf`].
    pub fn ln_cdf<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
        self.ln_cdf_inside(self.clamp(x, parameters), parameters)
    }

    /// ln P(X > x), where [`Density::has_cdf`].
    pub fn ln_survival<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
        self.ln_survival_inside(self.clamp(x, parameters), parameters)
    }

    /// (ln P(X ≤ x), ln P(X > x)) as numbers, for every density with a closed form, with or
    /// without derivatives.
    pub fn tails(self, x: f64, parameters: &[f64]) -> Option<(f64, f64)> {
        let inside = self.clamp(x, parameters);
        self.tails_inside(inside, parameters).or_else(|| {
            let below = self.ln_cdf_inside(inside, parameters)?;
            Some((below, self.ln_survival_inside(inside, parameters)?))
        })
    }

    /// ln P(lower ≤ X ≤ upper), where [`Density::has_cdf`]; `None` as a bound is no bound.
    pub fn ln_mass<S: Scalar>(
        self,
        lower: Option<S>,
        upper: Option<S>,
        parameters: &[S],
    ) -> Option<S> {
        match (lower, upper) {
            (None, None) => Some(S::constant(0.0)),
            (None, Some(upper)) => self.ln_cdf(upper, parameters),
            (Some(lower), None) => self.ln_survival(self.below(lower), parameters),
            (Some(lower), Some(upper)) => {
                let lower = self.below(lower);
                let (cdf_low, cdf_high) =
                    (self.ln_cdf(lower, parameters)?, self.ln_cdf(upper, parameters)?);
                let (above_low, above_high) =
                    (self.ln_survival(lower, parameters)?, self.ln_survival(upper, parameters)?);
                // Differences of the smaller tail keep their digits.
                Some(S::select(
                    cdf_high.less(above_low),
                    log_diff_exp(cdf_high, cdf_low),
                    log_diff_exp(above_low, above_high),
                ))
            }
        }
    }

    /// The argument of the cdf that excludes exactly what is below a lower bound.
    fn below<S: Scalar>(self, lower: S) -> S {
        if self.is_discrete() { -(-lower).floor() - 1.0 } else { lower }
    }

    /// Whether the variate is a whole number.
    pub fn is_discrete(self) -> bool {
        self.parameterization().variate.is_discrete()
    }

    /// x moved into the closure of the support (discrete: to no further than one below it).
    fn clamp<S: Scalar>(self, x: S, parameters: &[S]) -> S {
        let variate = self.parameterization().variate;
        let value = |bound| match bound {
            Bound::Value(v) => (v.is_finite()).then(|| S::constant(v)),
            Bound::Parameter(i) => parameters.get(i).copied(),
        };
        let (low, high) = variate.bounds();
        let margin = if variate.is_discrete() { 1.0 } else { 0.0 };
        let x = value(low).map_or(x, |low| x.max(low - margin));
        value(high).map_or(x, |high| x.min(high))
    }
}
