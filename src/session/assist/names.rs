//! The names of a program as written, and every place where each of them occurs.
//!
//! By the tree alone: a program with mistakes has an index too. A name that is defined for a whole
//! program is one symbol, whatever it is at each place: `county` is a column and an axis, and to
//! rename it is to rename both.

use crate::source::Span;
use crate::syntax::ast::Program;
use std::collections::HashMap;

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A table of the data, and its row axis.
    Table,
    /// A column of a table.
    Column,
    /// An array or scalar of the data.
    Data,
    /// An axis.
    Axis,
    /// A name with `=`.
    Definition,
    /// A name with `~`.
    Random,
    /// A function.
    Function,
    /// A family of the program.
    Family,
    /// A part, or a part in use.
    Part,
    /// An imported module.
    Module,
    /// A name of one statement: an index, a parameter, a variate.
    Local,
    /// A name that nothing in the program defines: of the library, or a mistake.
    Unknown,
}

/// A name of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The statement that it is a name of; nothing for names of the whole program.
    pub scope: Option<Span>,
    /// Where it is defined, if it is.
    pub definition: Option<Span>,
}

/// A place where a name occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The symbol, by its number.
    pub symbol: usize,
    /// The place.
    pub span: Span,
    /// Whether it is defined or given a distribution here.
    pub defines: bool,
}

/// All names of a program with their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The names, those of the whole program first.
    pub symbols: Vec<Symbol>,
    /// The places, in the order of the text.
    pub occurrences: Vec<Occurrence>,
}

impl Index {
    /// Finds the names of a program.
    pub fn of(program: &Program) -> Index {
        let mut walker = super::walk::Walker::new();
        walker.program(program);
        walker.finish()
    }

    /// The occurrence at a place, its end included.
    pub fn at(&self, offset: usize) -> Option<&Occurrence> {
        let inside =
            |o: &&Occurrence| (o.span.start as usize) <= offset && offset <= o.span.end as usize;
        // Where two touch, the one that begins here.
        self.occurrences.iter().rfind(inside)
    }

    /// The places of a symbol.
    pub fn places(&self, symbol: usize) -> impl Iterator<Item = &Occurrence> {
        self.occurrences.iter().filter(move |o| o.symbol == symbol)
    }

    /// The names that can be used at a place: those of the program, and of the statement there.
    pub fn visible(&self, offset: usize) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(move |symbol| {
            symbol.definition.is_some()
                && symbol.scope.is_none_or(|scope| {
                    (scope.start as usize) <= offset && offset <= scope.end as usize
                })
        })
    }
}

/// The names of the statements around a place of the tree, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    scopes: Vec<(Span, HashMap<String, usize>)>,
    global: HashMap<String, usize>,
    pub(super) index: Index,
}

impl Scopes {
    /// Opens a scope over a place.
    pub(super) fn open(&mut self, span: Span) {
        self.scopes.push((span, HashMap::new()));
    }

    pub(super) fn close(&mut self) {
        self.scopes.pop();
    }

    /// Makes a name known in the innermost scope; it may be known already.
    pub(super) fn declare(&mut self, name: &str, kind: SymbolKind, span: Span) -> usize {
        let scope = self.scopes.last().map(|(span, _)| *span);
        let names = match self.scopes.last_mut() {
            Some((_, names)) => names,
            None => &mut self.global,
        };
        if let Some(known) = names.get(name) {
            let symbol = &mut self.index.symbols[*known];
            if symbol.definition.is_none() || rank(kind) < rank(symbol.kind) {
                symbol.kind = kind;
                symbol.definition = Some(span);
            }
            return *known;
        }
        self.index.symbols.push(Symbol {
            name: name.to_owned(),
            kind,
            scope,
            definition: Some(span),
        });
        names.insert(name.to_owned(), self.index.symbols.len() - 1);
        self.index.symbols.len() - 1
    }

    /// The symbol that a name reaches; a new one if nothing has declared it.
    pub(super) fn resolve(&mut self, name: &str) -> usize {
        let inner = self.scopes.iter().rev().find_map(|(_, names)| names.get(name));
        if let Some(symbol) = inner.or_else(|| self.global.get(name)) {
            return *symbol;
        }
        self.index.symbols.push(Symbol {
            name: name.to_owned(),
            kind: SymbolKind::Unknown,
            scope: None,
            definition: None,
        });
        self.global.insert(name.to_owned(), self.index.symbols.len() - 1);
        self.index.symbols.len() - 1
    }

    pub(super) fn occurs(&mut self, symbol: usize, span: Span, defines: bool) {
        self.index.occurrences.push(Occurrence { symbol, span, defines });
    }
}

/// Of two statements about one name, which defines it: the lower.
fn rank(kind: SymbolKind) -> usize {
    match kind {
        SymbolKind::Table | SymbolKind::Column | SymbolKind::Data => 0,
        SymbolKind::Definition
        | SymbolKind::Function
        | SymbolKind::Family
        | SymbolKind::Part
        | SymbolKind::Module
        | SymbolKind::Local => 1,
        SymbolKind::Random => 2,
        SymbolKind::Axis => 3,
        SymbolKind::Unknown => 4,
    }
}
