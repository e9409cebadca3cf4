//! A log density as kernels over rows: no names, no labels, every size known.
//!
//! The [`Model`] is what lowering produces and the [`engine`](crate::engine) compiles. Expressions
//! inside a kernel are traced by running code generic over [`Scalar`](crate::math::Scalar) on
//! [`Traced`], and differentiated by [`gradient`].

mod couple;
mod dependence;
mod differentiate;
pub mod eliminate;
mod elimination;
mod expression;
mod linear;
pub mod lower;
mod matrix;
mod node;
mod ode;
mod recurrence;
pub mod rewrite;
mod separate;
mod simplify;
mod summed;
mod trace;
mod usage;

pub use couple::{Coupled, CouplingOptions};
pub use differentiate::{DifferentiationOptions, Seed, gradient, tangents};
pub use elimination::{Elimination, Factor};
pub(crate) use expression::Value;
pub use expression::{Expression, Leaf, Literal, NodeId, Op};
pub use linear::{Cholesky, NoisyKronecker, TriangularSolve};
pub use matrix::Matrix;
pub use node::{
    Access, BufferId, Inconsistency, Input, Kernel, Model, Node, Product, Quantity, Slot, Tag,
    Target,
};
pub use ode::Ode;
pub use recurrence::Recurrence;
pub use separate::{Separated, SeparationOptions};
pub use trace::{Graph, Traced, TracedMask};
