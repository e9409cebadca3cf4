//! The tree-sitter grammar against the parser, over every program of the project.

use super::{programs, root};
use tree_sitter::{Language, Parser, Query};
use vippl::diagnostic::Slug;
use vippl::source::SourceId;
use vippl::syntax::parser::parse;

fn language() -> Language {
    tree_sitter_vippl::LANGUAGE.into()
}

/// Whether the tree-sitter grammar finds nothing wrong with a text.
fn accepts(text: &str) -> bool {
    let mut parser = Parser::new();
    parser.set_language(&language()).unwrap();
    !parser.parse(text, None).unwrap().root_node().has_error()
}

/// The first mistake of syntax that the parser finds.
fn refusal(text: &str) -> Option<Slug> {
    let errors = parse(SourceId(0), text).diagnostics.into_iter().filter(|d| d.is_error());
    errors.map(|d| d.slug).next()
}

/// Mistakes that no context-free grammar sees, or that are a matter of the words of other languages.
fn needs_more_than_a_grammar(slug: Slug) -> bool {
    [
        Slug::TooDeep,
        Slug::ForeignSyntax,
        Slug::AmbiguousElse,
        Slug::ChainedComparison,
        Slug::BadLeftSide,
    ]
    .contains(&slug)
}

#[test]
fn the_grammars_accept_and_refuse_the_same_programs() {
    let (mut good, mut bad) = (0, 0);
    let mut complaints = Vec::new();
    for (path, text) in programs() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        match refusal(&text) {
            None => {
                good += 1;
                if !accepts(&text) {
                    complaints.push(format!("{name}: an error node"));
                }
            }
            Some(slug) if needs_more_than_a_grammar(slug) => {}
            Some(slug) => {
                bad += 1;
                if accepts(&text) {
                    complaints.push(format!("{name}: accepted, but {}", slug.name()));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(good > 500 && bad > 20, "{good} good, {bad} bad");
}

#[test]
fn the_queries_are_of_the_grammar() {
    let query = Query::new(&language(), tree_sitter_vippl::HIGHLIGHTS_QUERY).unwrap();
    for capture in ["keyword", "function", "type", "comment", "string", "number", "operator"] {
        assert!(query.capture_names().contains(&capture), "nothing is a {capture}");
    }
}

#[test]
fn a_newline_ends_a_statement_where_the_parser_says_so() {
    for text in [
        "x = 1\n\n# comment\n  + 2\ny = f(\n  1,\n  2\n)\n",
        "x = if a\n  then b\n  else c\ny = 1",
        "data = 1\nreport = data\nreport data\nfactor\n  = 2\n",
        "part p[a](b,\n  c)\n{\n\n  output x = b\n\n}\n",
        "ode at t from 0 {\n\n  x' = 1 start 2 # one\n\n  y' = x\n    start 1\n}",
        "x = 1 # the end",
        "",
        "\n\n# only comments\n",
    ] {
        assert_eq!(refusal(text), None, "{text}");
        assert!(accepts(text), "{text}");
    }
    for text in ["x = 1 2", "x = = 2", "x = (1", "y ~", "data 3", "x = \"a", "x = 1 then 2"] {
        assert!(refusal(text).is_some(), "{text}");
        assert!(!accepts(text), "{text}");
    }
}
