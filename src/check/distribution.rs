//! The right side of `~`: which family, which parameterization, which interval.

use super::{
    Checker, Context, Judged, Reported, foreign,
    problem::{FamilyProblem, NameProblem, ValueProblem},
};
use crate::library::{self, Bound, Density, Family, Parameterization, Support};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Interval, Name};
use crate::typed::{self, Distribution, Plane, RandomRole, Role, Truncation};

impl<'a> Checker<'a> {
    /// The distribution of one element of `name`, in the context of the left side.
    pub(super) fn distribution(
        &mut self,
        name: &Name,
        expr: &Expr,
        context: &Context,
        role: RandomRole,
    ) -> Judged<Distribution> {
        match &expr.kind {
            ExprKind::Group(inner) => self.distribution(name, inner, context, role),
            ExprKind::In(inner, interval) => {
                let distribution = self.distribution(name, inner, context, role);
                let truncation = self.truncation(name, interval, context);
                let (mut distribution, truncation) = (distribution?, truncation?);
                self.check_truncation(&distribution, &truncation)?;
                distribution.truncation = Some(truncation);
                Ok(distribution)
            }
            ExprKind::Name(family) if library::family(family).is_some() => {
                let family = Name::new(family.clone(), expr.span);
                self.family_call(name, &family, &[], expr.span, context, role)
            }
            ExprKind::Call(family, arguments) => {
                self.family_call(name, family, arguments, expr.span, context, role)
            }
            ExprKind::If(..) => Err(self.report(NameProblem::NotYet {
                what: "a choice between distributions".to_owned(),
                span: expr.span,
            })),
            ExprKind::Start(..) => Err(self.report(NameProblem::NotYet {
                what: "recurrences with `start`".to_owned(),
                span: expr.span,
            })),
            ExprKind::Error => {
                self.incomplete = true;
                Err(Reported)
            }
            ExprKind::Name(_)
            | ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_) => Err(self.not_a_distribution(name, expr, context, role)),
        }
    }

    fn family_call(
        &mut self,
        name: &Name,
        family_name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
        role: RandomRole,
    ) -> Judged<Distribution> {
        let Some(family) = library::family(&family_name.value) else {
            let reported = self.unknown_family(family_name, arguments);
            self.look_at(arguments, context);
            return Err(reported);
        };
        let slots = self.match_arguments(family, family_name, arguments);
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.family_argument(name, &argument.value, context, role));
        }
        let (parameterization, slots) = slots?;
        let values = values.into_iter().collect::<Judged<Vec<_>>>()?;
        let arguments = slots.iter().map(|slot| values[*slot].clone()).collect();
        Ok(Distribution { family, parameterization, arguments, truncation: None, span })
    }

    /// An argument: a single number in the context of the left side.
    fn family_argument(
        &mut self,
        name: &Name,
        value: &Expr,
        context: &Context,
        role: RandomRole,
    ) -> Judged<typed::Expr> {
        let free = self.free(value, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(name, value, &free, context));
        }
        let typed = self.elaborate(value, context)?;
        let typed = self.number(typed)?;
        if typed.plane == Plane::Predicted && role != RandomRole::Predicted {
            return Err(self.report(NameProblem::UsesPrediction {
                name: name.value.clone(),
                span: value.span,
            }));
        }
        Ok(typed)
    }

    fn unknown_family(&mut self, name: &Name, arguments: &[Argument]) -> Reported {
        if self.is_poisoned(&name.value) || !self.unknown.insert(format!("{}()", name.value)) {
            return Reported;
        }
        if PLANNED_FAMILIES.contains(&name.value.as_str()) {
            return self.report(NameProblem::NotYet {
                what: format!("the family `{}`", name.value),
                span: name.span,
            });
        }
        let families = library::distribution::ALL.iter().map(|f| f.name);
        let plain = name.value.rsplit('.').next().unwrap_or(&name.value);
        let nearest = library::family(plain)
            .map(|f| f.name)
            .or_else(|| library::synonym(plain).filter(|s| library::family(s).is_some()))
            .map(str::to_owned)
            .or_else(|| Self::nearest(&name.value, families));
        let function = library::function(&name.value).is_some();
        let rewriting = foreign::distribution(name, arguments, nearest.as_deref());
        self.report(FamilyProblem::UnknownFamily {
            name: name.value.clone(),
            span: name.span,
            function,
            rewriting,
        })
    }

    /// Finds the parameterization that the arguments fit: positional ones fill its parameters in
    /// order, named ones by name. For each parameter, the argument that fills it.
    fn match_arguments(
        &mut self,
        family: &'static Family,
        name: &Name,
        arguments: &[Argument],
    ) -> Judged<(&'static Parameterization, Vec<usize>)> {
        if family.named_only
            && let Some(positional) = arguments.iter().find(|a| a.name.is_none())
        {
            return Err(self.report(FamilyProblem::NamedArgumentsOnly {
                family: family.name,
                span: positional.value.span,
                forms: forms(family),
                names: first_names(family, arguments),
            }));
        }
        for parameterization in family.parameterizations {
            if let Some(slots) = fit(parameterization, arguments) {
                return Ok((parameterization, slots));
            }
        }
        let known = family.parameterizations.iter().flat_map(|p| p.parameters).map(|p| p.name);
        let known: Vec<&str> = known.collect();
        let stranger = arguments
            .iter()
            .filter_map(|a| a.name.as_ref())
            .find(|n| !known.contains(&n.value.as_str()))
            .map(|n| {
                let nearest = Self::nearest(&n.value, known.iter().copied());
                (n.value.clone(), n.span, nearest)
            });
        Err(self.report(FamilyProblem::WrongFamilyArguments {
            family: family.name,
            span: name.span,
            forms: forms(family),
            given: arguments.len(),
            stranger,
            renamed: foreign::renamed(family, arguments)
                .or_else(|| foreign::without_location(family, arguments)),
        }))
    }

    fn truncation(
        &mut self,
        name: &Name,
        interval: &Interval,
        context: &Context,
    ) -> Judged<Truncation> {
        let low = self.family_argument(name, &interval.low, context, RandomRole::Predicted);
        let high = self.family_argument(name, &interval.high, context, RandomRole::Predicted);
        let (low, high) = (low?, high?);
        if let (Some(a), Some(b)) = (low.constant(), high.constant())
            && a >= b
        {
            return Err(self.report(FamilyProblem::EmptyInterval {
                name: name.value.clone(),
                span: interval.span,
                ends: (interval.low.span, a, interval.high.span, b),
            }));
        }
        let finite =
            |end: typed::Expr, infinity: f64| (end.constant() != Some(infinity)).then_some(end);
        Ok(Truncation {
            low: finite(low, f64::NEG_INFINITY),
            high: finite(high, f64::INFINITY),
            span: interval.span,
        })
    }

    fn check_truncation(
        &mut self,
        distribution: &Distribution,
        truncation: &Truncation,
    ) -> Judged<()> {
        let span = truncation.span;
        let density = distribution.parameterization.density;
        if distribution.truncation.is_some() {
            return Err(self.report(FamilyProblem::TwoIntervals { span }));
        }
        if density != Density::Flat && !density.has_cdf() {
            let half = foreign::half(distribution, truncation);
            let family = distribution.family.name;
            return Err(self.report(FamilyProblem::NoCdf { family, span, half }));
        }
        Ok(())
    }

    /// What is known of each latent's values: its family's support, cut by literal bounds.
    pub(super) fn infer_ranges(&mut self) {
        for random in self.random_values.iter().flatten() {
            if random.role != RandomRole::Latent {
                continue;
            }
            let d = &random.distribution;
            let (low, high) = d.parameterization.variate.bounds();
            // An end that is not a constant is unknown: NaN compares with nothing.
            let value = |bound| match bound {
                Bound::Value(x) => x,
                Bound::Parameter(i) => {
                    d.arguments.get(i).and_then(typed::Expr::constant).unwrap_or(f64::NAN)
                }
            };
            let mut range = (value(low), value(high));
            if let Some(truncation) = &d.truncation {
                if let Some(end) = &truncation.low {
                    range.0 = end.constant().map_or(f64::NAN, |x| x.max(range.0));
                }
                if let Some(end) = &truncation.high {
                    range.1 = end.constant().map_or(f64::NAN, |x| x.min(range.1));
                }
            }
            self.typed.variables[random.variable.index()].range = Some(range);
        }
    }

    /// A literal or a latent whose values may leave the support of the parameter it is given to.
    pub(super) fn check_supports(&mut self) {
        let randoms = std::mem::take(&mut self.random_values);
        for random in randoms.iter().flatten() {
            let d = &random.distribution;
            for (argument, parameter) in d.arguments.iter().zip(d.parameterization.parameters) {
                self.check_support(d, argument, parameter.name, parameter.support);
            }
        }
        self.random_values = randoms;
    }

    fn check_support(
        &mut self,
        distribution: &Distribution,
        argument: &typed::Expr,
        parameter: &'static str,
        support: Support,
    ) {
        if support.is_discrete() && argument.plane != Plane::Data {
            self.report(ValueProblem::WrongKind {
                what: format!("`{}`'s {parameter}", distribution.family.name),
                wanted: "a whole number known from data".to_owned(),
                span: argument.span,
                found: "something that depends on latents".to_owned(),
                help: forms(distribution.family)
                    .first()
                    .map(|form| format!("the arguments are `{form}`, in this order")),
            });
            return;
        }
        if let Some(value) = argument.constant() {
            // Bounds that name other parameters are checked with the data, or are literals too.
            let fixed = !matches!(support, Support::Interval(..) | Support::Integers(..));
            let family = distribution.family.name;
            if fixed && !support.contains(value, &[]) {
                let span = argument.span;
                self.report(FamilyProblem::LiteralOutsideSupport {
                    family,
                    parameter,
                    support,
                    span,
                    value,
                });
            } else if !fixed && let Some(other) = foreign::beyond(distribution, support, value) {
                let at = (argument.span, value);
                self.report(FamilyProblem::LiteralsOutOfOrder { family, parameter, at, other });
            }
            return;
        }
        let typed::ExprKind::Variable(variable, _) = &argument.kind else { return };
        let variable = self.typed.variable(*variable);
        let (Role::Latent(id), Some((low, high))) = (&variable.role, variable.range) else {
            return;
        };
        let (wanted_low, wanted_high) = match support.bounds() {
            (Bound::Value(low), Bound::Value(high)) => (low, high),
            (Bound::Parameter(_), _) | (_, Bound::Parameter(_)) => return,
        };
        if low < wanted_low || high > wanted_high {
            let statement = self.randoms[id.index()].1;
            let prior = self.random_values_span(*id);
            self.report(FamilyProblem::LatentOutsideSupport {
                family: distribution.family.name,
                parameter,
                support,
                span: argument.span,
                name: variable.name.clone(),
                statement: prior.unwrap_or(statement),
            });
        }
    }

    fn random_values_span(&self, id: typed::RandomId) -> Option<Span> {
        self.randoms.get(id.index()).map(|(tree, _)| tree.distribution.span)
    }
}

/// Families of the language that later versions run.
const PLANNED_FAMILIES: &[&str] = &[
    "Categorical",
    "Censored",
    "Dirichlet",
    "GP",
    "ICAR",
    "InvWishart",
    "LKJ",
    "LKJCholesky",
    "MatrixNormal",
    "Mixture",
    "Multinomial",
    "MvNormal",
    "Ordered",
    "OrderedLogistic",
    "PointMass",
    "Scaled",
    "Wishart",
    "ZeroSum",
];

/// The argument for each parameter, if all arguments find a place and no parameter lacks one.
fn fit(parameterization: &Parameterization, arguments: &[Argument]) -> Option<Vec<usize>> {
    let parameters = parameterization.parameters;
    let mut slots = vec![None; parameters.len()];
    for (i, argument) in arguments.iter().enumerate() {
        let slot = match &argument.name {
            None => i,
            Some(name) => parameters.iter().position(|p| p.name == name.value)?,
        };
        let place = slots.get_mut(slot)?;
        if place.replace(i).is_some() {
            return None;
        }
    }
    slots.into_iter().collect()
}

/// The names that the first form of a family has for arguments of which none is named.
fn first_names(family: &Family, arguments: &[Argument]) -> Vec<(Span, &'static str)> {
    let Some(first) = family.parameterizations.first() else { return Vec::new() };
    let fits = first.parameters.len() == arguments.len();
    if !fits || arguments.iter().any(|a| a.name.is_some()) {
        return Vec::new();
    }
    arguments.iter().zip(first.parameters).map(|(a, p)| (a.value.span, p.name)).collect()
}

/// Every way to call a family: `Gamma(shape = …, rate = …)`.
fn forms(family: &Family) -> Vec<String> {
    let form = |p: &Parameterization| {
        let parameters: Vec<String> = p
            .parameters
            .iter()
            .map(|q| if family.named_only { format!("{} = …", q.name) } else { q.name.to_owned() })
            .collect();
        format!("{}({})", family.name, parameters.join(", "))
    };
    family.parameterizations.iter().map(form).collect()
}
