//! A text that is open in an editor, and what is known of it: at once what its words say, and as
//! soon as somebody has had the time to look, what its data say.

use super::place::Lines;
use super::{Host, Settings};
use crate::data::BindingReport;
use crate::data::{Inputs, Mode, Tables};
use crate::diagnostic::Diagnostic;
use crate::session::{Document, Index};
use lsp_types::{TextDocumentContentChangeEvent, Uri};
use std::path::{Path, PathBuf};

/// The endings of data that are looked for beside a program of the same name.
const BESIDE: &[&str] = &["csv", "json", "tsv"];

/// An open text.
pub(super) struct Open {
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) text: String,
    pub(super) lines: Lines,
    pub(super) document: Document,
    pub(super) index: Index,
    /// What the data have to say; of an earlier text, until it is looked at again.
    pub(super) data: Vec<Diagnostic>,
    pub(super) report: Option<BindingReport>,
    /// The headers of the data.
    pub(super) columns: Vec<String>,
    /// How often the text has changed: what is found out about another state of it is of no use.
    changes: u64,
    waiting: bool,
}

/// A look at the data of a text, which may take longer than a key: it needs nothing of the server,
/// so that another thread can take it.
pub struct Look {
    uri: Uri,
    changes: u64,
    document: Document,
    settings: Settings,
}

/// What a look found.
pub struct Found {
    pub(super) uri: Uri,
    changes: u64,
    data: Vec<Diagnostic>,
    report: Option<BindingReport>,
    columns: Vec<String>,
}

impl Look {
    /// Reads the data and binds the program to them.
    pub fn take(self, host: &dyn Host) -> Found {
        let Look { uri, changes, document, settings } = self;
        let folder = folder(&uri);
        let arguments = arguments(&uri, &settings, host);
        let read = |path: &Path| host.read(&folder.join(path));
        let tables: Tables = Inputs::parse(&arguments).read(document.typed(), Path::new(""), &read);
        let columns = tables.columns();
        let (mut data, mut report) = (Vec::new(), None);
        if !columns.is_empty() && !document.has_errors() {
            let bound = document.bind(&tables, Mode::Fit);
            report = bound.value.map(|binding| binding.report);
            data = bound.diagnostics;
        }
        Found { uri, changes, data, report, columns }
    }
}

impl Open {
    /// Opens a text; `changes` is a number that no text open before had.
    pub(super) fn new(uri: Uri, version: i32, text: String, changes: u64, host: &dyn Host) -> Self {
        let document = analyse(&uri, &text, host);
        let index = Index::of(document.written());
        Open {
            uri,
            version,
            lines: Lines::of(&text),
            text,
            document,
            index,
            data: Vec::new(),
            report: None,
            columns: Vec::new(),
            changes,
            waiting: true,
        }
    }

    /// Takes changes, each to the text that the one before it left; `number` is theirs alone.
    pub(super) fn change(
        &mut self,
        version: i32,
        changes: &[TextDocumentContentChangeEvent],
        number: u64,
        host: &dyn Host,
    ) {
        self.version = version;
        self.changes = number;
        for change in changes {
            match change.range {
                None => self.text = change.text.clone(),
                Some(range) => {
                    let start = self.lines.offset(&self.text, range.start);
                    let end = self.lines.offset(&self.text, range.end).max(start);
                    self.text.replace_range(start..end, &change.text);
                }
            }
            self.lines = Lines::of(&self.text);
        }
        self.document = analyse(&self.uri, &self.text, host);
        self.index = Index::of(self.document.written());
        // Places in the text before are not places in this one.
        self.data.clear();
        self.waiting = true;
    }

    pub(super) fn forget_data(&mut self) {
        self.waiting = true;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// A look at the data of the text as it is now.
    pub(super) fn look(&mut self, settings: &Settings) -> Look {
        self.waiting = false;
        Look {
            uri: self.uri.clone(),
            changes: self.changes,
            document: self.document.clone(),
            settings: settings.clone(),
        }
    }

    /// Takes what a look found; whether there is more or less to say of the data than before.
    pub(super) fn learn(&mut self, found: Found) -> bool {
        if found.changes != self.changes {
            return false;
        }
        let changed =
            self.data != found.data || self.report != found.report || self.columns != found.columns;
        (self.data, self.report, self.columns) = (found.data, found.report, found.columns);
        changed
    }

    /// The folder that paths of the program start from.
    pub(super) fn folder(&self) -> PathBuf {
        folder(&self.uri)
    }

    /// The range of a place in this text.
    pub(super) fn range(&self, span: crate::source::Span) -> lsp_types::Range {
        self.lines.range(&self.text, span.range())
    }
}

fn analyse(uri: &Uri, text: &str, host: &dyn Host) -> Document {
    let folder = folder(uri);
    let name = path(uri).map_or_else(|| uri.as_str().to_owned(), |p| p.display().to_string());
    let read = |path: &Path| host.read(&folder.join(path));
    Document::open_in(&folder, &name, text, &read)
}

/// The data of a program: those of the settings, or a file of the same name.
fn arguments(uri: &Uri, settings: &Settings, host: &dyn Host) -> Vec<String> {
    if !settings.data.is_empty() {
        return settings.data.clone();
    }
    let Some(path) = path(uri) else { return Vec::new() };
    let beside = BESIDE.iter().map(|ending| path.with_extension(ending));
    let names = host.list(&folder(uri));
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let found = beside.filter_map(|path| name(&path)).find(|name| names.contains(name));
    found.into_iter().collect()
}

fn folder(uri: &Uri) -> PathBuf {
    let path = path(uri);
    path.and_then(|path| path.parent().map(Path::to_path_buf)).unwrap_or_default()
}

/// The path of a `file:` URI.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let rest = rest.find('/').map(|at| &rest[at..])?;
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [left.next()?, left.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    // `/C:/models/m.vi`
    let drive = text.len() > 2 && text.as_bytes()[2] == b':';
    Some(PathBuf::from(if drive { &text[1..] } else { &text }))
}

/// The `file:` URI of a path.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut out = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_are_each_other() {
        for text in ["/models/a b/größe.vi", "/m.vi", "/a%20b.vi"] {
            let uri = uri(Path::new(text)).expect("a URI");
            assert_eq!(path(&uri), Some(PathBuf::from(text)), "{uri:?}");
        }
        assert_eq!(path(&"untitled:Untitled-1".parse().expect("a URI")), None);
        let drive: Uri = "file:///c%3A/m.vi".parse().expect("a URI");
        assert_eq!(path(&drive), Some(PathBuf::from("c:/m.vi")));
    }
}
