//! A compiled model to a fit, equally weighted draws, and predictions from them.

use super::failure::Failure;
use super::model::Model;
use super::predict::{self, Latents, PredictError, Prediction};
use crate::inference::{self, Fit, FitError, Options, Progress};
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
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions { inference: Options::default(), seed: 0, draws: 4000, predict: false }
    }
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The fit.
    pub fit: Fit,
    /// The seed it was made with.
    pub seed: u64,
    /// Which of the fit's weighted draws make up equally weighted ones.
    pub resampled: Vec<usize>,
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
        let fit = inference::fit(&self.engine, &options.inference, options.seed, progress);
        let fit = fit.map_err(|error| match error {
            FitError::NoLatents => self.no_latents(),
            FitError::NoFiniteStart { .. } | FitError::NoFiniteGuide => {
                self.rejected(&error, options.seed)
            }
        })?;
        timings.fit = start.elapsed();
        let resampled = inference::resample(&fit.draws.weights(), options.draws, options.seed);
        let mut fitted =
            Fitted { fit, seed: options.seed, resampled, predictions: Vec::new(), timings };
        if options.predict {
            let start = Instant::now();
            let latents = Resampled::new(self, &fitted);
            let predictions = predict::predict(&self.bound, &latents, options.seed);
            fitted.predictions = predictions?;
            fitted.timings.predict = start.elapsed();
        }
        Ok(fitted)
    }
}

/// The latents of a fit by draw.
struct Resampled<'a> {
    model: &'a Model,
    fitted: &'a Fitted,
}

impl<'a> Resampled<'a> {
    fn new(model: &'a Model, fitted: &'a Fitted) -> Self {
        Resampled { model, fitted }
    }
}

impl Latents for Resampled<'_> {
    fn count(&self) -> usize {
        self.fitted.resampled.len()
    }

    fn column(&self, name: &str, labels: &[String]) -> Option<usize> {
        let bound = &self.model.bound;
        let variable = bound.typed.find(name)?;
        let (_, offset, length) = self.model.reported().find(|(v, _, _)| *v == variable)?;
        let mut position = 0;
        for (axis, label) in bound.typed.variable(variable).axes.iter().zip(labels) {
            let elements = &bound.axes[axis.index()];
            position = position * elements.len() + elements.position(label)?;
        }
        (position < length).then_some(offset + position)
    }

    fn value(&self, draw: usize, column: usize) -> f64 {
        let quantity = self.fitted.fit.draws.quantity(column);
        self.fitted.resampled.get(draw).and_then(|row| quantity.get(*row)).copied().unwrap_or(f64::NAN)
    }
}

impl From<PredictError> for Failure {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::CannotDraw { element, family, parameters, unseen } => {
                let unseen = if unseen { ", a label the fit has not seen," } else { "" };
                let parameters: Vec<String> = parameters.iter().map(f64::to_string).collect();
                let parameters = parameters.join(", ");
                Failure::Data(vec![format!(
                    "`{element}`{unseen} cannot be drawn from {family}({parameters})"
                )])
            }
            PredictError::Lower(error) => error.into(),
            PredictError::Inconsistent(inconsistency) => inconsistency.into(),
        }
    }
}
