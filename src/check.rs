//! Phase 1: from the tree as written to the checked program. Needs no data.
//!
//! Resolves every name, infers axes, elaborates each expression into an explicitly indexed scalar,
//! and reports every mistake of the program at once. A mistake poisons what depends on it, so that
//! it is reported once.

mod axes;
mod call;
mod cycle;
mod declare;
mod dependent;
mod distribution;
mod drawn;
mod elaborate;
mod factor;
mod foreign;
mod joint;
mod liveness;
mod missing;
mod observation;
mod ode;
mod problem;
mod process;
mod random;
mod recurrence;
mod special;
mod statement;
mod subscript;
mod sum;
mod supports;
mod whole;
mod written;

use crate::diagnostic::{Checked, Diagnostic};
use crate::library;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{self, AxisId, IndexId, VariableId};
use problem::Explain;
use std::collections::{HashMap, HashSet};

/// Checks a program. The value is complete only if no diagnostic is an error.
pub fn check(program: &ast::Program) -> Checked<typed::Program> {
    let mut checker = Checker::new(program);
    checker.declare();
    checker.resolve_all();
    checker.check_liveness();
    checker.finish()
}

/// Proof that a mistake has been reported; what depends on it stays silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reported;

/// The outcome of a judgement about a part of the program.
type Judged<T> = Result<T, Reported>;

/// How far a definition has been resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Not looked at yet.
    Waiting,
    /// Being resolved: meeting it again is a cycle.
    Busy,
    /// Its axes, kind and plane are known.
    Done,
    /// Its statement has a mistake.
    Poisoned,
}

/// An index bound in the current equation.
#[derive(Clone, Debug)]
struct Bound {
    /// The name it is reached by; `None` for axes that were not written.
    name: Option<String>,
    index: IndexId,
    axis: AxisId,
    /// Bound by elaboration for an axis that is free in the text.
    fresh: bool,
}

/// The indices bound where an expression stands.
#[derive(Clone, Debug, Default)]
struct Context {
    bound: Vec<Bound>,
}

impl Context {
    /// The indices that run over an axis.
    fn over(&self, axis: AxisId) -> impl Iterator<Item = &Bound> {
        self.bound.iter().filter(move |b| b.axis == axis)
    }

    /// The context as inference saw it: without the indices that elaboration bound.
    fn written(&self) -> Context {
        Context { bound: self.bound.iter().filter(|b| !b.fresh).cloned().collect() }
    }

    /// Binds an index; one that elaboration bound over the same axis is hidden by it.
    fn push(&mut self, bound: Bound) {
        self.bound.retain(|b| !b.fresh || b.axis != bound.axis);
        self.bound.push(bound);
    }

    /// The index reached by a name; inner ones shadow outer ones.
    fn named(&self, name: &str) -> Option<&Bound> {
        self.bound.iter().rev().find(|b| b.name.as_deref() == Some(name))
    }
}

/// A statement that defines a name, as written.
#[derive(Clone, Copy, Debug)]
enum Defined<'a> {
    /// `name = value`
    Equation(&'a ast::Define),
    /// `ode name[axis] at times …`
    Solved(&'a ast::Ode),
    /// One state of an `ode at times …`: the block, and the position of the state in it.
    State(&'a ast::Ode, usize),
    /// By the checker itself, with its value: a name with missing cells as a whole, a factor that
    /// the program gives no name.
    Made,
}

impl<'a> Defined<'a> {
    /// The equation, if it is one.
    fn equation(self) -> Option<&'a ast::Define> {
        match self {
            Defined::Equation(define) => Some(define),
            Defined::Solved(_) | Defined::State(..) | Defined::Made => None,
        }
    }
}

/// An `axis` statement as written.
#[derive(Clone, Copy, Debug)]
struct AxisDeclaration<'a> {
    name: &'a ast::Name,
    extent: &'a ast::Extent,
}

/// The state of a check.
struct Checker<'a> {
    program: &'a ast::Program,
    typed: typed::Program,
    /// Axes by name; anonymous ranges by their text.
    axis_names: HashMap<String, AxisId>,
    /// Variables by name.
    names: HashMap<String, VariableId>,
    /// Where each variable came from, by id.
    progress: Vec<Progress>,
    /// The tree of each `=` definition, by [`typed::DefinitionId`].
    definitions: Vec<(Defined<'a>, Span)>,
    /// The tree of each `~` statement, by [`typed::RandomId`].
    randoms: Vec<(&'a ast::Random, Span)>,
    /// The variable and role of each `~` statement, by [`typed::RandomId`].
    random_heads: Vec<(VariableId, typed::RandomRole)>,
    /// The `axis` statements by name.
    declared_axes: HashMap<String, AxisDeclaration<'a>>,
    /// Whether some statement could not be read: what it defines is unknown.
    unreadable: bool,
    /// Whether some expression could not be read: what it uses is unknown.
    incomplete: bool,
    /// The place of the statement whose names are being declared.
    order: usize,
    /// Resolved definitions.
    definition_values: HashMap<typed::DefinitionId, typed::Definition>,
    /// Resolved `~` statements, by [`typed::RandomId`]; `None` where there was a mistake.
    random_values: Vec<Option<typed::Random>>,
    /// Names defined by statements with a mistake, or of kinds that are not run yet.
    poisoned: HashSet<String>,
    /// Unknown names already reported.
    unknown: HashSet<String>,
    /// Names that occur in some expression.
    used: HashSet<VariableId>,
    /// The observed names to be predicted, and where that is asked.
    predicted: Vec<(VariableId, Span)>,
    /// The definitions being resolved, innermost last.
    resolving: Vec<VariableId>,
    /// Definitions that were met while they were being resolved.
    recursive: HashSet<VariableId>,
    /// The axes of ranges whose ends depend on indices, by the place of the range.
    dependent: HashMap<Span, AxisId>,
    /// Names that stand for a value: the variate of a family that the program defines.
    given: Vec<(String, typed::Expr)>,
    /// The states of the differential equations that are being elaborated.
    states: Vec<String>,
    /// The `start`s and reductions that are being elaborated.
    starts: recurrence::Starts,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn new(program: &'a ast::Program) -> Self {
        Checker {
            program,
            typed: typed::Program::default(),
            axis_names: HashMap::new(),
            names: HashMap::new(),
            progress: Vec::new(),
            definitions: Vec::new(),
            randoms: Vec::new(),
            random_heads: Vec::new(),
            declared_axes: HashMap::new(),
            unreadable: false,
            incomplete: false,
            order: 0,
            definition_values: HashMap::new(),
            random_values: Vec::new(),
            poisoned: HashSet::new(),
            unknown: HashSet::new(),
            used: HashSet::new(),
            predicted: Vec::new(),
            resolving: Vec::new(),
            recursive: HashSet::new(),
            dependent: HashMap::new(),
            given: Vec::new(),
            states: Vec::new(),
            starts: recurrence::Starts::default(),
            diagnostics: Vec::new(),
        }
    }

    /// The program and what was found, in the order of the text. A program with errors keeps only
    /// the statements that have none.
    fn finish(mut self) -> Checked<typed::Program> {
        let complete = !self.diagnostics.iter().any(Diagnostic::is_error);
        if complete {
            let mut definitions: Vec<_> = self.definition_values.into_iter().collect();
            definitions.sort_by_key(|(id, _)| *id);
            self.typed.definitions = definitions.into_iter().map(|(_, d)| d).collect();
            self.typed.randoms = self.random_values.into_iter().flatten().collect();
        } else {
            self.typed.definition_order.clear();
        }
        self.diagnostics.sort_by_key(|d| d.primary.as_ref().map_or(0, |label| label.span.start));
        Checked { value: self.typed, diagnostics: self.diagnostics }
    }

    /// Records a mistake.
    fn report(&mut self, problem: impl Explain) -> Reported {
        self.diagnostics.push(problem.diagnostic());
        Reported
    }

    /// The statement that a place is in.
    fn statement_at(&self, span: Span) -> Option<Span> {
        let statements = self.program.statements.iter().map(|s| s.span);
        statements.into_iter().find(|s| s.start <= span.start && span.end <= s.end)
    }

    /// Allocates an index over an axis. Its printed name is made unique by `explain`.
    fn fresh_index(&mut self, name: impl Into<String>, axis: AxisId) -> IndexId {
        self.typed.indices.push(typed::Index { name: name.into(), axis });
        IndexId(self.typed.indices.len() as u32 - 1)
    }

    /// Binds fresh, unnamed indices over axes.
    fn bind_fresh(&mut self, context: &Context, axes: &[AxisId]) -> (Context, Vec<IndexId>) {
        let mut inner = context.clone();
        let mut indices = Vec::new();
        for axis in axes {
            let name = self.index_name(&inner, *axis);
            let index = self.fresh_index(name, *axis);
            inner.push(Bound { name: None, index, axis: *axis, fresh: true });
            indices.push(index);
        }
        (inner, indices)
    }

    /// A printable name for an index over an axis that no bound index has.
    fn index_name(&self, context: &Context, axis: AxisId) -> String {
        let axis_name = &self.typed.axis(axis).name;
        let stem = if axis_name.chars().next().is_some_and(char::is_alphabetic) {
            axis_name.clone()
        } else {
            "i".to_owned()
        };
        let taken =
            |name: &str| context.bound.iter().any(|b| self.typed.index_of(b.index).name == name);
        if !taken(&stem) {
            return stem;
        }
        (2..).map(|n| format!("{stem}{n}")).find(|name| !taken(name)).unwrap_or(stem)
    }

    /// The printed list of axes: `[house, county]`.
    fn axis_list(&self, axes: &[AxisId]) -> String {
        let names: Vec<&str> = axes.iter().map(|a| self.typed.axis(*a).name.as_str()).collect();
        format!("[{}]", names.join(", "))
    }

    /// The nearest known name to one that is not known.
    fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
        candidates
            .filter(|c| *c != name)
            .map(|c| (strsim::osa_distance(&c.to_lowercase(), &name.to_lowercase()), c))
            .filter(|(distance, c)| {
                *distance <= mistakes_of_typing(name.chars().count().max(c.chars().count()))
            })
            .min_by_key(|(distance, c)| (*distance, c.len(), *c))
            .map(|(_, c)| c.to_owned())
    }
}

/// Whether a family gives elements of an axis or whole numbers.
fn library_is_finite(name: &str) -> bool {
    let discrete =
        |family: &library::Family| family.parameterizations.iter().all(|p| p.variate.is_discrete());
    special::Special::is_finite(name) || library::family(name).is_some_and(discrete)
}

/// How many slips make a likely misspelling of a name this long. One and two letters are never
/// near: `a` is no misspelling of `y`.
fn mistakes_of_typing(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=7 => 2,
        _ => 3,
    }
}
