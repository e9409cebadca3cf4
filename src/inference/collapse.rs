//! Integrates locals that are independent of one another given the globals out of a log density.
//!
//! log p(g) = ℓ_0(g) + Σ_b ln ∫ exp ℓ_b(g, u_b) du_b, one or two coordinates u_b to a block. All blocks
//! go together: Newton's method finds all their modes, and each node of a quadrature is one evaluation
//! for all of them. Derivatives are exact: ∇ log p = ∇ℓ_0 + Σ_b E[∇_g ℓ_b | g], and the Hessian has the
//! covariances of these besides. Invariant: what is computed at a point depends on the point alone.

mod anchor;
mod conditional;
mod rule;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::evaluate::{Evaluation, Tally};
use super::marginal::Marginal;
use super::optimizer::Lbfgs;
use super::random::Stream;
use super::target::{LogDensity, Target};
use super::verdict::Integrated;
use anchor::Anchor;
use conditional::Conditional;
use rule::Rule;

/// A log density in parts, and which coordinates they belong to.
#[derive(Clone, Debug)]
pub struct Parts<P> {
    /// Σ_b w_b ℓ_b + w_B ℓ_0 at a point that has the d coordinates, then the weights w_0, …, w_B.
    pub weighed: P,
    /// ℓ_0, …, ℓ_(B−1) of the blocks, then the part without locals, as quantities at d coordinates.
    pub parts: P,
    /// The coordinates without a block.
    pub globals: Vec<usize>,
    /// The coordinates of each block, one or two.
    pub blocks: Vec<Vec<usize>>,
}

/// The constants of the integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collapse {
    /// Newton steps at most, for the blocks that need the most.
    pub newton_steps: usize,
    /// Newton's method stops when no block would move by more than this, in sds: the grids are finer.
    pub newton_tolerance: f64,
    /// Halvings of a Newton step at most; a block that they do not help stays where it is.
    pub halvings: usize,
    /// How often a grid may be moved to where the mass is.
    pub moves: usize,
    /// Spacings of the trapezoidal rules in sds, coarse to fine. A guide is fitted by the first; the
    /// first that the next one changes little checks it.
    pub spacings: Vec<f64>,
    /// How far the grids reach, in sds, for each spacing.
    pub reaches: Vec<f64>,
    /// The largest change of the log density by the next rule, in nats, of one that will do.
    pub rule_error: f64,
    /// Points at which rules are compared.
    pub rule_points: usize,
    /// Starts of a round, at most, and at most where there are several modes.
    pub starts: [usize; 3],
    /// ESS/N below which a normal is refitted or bent: a round of draws costs as much as a fit.
    pub refit_efficiency: f64,
    /// Points of a path that Pathfinder judges.
    pub path_candidates: usize,
    /// Fixed draws of the guide at least.
    pub fixed_draws: usize,
    /// The same where the density is dear.
    pub least_fixed_draws: usize,
    /// Steps of the guide at most.
    pub iterations: usize,
    /// The descents of the starts.
    pub lbfgs: Lbfgs,
    /// Draws of the first round of the check, of the last one, and of locals for each of globals.
    pub draws: [usize; 3],
    /// The operations that a round may take: dear densities get fewer draws.
    pub operations: f64,
    /// The fewest draws of a round.
    pub least_draws: usize,
    /// The numbers that the draws of all coordinates may take.
    pub most_numbers: usize,
}

impl Default for Collapse {
    fn default() -> Self {
        Self {
            newton_steps: 12,
            newton_tolerance: 0.1,
            halvings: 6,
            moves: 2,
            spacings: vec![1.5, 1.25, 0.9, 0.6, 0.3, 0.15],
            reaches: vec![3.0, 3.75, 4.5, 6.0, 7.5, 9.0],
            rule_error: 0.02,
            rule_points: 16,
            starts: [3, 6, 12],
            refit_efficiency: 0.3,
            path_candidates: 8,
            fixed_draws: 64,
            least_fixed_draws: 32,
            iterations: 20,
            lbfgs: Lbfgs {
                max_iterations: 80,
                gradient_tolerance: 1e-3,
                value_tolerance: 1e-7,
                max_trials: 12,
                ..Lbfgs::default()
            },
            draws: [512, 1024, 4],
            operations: 3e10,
            least_draws: 256,
            most_numbers: 50_000_000,
        }
    }
}

/// The marginal log density of the globals.
pub struct Collapsed<'a, P, T> {
    parts: &'a Parts<P>,
    target: &'a T,
    options: &'a Collapse,
    rule: Rule,
    level: usize,
    anchor: Option<Anchor>,
    tally: Tally,
}

impl<'a, P: Target, T: Target> Collapsed<'a, P, T> {
    /// The marginal of a target, by the rule of a level.
    pub fn new(target: &'a T, parts: &'a Parts<P>, options: &'a Collapse, level: usize) -> Self {
        let level = level.min(options.spacings.len().min(options.reaches.len()).saturating_sub(1));
        let spacing = options.spacings.get(level).copied().unwrap_or(1.0);
        let reach = options.reaches.get(level).copied().unwrap_or(4.0);
        let rule = Rule::new(spacing, reach, parts.blocks.iter().map(Vec::len).max().unwrap_or(1));
        let tally = Tally::default();
        Self { parts, target, options, rule, level, anchor: None, tally }
    }

    /// Writes the globals to their places.
    fn place(&self, globals: &[f64], point: &mut [f64]) {
        self.parts.globals.iter().zip(globals).for_each(|(at, value)| point[*at] = *value);
    }

    /// log p(g), leaving modes, grids and the weights of their nodes behind; `None` where it is not
    /// finite.
    fn integrate(&self, scratch: &mut Scratch<P::Workspace>, globals: &[f64]) -> Option<f64> {
        let dimension = self.target.dimension();
        let Scratch { weighed, parts, conditional, point, gradient, direction, product } = scratch;
        point[..dimension].fill(0.0);
        point[dimension..].fill(1.0);
        self.place(globals, point);
        if let Some(anchor) = &self.anchor {
            anchor.predict(&self.parts.blocks, globals, point);
        }
        let slopes = |point: &[f64], gradient: &mut [f64], weighed: &mut P::Workspace| {
            self.tally.count(Evaluation::Gradient);
            self.parts.weighed.gradient(weighed, point, gradient)
        };
        slopes(point, gradient, weighed);
        if !gradient.iter().all(|partial| partial.is_finite()) {
            return None;
        }
        let blocks = &self.parts.blocks;
        conditional.begin(blocks, dimension, point, gradient);
        for _ in 0..self.options.newton_steps {
            for place in 0..self.rule.dimensions() {
                direction.fill(0.0);
                let moved = blocks.iter().filter_map(|block| block.get(place));
                moved.for_each(|coordinate| direction[*coordinate] = 1.0);
                self.tally.count(Evaluation::HessianVector);
                self.parts.weighed.hessian_vector(weighed, point, direction, product);
                conditional.curve(blocks, place, product);
            }
            if conditional.propose(self.options.newton_tolerance) {
                break;
            }
            for _ in 0..self.options.halvings {
                conditional.trial(blocks, point);
                slopes(point, gradient, weighed);
                if conditional.accept(blocks, dimension, gradient) {
                    break;
                }
            }
            conditional.settle(blocks, point);
        }
        for moves in 0..=self.options.moves {
            for node in 0..self.rule.len() {
                conditional.at_node(blocks, &self.rule, node, point);
                self.tally.count(Evaluation::LogDensity);
                let values = conditional.values_at(node);
                self.parts.parts.quantities(parts, &point[..dimension], values);
            }
            let moved = conditional.weigh(&self.rule);
            if !moved || moves == self.options.moves {
                break;
            }
            conditional.recentre();
        }
        let value = conditional.log_integral();
        value.is_finite().then_some(value)
    }

    /// For every node that matters, sets the point there and the weights of the blocks, and calls
    /// `visit`. The part without locals has weight 1 at the first node and 0 at the others.
    fn for_each_node(
        &self,
        scratch: &mut Scratch<P::Workspace>,
        weights: impl Fn(&Conditional, usize, usize) -> f64,
        mut visit: impl FnMut(&mut Scratch<P::Workspace>, usize),
    ) {
        let dimension = self.target.dimension();
        let mut first = true;
        for node in self.rule.outwards() {
            if !first && scratch.conditional.is_idle(node) {
                continue;
            }
            let blocks = &self.parts.blocks;
            scratch.conditional.at_node(blocks, &self.rule, node, &mut scratch.point);
            for index in 0..blocks.len() {
                let weight = weights(&scratch.conditional, node, index);
                scratch.point[dimension + index] = weight;
                if weight == 0.0 {
                    scratch.conditional.at_centre(blocks, index, &mut scratch.point);
                }
            }
            scratch.point[dimension + blocks.len()] = if first { 1.0 } else { 0.0 };
            visit(scratch, node);
            first = false;
        }
    }
}

/// The scratch memory of one thread.
pub struct Scratch<W> {
    weighed: W,
    parts: W,
    conditional: Conditional,
    point: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

impl<P: Target, T: Target> LogDensity for Collapsed<'_, P, T> {
    type Workspace = Scratch<P::Workspace>;

    fn dimension(&self) -> usize {
        self.parts.globals.len()
    }

    fn workspace(&self) -> Self::Workspace {
        let length = self.parts.weighed.dimension();
        Scratch {
            weighed: self.parts.weighed.workspace(),
            parts: self.parts.parts.workspace(),
            conditional: Conditional::new(&self.parts.blocks, self.rule.len()),
            point: vec![0.0; length],
            gradient: vec![0.0; length],
            direction: vec![0.0; length],
            product: vec![0.0; length],
        }
    }

    fn log_density(&self, scratch: &mut Self::Workspace, point: &[f64]) -> f64 {
        self.integrate(scratch, point).unwrap_or(f64::NEG_INFINITY)
    }

    fn gradient(&self, scratch: &mut Self::Workspace, point: &[f64], out: &mut [f64]) -> f64 {
        let Some(value) = self.integrate(scratch, point) else {
            out.fill(f64::NAN);
            return f64::NEG_INFINITY;
        };
        out.fill(0.0);
        let weight = |conditional: &Conditional, node, block| conditional.weight(node, block);
        self.for_each_node(scratch, weight, |scratch, _| {
            self.tally.count(Evaluation::Gradient);
            let Scratch { weighed, point, gradient, .. } = scratch;
            self.parts.weighed.gradient(weighed, point, gradient);
            for (out, coordinate) in out.iter_mut().zip(&self.parts.globals) {
                *out += gradient[*coordinate];
            }
        });
        value
    }

    /// Σ_k ω_bk ∇²ℓ_bk v, and the covariance over nodes of ∇ℓ_b with v·∇ℓ_b.
    fn hessian_vector(
        &self,
        scratch: &mut Self::Workspace,
        point: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) {
        if self.integrate(scratch, point).is_none() {
            out.fill(f64::NAN);
            return;
        }
        out.fill(0.0);
        let (dimension, blocks) = (self.target.dimension(), self.parts.blocks.len());
        scratch.direction.fill(0.0);
        self.place(direction, &mut scratch.direction);
        let mut changes = vec![0.0; blocks * self.rule.len()];
        let mut means = vec![0.0; blocks];
        let weight = |conditional: &Conditional, node, block| conditional.weight(node, block);
        self.for_each_node(scratch, weight, |scratch, node| {
            self.tally.count(Evaluation::HessianVector);
            let Scratch { weighed, point, direction, product, conditional, .. } = scratch;
            self.parts.weighed.hessian_vector(weighed, point, direction, product);
            for (out, coordinate) in out.iter_mut().zip(&self.parts.globals) {
                *out += product[*coordinate];
            }
            for block in 0..blocks {
                let change = product[dimension + block];
                if conditional.weight(node, block) > 0.0 {
                    changes[node * blocks + block] = change;
                    means[block] += conditional.weight(node, block) * change;
                }
            }
        });
        let weight = |conditional: &Conditional, node: usize, block: usize| {
            conditional.weight(node, block) * (changes[node * blocks + block] - means[block])
        };
        self.for_each_node(scratch, weight, |scratch, _| {
            self.tally.count(Evaluation::Gradient);
            let Scratch { weighed, point, gradient, .. } = scratch;
            point[dimension + blocks] = 0.0;
            self.parts.weighed.gradient(weighed, point, gradient);
            for (out, coordinate) in out.iter_mut().zip(&self.parts.globals) {
                *out += gradient[*coordinate];
            }
        });
    }
}

/// The quantities are the globals themselves.
impl<P: Target, T: Target> Target for Collapsed<'_, P, T> {
    fn quantity_count(&self) -> usize {
        self.parts.globals.len()
    }

    fn quantities(&self, _: &mut Self::Workspace, point: &[f64], out: &mut [f64]) {
        out.copy_from_slice(point);
    }

    fn draw_prior(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let point = self.target.draw_prior(rng)?;
        self.parts.globals.iter().map(|coordinate| point.get(*coordinate).copied()).collect()
    }

    /// That of the nodes and of a few Newton steps.
    fn cost(&self) -> usize {
        const NEWTON: usize = 20;
        self.target.cost().saturating_mul(self.rule.len() + NEWTON)
    }
}

impl<P: Target, T: Target> Marginal for Collapsed<'_, P, T> {
    fn anchored(self, globals: &[f64]) -> Self {
        let mut scratch = self.workspace();
        if self.integrate(&mut scratch, globals).is_none() {
            return self;
        }
        let Scratch { weighed, conditional, point, direction, product, .. } = &mut scratch;
        point[self.target.dimension()..].fill(1.0);
        let blocks = &self.parts.blocks;
        (0..blocks.len()).for_each(|index| conditional.at_centre(blocks, index, point));
        let mut anchor = Anchor::new(globals, blocks, conditional);
        for coordinate in &self.parts.globals {
            direction.fill(0.0);
            direction[*coordinate] = 1.0;
            self.tally.count(Evaluation::HessianVector);
            self.parts.weighed.hessian_vector(weighed, point, direction, product);
            anchor.push(blocks, product);
        }
        Self { anchor: Some(anchor), ..self }
    }

    fn finer(&self) -> Option<Self> {
        let finer = self.level + 1 < self.options.spacings.len();
        finer.then(|| Self::new(self.target, self.parts, self.options, self.level + 1))
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The draws of a block are stratified: each is from another `1 / repeats` of the probability.
    fn completed(
        &self,
        workspace: &mut Scratch<P::Workspace>,
        globals: &[f64],
        repeats: usize,
        rng: &mut Stream,
    ) -> Vec<f64> {
        let dimension = self.target.dimension();
        let mut all = vec![f64::NAN; dimension * repeats];
        let found = self.integrate(workspace, globals).is_some();
        for column in all.chunks_mut(dimension) {
            self.place(globals, column);
        }
        if !found {
            return all;
        }
        let mut strata: Vec<usize> = (0..repeats).collect();
        for (index, block) in self.parts.blocks.iter().enumerate() {
            for last in (1..repeats).rev() {
                strata.swap(last, rng.random_range(0..=last));
            }
            let sampler = workspace.conditional.sampler(index, &self.rule);
            for (column, stratum) in all.chunks_mut(dimension).zip(&strata) {
                let share = (*stratum as f64 + rng.random::<f64>()) / repeats as f64;
                let drawn = sampler.draw(&self.rule, share, rng.random());
                block.iter().zip(drawn).for_each(|(coordinate, u)| column[*coordinate] = u);
            }
        }
        all
    }

    fn fallback(self) -> Self {
        self
    }

    fn is_unbiased(&self) -> bool {
        false
    }

    fn repeats(&self, options: &Collapse) -> usize {
        let [.., repeats] = options.draws;
        repeats
    }

    fn tolerance(&self, options: &Collapse) -> f64 {
        options.rule_error
    }

    fn integrated(&self, error: f64) -> Integrated {
        let blocks = &self.parts.blocks;
        let locals = blocks.iter().map(Vec::len).sum();
        Integrated { locals, blocks: blocks.len(), error, accepted: None }
    }
}
