//! Traces an expression over the rows of a kernel: data become columns, latents inputs.

use super::super::node::{Access, Input, Kernel, Slot, Tag, Target};
use super::super::trace::{Graph, Traced};
use super::sites::Transform;
use super::{LowerError, Lowering, Rows, unavailable};
use crate::bound::{arithmetic, covariance, negation, power};
use crate::math::Scalar;
use crate::typed::{
    DefinitionValue, Distribution, Expr, ExprKind, Operator, Plane, Role, VariableId,
};
use std::collections::HashMap;
use std::sync::Arc;

/// The position of each index in every row.
type Places = Vec<Arc<[u32]>>;

/// A kernel under construction.
pub(super) struct Tracer<'t, 'a, 'g> {
    pub(super) lowering: &'t mut Lowering<'a>,
    pub(super) graph: &'g Graph,
    pub(super) rows: Rows,
    /// Rows for which the expression at hand is wanted; in others it is never evaluated.
    wanted: Option<Arc<[bool]>>,
    pub(super) inputs: Vec<Input>,
    columns: Vec<Arc<[f64]>>,
    /// The columns of data that have been read, and at which places.
    read: HashMap<VariableId, Vec<(Places, Traced<'g>)>>,
}

impl<'t, 'a, 'g> Tracer<'t, 'a, 'g> {
    pub(super) fn new(lowering: &'t mut Lowering<'a>, graph: &'g Graph, rows: &Rows) -> Self {
        Tracer {
            lowering,
            graph,
            rows: rows.clone(),
            wanted: None,
            inputs: Vec::new(),
            columns: Vec::new(),
            read: HashMap::new(),
        }
    }

    /// The kernel that computes a value.
    pub(super) fn finish(self, value: Traced<'g>, target: Target, tag: Tag) -> Kernel {
        let body = self.graph.expression(&[value]);
        Kernel {
            rows: self.rows.count,
            inputs: self.inputs,
            columns: self.columns,
            body,
            target,
            tag,
        }
    }

    /// Reads a buffer; the same reading is made once.
    pub(super) fn input(&mut self, input: Input) -> Traced<'g> {
        let same = |other: &Input| {
            other.buffer == input.buffer
                && match (&other.access, &input.access) {
                    (Access::Uniform(a), Access::Uniform(b)) => a == b,
                    (Access::Contiguous(a), Access::Contiguous(b)) => a == b,
                    (Access::Gather(a), Access::Gather(b)) => a == b,
                    (Access::Uniform(_) | Access::Contiguous(_) | Access::Gather(_), _) => false,
                }
        };
        let known = self.inputs.iter().position(same);
        let position = known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        self.graph.input(position as u32)
    }

    /// A number per row; the same number in all rows is a constant.
    pub(super) fn numbers(&mut self, values: Vec<f64>) -> Traced<'g> {
        let first = values.first().copied().unwrap_or(0.0);
        if values.iter().all(|x| x.to_bits() == first.to_bits()) {
            return Traced::Constant(first);
        }
        let known = self.columns.iter().position(|c| c[..] == values[..]);
        let position = known.unwrap_or_else(|| {
            self.columns.push(values.into());
            self.columns.len() - 1
        });
        self.graph.column(position as u32)
    }

    /// The value of an element with unconstrained coordinate u, and its log-Jacobian.
    pub(super) fn transformed(
        &mut self,
        transform: &Transform,
        distribution: &Distribution,
        u: Traced<'g>,
    ) -> Result<(Traced<'g>, Traced<'g>), LowerError> {
        match (transform, distribution.location_scale()) {
            (Transform::Centering(centredness), Some([location, scale])) => {
                let location = self.trace(&location)?;
                let log_scale = self.trace(&scale)?.ln();
                let centredness = self.numbers(centredness.to_vec());
                let log_jacobian = centredness.subtracted_from(1.0) * log_scale;
                let moved = u - centredness * location;
                Ok((location + log_jacobian.exp() * moved, log_jacobian))
            }
            // `recenterable` gives none of another family.
            (Transform::Centering(_), None) => Ok((u, Traced::Constant(0.0))),
            (Transform::Bijector(bijector), _) => {
                let (low, high) = distribution.ends();
                let low = self.optional(low.as_ref(), f64::NEG_INFINITY)?;
                let high = self.optional(high.as_ref(), f64::INFINITY)?;
                Ok((bijector.constrain(u, low, high), bijector.log_jacobian(u, low, high)))
            }
        }
    }

    /// An expression, or a number where there is none.
    fn optional(&mut self, expr: Option<&Expr>, otherwise: f64) -> Result<Traced<'g>, LowerError> {
        match expr {
            Some(expr) => self.trace(expr),
            None => Ok(Traced::Constant(otherwise)),
        }
    }

    /// The element of a variable that belongs to each row of a statement on it.
    pub(super) fn element(&mut self, variable: VariableId) -> Result<Traced<'g>, LowerError> {
        let positions = self.rows.positions();
        if self.lowering.bound.typed.variable(variable).plane == Plane::Finite {
            let values = (0..self.rows.count).map(|row| {
                self.rows.enter(&self.lowering.evaluator, &self.lowering.finite, row);
                self.lowering.evaluator.assigned(variable, positions[row] as usize)
            });
            let values = values.collect();
            return Ok(self.numbers(values));
        }
        if let Some(array) = &self.lowering.bound.values[variable.index()] {
            let cell = |p: &u32| array.get(*p as usize).unwrap_or(f64::NAN);
            let values = positions.iter().map(cell).collect();
            return Ok(self.numbers(values));
        }
        let slot = self.lowering.place(variable)?;
        Ok(self.read(slot, &positions))
    }

    /// The value of an expression in every row.
    pub(super) fn trace(&mut self, expr: &Expr) -> Result<Traced<'g>, LowerError> {
        if expr.plane <= Plane::Finite {
            return self.data(expr);
        }
        match &expr.kind {
            ExprKind::Variable(variable, at) => self.variable(*variable, at),
            ExprKind::Negate(a) => Ok(-self.trace(a)?),
            ExprKind::Binary(Operator::Power, a, b) if b.plane <= Plane::Finite => {
                let base = self.trace(a)?;
                match self.data(b)? {
                    Traced::Constant(exponent) => Ok(power(base, exponent)),
                    exponent @ Traced::At(..) => Ok(base.pow(exponent)),
                }
            }
            ExprKind::Binary(operator, a, b) => {
                Ok(arithmetic(*operator, self.trace(a)?, self.trace(b)?))
            }
            ExprKind::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.trace(a)).collect::<Result<Vec<_>, _>>()?;
                Ok(function.apply(&arguments))
            }
            ExprKind::LogDensity(part, call, value) => {
                let value = self.trace(value)?;
                self.log_part(*part, call, value)
            }
            ExprKind::Covariance(kernel, arguments) => {
                let arguments =
                    arguments.iter().map(|a| self.trace(a)).collect::<Result<Vec<_>, _>>()?;
                Ok(covariance(*kernel, &arguments))
            }
            ExprKind::State(state) => Ok(self.state(*state as usize)),
            ExprKind::Time => Ok(self.time()),
            ExprKind::Not(a) => Ok(negation(self.trace(a)?)),
            ExprKind::If(condition, yes, no) if condition.plane > Plane::Finite => {
                let not = self.trace(condition)?.same(Traced::Constant(0.0));
                Ok(Traced::select(not, self.trace(no)?, self.trace(yes)?))
            }
            ExprKind::If(condition, yes, no) => {
                self.choice(condition, |tracer| tracer.trace(yes), |tracer| tracer.trace(no))
            }
            ExprKind::Reduce(reduce) => self.reduce(reduce, expr.span),
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::ElementAt(_)
            | ExprKind::Below(..)
            | ExprKind::Size(_)
            | ExprKind::Error => Err(unavailable(expr.span)),
        }
    }

    /// A data-only expression: evaluated now, for every row in which it is wanted.
    pub(super) fn data(&mut self, expr: &Expr) -> Result<Traced<'g>, LowerError> {
        let Some((variable, places)) = self.column(expr) else {
            let values = self.data_values(expr)?;
            return Ok(self.numbers(values));
        };
        let is_same = |(known, _): &&(Places, Traced<'g>)| {
            known.iter().zip(&places).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if let Some((_, known)) = self.read.get(&variable).and_then(|all| all.iter().find(is_same))
        {
            return Ok(*known);
        }
        let values = self.data_values(expr)?;
        let column = self.numbers(values);
        self.read.entry(variable).or_default().push((places, column));
        Ok(column)
    }

    /// The variable of an expression that is data at indices of the rows, wanted in all of them, and
    /// its places.
    fn column(&self, expr: &Expr) -> Option<(VariableId, Places)> {
        let ExprKind::Variable(variable, at) = &expr.kind else { return None };
        if expr.plane == Plane::Finite || self.wanted.is_some() {
            return None;
        }
        let place = |at: &Expr| self.rows.of(at.index()?).cloned();
        Some((*variable, at.iter().map(place).collect::<Option<_>>()?))
    }

    pub(super) fn data_values(&self, expr: &Expr) -> Result<Vec<f64>, LowerError> {
        let wanted = self.wanted_rows();
        let count = wanted.as_ref().map_or(self.rows.count, Vec::len);
        if count == 0 {
            return Ok(vec![1.0; self.rows.count]);
        }
        let values = self.rows.data(
            &self.lowering.evaluator,
            &self.lowering.finite,
            expr,
            wanted.as_deref(),
        )?;
        let Some(wanted) = wanted else { return Ok(values) };
        // Where it is not wanted, any value of it will do.
        let mut all = vec![values[0]; self.rows.count];
        for (row, value) in wanted.iter().zip(values) {
            all[*row as usize] = value;
        }
        Ok(all)
    }

    /// The rows in which the expression at hand is evaluated, if not in all.
    pub(super) fn wanted_rows(&self) -> Option<Vec<u32>> {
        let wanted = self.wanted.as_ref()?;
        Some((0..wanted.len() as u32).filter(|row| wanted[*row as usize]).collect())
    }

    /// Whether the expression at hand is evaluated in a row.
    pub(super) fn is_wanted(&self, row: usize) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted[row])
    }

    /// A branch decided by data and finite latents: each side is evaluated only where it is taken.
    pub(super) fn choice(
        &mut self,
        condition: &Expr,
        yes: impl FnOnce(&mut Self) -> Result<Traced<'g>, LowerError>,
        no: impl FnOnce(&mut Self) -> Result<Traced<'g>, LowerError>,
    ) -> Result<Traced<'g>, LowerError> {
        let condition = self.data_values(condition)?;
        let wanted = |truth: bool, tracer: &Self| -> Arc<[bool]> {
            let taken = |(row, c): (usize, &f64)| (*c != 0.0) == truth && tracer.is_wanted(row);
            condition.iter().enumerate().map(taken).collect()
        };
        let (yes_rows, no_rows) = (wanted(true, self), wanted(false, self));
        if !no_rows.contains(&true) {
            return yes(self);
        }
        if !yes_rows.contains(&true) {
            return no(self);
        }
        let outside = self.wanted.replace(yes_rows);
        let yes = yes(self);
        self.wanted = Some(no_rows);
        let no = no(self);
        self.wanted = outside;
        let (yes, no) = (yes?, no?);
        let condition = self.numbers(condition);
        Ok(Traced::select(condition.same(Traced::Constant(0.0)), no, yes))
    }

    fn variable(&mut self, variable: VariableId, at: &[Expr]) -> Result<Traced<'g>, LowerError> {
        let bound = self.lowering.bound;
        if let Role::Derived(id) = bound.typed.variable(variable).role
            && !self.lowering.places.contains_key(&variable)
            && !self.lowering.stored.contains(&id)
        {
            let size: usize = bound.shape(variable).iter().product();
            let definition = bound.typed.definition(id);
            let finite = bound.typed.variable(variable).finite;
            // Tracing a definition over more rows than it has elements would repeat its work,
            // unless it differs with the values of finite latents.
            match &definition.value {
                DefinitionValue::Each(value) if finite || size >= self.rows.count => {
                    return self.substitute(&definition.indices, at, value);
                }
                DefinitionValue::PerElement(values) if finite => {
                    return self.substitute_element(&definition.indices, at, values);
                }
                DefinitionValue::Each(_)
                | DefinitionValue::PerElement(_)
                | DefinitionValue::Solved(_)
                | DefinitionValue::Factored(_) => {}
            }
        }
        if at.is_empty() && !self.lowering.turning.contains(&variable) {
            let slot = self.lowering.place(variable)?;
            let access = Access::Uniform(slot.offset);
            return Ok(self.input(Input { buffer: slot.buffer, access }));
        }
        let mut positions = self.positions(variable, at)?;
        if self.lowering.turning.contains(&variable) {
            let unwritten: usize = bound.shape(variable).iter().product();
            for (row, position) in positions.iter_mut().enumerate() {
                if !self.is_wanted(row) {
                    *position = unwritten as u32;
                }
            }
        }
        let slot = self.lowering.place(variable)?;
        Ok(self.read(slot, &positions))
    }

    /// Traces a definition in place of its name.
    fn substitute(
        &mut self,
        indices: &[crate::typed::IndexId],
        at: &[Expr],
        value: &Expr,
    ) -> Result<Traced<'g>, LowerError> {
        let mut more = Vec::new();
        for (index, subscript) in indices.iter().zip(at) {
            more.push((*index, self.subscript(subscript)?));
        }
        let inner = self.rows.only(&value.outer_indices(), more);
        let outer = std::mem::replace(&mut self.rows, inner);
        let value = self.trace(value);
        self.rows = outer;
        value
    }

    /// Traces the element that each row wants of a definition with one expression per element.
    fn substitute_element(
        &mut self,
        indices: &[crate::typed::IndexId],
        at: &[Expr],
        values: &[Expr],
    ) -> Result<Traced<'g>, LowerError> {
        let (outer, last) = (indices.len().saturating_sub(1), at.last());
        let Some(last) = last else { return Ok(Traced::Constant(f64::NAN)) };
        let elements = self.data_values(last)?;
        let mut result = Traced::Constant(f64::NAN);
        let outside = self.wanted.clone();
        for (element, value) in values.iter().enumerate() {
            let here = |row: usize| elements[row] == element as f64;
            let rows: Arc<[bool]> =
                (0..self.rows.count).map(|row| here(row) && self.is_wanted(row)).collect();
            if !rows.contains(&true) {
                continue;
            }
            self.wanted = Some(rows);
            let value = self.substitute(&indices[..outer], &at[..outer], value);
            self.wanted.clone_from(&outside);
            let others = elements.iter().map(|e| f64::from(u8::from(*e != element as f64)));
            let other = self.numbers(others.collect());
            result = Traced::select(other.same(Traced::Constant(0.0)), value?, result);
        }
        Ok(result)
    }

    /// The element that a subscript names in every row.
    fn subscript(&self, subscript: &Expr) -> Result<Arc<[u32]>, LowerError> {
        if let ExprKind::Index(index) = &subscript.kind
            && let Some(own) = self.rows.of(*index)
        {
            return Ok(own.clone());
        }
        Ok(self.data_values(subscript)?.iter().map(|p| *p as u32).collect())
    }

    /// The row-major position of `variable[at]` in every row.
    fn positions(&self, variable: VariableId, at: &[Expr]) -> Result<Vec<u32>, LowerError> {
        let shape = self.lowering.bound.shape(variable);
        let mut positions = vec![0u32; self.rows.count];
        for (size, subscript) in shape.iter().zip(at) {
            let values = self.subscript(subscript)?;
            for (position, value) in positions.iter_mut().zip(values.iter()) {
                *position = *position * (*size as u32) + value;
            }
        }
        Ok(positions)
    }

    /// Reads elements of a stored variable, by the plainest access that does.
    pub(super) fn read(&mut self, slot: Slot, positions: &[u32]) -> Traced<'g> {
        let first = positions.first().copied().unwrap_or(0);
        let offset = slot.offset as u32;
        let access = if positions.iter().all(|p| *p == first) {
            Access::Uniform((offset + first) as usize)
        } else if positions.iter().enumerate().all(|(row, p)| *p == first + row as u32) {
            Access::Contiguous((offset + first) as usize)
        } else {
            Access::Gather(positions.iter().map(|p| p + offset).collect())
        };
        self.input(Input { buffer: slot.buffer, access })
    }
}
