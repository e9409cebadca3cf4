//! The part of docs/families.md on families of several values, outcomes and kernels.

use super::reference::support;
use std::fmt::Write;
use vippl::library::joint::{
    self, JointFamily, JointParameterization, KernelForm, OutcomeForm, OutcomeShape, Shape,
    VectorSupport, kernel::KERNELS, outcome::OUTCOMES,
};

const JOINT: &str = "# Families of several values

These are joint over one or two axes. A parameter *per element* has one value for each element of
the joint axis, or a single one for all. Matrices are over the joint axis twice; of symmetric ones
the entries on and below the diagonal are read. The log density is fully normalised, with respect
to the free coordinates of the values: of a simplex all values but the last, of a matrix the entries
below the diagonal, and on it where they are free.

";

const OUTCOME: &str = "# Outcomes

The value is an element of an axis. An argument *per outcome* has one free axis, whose elements are
the outcomes.

";

const KERNEL: &str = "# Covariance kernels

For `GP(kernel, at = …)`. Kernels can be added and multiplied. Every parameter is a single number; r
is the distance of two inputs x and y.

";

/// `Family(a, b)`, or `Family(a = …, b = …)` where another form takes positional arguments.
fn call(family: &str, names: impl Iterator<Item = &'static str>, first: bool) -> String {
    let named = |n: &str| if first { n.to_owned() } else { format!("{n} = …") };
    format!("{family}({})", names.map(named).collect::<Vec<_>>().join(", "))
}

fn vector_support(set: VectorSupport) -> String {
    match set {
        VectorSupport::Each(each) => support(each, &[]),
        VectorSupport::Ordered => "increasing".to_owned(),
        VectorSupport::ZeroSum => "sums to 0".to_owned(),
        VectorSupport::Simplex => "0 or positive, sums to 1".to_owned(),
        VectorSupport::CholeskyCorrelation => {
            "a Cholesky factor of a correlation matrix".to_owned()
        }
        VectorSupport::CholeskyFactor => "a Cholesky factor".to_owned(),
        VectorSupport::Correlation => "a correlation matrix".to_owned(),
        VectorSupport::Covariance => "a symmetric positive definite matrix".to_owned(),
        VectorSupport::Counts => "0, 1, 2, …".to_owned(),
    }
}

fn form(out: &mut String, family: &JointFamily, form: &JointParameterization, first: bool) {
    let names = form.parameters.iter().map(|p| p.name);
    let _ = writeln!(out, "`{}`\n", call(family.name, names, first));
    for p in form.parameters {
        let shape = match (p.shape, form.joint_axes) {
            (Shape::Scalar, _) => vector_support(p.support),
            (Shape::PerElement, _) => format!("per element; {}", vector_support(p.support)),
            (Shape::MatrixOf(0), 2) => format!("over rows; {}", vector_support(p.support)),
            (Shape::MatrixOf(1), 2) => format!("over columns; {}", vector_support(p.support)),
            (Shape::MatrixOf(_), _) => vector_support(p.support),
            (Shape::Edges, _) => "a table".to_owned(),
        };
        let _ = writeln!(out, "* `{}`: {} ({shape})", p.name, p.doc);
    }
    let axes = if form.joint_axes == 1 { "one axis" } else { "two axes" };
    let _ = writeln!(out, "* variate: over {axes}; {}", vector_support(form.variate));
    let _ = writeln!(out, "* log density: {}\n", form.doc.replace('*', "\\*"));
}

fn outcome(out: &mut String, family: &str, form: &OutcomeForm, first: bool) {
    let names = form.parameters.iter().map(|p| p.name);
    let _ = writeln!(out, "`{}`\n", call(family, names, first));
    for p in form.parameters {
        let shape = match p.shape {
            OutcomeShape::Scalar => vector_support(p.support),
            OutcomeShape::PerOutcome => format!("per outcome; {}", vector_support(p.support)),
            OutcomeShape::PerStep => {
                format!("one fewer than outcomes; {}", vector_support(p.support))
            }
        };
        let _ = writeln!(out, "* `{}`: {} ({shape})", p.name, p.doc);
    }
    let _ = writeln!(out, "* log density: {}\n", form.doc);
}

fn kernel(out: &mut String, family: &str, form: &KernelForm, first: bool) {
    let names = form.parameters.iter().map(|p| p.name);
    let _ = writeln!(out, "`{}`\n", call(family, names, first));
    for p in form.parameters {
        let _ = writeln!(out, "* `{}`: {} ({})", p.name, p.doc, support(p.support, &[]));
    }
    let _ = writeln!(out, "* covariance: {}\n", form.doc);
}

/// The sections on families of several values.
pub(super) fn sections() -> String {
    let mut out = JOINT.to_owned();
    for family in joint::ALL {
        let _ = writeln!(out, "## {}\n\n{}\n", family.name, family.doc);
        for (position, p) in family.parameterizations.iter().enumerate() {
            form(&mut out, family, p, position == 0);
        }
    }
    out.push_str(OUTCOME);
    for family in OUTCOMES {
        let _ = writeln!(out, "## {}\n\n{}\n", family.name, family.doc);
        for (position, f) in family.forms.iter().enumerate() {
            outcome(&mut out, family.name, f, position == 0);
        }
    }
    out.push_str(KERNEL);
    for family in KERNELS {
        let _ = writeln!(out, "## {}\n\n{}\n", family.name, family.doc);
        for (position, f) in family.forms.iter().enumerate() {
            kernel(&mut out, family.name, f, position == 0);
        }
    }
    out
}
