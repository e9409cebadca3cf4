//! Holds the sources against the table of who may know whom (docs/architecture.md).
//!
//! Reads the files under src/; comments do not count. A room is a module at the top of the crate.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A part of the tree, the rooms it may name beside its own, and nothing else. The longest prefix
/// of a file decides.
static MAY_KNOW: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    // Drivers.
    ("cli", &["data", "diagnostic", "inference", "lsp", "output", "repl", "session", "source"]),
    ("repl", &["data", "diagnostic", "inference", "output", "session", "source"]),
    ("lsp", &["data", "diagnostic", "session", "source"]),
    (
        "session",
        &[
            "bound",
            "check",
            "data",
            "diagnostic",
            "engine",
            "expand",
            "graph",
            "inference",
            "library",
            "math",
            "output",
            "source",
            "syntax",
            "typed",
        ],
    ),
    ("output", &["inference"]),
    // The language: text to a bound program.
    ("source", &[]),
    ("diagnostic", &["source"]),
    ("syntax", &["diagnostic", "source"]),
    ("expand", &["diagnostic", "source", "syntax"]),
    ("check", &["diagnostic", "library", "source", "syntax", "typed"]),
    ("typed", &["library", "source"]),
    ("data", &["bound", "diagnostic", "library", "source", "typed"]),
    ("bound", &["library", "math", "source", "typed"]),
    ("library", &["math"]),
    // Numbers.
    ("math", &[]),
    ("graph", &["math"]),
    ("graph/lower", &["bound", "library", "math", "source", "typed"]),
    ("engine", &["graph", "inference", "math"]),
    ("engine/reference", &["bound", "graph", "math", "typed"]),
    ("inference", &["math"]),
];

/// Where each dependency lives; nobody else names it.
const HOMES: &[(&str, &[&str])] = &[
    ("logos", &["syntax/lexer", "syntax/token"]),
    ("chumsky", &["syntax/parser"]),
    ("ariadne", &["diagnostic/render"]),
    ("strsim", &["check", "data/labels", "expand", "session/nearest"]),
    ("ndarray", &["bound"]),
    ("num_dual", &["math", "engine/reference"]),
    ("libm", &["math"]),
    (
        "nalgebra",
        &["engine/kronecker", "engine/reference", "inference", "math/eigen", "math/sparse"],
    ),
    ("nalgebra_sparse", &["math/sparse"]),
    ("amd", &["math/sparse"]),
    (
        "rand",
        &[
            "library/distribution",
            "library/joint",
            "engine/elimination",
            "inference",
            "session",
            "cli/prior",
            "cli/repl",
            "cli/run",
        ],
    ),
    ("rand_chacha", &["inference/random", "session"]),
    ("rand_distr", &["library/distribution", "library/joint", "inference"]),
    ("rayon", &["engine/share", "inference", "session/predict", "cli/repl", "cli/run"]),
    ("memchr", &["data/csv"]),
    ("csv", &["data/csv", "output/draws", "output/fit"]),
    ("serde", &["bound", "cli", "data", "inference", "lsp", "output", "session"]),
    (
        "serde_json",
        &[
            "cli",
            "data/frozen",
            "data/json",
            "diagnostic/render",
            "inference/guide",
            "lsp",
            "output",
            "repl",
            "session",
        ],
    ),
    ("tempfile", &["cli/files"]),
    ("thiserror", &["inference", "library"]),
    ("clap", &["cli"]),
    ("ctrlc", &["cli"]),
    ("comfy_table", &["output/table"]),
    ("indicatif", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rustyline", &["cli/repl"]),
    ("lsp_server", &["cli/lsp", "lsp"]),
    ("lsp_types", &["lsp"]),
];

/// What only these parts may do: touch the process, the terminal or the file system.
const DOORS: &[(&str, &[&str])] = &[
    ("std::fs", &["cli", "data/inputs"]),
    ("std::io::stdin", &["cli"]),
    ("io::stdin", &["cli"]),
    ("io::stdout", &["cli"]),
    ("io::stderr", &["cli"]),
    ("std::env", &["cli"]),
    ("process::exit", &["cli"]),
    ("println!", &["cli"]),
    ("eprintln!", &["cli"]),
];

const MOST_LINES: usize = 600;

/// A source file: its path below src/ without the extension, and its text.
struct File {
    module: String,
    text: String,
}

impl File {
    /// The room it belongs to.
    fn room(&self) -> &str {
        self.module.split('/').next().unwrap_or_default()
    }

    /// Whether it is this part of the tree or inside it.
    fn is_in(&self, part: &str) -> bool {
        let rest = self.module.strip_prefix(part);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The text without comments, line by line. Strings keep what looks like one.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.filter_map(|(number, line)| {
            let code = match line.trim_start().starts_with("//") {
                true => "",
                false => line.split(" // ").next().unwrap_or(line),
            };
            (!code.is_empty()).then_some((number + 1, code))
        })
    }
}

fn files() -> Vec<File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut pending = vec![source.clone()];
    let mut files = Vec::new();
    while let Some(folder) = pending.pop() {
        let entries = std::fs::read_dir(&folder).expect("a readable folder");
        for path in entries.map(|entry| entry.expect("a readable entry").path()) {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(read(&source, &path));
            }
        }
    }
    files.sort_by(|a, b| a.module.cmp(&b.module));
    files
}

fn read(source: &Path, path: &PathBuf) -> File {
    let below = path.strip_prefix(source).expect("below src").with_extension("");
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let text = std::fs::read_to_string(path).expect("a readable file");
    File { module: names.join("/"), text }
}

/// The value of the longest part that a file is in.
fn rule<'t, T>(table: &'t [(&str, T)], file: &File) -> Option<&'t T> {
    let fitting = table.iter().filter(|(part, _)| file.is_in(part));
    fitting.max_by_key(|(part, _)| part.len()).map(|(_, value)| value)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The paths of a line of code: `crate::math::scalar`, `rand::Rng`, …
fn paths(code: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(|c: char| is_word(c)) {
        rest = &rest[start..];
        let mut end = 0;
        loop {
            end += rest[end..].find(|c: char| !is_word(c)).unwrap_or(rest.len() - end);
            let more = rest[end..].strip_prefix("::");
            match more {
                Some(more) if more.starts_with(is_word) => end += 2,
                Some(_) | None => break,
            }
        }
        if rest[..end].contains("::") || rest[end..].starts_with("::") {
            paths.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    paths
}

/// The name at the top of the crate that a path reaches, by `crate::` or enough `super::`.
fn reached<'p>(file: &File, path: &'p str) -> Option<&'p str> {
    let depth = file.module.split('/').count();
    let mut names = path.split("::").peekable();
    match names.peek() {
        Some(&"crate") => {
            names.next();
            Some(names.next().unwrap_or(""))
        }
        Some(&"super") => {
            let mut climbed = 0;
            while names.peek() == Some(&"super") {
                names.next();
                climbed += 1;
            }
            (climbed >= depth).then(|| names.next()).flatten()
        }
        _ => None,
    }
}

fn expect_none(complaints: String) {
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn rooms_know_only_the_rooms_of_the_table() {
    let files = files();
    let rooms: BTreeSet<&str> = files.iter().map(File::room).collect();
    let mut complaints = String::new();
    for file in files.iter().filter(|f| f.module != "lib") {
        let Some(allowed) = rule(MAY_KNOW, file) else {
            let _ = writeln!(complaints, "src/{}.rs is in no row of the table", file.module);
            continue;
        };
        for (line, code) in file.code() {
            for room in paths(code).into_iter().filter_map(|path| reached(file, path)) {
                // A bare `crate::{` would hide what it names.
                let hidden = room.is_empty();
                let foreign = rooms.contains(room) && room != file.room();
                if hidden || (foreign && !allowed.contains(&room)) {
                    let _ = writeln!(
                        complaints,
                        "src/{}.rs:{line} may not know `{room}`: {}",
                        file.module,
                        code.trim()
                    );
                }
            }
        }
    }
    expect_none(complaints);
}

#[test]
fn every_row_of_the_table_is_true_of_some_file() {
    let files = files();
    let mut complaints = String::new();
    for (part, allowed) in MAY_KNOW {
        let inside: Vec<&File> = files
            .iter()
            .filter(|f| rule(MAY_KNOW, f).is_some_and(|r| std::ptr::eq(r, allowed)))
            .collect();
        let known: BTreeSet<&str> = inside
            .iter()
            .flat_map(|file| {
                let code = file.code().flat_map(|(_, code)| paths(code));
                code.filter_map(|path| reached(file, path)).collect::<Vec<_>>()
            })
            .collect();
        if inside.is_empty() {
            let _ = writeln!(complaints, "there is no src/{part}");
        }
        // `main` reaches the library by its name, and inference may use math without needing to.
        for room in allowed.iter().filter(|_| *part != "main") {
            if !known.contains(room) && (*part, *room) != ("inference", "math") {
                let _ = writeln!(complaints, "`{part}` does not know `{room}`: drop it");
            }
        }
    }
    expect_none(complaints);
}

#[test]
fn foreign_crates_stay_at_home() {
    let mut complaints = String::new();
    for file in files() {
        for (line, code) in file.code() {
            for path in paths(code) {
                let first = path.split("::").next().unwrap_or_default();
                let homes = HOMES.iter().find(|(name, _)| *name == first);
                let Some((name, homes)) = homes else { continue };
                if !homes.iter().any(|home| file.is_in(home)) && !is_local(code, path) {
                    let _ = writeln!(complaints, "src/{}.rs:{line} names `{name}`", file.module);
                }
            }
        }
    }
    expect_none(complaints);
}

/// Whether the path continues another one: `super::csv::Csv` is our own `csv`.
fn is_local(code: &str, path: &str) -> bool {
    let start = path.as_ptr() as usize - code.as_ptr() as usize;
    code[..start].ends_with("::")
}

#[test]
fn every_dependency_has_a_home() {
    let manifest = include_str!("../Cargo.toml");
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names: Vec<String> = section
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect();
    let homes: Vec<&str> = HOMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in &names {
        assert!(homes.contains(&name.as_str()), "`{name}` has no home in the table");
    }
    for home in homes {
        assert!(names.iter().any(|name| name == home), "`{home}` is not a dependency");
    }
}

#[test]
fn only_drivers_touch_the_terminal_and_the_process() {
    let mut complaints = String::new();
    for file in files() {
        for (line, code) in file.code() {
            for (door, allowed) in DOORS {
                if code.contains(door) && !allowed.iter().any(|part| file.is_in(part)) {
                    let _ = writeln!(complaints, "src/{}.rs:{line} uses {door}", file.module);
                }
            }
        }
    }
    expect_none(complaints);
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let mut complaints = String::new();
    for file in files() {
        if !file.text.starts_with("//! ") {
            let _ = writeln!(complaints, "src/{}.rs does not begin with `//!`", file.module);
        }
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            let _ = writeln!(complaints, "src/{}.rs has {lines} lines", file.module);
        }
    }
    expect_none(complaints);
}

#[test]
fn paths_are_found_in_code() {
    assert_eq!(paths("use crate::math::{a, b};"), ["crate::math"]);
    assert_eq!(paths("x.sum::<f64>() + rand::Rng::gen(y)"), ["sum", "rand::Rng::gen"]);
    assert_eq!(paths("use crate::{math, graph};"), ["crate"]);
}
