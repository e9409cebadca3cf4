//! What a name of a body, a module or a part is called in the expanded program.

use super::problem::{CallProblem, ModuleProblem, PartProblem, Report};
use super::scope::{Callable, Env};
use super::tree;
use super::{Axes, Expander, Judged, Reported, nearest};
use crate::source::Span;
use crate::syntax::ast::{Define, Expr, ExprKind, Extent, Name, Statement, StatementKind};

/// The constants of the language, which every text sees.
const CONSTANTS: [&str; 2] = ["pi", "inf"];

impl<'a> Expander<'a, '_> {
    /// A bare name in an expression.
    pub(super) fn name(&mut self, name: &str, span: Span, env: &Env) -> Expr {
        let at = env.span(span);
        if let Some(local) = env.local(name) {
            return Expr { kind: ExprKind::Name(local.emitted.clone()), span: at };
        }
        if let Some(tree) = env.values.get(name) {
            return self.substituted(tree, at);
        }
        let found = match env.extents.get(name) {
            Some(Extent::Axis(axis)) => Ok(axis.value.clone()),
            Some(extent @ (Extent::Range(..) | Extent::Labels(..))) => {
                let (axis, range) = (name.to_owned(), tree::extent(extent));
                self.report(CallProblem::RangeAsValue { axis, span: at, range });
                Err(Reported)
            }
            None => self.value_name(name, at, env),
        };
        let kind = found.map_or(ExprKind::Error, ExprKind::Name);
        Expr { kind, span: at }
    }

    /// The argument in place of a parameter at `at`.
    fn substituted(&mut self, tree: &Expr, at: Span) -> Expr {
        let (size, depth) = (tree::size(tree), tree::depth(tree));
        if self.afford(size, depth, at) {
            tree.clone()
        } else {
            Expr { kind: ExprKind::Error, span: at }
        }
    }

    /// The name of a value that is neither bound nor a parameter.
    fn value_name(&mut self, name: &str, at: Span, env: &Env) -> Judged<String> {
        if let Some((alias, rest)) = name.split_once('.') {
            return self.qualified(alias, rest, at, env);
        }
        if let Some(part) = &env.part {
            return self.name_in_part(part.clone().as_str(), name, at, env);
        }
        if !self.scopes[env.scope].is_program() {
            return self.name_in_module(name, at, env);
        }
        if self.uses.contains_key(name) && !self.names.contains(name) {
            return Err(self.whole_part(name, at));
        }
        if let Some(callable) = self.scopes[0].callables.get(name).copied()
            && !self.names.contains(name)
        {
            return Err(self.not_a_value(name, at, callable));
        }
        let index = env.outer.iter().find(|local| local.emitted == name && !local.bare);
        if let (Some(index), true) = (index, env.expansion.is_some()) {
            let (name, bound) = (name.to_owned(), index.span);
            self.report(CallProblem::Captured { name, span: at, bound });
            return Err(Reported);
        }
        Ok(name.to_owned())
    }

    fn not_a_value(&mut self, name: &str, span: Span, callable: Callable<'a>) -> Reported {
        let what = match callable {
            Callable::Function(_) => "function",
            Callable::Family(_) => "distribution family",
            Callable::Part(_) => "part",
        };
        let (name, defined) = (name.to_owned(), callable.name().span);
        self.report(ModuleProblem::NotAValue { name, span, what, defined });
        Reported
    }

    fn whole_part(&mut self, alias: &str, span: Span) -> Reported {
        if let Ok(instance) = self.instance(alias) {
            let (outputs, used) = (instance.outputs.clone(), instance.used.alias.span);
            self.report(PartProblem::WholePart { alias: alias.to_owned(), span, outputs, used });
        }
        Reported
    }

    /// A name in an equation of a part.
    fn name_in_part(&mut self, part: &str, name: &str, at: Span, env: &Env) -> Judged<String> {
        let instance = self.instance(part)?;
        if instance.own.contains(name) {
            return Ok(format!("{part}.{name}"));
        }
        let (definition, defined) = (instance.part.name.value.clone(), instance.part.name.span);
        let nested = format!("{part}.{name}");
        if self.uses.contains_key(&nested) {
            return Err(self.whole_part(&nested, at));
        }
        let scope = &self.scopes[env.scope];
        if !scope.is_program() && (scope.values.contains_key(name) || scope.axes.contains_key(name))
        {
            return Ok(self.demand(env.scope, name));
        }
        if CONSTANTS.contains(&name) {
            return Ok(name.to_owned());
        }
        let name = name.to_owned();
        self.report(PartProblem::NotAnInput { name, span: at, part: definition, defined });
        Err(Reported)
    }

    /// A name in a module.
    fn name_in_module(&mut self, name: &str, at: Span, env: &Env) -> Judged<String> {
        let scope = &self.scopes[env.scope];
        if scope.values.contains_key(name) || scope.axes.contains_key(name) {
            return Ok(self.demand(env.scope, name));
        }
        if CONSTANTS.contains(&name) {
            return Ok(name.to_owned());
        }
        if let Some(callable) = scope.callables.get(name).copied() {
            return Err(self.not_a_value(name, at, callable));
        }
        self.report(ModuleProblem::NotOfModule { name: name.to_owned(), span: at });
        Err(Reported)
    }

    /// `alias.rest`: an output of a part in use, or a definition of a module.
    fn qualified(&mut self, alias: &str, rest: &str, at: Span, env: &Env) -> Judged<String> {
        let used = match &env.part {
            Some(part) => format!("{part}.{alias}"),
            None => alias.to_owned(),
        };
        let visible = env.part.is_some() || self.scopes[env.scope].is_program();
        if visible && self.uses.contains_key(&used) {
            return self.output(&used, rest, at);
        }
        let scope = &self.scopes[env.scope];
        match scope.imports.get_key_value(alias) {
            Some((_, None)) => Err(Reported),
            Some((_, Some(module))) => {
                let module = *module;
                let known = &self.scopes[module];
                if known.values.contains_key(rest) || known.axes.contains_key(rest) {
                    return Ok(self.demand(module, rest));
                }
                if let Some(callable) = known.callables.get(rest).copied() {
                    return Err(self.not_a_value(&format!("{alias}.{rest}"), at, callable));
                }
                Err(self.no_such_name(module, alias, rest, at))
            }
            None => Ok(format!("{alias}.{rest}")),
        }
    }

    /// Reports that a module has no such definition.
    pub(super) fn no_such_name(
        &mut self,
        module: usize,
        alias: &str,
        rest: &str,
        span: Span,
    ) -> Reported {
        let scope = &self.scopes[module];
        let known = scope.values.keys().chain(scope.axes.keys()).chain(scope.callables.keys());
        let nearest = nearest(rest, known.copied());
        let (module, name) = (alias.to_owned(), rest.to_owned());
        self.report(ModuleProblem::NoSuchName { module, name, span, nearest });
        Reported
    }

    /// Makes a definition or an axis of a module part of the program; returns its name there.
    fn demand(&mut self, module: usize, name: &str) -> String {
        let scope = &self.scopes[module];
        let emitted = format!("{}{name}", scope.prefix);
        if !self.made.insert(emitted.clone()) {
            return emitted;
        }
        if let Some((define, _)) = scope.values.get(name).copied() {
            self.axes.insert(emitted.clone(), Axes::Define(define, Env::of(module)));
        }
        self.wanted.push((module, name.to_owned()));
        emitted
    }

    /// Makes what modules were asked for, and what that asks for in turn.
    pub(super) fn make_wanted(&mut self) {
        while let Some((module, name)) = self.wanted.pop() {
            self.make(module, &name);
        }
    }

    fn make(&mut self, module: usize, name: &str) {
        let scope = &self.scopes[module];
        let emitted = format!("{}{name}", scope.prefix);
        let env = Env::of(module);
        if let Some((define, statement)) = scope.values.get(name).copied() {
            self.module_value(&emitted, define, statement, env);
        } else if let Some((written, extent, span)) = scope.axes.get(name).copied() {
            let extent = self.extent_or_error(extent, &env);
            let name = Name::new(emitted.clone(), written.span);
            let kind = StatementKind::Axis { name, extent };
            self.out.push(Statement { kind, span, documentation: None });
        }
    }

    fn module_value(
        &mut self,
        emitted: &str,
        define: &'a Define,
        statement: &'a Statement,
        mut env: Env,
    ) {
        let name = Name::new(emitted.to_owned(), define.name.span);
        let define = self.define(define, name, None, &mut env);
        let documentation = statement.documentation.clone();
        let kind = StatementKind::Define(define);
        self.out.push(Statement { kind, span: statement.span, documentation });
    }

    /// The axis of this name, in the expanded program.
    pub(super) fn axis_name(&mut self, name: &Name, env: &Env) -> Judged<String> {
        let at = env.span(name.span);
        if let Some((alias, rest)) = name.value.split_once('.') {
            return self.qualified(alias, rest, at, env);
        }
        if let Some(part) = &env.part {
            return self.name_in_part(part.clone().as_str(), &name.value, at, env);
        }
        if !self.scopes[env.scope].is_program() {
            return self.name_in_module(&name.value, at, env);
        }
        Ok(name.value.clone())
    }
}
