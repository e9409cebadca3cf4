//! A program to its canonical layout. Total over programs that parse; the tree stays the same.
//!
//! The layout follows from the tree, the comments and the blank lines alone: where the author broke
//! a line does not matter. Every comment stays before what it was written before, and a line that
//! it ended is broken there again, which the newline rule allows because it did so before.

mod doc;
mod expression;
mod statement;

use self::doc::{Doc, print};
use super::ast::{Comment, Program, Statement, StatementKind};
use super::dump;
use super::lexer::lex;
use super::parser::parse;
use super::token::{Lexeme, Token};
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};

/// How wide lines are, where they can be broken.
const WIDTH: usize = 100;

/// Why a text has no canonical layout.
#[derive(Clone, Debug, PartialEq)]
pub enum FormatError {
    /// The text is no program: the mistakes of its syntax.
    Syntax(Vec<Diagnostic>),
    /// A mistake of ours: the result would mean something else, so there is none.
    Changed,
}

/// The canonical layout of a program. `format(format(text))` is `format(text)`.
///
/// # Errors
///
/// [`FormatError::Syntax`] if the text does not parse.
pub fn format(source: SourceId, text: &str) -> Result<String, FormatError> {
    let parsed = parse(source, text);
    if parsed.has_errors() {
        let errors = parsed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        return Err(FormatError::Syntax(errors));
    }
    let written = write(source, text, &parsed.value);
    let again = parse(source, &written);
    let same_tree = dump::program(&undocumented(again.value.clone()))
        == dump::program(&undocumented(parsed.value.clone()));
    let same_comments = comments(&again.value).eq(comments(&parsed.value));
    if again.has_errors() || !same_tree || !same_comments {
        return Err(FormatError::Changed);
    }
    Ok(written)
}

/// Documentation follows from where comments are, and a trailing comment may move.
fn undocumented(mut program: Program) -> Program {
    program.statements.iter_mut().for_each(|statement| statement.documentation = None);
    program
}

fn comments(program: &Program) -> impl Iterator<Item = &str> {
    program.comments.iter().map(|comment| comment.text.as_str())
}

fn write(source: SourceId, text: &str, program: &Program) -> String {
    let tokens = lex(source, text).tokens;
    let mut writer = Writer { text, tokens: &tokens, comments: &program.comments };
    let end = text.len() as u32;
    let items = writer.statements(&program.statements);
    let doc = writer.lines(items, 0, end);
    print(&doc, WIDTH)
}

/// Walks a tree in the order of the text; the comments that are left are those not yet written.
struct Writer<'t> {
    text: &'t str,
    tokens: &'t [Lexeme],
    comments: &'t [Comment],
}

/// One line of a list: what it is made of and where it stands in the text.
struct Item<'t> {
    span: Span,
    content: Content<'t>,
}

/// What a line of a list is made of.
enum Content<'t> {
    /// A statement; `output` before it is a statement of its own in the tree.
    Statement { output: bool, statement: &'t Statement },
    /// An equation of an `ode`.
    Equation(&'t super::ast::OdeEquation),
}

impl<'t> Writer<'t> {
    /// What stands at a place.
    fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Takes the next comment if it ends before a place.
    fn comment_before(&mut self, place: u32) -> Option<&'t Comment> {
        let (first, rest) = self.comments.split_first()?;
        (first.span.end <= place).then(|| {
            self.comments = rest;
            first
        })
    }

    /// Takes all comments before a place.
    fn comments_before(&mut self, place: u32) -> Doc {
        let mut docs = Vec::new();
        while let Some(comment) = self.comment_before(place) {
            docs.push(self.comment(comment));
        }
        Doc::Concat(docs)
    }

    /// Takes the comments before a place that end a line with something else on it.
    fn trailing_before(&mut self, place: u32) -> Doc {
        let mut docs = Vec::new();
        while let Some(next) = self.comments.first()
            && self.is_trailing(next)
            && let Some(comment) = self.comment_before(place)
        {
            docs.push(self.comment(comment));
        }
        Doc::Concat(docs)
    }

    fn is_trailing(&self, comment: &Comment) -> bool {
        let before = self.text.get(..comment.span.start as usize).unwrap_or("");
        !before.rsplit('\n').next().unwrap_or("").trim().is_empty()
    }

    fn comment(&self, comment: &Comment) -> Doc {
        let written = self.slice(comment.span);
        let after = written.strip_prefix('#').unwrap_or(written);
        let glued = after.starts_with(|c: char| c.is_alphanumeric());
        let text = if glued { format!("# {after}") } else { written.to_owned() };
        Doc::Comment { text, trailing: self.is_trailing(comment) }
    }

    /// The place of the first token of a kind from a place on.
    fn next(&self, token: Token, from: u32) -> u32 {
        let at = self.tokens.partition_point(|lexeme| lexeme.start < from);
        let found = self.tokens[at..].iter().find(|lexeme| lexeme.token == token);
        found.map_or(from, |lexeme| lexeme.start)
    }

    /// The statements of a program or part, each with the `output` before it.
    fn statements(&self, statements: &'t [Statement]) -> Vec<Item<'t>> {
        let mut items: Vec<Item<'t>> = Vec::new();
        for statement in statements {
            match (&statement.kind, items.last_mut()) {
                // `output f = …` is the equation, and then the word.
                (StatementKind::Output(_), Some(last)) if statement.span.end <= last.span.start => {
                    last.span = last.span.to(statement.span);
                    if let Content::Statement { output, .. } = &mut last.content {
                        *output = true;
                    }
                }
                _ => items.push(Item {
                    span: statement.span,
                    content: Content::Statement { output: false, statement },
                }),
            }
        }
        items
    }

    /// Lines between two places, with the comments around and in them; one blank line where there
    /// were any.
    fn lines(&mut self, items: Vec<Item<'t>>, start: u32, end: u32) -> Doc {
        let mut lines = Lines { text: self.text, docs: Vec::new(), start, last: None };
        for item in items {
            while let Some(comment) = self.comment_before(item.span.start) {
                let doc = self.comment(comment);
                lines.push(comment.span, doc, self.is_trailing(comment));
            }
            let doc = match item.content {
                Content::Statement { output, statement } => {
                    let word = if output { "output " } else { "" };
                    Doc::Concat(vec![Doc::text(word), self.statement(statement)])
                }
                Content::Equation(equation) => self.equation(equation),
            };
            // Nothing is left where every comment has its place; never lose one.
            let rest = self.comments_before(item.span.end);
            lines.push(item.span, Doc::Concat(vec![doc, rest]), false);
        }
        while let Some(comment) = self.comment_before(end) {
            let doc = self.comment(comment);
            lines.push(comment.span, doc, self.is_trailing(comment));
        }
        Doc::Concat(lines.docs)
    }
}

/// Lines as they are put together.
struct Lines<'t> {
    text: &'t str,
    docs: Vec<Doc>,
    start: u32,
    last: Option<Span>,
}

impl Lines<'_> {
    /// Adds a line, or a comment at the end of the last one.
    fn push(&mut self, span: Span, doc: Doc, trailing: bool) {
        let from = self.last.map_or(self.start, |last| last.end);
        let gap = self.text.get(from as usize..span.start as usize).unwrap_or("");
        let newlines = gap.matches('\n').count();
        if trailing && newlines == 0 {
            self.docs.push(doc);
        } else {
            if newlines > 1 && self.last.is_some() {
                self.docs.push(Doc::HardLine);
            }
            self.docs.push(Doc::HardLine);
            self.docs.push(doc);
        }
        self.last = Some(span);
    }
}
