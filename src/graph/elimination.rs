//! Finite variables summed out of the density.

use super::node::{Inconsistency, Model, Slot, Tag};

/// Adds ln Σ_z exp(Σ_f table_f\[z\]) to the log density, the sum over all assignments z of the
/// variables, where a table is read at the states of the variables in its scope.
#[derive(Clone, Debug)]
pub struct Elimination {
    /// How many states each variable has, at least 1.
    pub sizes: Vec<u32>,
    /// The tables.
    pub factors: Vec<Factor>,
    /// The statement it came from.
    pub tag: Tag,
}

/// A table of log weights; an entry of -∞ forbids the states.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The first of the entries, in row-major order of the scope: its last variable runs fastest.
    pub table: Slot,
    /// The variables, by their positions in [`Elimination::sizes`], no two the same.
    pub scope: Vec<u32>,
}

impl Elimination {
    /// The scopes of the factors, as [`plan`](super::eliminate::plan) wants them.
    pub fn scopes(&self) -> Vec<&[u32]> {
        self.factors.iter().map(|factor| factor.scope.as_slice()).collect()
    }
}

impl Model {
    pub(super) fn check_elimination(&self, elimination: &Elimination) -> Option<Inconsistency> {
        let Elimination { sizes, factors, tag } = elimination;
        if sizes.contains(&0) {
            return Some(Inconsistency::WrongLength(*tag));
        }
        for Factor { table: Slot { buffer, offset }, scope } in factors {
            let mut sorted = scope.clone();
            sorted.sort_unstable();
            let repeated = sorted.windows(2).any(|pair| pair[0] == pair[1]);
            if repeated || sorted.last().is_some_and(|v| *v as usize >= sizes.len()) {
                return Some(Inconsistency::WrongScope(*tag));
            }
            let states = scope.iter().map(|v| sizes[*v as usize] as usize);
            if !self.contains(*buffer, *offset, states.fold(1, usize::saturating_mul)) {
                return Some(Inconsistency::OutOfBuffer(*tag));
            }
        }
        None
    }
}
