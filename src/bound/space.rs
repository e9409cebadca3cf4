//! How a latent lies in the unconstrained space: which of its elements exist, and which of them
//! are tied together.

use super::{EvaluationError, Evaluator};
use crate::library::joint::VectorSupport;
use crate::math::{Bijector, VectorBijector};
use crate::typed::{Distribution, IndexId, Random, Structure};

/// A latent's elements and their coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// The row-major positions of the elements that exist, ascending.
    pub cells: Vec<u32>,
    /// How the elements are tied; `None` where each has its own coordinate.
    pub groups: Option<Groups>,
}

/// Elements tied in groups, each with its own coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// From the coordinates of a group to its elements.
    pub bijector: VectorBijector,
    /// The size of the first axis that it is joint over.
    pub rows: usize,
    /// The row-major positions of the elements of each group, in the order of the joint axes.
    pub members: Vec<Vec<u32>>,
}

impl Space {
    /// The space of a latent.
    ///
    /// # Errors
    ///
    /// None for a bound program; see [`EvaluationError`].
    pub fn of<V>(evaluator: &Evaluator<'_, V>, random: &Random) -> Result<Self, EvaluationError> {
        let mut cells = Vec::new();
        evaluator.for_each(&random.indices, random.guard.as_ref(), |position| {
            cells.push(position as u32);
            Ok::<(), EvaluationError>(())
        })?;
        let groups = match bijector(&random.distribution) {
            Some(bijector) => {
                let rows = random.distribution.over().first().map_or(0, |i| evaluator.extent(*i));
                Some(Groups { bijector, rows, members: groups(evaluator, random)? })
            }
            None => None,
        };
        Ok(Space { cells, groups })
    }

    /// How many coordinates the latent has.
    pub fn dimension(&self) -> usize {
        match &self.groups {
            Some(groups) => groups.members.len() * groups.bijector.dimension(groups.rows),
            None => self.cells.len(),
        }
    }
}

/// How the elements of a joint distribution are tied; `None` where each is free on its own.
fn bijector(distribution: &Distribution) -> Option<VectorBijector> {
    match distribution {
        Distribution::Structured(structured) => Some(match structured.structure {
            Structure::Ordered => {
                let (low, high) = structured.element.ends();
                VectorBijector::Ordered(Bijector::onto(low.is_some(), high.is_some()))
            }
            Structure::ZeroSum => VectorBijector::ZeroSum,
        }),
        Distribution::Joint(joint) => match joint.form.variate {
            // Counts are observed or predicted, never latent.
            VectorSupport::Each(_) | VectorSupport::Counts => None,
            VectorSupport::Ordered => Some(VectorBijector::Ordered(Bijector::Identity)),
            VectorSupport::ZeroSum => Some(VectorBijector::ZeroSum),
            VectorSupport::Simplex => Some(VectorBijector::Simplex),
            VectorSupport::CholeskyCorrelation => Some(VectorBijector::CholeskyCorrelation),
            VectorSupport::CholeskyFactor => Some(VectorBijector::CholeskyFactor),
            VectorSupport::Correlation => Some(VectorBijector::Correlation),
            VectorSupport::Covariance => Some(VectorBijector::Covariance),
        },
        Distribution::Family(_)
        | Distribution::PointMass(_)
        | Distribution::Elements(_)
        | Distribution::Choice(_)
        | Distribution::Written(_) => None,
    }
}

/// The positions of the elements of every group that a joint statement is about, in the order of
/// the axes that it is joint over. A guard leaves out whole groups.
///
/// # Errors
///
/// As for [`Space::of`].
pub fn groups<V>(
    evaluator: &Evaluator<'_, V>,
    random: &Random,
) -> Result<Vec<Vec<u32>>, EvaluationError> {
    let over = random.distribution.over();
    let stride = |index: IndexId| -> usize {
        let after = random.indices.iter().skip_while(|i| **i != index).skip(1);
        after.map(|i| evaluator.extent(*i)).product()
    };
    let outer: Vec<IndexId> =
        random.indices.iter().filter(|i| !over.contains(i)).copied().collect();
    let mut groups = Vec::new();
    evaluator.for_each(&outer, None, |_| {
        let base: usize = outer.iter().map(|i| evaluator.at(*i) * stride(*i)).sum();
        let mut members = vec![base as u32];
        for index in over {
            evaluator.set(*index, 0);
            let along = (0..evaluator.extent(*index)).map(|at| (at * stride(*index)) as u32);
            let along: Vec<u32> = along.collect();
            members = members.iter().flat_map(|m| along.iter().map(move |a| m + a)).collect();
        }
        let exists = match &random.guard {
            Some(guard) if !members.is_empty() => evaluator.data(guard)? != 0.0,
            Some(_) | None => true,
        };
        if exists {
            groups.push(members);
        }
        Ok::<(), EvaluationError>(())
    })?;
    Ok(groups)
}

/// The value in an interval whose unconstrained coordinate is u; an infinite end is none.
pub fn inside(u: f64, low: f64, high: f64) -> f64 {
    Bijector::onto(low.is_finite(), high.is_finite()).constrain(u, low, high)
}
