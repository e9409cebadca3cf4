//! Numbers with derivatives, special functions, transforms and linear algebra.

pub mod scalar;

pub use scalar::Scalar;
