//! A program with simulated data, bound and compiled.

use serde_json::{Map, Value, json};
use std::path::Path;
use vippl::data::{Inputs, Mode};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::session::{Document, Model};

/// How the truth about a case is found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Truth {
    /// In closed form: the means and sds of all quantities.
    Exact(Vec<f64>, Vec<f64>),
    /// By quadrature over unconstrained coordinates within this distance of 0.
    Grid(f64),
    /// By long runs of NUTS.
    Nuts,
}

/// What stands in a program after a latent whose coordinates matter to NUTS.
pub(crate) const HINT: &str = "{hint}";

/// A program and its data.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) truth: Truth,
}

impl Case {
    pub(crate) fn new(kind: &'static str, truth: Truth, text: impl Into<String>) -> Self {
        Case { kind, text: text.into(), data: Map::new(), truth }
    }

    /// With a column, an array or a scalar.
    pub(crate) fn with<T: serde::Serialize>(mut self, name: &str, values: T) -> Self {
        self.data.insert(name.to_owned(), json!(values));
        self
    }

    /// # Panics
    ///
    /// With the rendered messages if the program or its data have a mistake.
    pub(crate) fn compile(&self) -> Model {
        self.compile_text(&self.text.replace(HINT, ""))
    }

    /// The same posterior in the coordinates that suit NUTS.
    pub(crate) fn compile_for_truth(&self) -> Model {
        self.compile_text(&self.text.replace(HINT, " with noncentered"))
    }

    fn compile_text(&self, text: &str) -> Model {
        let document = Document::open(self.kind, text);
        let fail = |diagnostics: &[_]| -> ! {
            panic!("{}", render(diagnostics, &document.sources, &RenderOptions::default()))
        };
        if document.has_errors() {
            fail(&document.diagnostics);
        }
        let text = Value::Object(self.data.clone()).to_string();
        let read = |_: &Path| Ok(text.clone().into_bytes());
        let inputs = Inputs::parse(if self.data.is_empty() { vec![] } else { vec!["data.json"] });
        let tables = inputs.read(document.typed(), Path::new("."), &read);
        let bound = document.bind(&tables, Mode::Fit);
        let binding = bound.value.unwrap_or_else(|| fail(&bound.diagnostics));
        Model::compile(binding).expect("compiles")
    }
}
