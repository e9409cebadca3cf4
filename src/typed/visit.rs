//! Walks over checked expressions.

use super::{Expr, ExprKind, IndexId, Plane, Program, Reduce, Role, VariableId};
use std::collections::HashSet;

impl Expr {
    /// The parts an expression is made of, guards included.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::Size(_)
            | ExprKind::Error => Vec::new(),
            ExprKind::Variable(_, at) => at.iter().collect(),
            ExprKind::ElementNumber(a)
            | ExprKind::ElementOf(a)
            | ExprKind::Negate(a)
            | ExprKind::Not(a) => vec![a],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::Call(_, arguments) => arguments.iter().collect(),
            ExprKind::If(condition, yes, no) => vec![condition, yes, no],
            ExprKind::Reduce(reduce) => {
                reduce.guard.iter().chain(std::iter::once(&reduce.body)).collect()
            }
        }
    }

    /// Calls `visit` on the expression and everything in it, outermost first.
    pub fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The value of a literal, `inf` and negated literals included.
    pub fn constant(&self) -> Option<f64> {
        match &self.kind {
            ExprKind::Number(x) => Some(*x),
            ExprKind::Negate(a) => a.constant().map(|x| -x),
            ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::Variable(..)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::Size(_)
            | ExprKind::Not(_)
            | ExprKind::Binary(..)
            | ExprKind::Call(..)
            | ExprKind::If(..)
            | ExprKind::Reduce(_)
            | ExprKind::Error => None,
        }
    }

    /// The variables an expression uses, each once, in order of appearance.
    pub fn variables(&self) -> Vec<VariableId> {
        let mut found = Vec::new();
        self.walk(&mut |e| {
            if let ExprKind::Variable(variable, _) = &e.kind
                && !found.contains(variable)
            {
                found.push(*variable);
            }
        });
        found
    }

    /// The indices an expression uses that are bound outside it.
    pub fn outer_indices(&self) -> HashSet<IndexId> {
        let mut used = HashSet::new();
        let mut own = HashSet::new();
        self.walk(&mut |e| match &e.kind {
            ExprKind::Index(index) => {
                used.insert(*index);
            }
            ExprKind::Reduce(reduce) => own.extend(reduce.indices.iter().copied()),
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Variable(..)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::Size(_)
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary(..)
            | ExprKind::Call(..)
            | ExprKind::If(..)
            | ExprKind::Error => {}
        });
        &used - &own
    }
}

impl Reduce {
    /// Whether no index bound outside occurs in it.
    pub(crate) fn uses_only_own_indices(&self) -> bool {
        self.guard
            .iter()
            .chain(std::iter::once(&self.body))
            .flat_map(|e| e.outer_indices())
            .all(|index| self.indices.contains(&index))
    }
}

impl Program {
    /// The latents and predictions an expression depends on by name, each once.
    pub fn latents_in(&self, expr: &Expr) -> Vec<VariableId> {
        let mut found = Vec::new();
        for variable in expr.variables() {
            let info = self.variable(variable);
            let is_latent = match info.role {
                Role::Latent(_) | Role::Predicted(_) => true,
                Role::Derived(_) => info.plane > Plane::Data,
                Role::Data(_) => false,
            };
            if is_latent {
                found.push(variable);
            }
        }
        found
    }
}
