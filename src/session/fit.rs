//! A compiled model to a fit, equally weighted draws, and predictions from them.

use super::failure::Failure;
use super::model::Model;
use super::predict::{self, Latents, PredictError, Prediction, Wanted};
use crate::bound::{Evaluator, Finite};
use crate::engine;
use crate::inference::forecast::Size;
use crate::inference::{
    self, Fit, Forecast, GuideChoice, LogDensity, Options, Progress, Target, forecast,
};
use crate::typed::{Plane, RandomId, RandomRole, VariableId};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How to fit a program.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOptions {
    /// How to fit the target.
    pub inference: Options,
    /// The seed of everything random.
    pub seed: u64,
    /// Equally weighted draws to keep.
    pub draws: usize,
    /// Whether to draw predictions too.
    pub predict: bool,
    /// A latent with finitely many values is summarised and saved if it has at most this many
    /// elements, or if a `report` names it: 20,000 labels of words are neither read nor stored by
    /// mistake.
    pub most_finite: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions {
            inference: Options::default(),
            seed: 0,
            draws: 4000,
            predict: false,
            most_finite: 1000,
        }
    }
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The fit.
    pub fit: Fit,
    /// The latents that were fitted in coordinates that are not canonical.
    pub recentered: Vec<String>,
    /// The seed it was made with.
    pub seed: u64,
    /// Which of the fit's weighted draws make up equally weighted ones.
    pub resampled: Vec<usize>,
    /// Latents with finitely many values and reports that depend on them, one value per equally
    /// weighted draw: all of a draw together from p(z | θ, y).
    pub finite: Vec<Prediction>,
    /// Predictions, one value per equally weighted draw.
    pub predictions: Vec<Prediction>,
    /// Time by phase.
    pub timings: Timings,
}

/// Time spent in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Parsing and checking.
    pub check: Duration,
    /// Reading data and binding.
    pub bind: Duration,
    /// Lowering and compiling.
    pub compile: Duration,
    /// Fitting, checking and correcting.
    pub fit: Duration,
    /// Drawing predictions.
    pub predict: Duration,
}

impl Timings {
    /// All phases together.
    pub fn total(&self) -> Duration {
        self.check + self.bind + self.compile + self.fit + self.predict
    }
}

impl Model {
    /// Whether a fit has the memory it needs, in bytes; before anything is allocated.
    ///
    /// # Errors
    ///
    /// [`Failure::Memory`], saying what it needs and which guide would fit.
    pub fn afford(&self, options: &Options, available: f64, threads: usize) -> Result<(), Failure> {
        let size = Size {
            dimension: self.engine.dimension(),
            quantities: self.engine.quantity_count(),
            workspace: self.engine.workspace_bytes(),
            threads,
        };
        let Forecast { full_rank, mean_field } = forecast(&size, options);
        let correlated = match options.guide {
            GuideChoice::MeanField => false,
            GuideChoice::FullRank | GuideChoice::Triangular => true,
            GuideChoice::Auto => size.dimension <= options.full_rank_limit,
        };
        let needed = if correlated { full_rank } else { mean_field };
        if needed <= available {
            return Ok(());
        }
        let gib = |bytes: f64| format!("{:.1} GiB", bytes / f64::from(1 << 30));
        let help = match correlated && mean_field <= available {
            true => format!("`--guide mean-field` needs about {}", gib(mean_field)),
            false => "no guide would fit: take fewer latents or rows".to_owned(),
        };
        Err(Failure::Memory(format!(
            "the fit of {} latents needs about {} of memory, but {} is to be had; {help}",
            size.dimension,
            gib(needed),
            gib(available)
        )))
    }

    /// Fits the model. `timings` holds the phases so far.
    ///
    /// # Errors
    ///
    /// [`Failure::Program`] if no start has a finite density, saying which statement and row is
    /// to blame.
    pub fn fit(
        &self,
        options: &FitOptions,
        mut timings: Timings,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fitted, Failure> {
        let start = Instant::now();
        let (fit, coordinates) = self.best_fit(&options.inference, options.seed, progress)?;
        timings.fit = start.elapsed();
        let resampled = inference::resample(&fit.draws.weights(), options.draws, options.seed);
        let name = |id: &RandomId| {
            let variable = self.bound.typed.random(*id).variable;
            self.bound.typed.variable(variable).name.clone()
        };
        let recentered = coordinates.keys().map(name).collect();
        let mut fitted = Fitted {
            fit,
            recentered,
            seed: options.seed,
            resampled,
            finite: Vec::new(),
            predictions: Vec::new(),
            timings,
        };
        let variables = self.finite(options.most_finite);
        if options.predict || !variables.is_empty() {
            let start = Instant::now();
            let latents = Resampled::new(self, &fitted, self.target_in(&coordinates)?)?;
            let count = variables.len();
            let (predictions, fresh) = (options.predict, HashSet::new());
            let wanted = Wanted { variables, predictions, imputed: false, fresh };
            let mut drawn = predict::predict(&self.bound, &latents, &wanted, options.seed)?;
            fitted.predictions = drawn.split_off(count);
            fitted.finite = drawn;
            self.judge_finite(&mut fitted, &options.inference.thresholds);
            fitted.timings.predict = start.elapsed();
        }
        Ok(fitted)
    }

    /// What is told of latents with finitely many values: those with at most `most` elements or
    /// named by a `report`, and reports that depend on them; in the order of the program.
    fn finite(&self, most: usize) -> Vec<VariableId> {
        let typed = &self.bound.typed;
        let reports = typed.reports.iter().copied();
        let mut variables: Vec<VariableId> = reports
            .filter(|v| typed.variable(*v).finite && typed.variable(*v).plane < Plane::Predicted)
            .collect();
        let latents = typed.randoms.iter().filter(|r| r.role == RandomRole::Finite);
        let size = |v: &VariableId| self.bound.shape(*v).iter().product::<usize>();
        variables.extend(latents.map(|r| r.variable).filter(|v| size(v) <= most));
        variables.sort_by_key(|v| typed.variable(*v).order);
        variables.dedup();
        variables
    }
}

/// The latents of a fit by draw.
struct Resampled<'a> {
    model: &'a Model,
    fitted: &'a Fitted,
    /// The log density at the points of the fit.
    program: Cow<'a, engine::Program>,
    finite: Finite,
}

impl<'a> Resampled<'a> {
    fn new(
        model: &'a Model,
        fitted: &'a Fitted,
        program: Cow<'a, engine::Program>,
    ) -> Result<Self, PredictError> {
        let finite = Finite::of(&model.bound, &Evaluator::of(&model.bound, ()))?;
        Ok(Resampled { model, fitted, program, finite })
    }
}

impl Latents for Resampled<'_> {
    type Workspace = engine::Workspace;

    fn workspace(&self) -> engine::Workspace {
        self.program.workspace()
    }

    fn count(&self) -> usize {
        self.fitted.resampled.len()
    }

    fn has(&self, _: &str) -> bool {
        true
    }

    fn column(&self, name: &str, labels: &[String]) -> Option<usize> {
        let bound = &self.model.bound;
        let variable = bound.typed.find(name)?;
        let reported = self.model.reported().iter().find(|r| r.variable == variable)?;
        let mut position = 0;
        for (axis, label) in bound.typed.variable(variable).axes.iter().zip(labels) {
            let elements = &bound.axes[axis.index()];
            position = position * elements.len() + elements.position(label)?;
        }
        let own = reported.positions.binary_search(&(position as u32)).ok()?;
        Some(reported.offset + own)
    }

    fn assigns(&self) -> bool {
        true
    }

    fn assign(
        &self,
        workspace: &mut engine::Workspace,
        draw: usize,
        rng: &mut ChaCha8Rng,
    ) -> Option<Vec<f64>> {
        let point = self.fitted.fit.draws.points.column(*self.fitted.resampled.get(draw)?);
        let mut states = vec![0; self.finite.elements.len()];
        let mut assignments = self.program.assignments(workspace, point.as_slice());
        if !assignments.sample(0, rng, &mut states) {
            return None;
        }
        let values = self.finite.elements.iter().zip(states);
        Some(values.map(|(element, state)| element.first + f64::from(state)).collect())
    }

    fn value(&self, draw: usize, column: usize) -> f64 {
        let quantity = self.fitted.fit.draws.quantity(column);
        self.fitted
            .resampled
            .get(draw)
            .and_then(|row| quantity.get(*row))
            .copied()
            .unwrap_or(f64::NAN)
    }
}

/// How many parameters a message shows.
const SHOWN_PARAMETERS: usize = 8;

impl From<PredictError> for Failure {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::CannotDraw { element, family, parameters, unseen } => {
                let unseen = if unseen { ", a label the fit has not seen," } else { "" };
                let mut shown: Vec<String> =
                    parameters.iter().take(SHOWN_PARAMETERS).map(f64::to_string).collect();
                if parameters.len() > SHOWN_PARAMETERS {
                    shown.push("...".to_owned());
                }
                let parameters = shown.join(", ");
                Failure::Data(vec![format!(
                    "`{element}`{unseen} cannot be drawn from {family}({parameters})"
                )])
            }
            PredictError::Tied { element, family } => Failure::Data(vec![format!(
                "`{element}` is tied by {family} to elements that are known, and cannot be drawn \
                 without them"
            )]),
            PredictError::NotSaved { name } => Failure::Data(vec![format!(
                "the fit has not saved the draws of `{name}`, which has many elements; write \
                 `report {name}` in the program and fit again"
            )]),
            PredictError::Lower(error) => error.into(),
            PredictError::Inconsistent(inconsistency) => inconsistency.into(),
        }
    }
}
