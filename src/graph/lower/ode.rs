//! Differential equations: their rates as one expression over states, parameters and time.

use super::super::expression::{Expression, Leaf, Op};
use super::super::node::{Access, BufferId, Input, Node, Slot};
use super::super::ode::Ode;
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::typed::{Definition, Solution, VariableId};

/// Where states and the time stand in for inputs while rates are traced: no buffer at all.
const NOWHERE: BufferId = BufferId(u32::MAX);

/// The error of a step relative to a state or sensitivity, and for numbers near 0: log densities
/// and gradients then agree with closed forms to ten digits (`tests/semantics/ode.rs`).
const TOLERANCE: f64 = 1e-10;

/// The most steps between two times.
const MOST_STEPS: usize = 100_000;

impl<'g> Tracer<'_, '_, 'g> {
    /// A state of the equations that are traced.
    pub(super) fn state(&mut self, state: usize) -> Traced<'g> {
        self.input(Input { buffer: NOWHERE, access: Access::Uniform(state + 1) })
    }

    /// The time of the equations that are traced.
    pub(super) fn time(&mut self) -> Traced<'g> {
        self.input(Input { buffer: NOWHERE, access: Access::Uniform(0) })
    }
}

impl Lowering<'_> {
    /// Solves differential equations at all their times.
    pub(super) fn solve(
        &mut self,
        variable: VariableId,
        definition: &Definition,
        solution: &Solution,
    ) -> Result<Slot, LowerError> {
        let one = Rows::count(1);
        let tag = self.origin(definition.span, Some(variable), &one);
        let outer: Vec<_> = definition.indices.first().copied().into_iter().collect();
        let rows = Rows::over(&self.evaluator, &outer, None)?;
        let mut times = Vec::with_capacity(rows.count);
        for row in 0..rows.count {
            rows.enter(&self.evaluator, &self.finite, row);
            times.push(self.evaluator.data(&solution.times)?);
        }
        let start = self.evaluator.data(&solution.start)?;
        let ascending = std::iter::once(&start).chain(&times).is_sorted();
        if !ascending || !start.is_finite() || !times.iter().all(|t| t.is_finite()) {
            return Err(LowerError::TimesDescend { span: solution.times.span });
        }
        let mut initial = Vec::new();
        for value in &solution.initial {
            let slot = self.store(value, &one, tag)?;
            initial.push((slot.buffer, slot.offset));
        }
        let (equations, parameters) = self.rates(solution, &one)?;
        let states = solution.rates.len();
        let buffer = self.model.add_buffer(times.len() * states);
        let output = Slot { buffer, offset: 0 };
        self.push(Node::Ode(Ode {
            equations,
            states,
            parameters,
            initial,
            start,
            times: times.into(),
            output,
            stiff: solution.stiff,
            relative_tolerance: TOLERANCE,
            absolute_tolerance: TOLERANCE,
            max_steps: MOST_STEPS,
            tag,
        }));
        Ok(output)
    }

    /// The rates with the inputs that the node wants: states, parameters, the time.
    fn rates(
        &mut self,
        solution: &Solution,
        one: &Rows,
    ) -> Result<(Expression, Vec<(BufferId, usize)>), LowerError> {
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, one);
        let mut rates = Vec::new();
        for rate in &solution.rates {
            rates.push(tracer.trace(rate)?);
        }
        let inputs = std::mem::take(&mut tracer.inputs);
        let mut body = graph.expression(&rates);
        let states = solution.rates.len();
        let parameters: Vec<(BufferId, usize)> = inputs
            .iter()
            .filter(|input| input.buffer != NOWHERE)
            .map(|input| (input.buffer, place(input)))
            .collect();
        let mut next = states;
        let numbers: Vec<u32> = inputs
            .iter()
            .map(|input| match (input.buffer == NOWHERE, place(input)) {
                (true, 0) => (states + parameters.len()) as u32,
                (true, state) => state as u32 - 1,
                (false, _) => {
                    next += 1;
                    next as u32 - 1
                }
            })
            .collect();
        for op in &mut body.ops {
            if let Op::Leaf(Leaf::Input(k)) = op {
                *k = numbers.get(*k as usize).copied().unwrap_or(0);
            }
        }
        Ok((body, parameters))
    }
}

/// The one element that an input of one row reads.
fn place(input: &Input) -> usize {
    match &input.access {
        Access::Uniform(place) | Access::Contiguous(place) => *place,
        Access::Gather(index) => index.first().map_or(0, |i| *i as usize),
    }
}
