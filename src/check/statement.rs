//! Definitions, factors and reports: from trees to checked statements.

use super::{
    Checker, Context, Defined, Judged, Progress, Reported,
    problem::{AxisProblem, Left, MissingAxis, NameProblem, ValueProblem},
};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Argument, Expr, ExprKind, Name, StatementKind};
use crate::typed::{
    self, AxisId, Definition, DefinitionId, DefinitionValue, Factor, IndexId, Kind, Plane,
    RandomRole, Role, VariableId,
};

/// The label of one argument of `columns(…)`: its name, or the name it is.
pub(super) fn column_label(argument: &Argument) -> Option<Spanned<String>> {
    match (&argument.name, &argument.value.kind) {
        (Some(name), _) => Some(name.clone()),
        (None, ExprKind::Name(name)) => Some(Spanned::new(name.clone(), argument.value.span)),
        (None, _) => None,
    }
}

impl<'a> Checker<'a> {
    /// Resolves everything that was declared.
    pub(super) fn resolve_all(&mut self) {
        self.resolve_aliases();
        self.declare_latent_axes();
        self.define_wholes();
        self.typed.definitions.reserve(self.definitions.len());
        for id in 0..self.typed.variables.len() {
            let id = VariableId(id as u32);
            let span = self.typed.variable(id).span;
            // The mistakes of a definition are reported where it is resolved.
            let _reported = self.axes_of(id, span);
        }
        self.resolve_randoms();
        self.find_recurrences();
        self.check_solved();
        self.check_cycles();
        self.resolve_others();
    }

    /// Replaces axes that are another name of an axis by that axis.
    fn resolve_aliases(&mut self) {
        for id in 0..self.typed.variables.len() {
            let variable = &self.typed.variables[id];
            let axes = variable.axes.iter().map(|a| self.typed.resolve_axis(*a)).collect();
            let kind = match variable.kind {
                Kind::Index(axis) => Kind::Index(self.typed.resolve_axis(axis)),
                other @ (Kind::Real | Kind::Int | Kind::Bool) => other,
            };
            let variable = &mut self.typed.variables[id];
            variable.axes = axes;
            variable.kind = kind;
        }
    }

    /// Latents have the axes on their left side, always; so their axes need no inference.
    fn declare_latent_axes(&mut self) {
        for i in 0..self.random_heads.len() {
            let (variable, role) = self.random_heads[i];
            if role == RandomRole::Observed {
                continue;
            }
            let binders = self.randoms[i].0.binders.as_deref().unwrap_or(&[]);
            let axes = binders.iter().map(|b| self.binder_axis(b)).collect::<Vec<_>>();
            let mut axes = axes.into_iter().collect::<Judged<Vec<_>>>();
            let mut kind = self.drawn_kind(self.randoms[i].0, role);
            if let Some(incomplete) = self.typed.missing_cells_of(variable) {
                // The axes on the left are looked at with the given cells.
                let given = self.typed.variable(incomplete.given);
                axes = Ok(given.axes.clone());
                if matches!(given.kind, Kind::Index(_)) || !matches!(kind, Kind::Index(_)) {
                    kind = given.kind;
                }
            }
            let info = &mut self.typed.variables[variable.index()];
            info.kind = kind;
            info.plane = match role {
                RandomRole::Predicted => Plane::Predicted,
                RandomRole::Finite => Plane::Finite,
                RandomRole::Latent | RandomRole::Observed => Plane::Latent,
            };
            self.progress[variable.index()] = match axes {
                Ok(axes) => {
                    info.axes = axes;
                    Progress::Done
                }
                Err(Reported) => Progress::Poisoned,
            };
        }
    }

    /// The axes of a variable, resolving its definition if need be.
    pub(super) fn axes_of(&mut self, variable: VariableId, span: Span) -> Judged<Vec<AxisId>> {
        match self.progress[variable.index()] {
            Progress::Done => Ok(self.typed.variable(variable).axes.clone()),
            Progress::Poisoned => Err(Reported),
            Progress::Busy => self.recursive_axes(variable, span),
            Progress::Waiting => {
                let Role::Derived(definition) = self.typed.variable(variable).role else {
                    return Err(self.latent_in_range(variable, span));
                };
                self.progress[variable.index()] = Progress::Busy;
                self.resolving.push(variable);
                let outcome = self.resolve_until_stable(variable, definition);
                self.resolving.pop();
                self.progress[variable.index()] =
                    if outcome.is_ok() { Progress::Done } else { Progress::Poisoned };
                outcome.map(|()| self.typed.variable(variable).axes.clone())
            }
        }
    }

    /// The axes of a definition that is being resolved: those it writes. Its kind and plane are
    /// guesses until it is resolved.
    fn recursive_axes(&mut self, variable: VariableId, span: Span) -> Judged<Vec<AxisId>> {
        let Role::Derived(id) = self.typed.variable(variable).role else {
            return Err(self.cycle(variable, span));
        };
        let equation = self.definitions[id.index()].0.equation();
        let Some(binders) = equation.and_then(|define| define.binders.as_ref()) else {
            return Err(self.cycle(variable, span));
        };
        if self.recursive.insert(variable) {
            let plane = self.plane_by_names(variable);
            self.typed.variables[variable.index()].plane = plane;
        }
        binders.iter().map(|b| self.binder_axis(b)).collect()
    }

    /// Resolves a definition, again if what it met of itself was not what it turned out to be.
    fn resolve_until_stable(&mut self, variable: VariableId, id: DefinitionId) -> Judged<()> {
        self.typed.variables[variable.index()].kind = Kind::Bool;
        loop {
            let (known, order) = (self.diagnostics.len(), self.typed.definition_order.len());
            let guess = self.typed.variable(variable).kind;
            self.resolve_definition(variable, id)?;
            let found = self.typed.variable(variable).kind;
            if !self.recursive.contains(&variable) || found == guess {
                return Ok(());
            }
            // What was resolved on the way used the guess.
            self.diagnostics.truncate(known);
            for id in self.typed.definition_order.split_off(order) {
                let other = self.definition_values.remove(&id).map(|d| d.variable);
                if let Some(other) = other.filter(|o| *o != variable) {
                    self.progress[other.index()] = Progress::Waiting;
                }
            }
        }
    }

    fn resolve_definition(&mut self, variable: VariableId, id: DefinitionId) -> Judged<()> {
        let (defined, span) = self.definitions[id.index()];
        let define = match defined {
            Defined::Equation(define) => define,
            Defined::Solved(ode) => return self.resolve_ode(variable, id, ode, span),
            Defined::State(ode, state) => {
                return self.resolve_state(variable, id, ode, state, span);
            }
            // Defined with its axes.
            Defined::Made => return Ok(()),
        };
        let (context, indices) = match &define.binders {
            Some(binders) => self.bind(binders, &Context::default())?,
            None => (Context::default(), Vec::new()),
        };
        let (indices, value) = if let ExprKind::Call(function, arguments) = &define.value.kind
            && function.value == "columns"
        {
            self.columns(define, function, arguments, context, indices)?
        } else if let ExprKind::List(elements) = &define.value.kind {
            self.list(define, elements, context, indices)?
        } else if let Some(matrix) = super::factor::factored(&define.value) {
            self.factor_of(matrix, define.binders.is_some(), context, indices)?
        } else if define.binders.is_none() && super::factor::is_of_matrices(&define.value) {
            let (_, (indices, value)) = self.matrix(&define.value, &context)?;
            (indices.to_vec(), DefinitionValue::Each(value))
        } else {
            self.each(define, context, indices)?
        };
        let axes = indices.iter().map(|i| self.typed.index_of(*i).axis).collect();
        let parts: Vec<&typed::Expr> = match &value {
            DefinitionValue::Each(expr) | DefinitionValue::Factored(expr) => vec![expr],
            DefinitionValue::PerElement(exprs) => exprs.iter().collect(),
            // Solutions are resolved elsewhere.
            DefinitionValue::Solved(_) => Vec::new(),
        };
        let plane = parts.iter().map(|e| e.plane).max().unwrap_or(Plane::Data);
        let kind = parts.iter().map(|e| e.ty).reduce(super::elaborate::join_any);
        let info = &mut self.typed.variables[variable.index()];
        info.axes = axes;
        info.plane = plane;
        info.kind = kind.unwrap_or(Kind::Real);
        self.keep_definition(id, Definition { variable, indices, value, span });
        Ok(())
    }

    /// Keeps a definition after those it uses.
    pub(super) fn keep_definition(&mut self, id: DefinitionId, definition: Definition) {
        self.typed.definition_order.push(id);
        self.definition_values.insert(id, definition);
    }

    /// `f = e`, with the axes on the left or, without any, those of e.
    fn each(
        &mut self,
        define: &ast::Define,
        context: Context,
        mut indices: Vec<IndexId>,
    ) -> Judged<(Vec<IndexId>, DefinitionValue)> {
        let free = self.free(&define.value, &context)?;
        let inner = if define.binders.is_some() {
            if !free.is_empty() {
                return Err(self.missing_axis(&define.name, &define.value, &free, &context));
            }
            context
        } else {
            let (inner, fresh) = self.bind_fresh(&context, &free);
            indices = fresh;
            inner
        };
        let mut value = self.elaborate(&define.value, &inner)?;
        if let Some(guard) = &define.guard {
            // A cell that is left out does not exist.
            let free = self.free(guard, &inner)?;
            if !free.is_empty() {
                return Err(self.missing_axis(&define.name, guard, &free, &inner));
            }
            let guard = self.guard_of(guard, &inner)?;
            let nothing = super::special::constant(f64::NAN, guard.span);
            let ty = value.ty;
            value = super::special::choose(guard, value, nothing);
            value.ty = ty;
        }
        Ok((indices, DefinitionValue::Each(value)))
    }

    /// `X[row, term] = columns(one = 1, height, …)`: the last axis is made of the names.
    fn columns(
        &mut self,
        define: &ast::Define,
        function: &Name,
        arguments: &[Argument],
        mut context: Context,
        indices: Vec<IndexId>,
    ) -> Judged<(Vec<IndexId>, DefinitionValue)> {
        // The last index names the new axis; the columns are over the others.
        if indices.is_empty() || context.bound.pop().is_none() {
            return Err(self.report(ValueProblem::ColumnsNeedAxis {
                name: define.name.value.clone(),
                span: function.span,
            }));
        }
        let mut failed = Ok(());
        let mut values = Vec::new();
        for (position, argument) in arguments.iter().enumerate() {
            if column_label(argument).is_none() {
                let is_one =
                    matches!(argument.value.kind, ExprKind::Number { value, .. } if value == 1.0);
                let name = if is_one { "one".to_owned() } else { format!("x{}", position + 1) };
                let span = argument.value.span;
                failed = Err(self.report(ValueProblem::UnnamedColumn { span, name }));
            }
        }
        let labels: Vec<_> = arguments.iter().filter_map(column_label).collect();
        for (i, label) in labels.iter().enumerate() {
            if let Some(first) = labels[..i].iter().find(|l| l.value == label.value) {
                failed = Err(self.report(NameProblem::DefinedTwice {
                    name: label.value.clone(),
                    span: label.span,
                    first: first.span,
                }));
            }
        }
        for argument in arguments {
            match self.elaborate_part(&define.name, &argument.value, &context) {
                Ok(value) => values.push(value),
                Err(reported) => failed = Err(reported),
            }
        }
        failed?;
        let axis = indices.last().map(|i| self.typed.index_of(*i).axis);
        self.check_element_count(define, axis, &labels, function.span)?;
        Ok((indices, DefinitionValue::PerElement(values)))
    }

    /// Two `columns(…)` may share an axis only if their names are the same.
    fn check_element_count(
        &mut self,
        define: &ast::Define,
        axis: Option<AxisId>,
        labels: &[Spanned<String>],
        span: Span,
    ) -> Judged<()> {
        let Some(axis) = axis else { return Ok(()) };
        let wanted = match &self.typed.axis(axis).origin {
            typed::AxisOrigin::Labels(wanted) => wanted.clone(),
            typed::AxisOrigin::Rows(_)
            | typed::AxisOrigin::Array
            | typed::AxisOrigin::Levels
            | typed::AxisOrigin::Range(..)
            | typed::AxisOrigin::Same(_) => Vec::new(),
        };
        if wanted.iter().eq(labels.iter().map(|l| &l.value)) {
            return Ok(());
        }
        Err(self.report(ValueProblem::ColumnsOfOtherAxis {
            name: define.name.value.clone(),
            axis: self.typed.axis(axis).name.clone(),
            span,
            declared: self.typed.axis(axis).span,
            wanted,
            given: labels.iter().map(|l| l.value.clone()).collect(),
        }))
    }

    /// `w[comp] = [a, b]`: one value per element of the last axis.
    fn list(
        &mut self,
        define: &ast::Define,
        elements: &[Expr],
        mut context: Context,
        indices: Vec<IndexId>,
    ) -> Judged<(Vec<IndexId>, DefinitionValue)> {
        if indices.is_empty() || context.bound.pop().is_none() {
            return Err(self.report(ValueProblem::MisplacedList { span: define.value.span }));
        }
        let mut failed = Ok(());
        let mut values = Vec::new();
        for element in elements {
            match self.elaborate_part(&define.name, element, &context) {
                Ok(value) => values.push(value),
                Err(reported) => failed = Err(reported),
            }
        }
        failed.map(|()| (indices, DefinitionValue::PerElement(values)))
    }

    fn elaborate_part(
        &mut self,
        name: &Name,
        value: &Expr,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let free = self.free(value, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(name, value, &free, context));
        }
        let value = self.elaborate(value, context)?;
        self.number(value)
    }

    /// Reports a right side that varies over axes the left side does not have.
    pub(super) fn missing_axis(
        &mut self,
        name: &Name,
        value: &Expr,
        free: &[AxisId],
        context: &Context,
    ) -> Reported {
        let left: Vec<AxisId> = context.bound.iter().map(|b| b.axis).collect();
        // A column of the left side's table that picks one element of the missing axis.
        let column = free.first().and_then(|axis| {
            let column = self.typed.variables.iter().find(|v| {
                matches!(v.kind, Kind::Index(of) if of == *axis)
                    && !v.axes.is_empty()
                    && v.axes.iter().all(|a| left.contains(a))
            });
            column.map(|v| v.name.clone())
        });
        let culprit = self.first_over(value, free, context);
        let member = self.member_column(&left, free);
        let binder = self.only_binder(name);
        let kind = match self.names.get(&name.value).map(|v| &self.typed.variable(*v).role) {
            Some(Role::Data(_)) => Left::Data,
            Some(Role::Latent(_) | Role::Predicted(_)) => Left::Latent,
            Some(Role::Derived(_)) | None => Left::Definition,
        };
        let misspelt = kind == Left::Latent && left.is_empty();
        let nearest = if misspelt { self.nearest_data(&name.value) } else { None };
        self.report(AxisProblem::MissingAxis(Box::new(MissingAxis {
            name: name.value.clone(),
            span: name.span,
            kind,
            left: self.axis_list(&left),
            value: value.span,
            free: self.axis_list(free),
            column,
            member: member.zip(binder),
            culprit,
            nearest,
        })))
    }

    /// A column over the one missing axis that says which element of the one axis on the left
    /// each row belongs to.
    fn member_column(&self, left: &[AxisId], free: &[AxisId]) -> Option<String> {
        let ([group], [rows]) = (left, free) else { return None };
        let column = self
            .typed
            .variables
            .iter()
            .find(|v| v.axes == [*rows] && matches!(v.kind, Kind::Index(of) if of == *group));
        column.map(|v| v.name.clone())
    }

    /// The one bare index on the left of the equation of this name, with its place.
    fn only_binder(&self, name: &Name) -> Option<(String, Span)> {
        let randoms = self.randoms.iter().map(|(r, _)| (&r.name, &r.binders));
        let defines = self.definitions.iter().filter_map(|(d, _)| d.equation());
        let defines = defines.map(|define| (&define.name, &define.binders));
        let (_, binders) = randoms.chain(defines).find(|(n, _)| n.span == name.span)?;
        match binders.as_deref() {
            Some([ast::Binder { name: Some(name), extent: None, span }]) => {
                Some((name.value.clone(), *span))
            }
            Some(_) | None => None,
        }
    }

    /// The first bare name of an expression that brings one of the axes, with its place.
    fn first_over(
        &self,
        expr: &Expr,
        free: &[AxisId],
        context: &Context,
    ) -> Option<(String, Span, Span)> {
        let visit = |e: &Expr| self.first_over(e, free, context);
        match &expr.kind {
            ExprKind::Name(name) => {
                let variable = self.typed.variable(*self.names.get(name)?);
                let brings = |a: &AxisId| free.contains(a) && context.over(*a).next().is_none();
                let found = variable.axes.iter().any(brings);
                found.then(|| (name.clone(), expr.span, variable.span))
            }
            ExprKind::Unary(_, a) | ExprKind::Group(a) => visit(a),
            ExprKind::Binary(_, _, a, b) | ExprKind::Start(a, b) => visit(a).or_else(|| visit(b)),
            ExprKind::Index(base, subscripts) => {
                subscripts.iter().find_map(|s| visit(&s.value)).or_else(|| visit(base))
            }
            ExprKind::Call(_, arguments) => arguments.iter().find_map(|a| visit(&a.value)),
            ExprKind::If(c, a, b) => visit(c).or_else(|| visit(a)).or_else(|| visit(b)),
            ExprKind::Comprehension { body, .. } => visit(body),
            ExprKind::In(a, _) => visit(a),
            ExprKind::List(elements) => elements.iter().find_map(visit),
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Written(_)
            | ExprKind::Error => None,
        }
    }

    /// `report`, `predict` and `factor` statements.
    fn resolve_others(&mut self) {
        let program = self.program;
        for statement in &program.statements {
            match &statement.kind {
                StatementKind::Define(define) if define.report => {
                    self.add_report(&define.name);
                }
                StatementKind::Report(names) => {
                    for name in names {
                        self.add_report(name);
                    }
                }
                StatementKind::Predict(names) => {
                    for name in names {
                        self.add_prediction(name);
                    }
                }
                StatementKind::Factor(value) => {
                    if let Ok(factor) = self.factor(value, statement.span) {
                        self.typed.factors.push(factor);
                    }
                }
                StatementKind::Import { .. }
                | StatementKind::Data(_)
                | StatementKind::Axis { .. }
                | StatementKind::Define(_)
                | StatementKind::Random(_)
                | StatementKind::Function(_)
                | StatementKind::Distribution(_)
                | StatementKind::Ode(_)
                | StatementKind::Part(_)
                | StatementKind::Use(_)
                | StatementKind::Output(_)
                | StatementKind::Error => {}
            }
        }
    }

    /// The name of the definition being resolved, if the program reports it.
    pub(super) fn reported_name(&self) -> Option<String> {
        let variable = self.typed.variable(*self.resolving.last()?);
        let Role::Derived(id) = variable.role else { return None };
        let listed = self.program.statements.iter().any(|s| {
            matches!(&s.kind, StatementKind::Report(names)
                if names.iter().any(|n| n.value == variable.name))
        });
        (listed || self.definitions[id.index()].0.equation().is_some_and(|d| d.report))
            .then(|| variable.name.clone())
    }

    fn add_report(&mut self, name: &Name) {
        let context = Context::default();
        let Ok(super::axes::Meaning::Variable(variable)) =
            self.lookup(&name.value, name.span, &context)
        else {
            return;
        };
        // Of a name with missing cells, these.
        let incomplete = self.typed.incomplete.iter().find(|i| i.whole == variable);
        let variable = incomplete.map_or(variable, |i| i.missing);
        let info = self.typed.variable(variable);
        // Continuous latents and predictions are told anyway, finite latents only up to a size.
        let told = match info.role {
            Role::Latent(_) => info.plane != Plane::Finite,
            Role::Predicted(_) => true,
            Role::Data(_) | Role::Derived(_) => false,
        };
        if !told && !self.typed.reports.contains(&variable) {
            self.typed.reports.push(variable);
        }
    }

    fn add_prediction(&mut self, name: &Name) {
        let context = Context::default();
        let Ok(super::axes::Meaning::Variable(variable)) =
            self.lookup(&name.value, name.span, &context)
        else {
            return;
        };
        match self.typed.variable(variable).observed {
            Some(random) => match self.predicted.iter().find(|(v, _)| *v == variable) {
                Some((_, first)) => {
                    let (first, span) = (*first, name.span);
                    let name = name.value.clone();
                    self.report(NameProblem::PredictedTwice { name, span, first });
                }
                None => {
                    self.predicted.push((variable, name.span));
                    self.typed.predictive.push(random);
                }
            },
            None if self.progress[variable.index()] == Progress::Poisoned => {}
            None => {
                let declared = self.typed.variable(variable).span;
                self.report(NameProblem::PredictsUnobserved {
                    name: name.value.clone(),
                    span: name.span,
                    declared,
                });
            }
        }
    }

    /// `factor e`; a comprehension sum is one factor per element.
    fn factor(&mut self, value: &Expr, span: Span) -> Judged<Factor> {
        let context = Context::default();
        let free = self.free(value, &context)?;
        if !free.is_empty() {
            let axes = self.axis_list(&free);
            return Err(self.report(AxisProblem::FactorOfArray { span: value.span, axes }));
        }
        if let ExprKind::Comprehension { function, binders, guard, body } = &value.kind
            && function.value == "sum"
        {
            let (inner, indices) = self.bind(binders, &context)?;
            let guard = guard.as_ref().map(|g| self.guard_of(g, &inner)).transpose()?;
            let guard = self.within_ranges(binders, &indices, guard, &inner)?;
            let value = self.factor_value(body, &inner)?;
            return Ok(Factor { indices, guard, value, span });
        }
        let value = self.factor_value(value, &context)?;
        Ok(Factor { indices: Vec::new(), guard: None, value, span })
    }

    fn factor_value(&mut self, value: &Expr, context: &Context) -> Judged<typed::Expr> {
        let typed = self.elaborate(value, context)?;
        let typed = self.number(typed)?;
        if typed.plane == Plane::Predicted {
            return Err(self.uses_prediction("factor", &typed));
        }
        Ok(typed)
    }
}
