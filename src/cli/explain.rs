//! `vippl explain`: a program with every index written, or the page of a diagnostic.

use super::arguments::ExplainArguments;
use super::exit::{Exit, Refusal};
use super::load::{Loaded, Warnings};
use super::terminal::Terminal;
use crate::diagnostic::Slug;
use crate::output::{Align, Table};
use crate::session::{self, Explained, Stage};
use serde_json::{Value, json};
use std::path::Path;

/// Explains what was named.
pub(super) fn explain(arguments: &ExplainArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    match &arguments.target {
        Some(target) if !arguments.list => match Slug::from_name(target) {
            Some(slug) => page(slug, arguments.json, terminal)?,
            None if is_program(target) => program(Path::new(target), arguments.json, terminal)?,
            None => return Err(unknown(target)),
        },
        Some(_) | None => list(arguments.json, terminal)?,
    }
    Ok(Exit::Success)
}

/// Whether a name that is not a slug means a file.
fn is_program(target: &str) -> bool {
    target == "-" || target.contains(['.', '/', '\\']) || Path::new(target).exists()
}

fn unknown(target: &str) -> Refusal {
    let near = session::nearest(target, Slug::ALL.iter().map(|slug| slug.name()));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`vippl explain --list` prints all of them".to_owned(),
    };
    Refusal::new(Exit::Usage, format!("there is no diagnostic or file `{target}`; {hint}"))
}

fn page(slug: Slug, json: bool, terminal: &Terminal) -> Result<(), Refusal> {
    if json {
        terminal.print_json(&json!({
            "schema": "vippl.page/1",
            "slug": slug.name(),
            "page": slug.page(),
        }))?;
    } else {
        terminal.print(&format!("{}\n", slug.page().trim_end()))?;
    }
    Ok(())
}

fn list(json: bool, terminal: &Terminal) -> Result<(), Refusal> {
    let names: Vec<&str> = Slug::ALL.iter().map(|slug| slug.name()).collect();
    if json {
        terminal.print_json(&json!({ "schema": "vippl.pages/1", "slugs": names }))?;
    } else {
        terminal.print(&format!("{}\n", names.join("\n")))?;
    }
    Ok(())
}

fn program(model: &Path, json: bool, terminal: &Terminal) -> Result<(), Refusal> {
    let warnings = Warnings { quiet: true, deny: false };
    let loaded = Loaded::open(model, &[], Stage::Whole, warnings, terminal)?;
    let explained = session::explain(loaded.document.typed(), &loaded.document.sources);
    if json {
        terminal.print_json(&to_json(&loaded, &explained))?;
    } else {
        terminal.print(&to_text(&explained, terminal))?;
    }
    Ok(())
}

fn to_text(explained: &Explained, terminal: &Terminal) -> String {
    let mut lines: Vec<String> =
        explained.equations.iter().flat_map(|equation| equation.lines.clone()).collect();
    lines.push(String::new());
    let columns = ["name", "role", "axes", "kind", "support"].map(|name| (name, Align::Left));
    let mut table = Table::new(&columns);
    for name in &explained.names {
        let support = name.support.clone().unwrap_or_default();
        let axes = name.axes.join(", ");
        table.row(vec![name.name.clone(), name.role.clone(), axes, name.kind.clone(), support]);
    }
    let mut rows = table.lines().into_iter();
    lines.extend(rows.next().map(|header| terminal.style().bold(&header)));
    lines.extend(rows);
    lines.push(String::new());
    lines.join("\n")
}

fn to_json(loaded: &Loaded, explained: &Explained) -> Value {
    let sources = &loaded.document.sources;
    let equations = explained
        .equations
        .iter()
        .map(|equation| json!({ "line": sources.line(equation.span), "equation": equation.lines }));
    let names = explained.names.iter().map(|name| {
        json!({
            "name": name.name,
            "role": name.role,
            "axes": name.axes,
            "kind": name.kind,
            "support": name.support,
            "documentation": name.documentation,
        })
    });
    json!({
        "schema": "vippl.explain/1",
        "model": loaded.document.name,
        "equations": equations.collect::<Vec<Value>>(),
        "names": names.collect::<Vec<Value>>(),
    })
}
