//! The terminal sessions in the documentation: every fence marked `console` is run.
//!
//! Sessions run in the folder of the project. `[..]` stands for anything within a line, `...` for
//! any number of lines. The end of a fence takes one newline away: leave an empty line before it.

use super::root;

#[test]
fn sessions_print_what_the_pages_show() {
    // Only the pages with a session: the others need no process.
    let cases = trycmd::TestCases::new();
    for page in super::pages() {
        let text = std::fs::read_to_string(&page).expect("a readable page");
        if super::fences::fences(&text, &[]).iter().any(|f| f.info == "console") {
            let below = page.strip_prefix(root()).expect("below the project").to_owned();
            cases.case(below);
        }
    }
    cases.env("NO_COLOR", "1").env("COLUMNS", "100").run();
}
