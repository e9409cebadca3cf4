//! Where latents live: their coordinates in the unconstrained space, and the two kernels that turn
//! coordinates into values.

use super::super::node::{Access, BufferId, Input, Node, Slot, Target};
use super::super::trace::Graph;
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::bound::finite::mentions;
use crate::bound::{self, Space};
use crate::math::bijector::Bijector;
use crate::typed::{Plane, Random, RandomId, RandomRole, VariableId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A latent's place in the unconstrained space.
#[derive(Clone, Debug)]
pub struct Site {
    /// The latent.
    pub variable: VariableId,
    /// Its first unconstrained coordinate.
    pub offset: usize,
    /// How many unconstrained coordinates it has.
    pub length: usize,
    /// Its elements and how they are tied.
    pub space: Space,
    /// How each element follows from its coordinate, where they are not tied.
    pub transform: Transform,
}

/// From the unconstrained coordinate u of an element to its value x.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// Onto the element's support.
    Bijector(Bijector),
    /// x = location + scale^(1 - c) (u - c location), with the centredness c of each element:
    /// at c = 1 the coordinate is the value, at c = 0 the standardised value (Papaspiliopoulos,
    /// Roberts and Sköld 2003).
    Centering(Arc<[f64]>),
}

/// The centredness of the elements of latents that are not in canonical coordinates, of those
/// elements that exist. Any choice
/// describes the same posterior.
pub type Coordinates = BTreeMap<RandomId, Arc<[f64]>>;

/// Whether a latent can have other coordinates: of a location-scale family, not truncated, with
/// parameters that do not depend on finite latents. They may depend on earlier elements of itself,
/// not on other names of a series.
pub fn is_movable(bound: &bound::Program, random: &Random) -> bool {
    let Some(parameters) = random.distribution.location_scale() else { return false };
    let alone = [random.variable];
    let with_others = |members: &Vec<VariableId>| members.contains(&alone[0]) && **members != alone;
    random.role == RandomRole::Latent
        && !bound.typed.series.iter().any(with_others)
        && parameters.iter().all(|parameter| !mentions(bound, parameter))
}

/// The latents whose centredness matters: movable, with a location or scale that depends on
/// latents.
pub fn recenterable(bound: &bound::Program) -> BTreeSet<RandomId> {
    let moves = |random: &Random| {
        let parameters = random.distribution.location_scale();
        parameters.is_some_and(|both| both.iter().any(|e| e.plane == Plane::Latent))
    };
    let randoms = bound.typed.randoms.iter().enumerate();
    let eligible = randoms.filter(|(_, r)| is_movable(bound, r) && moves(r));
    eligible.map(|(i, _)| RandomId(i as u32)).collect()
}

/// The two kernels of a transform.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    LogJacobian,
}

impl Lowering<'_> {
    /// Gives every latent its coordinates; those without bounds are their own values.
    pub(super) fn place_latents(&mut self, coordinates: &Coordinates) -> Result<(), LowerError> {
        let mut offset = 0;
        for (index, random) in self.bound.typed.randoms.iter().enumerate() {
            if random.role != RandomRole::Latent {
                continue;
            }
            let space = Space::of(&self.evaluator, random)?;
            let length = space.dimension();
            let elements: usize = self.bound.shape(random.variable).iter().product();
            let id = RandomId(index as u32);
            let (low, high) = random.distribution.ends();
            let bijector = Bijector::onto(low.is_some(), high.is_some());
            let transform = match coordinates.get(&id) {
                Some(centredness) => Transform::Centering(centredness.clone()),
                None => Transform::Bijector(bijector),
            };
            let plain = space.groups.is_none() && space.cells.len() == elements;
            if plain && transform == Transform::Bijector(Bijector::Identity) {
                self.places.insert(random.variable, Slot { buffer: BufferId::POINT, offset });
            } else {
                self.unplaced.push((id, self.sites.len()));
            }
            let variable = random.variable;
            self.sites.push(Site { variable, offset, length, space, transform });
            offset += length;
        }
        self.model.buffers[0] = offset;
        Ok(())
    }

    /// Adds the two kernels of a latent's transform, and whatever its bounds need, once.
    pub(super) fn transform(&mut self, id: RandomId) -> Result<(), LowerError> {
        let Some(at) = self.unplaced.iter().position(|(other, _)| *other == id) else {
            return Ok(());
        };
        let (_, site) = self.unplaced.remove(at);
        let Site { offset, transform, space, .. } = self.sites[site].clone();
        let bound = self.bound;
        let random = bound.typed.random(id);
        let elements: usize = bound.shape(random.variable).iter().product();
        let in_series = bound.typed.series.iter().any(|s| s.contains(&random.variable));
        let taking_turns = in_series && matches!(transform, Transform::Centering(_));
        // In a series the last element is never written: see `recur`.
        let buffer = self.model.add_buffer(elements + usize::from(taking_turns));
        if taking_turns {
            self.take_turns(random, &self.sites[site].clone(), buffer)?;
        }
        if let Some(groups) = &space.groups {
            self.transform_groups(random, groups, offset, buffer)?;
            self.places.insert(random.variable, Slot { buffer, offset: 0 });
            return Ok(());
        }
        let rows = Rows::over(&self.evaluator, &random.indices, random.guard.as_ref())?;
        let tag = self.origin(random.span, Some(random.variable), &rows);
        for part in [Part::Value, Part::LogJacobian] {
            if taking_turns && part == Part::Value {
                continue;
            }
            let graph = Graph::new();
            let mut tracer = Tracer::new(self, &graph, &rows);
            let u =
                tracer.input(Input { buffer: BufferId::POINT, access: Access::Contiguous(offset) });
            let (value, log_jacobian) = tracer.transformed(&transform, &random.distribution, u)?;
            let kernel = match part {
                Part::Value if rows.complete => {
                    tracer.finish(value, Target::Store(Slot { buffer, offset: 0 }), tag)
                }
                Part::Value => {
                    let index = rows.positions().into();
                    tracer.finish(value, Target::Accumulate { buffer, index }, tag)
                }
                Part::LogJacobian => tracer.finish(log_jacobian, Target::LogDensity, tag),
            };
            self.push(Node::Kernel(kernel));
        }
        self.places.insert(random.variable, Slot { buffer, offset: 0 });
        Ok(())
    }
}
