//! Definitions and data as kernels of their own.

use super::super::linear::Cholesky;
use super::super::node::{Kernel, Node, Slot, Tag, Target};
use super::super::trace::Graph;
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering, unavailable};
use crate::source::Span;
use crate::typed::{DefinitionId, DefinitionValue, Expr, Role, VariableId};

impl Lowering<'_> {
    /// Where a variable is stored, storing it first if need be.
    pub(super) fn place(&mut self, variable: VariableId) -> Result<Slot, LowerError> {
        if let Some(slot) = self.places.get(&variable) {
            return Ok(*slot);
        }
        let bound = self.bound;
        let info = bound.typed.variable(variable);
        if let Some(order) = self.recurrence_of(variable)
            && bound.values[variable.index()].is_none()
        {
            self.recur(&order)?;
            return self.places.get(&variable).copied().ok_or(unavailable(info.span));
        }
        let slot = match info.role {
            Role::Latent(id) => {
                self.transform(id)?;
                // `place_latents` or `transform` has placed every latent.
                self.places.get(&variable).copied().ok_or(unavailable(info.span))?
            }
            Role::Derived(id) => self.store_definition(variable, id)?,
            Role::Data(_) => self.store_data(variable)?,
            Role::Predicted(_) => return Err(unavailable(info.span)),
        };
        self.places.insert(variable, slot);
        Ok(slot)
    }

    fn store_definition(
        &mut self,
        variable: VariableId,
        id: DefinitionId,
    ) -> Result<Slot, LowerError> {
        let bound = self.bound;
        let definition = bound.typed.definition(id);
        if bound.values[variable.index()].is_some() {
            return self.store_data(variable);
        }
        // What is stored here is computed once, before any recurrence that uses it.
        let outside = self.turns.take();
        let slot = self.store_value(variable, definition);
        self.turns = outside;
        slot
    }

    fn store_value(
        &mut self,
        variable: VariableId,
        definition: &crate::typed::Definition,
    ) -> Result<Slot, LowerError> {
        match &definition.value {
            DefinitionValue::Each(value) => {
                let rows = Rows::over(&self.evaluator, &definition.indices, None)?;
                let tag = self.origin(definition.span, Some(variable), &rows);
                self.store(value, &rows, tag)
            }
            DefinitionValue::Solved(solution) => self.solve(variable, definition, solution),
            DefinitionValue::Factored(value) => self.factor_matrix(variable, definition, value),
            DefinitionValue::PerElement(values) => {
                self.store_elements(variable, &definition.indices, values, definition.span)
            }
        }
    }

    /// The matrices, then their factors.
    fn factor_matrix(
        &mut self,
        variable: VariableId,
        definition: &crate::typed::Definition,
        value: &Expr,
    ) -> Result<Slot, LowerError> {
        let rows = Rows::over(&self.evaluator, &definition.indices, None)?;
        let tag = self.origin(definition.span, Some(variable), &rows);
        let input = self.store(value, &rows, tag)?;
        let size = definition.indices.last().map_or(0, |index| self.evaluator.extent(*index));
        let output = Slot { buffer: self.model.add_buffer(rows.count), offset: 0 };
        let count = rows.count / (size * size).max(1);
        self.push(Node::Cholesky(Cholesky { size, count, input, output, tag }));
        Ok(output)
    }

    /// One kernel per element of the last axis, each accumulating into its cells.
    fn store_elements(
        &mut self,
        variable: VariableId,
        indices: &[crate::typed::IndexId],
        values: &[Expr],
        span: Span,
    ) -> Result<Slot, LowerError> {
        let outer = &indices[..indices.len().saturating_sub(1)];
        let rows = Rows::over(&self.evaluator, outer, None)?;
        let length: usize = self.bound.shape(variable).iter().product();
        let buffer = self.model.add_buffer(length);
        let tag = self.origin(span, Some(variable), &rows);
        for (element, value) in values.iter().enumerate() {
            let graph = Graph::new();
            let mut tracer = Tracer::new(self, &graph, &rows);
            let value = tracer.trace(value)?;
            let cell = |row: usize| (row * values.len() + element) as u32;
            let index = (0..rows.count).map(cell).collect();
            let kernel = tracer.finish(value, Target::Accumulate { buffer, index }, tag);
            self.push(Node::Kernel(kernel));
        }
        Ok(Slot { buffer, offset: 0 })
    }

    /// A kernel that stores an expression for every row.
    pub(super) fn store(&mut self, expr: &Expr, rows: &Rows, tag: Tag) -> Result<Slot, LowerError> {
        let buffer = self.model.add_buffer(rows.count);
        let slot = Slot { buffer, offset: 0 };
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, rows);
        let value = tracer.trace(expr)?;
        let kernel = tracer.finish(value, Target::Store(slot), tag);
        self.push_rows(kernel, rows);
        Ok(slot)
    }

    /// Data as a buffer, for what is reported.
    fn store_data(&mut self, variable: VariableId) -> Result<Slot, LowerError> {
        let span = self.bound.typed.variable(variable).span;
        let array = self.bound.values[variable.index()].as_ref().ok_or(unavailable(span))?;
        let buffer = self.model.add_buffer(array.len());
        let slot = Slot { buffer, offset: 0 };
        let rows = Rows::count(array.len());
        let tag = self.origin(span, Some(variable), &rows);
        let graph = Graph::new();
        let body = graph.expression(&[graph.column(0)]);
        let kernel = Kernel {
            rows: rows.count,
            inputs: Vec::new(),
            columns: vec![array.cells().collect()],
            body,
            target: Target::Store(slot),
            tag,
        };
        self.push(Node::Kernel(kernel));
        Ok(slot)
    }
}
