//! No program that the parser lets through, and no data, make checking or binding panic.

use std::path::Path;

use proptest::prelude::*;
use vippl::data::{Mode, Tables};
use vippl::session::Document;
use vippl::source::SourceId;
use vippl::syntax::lexer::lex;
use vippl::typed::{Program, Role};

/// The programs that are mutated: the models of the conformance suite, the wider field, and the
/// cases of this suite.
fn seeds() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths: Vec<_> = std::fs::read_dir(tests.join("conformance/models"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "vi"))
        .collect();
    paths.extend(crate::cases());
    paths.sort();
    let mut seeds: Vec<String> =
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let wider = std::fs::read_to_string(tests.join("syntax/wider_field.vi")).unwrap();
    seeds.extend(wider.split("\n\n").map(str::to_owned));
    seeds
}

/// One change to a list of tokens; positions count modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Delete(usize),
    Duplicate(usize),
    Swap(usize, usize),
    Copy(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..10_000usize;
    prop_oneof![
        at.clone().prop_map(Change::Delete),
        at.clone().prop_map(Change::Duplicate),
        (at.clone(), at.clone()).prop_map(|(a, b)| Change::Swap(a, b)),
        (at.clone(), at).prop_map(|(a, b)| Change::Copy(a, b)),
    ]
}

fn mutated(seed: &str, changes: &[Change]) -> String {
    let lexemes = lex(SourceId(0), seed).tokens;
    let mut tokens: Vec<&str> = lexemes.iter().map(|l| &seed[l.range()]).collect();
    for change in changes {
        let n = tokens.len();
        if n == 0 {
            break;
        }
        match change {
            Change::Delete(at) => drop(tokens.remove(at % n)),
            Change::Duplicate(at) => tokens.insert(at % n, tokens[at % n]),
            Change::Swap(a, b) => tokens.swap(a % n, b % n),
            Change::Copy(from, to) => tokens[to % n] = tokens[from % n],
        }
    }
    tokens.join(" ")
}

/// A CSV file with the columns a program declares (and perhaps one less), and its scalars.
fn tables(program: &Program, cells: &[u8], rows: usize, skip: usize) -> Tables {
    let mut columns = Vec::new();
    let mut tables = Tables::default();
    for variable in &program.variables {
        match (&variable.role, variable.axes.len()) {
            (Role::Data(_), 0) => {
                let value = f64::from(cells.first().copied().unwrap_or(3) % 5);
                tables = tables.with_scalar(&variable.name, value);
            }
            (Role::Data(entry), _) => {
                columns.push(entry.header.clone().unwrap_or_else(|| variable.name.clone()));
            }
            (Role::Derived(_) | Role::Latent(_) | Role::Predicted(_), _) => {}
        }
    }
    let left_out = skip % (columns.len() + 1);
    if left_out < columns.len() {
        columns.remove(left_out);
    }
    const TEXTS: &[&str] = &["1", "2", "3", "0", "1", "2.5", "-1", "a", "b", "", "NA", "1e9"];
    let mut csv = columns.join(",");
    for row in 0..rows {
        let line: Vec<&str> = (0..columns.len())
            .map(|c| {
                let cell = cells[(row * columns.len() + c) % cells.len()];
                TEXTS[cell as usize % TEXTS.len()]
            })
            .collect();
        csv.push('\n');
        csv.push_str(&line.join(","));
    }
    csv.push('\n');
    tables.with_file("data.csv", csv)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_program_and_no_table_panics(
        seed in 0..10_000usize,
        changes in prop::collection::vec(change(), 0..5),
        cells in prop::collection::vec(0..24u8, 1..40),
        rows in 0..5usize,
        skip in 0..8usize,
    ) {
        thread_local!(static SEEDS: Vec<String> = seeds());
        let text = SEEDS.with(|seeds| mutated(&seeds[seed % seeds.len()], &changes));
        let document = Document::open("model.vi", &text);
        for diagnostic in &document.diagnostics {
            let labels = diagnostic.primary.iter().chain(&diagnostic.secondary);
            let spans = labels.map(|l| l.span).chain(diagnostic.edits.iter().map(|e| e.span));
            for span in spans {
                let file = document.sources.get(span.source).map(|s| s.text.as_str());
                let inside = file.and_then(|text| text.get(span.range()));
                prop_assert!(inside.is_some(), "{diagnostic:?} in {text:?}");
            }
        }
        if !document.has_errors() {
            document.bind(&tables(document.typed(), &cells, rows, skip), Mode::Fit);
        }
    }
}
