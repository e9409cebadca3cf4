//! Integrates coupled locals out of a log density by Laplace's method: nested Laplace.
//!
//! log p(g) ≈ log p(g, û) + n/2 ln 2π − ½ ln |A|, with the mode û of the n locals given the globals g,
//! and their precision A = −∇²_u log p there (Tierney and Kadane 1986; Rue, Martino and Chopin 2009).
//! Finer levels estimate p(g) without bias, as the mean of p(g, u) / q(u | g) over draws of a normal q
//! with the precision A around nearly the mean of the locals: importance weights of the globals stay
//! right then, and tell of the noise (Tran, Scharth, Pitt and Kohn 2013). Locals are drawn by dynamics
//! that leave p(u | g) invariant, from a draw of q. Invariant: what is computed at a point depends on
//! the point alone.

mod curvature;
mod mode;
mod moves;

use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::collapse::Collapse;
use super::draws;
use super::elbo::log_mean_exp;
use super::evaluate::{Evaluation, Tally};
use super::guide::LN_2_PI;
use super::marginal::Marginal;
use super::random::{Purpose, Stream, stream};
use super::target::{LogDensity, Target};
use super::verdict::Integrated;
use crate::math::sparse::Pattern;
pub use curvature::Probes;
use curvature::{Part, Precision};
use mode::Wanted;

/// Which coordinates are integrated out, and how they are coupled given the others.
#[derive(Clone, Debug)]
pub struct Coupling<P> {
    /// The coordinates that are integrated out.
    pub locals: Vec<usize>,
    /// The other coordinates.
    pub globals: Vec<usize>,
    /// The entries of the locals' Hessian, by their positions, without those of wide rows.
    pub pattern: Pattern,
    /// The products that give them.
    pub probes: Probes,
    /// How many rows are wide.
    pub wide: usize,
    /// w_0 ℓ_0 + w_1 ℓ_1 at a point that has the d coordinates, then the weights: ℓ_1 is the sum of the
    /// wide rows, ℓ_0 that of all others. Nothing, if there are no wide rows.
    pub weighed: Option<P>,
}

impl<P> Coupling<P> {
    /// The locals among all coordinates.
    fn of_locals(&self, numbers: &[f64]) -> Vec<f64> {
        self.locals.iter().map(|at| numbers[*at]).collect()
    }
}

/// The constants of the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    /// Newton steps at most.
    pub newton_steps: usize,
    /// Newton's method stops when it would move by less than this in sds per root local.
    pub newton_tolerance: f64,
    /// Halvings of a Newton step at most.
    pub halvings: usize,
    /// How often a curvature that is none is given a ridge ten times as large.
    pub ridges: usize,
    /// The change of a global for differences of the log determinant.
    pub difference: f64,
    /// Pairs of draws of the locals, from level to level; none at the first, which is Laplace's.
    pub pairs: Vec<usize>,
    /// Pairs of draws that tell how far the mean of the locals is from their mode.
    pub shift_pairs: usize,
    /// By how much Laplace's method may differ from an estimate, in nats, to be enough.
    pub laplace_error: f64,
    /// How much estimates may differ from one another, in nats, to be enough.
    pub noise: f64,
    /// Quarter turns of the dynamics before locals are reported.
    pub turns: usize,
    /// Kicks in a quarter turn.
    pub kicks: usize,
    /// Draws of the locals for each of the globals.
    pub repeats: usize,
    /// Starts of a round, at most, and at most if there are several modes.
    pub starts: [usize; 3],
    /// Short descents before the first start, which begins where they end.
    pub approaches: usize,
    /// Steps of each.
    pub approach_steps: usize,
}

impl Default for Nested {
    fn default() -> Self {
        Self {
            newton_steps: 40,
            newton_tolerance: 1e-3,
            halvings: 12,
            ridges: 12,
            difference: 1e-3,
            pairs: vec![0, 8, 32],
            shift_pairs: 128,
            laplace_error: 0.05,
            noise: 1.0,
            turns: 2,
            kicks: 4,
            repeats: 2,
            starts: [1, 3, 8],
            approaches: 6,
            approach_steps: 5,
        }
    }
}

/// The marginal log density of the globals.
pub struct NestedLaplace<'a, P, T> {
    coupling: &'a Coupling<P>,
    target: &'a T,
    options: &'a Nested,
    level: usize,
    anchor: Option<Anchor>,
    tally: Tally,
    moves: [AtomicU64; 2],
}

/// The modes of locals at one point of the globals, and how they change with each of them.
struct Anchor {
    globals: Vec<f64>,
    locals: Vec<f64>,
    moves: Vec<Vec<f64>>,
    /// How far the mean is from the mode, in the coordinates z of u = û + B z, where B Bᵀ = A⁻¹.
    shift: Vec<f64>,
}

impl<'a, P: Target, T: Target> NestedLaplace<'a, P, T> {
    /// The marginal of a target, at a level of `options.pairs`.
    pub fn new(
        target: &'a T,
        coupling: &'a Coupling<P>,
        options: &'a Nested,
        level: usize,
    ) -> Self {
        let (tally, moves) = Default::default();
        Self { coupling, target, options, level, anchor: None, tally, moves }
    }

    fn place(&self, globals: &[f64], point: &mut [f64]) {
        self.coupling.globals.iter().zip(globals).for_each(|(at, value)| point[*at] = *value);
    }

    /// log p and its gradient at the scratch point.
    fn slopes(&self, scratch: &mut Scratch<T::Workspace, P::Workspace>) -> f64 {
        self.tally.count(Evaluation::Gradient);
        let Scratch { target, point, gradient, .. } = scratch;
        self.target.gradient(target, point, gradient)
    }

    /// Finds the precision at the scratch point; whether it is positive definite.
    fn curve(&self, scratch: &mut Scratch<T::Workspace, P::Workspace>) -> bool {
        let Scratch { target, weighed, point, direction, product, precision, .. } = scratch;
        let dimension = self.target.dimension();
        let mut multiply = |part: Part, direction: &[f64], product: &mut [f64]| {
            self.tally.count(Evaluation::HessianVector);
            match (&self.coupling.weighed, &mut *weighed) {
                (Some(program), Some(weighed)) => {
                    let weights = match part {
                        Part::Narrow => [1.0, 0.0],
                        Part::Wide => [0.0, 1.0],
                    };
                    let Weighed { workspace, point: own, direction: turned, product: out } =
                        weighed;
                    own[..dimension].copy_from_slice(point);
                    own[dimension..].copy_from_slice(&weights);
                    turned[..dimension].copy_from_slice(direction);
                    program.hessian_vector(workspace, own, turned, out);
                    product.copy_from_slice(&out[..dimension]);
                }
                (Some(_), None) | (None, _) => {
                    self.target.hessian_vector(target, point, direction, product);
                }
            }
        };
        precision.measure(self.coupling, direction, product, &mut multiply)
    }

    /// What integration adds to the log density by Laplace's method: n/2 ln 2π − ½ ln |A|.
    fn volume(&self, scratch: &Scratch<T::Workspace, P::Workspace>) -> f64 {
        let normal = self.coupling.locals.len() as f64 * LN_2_PI;
        0.5 * (normal - scratch.precision.log_determinant())
    }

    /// ln of the mean of p(g, u) / q(u | g) over draws of q, relative to Laplace's method with the
    /// density `height` at the mode. The draws are those of the globals: any other have others.
    fn estimate(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        globals: &[f64],
        height: f64,
        pairs: usize,
    ) -> f64 {
        let locals = &self.coupling.locals;
        let mode = self.coupling.of_locals(&scratch.point);
        let name = globals.iter().fold(0_u64, |name, g| {
            const MIXER: u64 = 0x9E37_79B9_7F4A_7C15;
            (name ^ g.to_bits()).wrapping_mul(MIXER).rotate_left(29)
        });
        let base = draws::antithetic(&mut stream(name, Purpose::Rule, 1), locals.len(), 2 * pairs);
        let mut log_ratios = Vec::with_capacity(base.ncols());
        for z in base.column_iter() {
            self.go_to(scratch, &mode, self.shifted(z.as_slice().to_vec()));
            self.tally.count(Evaluation::LogDensity);
            let value = self.target.log_density(&mut scratch.target, &scratch.point);
            log_ratios.push(value - height + 0.5 * z.norm_squared());
        }
        locals.iter().zip(&mode).for_each(|(at, mode)| scratch.point[*at] = *mode);
        log_mean_exp(&log_ratios)
    }

    /// A draw of the normal around the mean of the locals, from one around their mode.
    fn shifted(&self, mut z: Vec<f64>) -> Vec<f64> {
        let shift = self.anchor.iter().flat_map(|anchor| &anchor.shift);
        z.iter_mut().zip(shift).for_each(|(z, shift)| *z += shift);
        z
    }

    /// Moves the locals of the scratch point to û + B z.
    fn go_to(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        mode: &[f64],
        mut z: Vec<f64>,
    ) {
        scratch.precision.spread(self.coupling, &mut z);
        for ((at, mode), moved) in self.coupling.locals.iter().zip(mode).zip(&z) {
            scratch.point[*at] = mode + moved;
        }
    }

    /// The mean of the slopes around the mode at the scratch point, in the coordinates z: a step to the
    /// mean of the best normal with this precision. The odd part of what the density has besides a
    /// normal is in it, the even part cancels in pairs.
    fn shift(&self, scratch: &mut Scratch<T::Workspace, P::Workspace>) -> Vec<f64> {
        let locals = &self.coupling.locals;
        let mode = self.coupling.of_locals(&scratch.point);
        let pairs = self.options.shift_pairs;
        let base = draws::antithetic(&mut stream(0, Purpose::Rule, 2), locals.len(), 2 * pairs);
        let mut mean = vec![0.0; locals.len()];
        for z in base.column_iter() {
            self.go_to(scratch, &mode, z.as_slice().to_vec());
            self.slopes(scratch);
            for (mean, at) in mean.iter_mut().zip(locals) {
                *mean += scratch.gradient[*at] / base.ncols() as f64;
            }
        }
        scratch.precision.whiten(self.coupling, &mut mean);
        if mean.iter().all(|x| x.is_finite()) { mean } else { vec![0.0; locals.len()] }
    }

    fn log_marginal(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        globals: &[f64],
    ) -> Option<f64> {
        let pairs = self.options.pairs.get(self.level).copied().unwrap_or(0);
        let wanted = if pairs == 0 { Wanted::Exact } else { Wanted::Near };
        let height = self.settle(scratch, globals, wanted)?;
        let laplace = height + self.volume(scratch);
        let value = match pairs {
            0 => laplace,
            pairs => laplace + self.estimate(scratch, globals, height, pairs),
        };
        value.is_finite().then_some(value)
    }

    /// The gradient of Laplace's log marginal, at any level: that of log p at the mode, where locals add
    /// nothing, and central differences of what integration adds, along which the mode moves.
    fn slopes_of_marginal(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        globals: &[f64],
        out: &mut [f64],
    ) -> Option<f64> {
        let height = self.settle(scratch, globals, Wanted::Exact)?;
        let value = height + self.volume(scratch);
        let own = &self.coupling.globals;
        own.iter().zip(&mut *out).for_each(|(at, out)| *out = scratch.gradient[*at]);
        let responses: Vec<Vec<f64>> =
            own.iter().map(|global| self.response(scratch, *global)).collect();
        let mode = scratch.point.clone();
        let change = self.options.difference;
        for ((global, response), out) in own.iter().zip(&responses).zip(out) {
            let mut difference = 0.0;
            for sign in [1.0, -1.0] {
                scratch.point.copy_from_slice(&mode);
                scratch.point[*global] += sign * change;
                for (at, moved) in self.coupling.locals.iter().zip(response) {
                    scratch.point[*at] += sign * change * moved;
                }
                if !self.curve(scratch) {
                    return None;
                }
                difference += sign * self.volume(scratch);
            }
            *out += difference / (2.0 * change);
        }
        value.is_finite().then_some(value)
    }
}

/// The scratch memory of one thread.
pub struct Scratch<W, V> {
    target: W,
    weighed: Option<Weighed<V>>,
    precision: Precision,
    point: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

/// Scratch memory for the two kinds of rows.
struct Weighed<V> {
    workspace: V,
    point: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

impl<P: Target, T: Target> LogDensity for NestedLaplace<'_, P, T> {
    type Workspace = Scratch<T::Workspace, P::Workspace>;

    fn dimension(&self) -> usize {
        self.coupling.globals.len()
    }

    fn workspace(&self) -> Self::Workspace {
        let numbers = || vec![0.0; self.target.dimension()];
        let weighed = self.coupling.weighed.as_ref().map(|program| {
            let numbers = || vec![0.0; program.dimension()];
            let workspace = program.workspace();
            Weighed { workspace, point: numbers(), direction: numbers(), product: numbers() }
        });
        Scratch {
            target: self.target.workspace(),
            weighed,
            precision: Precision::new(self.coupling),
            point: numbers(),
            gradient: numbers(),
            direction: numbers(),
            product: numbers(),
        }
    }

    fn log_density(&self, scratch: &mut Self::Workspace, point: &[f64]) -> f64 {
        self.log_marginal(scratch, point).unwrap_or(f64::NEG_INFINITY)
    }

    fn gradient(&self, scratch: &mut Self::Workspace, point: &[f64], out: &mut [f64]) -> f64 {
        let value = self.slopes_of_marginal(scratch, point, out);
        if value.is_none() {
            out.fill(f64::NAN);
        }
        value.unwrap_or(f64::NEG_INFINITY)
    }

    /// By central differences of gradients.
    fn hessian_vector(
        &self,
        scratch: &mut Self::Workspace,
        point: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) {
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        let change = 10.0 * self.options.difference / length.max(f64::MIN_POSITIVE);
        let mut slopes = vec![0.0; point.len()];
        out.fill(0.0);
        for sign in [1.0, -1.0] {
            let moved: Vec<f64> =
                point.iter().zip(direction).map(|(x, d)| x + sign * change * d).collect();
            self.gradient(scratch, &moved, &mut slopes);
            for (out, slope) in out.iter_mut().zip(&slopes) {
                *out += sign * slope / (2.0 * change);
            }
        }
    }
}

/// The quantities are the globals themselves.
impl<P: Target, T: Target> Target for NestedLaplace<'_, P, T> {
    fn quantity_count(&self) -> usize {
        self.coupling.globals.len()
    }

    fn quantities(&self, _: &mut Self::Workspace, point: &[f64], out: &mut [f64]) {
        out.copy_from_slice(point);
    }

    fn draw_prior(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let point = self.target.draw_prior(rng)?;
        self.coupling.globals.iter().map(|coordinate| point.get(*coordinate).copied()).collect()
    }

    /// That of a few Newton steps, each with its products and the factor.
    fn cost(&self) -> usize {
        const NEWTON: usize = 3;
        let products = self.coupling.probes.count() + self.coupling.wide;
        let step = 4 * self.target.cost() * products + 8 * self.coupling.pattern.filled();
        NEWTON.saturating_mul(step)
    }
}

impl<P: Target, T: Target> Marginal for NestedLaplace<'_, P, T> {
    fn anchored(self, globals: &[f64]) -> Self {
        let mut scratch = self.workspace();
        if self.settle(&mut scratch, globals, Wanted::Exact).is_none() {
            return self;
        }
        let own = self.coupling.globals.iter();
        let moves = own.map(|global| self.response(&mut scratch, *global)).collect();
        let locals = self.coupling.of_locals(&scratch.point);
        let shift = if self.level > 0 { self.shift(&mut scratch) } else { Vec::new() };
        let anchor = Anchor { globals: globals.to_vec(), locals, moves, shift };
        Self { anchor: Some(anchor), ..self }
    }

    fn finer(&self) -> Option<Self> {
        let finer = self.level + 1;
        (finer < self.options.pairs.len())
            .then(|| Self::new(self.target, self.coupling, self.options, finer))
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn completed(
        &self,
        workspace: &mut Self::Workspace,
        globals: &[f64],
        repeats: usize,
        rng: &mut Stream,
    ) -> Vec<f64> {
        self.drawn(workspace, globals, repeats, rng)
    }

    /// Laplace's method: a bias that changes little with the globals does less harm than noise that
    /// leaves few weights.
    fn fallback(self) -> Self {
        Self { level: 0, ..self }
    }

    fn is_unbiased(&self) -> bool {
        self.level > 0
    }

    fn repeats(&self, _: &Collapse) -> usize {
        self.options.repeats
    }

    fn tolerance(&self, _: &Collapse) -> f64 {
        if self.level == 0 { self.options.laplace_error } else { self.options.noise }
    }

    /// Estimates without bias leave no error but noise, which the weights of the globals have too.
    fn integrated(&self, error: f64) -> Integrated {
        let error = if self.is_unbiased() { 0.0 } else { error };
        let [accepted, tried] = [0, 1].map(|kind: usize| self.moves[kind].load(Ordering::Relaxed));
        let accepted = if tried == 0 { f64::NAN } else { accepted as f64 / tried as f64 };
        let locals = self.coupling.locals.len();
        Integrated { locals, blocks: 1, error, accepted: Some(accepted) }
    }
}
