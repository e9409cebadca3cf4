//! From expressions as written to explicitly indexed scalars.
//!
//! `elaborate` is called where inference has found no free axes; names over bound axes get their
//! indices, contractions and reductions bind fresh ones.

use super::axes::Meaning;
use super::{Bound, Checker, Context, Judged, Reported, problem::ValueProblem};
use crate::library::Reduction;
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator, Binder, Expr, ExprKind, Name, UnaryOperator};
use crate::typed::{self, IndexId, Kind, Operator, Plane, Reduce, ReduceId, VariableId};

impl<'a> Checker<'a> {
    /// The scalar an expression stands for, given the bound indices.
    pub(super) fn elaborate(&mut self, expr: &Expr, context: &Context) -> Judged<typed::Expr> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number { value, integer } => {
                let ty = if *integer { Kind::Int } else { Kind::Real };
                Ok(data(typed::ExprKind::Number(*value), ty, span))
            }
            ExprKind::Label(label) => {
                Err(self.report(ValueProblem::MisplacedLabel { label: label.clone(), span }))
            }
            ExprKind::Name(name) => self.elaborate_name(name, span, context),
            ExprKind::Group(inner) => self.elaborate(inner, context),
            ExprKind::Unary(UnaryOperator::Negate, a) => {
                let a = self.elaborate(a, context)?;
                let a = self.number(a)?;
                let ty = if a.ty == Kind::Bool { Kind::Int } else { a.ty };
                let plane = a.plane;
                Ok(typed::Expr { kind: typed::ExprKind::Negate(Box::new(a)), ty, plane, span })
            }
            ExprKind::Unary(UnaryOperator::Not, a) => {
                let a = self.condition(a, context)?;
                let plane = a.plane;
                let kind = typed::ExprKind::Not(Box::new(a));
                Ok(typed::Expr { kind, ty: Kind::Bool, plane, span })
            }
            ExprKind::Binary(operator, _, a, b) => {
                self.elaborate_binary(*operator, a, b, span, context)
            }
            ExprKind::Index(base, subscripts) => {
                let (name, variable) = self.indexed_variable(base, context)?;
                let slots = self.fill(expr, &name, variable, subscripts, context)?;
                let axes = self.axes_of(variable, span)?;
                let declared = self.typed.variable(variable).span;
                let mut at = Vec::new();
                for (axis, slot) in axes.iter().zip(slots) {
                    at.push(match slot {
                        Some(i) => {
                            self.subscript((&name, declared), *axis, &subscripts[i], context)?
                        }
                        None => self.implied(*axis, span, context)?,
                    });
                }
                Ok(self.element(variable, at, span))
            }
            ExprKind::Call(function, arguments) => {
                self.elaborate_call(expr, function, arguments, context)
            }
            ExprKind::Comprehension { function, binders, guard, body } => self
                .elaborate_comprehension(function, binders, guard.as_deref(), body, span, context),
            ExprKind::If(condition, yes, no) => {
                if let Some(whole) = super::distribution::start_of_the_whole(expr) {
                    return self.elaborate(&whole, context);
                }
                let condition = self.condition(condition, context);
                let yes = self.elaborate(yes, context).and_then(|e| self.number(e));
                let no = self.elaborate(no, context).and_then(|e| self.number(e));
                let (condition, yes, no) = (condition?, yes?, no?);
                let ty = join(yes.ty, no.ty);
                let plane = condition.plane.max(yes.plane).max(no.plane);
                let parts = (Box::new(condition), Box::new(yes), Box::new(no));
                let kind = typed::ExprKind::If(parts.0, parts.1, parts.2);
                Ok(typed::Expr { kind, ty, plane, span })
            }
            ExprKind::Start(inner, value) => self.elaborate_start(inner, value, span, context),
            ExprKind::List(_) | ExprKind::In(..) | ExprKind::Written(_) | ExprKind::Error => {
                self.free(expr, context).and(Err(Reported))
            }
        }
    }

    fn elaborate_name(&mut self, name: &str, span: Span, context: &Context) -> Judged<typed::Expr> {
        match self.lookup(name, span, context)? {
            Meaning::Index(index, axis) => {
                Ok(data(typed::ExprKind::Index(index), Kind::Index(axis), span))
            }
            Meaning::Given(given) => Ok(typed::Expr { span, ..self.given[given].1.clone() }),
            Meaning::State(state) => {
                let kind = typed::ExprKind::State(state);
                Ok(typed::Expr { kind, ty: Kind::Real, plane: Plane::Latent, span })
            }
            Meaning::Time => {
                let kind = typed::ExprKind::Time;
                Ok(typed::Expr { kind, ty: Kind::Real, plane: Plane::Latent, span })
            }
            Meaning::Constant(value) => Ok(data(typed::ExprKind::Number(value), Kind::Real, span)),
            Meaning::Variable(variable) => {
                let axes = self.axes_of(variable, span)?;
                let at = axes
                    .iter()
                    .map(|axis| self.implied(*axis, span, context))
                    .collect::<Judged<Vec<_>>>()?;
                Ok(self.element(variable, at, span))
            }
        }
    }

    /// The bound index over an axis that was not written.
    fn implied(
        &mut self,
        axis: typed::AxisId,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let bound = context.over(axis).next().cloned();
        // Inference has found an index for every axis, so there is one.
        let bound = bound.ok_or(Reported)?;
        Ok(data(typed::ExprKind::Index(bound.index), Kind::Index(axis), span))
    }

    pub(super) fn element(
        &self,
        variable: VariableId,
        at: Vec<typed::Expr>,
        span: Span,
    ) -> typed::Expr {
        let info = self.typed.variable(variable);
        // Which element it is may depend on more than the elements do: `P[z[t]]` of data `P`.
        let plane = at.iter().map(|subscript| subscript.plane).max();
        let (ty, plane) = (info.kind, info.plane.max(plane.unwrap_or(Plane::Data)));
        typed::Expr { kind: typed::ExprKind::Variable(variable, at), ty, plane, span }
    }

    /// Arithmetic on an element of an integer axis uses its integer.
    pub(super) fn number(&mut self, expr: typed::Expr) -> Judged<typed::Expr> {
        match expr.ty {
            Kind::Real | Kind::Int | Kind::Bool => Ok(expr),
            Kind::Index(_) => self.element_number(expr),
        }
    }

    /// The integer of an element of an integer axis.
    pub(super) fn element_number(&mut self, expr: typed::Expr) -> Judged<typed::Expr> {
        let Kind::Index(axis) = expr.ty else { return Ok(expr) };
        if !self.typed.is_integer_axis(axis) {
            let ordered = self.typed.is_ordered_axis(axis);
            let axis = self.typed.axis(axis).name.clone();
            let span = expr.span;
            return Err(self.report(ValueProblem::LabelAsNumber { axis, span, ordered }));
        }
        let (plane, span) = (expr.plane, expr.span);
        Ok(typed::Expr {
            kind: typed::ExprKind::ElementNumber(Box::new(expr)),
            ty: Kind::Int,
            plane,
            span,
        })
    }

    fn elaborate_binary(
        &mut self,
        operator: BinaryOperator,
        a: &Expr,
        b: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let (operator, class) = match operator {
            BinaryOperator::Contract => return self.contract(a, b, span, context),
            BinaryOperator::Add => (Operator::Add, Class::Arithmetic),
            BinaryOperator::Subtract => (Operator::Subtract, Class::Arithmetic),
            BinaryOperator::Multiply => (Operator::Multiply, Class::Arithmetic),
            BinaryOperator::Divide => (Operator::Divide, Class::Real),
            BinaryOperator::Power => (Operator::Power, Class::Real),
            BinaryOperator::Equal => (Operator::Equal, Class::Comparison),
            BinaryOperator::NotEqual => (Operator::NotEqual, Class::Comparison),
            BinaryOperator::Less => (Operator::Less, Class::Comparison),
            BinaryOperator::LessEqual => (Operator::LessEqual, Class::Comparison),
            BinaryOperator::Greater => (Operator::Greater, Class::Comparison),
            BinaryOperator::GreaterEqual => (Operator::GreaterEqual, Class::Comparison),
            BinaryOperator::And => (Operator::And, Class::Logic),
            BinaryOperator::Or => (Operator::Or, Class::Logic),
        };
        let (a, b) = match class {
            Class::Comparison => self.comparison_sides(a, b, context)?,
            Class::Logic => {
                let a = self.condition(a, context);
                let b = self.condition(b, context);
                (a?, b?)
            }
            Class::Arithmetic | Class::Real => {
                let a = self.elaborate(a, context).and_then(|e| self.number(e));
                let b = self.elaborate(b, context).and_then(|e| self.number(e));
                (a?, b?)
            }
        };
        let ty = match class {
            Class::Arithmetic if join(a.ty, b.ty) == Kind::Bool => Kind::Int,
            Class::Arithmetic => join(a.ty, b.ty),
            Class::Real => Kind::Real,
            Class::Comparison | Class::Logic => Kind::Bool,
        };
        let plane = a.plane.max(b.plane);
        let kind = typed::ExprKind::Binary(operator, Box::new(a), Box::new(b));
        Ok(typed::Expr { kind, ty, plane, span })
    }

    /// Both sides of a comparison: data-only, and elements compared with elements, labels of their
    /// axis, or (on integer axes) with whole numbers.
    fn comparison_sides(
        &mut self,
        a: &Expr,
        b: &Expr,
        context: &Context,
    ) -> Judged<(typed::Expr, typed::Expr)> {
        let (a_typed, b_typed) = match (literal(a), literal(b)) {
            (None, Some(label)) => {
                let a = self.elaborate(a, context)?;
                let b = self.comparand(&a, b, &label, context)?;
                (a, b)
            }
            (Some(label), None) => {
                let b = self.elaborate(b, context)?;
                let a = self.comparand(&b, a, &label, context)?;
                (a, b)
            }
            _ => {
                let a = self.elaborate(a, context);
                let b = self.elaborate(b, context);
                (a?, b?)
            }
        };
        self.require_finite(&a_typed, "a condition")?;
        self.require_finite(&b_typed, "a condition")?;
        match (a_typed.ty, b_typed.ty) {
            (Kind::Index(x), Kind::Index(y)) if x == y => Ok((a_typed, b_typed)),
            (Kind::Index(x), Kind::Index(y))
                if !self.typed.is_integer_axis(x) || !self.typed.is_integer_axis(y) =>
            {
                Err(self.report(ValueProblem::ComparesAxes {
                    a_span: a.span,
                    a: self.typed.axis(x).name.clone(),
                    b_span: b.span,
                    b: self.typed.axis(y).name.clone(),
                }))
            }
            _ => Ok((self.number(a_typed)?, self.number(b_typed)?)),
        }
    }

    /// A literal beside an element of a label axis is one of its labels, and so is a string beside
    /// an element of any axis.
    fn comparand(
        &mut self,
        other: &typed::Expr,
        expr: &Expr,
        label: &str,
        context: &Context,
    ) -> Judged<typed::Expr> {
        match other.ty {
            Kind::Index(axis) if string(expr).is_some() || !self.typed.is_integer_axis(axis) => {
                self.label_on(axis, label, expr.span)
            }
            Kind::Index(_) | Kind::Real | Kind::Int | Kind::Bool => self.elaborate(expr, context),
        }
    }

    /// A condition of data and finite latents, 0 or 1 (any number that is not 0 counts as true).
    pub(super) fn condition(&mut self, expr: &Expr, context: &Context) -> Judged<typed::Expr> {
        let condition = self.elaborate(expr, context)?;
        self.require_finite(&condition, "a condition")?;
        match condition.ty {
            Kind::Bool | Kind::Int => Ok(condition),
            Kind::Real | Kind::Index(_) => Err(self.report(ValueProblem::WrongKind {
                what: "a condition".to_owned(),
                wanted: "a comparison or a bool".to_owned(),
                span: expr.span,
                found: self.typed.kind_name(condition.ty),
                help: Some(
                    "compare it: `x > 0`; a column of 0 and 1 is declared `x: bool`".to_owned(),
                ),
            })),
        }
    }

    /// Guards and ranges are known before the fit.
    pub(super) fn require_data(&mut self, expr: &typed::Expr, what: &'static str) -> Judged<()> {
        if expr.plane == Plane::Data { Ok(()) } else { Err(self.latent_condition(expr, what)) }
    }

    /// Index expressions and conditions are known once the finite latents are.
    pub(super) fn require_finite(&mut self, expr: &typed::Expr, what: &'static str) -> Judged<()> {
        if expr.plane <= Plane::Finite { Ok(()) } else { Err(self.latent_condition(expr, what)) }
    }

    fn latent_condition(&mut self, expr: &typed::Expr, what: &'static str) -> Reported {
        let latents = self.typed.latents_in(expr);
        let latents = latents.iter().map(|v| {
            let variable = self.typed.variable(*v);
            (variable.name.clone(), variable.span, self.typed.is_whole(*v))
        });
        let latents = latents.collect();
        let reported = self.reported_name();
        let span = expr.span;
        self.report(ValueProblem::LatentCondition { what, span, latents, reported })
    }

    /// `a @ b`: the sum over their one shared axis.
    fn contract(
        &mut self,
        a: &Expr,
        b: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let written = context.written();
        let a_free = self.free(a, &written)?;
        let b_free = self.free(b, &written)?;
        let shared = self.shared_axis(span, (a, &a_free), (b, &b_free))?;
        let (inner, indices) = self.bind_fresh(context, &[shared]);
        let a = self.elaborate(a, &inner).and_then(|e| self.number(e));
        let b = self.elaborate(b, &inner).and_then(|e| self.number(e));
        let (a, b) = (a?, b?);
        let (ty, plane) = (join(a.ty, b.ty), a.plane.max(b.plane));
        let ty = if ty == Kind::Bool { Kind::Int } else { ty };
        let kind = typed::ExprKind::Binary(Operator::Multiply, Box::new(a), Box::new(b));
        let body = typed::Expr { kind, ty, plane, span };
        Ok(self.reduce(Reduction::Sum, indices, None, body, span))
    }

    fn elaborate_comprehension(
        &mut self,
        function: &Name,
        binders: &[Binder],
        guard: Option<&Expr>,
        body: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let operation = self.reduction(function)?;
        let (inner, indices) = self.bind(binders, context)?;
        let guard = guard.map(|g| self.guard_of(g, &inner)).transpose()?;
        let guard = self.within_ranges(binders, &indices, guard, &inner)?;
        self.enter_scope(&indices, guard.as_ref());
        let body = self.elaborate(body, &inner).and_then(|e| self.number(e));
        self.leave_scope();
        Ok(self.reduce(operation, indices, guard, body?, span))
    }

    /// A `where`: known from data alone.
    pub(super) fn guard_of(&mut self, guard: &Expr, context: &Context) -> Judged<typed::Expr> {
        let guard = self.condition(guard, context)?;
        self.require_data(&guard, "`where`")?;
        Ok(guard)
    }

    /// Extends a context by written binders.
    pub(super) fn bind(
        &mut self,
        binders: &[Binder],
        context: &Context,
    ) -> Judged<(Context, Vec<IndexId>)> {
        let mut inner = context.clone();
        let mut indices = Vec::new();
        let mut failed = Ok(());
        for binder in binders {
            match self.binder_axis_in(binder, &inner) {
                Ok(axis) => {
                    let name = binder.name.as_ref().map(|n| n.value.clone());
                    let printed = match &name {
                        Some(name) => name.clone(),
                        None => self.index_name(&inner, axis),
                    };
                    let index = self.fresh_index(printed, axis);
                    inner.push(Bound { name, index, axis, fresh: false });
                    indices.push(index);
                }
                Err(reported) => failed = Err(reported),
            }
        }
        failed.map(|()| (inner, indices))
    }

    /// A reduction over indices already bound in `body`.
    pub(super) fn reduce(
        &mut self,
        operation: Reduction,
        indices: Vec<IndexId>,
        guard: Option<typed::Expr>,
        body: typed::Expr,
        span: Span,
    ) -> typed::Expr {
        let id = ReduceId(self.typed.reduce_count);
        self.typed.reduce_count += 1;
        let plane = guard.as_ref().map_or(body.plane, |g| g.plane.max(body.plane));
        let ty = match operation {
            Reduction::Sum if body.ty == Kind::Bool => Kind::Int,
            Reduction::Sum | Reduction::Max | Reduction::Min => body.ty,
            Reduction::Count => Kind::Int,
            Reduction::Mean | Reduction::Sd | Reduction::LogSumExp => Kind::Real,
        };
        let mut reduce = Reduce { id, operation, indices, guard, body, outer: Vec::new() };
        reduce.outer = reduce.indices_from_outside();
        typed::Expr { kind: typed::ExprKind::Reduce(Box::new(reduce)), ty, plane, span }
    }
}

/// How an operator treats kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Arithmetic,
    Real,
    Comparison,
    Logic,
}

/// The text of a literal that may be a label: a string or a number.
fn literal(expr: &Expr) -> Option<String> {
    if let ExprKind::Number { value, .. } = &expr.ungrouped().kind {
        return Some(value.to_string());
    }
    string(expr)
}

fn string(expr: &Expr) -> Option<String> {
    let ExprKind::Label(label) = &expr.ungrouped().kind else { return None };
    Some(label.clone())
}

/// The smallest kind that holds both.
pub(super) fn join(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (Kind::Bool, Kind::Bool) => Kind::Bool,
        (Kind::Bool | Kind::Int, Kind::Bool | Kind::Int) => Kind::Int,
        _ => Kind::Real,
    }
}

/// The kind of an array whose cells have these kinds.
pub(super) fn join_any(a: Kind, b: Kind) -> Kind {
    if a == b { a } else { join(a, b) }
}

/// A data-only expression.
pub(super) fn data(kind: typed::ExprKind, ty: Kind, span: Span) -> typed::Expr {
    typed::Expr { kind, ty, plane: Plane::Data, span }
}
