//! Everything that can be called, in one list: for help, completion and signatures.

use super::distribution::{self, Density};
use super::joint::{self, KERNELS, outcome::OUTCOMES};
use super::{Parameter, function};
use std::sync::LazyLock;

/// What kind of thing can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callable {
    /// A distribution family.
    Family,
    /// A covariance kernel.
    Kernel,
    /// A function.
    Function,
}

/// Something that can be called.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name as written in a program.
    pub name: &'static str,
    /// What kind of thing it is.
    pub callable: Callable,
    /// What it describes or computes.
    pub doc: &'static str,
    /// The ways to call it, that of positional arguments first.
    pub forms: Vec<Form>,
}

/// A way to call something.
#[derive(Clone, Debug)]
pub struct Form {
    /// The parameters in positional order.
    pub parameters: Vec<Described>,
    /// Whether arguments must be named.
    pub named: bool,
    /// What the variate can be; empty for functions and kernels.
    pub variate: String,
    /// The log density or covariance as a formula; empty for functions.
    pub formula: &'static str,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Described {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it may be; empty where that is not declared.
    pub range: String,
    /// What it means; empty where that is not declared.
    pub doc: &'static str,
}

impl Form {
    /// The call with its parameters: `Normal(mean, sd)`, `Gamma(shape = …, rate = …)`.
    pub fn call(&self, name: &str) -> String {
        let shown = self.parameters.iter().map(|p| match self.named {
            true => format!("{} = …", p.name),
            false => p.name.to_owned(),
        });
        format!("{name}({})", shown.collect::<Vec<String>>().join(", "))
    }
}

/// What can be called by this name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    catalogue().iter().find(|entry| entry.name == name)
}

/// Everything that can be called: families, joint families, kernels, functions.
pub fn catalogue() -> &'static [Entry] {
    static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(make);
    &CATALOGUE
}

fn make() -> Vec<Entry> {
    let mut entries = Vec::new();
    for family in distribution::ALL {
        let forms = family.parameterizations.iter().enumerate().map(|(position, form)| Form {
            parameters: scalars(form.parameters),
            named: position > 0 || family.named_only,
            variate: form.variate.words(&names(form.parameters)),
            formula: if form.density == Density::Flat { "0" } else { form.doc },
        });
        entries.push(Entry {
            name: family.name,
            callable: Callable::Family,
            doc: family.doc,
            forms: forms.collect(),
        });
    }
    for family in joint::ALL {
        let forms = family.parameterizations.iter().enumerate().map(|(position, form)| Form {
            parameters: form
                .parameters
                .iter()
                .map(|p| Described {
                    name: p.name,
                    range: p.support.words().to_owned(),
                    doc: p.doc,
                })
                .collect(),
            named: position > 0,
            variate: form.variate.words().to_owned(),
            formula: form.doc,
        });
        entries.push(Entry {
            name: family.name,
            callable: Callable::Family,
            doc: family.doc,
            forms: forms.collect(),
        });
    }
    for family in OUTCOMES {
        let forms = family.forms.iter().enumerate().map(|(position, form)| Form {
            parameters: form
                .parameters
                .iter()
                .map(|p| Described {
                    name: p.name,
                    range: p.support.words().to_owned(),
                    doc: p.doc,
                })
                .collect(),
            named: position > 0,
            variate: "an element of the axis of the outcomes".to_owned(),
            formula: form.doc,
        });
        entries.push(Entry {
            name: family.name,
            callable: Callable::Family,
            doc: family.doc,
            forms: forms.collect(),
        });
    }
    for family in KERNELS {
        let forms = family.forms.iter().enumerate().map(|(position, form)| Form {
            parameters: scalars(form.parameters),
            named: position > 0,
            variate: String::new(),
            formula: form.doc,
        });
        entries.push(Entry {
            name: family.name,
            callable: Callable::Kernel,
            doc: family.doc,
            forms: forms.collect(),
        });
    }
    for function in function::ALL {
        entries.push(Entry {
            name: function.name,
            callable: Callable::Function,
            doc: function.doc,
            forms: vec![plain(function.parameters)],
        });
    }
    for (name, callable, parameters, doc) in READ_BY_THE_LANGUAGE {
        entries.push(Entry { name, callable: *callable, doc, forms: vec![plain(parameters)] });
    }
    entries
}

fn names(parameters: &'static [Parameter]) -> Vec<&'static str> {
    parameters.iter().map(|parameter| parameter.name).collect()
}

fn scalars(parameters: &'static [Parameter]) -> Vec<Described> {
    let names = names(parameters);
    let described =
        |p: &Parameter| Described { name: p.name, range: p.support.words(&names), doc: p.doc };
    parameters.iter().map(described).collect()
}

fn plain(parameters: &[&'static str]) -> Form {
    let bare = |name: &&'static str| Described { name, range: String::new(), doc: "" };
    Form {
        parameters: parameters.iter().map(bare).collect(),
        named: false,
        variate: String::new(),
        formula: "",
    }
}

/// What the checker reads itself, because arguments of it are no values.
const READ_BY_THE_LANGUAGE: &[(&str, Callable, &[&str], &str)] = &[
    (
        "PointMass",
        Callable::Family,
        &["value"],
        "All probability at one value: a branch of an `if`, for gates and zero inflation.",
    ),
    (
        "Ordered",
        Callable::Family,
        &["distribution"],
        "Elements in increasing order along an axis, each with this distribution.",
    ),
    (
        "ZeroSum",
        Callable::Family,
        &["distribution"],
        "Elements along an axis that add up to 0, each with this normal distribution.",
    ),
    (
        "GP",
        Callable::Family,
        &["kernel", "at", "noise_var"],
        "A Gaussian process: values along an axis with the covariance of a kernel of their inputs.",
    ),
    (
        "Censored",
        Callable::Family,
        &["distribution", "right", "left"],
        "Values of which some are only known to lie beyond what is recorded, where a flag says so.",
    ),
    (
        "Scaled",
        Callable::Family,
        &["distribution", "location", "scale"],
        "The distribution of location + scale * x.",
    ),
    (
        "Mixture",
        Callable::Family,
        &["weights", "distribution"],
        "A mixture of the distributions along the axis of the weights.",
    ),
    (
        "logpdf",
        Callable::Function,
        &["distribution", "x"],
        "The log density of a distribution at a value, fully normalised.",
    ),
    (
        "columns",
        Callable::Function,
        &["name = expr, …"],
        "A matrix whose columns are these, along an axis of their names.",
    ),
];
