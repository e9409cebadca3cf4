//! Finds which latents meet in the rows of a log density: the entries of its Hessian that are not 0.

use super::dependence::{Dependence, Row};
use super::node::Model;
use super::summed::single_sums;
use std::collections::BTreeSet;

/// Which rows tell few latents from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouplingOptions {
    /// A row with more locals than this is wide: it ties all of them together.
    pub most_in_row: usize,
    /// The most wide rows.
    pub most_wide: usize,
    /// The most entries of the Hessian for each local, on average.
    pub most_entries: usize,
}

/// How the locals of a log density are coupled, given all other coordinates.
#[derive(Clone, Debug)]
pub struct Coupled {
    /// For each local, in their order, the positions of those that it meets in a row that is not wide,
    /// ascending; it meets itself.
    pub neighbours: Vec<Vec<u32>>,
    /// How many rows are wide.
    pub wide: usize,
    /// w_0 ℓ_0 + w_1 ℓ_1, if there are wide rows: ℓ_1 is their sum, ℓ_0 that of the others. Its point has
    /// the coordinates as they were, then w_0 and w_1.
    pub weighed: Option<Model>,
}

impl Model {
    /// How these coordinates are coupled; `None` if too many meet too often, or by finite variables.
    pub fn couple(&self, locals: &[u32], options: &CouplingOptions) -> Option<Coupled> {
        let nodes = single_sums(&self.nodes)?;
        let own = locals.iter().copied();
        let dependence = Dependence::of(self, &nodes, own, options.most_in_row)?;
        let rows = || dependence.densities().iter().flatten();
        let wide = rows().filter(|row| row.is_many()).count();
        if wide > options.most_wide {
            return None;
        }
        let mut position = vec![u32::MAX; self.dimension()];
        for (index, coordinate) in (0..).zip(locals) {
            position[*coordinate as usize] = index;
        }
        let mut neighbours: Vec<BTreeSet<u32>> =
            (0..locals.len() as u32).map(|index| BTreeSet::from([index])).collect();
        let sets: BTreeSet<usize> = rows().map(|row| row.index()).collect();
        for set in sets {
            let members = || dependence.sets()[set].iter().map(|c| position[*c as usize]);
            for member in members() {
                neighbours[member as usize].extend(members());
            }
        }
        let entries: usize = neighbours.iter().map(BTreeSet::len).sum();
        if entries > options.most_entries * locals.len() {
            return None;
        }
        let neighbours = neighbours.into_iter().map(|own| own.into_iter().collect()).collect();
        let weighed = (wide > 0).then(|| {
            let part = |row: &Row| u32::from(row.is_many());
            let parts = dependence.densities().iter();
            let parts: Vec<Vec<u32>> = parts.map(|rows| rows.iter().map(part).collect()).collect();
            self.weighed(nodes, &parts, 1)
        });
        Some(Coupled { neighbours, wide, weighed })
    }
}
