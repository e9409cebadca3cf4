//! A compiled model, and its evaluation: forwards over all nodes, backwards over what they stored.

use super::block::Register;
use super::data::bind;
use super::elimination::LANES;
use super::flat::Layout;
use super::fuse::Fused;
use super::isa::Isa;
use super::lane::Lane;
use super::routine::BLOCK;
use super::small::Small;
use super::step::Step;
use super::workspace::{Extent, State, Workspace};
use crate::graph::rewrite::{Rewrites, rewrite};
use crate::graph::{BufferId, DifferentiationOptions, Inconsistency, Model, Node, Tag, Target};
use crate::inference::target::{self, LogDensity};
use crate::math::Dual;
use std::ops::Range;
use std::sync::Arc;

/// How many points share a pass over the data: enough to hide what reading costs.
const BATCH: usize = 8;

/// How a model is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether programs are simplified. Only tests say no.
    pub simplify: bool,
    /// Which rewrites are made before a model is compiled.
    pub rewrites: Rewrites,
    /// Whether a product that one kernel reads is computed inside it, so that its matrix is read
    /// once.
    pub fuse: bool,
    /// Whether what is the same for all rows is taken out of sums over rows.
    pub factor: bool,
    /// How kernels are differentiated.
    pub differentiation: DifferentiationOptions,
    /// The most entries a table may have while finite variables are summed out. Beyond this an
    /// evaluation takes milliseconds per table, and a different model is the better answer.
    pub largest_table: usize,
    /// The instructions of the processor that are used.
    pub isa: Isa,
    /// How much work, in additions or products, makes a share of the rows of a kernel: threads that
    /// have nothing else to do take one. Below twice as much a kernel runs as a whole. By default
    /// some 100 microseconds, ten times what waking a thread takes.
    pub share: usize,
    /// The most numbers that a model may need to run as one list of instructions; 0 for none. They
    /// should fit the first-level cache.
    pub small: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            simplify: true,
            rewrites: Rewrites::ALL,
            fuse: true,
            factor: true,
            differentiation: DifferentiationOptions::default(),
            largest_table: 1 << 16,
            isa: Isa::best(),
            share: 1 << 18,
            small: 1 << 13,
        }
    }
}

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Program {
    dimension: usize,
    /// The model as it was before it was rewritten, for what asks for terms one by one.
    original: Arc<Model>,
    options: Options,
    layout: Layout,
    pub(super) steps: Vec<Step>,
    report_steps: Vec<Step>,
    quantities: Vec<Range<usize>>,
    /// What accumulations add to, and must be 0 at first.
    accumulated: Vec<Range<usize>>,
    /// The steps of the log density as one list of instructions, if the model is small.
    pub(super) small: Option<Arc<Small>>,
    extent: Extent,
}

/// The model that is compiled: data-only parts of kernels evaluated, and rewritten.
fn prepared(model: &Model, options: &Options) -> Model {
    let mut model = model.clone();
    if options.simplify && options.rewrites != Rewrites::NONE {
        for node in &mut model.nodes {
            if let Node::Kernel(kernel) = node {
                (kernel.body, kernel.columns) = bind(&kernel.body, kernel.rows, &kernel.columns);
            }
        }
    }
    rewrite(&model, &options.rewrites)
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
        let original = Arc::new(model.clone());
        let model = &prepared(model, options);
        let mut fused = if options.fuse { Fused::of(model) } else { Fused::default() };
        let nodes: Vec<&Node> = model.nodes.iter().filter(|node| !fused.contains(node)).collect();
        // A kernel reads what the vector of its product is in.
        let mut used = nodes.clone();
        used.extend(model.nodes.iter().filter(|node| fused.contains(node)));
        let layout = Layout::new(model, &used, |buffer| fused.fills(buffer));
        fused.place(&layout);
        let compile = |node: &Node| Step::new(node, &layout, &fused, options);
        let mut steps: Vec<Step> = nodes.into_iter().map(compile).collect::<Result<_, _>>()?;
        let mut report_steps = fused.reported(&layout);
        for node in &model.report_nodes {
            report_steps.push(compile(node)?);
        }
        let quantities = model.quantities.iter().map(|quantity| {
            let start = layout.range(quantity.buffer).start + quantity.offset;
            start..start + quantity.length
        });
        let all_nodes = model.nodes.iter().chain(&model.report_nodes);
        let accumulated = all_nodes.flat_map(Node::kernels).filter_map(|kernel| {
            let Target::Accumulate { buffer, .. } = &kernel.target else { return None };
            Some(layout.range(*buffer))
        });
        let mut extent = Extent::new(options.isa, layout.size(), layout.active());
        steps.iter_mut().chain(&mut report_steps).for_each(|step| step.extend(&mut extent));
        let small = Small::new(&steps, &layout, model.dimension(), options.small);
        Ok(Program {
            dimension: model.dimension(),
            small: small.map(Arc::new),
            original,
            options: *options,
            extent,
            quantities: quantities.collect(),
            accumulated: accumulated.collect(),
            layout,
            steps,
            report_steps,
        })
    }

    /// The same model as it is written: no rewrites, every term in its place.
    pub(super) fn verbatim(&self) -> Option<Program> {
        let options = Options {
            rewrites: Rewrites::NONE,
            fuse: false,
            factor: false,
            small: 0,
            ..self.options
        };
        Program::compile(&self.original, &options).ok()
    }

    /// What every node of the log density costs, in order.
    pub fn costs(&self) -> Vec<Cost> {
        self.steps.iter().map(Step::cost).collect()
    }

    /// About how many bytes a workspace takes.
    pub fn workspace_bytes(&self) -> usize {
        let Extent { positions, active, scalars, registers, row_registers, .. } = &self.extent;
        let Extent { memory, scratch, reals, strips, kept, .. } = &self.extent;
        // A number and, for products with the Hessian, a dual number of each.
        let numbers = positions + active + memory + scratch + (strips + kept) * LANES;
        let of_numbers = numbers * (size_of::<f64>() + size_of::<Dual<f64>>());
        let plain = (scalars + row_registers + reals) * size_of::<f64>();
        let shared = self.extent.shares * (active + registers * BLOCK) * size_of::<f64>();
        of_numbers + 2 * (plain + registers * size_of::<Register>() + shared)
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
        Workspace::new(&self.extent, self.small.as_deref().map(Small::numbers))
    }

    fn log_density(&self, workspace: &mut Workspace, point: &[f64]) -> f64 {
        if let Some((small, numbers)) = self.small.as_ref().zip(workspace.small.as_mut()) {
            return small.log_density(self.options.isa, numbers, point);
        }
        let state = &mut workspace.plain;
        self.begin(state, point.iter().copied());
        self.steps.iter().for_each(|step| step.evaluate(state));
        state.total
    }

    fn gradient(&self, workspace: &mut Workspace, point: &[f64], gradient: &mut [f64]) -> f64 {
        if let Some((small, numbers)) = self.small.as_ref().zip(workspace.small.as_mut()) {
            return small.gradient(self.options.isa, numbers, point, gradient);
        }
        let state = &mut workspace.plain;
        self.sweep(state, point.iter().copied());
        for (to, adjoint) in gradient.iter_mut().zip(&state.adjoints[..self.dimension]) {
            *to = *adjoint;
        }
        state.total
    }

    fn gradients(
        &self,
        workspace: &mut Workspace,
        points: &[f64],
        values: &mut [f64],
        gradients: &mut [f64],
    ) {
        let dimension = self.dimension.max(1);
        let shares = self.small.is_none() && self.steps.iter().any(Step::reads_products);
        let together = shares && values.len() > 1;
        if !together {
            let places = points.chunks(dimension).zip(gradients.chunks_mut(dimension));
            for (value, (point, gradient)) in values.iter_mut().zip(places) {
                *value = self.gradient(workspace, point, gradient);
            }
            return;
        }
        let size = values.len().min(BATCH);
        workspace.batch.resize_with(size.max(workspace.batch.len()), || State::new(&self.extent));
        let points = points.chunks(BATCH * dimension);
        let gradients = gradients.chunks_mut(BATCH * dimension);
        for (values, (points, gradients)) in values.chunks_mut(BATCH).zip(points.zip(gradients)) {
            let states = &mut workspace.batch[..values.len()];
            for (state, point) in states.iter_mut().zip(points.chunks(dimension)) {
                self.begin(state, point.iter().copied());
                state.adjoints.fill(0.0);
            }
            self.steps.iter().for_each(|step| step.forward_together(states));
            let results = values.iter_mut().zip(gradients.chunks_mut(dimension));
            for (state, (value, gradient)) in states.iter_mut().zip(results) {
                self.steps.iter().rev().for_each(|step| step.backward(state));
                gradient.copy_from_slice(&state.adjoints[..self.dimension]);
                *value = state.total;
            }
        }
    }

    fn hessian_vector(
        &self,
        workspace: &mut Workspace,
        point: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) {
        if let Some((small, numbers)) = self.small.as_ref().zip(workspace.small.as_mut()) {
            return small.hessian_vector(self.options.isa, numbers, (point, direction), product);
        }
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
