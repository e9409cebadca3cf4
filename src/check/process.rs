//! Gaussian processes: kernels and inputs to the covariance of a normal distribution.

use super::distribution::Left;
use super::elaborate::data;
use super::joint::{all_slots, slots, without};
use super::special::{binary, call, choose, constant};
use super::{
    Checker, Context, Judged, Reported,
    problem::{AxisProblem, FamilyProblem, StructureProblem},
};
use crate::library::joint::{JointDensity, KERNELS, KernelForm, joint_family, kernel};
use crate::library::{Elementwise, Reduction};
use crate::source::Span;
use crate::syntax::ast::{Argument, BinaryOperator, Expr, ExprKind, Name};
use crate::typed::{self, Distribution, Joint, JointArgument, Kind, Operator, Plane};

impl<'a> Checker<'a> {
    /// `GP(kernel, at = x)`: a normal distribution with the covariance of the kernel.
    pub(super) fn process(
        &mut self,
        left: &Left<'_>,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        const NAMES: [&str; 4] = ["kernel", "at", "mean", "noise_var"];
        let slots = slots(&NAMES, arguments).filter(|s| s[0].is_some() && s[1].is_some());
        let Some(slots) = slots else {
            return Err(self.report(FamilyProblem::WrongFamilyArguments {
                family: "GP",
                span: name.span,
                forms: vec!["GP(kernel, at = inputs, mean = 0, noise_var = 0)".to_owned()],
                given: arguments.len(),
                stranger: None,
                renamed: None,
            }));
        };
        let value = |at: usize| slots[at].map(|slot| &arguments[slot].value);
        let (Some(kernel), Some(at)) = (value(0), value(1)) else { return Err(Reported) };
        let over = self.joint_over(left, "GP", 1, std::slice::from_ref(at), span, context)?;
        let axis = self.typed.index_of(over[0]).axis;
        let batch = without(context, &over);
        let (rows, row) = self.bind_fresh(&batch, &[axis]);
        let (columns, column) = self.bind_fresh(&batch, &[axis]);
        let mut covariance = self.kernel(left, kernel, at, &rows, &columns, &batch)?;
        if let Some(noise) = value(3) {
            let noise = self.family_argument(left, noise, &rows)?;
            let [i, j] = [row[0], column[0]]
                .map(|i| data(typed::ExprKind::Index(i), Kind::Index(axis), span));
            let kind = typed::ExprKind::Binary(Operator::Equal, Box::new(i), Box::new(j));
            let diagonal = data(kind, Kind::Bool, span);
            let noise = choose(diagonal, noise, constant(0.0, span));
            covariance = binary(Operator::Add, covariance, noise);
        }
        let mean = match value(2) {
            Some(mean) => self.family_argument(left, mean, context)?,
            None => constant(0.0, span),
        };
        let family = joint_family("MvNormal").ok_or(Reported)?;
        let form = family
            .parameterizations
            .iter()
            .find(|form| form.density == JointDensity::MvNormalCovariance)
            .ok_or(Reported)?;
        let matrix = JointArgument::Matrix([row[0], column[0]], covariance);
        let arguments = vec![JointArgument::Vector(mean), matrix];
        Ok(Distribution::Joint(Joint { family, form, over, arguments, span }))
    }

    /// The covariance at two inputs: kernels, their sums and products, and multiples of them.
    fn kernel(
        &mut self,
        left: &Left<'_>,
        expr: &Expr,
        at: &Expr,
        rows: &Context,
        columns: &Context,
        batch: &Context,
    ) -> Judged<typed::Expr> {
        match &expr.kind {
            ExprKind::Group(inner) => self.kernel(left, inner, at, rows, columns, batch),
            ExprKind::Binary(
                operator @ (BinaryOperator::Add | BinaryOperator::Multiply),
                _,
                a,
                b,
            ) => {
                let a = self.kernel(left, a, at, rows, columns, batch);
                let b = self.kernel(left, b, at, rows, columns, batch);
                let adds = *operator == BinaryOperator::Add;
                let operator = if adds { Operator::Add } else { Operator::Multiply };
                Ok(binary(operator, a?, b?))
            }
            ExprKind::Call(name, arguments) if kernel(&name.value).is_some() => {
                let family = kernel(&name.value).ok_or(Reported)?;
                let form = family.forms.iter().find_map(|form| {
                    let names: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
                    Some((form, all_slots(&names, arguments)?))
                });
                let Some((form, slots)) = form else {
                    return Err(self.report(FamilyProblem::WrongFamilyArguments {
                        family: family.name,
                        span: name.span,
                        forms: family.forms.iter().map(|f| kernel_form(family.name, f)).collect(),
                        given: arguments.len(),
                        stranger: None,
                        renamed: None,
                    }));
                };
                let (x, y) = self.inputs(form, at, rows, columns, expr.span)?;
                let mut values = vec![x, y];
                for slot in slots {
                    values.push(self.group_argument(left, &arguments[slot].value, batch)?);
                }
                let plane = values.iter().map(|v| v.plane).max().unwrap_or(Plane::Data);
                let kind = typed::ExprKind::Covariance(form.kernel, values);
                Ok(typed::Expr { kind, ty: Kind::Real, plane, span: expr.span })
            }
            ExprKind::Call(name, _) if crate::library::function(&name.value).is_none() => {
                let known = KERNELS.iter().map(|kernel| kernel.name);
                let nearest = kernel_synonym(&name.value)
                    .or_else(|| known.clone().find(|k| k.eq_ignore_ascii_case(&name.value)));
                let known = known.collect::<Vec<_>>().join(", ");
                let (name, span) = (name.value.clone(), name.span);
                Err(self.report(StructureProblem::UnknownKernel { name, span, nearest, known }))
            }
            ExprKind::Binary(..) | ExprKind::Unary(..) if has_kernel(expr) => {
                Err(self.report(StructureProblem::KernelOperator { span: expr.span }))
            }
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Name(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Call(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_)
            | ExprKind::Error => self.group_argument(left, expr, batch),
        }
    }

    /// The inputs of a kernel at a row and a column. Of several numbers each, their distance (or
    /// their product, for a linear kernel) is what a kernel needs.
    fn inputs(
        &mut self,
        form: &KernelForm,
        at: &Expr,
        rows: &Context,
        columns: &Context,
        span: Span,
    ) -> Judged<(typed::Expr, typed::Expr)> {
        use crate::library::joint::Kernel;
        if let ExprKind::Name(name) = &at.ungrouped().kind
            && self.is_axis(name)
            && let (Some(x), Some(y)) = (rows.bound.last(), columns.bound.last())
        {
            let axis = x.axis;
            let [x, y] = [x.index, y.index]
                .map(|i| data(typed::ExprKind::Index(i), Kind::Index(axis), span));
            return Ok((self.number(x)?, self.number(y)?));
        }
        let free = self.free(at, rows)?;
        if free.is_empty() {
            let x = self.elaborate(at, rows).and_then(|e| self.number(e))?;
            let y = self.elaborate(at, columns).and_then(|e| self.number(e))?;
            return Ok((x, y));
        }
        let [_] = free[..] else {
            let axes = self.axis_list(&free);
            return Err(self.report(AxisProblem::OneAxisWanted {
                function: "GP".to_owned(),
                span: at.span,
                axes,
            }));
        };
        let (rows, indices) = self.bind_fresh(rows, &free);
        let x = self.elaborate(at, &rows).and_then(|e| self.number(e))?;
        // The same elements of the inputs on both sides.
        let (columns, others) = self.bind_fresh(columns, &free);
        let y = self.elaborate(at, &columns).and_then(|e| self.number(e))?;
        let same = data(typed::ExprKind::Index(indices[0]), Kind::Index(free[0]), span);
        let y = y.with_index(others[0], &same);
        let (body, second) = match form.kernel {
            Kernel::Linear | Kernel::LinearCentered => (binary(Operator::Multiply, x, y), 1.0),
            Kernel::ExpQuad
            | Kernel::Matern12
            | Kernel::Matern32
            | Kernel::Matern52
            | Kernel::Periodic
            | Kernel::Constant => {
                let difference = binary(Operator::Subtract, x, y);
                (call(Elementwise::Square, vec![difference], span), 0.0)
            }
        };
        let total = self.reduce(Reduction::Sum, indices, None, body, span);
        let first = if second == 0.0 { call(Elementwise::Sqrt, vec![total], span) } else { total };
        Ok((first, constant(second, span)))
    }
}

fn kernel_form(name: &str, form: &KernelForm) -> String {
    let parameters: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
    format!("{name}({})", parameters.join(", "))
}

/// Whether a kernel is called in arithmetic.
fn has_kernel(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(name, _) => kernel(&name.value).is_some(),
        ExprKind::Group(a) | ExprKind::Unary(_, a) => has_kernel(a),
        ExprKind::Binary(_, _, a, b) => has_kernel(a) || has_kernel(b),
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => false,
    }
}

/// What other programs call a kernel.
fn kernel_synonym(name: &str) -> Option<&'static str> {
    match name.to_lowercase().replace('_', "").as_str() {
        "rbf" | "squaredexponential" | "se" | "gaussian" | "expquadratic" | "expquad" => {
            Some("ExpQuad")
        }
        "exponential" | "ou" => Some("Matern12"),
        "cosine" | "expsinesquared" => Some("Periodic"),
        _ => None,
    }
}
