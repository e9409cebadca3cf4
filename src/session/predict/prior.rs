//! Draws of all latents from their priors, as unconstrained points that a fit can start from.
//!
//! Ancestral: each latent is drawn given those it depends on. An element that cannot be drawn (a
//! `Flat` prior, or parameters off the edge of numbers) is the image of a uniform unconstrained
//! value instead. Invariant: a point is that of one draw, whatever coordinates it is told in.

use super::plan::{Planner, Stage};
use super::walk::{Failing, Walk};
use super::{PredictError, size};
use crate::bound::{self, EvaluationError, Evaluator, Space};
use crate::engine::reference;
use crate::graph::lower::{ConstrainedLayout, Coordinates};
use crate::typed::{RandomId, RandomRole, VariableId};
use rand::Rng;
use std::collections::{HashMap, HashSet};

/// What cannot be drawn is uniform in (-RADIUS, RADIUS) on the unconstrained scale.
const RADIUS: f64 = 2.0;

/// The priors of a program, ready to be drawn from.
pub(in crate::session) struct Prior<'a> {
    bound: &'a bound::Program,
    layout: ConstrainedLayout,
    stages: Vec<Stage>,
    /// The first coordinate of every latent.
    offsets: HashMap<RandomId, usize>,
}

impl<'a> Prior<'a> {
    pub(in crate::session) fn new(bound: &'a bound::Program) -> Result<Self, PredictError> {
        let layout = ConstrainedLayout::new(bound);
        let all = |variable: VariableId| Ok((0..size(bound, variable) as u32).collect());
        let all: &dyn Fn(VariableId) -> Result<HashSet<u32>, PredictError> = &all;
        // A few draws are not worth compiling for.
        let mut planner = Planner::new(bound, &layout, all, false);
        let evaluator = Evaluator::of(bound, ());
        let mut offsets = HashMap::new();
        let mut offset = 0;
        for (index, random) in bound.typed.randoms.iter().enumerate() {
            if random.role == RandomRole::Latent {
                planner.variable(random.variable)?;
                offsets.insert(RandomId(index as u32), offset);
                offset += Space::of(&evaluator, random)?.dimension();
            }
        }
        let stages = planner.finish();
        Ok(Prior { bound, layout, stages, offsets })
    }

    /// A draw of all latents, unconstrained; `None` if a value lies on an end of its support.
    pub(in crate::session) fn draw(
        &self,
        coordinates: &Coordinates,
        rng: &mut dyn Rng,
    ) -> Option<Vec<f64>> {
        let mut walk = Walk::new(self.bound, &self.layout, &self.stages);
        walk.run(rng, Failing::Anywhere { radius: RADIUS }).ok()?;
        let mut latents = Vec::new();
        for random in self.bound.typed.randoms.iter().filter(|r| r.role == RandomRole::Latent) {
            let positions = 0..size(self.bound, random.variable);
            latents.extend(positions.map(|position| walk.values.get(random.variable, position)));
        }
        let mut point = reference::unconstrain(self.bound, &latents).ok()?;
        for (id, centredness) in coordinates {
            let offset = *self.offsets.get(id)?;
            let own = point.get_mut(offset..offset + centredness.len())?;
            self.recentre(&walk, *id, centredness, own).ok()?;
        }
        Some(point)
    }

    /// u = (x - location) scale^(c - 1) + c location, from the values x.
    fn recentre(
        &self,
        walk: &Walk<'_, '_>,
        id: RandomId,
        centredness: &[f64],
        own: &mut [f64],
    ) -> Result<(), EvaluationError> {
        let random = self.bound.typed.random(id);
        let call = random.distribution.call();
        let Some((call, at)) = call.and_then(|c| Some((c, c.family.location_scale?))) else {
            return Ok(());
        };
        let (Some(location), Some(scale)) = (call.arguments.get(at.0), call.arguments.get(at.1))
        else {
            return Ok(());
        };
        let evaluator = &walk.values.evaluator;
        let cells = Space::of(evaluator, random)?.cells;
        for (position, (u, c)) in cells.iter().zip(own.iter_mut().zip(centredness)) {
            let position = *position as usize;
            evaluator.stand(&random.indices, position);
            let (location, scale): (f64, f64) = (evaluator.eval(location)?, evaluator.eval(scale)?);
            let value = walk.values.get(random.variable, position);
            *u = (value - location) * scale.powf(c - 1.0) + c * location;
        }
        Ok(())
    }
}
