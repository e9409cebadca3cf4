//! Integrates locals that are independent of one another given the globals out of a log density.
//!
//! log p(g) = ℓ_0(g) + Σ_b ln ∫ exp ℓ_b(g, u_b) du_b, one or two coordinates u_b to a block. All blocks
//! go together: Newton's method finds all their modes, and each node of a quadrature is one evaluation
//! for all of them. Of two coordinates the one whose density is closer to a normal is the inner one, with
//! a grid of its own at each node of the other. Derivatives are exact: ∇ log p = ∇ℓ_0 + Σ_b E[∇_g ℓ_b | g],
//! and the Hessian has the covariances of these besides. Invariant: what is computed at a point depends
//! on the point alone.

mod anchor;
mod grid;
mod modes;
mod options;
mod order;
mod rule;
mod sampler;

use rand::{Rng, RngExt};

use super::evaluate::{Evaluation, Tally};
use super::marginal::Marginal;
use super::random::Stream;
use super::target::{LogDensity, Target};
use super::verdict::Integrated;
use anchor::Anchor;
use grid::Grid;
use modes::Modes;
pub use options::Collapse;
use options::{PairRules, Rules};
use order::ordered;
use rule::Rule;
use sampler::Sampler;

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

/// The marginal log density of the globals.
pub struct Collapsed<'a, P, T> {
    parts: &'a Parts<P>,
    target: &'a T,
    options: &'a Collapse,
    rules: Rules,
    level: usize,
    /// The coordinates of each block, the outer one first, and the inner one alone, if there is one.
    blocks: Vec<Vec<usize>>,
    inner: Vec<Vec<usize>>,
    anchor: Option<Anchor>,
    tally: Tally,
}

impl<'a, P: Target, T: Target> Collapsed<'a, P, T> {
    /// The marginal of a target, by the rule of a level.
    pub fn new(target: &'a T, parts: &'a Parts<P>, options: &'a Collapse, level: usize) -> Self {
        let tally = Tally::default();
        let in_pairs = parts.blocks.iter().any(|block| block.len() == 2);
        let blocks = if in_pairs { ordered(parts, &tally) } else { parts.blocks.clone() };
        let inner = blocks.iter().map(|block| block.iter().skip(1).copied().collect()).collect();
        let rules = options.rules(level, in_pairs);
        Self { parts, target, options, rules, level, blocks, inner, anchor: None, tally }
    }

    /// Writes the globals to their places.
    fn place(&self, globals: &[f64], point: &mut [f64]) {
        self.parts.globals.iter().zip(globals).for_each(|(at, value)| point[*at] = *value);
    }

    /// Whether some block has two coordinates.
    fn in_pairs(&self) -> bool {
        self.rules.pairs.is_some()
    }

    /// Climbs to the modes of some coordinates of every block from those at the point, with the others
    /// fixed; whether the gradient there is finite.
    fn climb(
        &self,
        (modes, blocks): (&mut Modes, &[Vec<usize>]),
        (steps, tolerance): (usize, f64),
        work: &mut Work<P::Workspace>,
    ) -> bool {
        let Work { weighed, point, gradient, direction, product } = work;
        let dimension = self.target.dimension();
        let slopes = |point: &[f64], gradient: &mut [f64], weighed: &mut P::Workspace| {
            self.tally.count(Evaluation::Gradient);
            self.parts.weighed.gradient(weighed, point, gradient)
        };
        slopes(point, gradient, weighed);
        let finite = gradient.iter().all(|partial| partial.is_finite());
        modes.begin(blocks, dimension, point, gradient);
        for _ in 0..steps {
            for place in 0..blocks.iter().map(Vec::len).max().unwrap_or(0) {
                direction.fill(0.0);
                let moved = blocks.iter().filter_map(|block| block.get(place));
                moved.for_each(|coordinate| direction[*coordinate] = 1.0);
                self.tally.count(Evaluation::HessianVector);
                self.parts.weighed.hessian_vector(weighed, point, direction, product);
                modes.curve(blocks, place, product);
            }
            if modes.propose(tolerance) {
                break;
            }
            for _ in 0..self.options.halvings {
                modes.trial(blocks, point);
                slopes(point, gradient, weighed);
                if modes.accept(blocks, dimension, gradient) {
                    break;
                }
            }
            modes.settle(blocks, point);
        }
        finite
    }

    /// log p(g), leaving modes, grids and the weights of their nodes behind; `None` where it is not
    /// finite.
    fn integrate(&self, scratch: &mut Scratch<P::Workspace>, globals: &[f64]) -> Option<f64> {
        self.integrate_by(&self.rules.integrating, scratch, globals)
    }

    /// The same, leaving the grids of another rule behind.
    fn integrate_by(
        &self,
        rule: &Rule,
        scratch: &mut Scratch<P::Workspace>,
        globals: &[f64],
    ) -> Option<f64> {
        let Collapse { newton_steps, newton_tolerance, moves, locating_moves, .. } = *self.options;
        let dimension = self.target.dimension();
        let Scratch { work, modes, grid, .. } = &mut *scratch;
        work.point[..dimension].fill(0.0);
        work.point[dimension..].fill(1.0);
        self.place(globals, &mut work.point);
        if let Some(anchor) = &self.anchor {
            anchor.predict(&self.blocks, globals, &mut work.point);
        }
        if !self.climb((modes, &self.blocks), (newton_steps, newton_tolerance), work) {
            return None;
        }
        grid.centre(modes);
        if let Some(PairRules { locating, .. }) = &self.rules.pairs {
            for moved in 0..locating_moves {
                if !self.weigh(locating, scratch) && moved > 0 {
                    break;
                }
                scratch.grid.recentre(moved == 0);
            }
            self.weigh(rule, scratch);
        } else {
            for moved in 0..=moves {
                if !self.weigh(rule, scratch) || moved == moves {
                    break;
                }
                scratch.grid.recentre(true);
            }
        }
        let value = scratch.grid.log_integral(rule);
        value.is_finite().then_some(value)
    }

    /// Weighs the nodes of a rule; whether some grid is in the wrong place.
    fn weigh(&self, rule: &Rule, scratch: &mut Scratch<P::Workspace>) -> bool {
        let dimension = self.target.dimension();
        let Scratch { work, parts, inner, grid, .. } = scratch;
        grid.reshape(rule);
        if self.in_pairs() {
            self.follow(rule, grid, inner, work);
        }
        for node in 0..rule.len() {
            grid.at_node(&self.blocks, rule, node, &mut work.point);
            self.tally.count(Evaluation::LogDensity);
            let values = grid.values_at(node);
            self.parts.parts.quantities(parts, &work.point[..dimension], values);
        }
        grid.weigh(rule)
    }

    /// Finds the modes and scales of inner coordinates at every outer node, from the middle outwards.
    fn follow(
        &self,
        rule: &Rule,
        grid: &mut Grid,
        inner: &mut Modes,
        work: &mut Work<P::Workspace>,
    ) {
        let Collapse { inner_steps, inner_tolerance, .. } = *self.options;
        for (node, before) in rule.outer.outwards() {
            grid.predict(&self.blocks, rule, (node, before), &mut work.point);
            self.climb((inner, &self.inner), (inner_steps, inner_tolerance), work);
            inner.finish();
            grid.follow(node, inner);
        }
    }

    /// For every node that matters, sets the point there and the weights of the blocks, and calls
    /// `visit`. The part without locals has weight 1 at the first node and 0 at the others.
    fn for_each_node(
        &self,
        scratch: &mut Scratch<P::Workspace>,
        weights: impl Fn(&Grid, usize, usize) -> f64,
        mut visit: impl FnMut(&mut Work<P::Workspace>, &Grid, usize),
    ) {
        let dimension = self.target.dimension();
        let Scratch { work, grid, modes, .. } = scratch;
        let mut first = true;
        for node in self.rules.integrating.outwards() {
            if !first && grid.is_idle(node) {
                continue;
            }
            grid.at_node(&self.blocks, &self.rules.integrating, node, &mut work.point);
            for index in 0..self.blocks.len() {
                let weight = weights(grid, node, index);
                work.point[dimension + index] = weight;
                if weight == 0.0 {
                    modes.at_centre(&self.blocks, index, &mut work.point);
                }
            }
            work.point[dimension + self.blocks.len()] = if first { 1.0 } else { 0.0 };
            visit(work, grid, node);
            first = false;
        }
    }
}

/// The scratch memory of one thread.
pub struct Scratch<W> {
    work: Work<W>,
    parts: W,
    modes: Modes,
    inner: Modes,
    grid: Grid,
}

/// What evaluations of the weighed density need.
struct Work<W> {
    weighed: W,
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
        let work = Work {
            weighed: self.parts.weighed.workspace(),
            point: vec![0.0; length],
            gradient: vec![0.0; length],
            direction: vec![0.0; length],
            product: vec![0.0; length],
        };
        Scratch {
            work,
            parts: self.parts.parts.workspace(),
            modes: Modes::new(&self.blocks),
            inner: Modes::new(&self.inner),
            grid: Grid::new(&self.blocks),
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
        let weight = |grid: &Grid, node, block| grid.weight(node, block);
        self.for_each_node(scratch, weight, |work, _, _| {
            self.tally.count(Evaluation::Gradient);
            let Work { weighed, point, gradient, .. } = work;
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
        scratch.work.direction.fill(0.0);
        self.place(direction, &mut scratch.work.direction);
        let mut changes = vec![0.0; blocks * self.rules.integrating.len()];
        let mut means = vec![0.0; blocks];
        let weight = |grid: &Grid, node, block| grid.weight(node, block);
        self.for_each_node(scratch, weight, |work, grid, node| {
            self.tally.count(Evaluation::HessianVector);
            let Work { weighed, point, direction, product, .. } = work;
            self.parts.weighed.hessian_vector(weighed, point, direction, product);
            for (out, coordinate) in out.iter_mut().zip(&self.parts.globals) {
                *out += product[*coordinate];
            }
            for block in 0..blocks {
                let change = product[dimension + block];
                if grid.weight(node, block) > 0.0 {
                    changes[node * blocks + block] = change;
                    means[block] += grid.weight(node, block) * change;
                }
            }
        });
        let weight = |grid: &Grid, node: usize, block: usize| {
            grid.weight(node, block) * (changes[node * blocks + block] - means[block])
        };
        self.for_each_node(scratch, weight, |work, _, _| {
            self.tally.count(Evaluation::Gradient);
            let Work { weighed, point, gradient, .. } = work;
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

    /// That of the nodes and of a few Newton steps, in each pass over the grids.
    fn cost(&self) -> usize {
        const NEWTON: usize = 20;
        const PASSES: usize = 2;
        const FOLLOWING: usize = 6;
        let pass = |rule: &Rule| match self.in_pairs() {
            true => rule.len() + FOLLOWING * rule.outer.len(),
            false => rule.len(),
        };
        let locating = self.rules.pairs.as_ref().map_or(0, |pairs| PASSES * pass(&pairs.locating));
        self.target.cost().saturating_mul(pass(&self.rules.integrating) + locating + NEWTON)
    }
}

impl<P: Target, T: Target> Marginal for Collapsed<'_, P, T> {
    fn anchored(self, globals: &[f64]) -> Self {
        let mut scratch = self.workspace();
        if self.integrate(&mut scratch, globals).is_none() {
            return self;
        }
        let Scratch { work, modes, .. } = &mut scratch;
        let Work { weighed, point, direction, product, .. } = work;
        point[self.target.dimension()..].fill(1.0);
        let blocks = &self.blocks;
        (0..blocks.len()).for_each(|index| modes.at_centre(blocks, index, point));
        let mut anchor = Anchor::new(globals, blocks, modes);
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
        let (level, in_pairs) = (self.level + 1, self.in_pairs());
        (level < self.options.levels(in_pairs)).then(|| Self {
            rules: self.options.rules(level, in_pairs),
            level,
            blocks: self.blocks.clone(),
            inner: self.inner.clone(),
            anchor: None,
            tally: Tally::default(),
            ..*self
        })
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
        let pairs = self.rules.pairs.as_ref();
        let rule = pairs.map_or(&self.rules.integrating, |pairs| &pairs.drawing);
        let found = self.integrate_by(rule, workspace, globals).is_some();
        for column in all.chunks_mut(dimension) {
            self.place(globals, column);
        }
        if !found {
            return all;
        }
        let mut strata: Vec<usize> = (0..repeats).collect();
        for (index, block) in self.blocks.iter().enumerate() {
            for last in (1..repeats).rev() {
                strata.swap(last, rng.random_range(0..=last));
            }
            let sampler = Sampler::new(&workspace.grid, rule, index);
            for (column, stratum) in all.chunks_mut(dimension).zip(&strata) {
                let share = (*stratum as f64 + rng.random::<f64>()) / repeats as f64;
                let drawn = sampler.draw(share, rng.random());
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
