//! Observations that say nothing: of a name by itself, and without a latent.

use super::{Checker, problem::NameProblem};
use crate::typed::{Distribution, Expr, ExprKind, IndexId, Random, RandomRole, Role, VariableId};
use std::collections::HashMap;

impl Checker<'_> {
    /// Reports `y ~ Normal(a + y, 1)`.
    pub(super) fn check_observations(&mut self) {
        for (random, name) in self.observations() {
            if let Some(span) = self.itself(&random) {
                let statement = random.span;
                self.report(NameProblem::ObservesItself { name, span, statement });
            }
        }
    }

    /// Notes `y ~ Normal(0, 1)` in a program that has latents.
    pub(super) fn note_constant_observations(&mut self) {
        let has_latents = self.random_values.iter().flatten().any(|r| r.role == RandomRole::Latent);
        for (random, name) in self.observations() {
            // Of a name with missing cells, it says what these are.
            let says = self.incomplete_of(random.variable).is_some()
                || self.typed.is_whole(random.variable);
            if has_latents && !says && self.is_known(&random) {
                let span = random.distribution.span();
                self.report(NameProblem::ObservesWithoutLatent { name, span });
            }
        }
    }

    /// The statements that observe, with the names they observe.
    fn observations(&self) -> Vec<(Random, String)> {
        let observed = self.random_values.iter().flatten();
        let observed = observed.filter(|r| r.role == RandomRole::Observed);
        observed.map(|r| (r.clone(), self.typed.variable(r.variable).name.clone())).collect()
    }

    /// Whether nothing that an observation depends on is to be inferred.
    fn is_known(&self, random: &Random) -> bool {
        let distribution = &random.distribution;
        let mut pending: Vec<VariableId> =
            distribution.expressions().into_iter().flat_map(Expr::variables).collect();
        let mut seen = Vec::new();
        while let Some(variable) = pending.pop() {
            match self.typed.variable(variable).role {
                Role::Latent(_) | Role::Predicted(_) => return false,
                Role::Derived(_) | Role::Data(_) if seen.contains(&variable) => {}
                Role::Derived(_) | Role::Data(_) => {
                    seen.push(variable);
                    pending.extend(self.direct(variable));
                }
            }
        }
        true
    }

    /// Where an observation depends on the very element it observes. What counts possible values,
    /// such as the `n` of a binomial, may: `k ~ Binomial(k + others, p)`.
    fn itself(&self, random: &Random) -> Option<crate::source::Span> {
        let mut parts: Vec<&Expr> = Vec::new();
        for taken in random.distribution.leaves() {
            match taken.leaf {
                Distribution::Family(call) => {
                    let parameters = call.parameterization.parameters;
                    let arguments = call.arguments.iter().zip(parameters);
                    let smooth = arguments.filter(|(_, p)| !p.support.is_discrete());
                    parts.extend(smooth.map(|(a, _)| a));
                    let ends = call.truncation.iter();
                    parts.extend(ends.flat_map(|t| t.low.iter().chain(&t.high)));
                }
                Distribution::Elements(_)
                | Distribution::PointMass(_)
                | Distribution::Choice(_)
                | Distribution::Structured(_)
                | Distribution::Joint(_) => parts.extend(taken.leaf.expressions()),
                // The element itself stands in its log density.
                Distribution::Written(_) => {}
            }
        }
        let own = HashMap::from_iter(random.indices.iter().map(|i| (*i, *i)));
        let mut depth = 0;
        let found = parts.into_iter().find(|e| self.mentions(e, random, &own, &mut depth));
        found.map(|e| e.span)
    }

    /// Whether an expression depends on the element of `random` at its own indices; `bound` maps
    /// the indices of the present definition to those of the statement.
    fn mentions(
        &self,
        expr: &Expr,
        random: &Random,
        bound: &HashMap<IndexId, IndexId>,
        depth: &mut usize,
    ) -> bool {
        if let ExprKind::Variable(variable, at) = &expr.kind {
            let place = |e: &Expr| bound.get(&e.index()?).copied();
            let places: Option<Vec<IndexId>> = at.iter().map(place).collect();
            if *variable == random.variable && places.as_ref() == Some(&random.indices) {
                return true;
            }
            if let Some(places) = places
                && let Role::Derived(id) = self.typed.variable(*variable).role
                && let Some(definition) = self.definition_values.get(&id)
                && *depth < DEEPEST
            {
                let inner = definition.indices.iter().copied().zip(places).collect();
                let values = definition.value.expressions();
                *depth += 1;
                let found = values.into_iter().any(|v| self.mentions(v, random, &inner, depth));
                *depth -= 1;
                if found {
                    return true;
                }
            }
        }
        expr.children().into_iter().any(|child| self.mentions(child, random, bound, depth))
    }
}

/// How many definitions inside one another are followed.
const DEEPEST: usize = 64;
