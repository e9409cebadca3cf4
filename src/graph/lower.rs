//! From a bound program to kernels: the density on the unconstrained space, what is reported, and
//! the parameters of what is predicted.
//!
//! Every `~` statement becomes a kernel over its rows, every transform of a latent two (the value
//! and its log-Jacobian). Definitions are traced into the kernels that use them, unless storing
//! them is cheaper: they then become kernels of their own.

mod constrained;
mod expression;
mod reduce;
mod rows;
mod sites;
mod stored;

pub use constrained::{ConstrainedLayout, Parameters, definition, parameters};
pub use sites::{Coordinates, Site, Transform, recenterable};

use super::node::{Model, Node, Quantity, Slot, Tag, Target};
use super::trace::Graph;
use crate::bound::{self, EvaluationError, Evaluator};
use crate::source::Span;
use crate::typed::{
    DefinitionId, DefinitionValue, Expr, Plane, Random, RandomId, RandomRole, VariableId,
};
use expression::Tracer;
use rows::Rows;
use std::collections::{HashMap, HashSet};

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
pub fn density(bound: &bound::Program, coordinates: &Coordinates) -> Result<Density, LowerError> {
    let mut lowering = Lowering::new(bound);
    lowering.place_latents(coordinates);
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
}

fn unavailable(span: Span) -> LowerError {
    LowerError::Evaluation(EvaluationError::Unavailable { span })
}
