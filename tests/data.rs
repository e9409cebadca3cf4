//! Programs bound to data: what is read, what is refused, and how it is said.

// Tests that skip for want of data say so.
#![allow(clippy::print_stderr)]

#[path = "data/bind.rs"]
mod bind;
#[path = "data/columns.rs"]
mod columns;
#[path = "data/messages.rs"]
mod messages;
#[path = "data/posteriordb.rs"]
mod posteriordb;
#[path = "data/predict.rs"]
mod predict;

use std::path::{Path, PathBuf};
use vippl::data::{Binding, Inputs, Mode};
use vippl::diagnostic::Checked;
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::expand::Modules;
use vippl::source::Sources;
use vippl::typed::{Kind, Program};

/// A program and the files and arguments given for it.
struct Case<'a> {
    program: &'a str,
    files: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
}

fn case<'a>(
    program: &'a str,
    files: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
) -> Case<'a> {
    Case { program, files, arguments }
}

/// The checked program; panics if it has mistakes.
fn check(sources: &mut Sources, text: &str) -> Program {
    let id = sources.add("model.vi", text);
    let parsed = vippl::syntax::parser::parse(id, text);
    let expanded = vippl::expand::expand(&parsed.value, &Modules::default(), sources);
    let checked = vippl::check::check(&expanded.value);
    let problems = [parsed.diagnostics, expanded.diagnostics, checked.diagnostics].concat();
    let errors: Vec<_> = problems.into_iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{}", render(&errors, sources, &RenderOptions::default()));
    checked.value
}

impl Case<'_> {
    fn bind_in(&self, sources: &mut Sources, mode: Mode<'_>) -> Checked<Option<Binding>> {
        let typed = check(sources, self.program);
        let read = |path: &Path| {
            let named = self.files.iter().find(|(name, _)| Path::new(name) == path);
            named
                .map(|(_, text)| text.as_bytes().to_vec())
                .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
        };
        let tables = Inputs::parse(self.arguments).read(&typed, &PathBuf::new(), &read);
        vippl::data::bind(typed, &tables, mode)
    }

    /// The binding; panics with the messages if there is none.
    fn bind(&self) -> Binding {
        self.bind_as(Mode::Fit)
    }

    fn bind_as(&self, mode: Mode<'_>) -> Binding {
        let mut sources = Sources::default();
        let bound = self.bind_in(&mut sources, mode);
        let text = render(&bound.diagnostics, &sources, &RenderOptions::default());
        bound.value.unwrap_or_else(|| panic!("not bound:\n{text}"))
    }

    /// The messages as a user sees them.
    fn messages(&self, mode: Mode<'_>) -> String {
        let mut sources = Sources::default();
        let bound = self.bind_in(&mut sources, mode);
        render(&bound.diagnostics, &sources, &RenderOptions::default())
    }
}

/// The values of a variable.
fn values(binding: &Binding, name: &str) -> Vec<f64> {
    let variable = binding.program.typed.find(name).expect("the name exists");
    let array = binding.program.values[variable.index()].as_ref().expect("it has a value");
    assert_eq!(array.shape().to_vec(), binding.program.shape(variable));
    array.cells().collect()
}

/// The labels of an index column, row by row.
fn labels(binding: &Binding, name: &str) -> Vec<String> {
    let variable = binding.program.typed.find(name).expect("the name exists");
    let Kind::Index(axis) = binding.program.typed.variable(variable).kind else {
        panic!("{name} is not an index")
    };
    let label = |x: &f64| binding.program.axes[axis.index()].label(*x as usize);
    values(binding, name).iter().map(label).collect()
}

/// The labels of an axis.
fn elements(binding: &Binding, name: &str) -> Vec<String> {
    let typed = &binding.program.typed;
    let axis = typed.axes.iter().position(|a| a.name == name).expect("the axis exists");
    let elements = &binding.program.axes[axis];
    (0..elements.len()).map(|p| elements.label(p)).collect()
}
