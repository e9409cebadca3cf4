//! Says which data nothing gives, and which files give more than is wanted.

use super::{Claims, Place, data_variables, entry, header, list};
use crate::data::inputs::Content;
use crate::data::json::Value;
use crate::data::labels::nearest;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::typed::{Program, VariableId};
use std::collections::BTreeSet;

impl Claims<'_> {
    /// The error for a column that a file should have.
    pub(in crate::data) fn missing_column(&self, variable: VariableId, file: usize) -> Diagnostic {
        let file = &self.tables.files[file];
        let name = header(self.program, variable);
        let names: Vec<&str> = match &file.content {
            Ok(Content::Csv(csv)) => csv.header.iter().map(String::as_str).collect(),
            Ok(Content::Json(Value::Object(entries))) => {
                entries.iter().map(|(k, _)| k.as_str()).collect()
            }
            Ok(Content::Json(Value::Block(_))) | Err(_) => Vec::new(),
        };
        let problem = Diagnostic::error(
            Slug::MissingColumn,
            format!("`{}` has no column `{name}`", file.name),
            self.program.variable(variable).span,
            "declared here",
        )
        .note(format!("its columns are {}", list(names.iter().copied())));
        match nearest(name, names.into_iter()).first() {
            Some(near) if is_plain_column(self.program, variable) => {
                let declared = self.program.variable(variable);
                let column = format!("\"{near}\" as {}", declared.name);
                problem
                    .help(format!("did you mean `{near}`? Write `{column}`"))
                    .edit(declared.span, column)
            }
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        }
    }

    /// The errors for names that nothing gives: one for each table and axis, one for the scalars.
    pub(in crate::data) fn missing_data(&self, variables: &[VariableId]) -> Vec<Diagnostic> {
        let group = |v: VariableId| self.groups.iter().position(|g| g.columns.contains(&v));
        let is_scalar = |v: VariableId| self.program.variable(v).axes.is_empty();
        let mut batches: Vec<Vec<VariableId>> = Vec::new();
        for variable in variables {
            let batch = batches.iter_mut().find(|batch| {
                let (same, both) = (group(batch[0]), is_scalar(batch[0]) && is_scalar(*variable));
                (same.is_some() && same == group(*variable)) || both
            });
            match batch {
                Some(batch) => batch.push(*variable),
                None => batches.push(vec![*variable]),
            }
        }
        batches.iter().map(|batch| self.missing_batch(batch, group(batch[0]))).collect()
    }

    fn missing_batch(&self, batch: &[VariableId], group: Option<usize>) -> Diagnostic {
        let first = self.program.variable(batch[0]);
        let names: Vec<&str> =
            batch.iter().map(|v| self.program.variable(*v).name.as_str()).collect();
        let name = first.name.as_str();
        let counts = self.program.axes.iter().any(|axis| axis.name == name);
        let how = match (group, &first.axes[..]) {
            (_, []) if counts => format!(
                "add `{name}=NUMBER`; or leave `{name}` out: the axis `{name}` counts its elements \
                 by itself, and `size({name})` is how many"
            ),
            (_, []) => format!("add `{name}=NUMBER`, or a JSON file"),
            (Some(group), _) => {
                let group = &self.groups[group].name;
                format!("add a CSV file with these columns (`{group}=FILE`), or a JSON file")
            }
            (None, _) => format!("add `{name}=FILE`, or a JSON file"),
        };
        Diagnostic::error(
            Slug::MissingData,
            format!("no file or argument gives {}", list(names.into_iter())),
            first.span,
            "declared here",
        )
        .help(how)
    }

    /// One note for each file that holds more than the program wants.
    pub(in crate::data) fn ignored(&self) -> Vec<Diagnostic> {
        let mut notes = Vec::new();
        for (index, file) in self.tables.files.iter().enumerate() {
            let mut used: BTreeSet<&str> = BTreeSet::new();
            let names: Vec<&str> = match &file.content {
                Ok(Content::Csv(csv)) => {
                    used.extend(self.used_columns(index).iter().map(|c| csv.header[*c].as_str()));
                    csv.header.iter().map(String::as_str).collect()
                }
                Ok(Content::Json(Value::Object(entries))) => {
                    let taken = data_variables(self.program).filter(|v| {
                        matches!(self.places[v.index()], Some(Place::Json { file, .. }) if file == index)
                    });
                    for variable in taken {
                        used.insert(header(self.program, variable));
                        used.insert(&self.program.variable(variable).name);
                    }
                    entries.iter().map(|(k, _)| k.as_str()).collect()
                }
                Ok(Content::Json(Value::Block(_))) | Err(_) => continue,
            };
            let unused = names.into_iter().filter(|n| !n.is_empty() && !used.contains(n));
            let unused: Vec<&str> = unused.collect();
            if !used.is_empty() && !unused.is_empty() {
                notes.push(Diagnostic::new(
                    Slug::IgnoredData,
                    Severity::Note,
                    format!("`{}`: not used: {}", file.name, list(unused.into_iter())),
                ));
            }
        }
        notes
    }
}

/// Whether a variable is a column of a table that is called as in the program.
fn is_plain_column(program: &Program, variable: VariableId) -> bool {
    entry(program, variable).is_some_and(|e| e.table.is_some() && e.header.is_none())
}
