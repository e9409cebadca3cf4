//! A text to its statements, each with the comments around it and the names it defines.

use super::document::Document;
use crate::source::{SourceId, Span};
use crate::syntax::ast::{Entry, Statement, StatementKind};
use crate::syntax::parser::parse;
use std::ops::Range;

/// What kind of thing a statement defines. A name may have one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// A table, its columns, an array or a scalar of the data.
    Data,
    /// An axis.
    Axis,
    /// A name with `=`, or a state of an `ode`.
    Definition,
    /// A name with `~`.
    Random,
    /// A function, a family, a part, a part in use, or a module.
    Callable,
}

/// A name that a statement defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// The name.
    pub name: String,
    /// What kind of thing it is.
    pub sort: Sort,
    /// Where it is defined.
    pub span: Span,
}

/// A statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The whole lines that it takes, with the comments before it.
    pub range: Range<usize>,
    /// The statement itself.
    pub span: Span,
    /// The names it defines.
    pub defined: Vec<Defined>,
}

/// A statement of an open program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlined {
    /// The whole statement.
    pub span: Span,
    /// The names it defines.
    pub defined: Vec<Defined>,
    /// What the first of them is, as far as is known.
    pub role: Option<String>,
}

impl Document {
    /// The statements that define names, in the order of the text.
    pub fn statements(&self) -> Vec<Outlined> {
        let explained = super::explain(self.typed(), &self.sources);
        let outlined = self.written().statements.iter().map(|statement| {
            let defined = defined(statement);
            let first = defined.first().map(|d| d.name.as_str());
            let row = explained.names.iter().find(|row| Some(row.name.as_str()) == first);
            Outlined { span: statement.span, role: row.map(|row| row.role.clone()), defined }
        });
        outlined.filter(|outlined| !outlined.defined.is_empty()).collect()
    }
}

/// The statements of a text that parses; the whole text as one piece if it does not, or if it has
/// none.
pub fn pieces(text: &str) -> Vec<Piece> {
    let parsed = parse(SourceId::default(), text);
    let whole = Span::new(SourceId::default(), 0, text.len());
    if parsed.has_errors() || parsed.value.statements.is_empty() {
        return vec![Piece { range: 0..text.len(), span: whole, defined: Vec::new() }];
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for statement in &parsed.value.statements {
        let start = pieces.last().map_or(0, |piece| piece.range.end);
        let after = &text[statement.span.end as usize..];
        let end = text.len() - after.len() + after.find('\n').map_or(after.len(), |at| at + 1);
        let (span, defined) = (statement.span, defined(statement));
        pieces.push(Piece { range: start..end, span, defined });
    }
    if let Some(last) = pieces.last_mut() {
        last.range.end = text.len();
    }
    pieces
}

/// The names that a statement defines.
pub(super) fn defined(statement: &Statement) -> Vec<Defined> {
    let one = |name: &crate::syntax::ast::Name, sort: Sort| Defined {
        name: name.value.clone(),
        sort,
        span: name.span,
    };
    match &statement.kind {
        StatementKind::Import { alias, .. } => {
            alias.iter().map(|alias| one(alias, Sort::Callable)).collect()
        }
        StatementKind::Data(data) => {
            let of_entry = |entry: &Entry| match entry {
                Entry::Table { name, columns } => {
                    let columns = columns.iter().map(|column| one(&column.name, Sort::Data));
                    std::iter::once(one(name, Sort::Data)).chain(columns).collect::<Vec<_>>()
                }
                Entry::Array { name, .. } => vec![one(name, Sort::Data)],
            };
            data.entries.iter().flat_map(of_entry).collect()
        }
        StatementKind::Axis { name, .. } => vec![one(name, Sort::Axis)],
        StatementKind::Define(define) => vec![one(&define.name, Sort::Definition)],
        StatementKind::Random(random) => vec![one(&random.name, Sort::Random)],
        StatementKind::Function(function) => vec![one(&function.name, Sort::Callable)],
        StatementKind::Distribution(family) => vec![one(&family.name, Sort::Callable)],
        StatementKind::Ode(ode) => {
            let array = ode.name.iter().map(|name| one(name, Sort::Definition));
            let states = ode.equations.iter().map(|e| one(&e.state, Sort::Definition));
            if ode.name.is_some() { array.collect() } else { states.collect() }
        }
        StatementKind::Part(part) => vec![one(&part.name, Sort::Callable)],
        StatementKind::Use(used) => vec![one(&used.alias, Sort::Callable)],
        StatementKind::Report(_)
        | StatementKind::Predict(_)
        | StatementKind::Factor(_)
        | StatementKind::Output(_)
        | StatementKind::Error => Vec::new(),
    }
}
