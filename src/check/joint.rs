//! Joint families: which axes they are joint over, and their vectors and matrices as arguments.

use super::distribution::Left;
use super::elaborate::data;
use super::special::binary;
use super::{
    Bound, Checker, Context, Judged, Reported,
    problem::{AxisProblem, FamilyProblem, StructureProblem},
};
use crate::library::Reduction;
use crate::library::joint::{JointFamily, JointParameter, JointParameterization, Shape};
use crate::source::Span;
use crate::syntax::ast::{Argument, BinaryOperator, Expr, ExprKind, Name};
use crate::typed::{
    self, AxisId, Distribution, IndexId, Joint, JointArgument, Kind, Operator, Structure,
    Structured, VariableId,
};

impl<'a> Checker<'a> {
    /// `Ordered(D)`, `ZeroSum(D)`
    pub(super) fn structured(
        &mut self,
        structure: Structure,
        left: &Left<'_>,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let name = match structure {
            Structure::Ordered => "Ordered",
            Structure::ZeroSum => "ZeroSum",
        };
        let [Argument { name: None, value }] = arguments else {
            return Err(self.report(FamilyProblem::WrongFamilyArguments {
                family: name,
                span,
                forms: vec![format!("{name}(distribution of one element)")],
                given: arguments.len(),
                stranger: None,
                renamed: None,
            }));
        };
        let over = self.joint_over(left, name, 1, std::slice::from_ref(value), span, context)?[0];
        let inner = Left { over: &[], ..*left };
        let element = match self.distribution(&inner, value, context)? {
            Distribution::Family(element) => element,
            Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => {
                return Err(self.report(StructureProblem::ElementWanted { family: name, span }));
            }
        };
        if structure == Structure::ZeroSum
            && (element.family.name != "Normal" || element.truncation.is_some())
        {
            return Err(self.report(StructureProblem::ElementWanted { family: name, span }));
        }
        let varies = |e: &&typed::Expr| e.outer_indices().contains(&over);
        let identical = !element.expressions().iter().any(varies);
        Ok(Distribution::Structured(Structured { structure, over, element, identical, span }))
    }

    /// The indices of the left side that a family is joint over: those after `over`, or all there
    /// are, or those that its parameters vary over.
    pub(super) fn joint_over(
        &mut self,
        left: &Left<'_>,
        family: &'static str,
        count: usize,
        arguments: &[Expr],
        span: Span,
        context: &Context,
    ) -> Judged<Vec<IndexId>> {
        let candidates: Vec<Bound> = context.bound.iter().filter(|b| !b.fresh).cloned().collect();
        if !left.over.is_empty() {
            let mut found = Vec::new();
            for name in left.over {
                found.push(self.named_index(name, &candidates)?);
            }
            if found.len() == count {
                return Ok(found);
            }
        } else if candidates.len() == count {
            return Ok(candidates.iter().map(|b| b.index).collect());
        } else {
            let mut carried = Vec::new();
            for argument in arguments {
                let known = self.diagnostics.len();
                if let Ok(free) = self.free(argument, &Context::default()) {
                    carried.extend(free);
                } else {
                    // Looked at again, with its mistakes, in the context of the left side.
                    self.diagnostics.truncate(known);
                }
            }
            let found: Vec<IndexId> = candidates
                .iter()
                .filter(|b| carried.contains(&b.axis))
                .filter(|b| candidates.iter().filter(|c| c.axis == b.axis).count() == 1)
                .map(|b| b.index)
                .collect();
            if found.len() == count {
                return Ok(found);
            }
        }
        let axis = |b: &Bound| self.typed.axis(b.axis).name.clone();
        let axes: Vec<String> = candidates.iter().map(axis).collect();
        let name = left.name.value.clone();
        Err(self.report(StructureProblem::JointAxis { name, family, span, axes, count }))
    }

    /// The index after `over`: by its own name or that of its axis.
    fn named_index(&mut self, name: &Name, candidates: &[Bound]) -> Judged<IndexId> {
        if let Some(bound) = candidates.iter().find(|b| b.name.as_ref() == Some(&name.value)) {
            return Ok(bound.index);
        }
        let axis = self.named_axis(name)?;
        let mut over = candidates.iter().filter(|b| b.axis == axis);
        match (over.next(), over.next()) {
            (Some(bound), None) => Ok(bound.index),
            _ => {
                let axes: Vec<AxisId> = candidates.iter().map(|b| b.axis).collect();
                let axes = self.axis_list(&axes);
                let (over, span) = (name.value.clone(), name.span);
                Err(self.report(StructureProblem::OverElsewhere { over, span, axes }))
            }
        }
    }

    /// A call of a joint family.
    pub(super) fn joint(
        &mut self,
        left: &Left<'_>,
        family: &'static JointFamily,
        name: &Name,
        arguments: &[Argument],
        span: Span,
        context: &Context,
    ) -> Judged<Distribution> {
        let form = family.parameterizations.iter().find_map(|form| {
            let names: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
            let slots = all_slots(&names, arguments)?;
            Some((form, slots))
        });
        let Some((form, slots)) = form else {
            self.look_at(arguments, context);
            return Err(self.report(FamilyProblem::WrongFamilyArguments {
                family: family.name,
                span: name.span,
                forms: forms(family),
                given: arguments.len(),
                stranger: None,
                renamed: None,
            }));
        };
        let vectors: Vec<Expr> = arguments.iter().map(|a| a.value.clone()).collect();
        let over = self.joint_over(left, family.name, form.joint_axes, &vectors, span, context)?;
        let mut values = Vec::new();
        for (parameter, slot) in form.parameters.iter().zip(slots) {
            let value = &arguments[slot].value;
            values.push(self.joint_argument(left, parameter, value, &over, context));
        }
        let arguments = values.into_iter().collect::<Judged<Vec<_>>>()?;
        Ok(Distribution::Joint(Joint { family, form, over, arguments, span }))
    }

    fn joint_argument(
        &mut self,
        left: &Left<'_>,
        parameter: &JointParameter,
        value: &Expr,
        over: &[IndexId],
        context: &Context,
    ) -> Judged<JointArgument> {
        let batch = without(context, over);
        match parameter.shape {
            Shape::Scalar => self.group_argument(left, value, &batch).map(JointArgument::Scalar),
            Shape::PerElement => {
                self.family_argument(left, value, context).map(JointArgument::Vector)
            }
            Shape::MatrixOf(which) => {
                let index = over.get(which).or(over.first()).copied().ok_or(Reported)?;
                let axis = self.typed.index_of(index).axis;
                let (found, matrix) = self.matrix(value, &batch)?;
                if found != [axis, axis] {
                    let (found, axis) = (self.axis_list(&found), self.axis_list(&[axis, axis]));
                    let span = value.span;
                    return Err(self.report(StructureProblem::MatrixAxes {
                        span,
                        found,
                        wanted: axis,
                    }));
                }
                self.not_predicted(left, &matrix.1)?;
                Ok(JointArgument::Matrix(matrix.0, matrix.1))
            }
            Shape::Edges => self.edges(value, over),
        }
    }

    /// One number for all the values that are joint.
    pub(super) fn group_argument(
        &mut self,
        left: &Left<'_>,
        value: &Expr,
        batch: &Context,
    ) -> Judged<typed::Expr> {
        let free = self.free(value, batch)?;
        if !free.is_empty() {
            let (axes, span) = (self.axis_list(&free), value.span);
            return Err(self.report(StructureProblem::GroupArgument { span, axes }));
        }
        self.family_argument(left, value, batch)
    }

    /// A table with two columns of elements of the joint axis.
    fn edges(&mut self, value: &Expr, over: &[IndexId]) -> Judged<JointArgument> {
        let axis = over.first().map(|i| self.typed.index_of(*i).axis).ok_or(Reported)?;
        let table = value.name();
        let table = table.and_then(|name| self.typed.tables.iter().find(|t| t.name == name));
        let ends = |v: &&VariableId| self.typed.variable(**v).kind == Kind::Index(axis);
        let ends: Vec<VariableId> =
            table.map_or(Vec::new(), |t| t.columns.iter().filter(ends).copied().collect());
        match ends[..] {
            [from, to] => {
                self.used.extend([from, to]);
                Ok(JointArgument::Edges(from, to))
            }
            _ => {
                let axis = self.typed.axis(axis).name.clone();
                Err(self.report(StructureProblem::EdgeTable { span: value.span, axis }))
            }
        }
    }

    /// A matrix: a name with two axes that no index is bound over, `transpose` of one, products
    /// and elementwise arithmetic; its axes, and its element at two new indices.
    pub(super) fn matrix(
        &mut self,
        expr: &Expr,
        context: &Context,
    ) -> Judged<(MatrixAxes, MatrixElement)> {
        let axes = self.matrix_axes(expr, context)?;
        let name = |checker: &Self, at: usize| checker.index_name(context, axes[at]);
        let (row, column) = (name(self, 0), name(self, 1));
        let row = self.fresh_index(row, axes[0]);
        let column = self.fresh_index(column, axes[1]);
        let value = self.matrix_element(expr, [(row, axes[0]), (column, axes[1])], context)?;
        Ok((axes, ([row, column], value)))
    }

    fn matrix_axes(&mut self, expr: &Expr, context: &Context) -> Judged<[AxisId; 2]> {
        match &expr.kind {
            ExprKind::Group(inner) => self.matrix_axes(inner, context),
            ExprKind::Name(name) => {
                let variable = self.lookup(name, expr.span, context)?;
                let super::axes::Meaning::Variable(variable) = variable else {
                    return Err(self.not_a_matrix(expr));
                };
                let axes = self.axes_of(variable, expr.span)?;
                let mut free = axes.iter().filter(|a| context.over(**a).next().is_none());
                match (free.next(), free.next(), free.next()) {
                    (Some(row), Some(column), None) => Ok([*row, *column]),
                    _ => Err(self.not_a_matrix(expr)),
                }
            }
            ExprKind::Call(function, arguments)
                if function.value == "transpose" && arguments.len() == 1 =>
            {
                let [row, column] = self.matrix_axes(&arguments[0].value, context)?;
                Ok([column, row])
            }
            ExprKind::Call(..) if let Some(matrix) = super::factor::factored(expr) => {
                self.matrix_axes(matrix, context)
            }
            ExprKind::Binary(BinaryOperator::Contract, at, a, b) => {
                let [row, inner] = self.matrix_axes(a, context)?;
                let [other, column] = self.matrix_axes(b, context)?;
                if inner != other {
                    let (a_axes, b_axes) =
                        (self.axis_list(&[row, inner]), self.axis_list(&[other, column]));
                    return Err(self.report(AxisProblem::NothingToContract {
                        at: *at,
                        a_span: a.span,
                        a: a_axes,
                        b_span: b.span,
                        b: b_axes,
                        shared: 0,
                    }));
                }
                Ok([row, column])
            }
            ExprKind::Binary(_, _, a, b) => {
                if self.is_single(a, context) {
                    self.matrix_axes(b, context)
                } else {
                    self.matrix_axes(a, context)
                }
            }
            ExprKind::Unary(_, a) => self.matrix_axes(a, context),
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Index(..)
            | ExprKind::Call(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_)
            | ExprKind::Error => Err(self.not_a_matrix(expr)),
        }
    }

    fn not_a_matrix(&mut self, expr: &Expr) -> Reported {
        self.report(StructureProblem::NotAMatrix { span: expr.span })
    }

    /// Whether an expression is one number here; its mistakes are reported elsewhere.
    fn is_single(&mut self, expr: &Expr, context: &Context) -> bool {
        let known = self.diagnostics.len();
        let free = self.free(expr, context);
        self.diagnostics.truncate(known);
        free.is_ok_and(|free| free.is_empty())
    }

    fn matrix_element(
        &mut self,
        expr: &Expr,
        at: [(IndexId, AxisId); 2],
        context: &Context,
    ) -> Judged<typed::Expr> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Group(inner) => self.matrix_element(inner, at, context),
            ExprKind::Name(name) => {
                let super::axes::Meaning::Variable(variable) = self.lookup(name, span, context)?
                else {
                    return Err(self.not_a_matrix(expr));
                };
                let mut rest = at.into_iter();
                let mut subscripts = Vec::new();
                for axis in self.axes_of(variable, span)? {
                    let bound = context.over(axis).next().map(|b| b.index);
                    let index = bound.or_else(|| rest.next().map(|(i, _)| i)).ok_or(Reported)?;
                    subscripts.push(data(typed::ExprKind::Index(index), Kind::Index(axis), span));
                }
                Ok(self.element(variable, subscripts, span))
            }
            ExprKind::Call(..) if let Some(matrix) = super::factor::factored(expr) => {
                let factor = self.hidden_factor(matrix, span, context)?;
                let at =
                    at.map(|(i, axis)| data(typed::ExprKind::Index(i), Kind::Index(axis), span));
                Ok(self.element(factor, at.to_vec(), span))
            }
            ExprKind::Call(_, arguments) => {
                // `matrix_axes` has let only `transpose` through.
                let inner = arguments.first().ok_or(Reported)?;
                self.matrix_element(&inner.value, [at[1], at[0]], context)
            }
            ExprKind::Binary(BinaryOperator::Contract, _, a, b) => {
                let [_, inner] = self.matrix_axes(a, context)?;
                let index = self.fresh_index(self.index_name(context, inner), inner);
                let a = self.matrix_element(a, [at[0], (index, inner)], context)?;
                let b = self.matrix_element(b, [(index, inner), at[1]], context)?;
                let body = binary(Operator::Multiply, a, b);
                Ok(self.reduce(Reduction::Sum, vec![index], None, body, span))
            }
            ExprKind::Binary(operator, _, a, b) => {
                let mut side = |e: &Expr| {
                    if self.is_single(e, context) {
                        self.elaborate(e, context).and_then(|e| self.number(e))
                    } else {
                        self.matrix_element(e, at, context)
                    }
                };
                let (a, b) = (side(a)?, side(b)?);
                let operator = match operator {
                    BinaryOperator::Add => Operator::Add,
                    BinaryOperator::Subtract => Operator::Subtract,
                    BinaryOperator::Multiply => Operator::Multiply,
                    BinaryOperator::Divide => Operator::Divide,
                    BinaryOperator::Power
                    | BinaryOperator::Contract
                    | BinaryOperator::Equal
                    | BinaryOperator::NotEqual
                    | BinaryOperator::Less
                    | BinaryOperator::LessEqual
                    | BinaryOperator::Greater
                    | BinaryOperator::GreaterEqual
                    | BinaryOperator::And
                    | BinaryOperator::Or => return Err(self.not_a_matrix(expr)),
                };
                Ok(binary(operator, a, b))
            }
            ExprKind::Unary(_, a) => {
                self.matrix_element(a, at, context).map(super::special::negate)
            }
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Index(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_)
            | ExprKind::Error => Err(self.not_a_matrix(expr)),
        }
    }
}

/// The axes of the rows and the columns.
pub(super) type MatrixAxes = [AxisId; 2];

/// The index of the row and that of the column, and the element there.
pub(super) type MatrixElement = ([IndexId; 2], typed::Expr);

/// A context without some of its indices.
pub(super) fn without(context: &Context, indices: &[IndexId]) -> Context {
    let mut inner = context.clone();
    inner.bound.retain(|b| !indices.contains(&b.index));
    inner
}

/// For each parameter the argument that fills it, if every argument finds a place: positional ones
/// in order, named ones by name.
pub(super) fn slots(parameters: &[&str], arguments: &[Argument]) -> Option<Vec<Option<usize>>> {
    let mut slots = vec![None; parameters.len()];
    for (i, argument) in arguments.iter().enumerate() {
        let slot = match &argument.name {
            None => i,
            Some(name) => parameters.iter().position(|p| *p == name.value)?,
        };
        let place = slots.get_mut(slot)?;
        if place.replace(i).is_some() {
            return None;
        }
    }
    Some(slots)
}

/// The argument that fills each parameter, if all arguments find a place and no parameter lacks one.
pub(super) fn all_slots(parameters: &[&str], arguments: &[Argument]) -> Option<Vec<usize>> {
    slots(parameters, arguments)?.into_iter().collect()
}

/// Every way to call a joint family.
fn forms(family: &JointFamily) -> Vec<String> {
    let form = |(i, form): (usize, &JointParameterization)| {
        let names: Vec<String> = form
            .parameters
            .iter()
            .enumerate()
            .map(
                |(k, p)| {
                    if i == 0 || k == 0 { p.name.to_owned() } else { format!("{} = …", p.name) }
                },
            )
            .collect();
        format!("{}({})", family.name, names.join(", "))
    };
    family.parameterizations.iter().enumerate().map(form).collect()
}
