//! A compiled model to a fit, equally weighted draws, and predictions from them.

use super::coordinates::Stage;
use super::failure::Failure;
use super::informed::Informed;
use super::model::Model;
use super::predict::{self, Latents, PredictError, Prediction, Prior};
use crate::graph::lower::Coordinates;
use crate::inference::{
    self, Counts, Fit, FitError, Guide, GuideChoice, Level, Method, Options, Progress,
};
use crate::typed::RandomId;
use std::cmp::Ordering;
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
    /// The latents that were fitted in coordinates that are not canonical.
    pub recentered: Vec<String>,
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
        let (fit, recentered) = self.best_fit(options, progress)?;
        timings.fit = start.elapsed();
        let resampled = inference::resample(&fit.draws.weights(), options.draws, options.seed);
        let mut fitted = Fitted {
            fit,
            recentered,
            seed: options.seed,
            resampled,
            predictions: Vec::new(),
            timings,
        };
        if options.predict {
            let start = Instant::now();
            let latents = Resampled::new(self, &fitted);
            let predictions = predict::predict(&self.bound, &latents, options.seed);
            fitted.predictions = predictions?;
            fitted.timings.predict = start.elapsed();
        }
        Ok(fitted)
    }

    /// Fits in the first coordinates, then in others until a fit is good; keeps the better verdict,
    /// and of equal ones the higher ELBO. The evaluations of all are counted.
    fn best_fit(
        &self,
        options: &FitOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Fit, Vec<String>), Failure> {
        let mut search = Search {
            model: self,
            // A program that this version cannot draw from starts at uniform points only.
            prior: Prior::new(&self.bound).ok(),
            seed: options.seed,
            best: None,
            failure: None,
            counts: Counts::default(),
        };
        let mut stage = Some(Stage::Hinted);
        while let Some(current) = stage {
            let best = search.best.as_ref().map(|(fit, _)| fit);
            if let Some(coordinates) = self.coordinates(current, best)? {
                search.fit(coordinates, &options.inference, progress)?;
            }
            stage = if search.is_good() { None } else { current.next() };
        }
        search.bend(&options.inference, progress)?;
        let Search { best, failure, counts, .. } = search;
        match (best, failure) {
            (Some((mut fit, coordinates)), _) => {
                fit.counts = counts;
                let name = |id: &RandomId| {
                    let variable = self.bound.typed.random(*id).variable;
                    self.bound.typed.variable(variable).name.clone()
                };
                Ok((fit, coordinates.keys().map(name).collect()))
            }
            (None, Some(FitError::NoLatents) | None) => Err(self.no_latents()),
            (None, Some(error @ (FitError::NoFiniteStart { .. } | FitError::NoFiniteGuide))) => {
                Err(self.rejected(&error, options.seed))
            }
        }
    }
}

/// Fits of one model, the best so far kept.
struct Search<'a> {
    model: &'a Model,
    prior: Option<Prior<'a>>,
    seed: u64,
    best: Option<(Fit, Coordinates)>,
    failure: Option<FitError>,
    counts: Counts,
}

impl Search<'_> {
    fn is_good(&self) -> bool {
        self.best.as_ref().is_some_and(|(fit, _)| fit.verdict.level == Level::Good)
    }

    /// Fits in some coordinates.
    fn fit(
        &mut self,
        coordinates: Coordinates,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let program = self.model.target_in(&coordinates)?;
        let sites = &self.model.density.sites;
        let target = Informed::new(&program, self.prior.as_ref(), &coordinates, sites);
        match inference::fit(&target, options, self.seed, progress) {
            Ok(fit) => {
                self.counts += fit.counts;
                if self.best.as_ref().is_none_or(|(other, _)| better(&fit, other)) {
                    self.best = Some((fit, coordinates));
                }
            }
            Err(error) => self.failure = Some(error),
        }
        Ok(())
    }

    /// Where a normal is not good enough in any coordinates, bends it in the best ones, unless a
    /// guide was asked for.
    fn bend(
        &mut self,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let unasked = options.method == Method::Vi && options.guide == GuideChoice::Auto;
        let Some((fit, coordinates)) = &self.best else { return Ok(()) };
        let normal = matches!(fit.guide, Some(Guide::FullRank(_)));
        let small = fit.diagnostics.dimension <= options.bent.limit;
        if self.is_good() || !unasked || !normal || !small {
            return Ok(());
        }
        let options = Options { guide: GuideChoice::Triangular, ..options.clone() };
        self.fit(coordinates.clone(), &options, progress)
    }
}

/// Whether one fit is to be preferred.
fn better(fit: &Fit, other: &Fit) -> bool {
    match fit.verdict.level.cmp(&other.verdict.level) {
        Ordering::Less => true,
        Ordering::Equal => fit.elbo > other.elbo,
        Ordering::Greater => false,
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
        self.fitted
            .resampled
            .get(draw)
            .and_then(|row| quantity.get(*row))
            .copied()
            .unwrap_or(f64::NAN)
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
