//! Axis inference: `C ⊢ e : [F]`, the free axes F of an expression in a context C of bound indices.
//!
//! Visits every name of the expression, so that all unknown names are reported here, once.

use super::call::CallRule;
use super::{
    Bound, Checker, Context, Judged, Reported,
    problem::{AxisProblem, FamilyProblem, NameProblem, ValueProblem},
};
use crate::library::{self, WholeAxis};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, BinaryOperator, Binder, Expr, ExprKind, Extent, Name};
use crate::typed::{Axis, AxisId, AxisOrigin, IndexId, Kind, Role};

/// What a bare name means where it stands.
pub(super) enum Meaning {
    /// A bound index.
    Index(IndexId, AxisId),
    /// A variable.
    Variable(crate::typed::VariableId),
    /// A constant.
    Constant(f64),
    /// A name that stands for a value.
    Given(usize),
    /// A state of differential equations.
    State(u32),
    /// Their time.
    Time,
}

impl<'a> Checker<'a> {
    /// The free axes of an expression.
    pub(super) fn free(&mut self, expr: &Expr, context: &Context) -> Judged<Vec<AxisId>> {
        match &expr.kind {
            ExprKind::Number { .. } | ExprKind::Label(_) => Ok(Vec::new()),
            ExprKind::Name(name) => self.free_name(name, expr.span, context),
            ExprKind::Unary(_, operand) => self.free(operand, context),
            ExprKind::Group(inner) => self.free(inner, context),
            ExprKind::Binary(BinaryOperator::Contract, at, a, b) => {
                let (a_free, b_free) = self.both(a, b, context)?;
                let shared = self.shared_axis(*at, (a, &a_free), (b, &b_free))?;
                let mut axes = a_free;
                axes.retain(|x| *x != shared);
                axes.extend(b_free.into_iter().filter(|x| *x != shared));
                Ok(axes)
            }
            ExprKind::Binary(operator, at, a, b) => {
                let (a_free, b_free) = self.both(a, b, context)?;
                self.larger(operator.symbol(), *at, (a.span, a_free), (b.span, b_free))
            }
            ExprKind::Index(base, subscripts) => self.free_index(expr, base, subscripts, context),
            ExprKind::Call(function, arguments) => {
                self.free_call(expr, function, arguments, context)
            }
            ExprKind::Comprehension { binders, guard, body, .. } => {
                let inner = self.bind_for_axes(binders, context)?;
                let guard = guard.as_ref().map(|g| self.free(g, &inner)).transpose();
                let body = self.free(body, &inner);
                guard?;
                body
            }
            ExprKind::List(_) => Err(self.report(ValueProblem::MisplacedList { span: expr.span })),
            ExprKind::If(condition, yes, no) => {
                let condition_free = self.free(condition, context);
                let branches = self.both(yes, no, context);
                let (condition_free, (yes_free, no_free)) = (condition_free?, branches?);
                let axes =
                    self.larger("if", expr.span, (yes.span, yes_free), (no.span, no_free))?;
                self.larger("if", expr.span, (condition.span, condition_free), (expr.span, axes))
            }
            ExprKind::In(_, interval) => {
                Err(self.report(ValueProblem::IntervalOnNumber { span: interval.span }))
            }
            ExprKind::Start(inner, value) => {
                let (inner_free, value_free) = self.both(inner, value, context)?;
                self.larger("start", expr.span, (inner.span, inner_free), (value.span, value_free))
            }
            ExprKind::Written(written) => Err(self.report(FamilyProblem::DistributionAsNumber {
                name: written.family.value.clone(),
                span: expr.span,
            })),
            ExprKind::Error => {
                self.incomplete = true;
                Err(Reported)
            }
        }
    }

    /// Both sides, so that mistakes in either are found.
    fn both(
        &mut self,
        a: &Expr,
        b: &Expr,
        context: &Context,
    ) -> Judged<(Vec<AxisId>, Vec<AxisId>)> {
        let a = self.free(a, context);
        let b = self.free(b, context);
        Ok((a?, b?))
    }

    /// The larger of two sets of axes if it contains the other.
    fn larger(
        &mut self,
        what: &str,
        at: Span,
        (a_span, a): (Span, Vec<AxisId>),
        (b_span, b): (Span, Vec<AxisId>),
    ) -> Judged<Vec<AxisId>> {
        let contains = |big: &[AxisId], small: &[AxisId]| small.iter().all(|x| big.contains(x));
        if contains(&a, &b) {
            return Ok(a);
        }
        if contains(&b, &a) {
            return Ok(b);
        }
        let (a, b) = (self.axis_list(&a), self.axis_list(&b));
        Err(self.report(AxisProblem::AxisMismatch {
            what: what.to_owned(),
            at,
            a_span,
            a,
            b_span,
            b,
        }))
    }

    /// The one axis that both sides of `@` have.
    pub(super) fn shared_axis(
        &mut self,
        at: Span,
        (a, a_free): (&Expr, &[AxisId]),
        (b, b_free): (&Expr, &[AxisId]),
    ) -> Judged<AxisId> {
        let shared: Vec<AxisId> = a_free.iter().copied().filter(|x| b_free.contains(x)).collect();
        match shared[..] {
            [axis] => Ok(axis),
            _ => {
                let (a_axes, b_axes) = (self.axis_list(a_free), self.axis_list(b_free));
                Err(self.report(AxisProblem::NothingToContract {
                    at,
                    a_span: a.span,
                    a: a_axes,
                    b_span: b.span,
                    b: b_axes,
                    shared: shared.len(),
                }))
            }
        }
    }

    fn free_name(&mut self, name: &str, span: Span, context: &Context) -> Judged<Vec<AxisId>> {
        match self.lookup(name, span, context)? {
            Meaning::Index(..)
            | Meaning::Constant(_)
            | Meaning::Given(_)
            | Meaning::State(_)
            | Meaning::Time => Ok(Vec::new()),
            Meaning::Variable(variable) => {
                let axes = self.axes_of(variable, span)?;
                self.unbound(name, span, &axes, context)
            }
        }
    }

    /// Those axes of a bare name that no index runs over; two indices over one are an error.
    pub(super) fn unbound(
        &mut self,
        name: &str,
        span: Span,
        axes: &[AxisId],
        context: &Context,
    ) -> Judged<Vec<AxisId>> {
        let mut free = Vec::new();
        for axis in axes {
            match context.over(*axis).count() {
                0 => free.push(*axis),
                1 => {}
                _ => {
                    let axis_name = &self.typed.axis(*axis).name;
                    let indices = context
                        .over(*axis)
                        .map(|b| b.name.clone().unwrap_or_else(|| axis_name.clone()))
                        .collect();
                    return Err(self.report(AxisProblem::AmbiguousIndex {
                        name: name.to_owned(),
                        span,
                        axis: self.typed.axis(*axis).name.clone(),
                        indices,
                        wanted: axes.iter().filter(|other| *other == axis).count(),
                    }));
                }
            }
        }
        Ok(free)
    }

    /// What a name means here: an index of the equation, a variable, or a constant.
    pub(super) fn lookup(&mut self, name: &str, span: Span, context: &Context) -> Judged<Meaning> {
        if let Some(given) = self.given.iter().rposition(|(given, _)| given == name) {
            return Ok(Meaning::Given(given));
        }
        if let Some(state) = self.states.iter().position(|s| s == name) {
            return Ok(Meaning::State(state as u32));
        }
        if name == "t" && !self.states.is_empty() {
            return Ok(Meaning::Time);
        }
        let variable = self.names.get(name).copied();
        if let Some(bound) = context.named(name).cloned() {
            // Both an index and a column whose row is bound too: nobody can tell which is meant.
            if let Some(variable) = variable {
                let typed = self.typed.variable(variable);
                let reachable = !typed.axes.is_empty()
                    && typed.axes.iter().all(|axis| context.over(*axis).next().is_some());
                if reachable && matches!(typed.kind, Kind::Index(axis) if axis == bound.axis) {
                    let column = typed.span;
                    return Err(self.report(AxisProblem::IndexOrColumn {
                        name: name.to_owned(),
                        span,
                        column,
                    }));
                }
            }
            return Ok(Meaning::Index(bound.index, bound.axis));
        }
        if let Some(variable) = variable {
            self.used.insert(variable);
            return Ok(Meaning::Variable(variable));
        }
        match name {
            "pi" => return Ok(Meaning::Constant(std::f64::consts::PI)),
            "inf" => return Ok(Meaning::Constant(f64::INFINITY)),
            _ => {}
        }
        Err(self.unknown_name(name, span, context))
    }

    /// Whether a name, or the import that qualifies it, is defined by a statement with a mistake.
    pub(super) fn is_poisoned(&self, name: &str) -> bool {
        let import = name.split_once('.').map(|(import, _)| import);
        self.poisoned.contains(name) || import.is_some_and(|i| self.poisoned.contains(i))
    }

    /// Reports a name that nothing defines, once per name.
    fn unknown_name(&mut self, name: &str, span: Span, context: &Context) -> Reported {
        if self.is_poisoned(name) || self.unreadable || !self.unknown.insert(name.to_owned()) {
            return Reported;
        }
        if self.axis_names.contains_key(name) {
            return self.report(AxisProblem::AxisAsValue { name: name.to_owned(), span });
        }
        if library::family(name).is_some() {
            return self
                .report(FamilyProblem::DistributionAsNumber { name: name.to_owned(), span });
        }
        let indices = context.bound.iter().filter_map(|b| b.name.as_deref());
        let known = self.names.keys().map(String::as_str).chain(indices);
        // `mt.wt`: the column alone, if there is one.
        let column = name.rsplit_once('.').map(|(_, c)| c.to_owned());
        let column = column.filter(|c| self.names.contains_key(c));
        let nearest = column.or_else(|| Self::nearest(name, known));
        let function = library::function(name).is_some();
        let rows = context.bound.first().map(|b| self.typed.axis(b.axis).name.clone());
        let name = name.to_owned();
        self.report(NameProblem::UnknownName { name, span, nearest, function, rows })
    }

    fn free_call(
        &mut self,
        expr: &Expr,
        function: &Name,
        arguments: &[Argument],
        context: &Context,
    ) -> Judged<Vec<AxisId>> {
        let function_name = function.value.as_str();
        if function_name == "size" {
            return Ok(Vec::new());
        }
        if function_name == "logpdf" {
            return self.free_logpdf(arguments, context);
        }
        let rule = self.function_rule(function, arguments, expr.span);
        if rule.is_err() {
            self.look_at(arguments, context);
        }
        let rule = rule?;
        let mut axes = Ok((expr.span, Vec::new()));
        for argument in arguments {
            // The axis that a whole-axis function works along is a name, not a value.
            if argument.name.as_ref().is_some_and(|n| n.value == "over") {
                continue;
            }
            let free = self.free(&argument.value, context);
            axes = match (axes, free) {
                (Ok((span, so_far)), Ok(free)) => self
                    .larger(
                        function_name,
                        function.span,
                        (span, so_far),
                        (argument.value.span, free),
                    )
                    .map(|larger| (argument.value.span, larger)),
                _ => Err(Reported),
            };
        }
        let (_, axes) = axes?;
        match rule {
            CallRule::WholeAxis(WholeAxis::Softmax | WholeAxis::CumSum)
            | CallRule::Elementwise(_) => Ok(axes),
            CallRule::Reduction(_) | CallRule::WholeAxis(_) => {
                if axes.is_empty() {
                    return Err(self.nothing_to_reduce(expr, function, arguments, context));
                }
                Ok(if matches!(rule, CallRule::Reduction(_)) { Vec::new() } else { axes })
            }
        }
    }

    /// Reports the mistakes inside the arguments of a call that has one itself.
    pub(super) fn look_at(&mut self, arguments: &[Argument], context: &Context) {
        for argument in arguments {
            let _reported = self.free(&argument.value, context);
        }
    }

    fn nothing_to_reduce(
        &mut self,
        expr: &Expr,
        function: &Name,
        arguments: &[Argument],
        context: &Context,
    ) -> Reported {
        // The newcomer's `x - mean(x)` in an equation over rows: offer the definition to write.
        let column = arguments.first().and_then(|argument| {
            let ExprKind::Name(name) = &argument.value.ungrouped().kind else { return None };
            let variable = self.typed.variable(*self.names.get(name)?);
            let axis = variable.axes.first()?;
            Some((name.clone(), self.typed.axis(*axis).name.clone()))
        });
        let bound = context.bound.iter().map(|b| b.axis).collect::<Vec<_>>();
        let bound = self.axis_list(&bound);
        self.report(AxisProblem::NothingToReduce {
            function: function.value.clone(),
            span: expr.span,
            argument: arguments.first().map_or(expr.span, |a| a.value.span),
            column,
            bound,
            statement: self.statement_at(expr.span),
        })
    }

    /// The axis of this name.
    pub(super) fn named_axis(&mut self, name: &Name) -> Judged<AxisId> {
        if let Some(axis) = self.axis_names.get(&name.value) {
            return Ok(self.typed.resolve_axis(*axis));
        }
        if self.unreadable || !self.unknown.insert(format!("[{}]", name.value)) {
            return Err(Reported);
        }
        let nearest = Self::nearest(&name.value, self.axis_names.keys().map(String::as_str));
        Err(self.report(AxisProblem::UnknownAxis {
            name: name.value.clone(),
            span: name.span,
            nearest,
        }))
    }

    /// The axis a binder runs over. A bare name is an axis; a range is an anonymous axis shared
    /// by all ranges written alike.
    pub(super) fn binder_axis(&mut self, binder: &Binder) -> Judged<AxisId> {
        match (&binder.name, &binder.extent) {
            (_, Some(Extent::Axis(axis))) => self.named_axis(axis),
            (_, Some(Extent::Range(low, high))) => self.anonymous_range(low, high, binder.span),
            (_, Some(Extent::Labels(_, span))) => {
                Err(self.report(AxisProblem::AnonymousLabels { span: *span }))
            }
            (Some(name), None) => {
                if self.axis_names.contains_key(&name.value) {
                    return self.named_axis(name);
                }
                Err(self.unknown_binder(name))
            }
            (None, None) => Err(Reported),
        }
    }

    /// `y[i] ~ …` with an `i` that is no axis.
    fn unknown_binder(&mut self, name: &Name) -> Reported {
        if self.unreadable || !self.unknown.insert(format!("[{}]", name.value)) {
            return Reported;
        }
        let nearest = Self::nearest(&name.value, self.axis_names.keys().map(String::as_str));
        let axes = self.typed.axes.iter().map(|axis| &axis.name);
        let axes = axes.filter(|name| !name.contains("..")).cloned().collect();
        let data = self.names.get(&name.value).map(|v| self.typed.variable(*v));
        let column = data.filter(|v| matches!(v.role, Role::Data(_) | Role::Derived(_)));
        let column = column.map(|v| (v.span, v.axes.is_empty()));
        let kind = column.and_then(|(declared, _)| self.kind_at(declared));
        self.report(AxisProblem::UnknownBinder {
            name: name.value.clone(),
            span: name.span,
            nearest,
            axes,
            column,
            kind,
        })
    }

    fn anonymous_range(&mut self, low: &Expr, high: &Expr, span: Span) -> Judged<AxisId> {
        let (low, high) = self.range_bounds(low, high)?;
        let name = format!("{}..{}", self.typed.print(&low), self.typed.print(&high));
        if let Some(axis) = self.axis_names.get(&name) {
            return Ok(*axis);
        }
        let axis = AxisId(self.typed.axes.len() as u32);
        self.typed.axes.push(Axis {
            name: name.clone(),
            span,
            origin: AxisOrigin::Range(low, high),
        });
        self.axis_names.insert(name, axis);
        Ok(axis)
    }

    /// Elaborates the ends of a range: single data-only whole numbers.
    pub(super) fn range_bounds(
        &mut self,
        low: &Expr,
        high: &Expr,
    ) -> Judged<(crate::typed::Expr, crate::typed::Expr)> {
        let low = self.range_bound(low);
        let high = self.range_bound(high);
        Ok((low?, high?))
    }

    fn range_bound(&mut self, bound: &Expr) -> Judged<crate::typed::Expr> {
        let context = Context::default();
        let free = self.free(bound, &context)?;
        if !free.is_empty() {
            let axes = self.axis_list(&free);
            return Err(self.report(AxisProblem::RangeOfArray { span: bound.span, axes }));
        }
        let typed = self.elaborate(bound, &context)?;
        self.require_data(&typed, "the ends of a range")?;
        match typed.ty {
            Kind::Int | Kind::Bool => Ok(typed),
            Kind::Real | Kind::Index(_) => Err(self.report(ValueProblem::WrongKind {
                what: "the end of a range".to_owned(),
                wanted: "a whole number".to_owned(),
                span: bound.span,
                found: self.typed.kind_name(typed.ty),
                help: Some(
                    "data that hold whole numbers are declared so: `data n: int`".to_owned(),
                ),
            })),
        }
    }

    /// Extends a context by binders, for inference only: no index is allocated.
    fn bind_for_axes(&mut self, binders: &[Binder], context: &Context) -> Judged<Context> {
        let mut inner = context.clone();
        let mut failed = Ok(());
        for binder in binders {
            match self.binder_axis_in(binder, &inner) {
                Ok(axis) => inner.bound.push(Bound {
                    name: binder.name.as_ref().map(|n| n.value.clone()),
                    index: IndexId(0),
                    axis,
                    fresh: false,
                }),
                Err(reported) => failed = Err(reported),
            }
        }
        failed.map(|()| inner)
    }

    /// The free axes of `base[subscripts]`: those of the subscripts, and the axes of the base that
    /// no subscript fills and no index is bound over.
    fn free_index(
        &mut self,
        expr: &Expr,
        base: &Expr,
        subscripts: &[ast::Subscript],
        context: &Context,
    ) -> Judged<Vec<AxisId>> {
        let mut axes = Vec::new();
        let mut failed = Ok(());
        for subscript in subscripts {
            match self.free(&subscript.value, context) {
                Ok(free) => {
                    axes.extend(free.into_iter().filter(|x| !axes.contains(x)).collect::<Vec<_>>())
                }
                Err(reported) => failed = Err(reported),
            }
        }
        let (name, variable) = self.indexed_variable(base, context)?;
        failed?;
        let slots = self.fill(expr, &name, variable, subscripts, context)?;
        let all = self.axes_of(variable, base.span)?;
        let rest: Vec<AxisId> = all
            .iter()
            .zip(&slots)
            .filter(|(_, slot)| slot.is_none())
            .map(|(axis, _)| *axis)
            .collect();
        // An axis that the base itself has twice is free twice.
        let rest = self.unbound(&name, expr.span, &rest, context)?;
        let rest: Vec<AxisId> = rest.into_iter().filter(|axis| !axes.contains(axis)).collect();
        axes.extend(rest);
        Ok(axes)
    }
}
