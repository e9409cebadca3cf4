//! A compiled model, and its evaluation: forwards over all nodes, backwards over what they stored.

use super::flat::Layout;
use super::lane::Lane;
use super::step::Step;
use super::workspace::{Extent, State, Workspace};
use crate::graph::{BufferId, DifferentiationOptions, Inconsistency, Model, Node, Tag, Target};
use crate::inference::target::{self, LogDensity};
use crate::math::Dual;
use std::ops::Range;

/// How a model is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether programs are simplified. Only tests say no.
    pub simplify: bool,
    /// How kernels are differentiated.
    pub differentiation: DifferentiationOptions,
    /// The most entries a table may have while finite variables are summed out. Beyond this an
    /// evaluation takes milliseconds per table, and a different model is the better answer.
    pub largest_table: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            simplify: true,
            differentiation: DifferentiationOptions::default(),
            largest_table: 1 << 16,
        }
    }
}

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Program {
    dimension: usize,
    layout: Layout,
    pub(super) steps: Vec<Step>,
    report_steps: Vec<Step>,
    quantities: Vec<Range<usize>>,
    /// What accumulations add to, and must be 0 at first.
    accumulated: Vec<Range<usize>>,
    extent: Extent,
}

/// What a node costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The statement it came from.
    pub tag: Tag,
    /// How many rows.
    pub rows: usize,
    /// Operations per row of value and adjoints; a product counts two per column and direction.
    pub row_operations: usize,
    /// Operations done once for all rows.
    pub operations: usize,
}

impl Program {
    /// Compiles a model, unless it breaks its invariant.
    pub fn compile(model: &Model, options: &Options) -> Result<Self, Inconsistency> {
        if let Some(inconsistency) = model.check() {
            return Err(inconsistency);
        }
        let layout = Layout::new(&model.buffers);
        let compile = |nodes: &[Node]| -> Result<Vec<Step>, Inconsistency> {
            nodes.iter().map(|node| Step::new(node, &layout, options)).collect()
        };
        let mut steps = compile(&model.nodes)?;
        let mut report_steps = compile(&model.report_nodes)?;
        let quantities = model.quantities.iter().map(|quantity| {
            let start = layout.range(quantity.buffer).start + quantity.offset;
            start..start + quantity.length
        });
        let all_nodes = model.nodes.iter().chain(&model.report_nodes);
        let accumulated = all_nodes.flat_map(Node::kernels).filter_map(|kernel| {
            let Target::Accumulate { buffer, .. } = &kernel.target else { return None };
            Some(layout.range(*buffer))
        });
        let mut extent = Extent { positions: layout.size(), ..Extent::default() };
        steps.iter_mut().chain(&mut report_steps).for_each(|step| step.extend(&mut extent));
        Ok(Program {
            dimension: model.dimension(),
            extent,
            quantities: quantities.collect(),
            accumulated: accumulated.collect(),
            layout,
            steps,
            report_steps,
        })
    }

    /// What every node of the log density costs, in order.
    pub fn costs(&self) -> Vec<Cost> {
        self.steps.iter().map(Step::cost).collect()
    }

    /// About how many bytes a workspace takes.
    pub fn workspace_bytes(&self) -> usize {
        let Extent { positions, scalars, registers, lanes, memory, scratch, .. } = self.extent;
        // A value and, for products with the Hessian, a dual number of each.
        let numbers = 2 * positions + scalars + registers * (lanes + 1) + memory + scratch;
        numbers * (size_of::<f64>() + size_of::<Dual<f64>>())
    }

    /// About how many floating-point operations a gradient takes.
    pub fn work(&self) -> usize {
        let of = |cost: &Cost| cost.rows * cost.row_operations + cost.operations;
        self.costs().iter().map(of).sum()
    }

    /// All buffers at an unconstrained point, those that are only reported included.
    pub fn buffers<'w>(&'w self, workspace: &'w mut Workspace, point: &[f64]) -> Buffers<'w> {
        let state = &mut workspace.plain;
        self.store_all(state, point);
        Buffers { layout: &self.layout, values: &state.values }
    }

    fn store_all(&self, state: &mut State<f64>, point: &[f64]) {
        self.begin(state, point.iter().copied());
        for step in self.steps.iter().chain(&self.report_steps) {
            step.store(state);
        }
    }

    /// Sets the point, and everything that is added to, to 0.
    pub(super) fn begin<T: Lane>(&self, state: &mut State<T>, point: impl Iterator<Item = T>) {
        for (value, x) in state.values[..self.dimension].iter_mut().zip(point) {
            *value = x;
        }
        let zero = T::constant(0.0);
        for range in &self.accumulated {
            state.values[range.clone()].fill(zero);
        }
        state.total = zero;
    }

    /// Value forwards, adjoints backwards.
    fn sweep<T: Lane>(&self, state: &mut State<T>, point: impl Iterator<Item = T>) {
        self.begin(state, point);
        state.adjoints.fill(T::constant(0.0));
        self.steps.iter().for_each(|step| step.forward(state));
        self.steps.iter().rev().for_each(|step| step.backward(state));
    }
}

impl LogDensity for Program {
    type Workspace = Workspace;

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self.extent)
    }

    fn log_density(&self, workspace: &mut Workspace, point: &[f64]) -> f64 {
        let state = &mut workspace.plain;
        self.begin(state, point.iter().copied());
        self.steps.iter().for_each(|step| step.evaluate(state));
        state.total
    }

    fn gradient(&self, workspace: &mut Workspace, point: &[f64], gradient: &mut [f64]) -> f64 {
        let state = &mut workspace.plain;
        self.sweep(state, point.iter().copied());
        for (to, adjoint) in gradient.iter_mut().zip(&state.adjoints[..self.dimension]) {
            *to = *adjoint;
        }
        state.total
    }

    fn hessian_vector(
        &self,
        workspace: &mut Workspace,
        point: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) {
        let state = &mut workspace.dual;
        let moving = point.iter().zip(direction);
        self.sweep(state, moving.map(|(value, tangent)| Dual { value: *value, tangent: *tangent }));
        for (to, adjoint) in product.iter_mut().zip(&state.adjoints[..self.dimension]) {
            *to = adjoint.tangent;
        }
    }
}

impl target::Target for Program {
    fn quantity_count(&self) -> usize {
        self.quantities.iter().map(Range::len).sum()
    }

    fn quantities(&self, workspace: &mut Workspace, point: &[f64], out: &mut [f64]) {
        let state = &mut workspace.plain;
        self.store_all(state, point);
        let values = self.quantities.iter().flat_map(|range| &state.values[range.clone()]);
        for (out, value) in out.iter_mut().zip(values) {
            *out = *value;
        }
    }
}

/// The values of all buffers at a point.
#[derive(Clone, Copy, Debug)]
pub struct Buffers<'w> {
    layout: &'w Layout,
    values: &'w [f64],
}

impl<'w> Buffers<'w> {
    /// The values of a buffer; nothing for one that does not exist.
    pub fn get(&self, buffer: BufferId) -> &'w [f64] {
        &self.values[self.layout.range(buffer)]
    }
}
