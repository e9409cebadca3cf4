//! Evaluates checked expressions one element at a time, over any [`Scalar`].
//!
//! The plain reading of a program: what everything faster is compared with. Data-only
//! expressions are always evaluated in `f64`, whatever the scalar.

mod columns;

use super::arithmetic::{arithmetic, binary, covariance, negation, power, reduction};
use super::{Array, Elements, EvaluationError};
use crate::math::Scalar;
use crate::source::Span;
use crate::typed::{
    self, AxisId, Call, DefinitionId, DefinitionValue, Expr, ExprKind, IndexId, Kind, LogPart,
    Operator, Plane, Reduce, Role, VariableId,
};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// The values of variables that are not data.
pub trait Values<S> {
    /// The element of a variable at a row-major position; `None` if it has no value here.
    fn value(&self, variable: VariableId, position: usize) -> Option<S>;

    /// The present state of differential equations; `None` outside them.
    fn state(&self, _state: usize) -> Option<S> {
        None
    }

    /// The present time of differential equations.
    fn time(&self) -> Option<S> {
        None
    }
}

/// No variables but data.
impl<S> Values<S> for () {
    fn value(&self, _: VariableId, _: usize) -> Option<S> {
        None
    }
}

/// How many values of reductions an evaluator keeps.
const MOST_KEPT: usize = 1 << 16;

/// Evaluates expressions of one program.
pub struct Evaluator<'a, V> {
    typed: &'a typed::Program,
    axes: &'a [Elements],
    data: &'a [Option<Array>],
    /// Values of closed data-only reductions: given (frozen), or found on first use.
    frozen: RefCell<HashMap<typed::ReduceId, f64>>,
    /// Values of the other data-only reductions, by the positions of the indices they use.
    kept: RefCell<HashMap<(typed::ReduceId, Vec<u32>), f64>>,
    values: V,
    positions: RefCell<Vec<usize>>,
    /// The present values of latents with finitely many values; NaN where there is none.
    assigned: RefCell<Vec<Vec<f64>>>,
    /// The value that a log density of a written distribution is evaluated at.
    supposed: Cell<f64>,
}

impl<'a, V> Evaluator<'a, V> {
    /// An evaluator over the given data and values.
    pub fn new(
        typed: &'a typed::Program,
        axes: &'a [Elements],
        data: &'a [Option<Array>],
        frozen: HashMap<typed::ReduceId, f64>,
        values: V,
    ) -> Self {
        let positions = RefCell::new(vec![0; typed.indices.len()]);
        let assigned = RefCell::new(vec![Vec::new(); typed.variables.len()]);
        let (frozen, kept) = (RefCell::new(frozen), RefCell::new(HashMap::new()));
        let supposed = Cell::new(f64::NAN);
        Evaluator { typed, axes, data, frozen, kept, values, positions, assigned, supposed }
    }

    /// An evaluator of a bound program.
    pub fn of(bound: &'a super::Program, values: V) -> Self {
        Evaluator::new(&bound.typed, &bound.axes, &bound.values, bound.frozen.clone(), values)
    }

    /// The program.
    pub fn typed(&self) -> &'a typed::Program {
        self.typed
    }

    /// The closed data-only reductions evaluated so far.
    pub fn into_frozen(self) -> HashMap<typed::ReduceId, f64> {
        self.frozen.into_inner()
    }

    /// Sets the position of a bound index.
    pub fn set(&self, index: IndexId, position: usize) {
        self.positions.borrow_mut()[index.index()] = position;
    }

    /// The position of a bound index.
    pub fn at(&self, index: IndexId) -> usize {
        self.positions.borrow()[index.index()]
    }

    /// Gives an element of a latent with finitely many values, or of what is computed from such, a
    /// value; NaN takes it away.
    pub fn assign(&self, variable: VariableId, position: usize, value: f64) {
        let mut assigned = self.assigned.borrow_mut();
        let values = &mut assigned[variable.index()];
        if values.len() <= position {
            values.resize(position + 1, f64::NAN);
        }
        values[position] = value;
    }

    /// Sets the value that the log density of a distribution to draw from is evaluated at.
    pub fn suppose(&self, value: f64) {
        self.supposed.set(value);
    }

    /// The value given to an element of a latent with finitely many values; NaN without one.
    pub fn assigned(&self, variable: VariableId, position: usize) -> f64 {
        let assigned = self.assigned.borrow();
        assigned[variable.index()].get(position).copied().unwrap_or(f64::NAN)
    }

    /// The number of elements a bound index runs over.
    pub fn extent(&self, index: IndexId) -> usize {
        self.axes[self.typed.index_of(index).axis.index()].len()
    }

    /// Sets indices to a row-major position over them.
    pub fn stand(&self, indices: &[IndexId], position: usize) {
        let mut rest = position;
        for index in indices.iter().rev() {
            let size = self.extent(*index).max(1);
            self.set(*index, rest % size);
            rest /= size;
        }
    }

    /// The values of a variable that depends on data only.
    pub(super) fn array(&self, variable: VariableId) -> Option<&'a Array> {
        self.data[variable.index()].as_ref()
    }

    /// How many elements a variable has.
    pub fn size(&self, variable: VariableId) -> usize {
        let axes = &self.typed.variable(variable).axes;
        axes.iter().map(|axis| self.axes[axis.index()].len()).product()
    }

    /// Calls `visit` for every combination of the indices, the last running fastest, that the
    /// guard lets through; `visit` receives the row-major position.
    pub fn for_each<E: From<EvaluationError>>(
        &self,
        indices: &[IndexId],
        guard: Option<&Expr>,
        mut visit: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let sizes: Vec<usize> = indices.iter().map(|i| self.extent(*i)).collect();
        let total: usize = sizes.iter().product();
        for position in 0..total {
            let mut rest = position;
            for (index, size) in indices.iter().zip(&sizes).rev() {
                self.set(*index, rest % size);
                rest /= size;
            }
            if match guard {
                Some(guard) => self.data(guard)? != 0.0,
                None => true,
            } {
                visit(position)?;
            }
        }
        Ok(())
    }

    /// The value of an expression of data, and of latents with finitely many values that have
    /// been given one.
    pub fn data(&self, expr: &Expr) -> Result<f64, EvaluationError> {
        match &expr.kind {
            ExprKind::Number(x) => Ok(*x),
            ExprKind::Label(label) => self.label(expr, label),
            ExprKind::Index(index) => Ok(self.positions.borrow()[index.index()] as f64),
            ExprKind::Variable(variable, at) => {
                let position = self.position(*variable, at)?;
                self.known(*variable, position, expr.span)
            }
            ExprKind::ElementNumber(element) => self.element_number(element),
            ExprKind::ElementOf(number) => self.element_of(expr, number),
            ExprKind::ElementAt(position) => self.element_at(expr, position),
            ExprKind::Below(number, axis) => {
                let first = self.first(*axis);
                Ok(f64::from(u8::from(self.data(number)? < first)))
            }
            ExprKind::Size(axis) => Ok(self.axes[axis.index()].len() as f64),
            ExprKind::Negate(a) => Ok(-self.data(a)?),
            ExprKind::Not(a) => Ok(f64::from(u8::from(self.data(a)? == 0.0))),
            ExprKind::Binary(Operator::And, a, b) => {
                if self.data(a)? == 0.0 {
                    Ok(0.0)
                } else {
                    self.data(b)
                }
            }
            ExprKind::Binary(Operator::Or, a, b) => {
                if self.data(a)? != 0.0 {
                    Ok(1.0)
                } else {
                    self.data(b)
                }
            }
            ExprKind::Binary(operator, a, b) => Ok(binary(*operator, self.data(a)?, self.data(b)?)),
            ExprKind::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.data(a)).collect::<Result<Vec<_>, _>>()?;
                Ok(function.apply(&arguments))
            }
            ExprKind::LogDensity(part, call, value) => {
                self.log_part(*part, call, self.data(value)?, |e| self.data(e))
            }
            ExprKind::Covariance(kernel, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.data(a)).collect::<Result<Vec<_>, _>>()?;
                Ok(covariance(*kernel, &arguments))
            }
            ExprKind::If(condition, yes, no) => {
                self.data(if self.data(condition)? != 0.0 { yes } else { no })
            }
            ExprKind::Reduce(reduce) => self.reduce_data(reduce, expr.span),
            // Outside differential equations, the value of a distribution to draw from.
            ExprKind::State(_) if !self.supposed.get().is_nan() => Ok(self.supposed.get()),
            ExprKind::State(_) | ExprKind::Time | ExprKind::Error => {
                Err(EvaluationError::Unavailable { span: expr.span })
            }
        }
    }

    /// An element of a variable that is data, finite, or computed from such.
    fn known(
        &self,
        variable: VariableId,
        position: usize,
        span: Span,
    ) -> Result<f64, EvaluationError> {
        let unavailable = EvaluationError::Unavailable { span };
        if let Some(array) = &self.data[variable.index()] {
            let value = array.get(position).ok_or(unavailable)?;
            return match self.typed.left_out_by(variable) {
                Some(_) if value.is_nan() => {
                    Err(EvaluationError::LeftOut { span, variable, position })
                }
                Some(_) | None => Ok(value),
            };
        }
        let info = self.typed.variable(variable);
        match info.role {
            Role::Latent(_) if info.plane == Plane::Finite => {
                let assigned = self.assigned.borrow();
                let value = assigned[variable.index()].get(position).copied();
                let value = value.filter(|v| !v.is_nan());
                value.ok_or(EvaluationError::Unassigned { variable, position })
            }
            Role::Derived(id) if info.plane == Plane::Finite => {
                let assigned = self.assigned(variable, position);
                if !assigned.is_nan() {
                    return Ok(assigned);
                }
                self.data(self.enter(id, position).ok_or(unavailable)?)
            }
            Role::Derived(_) | Role::Latent(_) | Role::Data(_) | Role::Predicted(_) => {
                Err(unavailable)
            }
        }
    }

    /// Sets the indices of a definition to an element; its value there.
    pub fn enter(&self, id: DefinitionId, position: usize) -> Option<&'a Expr> {
        let definition = self.typed.definition(id);
        self.stand(&definition.indices, position);
        let last = definition.indices.last().map_or(0, |index| self.at(*index));
        match &definition.value {
            DefinitionValue::Each(value) => Some(value),
            DefinitionValue::PerElement(values) => values.get(last),
            DefinitionValue::Solved(_) | DefinitionValue::Factored(_) => None,
        }
    }

    /// The position on the axis of an index of what a variable holds: an element of an axis is its
    /// position already, a number counts from the first element.
    pub fn outcome(&self, variable: VariableId, index: IndexId, value: f64) -> f64 {
        match self.typed.variable(variable).kind {
            Kind::Index(of) => {
                let axis = self.typed.index_of(index).axis;
                if let Elements::Labels(_) = self.axes[of.index()] {
                    return value;
                }
                // Ranges take the elements of each other, by their integers.
                value + if of == axis { 0.0 } else { self.first(of) - self.first(axis) }
            }
            Kind::Real | Kind::Int | Kind::Bool => {
                value - self.first(self.typed.index_of(index).axis)
            }
        }
    }

    /// The integer of the first element of an axis; 1 for labels.
    fn first(&self, axis: AxisId) -> f64 {
        match &self.axes[axis.index()] {
            Elements::Range { first, .. } => *first as f64,
            Elements::Labels(labels) => labels.first().and_then(|l| l.parse().ok()).unwrap_or(1.0),
        }
    }

    fn label(&self, expr: &Expr, label: &str) -> Result<f64, EvaluationError> {
        let Kind::Index(axis) = expr.ty else {
            return Err(EvaluationError::Unavailable { span: expr.span });
        };
        self.axes[axis.index()].position(label).map(|p| p as f64).ok_or_else(|| {
            EvaluationError::UnknownLabel { span: expr.span, axis, label: label.to_owned() }
        })
    }

    fn element_number(&self, element: &Expr) -> Result<f64, EvaluationError> {
        let position = self.data(element)?;
        let first = match element.ty {
            Kind::Index(axis) => match &self.axes[axis.index()] {
                Elements::Range { first, .. } => *first as f64,
                Elements::Labels(labels) if are_numbers(labels) => {
                    let label = labels.get(position as usize).and_then(|l| l.parse().ok());
                    return Ok(label.unwrap_or(f64::NAN));
                }
                Elements::Labels(_) => 1.0,
            },
            Kind::Real | Kind::Int | Kind::Bool => 0.0,
        };
        Ok(first + position)
    }

    fn element_of(&self, expr: &Expr, number: &Expr) -> Result<f64, EvaluationError> {
        let value = self.data(number)?;
        let Kind::Index(axis) = expr.ty else {
            return Err(EvaluationError::Unavailable { span: expr.span });
        };
        if value.is_nan() {
            return Err(EvaluationError::MissingIndex { span: expr.span });
        }
        let elements = &self.axes[axis.index()];
        let position = match elements {
            Elements::Range { first, .. } => value - *first as f64,
            Elements::Labels(labels) if are_numbers(labels) => {
                elements.position(&value.to_string()).map_or(f64::NAN, |p| p as f64)
            }
            Elements::Labels(_) => value - 1.0,
        };
        if position >= 0.0 && position < elements.len() as f64 && position.fract() == 0.0 {
            Ok(position)
        } else {
            Err(EvaluationError::OutOfRange { span: expr.span, axis, value })
        }
    }

    fn element_at(&self, expr: &Expr, position: &Expr) -> Result<f64, EvaluationError> {
        let value = self.data(position)?;
        let Kind::Index(axis) = expr.ty else {
            return Err(EvaluationError::Unavailable { span: expr.span });
        };
        if value >= 0.0 && value < self.axes[axis.index()].len() as f64 {
            Ok(value)
        } else {
            Err(EvaluationError::OutOfRange { span: expr.span, axis, value })
        }
    }

    /// The row-major position of an element; subscripts are positions and data-only.
    pub fn position(&self, variable: VariableId, at: &[Expr]) -> Result<usize, EvaluationError> {
        let axes = &self.typed.variable(variable).axes;
        let mut position = 0;
        for (axis, subscript) in axes.iter().zip(at) {
            let size = self.axes[axis.index()].len();
            let value = self.data(subscript)?;
            if value.is_nan() {
                return Err(EvaluationError::MissingIndex { span: subscript.span });
            }
            if value < 0.0 || value >= size as f64 {
                return Err(EvaluationError::OutOfRange {
                    span: subscript.span,
                    axis: *axis,
                    value,
                });
            }
            position = position * size + value as usize;
        }
        Ok(position)
    }

    fn reduce_data(&self, reduce: &Reduce, span: Span) -> Result<f64, EvaluationError> {
        if reduce.outer.is_empty()
            && let Some(value) = self.frozen.borrow().get(&reduce.id)
        {
            return Ok(*value);
        }
        // Known while the indices that it uses stand where they stood before.
        let at: Vec<u32> = reduce.outer.iter().map(|index| self.at(*index) as u32).collect();
        let keeps = !reduce.outer.is_empty() && reduce.body.plane == Plane::Data;
        if keeps && let Some(value) = self.kept.borrow().get(&(reduce.id, at.clone())) {
            return Ok(*value);
        }
        let elements = self.data_over(&reduce.body, &reduce.indices, reduce.guard.as_ref())?;
        let value = reduction(reduce.operation, &elements, span)?;
        if keeps && self.kept.borrow().len() < MOST_KEPT {
            self.kept.borrow_mut().insert((reduce.id, at), value);
        }
        if reduce.outer.is_empty() && reduce.body.plane == Plane::Data {
            self.frozen.borrow_mut().insert(reduce.id, value);
        }
        Ok(value)
    }

    /// The log density of one value, or the logarithm of the probability below or above it.
    fn log_part<S: Scalar>(
        &self,
        part: LogPart,
        call: &Call,
        x: S,
        mut eval: impl FnMut(&Expr) -> Result<S, EvaluationError>,
    ) -> Result<S, EvaluationError> {
        let density = call.parameterization.density;
        let tail = |arguments: Vec<S>| match part {
            LogPart::Below => density.ln_cdf(x, &arguments),
            LogPart::Density | LogPart::Above => density.ln_survival(x, &arguments),
        };
        match part {
            LogPart::Density => self.log_density(call, x, eval),
            LogPart::Below | LogPart::Above => {
                let arguments = call.arguments.iter().map(&mut eval);
                let value = tail(arguments.collect::<Result<Vec<S>, _>>()?);
                value.ok_or(EvaluationError::Unavailable { span: call.span })
            }
        }
    }

    /// The log density of one value, normalised over its interval.
    pub fn log_density<S: Scalar>(
        &self,
        call: &Call,
        x: S,
        mut eval: impl FnMut(&Expr) -> Result<S, EvaluationError>,
    ) -> Result<S, EvaluationError> {
        let density = call.parameterization.density;
        let arguments = call.arguments.iter().map(&mut eval).collect::<Result<Vec<S>, _>>()?;
        let value = density.log_density(x, &arguments);
        let Some(truncation) = call.normalised_over() else { return Ok(value) };
        let (low, high) = (&truncation.low, &truncation.high);
        let mass = if density.has_cdf() {
            let low = low.as_ref().map(&mut eval).transpose()?;
            let high = high.as_ref().map(&mut eval).transpose()?;
            density.ln_mass(low, high, &arguments)
        } else {
            let low = low.as_ref().map_or(Ok(f64::NEG_INFINITY), |e| self.data(e))?;
            let high = high.as_ref().map_or(Ok(f64::INFINITY), |e| self.data(e))?;
            density.ln_mass_between(low, high, &arguments)
        };
        Ok(mass.map_or(value, |mass| value - mass))
    }

    /// The value of any expression. Conditions and subscripts are data-only.
    pub fn eval<S: Scalar>(&self, expr: &Expr) -> Result<S, EvaluationError>
    where
        V: Values<S>,
    {
        if expr.plane <= Plane::Finite {
            return Ok(S::constant(self.data(expr)?));
        }
        match &expr.kind {
            ExprKind::Variable(variable, at) => {
                let position = self.position(*variable, at)?;
                if let Some(value) = self.values.value(*variable, position) {
                    return Ok(value);
                }
                let info = self.typed.variable(*variable);
                if let (Role::Derived(id), true) = (&info.role, info.finite)
                    && let Some(value) = self.enter(*id, position)
                {
                    return self.eval(value);
                }
                Err(EvaluationError::Unavailable { span: expr.span })
            }
            ExprKind::State(state) => {
                let value = self.values.state(*state as usize);
                value.ok_or(EvaluationError::Unavailable { span: expr.span })
            }
            ExprKind::Time => {
                self.values.time().ok_or(EvaluationError::Unavailable { span: expr.span })
            }
            ExprKind::Negate(a) => Ok(-self.eval::<S>(a)?),
            ExprKind::Binary(Operator::Power, a, b) if b.plane <= Plane::Finite => {
                Ok(power(self.eval::<S>(a)?, self.data(b)?))
            }
            ExprKind::Binary(operator, a, b) => {
                Ok(arithmetic(*operator, self.eval::<S>(a)?, self.eval::<S>(b)?))
            }
            ExprKind::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.eval(a)).collect::<Result<Vec<S>, _>>()?;
                Ok(function.apply(&arguments))
            }
            ExprKind::LogDensity(part, call, value) => {
                let value = self.eval::<S>(value)?;
                self.log_part(*part, call, value, |e| self.eval(e))
            }
            ExprKind::Covariance(kernel, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.eval(a)).collect::<Result<Vec<S>, _>>()?;
                Ok(covariance(*kernel, &arguments))
            }
            ExprKind::Not(a) => Ok(negation(self.eval::<S>(a)?)),
            ExprKind::If(condition, yes, no) if condition.plane > Plane::Finite => {
                let not = self.eval::<S>(condition)?.same(S::constant(0.0));
                Ok(S::select(not, self.eval(no)?, self.eval(yes)?))
            }
            ExprKind::If(condition, yes, no) => {
                self.eval(if self.data(condition)? != 0.0 { yes } else { no })
            }
            ExprKind::Reduce(reduce) => {
                let mut elements = Vec::new();
                self.for_each(&reduce.indices, reduce.guard.as_ref(), |_| {
                    elements.push(self.eval::<S>(&reduce.body)?);
                    Ok::<(), EvaluationError>(())
                })?;
                reduction(reduce.operation, &elements, expr.span)
            }
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::ElementAt(_)
            | ExprKind::Below(..)
            | ExprKind::Size(_)
            | ExprKind::Error => Err(EvaluationError::Unavailable { span: expr.span }),
        }
    }
}

/// Whether labelled rows are numbered by their labels, as years are, or else by 1, 2, ….
fn are_numbers(labels: &[String]) -> bool {
    labels.first().is_some_and(|label| label.parse::<i64>().is_ok())
}
