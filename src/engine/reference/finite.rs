//! Latents with finitely many values, summed out by adding up tables.

use crate::bound::{EvaluationError, Evaluator, Finite};
use crate::graph::eliminate::plan;
use crate::math::Scalar;
use std::collections::HashMap;

/// The tables of all statements that depend on finite latents.
pub(super) struct Sums<'f, S> {
    finite: &'f Finite,
    tables: HashMap<Vec<u32>, Vec<S>>,
    /// The scopes in the order in which they were met.
    scopes: Vec<Vec<u32>>,
}

impl<'f, S: Scalar> Sums<'f, S> {
    pub(super) fn new(finite: &'f Finite) -> Self {
        Sums { finite, tables: HashMap::new(), scopes: Vec::new() }
    }

    /// Adds a log density to the table of its scope, for every combination of values.
    pub(super) fn add<V>(
        &mut self,
        evaluator: &Evaluator<'_, V>,
        scope: Vec<u32>,
        log_density: impl Fn() -> Result<S, EvaluationError>,
    ) -> Result<(), EvaluationError> {
        let mut values = Vec::new();
        self.finite.for_each(evaluator, &scope, |_| {
            values.push(log_density()?);
            Ok::<(), EvaluationError>(())
        })?;
        match self.tables.get_mut(&scope) {
            Some(table) => {
                for (to, value) in table.iter_mut().zip(values) {
                    *to = *to + value;
                }
            }
            None => {
                self.scopes.push(scope.clone());
                self.tables.insert(scope, values);
            }
        }
        Ok(())
    }

    /// ln Σ over all values of exp(tables), one variable after the other.
    pub(super) fn log_total(mut self) -> S {
        let sizes: Vec<u32> = self.finite.elements.iter().map(|e| e.size).collect();
        let scopes: Vec<&[u32]> = self.scopes.iter().map(Vec::as_slice).collect();
        let Ok(plan) = plan(&sizes, &scopes, usize::MAX) else {
            return S::constant(f64::NAN);
        };
        let mut total = S::constant(0.0);
        for scope in self.scopes.iter().filter(|scope| scope.is_empty()) {
            total = self.tables[scope].iter().fold(total, |total, x| total + *x);
        }
        let mut messages: Vec<(Vec<u32>, Vec<S>)> = Vec::new();
        for step in &plan.steps {
            let mut parts: Vec<(Vec<u32>, Vec<S>)> = Vec::new();
            for factor in &step.factors {
                let scope = &self.scopes[*factor as usize];
                let table = self.tables.remove(scope).unwrap_or_default();
                parts.push((scope.clone(), table));
            }
            parts.extend(step.messages.iter().map(|m| messages[*m as usize].clone()));
            let mut message = Vec::new();
            let outer: Vec<usize> =
                step.scope.iter().map(|v| sizes[*v as usize] as usize).collect();
            let mut state = vec![0; step.scope.len()];
            for position in 0..outer.iter().product() {
                let mut rest: usize = position;
                for (at, size) in state.iter_mut().zip(&outer).rev() {
                    *at = rest % size;
                    rest /= size;
                }
                let own = |value: usize| {
                    let entry = |(scope, table): &(Vec<u32>, Vec<S>)| {
                        let mut at = 0;
                        for variable in scope {
                            let known = step.scope.iter().position(|v| v == variable);
                            let state = known.map_or(value, |k| state[k]);
                            at = at * sizes[*variable as usize] as usize + state;
                        }
                        table[at]
                    };
                    let sum = parts.iter().map(entry).fold(S::constant(0.0), |sum, x| sum + x);
                    // What is impossible stays so: ln 0 has derivatives that are no numbers.
                    let never = S::constant(f64::NEG_INFINITY);
                    S::select(sum.same(never), never, sum)
                };
                let values: Vec<S> = (0..sizes[step.variable as usize] as usize).map(own).collect();
                message.push(crate::bound::log_sum_exp(&values));
            }
            if step.scope.is_empty() {
                total = message.iter().fold(total, |total, x| total + *x);
            }
            messages.push((step.scope.clone(), message));
        }
        total
    }
}
