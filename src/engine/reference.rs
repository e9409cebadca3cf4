//! The plain reading of a bound program over any scalar: the oracle of the tests, and what
//! `density` evaluates at points given on the constrained space.
//!
//! Derivatives are by num-dual in global forward mode, a fixed number of directions at a time.

mod density;
mod finite;
mod ode;

use crate::bound::{self, EvaluationError, Evaluator, Space, Values};
use crate::math::Scalar;
use crate::math::bijector::Bijector;
use crate::math::matrix::cholesky;
use crate::typed::{
    DefinitionId, DefinitionValue, Expr, Plane, Random, RandomRole, Role, VariableId,
};
use num_dual::DualSVec64;
use std::cell::RefCell;

/// Directions differentiated at once.
const DIRECTIONS: usize = 8;

/// A program evaluated at a point.
#[derive(Clone, Debug)]
pub struct Evaluation<S> {
    /// The log density on the constrained space.
    pub log_density: S,
    /// ln |d constrained / d unconstrained|.
    pub log_jacobian: S,
    /// The constrained latents in source order, row-major.
    pub constrained: Vec<S>,
}

/// Evaluates at an unconstrained point.
///
/// # Errors
///
/// None for a bound program and a point of its dimension; see [`EvaluationError`].
pub fn evaluate<S: Scalar>(
    bound: &bound::Program,
    point: &[S],
) -> Result<Evaluation<S>, EvaluationError> {
    let reading = Reading::new(bound);
    let log_jacobian = reading.fill(Some(point))?;
    let log_density = reading.log_density()?;
    let constrained = reading.latents();
    Ok(Evaluation { log_density, log_jacobian, constrained })
}

/// The log density on the unconstrained space, with the log-Jacobian, and its gradient.
///
/// # Errors
///
/// As for [`evaluate`].
pub fn gradient(bound: &bound::Program, point: &[f64]) -> Result<(f64, Vec<f64>), EvaluationError> {
    let mut gradient = Vec::with_capacity(point.len());
    let mut value = f64::NAN;
    for first in (0..point.len()).step_by(DIRECTIONS) {
        let seeded: Vec<DualSVec64<DIRECTIONS>> = point
            .iter()
            .enumerate()
            .map(|(i, x)| {
                let dual = DualSVec64::from_re(*x);
                if (first..first + DIRECTIONS).contains(&i) {
                    dual.derivative(i - first)
                } else {
                    dual
                }
            })
            .collect();
        let evaluation = evaluate(bound, &seeded)?;
        let total = evaluation.log_density + evaluation.log_jacobian;
        value = total.re;
        let partials =
            total.eps.unwrap_generic(nalgebra::Const::<DIRECTIONS>, nalgebra::Const::<1>);
        gradient.extend(partials.iter().take(point.len() - first));
    }
    if point.is_empty() {
        let evaluation = evaluate::<f64>(bound, &[])?;
        value = evaluation.log_density;
    }
    Ok((value, gradient))
}

/// A value that is not inside the support of its latent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideSupport {
    /// The latent.
    pub variable: VariableId,
    /// The row-major position of the element.
    pub position: usize,
    /// Its value.
    pub value: f64,
    /// The support: lower and upper end.
    pub support: (f64, f64),
}

/// Why a constrained point has no unconstrained image.
#[derive(Clone, Debug, PartialEq)]
pub enum PointError {
    /// A value is on or outside the ends of its support.
    Outside(OutsideSupport),
    /// An expression has no value.
    Evaluation(EvaluationError),
}

impl From<EvaluationError> for PointError {
    fn from(error: EvaluationError) -> Self {
        PointError::Evaluation(error)
    }
}

/// The unconstrained image of constrained latents (in source order, row-major).
///
/// # Errors
///
/// See [`PointError`].
pub fn unconstrain(bound: &bound::Program, constrained: &[f64]) -> Result<Vec<f64>, PointError> {
    let reading = Reading::<f64>::new(bound);
    let mut rest = constrained;
    for random in latents(bound) {
        let (own, more) = rest.split_at(reading.size(random.variable).min(rest.len()));
        reading.set(random.variable, own.to_vec());
        rest = more;
    }
    let depends = |end: Option<Expr>| end.is_some_and(|end| end.plane == Plane::Latent);
    let ends = latents(bound).map(|random| random.distribution.ends());
    if ends.into_iter().any(|(low, high)| depends(low) || depends(high)) {
        reading.fill(None)?;
    }
    let mut point = Vec::with_capacity(constrained.len());
    for random in latents(bound) {
        reading.coordinates(random, &mut point)?;
    }
    Ok(point)
}

fn latents(bound: &bound::Program) -> impl Iterator<Item = &Random> {
    bound.typed.randoms.iter().filter(|r| r.role == RandomRole::Latent)
}

fn optional<S: Scalar, V: Values<S>>(
    evaluator: &Evaluator<'_, V>,
    expr: Option<&Expr>,
    otherwise: f64,
) -> Result<S, EvaluationError> {
    expr.map_or(Ok(S::constant(otherwise)), |e| evaluator.eval(e))
}

/// The values of latents and definitions so far, by variable.
struct Reading<'a, S> {
    bound: &'a bound::Program,
    values: RefCell<Vec<Option<Vec<S>>>>,
    /// The states of the differential equations that are being solved, and the time.
    states: RefCell<Vec<S>>,
}

impl<S: Scalar> Values<S> for &Reading<'_, S> {
    fn value(&self, variable: VariableId, position: usize) -> Option<S> {
        let values = self.values.borrow();
        values[variable.index()].as_ref().and_then(|v| v.get(position).copied())
    }

    fn state(&self, state: usize) -> Option<S> {
        self.states.borrow().get(state).copied()
    }

    fn time(&self) -> Option<S> {
        self.states.borrow().last().copied()
    }
}

impl<'a, S: Scalar> Reading<'a, S> {
    fn new(bound: &'a bound::Program) -> Self {
        let values = RefCell::new(vec![None; bound.typed.variables.len()]);
        Reading { bound, values, states: RefCell::new(Vec::new()) }
    }

    fn evaluator(&self) -> Evaluator<'_, &Self> {
        Evaluator::of(self.bound, self)
    }

    fn size(&self, variable: VariableId) -> usize {
        self.bound.shape(variable).iter().product()
    }

    fn set(&self, variable: VariableId, values: Vec<S>) {
        self.values.borrow_mut()[variable.index()] = Some(values);
    }

    fn is_set(&self, variable: VariableId) -> bool {
        self.values.borrow()[variable.index()].is_some()
    }

    /// The constrained latents in source order.
    fn latents(&self) -> Vec<S> {
        let values = self.values.borrow();
        latents(self.bound)
            .flat_map(|r| values[r.variable.index()].iter().flatten().copied())
            .collect()
    }

    /// Computes constrained latents from a point (unless they are given) and all definitions they
    /// feed; returns the log-Jacobian. Whatever needs a value that is not there yet waits.
    fn fill(&self, point: Option<&[S]>) -> Result<S, EvaluationError> {
        let mut log_jacobian = S::constant(0.0);
        let mut waiting: Vec<(&Random, usize)> = Vec::new();
        let mut offset = 0;
        if point.is_some() {
            let evaluator = self.evaluator();
            for random in latents(self.bound) {
                waiting.push((random, offset));
                offset += Space::of(&evaluator, random)?.dimension();
            }
        }
        let typed = &self.bound.typed;
        let mut undefined: Vec<DefinitionId> = typed.definition_order.clone();
        undefined.retain(|d| {
            let variable = typed.variable(typed.definition(*d).variable);
            variable.plane == Plane::Latent && !variable.finite
        });
        loop {
            let before = waiting.len() + undefined.len();
            let mut failure = None;
            let mut still_waiting = Vec::new();
            for (random, offset) in waiting {
                let own = &point.unwrap_or(&[])[offset..];
                match self.constrain(random, own) {
                    Ok(jacobian) => log_jacobian = log_jacobian + jacobian,
                    Err(error @ EvaluationError::Unavailable { .. }) => {
                        failure = Some(error);
                        still_waiting.push((random, offset));
                    }
                    Err(error) => return Err(error),
                }
            }
            waiting = still_waiting;
            let mut still_undefined = Vec::new();
            for id in undefined {
                match self.define(id) {
                    Ok(()) => {}
                    Err(error @ EvaluationError::Unavailable { .. }) => {
                        failure = Some(error);
                        still_undefined.push(id);
                    }
                    Err(error) => return Err(error),
                }
            }
            undefined = still_undefined;
            match failure {
                None => return Ok(log_jacobian),
                Some(error) if waiting.len() + undefined.len() == before => return Err(error),
                Some(_) => {}
            }
        }
    }

    fn constrain(&self, random: &Random, own: &[S]) -> Result<S, EvaluationError> {
        let evaluator = self.evaluator();
        let space = Space::of(&evaluator, random)?;
        let (low, high) = random.distribution.ends();
        let ends = |evaluator: &Evaluator<'_, &Self>| -> Result<(S, S), EvaluationError> {
            let low = optional(evaluator, low.as_ref(), f64::NEG_INFINITY)?;
            Ok((low, optional(evaluator, high.as_ref(), f64::INFINITY)?))
        };
        let mut values = vec![S::constant(f64::NAN); self.size(random.variable)];
        let mut log_jacobian = S::constant(0.0);
        match &space.groups {
            None => {
                let bijector = Bijector::onto(low.is_some(), high.is_some());
                let mut u = own.iter();
                evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                    let u = u.next().copied().unwrap_or(S::constant(f64::NAN));
                    let (low, high) = ends(&evaluator)?;
                    values[position] = bijector.constrain(u, low, high);
                    log_jacobian = log_jacobian + bijector.log_jacobian(u, low, high);
                    Ok::<(), EvaluationError>(())
                })?;
            }
            Some(groups) => {
                let dimension = groups.bijector.dimension(groups.rows);
                let nothing: &[S] = &[];
                let mut coordinates = own.chunks(dimension.max(1));
                for members in &groups.members {
                    let u = coordinates.next().unwrap_or(nothing);
                    let first = members.first().map_or(0, |m| *m as usize);
                    evaluator.stand(&random.indices, first);
                    let (low, high) = ends(&evaluator)?;
                    let (x, jacobian) = groups.bijector.constrain(u, groups.rows, low, high);
                    for (member, x) in members.iter().zip(x) {
                        values[*member as usize] = x;
                    }
                    log_jacobian = log_jacobian + jacobian;
                }
            }
        }
        self.set(random.variable, values);
        Ok(log_jacobian)
    }

    /// Computes a definition, or the whole recurrence that it belongs to.
    fn define(&self, id: DefinitionId) -> Result<(), EvaluationError> {
        let variable = self.bound.typed.definition(id).variable;
        if self.is_set(variable) {
            return Ok(());
        }
        let recurrence = self.bound.recurrences.iter().find(|r| r.members.contains(&variable));
        match recurrence {
            Some(order) => self.recur(order),
            None => self.define_alone(id),
        }
    }

    /// Computes the elements of a recurrence in their order; nothing if one has no value yet.
    fn recur(&self, order: &bound::Order) -> Result<(), EvaluationError> {
        for member in &order.members {
            let nothing = vec![S::constant(f64::NAN); self.size(*member)];
            self.set(*member, nothing);
        }
        let evaluator = self.evaluator();
        for (variable, position) in order.waves.iter().flatten() {
            let Role::Derived(id) = self.bound.typed.variable(*variable).role else { continue };
            let Some(value) = evaluator.enter(id, *position) else { continue };
            match evaluator.eval::<S>(value) {
                Ok(value) => {
                    if let Some(values) = &mut self.values.borrow_mut()[variable.index()] {
                        values[*position] = value;
                    }
                }
                Err(error) => {
                    let mut values = self.values.borrow_mut();
                    order.members.iter().for_each(|m| values[m.index()] = None);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn define_alone(&self, id: DefinitionId) -> Result<(), EvaluationError> {
        let definition = self.bound.typed.definition(id);
        let evaluator = self.evaluator();
        let mut values = Vec::new();
        match &definition.value {
            DefinitionValue::Each(value) => {
                evaluator.for_each(&definition.indices, None, |_| {
                    values.push(evaluator.eval(value)?);
                    Ok::<(), EvaluationError>(())
                })?;
            }
            DefinitionValue::Factored(value) => {
                let mut cells = Vec::new();
                evaluator.for_each(&definition.indices, None, |_| {
                    cells.push(evaluator.eval::<S>(value)?);
                    Ok::<(), EvaluationError>(())
                })?;
                let size = definition.indices.last().map_or(0, |i| evaluator.extent(*i));
                let matrices = cells.chunks((size * size).max(1));
                values = matrices.flat_map(|matrix| cholesky(size, matrix)).collect();
            }
            DefinitionValue::Solved(solution) => {
                values = self.solve(&evaluator, &definition.indices, solution)?;
            }
            DefinitionValue::PerElement(elements) => {
                let outer = definition.indices.len().saturating_sub(1);
                evaluator.for_each(&definition.indices[..outer], None, |_| {
                    for element in elements {
                        values.push(evaluator.eval(element)?);
                    }
                    Ok::<(), EvaluationError>(())
                })?;
            }
        }
        self.set(definition.variable, values);
        Ok(())
    }
}

impl Reading<'_, f64> {
    /// Appends the coordinates of a latent whose values are given.
    fn coordinates(&self, random: &Random, point: &mut Vec<f64>) -> Result<(), PointError> {
        let evaluator = self.evaluator();
        let space = Space::of(&evaluator, random)?;
        let (low, high) = random.distribution.ends();
        let ends = || -> Result<(f64, f64), EvaluationError> {
            let low = optional(&evaluator, low.as_ref(), f64::NEG_INFINITY)?;
            Ok((low, optional(&evaluator, high.as_ref(), f64::INFINITY)?))
        };
        let value = |position: usize| {
            Values::<f64>::value(&self, random.variable, position).unwrap_or(f64::NAN)
        };
        let outside = |position: usize, support: (f64, f64)| {
            let value = value(position);
            let variable = random.variable;
            Err(PointError::Outside(OutsideSupport { variable, position, value, support }))
        };
        match &space.groups {
            None => {
                let bijector = Bijector::onto(low.is_some(), high.is_some());
                evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                    let support = ends()?;
                    let u = bijector.unconstrain(value(position), support.0, support.1);
                    point.push(u);
                    if u.is_finite() { Ok(()) } else { outside(position, support) }
                })
            }
            Some(groups) => groups.members.iter().try_for_each(|members| {
                let first = members.first().map_or(0, |m| *m as usize);
                evaluator.stand(&random.indices, first);
                let support = ends()?;
                let x: Vec<f64> = members.iter().map(|m| value(*m as usize)).collect();
                let u = groups.bijector.unconstrain(&x, groups.rows, support.0, support.1);
                point.extend_from_slice(&u);
                if u.iter().all(|u| u.is_finite()) { Ok(()) } else { outside(first, support) }
            }),
        }
    }
}
