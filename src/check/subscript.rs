//! Subscripts: which axis each one fills, and its value as a position along that axis.

use super::{
    Checker, Context, Judged, Reported,
    problem::{AxisProblem, ValueProblem},
};
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, Subscript, UnaryOperator};
use crate::typed::{self, AxisId, AxisOrigin, Kind, VariableId};

/// What kind of thing a subscript is, before it is elaborated.
#[derive(Clone, Debug, PartialEq)]
enum SubscriptKind {
    /// An element of an axis.
    Element(AxisId),
    /// A whole number.
    Integer,
    /// A string.
    Label(String),
    /// Something else; elaboration says what is wrong with it.
    Other,
}

impl<'a> Checker<'a> {
    /// The variable that is indexed; only names can be.
    pub(super) fn indexed_variable(
        &mut self,
        base: &Expr,
        context: &Context,
    ) -> Judged<(String, VariableId)> {
        match &base.kind {
            ExprKind::Name(name) => match self.names.get(name) {
                Some(variable) => {
                    self.used.insert(*variable);
                    Ok((name.clone(), *variable))
                }
                None => {
                    self.lookup(name, base.span, context)?;
                    Err(self.report(AxisProblem::NotIndexable { span: base.span }))
                }
            },
            ExprKind::Group(inner) => self.indexed_variable(inner, context),
            ExprKind::Error => {
                self.incomplete = true;
                Err(Reported)
            }
            ExprKind::Number { .. }
            | ExprKind::Label(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Call(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_) => {
                Err(self.report(AxisProblem::NotIndexable { span: base.span }))
            }
        }
    }

    /// For each axis of a variable, the subscript that fills it. All given: by position. Fewer:
    /// each fills the leftmost unfilled axis of its type.
    pub(super) fn fill(
        &mut self,
        expr: &Expr,
        name: &str,
        variable: VariableId,
        subscripts: &[Subscript],
        context: &Context,
    ) -> Judged<Vec<Option<usize>>> {
        let axes = self.axes_of(variable, expr.span)?;
        if subscripts.len() > axes.len() {
            return Err(self.report(AxisProblem::SubscriptCount {
                name: name.to_owned(),
                span: expr.span,
                given: subscripts.len(),
                axes: self.axis_list(&axes),
                declared: self.typed.variable(variable).span,
                index: self.axis_of_subscript(subscripts),
            }));
        }
        let mut slots = vec![None; axes.len()];
        let positional = subscripts.len() == axes.len();
        for (i, subscript) in subscripts.iter().enumerate() {
            let slot = match &subscript.axis {
                Some(axis_name) => {
                    let axis = self.named_axis(axis_name)?;
                    let slot = (0..axes.len()).find(|k| slots[*k].is_none() && axes[*k] == axis);
                    slot.ok_or((axis_name.span, self.typed.axis(axis).name.clone()))
                }
                None if positional => Ok((0..axes.len())
                    .find(|k| slots[*k].is_none() && (*k == i || subscripts[*k].axis.is_some()))
                    .unwrap_or(i)),
                None => {
                    let kind = self.subscript_kind(&subscript.value, context);
                    let slot = (0..axes.len())
                        .find(|k| slots[*k].is_none() && self.accepts(axes[*k], &kind));
                    slot.ok_or_else(|| (subscript.value.span, self.subscript_type(&kind)))
                }
            };
            match slot {
                Ok(slot) => slots[slot] = Some(i),
                Err((span, found)) => {
                    if let ExprKind::Label(label) = &subscript.value.kind
                        && subscript.axis.is_none()
                    {
                        let label = label.clone();
                        return Err(self.label_without_axis(name, variable, &axes, label, span));
                    }
                    if subscript.axis.is_some() {
                        let axes = axes.iter().map(|a| self.typed.axis(*a).name.clone()).collect();
                        return Err(self.report(AxisProblem::LacksAxis {
                            name: name.to_owned(),
                            span,
                            axis: found,
                            axes,
                            declared: self.typed.variable(variable).span,
                        }));
                    }
                    return Err(self.report(AxisProblem::WrongAxis {
                        name: name.to_owned(),
                        span,
                        wanted: self.axis_list(&axes),
                        found,
                        declared: self.typed.variable(variable).span,
                        help: None,
                    }));
                }
            }
        }
        Ok(slots)
    }

    /// `a["AITKIN"]` for an `a` with further axes: levels are not known yet, so the axis is named.
    fn label_without_axis(
        &mut self,
        name: &str,
        variable: VariableId,
        axes: &[AxisId],
        label: String,
        span: Span,
    ) -> Reported {
        let axes = axes.iter().map(|a| self.typed.axis(*a).name.clone()).collect();
        let declared = self.typed.variable(variable).span;
        let name = name.to_owned();
        self.report(AxisProblem::LabelWithoutAxis { name, span, label, axes, declared })
    }

    /// Whether an axis takes a subscript of this kind.
    fn accepts(&self, axis: AxisId, kind: &SubscriptKind) -> bool {
        match kind {
            SubscriptKind::Element(of) => *of == axis || self.exchangeable(*of, axis),
            SubscriptKind::Integer => self.typed.is_integer_axis(axis),
            SubscriptKind::Label(label) => match &self.typed.axis(axis).origin {
                AxisOrigin::Labels(labels) => labels.contains(label),
                AxisOrigin::Rows(_)
                | AxisOrigin::Array
                | AxisOrigin::Levels
                | AxisOrigin::Range(..)
                | AxisOrigin::Same(_) => false,
            },
            SubscriptKind::Other => true,
        }
    }

    /// Only axes declared as integer ranges take the elements of each other.
    pub(super) fn exchangeable(&self, a: AxisId, b: AxisId) -> bool {
        let range = |axis: AxisId| matches!(self.typed.axis(axis).origin, AxisOrigin::Range(..));
        range(a) && range(b)
    }

    fn subscript_type(&self, kind: &SubscriptKind) -> String {
        match kind {
            SubscriptKind::Element(axis) => self.typed.axis(*axis).name.clone(),
            SubscriptKind::Integer => "a whole number".to_owned(),
            SubscriptKind::Label(label) => format!("the label \"{label}\""),
            SubscriptKind::Other => "this".to_owned(),
        }
    }

    fn subscript_kind(&self, expr: &Expr, context: &Context) -> SubscriptKind {
        match &expr.kind {
            ExprKind::Label(label) => SubscriptKind::Label(label.clone()),
            ExprKind::Number { integer: true, .. } => SubscriptKind::Integer,
            ExprKind::Group(inner) => self.subscript_kind(inner, context),
            ExprKind::Name(name) => {
                if let Some(bound) = context.named(name) {
                    return SubscriptKind::Element(bound.axis);
                }
                self.names.get(name).map_or(SubscriptKind::Other, |v| self.variable_kind(*v))
            }
            ExprKind::Index(base, _) => {
                let ExprKind::Name(name) = &base.kind else { return SubscriptKind::Other };
                self.names.get(name).map_or(SubscriptKind::Other, |v| self.variable_kind(*v))
            }
            // `t - 1` is an element of the axis of `t`; `i - j` is a number.
            ExprKind::Binary(BinaryOperator::Add | BinaryOperator::Subtract, _, a, b) => {
                match (self.subscript_kind(a, context), self.subscript_kind(b, context)) {
                    (SubscriptKind::Element(axis), SubscriptKind::Integer)
                    | (SubscriptKind::Integer, SubscriptKind::Element(axis)) => {
                        SubscriptKind::Element(axis)
                    }
                    _ => SubscriptKind::Integer,
                }
            }
            ExprKind::Unary(UnaryOperator::Negate, _)
            | ExprKind::Binary(BinaryOperator::Multiply, ..)
            | ExprKind::Call(..) => SubscriptKind::Integer,
            ExprKind::Number { .. }
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Comprehension { .. }
            | ExprKind::List(_)
            | ExprKind::If(..)
            | ExprKind::In(..)
            | ExprKind::Start(..)
            | ExprKind::Written(_)
            | ExprKind::Error => SubscriptKind::Other,
        }
    }

    fn variable_kind(&self, variable: VariableId) -> SubscriptKind {
        match self.typed.variable(variable).kind {
            Kind::Index(axis) => SubscriptKind::Element(self.typed.resolve_axis(axis)),
            Kind::Int | Kind::Bool => SubscriptKind::Integer,
            Kind::Real => SubscriptKind::Other,
        }
    }

    /// A subscript as a position along an axis. `name` is what is indexed, for messages.
    pub(super) fn subscript(
        &mut self,
        (name, declared): (&str, Span),
        axis: AxisId,
        subscript: &Subscript,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let span = subscript.value.span;
        if let ExprKind::Label(label) = &subscript.value.ungrouped().kind {
            return self.label_on(axis, label, span);
        }
        // Levels that are numbers are named by them: `alpha[county = 3]`.
        if let ExprKind::Number { value, .. } = &subscript.value.ungrouped().kind
            && subscript.axis.is_some()
            && !self.typed.is_integer_axis(axis)
        {
            return self.label_on(axis, &value.to_string(), span);
        }
        if !self.typed.is_integer_axis(axis) && self.shifts(&subscript.value, context) {
            if self.typed.is_ordered_axis(axis) {
                return self.shifted_label(axis, &subscript.value, context);
            }
            return Err(self.shift_of_labels(axis, span));
        }
        let value = self.elaborate(&subscript.value, context)?;
        self.require_finite(&value, "an index")?;
        let wrong = |checker: &mut Self, found: String, help: Option<String>| {
            Err(checker.report(AxisProblem::WrongAxis {
                name: name.to_owned(),
                span,
                wanted: checker.typed.axis(axis).name.clone(),
                found,
                declared,
                help,
            }))
        };
        match value.ty {
            Kind::Index(of) if of == axis => Ok(value),
            Kind::Index(of) if self.exchangeable(of, axis) => {
                let number = self.element_number(value)?;
                self.note_shift(&number, axis);
                Ok(element_of(axis, number))
            }
            Kind::Index(of) => {
                let (found, wanted) = (self.typed.axis(of), self.typed.axis(axis));
                // Both count, and only one says so.
                let counts = matches!(found.origin, AxisOrigin::Range(..))
                    && self.typed.is_integer_axis(axis);
                let help = format!(
                    "only axes declared as ranges take each other's elements: declare `axis {} = 1..n` too, with n its number of elements",
                    wanted.name
                );
                wrong(self, found.name.clone(), counts.then_some(help))
            }
            Kind::Int | Kind::Bool if self.typed.is_integer_axis(axis) => {
                self.note_shift(&value, axis);
                Ok(element_of(axis, value))
            }
            Kind::Int | Kind::Bool => {
                let axis_name = self.typed.axis(axis).name.clone();
                let help = format!(
                    "the elements of `{axis_name}` are labels and have no positions; name the one you mean: `{name}[{axis_name} = \"…\"]`"
                );
                wrong(self, "a whole number".to_owned(), Some(help))
            }
            Kind::Real => Err(self.report(ValueProblem::WrongKind {
                what: format!("an index of `{name}`"),
                wanted: format!("an element of `{}`", self.typed.axis(axis).name),
                span,
                found: self.typed.kind_name(value.ty),
                help: Some(format!(
                    "a column of elements is declared with its axis: `column: {}`",
                    self.typed.axis(axis).name
                )),
            })),
        }
    }

    /// `k - 1` along an axis of labels: without a meaning unless the program lists the labels.
    pub(super) fn shift_of_labels(&mut self, axis: AxisId, span: Span) -> Reported {
        let axis = self.typed.axis(axis);
        let (name, declared) = (axis.name.clone(), axis.span);
        self.report(AxisProblem::NoOrder { axis: name, span, declared })
    }

    /// Whether a subscript moves along an axis: `k - 1`.
    fn shifts(&self, expr: &Expr, context: &Context) -> bool {
        match &expr.kind {
            ExprKind::Group(inner) => self.shifts(inner, context),
            ExprKind::Binary(BinaryOperator::Add | BinaryOperator::Subtract, _, a, b) => [a, b]
                .iter()
                .any(|e| matches!(self.subscript_kind(e, context), SubscriptKind::Element(_))),
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
            | ExprKind::Error => false,
        }
    }

    /// A label of an axis. Labels that the program lists are checked here, others with the data.
    pub(super) fn label_on(
        &mut self,
        axis: AxisId,
        label: &str,
        span: Span,
    ) -> Judged<typed::Expr> {
        if let AxisOrigin::Labels(labels) = &self.typed.axis(axis).origin
            && !labels.iter().any(|l| l == label)
        {
            let nearest = Self::nearest(label, labels.iter().map(String::as_str));
            let (labels, axis) = (labels.clone(), self.typed.axis(axis));
            return Err(self.report(ValueProblem::UnknownLabel {
                label: label.to_owned(),
                axis: axis.name.clone(),
                span,
                labels,
                nearest,
            }));
        }
        // Rows and arrays may be labelled by a column of their file; ranges never are.
        let is_range = matches!(self.typed.axis(axis).origin, AxisOrigin::Range(..));
        if is_range && label.parse::<i64>().is_err() {
            return Err(self.report(ValueProblem::WrongKind {
                what: format!("an element of `{}`", self.typed.axis(axis).name),
                wanted: "a whole number".to_owned(),
                span,
                found: "a label".to_owned(),
                help: None,
            }));
        }
        Ok(typed::Expr {
            kind: typed::ExprKind::Label(label.to_owned()),
            ty: Kind::Index(axis),
            plane: typed::Plane::Data,
            span,
        })
    }
}

fn element_of(axis: AxisId, number: typed::Expr) -> typed::Expr {
    let (plane, span) = (number.plane, number.span);
    typed::Expr {
        kind: typed::ExprKind::ElementOf(Box::new(number)),
        ty: Kind::Index(axis),
        plane,
        span,
    }
}
