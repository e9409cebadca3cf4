//! What depends on latents with finitely many values: tables of log densities, one entry for every
//! combination of the values, which an elimination adds up.

use super::super::elimination::{Elimination, Factor as Table};
use super::super::node::{BufferId, Kernel, Node, Slot, Tag, Target};
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::rows::{Assigned, Rows};
use super::shared::Shared;
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
    /// Where the table of a scope begins that statements have added up in.
    places: HashMap<Arc<[u32]>, usize>,
    /// All tables; scopes may share one that is the same for each.
    scopes: Vec<(Arc<[u32]>, usize)>,
    tag: Option<Tag>,
}

impl Tables {
    /// Room for this many more entries.
    fn grow(&mut self, entries: usize) -> usize {
        let offset = self.length;
        self.length += entries;
        offset
    }
}

/// Rows with every combination of the values that they depend on.
struct Expanded {
    rows: Rows,
    /// For each row before, its scope and the first of its combinations.
    scopes: Vec<Arc<[u32]>>,
    starts: Vec<u32>,
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
        let (mut from, mut scopes, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        let mut assigned = Assigned::default();
        let finite = self.finite.clone();
        for row in 0..rows.count {
            let scope: Arc<[u32]> = scope_of(self, row)?.into();
            starts.push(from.len() as u32);
            finite.for_each(&self.evaluator, &scope, |values| {
                from.push(row as u32);
                assigned.push(&scope, values);
                Ok::<(), LowerError>(())
            })?;
            scopes.push(scope);
        }
        Ok(Expanded { rows: rows.assign(&from, assigned), scopes, starts })
    }

    /// The buffer of all tables, for a statement that adds to them.
    pub(super) fn tables_of(&mut self, tag: Tag) -> BufferId {
        self.tables.tag.get_or_insert(tag);
        if let Some(buffer) = self.tables.buffer {
            return buffer;
        }
        let buffer = self.model.add_buffer(0);
        self.tables.buffer = Some(buffer);
        buffer
    }

    /// Where the table of a scope begins; a new one if there is none.
    pub(super) fn table(&mut self, scope: &Arc<[u32]>) -> usize {
        if let Some(offset) = self.tables.places.get(scope) {
            return *offset;
        }
        let entries = scope.iter().map(|e| self.finite.elements[*e as usize].size as usize);
        let offset = self.tables.grow(entries.product());
        self.tables.places.insert(scope.clone(), offset);
        self.tables.scopes.push((scope.clone(), offset));
        offset
    }

    fn fill(
        &mut self,
        expanded: &Expanded,
        span: Span,
        variable: Option<VariableId>,
        value: impl for<'h> FnOnce(&mut Tracer<'_, '_, 'h>) -> Result<Traced<'h>, LowerError>,
    ) -> Result<(), LowerError> {
        let tag = self.origin(span, variable, &expanded.rows);
        let buffer = self.tables_of(tag);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &expanded.rows);
        let value = value(&mut tracer)?;
        let kernel = tracer.finish(value, Target::LogDensity, tag);
        let shared = Shared::of(&kernel, &expanded.starts);
        let (kernel, index) = if shared.saves() {
            if let Some(positions) = &mut self.origins[tag.0 as usize].positions {
                *positions = shared.rows().map(|row| positions[row]).collect();
            }
            (shared.keep(kernel), self.share(expanded, &shared))
        } else {
            (kernel, self.entries(expanded))
        };
        let target = Target::Accumulate { buffer, index };
        self.push(Node::Kernel(Kernel { target, ..kernel }));
        Ok(())
    }

    /// The entry of each combination, in the table of its scope.
    fn entries(&mut self, expanded: &Expanded) -> Arc<[u32]> {
        let ends = expanded.starts.iter().skip(1).copied().chain([expanded.rows.count as u32]);
        let mut entries = Vec::with_capacity(expanded.rows.count);
        for ((scope, start), end) in expanded.scopes.iter().zip(&expanded.starts).zip(ends) {
            let offset = self.table(scope) as u32;
            entries.extend(offset..offset + (end - start));
        }
        entries.into()
    }

    /// The same in tables that scopes share.
    fn share(&mut self, expanded: &Expanded, shared: &Shared) -> Arc<[u32]> {
        let first = self.tables.grow(shared.rows().count());
        let mut offsets = Vec::with_capacity(shared.kept.len());
        let mut next = first;
        for block in &shared.kept {
            offsets.push(next);
            next += block.len();
        }
        for (scope, like) in expanded.scopes.iter().zip(&shared.like) {
            self.tables.scopes.push((scope.clone(), offsets[*like as usize]));
        }
        (first as u32..next as u32).collect()
    }
}
