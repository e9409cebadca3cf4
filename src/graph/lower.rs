//! From a bound program to kernels: the density on the unconstrained space, what is reported, and
//! the parameters of what is predicted.
//!
//! Every `~` statement becomes a kernel over its rows, every transform of a latent two (the value
//! and its log-Jacobian). Definitions are traced into the kernels that use them, unless storing
//! them is cheaper: they then become kernels of their own.

mod builder;
mod constrained;
mod drawn;
mod expression;
mod finite;
mod joint;
mod ode;
mod recurrence;
mod reduce;
mod rows;
mod shared;
mod sites;
mod stored;
mod vector;

pub use constrained::{ConstrainedLayout, Parameters, definition, location_and_scale, parameters};
pub use sites::{Coordinates, Site, Transform, is_movable, recenterable};

use super::node::{Kernel, Model, Node, Quantity, Slot, Tag, Target};
use super::trace::Graph;
use crate::bound::finite::{is_finite, mentions};
use crate::bound::{self, EvaluationError, Evaluator, Finite};
use crate::source::Span;
use crate::typed::{
    DefinitionId, DefinitionValue, Expr, Plane, Random, RandomId, RandomRole, VariableId,
};
use expression::Tracer;
use rows::Rows;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A density and where its parts came from.
#[derive(Clone, Debug)]
pub struct Density {
    /// The kernels.
    pub model: Model,
    /// The latents in the order of the unconstrained space.
    pub sites: Vec<Site>,
    /// What the model's quantities are together, in the same order.
    pub reported: Vec<Reported>,
    /// The meaning of the model's tags.
    pub origins: Vec<Origin>,
}

/// A variable among the quantities.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The variable.
    pub variable: VariableId,
    /// Its first element among all quantities.
    pub offset: usize,
    /// The row-major positions of its elements, ascending: those that exist.
    pub positions: Vec<u32>,
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
    let mut lowering = Lowering::new(bound)?;
    lowering.place_latents(coordinates)?;
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
    lowering.sum_out();
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
    /// The elements that are summed out, and the tables of what depends on them.
    finite: Arc<Finite>,
    tables: finite::Tables,
    /// The kernels of the recurrence that is being lowered, with the ends of their waves.
    turns: Option<Vec<(Kernel, Vec<u32>)>>,
    /// The names of that recurrence.
    turning: Vec<VariableId>,
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
    fn new(bound: &'a bound::Program) -> Result<Self, LowerError> {
        let evaluator = Evaluator::of(bound, ());
        let finite = Arc::new(Finite::of(bound, &evaluator)?);
        let model = Model {
            buffers: vec![0],
            nodes: Vec::new(),
            report_nodes: Vec::new(),
            quantities: Vec::new(),
        };
        let mut lowering = Lowering {
            bound,
            evaluator,
            finite,
            tables: finite::Tables::default(),
            turns: None,
            turning: Vec::new(),
            model,
            sites: Vec::new(),
            origins: Vec::new(),
            places: HashMap::new(),
            stored: HashSet::new(),
            unplaced: Vec::new(),
            reporting: false,
        };
        lowering.choose_stored();
        Ok(lowering)
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
                DefinitionValue::PerElement(_)
                | DefinitionValue::Solved(_)
                | DefinitionValue::Factored(_) => true,
            };
            let finite = self.bound.typed.variable(definition.variable).finite;
            let recurs = self.bound.recurrences.iter();
            let recurs = recurs.flat_map(|r| &r.members).any(|m| *m == definition.variable);
            if (found || recurs) && !finite {
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

    /// Adds a kernel over these rows: in its turns, inside a recurrence.
    fn push_rows(&mut self, kernel: Kernel, rows: &Rows) {
        match (&mut self.turns, &rows.waves) {
            (Some(turns), Some(waves)) => turns.push((kernel, waves.clone())),
            (Some(_) | None, _) => self.push(Node::Kernel(kernel)),
        }
    }

    fn origin(&mut self, span: Span, variable: Option<VariableId>, rows: &Rows) -> Tag {
        let positions = (!rows.complete).then(|| rows.positions());
        self.origins.push(Origin { span, variable, positions });
        Tag(self.origins.len() as u32 - 1)
    }

    /// The log density of a `~` statement.
    fn statement(&mut self, id: RandomId, random: &Random) -> Result<(), LowerError> {
        if random.role == RandomRole::Latent {
            self.transform(id)?;
        }
        if !random.distribution.over().is_empty() {
            return self.tied(random);
        }
        let rows = Rows::over(&self.evaluator, &random.indices, random.guard.as_ref())?;
        if rows.count == 0 {
            return Ok(());
        }
        if is_finite(self.bound, random) {
            return self.tabulate(random, &rows);
        }
        let tag = self.origin(random.span, Some(random.variable), &rows);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let value = tracer.density(random)?;
        let kernel = tracer.finish(value, Target::LogDensity, tag);
        self.push(Node::Kernel(kernel));
        Ok(())
    }

    fn factor(&mut self, factor: &crate::typed::Factor) -> Result<(), LowerError> {
        let rows = Rows::over(&self.evaluator, &factor.indices, factor.guard.as_ref())?;
        if rows.count == 0 {
            return Ok(());
        }
        if mentions(self.bound, &factor.value) {
            return self.tabulate_factor(factor, &rows);
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
        // What depends on predictions or on finite latents is drawn after the fit.
        let known = |v: &VariableId| {
            let info = typed.variable(*v);
            info.plane != Plane::Predicted && !info.finite
        };
        variables.extend(typed.reports.iter().copied().filter(known));
        variables.sort_by_key(|v| typed.variable(*v).order);
        variables.dedup();
        let mut reported = Vec::new();
        let mut offset = 0;
        for variable in variables {
            let slot = self.place(variable)?;
            let positions = self.existing(variable);
            for run in positions.chunk_by(|a, b| a + 1 == *b) {
                let first = run.first().map_or(0, |position| *position as usize);
                self.model.quantities.push(Quantity {
                    buffer: slot.buffer,
                    offset: slot.offset + first,
                    length: run.len(),
                });
            }
            let length = positions.len();
            reported.push(Reported { variable, offset, positions });
            offset += length;
        }
        Ok(reported)
    }

    /// The elements of a variable; of a latent, those that its guard lets through.
    fn existing(&self, variable: VariableId) -> Vec<u32> {
        match self.sites.iter().find(|site| site.variable == variable) {
            Some(site) => site.space.cells.clone(),
            None => (0..self.bound.shape(variable).iter().product::<usize>() as u32).collect(),
        }
    }
}

fn unavailable(span: Span) -> LowerError {
    LowerError::Evaluation(EvaluationError::Unavailable { span })
}
