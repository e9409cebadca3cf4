//! Matrices of values with a covariance of their rows and one of their columns.

use super::super::super::linear::TriangularSolve;
use super::super::super::node::{Node, Slot};
use super::super::{LowerError, Lowering};
use super::tied::Tied;
use super::{Matrices, Scale};
use crate::typed::{Expr, Joint, JointArgument};

impl Lowering<'_> {
    /// Z = A⁻¹ X B⁻ᵀ with the factors A of the rows and B of the columns.
    pub(super) fn matrix_normal(
        &mut self,
        tied: &Tied<'_>,
        joint: &Joint,
    ) -> Result<(), LowerError> {
        let rows = self.matrix(tied, &joint.arguments[0])?;
        let columns = self.matrix(tied, &joint.arguments[1])?;
        let (a, b) = (self.cholesky(tied, rows), self.cholesky(tied, columns));
        let (n, m, count) = (rows.size, columns.size, tied.groups.len());
        let solve = |lowering: &mut Self, factor: Matrices, columns: usize, input: Slot| {
            let buffer = lowering.model.add_buffer(count * n * m);
            let output = Slot { buffer, offset: 0 };
            lowering.push(Node::TriangularSolve(TriangularSolve {
                size: factor.size,
                count,
                columns,
                matrix: factor.slot,
                shared: factor.shared,
                input,
                output,
                transposed: false,
                tag: tied.tag,
            }));
            output
        };
        let half = solve(self, a, m, tied.x);
        let cells: Vec<u32> = (0..(count * n * m) as u32).collect();
        let turned = cells.iter().map(|cell| {
            let (group, cell) = (*cell as usize / (n * m), *cell as usize % (n * m));
            (group * n * m + cell % n * m + cell / n) as u32
        });
        let turned: Vec<u32> = turned.collect();
        let turned = self.gathered(cells.len(), &cells, tied.tag, |k| k.at(half, &turned));
        let z = solve(self, b, n, turned);
        self.standard_normal(tied, z);
        for (factor, times) in [(a, m), (b, n)] {
            self.log_determinant(tied, factor, -(times as f64));
        }
        Ok(())
    }

    /// The normal distribution of all values with covariance rows ⊗ cols + noise_var I.
    pub(super) fn noisy_matrix_normal(
        &mut self,
        tied: &Tied<'_>,
        joint: &Joint,
    ) -> Result<(), LowerError> {
        let rows = self.matrix(tied, &joint.arguments[0])?;
        let columns = self.matrix(tied, &joint.arguments[1])?;
        let noise = self.scalar(tied, &joint.arguments[2])?;
        let (n, m, count) = (rows.size, columns.size, tied.groups.len());
        let size = n * m;
        let cells: Vec<u32> = (0..(count * size * size) as u32).collect();
        let place = |of: Matrices, entry: &dyn Fn(usize, usize) -> usize| -> Vec<u32> {
            let at = |cell: &u32| {
                let (group, cell) =
                    (*cell as usize / (size * size), *cell as usize % (size * size));
                let base = if of.shared { 0 } else { group * of.size * of.size };
                (base + entry(cell / size, cell % size)) as u32
            };
            cells.iter().map(at).collect()
        };
        let in_rows = place(rows, &|i, j| i / m * n + j / m);
        let in_columns = place(columns, &|i, j| i % m * m + j % m);
        let group_of: Vec<u32> = cells.iter().map(|c| c / (size * size) as u32).collect();
        let diagonal = |cell: &u32| {
            let cell = *cell as usize % (size * size);
            f64::from(u8::from(cell / size == cell % size))
        };
        let diagonal: Vec<f64> = cells.iter().map(diagonal).collect();
        let slot = self.gathered(cells.len(), &cells, tied.tag, |k| {
            let covariance = k.at(rows.slot, &in_rows) * k.at(columns.slot, &in_columns);
            covariance + k.column(&diagonal) * k.at(noise, &group_of)
        });
        let factor = self.cholesky(tied, Matrices { slot, size, shared: false });
        let scale = Scale { factor, inverse: false };
        let zero = Expr::number(0.0, tied.random.span);
        let z = self.standardised(tied, &JointArgument::Scalar(zero), &scale)?;
        self.standard_normal(tied, z);
        self.log_determinant(tied, factor, -1.0);
        Ok(())
    }
}
