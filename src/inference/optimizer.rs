//! Minimises smooth functions. State and step: loops, progress and stopping sit with the caller.

pub mod lbfgs;
pub mod newton;

pub use lbfgs::{Lbfgs, State, Status};
pub use newton::NewtonCg;
