//! Checks that what is computed from data alone has values: no logarithm of a negative number, no
//! division by zero.
//!
//! A branch that is not taken is not looked at, and infinities that the program or its data name
//! are meant.

use super::Binder;
use crate::bound::{Array, EvaluationError, Evaluator};
use crate::data::claim::entry;
use crate::diagnostic::{Diagnostic, Slug};
use crate::library::Reduction;
use crate::typed::{
    DefinitionId, DefinitionValue, Expr, ExprKind, IndexId, Operator, Plane, VariableId,
};

/// An expression without a finite value, all of whose parts have one.
struct Culprit<'p> {
    expr: &'p Expr,
    value: f64,
    /// The values of its parts.
    parts: Vec<f64>,
}

impl Binder<'_> {
    /// The error for the values of a data-only definition of which some are not finite.
    pub(super) fn undefined(&mut self, id: DefinitionId, array: &Array) -> Option<Diagnostic> {
        let typed = self.typed;
        let definition = typed.definition(id);
        let (first, value_there) = array.cells().enumerate().find(|(_, v)| !v.is_finite())?;
        if definition.value.expressions().into_iter().any(|e| self.may_be_infinite(e)) {
            return None;
        }
        let (indices, value) = match &definition.value {
            // A factor is looked at where it is computed.
            DefinitionValue::Solved(_) | DefinitionValue::Factored(_) => return None,
            DefinitionValue::Each(value) => (&definition.indices[..], value),
            DefinitionValue::PerElement(elements) => {
                let outer = definition.indices.len().saturating_sub(1);
                (&definition.indices[..outer], elements.get(first % elements.len().max(1))?)
            }
        };
        let culprit = self.first_culprit(indices, None, value)?;
        let name = self.element(definition.variable, first);
        let message = format!("`{name}` has no value: it is {}", shown(value_there));
        let count = array.cells().filter(|v| !v.is_finite()).count();
        Some(self.accuse(message, &culprit, count))
    }

    /// Reports the data-only parts of what depends on latents that have no finite value.
    pub(super) fn check_finite(&mut self) {
        let typed = self.typed;
        for statement in self.statements(typed) {
            let mut parts = Vec::new();
            for expr in &statement.exprs {
                if expr.plane != Plane::Data {
                    data_parts(expr, &mut parts);
                }
            }
            for part in parts {
                if self.may_be_infinite(part) || self.mentions_absent(part) {
                    continue;
                }
                let used = part.outer_indices();
                let guarded = statement.guard.map(Expr::outer_indices).unwrap_or_default();
                let indices: Vec<IndexId> = statement
                    .indices
                    .iter()
                    .copied()
                    .filter(|i| used.contains(i) || guarded.contains(i))
                    .collect();
                if let Some(culprit) = self.first_culprit(&indices, statement.guard, part) {
                    let value = shown(culprit.value);
                    let message = format!("this has no value for some of the data: it is {value}");
                    let problem = self.accuse(message, &culprit, 1);
                    self.report(problem);
                    break;
                }
            }
        }
    }

    /// Whether an infinite or missing value is no mistake: the program or its data name it.
    fn may_be_infinite(&self, expr: &Expr) -> bool {
        let mut named = false;
        expr.walk(&mut |e| {
            if let ExprKind::Number(x) = &e.kind {
                named |= !x.is_finite();
            } else if let ExprKind::Variable(variable, _) = &e.kind {
                named |= self.holds_gaps(*variable);
            }
        });
        named
    }

    fn holds_gaps(&self, variable: VariableId) -> bool {
        let is_marked = entry(self.typed, variable).is_some_and(|e| e.missing);
        let array = self.values[variable.index()].as_ref();
        is_marked
            || self.absent[variable.index()]
            || array.is_none_or(|a| a.cells().any(|v| !v.is_finite()))
    }

    /// The first element at which an expression is not finite, and the part to blame.
    fn first_culprit<'p>(
        &mut self,
        indices: &[IndexId],
        guard: Option<&Expr>,
        expr: &'p Expr,
    ) -> Option<Culprit<'p>> {
        // Many rows at once first: one by one only where there is something to be found.
        let all = self.evaluate(|evaluator| evaluator.data_over(expr, indices, guard));
        if all.is_ok_and(|values| values.iter().all(|value| value.is_finite())) {
            return None;
        }
        let mut found = None;
        // What has no value at all is reported where the index plane is checked.
        let _: Result<(), EvaluationError> = self.evaluate(|evaluator| {
            evaluator.for_each(indices, guard, |_| {
                if found.is_none() && !evaluator.data(expr)?.is_finite() {
                    found = Some(blame(evaluator, expr)?);
                }
                Ok(())
            })
        });
        found
    }

    fn accuse(&self, message: String, culprit: &Culprit<'_>, count: usize) -> Diagnostic {
        let parts: Vec<String> = culprit.parts.iter().map(|p| shown(*p)).collect();
        let (here, help) = match (&culprit.expr.kind, &parts[..]) {
            (ExprKind::Binary(Operator::Divide, _, below), [a, b]) if is_sd(below) => (
                format!("{a} / {b}: the sd is 0"),
                "every value is the same, so there is nothing to standardize; leave the column out"
                    .to_owned(),
            ),
            (ExprKind::Binary(Operator::Divide, ..), [a, b]) => (
                format!("{a} / {b} here"),
                "leave out the rows where the divisor is 0, or add a number that keeps it away \
                 from 0"
                    .to_owned(),
            ),
            (ExprKind::Binary(Operator::Power, ..), [a, b]) => (
                if a.starts_with('-') {
                    format!("({a})^{b} here")
                } else {
                    format!("{a}^{b} here")
                },
                "a negative number has only whole powers, and 0 no negative ones".to_owned(),
            ),
            (ExprKind::Call(function, _), parts) => {
                let name = function.name();
                let help = if name.starts_with("log") {
                    "a logarithm needs a positive number: leave out the rows where it is not, or \
                     add a number: `log(x + 1)`"
                        .to_owned()
                } else {
                    format!("`{name}` is not defined there: leave out these rows")
                };
                (format!("{name}({}) here", parts.join(", ")), help)
            }
            (_, parts) => (
                format!("computed from {}", parts.join(" and ")),
                "leave out the rows where it has no value".to_owned(),
            ),
        };
        let problem =
            Diagnostic::error(Slug::NotFinite, message, culprit.expr.span, here).help(help);
        match count {
            0 | 1 => problem,
            n => problem.note(format!("and {} more like it", n - 1)),
        }
    }
}

/// The innermost part of an expression without a finite value, whose own parts have one.
fn blame<'p>(
    evaluator: &Evaluator<'_, ()>,
    expr: &'p Expr,
) -> Result<Culprit<'p>, EvaluationError> {
    let children = if let ExprKind::If(condition, yes, no) = &expr.kind {
        vec![if evaluator.data(condition)? != 0.0 { &**yes } else { &**no }]
    } else if matches!(expr.kind, ExprKind::Reduce(_) | ExprKind::Variable(..)) {
        // The parts of a reduction have values only for its own indices.
        Vec::new()
    } else {
        expr.children()
    };
    let mut parts = Vec::new();
    for child in children {
        let value = evaluator.data(child)?;
        if !value.is_finite() {
            return blame(evaluator, child);
        }
        parts.push(value);
    }
    Ok(Culprit { expr, value: evaluator.data(expr)?, parts })
}

/// The largest data-only parts outside branches and reductions that may be undefined.
fn data_parts<'p>(expr: &'p Expr, found: &mut Vec<&'p Expr>) {
    if expr.plane == Plane::Data {
        if can_be_undefined(expr) {
            found.push(expr);
        }
        return;
    }
    let skipped =
        matches!(expr.kind, ExprKind::If(..) | ExprKind::Reduce(_) | ExprKind::Variable(..));
    if !skipped {
        expr.children().into_iter().for_each(|c| data_parts(c, found));
    }
}

/// Whether an expression divides, takes a power or calls a function.
fn can_be_undefined(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= matches!(
            &e.kind,
            ExprKind::Binary(Operator::Divide | Operator::Power, ..) | ExprKind::Call(..)
        );
    });
    found
}

fn is_sd(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Reduce(reduce) if reduce.operation == Reduction::Sd)
}

pub(super) fn shown(value: f64) -> String {
    if value.is_nan() {
        "not a number".to_owned()
    } else {
        format!("{}", (value * 1e6).round() / 1e6)
    }
}
