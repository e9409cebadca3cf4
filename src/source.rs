//! Program text and places in it. [`Sources`] is the only door to the text of a program.

/// Identifies one file (or one REPL entry) in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub u32);

/// A half-open range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The source the bytes belong to.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `source`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        Span { source, start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The bytes as a range of indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}

/// One named text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name reports show: a path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Whether it comes with the language, so that no user can edit it.
    pub embedded: bool,
}

/// A copy of a text, made where a definition in it is used.
#[derive(Clone, Copy, Debug)]
struct Expansion {
    of: SourceId,
    at: Span,
}

/// The identities of expansions begin here, those of files at 0.
const FIRST_EXPANSION: u32 = 1 << 31;

/// All texts of a session, in the order they were added, and the expansions of definitions.
///
/// A tree made of the body of a function has the spans of that body in a source of its own, an
/// expansion, which remembers the call. So a place says both what was written and where it is used.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    expansions: Vec<Expansion>,
}

impl Sources {
    /// Adds a text and returns its identity.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.push(Source { name: name.into(), text: text.into(), embedded: false })
    }

    /// Adds a text that comes with the language.
    pub fn add_embedded(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.push(Source { name: name.into(), text: text.into(), embedded: true })
    }

    fn push(&mut self, source: Source) -> SourceId {
        self.files.push(source);
        SourceId(self.files.len() as u32 - 1)
    }

    /// Adds the expansion of a definition in `of`, used at `at`.
    pub fn add_expansion(&mut self, of: SourceId, at: Span) -> SourceId {
        self.expansions.push(Expansion { of, at });
        SourceId(FIRST_EXPANSION + (self.expansions.len() as u32 - 1))
    }

    fn expansion(&self, id: SourceId) -> Option<Expansion> {
        let index = id.0.checked_sub(FIRST_EXPANSION)?;
        self.expansions.get(index as usize).copied()
    }

    /// The source behind an identity, if it came from this collection; the text that was written,
    /// for an expansion.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        let file = self.expansion(id).map_or(id, |expansion| expansion.of);
        self.files.get(file.0 as usize)
    }

    /// The place in a file that a place, perhaps of an expansion, was written at.
    pub fn written(&self, span: Span) -> Span {
        match self.expansion(span.source) {
            Some(Expansion { of, .. }) => Span { source: of, ..span },
            None => span,
        }
    }

    /// The uses that brought a place into the program, as written, innermost first.
    pub fn uses(&self, span: Span) -> Vec<Span> {
        let mut uses = Vec::new();
        let mut at = span;
        while let Some(expansion) = self.expansion(at.source) {
            at = expansion.at;
            uses.push(self.written(at));
        }
        uses
    }

    /// Where a place stands in the order of the program: at its outermost use.
    pub fn order(&self, span: Span) -> (SourceId, u32, u32) {
        let place = self.uses(span).pop().unwrap_or(span);
        (place.source, place.start, place.end)
    }

    /// The text a span covers; empty if the span is not of these sources.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source).and_then(|s| s.text.get(span.range())).unwrap_or("")
    }

    /// The 1-based line a span starts on.
    pub fn line(&self, span: Span) -> usize {
        let text = self.get(span.source).map_or("", |s| s.text.as_str());
        let start = (span.start as usize).min(text.len());
        1 + text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count()
    }

    /// Every source with its identity.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (SourceId(i as u32), s))
    }
}
