//! From the files and numbers a user gives to a program bound to its data: phase 2.
//!
//! ```text
//! Inputs ─read→ Tables ─bind(typed::Program)→ Binding { bound::Program, BindingReport }
//! ```
//!
//! Everything that can go wrong with data goes wrong here, with file, line and column: after
//! binding, sizes are known, cells are numbers or positions, observed values are possible, and
//! every index is in range.

mod bind;
mod claim;
mod column;
mod csv;
mod frozen;
mod inputs;
mod json;
mod labels;
mod origin;
mod report;
mod suggest;

pub use bind::{Binding, Mode, bind};
pub use frozen::Frozen;
pub use inputs::{Argument, Inputs, Tables, read_file};
pub use report::{AxisReport, BindingReport, FileReport};
pub use suggest::data_line;

#[cfg(test)]
mod tests;
