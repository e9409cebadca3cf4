//! The kind of a name that is drawn, from the families on its right side alone: it is needed before
//! any expression is looked at.

use super::Checker;
use super::special::Special;
use crate::library::{self, Support, joint::outcome_family};
use crate::syntax::ast::{self, Argument, Binder, Expr, ExprKind};
use crate::typed::{AxisId, Kind, RandomRole, Role, VariableId};

impl<'a> Checker<'a> {
    /// The kind of the values of a `~` statement that is not an observation.
    pub(super) fn drawn_kind(&mut self, tree: &'a ast::Random, role: RandomRole) -> Kind {
        let binders = tree.binders.as_deref().unwrap_or(&[]);
        self.kind_of(&tree.distribution, binders, role).unwrap_or(Kind::Real)
    }

    fn kind_of(&mut self, expr: &Expr, left: &[Binder], role: RandomRole) -> Option<Kind> {
        match &expr.kind {
            ExprKind::Group(inner) | ExprKind::In(inner, _) => self.kind_of(inner, left, role),
            ExprKind::Start(a, b) | ExprKind::If(_, a, b) => {
                let kinds = [b, a].map(|branch| self.kind_of(branch, left, role));
                let element = kinds.iter().flatten().find(|k| matches!(k, Kind::Index(_)));
                element.or(kinds.iter().flatten().next()).copied()
            }
            ExprKind::Name(family) => self.kind_of_family(family, &[], left, role),
            ExprKind::Call(family, arguments) => {
                self.kind_of_family(&family.value, arguments, left, role)
            }
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::Written(_)
            | ExprKind::Error => None,
        }
    }

    fn kind_of_family(
        &mut self,
        name: &str,
        arguments: &[Argument],
        left: &[Binder],
        role: RandomRole,
    ) -> Option<Kind> {
        match Special::of(name, arguments) {
            Some(Special::UniformOver) => {
                let value = &arguments.first()?.value.ungrouped();
                let ExprKind::Name(axis) = &value.kind else { return None };
                let axis = self.axis_names.get(axis).copied()?;
                Some(Kind::Index(self.typed.resolve_axis(axis)))
            }
            Some(Special::Outcome) => {
                let categorical = outcome_family(name).is_some_and(|f| f.name == "Categorical");
                let value = arguments.first().filter(|_| categorical).map(|a| &a.value);
                let axis = value.and_then(|value| self.outcome_axis(value, left));
                Some(axis.map_or(Kind::Int, Kind::Index))
            }
            Some(
                Special::PointMass
                | Special::Structured(_)
                | Special::Process
                | Special::Joint(_)
                | Special::Censored
                | Special::Scaled
                | Special::Mixture,
            ) => None,
            None => {
                let variate = library::family(name)?.parameterizations.first()?.variate;
                Some(if variate == Support::Boolean && role == RandomRole::Finite {
                    Kind::Bool
                } else if variate.is_discrete() {
                    Kind::Int
                } else {
                    Kind::Real
                })
            }
        }
    }

    /// The axis of the outcomes: of some name in the argument, the one axis that neither the left
    /// side nor a subscript takes.
    fn outcome_axis(&mut self, value: &Expr, left: &[Binder]) -> Option<AxisId> {
        let mut taken = Vec::new();
        for binder in left {
            taken.extend(self.binder_axis(binder));
        }
        let mut names = Vec::new();
        indexed_names(value, &mut names);
        names.into_iter().find_map(|(name, subscripts)| self.left_over(name, subscripts, &taken))
    }

    fn left_over(
        &mut self,
        name: &str,
        subscripts: &[ast::Subscript],
        taken: &[AxisId],
    ) -> Option<AxisId> {
        let variable = *self.names.get(name)?;
        let mut axes = self.declared_axes_of(variable)?;
        for subscript in subscripts {
            let column = subscript.value.name().and_then(|name| self.names.get(name));
            let column = column.map(|v| self.typed.variable(*v));
            let of = column.and_then(|column| match column.kind {
                Kind::Index(axis) => axes.iter().position(|a| *a == axis),
                Kind::Real | Kind::Int | Kind::Bool => None,
            });
            if axes.is_empty() {
                return None;
            }
            axes.remove(of.unwrap_or(0));
        }
        axes.retain(|axis| !taken.contains(axis));
        if let [axis] = axes[..] { Some(axis) } else { None }
    }

    /// The axes of a name, where the program writes them.
    fn declared_axes_of(&mut self, variable: VariableId) -> Option<Vec<AxisId>> {
        let info = self.typed.variable(variable);
        match info.role {
            Role::Data(_) => Some(info.axes.clone()),
            Role::Derived(id) => {
                let equation = self.definitions[id.index()].0.equation()?;
                equation.binders.as_deref()?.iter().map(|b| self.binder_axis(b).ok()).collect()
            }
            Role::Latent(id) | Role::Predicted(id) => {
                let binders = self.randoms[id.index()].0.binders.as_deref().unwrap_or(&[]);
                binders.iter().map(|b| self.binder_axis(b).ok()).collect()
            }
        }
    }
}

/// The names in an expression with their subscripts.
fn indexed_names<'e>(expr: &'e Expr, names: &mut Vec<(&'e str, &'e [ast::Subscript])>) {
    match &expr.kind {
        ExprKind::Name(name) => names.push((name, &[])),
        ExprKind::Index(base, subscripts) => {
            if let ExprKind::Name(name) = &base.ungrouped().kind {
                names.push((name, subscripts));
            }
        }
        ExprKind::Unary(_, a) | ExprKind::Group(a) | ExprKind::In(a, _) => indexed_names(a, names),
        ExprKind::Binary(_, _, a, b) | ExprKind::Start(a, b) => {
            indexed_names(a, names);
            indexed_names(b, names);
        }
        ExprKind::Call(_, arguments) => {
            arguments.iter().for_each(|a| indexed_names(&a.value, names));
        }
        ExprKind::If(_, yes, no) => {
            indexed_names(yes, names);
            indexed_names(no, names);
        }
        ExprKind::Comprehension { body, .. } => indexed_names(body, names),
        ExprKind::List(elements) => elements.iter().for_each(|e| indexed_names(e, names)),
        ExprKind::Written(written) => indexed_names(&written.log_density, names),
        ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Error => {}
    }
}
