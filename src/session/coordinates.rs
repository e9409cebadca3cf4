//! The coordinates in which a posterior is fitted: latents as they are written, standardised by
//! their location and scale, or in between.
//!
//! A hierarchy is hard to fit in coordinates in which its levels depend on each other. Which are
//! good depends on how much the data say about each element, which a first fit tells.

use super::failure::Failure;
use super::model::Model;
use crate::engine;
use crate::graph::lower::{self, ConstrainedLayout, Coordinates};
use crate::inference::{Fit, Target, summarize};
use crate::typed::{Centering, RandomId};
use std::collections::BTreeSet;

/// The coordinates that are tried, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// As the program's hints say; without a hint as written.
    Hinted,
    /// Every latent without a hint standardised.
    Noncentered,
    /// Every element of a latent without a hint standardised as far as the best fit so far
    /// suggests.
    Learned,
}

impl Stage {
    pub(super) fn next(self) -> Option<Stage> {
        match self {
            Stage::Hinted => Some(Stage::Noncentered),
            Stage::Noncentered => Some(Stage::Learned),
            Stage::Learned => None,
        }
    }
}

impl Model {
    /// The coordinates of a stage; `None` if they are those of an earlier one. `best` is the best
    /// fit so far.
    pub(super) fn coordinates(
        &self,
        stage: Stage,
        best: Option<&Fit>,
    ) -> Result<Option<Coordinates>, Failure> {
        let hinted = self.hinted(Some(Centering::Noncentered));
        let free: BTreeSet<RandomId> =
            lower::recenterable(&self.bound).intersection(&self.hinted(None)).copied().collect();
        let noncentered = |ids: &BTreeSet<RandomId>| -> Coordinates {
            ids.iter().map(|id| (*id, vec![0.0; self.length(*id)].into())).collect()
        };
        let mut coordinates = noncentered(&hinted);
        match (stage, best) {
            (Stage::Hinted, _) => return Ok(Some(coordinates)),
            (Stage::Noncentered, _) => coordinates.extend(noncentered(&free)),
            (Stage::Learned, None) => return Ok(None),
            (Stage::Learned, Some(fit)) => {
                for id in &free {
                    coordinates.insert(*id, self.learned(*id, fit)?.into());
                }
            }
        }
        Ok((!free.is_empty()).then_some(coordinates))
    }

    /// Every latent standardised that can be.
    pub(super) fn standardised(&self) -> Coordinates {
        let mut all = lower::recenterable(&self.bound);
        all.extend(self.hinted(Some(Centering::Noncentered)));
        all.iter().map(|id| (*id, vec![0.0; self.length(*id)].into())).collect()
    }

    fn hinted(&self, hint: Option<Centering>) -> BTreeSet<RandomId> {
        let randoms = self.bound.typed.randoms.iter().enumerate();
        let with =
            randoms.filter(|(_, r)| r.centering == hint && lower::is_movable(&self.bound, r));
        with.map(|(i, _)| RandomId(i as u32)).collect()
    }

    /// How many elements of a latent exist.
    fn length(&self, id: RandomId) -> usize {
        let variable = self.bound.typed.random(id).variable;
        let reported = self.reported().iter().find(|r| r.variable == variable);
        reported.map_or(0, |r| r.positions.len())
    }

    /// The centredness of every element: 1 - Var(z) for its standardised value z, between 0 and 1.
    /// Where the data say nothing about z its variance is 1 and it is the better coordinate; where
    /// they determine the value, z varies little by itself.
    fn learned(&self, id: RandomId, fit: &Fit) -> Result<Vec<f64>, Failure> {
        let statement = self.bound.typed.random(id);
        let layout = ConstrainedLayout::new(&self.bound);
        let Some(parameters) = lower::location_and_scale(&self.bound, &layout, id)? else {
            return Ok(vec![1.0; self.length(id)]);
        };
        let program = engine::Program::compile(&parameters.model, &engine::Options::default())?;
        let mut workspace = crate::inference::LogDensity::workspace(&program);
        let mut values = vec![0.0; program.quantity_count()];
        let mut point = vec![f64::NAN; layout.len()];
        let weights = fit.draws.weights();
        let rows = parameters.positions.len();
        let mut standardised = vec![Vec::with_capacity(weights.len()); rows];
        for draw in 0..weights.len() {
            self.fill(&layout, fit, draw, &mut point);
            program.quantities(&mut workspace, &point, &mut values);
            let own = layout.offset(statement.variable).unwrap_or(0);
            for (row, column) in standardised.iter_mut().enumerate() {
                let (location, scale) = (values[row], values[rows + row]);
                let value = point[own + parameters.positions[row] as usize];
                column.push((value - location) / scale);
            }
        }
        let centredness = |z: &Vec<f64>| {
            let variance = summarize(z, &weights).sd.powi(2);
            if variance.is_finite() { (1.0 - variance).clamp(0.0, 1.0) } else { 0.0 }
        };
        Ok(standardised.iter().map(centredness).collect())
    }

    /// The constrained latents of a draw.
    fn fill(&self, layout: &ConstrainedLayout, fit: &Fit, draw: usize, point: &mut [f64]) {
        for reported in self.reported() {
            let Some(to) = layout.offset(reported.variable) else { continue };
            for (quantity, position) in (reported.offset..).zip(&reported.positions) {
                point[to + *position as usize] = fit.draws.quantity(quantity)[draw];
            }
        }
    }
}
