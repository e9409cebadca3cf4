//! vippl: a probabilistic programming language with a variational-inference backend.

pub mod bound;
pub mod check;
pub mod cli;
pub mod data;
pub mod diagnostic;
pub mod engine;
pub mod expand;
pub mod graph;
pub mod inference;
pub mod library;
pub mod lsp;
pub mod math;
pub mod output;
pub mod repl;
pub mod session;
pub mod source;
pub mod syntax;
pub mod typed;
