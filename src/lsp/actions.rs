//! Changes of the text: every "try this" that is an edit, and the layout.

use super::open::Open;
use super::{EXPLAIN, Settings, diagnostics};
use crate::diagnostic::{Diagnostic, Edit};
use crate::session::format;
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
    let text = &open.text;
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |before| before + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |after| at + after);
    let first = open.lines.offset(text, range.start);
    let last = open.lines.offset(text, range.end).max(first);
    let (start, end) = (line_start(first), line_end(last));
    let statements = open.document.written().statements.iter();
    let touched = statements
        .map(|statement| statement.span.range())
        .filter(|own| own.start <= end && start <= own.end);
    let touched = touched.reduce(|all, own| all.start.min(own.start)..all.end.max(own.end))?;
    let own = line_start(touched.start)..line_end(touched.end);
    let own = own.start..own.start + text[own].trim_end().len();
    let laid_out = format(SourceId::default(), &text[own.clone()]).ok()?;
    let new_text = laid_out.trim_end().to_owned();
    if new_text == text[own.clone()] {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: open.lines.range(text, own), new_text }])
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
