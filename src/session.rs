//! The whole pipeline in memory, as every driver uses it. Nothing here prints or opens a file.
//!
//! ```text
//! Document::open(text) ─bind(Tables)→ Binding ─Model::compile→ Model ─fit→ Fitted ─record→ output
//! ```
//!
//! A step that a user's mistake prevents returns a [`Failure`] that says whose mistake it is.

mod assist;
mod cancel;
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
mod pieces;
pub mod predict;
mod record;
mod rejected;
mod saved;
mod sbc;
mod states;
mod value;

pub use crate::syntax::format::{FormatError, format};
pub use crate::syntax::highlight::{Class, classes};
pub use crate::syntax::parser::{is_complete, is_expression};
pub use assist::{
    Candidate, CandidateKind, Completion, Index, Occurrence, Signature, Symbol, SymbolKind,
    complete, describe, describe_with, folds, hint, library_page, rename, signature,
};
pub use cost::{LARGEST_TABLE, usual_table};
pub use density::{Autodiff, DensityAt, Point, PointProblem};
pub use document::{Document, Stage};
pub use explain::{Equation, Explained, NameRow, explain};
pub use failure::Failure;
pub use fit::{FitOptions, Fitted, Timings};
pub use model::{Inventory, Model, Sized, inventory};
pub use nearest::nearest;
pub use pieces::{Defined, Outlined, Piece, Sort, pieces};
pub use predict::{Prediction, Wanted};
pub use record::{draw_table, predicted_rows, prediction_table, record};
pub use saved::{Saved, SavedFit, SavedLatent};
pub use sbc::{Calibration, Ranks, SbcOptions, sbc};
pub use value::{Value, ValueError};
