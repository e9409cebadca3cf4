//! The right side of `~`: which family, which parameterization, which interval.

use super::joint::all_slots;
use super::special::Special;
use super::{
    Checker, Context, Judged, Reported, foreign,
    problem::{FamilyProblem, StructureProblem},
};
use crate::library::{self, Density, Family, Parameterization};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Interval, Name};
use crate::typed::{
    self, Call, Choice, Distribution, Plane, PointMass, RandomRole, Structure, Truncation,
};

impl<'a> Checker<'a> {
    /// The distribution of one element of the left side, in its context.
    pub(super) fn distribution(
        &mut self,
        left: &Left<'_>,
        expr: &Expr,
        context: &Context,
    ) -> Judged<Distribution> {
        match &expr.kind {
            ExprKind::Group(inner) => self.distribution(left, inner, context),
            ExprKind::In(inner, interval) => {
                let distribution = self.distribution(left, inner, context);
                let truncation = self.truncation(left.name, interval, context);
                let (mut distribution, truncation) = (distribution?, truncation?);
                self.truncate(&mut distribution, &truncation)?;
                Ok(distribution)
            }
            ExprKind::Name(family) if is_family(family) => {
                let family = Name::new(family.clone(), expr.span);
                self.family_call(left, &family, &[], expr.span, context)
            }
            ExprKind::Call(family, arguments) => {
                self.family_call(left, family, arguments, expr.span, context)
            }
            ExprKind::If(condition, yes, no) => {
                if let Some(whole) = start_of_the_whole(expr) {
                    return self.distribution(left, &whole, context);
                }
                let condition = self.family_condition(left, condition, context);
                let yes = self.branch(left, yes, context, false);
                let no = self.branch(left, no, context, false);
                let (condition, yes, no) = (condition?, yes?, no?);
                Ok(Distribution::Choice(Box::new(Choice { condition, yes, no })))
            }
            ExprKind::Start(inner, first) => {
                self.enter_start();
                let inner = self.distribution(left, inner, context);
                let below = self.leave_start();
                let first = self.branch(left, first, context, true);
                let (inner, first) = (inner?, first?);
                Ok(match below {
                    Some(condition) => {
                        Distribution::Choice(Box::new(Choice { condition, yes: first, no: inner }))
                    }
                    None => {
                        return Err(
                            self.report(StructureProblem::NothingBefore { span: expr.span })
                        );
                    }
                })
            }
            ExprKind::Written(written) => self.written(left, written, expr.span, context),
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
            | ExprKind::List(_) => {
                Err(self.not_a_distribution(left.name, expr, context, left.role))
            }
        }
    }

    /// One of several distributions, among which a number is often meant to be the value.
    pub(super) fn branch(
        &mut self,
        left: &Left<'_>,
        expr: &Expr,
        context: &Context,
        start: bool,
    ) -> Judged<Distribution> {
        let is_value = match &expr.ungrouped().kind {
            ExprKind::Name(name) => !is_family(name),
            ExprKind::Number { .. } | ExprKind::Unary(..) | ExprKind::Index(..) => true,
            ExprKind::Call(..)
            | ExprKind::Label(_)
            | ExprKind::Group(_)
            | ExprKind::Binary(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_)
            | ExprKind::Error => false,
        };
        if is_value && self.free(expr, context)?.is_empty() {
            let (span, continuous) = (expr.span, left.role == RandomRole::Latent);
            return Err(self.report(StructureProblem::NumberInPlace { span, start, continuous }));
        }
        self.distribution(left, expr, context)
    }

    pub(super) fn family_condition(
        &mut self,
        left: &Left<'_>,
        condition: &Expr,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let free = self.free(condition, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(left.name, condition, &free, context));
        }
        self.condition(condition, context)
    }

    fn family_call(
        &mut self,
        left: &Left<'_>,
        family_name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        if let Some(special) = Special::of(&family_name.value, arguments) {
            return self.special(special, left, family_name, arguments, span, context);
        }
        if library::family(&family_name.value).is_none() {
            let reported = self.unknown_family(family_name, arguments);
            self.look_at(arguments, context);
            return Err(reported);
        }
        self.call(left, family_name, arguments, span, context).map(Distribution::Family)
    }

    /// `PointMass(value)`
    pub(super) fn point_mass(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let [Argument { name: None, value }] = arguments else {
            self.look_at(arguments, context);
            return Err(self.report(FamilyProblem::WrongFamilyArguments {
                family: "PointMass",
                span: name.span,
                forms: vec!["PointMass(value)".to_owned()],
                given: arguments.len(),
                stranger: None,
                renamed: None,
            }));
        };
        let value = self.family_argument(left, value, context)?;
        Ok(Distribution::PointMass(PointMass { value, span }))
    }

    /// A family of one value with its arguments, each a single number in the context.
    pub(super) fn call(
        &mut self,
        left: &Left<'_>,
        family_name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Call> {
        // The caller has looked the family up.
        let family = library::family(&family_name.value).ok_or(Reported)?;
        let slots = self.match_arguments(family, family_name, arguments);
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.family_argument(left, &argument.value, context));
        }
        let (parameterization, slots) = slots?;
        let values = values.into_iter().collect::<Judged<Vec<_>>>()?;
        let arguments = slots.iter().map(|slot| values[*slot].clone()).collect();
        Ok(Call { family, parameterization, arguments, truncation: None, span })
    }

    /// An argument: a single number in the context of the left side.
    pub(super) fn family_argument(
        &mut self,
        left: &Left<'_>,
        value: &Expr,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let free = self.free(value, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(left.name, value, &free, context));
        }
        let typed = self.elaborate(value, context)?;
        let typed = self.number(typed)?;
        self.not_predicted(left, &typed)?;
        Ok(typed)
    }

    /// Only predictions use predictions.
    pub(super) fn not_predicted(&mut self, left: &Left<'_>, value: &typed::Expr) -> Judged<()> {
        if value.plane == Plane::Predicted && left.role != RandomRole::Predicted {
            return Err(self.uses_prediction(&left.name.value, value));
        }
        Ok(())
    }

    fn unknown_family(&mut self, name: &Name, arguments: &[Argument]) -> Reported {
        if self.is_poisoned(&name.value) || !self.unknown.insert(format!("{}()", name.value)) {
            return Reported;
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
            let names: Vec<&str> = parameterization.parameters.iter().map(|p| p.name).collect();
            if let Some(slots) = all_slots(&names, arguments) {
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
        let left =
            Left { name, role: RandomRole::Predicted, over: &[], element: None, drawn: true };
        let low = self.family_argument(&left, &interval.low, context);
        let high = self.family_argument(&left, &interval.high, context);
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

    /// Conditions every family of one value in a distribution on an interval.
    fn truncate(&mut self, distribution: &mut Distribution, truncation: &Truncation) -> Judged<()> {
        let span = truncation.span;
        let call = match distribution {
            Distribution::Family(call) => call,
            Distribution::Structured(structured) if structured.structure == Structure::Ordered => {
                &mut structured.element
            }
            Distribution::Choice(choice) => {
                self.truncate(&mut choice.yes, truncation)?;
                return self.truncate(&mut choice.no, truncation);
            }
            Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => {
                let family = distribution.family_name();
                return Err(self.report(FamilyProblem::NoCdf { family, span }));
            }
        };
        if call.truncation.is_some() {
            return Err(self.report(FamilyProblem::TwoIntervals { span }));
        }
        let density = call.parameterization.density;
        let known =
            |end: &Option<typed::Expr>| end.as_ref().is_none_or(|end| end.plane == Plane::Data);
        // Masses between ends that are known can be added up.
        let summable = density.is_discrete() && known(&truncation.low) && known(&truncation.high);
        if density != Density::Flat && !density.has_cdf() && !summable {
            let family = call.family.name;
            return Err(self.report(FamilyProblem::NoCdf { family, span }));
        }
        call.truncation = Some(truncation.clone());
        Ok(())
    }
}

/// The left side of a `~` statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'t> {
    /// The name.
    pub(super) name: &'t Name,
    /// What the statement does with it.
    pub(super) role: RandomRole,
    /// The axes or indices after `over`.
    pub(super) over: &'t [Name],
    /// The element that is drawn, where a log density may name it.
    pub(super) element: Option<&'t typed::Expr>,
    /// Whether a prediction is drawn from it; `logpdf` asks for the density alone.
    pub(super) drawn: bool,
}

/// Whether a name without arguments is a family.
pub(super) fn is_family(name: &str) -> bool {
    library::family(name).is_some() || Special::named(name)
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
pub(super) fn forms(family: &Family) -> Vec<String> {
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

/// `if c then a else b start v`, which the parser has reported, as `(if c then a else b) start v`.
pub(super) fn start_of_the_whole(expr: &Expr) -> Option<Expr> {
    let ExprKind::If(condition, yes, no) = &expr.kind else { return None };
    let ExprKind::Start(inner, first) = &no.kind else { return None };
    let choice = ExprKind::If(condition.clone(), yes.clone(), inner.clone());
    let choice = Expr { kind: choice, span: expr.span };
    Some(Expr { kind: ExprKind::Start(Box::new(choice), first.clone()), span: expr.span })
}
