//! Latents with finitely many values: their elements, the values of each, and which of them a
//! statement depends on.

use super::{EvaluationError, Evaluator, Program};
use crate::typed::{
    Call, Distribution, Expr, ExprKind, Factor, IndexId, JointArgument, Plane, Random, RandomRole,
    Role, VariableId,
};
use std::collections::HashMap;

/// The most combinations of values in a subscript that are followed to the elements they choose.
const MOST_FOLLOWED: usize = 1 << 16;

/// An element of a latent that is summed out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteElement {
    /// The latent.
    pub variable: VariableId,
    /// The row-major position of the element.
    pub position: usize,
    /// Its smallest value; elements of an axis are positions.
    pub first: f64,
    /// How many values it has: first, first + 1, ….
    pub size: u32,
}

/// All elements of latents that are summed out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finite {
    /// The elements; a scope names them by position.
    pub elements: Vec<FiniteElement>,
    index: HashMap<(VariableId, usize), u32>,
}

impl Finite {
    /// The elements of a bound program, those that its guards let through.
    ///
    /// # Errors
    ///
    /// None for a bound program; see [`EvaluationError`].
    pub fn of<V>(bound: &Program, evaluator: &Evaluator<'_, V>) -> Result<Self, EvaluationError> {
        let mut finite = Finite::default();
        for random in bound.typed.randoms.iter().filter(|r| r.role == RandomRole::Finite) {
            evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                let mut range = None;
                values(evaluator, &random.distribution, &mut range)?;
                let (first, last) = range.unwrap_or((0.0, 0.0));
                let size = (last - first).max(0.0) as u32 + 1;
                let variable = random.variable;
                finite.index.insert((variable, position), finite.elements.len() as u32);
                finite.elements.push(FiniteElement { variable, position, first, size });
                Ok::<(), EvaluationError>(())
            })?;
        }
        Ok(finite)
    }

    /// The number of an element.
    pub fn find(&self, variable: VariableId, position: usize) -> Option<u32> {
        self.index.get(&(variable, position)).copied()
    }

    /// The elements that a `~` statement depends on at the present indices, ascending.
    ///
    /// # Errors
    ///
    /// As for [`Finite::of`].
    pub fn scope<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        random: &Random,
        position: usize,
    ) -> Result<Vec<u32>, EvaluationError> {
        let mut found = Vec::new();
        found.extend(self.find(random.variable, position));
        self.drawn(evaluator, &random.distribution, &mut found)?;
        Ok(ascending(found))
    }

    /// The elements that a group of a joint statement depends on, ascending.
    ///
    /// # Errors
    ///
    /// As for [`Finite::of`].
    pub fn scope_of_group<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        random: &Random,
        members: &[u32],
    ) -> Result<Vec<u32>, EvaluationError> {
        let mut found = Vec::new();
        let mut stand = |position: u32, expr: &Expr, indices: &[IndexId]| {
            evaluator.stand(&random.indices, position as usize);
            evaluator.for_each(indices, None, |_| self.uses(evaluator, expr, &mut found))
        };
        let first = members.first().copied().unwrap_or(0);
        match &random.distribution {
            Distribution::Joint(joint) => {
                for argument in &joint.arguments {
                    match argument {
                        JointArgument::Scalar(value) => stand(first, value, &[])?,
                        JointArgument::Vector(value) => {
                            members.iter().try_for_each(|m| stand(*m, value, &[]))?;
                        }
                        JointArgument::Matrix(indices, value) => stand(first, value, indices)?,
                        JointArgument::Edges(..) => {}
                    }
                }
            }
            Distribution::Structured(_)
            | Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => {
                for expr in random.distribution.expressions() {
                    members.iter().try_for_each(|m| stand(*m, expr, &[]))?;
                }
            }
        }
        Ok(ascending(found))
    }

    /// The elements that a factor depends on at the present indices, ascending.
    ///
    /// # Errors
    ///
    /// As for [`Finite::of`].
    pub fn scope_of_factor<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        factor: &Factor,
    ) -> Result<Vec<u32>, EvaluationError> {
        let mut found = Vec::new();
        self.uses(evaluator, &factor.value, &mut found)?;
        Ok(ascending(found))
    }

    /// Visits every combination of the values of a scope, the last running fastest. While it is
    /// visited the evaluator knows the values.
    ///
    /// # Errors
    ///
    /// The first error of a visit.
    pub fn for_each<V, E>(
        &self,
        evaluator: &Evaluator<'_, V>,
        scope: &[u32],
        mut visit: impl FnMut(&[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let elements: Vec<&FiniteElement> =
            scope.iter().map(|e| &self.elements[*e as usize]).collect();
        let total: usize = elements.iter().map(|e| e.size as usize).product();
        let mut values = vec![0.0; scope.len()];
        let mut outcome = Ok(());
        for configuration in 0..total {
            let mut rest = configuration;
            for (value, element) in values.iter_mut().zip(&elements).rev() {
                *value = element.first + (rest % element.size as usize) as f64;
                rest /= element.size as usize;
                evaluator.assign(element.variable, element.position, *value);
            }
            outcome = visit(&values);
            if outcome.is_err() {
                break;
            }
        }
        for element in elements {
            evaluator.assign(element.variable, element.position, f64::NAN);
        }
        outcome
    }

    /// How many combinations of values a scope has.
    fn values_of(&self, scope: &[u32]) -> usize {
        let size = |e: &u32| self.elements.get(*e as usize).map_or(1, |e| e.size as usize);
        scope.iter().map(size).fold(1, usize::saturating_mul)
    }

    fn drawn<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        distribution: &Distribution,
        found: &mut Vec<u32>,
    ) -> Result<(), EvaluationError> {
        match distribution {
            Distribution::Choice(choice) if choice.condition.plane == Plane::Data => {
                let taken = evaluator.data(&choice.condition)? != 0.0;
                self.drawn(evaluator, if taken { &choice.yes } else { &choice.no }, found)
            }
            Distribution::Choice(choice) => {
                self.uses(evaluator, &choice.condition, found)?;
                self.drawn(evaluator, &choice.yes, found)?;
                self.drawn(evaluator, &choice.no, found)
            }
            Distribution::Elements(elements) => {
                evaluator.set(elements.index, 0);
                self.uses(evaluator, &elements.log_probability, found)
            }
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => {
                let mut parts = distribution.expressions().into_iter();
                parts.try_for_each(|e| self.uses(evaluator, e, found))
            }
        }
    }

    fn uses<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        expr: &Expr,
        found: &mut Vec<u32>,
    ) -> Result<(), EvaluationError> {
        if expr.plane == Plane::Data {
            return Ok(());
        }
        match &expr.kind {
            ExprKind::Variable(variable, at) => {
                let mut inside = Vec::new();
                at.iter().try_for_each(|s| self.uses(evaluator, s, &mut inside))?;
                let inside = ascending(inside);
                let info = evaluator.typed().variable(*variable);
                let finite_latent = match info.role {
                    Role::Latent(_) => info.plane == Plane::Finite,
                    Role::Data(_) | Role::Derived(_) | Role::Predicted(_) => false,
                };
                if finite_latent || info.finite {
                    let many = !inside.is_empty();
                    // With more, too many meet already.
                    if self.values_of(&inside) > MOST_FOLLOWED {
                        found.extend(inside);
                        return Ok(());
                    }
                    self.for_each(evaluator, &inside, |_| {
                        match evaluator.position(*variable, at) {
                            Ok(position) if finite_latent => {
                                found.extend(self.find(*variable, position));
                                Ok(())
                            }
                            Ok(position) => self.defined(evaluator, *variable, position, found),
                            // A branch that this value never takes.
                            Err(EvaluationError::OutOfRange { .. }) if many => Ok(()),
                            Err(error) => Err(error),
                        }
                    })?;
                }
                found.extend(inside);
                Ok(())
            }
            ExprKind::If(condition, yes, no) if condition.plane == Plane::Data => {
                let taken = evaluator.data(condition)? != 0.0;
                self.uses(evaluator, if taken { yes } else { no }, found)
            }
            ExprKind::Reduce(reduce) => {
                evaluator.for_each(&reduce.indices, reduce.guard.as_ref(), |_| {
                    self.uses(evaluator, &reduce.body, found)
                })
            }
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::ElementAt(_)
            | ExprKind::Below(..)
            | ExprKind::Size(_)
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary(..)
            | ExprKind::Call(..)
            | ExprKind::Covariance(..)
            | ExprKind::LogDensity(..)
            | ExprKind::State(_)
            | ExprKind::Time
            | ExprKind::If(..)
            | ExprKind::Error => {
                expr.children().into_iter().try_for_each(|e| self.uses(evaluator, e, found))
            }
        }
    }

    /// What the value of a definition uses at an element.
    fn defined<V>(
        &self,
        evaluator: &Evaluator<'_, V>,
        variable: VariableId,
        position: usize,
        found: &mut Vec<u32>,
    ) -> Result<(), EvaluationError> {
        let Role::Derived(id) = evaluator.typed().variable(variable).role else { return Ok(()) };
        match evaluator.enter(id, position) {
            Some(value) => self.uses(evaluator, value, found),
            None => Ok(()),
        }
    }
}

fn ascending(mut elements: Vec<u32>) -> Vec<u32> {
    elements.sort_unstable();
    elements.dedup();
    elements
}

/// Widens a range by the values that a distribution can give.
fn values<V>(
    evaluator: &Evaluator<'_, V>,
    distribution: &Distribution,
    range: &mut Option<(f64, f64)>,
) -> Result<(), EvaluationError> {
    let mut widen = |low: f64, high: f64| {
        let (a, b) = range.unwrap_or((low, high));
        *range = Some((a.min(low), b.max(high)));
    };
    match distribution {
        Distribution::Family(call) => {
            let (low, high) = ends(evaluator, call)?;
            widen(low.ceil(), high.floor());
        }
        Distribution::PointMass(point) => {
            let value = evaluator.data(&point.value)?;
            widen(value, value);
        }
        Distribution::Elements(elements) => {
            widen(0.0, evaluator.extent(elements.index) as f64 - 1.0);
        }
        Distribution::Choice(choice) => {
            let taken = match choice.condition.plane {
                Plane::Data => Some(evaluator.data(&choice.condition)? != 0.0),
                Plane::Finite | Plane::Latent | Plane::Predicted => None,
            };
            if taken != Some(false) {
                values(evaluator, &choice.yes, range)?;
            }
            if taken != Some(true) {
                values(evaluator, &choice.no, range)?;
            }
        }
        Distribution::Structured(_) | Distribution::Joint(_) | Distribution::Written(_) => {}
    }
    Ok(())
}

/// The smallest and the largest value of a family whose ends are known from data.
fn ends<V>(evaluator: &Evaluator<'_, V>, call: &Call) -> Result<(f64, f64), EvaluationError> {
    let (low, high) = call.ends();
    let end = |end: Option<Expr>| end.map_or(Ok(0.0), |e| evaluator.data(&e));
    Ok((end(low)?, end(high)?))
}

/// Whether a `~` statement depends on latents that are summed out, its own name included.
pub fn is_finite(bound: &Program, random: &Random) -> bool {
    random.role == RandomRole::Finite
        || random.distribution.expressions().into_iter().any(|e| mentions(bound, e))
}

/// Whether an expression depends on latents that are summed out.
pub fn mentions(bound: &Program, expr: &Expr) -> bool {
    let variables = expr.variables();
    let depends = |v: &VariableId| bound.typed.variable(*v).finite;
    variables.iter().any(depends)
}
