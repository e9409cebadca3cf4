//! vippl: a probabilistic programming language with a variational-inference backend.

pub mod diagnostic;
pub mod inference;
pub mod library;
pub mod math;
pub mod source;
pub mod syntax;
