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

#[test]
fn the_two_commands_of_the_set_up_are_those_that_are_checked() {
    let page = std::fs::read_to_string(root().join("README.md")).expect("a readable page");
    let shell = super::fences::fences(&page, &[]).into_iter().filter(|f| f.info == "sh");
    let commands: Vec<String> = shell.map(|f| f.text.trim().to_owned()).collect();
    let [run, test] = &commands[..] else { panic!("{commands:?}") };
    let checks = std::fs::read_to_string(root().join(".ci/run")).expect("a readable script");
    assert!(checks.lines().any(|line| line == test), "{test} is not what .ci/run runs");
    for file in run.split_whitespace().filter(|word| word.starts_with("examples/")) {
        assert!(root().join(file).exists(), "there is no {file}");
    }
}
