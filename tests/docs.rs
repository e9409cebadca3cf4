//! What the documentation shows is true: programs are checked, sessions are run, and the generated
//! pages are those that the library generates.

#[path = "docs/book.rs"]
mod book;
#[path = "docs/fences.rs"]
mod fences;
#[path = "docs/joint.rs"]
mod joint;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/reference.rs"]
mod reference;
#[path = "docs/sessions.rs"]
mod sessions;

use std::path::{Path, PathBuf};

/// The folder of the project.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder with this extension, sorted.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut pending = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = pending.pop() {
        let entries = std::fs::read_dir(&folder).expect("a readable folder");
        for path in entries.map(|entry| entry.expect("a readable entry").path()) {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Every Markdown page of the project.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "examples", "stdlib"] {
        pages.extend(files_below(&root().join(folder), "md"));
    }
    pages
}
