//! Recurrences: data-only ones are computed, the order of the others is found.

use super::Binder;
use super::explain::Failure;
use crate::bound::{self, Array, OrderError};
use crate::diagnostic::{Diagnostic, Slug};
use crate::typed::{DefinitionId, Plane, Role, VariableId};

impl Binder<'_> {
    /// Computes every data-only recurrence whose needs are settled.
    pub(super) fn settle_recurrences(&mut self) -> bool {
        let typed = self.typed;
        let mut moved = false;
        for members in &typed.recurrences {
            let waits = |v: &VariableId| {
                typed.variable(*v).plane == Plane::Data
                    && self.values[v.index()].is_none()
                    && !self.refused[v.index()]
            };
            if !members.iter().all(waits) || !self.is_recurrence_ready(members) {
                continue;
            }
            match self.compute(members) {
                Ok(()) => moved = true,
                Err(problem) => {
                    members.iter().for_each(|v| self.refused[v.index()] = true);
                    self.report(*problem);
                }
            }
        }
        moved
    }

    /// Whether everything a recurrence uses besides itself is settled.
    fn is_recurrence_ready(&mut self, members: &[VariableId]) -> bool {
        let typed = self.typed;
        for variable in members {
            let axes = &typed.variable(*variable).axes;
            if !axes.iter().all(|a| self.is_settled(*a)) {
                return false;
            }
        }
        // While this is asked, the members count as settled.
        for variable in members {
            self.values[variable.index()] = Some(Array::new(&[0], Vec::new()));
        }
        let ready = members.iter().filter_map(|v| definition_of(typed, *v)).all(|id| {
            typed.definition(id).value.expressions().into_iter().all(|e| self.is_ready(e))
        });
        members.iter().for_each(|v| self.values[v.index()] = None);
        ready
    }

    fn compute(&mut self, members: &[VariableId]) -> Result<(), Box<Diagnostic>> {
        let typed = self.typed;
        let order = self.evaluate(|evaluator| bound::order(evaluator, typed, members));
        let order = order.map_err(|error| Box::new(self.explain_order(&error)))?;
        let absent = members.iter().filter_map(|v| definition_of(typed, *v)).any(|id| {
            typed.definition(id).value.expressions().into_iter().any(|e| self.mentions_absent(e))
        });
        for variable in members {
            let shape = self.shape(*variable);
            let size = shape.iter().product();
            self.values[variable.index()] = Some(Array::new(&shape, vec![f64::NAN; size]));
            self.absent[variable.index()] = absent;
        }
        for wave in &order.waves {
            let computed = self.evaluate(|evaluator| {
                let mut computed = Vec::with_capacity(wave.len());
                for (variable, position) in wave {
                    let Some(id) = definition_of(typed, *variable) else { continue };
                    let Some(value) = evaluator.enter(id, *position) else { continue };
                    let indices = &typed.definition(id).indices;
                    let value = evaluator.data(value);
                    computed.push(value.map_err(|e| (Failure::at(evaluator, indices, e), id))?);
                }
                Ok(computed)
            });
            let computed = computed.map_err(|(failure, id): (Failure, DefinitionId)| {
                Box::new(self.explain(&failure, &typed.definition(id).indices))
            })?;
            for ((variable, position), value) in wave.iter().zip(computed) {
                if let Some(array) = &mut self.values[variable.index()] {
                    array.set(*position, value);
                }
            }
        }
        Ok(())
    }

    /// Finds the order of every recurrence, and that every series has one.
    pub(super) fn order_recurrences(&mut self) {
        let typed = self.typed;
        if self.has_errors() {
            return;
        }
        let mut orders = Vec::new();
        for (keep, groups) in [(true, &typed.recurrences), (false, &typed.series)] {
            for members in groups {
                let known = members.iter().all(|v| self.values[v.index()].is_some());
                if known || (!keep && typed.recurrences.contains(members)) {
                    continue;
                }
                match self.evaluate(|evaluator| bound::order(evaluator, typed, members)) {
                    Ok(order) if keep => orders.push(order),
                    Ok(_) => {}
                    Err(error) => {
                        let problem = self.explain_order(&error);
                        self.report(problem);
                        return;
                    }
                }
            }
        }
        self.recurrences = orders;
    }

    fn explain_order(&self, error: &OrderError) -> Diagnostic {
        let indices = |variable: VariableId| match self.typed.variable(variable).role {
            Role::Derived(id) => self.typed.definition(id).indices.clone(),
            Role::Latent(id) | Role::Predicted(id) => self.typed.random(id).indices.clone(),
            Role::Data(_) => Vec::new(),
        };
        match error {
            OrderError::Evaluation(error, variable, position) => {
                let indices = indices(*variable);
                let mut rest = *position;
                let mut at: Vec<usize> = Vec::new();
                for index in indices.iter().rev() {
                    let axis = self.typed.index_of(*index).axis;
                    let size = self.axes[axis.index()].len().max(1);
                    at.push(rest % size);
                    rest /= size;
                }
                at.reverse();
                self.explain(&Failure { error: error.clone(), at }, &indices)
            }
            OrderError::Cycle(variable, position) => {
                let declared = self.typed.variable(*variable);
                let element = self.element(*variable, *position);
                Diagnostic::error(
                    Slug::Cycle,
                    format!("`{element}` is defined in terms of itself"),
                    declared.span,
                    "defined here",
                )
                .help(
                    "a series looks back, never ahead: `x[t - 1]`, `sum(s in day where s < t: …)`",
                )
            }
        }
    }
}

fn definition_of(typed: &crate::typed::Program, variable: VariableId) -> Option<DefinitionId> {
    match typed.variable(variable).role {
        Role::Derived(id) => Some(id),
        Role::Data(_) | Role::Latent(_) | Role::Predicted(_) => None,
    }
}
