//! From text to a tree: lexer, parser, and the tree itself. Total: any text gives a tree.

pub mod ast;
pub mod dump;
pub mod foreign;
pub mod format;
pub(crate) mod formula;
pub mod highlight;
pub mod lexer;
pub mod parser;
pub(crate) mod plain;
pub mod token;
