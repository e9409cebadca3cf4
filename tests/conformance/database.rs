//! Reads posteriors, their data and Stan's values.

use serde_json::Value;
use std::path::{Path, PathBuf};
use vippl::data::{self, Binding, Mode};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::session::Document;

/// The tier of differential equations, where Stan's own values are rough.
#[allow(dead_code, reason = "the benchmark takes all tiers")]
pub(crate) const SOLVED: &str = "T10";

/// One model with one data set.
#[derive(Clone, Debug)]
pub(crate) struct Posterior {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) data: String,
    #[allow(dead_code, reason = "the benchmark takes all tiers")]
    pub(crate) tier: String,
    pub(crate) has_reference: bool,
}

/// The folder, or a loud word that the tests are skipped.
#[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VIPPL_POSTERIORDB").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/posteriordb"),
        PathBuf::from,
    );
    if folder.join("posteriors.json").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no posteriors in {}; set VIPPL_POSTERIORDB", folder.display());
    None
}

pub(crate) fn json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All posteriors that have data and Stan's values.
pub(crate) fn posteriors(folder: &Path) -> Vec<Posterior> {
    let list = json(&folder.join("posteriors.json"));
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let entries = list.as_array().into_iter().flatten();
    let entries = entries.filter(|entry| entry["oracle"].as_bool() == Some(true));
    entries
        .map(|entry| Posterior {
            name: text(entry, "posterior"),
            model: text(entry, "model"),
            data: text(entry, "data"),
            tier: text(entry, "tier"),
            has_reference: entry["reference"].as_bool() == Some(true),
        })
        .collect()
}

/// Binds a program's text to a data file.
///
/// # Panics
///
/// With the rendered messages if the program or its data have a mistake.
fn bind(name: &str, text: &str, data: &Path) -> Binding {
    let document = Document::open(name, text);
    let fail = |diagnostics: &[_]| -> ! {
        panic!("{}", render(diagnostics, &document.sources, &RenderOptions::default()))
    };
    if document.has_errors() {
        fail(&document.diagnostics);
    }
    let inputs = data::Inputs::parse([data.to_string_lossy()]);
    let tables = inputs.read(document.typed(), Path::new("."), &data::read_file);
    let bound = document.bind(&tables, Mode::Fit);
    bound.value.unwrap_or_else(|| fail(&bound.diagnostics))
}

/// Binds the project's own model of a posterior to its data.
pub(crate) fn bind_model(folder: &Path, posterior: &Posterior) -> Binding {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/models");
    let path = models.join(format!("{}.vi", posterior.model));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bind(&posterior.name, &text, &folder.join("data").join(format!("{}.json", posterior.data)))
}
