//! What an editor asks of a program at a place: pure questions to a [`Document`], in bytes.
//!
//! Every question has an answer for any text, half-typed ones above all: what is not known is left
//! out.
//!
//! [`Document`]: super::Document

mod complete;
mod describe;
mod folds;
mod names;
mod rename;
mod signature;
mod walk;

pub use complete::{Candidate, CandidateKind, Completion, complete};
pub use describe::{describe, describe_with, hint, library_page};
pub use folds::folds;
pub use names::{Index, Occurrence, Symbol, SymbolKind};
pub use rename::rename;
pub use signature::{Signature, signature};
