//! Draws from a density, whole or restricted to an interval.
//!
//! A restricted draw inverts the smaller tail in logarithms, so that it is as exact far out as in
//! the middle.

use rand::{Rng, RngExt};

use super::{Density, InvalidParameters};
use crate::library::support::Bound;

/// Draws that a density without a cdf may reject before the interval counts as out of reach.
const MAX_REJECTIONS: u32 = 1_000_000;
/// Whole numbers beyond this are not told apart by `f64`.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl Density {
    /// A draw.
    ///
    /// # Errors
    ///
    /// Parameters outside their supports, and [`Density::Flat`], which is improper.
    pub fn sample(self, parameters: &[f64], rng: &mut impl Rng) -> Result<f64, InvalidParameters> {
        let drawn = if self.accepts(parameters) { self.draw(parameters, rng) } else { None };
        drawn.ok_or_else(|| self.invalid(parameters))
    }

    /// A draw given lower ≤ X ≤ upper; `None` as a bound is no bound.
    ///
    /// # Errors
    ///
    /// As [`Density::sample`], and an interval without mass.
    pub fn sample_within(
        self,
        lower: Option<f64>,
        upper: Option<f64>,
        parameters: &[f64],
        rng: &mut impl Rng,
    ) -> Result<f64, InvalidParameters> {
        if lower.is_none() && upper.is_none() {
            return self.sample(parameters, rng);
        }
        let lower = lower.unwrap_or(f64::NEG_INFINITY);
        let upper = upper.unwrap_or(f64::INFINITY);
        let drawn = if !self.accepts(parameters) {
            None
        } else if self.tails(0.0, parameters).is_some() {
            self.invert(lower, upper, parameters, rng.random())
        } else {
            (0..MAX_REJECTIONS)
                .map_while(|_| self.draw(parameters, rng))
                .find(|&x| x >= lower && x <= upper)
        };
        drawn.ok_or_else(|| self.invalid(parameters))
    }

    /// Whether every parameter is finite and in its support.
    pub fn accepts(self, parameters: &[f64]) -> bool {
        let declared = self.parameterization().parameters;
        let valid =
            |(p, &x): (&super::Parameter, &f64)| x.is_finite() && p.support.contains(x, parameters);
        declared.len() == parameters.len() && declared.iter().zip(parameters).all(valid)
    }

    fn invalid(self, parameters: &[f64]) -> InvalidParameters {
        InvalidParameters { density: self, parameters: parameters.to_vec() }
    }

    /// The quantile of X given lower ≤ X ≤ upper at level u; `None` where the interval has no
    /// mass.
    fn invert(self, lower: f64, upper: f64, parameters: &[f64], u: f64) -> Option<f64> {
        let (cdf_low, above_low) = self.tails(self.below(lower), parameters)?;
        let (cdf_high, above_high) = self.tails(upper, parameters)?;
        let (low, high) = self.reach(lower, upper, parameters);
        if cdf_high < above_low {
            let ratio = (cdf_low - cdf_high).exp();
            let target = cdf_high + (ratio + u * (1.0 - ratio)).ln();
            let reached = |x| self.tails(x, parameters).is_some_and(|(cdf, _)| cdf >= target);
            (cdf_low < cdf_high).then(|| self.smallest(low, high, reached))
        } else {
            let ratio = (above_high - above_low).exp();
            let target = above_low + (ratio + (1.0 - u) * (1.0 - ratio)).ln();
            let reached = |x| self.tails(x, parameters).is_some_and(|(_, above)| above <= target);
            (above_high < above_low).then(|| self.smallest(low, high, reached))
        }
    }

    /// The finite numbers (or whole numbers) that both the interval and the support hold.
    fn reach(self, lower: f64, upper: f64, parameters: &[f64]) -> (f64, f64) {
        let value = |bound| match bound {
            Bound::Value(v) => v,
            Bound::Parameter(i) => parameters.get(i).copied().unwrap_or(f64::NAN),
        };
        let (low, high) = self.parameterization().variate.bounds();
        let (low, high) = (lower.max(value(low)), upper.min(value(high)));
        if self.is_discrete() {
            (low.ceil().max(-LARGEST_WHOLE), high.floor().min(LARGEST_WHOLE))
        } else {
            (low.max(-f64::MAX), high.min(f64::MAX))
        }
    }

    /// The smallest x of low..=high where `reached` turns true, by bisection.
    fn smallest(self, low: f64, high: f64, reached: impl Fn(f64) -> bool) -> f64 {
        if self.is_discrete() {
            let (mut low, mut high) = (low, high);
            while low < high {
                let middle = low + ((high - low) * 0.5).floor();
                if reached(middle) {
                    high = middle;
                } else {
                    low = middle + 1.0;
                }
            }
            return high;
        }
        let (mut low, mut high) = (rank(low), rank(high));
        while low < high {
            let middle = low.midpoint(high);
            if reached(from_rank(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        from_rank(high)
    }
}

/// The position of x in the order of all finite numbers.
fn rank(x: f64) -> i64 {
    let bits = x.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

/// The number at this position.
fn from_rank(rank: i64) -> f64 {
    f64::from_bits(if rank < 0 { i64::MIN - rank } else { rank }.cast_unsigned())
}
