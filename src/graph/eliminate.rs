//! The order in which finite variables are summed out of a product of tables, and what it costs.
//!
//! Invariant: every table and every message is used up in exactly one step, that of the first of
//! its variables to go; the sum over all assignments is the product of the messages without
//! variables (and of the tables without).

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// A variable with more neighbours than this counts as joined to all of them anew when it goes: to
/// look at every pair would cost more than it can save.
const SEARCHED: usize = 64;

/// Steps in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One step per variable.
    pub steps: Vec<PlanStep>,
}

/// A variable summed out: message(scope) = ln Σ over its states of exp(tables + messages).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// The variable.
    pub variable: u32,
    /// The other variables of the tables and messages, ascending; the message is over them.
    pub scope: Vec<u32>,
    /// The tables used up.
    pub factors: Vec<u32>,
    /// The earlier steps whose messages are used up.
    pub messages: Vec<u32>,
    /// How many sums of tables are looked at: the states of the variable and its scope.
    pub entries: usize,
}

impl Plan {
    /// How many sums of tables all steps look at.
    pub fn entries(&self) -> usize {
        self.steps.iter().map(|step| step.entries).sum()
    }
}

/// An elimination that would need a table larger than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The variables that would share a table.
    pub variables: Vec<u32>,
    /// How many entries it would have.
    pub entries: usize,
}

/// A greedy plan: the next variable to go is the one whose neighbours need the fewest new joins
/// (weighted by their states), then the one with the smallest table, then the first.
///
/// `sizes` are the numbers of states; a scope names variables by their positions among them.
///
/// # Errors
///
/// When a table would have more than `largest_table` entries.
pub fn plan(sizes: &[u32], scopes: &[&[u32]], largest_table: usize) -> Result<Plan, TooLarge> {
    let order = Neighbours::new(sizes, scopes).order(largest_table)?;
    let mut position = vec![0; sizes.len()];
    for (at, (variable, _)) in order.iter().enumerate() {
        position[*variable as usize] = at;
    }
    let mut steps: Vec<PlanStep> = order
        .into_iter()
        .map(|(variable, scope)| PlanStep {
            variable,
            entries: entries(sizes, variable, &scope),
            scope,
            factors: Vec::new(),
            messages: Vec::new(),
        })
        .collect();
    let first = |scope: &[u32]| scope.iter().map(|v| position[*v as usize]).min();
    for (factor, scope) in scopes.iter().enumerate() {
        if let Some(step) = first(scope) {
            steps[step].factors.push(factor as u32);
        }
    }
    for message in 0..steps.len() {
        if let Some(step) = first(&steps[message].scope) {
            steps[step].messages.push(message as u32);
        }
    }
    Ok(Plan { steps })
}

fn entries(sizes: &[u32], variable: u32, scope: &[u32]) -> usize {
    let size = |variable: &u32| sizes[*variable as usize] as usize;
    scope.iter().map(size).fold(size(&variable), usize::saturating_mul)
}

/// Which variables share a table, as variables go.
struct Neighbours<'a> {
    sizes: &'a [u32],
    of: Vec<BTreeSet<u32>>,
    gone: Vec<bool>,
}

/// What it costs to sum out a variable: new joins, then entries, both as the bits of a number that
/// is not negative, which sort like the number; then the variable.
type Key = (u64, u64, u32);

impl<'a> Neighbours<'a> {
    fn new(sizes: &'a [u32], scopes: &[&[u32]]) -> Self {
        let mut of = vec![BTreeSet::new(); sizes.len()];
        for scope in scopes {
            for a in *scope {
                of[*a as usize].extend(scope.iter().filter(|b| *b != a));
            }
        }
        Neighbours { sizes, of, gone: vec![false; sizes.len()] }
    }

    fn order(mut self, largest_table: usize) -> Result<Vec<(u32, Vec<u32>)>, TooLarge> {
        let all = 0..self.sizes.len() as u32;
        let mut queue: BinaryHeap<Reverse<Key>> = all.map(|v| Reverse(self.key(v))).collect();
        let mut order = Vec::with_capacity(self.sizes.len());
        while let Some(Reverse(key)) = queue.pop() {
            let (_, _, variable) = key;
            if self.gone[variable as usize] {
                continue;
            }
            let now = self.key(variable);
            if now > key {
                queue.push(Reverse(now));
                continue;
            }
            let scope = self.remove(variable);
            let entries = entries(self.sizes, variable, &scope);
            if entries > largest_table {
                let mut variables = scope;
                variables.push(variable);
                variables.sort_unstable();
                return Err(TooLarge { variables, entries });
            }
            queue.extend(scope.iter().map(|v| Reverse(self.key(*v))));
            order.push((variable, scope));
        }
        Ok(order)
    }

    fn key(&self, variable: u32) -> Key {
        let neighbours = &self.of[variable as usize];
        let count = neighbours.len();
        if count > SEARCHED {
            return (((count * count) as f64).to_bits(), f64::INFINITY.to_bits(), variable);
        }
        let weight = |v: &u32| f64::from(self.sizes[*v as usize]);
        let mut joins = 0.0;
        for a in neighbours {
            let known = &self.of[*a as usize];
            let later = neighbours.range(a + 1..).filter(|b| !known.contains(b));
            joins += later.map(|b| weight(a) * weight(b)).sum::<f64>();
        }
        let entries: f64 = neighbours.iter().map(weight).product::<f64>() * weight(&variable);
        (joins.to_bits(), entries.to_bits(), variable)
    }

    /// Takes a variable out and joins its neighbours, which are returned in ascending order.
    fn remove(&mut self, variable: u32) -> Vec<u32> {
        self.gone[variable as usize] = true;
        let scope: Vec<u32> = std::mem::take(&mut self.of[variable as usize]).into_iter().collect();
        for a in &scope {
            let neighbours = &mut self.of[*a as usize];
            neighbours.remove(&variable);
            neighbours.extend(scope.iter().filter(|b| *b != a));
        }
        scope
    }
}
