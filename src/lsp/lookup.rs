//! What is known at a place: hover, completion, signatures; and hints beside the text.

use super::Host;
use super::open::Open;
use crate::session::{Candidate, CandidateKind, complete, describe_with, hint, signature};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionTextEdit, Documentation, Hover,
    HoverContents, InlayHint, InlayHintKind, InlayHintLabel, MarkupContent, MarkupKind,
    ParameterInformation, ParameterLabel, SignatureHelp, SignatureInformation, TextEdit,
};
use std::path::Path;

fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

/// What is known of the name at a place.
pub(super) fn hover(open: &Open, at: usize) -> Option<Hover> {
    let occurrence = open.index.at(at)?;
    let symbol = open.index.symbols.get(occurrence.symbol)?;
    let axes = open.report.as_ref().map(|report| report.axes.as_slice()).unwrap_or_default();
    let known = match symbol.scope {
        None => describe_with(&open.document, &symbol.name, axes),
        Some(_) => None,
    };
    let local = || symbol.scope.map(|_| format!("`{}`: a name of this statement", symbol.name));
    let value = known.or_else(local)?;
    Some(Hover {
        contents: HoverContents::Markup(markdown(value)),
        range: Some(open.range(occurrence.span)),
    })
}

/// What can be written at a place.
pub(super) fn completion(open: &Open, at: usize, host: &dyn Host) -> CompletionList {
    let found = complete(&open.document, &open.index, &open.columns, &open.text, at);
    let range = open.lines.range(&open.text, found.range.clone());
    let mut items: Vec<CompletionItem> = Vec::new();
    if found.wants_path {
        let typed = open.text.get(found.range.clone()).unwrap_or("");
        let (folder, _) = typed.rsplit_once('/').unwrap_or(("", ""));
        let names = host.list(&open.folder().join(Path::new(folder)));
        let wanted = |name: &&String| {
            let endings = [".csv", ".tsv", ".json", ".vi", "/"];
            endings.iter().any(|ending| name.ends_with(ending))
        };
        for name in names.iter().filter(wanted) {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            items.push(CompletionItem {
                label: path.clone(),
                kind: Some(CompletionItemKind::FILE),
                text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: path })),
                ..CompletionItem::default()
            });
        }
    }
    for (order, candidate) in found.candidates.iter().enumerate() {
        items.push(item(candidate, range, order));
    }
    CompletionList { is_incomplete: false, items }
}

fn item(candidate: &Candidate, range: lsp_types::Range, order: usize) -> CompletionItem {
    let kind = match candidate.kind {
        CandidateKind::Keyword => CompletionItemKind::KEYWORD,
        CandidateKind::Family => CompletionItemKind::CLASS,
        CandidateKind::Function => CompletionItemKind::FUNCTION,
        CandidateKind::Parameter => CompletionItemKind::PROPERTY,
        CandidateKind::Column => CompletionItemKind::FIELD,
        CandidateKind::Axis => CompletionItemKind::ENUM,
        CandidateKind::Name => CompletionItemKind::VARIABLE,
    };
    let documentation = crate::session::library_page(&candidate.label)
        .filter(|_| matches!(candidate.kind, CandidateKind::Family | CandidateKind::Function))
        .map(|page| Documentation::MarkupContent(markdown(page)));
    CompletionItem {
        label: candidate.label.clone(),
        kind: Some(kind),
        detail: (!candidate.detail.is_empty()).then(|| candidate.detail.clone()),
        documentation,
        sort_text: Some(format!("{order:04}")),
        filter_text: Some(candidate.label.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit {
            range,
            new_text: candidate.insert.clone(),
        })),
        ..CompletionItem::default()
    }
}

/// The call around a place.
pub(super) fn signature_help(open: &Open, at: usize) -> Option<SignatureHelp> {
    let found = signature(&open.document, &open.text, at);
    if found.is_empty() {
        return None;
    }
    let active = found.iter().position(|signature| signature.fits).unwrap_or(0);
    let signatures = found.into_iter().map(|signature| {
        let described = signature.parameters.into_iter().zip(signature.documentation);
        let parameters = described.map(|(label, doc)| ParameterInformation {
            label: ParameterLabel::Simple(label),
            documentation: (!doc.is_empty()).then(|| Documentation::MarkupContent(markdown(doc))),
        });
        SignatureInformation {
            label: signature.label,
            documentation: None,
            parameters: Some(parameters.collect()),
            active_parameter: signature.active.map(|active| active as u32),
        }
    });
    let signatures: Vec<SignatureInformation> = signatures.collect();
    let active_parameter = signatures.get(active).and_then(|s| s.active_parameter);
    Some(SignatureHelp { signatures, active_signature: Some(active as u32), active_parameter })
}

/// Axes and supports that the program does not spell out.
pub(super) fn inlay_hints(open: &Open) -> Vec<InlayHint> {
    let hints = hint(&open.document).into_iter().map(|(at, text)| InlayHint {
        position: open.lines.position(&open.text, at),
        label: InlayHintLabel::String(text),
        kind: Some(InlayHintKind::TYPE),
        text_edits: None,
        tooltip: None,
        padding_left: None,
        padding_right: None,
        data: None,
    });
    hints.collect()
}
