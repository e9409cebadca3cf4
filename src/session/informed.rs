//! A compiled program as a fit sees it: with draws from the priors, its cost, and a density that
//! goes on where a value is rounded onto the upper end of its interval.
//!
//! For x = low + (high − low) / (1 + e^−u), x is rounded to `high` from u = 37 on, and most densities
//! are not finite there, though they fall off as e^(−bu). Beyond a limit the density is continued
//! by its tangent: log p(u) + ∂log p/∂u · (u − limit), which is exact up to e^(−limit) if x has an
//! algebraic density at its end.

use super::predict::Prior;
use crate::engine::{self, Workspace};
use crate::graph::lower::{Coordinates, Site, Transform};
use crate::inference::{LogDensity, Target};
use crate::math::bijector::Bijector;
use rand::Rng;

/// The u beyond which a density is continued: 1 − 1/(1 + e^−u) still has three digits.
const LIMIT: f64 = 30.0;

/// A program with what inference may ask of it.
pub(super) struct Informed<'a> {
    program: &'a engine::Program,
    /// Nothing, if the priors cannot be drawn from.
    prior: Option<&'a Prior<'a>>,
    coordinates: &'a Coordinates,
    /// The unconstrained coordinates of latents in intervals.
    bounded: Vec<usize>,
}

impl<'a> Informed<'a> {
    /// The program in its coordinates; `sites` are those of the canonical ones.
    pub(super) fn new(
        program: &'a engine::Program,
        prior: Option<&'a Prior<'a>>,
        coordinates: &'a Coordinates,
        sites: &[Site],
    ) -> Self {
        let in_interval = |site: &&Site| {
            let alone = site.space.groups.is_none();
            alone && site.transform == Transform::Bijector(Bijector::Interval)
        };
        let bounded = sites.iter().filter(in_interval);
        let bounded = bounded.flat_map(|site| site.offset..site.offset + site.length).collect();
        Informed { program, prior, coordinates, bounded }
    }

    /// The coordinates beyond the limit, each with how far; none for most points.
    fn beyond(&self, point: &[f64]) -> Vec<(usize, f64)> {
        let excess = |&index: &usize| (index, point[index] - LIMIT);
        self.bounded.iter().map(excess).filter(|(_, excess)| *excess > 0.0).collect()
    }

    /// log p and its gradient, continued beyond the limit.
    fn continued(
        &self,
        workspace: &mut Workspace,
        point: &[f64],
        beyond: &[(usize, f64)],
        gradient: &mut [f64],
    ) -> f64 {
        let value = self.program.gradient(workspace, &clamped(point, beyond), gradient);
        value + beyond.iter().map(|&(index, excess)| gradient[index] * excess).sum::<f64>()
    }
}

/// The point with the coordinates beyond the limit at it.
fn clamped(point: &[f64], beyond: &[(usize, f64)]) -> Vec<f64> {
    let mut point = point.to_vec();
    beyond.iter().for_each(|&(index, _)| point[index] = LIMIT);
    point
}

impl LogDensity for Informed<'_> {
    type Workspace = Workspace;

    fn dimension(&self) -> usize {
        self.program.dimension()
    }

    fn workspace(&self) -> Workspace {
        self.program.workspace()
    }

    fn log_density(&self, workspace: &mut Workspace, point: &[f64]) -> f64 {
        match self.beyond(point).as_slice() {
            [] => self.program.log_density(workspace, point),
            beyond => self.continued(workspace, point, beyond, &mut vec![0.0; point.len()]),
        }
    }

    fn gradient(&self, workspace: &mut Workspace, point: &[f64], gradient: &mut [f64]) -> f64 {
        match self.beyond(point).as_slice() {
            [] => self.program.gradient(workspace, point, gradient),
            beyond => self.continued(workspace, point, beyond, gradient),
        }
    }

    fn hessian_vector(
        &self,
        workspace: &mut Workspace,
        point: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) {
        let beyond = self.beyond(point);
        if beyond.is_empty() {
            return self.program.hessian_vector(workspace, point, direction, product);
        }
        let mut direction = direction.to_vec();
        beyond.iter().for_each(|&(index, _)| direction[index] = 0.0);
        self.program.hessian_vector(workspace, &clamped(point, &beyond), &direction, product);
        beyond.iter().for_each(|&(index, _)| product[index] = 0.0);
    }
}

impl Target for Informed<'_> {
    fn quantity_count(&self) -> usize {
        self.program.quantity_count()
    }

    fn quantities(&self, workspace: &mut Workspace, point: &[f64], out: &mut [f64]) {
        self.program.quantities(workspace, point, out);
    }

    fn draw_prior(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        self.prior?.draw(self.coordinates, rng)
    }

    fn cost(&self) -> usize {
        self.program.work()
    }
}
