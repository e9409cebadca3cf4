//! Puts the body of a function or a family in where it is called.
//!
//! A function without axes becomes its body. One whose value has axes, or that takes whole arrays,
//! becomes a definition of its own, called as the call is printed, and the call a reference to it;
//! so its body never meets the indices of the equation that calls it.

use super::problem::{CallProblem, Called, PartProblem, Report};
use super::scope::{Callable, Env, Local};
use super::{Axes, Expander, Judged, Reported, tree};
use crate::source::Span;
use crate::syntax::ast::{
    Argument, Define, DistributionDefinition, Expr, ExprKind, FunctionDefinition,
    FunctionParameter, Name, Statement, StatementKind, Written,
};
use std::collections::HashSet;

/// Parameters, axes of parameters among them, that have the name of an earlier one: the name, its
/// place and that of the first.
pub(super) fn repeated_parameters(callable: Callable<'_>) -> Vec<(String, Span, Span)> {
    let (parameters, more): (&[FunctionParameter], Vec<&Name>) = match callable {
        Callable::Function(function) => (&function.parameters, Vec::new()),
        Callable::Family(family) => (&family.parameters, vec![&family.variate]),
        Callable::Part(part) => (&part.parameters, part.axes.iter().collect()),
    };
    let mut known: Vec<&Name> = Vec::new();
    let mut twice = Vec::new();
    for name in more.into_iter().chain(parameters.iter().map(|p| &p.name)) {
        match known.iter().find(|first| first.value == name.value) {
            Some(first) => twice.push((name.value.clone(), name.span, first.span)),
            None => known.push(name),
        }
    }
    twice
}

/// How a definition is called, for messages.
pub(super) fn called(name: &Name, callable: Callable<'_>) -> Called {
    let written = &name.value;
    let signature = match callable {
        Callable::Function(function) => tree::signature(written, &function.parameters),
        Callable::Family(family) => tree::signature(written, &family.parameters),
        Callable::Part(part) => {
            let axes =
                if part.axes.is_empty() { String::new() } else { tree::names_of(&part.axes) };
            tree::signature(&format!("{written}{axes}"), &part.parameters)
        }
    };
    Called { name: written.clone(), signature, defined: callable.name().span }
}

impl<'a> Expander<'a, '_> {
    /// What a name that is called stands for; `None` for the language's own.
    pub(super) fn callable(
        &mut self,
        name: &Name,
        env: &Env,
    ) -> Judged<Option<(usize, Callable<'a>)>> {
        let scope = &self.scopes[env.scope];
        let Some((alias, rest)) = name.value.split_once('.') else {
            let callable = scope.callables.get(name.value.as_str()).copied();
            return Ok(callable.map(|callable| (env.scope, callable)));
        };
        match scope.imports.get(alias).copied() {
            None => Ok(None),
            Some(None) => Err(Reported),
            Some(Some(module)) => match self.scopes[module].callables.get(rest).copied() {
                Some(callable) => Ok(Some((module, callable))),
                None => Err(self.no_such_name(module, alias, rest, env.span(name.span))),
            },
        }
    }

    /// A call in an expression.
    pub(super) fn call(
        &mut self,
        expr: &Expr,
        function: &Name,
        arguments: &[Argument],
        env: &mut Env,
    ) -> Judged<Expr> {
        let at = env.span(expr.span);
        let Some((scope, callable)) = self.callable(function, env)? else {
            let arguments = self.arguments(arguments, function.value == "columns", env);
            return Ok(Expr { kind: ExprKind::Call(env.at(function), arguments), span: at });
        };
        let called = called(function, callable);
        let parameters = match callable {
            Callable::Function(definition) => &definition.parameters,
            Callable::Family(definition) => &definition.parameters,
            Callable::Part(_) => {
                let Called { name, signature, defined } = called;
                let span = env.span(function.span);
                self.report(PartProblem::Called { name, span, defined, signature });
                return Err(Reported);
            }
        };
        self.begin(scope, callable.name(), at)?;
        let calling = self.calling.pop();
        let values = self.matched(&called, parameters, arguments, at, env);
        self.calling.extend(calling);
        let result = values.and_then(|values| {
            let mut body = self.body_env(scope, callable.name(), at, env);
            self.bind(&called, parameters, values.clone(), &mut body)?;
            match callable {
                Callable::Function(definition) => {
                    self.function(&called, definition, &values, at, env, body)
                }
                Callable::Family(definition) => {
                    Ok(self.family(function, definition, at, env, body))
                }
                Callable::Part(_) => Err(Reported),
            }
        });
        self.calling.pop();
        result
    }

    /// Notes that a body is being put in; a body inside itself is a mistake.
    pub(super) fn begin(&mut self, scope: usize, name: &Name, at: Span) -> Judged<()> {
        let frame = (scope, name.value.clone());
        if let Some(first) = self.calling.iter().position(|known| *known == frame) {
            let mut chain: Vec<String> =
                self.calling[first..].iter().map(|(_, name)| name.clone()).collect();
            chain.push(frame.1);
            self.report(CallProblem::Recursive { chain, span: at });
            return Err(Reported);
        }
        if self.calling.len() >= self.limits.bodies {
            let limit = self.limits.bodies;
            self.report(CallProblem::TooManyBodies { name: frame.1, span: at, limit });
            return Err(Reported);
        }
        self.calling.push(frame);
        Ok(())
    }

    /// The environment of a body used at `at`, without its arguments.
    pub(super) fn body_env(&mut self, scope: usize, name: &Name, at: Span, env: &Env) -> Env {
        let expansion = self.sources.add_expansion(name.span.source, at);
        let outer: Vec<Local> = env.bound().cloned().collect();
        Env { scope, expansion: Some(expansion), outer, ..Env::default() }
    }

    fn function(
        &mut self,
        called: &Called,
        definition: &'a FunctionDefinition,
        values: &[Expr],
        at: Span,
        env: &Env,
        mut body: Env,
    ) -> Judged<Expr> {
        // A distribution is no value that a definition could have.
        let takes_arrays = definition.parameters.iter().any(|p| !p.axes.is_empty())
            && !tree::is_distribution(&definition.body);
        let index = self.index_in(values, env);
        match (index, &definition.binders) {
            (Some((local, span)), Some(_)) => {
                let (called, index) = (called.clone(), local.written);
                let bound = local.span;
                self.report(CallProblem::ArgumentOfIndex { called, span, index, bound });
                Err(Reported)
            }
            (None, _) if takes_arrays || definition.binders.is_some() => {
                body.outer.clear();
                Ok(self.made(definition, values, at, body))
            }
            (Some(_) | None, _) => {
                let value = self.expr(&definition.body, &mut body);
                // The body is one operand of what surrounds the call.
                Ok(tree::grouped(value))
            }
        }
    }

    /// The first index bound here that arguments mention, and where.
    fn index_in(&self, values: &[Expr], env: &Env) -> Option<(Local, Span)> {
        values.iter().find_map(|value| {
            let mut names = HashSet::new();
            tree::names(value, &mut names);
            let bound = env.bound().find(|local| names.contains(&local.emitted));
            bound.map(|local| (local.clone(), value.span))
        })
    }

    /// A reference to the definition that a call makes.
    fn made(
        &mut self,
        definition: &'a FunctionDefinition,
        values: &[Expr],
        at: Span,
        mut body: Env,
    ) -> Expr {
        let prefix = &self.scopes[body.scope].prefix;
        let printed: Vec<String> = values.iter().map(tree::print).collect();
        let name = format!("{prefix}{}({})", definition.name.value, printed.join(", "));
        let reference = Expr { kind: ExprKind::Name(name.clone()), span: at };
        if !self.made.insert(name.clone()) {
            return reference;
        }
        if let Some(binders) = &definition.binders {
            let extents = self.extents(binders, &body);
            self.axes.extend(extents.map(|extents| (name.clone(), Axes::Written(extents))));
        }
        let level = std::mem::take(&mut self.level);
        let binders = definition.binders.as_ref().map(|b| self.binders(b, None, &mut body));
        let value = self.expr(&definition.body, &mut body);
        self.level = level;
        let span = body.span(definition.name.span);
        let name = Name::new(name, span);
        let define = Define { report: false, name, binders, value, guard: None };
        let span = body.span(definition.name.span.to(definition.body.span));
        let kind = StatementKind::Define(define);
        self.out.push(Statement { kind, span, documentation: None });
        reference
    }

    /// `D(a, b)` of a `dist`: its log density with the arguments put in.
    fn family(
        &mut self,
        name: &Name,
        definition: &'a DistributionDefinition,
        at: Span,
        env: &Env,
        mut body: Env,
    ) -> Expr {
        let support = definition.support.as_ref().map(|s| self.interval(s, &mut body));
        let variate = self.index(&definition.variate, &mut body);
        let log_density = self.expr(&definition.log_density, &mut body);
        let family = env.at(name);
        let written = Written { family, variate, log_density, support };
        Expr { kind: ExprKind::Written(Box::new(written)), span: at }
    }
}
