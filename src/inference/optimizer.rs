//! Minimises smooth functions. State and step: loops, progress and stopping sit with the caller.

pub mod lbfgs;

pub use lbfgs::{Lbfgs, State, Status};
