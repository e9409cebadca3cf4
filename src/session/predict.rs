//! Draws what the density does not give: for every posterior draw, latents with finitely many
//! values, latents of labels not seen in the fit, every `predict`, and reports of all these.
//!
//! A draw begins with the values of the fit and goes through the stages of a plan, each of which
//! computes or draws more from them. Draw k uses stream k of the seed, so that draws are the same
//! for any number of threads.

mod known;
mod numeric;
mod plan;
mod prior;
mod region;
mod sample;
mod unknown;
mod walk;

pub(super) use prior::Prior;
pub(super) use unknown::Unknown;

use crate::bound::{self, EvaluationError, Finite};
use crate::engine;
use crate::graph::lower::{ConstrainedLayout, LowerError};
use crate::graph::{Inconsistency, Model};
use crate::typed::{AxisId, Plane, RandomId, RandomRole, VariableId};
use plan::Planner;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::HashSet;
use walk::{Failing, Walk};

/// Draws of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Its name.
    pub variable: String,
    /// The row-major position of every element.
    pub positions: Vec<usize>,
    /// The labels of every element, in the order of its axes.
    pub labels: Vec<Vec<String>>,
    /// For every element, its value in every draw.
    pub draws: Vec<Vec<f64>>,
}

/// Why something could not be predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum PredictError {
    /// An element's distribution cannot be drawn from.
    CannotDraw {
        /// The element, with its labels.
        element: String,
        /// The family.
        family: String,
        /// Its parameters.
        parameters: Vec<f64>,
        /// Whether the element is a latent that the fit has not seen.
        unseen: bool,
    },
    /// An element is unknown, but tied to elements that are known.
    Tied {
        /// The element, with its labels.
        element: String,
        /// The family that ties them.
        family: String,
    },
    /// A latent with finitely many values was not saved.
    NotSaved {
        /// Its name.
        name: String,
    },
    /// The program cannot be compiled.
    Lower(LowerError),
    /// A compiled model is not consistent: an internal error.
    Inconsistent(Inconsistency),
}

impl From<LowerError> for PredictError {
    fn from(error: LowerError) -> Self {
        PredictError::Lower(error)
    }
}

impl From<EvaluationError> for PredictError {
    fn from(error: EvaluationError) -> Self {
        PredictError::Lower(error.into())
    }
}

impl From<Inconsistency> for PredictError {
    fn from(error: Inconsistency) -> Self {
        PredictError::Inconsistent(error)
    }
}

/// The latents of a fit, by name and labels.
pub trait Latents: Sync {
    /// What [`Latents::assign`] works in.
    type Workspace;

    /// A new workspace.
    fn workspace(&self) -> Self::Workspace;

    /// How many draws there are.
    fn count(&self) -> usize;

    /// Whether there is anything of this latent.
    fn has(&self, name: &str) -> bool;

    /// The column of a latent's element among those of each draw, if the fit has it.
    fn column(&self, name: &str, labels: &[String]) -> Option<usize>;

    /// The value of a column in a draw.
    fn value(&self, draw: usize, column: usize) -> f64;

    /// Whether [`Latents::assign`] draws the latents with finitely many values.
    fn assigns(&self) -> bool;

    /// Draws them together given the continuous latents of a draw: their values, in the order of
    /// [`Finite`]. Nothing if there is nothing to draw from.
    fn assign(
        &self,
        workspace: &mut Self::Workspace,
        draw: usize,
        rng: &mut ChaCha8Rng,
    ) -> Option<Vec<f64>>;
}

/// What to draw.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Latents with finitely many values, and reports that depend on them.
    pub variables: Vec<VariableId>,
    /// Whether to draw every prediction and what is computed from predictions. A program without a
    /// `predict` predicts all it observes.
    pub predictions: bool,
    /// Whether missing cells of what is predicted are told too, as where no summary of latents is.
    pub imputed: bool,
    /// Axes whose elements are not those of the fit, whatever their labels.
    pub fresh: HashSet<AxisId>,
}

impl Wanted {
    /// What `predict` draws from a saved fit: predictions, and reports that depend on latents with
    /// finitely many values, which new data have anew.
    pub fn predictions(bound: &bound::Program, fresh: HashSet<AxisId>) -> Self {
        let typed = &bound.typed;
        let finite = |v: &VariableId| {
            let info = typed.variable(*v);
            info.finite && info.plane < Plane::Predicted
        };
        let variables = typed.reports.iter().copied().filter(finite).collect();
        Wanted { variables, predictions: true, imputed: true, fresh }
    }
}

/// Draws what is wanted of a program bound to the data it is about, for every draw of a fit.
///
/// # Errors
///
/// See [`PredictError`].
pub fn predict(
    bound: &bound::Program,
    latents: &impl Latents,
    wanted: &Wanted,
    seed: u64,
) -> Result<Vec<Prediction>, PredictError> {
    let plan = Plan::new(bound, latents, wanted)?;
    let draws: Vec<Vec<f64>> = (0..latents.count())
        .into_par_iter()
        .map_init(
            || (Walk::new(bound, &plan.layout, &plan.stages), latents.workspace()),
            |(walk, workspace), draw| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(draw as u64);
                plan.draw(latents, walk, workspace, draw, &mut rng)
            },
        )
        .collect::<Result<_, _>>()?;
    Ok(plan.transpose(bound, &draws))
}

/// What is drawn or computed, in order, and what of it is told.
struct Plan {
    layout: ConstrainedLayout,
    /// Columns of the fit to copy to elements.
    copied: Vec<(usize, VariableId, usize)>,
    /// Latents that the fit draws again for every draw.
    assigned: Finite,
    stages: Vec<plan::Stage>,
    /// Variables and the positions of their elements.
    shown: Vec<(VariableId, Vec<u32>)>,
}

impl Plan {
    fn new(
        bound: &bound::Program,
        latents: &impl Latents,
        wanted: &Wanted,
    ) -> Result<Self, PredictError> {
        let layout = ConstrainedLayout::new(bound);
        let evaluator = bound::Evaluator::of(bound, ());
        let assigned = match latents.assigns() {
            true => Finite::of(bound, &evaluator)?,
            false => Finite::default(),
        };
        let mut copied = Vec::new();
        for random in &bound.typed.randoms {
            let variable = random.variable;
            match random.role {
                RandomRole::Latent => {}
                RandomRole::Finite if !latents.assigns() => {}
                RandomRole::Finite | RandomRole::Observed | RandomRole::Predicted => continue,
            }
            if is_fresh(bound, wanted, variable) {
                continue;
            }
            let name = &bound.typed.variable(variable).name;
            for position in 0..size(bound, variable) {
                if let Some(column) = latents.column(name, &bound.labels(variable, position)) {
                    copied.push((column, variable, position));
                }
            }
        }
        let given: HashSet<(VariableId, usize)> = copied.iter().map(|(_, v, p)| (*v, *p)).collect();
        let missing = |variable: VariableId| {
            let info = bound.typed.variable(variable);
            if info.plane == Plane::Finite && latents.assigns() {
                return Ok(HashSet::new());
            }
            if !latents.has(&info.name) && !is_fresh(bound, wanted, variable) {
                return Err(PredictError::NotSaved { name: info.name.clone() });
            }
            let positions = 0..size(bound, variable);
            let missing = positions.filter(|position| !given.contains(&(variable, *position)));
            Ok(missing.map(|position| position as u32).collect::<HashSet<u32>>())
        };
        let mut planner = Planner::new(bound, &layout, &missing, true);
        let shown = plan_wanted(bound, wanted, &mut planner)?;
        let stages = planner.finish();
        Ok(Plan { layout, copied, assigned, stages, shown })
    }

    /// The values of one draw that are told, in the order of [`Plan::transpose`].
    fn draw<L: Latents>(
        &self,
        latents: &L,
        walk: &mut Walk<'_, '_>,
        workspace: &mut L::Workspace,
        draw: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<f64>, PredictError> {
        walk.values.begin();
        for (column, variable, position) in &self.copied {
            walk.values.set(*variable, *position, latents.value(draw, *column));
        }
        if !self.assigned.elements.is_empty() {
            let values = latents.assign(workspace, draw, rng).unwrap_or_default();
            for (element, value) in self.assigned.elements.iter().zip(values) {
                walk.values.set(element.variable, element.position, value);
            }
        }
        walk.run(rng, Failing::Stops)?;
        let shown = self.shown.iter().flat_map(|(variable, positions)| {
            positions.iter().map(|position| walk.values.get(*variable, *position as usize))
        });
        Ok(shown.collect())
    }

    /// Draws by element, from elements by draw.
    fn transpose(&self, bound: &bound::Program, draws: &[Vec<f64>]) -> Vec<Prediction> {
        let mut predictions = Vec::new();
        let mut offset = 0;
        for (variable, positions) in &self.shown {
            let labels = positions.iter().map(|p| bound.labels(*variable, *p as usize));
            let column = |i: usize| draws.iter().map(|d| d[offset + i]).collect();
            predictions.push(Prediction {
                variable: bound.typed.variable(*variable).name.clone(),
                labels: labels.collect(),
                positions: positions.iter().map(|p| *p as usize).collect(),
                draws: (0..positions.len()).map(column).collect(),
            });
            offset += positions.len();
        }
        predictions
    }
}

/// Plans what is wanted: latents before what depends on them, then predictions, then observed
/// names, then reports. Returns what is told.
fn plan_wanted(
    bound: &bound::Program,
    wanted: &Wanted,
    planner: &mut Planner<'_, '_>,
) -> Result<Vec<(VariableId, Vec<u32>)>, PredictError> {
    let typed = &bound.typed;
    let mut shown = Vec::new();
    for variable in &wanted.variables {
        planner.variable(*variable)?;
        shown.push((*variable, planner.positions(*variable)?));
    }
    if !wanted.predictions {
        return Ok(shown);
    }
    let of_role = |role: RandomRole| {
        let ids = typed.randoms.iter().enumerate();
        ids.filter(move |(_, r)| r.role == role).map(|(i, _)| RandomId(i as u32))
    };
    let all: Vec<RandomId> = of_role(RandomRole::Predicted).collect();
    let asked = |id: &&RandomId| typed.missing_cells_of(typed.random(**id).variable).is_none();
    let predicted: Vec<RandomId> = all.iter().filter(asked).copied().collect();
    for id in &all {
        let variable = typed.random(*id).variable;
        planner.variable(variable)?;
        shown.push((variable, planner.positions(variable)?));
    }
    let observed = if typed.predictive.is_empty() && predicted.is_empty() {
        of_role(RandomRole::Observed).collect()
    } else {
        typed.predictive.clone()
    };
    for id in observed {
        planner.statement(id)?;
        let variable = typed.random(id).variable;
        let mut positions = planner.positions_of(id)?;
        if let Some(tied) = typed.incomplete.iter().find(|i| i.whole == variable) {
            // Where latents are told, their draws are those of the missing cells.
            let given = bound.values[tied.given.index()].as_ref();
            let cell = |at: &u32| given.and_then(|array| array.get(*at as usize));
            let is_given = |at: &u32| cell(at).is_some_and(|cell| !cell.is_nan());
            positions.retain(|at| wanted.imputed || is_given(at));
            shown.push((tied.given, positions));
            continue;
        }
        shown.push((variable, positions));
        let incomplete = typed.incomplete.iter().find(|i| i.given == variable);
        let missing = incomplete.map(|i| i.missing).filter(|missing| {
            wanted.imputed && !shown.iter().any(|(variable, _)| variable == missing)
        });
        if let Some(missing) = missing {
            planner.variable(missing)?;
            shown.push((missing, planner.positions(missing)?));
        }
    }
    for variable in &typed.reports {
        if typed.variable(*variable).plane == Plane::Predicted {
            planner.variable(*variable)?;
            shown.push((*variable, planner.positions(*variable)?));
        }
    }
    Ok(shown)
}

fn size(bound: &bound::Program, variable: VariableId) -> usize {
    bound.shape(variable).iter().product()
}

fn is_fresh(bound: &bound::Program, wanted: &Wanted, variable: VariableId) -> bool {
    bound.typed.variable(variable).axes.iter().any(|axis| wanted.fresh.contains(axis))
}

fn compile(model: &Model) -> Result<engine::Program, PredictError> {
    Ok(engine::Program::compile(model, &engine::Options::default())?)
}
