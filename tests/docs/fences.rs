//! The programs in the documentation.
//!
//! A fence marked `vi` is a whole program without an error; `vi data=FILE …` is bound to those
//! files (relative to the page) and compiled too. A fence marked `vi-error` has an error, of the
//! kind that `vi-error SLUG` names if it names one. A fence marked `vi-later` is right, and this
//! version refuses it by `not-yet` only.

use super::{files_below, pages, root};
use std::fmt::Write;
use std::path::Path;
use vippl::data::{Inputs, Mode, read_file};
use vippl::diagnostic::Slug;
use vippl::session::{Document, Model};

/// A fenced block of Markdown.
pub(super) struct Fence {
    /// The line it begins at.
    pub(super) line: usize,
    /// What is written after the backticks.
    pub(super) info: String,
    /// The lines inside.
    pub(super) text: String,
}

/// The fences of a page. `comment` is what every line begins with in a doc comment.
pub(super) fn fences(text: &str, comments: &[&str]) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for (number, line) in text.lines().enumerate() {
        let line = match comments {
            [] => line,
            _ => {
                let stripped = comments.iter().find_map(|c| line.trim_start().strip_prefix(c));
                let Some(line) = stripped else { continue };
                line.strip_prefix(' ').unwrap_or(line)
            }
        };
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(fence), None) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, Some(info)) => {
                let info = info.trim().to_owned();
                open = Some(Fence { line: number + 1, info, text: String::new() });
            }
            (None, None) => {}
        }
    }
    fences
}

/// What is wrong with a fence; empty if nothing is.
fn complaint(fence: &Fence, folder: &Path) -> String {
    let mut words = fence.info.split_whitespace();
    match words.next() {
        Some("vi") => wrong_program(fence, words.collect(), folder),
        Some("vi-error") => missing_error(fence, words.next()),
        Some("vi-later") => other_error(fence),
        Some(_) | None => String::new(),
    }
}

fn wrong_program(fence: &Fence, words: Vec<&str>, folder: &Path) -> String {
    let document = Document::open("the program", &fence.text);
    let errors = document.diagnostics.iter().filter(|d| d.is_error());
    let errors: Vec<&str> = errors.map(|d| d.message.as_str()).collect();
    if !errors.is_empty() {
        return errors.join("; ");
    }
    let files: Vec<&str> = words.iter().filter_map(|w| w.strip_prefix("data=")).collect();
    if files.is_empty() {
        return String::new();
    }
    let inputs = Inputs::parse(files);
    let read = |path: &Path| read_file(&folder.join(path));
    let tables = inputs.read(document.typed(), folder, &read);
    let bound = document.bind(&tables, Mode::Fit);
    match bound.value.map(Model::compile) {
        Some(Ok(_)) => String::new(),
        Some(Err(failure)) => format!("{failure:?}"),
        None => format!("{:?}", bound.diagnostics),
    }
}

fn missing_error(fence: &Fence, slug: Option<&str>) -> String {
    let document = Document::open("the program", &fence.text);
    let found = document.diagnostics.iter().any(|d| slug.is_none_or(|s| d.slug.name() == s));
    if found { String::new() } else { format!("wanted a diagnostic, {slug:?}, and got none") }
}

fn other_error(fence: &Fence) -> String {
    let document = Document::open("the program", &fence.text);
    let errors: Vec<_> = document.diagnostics.iter().filter(|d| d.is_error()).collect();
    let others = errors.iter().filter(|d| d.slug != Slug::NotYet);
    let others: Vec<&str> = others.map(|d| d.message.as_str()).collect();
    match (errors.is_empty(), others.is_empty()) {
        (true, _) => "this version runs it: mark it `vi`".to_owned(),
        (false, true) => String::new(),
        (false, false) => others.join("; "),
    }
}

fn check(files: &[std::path::PathBuf], comments: &[&str]) {
    let mut complaints = String::new();
    for file in files {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let folder = file.parent().expect("a folder");
        for fence in fences(&text, comments) {
            let complaint = complaint(&fence, folder);
            if !complaint.is_empty() {
                let _ = writeln!(complaints, "{}:{}: {complaint}", file.display(), fence.line);
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn programs_in_pages_are_what_they_say() {
    check(&pages(), &[]);
}

#[test]
fn programs_in_doc_comments_are_what_they_say() {
    check(&files_below(&root().join("src"), "rs"), &["///", "//!"]);
}
