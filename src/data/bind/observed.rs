//! Checks observed values against the support of their family and its truncation.

use super::Binder;
use super::explain::Failure;
use super::supports::{Known, is_taken, words};
use crate::bound::Array;
use crate::diagnostic::{Diagnostic, Slug};
use crate::library::Support;
use crate::typed::{Call, Expr, Kind, Plane, Random, RandomRole, Taken};

/// The observed values of a statement that cannot be, and why the first cannot.
struct Offence {
    position: usize,
    value: f64,
    why: Why,
    count: usize,
}

/// Why a value cannot be observed.
enum Why {
    /// It is not finite.
    Missing,
    /// It is outside the support, whose bounds are given by these arguments.
    Support(Vec<(usize, f64)>),
    /// It is outside the interval.
    Interval(f64, f64),
}

impl Binder<'_> {
    /// Checks every observed value that a guard lets through.
    pub(super) fn check_observed(&mut self) {
        let typed = self.typed;
        for random in &typed.randoms {
            let is_index = match typed.variable(random.variable).kind {
                Kind::Index(_) => true,
                Kind::Real | Kind::Int | Kind::Bool => false,
            };
            if random.role != RandomRole::Observed
                || is_index
                || self.absent[random.variable.index()]
            {
                continue;
            }
            // What finite latents choose between may give what another branch cannot.
            let calls = random.distribution.calls();
            let decided = calls.into_iter().filter(|(taken, _)| taken.is_decided_by_data());
            for (taken, call) in decided {
                if let Some(problem) = self.check_observation(random, &taken, call) {
                    self.report(problem);
                }
            }
        }
    }

    fn check_observation(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        call: &Call,
    ) -> Option<Diagnostic> {
        // What bounds the values may name them: `k ~ Binomial(k + others, p)`.
        let values = self.values[random.variable.index()].clone()?;
        match self.find_offence(random, taken, call, &values) {
            Ok(offence) => offence.map(|offence| self.explain_offence(random, call, &offence)),
            Err(failure) => Some(self.explain(&failure, &random.indices)),
        }
    }

    fn find_offence(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        call: &Call,
        values: &Array,
    ) -> Result<Option<Offence>, Failure> {
        let known = Known::of(call);
        let variate = call.parameterization.variate;
        let support = known.restrict(variate);
        let named = known.named(variate);
        let (low, high) = data_ends(call);
        let mut parameters = vec![f64::NAN; known.len()];
        let mut offence: Option<Offence> = None;
        let mut check = |position: usize, parameters: &[f64], ends: (f64, f64)| {
            let value = values.get(position).unwrap_or(f64::NAN);
            let is_good = value.is_finite()
                && support.contains(value, parameters)
                && value >= ends.0
                && value <= ends.1;
            if is_good {
                return;
            }
            if let Some(offence) = &mut offence {
                offence.count += 1;
                return;
            }
            let why = if !value.is_finite() {
                Why::Missing
            } else if support.contains(value, parameters) {
                Why::Interval(ends.0, ends.1)
            } else {
                Why::Support(named.iter().map(|(i, _)| (*i, parameters[*i])).collect())
            };
            offence = Some(Offence { position, value, why, count: 1 });
        };
        let everywhere = (f64::NEG_INFINITY, f64::INFINITY);
        let everywhere_taken = random.guard.is_none() && taken.conditions.is_empty();
        if named.is_empty() && low.is_none() && high.is_none() && everywhere_taken {
            (0..values.len()).for_each(|position| check(position, &[], everywhere));
            return Ok(offence);
        }
        self.evaluate(|evaluator| {
            let end = |expr: Option<&Expr>, otherwise: f64| match expr {
                Some(expr) => evaluator.data(expr),
                None => Ok(otherwise),
            };
            evaluator
                .for_each(&random.indices, random.guard.as_ref(), |position| {
                    if !is_taken(evaluator, taken)? {
                        return Ok(());
                    }
                    for (i, expr) in &named {
                        parameters[*i] = evaluator.data(expr)?;
                    }
                    let ends = (end(low, everywhere.0)?, end(high, everywhere.1)?);
                    check(position, &parameters, ends);
                    Ok(())
                })
                .map_err(|error| Failure::at(evaluator, &random.indices, error))
        })?;
        Ok(offence)
    }

    fn explain_offence(&self, random: &Random, call: &Call, offence: &Offence) -> Diagnostic {
        let declared = self.typed.variable(random.variable);
        let (name, family) = (&declared.name, call.family.name);
        let variate = call.parameterization.variate;
        let element = self.element(random.variable, offence.position);
        let value = offence.value;
        let message = match &offence.why {
            Why::Missing => {
                format!("`{name}` is observed and must be finite; `{element}` is {value}")
            }
            Why::Support(bounds) if bounds.is_empty() || value.fract() != 0.0 => {
                let wanted = match variate {
                    Support::Boolean | Support::Count | Support::Integers(..)
                        if value.fract() != 0.0 =>
                    {
                        "hold whole numbers".to_owned()
                    }
                    Support::Real
                    | Support::Positive
                    | Support::NonNegative
                    | Support::Unit
                    | Support::Interval(..)
                    | Support::Boolean
                    | Support::Count
                    | Support::Integers(..) => format!("be {}", words(variate)),
                };
                format!(
                    "`{name}` is observed by {family} and must {wanted}; `{element}` is {value}"
                )
            }
            Why::Support(bounds) => {
                let parameters = call.parameterization.parameters;
                let bounds: Vec<String> = bounds
                    .iter()
                    .filter_map(|(i, x)| Some(format!("`{}` = {x}", parameters.get(*i)?.name)))
                    .collect();
                format!(
                    "`{element}` is {value}, which {family} with {} cannot give",
                    bounds.join(" and ")
                )
            }
            Why::Interval(low, high) => {
                format!("`{name}` is observed in [{low}, {high}], but `{element}` is {value}")
            }
        };
        let slug = Slug::DataOutsideSupport;
        let mut problem = Diagnostic::error(slug, message, call.span, "observed by this")
            .because(declared.span, format!("`{name}` is defined here"));
        if let Some(placed) = &self.placed[random.variable.index()] {
            problem = problem.note(placed.place(offence.position));
        }
        if matches!(offence.why, Why::Support(_)) {
            problem = problem.help(instead(variate));
        }
        match offence.count {
            1 => problem,
            n => problem.note(format!("and {} more like it", n - 1)),
        }
    }
}

/// The ends of a truncation that depend on data only.
fn data_ends(call: &Call) -> (Option<&Expr>, Option<&Expr>) {
    let known = |end: &'_ Option<Expr>| end.as_ref().is_some_and(|e| e.plane == Plane::Data);
    match &call.truncation {
        Some(t) => {
            (t.low.as_ref().filter(|_| known(&t.low)), t.high.as_ref().filter(|_| known(&t.high)))
        }
        None => (None, None),
    }
}

/// What may be meant by values outside a support.
fn instead(variate: Support) -> &'static str {
    match variate {
        Support::Boolean => {
            "code the column as 0 and 1, or choose a family for what it holds: `Poisson` for \
             counts, `Normal` for measurements"
        }
        Support::Count => {
            "for numbers with a fraction choose `Normal`, or `Gamma` or `LogNormal` if they are \
             positive"
        }
        Support::Integers(..) => {
            "counts cannot exceed the number of trials: check that the columns are not swapped"
        }
        Support::Positive | Support::NonNegative => {
            "for numbers of both signs choose `Normal` or `StudentT`; for zeros shift the values"
        }
        Support::Unit => {
            "for percentages divide by 100; for counts out of `n` choose `Binomial(n, p)`"
        }
        Support::Interval(..) => "choose limits that all values keep, or another family",
        Support::Real => "every value must be a finite number",
    }
}
