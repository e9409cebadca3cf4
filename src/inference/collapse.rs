//! Integrates locals that are independent of one another given the globals out of a log density.
//!
//! log p(g) = ℓ_0(g) + Σ_b ln ∫ exp ℓ_b(g, u_b) du_b, one or two coordinates u_b to a block. All blocks
//! go together: Newton's method finds all their modes, and each node of a quadrature is one evaluation
//! for all of them. Of two coordinates the one whose density is closer to a normal is the inner one, with
//! a grid of its own at each node of the other. Derivatives are exact: ∇ log p = ∇ℓ_0 + Σ_b E[∇_g ℓ_b | g], and the Hessian has the
//! covariances of these besides. Invariant: what is computed at a point depends on the point alone.

mod anchor;
mod grid;
mod modes;
mod rule;
mod sampler;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::evaluate::{Evaluation, Tally};
use super::marginal::Marginal;
use super::optimizer::Lbfgs;
use super::random::Stream;
use super::target::{LogDensity, Target};
use super::verdict::Integrated;
use anchor::Anchor;
use grid::Grid;
use modes::Modes;
use rule::{Line, Rule};
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
    /// The spacing and the reach, for both coordinates, of the rule that puts grids of pairs in place.
    pub locating: [f64; 2],
    /// The spacings of outer coordinates, in sds.
    pub outer_spacings: Vec<f64>,
    /// How far the grids of outer coordinates reach.
    pub outer_reaches: Vec<f64>,
    /// The spacings of inner coordinates.
    pub inner_spacings: Vec<f64>,
    /// How far the grids of inner coordinates reach.
    pub inner_reaches: Vec<f64>,
    /// Newton steps of inner coordinates at an outer node at most.
    pub inner_steps: usize,
    /// These stop when no block would move by more than this, in sds; the last step is taken untried.
    pub inner_tolerance: f64,
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
            outer_spacings: vec![0.9, 0.6, 0.45, 0.3, 0.15],
            outer_reaches: vec![4.5, 5.4, 5.85, 6.0, 6.0],
            inner_spacings: vec![1.5, 1.25, 1.25, 1.0, 0.8],
            inner_reaches: vec![3.0, 3.75, 3.75, 5.0, 5.6],
            locating: [1.5, 3.0],
            inner_steps: 6,
            inner_tolerance: 0.3,
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

impl Collapse {
    /// The rule for blocks of one coordinate.
    fn singles(&self, level: usize) -> Rule {
        Rule::new(line(&self.spacings, &self.reaches, level), Line::point())
    }

    /// The rule where some blocks have two.
    fn pairs(&self, level: usize) -> Rule {
        Rule::new(
            line(&self.outer_spacings, &self.outer_reaches, level),
            line(&self.inner_spacings, &self.inner_reaches, level),
        )
    }
}

fn line(spacings: &[f64], reaches: &[f64], level: usize) -> Line {
    let level = level.min(spacings.len().min(reaches.len()).saturating_sub(1));
    let spacing = spacings.get(level).copied().unwrap_or(1.0);
    Line::new(spacing, reaches.get(level).copied().unwrap_or(4.0))
}

/// The marginal log density of the globals.
pub struct Collapsed<'a, P, T> {
    parts: &'a Parts<P>,
    target: &'a T,
    options: &'a Collapse,
    rule: Rule,
    /// By which the grids of pairs are put in place.
    locating: Option<Rule>,
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
        let locating = || Line::new(options.locating[0], options.locating[1]);
        let rule = |level| if in_pairs { options.pairs(level) } else { options.singles(level) };
        let locating = in_pairs.then(|| Rule::new(locating(), locating()));
        let rule = rule(level);
        Self { parts, target, options, rule, locating, level, blocks, inner, anchor: None, tally }
    }

    /// Writes the globals to their places.
    fn place(&self, globals: &[f64], point: &mut [f64]) {
        self.parts.globals.iter().zip(globals).for_each(|(at, value)| point[*at] = *value);
    }

    /// Whether some block has two coordinates.
    fn in_pairs(&self) -> bool {
        self.inner.iter().any(|inner| !inner.is_empty())
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
        let Collapse { newton_steps, newton_tolerance, moves, .. } = *self.options;
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
        if let Some(locating) = &self.locating {
            for _ in 0..moves {
                self.weigh(locating, scratch);
                scratch.grid.recentre();
            }
            self.weigh(&self.rule, scratch);
        } else {
            for moved in 0..=moves {
                if !self.weigh(&self.rule, scratch) || moved == moves {
                    break;
                }
                scratch.grid.recentre();
            }
        }
        let value = scratch.grid.log_integral(&self.rule);
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
        for node in self.rule.outwards() {
            if !first && grid.is_idle(node) {
                continue;
            }
            grid.at_node(&self.blocks, &self.rule, node, &mut work.point);
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

/// The coordinates of each block, first the one whose curvature changes more along itself: where the
/// density is normal in the other one, given it, few nodes are needed.
fn ordered<P: Target>(parts: &Parts<P>, tally: &Tally) -> Vec<Vec<usize>> {
    let length = parts.weighed.dimension();
    let mut workspace = parts.weighed.workspace();
    let (mut direction, mut product) = (vec![0.0; length], vec![0.0; length]);
    let mut curvatures = |place: usize, at: f64| {
        let mut point = vec![0.0; length];
        point[length - parts.blocks.len() - 1..].fill(1.0);
        direction.fill(0.0);
        for coordinate in parts.blocks.iter().filter_map(|block| block.get(place)) {
            direction[*coordinate] = 1.0;
            point[*coordinate] = at;
        }
        tally.count(Evaluation::HessianVector);
        parts.weighed.hessian_vector(&mut workspace, &point, &direction, &mut product);
        let own = |block: &Vec<usize>| block.get(place).map_or(f64::NAN, |at| product[*at]);
        parts.blocks.iter().map(own).collect::<Vec<f64>>()
    };
    let mut changes = |place: usize| {
        let [before, middle, after] = [-1.0, 0.0, 1.0].map(|at| curvatures(place, at));
        let ends = before.iter().zip(&after);
        let change = |(middle, (before, after)): (&f64, (&f64, &f64))| {
            ((before - middle).abs() + (after - middle).abs()) / middle.abs()
        };
        middle.iter().zip(ends).map(change).collect::<Vec<f64>>()
    };
    let (first, second) = (changes(0), changes(1));
    let in_order = |(block, (first, second)): (&Vec<usize>, (&f64, &f64))| {
        let mut block = block.clone();
        if first < second {
            block.reverse();
        }
        block
    };
    parts.blocks.iter().zip(first.iter().zip(&second)).map(in_order).collect()
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
        let mut changes = vec![0.0; blocks * self.rule.len()];
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

    /// That of the nodes and of a few Newton steps.
    fn cost(&self) -> usize {
        const NEWTON: usize = 20;
        const FOLLOWING: usize = 6;
        let following = if self.in_pairs() { FOLLOWING * self.rule.outer.len() } else { 0 };
        self.target.cost().saturating_mul(self.rule.len() + NEWTON + following)
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
        let Collapse { spacings, outer_spacings, .. } = self.options;
        let levels = if self.in_pairs() { outer_spacings.len() } else { spacings.len() };
        (self.level + 1 < levels)
            .then(|| Self::new(self.target, self.parts, self.options, self.level + 1))
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
        for (index, block) in self.blocks.iter().enumerate() {
            for last in (1..repeats).rev() {
                strata.swap(last, rng.random_range(0..=last));
            }
            let sampler = Sampler::new(&workspace.grid, &self.rule, index);
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
