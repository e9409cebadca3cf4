//! Matrices of values with a covariance of their rows and one of their columns.

use super::super::super::linear::{NoisyKronecker, TriangularSolve};
use super::super::super::node::{Node, Slot};
use super::super::{LowerError, Lowering};
use super::Matrices;
use super::tied::Tied;
use crate::typed::Joint;

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
        let count = tied.groups.len();
        let output = Slot { buffer: self.model.add_buffer(count), offset: 0 };
        self.push(Node::NoisyKronecker(NoisyKronecker {
            extent: [rows.size, columns.size],
            count,
            matrices: [rows.slot, columns.slot],
            shared: [rows.shared, columns.shared],
            noise,
            values: tied.x,
            output,
            tag: tied.tag,
        }));
        let groups = tied.each();
        self.kernel(count, tied.tag, tied.density(&groups), |k| k.at(output, &groups));
        Ok(())
    }
}
