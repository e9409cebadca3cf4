//! The probability of an interval, accurate in both tails.

use super::Density;
use crate::library::support::Bound;
use crate::math::composite::{log_diff_exp, log_sum_exp};
use crate::math::scalar::Scalar;

/// The most masses that [`Density::ln_mass_between`] adds up.
pub const MAX_SUMMED: f64 = 512.0;

impl Density {
    /// ln P(X ≤ x), where [`Density::has_cdf`].
    pub fn ln_cdf<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
        self.ln_cdf_inside(self.clamp(x, parameters), parameters)
    }

    /// ln P(X > x), where [`Density::has_cdf`].
    pub fn ln_survival<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
        self.ln_survival_inside(self.clamp(x, parameters), parameters)
    }

    /// (ln P(X ≤ x), ln P(X > x)) as numbers, where [`Density::has_cdf`].
    pub fn tails(self, x: f64, parameters: &[f64]) -> Option<(f64, f64)> {
        let inside = self.clamp(x, parameters);
        let below = self.ln_cdf_inside(inside, parameters)?;
        let above = self.ln_survival_inside(inside, parameters)?;
        let (nothing, all) = (f64::NEG_INFINITY, 0.0);
        Some(if x == f64::NEG_INFINITY {
            (nothing, all)
        } else if x == f64::INFINITY {
            (all, nothing)
        } else {
            (below, above)
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

    /// ln P(lower ≤ X ≤ upper) for bounds that are numbers.
    ///
    /// Beyond [`Density::ln_mass`] this covers the discrete densities without a differentiable
    /// cdf, by adding up to [`MAX_SUMMED`] masses; with an infinite upper end those below.
    pub fn ln_mass_between<S: Scalar>(self, lower: f64, upper: f64, parameters: &[S]) -> Option<S> {
        let bound = |x: f64| x.is_finite().then(|| S::constant(x));
        if self.has_cdf() || !(lower.is_finite() || upper.is_finite()) {
            return self.ln_mass(bound(lower), bound(upper), parameters);
        }
        let (Bound::Value(least), _) = self.parameterization().variate.bounds() else {
            return None;
        };
        if !self.is_discrete() {
            return None;
        }
        let first = lower.max(least).ceil();
        if upper.is_finite() {
            self.ln_sum(first, upper.floor(), parameters)
        } else {
            self.ln_sum(least, first - 1.0, parameters).map(S::log1m_exp)
        }
    }

    /// ln P(lower ≤ X ≤ upper) as a number, for every density whose [`Density::tails`] are known
    /// and every discrete one with a bounded support.
    pub fn ln_mass_value(self, lower: f64, upper: f64, parameters: &[f64]) -> Option<f64> {
        let tails = self.tails(self.below(lower), parameters).zip(self.tails(upper, parameters));
        match tails {
            Some(((cdf_low, above_low), (cdf_high, above_high))) => Some(if cdf_high < above_low {
                log_diff_exp(cdf_high, cdf_low)
            } else {
                log_diff_exp(above_low, above_high)
            }),
            None => self.ln_mass_between(lower, upper, parameters),
        }
    }

    /// ln Σ p(x) over whole x from first to last; `None` where there are too many.
    fn ln_sum<S: Scalar>(self, first: f64, last: f64, parameters: &[S]) -> Option<S> {
        let mut sum = S::constant(f64::NEG_INFINITY);
        let mut x = first;
        if last - first >= MAX_SUMMED {
            return None;
        }
        while x <= last {
            sum = log_sum_exp(sum, self.log_density(S::constant(x), parameters));
            x += 1.0;
        }
        Some(sum)
    }

    /// The argument of the cdf that excludes exactly what is below a lower bound.
    pub(super) fn below<S: Scalar>(self, lower: S) -> S {
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
