//! What a user is told: small programs with mistakes, the pages of all slugs, and mutated programs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod case;
mod mutation;
mod page;

use case::Case;
use std::path::{Path, PathBuf};
use vippl::diagnostic::{Diagnostic, Slug};

/// Slugs that checking and binding cannot say, and why.
const UNREACHABLE: &[(Slug, &str)] = &[(Slug::NothingToFit, "said when a fit is asked for")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in std::fs::read_dir(root()).unwrap() {
        let directory = directory.unwrap().path();
        if directory.is_dir() {
            let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
            found.extend(files.filter(|path| path.extension().is_some_and(|e| e == "vi")));
        }
    }
    found.sort();
    found
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// All failures of a test over all cases at once, so that one run shows every message to mend.
fn over_all(judge: impl Fn(&Path, &Case) -> Result<(), String>) {
    let failures: Vec<String> = cases()
        .iter()
        .filter_map(|path| {
            let verdict = judge(path, &Case::read(path));
            verdict.err().map(|why| format!("{}: {why}", short(path)))
        })
        .collect();
    assert!(failures.is_empty(), "{}\n{} cases fail", failures.join("\n"), failures.len());
}

#[test]
fn each_mistake_is_reported_once_and_at_its_line() {
    over_all(|_, case| {
        let (diagnostics, _) = case.diagnostics();
        let (expected, found) = (case.expected(), case.found(&diagnostics));
        if expected == found {
            return Ok(());
        }
        let text = case.rendered();
        Err(format!("\n  expected {expected:?}\n  found    {found:?}\n{text}"))
    });
}

#[test]
fn messages_read_as_they_did() {
    for path in cases() {
        let case = Case::read(&path);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        settings.bind(|| insta::assert_snapshot!(name, case.rendered()));
    }
}

#[test]
fn an_offered_edit_cures_its_mistake() {
    over_all(|_, case| {
        let (before, _) = case.diagnostics();
        for diagnostic in before.iter().filter(|d| !d.edits.is_empty()) {
            let edited = case.edited(diagnostic.edits.clone());
            let (after, _) = edited.diagnostics();
            // The same words elsewhere are another mistake of the kind, now met first.
            let place = |d: &Diagnostic| d.primary.as_ref().map(|label| label.span.start);
            let same = |d: &&Diagnostic| {
                d.slug == diagnostic.slug
                    && d.message == diagnostic.message
                    && place(d) == place(diagnostic)
            };
            let count = |all: &[Diagnostic]| all.iter().filter(same).count();
            if count(&after) >= count(&before) {
                return Err(format!("still there after its edit:\n{}", edited.rendered()));
            }
        }
        Ok(())
    });
}

#[test]
fn the_edits_of_a_fixable_program_leave_no_error() {
    over_all(|_, case| {
        if !case.fixable {
            return Ok(());
        }
        let (before, _) = case.diagnostics();
        let edits = before.into_iter().flat_map(|d| d.edits).collect();
        let edited = case.edited(edits);
        match edited.diagnostics().0.iter().any(Diagnostic::is_error) {
            true => Err(format!("errors are left:\n{}", edited.rendered())),
            false => Ok(()),
        }
    });
}

#[test]
fn every_slug_has_a_case() {
    for slug in Slug::ALL {
        let own = root().join(slug.name());
        let reason = UNREACHABLE.iter().find(|(unreachable, _)| unreachable == slug);
        let count = cases().iter().filter(|path| path.starts_with(&own)).count();
        assert!(count > 0 || reason.is_some(), "no case for {}", slug.name());
        assert!(count == 0 || reason.is_none(), "{} can occur now", slug.name());
    }
}

#[test]
fn every_case_shows_the_slug_it_stands_under() {
    over_all(|path, case| {
        let directory = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if Slug::from_name(&directory).is_none() {
            return Ok(());
        }
        let suffix = format!("[{directory}]");
        let shown = case.expected().keys().any(|(_, mark)| mark.ends_with(&suffix));
        shown.then_some(()).ok_or_else(|| "does not show its slug".to_owned())
    });
}
