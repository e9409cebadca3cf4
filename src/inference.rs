//! Variational inference on a [`Target`]; knows nothing of the language.

pub mod target;

pub use target::{LogDensity, Target};
