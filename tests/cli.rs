//! The command line as a process: results, streams, exit codes, files.
//!
//! Witnesses from outside: a conjugate posterior in closed form, least squares by an independent
//! script (`examples/linear/simulate.py`), densities worked out by hand.

#[path = "cli/contract.rs"]
mod contract;
#[path = "cli/density.rs"]
mod density;
#[path = "cli/errors.rs"]
mod errors;
#[path = "cli/finite.rs"]
mod finite;
#[path = "cli/inference.rs"]
mod inference;
#[path = "cli/layout.rs"]
mod layout;
#[path = "cli/missing.rs"]
mod missing;
#[path = "cli/saved.rs"]
mod saved;
#[path = "cli/streams.rs"]
mod streams;

use std::path::Path;
use std::process::{Command, Output};

/// Runs vippl in a plain environment, from the root of the repository.
fn vippl(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the process starts")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vippl"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "VIPPL_THREADS", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(variable);
    }
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("stdout is JSON")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("the process ends by itself")
}

/// A directory with the files of a test.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("a file is written");
        }
        Files(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("the path is UTF-8").to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect("a file is read")
    }

    fn names(&self, name: &str) -> Vec<String> {
        names(&self.0.path().join(name))
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory is read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

const EIGHT: [&str; 2] = ["examples/eight_schools/model.vi", "examples/eight_schools/data.csv"];
const LINEAR: [&str; 2] = ["examples/linear/model.vi", "examples/linear/data.csv"];

/// y ~ Normal(mu, 1) with mu ~ Normal(0, 10): the posterior is normal in closed form.
const CONJUGATE: &str = "data t(y)\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)\n";
