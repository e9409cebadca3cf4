//! One model fitted in one way after another until a fit is good: the default of `vi`.
//!
//! 1. Where many locals are independent of one another given few globals, they are integrated out; in
//!    models that are too large for a full covariance, also where they are coupled sparsely.
//! 2. A normal in coordinates as written, standardised, and in between as the best fit suggests.
//! 3. The best normal, bent.
//! 4. Few locals integrated out, or coupled ones, if that was not tried.
//!
//! Invariant: no way begins once those before have taken the evaluations that [`Attempts`] allows, so
//! that a fit that cannot be good ends; the better verdict is kept, and of equal ones the higher ELBO.
//!
//! [`Attempts`]: crate::inference::options::Attempts

use super::coordinates::Stage;
use super::failure::Failure;
use super::informed::Informed;
use super::model::Model;
use super::predict::Prior;
use crate::graph::lower::Coordinates;
use crate::inference::{
    self, Algorithm, Counts, Fit, FitError, Guide, GuideChoice, Level, Method, Options, Progress,
};
use std::cmp::Ordering;

/// Fits of one model, the best so far kept.
struct Search<'a> {
    model: &'a Model,
    /// Nothing, if the priors cannot be drawn from.
    prior: Option<Prior<'a>>,
    options: &'a Options,
    seed: u64,
    best: Option<(Fit, Coordinates)>,
    failure: Option<FitError>,
    counts: Counts,
}

impl Model {
    /// The best fit that the ladder finds, with the evaluations of all, and its coordinates.
    pub(super) fn best_fit(
        &self,
        options: &Options,
        seed: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Fit, Coordinates), Failure> {
        let mut search = Search {
            model: self,
            prior: Prior::new(&self.bound).ok(),
            options,
            seed,
            best: None,
            failure: None,
            counts: Counts::default(),
        };
        search.climb(progress)?;
        let Search { best, failure, counts, .. } = search;
        if best.is_none() && options.interrupt.is_raised() {
            return Err(Failure::Interrupted);
        }
        match (best, failure) {
            (Some((mut fit, coordinates)), _) => {
                fit.counts = counts;
                Ok((fit, coordinates))
            }
            (None, Some(FitError::NoLatents) | None) => Err(self.no_latents()),
            (None, Some(error @ (FitError::NoFiniteStart { .. } | FitError::NoFiniteGuide))) => {
                Err(self.rejected(&error, seed))
            }
        }
    }
}

impl Search<'_> {
    fn climb(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        let unasked = self.options.method == Method::Vi
            && self.options.guide == GuideChoice::Auto
            && self.options.algorithm == Algorithm::Auto;
        let many = self.options.attempts.many_blocks;
        let tried = unasked && self.model.has_site_of(many) && self.integrate(many, progress)?;
        // What the marginal of the globals cannot do well, no guide for all latents does better.
        if tried && self.is_usable() {
            return Ok(());
        }
        let large = self.model.density.model.dimension() > self.options.full_rank_limit;
        let nested = unasked && large && self.nest(progress)?;
        if nested && self.is_usable() {
            return Ok(());
        }
        let mut stage = Some(Stage::Hinted);
        while let Some(current) = stage.filter(|stage| self.is_next(*stage)) {
            let best = self.best.as_ref().map(|(fit, _)| fit);
            if let Some(coordinates) = self.model.coordinates(current, best)? {
                self.fit(coordinates, self.options, progress)?;
            }
            stage = current.next();
        }
        if unasked {
            self.bend(progress)?;
        }
        if unasked && !tried && self.goes_on() {
            self.integrate(0, progress)?;
        }
        if unasked && !nested && self.goes_on() {
            self.nest(progress)?;
        }
        Ok(())
    }

    /// Whether another way is wanted and may be taken.
    fn goes_on(&self) -> bool {
        self.is_wanting() && self.spent() <= self.options.attempts.gradients && self.is_affordable()
    }

    /// Whether a stage is wanted and may be taken. Latents as they are written may take all that is
    /// allowed because they are written the wrong way: standardised ones are tried all the same.
    fn is_next(&self, stage: Stage) -> bool {
        match stage {
            Stage::Noncentered => self.is_wanting() && self.is_affordable(),
            Stage::Hinted | Stage::Learned => self.goes_on(),
        }
    }

    fn is_wanting(&self) -> bool {
        let good = self.best.as_ref().is_some_and(|(fit, _)| fit.verdict.level == Level::Good);
        !good && !self.options.interrupt.is_raised()
    }

    /// Whether the best fit so far can be used with care.
    fn is_usable(&self) -> bool {
        self.best.as_ref().is_some_and(|(fit, _)| fit.verdict.level != Level::DoNotUse)
    }

    fn spent(&self) -> u64 {
        match (self.options.method, &self.best) {
            // Who asks for chains has the time; something must be found.
            (Method::Nuts, _) | (_, None) => 0,
            (_, Some(_)) => self.counts.gradient + 2 * self.counts.hessian_vector,
        }
    }

    /// Whether the evaluations so far took few enough operations for another way.
    fn is_affordable(&self) -> bool {
        let evaluations = match self.spent() {
            0 => 0,
            spent => spent + self.counts.log_density,
        };
        evaluations as f64 * self.model.engine.work() as f64 <= self.options.attempts.operations
    }

    /// What is done with the target in some coordinates.
    fn with_target<R>(
        &self,
        coordinates: &Coordinates,
        run: impl FnOnce(&Informed<'_>) -> R,
    ) -> Result<R, Failure> {
        let program = self.model.target_in(coordinates)?;
        let sites = &self.model.density.sites;
        Ok(run(&Informed::new(&program, self.prior.as_ref(), coordinates, sites)))
    }

    /// Fits in some coordinates.
    fn fit(
        &mut self,
        coordinates: Coordinates,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let fit = |target: &Informed<'_>| inference::fit(target, options, self.seed, progress);
        let result = self.with_target(&coordinates, fit)?;
        self.keep(result, coordinates);
        Ok(())
    }

    /// Fits the globals alone, and draws the locals given them, if these fall into at least so many
    /// blocks; whether they do.
    fn integrate(
        &mut self,
        least: usize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, Failure> {
        let coordinates = self.model.standardised();
        let parts = self.model.in_parts(&coordinates)?;
        let Some(parts) = parts.filter(|parts| parts.blocks.len() >= least) else {
            return Ok(false);
        };
        let result = self.with_target(&coordinates, |target| {
            inference::fit_collapsed(target, &parts, self.options, self.seed, progress)
        })?;
        self.keep(result, coordinates);
        Ok(true)
    }

    /// Fits the globals alone, with coupled locals integrated out, and draws these given them; whether
    /// there are such.
    fn nest(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<bool, Failure> {
        let Some(coordinates) = self.model.coordinates(Stage::Hinted, None)? else {
            return Ok(false);
        };
        let Some(coupling) = self.model.coupling(&coordinates)? else { return Ok(false) };
        let result = self.with_target(&coordinates, |target| {
            inference::fit_nested(target, &coupling, self.options, self.seed, progress)
        })?;
        self.keep(result, coordinates);
        Ok(true)
    }

    fn keep(&mut self, result: Result<Fit, FitError>, coordinates: Coordinates) {
        match result {
            Ok(fit) => {
                self.counts += fit.counts;
                if self.best.as_ref().is_none_or(|(other, _)| better(&fit, other)) {
                    self.best = Some((fit, coordinates));
                }
            }
            Err(error) => self.failure = Some(error),
        }
    }

    /// Bends the normal in the best coordinates.
    fn bend(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        let Some((fit, coordinates)) = self.best.as_ref().filter(|_| self.goes_on()) else {
            return Ok(());
        };
        let normal = matches!(fit.guide, Some(Guide::FullRank(_)));
        let whole = fit.diagnostics.integrated.is_none();
        let small = fit.diagnostics.dimension <= self.options.bent.limit;
        if !(normal && whole && small && fit.elbo.is_finite()) {
            return Ok(());
        }
        let coordinates = coordinates.clone();
        let bent = self.with_target(&coordinates, |target| {
            inference::fit_bent(target, fit, self.options, self.seed, progress)
        })?;
        if let Some(bent) = bent {
            self.keep(Ok(bent), coordinates);
        }
        Ok(())
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
