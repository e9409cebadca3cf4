//! A compiled node: evaluated forwards, and backwards for its part of the chain rule.

use super::cholesky::CholeskyStep;
use super::elimination::EliminationStep;
use super::execute::{run, run_together};
use super::flat::Layout;
use super::fuse::Fused;
use super::kernel::{DensityStep, KernelCompiler, KernelStep, MapStep, Schedule, cost};
use super::kronecker::NoisyKroneckerStep;
use super::lane::Lane;
use super::ode::OdeStep;
use super::product::PlacedProduct;
use super::program::{Cost, Options};
use super::recurrence::RecurrenceStep;
use super::triangular::TriangularSolveStep;
use super::workspace::{Extent, State};
use crate::graph::{Inconsistency, Node};

/// A compiled node.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Adds to the log density.
    Density(DensityStep),
    /// Stores values.
    Map(MapStep),
    /// A matrix times a vector.
    Product(PlacedProduct),
    /// Kernels whose rows take turns.
    Recurrence(RecurrenceStep),
    /// Finite variables summed out: adds to the log density.
    Elimination(EliminationStep),
    /// Lower factors of symmetric matrices.
    Cholesky(CholeskyStep),
    /// Equations in triangular matrices.
    TriangularSolve(TriangularSolveStep),
    /// Matrix normals with noise.
    NoisyKronecker(NoisyKroneckerStep),
    /// Solutions of differential equations.
    Ode(OdeStep),
}

impl Step {
    pub(super) fn new(
        node: &Node,
        layout: &Layout,
        fused: &Fused,
        options: &Options,
    ) -> Result<Self, Inconsistency> {
        Ok(match node {
            Node::Kernel(kernel) => {
                let schedule = Schedule::Together;
                match KernelCompiler::new(kernel, layout, fused, options, schedule).compile() {
                    KernelStep::Density(density) => Step::Density(density),
                    KernelStep::Map(map) => Step::Map(map),
                }
            }
            Node::Product(product) => Step::Product(PlacedProduct::new(product, layout)),
            Node::Recurrence(recurrence) => {
                Step::Recurrence(RecurrenceStep::new(recurrence, layout, options))
            }
            Node::Elimination(elimination) => {
                Step::Elimination(EliminationStep::new(elimination, layout, options)?)
            }
            Node::Cholesky(cholesky) => Step::Cholesky(CholeskyStep::new(cholesky, layout)),
            Node::TriangularSolve(solve) => {
                Step::TriangularSolve(TriangularSolveStep::new(solve, layout))
            }
            Node::NoisyKronecker(node) => {
                Step::NoisyKronecker(NoisyKroneckerStep::new(node, layout))
            }
            Node::Ode(ode) => Step::Ode(OdeStep::new(ode, layout, options)),
        })
    }

    /// Stores values; leaves out what only adds to the log density.
    pub(super) fn store(&self, state: &mut State<f64>) {
        match self {
            Step::Density(_) | Step::Elimination(_) => {}
            Step::Map(_)
            | Step::Product(_)
            | Step::Recurrence(_)
            | Step::Cholesky(_)
            | Step::TriangularSolve(_)
            | Step::NoisyKronecker(_)
            | Step::Ode(_) => self.evaluate(state),
        }
    }

    /// Stores values and adds to the log density.
    pub(super) fn evaluate<T: Lane>(&self, state: &mut State<T>) {
        match self {
            Step::Density(density) => run(&density.value, state),
            Step::Map(map) => run(map.value.of::<T>(), state),
            Step::Product(product) => product.forward(state),
            Step::Recurrence(recurrence) => recurrence.forward(state),
            Step::Elimination(elimination) => elimination.forward(state),
            Step::Cholesky(cholesky) => cholesky.forward(state),
            Step::TriangularSolve(solve) => solve.forward(state),
            Step::NoisyKronecker(step) => step.forward(state),
            Step::Ode(ode) => ode.evaluate(state),
        }
    }

    /// Like [`Step::evaluate`], and leaves behind what [`Step::backward`] needs.
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        match self {
            Step::Density(density) => run(density.gradient.of::<T>(), state),
            Step::Ode(ode) => ode.forward(state),
            Step::Map(_)
            | Step::Product(_)
            | Step::Recurrence(_)
            | Step::Elimination(_)
            | Step::Cholesky(_)
            | Step::TriangularSolve(_)
            | Step::NoisyKronecker(_) => self.evaluate(state),
        }
    }

    /// Whether points share the reading of a matrix in [`Step::forward_together`].
    pub(super) fn reads_products(&self) -> bool {
        matches!(self, Step::Density(density) if density.gradient.plain.reads_products())
    }

    /// [`Step::forward`] at several points, together where that saves reading data again.
    pub(super) fn forward_together(&self, states: &mut [State<f64>]) {
        match self {
            Step::Density(density) if self.reads_products() => {
                run_together(&density.gradient.plain, states);
            }
            Step::Density(_)
            | Step::Map(_)
            | Step::Product(_)
            | Step::Recurrence(_)
            | Step::Elimination(_)
            | Step::Cholesky(_)
            | Step::TriangularSolve(_)
            | Step::NoisyKronecker(_)
            | Step::Ode(_) => states.iter_mut().for_each(|state| self.forward(state)),
        }
    }

    /// Adds to the adjoints of what was read, given those of what was stored.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        match self {
            Step::Density(_) => {}
            Step::Map(map) => run(map.adjoint.of::<T>(), state),
            Step::Product(product) => product.backward(state),
            Step::Recurrence(recurrence) => recurrence.backward(state),
            Step::Elimination(elimination) => elimination.backward(state),
            Step::Cholesky(cholesky) => cholesky.backward(state),
            Step::TriangularSolve(solve) => solve.backward(state),
            Step::NoisyKronecker(step) => step.backward(state),
            Step::Ode(ode) => ode.backward(state),
        }
    }

    pub(super) fn cost(&self) -> Cost {
        match self {
            Step::Density(density) => cost(density.tag, &[&density.gradient.plain]),
            Step::Map(map) => cost(map.tag, &[&map.value.plain, &map.adjoint.plain]),
            Step::Product(product) => Cost {
                tag: product.tag,
                rows: product.matrix.rows(),
                row_operations: 4 * product.matrix.columns(),
                operations: 0,
            },
            Step::Recurrence(recurrence) => recurrence.cost(),
            Step::Elimination(elimination) => elimination.cost(),
            Step::Cholesky(cholesky) => cholesky.cost(),
            Step::TriangularSolve(solve) => solve.cost(),
            Step::NoisyKronecker(step) => step.cost(),
            Step::Ode(ode) => ode.cost(),
        }
    }

    /// Makes room for what the step computes with.
    pub(super) fn extend(&mut self, extent: &mut Extent) {
        match self {
            Step::Density(density) => {
                extent.include(&mut density.value);
                density.gradient.extend(extent);
            }
            Step::Map(map) => {
                map.value.extend(extent);
                map.adjoint.extend(extent);
            }
            Step::Product(_) | Step::Cholesky(_) | Step::TriangularSolve(_) => {}
            Step::NoisyKronecker(step) => step.extend(extent),
            Step::Ode(ode) => ode.extend(extent),
            Step::Recurrence(recurrence) => recurrence.extend(extent),
            Step::Elimination(elimination) => elimination.extend(extent),
        }
    }
}
