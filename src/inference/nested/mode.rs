//! Finds the modes of coupled locals given the globals, by Newton's method with their sparse precision.

use super::{NestedLaplace, Scratch};
use crate::inference::evaluate::Evaluation;
use crate::inference::target::Target;

/// A step with the precision of an earlier point that leaves more of the decrement than this is slow:
/// a new precision, which costs as much as many steps, is worth having.
const SLOW: f64 = 0.05;

/// Which precision is wanted with a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// That of the mode.
    Exact,
    /// One of a point near it.
    Near,
}

/// Where the precision at hand is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    /// An earlier point of the way.
    Before,
    /// The point itself.
    Here,
}

impl<P: Target, T: Target> NestedLaplace<'_, P, T> {
    /// Moves the locals of the scratch point to their mode; log p there, with its gradient and the
    /// precision there or, where any near it will do, of a point on the way. `None` if there is none.
    pub(super) fn settle(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        globals: &[f64],
        wanted: Wanted,
    ) -> Option<f64> {
        let locals = &self.coupling.locals;
        scratch.point.fill(0.0);
        self.place(globals, &mut scratch.point);
        self.predict(scratch, globals);
        let mut height = self.slopes(scratch);
        let limit = self.options.newton_tolerance.powi(2) * locals.len() as f64;
        let (mut known, mut definite, mut before) = (Known::Nothing, false, f64::INFINITY);
        let mut steps = 0;
        while steps < self.options.newton_steps {
            let finite = scratch.gradient.iter().all(|partial| partial.is_finite());
            if !(height.is_finite() && finite) {
                return None;
            }
            if known == Known::Nothing {
                definite = self.curve(scratch);
                if !definite && !self.mend(scratch) {
                    return None;
                }
                known = Known::Here;
            }
            let mut step = self.coupling.of_locals(&scratch.gradient);
            let precision = &mut scratch.precision;
            precision.whiten(self.coupling, &mut step);
            let decrement: f64 = step.iter().map(|x| x * x).sum();
            let enough = known == Known::Here || wanted == Wanted::Near;
            if definite && decrement < limit && enough {
                return Some(height + 0.5 * decrement);
            }
            let slow = !definite || decrement < limit || decrement > SLOW * before;
            if known == Known::Before && slow {
                known = Known::Nothing;
                continue;
            }
            (before, steps) = (decrement, steps + 1);
            precision.spread(self.coupling, &mut step);
            height = self.advance(scratch, &step, height, decrement)?;
            known = Known::Before;
        }
        None
    }

    /// Adds to the diagonal of a curvature that is none until it is one.
    fn mend(&self, scratch: &mut Scratch<T::Workspace, P::Workspace>) -> bool {
        const FIRST: f64 = 1e-6;
        let precision = &mut scratch.precision;
        let mut ridge = FIRST * precision.largest();
        (0..self.options.ridges).any(|_| {
            ridge *= 10.0;
            precision.with_ridge(self.coupling, ridge)
        })
    }

    /// Takes as much of a step as raises the density; the new density. A step from far away that raises
    /// it is lengthened while that raises it more: Newton's method goes down an exponential by one at a
    /// time.
    fn advance(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        step: &[f64],
        height: f64,
        decrement: f64,
    ) -> Option<f64> {
        const SUFFICIENT: f64 = 1e-4;
        /// The decrement for each local from which a step is one from far away.
        const FAR: f64 = 0.1;
        let locals = &self.coupling.locals;
        let from = self.coupling.of_locals(&scratch.point);
        let go = |scratch: &mut Scratch<T::Workspace, P::Workspace>, rate: f64| {
            for ((at, from), step) in locals.iter().zip(&from).zip(step) {
                scratch.point[*at] = from + rate * step;
            }
            self.slopes(scratch)
        };
        let rounding = 1e-12 * height.abs();
        let rates = (0..=self.options.halvings as i32).map(|halvings| 0.5_f64.powi(halvings));
        for rate in rates {
            let mut value = go(scratch, rate);
            if value < height + SUFFICIENT * rate * decrement - rounding || value.is_nan() {
                continue;
            }
            let far = rate == 1.0 && decrement > FAR * locals.len() as f64;
            if !far {
                return Some(value);
            }
            let mut longer = 2.0;
            loop {
                let next = go(scratch, longer);
                if next <= value || !next.is_finite() {
                    return Some(go(scratch, 0.5 * longer));
                }
                (value, longer) = (next, 2.0 * longer);
            }
        }
        None
    }

    /// Sets the locals of the scratch point to where their modes are to be expected.
    fn predict(&self, scratch: &mut Scratch<T::Workspace, P::Workspace>, globals: &[f64]) {
        let Some(anchor) = &self.anchor else { return };
        let locals = &self.coupling.locals;
        let at_anchor = |point: &mut [f64]| {
            locals.iter().zip(&anchor.locals).for_each(|(at, value)| point[*at] = *value);
        };
        at_anchor(&mut scratch.point);
        self.tally.count(Evaluation::LogDensity);
        let before = self.target.log_density(&mut scratch.target, &scratch.point);
        for ((moves, to), from) in anchor.moves.iter().zip(globals).zip(&anchor.globals) {
            for (at, change) in locals.iter().zip(moves) {
                scratch.point[*at] += change * (to - from);
            }
        }
        self.tally.count(Evaluation::LogDensity);
        let after = self.target.log_density(&mut scratch.target, &scratch.point);
        if after.is_nan() || after < before {
            at_anchor(&mut scratch.point);
        }
    }

    /// How the modes of locals change with a global: A⁻¹ ∂²log p / ∂u ∂g.
    pub(super) fn response(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        global: usize,
    ) -> Vec<f64> {
        let Scratch { target, point, direction, product, precision, .. } = scratch;
        direction.fill(0.0);
        direction[global] = 1.0;
        self.tally.count(Evaluation::HessianVector);
        self.target.hessian_vector(target, point, direction, product);
        let mut change = self.coupling.of_locals(product);
        precision.whiten(self.coupling, &mut change);
        precision.spread(self.coupling, &mut change);
        change
    }
}
