//! Draws of all latents from their priors, as unconstrained points that a fit can start from.
//!
//! Ancestral: each latent is drawn given those it depends on. An element that cannot be drawn (a
//! `Flat` prior, or parameters off the edge of numbers) is of the size of what is observed instead. Invariant: a point is that of one draw, whatever coordinates it is told in.

use super::plan::{Planner, Stage};
use super::region::Region;
use super::walk::{Failing, Walk};
use super::{PredictError, size};
use crate::bound::{self, EvaluationError, Evaluator, Space};
use crate::engine::reference;
use crate::graph::lower::{ConstrainedLayout, Coordinates};
use crate::typed::{RandomId, RandomRole, VariableId};
use rand::{Rng, RngExt};
use std::collections::{HashMap, HashSet};

/// The priors of a program, ready to be drawn from.
pub(in crate::session) struct Prior<'a> {
    bound: &'a bound::Program,
    layout: ConstrainedLayout,
    stages: Vec<Stage>,
    /// Those of what is observed.
    regions: Vec<Region>,
    /// The first coordinate of every latent.
    offsets: HashMap<RandomId, usize>,
}

impl<'a> Prior<'a> {
    pub(in crate::session) fn new(bound: &'a bound::Program) -> Result<Self, PredictError> {
        let layout = ConstrainedLayout::new(bound);
        let all = |variable: VariableId| Ok((0..size(bound, variable) as u32).collect());
        let all: &dyn Fn(VariableId) -> Result<HashSet<u32>, PredictError> = &all;
        // A few draws are not worth compiling for.
        let mut planner = Planner::new(bound, &layout, all, false);
        let evaluator = Evaluator::of(bound, ());
        let mut offsets = HashMap::new();
        let mut offset = 0;
        for (index, random) in bound.typed.randoms.iter().enumerate() {
            if random.role == RandomRole::Latent {
                planner.variable(random.variable)?;
                offsets.insert(RandomId(index as u32), offset);
                offset += Space::of(&evaluator, random)?.dimension();
            }
        }
        let stages = planner.finish();
        let regions = Region::observed(bound);
        Ok(Prior { bound, layout, stages, regions, offsets })
    }

    /// A draw of all latents, unconstrained; `None` if a value lies on an end of its support.
    pub(in crate::session) fn draw(
        &self,
        coordinates: &Coordinates,
        rng: &mut dyn Rng,
    ) -> Option<Vec<f64>> {
        let mut walk = Walk::new(self.bound, &self.layout, &self.stages);
        // Coefficients of large predictors are not of that size: half of the draws are of none.
        let region = rng.random_range(0..2 * self.regions.len().max(1));
        let region = self.regions.get(region).copied().unwrap_or(Region::UNIT);
        walk.run(rng, Failing::Anywhere(region)).ok()?;
        let mut latents = Vec::new();
        for random in self.bound.typed.randoms.iter().filter(|r| r.role == RandomRole::Latent) {
            let positions = 0..size(self.bound, random.variable);
            latents.extend(positions.map(|position| walk.values.get(random.variable, position)));
        }
        let mut point = reference::unconstrain(self.bound, &latents).ok()?;
        for (id, centredness) in coordinates {
            let offset = *self.offsets.get(id)?;
            let own = point.get_mut(offset..offset + centredness.len())?;
            self.recentre(&walk, *id, centredness, own).ok()?;
        }
        Some(point)
    }

    /// u = (x - location) scale^(c - 1) + c location, from the values x.
    fn recentre(
        &self,
        walk: &Walk<'_, '_>,
        id: RandomId,
        centredness: &[f64],
        own: &mut [f64],
    ) -> Result<(), EvaluationError> {
        let random = self.bound.typed.random(id);
        let Some([location, scale]) = random.distribution.location_scale() else {
            return Ok(());
        };
        let evaluator = &walk.values.evaluator;
        let cells = Space::of(evaluator, random)?.cells;
        for (position, (u, c)) in cells.iter().zip(own.iter_mut().zip(centredness)) {
            let position = *position as usize;
            evaluator.stand(&random.indices, position);
            let (location, scale): (f64, f64) =
                (evaluator.eval(&location)?, evaluator.eval(&scale)?);
            let value = walk.values.get(random.variable, position);
            *u = (value - location) * scale.powf(c - 1.0) + c * location;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Inputs, Mode};
    use crate::inference::LogDensity;
    use crate::session::{Document, Model};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::path::Path;

    fn model(text: &str) -> Model {
        let document = Document::open("model.vi", text);
        assert!(!document.has_errors(), "{text}: {:?}", document.diagnostics);
        let read = |_: &Path| -> std::io::Result<Vec<u8>> { Ok(Vec::new()) };
        let tables = Inputs::parse(["y=1"]).read(document.typed(), Path::new(""), &read);
        let binding = document.bind(&tables, Mode::Fit).value.expect("binds");
        Model::compile(binding).expect("compiles")
    }

    fn draws(model: &Model, count: usize) -> Vec<Vec<f64>> {
        let prior = Prior::new(&model.bound).expect("a prior");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let draw = |_| prior.draw(&Coordinates::new(), &mut rng).expect("a draw");
        (0..count).map(draw).collect()
    }

    #[test]
    fn every_prior_gives_points_with_a_finite_density() {
        for prior in [
            "x[i in k, j in k] ~ Normal(0, 1) where i < j\ny ~ Normal(x[1, 2] + x[2, 3], 1)",
            "x[k] ~ Dirichlet(1)\ny ~ Normal(x[1], 1)",
            "x[k] ~ Ordered(Normal(0, 1))\ny ~ Normal(x[1], 1)",
            "x[k] ~ Ordered(Flat)\ny ~ Normal(x[1], 1)",
            "x[k] ~ ZeroSum(Normal(0, 1))\ny ~ Normal(x[1], 1)",
            "L[i in k, j in k] ~ LKJCholesky(2)\ny ~ Normal(L[2, 1], 1)",
            "x[i in k] ~ Normal(x[i-1], 1) start Normal(0, 1)\ny ~ Normal(x[3], 1)",
            "x ~ Flat\ns ~ Flat in [0, inf]\ny ~ Normal(x, 1 + s)",
            "z ~ Bernoulli(0.5)\nx ~ Normal(if z then 3 else 0, 1)\ny ~ Normal(x, 1)",
            "z[k] ~ Bernoulli(0.5)\nx ~ Normal(0, 1)\ny ~ Normal(x + sum(z), 1)",
        ] {
            let model = model(&format!("data y\naxis k = 1..3\n{prior}"));
            let mut workspace = model.target().workspace();
            for point in draws(&model, 20) {
                assert_eq!(point.len(), model.target().dimension(), "{prior}");
                let value = model.target().log_density(&mut workspace, &point);
                assert!(value.is_finite(), "{prior}: {point:?}");
            }
        }
    }

    /// Var x[3] = 3. The variance of 4,000 draws is off by 5 of its standard errors once in a
    /// million seeds.
    #[test]
    fn a_random_walk_spreads() {
        let text = "data y\naxis k = 1..3\n\
                    x[i in k] ~ Normal(x[i-1], 1) start Normal(0, 1)\ny ~ Normal(x[3], 1)";
        let points = draws(&model(text), 4000);
        let variance = points.iter().map(|x| x[2] * x[2]).sum::<f64>() / 4000.0;
        assert!((variance - 3.0).abs() < 5.0 * 3.0 * (2.0_f64 / 4000.0).sqrt(), "{variance}");
    }
}
