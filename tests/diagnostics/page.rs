//! The programs on the pages of the slugs: the wrong ones are wrong in that way, the right ones
//! are right. `vi-data-error` marks a program that is wrong with the `csv` block above it only.

use crate::UNREACHABLE;
use crate::case::Case;
use vippl::diagnostic::{Diagnostic, Slug};

/// The fenced blocks of a page: the word after the fence, and the text.
fn fences(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(word), None) => open = Some((word.to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// What is said about a program of a page, bound to the `csv` block that stands above it if any.
fn said(program: &str, data: Option<&str>) -> Vec<Diagnostic> {
    let directory = tempfile::tempdir().unwrap();
    let mut text = program.to_owned();
    if let Some(data) = data {
        std::fs::write(directory.path().join("data.csv"), data).unwrap();
        text.push_str("# data: data.csv\n");
    }
    Case::of(directory.path(), "page.vi", &text).diagnostics().0
}

#[test]
fn the_programs_of_a_page_are_wrong_and_right_as_it_says() {
    for slug in Slug::ALL {
        let name = slug.name();
        let (mut wrong, mut right) = (0, 0);
        let mut data = None;
        for (word, text) in fences(slug.page()) {
            match word.as_str() {
                "csv" => data = Some(text),
                "vi-error" | "vi-data-error" => {
                    let all = said(&text, data.as_deref());
                    assert!(all.iter().any(|d| d.slug == *slug), "{name} not in {all:#?}");
                    wrong += 1;
                }
                "vi" => {
                    let all = said(&text, data.as_deref());
                    assert_eq!(all, [], "the right program of {name}");
                    right += 1;
                }
                "vi-later" => right += 1,
                "text" => {}
                other => panic!("{name}: a block of {other:?}"),
            }
        }
        let reachable = !UNREACHABLE.iter().any(|(unreachable, _)| unreachable == slug);
        // A module is a second file, which a page cannot show.
        let shown = *slug != Slug::BadModule;
        assert!(!reachable || !shown || (wrong > 0 && right > 0), "{name} lacks a program");
    }
}

#[test]
fn every_page_has_a_title_and_says_more() {
    for slug in Slug::ALL {
        let page = slug.page();
        assert!(page.starts_with("# "), "{}", slug.name());
        assert!(page.lines().count() > 5, "{} is only a title", slug.name());
    }
}
