//! Definitions, and coordinates of latents, in terms of their own earlier elements: kernels whose rows
//! take turns.

use super::super::node::{Access, BufferId, Input, Node, Slot, Target};
use super::super::recurrence::Recurrence;
use super::super::trace::Graph;
use super::expression::Tracer;
use super::rows::Rows;
use super::sites::{Site, Transform};
use super::{LowerError, Lowering};
use crate::bound::Order;
use crate::typed::{DefinitionValue, Random, Role, VariableId};

impl Lowering<'_> {
    /// The recurrence that a definition belongs to.
    pub(super) fn recurrence_of(&self, variable: VariableId) -> Option<Order> {
        self.bound.recurrences.iter().find(|r| r.members.contains(&variable)).cloned()
    }

    /// Stores all definitions of a recurrence, wave by wave.
    pub(super) fn recur(&mut self, order: &Order) -> Result<(), LowerError> {
        let bound = self.bound;
        self.place_needs(order)?;
        for member in &order.members {
            let length: usize = bound.shape(*member).iter().product();
            // The last element is never written: rows in which a branch is not taken read it.
            let slot = Slot { buffer: self.model.add_buffer(length + 1), offset: 0 };
            self.places.insert(*member, slot);
        }
        let kernels = |lowering: &mut Self| {
            order.members.iter().try_for_each(|member| lowering.turn(order, *member))
        };
        self.push_turns(order, kernels)
    }

    /// Adds a recurrence of the kernels that `turn` makes.
    fn push_turns(
        &mut self,
        order: &Order,
        turn: impl FnOnce(&mut Self) -> Result<(), LowerError>,
    ) -> Result<(), LowerError> {
        let outside = self.turns.replace(Vec::new());
        let members = std::mem::replace(&mut self.turning, order.members.clone());
        let outcome = turn(self);
        let turns = std::mem::replace(&mut self.turns, outside).unwrap_or_default();
        self.turning = members;
        outcome?;
        let span = order.members.first().map(|m| self.bound.typed.variable(*m).span);
        let tag =
            self.origin(span.unwrap_or_default(), order.members.first().copied(), &Rows::count(0));
        let waves = (0..order.waves.len())
            .map(|wave| turns.iter().map(|(_, ends)| ends[wave]).collect())
            .collect();
        let kernels = turns.into_iter().map(|(kernel, _)| kernel).collect();
        self.push(Node::Recurrence(Recurrence { kernels, waves, tag }));
        Ok(())
    }

    /// The values of a latent in terms of its own earlier elements, in coordinates that depend on
    /// them: its elements take turns.
    pub(super) fn take_turns(
        &mut self,
        random: &Random,
        site: &Site,
        buffer: BufferId,
    ) -> Result<(), LowerError> {
        let bound = self.bound;
        let variable = random.variable;
        // Binding has found the order, or reported that there is none.
        let order = crate::bound::order(&self.evaluator, &bound.typed, &[variable])
            .map_err(|_| super::unavailable(random.span))?;
        self.place_needs(&order)?;
        self.places.insert(variable, Slot { buffer, offset: 0 });
        let (positions, ends) = in_waves(&order, variable);
        let cell = |position: &u32| site.space.cells.binary_search(position).unwrap_or(0);
        let cells: Vec<usize> = positions.iter().map(cell).collect();
        let coordinates = cells.iter().map(|cell| (site.offset + cell) as u32).collect();
        let transform = match &site.transform {
            Transform::Centering(c) => {
                Transform::Centering(cells.iter().map(|cell| c[*cell]).collect())
            }
            Transform::Bijector(bijector) => Transform::Bijector(*bijector),
        };
        let mut rows = Rows::at(&self.evaluator, &random.indices, positions.clone());
        rows.waves = Some(ends);
        let tag = self.origin(random.span, Some(variable), &rows);
        self.push_turns(&order, |lowering| {
            let graph = Graph::new();
            let mut tracer = Tracer::new(lowering, &graph, &rows);
            let access = Access::Gather(coordinates);
            let u = tracer.input(Input { buffer: BufferId::POINT, access });
            let (value, _) = tracer.transformed(&transform, &random.distribution, u)?;
            let target = Target::Accumulate { buffer, index: positions.into() };
            let kernel = tracer.finish(value, target, tag);
            lowering.push_rows(kernel, &rows);
            Ok(())
        })
    }

    /// Stores what a recurrence uses that is stored, before it.
    fn place_needs(&mut self, order: &Order) -> Result<(), LowerError> {
        let bound = self.bound;
        let mut needs = Vec::new();
        for member in &order.members {
            match bound.typed.variable(*member).role {
                Role::Derived(id) => {
                    for value in bound.typed.definition(id).value.expressions() {
                        needs.extend(value.variables());
                    }
                }
                Role::Latent(id) => {
                    for value in bound.typed.random(id).distribution.expressions() {
                        needs.extend(value.variables());
                    }
                }
                Role::Data(_) | Role::Predicted(_) => {}
            }
        }
        for variable in needs {
            let stored = match bound.typed.variable(variable).role {
                Role::Latent(_) => true,
                Role::Derived(id) => self.stored.contains(&id),
                Role::Data(_) | Role::Predicted(_) => false,
            };
            if stored
                && !order.members.contains(&variable)
                && bound.values[variable.index()].is_none()
            {
                self.place(variable)?;
            }
        }
        Ok(())
    }

    /// The kernels of one definition of a recurrence.
    fn turn(&mut self, order: &Order, member: VariableId) -> Result<(), LowerError> {
        let bound = self.bound;
        let Role::Derived(id) = bound.typed.variable(member).role else { return Ok(()) };
        let definition = bound.typed.definition(id);
        let DefinitionValue::Each(value) = &definition.value else {
            return Err(super::unavailable(definition.span));
        };
        let (positions, ends) = in_waves(order, member);
        let mut rows = Rows::at(&self.evaluator, &definition.indices, positions.clone());
        rows.waves = Some(ends);
        let tag = self.origin(definition.span, Some(member), &rows);
        let buffer = self.place(member)?.buffer;
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let value = tracer.trace(value)?;
        let target = Target::Accumulate { buffer, index: positions.into() };
        let kernel = tracer.finish(value, target, tag);
        self.push_rows(kernel, &rows);
        Ok(())
    }
}

/// The elements of a member in the order of their waves, and how many there are up to the end of
/// each.
fn in_waves(order: &Order, member: VariableId) -> (Vec<u32>, Vec<u32>) {
    let (mut positions, mut ends) = (Vec::new(), Vec::new());
    for wave in &order.waves {
        let own = wave.iter().filter(|(variable, _)| *variable == member);
        positions.extend(own.map(|(_, position)| *position as u32));
        ends.push(positions.len() as u32);
    }
    (positions, ends)
}
