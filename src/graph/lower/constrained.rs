//! Statements over constrained values: the parameters of what is drawn after the fit.

use super::super::node::{BufferId, Model, Quantity, Slot};
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::bound;
use crate::typed::{Expr, RandomId, RandomRole, VariableId};
use std::collections::HashMap;

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
    let random = bound.typed.random(id);
    let Some(call) = random.distribution.call() else {
        return Err(super::unavailable(random.span));
    };
    let (low, high) = match &call.truncation {
        Some(_) => call.ends(),
        None => (None, None),
    };
    let truncated = call.truncation.is_some();
    let end =
        |e: Option<Expr>, infinity: f64| e.unwrap_or_else(|| Expr::number(infinity, random.span));
    let mut exprs: Vec<Expr> = call.arguments.clone();
    if truncated {
        exprs.push(end(low, f64::NEG_INFINITY));
        exprs.push(end(high, f64::INFINITY));
    }
    tabulate(bound, layout, id, &exprs)
}

/// The location and the scale of every element of a latent, in this order, as [`parameters`] are;
/// `None` if its family has none.
///
/// # Errors
///
/// See [`LowerError`].
pub fn location_and_scale(
    bound: &bound::Program,
    layout: &ConstrainedLayout,
    id: RandomId,
) -> Result<Option<Parameters>, LowerError> {
    let both = bound.typed.random(id).distribution.location_scale();
    both.map(|both| tabulate(bound, layout, id, &both)).transpose()
}

/// Expressions of a `~` statement, for every element.
fn tabulate(
    bound: &bound::Program,
    layout: &ConstrainedLayout,
    id: RandomId,
    exprs: &[Expr],
) -> Result<Parameters, LowerError> {
    let mut lowering = Lowering::constrained(bound, layout)?;
    let random = bound.typed.random(id);
    let rows = Rows::over(&lowering.evaluator, &random.indices, random.guard.as_ref())?;
    let tag = lowering.origin(random.span, Some(random.variable), &rows);
    let mut quantities = Vec::new();
    for expr in exprs {
        let slot = lowering.store(expr, &rows, tag)?;
        quantities.push(Quantity { buffer: slot.buffer, offset: slot.offset, length: rows.count });
    }
    lowering.model.quantities = quantities;
    let positions = rows.positions();
    Ok(Parameters { model: lowering.model, width: exprs.len(), positions })
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
    let mut lowering = Lowering::constrained(bound, layout)?;
    let length = bound.shape(variable).iter().product();
    let slot = lowering.place(variable)?;
    lowering.model.quantities = vec![Quantity { buffer: slot.buffer, offset: slot.offset, length }];
    Ok(lowering.model)
}

impl<'a> Lowering<'a> {
    /// A lowering whose point holds constrained values; everything it adds is a report.
    fn constrained(
        bound: &'a bound::Program,
        layout: &ConstrainedLayout,
    ) -> Result<Self, LowerError> {
        let mut lowering = Lowering::new(bound)?;
        lowering.model.buffers[0] = layout.len();
        for (variable, offset) in &layout.places {
            lowering.places.insert(*variable, Slot { buffer: BufferId::POINT, offset: *offset });
        }
        lowering.reporting = true;
        Ok(lowering)
    }
}
