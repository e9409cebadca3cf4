//! Checks data-only arguments of families against the supports of their parameters.

use super::Binder;
use super::explain::Failure;
use crate::bound::{EvaluationError, Evaluator};
use crate::diagnostic::{Diagnostic, Slug};
use crate::library::{Bound, Support};
use crate::typed::{Call, Expr, ExprKind, IndexId, Plane, Random, RandomRole, Taken, VariableId};
use std::collections::HashSet;

/// What is known of one parameter before the latents are.
pub(super) struct Known<'p> {
    /// The arguments, `None` where they depend on latents.
    arguments: Vec<Option<&'p Expr>>,
}

impl<'p> Known<'p> {
    /// The data-only arguments of a family.
    pub(super) fn of(call: &'p Call) -> Self {
        let arguments = call.arguments.iter();
        Known { arguments: arguments.map(|a| (a.plane == Plane::Data).then_some(a)).collect() }
    }

    /// A support without the bounds that depend on latents.
    pub(super) fn restrict(&self, support: Support) -> Support {
        let known = |bound: Bound, otherwise: f64| match bound {
            Bound::Parameter(i) if !self.arguments.get(i).is_some_and(Option::is_some) => {
                Bound::Value(otherwise)
            }
            Bound::Parameter(_) | Bound::Value(_) => bound,
        };
        let (low, high) = support.bounds();
        let (low, high) = (known(low, f64::NEG_INFINITY), known(high, f64::INFINITY));
        match support {
            Support::Interval(..) => Support::Interval(low, high),
            Support::Integers(..) => Support::Integers(low, high),
            Support::Real
            | Support::Positive
            | Support::NonNegative
            | Support::Unit
            | Support::Boolean
            | Support::Count => support,
        }
    }

    /// The arguments that the bounds of a support name.
    pub(super) fn named(&self, support: Support) -> Vec<(usize, &'p Expr)> {
        let (low, high) = support.bounds();
        let position = |bound| match bound {
            Bound::Parameter(i) => Some(i),
            Bound::Value(_) => None,
        };
        let positions = position(low).into_iter().chain(position(high));
        positions.filter_map(|i| Some((i, (*self.arguments.get(i)?)?))).collect()
    }

    /// How many parameters there are.
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }
}

/// Whether the conditions that data decide are met at the present indices.
pub(super) fn is_taken(
    evaluator: &Evaluator<'_, ()>,
    taken: &Taken<'_>,
) -> Result<bool, EvaluationError> {
    for (condition, truth) in taken.data_conditions() {
        if (evaluator.data(condition)? != 0.0) != truth {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The words for a set of values.
pub(super) fn words(support: Support) -> String {
    let (low, high) = match support.bounds() {
        (Bound::Value(low), Bound::Value(high)) => (Some(low), Some(high)),
        (Bound::Value(low), Bound::Parameter(_)) => (Some(low), None),
        (Bound::Parameter(_), Bound::Value(high)) => (None, Some(high)),
        (Bound::Parameter(_), Bound::Parameter(_)) => (None, None),
    };
    match support {
        Support::Real => "a finite number".to_owned(),
        Support::Positive => "positive".to_owned(),
        Support::NonNegative => "0 or more".to_owned(),
        Support::Unit => "between 0 and 1".to_owned(),
        Support::Boolean => "0 or 1".to_owned(),
        Support::Count => "a whole number, 0 or more".to_owned(),
        Support::Interval(..) => between("a number", low, high),
        Support::Integers(..) => between("a whole number", low, high),
    }
}

/// A support with the values of the parameters that bound it.
fn with_bounds(support: Support, parameters: &[f64]) -> Support {
    let known = |bound: Bound| match bound {
        Bound::Parameter(i) => Bound::Value(parameters.get(i).copied().unwrap_or(f64::NAN)),
        Bound::Value(_) => bound,
    };
    let (low, high) = support.bounds();
    match support {
        Support::Interval(..) => Support::Interval(known(low), known(high)),
        Support::Integers(..) => Support::Integers(known(low), known(high)),
        Support::Real
        | Support::Positive
        | Support::NonNegative
        | Support::Unit
        | Support::Boolean
        | Support::Count => support,
    }
}

fn between(noun: &str, low: Option<f64>, high: Option<f64>) -> String {
    match (low.filter(|x| x.is_finite()), high.filter(|x| x.is_finite())) {
        (Some(low), Some(high)) => format!("{noun} from {low} to {high}"),
        (Some(low), None) => format!("{noun}, {low} or more"),
        (None, Some(high)) => format!("{noun}, {high} or less"),
        (None, None) => noun.to_owned(),
    }
}

/// A value that is not what its parameter may be, and where.
struct Offence {
    value: f64,
    at: Failure,
    /// The cell, where the argument is one.
    cell: Option<(VariableId, usize)>,
    /// The parameters that bound it, where they are known.
    parameters: Vec<f64>,
    count: usize,
}

impl Binder<'_> {
    /// Checks every data-only argument of every statement that will be evaluated.
    pub(super) fn check_supports(&mut self) {
        let typed = self.typed;
        for random in &typed.randoms {
            let is_observed = random.role == RandomRole::Observed;
            let all = random.distribution.expressions().into_iter().chain(&random.guard);
            if is_observed && all.into_iter().any(|e| self.mentions_absent(e)) {
                continue;
            }
            for (taken, call) in random.distribution.calls() {
                for (position, argument) in call.arguments.iter().enumerate() {
                    if argument.plane == Plane::Data
                        && let Some(problem) = self.check_argument(random, &taken, call, position)
                    {
                        self.report(problem);
                    }
                }
            }
        }
    }

    /// The indices of a statement that some expressions use.
    pub(super) fn indices_of(&self, random: &Random, exprs: &[&Expr]) -> Vec<IndexId> {
        let mut used: HashSet<IndexId> = HashSet::new();
        exprs.iter().for_each(|e| used.extend(e.outer_indices()));
        used.extend(random.guard.iter().flat_map(Expr::outer_indices));
        random.indices.iter().copied().filter(|i| used.contains(i)).collect()
    }

    fn check_argument(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        call: &Call,
        position: usize,
    ) -> Option<Diagnostic> {
        let argument = call.arguments.get(position)?;
        let is_empty = self.shape(random.variable).contains(&0);
        let parameter = call.parameterization.parameters.get(position)?;
        let known = Known::of(call);
        let support = known.restrict(parameter.support);
        let named = known.named(parameter.support);
        let mut exprs = vec![argument];
        exprs.extend(named.iter().map(|(_, e)| *e));
        exprs.extend(taken.data_conditions().map(|(condition, _)| condition));
        let indices = self.indices_of(random, &exprs);
        if is_empty {
            return None;
        }
        let mut parameters = vec![f64::NAN; known.len()];
        let mut offence: Option<Offence> = None;
        let result = self.evaluate(|evaluator| {
            evaluator
                .for_each(&indices, random.guard.as_ref(), |_| {
                    if !is_taken(evaluator, taken)? {
                        return Ok(());
                    }
                    for (i, expr) in &named {
                        parameters[*i] = evaluator.data(expr)?;
                    }
                    let value = evaluator.data(argument)?;
                    if value.is_finite() && support.contains(value, &parameters) {
                        return Ok(());
                    }
                    match &mut offence {
                        Some(offence) => offence.count += 1,
                        None => {
                            let error = EvaluationError::Unavailable { span: argument.span };
                            let at = Failure::at(evaluator, &indices, error);
                            let cell = if let ExprKind::Variable(v, at) = &argument.kind {
                                Some((*v, evaluator.position(*v, at)?))
                            } else {
                                None
                            };
                            let parameters = parameters.clone();
                            offence = Some(Offence { value, at, cell, parameters, count: 1 });
                        }
                    }
                    Ok(())
                })
                .map_err(|error| Failure::at(evaluator, &indices, error))
        });
        if let Err(failure) = result {
            return Some(self.explain(&failure, &indices));
        }
        let offence = offence?;
        let family = call.family.name;
        let at = self.elements_at(&indices, &offence.at.at);
        let mut problem = Diagnostic::error(
            Slug::SupportMismatch,
            format!(
                "the `{}` of {family} must be {}, but it is {}{at}",
                parameter.name,
                words(with_bounds(support, &offence.parameters)),
                offence.value,
            ),
            argument.span,
            format!("{} here", offence.value),
        );
        for variable in argument.variables().into_iter().take(1) {
            let declared = self.typed.variable(variable);
            problem = problem
                .because(declared.span, format!("`{}` is known before fitting", declared.name));
        }
        if let Some((variable, position)) = offence.cell
            && let Some(placed) = &self.placed[variable.index()]
        {
            problem = problem.note(placed.place(position));
        }
        Some(match offence.count {
            1 => problem,
            n => problem.note(format!("and {} more like it", n - 1)),
        })
    }

    /// ` at house 17`, for a message.
    pub(super) fn elements_at(&self, indices: &[IndexId], positions: &[usize]) -> String {
        let parts: Vec<String> = indices
            .iter()
            .zip(positions)
            .map(|(index, position)| {
                let axis = self.typed.index_of(*index).axis;
                let label = self.axes[axis.index()].label(*position);
                format!("{} {label}", self.typed.axis(axis).name)
            })
            .collect();
        if parts.is_empty() { String::new() } else { format!(" at {}", parts.join(", ")) }
    }
}
