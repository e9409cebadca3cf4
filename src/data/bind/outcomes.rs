//! Checks what is known of outcomes before the fit: probabilities from data that must sum to 1, and
//! observed outcomes that must be elements of their axis.

use super::Binder;
use super::explain::Failure;
use super::finite::shown;
use super::supports::is_taken;
use crate::bound::{EvaluationError, Evaluator};
use crate::diagnostic::{Diagnostic, Slug};
use crate::library::Elementwise;
use crate::library::joint::VectorSupport;
use crate::typed::{
    Distribution, Elements, Expr, ExprKind, IndexId, Joint, Plane, Random, RandomRole, Taken,
    VariableId,
};

/// How far from 1 the sum of given probabilities may be.
const SUM_TOLERANCE: f64 = 1e-8;

/// Probabilities that are none, and where.
struct Offence {
    sum: f64,
    least: f64,
    at: Vec<usize>,
}

impl Binder<'_> {
    /// Checks the outcomes of every statement that will be evaluated.
    pub(super) fn check_outcomes(&mut self) {
        let typed = self.typed;
        for random in &typed.randoms {
            let is_observed = random.role == RandomRole::Observed;
            let all = random.distribution.expressions().into_iter().chain(&random.guard);
            if is_observed && all.into_iter().any(|e| self.mentions_absent(e)) {
                continue;
            }
            for taken in random.distribution.leaves() {
                let problem = match taken.leaf {
                    Distribution::Elements(elements) => {
                        let sums = self.check_sums(random, &taken, elements);
                        sums.or_else(|| self.check_elements(random, &taken, elements))
                    }
                    Distribution::Joint(joint) => self.check_counts(random, joint),
                    Distribution::Family(_)
                    | Distribution::PointMass(_)
                    | Distribution::Choice(_)
                    | Distribution::Structured(_)
                    | Distribution::Written(_) => None,
                };
                if let Some(problem) = problem {
                    self.report(problem);
                }
            }
        }
    }

    /// Probabilities that data give: at every element of the statement or, where finite latents
    /// choose among them, everywhere.
    fn check_sums(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        elements: &Elements,
    ) -> Option<Diagnostic> {
        let ExprKind::Call(Elementwise::Log, arguments) = &elements.log_probability.kind else {
            return None;
        };
        let probability = arguments.first()?;
        match probability.plane {
            Plane::Data => self.check_sum_at_each(random, taken, elements, probability),
            Plane::Finite => self.check_table(elements, probability),
            Plane::Latent | Plane::Predicted => None,
        }
    }

    fn check_sum_at_each(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        elements: &Elements,
        probability: &Expr,
    ) -> Option<Diagnostic> {
        let mut exprs = vec![probability];
        exprs.extend(taken.data_conditions().map(|(condition, _)| condition));
        let indices: Vec<IndexId> = self.indices_of(random, &exprs);
        let mut offence = None;
        let result: Result<(), Failure> = self.evaluate(|evaluator| {
            let visited = evaluator.for_each(&indices, random.guard.as_ref(), |_| {
                if offence.is_some() || !is_taken(evaluator, taken)? {
                    return Ok(());
                }
                let values = along(evaluator, elements.index, probability)?;
                let at = || indices.iter().map(|i| evaluator.at(*i)).collect();
                offence = offends(&values, at);
                Ok(())
            });
            visited.map_err(|error| Failure::at(evaluator, &indices, error))
        });
        if let Err(failure) = result {
            return Some(self.explain(&failure, &indices));
        }
        let offence = offence?;
        let at = self.elements_at(&indices, &offence.at);
        Some(self.no_probabilities(elements, probability, &offence, &at))
    }

    /// Every row of a table that data give, whichever of them a finite latent chooses.
    fn check_table(&self, elements: &Elements, probability: &Expr) -> Option<Diagnostic> {
        let ExprKind::Variable(table, at) = &probability.kind else { return None };
        let is_outcome =
            |e: &Expr| matches!(&e.kind, ExprKind::Index(index) if *index == elements.index);
        let axis = at.iter().position(is_outcome)?;
        let array = self.values[table.index()].as_ref()?;
        let shape = array.shape();
        let stride: usize = shape.get(axis + 1..)?.iter().product();
        let size = *shape.get(axis)?;
        for start in (0..array.len()).filter(|p| (p / stride.max(1)).is_multiple_of(size.max(1))) {
            let values: Vec<f64> =
                (0..size).filter_map(|k| array.get(start + k * stride)).collect();
            // A row of zeros is never chosen.
            if values.iter().all(|v| *v == 0.0) {
                continue;
            }
            if let Some(offence) = offends(&values, Vec::new) {
                let at = format!(" from `{}`", self.element(*table, start));
                return Some(self.no_probabilities(elements, probability, &offence, &at));
            }
        }
        None
    }

    fn no_probabilities(
        &self,
        elements: &Elements,
        probability: &Expr,
        offence: &Offence,
        at: &str,
    ) -> Diagnostic {
        let Offence { sum, least, .. } = offence;
        let family = elements.family;
        let (message, here) = if *least < 0.0 {
            let least = shown(*least);
            let message =
                format!("the probabilities of {family} must be 0 or more, but one is {least}{at}");
            (message, format!("{least} here"))
        } else {
            let sum = shown(*sum);
            let message =
                format!("the probabilities of {family} must sum to 1, but sum to {sum}{at}");
            (message, format!("{sum} here"))
        };
        let problem = Diagnostic::error(Slug::SupportMismatch, message, probability.span, here);
        let problem = match probability.variables()[..] {
            [] => problem,
            [variable, ..] => {
                let declared = self.typed.variable(variable);
                let text = format!("`{}` is known before fitting", declared.name);
                problem.because(declared.span, text)
            }
        };
        problem.help(format!(
            "divide each by their sum, or give log weights: `{family}(logit = …)` normalises them"
        ))
    }

    /// Observed values of a family of counts that are no counts.
    fn check_counts(&mut self, random: &Random, joint: &Joint) -> Option<Diagnostic> {
        let variable = random.variable;
        if joint.form.variate != VectorSupport::Counts
            || random.role != RandomRole::Observed
            || self.absent[variable.index()]
        {
            return None;
        }
        let values = self.values[variable.index()].clone()?;
        let mut found = None;
        let visited: Result<(), EvaluationError> = self.evaluate(|evaluator| {
            evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                let value = values.get(position).unwrap_or(f64::NAN);
                if found.is_none() && !(value >= 0.0 && value.fract() == 0.0) {
                    found = Some((position, value));
                }
                Ok(())
            })
        });
        // What has no value is reported where the index plane is checked.
        visited.ok()?;
        let (position, value) = found?;
        let (declared, family) = (self.typed.variable(variable), joint.family.name);
        let element = self.element(variable, position);
        let problem = Diagnostic::error(
            Slug::DataOutsideSupport,
            format!("`{element}` is {value}, and {family} counts: 0, 1, 2, …"),
            joint.span,
            "observed by this",
        )
        .because(declared.span, format!("`{}` is defined here", declared.name));
        Some(match &self.placed[variable.index()] {
            Some(placed) => problem.note(placed.place(position)),
            None => problem,
        })
    }

    /// Observed whole numbers that are not elements of the axis of the outcomes.
    fn check_elements(
        &mut self,
        random: &Random,
        taken: &Taken<'_>,
        elements: &Elements,
    ) -> Option<Diagnostic> {
        let variable: VariableId = random.variable;
        if random.role != RandomRole::Observed || self.absent[variable.index()] {
            return None;
        }
        let typed = self.typed;
        let axis = typed.index_of(elements.index).axis;
        let size = self.axes[axis.index()].len() as f64;
        let values = self.values[variable.index()].clone()?;
        let mut found: Option<(usize, usize)> = None;
        let visited: Result<(), EvaluationError> = self.evaluate(|evaluator| {
            evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
                if !taken.is_decided_by_data() || !is_taken(evaluator, taken)? {
                    return Ok(());
                }
                let value = values.get(position).unwrap_or(f64::NAN);
                let place = evaluator.outcome(variable, elements.index, value);
                if !(place >= 0.0 && place < size && place.fract() == 0.0) {
                    found = Some(found.map_or((position, 1), |(first, n)| (first, n + 1)));
                }
                Ok(())
            })
        });
        // What has no value is reported where the index plane is checked.
        visited.ok()?;
        let (position, count) = found?;
        let (declared, outcomes) = (typed.variable(variable), typed.axis(axis));
        let value = values.get(position).unwrap_or(f64::NAN);
        let element = self.element(variable, position);
        let has = super::cells::describe(&outcomes.name, &self.axes[axis.index()]);
        let mut problem = Diagnostic::error(
            Slug::DataOutsideSupport,
            format!("`{element}` is {value}, which is no outcome of {}", elements.family),
            elements.span,
            "observed by this",
        )
        .because(declared.span, format!("`{}` is defined here", declared.name))
        .note(has);
        if let Some(placed) = &self.placed[variable.index()] {
            problem = problem.note(placed.place(position));
        }
        Some(match count {
            1 => problem,
            n => problem.note(format!("and {} more like it", n - 1)),
        })
    }
}

/// The values of an expression along an index.
fn along(
    evaluator: &Evaluator<'_, ()>,
    index: IndexId,
    expr: &Expr,
) -> Result<Vec<f64>, EvaluationError> {
    let at = |k| {
        evaluator.set(index, k);
        evaluator.data(expr)
    };
    (0..evaluator.extent(index)).map(at).collect()
}

/// Whether values are no probabilities, and where that was met.
fn offends(values: &[f64], at: impl FnOnce() -> Vec<usize>) -> Option<Offence> {
    let sum: f64 = values.iter().sum();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let is_good = least >= 0.0 && (sum - 1.0).abs() <= SUM_TOLERANCE;
    (!is_good && !values.is_empty()).then(|| Offence { sum, least, at: at() })
}
