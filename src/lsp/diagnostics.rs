//! Diagnostics as an editor shows them: places, what they are related to, and the name of the kind.

use super::Settings;
use super::open::{Open, uri};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceId, Span};
use lsp_types::{
    CodeDescription, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Range, Uri,
};
use std::path::Path;

/// Everything there is to say of a text and its data.
pub(super) fn all(open: &Open, settings: &Settings) -> Vec<lsp_types::Diagnostic> {
    let found = open.document.diagnostics.iter().chain(&open.data);
    found.map(|diagnostic| one(open, diagnostic, settings)).collect()
}

/// One diagnostic.
pub(super) fn one(
    open: &Open,
    diagnostic: &Diagnostic,
    settings: &Settings,
) -> lsp_types::Diagnostic {
    let mut message = diagnostic.message.clone();
    let mut related = Vec::new();
    let primary = diagnostic.primary.as_ref();
    let own = primary.filter(|label| label.span.source == SourceId::default());
    let range = match (own, primary) {
        (Some(label), _) => {
            if !label.text.is_empty() {
                message.push_str(&format!(": {}", label.text));
            }
            shown(open, label.span)
        }
        // A mistake of a module is shown where the program imports one.
        (None, Some(label)) => {
            let name = source_name(open, label.span);
            message = format!("in `{name}`: {message}");
            related.extend(location(open, label.span).map(|location| {
                DiagnosticRelatedInformation { location, message: label.text.clone() }
            }));
            import(open)
        }
        (None, None) => Range::default(),
    };
    for label in &diagnostic.secondary {
        match location(open, label.span) {
            Some(location) => {
                related
                    .push(DiagnosticRelatedInformation { location, message: label.text.clone() });
            }
            None => message.push_str(&format!("\n{}", label.text)),
        }
    }
    for note in &diagnostic.notes {
        message.push_str(&format!("\n{note}"));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\ntry this: {help}"));
    }
    let slug = diagnostic.slug.name();
    let page = settings.documentation.as_ref().and_then(|base| {
        let page: Result<Uri, _> = format!("{base}{slug}.html").parse();
        page.ok()
    });
    lsp_types::Diagnostic {
        range,
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(slug.to_owned())),
        code_description: page.map(|href| CodeDescription { href }),
        source: Some("vippl".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: None,
        data: None,
    }
}

/// The range of a place; an empty one at the end of a line takes the character before it, so that
/// there is something to underline.
fn shown(open: &Open, span: Span) -> Range {
    let text = &open.text;
    let (start, end) = (span.start as usize, span.end as usize);
    if start < end {
        return open.range(span);
    }
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let width = before.filter(|c| !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8);
    open.lines.range(text, start - width..end)
}

fn location(open: &Open, span: Span) -> Option<Location> {
    if span.source == SourceId::default() {
        return Some(Location { uri: open.uri.clone(), range: open.range(span) });
    }
    let source = open.document.sources.get(span.source).filter(|source| !source.embedded)?;
    let lines = super::place::Lines::of(&source.text);
    let uri = uri(&open.folder().join(Path::new(&source.name)))?;
    Some(Location { uri, range: lines.range(&source.text, span.range()) })
}

fn source_name(open: &Open, span: Span) -> String {
    open.document.sources.get(span.source).map_or(String::new(), |source| source.name.clone())
}

fn import(open: &Open) -> Range {
    let word = open.text.find("import").map(|at| at..at + "import".len());
    open.lines.range(&open.text, word.unwrap_or(0..0))
}
