//! The plain reading of a bound program over any scalar: the oracle of the tests, and what
//! `density` evaluates at points given on the constrained space.
//!
//! Derivatives are by num-dual in global forward mode, a fixed number of directions at a time.

use crate::bound::{self, EvaluationError, Evaluator, Values};
use crate::math::Scalar;
use crate::math::bijector::Bijector;
use crate::typed::{
    DefinitionId, DefinitionValue, Distribution, Expr, Plane, Random, RandomRole, VariableId,
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
        let (low, high) = random.distribution.ends();
        let bijector = Bijector::onto(low.is_some(), high.is_some());
        let evaluator = reading.evaluator();
        evaluator.for_each(&random.indices, None, |position| {
            let low = optional(&evaluator, low.as_ref(), f64::NEG_INFINITY)?;
            let high = optional(&evaluator, high.as_ref(), f64::INFINITY)?;
            let value =
                Values::<f64>::value(&&reading, random.variable, position).unwrap_or(f64::NAN);
            let u = bijector.unconstrain(value, low, high);
            if !u.is_finite() {
                return Err(PointError::Outside(OutsideSupport {
                    variable: random.variable,
                    position,
                    value,
                    support: (low, high),
                }));
            }
            point.push(u);
            Ok(())
        })?;
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
}

impl<S: Scalar> Values<S> for &Reading<'_, S> {
    fn value(&self, variable: VariableId, position: usize) -> Option<S> {
        let values = self.values.borrow();
        values[variable.index()].as_ref().and_then(|v| v.get(position).copied())
    }
}

impl<'a, S: Scalar> Reading<'a, S> {
    fn new(bound: &'a bound::Program) -> Self {
        let values = RefCell::new(vec![None; bound.typed.variables.len()]);
        Reading { bound, values }
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
            for random in latents(self.bound) {
                waiting.push((random, offset));
                offset += self.size(random.variable);
            }
        }
        let typed = &self.bound.typed;
        let mut undefined: Vec<DefinitionId> = typed.definition_order.clone();
        undefined.retain(|d| typed.variable(typed.definition(*d).variable).plane == Plane::Latent);
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
        let (low, high) = random.distribution.ends();
        let bijector = Bijector::onto(low.is_some(), high.is_some());
        let evaluator = self.evaluator();
        let mut values = Vec::new();
        let mut log_jacobian = S::constant(0.0);
        evaluator.for_each(&random.indices, None, |position| {
            let low = optional(&evaluator, low.as_ref(), f64::NEG_INFINITY)?;
            let high = optional(&evaluator, high.as_ref(), f64::INFINITY)?;
            values.push(bijector.constrain(own[position], low, high));
            log_jacobian = log_jacobian + bijector.log_jacobian(own[position], low, high);
            Ok::<(), EvaluationError>(())
        })?;
        self.set(random.variable, values);
        Ok(log_jacobian)
    }

    fn define(&self, id: DefinitionId) -> Result<(), EvaluationError> {
        let definition = self.bound.typed.definition(id);
        if self.is_set(definition.variable) {
            return Ok(());
        }
        let evaluator = self.evaluator();
        let mut values = Vec::new();
        match &definition.value {
            DefinitionValue::Each(value) => {
                evaluator.for_each(&definition.indices, None, |_| {
                    values.push(evaluator.eval(value)?);
                    Ok::<(), EvaluationError>(())
                })?;
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

    fn log_density(&self) -> Result<S, EvaluationError> {
        let evaluator = self.evaluator();
        let mut total = S::constant(0.0);
        for random in &self.bound.typed.randoms {
            if random.role == RandomRole::Predicted {
                continue;
            }
            let observed = self.bound.values[random.variable.index()].as_ref();
            evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                let x = match observed {
                    Some(array) => S::constant(array.cells()[position]),
                    None => Values::<S>::value(&self, random.variable, position)
                        .ok_or(EvaluationError::Unavailable { span: random.span })?,
                };
                total = total + distribution(&evaluator, &random.distribution, x)?;
                Ok::<(), EvaluationError>(())
            })?;
        }
        for factor in &self.bound.typed.factors {
            evaluator.for_each(&factor.indices, factor.guard.as_ref(), |_| {
                total = total + evaluator.eval(&factor.value)?;
                Ok::<(), EvaluationError>(())
            })?;
        }
        Ok(total)
    }
}

/// The log density of one value, normalised over its interval.
fn distribution<S: Scalar, V: Values<S>>(
    evaluator: &Evaluator<'_, V>,
    distribution: &Distribution,
    x: S,
) -> Result<S, EvaluationError> {
    let density = distribution.parameterization.density;
    let arguments =
        distribution.arguments.iter().map(|a| evaluator.eval(a)).collect::<Result<Vec<S>, _>>()?;
    let value = density.log_density(x, &arguments);
    let Some(truncation) = &distribution.truncation else { return Ok(value) };
    let low = truncation.low.as_ref().map(|e| evaluator.eval(e)).transpose()?;
    let high = truncation.high.as_ref().map(|e| evaluator.eval(e)).transpose()?;
    Ok(density.ln_mass(low, high, &arguments).map_or(value, |mass| value - mass))
}
