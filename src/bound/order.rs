//! The order in which the elements of a recurrence are computed: each after those it uses.

use super::{EvaluationError, Evaluator};
use crate::typed::{
    DefinitionValue, Distribution, Expr, ExprKind, IndexId, Plane, Program, Role, VariableId,
};

/// Elements in an order of computation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// The names of the recurrence.
    pub members: Vec<VariableId>,
    /// Waves of elements, each a member and a row-major position; an element uses only elements of
    /// earlier waves.
    pub waves: Vec<Vec<(VariableId, usize)>>,
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderError {
    /// A subscript has no value, at this element.
    Evaluation(EvaluationError, VariableId, usize),
    /// An element that is computed from itself.
    Cycle(VariableId, usize),
}

/// The order of the elements of a recurrence. Guards are evaluated, branches that data decide are
/// followed.
///
/// # Errors
///
/// See [`OrderError`].
pub fn order<V>(
    evaluator: &Evaluator<'_, V>,
    typed: &Program,
    members: &[VariableId],
) -> Result<Order, OrderError> {
    let mut search = Search::new(evaluator, typed, members);
    for (member, variable) in members.iter().enumerate() {
        search.visit(member, *variable)?;
    }
    search.waves()
}

struct Search<'a, 'e, V> {
    evaluator: &'a Evaluator<'e, V>,
    typed: &'a Program,
    members: &'a [VariableId],
    /// The first element of each member among all elements.
    offsets: Vec<usize>,
    /// For every element, whether it exists, and the elements it uses.
    exists: Vec<bool>,
    uses: Vec<Vec<u32>>,
}

impl<'a, 'e, V> Search<'a, 'e, V> {
    fn new(evaluator: &'a Evaluator<'e, V>, typed: &'a Program, members: &'a [VariableId]) -> Self {
        let mut offsets = Vec::new();
        let mut total = 0;
        for variable in members {
            offsets.push(total);
            total += evaluator.size(*variable);
        }
        let (exists, uses) = (vec![false; total], vec![Vec::new(); total]);
        Search { evaluator, typed, members, offsets, exists, uses }
    }

    fn visit(&mut self, member: usize, variable: VariableId) -> Result<(), OrderError> {
        let typed = self.typed;
        let (indices, guard): (&[IndexId], Option<&Expr>) = match typed.variable(variable).role {
            Role::Derived(id) => (&typed.definition(id).indices, None),
            Role::Latent(id) | Role::Predicted(id) => {
                let random = typed.random(id);
                (&random.indices, random.guard.as_ref())
            }
            Role::Data(_) => return Ok(()),
        };
        let evaluator = self.evaluator;
        let mut position_at_failure = 0;
        evaluator
            .for_each(indices, guard, |position| {
                position_at_failure = position;
                let mut found = Vec::new();
                match typed.variable(variable).role {
                    Role::Derived(id) => match &typed.definition(id).value {
                        DefinitionValue::Each(value) => self.uses(value, &mut found)?,
                        value @ (DefinitionValue::PerElement(_)
                        | DefinitionValue::Solved(_)
                        | DefinitionValue::Factored(_)) => {
                            for value in value.expressions() {
                                self.uses(value, &mut found)?;
                            }
                        }
                    },
                    Role::Latent(id) | Role::Predicted(id) => {
                        self.drawn(&typed.random(id).distribution, &mut found)?;
                    }
                    Role::Data(_) => {}
                }
                found.sort_unstable();
                found.dedup();
                let element = self.offsets[member] + position;
                self.exists[element] = true;
                self.uses[element] = found;
                Ok(())
            })
            .map_err(|error| OrderError::Evaluation(error, variable, position_at_failure))
    }

    fn drawn(
        &self,
        distribution: &Distribution,
        found: &mut Vec<u32>,
    ) -> Result<(), EvaluationError> {
        match distribution {
            Distribution::Choice(choice) => match self.decided(&choice.condition)? {
                Some(true) => self.drawn(&choice.yes, found),
                Some(false) => self.drawn(&choice.no, found),
                None => {
                    self.uses(&choice.condition, found)?;
                    self.drawn(&choice.yes, found)?;
                    self.drawn(&choice.no, found)
                }
            },
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => {
                distribution.expressions().into_iter().try_for_each(|e| self.uses(e, found))
            }
        }
    }

    /// The elements of members that an expression uses.
    fn uses(&self, expr: &Expr, found: &mut Vec<u32>) -> Result<(), EvaluationError> {
        match &expr.kind {
            ExprKind::Variable(variable, at) => {
                at.iter().try_for_each(|s| self.uses(s, found))?;
                if let Some(member) = self.members.iter().position(|m| m == variable) {
                    match self.evaluator.position(*variable, at) {
                        Ok(position) => found.push((self.offsets[member] + position) as u32),
                        // Any element that the finite latent may point at.
                        Err(EvaluationError::Unassigned { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            ExprKind::If(condition, yes, no) => match self.decided(condition)? {
                Some(true) => self.uses(yes, found),
                Some(false) => self.uses(no, found),
                None => [condition, yes, no].into_iter().try_for_each(|e| self.uses(e, found)),
            },
            ExprKind::Reduce(reduce) => {
                if !self.mentions(&reduce.body) {
                    return Ok(());
                }
                self.evaluator.for_each(&reduce.indices, reduce.guard.as_ref(), |_| {
                    self.uses(&reduce.body, found)
                })
            }
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::ElementNumber(_)
            | ExprKind::ElementOf(_)
            | ExprKind::ElementAt(_)
            | ExprKind::Below(..)
            | ExprKind::Size(_)
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary(..)
            | ExprKind::Call(..)
            | ExprKind::Covariance(..)
            | ExprKind::LogDensity(..)
            | ExprKind::State(_)
            | ExprKind::Time
            | ExprKind::Error => expr.children().into_iter().try_for_each(|e| self.uses(e, found)),
        }
    }

    /// The value of a condition that data outside the recurrence decide.
    fn decided(&self, condition: &Expr) -> Result<Option<bool>, EvaluationError> {
        if condition.plane != Plane::Data || self.mentions(condition) {
            return Ok(None);
        }
        Ok(Some(self.evaluator.data(condition)? != 0.0))
    }

    fn mentions(&self, expr: &Expr) -> bool {
        let mut found = false;
        expr.walk(&mut |e| {
            if let ExprKind::Variable(variable, _) = &e.kind {
                found |= self.members.contains(variable);
            }
        });
        found
    }

    /// Waves by the longest path to an element.
    fn waves(self) -> Result<Order, OrderError> {
        let count = self.uses.len();
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); count];
        let mut waiting = vec![0usize; count];
        for (element, uses) in self.uses.iter().enumerate() {
            for used in uses.iter().filter(|u| self.exists[**u as usize]) {
                users[*used as usize].push(element as u32);
                waiting[element] += 1;
            }
        }
        let mut wave: Vec<usize> =
            (0..count).filter(|e| self.exists[*e] && waiting[*e] == 0).collect();
        let mut waves = Vec::new();
        let mut placed = 0;
        while !wave.is_empty() {
            placed += wave.len();
            let mut next = Vec::new();
            for element in &wave {
                for user in &users[*element] {
                    waiting[*user as usize] -= 1;
                    if waiting[*user as usize] == 0 {
                        next.push(*user as usize);
                    }
                }
            }
            next.sort_unstable();
            waves.push(std::mem::replace(&mut wave, next));
        }
        let member_of = |element: usize| {
            let member = self.offsets.partition_point(|o| *o <= element) - 1;
            (self.members[member], element - self.offsets[member])
        };
        if placed < self.exists.iter().filter(|e| **e).count() {
            let stuck = (0..count).find(|e| self.exists[*e] && waiting[*e] > 0).unwrap_or(0);
            let (variable, position) = member_of(stuck);
            return Err(OrderError::Cycle(variable, position));
        }
        let named = |wave: Vec<usize>| wave.into_iter().map(member_of).collect();
        Ok(Order { members: self.members.to_vec(), waves: waves.into_iter().map(named).collect() })
    }
}
