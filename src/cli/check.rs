//! `vippl check`: what a program means, and whether its data fit it.

use super::arguments::CheckArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::load::{Loaded, Warnings};
use super::terminal::Terminal;
use crate::data::{BindingReport, Mode};
use crate::diagnostic::render;
use crate::session::{Inventory, Sized, inventory};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Checks a program, and its data if any are given.
pub(super) fn check(arguments: &CheckArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let program = &arguments.program;
    let warnings = Warnings { quiet: program.json, deny: program.deny_warnings };
    let mut loaded = Loaded::open(&program.model, &program.data, warnings, terminal)?;
    loaded.largest_table = program.max_table.unwrap_or(loaded.largest_table);
    let (inventory, report) = if program.data.is_empty() {
        let typed = loaded.document.typed();
        let axes = |variable| {
            let axes = typed.variable(variable).axes.iter();
            let axes = axes.map(|a| typed.axis(*a).name.clone()).collect::<Vec<String>>();
            match typed.missing_cells_of(variable) {
                Some(_) => vec![format!("{} where missing", axes.join(", "))],
                None => axes,
            }
        };
        (inventory(typed, &axes), None)
    } else {
        let directory = files::directory_of(&program.model);
        let binding = loaded.bind(&program.data, &directory, Mode::Fit, terminal)?;
        let model = loaded.compile(binding)?;
        (model.inventory(), Some(model.report))
    };
    if program.json {
        terminal.print_json(&to_json(&loaded, &inventory, report.as_ref()))?;
    } else {
        terminal.print(&to_text(&loaded, &inventory, report.as_ref()))?;
    }
    Ok(Exit::Success)
}

fn to_text(loaded: &Loaded, inventory: &Inventory, report: Option<&BindingReport>) -> String {
    let mut out = String::new();
    for file in report.iter().flat_map(|report| &report.files) {
        let rows = file
            .rows
            .map_or(String::new(), |n| format!("{n} {}; ", if n == 1 { "row" } else { "rows" }));
        let _ = writeln!(out, "{}: {rows}{}", file.file, file.names.join(", "));
    }
    for axis in report.iter().flat_map(|report| &report.axes) {
        let more = if axis.size > axis.first.len() { ", ..." } else { "" };
        let _ =
            writeln!(out, "axis {}: {} ({}{more})", axis.name, axis.size, axis.first.join(", "));
    }
    let list = |list: &[Sized]| {
        let text = list.iter().map(Sized::printed).collect::<Vec<String>>().join(", ");
        if text.is_empty() { "nothing".to_owned() } else { text }
    };
    let _ = writeln!(
        out,
        "observed: {} - latent: {}",
        list(&inventory.observed),
        list(&inventory.latent)
    );
    for (what, names) in [("reported", &inventory.reported), ("predicted", &inventory.predicted)] {
        if !names.is_empty() {
            let _ = writeln!(out, "{what}: {}", list(names));
        }
    }
    for (span, factor) in &inventory.factors {
        let line = loaded.document.sources.line(*span);
        let _ = writeln!(out, "line {line} adds to the log density: {factor}");
    }
    out
}

fn to_json(loaded: &Loaded, inventory: &Inventory, report: Option<&BindingReport>) -> Value {
    let sources = &loaded.document.sources;
    let list = |list: &[Sized]| -> Vec<Value> {
        let object = |v: &Sized| {
            let shape: Option<Vec<usize>> = v.sizes.iter().map(|s| s.parse().ok()).collect();
            let shape = shape.filter(|_| report.is_some());
            let mut object = json!({ "name": v.name, "axes": v.axes, "shape": shape });
            if let Some(cells) = v.cells {
                object["cells"] = json!(cells);
            }
            object
        };
        list.iter().map(object).collect()
    };
    let axes = report.map(|report| {
        report.axes.iter().map(|a| (a.name.clone(), json!(a.size))).collect::<Map<String, Value>>()
    });
    let factors = inventory
        .factors
        .iter()
        .map(|(span, text)| json!({ "line": sources.line(*span), "factor": text }));
    json!({
        "schema": "vippl.check/1",
        "model": loaded.document.name,
        "bound": report.is_some(),
        "axes": axes,
        "observed": list(&inventory.observed),
        "latent": list(&inventory.latent),
        "reported": list(&inventory.reported),
        "predicted": list(&inventory.predicted),
        "factors": factors.collect::<Vec<Value>>(),
        "diagnostics":
            loaded.told.iter().map(|d| render::to_json(d, sources)).collect::<Vec<Value>>(),
    })
}
