//! Every mistake the checker knows: the facts of each as fields, and its words beside them.

mod axes;
mod families;
mod missing;
mod names;
mod structure;
mod values;

pub(super) use axes::{AxisProblem, Left, MissingAxis, reduced_name};
pub(super) use families::{FamilyProblem, NotADistribution};
pub(super) use missing::MissingProblem;
pub(super) use names::NameProblem;
pub(super) use structure::StructureProblem;
pub(super) use values::ValueProblem;

use crate::diagnostic::Diagnostic;

/// A mistake that can say what it is.
pub(super) trait Explain {
    /// The message in four parts.
    fn diagnostic(self) -> Diagnostic;
}

/// `a`, `b` and `c`
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
