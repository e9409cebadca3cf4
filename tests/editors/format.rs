//! The canonical layout: it keeps the tree and the comments, and formatting twice changes nothing.

use super::{programs, root};
use proptest::prelude::*;
use vippl::source::SourceId;
use vippl::syntax::ast::Program;
use vippl::syntax::format::{FormatError, format};
use vippl::syntax::lexer::lex;
use vippl::syntax::parser::parse;
use vippl::syntax::{dump, token::Token};

fn formatted(text: &str) -> Result<String, FormatError> {
    format(SourceId(0), text)
}

/// What a program says, without places and documentation.
fn meaning(text: &str) -> Option<String> {
    let parsed = parse(SourceId(0), text);
    let mut program: Program = parsed.value.clone();
    program.statements.iter_mut().for_each(|statement| statement.documentation = None);
    (!parsed.has_errors()).then(|| dump::program(&program))
}

fn comments(text: &str) -> Vec<String> {
    lex(SourceId(0), text).comments.into_iter().map(|comment| comment.text).collect()
}

/// The spellings of a text: numbers, names and strings as written.
fn spellings(text: &str) -> Vec<&str> {
    let tokens = lex(SourceId(0), text).tokens;
    let written = tokens.iter().filter(|lexeme| lexeme.token != Token::Newline);
    written.map(|lexeme| &text[lexeme.range()]).collect()
}

/// Holds the layout of a program against the program.
fn holds_up(text: &str) {
    let Some(meant) = meaning(text) else {
        assert!(matches!(formatted(text), Err(FormatError::Syntax(_))), "{text}");
        return;
    };
    let once = formatted(text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    assert_eq!(meaning(&once).as_deref(), Some(meant.as_str()), "{text}\n---\n{once}");
    assert_eq!(comments(&once), comments(text), "{text}\n---\n{once}");
    let without = |text| spellings(text).into_iter().collect::<Vec<_>>().concat();
    // `with centered()` loses its parentheses.
    if !text.contains("()") {
        assert_eq!(without(&once), without(text), "{text}\n---\n{once}");
    }
    assert_eq!(formatted(&once).unwrap(), once, "of\n{text}");
    assert!(once.lines().all(|line| line.trim_end() == line), "{once}");
}

#[test]
fn the_layout_of_every_program_keeps_its_tree_and_its_comments() {
    programs().iter().for_each(|(_, text)| holds_up(text));
}

#[test]
fn the_programs_that_come_with_the_language_are_in_their_layout() {
    for (path, text) in programs() {
        if path.starts_with(root().join("stdlib")) || path.starts_with(root().join("examples")) {
            assert_eq!(formatted(&text).unwrap(), text, "{}", path.display());
        }
    }
}

#[test]
fn layouts_are_as_reviewed() {
    insta::glob!("layouts/*.vi", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(formatted(&text).unwrap());
    });
}

#[test]
fn a_text_with_mistakes_has_no_layout() {
    assert!(matches!(formatted("x <- 3"), Err(FormatError::Syntax(found)) if found.len() == 1));
    assert!(matches!(formatted("x = (1"), Err(FormatError::Syntax(_))));
}

#[test]
fn a_text_without_statements_keeps_its_comments() {
    assert_eq!(formatted("").unwrap(), "");
    assert_eq!(formatted("\n\n  \n").unwrap(), "");
    assert_eq!(formatted("\n\n#a\n\n\n# b").unwrap(), "# a\n\n# b\n");
}

#[test]
fn comments_around_else_stay_where_they_are() {
    holds_up("x = (if a then  # one\nb  # two\nelse  # three\n\n  # four\n (f(c\n # five\n)))\n");
}

/// Expressions of every kind, with blanks and breaks where the grammar lets them be.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["x", "σ2", "1", "2.50", "1e-3", "\"a b\"", "m.f", "dist"]);
    leaf.prop_map(str::to_owned).prop_recursive(6, 48, 4, |inner| {
        let operators = vec!["+", "-", "*", "/", "@", "^", " and ", " or "];
        prop_oneof![
            (inner.clone(), prop::sample::select(operators), inner.clone())
                .prop_map(|(a, o, b)| format!("({a}){o}({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} < {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("a_long_name + {a}*{b} - 1")),
            inner.clone().prop_map(|a| format!("-({a})^2")),
            inner.clone().prop_map(|a| format!("(not ({a}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("f({a},rate={b} )")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("x[t -1,k = {a}][{b}]")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("sum(k in 1..n+1, j in g where {a}: {b})")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|l| format!("[{}]", l.join(","))),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("(if {a} then {b} else if x then y else ({c}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) in [0, {b}])")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(({a}) start ({b}))")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    (expression(), expression(), 0..8u8).prop_map(|(a, b, form)| match form {
        0 => format!("x = {a}"),
        1 => format!("report y[i in g,1 .. n] = {a} where {b}"),
        2 => format!("z[g] ~ Normal({a},{b}) over g where {b} with centered, batch(n={a})"),
        3 => format!("factor {a}"),
        4 => format!("fun f(a , W[r,c])[i in r] = {a}"),
        5 => format!("dist D(a)(v) = {a} on [0,({b})]"),
        6 => {
            format!("ode s[g] at t from {a} stiff {{ a' = ({b}) start 1\n\n b' = 2 start ({a}) }}")
        }
        _ => {
            format!("part p[g](a,b[g]) {{\n output q[g] ~ Normal({a}, 1)\n r = ({b})\n output r }}")
        }
    })
}

/// A program with blanks, breaks and comments put between its tokens, wherever it stays the same.
fn spaced(text: &str, gaps: &[(prop::sample::Index, u8)]) -> String {
    let mut text = text.to_owned();
    let meant = meaning(&text);
    for (at, what) in gaps {
        let tokens = lex(SourceId(0), &text).tokens;
        if tokens.is_empty() {
            continue;
        }
        let place = tokens[at.index(tokens.len())].start as usize;
        let gap = match what {
            0 => "  ",
            1 => "\n",
            2 => "\n\n\n   ",
            3 => " # trailing\n",
            4 => "\n  #own\n",
            _ => " # a\n\n   ## b\n ",
        };
        let mut changed = text.clone();
        changed.insert_str(place, gap);
        if meaning(&changed) == meant {
            text = changed;
        }
    }
    text
}

fn gaps() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..6u8), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn generated_programs_keep_their_trees(
        statements in prop::collection::vec(statement(), 1..4), gaps in gaps(),
    ) {
        let text = statements.join("\n");
        prop_assert!(meaning(&text).is_some(), "{text}");
        holds_up(&spaced(&text, &gaps));
    }

    #[test]
    fn written_programs_keep_their_trees_however_they_are_spaced(
        which in any::<prop::sample::Index>(), gaps in gaps(),
    ) {
        let programs = [
            include_str!("../syntax/good/statements.vi"),
            include_str!("../syntax/good/expressions.vi"),
            include_str!("../syntax/good/names.vi"),
            include_str!("../../stdlib/series.vi"),
            include_str!("../../stdlib/dynamics.vi"),
        ];
        holds_up(&spaced(programs[which.index(programs.len())], &gaps));
    }
}
