//! A new name for a symbol, everywhere it occurs.

use super::names::{Index, SymbolKind};
use crate::diagnostic::Edit;
use crate::session::Document;
use crate::source::SourceId;
use crate::syntax::ast::{Entry, StatementKind};
use crate::syntax::lexer::lex;

/// The edits that rename the symbol at a place.
///
/// # Errors
///
/// Why it cannot be renamed so.
pub fn rename(
    document: &Document,
    index: &Index,
    offset: usize,
    new: &str,
) -> Result<Vec<Edit>, String> {
    let occurrence = index.at(offset).ok_or("there is no name here")?;
    let symbol = &index.symbols[occurrence.symbol];
    if symbol.definition.is_none() {
        return Err(format!("`{}` is not defined in this program", symbol.name));
    }
    let lexed = lex(SourceId::default(), new);
    let is_name = matches!(lexed.tokens.as_slice(), [one] if one.token.is_name());
    if !is_name || !lexed.diagnostics.is_empty() {
        return Err(format!("`{new}` is not a name"));
    }
    let scope_of = symbol.scope;
    let meets = |other: &super::Symbol| {
        let apart = match (scope_of, other.scope) {
            (Some(a), Some(b)) => a.end <= b.start || b.end <= a.start,
            (None, _) | (_, None) => false,
        };
        other.name == new && other.name != symbol.name && !apart
    };
    if let Some(other) = index.symbols.iter().find(|other| meets(other)) {
        let what =
            if other.definition.is_some() { "is defined already" } else { "means something" };
        return Err(format!("`{new}` {what}"));
    }
    // The column of the file keeps its header.
    let header = (symbol.kind == SymbolKind::Column).then(|| bare_column(document, &symbol.name));
    let header = header.flatten();
    let edits = index.places(occurrence.symbol).map(|place| {
        let replacement = match header {
            Some(span) if span == place.span => format!("\"{}\" as {new}", symbol.name),
            Some(_) | None => new.to_owned(),
        };
        Edit { span: place.span, replacement }
    });
    Ok(edits.collect())
}

/// Where a column without a header of its own is declared.
fn bare_column(document: &Document, name: &str) -> Option<crate::source::Span> {
    for statement in &document.written().statements {
        let StatementKind::Data(data) = &statement.kind else { continue };
        for entry in &data.entries {
            let Entry::Table { columns, .. } = entry else { continue };
            let own = columns.iter().find(|c| c.name.value == name && c.header.is_none());
            if let Some(column) = own {
                return Some(column.name.span);
            }
        }
    }
    None
}
