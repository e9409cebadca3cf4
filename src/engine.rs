//! Compiles a [`Model`](crate::graph::Model) and evaluates it: the mixed mode of differentiation.
//!
//! Inside a kernel, derivatives are programs made at compile time by dual numbers
//! ([`gradient`](crate::graph::gradient())); between kernels, adjoints flow backwards. A kernel runs as a
//! short list of instructions over blocks of rows, in `f64` for values and gradients and over
//! [`Dual<f64>`](crate::math::Dual) for products with the Hessian. Sums are always taken in the same
//! order, so that the same point gives the same bits.

mod abreast;
mod blame;
mod block;
mod cholesky;
mod compile;
mod data;
mod divide;
mod elimination;
mod execute;
mod factor;
mod flat;
mod function;
mod fuse;
mod isa;
mod kernel;
mod kronecker;
mod lane;
mod ode;
mod product;
mod profile;
mod program;
mod recurrence;
pub mod reference;
mod routine;
mod share;
mod small;
mod step;
mod triangular;
mod workspace;

pub use blame::Blame;
pub use elimination::Assignments;
pub use isa::{Isa, Task};
pub use profile::NodeTime;
pub use program::{Buffers, Cost, Options, Program};
pub use workspace::Workspace;
