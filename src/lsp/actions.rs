//! Changes of the text: every "try this" that is an edit, and the layout.

use super::open::Open;
use super::{EXPLAIN, Settings, diagnostics};
use crate::diagnostic::{Diagnostic, Edit};
use crate::session::{format, pieces};
use crate::source::SourceId;
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Command, Range, TextEdit, WorkspaceEdit,
};
use std::collections::HashMap;

/// The layout of a text; nothing for one with mistakes, which has none.
pub(super) fn formatting(open: &Open) -> Option<Vec<TextEdit>> {
    let new_text = format(SourceId::default(), &open.text).ok()?;
    if new_text == open.text {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: open.lines.whole(&open.text), new_text }])
}

/// The layout of the statements that a range touches, whatever mistakes there are in others.
pub(super) fn range_formatting(open: &Open, range: Range) -> Option<Vec<TextEdit>> {
    let start = open.lines.offset(&open.text, range.start);
    let end = open.lines.offset(&open.text, range.end).max(start);
    let touched = pieces(&open.text)
        .into_iter()
        .map(|piece| piece.range)
        .filter(|own| own.start <= end && start < own.end.max(own.start + 1));
    let lines = touched.reduce(|all, own| all.start.min(own.start)..all.end.max(own.end))?;
    let text = &open.text[lines.clone()];
    // Blank lines around the statements are the layout of what is around them.
    let blank = text.len() - text.trim_start().len();
    let blank = text[..blank].rfind('\n').map_or(0, |at| at + 1);
    let own = lines.start + blank..lines.start + text.trim_end().len().max(blank);
    let laid_out = format(SourceId::default(), &open.text[own.clone()]).ok()?;
    let new_text = laid_out.trim_end().to_owned();
    if new_text == open.text[own.clone()] {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: open.lines.range(&open.text, own), new_text }])
}

/// What would mend the mistakes in a range, and a page about each kind of mistake.
pub(super) fn quick_fixes(
    open: &Open,
    range: Option<Range>,
    settings: &Settings,
) -> Vec<CodeActionOrCommand> {
    let mut actions = Vec::new();
    for diagnostic in open.document.diagnostics.iter().chain(&open.data) {
        let shown = diagnostics::one(open, diagnostic, settings);
        let meets = |range: Range| shown.range.start <= range.end && range.start <= shown.range.end;
        if !range.is_none_or(meets) {
            continue;
        }
        let own = |edit: &Edit| edit.span.source == SourceId::default();
        if !diagnostic.edits.is_empty() && diagnostic.edits.iter().all(own) {
            actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: title(diagnostic),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![shown]),
                edit: Some(edit(open, &diagnostic.edits)),
                is_preferred: Some(true),
                ..CodeAction::default()
            }));
        }
        let slug = diagnostic.slug.name();
        actions.push(CodeActionOrCommand::Command(Command {
            title: format!("Explain `{slug}`"),
            command: EXPLAIN.to_owned(),
            arguments: Some(vec![serde_json::json!(slug)]),
        }));
    }
    actions
}

fn title(diagnostic: &Diagnostic) -> String {
    match (&diagnostic.help, diagnostic.edits.as_slice()) {
        (Some(help), _) => help.clone(),
        (None, [only]) if only.replacement.is_empty() => "delete this".to_owned(),
        (None, [only]) => format!("write `{}`", only.replacement.trim()),
        (None, _) => "change this".to_owned(),
    }
}

fn edit(open: &Open, edits: &[Edit]) -> WorkspaceEdit {
    let edits = edits
        .iter()
        .map(|edit| TextEdit { range: open.range(edit.span), new_text: edit.replacement.clone() });
    #[allow(clippy::mutable_key_type, reason = "a URI caches what it has parsed")]
    let changes = HashMap::from([(open.uri.clone(), edits.collect())]);
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}
