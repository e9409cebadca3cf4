//! Draws what is predicted: for every posterior draw, latents of labels not seen in the fit, then
//! every `predict`, then reports of predictions.
//!
//! Each statement is a stage: its parameters are evaluated by compiled kernels over the constrained
//! values so far, and its elements drawn from them. Draw k uses stream k of the seed, so that
//! predictions are the same for any number of threads.

mod prior;

pub(super) use prior::Prior;

use crate::bound;
use crate::engine::{self, Workspace};
use crate::graph::lower::{self, ConstrainedLayout, LowerError};
use crate::graph::{Inconsistency, Model};
use crate::inference::Target;
use crate::library::Density;
use crate::typed::{Distribution, Expr, Plane, RandomId, RandomRole, Role, VariableId};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::HashSet;

/// Draws of one predicted variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Its name.
    pub variable: String,
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
        family: &'static str,
        /// Its parameters.
        parameters: Vec<f64>,
        /// Whether the element is a latent that the fit has not seen.
        unseen: bool,
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

impl From<Inconsistency> for PredictError {
    fn from(error: Inconsistency) -> Self {
        PredictError::Inconsistent(error)
    }
}

/// The latents of a fit, by name and labels.
pub trait Latents: Sync {
    /// How many draws there are.
    fn count(&self) -> usize;

    /// The column of a latent's element among those of each draw, if the fit has it.
    fn column(&self, name: &str, labels: &[String]) -> Option<usize>;

    /// The value of a column in a draw.
    fn value(&self, draw: usize, column: usize) -> f64;
}

/// Draws every prediction of a program bound to the data it is about, for every draw of a fit.
///
/// A program without a `predict` predicts all it observes.
///
/// # Errors
///
/// See [`PredictError`].
pub fn predict(
    bound: &bound::Program,
    latents: &impl Latents,
    seed: u64,
) -> Result<Vec<Prediction>, PredictError> {
    let plan = Plan::new(bound, latents)?;
    let draws: Vec<Vec<f64>> = (0..latents.count())
        .into_par_iter()
        .map_init(
            || plan.workspaces(),
            |workspaces, draw| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(draw as u64);
                plan.draw(bound, latents, draw, workspaces, &mut rng)
            },
        )
        .collect::<Result<_, _>>()?;
    Ok(plan.transpose(bound, &draws))
}

/// What is drawn or computed, in order.
struct Plan {
    /// Columns of the fit to copy: from, to.
    copied: Vec<(usize, usize)>,
    stages: Vec<Stage>,
    /// The length of the constrained values.
    length: usize,
}

struct Stage {
    program: engine::Program,
    kind: StageKind,
}

enum StageKind {
    /// Draws elements from the parameters of their rows.
    Draw {
        random: RandomId,
        /// Rows to draw: row, and where the value goes (nowhere for observed names).
        rows: Vec<(usize, u32, Option<usize>)>,
        /// How many rows have parameters.
        count: usize,
        /// How many parameters each row has.
        width: usize,
    },
    /// Computes a report.
    Compute(VariableId),
}

impl Plan {
    fn new(bound: &bound::Program, latents: &impl Latents) -> Result<Self, PredictError> {
        let layout = ConstrainedLayout::new(bound);
        let mut plan = Plan { copied: Vec::new(), stages: Vec::new(), length: layout.len() };
        for random in drawing_order(bound) {
            let statement = bound.typed.random(random);
            let variable = statement.variable;
            match statement.role {
                RandomRole::Latent => {
                    let missing = plan.copy(bound, latents, &layout, variable);
                    if !missing.is_empty() {
                        plan.stage(bound, &layout, random, Some(&missing))?;
                    }
                }
                RandomRole::Finite => {}
                RandomRole::Predicted | RandomRole::Observed => {
                    plan.stage(bound, &layout, random, None)?;
                }
            }
        }
        for variable in &bound.typed.reports {
            if bound.typed.variable(*variable).plane == Plane::Predicted {
                let program = compile(&lower::definition(bound, &layout, *variable)?)?;
                plan.stages.push(Stage { program, kind: StageKind::Compute(*variable) });
            }
        }
        Ok(plan)
    }

    /// Notes which elements of a latent come from the fit; returns the positions of the others.
    fn copy(
        &mut self,
        bound: &bound::Program,
        latents: &impl Latents,
        layout: &ConstrainedLayout,
        variable: VariableId,
    ) -> HashSet<u32> {
        let offset = layout.offset(variable).unwrap_or(0);
        let name = &bound.typed.variable(variable).name;
        let size: usize = bound.shape(variable).iter().product();
        let mut missing = HashSet::new();
        for position in 0..size {
            match latents.column(name, &bound.labels(variable, position)) {
                Some(column) => self.copied.push((column, offset + position)),
                None => {
                    missing.insert(position as u32);
                }
            }
        }
        missing
    }

    fn stage(
        &mut self,
        bound: &bound::Program,
        layout: &ConstrainedLayout,
        random: RandomId,
        only: Option<&HashSet<u32>>,
    ) -> Result<(), PredictError> {
        let parameters = lower::parameters(bound, layout, random)?;
        let offset = layout.offset(bound.typed.random(random).variable);
        let rows = parameters
            .positions
            .iter()
            .enumerate()
            .filter(|(_, position)| only.is_none_or(|only| only.contains(position)))
            .map(|(row, position)| (row, *position, offset.map(|o| o + *position as usize)))
            .collect();
        let program = compile(&parameters.model)?;
        let (count, width) = (parameters.positions.len(), parameters.width);
        self.stages.push(Stage { program, kind: StageKind::Draw { random, rows, count, width } });
        Ok(())
    }

    fn workspaces(&self) -> Vec<(Workspace, Vec<f64>)> {
        use crate::inference::LogDensity;
        self.stages
            .iter()
            .map(|s| (s.program.workspace(), vec![0.0; s.program.quantity_count()]))
            .collect()
    }

    /// The predicted values of one draw, in the order of [`Plan::transpose`].
    fn draw(
        &self,
        bound: &bound::Program,
        latents: &impl Latents,
        draw: usize,
        workspaces: &mut [(Workspace, Vec<f64>)],
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<f64>, PredictError> {
        let mut point = vec![f64::NAN; self.length];
        for (from, to) in &self.copied {
            point[*to] = latents.value(draw, *from);
        }
        let mut predicted = Vec::new();
        for (stage, (workspace, values)) in self.stages.iter().zip(workspaces) {
            stage.program.quantities(workspace, &point, values);
            match &stage.kind {
                StageKind::Compute(_) => predicted.extend_from_slice(values),
                StageKind::Draw { random, rows, count, width } => {
                    let statement = bound.typed.random(*random);
                    let shown = statement.role != RandomRole::Latent;
                    let mut parameters = vec![0.0; *width];
                    for (row, position, to) in rows {
                        for (k, parameter) in parameters.iter_mut().enumerate() {
                            *parameter = values[k * count + row];
                        }
                        let value = sample(&statement.distribution, &parameters, rng)
                            .ok_or_else(|| cannot_draw(bound, *random, *position, &parameters))?;
                        if let Some(to) = to {
                            point[*to] = value;
                        }
                        if shown {
                            predicted.push(value);
                        }
                    }
                }
            }
        }
        Ok(predicted)
    }

    /// Draws by element, from elements by draw.
    fn transpose(&self, bound: &bound::Program, draws: &[Vec<f64>]) -> Vec<Prediction> {
        let mut predictions = Vec::new();
        let mut offset = 0;
        for stage in &self.stages {
            let (variable, positions): (VariableId, Vec<usize>) = match &stage.kind {
                StageKind::Compute(variable) => {
                    (*variable, (0..stage.program.quantity_count()).collect())
                }
                StageKind::Draw { random, rows, .. } => {
                    let statement = bound.typed.random(*random);
                    if statement.role == RandomRole::Latent {
                        continue;
                    }
                    (statement.variable, rows.iter().map(|(_, p, _)| *p as usize).collect())
                }
            };
            let column = |i: usize| draws.iter().map(|d| d[offset + i]).collect();
            predictions.push(Prediction {
                variable: bound.typed.variable(variable).name.clone(),
                labels: positions.iter().map(|p| bound.labels(variable, *p)).collect(),
                draws: (0..positions.len()).map(column).collect(),
            });
            offset += positions.len();
        }
        predictions
    }
}

fn compile(model: &Model) -> Result<engine::Program, PredictError> {
    Ok(engine::Program::compile(model, &engine::Options::default())?)
}

/// A draw from a distribution; the ends of its interval follow its arguments.
fn sample(distribution: &Distribution, parameters: &[f64], mut rng: &mut dyn Rng) -> Option<f64> {
    let call = distribution.call()?;
    let density: Density = call.parameterization.density;
    if call.truncation.is_none() {
        return density.sample(parameters, &mut rng).ok();
    }
    let (arguments, ends) = parameters.split_at(call.arguments.len());
    let [low, high] = ends else { return None };
    density.sample_within(Some(*low), Some(*high), arguments, &mut rng).ok()
}

fn cannot_draw(
    bound: &bound::Program,
    random: RandomId,
    position: u32,
    parameters: &[f64],
) -> PredictError {
    let statement = bound.typed.random(random);
    let name = &bound.typed.variable(statement.variable).name;
    let labels = bound.labels(statement.variable, position as usize);
    let element =
        if labels.is_empty() { name.clone() } else { format!("{name}[{}]", labels.join(", ")) };
    PredictError::CannotDraw {
        element,
        family: statement.distribution.family_name(),
        parameters: parameters.to_vec(),
        unseen: statement.role == RandomRole::Latent,
    }
}

/// Latents before what depends on them, then predictions likewise, then observed names.
fn drawing_order(bound: &bound::Program) -> Vec<RandomId> {
    let typed = &bound.typed;
    let of_role = |role: RandomRole| {
        let ids = typed.randoms.iter().enumerate();
        ids.filter(move |(_, r)| r.role == role).map(|(i, _)| RandomId(i as u32))
    };
    let mut order = Vec::new();
    let mut placed = HashSet::new();
    for random in of_role(RandomRole::Latent).chain(of_role(RandomRole::Predicted)) {
        visit(bound, random, &mut placed, &mut order);
    }
    let predictive =
        if typed.predictive.is_empty() && of_role(RandomRole::Predicted).next().is_none() {
            of_role(RandomRole::Observed).collect()
        } else {
            typed.predictive.clone()
        };
    order.extend(predictive);
    order
}

fn visit(
    bound: &bound::Program,
    random: RandomId,
    placed: &mut HashSet<RandomId>,
    order: &mut Vec<RandomId>,
) {
    if !placed.insert(random) {
        return;
    }
    let distribution = &bound.typed.random(random).distribution;
    let mut pending: Vec<VariableId> =
        distribution.expressions().into_iter().flat_map(Expr::variables).collect();
    let mut seen: HashSet<VariableId> = HashSet::new();
    while let Some(variable) = pending.pop() {
        if !seen.insert(variable) {
            continue;
        }
        match bound.typed.variable(variable).role {
            Role::Data(_) => {}
            Role::Latent(id) | Role::Predicted(id) => visit(bound, id, placed, order),
            Role::Derived(id) => {
                let value = &bound.typed.definition(id).value;
                pending.extend(value.expressions().into_iter().flat_map(Expr::variables));
            }
        }
    }
    order.push(random);
}
