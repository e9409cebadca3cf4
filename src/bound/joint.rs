//! The arguments of a family of several values, evaluated for one group of elements.

use super::{EvaluationError, Evaluator, Values};
use crate::library::joint::Extent;
use crate::math::Scalar;
use crate::typed::{Joint, JointArgument, Random};

/// The arguments of a joint family at a group.
#[derive(Clone, Debug, PartialEq)]
pub struct JointArguments<S> {
    /// The numbers of each argument, matrices in row order.
    pub values: Vec<Vec<S>>,
    rows: usize,
    columns: usize,
    edges: Vec<[usize; 2]>,
}

impl<S> JointArguments<S> {
    /// What is known of the group before any of its values.
    pub fn extent(&self) -> Extent<'_> {
        Extent { rows: self.rows, columns: self.columns, edges: &self.edges }
    }
}

impl<V> Evaluator<'_, V> {
    /// The arguments of a joint statement for the group whose first element stands at a row-major
    /// position.
    ///
    /// # Errors
    ///
    /// See [`EvaluationError`].
    pub fn arguments<S: Scalar>(
        &self,
        random: &Random,
        joint: &Joint,
        first: usize,
    ) -> Result<JointArguments<S>, EvaluationError>
    where
        V: Values<S>,
    {
        let extent = |nth: usize, missing| joint.over.get(nth).map_or(missing, |i| self.extent(*i));
        let (rows, columns) = (extent(0, 0), extent(1, 1));
        let mut edges = Vec::new();
        let mut arguments = Vec::with_capacity(joint.arguments.len());
        for argument in &joint.arguments {
            self.stand(&random.indices, first);
            let mut values = Vec::new();
            match argument {
                JointArgument::Scalar(value) => values.push(self.eval(value)?),
                JointArgument::Vector(value) => {
                    for position in 0..rows {
                        joint.over.first().iter().for_each(|index| self.set(**index, position));
                        values.push(self.eval(value)?);
                    }
                }
                JointArgument::Matrix(indices, value) => {
                    self.for_each(indices, None, |_| {
                        values.push(self.eval(value)?);
                        Ok::<(), EvaluationError>(())
                    })?;
                }
                JointArgument::Edges(from, to) => {
                    let ends = |v| self.array(v).into_iter().flat_map(|array| array.cells());
                    let pairs = ends(*from).zip(ends(*to));
                    edges = pairs.map(|(a, b)| [a as usize, b as usize]).collect();
                }
            }
            arguments.push(values);
        }
        Ok(JointArguments { values: arguments, rows, columns, edges })
    }
}
