//! Which buffers a node reads and writes.

use super::node::{BufferId, Node};

impl Node {
    /// Calls `visit` with every buffer that is read, once for each reading.
    pub fn for_each_read(&self, visit: &mut dyn FnMut(BufferId)) {
        match self {
            Node::Kernel(_) | Node::Recurrence(_) => {
                let inputs = self.kernels().iter().flat_map(|kernel| &kernel.inputs);
                inputs.for_each(|input| visit(input.buffer));
            }
            Node::Product(product) => visit(product.input.buffer),
            Node::Elimination(elimination) => {
                elimination.factors.iter().for_each(|factor| visit(factor.table.buffer));
            }
            Node::Cholesky(cholesky) => visit(cholesky.input.buffer),
            Node::TriangularSolve(solve) => {
                visit(solve.matrix.buffer);
                visit(solve.input.buffer);
            }
            Node::NoisyKronecker(node) => {
                node.matrices.iter().for_each(|slot| visit(slot.buffer));
                visit(node.noise.buffer);
                visit(node.values.buffer);
            }
            Node::Ode(ode) => {
                let elements = ode.parameters.iter().chain(&ode.initial);
                elements.for_each(|(buffer, _)| visit(*buffer));
            }
        }
    }

    /// Calls `visit` with every buffer that is written to.
    pub fn for_each_write(&self, visit: &mut dyn FnMut(BufferId)) {
        match self {
            Node::Kernel(_) | Node::Recurrence(_) => {
                self.kernels().iter().filter_map(|kernel| kernel.target.buffer()).for_each(visit);
            }
            Node::Product(product) => visit(product.output.buffer),
            Node::Elimination(_) => {}
            Node::Cholesky(cholesky) => visit(cholesky.output.buffer),
            Node::TriangularSolve(solve) => visit(solve.output.buffer),
            Node::NoisyKronecker(node) => visit(node.output.buffer),
            Node::Ode(ode) => visit(ode.output.buffer),
        }
    }
}
