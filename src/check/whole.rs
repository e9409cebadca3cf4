//! Functions along an axis, `softmax(x, over = a)` and `cumsum(x)`, and `logpdf(D, x)`.

use super::distribution::Left;
use super::elaborate::data;
use super::special::{Special, binary, call, choose, constant};
use super::{
    Bound, Checker, Context, Judged,
    problem::{AxisProblem, StructureProblem, ValueProblem},
};
use crate::library::{Elementwise, Reduction, WholeAxis};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};
use crate::typed::{
    self, AxisId, Distribution, Kind, LogPart, Operator, Plane, RandomRole, Structure,
};

impl<'a> Checker<'a> {
    /// `softmax` and `cumsum` at one element.
    pub(super) fn along_axis(
        &mut self,
        whole: WholeAxis,
        function: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let over = arguments.iter().find(|a| a.name.as_ref().is_some_and(|n| n.value == "over"));
        let [Argument { name: None, value }, ..] = arguments else {
            return Err(self.report(ValueProblem::ArgumentCount {
                name: function.value.clone(),
                span: function.span,
                parameters: vec!["x".to_owned()],
                given: arguments.len(),
            }));
        };
        let axis = match over {
            Some(over) => self.axis_named_by(&over.value)?,
            None => {
                let free = self.free(value, &context.written())?;
                match free[..] {
                    [axis] => axis,
                    _ => {
                        let axes = self.axis_list(&free);
                        let function = function.value.clone();
                        let span = value.span;
                        return Err(self.report(AxisProblem::OneAxisWanted {
                            function,
                            span,
                            axes,
                        }));
                    }
                }
            }
        };
        let own = context.over(axis).next().cloned();
        let Some(own) = own else {
            let (function, axis) = (function.value.clone(), self.typed.axis(axis).name.clone());
            return Err(self.report(StructureProblem::NotOver { function, span, axis }));
        };
        let here = self.elaborate(value, context).and_then(|e| self.number(e))?;
        // The same expression at every element of the axis.
        let mut inner = context.clone();
        inner.bound.retain(|b| b.axis != axis);
        let index = self.fresh_index(self.index_name(context, axis), axis);
        inner.push(Bound { name: own.name.clone(), index, axis, fresh: true });
        self.enter_scope(&[index], None);
        let body = self.elaborate(value, &inner).and_then(|e| self.number(e));
        self.leave_scope();
        let body = body?;
        if !body.outer_indices().contains(&index) {
            let (function, axis) = (function.value.clone(), self.typed.axis(axis).name.clone());
            let span = value.span;
            return Err(self.report(StructureProblem::NotOver { function, span, axis }));
        }
        match whole {
            WholeAxis::CumSum => {
                let [at, end] = [index, own.index]
                    .map(|i| data(typed::ExprKind::Index(i), Kind::Index(axis), span));
                let kind =
                    typed::ExprKind::Binary(Operator::LessEqual, Box::new(at), Box::new(end));
                let guard = data(kind, Kind::Bool, span);
                Ok(self.reduce(Reduction::Sum, vec![index], Some(guard), body, span))
            }
            WholeAxis::Softmax
            | WholeAxis::Center
            | WholeAxis::Standardize
            | WholeAxis::Cholesky
            | WholeAxis::Transpose
            | WholeAxis::Size => {
                let total = self.reduce(Reduction::LogSumExp, vec![index], None, body, span);
                let difference = binary(Operator::Subtract, here, total);
                Ok(call(Elementwise::Exp, vec![difference], span))
            }
        }
    }

    fn axis_named_by(&mut self, value: &Expr) -> Judged<AxisId> {
        match value.name() {
            Some(name) => self.named_axis(&Name::new(name.to_owned(), value.span)),
            None => Err(self.report(AxisProblem::NotIndexable { span: value.span })),
        }
    }

    /// The free axes of `logpdf(D, x)`: none, the distribution is of one value.
    pub(super) fn free_logpdf(
        &mut self,
        arguments: &[Argument],
        context: &Context,
    ) -> Judged<Vec<AxisId>> {
        let mut axes = Vec::new();
        for argument in arguments {
            if let ExprKind::Call(family, inner) = &argument.value.ungrouped().kind
                && let Some(family) = Special::of(&family.value, inner).and_then(several)
            {
                let span = argument.value.span;
                return Err(self.report(StructureProblem::OneValueWanted { family, span }));
            }
            let value = argument.value.ungrouped();
            let parts: Vec<&Expr> = if let ExprKind::In(inner, _) = &value.kind {
                family_arguments(inner).unwrap_or_default()
            } else if matches!(value.kind, ExprKind::If(..)) {
                Vec::new()
            } else {
                family_arguments(value).unwrap_or(vec![value])
            };
            let is_written = |part: &&Expr| matches!(part.ungrouped().kind, ExprKind::Written(_));
            for part in parts.into_iter().filter(|part| !is_written(part)) {
                for axis in self.free(part, context)? {
                    if !axes.contains(&axis) {
                        axes.push(axis);
                    }
                }
            }
        }
        Ok(axes)
    }

    /// `logpdf(D, x)`
    pub(super) fn logpdf(
        &mut self,
        function: &Name,
        arguments: &[Argument],
        context: &Context,
    ) -> Judged<typed::Expr> {
        let [Argument { name: None, value: distribution }, Argument { name: None, value }] =
            arguments
        else {
            return Err(self.report(ValueProblem::ArgumentCount {
                name: function.value.clone(),
                span: function.span,
                parameters: vec!["distribution".to_owned(), "x".to_owned()],
                given: arguments.len(),
            }));
        };
        let value = self.elaborate(value, context)?;
        let role = RandomRole::Predicted;
        let element = Some(&value);
        let left = Left { name: function, role, over: &[], element, drawn: false };
        let distribution = self.branch(&left, distribution, context, false)?;
        self.log_density_at(&distribution, value, function.span)
    }

    pub(super) fn log_density_at(
        &mut self,
        distribution: &Distribution,
        value: typed::Expr,
        span: Span,
    ) -> Judged<typed::Expr> {
        match distribution {
            Distribution::Family(call) => {
                let value = self.number(value)?;
                let parts = call.expressions().into_iter().map(|e| e.plane);
                let plane = parts.max().unwrap_or(Plane::Data).max(value.plane);
                let (part, call) = (LogPart::Density, Box::new(call.clone()));
                let kind = typed::ExprKind::LogDensity(part, call, Box::new(value));
                Ok(typed::Expr { kind, ty: Kind::Real, plane, span })
            }
            Distribution::PointMass(point) => {
                let value = self.number(value)?;
                self.require_finite(&value, "the value of a `PointMass`")?;
                self.require_finite(&point.value, "the value of a `PointMass`")?;
                let mut same = binary(Operator::Equal, value, point.value.clone());
                same.ty = Kind::Bool;
                Ok(choose(same, constant(0.0, span), constant(f64::NEG_INFINITY, span)))
            }
            Distribution::Elements(elements) => {
                let axis = self.typed.index_of(elements.index).axis;
                let element = match value.ty {
                    Kind::Index(of) if of == axis => value,
                    Kind::Index(_) | Kind::Int | Kind::Bool | Kind::Real => {
                        let number = self.number(value)?;
                        self.require_finite(&number, "an outcome")?;
                        let plane = number.plane;
                        let kind = typed::ExprKind::ElementOf(Box::new(number));
                        typed::Expr { kind, ty: Kind::Index(axis), plane, span }
                    }
                };
                Ok(elements.log_probability.clone().with_index(elements.index, &element))
            }
            Distribution::Choice(choice) => {
                let yes = self.log_density_at(&choice.yes, value.clone(), span)?;
                let no = self.log_density_at(&choice.no, value, span)?;
                Ok(choose(choice.condition.clone(), yes, no))
            }
            // The value stands in it already.
            Distribution::Written(written) => Ok(written.log_density.clone()),
            Distribution::Structured(_) | Distribution::Joint(_) => {
                let family = distribution.family_name();
                Err(self.report(StructureProblem::OneValueWanted { family, span }))
            }
        }
    }
}

/// The sort of a distribution that gives several values.
fn several(special: Special) -> Option<&'static str> {
    match special {
        Special::Structured(Structure::Ordered) => Some("Ordered"),
        Special::Structured(Structure::ZeroSum) => Some("ZeroSum"),
        Special::Process => Some("GP"),
        Special::Joint(family) => Some(family.name),
        Special::PointMass
        | Special::UniformOver
        | Special::Outcome
        | Special::Censored
        | Special::Scaled
        | Special::Mixture => None,
    }
}

/// The arguments of a call of a family.
fn family_arguments(expr: &Expr) -> Option<Vec<&Expr>> {
    let ExprKind::Call(family, inner) = &expr.ungrouped().kind else { return None };
    let known = super::distribution::is_family(&family.value);
    known.then(|| inner.iter().map(|a| &a.value).collect())
}
