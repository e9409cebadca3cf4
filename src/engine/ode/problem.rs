//! What a method integrates: the equations with their sensitivities, and the norm of an error.

use crate::engine::execute::interpret;
use crate::engine::lane::{Lane, add_scaled};
use crate::graph::{DifferentiationOptions, Expression, Graph, Leaf, NodeId, Ode, Seed, gradient};

/// How large an error may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerances {
    pub(super) relative: f64,
    pub(super) absolute: f64,
}

/// f and its derivatives.
#[derive(Clone, Debug)]
pub(super) struct System {
    states: usize,
    parameters: usize,
    rates: Expression,
    /// The outputs of `rates`, then every partial derivative that is not 0.
    jacobian: Expression,
    /// The state whose rate each partial derivative is of, and the input it is with respect to.
    partials: Vec<(usize, usize)>,
}

impl System {
    pub(super) fn new(ode: &Ode, options: &DifferentiationOptions) -> Self {
        let (states, parameters) = (ode.states, ode.parameters.len());
        let graph = Graph::with_simplification(options.simplify);
        let (mut outputs, mut derivatives, mut partials) = (Vec::new(), Vec::new(), Vec::new());
        for (row, output) in ode.equations.outputs.iter().enumerate() {
            let rate = Expression::pruned(&ode.equations.ops, &[*output]);
            let all = gradient(&rate, states + parameters, Seed::One, options);
            let values = all.values(|leaf| graph.leaf(leaf));
            let numbers = all.outputs.iter().map(|id| values[id.index()].number());
            for (position, number) in numbers.enumerate() {
                match position.checked_sub(1) {
                    None => outputs.push(number),
                    Some(_) if number.constant_value() == Some(0.0) => {}
                    Some(column) => {
                        derivatives.push(number);
                        partials.push((row, column));
                    }
                }
            }
        }
        let rates = graph.expression(&outputs);
        outputs.extend(derivatives);
        let jacobian = graph.expression(&outputs);
        System { states, parameters, rates, jacobian, partials }
    }

    /// How many numbers an evaluation needs room for.
    pub(super) fn numbers(&self) -> usize {
        self.rates.ops.len().max(self.jacobian.ops.len())
    }

    /// Operations of an evaluation with sensitivities.
    pub(super) fn operations(&self) -> usize {
        let width = self.states + self.parameters;
        self.jacobian.operation_count() + 2 * self.partials.len() * width
    }
}

/// The equations at a point of the unconstrained space.
#[derive(Debug)]
pub(super) struct Problem<'a, T> {
    pub(super) system: &'a System,
    pub(super) tolerances: Tolerances,
    /// Columns of the solution: the state, then its sensitivities, if any.
    pub(super) width: usize,
    pub(super) parameters: &'a [T],
    pub(super) numbers: &'a mut [T],
}

impl<T: Lane> Problem<'_, T> {
    fn interpret(&mut self, with_partials: bool, time: f64, y: &[T]) {
        let System { states, parameters, rates, jacobian, .. } = self.system;
        let (values, width) = (self.parameters, self.width);
        let expression = if with_partials { jacobian } else { rates };
        interpret(&expression.ops, self.numbers, |leaf| match leaf {
            Leaf::Column(_) => T::constant(f64::NAN),
            Leaf::Input(k) => match k as usize {
                k if k < *states => y[k * width],
                k if k < states + parameters => values[k - states],
                _ => T::constant(time),
            },
        });
    }

    /// The derivative in time of the states and of their sensitivities.
    pub(super) fn derivative(&mut self, time: f64, y: &[T], out: &mut [T]) {
        let width = self.width;
        self.interpret(width > 1, time, y);
        let expression = if width > 1 { &self.system.jacobian } else { &self.system.rates };
        let number = |id: &NodeId| self.numbers[id.index()];
        for (row, id) in out.chunks_exact_mut(width).zip(&expression.outputs) {
            row[0] = number(id);
            row[1..].fill(T::constant(0.0));
        }
        if width == 1 {
            return;
        }
        let states = self.system.states;
        let ids = &expression.outputs[states..];
        for ((row, column), id) in self.system.partials.iter().zip(ids) {
            let to = &mut out[row * width + 1..(row + 1) * width];
            match column.checked_sub(states) {
                None => add_scaled(to, number(id), &y[column * width + 1..(column + 1) * width]),
                Some(parameter) => to[parameter] = to[parameter] + number(id),
            }
        }
    }

    /// ∂f/∂y, row-major, without tangents.
    pub(super) fn jacobian(&mut self, time: f64, y: &[T], out: &mut [f64]) {
        self.interpret(true, time, y);
        let states = self.system.states;
        out.fill(0.0);
        let ids = &self.system.jacobian.outputs[states..];
        for ((row, column), id) in self.system.partials.iter().zip(ids) {
            if *column < states {
                out[row * states + column] = self.numbers[id.index()].real();
            }
        }
    }

    /// The largest root mean square of a column, in units of what is allowed at y, where
    /// `error(i)` is the error of element i. A tangent counts as a column of its own.
    pub(super) fn norm(&self, y: &[T], next: &[T], error: impl Fn(usize) -> T) -> f64 {
        let Tolerances { relative, absolute } = self.tolerances;
        let mut largest = 0.0;
        for column in 0..self.width {
            let mut sums = [0.0; 2];
            for i in (column..y.len()).step_by(self.width) {
                let sizes = y[i].parts().into_iter().zip(next[i].parts());
                for ((sum, error), (before, after)) in
                    sums.iter_mut().zip(error(i).parts()).zip(sizes)
                {
                    let allowed = absolute + relative * before.abs().max(after.abs());
                    *sum += (error / allowed).powi(2);
                }
            }
            for sum in sums {
                // NaN is as large as can be.
                largest = if sum <= largest { largest } else { sum };
                if sum.is_nan() {
                    return f64::NAN;
                }
            }
        }
        (largest / (y.len() / self.width).max(1) as f64).sqrt()
    }

    /// A first step for a method of this order, from the sizes of y′ and y″ (Hairer, Nørsett and
    /// Wanner 1993, section II.4). `slope` is y′; `other` and `scratch` are overwritten.
    pub(super) fn first_step(
        &mut self,
        (start, end): (f64, f64),
        order: i32,
        (y, slope): (&[T], &[T]),
        (other, scratch): (&mut [T], &mut [T]),
    ) -> f64 {
        let (size, speed) = (self.norm(y, y, |i| y[i]), self.norm(y, y, |i| slope[i]));
        let small = size < 1e-5 || speed < 1e-5;
        let guess = if small { 1e-6 } else { 0.01 * size / speed }.min(end - start);
        for ((to, y), slope) in other.iter_mut().zip(y).zip(slope) {
            *to = *y + *slope * guess;
        }
        self.derivative(start + guess, other, scratch);
        let bend = self.norm(y, y, |i| scratch[i] - slope[i]) / guess;
        let steepest = speed.max(bend);
        let step = match steepest <= 1e-15 {
            true => (guess * 1e-3).max(1e-6),
            false => (0.01 / steepest).powf(1.0 / f64::from(order)),
        };
        let step = step.min(100.0 * guess).min(end - start);
        // Where y″ is not finite at the guess, a short step will tell more.
        if step > 0.0 { step } else { (end - start) * 1e-6 }
    }
}

/// A method of integration with its own memory.
pub(super) trait Method<T: Lane> {
    /// The order of the error estimate, plus 1.
    fn order(&self) -> i32;

    /// Prepares for steps from y, and proposes the length of the first; `scratch` is overwritten.
    fn begin(
        &mut self,
        problem: &mut Problem<'_, T>,
        start: f64,
        end: f64,
        y: &[T],
        scratch: &mut [T],
    ) -> f64;

    /// Computes y at now + length; returns the error in units of what is allowed.
    fn attempt(
        &mut self,
        problem: &mut Problem<'_, T>,
        now: f64,
        length: f64,
        y: &[T],
        next: &mut [T],
    ) -> f64;

    /// The next attempt begins where the last one ended.
    fn accept(&mut self);

    /// Whether steps must land where the solution is wanted, because the method knows it less
    /// accurately inside them.
    fn lands(&self) -> bool;

    /// Calls `visit` with the solution at each of these times inside or at the end of the last
    /// attempt, and their positions; `scratch` is overwritten.
    fn report(
        &mut self,
        problem: &mut Problem<'_, T>,
        step: &Step<'_, T>,
        times: &[f64],
        scratch: &mut [T],
        visit: impl FnMut(usize, &[T]),
    );
}

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a, T> {
    pub(super) start: f64,
    pub(super) end: f64,
    /// The solution at the start.
    pub(super) y: &'a [T],
    /// The solution at the end.
    pub(super) next: &'a [T],
}

/// How much longer or shorter the next step may be after one with this error.
pub(super) fn growth(error: f64, order: i32) -> f64 {
    const SAFETY: f64 = 0.9;
    const LARGEST: f64 = 8.0;
    const SMALLEST: f64 = 0.2;
    if error.is_nan() {
        return SMALLEST;
    }
    (SAFETY * error.powf(-1.0 / f64::from(order))).clamp(SMALLEST, LARGEST)
}
