//! From text to a tree: lexer, parser, and the tree itself. Total: any text gives a tree.

pub mod ast;
