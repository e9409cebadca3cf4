//! Turns what a user types after a program into files that have been opened and numbers.
//!
//! `house.csv`, `house=houses.csv`, `n=12`, and the `from "file"` of the program.

use super::csv::Csv;
use super::json::{self, Value};
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::typed::{Program, Role};
use std::path::{Path, PathBuf};

/// Reads a whole file. The only access of this module to the file system, so that a caller can
/// replace it.
pub fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A file that says by its column names (CSV) or its keys (JSON) what it holds.
    File(PathBuf),
    /// A file for one table or array.
    NamedFile {
        /// The table or array.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A number for a scalar.
    Scalar {
        /// The scalar.
        name: String,
        /// The number.
        value: f64,
    },
}

impl Argument {
    /// Reads `FILE`, `name=FILE` or `name=NUMBER`. What is left of the first `=` is a name if it
    /// could be one in a program; what is right of it is a number if it reads as one, or as
    /// `true` or `false`.
    pub fn parse(text: &str) -> Argument {
        let named = text.split_once('=').filter(|(name, _)| is_name(name));
        let Some((name, value)) = named else { return Argument::File(PathBuf::from(text)) };
        let name = name.to_owned();
        let number = match value {
            "true" => Some(1.0),
            "false" => Some(0.0),
            _ => value.parse().ok(),
        };
        match number {
            Some(value) => Argument::Scalar { name, value },
            None => Argument::NamedFile { name, path: PathBuf::from(value) },
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}

/// Everything a user gives beside the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// The arguments in the order given.
    pub arguments: Vec<Argument>,
}

impl Inputs {
    /// Reads arguments as [`Argument::parse`] does.
    pub fn parse<T: AsRef<str>>(arguments: impl IntoIterator<Item = T>) -> Inputs {
        Inputs { arguments: arguments.into_iter().map(|a| Argument::parse(a.as_ref())).collect() }
    }

    /// Opens every file given, and every `from` of the program that no argument names. Paths of
    /// `from` are relative to `directory`, that of the program. A file that cannot be opened is
    /// reported when binding needs it.
    pub fn read(
        &self,
        program: &Program,
        directory: &Path,
        read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
    ) -> Tables {
        let mut tables = Tables::default();
        for argument in &self.arguments {
            match argument {
                Argument::File(path) => tables.add(Asked::Positional, path, read),
                Argument::NamedFile { name, path } => {
                    tables.add(Asked::Named(name.clone()), path, read);
                }
                Argument::Scalar { name, value } => tables.scalars.push((name.clone(), *value)),
            }
        }
        for (name, from) in defaults(program) {
            let given = self.arguments.iter().any(|argument| match argument {
                Argument::NamedFile { name: n, .. } | Argument::Scalar { name: n, .. } => n == name,
                Argument::File(_) => false,
            });
            let asked = Asked::Default(from.to_owned());
            if !given && !tables.files.iter().any(|file| file.asked == asked) {
                tables.add(asked, &directory.join(from), read);
            }
        }
        tables
    }
}

/// The names that have a default file, and that file.
fn defaults(program: &Program) -> impl Iterator<Item = (&str, &str)> {
    let tables = program.tables.iter().map(|t| (t.name.as_str(), t.from.as_deref()));
    let entries = program.variables.iter().filter_map(|v| match &v.role {
        Role::Data(entry) => Some((v.name.as_str(), entry.from.as_deref())),
        Role::Derived(_) | Role::Latent(_) | Role::Predicted(_) => None,
    });
    tables.chain(entries).filter_map(|(name, from)| Some((name, from?)))
}

/// Why a file was opened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// It was given without a name.
    Positional,
    /// It was given for this name.
    Named(String),
    /// The program names it, by this text.
    Default(String),
}

/// A file as far as it could be opened.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Why it was opened.
    pub(super) asked: Asked,
    /// The name reports show.
    pub(super) name: String,
    /// What it holds.
    pub(super) content: Result<Content, Box<Diagnostic>>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Rows under a header.
    Csv(Csv),
    /// Named values.
    Json(Value),
}

/// The files and numbers given for a program.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The files, in the order given, then those the program names.
    pub(super) files: Vec<File>,
    /// Numbers by name.
    pub(super) scalars: Vec<(String, f64)>,
}

impl Tables {
    /// Adds a file whose bytes are at hand: the CSV of the REPL, a test.
    pub fn with_file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.add(Asked::Positional, Path::new(path), &|_| Ok(bytes.clone()));
        self
    }

    /// Adds a number.
    pub fn with_scalar(mut self, name: &str, value: f64) -> Self {
        self.scalars.push((name.to_owned(), value));
        self
    }

    /// The names that the files give: headers of CSV, keys of JSON, in their order.
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for file in &self.files {
            match &file.content {
                Ok(Content::Csv(csv)) => names.extend(csv.header.iter().cloned()),
                Ok(Content::Json(Value::Object(fields))) => {
                    names.extend(fields.iter().map(|(name, _)| name.clone()));
                }
                Ok(Content::Json(Value::Block(_))) | Err(_) => {}
            }
        }
        names
    }

    fn add(&mut self, asked: Asked, path: &Path, read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>) {
        let name = path.display().to_string();
        let content = match read(path) {
            Ok(bytes) => open(&name, bytes),
            Err(error) => {
                let message = format!("`{name}` cannot be read");
                let problem = Diagnostic::new(Slug::BadFile, Severity::Error, message);
                let problem = problem.note(error.to_string());
                Err(Box::new(match &asked {
                    Asked::Named(data) => advise(problem, data, &name),
                    Asked::Positional | Asked::Default(_) => problem,
                }))
            }
        };
        self.files.push(File { asked, name, content });
    }
}

/// What to write for `y=1,2,3` and `y=NA`, which were read as the names of files.
fn advise(problem: Diagnostic, data: &str, value: &str) -> Diagnostic {
    let inner = value.trim_matches(['[', ']', '(', ')', ' ']);
    let cells: Vec<&str> = inner.split([',', ';', ' ']).filter(|c| !c.is_empty()).collect();
    let is_list = cells.len() > 1 && cells.iter().all(|c| c.parse::<f64>().is_ok());
    if is_list {
        let cells = cells.join(", ");
        problem.help(format!(
            "the command line takes single numbers; write a file `data.json` with \
             `{{\"{data}\": [{cells}]}}`, and give `data.json`"
        ))
    } else if matches!(value, "NA" | "na" | "NaN" | "null" | "None" | "") {
        problem
            .help(format!("a single number cannot be missing: leave `{data}` out of the program"))
    } else {
        problem.help(format!(
            "a number is written `{data}=12`, a file `{data}=FILE`; anything that is not a number \
             is read as a file"
        ))
    }
}

/// A file whose name ends in `.json`, or whose text starts like JSON, is JSON; any other is CSV.
fn open(name: &str, bytes: Vec<u8>) -> Result<Content, Box<Diagnostic>> {
    let is_json = name.to_lowercase().ends_with(".json")
        || (!name.to_lowercase().ends_with(".csv")
            && matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')));
    if is_json {
        json::parse(name, &bytes).map(Content::Json)
    } else {
        Csv::open(name, bytes).map(Content::Csv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_a_file_a_named_file_or_a_number() {
        let named = |name: &str, path: &str| Argument::NamedFile {
            name: name.to_owned(),
            path: PathBuf::from(path),
        };
        let scalar = |name: &str, value| Argument::Scalar { name: name.to_owned(), value };
        for (text, expected) in [
            ("a.csv", Argument::File(PathBuf::from("a.csv"))),
            ("house=a=b.csv", named("house", "a=b.csv")),
            ("n=12", scalar("n", 12.0)),
            ("σ_1=1e-3", scalar("σ_1", 1e-3)),
            ("U=inf", scalar("U", f64::INFINITY)),
            ("flag=true", scalar("flag", 1.0)),
            ("dir/x=1.csv", Argument::File(PathBuf::from("dir/x=1.csv"))),
            ("1=2", Argument::File(PathBuf::from("1=2"))),
        ] {
            assert_eq!(Argument::parse(text), expected);
        }
    }
}
