//! What depends on latents with finitely many values: tables of log densities, one entry for every
//! combination of the values, which an elimination adds up.

use super::super::elimination::{Elimination, Factor as Table};
use super::super::node::{BufferId, Kernel, Node, Slot, Tag, Target};
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::rows::{Assigned, Rows};
use super::{LowerError, Lowering};
use crate::source::Span;
use crate::typed::{Factor, Random, VariableId};
use std::collections::HashMap;
use std::sync::Arc;

/// The tables so far, in one buffer.
#[derive(Debug, Default)]
pub(super) struct Tables {
    buffer: Option<BufferId>,
    length: usize,
    /// Where the table of a scope begins.
    places: HashMap<Arc<[u32]>, usize>,
    scopes: Vec<(Arc<[u32]>, usize)>,
    tag: Option<Tag>,
}

/// Rows with every combination of the values that they depend on, and the entry of each.
struct Expanded {
    rows: Rows,
    entries: Vec<u32>,
}

impl Lowering<'_> {
    /// The log density of a `~` statement that depends on finite latents.
    pub(super) fn tabulate(&mut self, random: &Random, rows: &Rows) -> Result<(), LowerError> {
        let positions = rows.positions();
        let finite = self.finite.clone();
        let expanded = self.expand(rows, |lowering, row| {
            let position = positions[row] as usize;
            lowering.evaluator.stand(&random.indices, position);
            Ok(finite.scope(&lowering.evaluator, random, position)?)
        })?;
        self.fill(&expanded, random.span, Some(random.variable), |tracer| tracer.density(random))
    }

    /// A factor that depends on finite latents.
    pub(super) fn tabulate_factor(
        &mut self,
        factor: &Factor,
        rows: &Rows,
    ) -> Result<(), LowerError> {
        let positions = rows.positions();
        let finite = self.finite.clone();
        let expanded = self.expand(rows, |lowering, row| {
            lowering.evaluator.stand(&factor.indices, positions[row] as usize);
            Ok(finite.scope_of_factor(&lowering.evaluator, factor)?)
        })?;
        self.fill(&expanded, factor.span, None, |tracer| tracer.trace(&factor.value))
    }

    /// Adds the elimination of all tables.
    pub(super) fn sum_out(&mut self) {
        let Some(buffer) = self.tables.buffer else { return };
        let tag = self.tables.tag.unwrap_or(Tag(0));
        self.model.buffers[buffer.index()] = self.tables.length;
        let factors = self.tables.scopes.iter().map(|(scope, offset)| Table {
            table: Slot { buffer, offset: *offset },
            scope: scope.to_vec(),
        });
        let sizes = self.finite.elements.iter().map(|e| e.size).collect();
        let elimination = Elimination { sizes, factors: factors.collect(), tag };
        self.push(Node::Elimination(elimination));
    }

    fn expand(
        &mut self,
        rows: &Rows,
        mut scope_of: impl FnMut(&mut Self, usize) -> Result<Vec<u32>, LowerError>,
    ) -> Result<Expanded, LowerError> {
        let (mut from, mut entries) = (Vec::new(), Vec::new());
        let mut assigned = Assigned::default();
        let finite = self.finite.clone();
        for row in 0..rows.count {
            let scope = scope_of(self, row)?;
            let (scope, offset) = self.table(scope);
            let mut entry = offset as u32;
            finite.for_each(&self.evaluator, &scope, |values| {
                from.push(row as u32);
                entries.push(entry);
                assigned.push(&scope, values);
                entry += 1;
                Ok::<(), LowerError>(())
            })?;
        }
        Ok(Expanded { rows: rows.assign(&from, assigned), entries })
    }

    /// The table of a scope; a new one if there is none.
    fn table(&mut self, scope: Vec<u32>) -> (Arc<[u32]>, usize) {
        if let Some((scope, offset)) = self.tables.places.get_key_value(&scope[..]) {
            return (scope.clone(), *offset);
        }
        let scope: Arc<[u32]> = scope.into();
        let offset = self.tables.length;
        let entries = scope.iter().map(|e| self.finite.elements[*e as usize].size as usize);
        self.tables.length += entries.product::<usize>();
        self.tables.places.insert(scope.clone(), offset);
        self.tables.scopes.push((scope.clone(), offset));
        (scope, offset)
    }

    fn fill(
        &mut self,
        expanded: &Expanded,
        span: Span,
        variable: Option<VariableId>,
        value: impl for<'h> FnOnce(&mut Tracer<'_, '_, 'h>) -> Result<Traced<'h>, LowerError>,
    ) -> Result<(), LowerError> {
        let tag = self.origin(span, variable, &expanded.rows);
        self.tables.tag.get_or_insert(tag);
        let buffer = match self.tables.buffer {
            Some(buffer) => buffer,
            None => {
                let buffer = self.model.add_buffer(0);
                self.tables.buffer = Some(buffer);
                buffer
            }
        };
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &expanded.rows);
        let value = value(&mut tracer)?;
        let target = Target::Accumulate { buffer, index: expanded.entries.clone().into() };
        let kernel: Kernel = tracer.finish(value, target, tag);
        self.push(Node::Kernel(kernel));
        Ok(())
    }
}
