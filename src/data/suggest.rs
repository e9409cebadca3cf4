//! The `data` line that a CSV file would need, for a program that has none or has its columns as
//! single numbers.

use super::claim::list;
use super::column::{Cells, Want};
use super::csv::Csv;
use super::inputs::{Content, Tables};
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::source::{SourceId, Span};
use crate::typed::{Kind, Program, Variable};

/// The error for a program without a `data` line that is given a CSV file: the line to begin with.
pub fn data_line(source: SourceId, text: &str, tables: &Tables) -> Option<Diagnostic> {
    let csv = tables.files.iter().find_map(|file| match &file.content {
        Ok(Content::Csv(csv)) => Some(csv),
        Ok(Content::Json(_)) | Err(_) => None,
    })?;
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mentioned = |name: &str| text.split(|c| !is_part(c)).any(|word| word == name);
    let names: Vec<usize> = (0..csv.header.len()).filter(|c| is_name(&csv.header[*c])).collect();
    let used: Vec<usize> = names.iter().copied().filter(|c| mentioned(&csv.header[*c])).collect();
    let line = format!("data row({})", columns(csv, if used.is_empty() { &names } else { &used }));
    let is_code = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    };
    let first = text.lines().find(is_code).unwrap_or("");
    let start = first.as_ptr() as usize - text.as_ptr() as usize;
    let message = format!("the program does not say what it uses of `{}`", csv.name);
    Some(
        Diagnostic::new(Slug::MissingData, Severity::Error, message)
            .at(Span::new(source, start, start + first.len()), "no `data` line before this")
            .note(format!("its columns are {}", list(csv.header.iter().map(String::as_str))))
            .help(format!("begin with `{line}`"))
            .edit(Span::new(source, start, start), format!("{line}\n")),
    )
}

/// The columns as they are declared, those of text as indices.
fn columns(csv: &Csv, columns: &[usize]) -> String {
    let wanted: Vec<(usize, usize)> = columns.iter().copied().zip(0..).collect();
    let slots = columns.iter().map(|_| Cells::new(Want::Numbers)).collect();
    let read = csv.read(&wanted, slots);
    let is_text = |slot: usize| match read.as_ref().map(|body| body.slots.get(slot)) {
        Ok(Some(Cells::Numbers(numbers))) => numbers.bad.count > 0,
        Ok(Some(Cells::Labels(_)) | None) | Err(_) => false,
    };
    let declared = columns.iter().enumerate().map(|(slot, column)| {
        let kind = if is_text(slot) { ": index" } else { "" };
        format!("{}{kind}", csv.header[*column])
    });
    declared.collect::<Vec<String>>().join(", ")
}

/// The error for a CSV file whose columns the program declares as single numbers.
pub(super) fn columns_as_scalars(program: &Program, csv: &Csv) -> Option<Diagnostic> {
    let is_column = |v: &&Variable| {
        v.axes.is_empty()
            && matches!(v.role, crate::typed::Role::Data(_))
            && csv.columns(&v.name).next().is_some()
    };
    let found: Vec<&Variable> = program.variables.iter().filter(is_column).collect();
    let (first, last) = (found.first()?, found.last()?);
    let names: Vec<&str> = found.iter().map(|v| v.name.as_str()).collect();
    let problem = Diagnostic::error(
        Slug::UnclaimedData,
        format!(
            "{} {} declared as single numbers, and {} columns of `{}`",
            list(names.iter().copied()),
            if names.len() == 1 { "is" } else { "are" },
            if names.len() == 1 { "it names" } else { "they name" },
            csv.name
        ),
        first.span.to(last.span),
        "one number each",
    )
    .help(format!("columns belong to a table: `data row({})`", names.join(", ")));
    // The entries stand side by side if only a comma separates them.
    let close = found.windows(2).all(|pair| {
        let (end, next) = (pair[0].span.end, pair[1].span.start);
        end < next && next - end <= 3
    });
    let is_plain = found.iter().all(|v| v.kind == Kind::Real);
    Some(if close && is_plain {
        let at = |place| Span { start: place, end: place, ..first.span };
        problem.edit(at(first.span.start), "row(").edit(at(last.span.end), ")")
    } else {
        problem
    })
}

/// Whether a header can be a name of a program as it is.
fn is_name(header: &str) -> bool {
    let letter =
        |c: char| c.is_ascii_alphabetic() || c == '_' || matches!(c, 'α'..='ω' | 'Α'..='Ω');
    header.starts_with(letter) && header.chars().all(|c| letter(c) || c.is_ascii_digit())
}
