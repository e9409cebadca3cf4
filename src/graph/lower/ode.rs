//! Differential equations: their rates as one expression over states, parameters and time.

use super::super::expression::{Expression, Leaf, Op};
use super::super::node::{Access, BufferId, Input, Node, Slot, Target};
use super::super::ode::Ode;
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering, unavailable};
use crate::bound::solved;
use crate::typed::{Definition, Solution, VariableId};

/// Where states and the time stand in for inputs while rates are traced: no buffer at all.
const NOWHERE: BufferId = BufferId(u32::MAX);

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
    /// Solves differential equations at all their times, system by system.
    pub(super) fn solve(
        &mut self,
        variable: VariableId,
        definition: &Definition,
        solution: &Solution,
    ) -> Result<Slot, LowerError> {
        let (_, points) = definition.indices.split_last().ok_or(unavailable(definition.span))?;
        let systems = solved::systems(&self.evaluator, points, solution)?;
        let states = solution.rates.len();
        let total = self.bound.shape(variable).iter().product();
        let output = Slot { buffer: self.model.add_buffer(total), offset: 0 };
        for system in &systems {
            let first = system.positions.first().map_or(0, |position| *position as u32);
            let one = Rows::at(&self.evaluator, points, vec![first]);
            let tag = self.origin(definition.span, Some(variable), &Rows::count(1));
            let mut initial = Vec::new();
            for value in &solution.initial {
                let slot = self.store(value, &one, tag)?;
                initial.push((slot.buffer, slot.offset));
            }
            let (equations, parameters) = self.rates(solution, &one)?;
            let length = system.times.len() * states;
            // A system at all times in order writes where its solution belongs.
            let in_place = systems.len() == 1 && system.positions.is_sorted();
            let own = match in_place {
                true => output,
                false => Slot { buffer: self.model.add_buffer(length), offset: 0 },
            };
            self.push(Node::Ode(Ode {
                equations,
                states,
                parameters,
                initial,
                start: system.start,
                times: system.times.clone().into(),
                output: own,
                stiff: solution.stiff,
                relative_tolerance: solution.accuracy.relative,
                absolute_tolerance: solution.accuracy.absolute,
                max_steps: solution.accuracy.steps,
                tag,
            }));
            if in_place {
                continue;
            }
            let cells = system.positions.iter().flat_map(|position| {
                (0..states).map(move |state| (position * states + state) as u32)
            });
            let (index, rows) = (cells.collect(), Rows::count(length));
            let graph = Graph::new();
            let mut tracer = Tracer::new(self, &graph, &rows);
            let own = Input { buffer: own.buffer, access: Access::Contiguous(own.offset) };
            let value = tracer.input(own);
            let target = Target::Accumulate { buffer: output.buffer, index };
            let kernel = tracer.finish(value, target, tag);
            self.push(Node::Kernel(kernel));
        }
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
