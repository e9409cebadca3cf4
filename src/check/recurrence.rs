//! Names in terms of their own earlier elements: `x[t - 1] start v`, and the planes of definitions
//! that are resolved in terms of themselves.

use super::problem::StructureProblem;
use super::special::binary;
use super::{Checker, Context, Defined, Judged, Progress, library_is_finite};
use crate::library::Reduction;
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind};
use crate::typed::{
    self, AxisId, Distribution, IndexId, Kind, Operator, Plane, RandomRole, Role, VariableId,
};
use std::collections::HashSet;

/// A subscript that may lie before the first element of its axis, and the reductions it is in.
#[derive(Clone, Debug)]
pub(super) struct Shift {
    number: typed::Expr,
    axis: AxisId,
    within: Vec<Scope>,
}

/// The indices and guard of a reduction that is being elaborated.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    indices: Vec<IndexId>,
    guard: Option<typed::Expr>,
}

/// What is known inside `… start …`.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts {
    /// The shifts of each `start` that is open, innermost last.
    open: Vec<(usize, Vec<Shift>)>,
    /// The reductions that are open, innermost last.
    scopes: Vec<Scope>,
}

impl<'a> Checker<'a> {
    /// Notes that a reduction is entered.
    pub(super) fn enter_scope(&mut self, indices: &[IndexId], guard: Option<&typed::Expr>) {
        let scope = Scope { indices: indices.to_vec(), guard: guard.cloned() };
        self.starts.scopes.push(scope);
    }

    /// Notes that the innermost reduction is left.
    pub(super) fn leave_scope(&mut self) {
        self.starts.scopes.pop();
    }

    /// Notes a subscript inside the innermost `start`.
    pub(super) fn note_shift(&mut self, number: &typed::Expr, axis: AxisId) {
        if number.constant().is_some() {
            return;
        }
        let scopes = &self.starts.scopes;
        if let Some((depth, shifts)) = self.starts.open.last_mut() {
            let within = scopes[(*depth).min(scopes.len())..].to_vec();
            shifts.push(Shift { number: number.clone(), axis, within });
        }
    }

    /// Begins what stands before `start`.
    pub(super) fn enter_start(&mut self) {
        self.starts.open.push((self.starts.scopes.len(), Vec::new()));
    }

    /// Ends it: whether any subscript in it lies before the first element of its axis; `None` if
    /// there is no subscript that could.
    pub(super) fn leave_start(&mut self) -> Option<typed::Expr> {
        let (_, shifts) = self.starts.open.pop()?;
        let mut before: Option<typed::Expr> = None;
        for shift in shifts {
            let (span, plane) = (shift.number.span, shift.number.plane);
            let kind = typed::ExprKind::Below(Box::new(shift.number), shift.axis);
            let mut condition = typed::Expr { kind, ty: Kind::Bool, plane, span };
            for scope in shift.within.into_iter().rev() {
                let body = condition;
                condition = self.reduce(Reduction::Sum, scope.indices, scope.guard, body, span);
            }
            before = Some(match before {
                Some(before) => {
                    let mut either = binary(Operator::Or, before, condition);
                    either.ty = Kind::Bool;
                    either
                }
                None => condition,
            });
        }
        before
    }

    /// `inner start value`: the value where `inner` would look before the first element.
    pub(super) fn elaborate_start(
        &mut self,
        inner: &Expr,
        value: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        self.enter_start();
        let inner = self.elaborate(inner, context).and_then(|e| self.number(e));
        let before = self.leave_start();
        let value = self.elaborate(value, context).and_then(|e| self.number(e));
        let (inner, value) = (inner?, value?);
        let Some(before) = before else {
            return Err(self.report(StructureProblem::NothingBefore { span }));
        };
        let ty = super::elaborate::join(value.ty, inner.ty);
        let mut chosen = super::special::choose(before, value, inner);
        chosen.ty = ty;
        chosen.span = span;
        Ok(chosen)
    }

    /// `k - 1` along an axis of labels in the order that the program lists.
    pub(super) fn shifted_label(
        &mut self,
        axis: AxisId,
        expr: &Expr,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let ExprKind::Binary(operator, _, a, b) = &expr.ungrouped().kind else {
            return Err(self.shift_of_labels(axis, expr.span));
        };
        let subtracts = *operator == BinaryOperator::Subtract;
        let operator = if subtracts { Operator::Subtract } else { Operator::Add };
        let a = self.elaborate(a, context);
        let b = self.elaborate(b, context);
        let number = |e: typed::Expr| match e.ty {
            Kind::Index(_) => {
                let (plane, span) = (e.plane, e.span);
                let kind = typed::ExprKind::ElementNumber(Box::new(e));
                typed::Expr { kind, ty: Kind::Int, plane, span }
            }
            Kind::Real | Kind::Int | Kind::Bool => e,
        };
        let mut number = binary(operator, number(a?), number(b?));
        number.ty = Kind::Int;
        number.span = expr.span;
        self.note_shift(&number, axis);
        let (plane, span) = (number.plane, number.span);
        let kind = typed::ExprKind::ElementOf(Box::new(number));
        Ok(typed::Expr { kind, ty: Kind::Index(axis), plane, span })
    }

    /// The plane of a definition that is being resolved, from the names that occur in it and in
    /// what it uses.
    pub(super) fn plane_by_names(&self, variable: VariableId) -> Plane {
        let mut plane = Plane::Data;
        let mut seen = HashSet::new();
        let mut pending = vec![variable];
        while let Some(variable) = pending.pop() {
            if !seen.insert(variable) {
                continue;
            }
            let info = self.typed.variable(variable);
            match info.role {
                Role::Derived(id) if self.progress[variable.index()] != Progress::Done => {
                    let mut names = Vec::new();
                    match self.definitions[id.index()].0 {
                        Defined::Equation(define) => names_in(&define.value, &mut names),
                        Defined::Solved(_) | Defined::State(..) | Defined::Made => {
                            plane = Plane::Latent;
                        }
                    }
                    pending.extend(names.iter().filter_map(|n| self.names.get(*n).copied()));
                }
                Role::Data(_) | Role::Derived(_) | Role::Latent(_) | Role::Predicted(_) => {
                    plane = plane.max(info.plane);
                }
            }
        }
        plane
    }

    /// Whether a latent's distribution gives finitely many values, from the names of its families.
    pub(super) fn is_finite(&self, distribution: &Expr) -> bool {
        match &distribution.kind {
            ExprKind::Group(inner) | ExprKind::In(inner, _) => self.is_finite(inner),
            ExprKind::Start(inner, first) => self.is_finite(inner) || self.is_finite(first),
            ExprKind::If(_, yes, no) => self.is_finite(yes) || self.is_finite(no),
            ExprKind::Name(family) => library_is_finite(family),
            ExprKind::Call(family, _) => library_is_finite(&family.value),
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::Written(_)
            | ExprKind::Error => false,
        }
    }

    fn is_written(&self, variable: VariableId) -> bool {
        let random = self.random_values.iter().flatten().find(|r| r.variable == variable);
        random.is_some_and(|r| {
            r.distribution.leaves().iter().any(|t| matches!(t.leaf, Distribution::Written(_)))
        })
    }

    /// Groups definitions and latents that are in terms of each other's elements, and marks what
    /// depends on latents with finitely many values.
    pub(super) fn find_recurrences(&mut self) {
        let count = self.typed.variables.len();
        let mut uses: Vec<Vec<VariableId>> =
            (0..count).map(|i| self.direct(VariableId(i as u32))).collect();
        for (i, uses) in uses.iter_mut().enumerate() {
            let variable = VariableId(i as u32);
            // A log density that is spelt out names its own element.
            if self.is_written(variable) && !self.moves(variable, &[variable]) {
                uses.retain(|used| *used != variable);
            }
        }
        self.typed.series = components(&uses);
        let computed: Vec<Vec<VariableId>> = (0..count)
            .map(|i| match self.typed.variables[i].role {
                Role::Derived(_) => uses[i].clone(),
                Role::Data(_) | Role::Latent(_) | Role::Predicted(_) => Vec::new(),
            })
            .collect();
        self.typed.recurrences = components(&computed);
        let mut finite: Vec<bool> = self.typed.variables.iter().map(is_finite_latent).collect();
        let mut moved = true;
        while moved {
            moved = false;
            for i in 0..count {
                let derived = matches!(self.typed.variables[i].role, Role::Derived(_));
                if derived && !finite[i] && uses[i].iter().any(|v| finite[v.index()]) {
                    finite[i] = true;
                    moved = true;
                }
            }
        }
        for (variable, finite) in self.typed.variables.iter_mut().zip(finite) {
            variable.finite = finite;
        }
    }
}

fn is_finite_latent(variable: &typed::Variable) -> bool {
    match variable.role {
        Role::Latent(_) => variable.plane == Plane::Finite,
        Role::Data(_) | Role::Derived(_) | Role::Predicted(_) => false,
    }
}

/// The names in an expression, those of bound indices included.
pub(super) fn names_in<'e>(expr: &'e Expr, names: &mut Vec<&'e str>) {
    match &expr.kind {
        ExprKind::Name(name) => names.push(name),
        ExprKind::Unary(_, a) | ExprKind::Group(a) | ExprKind::In(a, _) => names_in(a, names),
        ExprKind::Binary(_, _, a, b) | ExprKind::Start(a, b) => {
            names_in(a, names);
            names_in(b, names);
        }
        ExprKind::Index(base, subscripts) => {
            names_in(base, names);
            subscripts.iter().for_each(|s| names_in(&s.value, names));
        }
        ExprKind::Call(_, arguments) => {
            arguments.iter().for_each(|a| names_in(&a.value, names));
        }
        ExprKind::Comprehension { guard, body, .. } => {
            guard.iter().for_each(|g| names_in(g, names));
            names_in(body, names);
        }
        ExprKind::List(elements) => elements.iter().for_each(|e| names_in(e, names)),
        ExprKind::If(condition, yes, no) => {
            for part in [condition, yes, no] {
                names_in(part, names);
            }
        }
        ExprKind::Written(written) => names_in(&written.log_density, names),
        ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Error => {}
    }
}

/// The strongly connected components with more than one member or an edge to itself, each in
/// ascending order (Tarjan 1972, without recursion).
fn components(uses: &[Vec<VariableId>]) -> Vec<Vec<VariableId>> {
    const UNSEEN: usize = usize::MAX;
    let count = uses.len();
    let (mut number, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let mut on_stack = vec![false; count];
    let (mut stack, mut found, mut next) = (Vec::new(), Vec::new(), 0);
    for root in 0..count {
        if number[root] != UNSEEN {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some((node, edge)) = path.pop() {
            if edge == 0 {
                (number[node], low[node]) = (next, next);
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            match uses[node].get(edge).map(|v| v.index()) {
                Some(other) => {
                    path.push((node, edge + 1));
                    if number[other] == UNSEEN {
                        path.push((other, 0));
                    } else if on_stack[other] {
                        low[node] = low[node].min(number[other]);
                    }
                }
                None => {
                    if let Some((parent, _)) = path.last() {
                        low[*parent] = low[*parent].min(low[node]);
                    }
                    if low[node] == number[node] {
                        let at = stack.iter().rposition(|n| *n == node).unwrap_or(0);
                        let mut members: Vec<usize> = stack.split_off(at);
                        members.iter().for_each(|m| on_stack[*m] = false);
                        let own = uses[node].iter().any(|v| v.index() == node);
                        if members.len() > 1 || own {
                            members.sort_unstable();
                            found.push(members.iter().map(|m| VariableId(*m as u32)).collect());
                        }
                    }
                }
            }
        }
    }
    found.sort();
    found
}

/// The role of a `~` statement that declares a latent.
pub(super) fn latent_role(finite: bool) -> RandomRole {
    if finite { RandomRole::Finite } else { RandomRole::Latent }
}
