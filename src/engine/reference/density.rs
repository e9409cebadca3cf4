//! The log densities of statements, one element or one group at a time.

use super::{Reading, finite};
use crate::bound::finite::{is_finite, mentions};
use crate::bound::{EvaluationError, Evaluator, Finite, Values, space};
use crate::math::Scalar;
use crate::typed::{
    Distribution, IndexId, Joint, Plane, Random, RandomRole, Structure, Structured, Taken,
};

/// What a density is evaluated at.
#[derive(Clone, Copy)]
struct Observed<S> {
    x: S,
    /// The row-major position of the element.
    position: usize,
    /// Whether it equals an atom beside continuous branches.
    on_atom: bool,
}

impl<S: Scalar> Reading<'_, S> {
    /// The log density of all statements and factors on the constrained space.
    pub(super) fn log_density(&self) -> Result<S, EvaluationError> {
        let bound = self.bound;
        let evaluator = self.evaluator();
        let everything = Finite::of(bound, &evaluator)?;
        let mut sums = finite::Sums::new(&everything);
        let mut total = S::constant(0.0);
        for random in &bound.typed.randoms {
            if random.role == RandomRole::Predicted {
                continue;
            }
            let sums_out = is_finite(bound, random);
            if !random.distribution.over().is_empty() {
                for members in space::groups(&evaluator, random)? {
                    let own = || self.tied(&evaluator, random, &members);
                    if sums_out {
                        let scope = everything.scope_of_group(&evaluator, random, &members)?;
                        sums.add(&evaluator, scope, own)?;
                    } else {
                        total = total + own()?;
                    }
                }
                continue;
            }
            evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                if sums_out {
                    let scope = everything.scope(&evaluator, random, position)?;
                    // The scope has looked elsewhere.
                    evaluator.stand(&random.indices, position);
                    return sums.add(&evaluator, scope, || {
                        evaluator.stand(&random.indices, position);
                        self.element(&evaluator, random, position)
                    });
                }
                total = total + self.element(&evaluator, random, position)?;
                Ok::<(), EvaluationError>(())
            })?;
        }
        for factor in &bound.typed.factors {
            let sums_out = mentions(bound, &factor.value);
            evaluator.for_each(&factor.indices, factor.guard.as_ref(), |position| {
                if sums_out {
                    let scope = everything.scope_of_factor(&evaluator, factor)?;
                    return sums.add(&evaluator, scope, || {
                        evaluator.stand(&factor.indices, position);
                        evaluator.eval(&factor.value)
                    });
                }
                total = total + evaluator.eval(&factor.value)?;
                Ok::<(), EvaluationError>(())
            })?;
        }
        Ok(total + sums.log_total())
    }

    /// The value of an element of a statement's name.
    fn observation(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        position: usize,
    ) -> Result<S, EvaluationError> {
        if let Some(array) = &self.bound.values[random.variable.index()] {
            return Ok(S::constant(array.get(position).unwrap_or(f64::NAN)));
        }
        if random.role == RandomRole::Finite {
            return Ok(S::constant(evaluator.assigned(random.variable, position)));
        }
        let unavailable = EvaluationError::Unavailable { span: random.span };
        Values::<S>::value(&self, random.variable, position).ok_or(unavailable)
    }

    /// The log density of one element at the present indices.
    fn element(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        position: usize,
    ) -> Result<S, EvaluationError> {
        let x = self.observation(evaluator, random, position)?;
        let leaves = random.distribution.leaves();
        let on_atom = self.is_on_atom(evaluator, random, &leaves, position)?;
        let at = Observed { x, position, on_atom };
        self.drawn(evaluator, random, &random.distribution, at)
    }

    /// Whether an observed number is the value of some `PointMass` beside continuous branches.
    fn is_on_atom(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        leaves: &[Taken<'_>],
        position: usize,
    ) -> Result<bool, EvaluationError> {
        let Some(array) = &self.bound.values[random.variable.index()] else { return Ok(false) };
        let Some(x) = array.get(position) else { return Ok(false) };
        for taken in leaves {
            let Distribution::PointMass(point) = taken.leaf else { continue };
            let mut possible = true;
            for (condition, truth) in taken.data_conditions() {
                possible &= (evaluator.data(condition)? != 0.0) == truth;
            }
            if possible && point.value.plane <= Plane::Finite {
                let atom = evaluator.data(&point.value);
                if atom.is_ok_and(|atom| atom == x) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn drawn(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        distribution: &Distribution,
        at: Observed<S>,
    ) -> Result<S, EvaluationError> {
        let nothing = S::constant(f64::NEG_INFINITY);
        match distribution {
            Distribution::Family(call) => {
                let continuous = !call.parameterization.variate.is_discrete();
                if at.on_atom && continuous {
                    Ok(nothing)
                } else {
                    evaluator.log_density(call, at.x, |e| evaluator.eval(e))
                }
            }
            Distribution::PointMass(point) => {
                let value = evaluator.eval::<S>(&point.value)?;
                Ok(S::select(at.x.same(value), S::constant(0.0), nothing))
            }
            Distribution::Elements(elements) => {
                match self.outcome(evaluator, random, elements.index, at.position) {
                    Some(outcome) => {
                        evaluator.set(elements.index, outcome);
                        evaluator.eval(&elements.log_probability)
                    }
                    None => Ok(nothing),
                }
            }
            Distribution::Choice(choice) => {
                let taken = evaluator.data(&choice.condition)? != 0.0;
                let branch = if taken { &choice.yes } else { &choice.no };
                self.drawn(evaluator, random, branch, at)
            }
            Distribution::Written(written) => evaluator.eval(&written.log_density),
            // Statements over groups do not come here.
            Distribution::Structured(_) | Distribution::Joint(_) => {
                Err(EvaluationError::Unavailable { span: random.span })
            }
        }
    }

    /// The position of an outcome on its axis, if it is one of its elements.
    fn outcome(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        index: IndexId,
        position: usize,
    ) -> Option<usize> {
        let value = match &self.bound.values[random.variable.index()] {
            Some(array) => array.get(position)?,
            None => evaluator.assigned(random.variable, position),
        };
        let position = evaluator.outcome(random.variable, index, value);
        (position >= 0.0 && position < evaluator.extent(index) as f64).then_some(position as usize)
    }

    /// The log density of a group of elements.
    fn tied(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        members: &[u32],
    ) -> Result<S, EvaluationError> {
        let mut x = Vec::with_capacity(members.len());
        for member in members {
            x.push(self.observation(evaluator, random, *member as usize)?);
        }
        match &random.distribution {
            Distribution::Structured(structured) => {
                structured_density(evaluator, random, structured, members, &x)
            }
            Distribution::Joint(joint) => self.joint(evaluator, random, joint, members, &x),
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => Ok(S::constant(0.0)),
        }
    }

    fn joint(
        &self,
        evaluator: &Evaluator<'_, &Self>,
        random: &Random,
        joint: &Joint,
        members: &[u32],
        x: &[S],
    ) -> Result<S, EvaluationError> {
        let first = members.first().map_or(0, |m| *m as usize);
        let arguments = evaluator.arguments::<S>(random, joint, first)?;
        let values: Vec<&[S]> = arguments.values.iter().map(Vec::as_slice).collect();
        Ok(joint.form.density.log_density(arguments.extent(), x, &values))
    }
}

/// Elements that are independent but for the constraint that ties them: their densities, times K!
/// where they are alike and in order; on the hyperplane of sum 0, by the density of their sum.
fn structured_density<S: Scalar>(
    evaluator: &Evaluator<'_, &Reading<'_, S>>,
    random: &Random,
    structured: &Structured,
    members: &[u32],
    x: &[S],
) -> Result<S, EvaluationError> {
    let mut total = S::constant(0.0);
    for (member, x) in members.iter().zip(x) {
        evaluator.stand(&random.indices, *member as usize);
        total = total + evaluator.log_density(&structured.element, *x, |e| evaluator.eval(e))?;
    }
    let count = members.len() as f64;
    match structured.structure {
        Structure::Ordered if structured.identical && !structured.is_improper() => {
            Ok(total + S::constant(crate::math::special::ln_gamma(count + 1.0)))
        }
        Structure::Ordered => Ok(total),
        Structure::ZeroSum => {
            let sd = structured.element.arguments.get(1);
            let sd: S = sd.map_or(Ok(S::constant(f64::NAN)), |e| evaluator.eval(e))?;
            Ok(total + sd.ln() + crate::math::derivative::LN_SQRT_TAU)
        }
    }
}
