//! From a bound program to kernels: the density on the unconstrained space, what is reported, and
//! the parameters of what is predicted.
//!
//! Every `~` statement becomes a kernel over its rows, every transform of a latent two (the value
//! and its log-Jacobian). Definitions are traced into the kernels that use them, unless storing
//! them is cheaper: they then become kernels of their own.

mod expression;
mod reduce;
mod rows;

use super::node::{Access, BufferId, Input, Kernel, Model, Node, Quantity, Slot, Tag, Target};
use super::trace::Graph;
use crate::bound::{self, EvaluationError, Evaluator};
use crate::math::bijector::Bijector;
use crate::source::Span;
use crate::typed::{
    DefinitionId, DefinitionValue, Expr, Plane, Random, RandomId, RandomRole, Role, VariableId,
};
use expression::Tracer;
use rows::Rows;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A density and where its parts came from.
#[derive(Clone, Debug)]
pub struct Density {
    /// The kernels.
    pub model: Model,
    /// The latents in the order of the unconstrained space.
    pub sites: Vec<Site>,
    /// What the model's quantities are, in the same order.
    pub reported: Vec<Reported>,
    /// The meaning of the model's tags.
    pub origins: Vec<Origin>,
}

/// A latent's place in the unconstrained space.
#[derive(Clone, Debug)]
pub struct Site {
    /// The latent.
    pub variable: VariableId,
    /// Its first unconstrained coordinate.
    pub offset: usize,
    /// How many elements it has, row-major.
    pub length: usize,
    /// How each element follows from its coordinate.
    pub transform: Transform,
}

/// From the unconstrained coordinate u of an element to its value x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// Onto the element's support.
    Bijector(Bijector),
    /// x = location + scale u: the standardised value is the coordinate.
    Noncentered,
}

/// The latents whose coordinates are their standardised values. The canonical coordinates have
/// none; any choice describes the same posterior.
pub type Noncentered = BTreeSet<RandomId>;

/// The latents that can be non-centred with an effect: of a location-scale family, not truncated,
/// with a location or scale that depends on latents.
pub fn noncenterable(bound: &bound::Program) -> Noncentered {
    let eligible = |random: &Random| {
        let distribution = &random.distribution;
        let moves = |at: usize| {
            distribution.arguments.get(at).is_some_and(|a: &Expr| a.plane == Plane::Latent)
        };
        random.role == RandomRole::Latent
            && distribution.truncation.is_none()
            && distribution.family.location_scale.is_some_and(|(l, s)| moves(l) || moves(s))
    };
    let randoms = bound.typed.randoms.iter().enumerate();
    randoms.filter(|(_, r)| eligible(r)).map(|(i, _)| RandomId(i as u32)).collect()
}

/// A variable among the quantities.
#[derive(Clone, Copy, Debug)]
pub struct Reported {
    /// The variable.
    pub variable: VariableId,
    /// Its first element among all quantities.
    pub offset: usize,
    /// How many elements, row-major.
    pub length: usize,
}

/// Where a kernel came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The statement.
    pub span: Span,
    /// The variable its rows are elements of.
    pub variable: Option<VariableId>,
    /// The row-major position of each row's element, where rows were left out.
    pub positions: Option<Vec<u32>>,
}

/// Why a bound program has no kernels. Binding finds all but the last before.
#[derive(Clone, Debug, PartialEq)]
pub enum LowerError {
    /// An expression has no value.
    Evaluation(EvaluationError),
    /// `max`, `min` of more latent elements than are compared one by one.
    TooManyToCompare {
        /// The reduction.
        span: Span,
        /// How many elements.
        count: usize,
    },
}

impl From<EvaluationError> for LowerError {
    fn from(error: EvaluationError) -> Self {
        LowerError::Evaluation(error)
    }
}

/// Lowers the density of a program on its unconstrained space, and its reports.
///
/// # Errors
///
/// See [`LowerError`].
pub fn density(bound: &bound::Program, noncentered: &Noncentered) -> Result<Density, LowerError> {
    let mut lowering = Lowering::new(bound);
    lowering.place_latents(noncentered);
    for (id, _) in lowering.unplaced.clone() {
        lowering.transform(id)?;
    }
    for (index, random) in bound.typed.randoms.iter().enumerate() {
        if random.role != RandomRole::Predicted {
            lowering.statement(RandomId(index as u32), random)?;
        }
    }
    for factor in &bound.typed.factors {
        lowering.factor(factor)?;
    }
    let reported = lowering.report()?;
    Ok(Density {
        model: lowering.model,
        sites: lowering.sites,
        reported,
        origins: lowering.origins,
    })
}

/// The distribution parameters of a `~` statement, as quantities of a model whose point holds the
/// constrained values of all latents and predictions.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The kernels. The quantities are, for each row, its arguments and then its ends if truncated.
    pub model: Model,
    /// How many numbers each row has.
    pub width: usize,
    /// The row-major positions of the elements, one per row.
    pub positions: Vec<u32>,
}

/// The place of every latent and prediction in a vector of constrained values.
#[derive(Clone, Debug, Default)]
pub struct ConstrainedLayout {
    places: HashMap<VariableId, usize>,
    length: usize,
}

impl ConstrainedLayout {
    /// Latents and predictions in source order, row-major; observed names that are predicted too.
    pub fn new(bound: &bound::Program) -> Self {
        let mut layout = ConstrainedLayout::default();
        for random in &bound.typed.randoms {
            if random.role != RandomRole::Observed {
                layout.places.insert(random.variable, layout.length);
                layout.length += bound.shape(random.variable).iter().product::<usize>();
            }
        }
        layout
    }

    /// The length of the vector.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing to hold.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The first element of a variable.
    pub fn offset(&self, variable: VariableId) -> Option<usize> {
        self.places.get(&variable).copied()
    }
}

/// Lowers the arguments of a `~` statement over constrained values.
///
/// # Errors
///
/// See [`LowerError`].
pub fn parameters(
    bound: &bound::Program,
    layout: &ConstrainedLayout,
    id: RandomId,
) -> Result<Parameters, LowerError> {
    let mut lowering = Lowering::constrained(bound, layout);
    let random = bound.typed.random(id);
    let rows = Rows::over(&lowering.evaluator, &random.indices, random.guard.as_ref())?;
    let (low, high) = match &random.distribution.truncation {
        Some(_) => random.distribution.ends(),
        None => (None, None),
    };
    let truncated = random.distribution.truncation.is_some();
    let end = |e: Option<Expr>, infinity: f64| e.unwrap_or_else(|| number(infinity, random.span));
    let mut exprs: Vec<Expr> = random.distribution.arguments.clone();
    if truncated {
        exprs.push(end(low, f64::NEG_INFINITY));
        exprs.push(end(high, f64::INFINITY));
    }
    let tag = lowering.origin(random.span, Some(random.variable), &rows);
    let mut quantities = Vec::new();
    for expr in &exprs {
        let slot = lowering.store(expr, &rows, tag)?;
        quantities.push(Quantity { buffer: slot.buffer, offset: slot.offset, length: rows.count });
    }
    lowering.model.quantities = quantities;
    let positions = rows.positions();
    Ok(Parameters { model: lowering.finish_reports(), width: exprs.len(), positions })
}

/// Lowers the value of a definition over constrained values; the quantities are its elements.
///
/// # Errors
///
/// See [`LowerError`].
pub fn definition(
    bound: &bound::Program,
    layout: &ConstrainedLayout,
    variable: VariableId,
) -> Result<Model, LowerError> {
    let mut lowering = Lowering::constrained(bound, layout);
    let length = bound.shape(variable).iter().product();
    let slot = lowering.place(variable)?;
    lowering.model.quantities = vec![Quantity { buffer: slot.buffer, offset: slot.offset, length }];
    Ok(lowering.finish_reports())
}

fn number(x: f64, span: Span) -> Expr {
    Expr {
        kind: crate::typed::ExprKind::Number(x),
        ty: crate::typed::Kind::Real,
        plane: Plane::Data,
        span,
    }
}

/// The state of a lowering.
struct Lowering<'a> {
    bound: &'a bound::Program,
    evaluator: Evaluator<'a, ()>,
    model: Model,
    sites: Vec<Site>,
    origins: Vec<Origin>,
    /// Where stored variables are.
    places: HashMap<VariableId, Slot>,
    /// Definitions that are stored rather than traced where they are used.
    stored: HashSet<DefinitionId>,
    /// Latents whose transforms are not yet nodes, and their positions among the sites.
    unplaced: Vec<(RandomId, usize)>,
    /// Whether nodes go to the reports.
    reporting: bool,
}

impl<'a> Lowering<'a> {
    fn new(bound: &'a bound::Program) -> Self {
        let model = Model {
            buffers: vec![0],
            nodes: Vec::new(),
            report_nodes: Vec::new(),
            quantities: Vec::new(),
        };
        let mut lowering = Lowering {
            bound,
            evaluator: Evaluator::of(bound, ()),
            model,
            sites: Vec::new(),
            origins: Vec::new(),
            places: HashMap::new(),
            stored: HashSet::new(),
            unplaced: Vec::new(),
            reporting: false,
        };
        lowering.choose_stored();
        lowering
    }

    /// A lowering whose point holds constrained values; everything it adds is a report.
    fn constrained(bound: &'a bound::Program, layout: &ConstrainedLayout) -> Self {
        let mut lowering = Lowering::new(bound);
        lowering.model.buffers[0] = layout.len();
        for (variable, offset) in &layout.places {
            lowering.places.insert(*variable, Slot { buffer: BufferId::POINT, offset: *offset });
        }
        lowering.reporting = true;
        lowering
    }

    fn finish_reports(self) -> Model {
        self.model
    }

    /// Definitions with reductions of latents are stored: tracing them twice would reduce twice.
    fn choose_stored(&mut self) {
        for (index, definition) in self.bound.typed.definitions.iter().enumerate() {
            let reduces = |e: &Expr| {
                let mut found = false;
                e.walk(&mut |e| {
                    found |= e.plane > Plane::Data
                        && matches!(e.kind, crate::typed::ExprKind::Reduce(_));
                });
                found
            };
            let found = match &definition.value {
                DefinitionValue::Each(value) => reduces(value),
                DefinitionValue::PerElement(_) => true,
            };
            if found {
                self.stored.insert(DefinitionId(index as u32));
            }
        }
    }

    fn push(&mut self, node: Node) {
        if self.reporting {
            self.model.report_nodes.push(node);
        } else {
            self.model.nodes.push(node);
        }
    }

    fn origin(&mut self, span: Span, variable: Option<VariableId>, rows: &Rows) -> Tag {
        let positions = (!rows.complete).then(|| rows.positions());
        self.origins.push(Origin { span, variable, positions });
        Tag(self.origins.len() as u32 - 1)
    }

    /// Gives every latent its coordinates; those without bounds are their own values.
    fn place_latents(&mut self, noncentered: &Noncentered) {
        let mut offset = 0;
        for (index, random) in self.bound.typed.randoms.iter().enumerate() {
            if random.role != RandomRole::Latent {
                continue;
            }
            let length = self.bound.shape(random.variable).iter().product();
            let id = RandomId(index as u32);
            let (low, high) = random.distribution.ends();
            let bijector = Bijector::onto(low.is_some(), high.is_some());
            let transform = if noncentered.contains(&id) {
                Transform::Noncentered
            } else {
                Transform::Bijector(bijector)
            };
            if transform == Transform::Bijector(Bijector::Identity) {
                self.places.insert(random.variable, Slot { buffer: BufferId::POINT, offset });
            } else {
                self.unplaced.push((id, self.sites.len()));
            }
            self.sites.push(Site { variable: random.variable, offset, length, transform });
            offset += length;
        }
        self.model.buffers[0] = offset;
    }

    /// Adds the two kernels of a latent's transform, and whatever its bounds need, once.
    fn transform(&mut self, id: RandomId) -> Result<(), LowerError> {
        let Some(at) = self.unplaced.iter().position(|(other, _)| *other == id) else {
            return Ok(());
        };
        let (_, site) = self.unplaced.remove(at);
        let Site { offset, transform, .. } = self.sites[site];
        let bound = self.bound;
        let random = bound.typed.random(id);
        let rows = Rows::over(&self.evaluator, &random.indices, None)?;
        let tag = self.origin(random.span, Some(random.variable), &rows);
        let buffer = self.model.add_buffer(rows.count);
        for part in [Part::Value, Part::LogJacobian] {
            let graph = Graph::new();
            let mut tracer = Tracer::new(self, &graph, &rows);
            let u =
                tracer.input(Input { buffer: BufferId::POINT, access: Access::Contiguous(offset) });
            let (value, log_jacobian) = tracer.transformed(transform, &random.distribution, u)?;
            let kernel = match part {
                Part::Value => tracer.finish(value, Target::Store(Slot { buffer, offset: 0 }), tag),
                Part::LogJacobian => tracer.finish(log_jacobian, Target::LogDensity, tag),
            };
            self.push(Node::Kernel(kernel));
        }
        self.places.insert(random.variable, Slot { buffer, offset: 0 });
        Ok(())
    }

    /// The log density of a `~` statement.
    fn statement(&mut self, id: RandomId, random: &Random) -> Result<(), LowerError> {
        let rows = Rows::over(&self.evaluator, &random.indices, random.guard.as_ref())?;
        if rows.count == 0 {
            return Ok(());
        }
        if random.role == RandomRole::Latent {
            self.transform(id)?;
        }
        let tag = self.origin(random.span, Some(random.variable), &rows);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let x = tracer.element(random.variable)?;
        let arguments = random
            .distribution
            .arguments
            .iter()
            .map(|argument| tracer.trace(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let density = random.distribution.parameterization.density;
        let mut value = density.log_density(x, &arguments);
        if let Some(truncation) = &random.distribution.truncation {
            let low = truncation.low.as_ref().map(|e| tracer.trace(e)).transpose()?;
            let high = truncation.high.as_ref().map(|e| tracer.trace(e)).transpose()?;
            // `Flat` is not normalised, whatever its bounds: it has no mass to divide by.
            if let Some(mass) = density.ln_mass(low, high, &arguments) {
                value = value - mass;
            }
        }
        let kernel = tracer.finish(value, Target::LogDensity, tag);
        self.push(Node::Kernel(kernel));
        Ok(())
    }

    fn factor(&mut self, factor: &crate::typed::Factor) -> Result<(), LowerError> {
        let rows = Rows::over(&self.evaluator, &factor.indices, factor.guard.as_ref())?;
        if rows.count == 0 {
            return Ok(());
        }
        let tag = self.origin(factor.span, None, &rows);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let value = tracer.trace(&factor.value)?;
        let kernel = tracer.finish(value, Target::LogDensity, tag);
        self.push(Node::Kernel(kernel));
        Ok(())
    }

    /// Latents and reports in source order, as quantities.
    fn report(&mut self) -> Result<Vec<Reported>, LowerError> {
        self.reporting = true;
        let typed = &self.bound.typed;
        let mut variables: Vec<VariableId> = typed.latents().collect();
        let known = |v: &VariableId| typed.variable(*v).plane != Plane::Predicted;
        variables.extend(typed.reports.iter().copied().filter(known));
        variables.sort_by_key(|v| typed.variable(*v).span.start);
        let mut reported = Vec::new();
        let mut offset = 0;
        for variable in variables {
            let length = self.bound.shape(variable).iter().product();
            let slot = self.place(variable)?;
            self.model.quantities.push(Quantity {
                buffer: slot.buffer,
                offset: slot.offset,
                length,
            });
            reported.push(Reported { variable, offset, length });
            offset += length;
        }
        Ok(reported)
    }

    /// Where a variable is stored, storing it first if need be.
    fn place(&mut self, variable: VariableId) -> Result<Slot, LowerError> {
        if let Some(slot) = self.places.get(&variable) {
            return Ok(*slot);
        }
        let bound = self.bound;
        let info = bound.typed.variable(variable);
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
        match &definition.value {
            DefinitionValue::Each(value) => {
                let rows = Rows::over(&self.evaluator, &definition.indices, None)?;
                let tag = self.origin(definition.span, Some(variable), &rows);
                self.store(value, &rows, tag)
            }
            DefinitionValue::PerElement(values) => {
                self.store_elements(variable, &definition.indices, values, definition.span)
            }
        }
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
    fn store(&mut self, expr: &Expr, rows: &Rows, tag: Tag) -> Result<Slot, LowerError> {
        let buffer = self.model.add_buffer(rows.count);
        let slot = Slot { buffer, offset: 0 };
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, rows);
        let value = tracer.trace(expr)?;
        let kernel = tracer.finish(value, Target::Store(slot), tag);
        self.push(Node::Kernel(kernel));
        Ok(slot)
    }

    /// Data as a buffer, for what is reported.
    fn store_data(&mut self, variable: VariableId) -> Result<Slot, LowerError> {
        let span = self.bound.typed.variable(variable).span;
        let array = self.bound.values[variable.index()].as_ref().ok_or(unavailable(span))?;
        let buffer = self.model.add_buffer(array.cells().len());
        let slot = Slot { buffer, offset: 0 };
        let rows = Rows::count(array.cells().len());
        let tag = self.origin(span, Some(variable), &rows);
        let graph = Graph::new();
        let body = graph.expression(&[graph.column(0)]);
        let kernel = Kernel {
            rows: rows.count,
            inputs: Vec::new(),
            columns: vec![array.cells().into()],
            body,
            target: Target::Store(slot),
            tag,
        };
        self.push(Node::Kernel(kernel));
        Ok(slot)
    }
}

/// The two kernels of a transform.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    LogJacobian,
}

fn unavailable(span: Span) -> LowerError {
    LowerError::Evaluation(EvaluationError::Unavailable { span })
}
