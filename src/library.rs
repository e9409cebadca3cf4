//! What a program may call: distribution families and functions, each declared once.
//!
//! Signatures, checks, densities, samplers, documentation and completion all derive from the
//! declarations in [`distribution`] and [`mod@function`].

pub mod catalogue;
pub mod distribution;
pub mod function;
pub mod joint;
mod support;
mod synonym;

pub use distribution::{Density, Family, InvalidParameters, Parameter, Parameterization};
pub use function::{Elementwise, Function, FunctionRule, Reduction, WholeAxis};
pub use joint::{JointDensity, JointFamily, JointParameter, JointParameterization, joint_family};
pub use support::{Bound, Support};
pub use synonym::synonym;

/// The family of this name, if there is one. Names are case-sensitive: `Normal`.
pub fn family(name: &str) -> Option<&'static Family> {
    distribution::ALL.iter().find(|f| f.name == name)
}

/// The function of this name, if there is one.
pub fn function(name: &str) -> Option<&'static Function> {
    function::ALL.iter().find(|f| f.name == name)
}
