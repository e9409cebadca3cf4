//! Names in terms of themselves: definitions as they are resolved, latents once all are.

use super::{
    Checker, Reported,
    problem::{NameProblem, ValueProblem},
};
use crate::source::Span;
use crate::typed::{RandomRole, Role, VariableId};
use std::collections::HashSet;

impl<'a> Checker<'a> {
    /// Only the ends of ranges are looked at before the latents have their axes.
    pub(super) fn latent_in_range(&mut self, variable: VariableId, span: Span) -> Reported {
        let latent = self.typed.variable(variable);
        let latents = vec![(latent.name.clone(), latent.span)];
        self.report(ValueProblem::LatentCondition {
            what: "the ends of a range",
            span,
            latents,
            reported: None,
        })
    }

    /// A definition that was met while it is being resolved.
    pub(super) fn cycle(&mut self, variable: VariableId, span: Span) -> Reported {
        let start = self.resolving.iter().position(|v| *v == variable).unwrap_or(0);
        let members = self.resolving[start..].to_vec();
        let indexed = members.iter().all(|v| match self.typed.variable(*v).role {
            Role::Derived(d) => self.definitions[d.index()].0.binders.is_some(),
            Role::Data(_) | Role::Latent(_) | Role::Predicted(_) => false,
        });
        if indexed {
            return self
                .report(NameProblem::NotYet { what: "recurrences with `start`".to_owned(), span });
        }
        let names = members.iter().map(|v| self.typed.variable(*v).name.clone()).collect();
        let mut spans: Vec<Span> = members.iter().map(|v| self.typed.variable(*v).span).collect();
        spans.insert(0, span);
        self.report(NameProblem::Cycle { names, spans })
    }

    /// Reports the first cycle of latents that are drawn in terms of themselves.
    pub(super) fn check_latent_cycles(&mut self) {
        let mut cleared = HashSet::new();
        for i in 0..self.random_values.len() {
            let (variable, role) = self.random_heads[i];
            if role == RandomRole::Observed {
                continue;
            }
            let mut path = Vec::new();
            if self.leads_back(variable, &mut path, &mut cleared) {
                self.latent_cycle(&path);
                return;
            }
        }
    }

    /// Walks depth first; on success the path holds the cycle alone.
    fn leads_back(
        &self,
        variable: VariableId,
        path: &mut Vec<VariableId>,
        cleared: &mut HashSet<VariableId>,
    ) -> bool {
        if let Some(start) = path.iter().position(|v| *v == variable) {
            path.drain(..start);
            return true;
        }
        if cleared.contains(&variable) {
            return false;
        }
        path.push(variable);
        for used in self.direct(variable) {
            if self.leads_back(used, path, cleared) {
                return true;
            }
        }
        path.pop();
        cleared.insert(variable);
        false
    }

    fn latent_cycle(&mut self, members: &[VariableId]) -> Reported {
        let variables = members.iter().map(|v| self.typed.variable(*v));
        let (names, spans): (Vec<String>, Vec<Span>) =
            variables.map(|v| (v.name.clone(), v.span)).unzip();
        if let ([one], [span]) = (members, &spans[..])
            && !self.typed.variable(*one).axes.is_empty()
        {
            let what = "recurrences with `start`".to_owned();
            return self.report(NameProblem::NotYet { what, span: *span });
        }
        self.report(NameProblem::Cycle { names, spans })
    }
}
