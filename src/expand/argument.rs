//! Matches the arguments of a call to the parameters of a definition: by position and name, and
//! for a parameter with axes, by the axes that are written where the argument is defined.

use super::problem::{CallProblem, Called, Report};
use super::scope::Env;
use super::{Axes, Expander, Judged, Reported, nearest, tree};
use crate::source::Span;
use crate::syntax::ast::{
    Argument, Binder, Define, Expr, ExprKind, Extent, FunctionParameter, Name,
};

impl<'a> Expander<'a, '_> {
    /// The arguments in the order of the parameters, as trees of the expanded program.
    pub(super) fn matched(
        &mut self,
        called: &Called,
        parameters: &[FunctionParameter],
        arguments: &[Argument],
        span: Span,
        env: &mut Env,
    ) -> Judged<Vec<Expr>> {
        let mut slots: Vec<Option<Expr>> = vec![None; parameters.len()];
        let mut failed = false;
        let mut named = false;
        for (at, argument) in arguments.iter().enumerate() {
            let slot = match &argument.name {
                None if named => {
                    let span = env.span(argument.value.span);
                    self.report(CallProblem::PositionalAfterNamed { called: called.clone(), span });
                    None
                }
                None => (at < slots.len()).then_some(at),
                Some(name) => {
                    named = true;
                    self.slot(called, parameters, name, &slots, env)
                }
            };
            let value = self.expr(&argument.value, env);
            match slot {
                Some(slot) => slots[slot] = Some(value),
                None => failed = true,
            }
        }
        if !named && arguments.len() != parameters.len() {
            let (wanted, given) = (parameters.len(), arguments.len());
            let called = called.clone();
            self.report(CallProblem::ArgumentCount { called, span, wanted, given });
            return Err(Reported);
        }
        if failed {
            return Err(Reported);
        }
        for (slot, parameter) in slots.iter().zip(parameters) {
            if slot.is_none() {
                let (called, name) = (called.clone(), parameter.name.value.clone());
                self.report(CallProblem::MissingArgument { called, name, span });
                return Err(Reported);
            }
        }
        Ok(slots.into_iter().flatten().collect())
    }

    /// The parameter that a named argument fills.
    fn slot(
        &mut self,
        called: &Called,
        parameters: &[FunctionParameter],
        name: &Name,
        slots: &[Option<Expr>],
        env: &Env,
    ) -> Option<usize> {
        let (span, written) = (env.span(name.span), name.value.clone());
        let called = called.clone();
        let Some(slot) = parameters.iter().position(|p| p.name.value == written) else {
            let nearest = nearest(&written, parameters.iter().map(|p| p.name.value.as_str()));
            self.report(CallProblem::UnknownArgument { called, name: written, span, nearest });
            return None;
        };
        if slots[slot].is_some() {
            self.report(CallProblem::RepeatedArgument { called, name: written, span });
            return None;
        }
        Some(slot)
    }

    /// Adds the arguments to the environment of a body.
    pub(super) fn bind(
        &mut self,
        called: &Called,
        parameters: &[FunctionParameter],
        arguments: Vec<Expr>,
        body: &mut Env,
    ) -> Judged<()> {
        let mut failed = Ok(());
        for (parameter, argument) in parameters.iter().zip(arguments) {
            tree::names(&argument, &mut body.taken);
            let argument = match parameter.axes.as_slice() {
                [] => tree::grouped(argument),
                _ => {
                    let array = self.array(called, parameter, &argument, body);
                    failed = failed.and(array);
                    argument
                }
            };
            body.values.insert(parameter.name.value.clone(), argument);
        }
        failed
    }

    /// Gives the axis parameters of an array parameter the axes of its argument.
    fn array(
        &mut self,
        called: &Called,
        parameter: &FunctionParameter,
        argument: &Expr,
        body: &mut Env,
    ) -> Judged<()> {
        let wanted = tree::names_of(&parameter.axes);
        let span = argument.span;
        let plain = argument.ungrouped();
        if plain.kind == ExprKind::Error {
            return Err(Reported);
        }
        let ExprKind::Name(name) = plain.kind.clone() else {
            let parameter = parameter.name.value.clone();
            let (called, axes) = (called.clone(), wanted);
            self.report(CallProblem::ArgumentIsExpression { called, parameter, axes, span });
            return Err(Reported);
        };
        let Some(axes) = self.axes_of(&name) else {
            self.report(CallProblem::ArgumentAxesUnwritten { name, span, axes: wanted });
            return Err(Reported);
        };
        if axes.len() != parameter.axes.len() {
            let (called, axes) = (called.clone(), tree::extents(&axes));
            self.report(CallProblem::ArgumentAxisCount { called, name, span, axes, wanted });
            return Err(Reported);
        }
        for (axis, actual) in parameter.axes.iter().zip(axes) {
            let actual_text = tree::extent(&actual);
            if let Some(known) = body.extents.get(&axis.value).map(tree::extent)
                && known != actual_text
            {
                let (called, axis) = (called.clone(), axis.value.clone());
                let two = [known, actual_text];
                self.report(CallProblem::ArgumentAxesDisagree { called, name, span, axis, two });
                return Err(Reported);
            }
            if let Extent::Axis(axis) = &actual {
                body.taken.insert(axis.value.clone());
            }
            body.extents.insert(axis.value.clone(), actual);
        }
        Ok(())
    }

    /// The axes of a name of the expanded program, if they are written.
    pub(super) fn axes_of(&mut self, name: &str) -> Option<Vec<Extent>> {
        if let Some((alias, _)) = name.split_once('.')
            && self.uses.contains_key(alias)
        {
            // Setting a part up notes the axes of its names.
            self.instance(alias).ok()?;
        }
        match self.axes.get(name).cloned() {
            Some(Axes::Written(extents)) => Some(extents),
            Some(Axes::Define(define, env)) => match &define.binders {
                Some(binders) => self.extents(binders, &env),
                None => self.axes_of_value(name, define, env),
            },
            Some(Axes::Random(random, env)) => match &random.binders {
                Some(binders) => self.extents(binders, &env),
                None => Some(Vec::new()),
            },
            None => None,
        }
    }

    /// The axes of a definition without brackets that is another name of an array.
    fn axes_of_value(
        &mut self,
        name: &str,
        define: &'a Define,
        mut env: Env,
    ) -> Option<Vec<Extent>> {
        if self.depth_apart >= self.limits.bodies {
            return None;
        }
        if !self.early.contains_key(name) {
            self.early.insert(name.to_owned(), None);
            let value = self.apart(|expander| expander.expr(&define.value, &mut env));
            self.early.insert(name.to_owned(), Some(value));
        }
        let value = self.early.get(name)?.as_ref()?;
        let ExprKind::Name(other) = &value.ungrouped().kind else { return None };
        let other = other.clone();
        self.axes_of(&other)
    }

    /// What the indices on a left side run over.
    pub(super) fn extents(&mut self, binders: &[Binder], env: &Env) -> Option<Vec<Extent>> {
        let mut out = Vec::new();
        for binder in binders {
            let extent = match (&binder.name, &binder.extent) {
                (_, Some(extent)) => extent.clone(),
                (Some(name), None) => Extent::Axis(name.clone()),
                (None, None) => return None,
            };
            out.push(self.extent(&extent, env).ok()?);
        }
        Some(out)
    }
}
