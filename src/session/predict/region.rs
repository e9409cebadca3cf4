//! Where the values of what cannot be drawn may lie.

use crate::bound::{self, space};
use crate::typed::{Kind, Role};
use rand::{Rng, RngExt};

/// An unconstrained value of what has no scale of its own is uniform in (-RADIUS, RADIUS).
const RADIUS: f64 = 2.0;

/// A place and a scale of real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Region {
    middle: f64,
    spread: f64,
}

impl Region {
    /// Around 0, with scale 1.
    pub(super) const UNIT: Region = Region { middle: 0.0, spread: 1.0 };

    /// The mean and standard deviation of every observed column of real numbers: of this size are
    /// the locations and scales of what is observed, whatever a flat prior says.
    pub(super) fn observed(bound: &bound::Program) -> Vec<Region> {
        let variables = bound.typed.variables.iter().zip(&bound.values);
        let observed = variables.filter(|(variable, _)| {
            let data = matches!(variable.role, Role::Data(_) | Role::Derived(_));
            data && variable.observed.is_some() && variable.kind == Kind::Real
        });
        observed.filter_map(|(_, values)| Region::of(values.as_ref()?.cells())).collect()
    }

    /// `None` if the values do not differ.
    fn of(cells: impl Iterator<Item = f64> + Clone) -> Option<Region> {
        let known = || cells.clone().filter(|cell| cell.is_finite());
        let count = known().count() as f64;
        let middle = known().sum::<f64>() / count;
        let spread = (known().map(|cell| (cell - middle).powi(2)).sum::<f64>() / count).sqrt();
        (spread.is_finite() && spread > 0.0).then_some(Region { middle, spread })
    }

    /// A value between two ends, which may be infinite: on a line at this place and scale, on a
    /// half-line at this scale from its end.
    pub(super) fn value(self, rng: &mut dyn Rng, low: f64, high: f64) -> f64 {
        let u = coordinate(rng);
        match (low.is_finite(), high.is_finite()) {
            (false, false) => self.middle + self.spread * u,
            (true, false) | (false, true) => space::inside(u + self.spread.ln(), low, high),
            (true, true) => space::inside(u, low, high),
        }
    }
}

/// An unconstrained coordinate of no particular scale.
pub(super) fn coordinate(rng: &mut dyn Rng) -> f64 {
    rng.random_range(-RADIUS..RADIUS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn values_have_the_size_of_the_data() {
        let region = Region::of([90.0, f64::NAN, 110.0].into_iter()).expect("differ");
        assert_eq!(region, Region { middle: 100.0, spread: 10.0 });
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        for _ in 0..100 {
            assert!((80.0..120.0).contains(&region.value(&mut rng, low, high)));
            let scale = 10.0 * 2.0_f64.exp();
            assert!((5.0..5.0 + scale).contains(&region.value(&mut rng, 5.0, high)));
            assert!((5.0 - scale..5.0).contains(&region.value(&mut rng, low, 5.0)));
            assert!((5.0..6.0).contains(&region.value(&mut rng, 5.0, 6.0)));
        }
        assert_eq!(Region::of([3.0, 3.0].into_iter()), None);
    }
}
