//! The call around a place: what its callee takes, and which argument is being written.

use super::complete::{Around, around};
use crate::library::catalogue::entry;
use crate::session::Document;
use crate::syntax::ast::{FunctionParameter, StatementKind};

/// A way to call what is being called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The whole call: `Normal(mean, sd)`.
    pub label: String,
    /// The parameters, as they stand in the label.
    pub parameters: Vec<String>,
    /// What each parameter means.
    pub documentation: Vec<String>,
    /// Which one is being written, if it is one of these.
    pub active: Option<usize>,
    /// Whether the arguments written so far fit.
    pub fits: bool,
}

/// The signatures of the call around a place.
pub fn signature(document: &Document, text: &str, offset: usize) -> Vec<Signature> {
    let Around { call: Some(call), .. } = around(text, offset) else { return Vec::new() };
    let active = |names: &[String]| match &call.argument {
        Some(name) => names.iter().position(|n| n == name),
        None => Some(call.position).filter(|position| *position < names.len()),
    };
    let fits = |names: &[String]| {
        call.named.iter().all(|name| names.contains(name)) && call.position < names.len().max(1)
    };
    if let Some((parameters, documentation)) = written(document, &call.name) {
        let names: Vec<String> = parameters.iter().map(|p| p.name.value.clone()).collect();
        let shown: Vec<String> = parameters.iter().map(shown).collect();
        return vec![Signature {
            label: format!("{}({})", call.name, shown.join(", ")),
            active: active(&names),
            fits: fits(&names),
            documentation: vec![documentation.unwrap_or_default(); shown.len()],
            parameters: shown,
        }];
    }
    let Some(entry) = entry(&call.name) else { return Vec::new() };
    let of = |form: &crate::library::catalogue::Form| {
        let names: Vec<String> = form.parameters.iter().map(|p| p.name.to_owned()).collect();
        let documentation = form.parameters.iter().map(|p| match p.doc {
            "" => String::new(),
            doc => format!("{doc} ({})", p.range),
        });
        let shown = |p: &crate::library::catalogue::Described| match form.named {
            true => format!("{} = …", p.name),
            false => p.name.to_owned(),
        };
        Signature {
            label: form.call(entry.name),
            parameters: form.parameters.iter().map(shown).collect(),
            documentation: documentation.collect(),
            active: active(&names),
            fits: fits(&names) && !(form.named && call.argument.is_none() && call.position > 0),
        }
    };
    entry.forms.iter().map(of).collect()
}

/// What a callable of the program takes, and its documentation.
pub(super) fn written<'d>(
    document: &'d Document,
    name: &str,
) -> Option<(&'d [FunctionParameter], Option<String>)> {
    document.written().statements.iter().find_map(|statement| {
        let parameters = match &statement.kind {
            StatementKind::Function(f) if f.name.value == name => &f.parameters,
            StatementKind::Distribution(d) if d.name.value == name => &d.parameters,
            StatementKind::Part(p) if p.name.value == name => &p.parameters,
            StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Part(_)
            | StatementKind::Import { .. }
            | StatementKind::Data(_)
            | StatementKind::Axis { .. }
            | StatementKind::Define(_)
            | StatementKind::Random(_)
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Ode(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => return None,
        };
        Some((parameters.as_slice(), statement.documentation.clone()))
    })
}

fn shown(parameter: &FunctionParameter) -> String {
    let axes: Vec<String> = parameter.axes.iter().map(|axis| axis.value.clone()).collect();
    crate::output::element_name(&parameter.name.value, &axes)
}
