//! Checks the times of differential equations.

use super::Binder;
use super::explain::Failure;
use crate::bound::solved::systems;
use crate::typed::DefinitionValue;

impl Binder<'_> {
    /// No time may lie before that of the initial values.
    pub(super) fn check_systems(&mut self) {
        for definition in &self.typed.definitions {
            let DefinitionValue::Solved(solution) = &definition.value else { continue };
            let Some((_, points)) = definition.indices.split_last() else { continue };
            let found = self.evaluate(|evaluator| {
                systems(evaluator, points, solution)
                    .map(|_| ())
                    .map_err(|error| Failure::at(evaluator, points, error))
            });
            if let Err(failure) = found {
                let problem = self.explain(&failure, points);
                self.report(problem);
            }
        }
    }
}
