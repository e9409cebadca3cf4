//! A compiled model, and its evaluation: forwards over all nodes, backwards over what they stored.

use super::compile::{Surroundings, routine};
use super::data::bind;
use super::divide::share_reciprocals;
use super::execute::run;
use super::flat::{Layout, Places};
use super::lane::Lane;
use super::product::PlacedProduct;
use super::routine::{BLOCK, Routine, Sink, Source, Space};
use super::workspace::{Extent, State, Workspace};
use crate::graph::{
    BufferId, DifferentiationOptions, Expression, Inconsistency, Kernel, Leaf, Model, Node, Seed,
    Tag, Target, gradient,
};
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
}

impl Default for Options {
    fn default() -> Self {
        Options { simplify: true, differentiation: DifferentiationOptions::default() }
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

/// A compiled node.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Adds to the log density.
    Density(DensityStep),
    /// Stores values.
    Map(MapStep),
    /// A matrix times a vector.
    Product(PlacedProduct),
}

#[derive(Clone, Debug)]
pub(super) struct DensityStep {
    /// The value alone.
    pub(super) value: Routine,
    /// The value and the adjoints of the inputs.
    gradient: Routine,
    pub(super) tag: Tag,
}

#[derive(Clone, Debug)]
pub(super) struct MapStep {
    pub(super) value: Routine,
    /// The adjoints of the inputs, given those of the values.
    adjoint: Routine,
    tag: Tag,
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
        let compile = |nodes: &[Node]| -> Vec<Step> {
            nodes.iter().map(|node| compile_node(node, &layout, options)).collect()
        };
        let steps = compile(&model.nodes);
        let report_steps = compile(&model.report_nodes);
        let quantities = model.quantities.iter().map(|quantity| {
            let start = layout.range(quantity.buffer).start + quantity.offset;
            start..start + quantity.length
        });
        let all_nodes = model.nodes.iter().chain(&model.report_nodes);
        let accumulated = all_nodes.filter_map(|node| match node {
            Node::Kernel(Kernel { target: Target::Accumulate { buffer, .. }, .. }) => {
                Some(layout.range(*buffer))
            }
            Node::Kernel(_) | Node::Product(_) => None,
        });
        Ok(Program {
            dimension: model.dimension(),
            extent: extent(&layout, steps.iter().chain(&report_steps)),
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

    /// All buffers at an unconstrained point, those that are only reported included.
    pub fn buffers<'w>(&'w self, workspace: &'w mut Workspace, point: &[f64]) -> Buffers<'w> {
        let state = &mut workspace.plain;
        self.store_all(state, point);
        Buffers { layout: &self.layout, values: &state.values }
    }

    fn store_all(&self, state: &mut State<f64>, point: &[f64]) {
        self.begin(state, point.iter().copied());
        for step in self.steps.iter().chain(&self.report_steps) {
            match step {
                Step::Density(_) => {}
                Step::Map(map) => run(&map.value, state),
                Step::Product(product) => product.forward(state),
            }
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
        for step in &self.steps {
            match step {
                Step::Density(density) => run(&density.gradient, state),
                Step::Map(map) => run(&map.value, state),
                Step::Product(product) => product.forward(state),
            }
        }
        for step in self.steps.iter().rev() {
            match step {
                Step::Density(_) => {}
                Step::Map(map) => run(&map.adjoint, state),
                Step::Product(product) => product.backward(state),
            }
        }
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
        for step in &self.steps {
            match step {
                Step::Density(density) => run(&density.value, state),
                Step::Map(map) => run(&map.value, state),
                Step::Product(product) => product.forward(state),
            }
        }
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

impl Step {
    fn cost(&self) -> Cost {
        let of = |tag, routines: &[&Routine]| Cost {
            tag,
            rows: routines.first().map_or(0, |routine| routine.rows),
            row_operations: routines.iter().map(|routine| routine.instructions.len()).sum(),
            operations: routines.iter().map(|routine| routine.prelude.len()).sum(),
        };
        match self {
            Step::Density(density) => of(density.tag, &[&density.gradient]),
            Step::Map(map) => of(map.tag, &[&map.value, &map.adjoint]),
            Step::Product(product) => Cost {
                tag: product.tag,
                rows: product.matrix.rows,
                row_operations: 4 * product.matrix.columns,
                operations: 0,
            },
        }
    }

    fn routines(&self) -> Vec<&Routine> {
        match self {
            Step::Density(density) => vec![&density.value, &density.gradient],
            Step::Map(map) => vec![&map.value, &map.adjoint],
            Step::Product(_) => Vec::new(),
        }
    }
}

fn extent<'a>(layout: &Layout, steps: impl Iterator<Item = &'a Step>) -> Extent {
    let mut extent = Extent { positions: layout.size(), ..Extent::default() };
    for routine in steps.flat_map(Step::routines) {
        extent.scalars = extent.scalars.max(routine.prelude.len());
        extent.registers = extent.registers.max(routine.registers);
        extent.lanes = extent.lanes.max(routine.rows.min(BLOCK));
    }
    extent
}

fn compile_node(node: &Node, layout: &Layout, options: &Options) -> Step {
    match node {
        Node::Kernel(kernel) => KernelCompiler::new(kernel, layout, options).compile(),
        Node::Product(product) => Step::Product(PlacedProduct::new(product, layout)),
    }
}

/// Makes the routines of one kernel.
struct KernelCompiler<'a> {
    kernel: &'a Kernel,
    layout: &'a Layout,
    options: &'a Options,
    body: Expression,
    surroundings: Surroundings,
}

impl<'a> KernelCompiler<'a> {
    fn new(kernel: &'a Kernel, layout: &'a Layout, options: &'a Options) -> Self {
        let sources = kernel.inputs.iter().map(|input| Source {
            space: Space::Values,
            places: layout.places(input.buffer, &input.access),
        });
        let (body, columns) = match options.simplify {
            true => bind(&kernel.body, kernel.rows, &kernel.columns),
            false => (kernel.body.clone(), kernel.columns.clone()),
        };
        let surroundings = Surroundings { rows: kernel.rows, sources: sources.collect(), columns };
        KernelCompiler { kernel, layout, options, body, surroundings }
    }

    fn compile(mut self) -> Step {
        match &self.kernel.target {
            Target::LogDensity => Step::Density(self.density()),
            Target::Store(slot) => {
                let start = self.layout.slot(*slot);
                Step::Map(self.map(Sink::Store(start), Places::Run(start)))
            }
            Target::Accumulate { buffer, index } => {
                let start = self.layout.range(*buffer).start;
                let places = Places::Scattered { start, index: index.clone() };
                Step::Map(self.map(Sink::Add(Space::Values, places.clone()), places))
            }
        }
    }

    fn density(&self) -> DensityStep {
        let mut sinks = vec![Some(Sink::Total)];
        sinks.extend(self.adjoint_sinks());
        DensityStep {
            value: self.routine(&self.body, vec![Some(Sink::Total)]),
            gradient: self.routine(&self.gradient(Seed::One), sinks),
            tag: self.kernel.tag,
        }
    }

    fn map(&mut self, sink: Sink, places: Places) -> MapStep {
        let value = self.routine(&self.body, vec![Some(sink)]);
        let mut sinks = vec![None];
        sinks.extend(self.adjoint_sinks());
        // The adjoint of the value is read as one more input.
        let seed = Leaf::Input(self.surroundings.sources.len() as u32);
        let gradient = self.gradient(Seed::Read(seed));
        self.surroundings.sources.push(Source { space: Space::Adjoints, places });
        MapStep { value, adjoint: self.routine(&gradient, sinks), tag: self.kernel.tag }
    }

    fn gradient(&self, seed: Seed) -> Expression {
        gradient(&self.body, self.kernel.inputs.len(), seed, &self.options.differentiation)
    }

    fn adjoint_sinks(&self) -> Vec<Option<Sink>> {
        let places = self.kernel.inputs.iter().map(|input| {
            let places = self.layout.places(input.buffer, &input.access);
            Some(Sink::Add(Space::Adjoints, places))
        });
        places.collect()
    }

    fn routine(&self, expression: &Expression, sinks: Vec<Option<Sink>>) -> Routine {
        if !self.options.simplify {
            return routine(expression, sinks, &self.surroundings);
        }
        let Surroundings { rows, sources, columns } = &self.surroundings;
        let (expression, columns) = bind(expression, *rows, columns);
        let surroundings = Surroundings { rows: *rows, sources: sources.clone(), columns };
        let is_uniform = |leaf| surroundings.is_uniform(leaf);
        routine(&share_reciprocals(&expression, is_uniform), sinks, &surroundings)
    }
}
