//! Kernels put together by hand, from gathered inputs and columns of data.

use super::super::node::{Access, BufferId, Input, Kernel, Node, Slot, Tag, Target};
use super::super::trace::{Graph, Traced};
use super::Lowering;
use std::sync::Arc;

/// A kernel under construction.
pub(super) struct Builder<'g> {
    graph: &'g Graph,
    inputs: Vec<Input>,
    columns: Vec<Arc<[f64]>>,
}

impl<'g> Builder<'g> {
    /// One element of a buffer for each row.
    pub(super) fn gather(&mut self, buffer: BufferId, index: &[u32]) -> Traced<'g> {
        self.input(Input { buffer, access: Access::Gather(index.into()) })
    }

    /// An element of a place for each row.
    pub(super) fn at(&mut self, slot: Slot, index: &[u32]) -> Traced<'g> {
        let index = index.iter().map(|i| i + slot.offset as u32).collect();
        self.input(Input { buffer: slot.buffer, access: Access::Gather(index) })
    }

    fn input(&mut self, input: Input) -> Traced<'g> {
        self.inputs.push(input);
        self.graph.input(self.inputs.len() as u32 - 1)
    }

    /// A number for each row.
    pub(super) fn column(&mut self, values: &[f64]) -> Traced<'g> {
        match values.first() {
            Some(first) if values.iter().all(|v| v == first) => Traced::Constant(*first),
            _ => {
                self.columns.push(values.into());
                self.graph.column(self.columns.len() as u32 - 1)
            }
        }
    }

    /// The bounds of the group of each row, infinite where there is none.
    pub(super) fn ends(
        &mut self,
        ends: &[Option<Slot>; 2],
        groups: &[u32],
    ) -> (Traced<'g>, Traced<'g>) {
        let mut end = |slot: Option<Slot>, infinite: f64| match slot {
            Some(slot) => self.at(slot, groups),
            None => Traced::Constant(infinite),
        };
        (end(ends[0], f64::NEG_INFINITY), end(ends[1], f64::INFINITY))
    }
}

/// The kernel that computes a body for every row.
pub(super) fn build(
    rows: usize,
    tag: Tag,
    target: Target,
    body: impl for<'g> FnOnce(&mut Builder<'g>) -> Traced<'g>,
) -> Kernel {
    let graph = Graph::new();
    let mut builder = Builder { graph: &graph, inputs: Vec::new(), columns: Vec::new() };
    let value = body(&mut builder);
    let Builder { inputs, columns, .. } = builder;
    let body = graph.expression(&[value]);
    Kernel { rows, inputs, columns, body, target, tag }
}

impl Lowering<'_> {
    /// Adds a kernel, unless it has no rows.
    pub(super) fn kernel(
        &mut self,
        rows: usize,
        tag: Tag,
        target: Target,
        body: impl for<'g> FnOnce(&mut Builder<'g>) -> Traced<'g>,
    ) {
        if rows > 0 {
            let kernel = build(rows, tag, target, body);
            self.push(Node::Kernel(kernel));
        }
    }

    /// A new buffer that a kernel adds to: row r to the element `index[r]`.
    pub(super) fn gathered(
        &mut self,
        length: usize,
        index: &[u32],
        tag: Tag,
        body: impl for<'g> FnOnce(&mut Builder<'g>) -> Traced<'g>,
    ) -> Slot {
        let buffer = self.model.add_buffer(length);
        let target = Target::Accumulate { buffer, index: index.into() };
        self.kernel(index.len(), tag, target, body);
        Slot { buffer, offset: 0 }
    }
}
