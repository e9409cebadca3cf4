//! Draws of all latents from their priors, as unconstrained points that a fit can start from.
//!
//! Ancestral: each latent is drawn given those it depends on. An element that cannot be drawn (a
//! `Flat` prior, or parameters off the edge of numbers) is the image of a uniform unconstrained
//! value instead. Invariant: a point is that of one draw, whatever coordinates it is told in.

use super::{Latents, Plan, PredictError, StageKind, drawing_order, sample};
use crate::bound;
use crate::engine::reference;
use crate::graph::lower::{ConstrainedLayout, Coordinates};
use crate::inference::Target;
use crate::math::bijector::Bijector;
use crate::typed::{RandomId, RandomRole};
use rand::{Rng, RngExt};

/// What cannot be drawn is uniform in (-RADIUS, RADIUS) on the unconstrained scale.
const RADIUS: f64 = 2.0;

/// The priors of a program, ready to be drawn from.
pub(in crate::session) struct Prior<'a> {
    bound: &'a bound::Program,
    layout: ConstrainedLayout,
    plan: Plan,
}

/// A fit that knows no latent.
struct Unfitted;

impl Latents for Unfitted {
    fn count(&self) -> usize {
        0
    }

    fn column(&self, _: &str, _: &[String]) -> Option<usize> {
        None
    }

    fn value(&self, _: usize, _: usize) -> f64 {
        f64::NAN
    }
}

impl<'a> Prior<'a> {
    pub(in crate::session) fn new(bound: &'a bound::Program) -> Result<Self, PredictError> {
        let layout = ConstrainedLayout::new(bound);
        let mut plan = Plan { copied: Vec::new(), stages: Vec::new(), length: layout.len() };
        for random in drawing_order(bound) {
            let statement = bound.typed.random(random);
            if statement.role == RandomRole::Latent {
                let all = plan.copy(bound, &Unfitted, &layout, statement.variable);
                plan.stage(bound, &layout, random, Some(&all))?;
            }
        }
        Ok(Prior { bound, layout, plan })
    }

    /// A draw of all latents, unconstrained; `None` if a value lies on an end of its support.
    pub(in crate::session) fn draw(
        &self,
        coordinates: &Coordinates,
        rng: &mut dyn Rng,
    ) -> Option<Vec<f64>> {
        let mut constrained = vec![f64::NAN; self.layout.len()];
        let mut standardised: Vec<(RandomId, usize, f64)> = Vec::new();
        for (stage, (workspace, values)) in self.plan.stages.iter().zip(&mut self.plan.workspaces())
        {
            let StageKind::Draw { random, rows, count, width } = &stage.kind else { continue };
            let distribution = &self.bound.typed.random(*random).distribution;
            let call = distribution.call()?;
            let centredness = coordinates.get(random).zip(call.family.location_scale);
            stage.program.quantities(workspace, &constrained, values);
            for (row, position, to) in rows {
                let parameters: Vec<f64> = (0..*width).map(|k| values[k * count + row]).collect();
                let value = sample(distribution, &parameters, rng)
                    .unwrap_or_else(|| anywhere(&parameters[call.arguments.len()..], rng));
                constrained[(*to)?] = value;
                if let Some((centredness, (location, scale))) = centredness {
                    let c = centredness.get(*position as usize)?;
                    let (location, scale) = (parameters[location], parameters[scale]);
                    let u = (value - location) * scale.powf(c - 1.0) + c * location;
                    standardised.push((*random, *position as usize, u));
                }
            }
        }
        self.unconstrain(&constrained, &standardised)
    }

    fn unconstrain(
        &self,
        constrained: &[f64],
        standardised: &[(RandomId, usize, f64)],
    ) -> Option<Vec<f64>> {
        let mut latents = Vec::new();
        let mut offsets = std::collections::HashMap::new();
        for (index, random) in self.bound.typed.randoms.iter().enumerate() {
            if random.role == RandomRole::Latent {
                offsets.insert(RandomId(index as u32), latents.len());
                let from = self.layout.offset(random.variable)?;
                let length: usize = self.bound.shape(random.variable).iter().product();
                latents.extend_from_slice(constrained.get(from..from + length)?);
            }
        }
        let mut point = reference::unconstrain(self.bound, &latents).ok()?;
        for (random, position, u) in standardised {
            *point.get_mut(offsets.get(random)? + position)? = *u;
        }
        Some(point)
    }
}

/// The image of a uniform unconstrained value in the interval that `ends` give, if they do.
fn anywhere(ends: &[f64], rng: &mut dyn Rng) -> f64 {
    let u = rng.random_range(-RADIUS..RADIUS);
    match ends {
        [low, high] => Bijector::onto(low.is_finite(), high.is_finite()).constrain(u, *low, *high),
        _ => u,
    }
}
