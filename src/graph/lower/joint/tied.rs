//! A statement over groups of elements to its groups: where its log density depends on finite
//! latents, a group stands once for every combination of their values, each with an entry of a table.

use super::super::super::node::{BufferId, Node, Slot, Tag, Target};
use super::super::super::trace::Graph;
use super::super::expression::Tracer;
use super::super::rows::{Assigned, Rows};
use super::super::{LowerError, Lowering};
use crate::bound::finite::is_finite;
use crate::typed::{Random, VariableId};
use std::sync::Arc;

/// A joint statement with its groups: members in the order of the joint axes.
pub(super) struct Tied<'a> {
    pub(super) random: &'a Random,
    pub(super) groups: Vec<Vec<u32>>,
    pub(super) tag: Tag,
    /// The values, group by group.
    pub(super) x: Slot,
    tabled: Option<Tabled>,
}

/// The combinations of the values of finite latents, one for each group.
struct Tabled {
    assigned: Arc<Assigned>,
    buffer: BufferId,
    /// The entry of each group.
    entries: Vec<u32>,
}

impl Tied<'_> {
    /// How many elements a group has.
    pub(super) fn size(&self) -> usize {
        self.groups.first().map_or(0, Vec::len)
    }

    /// All groups.
    pub(super) fn each(&self) -> Vec<u32> {
        (0..self.groups.len() as u32).collect()
    }

    /// The group of each row, where every group has as many.
    pub(super) fn alike(&self, rows: usize) -> Vec<u32> {
        (0..self.groups.len() * rows).map(|row| (row / rows.max(1)) as u32).collect()
    }

    /// The group of every element, group by group.
    pub(super) fn group_of(&self) -> Vec<u32> {
        self.alike(self.size())
    }

    /// All elements, group by group.
    pub(super) fn everything(&self) -> Vec<u32> {
        (0..(self.groups.len() * self.size()) as u32).collect()
    }

    /// Rows at these elements, each with the values of finite latents of its group.
    pub(super) fn rows(
        &self,
        lowering: &Lowering<'_>,
        positions: Vec<u32>,
        group_of: &[u32],
    ) -> Rows {
        let rows = Rows::at(&lowering.evaluator, &self.random.indices, positions);
        match &self.tabled {
            Some(tabled) => rows.assigned(tabled.assigned.clone(), group_of.to_vec()),
            None => rows,
        }
    }

    /// A row for each element, group by group.
    pub(super) fn members(&self, lowering: &Lowering<'_>) -> Rows {
        self.rows(lowering, self.groups.concat(), &self.group_of())
    }

    /// A row for each group, at its first element.
    pub(super) fn firsts(&self, lowering: &Lowering<'_>) -> Rows {
        let firsts = self.groups.iter().filter_map(|g| g.first().copied()).collect();
        self.rows(lowering, firsts, &self.each())
    }

    /// Where the log densities of rows go that belong to these groups.
    pub(super) fn density(&self, group_of: &[u32]) -> Target {
        match &self.tabled {
            Some(tabled) => {
                let index = group_of.iter().map(|group| tabled.entries[*group as usize]).collect();
                Target::Accumulate { buffer: tabled.buffer, index }
            }
            None => Target::LogDensity,
        }
    }
}

impl Lowering<'_> {
    /// The groups of a statement, with their values.
    pub(super) fn tie<'r>(
        &mut self,
        random: &'r Random,
        groups: Vec<Vec<u32>>,
    ) -> Result<Tied<'r>, LowerError> {
        let mut combinations = None;
        let mut expanded = groups;
        if is_finite(self.bound, random) {
            let finite = self.finite.clone();
            let mut assigned = Assigned::default();
            let (mut from, mut entries) = (Vec::new(), Vec::new());
            for group in expanded {
                let scope = finite.scope_of_group(&self.evaluator, random, &group)?;
                let scope: Arc<[u32]> = scope.into();
                let mut entry = self.table(&scope) as u32;
                finite.for_each(&self.evaluator, &scope, |values| {
                    from.push(group.clone());
                    assigned.push(&scope, values);
                    entries.push(entry);
                    entry += 1;
                    Ok::<(), LowerError>(())
                })?;
            }
            expanded = from;
            combinations = Some((assigned, entries));
        }
        let rows = Rows::at(&self.evaluator, &random.indices, expanded.concat());
        let tag = self.origin(random.span, Some(random.variable), &rows);
        let tabled = combinations.map(|(assigned, entries)| Tabled {
            assigned: Arc::new(assigned),
            buffer: self.tables_of(tag),
            entries,
        });
        let x = self.values_of(random.variable, &rows, tag)?;
        Ok(Tied { random, groups: expanded, tag, x, tabled })
    }

    /// The elements of a variable in the order of rows, in a place of their own.
    fn values_of(
        &mut self,
        variable: VariableId,
        rows: &Rows,
        tag: Tag,
    ) -> Result<Slot, LowerError> {
        let slot = Slot { buffer: self.model.add_buffer(rows.count), offset: 0 };
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, rows);
        let x = tracer.element(variable)?;
        let kernel = tracer.finish(x, Target::Store(slot), tag);
        self.push(Node::Kernel(kernel));
        Ok(slot)
    }
}
