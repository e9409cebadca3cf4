//! The links between pages: relative ones lead to a file of the project.

use super::pages;
use std::fmt::Write;

#[test]
fn relative_links_lead_somewhere() {
    let mut complaints = String::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a readable page");
        // What stands in a fence, or between backticks, is code.
        let prose: Vec<&str> = text.split("```").step_by(2).collect();
        let text: String = prose.join("\n").split('`').step_by(2).collect();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || file.is_empty();
            let folder = page.parent().expect("a folder");
            if !outside && !folder.join(file).exists() {
                let _ = writeln!(complaints, "{}: no {target}", page.display());
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}
