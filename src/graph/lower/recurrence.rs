//! Definitions in terms of their own earlier elements: kernels whose rows take turns.

use super::super::node::{Node, Slot, Target};
use super::super::recurrence::Recurrence;
use super::super::trace::Graph;
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::bound::Order;
use crate::typed::{DefinitionValue, Role, VariableId};

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
        let outside = self.turns.replace(Vec::new());
        let members = std::mem::replace(&mut self.turning, order.members.clone());
        let outcome = order.members.iter().try_for_each(|member| self.turn(order, *member));
        let turns = std::mem::replace(&mut self.turns, outside).unwrap_or_default();
        self.turning = members;
        outcome?;
        let span = order.members.first().map(|m| bound.typed.variable(*m).span);
        let tag =
            self.origin(span.unwrap_or_default(), order.members.first().copied(), &Rows::count(0));
        let waves = (0..order.waves.len())
            .map(|wave| turns.iter().map(|(_, ends)| ends[wave]).collect())
            .collect();
        let kernels = turns.into_iter().map(|(kernel, _)| kernel).collect();
        self.push(Node::Recurrence(Recurrence { kernels, waves, tag }));
        Ok(())
    }

    /// Stores what a recurrence uses that is stored, before it.
    fn place_needs(&mut self, order: &Order) -> Result<(), LowerError> {
        let bound = self.bound;
        let mut needs = Vec::new();
        for member in &order.members {
            let Role::Derived(id) = bound.typed.variable(*member).role else { continue };
            for value in bound.typed.definition(id).value.expressions() {
                needs.extend(value.variables());
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
        let (mut positions, mut ends) = (Vec::new(), Vec::new());
        for wave in &order.waves {
            let own = wave.iter().filter(|(variable, _)| *variable == member);
            positions.extend(own.map(|(_, position)| *position as u32));
            ends.push(positions.len() as u32);
        }
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
