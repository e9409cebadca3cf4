//! Cholesky factors: `L = cholesky(S)`, `L[g, i in item, j in item] = cholesky(S)`, and `cholesky`
//! where a matrix is an argument.

use super::problem::StructureProblem;
use super::{Checker, Context, Defined, Judged};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind};
use crate::typed::{
    Definition, DefinitionId, DefinitionValue, IndexId, Kind, Plane, Role, VariableId,
};

/// The matrix of `cholesky(S)`, if an expression is that.
pub(super) fn factored(expr: &Expr) -> Option<&Expr> {
    let ExprKind::Call(function, arguments) = &expr.ungrouped().kind else { return None };
    let [Argument { name: None, value }] = &arguments[..] else { return None };
    (function.value == "cholesky").then_some(value)
}

/// Whether an expression is written with `transpose` or `cholesky`, and so is a matrix.
pub(super) fn is_of_matrices(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(function, arguments) => {
            matches!(function.value.as_str(), "transpose" | "cholesky")
                || arguments.iter().any(|a| is_of_matrices(&a.value))
        }
        ExprKind::Group(a) | ExprKind::Unary(_, a) => is_of_matrices(a),
        ExprKind::Binary(_, _, a, b) => is_of_matrices(a) || is_of_matrices(b),
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => false,
    }
}

impl Checker<'_> {
    /// The factor of a matrix; the last two indices on the left, if any are written, are its rows
    /// and columns.
    pub(super) fn factor_of(
        &mut self,
        matrix: &Expr,
        written: bool,
        mut context: Context,
        mut indices: Vec<IndexId>,
    ) -> Judged<(Vec<IndexId>, DefinitionValue)> {
        let mut wanted = None;
        if written {
            let over = indices.split_off(indices.len().saturating_sub(2));
            context.bound.retain(|bound| !over.contains(&bound.index));
            wanted = Some(over.iter().map(|i| self.typed.index_of(*i).axis).collect::<Vec<_>>());
        }
        let (axes, (of_matrix, value)) = self.matrix(matrix, &context)?;
        let wanted = wanted.unwrap_or(vec![axes[0], axes[0]]);
        if axes[..] != wanted[..] || axes[0] != axes[1] {
            let square = if wanted.len() == 2 { wanted } else { vec![axes[0], axes[0]] };
            let (found, wanted) = (self.axis_list(&axes), self.axis_list(&square));
            let span = matrix.span;
            return Err(self.report(StructureProblem::MatrixAxes { span, found, wanted }));
        }
        if value.plane == Plane::Finite || value.plane == Plane::Predicted {
            return Err(self.report(StructureProblem::FactorOfFinite { span: matrix.span }));
        }
        indices.extend(of_matrix);
        Ok((indices, DefinitionValue::Factored(value)))
    }

    /// The factor of a matrix that is an argument, under a name of its own.
    pub(super) fn hidden_factor(
        &mut self,
        matrix: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<VariableId> {
        let (indices, value) = self.factor_of(matrix, false, context.clone(), Vec::new())?;
        let expressions = value.expressions();
        let outer = expressions.iter().flat_map(|e| e.outer_indices());
        if outer.into_iter().any(|index| !indices.contains(&index)) {
            return Err(self.report(StructureProblem::FactorsOfGroups { span }));
        }
        let plane = expressions.iter().map(|e| e.plane).max().unwrap_or(Plane::Data);
        let id = DefinitionId(self.definitions.len() as u32);
        self.definitions.push((Defined::Made, span));
        let name = format!("cholesky {}", id.0 + 1);
        let variable = self.hidden_variable(name, span, Role::Derived(id));
        let axes = indices.iter().map(|i| self.typed.index_of(*i).axis).collect();
        let info = &mut self.typed.variables[variable.index()];
        (info.axes, info.kind, info.plane) = (axes, Kind::Real, plane);
        self.keep_definition(id, Definition { variable, indices, value, span });
        Ok(variable)
    }

    /// What is solved or factored does not depend on what is summed out, however indirectly.
    pub(super) fn check_solved(&mut self) {
        let mut problems = Vec::new();
        for definition in self.definition_values.values() {
            if !self.typed.variable(definition.variable).finite {
                continue;
            }
            let expressions = definition.value.expressions();
            let depends = |v: &VariableId| self.typed.variable(*v).finite;
            let culprit = expressions.iter().find(|e| e.variables().iter().any(depends));
            let span = culprit.map_or(definition.span, |e| e.span);
            match &definition.value {
                DefinitionValue::Solved(_) => {
                    problems.push(StructureProblem::RateOfFinite { span })
                }
                DefinitionValue::Factored(_) => {
                    problems.push(StructureProblem::FactorOfFinite { span });
                }
                DefinitionValue::Each(_) | DefinitionValue::PerElement(_) => {}
            }
        }
        for problem in problems {
            self.report(problem);
        }
    }
}
