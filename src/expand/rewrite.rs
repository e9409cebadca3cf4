//! Rewrites an expression of some text to one of the expanded program.

use super::problem::{CallProblem, Report};
use super::scope::{Env, Local};
use super::{Expander, Judged, Reported};
use crate::source::Span;
use crate::syntax::ast::{Argument, Binder, Expr, ExprKind, Extent, Interval, Name, Subscript};

impl<'a> Expander<'a, '_> {
    /// An expression as it stands in the expanded program.
    pub(super) fn expr(&mut self, expr: &Expr, env: &mut Env) -> Expr {
        let span = env.span(expr.span);
        self.level += 1;
        let kind = if self.afford(1, 0, span) { self.kind(expr, env) } else { Err(Reported) };
        self.level -= 1;
        match kind {
            // What a name or a call becomes brings its own place.
            Ok(out) => out,
            Err(Reported) => Expr { kind: ExprKind::Error, span },
        }
    }

    /// Whether the bodies put in may grow by `size` expressions, `depth` deep at this place.
    pub(super) fn afford(&mut self, size: usize, depth: usize, span: Span) -> bool {
        let Some((_, name)) = self.calling.last() else { return true };
        let name = name.clone();
        if self.size > self.limits.size {
            return false;
        }
        self.size += size;
        if self.size > self.limits.size {
            let limit = self.limits.size;
            self.report(CallProblem::TooLarge { name, span, limit });
            return false;
        }
        if self.level + depth > self.limits.depth {
            let limit = self.limits.depth;
            // One message: what is deeper has been refused with it.
            self.size = self.limits.size + 1;
            self.report(CallProblem::TooDeep { name, span, limit });
            return false;
        }
        true
    }

    fn boxed(&mut self, expr: &Expr, env: &mut Env) -> Box<Expr> {
        Box::new(self.expr(expr, env))
    }

    fn kind(&mut self, expr: &Expr, env: &mut Env) -> Judged<Expr> {
        let kind = match &expr.kind {
            ExprKind::Name(name) => return Ok(self.name(name, expr.span, env)),
            ExprKind::Call(function, arguments) => {
                return self.call(expr, function, arguments, env);
            }
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Written(_)
            | ExprKind::Error => expr.kind.clone(),
            ExprKind::Unary(operator, a) => ExprKind::Unary(*operator, self.boxed(a, env)),
            ExprKind::Binary(operator, at, a, b) => {
                let (a, b) = (self.boxed(a, env), self.boxed(b, env));
                ExprKind::Binary(*operator, env.span(*at), a, b)
            }
            ExprKind::Index(base, subscripts) => {
                let base = self.boxed(base, env);
                let subscripts = subscripts.iter().map(|s| self.subscript(s, env)).collect();
                ExprKind::Index(base, subscripts)
            }
            ExprKind::Comprehension { function, binders, guard, body } => {
                let mark = env.locals.len();
                let binders = self.binders(binders, None, env);
                let guard = guard.as_ref().map(|g| self.boxed(g, env));
                let body = self.boxed(body, env);
                env.locals.truncate(mark);
                ExprKind::Comprehension { function: env.at(function), binders, guard, body }
            }
            ExprKind::List(items) => {
                ExprKind::List(items.iter().map(|item| self.expr(item, env)).collect())
            }
            ExprKind::If(c, a, b) => {
                let (c, a) = (self.boxed(c, env), self.boxed(a, env));
                ExprKind::If(c, a, self.boxed(b, env))
            }
            ExprKind::In(a, interval) => {
                let a = self.boxed(a, env);
                ExprKind::In(a, self.interval(interval, env))
            }
            ExprKind::Start(a, b) => {
                let a = self.boxed(a, env);
                ExprKind::Start(a, self.boxed(b, env))
            }
            ExprKind::Group(a) => ExprKind::Group(self.boxed(a, env)),
        };
        Ok(Expr { kind, span: env.span(expr.span) })
    }

    /// `[low, high]`
    pub(super) fn interval(&mut self, interval: &Interval, env: &mut Env) -> Interval {
        let (low, high) = (self.boxed(&interval.low, env), self.boxed(&interval.high, env));
        Interval { low, high, span: env.span(interval.span) }
    }

    /// The arguments of a function or hint of the language. A bare column of `columns` keeps the
    /// label it was written with.
    pub(super) fn arguments(
        &mut self,
        arguments: &[Argument],
        columns: bool,
        env: &mut Env,
    ) -> Vec<Argument> {
        let mut out = Vec::new();
        for Argument { name, value } in arguments {
            let mut name = name.as_ref().map(|n| env.at(n));
            let label = if let ExprKind::Name(label) = &value.kind { Some(label) } else { None };
            if let (true, None, Some(label)) = (columns && env.expansion.is_some(), &name, label) {
                name = Some(Name::new(label.clone(), env.span(value.span)));
            }
            out.push(Argument { name, value: self.expr(value, env) });
        }
        out
    }

    fn subscript(&mut self, subscript: &Subscript, env: &mut Env) -> Subscript {
        let axis = subscript.axis.as_ref().map(|axis| {
            let found = self.extent(&Extent::Axis(axis.clone()), env);
            let name = match found {
                Ok(Extent::Axis(name)) => name.value,
                Ok(Extent::Range(..) | Extent::Labels(..)) | Err(Reported) => axis.value.clone(),
            };
            Name::new(name, env.span(axis.span))
        });
        Subscript { axis, value: self.expr(&subscript.value, env) }
    }

    /// What an index runs over.
    pub(super) fn extent(&mut self, extent: &Extent, env: &Env) -> Judged<Extent> {
        match extent {
            Extent::Axis(name) => {
                let at = env.span(name.span);
                if let Some(Extent::Axis(axis)) = env.extents.get(&name.value) {
                    return Ok(Extent::Axis(Name::new(axis.value.clone(), at)));
                }
                if let Some(extent) = env.extents.get(&name.value) {
                    return Ok(extent.clone());
                }
                if let Some(argument) = env.values.get(&name.value) {
                    let ExprKind::Name(axis) = &argument.kind else {
                        let (parameter, argument) = (name.value.clone(), argument.span);
                        let problem =
                            CallProblem::ArgumentIsNoAxis { parameter, span: at, argument };
                        self.report(problem);
                        return Err(Reported);
                    };
                    return Ok(Extent::Axis(Name::new(axis.clone(), at)));
                }
                let name = self.axis_name(name, env)?;
                Ok(Extent::Axis(Name::new(name, at)))
            }
            Extent::Range(low, high) => {
                // The ends bind nothing, so a copy of what is bound does.
                let mut env = env.clone();
                let (low, high) = (self.boxed(low, &mut env), self.boxed(high, &mut env));
                Ok(Extent::Range(low, high))
            }
            Extent::Labels(labels, span) => {
                let labels = labels.clone();
                Ok(Extent::Labels(labels, env.span(*span)))
            }
        }
    }

    /// What an index runs over, or a range that the checker knows to be reported.
    pub(super) fn extent_or_error(&mut self, extent: &Extent, env: &Env) -> Extent {
        self.extent(extent, env).unwrap_or_else(|Reported| {
            let error = Box::new(Expr { kind: ExprKind::Error, span: Span::default() });
            Extent::Range(error.clone(), error)
        })
    }

    /// Binds indices. `new_axis` is the name of an axis that the equation itself makes, by
    /// `columns`, in the expanded program.
    pub(super) fn binders(
        &mut self,
        binders: &[Binder],
        new_axis: Option<&Name>,
        env: &mut Env,
    ) -> Vec<Binder> {
        let count = binders.len();
        let mut out = Vec::new();
        for (at, binder) in binders.iter().enumerate() {
            let new_axis = new_axis.filter(|_| at + 1 == count);
            out.push(self.binder(binder, new_axis, env));
        }
        out
    }

    fn binder(&mut self, binder: &Binder, new_axis: Option<&Name>, env: &mut Env) -> Binder {
        let span = env.span(binder.span);
        match (&binder.name, &binder.extent) {
            (Some(name), Some(extent)) => {
                let extent = self.extent_or_error(extent, env);
                let name = self.index(name, env);
                Binder { name: Some(name), extent: Some(extent), span }
            }
            (None, Some(extent)) => {
                Binder { name: None, extent: Some(self.extent_or_error(extent, env)), span }
            }
            (Some(name), None) => {
                let extent = match new_axis {
                    Some(axis) => Extent::Axis(axis.clone()),
                    None => self.extent_or_error(&Extent::Axis(name.clone()), env),
                };
                self.bare_binder(name, extent, span, env)
            }
            (None, None) => Binder { span, ..binder.clone() },
        }
    }

    /// `[county]`: the index has the name of its axis, unless that would catch another name.
    fn bare_binder(&mut self, name: &Name, extent: Extent, span: Span, env: &mut Env) -> Binder {
        if let Extent::Axis(axis) = &extent {
            let caught = |axis: &String| {
                env.taken.contains(axis) || env.bound().any(|local| local.emitted == *axis)
            };
            if env.expansion.is_none() || !caught(&axis.value) {
                env.locals.push(Local {
                    written: name.value.clone(),
                    emitted: axis.value.clone(),
                    bare: true,
                    span: env.span(name.span),
                });
                return Binder { name: Some(axis.clone()), extent: None, span };
            }
        }
        let name = self.index(name, env);
        Binder { name: Some(name), extent: Some(extent), span }
    }

    /// Binds an index by a name that nothing else has, and returns that.
    pub(super) fn index(&mut self, name: &Name, env: &mut Env) -> Name {
        let taken = |candidate: &str, env: &Env| {
            env.expansion.is_some()
                && (env.taken.contains(candidate)
                    || self.names.contains(candidate)
                    || env
                        .extents
                        .values()
                        .any(|e| matches!(e, Extent::Axis(a) if a.value == candidate))
                    || env.bound().any(|local| local.emitted == candidate))
        };
        let mut emitted = name.value.clone();
        let mut number = 1;
        while taken(&emitted, env) {
            number += 1;
            emitted = format!("{}{number}", name.value);
        }
        let span = env.span(name.span);
        env.locals.push(Local {
            written: name.value.clone(),
            emitted: emitted.clone(),
            bare: false,
            span,
        });
        Name::new(emitted, span)
    }
}
