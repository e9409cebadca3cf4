//! What the parser reads, as what, and what it says about programs with mistakes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use proptest::prelude::*;
use vippl::diagnostic::render::{RenderOptions, render, to_json};
use vippl::diagnostic::{Diagnostic, Edit, Slug};
use vippl::source::{SourceId, Sources, Span};
use vippl::syntax::ast::{ExprKind, StatementKind};
use vippl::syntax::parser::parse;
use vippl::syntax::{dump, lexer, token::Token};

fn rendered(name: &str, text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(name, text);
    render(&parse(id, text).diagnostics, &sources, &RenderOptions::default())
}

fn messages(text: &str) -> Vec<String> {
    parse(SourceId(0), text).diagnostics.into_iter().map(|d| d.message).collect()
}

fn slugs(text: &str) -> Vec<Slug> {
    parse(SourceId(0), text).diagnostics.into_iter().map(|d| d.slug).collect()
}

/// The text with all edits of all diagnostics applied.
fn edited(text: &str) -> String {
    let mut edits: Vec<Edit> =
        parse(SourceId(0), text).diagnostics.into_iter().flat_map(|d| d.edits).collect();
    edits.sort_by_key(|e| e.span.start);
    let mut out = text.to_string();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.range(), &edit.replacement);
    }
    out
}

#[test]
fn every_kind_of_statement_and_expression_has_its_tree() {
    insta::glob!("syntax/good/*.vi", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(rendered("good.vi", &text), "");
        insta::assert_snapshot!(dump::program(&parse(SourceId(0), &text).value));
    });
}

#[test]
fn mistakes_are_explained() {
    insta::glob!("syntax/bad/*.vi", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        insta::assert_snapshot!(rendered(&name, &text));
    });
}

#[test]
fn every_model_of_posteriordb_parses() {
    let root = std::env::var_os("VIPPL_POSTERIORDB").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/posteriordb"),
        PathBuf::from,
    );
    let Ok(models) = std::fs::read_dir(root.join("models")) else {
        eprintln!("SKIPPED: no models; set VIPPL_POSTERIORDB to the posteriordb directory");
        return;
    };
    let mut count = 0;
    for model in models {
        let path = model.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(rendered(&path.to_string_lossy(), &text), "");
        count += 1;
    }
    assert_eq!(count, 94);
}

#[test]
fn the_wider_field_parses() {
    let text = include_str!("syntax/wider_field.vi");
    assert_eq!(rendered("wider_field.vi", text), "");
}

#[test]
fn every_terminal_of_the_grammar_is_a_token() {
    let grammar = include_str!("../grammar/vippl.ebnf");
    let mut in_comment = false;
    let mut terminals = 0;
    for line in grammar.lines() {
        let mut rest = line.to_string();
        if let Some(at) = rest.find("(*") {
            in_comment = !rest[at..].contains("*)");
            let after = rest.find("*)").map_or(String::new(), |end| rest[end + 2..].to_string());
            rest = format!("{}{after}", &rest[..at]);
        } else if in_comment {
            in_comment = !line.contains("*)");
            continue;
        }
        for terminal in rest.split('"').skip(1).step_by(2) {
            let lexed = lexer::lex(SourceId(0), terminal);
            assert_eq!(lexed.tokens.len(), 1, "{terminal}");
            assert!(lexed.diagnostics.is_empty() && lexed.foreign.is_empty(), "{terminal}");
            terminals += 1;
        }
    }
    assert!(terminals > 50, "only {terminals} terminals found");
    for token in Token::FIXED.iter().filter(|t| **t != Token::Pipe) {
        let quoted = format!("\"{}\"", token.text().unwrap());
        assert!(grammar.contains(&quoted), "the grammar lacks {quoted}");
    }
}

#[test]
fn applying_the_edits_removes_the_mistakes() {
    for (wrong, right) in [
        ("y ~ Normal(0, 1); // c", "y ~ Normal(0, 1) # c"),
        ("x <- 3", "x = 3"),
        ("x = a ** 2", "x = a ^ 2"),
        ("x = if a&&!b then 1 else 2", "x = if a and not b then 1 else 2"),
        ("target += x", "factor x"),
        ("x = if a = 1 then 2 else 3", "x = if a == 1 then 2 else 3"),
        ("log(y) ~ Normal(0, 1)", "log_y = log(y)\nlog_y ~ Normal(0, 1)"),
        ("a = b + if c then 1 else 2", "a = b + (if c then 1 else 2)"),
        ("x = 'hare'", "x = \"hare\""),
        ("a = 1; b = 2;", "a = 1\n b = 2"),
        ("x[i in 1:3] = a[i]", "x[i in 1..3] = a[i]"),
        ("axis a = 1:3", "axis a = 1..3"),
        ("a = 0 < x < 1", "a = 0 < x and x < 1"),
        ("y ~ if a then B else C start D", "y ~ (if a then B else C) start D"),
        ("a = 2x", "a = 2 * x"),
        ("a = if b∈[0, 1]then 2 else 3", "a = if b in [0, 1]then 2 else 3"),
        ("a = f(b", "a = f(b)"),
        ("f(x) = x", "fun f(x) = x"),
        ("x = y' + 1", "x = transpose(y) + 1"),
        ("let x = 1", "x = 1"),
    ] {
        assert_eq!(edited(wrong), right);
        assert_eq!(messages(right), Vec::<String>::new(), "{right}");
    }
}

#[test]
fn a_full_stan_program_gets_one_message_per_block() {
    let text = include_str!("syntax/bad/stan_program.vi");
    assert_eq!(slugs(text), [Slug::ForeignSyntax; 3]);
}

#[test]
fn three_mistakes_get_three_messages() {
    assert_eq!(slugs(include_str!("syntax/bad/three_mistakes.vi")).len(), 3);
}

#[test]
fn a_statement_with_a_mistake_keeps_its_name() {
    let program = parse(SourceId(0), "mu[county] ~ Normal(0,\ndata school(y, 3), n\nx = * 2").value;
    assert_eq!(dump::program(&program), "(~ mu[county] error)\n(data n)\n(error)\n(= x error)\n");
}

#[test]
fn nesting_is_bounded() {
    let deep = |n: usize| format!("x = {}1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(slugs(&deep(250)), []);
    assert_eq!(slugs(&deep(300)), [Slug::TooDeep]);
    let n = 10_000;
    for text in [
        deep(n),
        format!("x = {}y", "-".repeat(n)),
        format!("x = {}y", "not ".repeat(n)),
        format!("x = a{}", "^a".repeat(n)),
        format!("x = a{}", " + a".repeat(n)),
        format!("x = a{}", " * a".repeat(n)),
        format!("x = a{}", "[1]".repeat(n)),
        format!("x = a{}", " and a".repeat(n)),
        format!("x = {}0", "if a then b else ".repeat(n)),
        format!("x = {}0", "if ".repeat(n)),
        format!("x = {}0{}", "f(a + ".repeat(n), ")".repeat(n)),
        format!("x = a{}", " in [0, 1]".repeat(n)),
        format!("x = a{}", " start b".repeat(n)),
    ] {
        assert_eq!(slugs(&text), [Slug::TooDeep], "{}", &text[..40]);
    }
    assert_eq!(slugs(&"(".repeat(n)), [Slug::UnbalancedBracket]);
    assert_eq!(slugs(&format!("x = a{}", " + a".repeat(400))), []);
}

#[test]
fn a_list_may_be_long() {
    let numbers = vec!["1.5 + 2"; 20_000].join(", ");
    assert_eq!(slugs(&format!("x[row] = [{numbers}]")), []);
}

#[test]
fn integers_are_told_from_reals() {
    let program = parse(SourceId(0), "x = [1, 1.0, 1e0]").value;
    let StatementKind::Define(define) = &program.statements[0].kind else { panic!() };
    let ExprKind::List(items) = &define.value.kind else { panic!() };
    let integers: Vec<bool> =
        items.iter().map(|e| matches!(e.kind, ExprKind::Number { integer: true, .. })).collect();
    assert_eq!(integers, [true, false, false]);
}

#[test]
fn carriage_returns_tabs_and_a_byte_order_mark_are_blanks() {
    let text = "\u{FEFF}x =\t1\r\n\r\ny = x +\r\n 2\r\n";
    assert_eq!(rendered("crlf.vi", text), "");
    assert_eq!(parse(SourceId(0), text).value.statements.len(), 2);
}

#[test]
fn diagnostics_without_a_place_are_drawn() {
    let diagnostic = Diagnostic::new(
        Slug::BadFile,
        vippl::diagnostic::Severity::Error,
        "cannot read `schools.csv`",
    )
    .note("there is no such file")
    .help("give the path relative to the program");
    let drawn = render(&[diagnostic], &Sources::default(), &RenderOptions::default());
    insta::assert_snapshot!(drawn);
}

#[test]
fn json_has_lines_columns_and_edits() {
    let mut sources = Sources::default();
    let text = "α = 1\nβ = α ** 2";
    let id = sources.add("m.vi", text);
    let value = to_json(&parse(id, text).diagnostics[0], &sources);
    assert_eq!(value["slug"], "foreign-syntax");
    assert_eq!(value["severity"], "error");
    assert_eq!((&value["place"]["line"], &value["place"]["column"]), (&2.into(), &7.into()));
    assert_eq!(value["edits"][0]["replacement"], "^");
}

/// Tokens and fragments that the grammar gives a meaning to, and some it does not.
fn soup() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = Token::FIXED
        .iter()
        .filter_map(|t| t.text())
        .chain(["x", "y", "Normal", "1", "2.5", "\"a\"", "\n", "\n", "#c\n", "//", ";", "**", "é"])
        .chain(["'", "\"", "≤", "x.y", "1.", "%", "model {", "for i", "real x", "target +="])
        .collect();
    prop::collection::vec((prop::sample::select(words), prop::bool::ANY), 0..40).prop_map(|w| {
        w.into_iter().map(|(w, blank)| format!("{w}{}", if blank { " " } else { "" })).collect()
    })
}

/// A program with a few characters deleted, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let programs = [
        include_str!("syntax/good/statements.vi"),
        include_str!("syntax/good/expressions.vi"),
        include_str!("syntax/wider_field.vi"),
    ];
    let change = (any::<prop::sample::Index>(), 0..3u8, any::<prop::sample::Index>());
    (prop::sample::select(programs.to_vec()), prop::collection::vec(change, 1..6)).prop_map(
        |(program, changes)| {
            let mut text: Vec<char> = program.chars().collect();
            for (at, what, from) in changes {
                let at = at.index(text.len());
                let other = text[from.index(text.len())];
                match what {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, other),
                    _ => text[at] = other,
                }
            }
            text.into_iter().collect()
        },
    )
}

fn holds_up(text: &str) {
    let mut sources = Sources::default();
    let id = sources.add("any.vi", text);
    let checked = parse(id, text);
    let inside = |span: Span| {
        assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
    };
    for statement in &checked.value.statements {
        inside(statement.span);
        if statement.kind == StatementKind::Error {
            assert!(checked.has_errors(), "{text:?}");
        }
    }
    checked.value.comments.iter().for_each(|c| inside(c.span));
    for diagnostic in &checked.diagnostics {
        diagnostic.primary.iter().chain(&diagnostic.secondary).for_each(|l| inside(l.span));
        diagnostic.edits.iter().for_each(|e| inside(e.span));
        to_json(diagnostic, &sources);
    }
    dump::program(&checked.value);
    for (color, unicode) in [(false, false), (true, true)] {
        let options = RenderOptions { color, unicode, ..RenderOptions::default() };
        render(&checked.diagnostics, &sources, &options);
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC*|(.|\n){0,200}") {
        holds_up(&text);
    }

    #[test]
    fn any_tokens_are_survived(text in soup()) {
        holds_up(&text);
    }

    #[test]
    fn any_damage_is_survived(text in mutated()) {
        holds_up(&text);
    }

    #[test]
    fn any_span_is_drawn(
        text in "[aα語🦀\t\r\n]{0,12}", start in 0..60u32, end in 0..60u32, other in 0..60u32,
    ) {
        let mut sources = Sources::default();
        let source = sources.add("any.vi", text);
        let span = Span { source, start, end };
        let diagnostic = Diagnostic::error(Slug::UnknownName, "message", span, "here")
            .because(Span { start: other, end: other, ..span }, "because")
            .help("try this")
            .edit(span, "x");
        render(std::slice::from_ref(&diagnostic), &sources, &RenderOptions::default());
        to_json(&diagnostic, &sources);
    }
}

#[test]
fn the_page_of_a_syntax_slug_shows_it_and_its_cure() {
    let syntax = Slug::ALL.iter().take_while(|s| **s != Slug::UnknownName);
    for slug in syntax {
        let block = |fence: &str| {
            let page = slug.page();
            let start = page.find(fence).unwrap_or_else(|| panic!("{} lacks {fence}", slug.name()));
            page[start + fence.len()..].split("```").next().unwrap()
        };
        let wrong = slugs(block("```vi-error\n"));
        assert!(wrong.contains(slug), "{}: {wrong:?}", slug.name());
        let later = slug.page().contains("```vi-later\n");
        let right = block(if later { "```vi-later\n" } else { "```vi\n" });
        assert_eq!(slugs(right), [], "{}", slug.name());
    }
}
