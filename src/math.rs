//! Numbers with derivatives, special functions, transforms and linear algebra.

pub mod bijector;
pub mod composite;
pub mod derivative;
pub mod dual;
pub mod eigen;
mod lift;
pub mod matrix;
pub mod scalar;
pub mod sparse;
pub mod special;
pub mod straight;

pub use bijector::Bijector;
pub use bijector::vector::VectorBijector;
pub use derivative::{derivative, partials, partials3};
pub use dual::Dual;
pub use scalar::{Binary, Order, Orders, Scalar, Ternary, Unary};
