//! Text with places where it may be broken, to lines of limited width.
//!
//! The algebra of Wadler ("A prettier printer", 2003): a group is written on one line if it fits,
//! and broken at its own places if not. A comment always ends its line.

/// Text with places where it may be broken.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without a newline.
    Text(String),
    /// A blank, or a newline in a broken group.
    Line,
    /// Nothing, or a newline in a broken group.
    SoftLine,
    /// A newline.
    HardLine,
    /// From `#` to the end of the line.
    Comment {
        /// With its `#`.
        text: String,
        /// Whether it ends a line with something else on it.
        trailing: bool,
    },
    /// One after the other.
    Concat(Vec<Doc>),
    /// Newlines in it are followed by two more blanks.
    Indent(Box<Doc>),
    /// On one line if it fits.
    Group(Box<Doc>),
    /// A blank before it; a newline if it fits on a line of its own, but not on this one.
    Hang(Box<Doc>),
}

impl Doc {
    pub(super) fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    pub(super) fn indent(docs: Vec<Doc>) -> Doc {
        Doc::Indent(Box::new(Doc::Concat(docs)))
    }

    pub(super) fn group(docs: Vec<Doc>) -> Doc {
        Doc::Group(Box::new(Doc::Concat(docs)))
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Doc::Text(text) => text.is_empty(),
            Doc::Concat(docs) => docs.iter().all(Doc::is_empty),
            Doc::Indent(doc) | Doc::Group(doc) => doc.is_empty(),
            Doc::Line | Doc::SoftLine | Doc::HardLine | Doc::Comment { .. } | Doc::Hang(_) => false,
        }
    }

    /// Takes the comments out of its beginning that end the line of what was before it.
    pub(super) fn take_trailing(&mut self) -> Vec<Doc> {
        let mut taken = Vec::new();
        while let Some(comment) = self.take_first_trailing() {
            taken.push(comment);
        }
        taken
    }

    fn take_first_trailing(&mut self) -> Option<Doc> {
        match self {
            Doc::Comment { trailing: true, .. } => {
                Some(std::mem::replace(self, Doc::Concat(Vec::new())))
            }
            Doc::Concat(docs) => {
                docs.iter_mut().find(|doc| !doc.is_empty()).and_then(Doc::take_first_trailing)
            }
            Doc::Indent(doc) | Doc::Group(doc) => doc.take_first_trailing(),
            Doc::Text(_)
            | Doc::Line
            | Doc::SoftLine
            | Doc::HardLine
            | Doc::Comment { trailing: false, .. }
            | Doc::Hang(_) => None,
        }
    }

    /// What comes before the first place where it can be broken at its outermost level.
    fn first(&self) -> &Doc {
        match self {
            Doc::Concat(docs) => {
                let mut inside = docs.iter().filter(|doc| !doc.is_empty());
                match (inside.next(), inside.next()) {
                    (Some(only), None) => only.first(),
                    (Some(first), Some(_)) => first,
                    (None, _) => self,
                }
            }
            Doc::Indent(doc) | Doc::Group(doc) | Doc::Hang(doc) => doc.first(),
            Doc::Text(_) | Doc::Line | Doc::SoftLine | Doc::HardLine | Doc::Comment { .. } => self,
        }
    }

    /// How wide it is on one line; nothing if it cannot be on one.
    fn flat_width(&self) -> Option<usize> {
        match self {
            Doc::Text(text) => Some(text.chars().count()),
            Doc::Line => Some(1),
            Doc::SoftLine => Some(0),
            Doc::HardLine | Doc::Comment { .. } => None,
            Doc::Concat(docs) => docs.iter().map(Doc::flat_width).sum(),
            Doc::Indent(doc) | Doc::Group(doc) => doc.flat_width(),
            Doc::Hang(doc) => doc.flat_width().map(|width| width + 1),
        }
    }
}

/// How far a level is indented.
const STEP: usize = 2;

/// Something to write: how far it is indented and whether it is broken.
type Command<'d> = (usize, bool, &'d Doc);

/// Writes a text whose lines are at most `width` wide where it can be broken so. It starts at its
/// first character and ends with a newline, if there is anything in it.
pub(super) fn print(doc: &Doc, width: usize) -> String {
    let mut printer = Printer { width, out: String::new(), column: 0, pending: false };
    let mut commands: Vec<Command<'_>> = vec![(0, true, doc)];
    while let Some(command) = commands.pop() {
        printer.write(command, &mut commands);
    }
    let text = printer.out.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{}\n", text.trim_end()) }
}

struct Printer {
    width: usize,
    out: String,
    column: usize,
    /// The last thing written is a comment: whatever follows is on a new line.
    pending: bool,
}

impl Printer {
    fn write<'d>(&mut self, (indent, broken, doc): Command<'d>, commands: &mut Vec<Command<'d>>) {
        match doc {
            Doc::Text(text) => self.text(text, indent),
            Doc::Line if !broken => self.text(" ", indent),
            Doc::SoftLine if !broken => {}
            Doc::Line | Doc::SoftLine | Doc::HardLine => self.newline(indent),
            Doc::Comment { text, trailing } => self.comment(text, *trailing, indent),
            Doc::Concat(docs) => commands.extend(docs.iter().rev().map(|d| (indent, broken, d))),
            Doc::Indent(doc) => commands.push((indent + STEP, broken, doc)),
            Doc::Group(doc) => {
                let fits = !broken || self.fits(doc, 0, commands);
                commands.push((indent, !fits, doc));
            }
            Doc::Hang(doc) if !broken || self.fits(doc, 1, commands) => {
                self.text(" ", indent);
                commands.push((indent, false, doc));
            }
            Doc::Hang(doc) => {
                let on_own_line = |w: usize| indent + STEP + w <= self.width;
                let first = doc.first().flat_width();
                let first_fits = first.is_none_or(|w| self.column + 1 + w <= self.width);
                if doc.flat_width().is_some_and(on_own_line) {
                    self.newline(indent + STEP);
                    commands.push((indent + STEP, false, doc));
                } else if !first_fits && first.is_some_and(on_own_line) {
                    // What follows on further lines stands below its beginning.
                    self.newline(indent + STEP);
                    commands.push((indent, true, doc));
                } else {
                    self.text(" ", indent);
                    commands.push((indent, true, doc));
                }
            }
        }
    }

    /// Whether a text fits on what is left of the line, with `blanks` before it and what follows it
    /// up to where that can be broken.
    fn fits(&self, doc: &Doc, blanks: usize, after: &[Command<'_>]) -> bool {
        let used = self.column + blanks;
        let Some(own) = doc.flat_width() else { return false };
        let Some(mut left) = self.width.checked_sub(used + own) else { return false };
        for (_, broken, doc) in after.iter().rev() {
            match until_break(doc, *broken, &mut left) {
                Reach::End => {}
                Reach::Break => return true,
                Reach::TooFar => return false,
            }
        }
        true
    }

    fn text(&mut self, text: &str, indent: usize) {
        if text.is_empty() {
            return;
        }
        let text = if self.pending {
            self.newline(indent);
            text.trim_start()
        } else {
            text
        };
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn newline(&mut self, indent: usize) {
        self.pending = false;
        let length = self.out.trim_end_matches(' ').len();
        self.out.truncate(length);
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn comment(&mut self, text: &str, trailing: bool, indent: usize) {
        let blank = self.out.rsplit('\n').next().unwrap_or("").trim().is_empty();
        if self.pending || !blank && !trailing {
            self.newline(indent);
        } else if !blank {
            let length = self.out.trim_end_matches(' ').len();
            self.out.truncate(length);
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.pending = true;
    }
}

/// How far a text was followed.
enum Reach {
    /// To its end.
    End,
    /// To a place where it can be broken.
    Break,
    /// Beyond the end of the line.
    TooFar,
}

/// Follows a text to where it can be broken.
fn until_break(doc: &Doc, broken: bool, left: &mut usize) -> Reach {
    match doc {
        Doc::Text(text) => match left.checked_sub(text.chars().count()) {
            Some(rest) => {
                *left = rest;
                Reach::End
            }
            None => Reach::TooFar,
        },
        Doc::HardLine | Doc::Comment { .. } => Reach::Break,
        Doc::Line | Doc::SoftLine | Doc::Hang(_) if broken => Reach::Break,
        Doc::Line => until_break(&Doc::text(" "), false, left),
        Doc::SoftLine => Reach::End,
        Doc::Concat(docs) => {
            for doc in docs {
                match until_break(doc, broken, left) {
                    Reach::End => {}
                    reach @ (Reach::Break | Reach::TooFar) => return reach,
                }
            }
            Reach::End
        }
        Doc::Indent(doc) | Doc::Group(doc) | Doc::Hang(doc) => until_break(doc, broken, left),
    }
}
