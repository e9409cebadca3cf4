//! What the statements of one file define, by name, and the environment an expression is read in.

use crate::source::{SourceId, Span};
use crate::syntax::ast::{
    Define, DistributionDefinition, Expr, Extent, FunctionDefinition, Name, Part, Statement,
    StatementKind,
};
use std::collections::{HashMap, HashSet};

/// Something that is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Callable<'a> {
    /// `fun`
    Function(&'a FunctionDefinition),
    /// `dist`
    Family(&'a DistributionDefinition),
    /// `part`, which is not called but used.
    Part(&'a Part),
}

impl<'a> Callable<'a> {
    /// Its name where it is defined.
    pub(super) fn name(self) -> &'a Name {
        match self {
            Callable::Function(function) => &function.name,
            Callable::Family(family) => &family.name,
            Callable::Part(part) => &part.name,
        }
    }

    fn of(kind: &'a StatementKind) -> Option<Self> {
        match kind {
            StatementKind::Function(function) => Some(Callable::Function(function)),
            StatementKind::Distribution(family) => Some(Callable::Family(family)),
            StatementKind::Part(part) => Some(Callable::Part(part)),
            StatementKind::Import { .. }
            | StatementKind::Data(_)
            | StatementKind::Axis { .. }
            | StatementKind::Define(_)
            | StatementKind::Random(_)
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Ode(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => None,
        }
    }
}

/// The definitions of one file.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// What its names begin with in the expanded program; empty for the program itself.
    pub(super) prefix: String,
    /// `fun`, `dist` and `part`.
    pub(super) callables: HashMap<&'a str, Callable<'a>>,
    /// `=`, by name.
    pub(super) values: HashMap<&'a str, (&'a Define, &'a Statement)>,
    /// `axis`, by name.
    pub(super) axes: HashMap<&'a str, (&'a Name, &'a Extent, Span)>,
    /// Modules by the name they are reached by; `None` if one could not be read.
    pub(super) imports: HashMap<&'a str, Option<usize>>,
    /// Callables that have the name of an earlier one.
    pub(super) repeated: Vec<(&'a Name, &'a Name)>,
}

impl<'a> Scope<'a> {
    /// Collects the definitions of a file.
    pub(super) fn of(prefix: String, statements: &'a [Statement]) -> Self {
        let mut scope = Scope { prefix, ..Scope::default() };
        for statement in statements {
            if let Some(callable) = Callable::of(&statement.kind) {
                let name = callable.name();
                match scope.callables.get(name.value.as_str()) {
                    Some(first) => scope.repeated.push((name, first.name())),
                    None => {
                        scope.callables.insert(&name.value, callable);
                    }
                }
            } else if let StatementKind::Define(define) = &statement.kind {
                scope.values.entry(&define.name.value).or_insert((define, statement));
            } else if let StatementKind::Axis { name, extent } = &statement.kind {
                scope.axes.entry(&name.value).or_insert((name, extent, statement.span));
            }
        }
        scope
    }

    /// Whether these are the statements of the program itself, not of a module.
    pub(super) fn is_program(&self) -> bool {
        self.prefix.is_empty()
    }
}

/// An index that is bound where an expression stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// Its name as written.
    pub(super) written: String,
    /// Its name in the expanded program.
    pub(super) emitted: String,
    /// Whether it is a bare axis, `county`, and no `c in county`.
    pub(super) bare: bool,
    pub(super) span: Span,
}

/// How the names of an expression are read: the body of what, with which arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Env {
    /// The file the expression stands in.
    pub(super) scope: usize,
    /// The expansion it is part of.
    pub(super) expansion: Option<SourceId>,
    /// Arguments by parameter.
    pub(super) values: HashMap<String, Expr>,
    /// Axes by axis parameter.
    pub(super) extents: HashMap<String, Extent>,
    /// Names that occur in the arguments; no binder of the body may have one of them.
    pub(super) taken: HashSet<String>,
    /// The part in use whose equations these are.
    pub(super) part: Option<String>,
    /// The indices bound in the body, innermost last.
    pub(super) locals: Vec<Local>,
    /// The indices bound where the body is used.
    pub(super) outer: Vec<Local>,
}

impl Env {
    /// The environment of statements of a file.
    pub(super) fn of(scope: usize) -> Self {
        Env { scope, ..Env::default() }
    }

    /// A place, as a place of the expansion.
    pub(super) fn span(&self, span: Span) -> Span {
        match self.expansion {
            Some(source) => Span { source, ..span },
            None => span,
        }
    }

    /// A name where it was written, its place in the expansion.
    pub(super) fn at(&self, name: &Name) -> Name {
        Name::new(name.value.clone(), self.span(name.span))
    }

    /// The index of this name, as written.
    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.written == name)
    }

    /// Every index bound here, those of the surroundings first.
    pub(super) fn bound(&self) -> impl Iterator<Item = &Local> {
        self.outer.iter().chain(&self.locals)
    }
}
