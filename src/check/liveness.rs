//! Which latents reach an observation, which data are used.

use super::{Checker, Progress, problem::NameProblem};
use crate::typed::{Expr, Kind, Random, RandomRole, Role, VariableId};
use std::collections::HashSet;

impl<'a> Checker<'a> {
    /// Reports latents that nothing observed depends on, and data that nothing uses. Silent where
    /// other mistakes may be the reason.
    pub(super) fn check_liveness(&mut self) {
        let broken = self.unreadable
            || self.incomplete
            || self.progress.contains(&Progress::Poisoned)
            || self.diagnostics.iter().any(|d| d.is_error());
        if broken {
            return;
        }
        self.check_observations();
        if self.diagnostics.iter().any(|d| d.is_error()) {
            return;
        }
        let mut suspected = HashSet::new();
        let mut unused = Vec::new();
        for variable in self.dead_ends() {
            let info = self.typed.variable(variable);
            let (name, span) = (info.name.clone(), info.span);
            let nearest = self.nearest_data(&name);
            suspected.extend(nearest.clone());
            unused.push(NameProblem::UnusedLatent { name, span, nearest });
        }
        // Where nothing is observed every latent is unused: one mistake, unless a name near that
        // of some data says what was meant.
        if self.observes_nothing() && suspected.is_empty() {
            let span = self.randoms[0].1;
            self.report(NameProblem::NothingObserved { span });
            return;
        }
        if unused.is_empty() {
            self.note_constant_observations();
        }
        for problem in unused {
            self.report(problem);
        }
        self.check_unused_data(&suspected);
    }

    /// Latents that nothing observed depends on and that no other such latent uses: a misspelt
    /// observation is one mistake, however many parameters it leaves hanging.
    fn dead_ends(&self) -> Vec<VariableId> {
        let live = self.live();
        let dead = |v: &VariableId| !live.contains(v);
        let latents = self.random_values.iter().flatten();
        let mut latents: Vec<&Random> =
            latents.filter(|r| is_latent(r.role) && dead(&r.variable)).collect();
        // A missing cell is worth knowing though nothing depends on it.
        latents.retain(|r| self.typed.missing_cells_of(r.variable).is_none());
        let mut used: HashSet<VariableId> = HashSet::new();
        for random in &latents {
            let mut pending = in_random(random);
            while let Some(variable) = pending.pop() {
                if variable != random.variable && used.insert(variable) {
                    pending.extend(self.direct(variable));
                }
            }
        }
        latents.iter().map(|r| r.variable).filter(|v| !used.contains(v)).collect()
    }

    /// What a variable is computed or drawn from.
    pub(super) fn direct(&self, variable: VariableId) -> Vec<VariableId> {
        self.right_side(variable).into_iter().flat_map(Expr::variables).collect()
    }

    /// The expressions a variable is computed or drawn from.
    pub(super) fn right_side(&self, variable: VariableId) -> Vec<&Expr> {
        match self.typed.variable(variable).role {
            Role::Derived(id) => match self.definition_values.get(&id).map(|d| &d.value) {
                Some(value) => value.expressions(),
                None => Vec::new(),
            },
            Role::Latent(id) | Role::Predicted(id) => {
                let random = self.random_values.get(id.index()).and_then(Option::as_ref);
                random.map(expressions).unwrap_or_default()
            }
            Role::Data(_) => Vec::new(),
        }
    }

    /// Everything that an observation, factor or prediction depends on.
    fn live(&self) -> HashSet<VariableId> {
        let mut pending: Vec<VariableId> = Vec::new();
        for random in self.random_values.iter().flatten() {
            if !is_latent(random.role) {
                pending.push(random.variable);
                pending.extend(in_random(random));
            }
        }
        pending.extend(self.typed.factors.iter().flat_map(|f| f.value.variables()));
        let mut live = HashSet::new();
        while let Some(variable) = pending.pop() {
            if !live.insert(variable) {
                continue;
            }
            pending.extend(self.direct(variable));
        }
        live
    }

    /// The data or data-computed name that a latent's name is nearest to.
    pub(super) fn nearest_data(&self, name: &str) -> Option<String> {
        let unobserved =
            self.typed.variables.iter().filter(|v| {
                v.observed.is_none() && matches!(v.role, Role::Data(_) | Role::Derived(_))
            });
        Self::nearest(name, unobserved.map(|v| v.name.as_str()))
    }

    fn check_unused_data(&mut self, suspected: &HashSet<String>) {
        for i in 0..self.typed.variables.len() {
            let variable = VariableId(i as u32);
            let info = self.typed.variable(variable);
            let used = self.used.contains(&variable)
                || info.observed.is_some()
                || suspected.contains(&info.name);
            let labels_its_rows = matches!(info.kind, Kind::Index(of) if info.axes == [of]);
            if used || labels_its_rows || !matches!(info.role, Role::Data(_)) {
                continue;
            }
            let (name, span) = (info.name.clone(), info.span);
            self.report(NameProblem::UnusedData { name, span });
        }
    }

    /// Whether the program has `~` statements, but none on data, and no factor.
    fn observes_nothing(&self) -> bool {
        let observes = self.random_heads.iter().any(|(_, r)| *r == RandomRole::Observed);
        !observes && self.typed.factors.is_empty() && !self.randoms.is_empty()
    }
}

fn is_latent(role: RandomRole) -> bool {
    match role {
        RandomRole::Latent | RandomRole::Finite => true,
        RandomRole::Observed | RandomRole::Predicted => false,
    }
}

fn expressions(random: &Random) -> Vec<&Expr> {
    random.distribution.expressions().into_iter().chain(random.guard.iter()).collect()
}

fn in_random(random: &Random) -> Vec<VariableId> {
    expressions(random).into_iter().flat_map(Expr::variables).collect()
}
