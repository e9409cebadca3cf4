//! The Cholesky factors of matrices of data.

use super::Binder;
use super::explain::Failure;
use crate::bound::{Array, lower_factor};
use crate::diagnostic::{Diagnostic, Slug};
use crate::typed::{DefinitionId, Expr};

/// How far symmetric entries may be off, relative to the largest entry.
const TOLERANCE: f64 = 1e-8;

impl Binder<'_> {
    /// The lower triangular factors of a definition's matrices, one after the other.
    pub(super) fn factor(
        &mut self,
        id: DefinitionId,
        value: &Expr,
    ) -> Result<Array, Box<Diagnostic>> {
        let typed = self.typed;
        let definition = typed.definition(id);
        let shape = self.shape(definition.variable);
        let size = shape.last().copied().unwrap_or(0);
        let mut cells = Vec::with_capacity(shape.iter().product());
        let indices = &definition.indices;
        let evaluated: Result<(), Failure> = self.evaluate(|evaluator| {
            let visited = evaluator.for_each(indices, None, |_| {
                cells.push(evaluator.data(value)?);
                Ok(())
            });
            visited.map_err(|error| Failure::at(evaluator, indices, error))
        });
        if let Err(failure) = evaluated {
            return Err(Box::new(self.explain(&failure, indices)));
        }
        let mut factors = Vec::with_capacity(cells.len());
        for matrix in cells.chunks((size * size).max(1)) {
            let largest = matrix.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let differs = |(i, j): &(usize, usize)| {
                let difference = (matrix[i * size + j] - matrix[j * size + i]).abs();
                difference > TOLERANCE * largest
            };
            let pairs = (0..size).flat_map(|i| (0..i).map(move |j| (i, j)));
            let factor = lower_factor(size, matrix);
            let why = if !matrix.iter().all(|x| x.is_finite()) {
                "has an element that is no finite number".to_owned()
            } else if let Some((i, j)) = pairs.clone().find(differs) {
                let [a, b] = [matrix[i * size + j], matrix[j * size + i]];
                format!(
                    "is not symmetric: row {}, column {} is {a}, and the other way around it is {b}",
                    i + 1,
                    j + 1
                )
            } else if !factor.iter().all(|x| x.is_finite()) {
                "is not positive definite".to_owned()
            } else {
                factors.extend(factor);
                continue;
            };
            let name = &typed.variable(definition.variable).name;
            let problem = Diagnostic::error(
                Slug::NotFinite,
                format!("`{name}` has no value: the matrix {why}"),
                value.span,
                "has no Cholesky factor",
            );
            return Err(Box::new(problem.help(
                "a covariance matrix is symmetric, and positive definite: no combination of its \
                 variables is without variance; add a little to its diagonal",
            )));
        }
        Ok(Array::new(&shape, factors))
    }
}
