//! What has to be drawn and computed for the names that are asked for, each after what it uses.
//!
//! Statements of a plain family, and definitions, are compiled to kernels over all their rows.
//! What depends on latents with finitely many values, or is in terms of its own earlier elements,
//! is read element by element. Invariant: a latent's elements that are given are never drawn.

use super::{PredictError, compile};
use crate::bound::finite::mentions;
use crate::bound::{self, EvaluationError, Evaluator, Order, OrderError, Space, space};
use crate::engine;
use crate::graph::lower::{self, ConstrainedLayout};
use crate::typed::{
    DefinitionId, DefinitionValue, Distribution, Expr, RandomId, RandomRole, Role, VariableId,
};
use std::collections::{HashMap, HashSet};

/// A step of a draw.
pub(super) enum Stage {
    /// Draws elements of a family whose parameters are compiled.
    Family(Family),
    /// Computes a definition.
    Definition {
        /// Its elements are the quantities.
        program: engine::Program,
        /// What it defines.
        variable: VariableId,
    },
    /// Draws or computes elements, in this order.
    Turns(Vec<Turn>),
}

/// Rows of a family with their parameters.
pub(super) struct Family {
    /// For each parameter, its value in every row.
    pub(super) program: engine::Program,
    pub(super) random: RandomId,
    /// Rows to draw, and the position of the element of each.
    pub(super) rows: Vec<(usize, u32)>,
    /// How many rows have parameters.
    pub(super) count: usize,
    /// How many parameters each row has.
    pub(super) width: usize,
}

/// An element, or a group of them.
pub(super) enum Turn {
    /// An element of a definition.
    Define(VariableId, DefinitionId, usize),
    /// An element of a `~` statement.
    Draw(RandomId, usize),
    /// Elements that are drawn together.
    Group(RandomId, Vec<u32>),
    /// Missing cells among elements that are drawn together: their statement, that of all cells,
    /// and all members of the group.
    Missing(RandomId, RandomId, Vec<u32>),
}

/// A plan under construction.
pub(super) struct Planner<'a, 'm> {
    bound: &'a bound::Program,
    evaluator: Evaluator<'a, ()>,
    layout: &'m ConstrainedLayout,
    /// Which elements of a latent are not given.
    missing: &'m dyn Fn(VariableId) -> Result<HashSet<u32>, PredictError>,
    /// Whether kernels are worth compiling.
    compiles: bool,
    planned: HashSet<VariableId>,
    stages: Vec<Stage>,
}

impl<'a, 'm> Planner<'a, 'm> {
    pub(super) fn new(
        bound: &'a bound::Program,
        layout: &'m ConstrainedLayout,
        missing: &'m dyn Fn(VariableId) -> Result<HashSet<u32>, PredictError>,
        compiles: bool,
    ) -> Self {
        let evaluator = Evaluator::of(bound, ());
        let (planned, stages) = (HashSet::new(), Vec::new());
        Planner { bound, evaluator, layout, missing, compiles, planned, stages }
    }

    pub(super) fn finish(self) -> Vec<Stage> {
        self.stages
    }

    /// The elements that a variable has.
    pub(super) fn positions(&self, variable: VariableId) -> Result<Vec<u32>, PredictError> {
        match self.bound.typed.variable(variable).role {
            Role::Latent(id) | Role::Predicted(id) => self.positions_of(id),
            Role::Data(_) | Role::Derived(_) => {
                let size: usize = self.bound.shape(variable).iter().product();
                Ok((0..size as u32).collect())
            }
        }
    }

    /// The elements that a statement is about.
    pub(super) fn positions_of(&self, id: RandomId) -> Result<Vec<u32>, PredictError> {
        Ok(Space::of(&self.evaluator, self.bound.typed.random(id))?.cells)
    }

    /// Plans a variable and whatever it takes.
    pub(super) fn variable(&mut self, variable: VariableId) -> Result<(), PredictError> {
        if self.bound.values[variable.index()].is_some() || !self.planned.insert(variable) {
            return Ok(());
        }
        let bound = self.bound;
        if let Some(members) = bound.typed.series.iter().find(|s| s.contains(&variable)) {
            return self.series(members);
        }
        match bound.typed.variable(variable).role {
            Role::Data(_) => Ok(()),
            Role::Latent(id) | Role::Predicted(id) => self.statement(id),
            Role::Derived(id) => self.definition(variable, id),
        }
    }

    /// Plans the draws of a statement's elements that are not given.
    pub(super) fn statement(&mut self, id: RandomId) -> Result<(), PredictError> {
        let bound = self.bound;
        let random = bound.typed.random(id);
        let missing = match random.role {
            RandomRole::Latent | RandomRole::Finite => Some((self.missing)(random.variable)?),
            RandomRole::Predicted | RandomRole::Observed => None,
        };
        if missing.as_ref().is_some_and(HashSet::is_empty) {
            return Ok(());
        }
        if let Some(whole) = self.tied_whole(random.variable) {
            let tied = bound.typed.random(whole);
            self.needs(&tied.distribution.expressions())?;
            let groups = space::groups(&self.evaluator, tied)?.into_iter();
            let turns = groups.map(|members| Turn::Missing(id, whole, members)).collect();
            self.stages.push(Stage::Turns(turns));
            return Ok(());
        }
        let expressions = random.distribution.expressions();
        let plain = matches!(random.distribution, Distribution::Family(_))
            && !expressions.iter().any(|e| mentions(bound, e));
        if self.compiles && plain && random.role != RandomRole::Finite {
            let mut used = Vec::new();
            expressions.iter().for_each(|e| used.extend(e.variables()));
            self.latents_behind(used)?;
            return self.family(id, missing.as_ref());
        }
        self.needs(&expressions)?;
        let turns = self.turns(id)?;
        self.stages.push(Stage::Turns(turns));
        Ok(())
    }

    /// The statement that ties the cells which a variable is the missing ones of.
    fn tied_whole(&self, variable: VariableId) -> Option<RandomId> {
        let typed = &self.bound.typed;
        let whole = typed.missing_cells_of(variable)?.whole;
        let at = typed.randoms.iter().position(|random| random.variable == whole)?;
        Some(RandomId(at as u32))
    }

    fn family(&mut self, id: RandomId, missing: Option<&HashSet<u32>>) -> Result<(), PredictError> {
        let parameters = lower::parameters(self.bound, self.layout, id)?;
        let rows = parameters
            .positions
            .iter()
            .enumerate()
            .filter(|(_, position)| missing.is_none_or(|missing| missing.contains(position)))
            .map(|(row, position)| (row, *position))
            .collect();
        let program = compile(&parameters.model)?;
        let (count, width) = (parameters.positions.len(), parameters.width);
        self.stages.push(Stage::Family(Family { program, random: id, rows, count, width }));
        Ok(())
    }

    fn definition(&mut self, variable: VariableId, id: DefinitionId) -> Result<(), PredictError> {
        let bound = self.bound;
        let value = &bound.typed.definition(id).value;
        let values = value.expressions();
        // Differential equations are solved, and matrices factored, by the engine only.
        let solved = matches!(value, DefinitionValue::Solved(_) | DefinitionValue::Factored(_));
        if (self.compiles || solved) && !bound.typed.variable(variable).finite {
            let used = values.iter().flat_map(|value| value.variables()).collect();
            self.latents_behind(used)?;
            let model = lower::definition(bound, self.layout, variable)?;
            self.stages.push(Stage::Definition { program: compile(&model)?, variable });
            return Ok(());
        }
        self.needs(&values)?;
        let size: usize = bound.shape(variable).iter().product();
        let turns = (0..size).map(|position| Turn::Define(variable, id, position));
        self.stages.push(Stage::Turns(turns.collect()));
        Ok(())
    }

    fn needs(&mut self, expressions: &[&Expr]) -> Result<(), PredictError> {
        for variable in expressions.iter().flat_map(|e| e.variables()) {
            self.variable(variable)?;
        }
        Ok(())
    }

    /// Plans the latents and predictions that variables are computed from.
    fn latents_behind(&mut self, mut pending: Vec<VariableId>) -> Result<(), PredictError> {
        let typed = &self.bound.typed;
        let mut seen: HashSet<VariableId> = HashSet::new();
        while let Some(variable) = pending.pop() {
            if self.bound.values[variable.index()].is_some() || !seen.insert(variable) {
                continue;
            }
            match typed.variable(variable).role {
                Role::Data(_) => {}
                Role::Latent(_) | Role::Predicted(_) => self.variable(variable)?,
                Role::Derived(id) => {
                    let values = typed.definition(id).value.expressions();
                    pending.extend(values.into_iter().flat_map(Expr::variables));
                }
            }
        }
        Ok(())
    }

    /// Plans names that are in terms of each other's elements.
    fn series(&mut self, members: &'a [VariableId]) -> Result<(), PredictError> {
        let bound = self.bound;
        self.planned.extend(members);
        let mut given = true;
        for member in members {
            given &= match bound.typed.variable(*member).role {
                Role::Latent(_) => (self.missing)(*member)?.is_empty(),
                Role::Predicted(_) => false,
                Role::Data(_) | Role::Derived(_) => true,
            };
        }
        let mut used = Vec::new();
        for member in members {
            used.extend(self.used_by(*member).into_iter().filter(|v| !members.contains(v)));
        }
        let finite = members.iter().any(|m| bound.typed.variable(*m).finite);
        if given && self.compiles && !finite {
            self.latents_behind(used)?;
            for member in members {
                if let Role::Derived(id) = bound.typed.variable(*member).role {
                    self.definition(*member, id)?;
                }
            }
            return Ok(());
        }
        used.into_iter().try_for_each(|variable| self.variable(variable))?;
        let order = match bound.recurrences.iter().find(|r| r.members == members) {
            Some(order) => order.clone(),
            None => bound::order(&self.evaluator, &bound.typed, members).map_err(unordered)?,
        };
        let turns = self.in_order(&order)?;
        self.stages.push(Stage::Turns(turns));
        Ok(())
    }

    fn used_by(&self, variable: VariableId) -> Vec<VariableId> {
        let typed = &self.bound.typed;
        match typed.variable(variable).role {
            Role::Data(_) => Vec::new(),
            Role::Latent(id) | Role::Predicted(id) => {
                let expressions = typed.random(id).distribution.expressions();
                expressions.into_iter().flat_map(Expr::variables).collect()
            }
            Role::Derived(id) => {
                let values = typed.definition(id).value.expressions();
                values.into_iter().flat_map(Expr::variables).collect()
            }
        }
    }

    /// The elements of a series. A group takes its turn with the last of its members.
    fn in_order(&self, order: &Order) -> Result<Vec<Turn>, PredictError> {
        let typed = &self.bound.typed;
        let mut turns: Vec<(usize, Turn)> = Vec::new();
        let mut places: HashMap<(VariableId, usize), usize> = HashMap::new();
        for (place, (variable, position)) in order.waves.iter().flatten().enumerate() {
            places.insert((*variable, *position), place);
            match typed.variable(*variable).role {
                Role::Data(_) => {}
                Role::Derived(id) => turns.push((place, Turn::Define(*variable, id, *position))),
                Role::Latent(id) | Role::Predicted(id) => {
                    if typed.random(id).distribution.over().is_empty() {
                        turns.push((place, Turn::Draw(id, *position)));
                    }
                }
            }
        }
        for member in &order.members {
            let (Role::Latent(id) | Role::Predicted(id)) = typed.variable(*member).role else {
                continue;
            };
            let random = typed.random(id);
            if random.distribution.over().is_empty() {
                continue;
            }
            for members in space::groups(&self.evaluator, random)? {
                let place = |m: &u32| places.get(&(*member, *m as usize)).copied();
                let last = members.iter().filter_map(place).max().unwrap_or(0);
                turns.push((last, Turn::Group(id, members)));
            }
        }
        turns.sort_by_key(|(place, _)| *place);
        Ok(turns.into_iter().map(|(_, turn)| turn).collect())
    }

    /// The elements or groups of a statement, in order.
    fn turns(&self, id: RandomId) -> Result<Vec<Turn>, PredictError> {
        let random = self.bound.typed.random(id);
        if !random.distribution.over().is_empty() {
            let groups = space::groups(&self.evaluator, random)?;
            return Ok(groups.into_iter().map(|members| Turn::Group(id, members)).collect());
        }
        let mut turns = Vec::new();
        self.evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
            turns.push(Turn::Draw(id, position));
            Ok::<(), EvaluationError>(())
        })?;
        Ok(turns)
    }
}

/// Binding has found an order of every series.
fn unordered(error: OrderError) -> PredictError {
    match error {
        OrderError::Evaluation(error, _, _) => error.into(),
        OrderError::Cycle(variable, position) => {
            EvaluationError::Unassigned { variable, position }.into()
        }
    }
}
