//! Distributions that are not a family of one value with scalar arguments: outcomes with a
//! probability each, point masses, constraints on independent elements, joint families.

use super::distribution::Left;
use super::elaborate::data;
use super::{
    Checker, Context, Judged,
    problem::{FamilyProblem, StructureProblem, ValueProblem},
};
use crate::library::joint::{
    JointFamily, OutcomeDensity, OutcomeFamily, OutcomeForm, OutcomeParameter, outcome_family,
};
use crate::library::{Elementwise, Reduction, joint::joint_family};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, Name};
use crate::typed::{
    self, Axis, AxisId, AxisOrigin, Distribution, Elements, IndexId, Kind, Operator, Plane,
    Structure,
};

/// What a name of a distribution means beyond the families of one value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Special {
    /// `PointMass(value)`
    PointMass,
    /// `DiscreteUniform(axis)`
    UniformOver,
    /// `Categorical(p)` and its like.
    Outcome,
    /// `Ordered(D)`, `ZeroSum(D)`
    Structured(Structure),
    /// `GP(kernel, at = x)`
    Process,
    /// A family of several values.
    Joint(&'static JointFamily),
    /// `Censored(D, right = flag)`
    Censored,
    /// `Scaled(D, location, scale)`
    Scaled,
    /// `Mixture(weights, D)`
    Mixture,
}

impl Special {
    /// What a call means.
    pub(super) fn of(name: &str, arguments: &[Argument]) -> Option<Special> {
        match name {
            "DiscreteUniform" => match arguments {
                [Argument { name: None, value }] => value.name().map(|_| Special::UniformOver),
                _ => None,
            },
            _ => Special::by_name(name),
        }
    }

    fn by_name(name: &str) -> Option<Special> {
        match name {
            "PointMass" => Some(Special::PointMass),
            "Ordered" => Some(Special::Structured(Structure::Ordered)),
            "ZeroSum" => Some(Special::Structured(Structure::ZeroSum)),
            "GP" => Some(Special::Process),
            "Censored" => Some(Special::Censored),
            "Scaled" => Some(Special::Scaled),
            "Mixture" => Some(Special::Mixture),
            _ if outcome_family(name).is_some() => Some(Special::Outcome),
            _ => joint_family(name).map(Special::Joint),
        }
    }

    /// Whether a name is that of such a distribution.
    pub(super) fn named(name: &str) -> bool {
        Special::by_name(name).is_some()
    }

    /// Whether such a distribution gives elements of an axis or whole numbers, one at a time.
    pub(super) fn is_finite(name: &str) -> bool {
        outcome_family(name).is_some()
    }
}

impl<'a> Checker<'a> {
    /// Whether a name is that of an axis and of nothing else.
    pub(super) fn is_axis(&self, name: &str) -> bool {
        self.axis_names.contains_key(name)
    }

    pub(super) fn special(
        &mut self,
        special: Special,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        match special {
            Special::PointMass => self.point_mass(left, name, arguments, span, context),
            Special::UniformOver => self.uniform_over(arguments, span),
            Special::Outcome => self.outcome(left, name, arguments, span, context),
            Special::Structured(structure) => {
                self.structured(structure, left, arguments, span, context)
            }
            Special::Process => self.process(left, name, arguments, span, context),
            Special::Joint(family) => self.joint(left, family, name, arguments, span, context),
            Special::Censored => self.censored(left, name, arguments, span, context),
            Special::Scaled => self.scaled(left, name, arguments, span, context),
            Special::Mixture => self.mixture(left, name, arguments, span, context),
        }
    }

    /// `DiscreteUniform(axis)`: every element is equally probable.
    fn uniform_over(&mut self, arguments: &[Argument], span: Span) -> Judged<Distribution> {
        let axis = arguments
            .first()
            .and_then(|a| a.value.name().map(|name| Name::new(name.to_owned(), a.value.span)));
        // `Special::of` has found a name.
        let axis = self.named_axis(&axis.ok_or(super::Reported)?)?;
        let index = self.fresh_index(self.index_name(&Context::default(), axis), axis);
        let size = data(typed::ExprKind::Size(axis), Kind::Int, span);
        let log_size = call(Elementwise::Log, vec![size], span);
        let log_probability = negate(log_size);
        Ok(Distribution::Elements(Elements {
            family: "DiscreteUniform",
            index,
            log_probability,
            span,
        }))
    }

    fn outcome(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        // The caller has looked the family up.
        let family = outcome_family(&name.value).ok_or(super::Reported)?;
        let Some((form, slots)) = self.outcome_form(family, arguments) else {
            self.look_at(arguments, context);
            return Err(self.report(FamilyProblem::WrongFamilyArguments {
                family: family.name,
                span: name.span,
                forms: outcome_forms(family),
                given: arguments.len(),
                stranger: None,
                renamed: None,
            }));
        };
        let value = |at: usize| &arguments[slots[at]].value;
        match form.density {
            OutcomeDensity::Categorical | OutcomeDensity::CategoricalLogit => {
                let scale = form.density;
                let (index, log_probability) =
                    self.categorical(left, family.name, value(0), scale, context)?;
                Ok(Distribution::Elements(Elements {
                    family: family.name,
                    index,
                    log_probability,
                    span,
                }))
            }
            OutcomeDensity::OrderedLogistic | OutcomeDensity::OrderedProbit => {
                let eta = self.family_argument(left, value(0), context)?;
                let axis = self.vector_axis(left, family.name, value(1), context)?;
                let cuts = self.borders(eta, value(1), axis, form.density, span, context)?;
                let (index, log_probability) = cuts;
                Ok(Distribution::Elements(Elements {
                    family: family.name,
                    index,
                    log_probability,
                    span,
                }))
            }
        }
    }

    /// The form that the argument names choose, and the argument of each parameter.
    fn outcome_form(
        &self,
        family: &'static OutcomeFamily,
        arguments: &[Argument],
    ) -> Option<(&'static OutcomeForm, Vec<usize>)> {
        family.forms.iter().find_map(|form| {
            let names: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
            Some((form, super::joint::all_slots(&names, arguments)?))
        })
    }

    /// The one free axis of an argument with a number for each of its elements.
    pub(super) fn vector_axis(
        &mut self,
        left: &Left<'_>,
        family: &'static str,
        value: &Expr,
        context: &Context,
    ) -> Judged<AxisId> {
        let free = self.free(value, context)?;
        match free[..] {
            [axis] => Ok(axis),
            _ => {
                let axes = self.axis_list(&free);
                let name = left.name.value.clone();
                Err(self.report(StructureProblem::OutcomeAxis {
                    name,
                    family,
                    span: value.span,
                    axes,
                }))
            }
        }
    }

    /// ln P(X = k): of probabilities their logarithm, of logits less their log-sum-exp.
    fn categorical(
        &mut self,
        left: &Left<'_>,
        family: &'static str,
        value: &Expr,
        density: OutcomeDensity,
        context: &Context,
    ) -> Judged<(IndexId, typed::Expr)> {
        let axis = self.vector_axis(left, family, value, context)?;
        let (inner, indices) = self.bind_fresh(context, &[axis]);
        let own = self.elaborate(value, &inner).and_then(|e| self.number(e))?;
        self.not_predicted(left, &own)?;
        let span = value.span;
        let log_probability = if density == OutcomeDensity::Categorical {
            call(Elementwise::Log, vec![own], span)
        } else {
            let (inner, indices) = self.bind_fresh(context, &[axis]);
            let body = self.elaborate(value, &inner).and_then(|e| self.number(e))?;
            let total = self.reduce(Reduction::LogSumExp, indices, None, body, span);
            subtract(own, total)
        };
        Ok((indices[0], log_probability))
    }

    /// ln(F(c[k] - eta) - F(c[k - 1] - eta)) for the outcomes k, one more than the cutpoints.
    fn borders(
        &mut self,
        eta: typed::Expr,
        cutpoints: &Expr,
        axis: AxisId,
        density: OutcomeDensity,
        span: Span,
        context: &Context,
    ) -> Judged<(IndexId, typed::Expr)> {
        let outcomes = self.outcomes_of(axis, span);
        let index = self.fresh_index("k", outcomes);
        let number = |shift: f64| {
            let k = data(typed::ExprKind::Index(index), Kind::Index(outcomes), span);
            let k = data(typed::ExprKind::ElementNumber(Box::new(k)), Kind::Int, span);
            let shift = data(typed::ExprKind::Number(shift), Kind::Int, span);
            let kind = typed::ExprKind::Binary(Operator::Add, Box::new(k), Box::new(shift));
            data(kind, Kind::Int, span)
        };
        let size = data(typed::ExprKind::Size(axis), Kind::Int, span);
        // The cutpoints as positions on their axis, whatever its elements are.
        let below = |checker: &mut Self, shift: f64| -> Judged<typed::Expr> {
            let (inner, indices) = checker.bind_fresh(context, &[axis]);
            let cut = checker.elaborate(cutpoints, &inner).and_then(|e| checker.number(e))?;
            let at =
                data(typed::ExprKind::ElementAt(Box::new(number(shift))), Kind::Index(axis), span);
            let cut = cut.with_index(indices[0], &at);
            Ok(subtract(cut, eta.clone()))
        };
        // Outcome k = 1..K lies between the cutpoints at the positions k - 2 and k - 1, from 0.
        let (upper, lower) = (below(self, -1.0)?, below(self, -2.0)?);
        let function = match density {
            OutcomeDensity::OrderedProbit => Elementwise::LogNormalCdf,
            OutcomeDensity::OrderedLogistic
            | OutcomeDensity::Categorical
            | OutcomeDensity::CategoricalLogit => Elementwise::LogInvLogit,
        };
        let ln_cdf = |z: typed::Expr| call(function, vec![z], span);
        let ln_survival = |z: typed::Expr| call(function, vec![negate(z)], span);
        let compare = |operator: Operator, a: typed::Expr, b: typed::Expr| {
            data(typed::ExprKind::Binary(operator, Box::new(a), Box::new(b)), Kind::Bool, span)
        };
        let is_last = compare(Operator::Greater, number(0.0), size);
        let is_first = compare(Operator::LessEqual, number(0.0), constant(1.0, span));
        let between = call(
            Elementwise::LogDiffExp,
            vec![ln_survival(lower.clone()), ln_survival(upper.clone())],
            span,
        );
        let rest = choose(is_last, ln_survival(lower), between);
        Ok((index, choose(is_first, ln_cdf(upper), rest)))
    }

    /// The axis 1..K of the outcomes between K - 1 cutpoints.
    fn outcomes_of(&mut self, cutpoints: AxisId, span: Span) -> AxisId {
        let name = format!("1..size({}) + 1", self.typed.axis(cutpoints).name);
        if let Some(axis) = self.axis_names.get(&name) {
            return *axis;
        }
        let size = data(typed::ExprKind::Size(cutpoints), Kind::Int, span);
        let one = constant(1.0, span);
        let high = typed::ExprKind::Binary(Operator::Add, Box::new(size), Box::new(one.clone()));
        let axis = AxisId(self.typed.axes.len() as u32);
        let origin = AxisOrigin::Range(one, data(high, Kind::Int, span));
        self.typed.axes.push(Axis { name: name.clone(), span, origin });
        self.axis_names.insert(name, axis);
        axis
    }

    /// Whether what a name holds can be the outcomes of an axis.
    pub(super) fn check_outcome(
        &mut self,
        name: &Name,
        kind: Kind,
        elements: &Elements,
    ) -> Judged<()> {
        let axis = self.typed.index_of(elements.index).axis;
        // Outcomes between cutpoints are counted, and ordered labels have positions.
        let counted = matches!(elements.family, "OrderedLogistic" | "OrderedProbit");
        let fits = match kind {
            Kind::Index(of) if counted => self.typed.is_ordered_axis(of),
            Kind::Index(of) => of == axis || self.exchangeable(of, axis),
            Kind::Int | Kind::Bool => self.typed.is_integer_axis(axis),
            Kind::Real => false,
        };
        if fits {
            return Ok(());
        }
        let axis = self.typed.axis(axis).name.clone();
        let (wanted, help) = if counted {
            (
                "a whole number from 1, or an element of an axis whose labels are listed in order"
                    .to_owned(),
                format!(
                    "declare it so: `{0}: int`, or `axis rating = [\"low\", \"high\"]` and `{0}: rating`",
                    name.value
                ),
            )
        } else {
            (
                format!("an element of `{axis}`"),
                format!("declare it with its axis: `{}: {axis}`", name.value),
            )
        };
        Err(self.report(ValueProblem::WrongKind {
            what: format!("`{}`, which `{}` observes,", name.value, elements.family),
            wanted,
            span: name.span,
            found: self.typed.kind_name(kind),
            help: Some(help),
        }))
    }
}

fn outcome_forms(family: &OutcomeFamily) -> Vec<String> {
    let form = |(i, form): (usize, &OutcomeForm)| {
        let parameter = |p: &OutcomeParameter| match i {
            0 => p.name.to_owned(),
            _ => format!("{} = …", p.name),
        };
        let parameters: Vec<String> = form.parameters.iter().map(parameter).collect();
        format!("{}({})", family.name, parameters.join(", "))
    };
    family.forms.iter().enumerate().map(form).collect()
}

/// A function of checked scalars.
pub(super) fn call(function: Elementwise, arguments: Vec<typed::Expr>, span: Span) -> typed::Expr {
    let plane = arguments.iter().map(|a| a.plane).max().unwrap_or(Plane::Data);
    typed::Expr { kind: typed::ExprKind::Call(function, arguments), ty: Kind::Real, plane, span }
}

pub(super) fn negate(a: typed::Expr) -> typed::Expr {
    let (plane, span) = (a.plane, a.span);
    typed::Expr { kind: typed::ExprKind::Negate(Box::new(a)), ty: Kind::Real, plane, span }
}

pub(super) fn constant(x: f64, span: Span) -> typed::Expr {
    let ty = if x.fract() == 0.0 { Kind::Int } else { Kind::Real };
    data(typed::ExprKind::Number(x), ty, span)
}

/// `a op b`, a real number, told to stand where `a` does.
pub(super) fn binary(operator: Operator, a: typed::Expr, b: typed::Expr) -> typed::Expr {
    let span = a.span;
    combine(operator, a, b, span)
}

/// `a op b`, a real number.
pub(super) fn combine(
    operator: Operator,
    a: typed::Expr,
    b: typed::Expr,
    span: Span,
) -> typed::Expr {
    let plane = a.plane.max(b.plane);
    let kind = typed::ExprKind::Binary(operator, Box::new(a), Box::new(b));
    typed::Expr { kind, ty: Kind::Real, plane, span }
}

fn subtract(a: typed::Expr, b: typed::Expr) -> typed::Expr {
    binary(Operator::Subtract, a, b)
}

/// `if condition then yes else no`
pub(super) fn choose(condition: typed::Expr, yes: typed::Expr, no: typed::Expr) -> typed::Expr {
    let plane = condition.plane.max(yes.plane).max(no.plane);
    let span = yes.span;
    let kind = typed::ExprKind::If(Box::new(condition), Box::new(yes), Box::new(no));
    typed::Expr { kind, ty: Kind::Real, plane, span }
}
