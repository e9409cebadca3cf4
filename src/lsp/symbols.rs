//! Names and their places: definitions, uses, new names, the outline, and what can be folded.

use super::open::Open;
use crate::session::{Sort, folds, rename as edits};
use lsp_types::{
    DocumentHighlight, DocumentHighlightKind, DocumentSymbol, FoldingRange, FoldingRangeKind,
    Location, Range, TextEdit, WorkspaceEdit,
};
use std::collections::HashMap;

fn location(open: &Open, span: crate::source::Span) -> Location {
    Location { uri: open.uri.clone(), range: open.range(span) }
}

/// Where the name at a place is defined.
pub(super) fn definition(open: &Open, at: usize) -> Option<Location> {
    let symbol = open.index.symbols.get(open.index.at(at)?.symbol)?;
    symbol.definition.map(|span| location(open, span))
}

/// Where the name at a place occurs.
pub(super) fn references(open: &Open, at: usize, definitions: bool) -> Vec<Location> {
    let Some(occurrence) = open.index.at(at) else { return Vec::new() };
    let places = open.index.places(occurrence.symbol);
    let wanted = places.filter(|place| definitions || !place.defines);
    wanted.map(|place| location(open, place.span)).collect()
}

/// The same, to be marked in the text.
pub(super) fn highlights(open: &Open, at: usize) -> Vec<DocumentHighlight> {
    let Some(occurrence) = open.index.at(at) else { return Vec::new() };
    let places = open.index.places(occurrence.symbol).map(|place| DocumentHighlight {
        range: open.range(place.span),
        kind: Some(match place.defines {
            true => DocumentHighlightKind::WRITE,
            false => DocumentHighlightKind::READ,
        }),
    });
    places.collect()
}

/// The name at a place, if it can be renamed.
pub(super) fn prepare_rename(open: &Open, at: usize) -> Result<Range, String> {
    let occurrence = open.index.at(at).ok_or("there is no name here")?;
    let symbol = &open.index.symbols[occurrence.symbol];
    match symbol.definition {
        Some(_) => Ok(open.range(occurrence.span)),
        None => Err(format!("`{}` is not defined in this program", symbol.name)),
    }
}

/// The edits that give the name at a place a new one.
pub(super) fn rename(open: &Open, at: usize, new: &str) -> Result<WorkspaceEdit, String> {
    let edits = edits(&open.document, &open.index, at, new)?;
    let edits = edits
        .into_iter()
        .map(|edit| TextEdit { range: open.range(edit.span), new_text: edit.replacement });
    // A map of this type is what the protocol has; its keys are not changed.
    #[allow(clippy::mutable_key_type, reason = "a URI caches what it has parsed")]
    let changes = HashMap::from([(open.uri.clone(), edits.collect())]);
    Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
}

/// The statements by the names they define.
pub(super) fn outline(open: &Open) -> Vec<DocumentSymbol> {
    let mut symbols = Vec::new();
    for statement in open.document.statements() {
        let mut names = statement.defined.into_iter();
        let Some(first) = names.next() else { continue };
        let mut symbol =
            one(open, &first.name, first.sort, statement.span, first.span, statement.role);
        let columns = names.map(|d| one(open, &d.name, d.sort, d.span, d.span, None));
        let columns: Vec<DocumentSymbol> = columns.collect();
        symbol.children = (!columns.is_empty()).then_some(columns);
        symbols.push(symbol);
    }
    symbols
}

#[allow(deprecated, reason = "the protocol still has the field")]
fn one(
    open: &Open,
    name: &str,
    sort: Sort,
    whole: crate::source::Span,
    own: crate::source::Span,
    role: Option<String>,
) -> DocumentSymbol {
    DocumentSymbol {
        name: name.to_owned(),
        detail: role,
        kind: match sort {
            Sort::Data => lsp_types::SymbolKind::FIELD,
            Sort::Axis => lsp_types::SymbolKind::ENUM,
            Sort::Definition => lsp_types::SymbolKind::CONSTANT,
            Sort::Random => lsp_types::SymbolKind::VARIABLE,
            Sort::Callable => lsp_types::SymbolKind::FUNCTION,
        },
        tags: None,
        deprecated: None,
        range: open.range(whole),
        selection_range: open.range(own),
        children: None,
    }
}

/// What can be folded.
pub(super) fn folding(open: &Open) -> Vec<FoldingRange> {
    let spans = folds(&open.text, open.document.written());
    let ranges = spans.into_iter().map(|span| {
        let range = open.range(span);
        let is_comment = open.text.get(span.range()).is_some_and(|t| t.starts_with('#'));
        FoldingRange {
            start_line: range.start.line,
            start_character: None,
            end_line: range.end.line,
            end_character: None,
            kind: is_comment.then_some(FoldingRangeKind::Comment),
            collapsed_text: None,
        }
    });
    ranges.collect()
}
