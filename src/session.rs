//! The whole pipeline in memory, as every driver uses it. Nothing here prints or opens a file.
//!
//! ```text
//! Document::open(text) ─bind(Tables)→ Binding ─Model::compile→ Model ─fit→ Fitted ─record→ output
//! ```
//!
//! A step that a user's mistake prevents returns a [`Failure`] that says whose mistake it is.

mod coordinates;
mod cost;
mod density;
mod document;
mod explain;
mod failure;
mod fit;
mod informed;
mod integrated;
mod ladder;
mod model;
mod nearest;
pub mod predict;
mod record;
mod rejected;
mod saved;
mod sbc;
mod states;

pub use cost::{LARGEST_TABLE, usual_table};
pub use density::{Autodiff, DensityAt, DensityTime, NodeTime, Point, PointProblem};
pub use document::Document;
pub use explain::{Equation, Explained, NameRow, explain};
pub use failure::Failure;
pub use fit::{FitOptions, Fitted, Timings};
pub use model::{Inventory, Model, Sized, inventory};
pub use nearest::nearest;
pub use predict::{Prediction, Wanted};
pub use record::{draw_table, predicted_rows, prediction_table, record};
pub use saved::{Saved, SavedFit, SavedLatent};
pub use sbc::{Calibration, Ranks, SbcOptions, sbc};
