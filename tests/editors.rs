//! What people edit programs with: the layout, the session at a terminal, the language server and
//! the grammars.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "editors/format.rs"]
mod format;
#[path = "editors/grammar.rs"]
mod grammar;
#[path = "editors/lsp.rs"]
mod lsp;
#[path = "editors/process.rs"]
mod process;
#[path = "editors/repl.rs"]
mod repl;
#[cfg(unix)]
#[path = "editors/terminal.rs"]
mod terminal;

use std::path::{Path, PathBuf};

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every program of the project.
fn programs() -> Vec<(PathBuf, String)> {
    let mut pending: Vec<PathBuf> =
        ["stdlib", "examples", "tests"].iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "vi") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 500, "only {} programs found", found.len());
    found
}
