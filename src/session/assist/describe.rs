//! What is known of a name, in Markdown; and what a reader would like to see beside an equation.

use crate::library::catalogue::{Callable, Entry, Form, entry};
use crate::session::explain::{NameRow, explain};
use crate::session::{Document, Sort, pieces::defined};
use crate::syntax::ast::{Statement, StatementKind};
use std::fmt::Write;

/// What is known of a name of the program or of the library; nothing of any other.
pub fn describe(document: &Document, name: &str) -> Option<String> {
    describe_sized(document, name, &|axis| axis.to_owned())
}

/// The same; `size` writes an axis, perhaps with its size.
pub(super) fn describe_sized(
    document: &Document,
    name: &str,
    size: &dyn Fn(&str) -> String,
) -> Option<String> {
    of_program(document, name, size).or_else(|| library_page(name))
}

/// Describes a name with the sizes that are known.
pub fn describe_with(
    document: &Document,
    name: &str,
    axes: &[crate::data::AxisReport],
) -> Option<String> {
    describe_sized(document, name, &|axis| match axes.iter().find(|known| known.name == axis) {
        Some(known) => format!("{axis}: {}", known.size),
        None => axis.to_owned(),
    })
}

fn of_program(document: &Document, name: &str, size: &dyn Fn(&str) -> String) -> Option<String> {
    let explained = explain(document.typed(), &document.sources);
    let row = explained.names.iter().find(|row| row.name == name);
    let statements: Vec<&Statement> = statements(document, name).collect();
    let typed = document.typed();
    let axis = typed.axes.iter().find(|axis| axis.name == name);
    let mut out = String::new();
    if let Some(row) = row {
        let _ = writeln!(out, "```vi\n{}\n```", headline(row, size));
    } else if axis.is_some() {
        let _ = writeln!(out, "```vi\naxis {}\n```", size(name));
    }
    let lines = explained.equations.iter().filter(|equation| {
        let mut own = statements.iter().map(|statement| statement.span);
        own.any(|span| span == document.sources.written(equation.span))
    });
    let lines: Vec<&String> = lines.flat_map(|equation| &equation.lines).collect();
    let written = statements.iter().filter(|statement| {
        matches!(
            statement.kind,
            StatementKind::Function(_)
                | StatementKind::Distribution(_)
                | StatementKind::Axis { .. }
                | StatementKind::Use(_)
                | StatementKind::Import { .. }
        )
    });
    let written: Vec<&str> = written.map(|s| document.sources.slice(s.span)).collect();
    let code = lines.iter().map(|line| line.as_str()).chain(written);
    let code: Vec<&str> = code.collect();
    if !code.is_empty() {
        let _ = writeln!(out, "\n```vi\n{}\n```", code.join("\n"));
    }
    let part = statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::Part(part) => Some(part),
        StatementKind::Import { .. }
        | StatementKind::Data(_)
        | StatementKind::Axis { .. }
        | StatementKind::Define(_)
        | StatementKind::Random(_)
        | StatementKind::Report(_)
        | StatementKind::Predict(_)
        | StatementKind::Factor(_)
        | StatementKind::Function(_)
        | StatementKind::Distribution(_)
        | StatementKind::Ode(_)
        | StatementKind::Use(_)
        | StatementKind::Output(_)
        | StatementKind::Error => None,
    });
    if let Some(part) = part {
        let parameters = part.parameters.iter().map(|p| p.name.value.as_str());
        let list = parameters.collect::<Vec<&str>>().join(", ");
        let _ = writeln!(out, "\n```vi\npart {name}({list})\n```");
    }
    let documentation = row
        .and_then(|row| row.documentation.clone())
        .or_else(|| statements.iter().find_map(|s| s.documentation.clone()));
    if let Some(documentation) = documentation {
        let _ = writeln!(out, "\n{documentation}");
    }
    let text = out.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The statements that define a name.
fn statements<'d>(
    document: &'d Document,
    name: &'d str,
) -> impl Iterator<Item = &'d Statement> + 'd {
    document.written().statements.iter().filter(move |statement| {
        defined(statement).iter().any(|d| d.name == name && d.sort != Sort::Data)
    })
}

/// `theta[school: 8]: latent, real in (-inf, inf)`
fn headline(row: &NameRow, size: &dyn Fn(&str) -> String) -> String {
    let axes: Vec<String> = row.axes.iter().map(|axis| size(axis)).collect();
    let name = crate::output::element_name(&row.name, &axes);
    let support = row.support.as_ref().map(|s| format!(" in {s}")).unwrap_or_default();
    format!("{name}: {}, {}{support}", row.role, row.kind)
}

/// What the library says of a name.
pub fn library_page(name: &str) -> Option<String> {
    entry(name).map(of_library)
}

fn of_library(entry: &Entry) -> String {
    let mut out = String::new();
    let calls: Vec<String> = entry.forms.iter().map(|form| form.call(entry.name)).collect();
    let _ = writeln!(out, "```vi\n{}\n```\n\n{}", calls.join("\n"), entry.doc);
    for form in &entry.forms {
        out.push_str(&of_form(entry, form));
    }
    out.trim().to_owned()
}

fn of_form(entry: &Entry, form: &Form) -> String {
    let mut out = String::new();
    if entry.forms.len() > 1 {
        let _ = writeln!(out, "\n`{}`", form.call(entry.name));
    }
    let mut lines = Vec::new();
    for parameter in form.parameters.iter().filter(|p| !p.doc.is_empty()) {
        lines.push(format!("* `{}`: {} ({})", parameter.name, parameter.doc, parameter.range));
    }
    if !form.variate.is_empty() {
        lines.push(format!("* variate: {}", form.variate));
    }
    if !form.formula.is_empty() {
        let what = match entry.callable {
            Callable::Kernel => "covariance",
            Callable::Family | Callable::Function => "log density",
        };
        lines.push(format!("* {what}: {}", form.formula));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", lines.join("\n"));
    }
    out
}

/// What the checker has found out about the left sides of the program: a place, and what belongs
/// there. The axes of definitions without brackets, and the supports of latents that have ends.
pub fn hint(document: &Document) -> Vec<(usize, String)> {
    let explained = explain(document.typed(), &document.sources);
    let mut hints = Vec::new();
    for statement in &document.written().statements {
        match &statement.kind {
            StatementKind::Define(define) if define.binders.is_none() => {
                let row = explained.names.iter().find(|row| row.name == define.name.value);
                if let Some(row) = row.filter(|row| !row.axes.is_empty()) {
                    let end = define.name.span.end as usize;
                    hints.push((end, format!("[{}]", row.axes.join(", "))));
                }
            }
            StatementKind::Random(random) => {
                let row = explained.names.iter().find(|row| row.name == random.name.value);
                let support = row.and_then(|row| row.support.clone());
                if let Some(support) = support.filter(|s| s != "(-inf, inf)") {
                    let start = random.name.span.end as usize;
                    let end = random.binders.iter().flatten().next_back();
                    let end = end.map_or(start, |binder| binder.span.end as usize + 1);
                    hints.push((end, format!(" in {support}")));
                }
            }
            StatementKind::Define(_)
            | StatementKind::Import { .. }
            | StatementKind::Data(_)
            | StatementKind::Axis { .. }
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Ode(_)
            | StatementKind::Part(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => {}
        }
    }
    hints
}
