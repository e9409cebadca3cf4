//! Draws diagnostics for a terminal, and writes them as JSON. The only user of ariadne.
//!
//! Never fails: spans are moved to character boundaries inside their text, and a diagnostic
//! whose source is unknown is printed without a place.

use std::ops::Range;

use ariadne::{CharSet, Color, Config, IndexType, Label as Drawn, Report, ReportKind};
use serde_json::{Value, json};

use super::{Diagnostic, Edit, Label, Severity};
use crate::source::{SourceId, Sources, Span};

/// How a report looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Whether to write terminal colours.
    pub color: bool,
    /// Whether to draw lines with Unicode characters rather than ASCII.
    pub unicode: bool,
    /// How many columns a tab advances to a multiple of.
    pub tab_width: usize,
    /// After how many columns notes and help are wrapped.
    pub width: usize,
}

impl Default for RenderOptions {
    /// Plain Unicode, as in a file; a terminal turns colours on.
    fn default() -> Self {
        RenderOptions { color: false, unicode: true, tab_width: 4, width: 90 }
    }
}

type Place = (SourceId, Range<usize>);

/// Draws diagnostics, one below the other, in their order.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, options: &RenderOptions) -> String {
    let drawn: Vec<String> = diagnostics.iter().map(|d| draw(d, sources, options)).collect();
    drawn.join("\n")
}

fn draw(diagnostic: &Diagnostic, sources: &Sources, options: &RenderOptions) -> String {
    let diagnostic = &diagnostic.clone().placed(sources);
    diagnostic
        .primary
        .as_ref()
        .and_then(|primary| with_place(diagnostic, primary, sources, options))
        .unwrap_or_else(|| without_place(diagnostic, options))
}

/// `error[unknown-name]: message`
fn headline(diagnostic: &Diagnostic, options: &RenderOptions) -> String {
    let (on, off) = match (options.color, diagnostic.severity) {
        (false, _) => ("", ""),
        (true, Severity::Note) => ("\x1b[36m", "\x1b[0m"),
        (true, Severity::Warning) => ("\x1b[33m", "\x1b[0m"),
        (true, Severity::Error) => ("\x1b[31m", "\x1b[0m"),
    };
    let (word, slug) = (severity(diagnostic.severity), diagnostic.slug.name());
    format!("{on}{word}[{slug}]{off}: {}", diagnostic.message)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn color(severity: Severity) -> Color {
    match severity {
        Severity::Note => Color::Cyan,
        Severity::Warning => Color::Yellow,
        Severity::Error => Color::Red,
    }
}

fn with_place(
    diagnostic: &Diagnostic,
    primary: &Label,
    sources: &Sources,
    options: &RenderOptions,
) -> Option<String> {
    let place = place(primary.span, sources)?;
    let main_color = color(diagnostic.severity);
    let config = Config::new()
        .with_index_type(IndexType::Byte)
        .with_color(options.color)
        .with_tab_width(options.tab_width.max(1))
        .with_char_set(if options.unicode { CharSet::Unicode } else { CharSet::Ascii });
    let mut labels = vec![(place.clone(), &primary.text, main_color)];
    for label in &diagnostic.secondary {
        let place = self::place(label.span, sources);
        labels.extend(place.map(|place| (place, &label.text, Color::Blue)));
    }
    // Labels of one file are drawn in one excerpt only when they come in its order.
    labels.sort_by_key(|((source, range), _, _)| (*source, range.start));
    let mut report = Report::build(ReportKind::Error, place).with_config(config);
    for (place, text, color) in labels {
        report = report.with_label(Drawn::new(place).with_message(text).with_color(color));
    }
    for note in &diagnostic.notes {
        report = report.with_note(wrapped(note, options.width, "").join("\n"));
    }
    if let Some(help) = help(diagnostic, primary, sources) {
        report = report.with_help(wrapped(&help, options.width, "").join("\n"));
    }
    let mut bytes = Vec::new();
    let mut cache = Cache::new(sources);
    report.finish().write(&mut cache, &mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line is ariadne's own headline, which keeps its colour when it should have none.
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim_end).collect();
    let body = lines.join("\n");
    Some(format!("{}\n{}\n", headline(diagnostic, options), body.trim_end_matches('\n')))
}

fn without_place(diagnostic: &Diagnostic, options: &RenderOptions) -> String {
    let mut out = format!("{}\n", headline(diagnostic, options));
    let notes = diagnostic.notes.iter().map(|n| ("note", n));
    for (word, text) in notes.chain(diagnostic.help.iter().map(|h| ("help", h))) {
        let indent = " ".repeat(word.len() + 4);
        let lines = wrapped(text, options.width, &indent).join("\n");
        out.push_str(&format!("  {word}: {lines}\n"));
    }
    out
}

/// The help in words, and the line as it would read after the edits.
fn help(diagnostic: &Diagnostic, primary: &Label, sources: &Sources) -> Option<String> {
    let words = diagnostic.help.as_deref().map(str::to_string);
    let elsewhere = diagnostic.edits.first().map(|edit| edit.span);
    let line = edited_line(&diagnostic.edits, primary.span, sources)
        .or_else(|| edited_line(&diagnostic.edits, elsewhere?, sources))
        .map(|line| format!("the line becomes\n    {}", line.trim_end().replace('\n', "\n    ")));
    match (words, line) {
        (Some(words), Some(line)) => Some(format!("{words}\n{line}")),
        (words, line) => words.or(line),
    }
}

/// The line of `span` with the edits that lie in it applied; none if it would become empty.
fn edited_line(edits: &[Edit], span: Span, sources: &Sources) -> Option<String> {
    let text = sources.get(span.source)?.text.as_str();
    let at = boundary(text, span.start as usize);
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
    let mut inside: Vec<&Edit> = edits
        .iter()
        .filter(|e| e.span.source == span.source && start <= e.span.range().start)
        .filter(|e| e.span.range().start <= e.span.range().end && e.span.range().end <= end)
        .collect();
    inside.sort_by_key(|e| e.span.start);
    let mut line = String::new();
    let mut from = start;
    for edit in &inside {
        line.push_str(text.get(from..edit.span.range().start)?);
        line.push_str(&edit.replacement);
        from = edit.span.range().end;
    }
    line.push_str(text.get(from..end)?);
    let line = line.trim().to_string();
    (!inside.is_empty() && !line.is_empty()).then_some(line)
}

/// A span as ariadne wants it: inside the text, on character boundaries.
fn place(span: Span, sources: &Sources) -> Option<Place> {
    let text = sources.get(span.source)?.text.as_str();
    let start = boundary(text, span.start as usize);
    let end = boundary(text, (span.end as usize).max(start));
    Some((span.source, start..end))
}

/// The nearest character boundary at or before a byte.
fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// Breaks text at blanks into lines of at most `width` columns, all but the first indented.
fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let lead: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|w| !w.is_empty()) {
            let fits = line.chars().count() + word.chars().count() < width;
            if line.is_empty() {
                line = format!("{lead}{word}");
            } else if fits {
                line = format!("{line} {word}");
            } else {
                lines.push(std::mem::replace(&mut line, format!("{lead}{word}")));
            }
        }
        lines.push(line);
    }
    let rest = lines.split_off(1.min(lines.len()));
    lines.into_iter().chain(rest.into_iter().map(|l| format!("{indent}{l}"))).collect()
}

/// Texts as ariadne reads them; each is prepared when first wanted.
struct Cache<'s> {
    sources: &'s Sources,
    prepared: Vec<(SourceId, ariadne::Source<&'s str>)>,
}

impl<'s> Cache<'s> {
    fn new(sources: &'s Sources) -> Self {
        Cache { sources, prepared: Vec::new() }
    }
}

impl<'s> ariadne::Cache<SourceId> for Cache<'s> {
    type Storage = &'s str;

    fn fetch(&mut self, id: &SourceId) -> Result<&ariadne::Source<&'s str>, impl std::fmt::Debug> {
        let known = self.prepared.iter().position(|(known, _)| known == id);
        let at = match known {
            Some(at) => at,
            None => {
                let Some(source) = self.sources.get(*id) else { return Err("unknown source") };
                self.prepared.push((*id, ariadne::Source::from(source.text.as_str())));
                self.prepared.len() - 1
            }
        };
        Ok(&self.prepared[at].1)
    }

    fn display<'a>(&self, id: &'a SourceId) -> Option<impl std::fmt::Display + 'a> {
        self.sources.get(*id).map(|source| source.name.clone())
    }
}

/// A diagnostic as a JSON object: slug, severity, message, place, label, related places, notes,
/// help and edits. Lines and columns count from 1, columns in characters; a place gives bytes too.
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let diagnostic = &diagnostic.clone().placed(sources);
    let label = |l: &Label| {
        let mut value = position(l.span, sources);
        value["label"] = json!(l.text);
        value
    };
    let edit = |e: &Edit| {
        let mut value = position(e.span, sources);
        value["replacement"] = json!(e.replacement);
        value
    };
    json!({
        "slug": diagnostic.slug.name(),
        "severity": severity(diagnostic.severity),
        "message": diagnostic.message,
        "place": diagnostic.primary.as_ref().map(label),
        "related": diagnostic.secondary.iter().map(label).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "edits": diagnostic.edits.iter().map(edit).collect::<Vec<_>>(),
    })
}

fn position(span: Span, sources: &Sources) -> Value {
    let Some(source) = sources.get(span.source) else { return json!({}) };
    let text = source.text.as_str();
    let start = boundary(text, span.start as usize);
    let end = boundary(text, (span.end as usize).max(start));
    let (line, column) = line_and_column(text, start);
    let (end_line, end_column) = line_and_column(text, end);
    json!({
        "file": source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "bytes": [start, end],
    })
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}
