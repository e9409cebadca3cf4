//! Goes through the stages of a plan, one draw after another.

use super::PredictError;
use super::known::Draw;
use super::plan::{Family, Stage, Turn};
use super::region::{self, Region};
use super::sample::{Sampler, Undrawable};
use crate::bound::{self, Space, space};
use crate::engine::{Program, Workspace};
use crate::graph::lower::ConstrainedLayout;
use crate::inference::{LogDensity, Target};
use crate::math::VectorBijector;
use crate::typed::{RandomId, RandomRole};
use rand::Rng;

/// What happens where a distribution cannot be drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failing {
    /// There is no draw.
    Stops,
    /// The value is somewhere in a region.
    Anywhere(Region),
}

/// The stages and the values of the present draw.
pub(super) struct Walk<'a, 'p> {
    pub(super) values: Draw<'a>,
    bound: &'a bound::Program,
    stages: &'p [Stage],
    /// For each compiled stage, what it works in and its quantities.
    workspaces: Vec<Option<(Workspace, Vec<f64>)>>,
}

impl<'a, 'p> Walk<'a, 'p> {
    pub(super) fn new(
        bound: &'a bound::Program,
        layout: &ConstrainedLayout,
        stages: &'p [Stage],
    ) -> Self {
        let room =
            |program: &Program| Some((program.workspace(), vec![0.0; program.quantity_count()]));
        let workspaces = stages.iter().map(|stage| match stage {
            Stage::Family(family) => room(&family.program),
            Stage::Definition { program, .. } => room(program),
            Stage::Turns(_) => None,
        });
        Walk { values: Draw::new(bound, layout), bound, stages, workspaces: workspaces.collect() }
    }

    /// Draws and computes everything that is planned.
    pub(super) fn run(&mut self, rng: &mut dyn Rng, failing: Failing) -> Result<(), PredictError> {
        for (stage, room) in self.stages.iter().zip(&mut self.workspaces) {
            let step = Step { values: &self.values, bound: self.bound, rng: &mut *rng, failing };
            match (stage, room) {
                (Stage::Turns(turns), _) => step.turns(turns)?,
                (Stage::Family(family), Some((workspace, quantities))) => {
                    step.values.with_point(|p| family.program.quantities(workspace, p, quantities));
                    step.family(family, quantities)?;
                }
                (Stage::Definition { program, variable }, Some((workspace, quantities))) => {
                    step.values.with_point(|p| program.quantities(workspace, p, quantities));
                    for (position, value) in quantities.iter().enumerate() {
                        step.values.set(*variable, position, *value);
                    }
                }
                (Stage::Family(_) | Stage::Definition { .. }, None) => {}
            }
        }
        Ok(())
    }
}

/// One stage of one draw.
struct Step<'s, 'a> {
    values: &'s Draw<'a>,
    bound: &'a bound::Program,
    rng: &'s mut dyn Rng,
    failing: Failing,
}

impl Step<'_, '_> {
    fn family(self, family: &Family, quantities: &[f64]) -> Result<(), PredictError> {
        let random = self.bound.typed.random(family.random);
        let Some(call) = random.distribution.call() else { return Ok(()) };
        let density = call.parameterization.density;
        let mut parameters = vec![0.0; family.width];
        let mut rng = self.rng;
        for (row, position) in &family.rows {
            for (k, parameter) in parameters.iter_mut().enumerate() {
                *parameter = quantities[k * family.count + row];
            }
            let drawn = match (&call.truncation, parameters.split_at(call.arguments.len())) {
                (Some(_), (arguments, [low, high])) => {
                    density.sample_within(Some(*low), Some(*high), arguments, &mut rng)
                }
                (Some(_) | None, (arguments, _)) => density.sample(arguments, &mut rng),
            };
            let value = drawn.map_err(|_| {
                let failure =
                    Undrawable::Parameters(call.family.name.to_owned(), parameters.clone());
                cannot_draw(self.bound, family.random, *position as usize, failure)
            })?;
            self.values.set(random.variable, *position as usize, value);
        }
        Ok(())
    }

    fn turns(mut self, turns: &[Turn]) -> Result<(), PredictError> {
        for turn in turns {
            match turn {
                Turn::Define(variable, id, position) => {
                    let evaluator = &self.values.evaluator;
                    if let Some(value) = evaluator.enter(*id, *position) {
                        self.values.set(*variable, *position, evaluator.eval(value)?);
                    }
                }
                Turn::Draw(id, position) => self.element(*id, *position)?,
                Turn::Group(id, members) => self.group(*id, members)?,
                Turn::Missing(id, whole, members) => self.missing(*id, *whole, members)?,
            }
        }
        Ok(())
    }

    /// Whether an element still has to be drawn.
    fn is_missing(&self, id: RandomId, position: usize) -> bool {
        let random = self.bound.typed.random(id);
        match random.role {
            RandomRole::Latent | RandomRole::Finite => {
                self.values.get(random.variable, position).is_nan()
            }
            RandomRole::Predicted | RandomRole::Observed => true,
        }
    }

    fn element(&mut self, id: RandomId, position: usize) -> Result<(), PredictError> {
        if !self.is_missing(id, position) {
            return Ok(());
        }
        let random = self.bound.typed.random(id);
        let evaluator = &self.values.evaluator;
        evaluator.stand(&random.indices, position);
        let mut sampler = Sampler { evaluator, rng: &mut *self.rng };
        let value = match (sampler.element(random, &random.distribution), self.failing) {
            (Ok(value), _) => value,
            (Err(failure), Failing::Stops) => {
                return Err(cannot_draw(self.bound, id, position, failure));
            }
            (Err(_), Failing::Anywhere(region)) => {
                evaluator.stand(&random.indices, position);
                let (low, high) = self.ends(id);
                region.value(self.rng, low, high)
            }
        };
        self.values.set(random.variable, position, value);
        Ok(())
    }

    fn group(&mut self, id: RandomId, members: &[u32]) -> Result<(), PredictError> {
        let random = self.bound.typed.random(id);
        let missing = members.iter().filter(|m| self.is_missing(id, **m as usize)).count();
        let Some(first) = members.iter().find(|m| self.is_missing(id, **m as usize)) else {
            return Ok(());
        };
        if missing < members.len() {
            let element = element_name(self.bound, id, *first as usize);
            return Err(PredictError::Tied {
                element,
                family: random.distribution.family_name().to_owned(),
            });
        }
        let evaluator = &self.values.evaluator;
        let mut sampler = Sampler { evaluator, rng: &mut *self.rng };
        let drawn = match (sampler.group(random, members), self.failing) {
            (Ok(drawn), _) => drawn,
            (Err(failure), Failing::Stops) => {
                return Err(cannot_draw(self.bound, id, *first as usize, failure));
            }
            (Err(_), Failing::Anywhere(region)) => self.anywhere(id, *first, region)?,
        };
        // A replicate of cells of which some are missing is none of their values.
        let incomplete = &self.bound.typed.incomplete;
        let whole = incomplete.iter().find(|i| i.whole == random.variable);
        let variable = whole.map_or(random.variable, |i| i.given);
        for (member, value) in members.iter().zip(drawn) {
            self.values.set(variable, *member as usize, value);
        }
        Ok(())
    }

    /// The missing cells of a group: all of it where all are missing.
    fn missing(
        &mut self,
        id: RandomId,
        whole: RandomId,
        members: &[u32],
    ) -> Result<(), PredictError> {
        let (random, tied) = (self.bound.typed.random(id), self.bound.typed.random(whole));
        let incomplete = self.bound.typed.missing_cells_of(random.variable);
        let given = incomplete.and_then(|i| self.bound.values[i.given.index()].as_ref());
        let cell = |m: u32| given.and_then(|array| array.get(m as usize));
        let is_missing = |m: &&u32| cell(**m).is_some_and(f64::is_nan);
        let missing: Vec<u32> = members.iter().filter(is_missing).copied().collect();
        let unknown = |m: &&u32| self.values.get(random.variable, **m as usize).is_nan();
        let Some(first) = missing.iter().find(unknown).copied() else { return Ok(()) };
        let drawn = if missing.len() == members.len() {
            let evaluator = &self.values.evaluator;
            let mut sampler = Sampler { evaluator, rng: &mut *self.rng };
            sampler.group(tied, members).map_err(|failure| (failure, first))
        } else {
            let family = tied.distribution.family_name().to_owned();
            let element = element_name(self.bound, id, first as usize);
            match self.failing {
                Failing::Stops => return Err(PredictError::Tied { element, family }),
                Failing::Anywhere(_) => Err((Undrawable::Parameters(family, Vec::new()), first)),
            }
        };
        let drawn = match (drawn, self.failing) {
            (Ok(drawn), _) => drawn,
            (Err((failure, first)), Failing::Stops) => {
                return Err(cannot_draw(self.bound, whole, first as usize, failure));
            }
            (Err(_), Failing::Anywhere(region)) => {
                let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
                missing.iter().map(|_| region.value(self.rng, low, high)).collect()
            }
        };
        for (member, value) in missing.iter().zip(drawn) {
            self.values.set(random.variable, *member as usize, value);
        }
        Ok(())
    }

    /// The values of a group: of an ordered one as if each were alone, else from unconstrained
    /// coordinates.
    fn anywhere(
        &mut self,
        id: RandomId,
        first: u32,
        region: Region,
    ) -> Result<Vec<f64>, PredictError> {
        let random = self.bound.typed.random(id);
        let evaluator = &self.values.evaluator;
        let groups = Space::of(evaluator, random)?.groups;
        evaluator.stand(&random.indices, first as usize);
        let (low, high) = self.ends(id);
        let mut alone = |count: usize| -> Vec<f64> {
            (0..count).map(|_| region.value(self.rng, low, high)).collect()
        };
        let Some(groups) = groups else {
            let group = space::groups(evaluator, random)?;
            let count = group.iter().find(|m| m.first() == Some(&first)).map_or(0, Vec::len);
            return Ok(alone(count));
        };
        if matches!(groups.bijector, VectorBijector::Ordered(_)) {
            let mut values = alone(groups.rows);
            values.sort_by(f64::total_cmp);
            return Ok(values);
        }
        let count = groups.bijector.dimension(groups.rows);
        let coordinates: Vec<f64> = (0..count).map(|_| region::coordinate(self.rng)).collect();
        Ok(groups.bijector.constrain(&coordinates, groups.rows, low, high).0)
    }

    /// The interval that an element lives in, at the present indices; infinite where it has no
    /// value.
    fn ends(&self, id: RandomId) -> (f64, f64) {
        let (low, high) = self.bound.typed.random(id).distribution.ends();
        let evaluator = &self.values.evaluator;
        let low = low.and_then(|e| evaluator.eval(&e).ok()).unwrap_or(f64::NEG_INFINITY);
        (low, high.and_then(|e| evaluator.eval(&e).ok()).unwrap_or(f64::INFINITY))
    }
}

fn element_name(bound: &bound::Program, id: RandomId, position: usize) -> String {
    let variable = bound.typed.random(id).variable;
    let labels = bound.labels(variable, position);
    crate::output::element_name(&bound.typed.variable(variable).name, &labels)
}

fn cannot_draw(
    bound: &bound::Program,
    id: RandomId,
    position: usize,
    failure: Undrawable,
) -> PredictError {
    match failure {
        Undrawable::Evaluation(error) => error.into(),
        Undrawable::Parameters(family, parameters) => PredictError::CannotDraw {
            element: element_name(bound, id, position),
            family,
            parameters,
            unseen: match bound.typed.random(id).role {
                RandomRole::Latent | RandomRole::Finite => true,
                RandomRole::Observed | RandomRole::Predicted => false,
            },
        },
    }
}
