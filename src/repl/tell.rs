//! What a statement defined: role, axes and support of each of its names.

use super::{Piece, Repl};
use crate::data::BindingReport;
use crate::session::{Document, NameRow, Sort, explain};

impl Repl<'_> {
    /// A line for every name that new statements define.
    pub(super) fn told(
        &self,
        document: &Document,
        report: Option<&BindingReport>,
        new: &[Piece],
        replaced: &[String],
    ) -> Vec<String> {
        let explained = explain(document.typed(), &document.sources);
        let size = |axis: &String| {
            let axes = report.map_or(&[][..], |report| &report.axes);
            match axes.iter().find(|known| known.name == *axis) {
                Some(known) => format!("{axis}: {}", known.size),
                None => axis.clone(),
            }
        };
        let mut lines = Vec::new();
        for (sort, name) in new.iter().flat_map(|piece| &piece.defined) {
            let row = explained.names.iter().find(|row| row.name == *name);
            let is_axis = *sort == Sort::Axis || row.is_none() && *sort == Sort::Data;
            let line = match row {
                Some(row) if !is_axis => line(row, &size),
                Some(_) | None => match sort {
                    Sort::Axis | Sort::Data => format!("axis {}", size(name)),
                    Sort::Callable | Sort::Definition | Sort::Random => name.clone(),
                },
            };
            let again = if replaced.contains(name) { " (replaced)" } else { "" };
            lines.push(line + again);
        }
        lines
    }
}

/// `theta[school: 8]: latent, real in (-inf, inf)`
pub(super) fn line(row: &NameRow, size: &dyn Fn(&String) -> String) -> String {
    let axes: Vec<String> = row.axes.iter().map(size).collect();
    let name = crate::output::element_name(&row.name, &axes);
    let support = row.support.as_ref().map(|s| format!(" in {s}")).unwrap_or_default();
    format!("{name}: {}, {}{support}", row.role, row.kind)
}
