//! Which systems of differential equations a block is about, and the times of each.

use super::{EvaluationError, Evaluator};
use crate::typed::{IndexId, Solution};
use std::collections::HashMap;

/// A system and the times at which its solution is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct OdeSystem {
    /// The time of the initial values.
    pub start: f64,
    /// The times, ascending.
    pub times: Vec<f64>,
    /// The row-major position of each, over the groups and the axis of times.
    pub positions: Vec<usize>,
}

/// The systems, in the order of their first elements: one for each element of the groups, and for
/// each combination of the columns by which the times differ. `points` are the indices of the groups
/// and that of the times.
///
/// # Errors
///
/// [`EvaluationError::TimesDescend`] if a time is not finite or lies before that of the initial
/// values.
pub fn systems<V>(
    evaluator: &Evaluator<'_, V>,
    points: &[IndexId],
    solution: &Solution,
) -> Result<Vec<OdeSystem>, EvaluationError> {
    let along = points.last().map_or(1, |index| evaluator.extent(*index)).max(1);
    let mut systems: Vec<OdeSystem> = Vec::new();
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    evaluator.for_each(points, None, |position| {
        let mut key = vec![(position / along) as u64];
        for column in &solution.by {
            key.push(evaluator.data(column)?.to_bits());
        }
        let time = evaluator.data(&solution.times)?;
        let start = evaluator.data(&solution.start)?;
        if !(start.is_finite() && time.is_finite() && time >= start) {
            return Err(EvaluationError::TimesDescend { span: solution.times.span });
        }
        let at = *known.entry(key).or_insert_with(|| {
            systems.push(OdeSystem { start, times: Vec::new(), positions: Vec::new() });
            systems.len() - 1
        });
        systems[at].times.push(time);
        systems[at].positions.push(position);
        Ok(())
    })?;
    for system in &mut systems {
        let mut order: Vec<usize> = (0..system.times.len()).collect();
        order.sort_by(|a, b| system.times[*a].total_cmp(&system.times[*b]));
        system.times = order.iter().map(|k| system.times[*k]).collect();
        system.positions = order.iter().map(|k| system.positions[*k]).collect();
    }
    Ok(systems)
}
