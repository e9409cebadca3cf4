//! The table of contents of the book: every page is in it once, and every entry is a page.

use super::{files_below, root};

#[test]
fn every_page_is_in_the_book() {
    let folder = root().join("docs");
    let summary = std::fs::read_to_string(folder.join("SUMMARY.md")).expect("a readable page");
    let entries = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut listed: Vec<String> = entries.map(str::to_owned).collect();
    listed.sort();
    let pages = files_below(&folder, "md").into_iter().filter_map(|path| {
        let below = path.strip_prefix(&folder).expect("below docs").to_string_lossy().into_owned();
        (below != "SUMMARY.md").then_some(below)
    });
    let mut pages: Vec<String> = pages.collect();
    pages.sort();
    assert_eq!(listed, pages);
}
