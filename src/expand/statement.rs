//! Rewrites the statements of a program, and those of a part, to statements of plain equations.

use super::part::Instance;
use super::problem::{PartProblem, Report};
use super::scope::{Callable, Env, Local};
use super::{Axes, Expander, Reported, UseSite};
use crate::source::Span;
use crate::syntax::ast::{
    Binder, Define, Entry, ExprKind, Extent, Hint, Name, Ode, OdeEquation, Random, Statement,
    StatementKind, Use,
};

/// The axis that `X[row, term] = columns(…)` makes.
pub(super) fn made_axis(define: &Define) -> Option<&Name> {
    let ExprKind::Call(function, _) = &define.value.kind else { return None };
    let Some(Binder { name: Some(axis), extent: None, .. }) = define.binders.as_ref()?.last()
    else {
        return None;
    };
    (function.value == "columns").then_some(axis)
}

impl<'a> Expander<'a, '_> {
    /// Notes the names of a statement of the program and where their axes are written.
    pub(super) fn collect_statement(&mut self, kind: &'a StatementKind, env: &Env) {
        match kind {
            StatementKind::Data(data) => {
                for entry in &data.entries {
                    match entry {
                        Entry::Table { name, columns } => {
                            for column in columns {
                                let axes = vec![Extent::Axis(name.clone())];
                                self.collect_name(&column.name, Axes::Written(axes));
                            }
                        }
                        Entry::Array { name, axes, .. } => {
                            let axes = axes.iter().cloned().map(Extent::Axis).collect();
                            self.collect_name(name, Axes::Written(axes));
                        }
                    }
                }
            }
            StatementKind::Define(define) => {
                self.collect_name(&define.name, Axes::Define(define, env.clone()));
            }
            StatementKind::Random(random) => {
                self.collect_name(&random.name, Axes::Random(random, env.clone()));
            }
            StatementKind::Ode(ode) => {
                if let Some(name) = &ode.name {
                    self.names.insert(name.value.clone());
                }
                self.names.extend(ode.equations.iter().map(|e| e.state.value.clone()));
            }
            StatementKind::Use(used) => self.collect_use(used, used.alias.value.clone(), env),
            StatementKind::Import { .. }
            | StatementKind::Axis { .. }
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Part(_)
            | StatementKind::Output(_)
            | StatementKind::Error => {}
        }
    }

    fn collect_name(&mut self, name: &Name, axes: Axes<'a>) {
        self.names.insert(name.value.clone());
        self.axes.entry(name.value.clone()).or_insert(axes);
    }

    /// Notes a part in use, by its name in the expanded program.
    pub(super) fn collect_use(&mut self, used: &'a Use, alias: String, env: &Env) {
        if let Some(first) = self.uses.get(&alias) {
            let first = first.env.span(first.used.alias.span);
            let (name, span) = (used.alias.value.clone(), env.span(used.alias.span));
            self.report(PartProblem::AliasTwice { name, span, first });
            return;
        }
        self.uses.insert(alias, UseSite { used, env: env.clone() });
    }

    /// A statement of the program, or of a part in use.
    pub(super) fn statement(&mut self, statement: &'a Statement, env: &Env) {
        let mut env = env.clone();
        if let Some(kind) = self.rewritten(&statement.kind, statement.span, &mut env) {
            let span = env.span(statement.span);
            let documentation = statement.documentation.clone();
            self.out.push(Statement { kind, span, documentation });
        }
    }

    fn rewritten(
        &mut self,
        kind: &'a StatementKind,
        span: Span,
        env: &mut Env,
    ) -> Option<StatementKind> {
        Some(match kind {
            // Reported where the part was set up.
            StatementKind::Data(_) if env.part.is_some() => return None,
            StatementKind::Data(data) => {
                let mut data = data.clone();
                data.hints = self.hints(&data.hints, env);
                StatementKind::Data(data)
            }
            StatementKind::Axis { name, extent } => {
                let extent = self.extent_or_error(extent, env);
                StatementKind::Axis { name: self.left(name, env), extent }
            }
            StatementKind::Define(define) => {
                let name = self.left(&define.name, env);
                let axis = self.made_axis_name(define, env);
                StatementKind::Define(self.define(define, name, axis.as_ref(), env))
            }
            StatementKind::Random(random) => StatementKind::Random(self.random(random, env)?),
            StatementKind::Report(names) => StatementKind::Report(self.listed(names, env)),
            StatementKind::Predict(names) => StatementKind::Predict(self.listed(names, env)),
            StatementKind::Factor(value) => StatementKind::Factor(self.expr(value, env)),
            StatementKind::Ode(ode) => StatementKind::Ode(self.ode(ode, env)?),
            StatementKind::Use(used) => {
                self.place(used, env);
                return None;
            }
            StatementKind::Output(names) => {
                if env.part.is_none() {
                    let span = names.first().map_or(span, |name| name.span);
                    self.report(PartProblem::OutputOutside { span });
                }
                return None;
            }
            StatementKind::Import { .. }
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Part(_) => return None,
            StatementKind::Error => StatementKind::Error,
        })
    }

    /// The name on a left side: in a part, with the name of the part in use.
    fn left(&self, name: &Name, env: &Env) -> Name {
        match &env.part {
            Some(part) => Name::new(format!("{part}.{}", name.value), env.span(name.span)),
            None => env.at(name),
        }
    }

    /// The axis that a definition makes by `columns`, as it is called in the expanded program.
    fn made_axis_name(&self, define: &Define, env: &Env) -> Option<Name> {
        made_axis(define).map(|axis| self.left(axis, env))
    }

    /// A definition under the name it has in the expanded program.
    pub(super) fn define(
        &mut self,
        define: &'a Define,
        name: Name,
        new_axis: Option<&Name>,
        env: &mut Env,
    ) -> Define {
        let mark = env.locals.len();
        let binders = define.binders.as_ref().map(|b| self.binders(b, new_axis, env));
        let early = self.early.remove(&name.value).flatten();
        let value = early.unwrap_or_else(|| self.expr(&define.value, env));
        let guard = define.guard.as_ref().map(|g| self.expr(g, env));
        env.locals.truncate(mark);
        Define { report: define.report, name, binders, value, guard }
    }

    fn random(&mut self, random: &'a Random, env: &mut Env) -> Option<Random> {
        let name = self.observed(random, env)?;
        let mark = env.locals.len();
        let binders = random.binders.as_ref().map(|b| self.binders(b, None, env));
        let distribution = self.expr(&random.distribution, env);
        let over = random.over.iter().map(|axis| self.joint(axis, env)).collect();
        let guard = random.guard.as_ref().map(|g| self.expr(g, env));
        let hints = self.hints(&random.hints, env);
        env.locals.truncate(mark);
        Some(Random { predict: random.predict, name, binders, distribution, over, guard, hints })
    }

    /// The name before a `~`: an input of a part is observed as what it stands for.
    fn observed(&mut self, random: &Random, env: &Env) -> Option<Name> {
        let name = &random.name;
        let Some(argument) = env.values.get(&name.value) else {
            return Some(self.left(name, env));
        };
        if let ExprKind::Name(actual) = &argument.kind {
            return Some(Name::new(actual.clone(), env.span(name.span)));
        }
        if argument.kind != ExprKind::Error {
            let (name, span, argument) = (name.value.clone(), env.span(name.span), argument.span);
            self.report(PartProblem::InputIsNoName { name, span, argument });
        }
        None
    }

    /// A joint axis or index after `over`.
    fn joint(&mut self, axis: &Name, env: &Env) -> Name {
        if let Some(local) = env.local(&axis.value) {
            return Name::new(local.emitted.clone(), env.span(axis.span));
        }
        match self.extent(&Extent::Axis(axis.clone()), env) {
            Ok(Extent::Axis(name)) => name,
            Ok(Extent::Range(..) | Extent::Labels(..)) | Err(Reported) => env.at(axis),
        }
    }

    /// The names of `report` and `predict`.
    fn listed(&mut self, names: &[Name], env: &Env) -> Vec<Name> {
        let mut out = Vec::new();
        for name in names {
            let expr = self.name(&name.value, name.span, env);
            if let ExprKind::Name(known) = expr.kind {
                out.push(Name::new(known, env.span(name.span)));
            }
        }
        out
    }

    fn hints(&mut self, hints: &[Hint], env: &mut Env) -> Vec<Hint> {
        let mut out = Vec::new();
        for Hint { name, arguments } in hints {
            let arguments = self.arguments(arguments, false, env);
            out.push(Hint { name: env.at(name), arguments });
        }
        out
    }

    /// In its equations, the states and `t` are those of the system.
    fn ode(&mut self, ode: &Ode, env: &mut Env) -> Option<Ode> {
        let name = ode.name.as_ref().map(|name| self.left(name, env));
        let axes = ode.axes.iter().map(|axis| self.joint(axis, env)).collect();
        let hints = self.hints(&ode.hints, env);
        let at = self.name(&ode.at.value, ode.at.span, env);
        let ExprKind::Name(at_name) = at.kind else { return None };
        let from = self.expr(&ode.from, env);
        let mut inner = env.clone();
        let clock = Name::new("t".to_owned(), ode.at.span);
        for name in std::iter::once(&clock).chain(ode.equations.iter().map(|e| &e.state)) {
            let emitted = if name == &clock { clock.clone() } else { self.left(name, env) };
            inner.locals.push(Local {
                written: name.value.clone(),
                emitted: emitted.value,
                bare: false,
                span: env.span(name.span),
            });
        }
        let mut equations = Vec::new();
        for equation in &ode.equations {
            let state = self.left(&equation.state, env);
            let rate = self.expr(&equation.rate, &mut inner);
            let start = self.expr(&equation.start, env);
            equations.push(OdeEquation { state, rate, start });
        }
        let at = Name::new(at_name, at.span);
        Some(Ode { name, axes, at, from, stiff: ode.stiff, hints, equations })
    }

    /// Puts the equations of a part in where it is used.
    fn place(&mut self, used: &'a Use, env: &Env) {
        let alias = match &env.part {
            Some(part) => format!("{part}.{}", used.alias.value),
            None => used.alias.value.clone(),
        };
        // A second part of the same name has been reported.
        if self.uses.get(&alias).is_none_or(|site| !std::ptr::eq(site.used, used)) {
            return;
        }
        let Ok(Instance { part, scope, env, .. }) = self.instance(&alias).cloned() else { return };
        if self.begin(scope, Callable::Part(part).name(), used.part.span).is_err() {
            return;
        }
        for statement in &part.statements {
            self.statement(statement, &env);
        }
        self.calling.pop();
    }
}
