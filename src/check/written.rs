//! Distributions made of expressions: families that the program defines by `dist`, censored and
//! scaled distributions, mixtures.

use super::distribution::Left;
use super::joint::{all_slots, slots};
use super::special::{binary, call, choose};
use super::{
    Checker, Context, Judged,
    problem::{FamilyProblem, StructureProblem},
};
use crate::library::{Elementwise, Reduction};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, Name};
use crate::typed::{self, Distribution, Drawn, ExprKind, Kind, LogPart, Operator, Plane, Written};

impl<'a> Checker<'a> {
    /// A call of a family that the program defines.
    pub(super) fn written(
        &mut self,
        left: &Left<'_>,
        written: &ast::Written,
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let family = written.family.value.clone();
        let element = self.element_of(left, &family, span)?;
        if left.drawn && left.name.span != element.span {
            return Err(self.report(StructureProblem::NotDrawn { family, span }));
        }
        let (mut low, mut high) = (None, None);
        if let Some(support) = &written.support {
            let [a, b] =
                [&support.low, &support.high].map(|e| self.family_argument(left, e, context));
            let finite = |e: typed::Expr| e.constant().is_none_or(f64::is_finite).then_some(e);
            (low, high) = (finite(a?), finite(b?));
        }
        self.given.push((written.variate.value.clone(), element));
        let log_density = self.family_argument(left, &written.log_density, context);
        self.given.pop();
        let log_density = log_density?;
        // The same at any value, for draws: known where it is evaluated, as a finite latent is.
        let kind = ExprKind::State(0);
        let any = typed::Expr { kind, ty: Kind::Real, plane: Plane::Finite, span };
        self.given.push((written.variate.value.clone(), any));
        let at_any = self.family_argument(left, &written.log_density, context);
        self.given.pop();
        let drawn = Drawn::Density(at_any?);
        let written = Written { family, log_density, low, high, drawn, span };
        Ok(Distribution::Written(Box::new(written)))
    }

    /// The element that a log density is about.
    fn element_of(&mut self, left: &Left<'_>, family: &str, span: Span) -> Judged<typed::Expr> {
        match left.element {
            Some(element) => Ok(element.clone()),
            None => {
                let family = family.to_owned();
                Err(self.report(StructureProblem::NotDrawn { family, span }))
            }
        }
    }

    /// `Censored(D, right = flag, left = flag)`: where a flag holds the value is only a bound.
    pub(super) fn censored(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let slots = slots(&["distribution", "right", "left"], arguments);
        let Some(slots) = slots.filter(|s| s[0].is_some() && (s[1].is_some() || s[2].is_some()))
        else {
            let form = "Censored(distribution, right = flag, left = flag)";
            return Err(self.wrong_form("Censored", form, name, arguments, context));
        };
        let element = self.element_of(left, "Censored", span)?;
        let value = |at: usize| slots[at].map(|slot| &arguments[slot].value);
        let Some(of) = value(0) else { return Err(super::Reported) };
        let of = self.distribution(left, of, context)?;
        let Distribution::Family(inner) = &of else {
            let family = "Censored";
            return Err(self.report(StructureProblem::ElementWanted { family, span }));
        };
        if !inner.parameterization.density.has_cdf() || inner.truncation.is_some() {
            let family = inner.family.name;
            return Err(self.report(FamilyProblem::NoCdf { family, span }));
        }
        let mut log_density = self.log_density_at(&of, element.clone(), span)?;
        for (flag, part) in [(value(2), LogPart::Below), (value(1), LogPart::Above)] {
            let Some(flag) = flag else { continue };
            let flag = self.family_condition(left, flag, context)?;
            let kind =
                ExprKind::LogDensity(part, Box::new(inner.clone()), Box::new(element.clone()));
            let plane = log_density.plane;
            let tail = typed::Expr { kind, ty: Kind::Real, plane, span };
            log_density = choose(flag, tail, log_density);
        }
        let (low, high) = inner.ends();
        let drawn = Drawn::Censored(of);
        let family = "Censored".to_owned();
        Ok(Distribution::Written(Box::new(Written { family, log_density, low, high, drawn, span })))
    }

    /// `Scaled(D, location, scale)`: location + scale x for x from D.
    pub(super) fn scaled(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let slots = all_slots(&["distribution", "location", "scale"], arguments);
        let Some(slots) = slots else {
            let form = "Scaled(distribution, location, scale)";
            return Err(self.wrong_form("Scaled", form, name, arguments, context));
        };
        let element = self.element_of(left, "Scaled", span)?;
        let element = self.number(element)?;
        let value = |at: usize| &arguments[slots[at]].value;
        let location = self.family_argument(left, value(1), context);
        let scale = self.family_argument(left, value(2), context);
        let (location, scale) = (location?, scale?);
        let moved = binary(Operator::Subtract, element, location.clone());
        let moved = binary(Operator::Divide, moved, scale.clone());
        let inside = Left { element: Some(&moved), ..*left };
        let of = self.distribution(&inside, value(0), context)?;
        let density = self.log_density_at(&of, moved.clone(), span)?;
        let log_scale = call(Elementwise::Log, vec![scale.clone()], span);
        let log_density = binary(Operator::Subtract, density, log_scale);
        let (low, high) = of.ends();
        let outside = |end: Option<typed::Expr>| {
            let scaled = binary(Operator::Multiply, end?, scale.clone());
            Some(binary(Operator::Add, scaled, location.clone()))
        };
        let (low, high) = (outside(low), outside(high));
        let drawn = Drawn::Scaled { of, location: location.clone(), scale: scale.clone() };
        let family = "Scaled".to_owned();
        Ok(Distribution::Written(Box::new(Written { family, log_density, low, high, drawn, span })))
    }

    /// `Mixture(weights, D)`: both vary over the axis of the components.
    pub(super) fn mixture(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let slots = all_slots(&["weights", "distribution"], arguments);
        let Some(slots) = slots else {
            let form = "Mixture(weights, distribution)";
            return Err(self.wrong_form("Mixture", form, name, arguments, context));
        };
        let element = self.element_of(left, "Mixture", span)?;
        let value = |at: usize| &arguments[slots[at]].value;
        let axis = self.vector_axis(left, "Mixture", value(0), context)?;
        let (inner, indices) = self.bind_fresh(context, &[axis]);
        let weight = self.elaborate(value(0), &inner).and_then(|e| self.number(e))?;
        let component = self.distribution(left, value(1), &inner)?;
        let (low, high) = component.ends();
        for end in low.iter().chain(&high) {
            if end.outer_indices().contains(&indices[0]) {
                return Err(self.report(StructureProblem::MixedSupports { span }));
            }
        }
        let density = self.log_density_at(&component, element, span)?;
        let log_weight = call(Elementwise::Log, vec![weight.clone()], span);
        let body = binary(Operator::Add, log_weight, density);
        let log_density = self.reduce(Reduction::LogSumExp, indices.clone(), None, body, span);
        if log_density.plane == Plane::Predicted {
            self.not_predicted(left, &log_density)?;
        }
        let drawn = Drawn::Mixture { index: indices[0], weight, component };
        let family = "Mixture".to_owned();
        Ok(Distribution::Written(Box::new(Written { family, log_density, low, high, drawn, span })))
    }

    fn wrong_form(
        &mut self,
        family: &'static str,
        form: &str,
        name: &Name,
        arguments: &[Argument],
        context: &Context,
    ) -> super::Reported {
        self.look_at(arguments, context);
        self.report(FamilyProblem::WrongFamilyArguments {
            family,
            span: name.span,
            forms: vec![form.to_owned()],
            given: arguments.len(),
            stranger: None,
            renamed: None,
        })
    }
}
