//! Sets up a part where it is used: its axes and inputs, its own names, and its outputs.

use super::problem::{PartProblem, Report};
use super::scope::{Callable, Env, Scope};
use super::statement::made_axis;
use super::{Axes, Expander, Judged, Reported, UseSite, call, nearest, tree};
use crate::source::Span;
use crate::syntax::ast::{
    Define, Expr, ExprKind, Extent, Name, Part, Statement, StatementKind, Use,
};
use std::collections::HashSet;

/// A part in use.
#[derive(Clone, Debug)]
pub(super) struct Instance<'a> {
    /// The part.
    pub(super) part: &'a Part,
    /// The file it stands in.
    pub(super) scope: usize,
    /// The `use`.
    pub(super) used: &'a Use,
    /// The names it defines.
    pub(super) own: HashSet<String>,
    /// Those of them that can be seen outside.
    pub(super) outputs: Vec<String>,
    /// How its equations are read.
    pub(super) env: Env,
}

impl<'a> Expander<'a, '_> {
    /// The part in use under a name of the expanded program, set up when first wanted.
    pub(super) fn instance(&mut self, alias: &str) -> Judged<&Instance<'a>> {
        if !self.instances.contains_key(alias) {
            self.instances.insert(alias.to_owned(), None);
            let Some(site) = self.uses.get(alias).cloned() else { return Err(Reported) };
            let instance = self.apart(|expander| expander.set_up(alias, site).ok());
            self.instances.insert(alias.to_owned(), instance);
            self.note_axes(alias);
        }
        self.instances.get(alias).and_then(Option::as_ref).ok_or(Reported)
    }

    fn set_up(&mut self, alias: &str, site: UseSite<'a>) -> Judged<Instance<'a>> {
        let UseSite { used, mut env } = site;
        let at = env.span(used.part.span.to(used.alias.span));
        let (scope, part) = self.used_part(used, &env)?;
        let called = call::called(&used.part, Callable::Part(part));
        let arguments = self.matched(&called, &part.parameters, &used.arguments, at, &mut env)?;
        let mut body = self.body_env(scope, &part.name, at, &env);
        body.part = Some(alias.to_owned());
        if part.axes.len() != used.axes.len() {
            let (wanted, given) = (part.axes.len(), used.axes.len());
            self.report(PartProblem::AxisCount { called, span: at, wanted, given });
            return Err(Reported);
        }
        for (parameter, axis) in part.axes.iter().zip(&used.axes) {
            let actual = self.extent(&Extent::Axis(axis.clone()), &env)?;
            body.extents.insert(parameter.value.clone(), actual);
        }
        let mut inputs = Vec::new();
        for (parameter, argument) in part.parameters.iter().zip(arguments) {
            let plain = parameter.axes.is_empty();
            inputs.push(if plain {
                self.input(alias, &parameter.name, argument, &body)
            } else {
                argument
            });
        }
        self.bind(&called, &part.parameters, inputs, &mut body)?;
        let own = self.own_names(alias, part, &body);
        let outputs = self.outputs(part, &own);
        Ok(Instance { part, scope, used, own, outputs, env: body })
    }

    /// The part that a `use` names.
    fn used_part(&mut self, used: &Use, env: &Env) -> Judged<(usize, &'a Part)> {
        let span = env.span(used.part.span);
        let name = used.part.value.clone();
        match self.callable(&used.part, env)? {
            Some((scope, Callable::Part(part))) => Ok((scope, part)),
            Some((_, callable @ (Callable::Function(_) | Callable::Family(_)))) => {
                let defined = callable.name().span;
                self.report(PartProblem::NotAPart { name, span, defined });
                Err(Reported)
            }
            None => {
                let parts = |scope: &Scope<'a>| {
                    let all = scope.callables.values().copied();
                    let parts = all.filter(|c| matches!(c, Callable::Part(_)));
                    parts.map(|c| c.name().value.as_str()).collect::<Vec<&'a str>>()
                };
                let nearest = nearest(&name, parts(&self.scopes[env.scope]).into_iter());
                self.report(PartProblem::Unknown { name, span, nearest });
                Err(Reported)
            }
        }
    }

    /// An input as the equations of the part see it: names, numbers and distributions as they are,
    /// anything else under a name of the part.
    fn input(&mut self, alias: &str, parameter: &Name, argument: Expr, body: &Env) -> Expr {
        let plain = argument.ungrouped();
        let signless = if let ExprKind::Unary(_, inner) = &plain.kind { inner } else { plain };
        let short = matches!(
            signless.kind,
            ExprKind::Name(_) | ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Error
        );
        if short || tree::is_distribution(plain) {
            return plain.clone();
        }
        let name = format!("{alias}.{}", parameter.value);
        let span = argument.span;
        let define = Define {
            report: false,
            name: Name::new(name.clone(), body.span(parameter.span)),
            binders: None,
            value: argument,
            guard: None,
        };
        let kind = StatementKind::Define(define);
        self.out.push(Statement { kind, span: body.span(parameter.span), documentation: None });
        Expr { kind: ExprKind::Name(name), span }
    }

    /// The names that a part defines; notes the parts that it uses in turn.
    fn own_names(&mut self, alias: &str, part: &'a Part, body: &Env) -> HashSet<String> {
        let mut own = HashSet::new();
        for statement in &part.statements {
            let what = match &statement.kind {
                StatementKind::Define(define) => {
                    own.insert(define.name.value.clone());
                    own.extend(made_axis(define).map(|axis| axis.value.clone()));
                    continue;
                }
                StatementKind::Random(random) => {
                    if !body.values.contains_key(&random.name.value) {
                        own.insert(random.name.value.clone());
                    }
                    continue;
                }
                StatementKind::Axis { name, .. } => {
                    own.insert(name.value.clone());
                    continue;
                }
                StatementKind::Ode(ode) => {
                    own.extend(ode.name.iter().map(|name| name.value.clone()));
                    own.extend(ode.equations.iter().map(|e| e.state.value.clone()));
                    continue;
                }
                StatementKind::Use(used) => {
                    let nested = format!("{alias}.{}", used.alias.value);
                    self.collect_use(used, nested, body);
                    continue;
                }
                StatementKind::Report(_)
                | StatementKind::Predict(_)
                | StatementKind::Factor(_)
                | StatementKind::Output(_)
                | StatementKind::Error => continue,
                StatementKind::Data(_) => "`data`",
                StatementKind::Import { .. } => "`import`",
                StatementKind::Function(_) => "`fun`",
                StatementKind::Distribution(_) => "`dist`",
                StatementKind::Part(_) => "a part",
            };
            let (span, part) = (body.span(statement.span), body.span(part.name.span));
            self.report(PartProblem::Misplaced { what, span, part });
        }
        own
    }

    fn outputs(&mut self, part: &'a Part, own: &HashSet<String>) -> Vec<String> {
        let mut outputs = Vec::new();
        for statement in &part.statements {
            let StatementKind::Output(names) = &statement.kind else { continue };
            for name in names {
                if own.contains(&name.value) {
                    outputs.push(name.value.clone());
                } else {
                    let (part, span) = (part.name.value.clone(), name.span);
                    let name = name.value.clone();
                    self.report(PartProblem::NoSuchOutput { part, name, span });
                }
            }
        }
        outputs
    }

    /// Notes where the axes of the names of a part are written.
    fn note_axes(&mut self, alias: &str) {
        let Some(Some(instance)) = self.instances.get(alias) else { return };
        let env = &instance.env;
        for statement in &instance.part.statements {
            let (name, axes) = if let StatementKind::Define(define) = &statement.kind {
                (&define.name.value, Axes::Define(define, env.clone()))
            } else if let StatementKind::Random(random) = &statement.kind {
                (&random.name.value, Axes::Random(random, env.clone()))
            } else {
                continue;
            };
            self.axes.entry(format!("{alias}.{name}")).or_insert(axes);
        }
    }

    /// The name of an output of a part in use.
    pub(super) fn output(&mut self, alias: &str, name: &str, span: Span) -> Judged<String> {
        let instance = self.instance(alias)?;
        if instance.outputs.iter().any(|output| output == name) {
            return Ok(format!("{alias}.{name}"));
        }
        let (outputs, defined) = (instance.outputs.clone(), instance.part.name.span);
        let private = instance.own.contains(name);
        let (alias, name) = (alias.to_owned(), name.to_owned());
        if private {
            self.report(PartProblem::Private { alias, name, span, outputs, defined });
        } else {
            let nearest = nearest(&name, outputs.iter().map(String::as_str));
            self.report(PartProblem::NotThere { alias, name, span, outputs, nearest, defined });
        }
        Err(Reported)
    }
}
