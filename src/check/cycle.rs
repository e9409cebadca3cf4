//! Names in terms of themselves: definitions as they are resolved, latents once all are.

use super::{
    Checker, Reported,
    problem::{NameProblem, ValueProblem},
};
use crate::source::Span;
use crate::typed::{Expr, ExprKind, VariableId};

impl<'a> Checker<'a> {
    /// Only the ends of ranges are looked at before the latents have their axes.
    pub(super) fn latent_in_range(&mut self, variable: VariableId, span: Span) -> Reported {
        let latent = self.typed.variable(variable);
        let latents = vec![(latent.name.clone(), latent.span, false)];
        self.report(ValueProblem::LatentCondition {
            what: "the ends of a range",
            span,
            latents,
            reported: None,
        })
    }

    /// A definition that was met while it is being resolved.
    pub(super) fn cycle(&mut self, variable: VariableId, span: Span) -> Reported {
        let start = self.resolving.iter().position(|v| *v == variable).unwrap_or(0);
        let members = self.resolving[start..].to_vec();
        let names = members.iter().map(|v| self.typed.variable(*v).name.clone()).collect();
        let mut spans: Vec<Span> = members.iter().map(|v| self.typed.variable(*v).span).collect();
        spans.insert(0, span);
        self.report(NameProblem::Cycle { names, spans })
    }

    /// Reports names in terms of the very same elements of themselves: no subscript in the cycle
    /// leads to another element. Other cycles may be found when data are bound.
    pub(super) fn check_cycles(&mut self) {
        for members in self.typed.series.clone() {
            if members.iter().any(|v| self.moves(*v, &members)) {
                continue;
            }
            // A name with missing cells is told once.
            let told = members.iter().filter(|v| !self.typed.is_whole(**v));
            let mut variables: Vec<_> = told.map(|v| self.typed.variable(*v)).collect();
            variables.sort_by_key(|v| v.span.start);
            let (names, spans): (Vec<String>, Vec<Span>) =
                variables.into_iter().map(|v| (v.name.clone(), v.span)).unzip();
            self.report(NameProblem::Cycle { names, spans });
        }
    }

    /// Whether a name uses another element of the members than its own.
    pub(super) fn moves(&self, variable: VariableId, members: &[VariableId]) -> bool {
        let mut moves = false;
        for expr in self.right_side(variable) {
            expr.walk(&mut |e| {
                if let ExprKind::Variable(used, at) = &e.kind
                    && members.contains(used)
                {
                    moves |= at.iter().any(|s| !matches!(s.kind, ExprKind::Index(_)));
                }
                moves |= matches!(&e.kind, ExprKind::Reduce(reduce)
                    if reduce.guard.is_some() && uses(&reduce.body, members));
                moves |= matches!(&e.kind, ExprKind::If(..)) && uses(e, members);
            });
        }
        moves
    }
}

fn uses(expr: &Expr, members: &[VariableId]) -> bool {
    expr.variables().iter().any(|v| members.contains(v))
}
