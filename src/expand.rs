//! Puts functions, families, modules and parts in where they are used: the tree as written to a
//! tree of plain equations. Needs no data and knows no types.
//!
//! Afterwards no `fun`, `dist`, `import`, `part`, `use` or `output` statement is left, and no call
//! of a function that the program defines. Expansion is hygienic: no index of a body catches a name
//! of an argument, and no index around a call a name of the body. What comes from a body has its
//! places in an expansion of its own ([`Sources::add_expansion`]), so that a message can show the
//! body and the call.

mod argument;
mod call;
mod modules;
mod name;
mod part;
mod problem;
mod rewrite;
mod scope;
mod standard;
mod statement;
mod tree;

pub use modules::{Modules, Read};

use crate::diagnostic::{Checked, Diagnostic};
use crate::source::{Sources, Span};
use crate::syntax::ast::{Define, Expr, Extent, Program, Random, Statement, Use};
use part::Instance;
use problem::{CallProblem, Report};
use scope::{Env, Scope};
use std::collections::{HashMap, HashSet};

/// How large an expanded program may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many expressions may be nested in one another; later phases walk them recursively.
    pub depth: usize,
    /// How many expressions calls may add in all.
    pub size: usize,
    /// How many bodies may be put in inside one another.
    pub bodies: usize,
}

impl Default for Limits {
    /// The depth that the parser allows, what takes about a second to check, and far more
    /// functions inside functions than anyone reads.
    fn default() -> Self {
        Limits { depth: 512, size: 200_000, bodies: 64 }
    }
}

/// Expands a program. Names that nothing defines are left for the checker.
pub fn expand(program: &Program, modules: &Modules, sources: &mut Sources) -> Checked<Program> {
    let mut expander = Expander::new(program, modules, sources);
    expander.collect(program);
    let env = Env::of(0);
    for statement in &program.statements {
        expander.statement(statement, &env);
        expander.make_wanted();
    }
    expander.finish(program)
}

/// Proof that a mistake has been reported; what depends on it stays silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reported;

/// The outcome of a step.
type Judged<T> = Result<T, Reported>;

/// Where the axes of a name of the expanded program are written.
#[derive(Clone, Debug)]
enum Axes<'a> {
    /// Here.
    Written(Vec<Extent>),
    /// On the left of an equation, to be read in an environment.
    Define(&'a Define, Env),
    Random(&'a Random, Env),
}

/// A `use` statement and where it stands.
#[derive(Clone, Debug)]
struct UseSite<'a> {
    used: &'a Use,
    env: Env,
}

/// The state of an expansion.
struct Expander<'a, 's> {
    /// The program, then its modules.
    scopes: Vec<Scope<'a>>,
    sources: &'s mut Sources,
    limits: Limits,
    /// The names that the program itself defines.
    names: HashSet<String>,
    /// Axes by name of the expanded program.
    axes: HashMap<String, Axes<'a>>,
    /// Definitions made of calls and of modules, by name.
    made: HashSet<String>,
    /// Values of definitions that were wanted before their statement came.
    early: HashMap<String, Option<Expr>>,
    /// Definitions and axes of modules that are wanted and not made yet.
    wanted: Vec<(usize, String)>,
    /// `use` statements by name.
    uses: HashMap<String, UseSite<'a>>,
    /// Parts in use, by name; `None` while one is set up, and if it could not be.
    instances: HashMap<String, Option<Instance<'a>>>,
    /// The callables whose bodies are being put in, outermost first.
    calling: Vec<(usize, String)>,
    /// How deep the expression being made stands.
    level: usize,
    /// How many statements are being made apart, inside one another.
    depth_apart: usize,
    /// How many expressions calls have added.
    size: usize,
    out: Vec<Statement>,
    diagnostics: Vec<Diagnostic>,
}

impl Report for Expander<'_, '_> {
    fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }
}

impl<'a, 's> Expander<'a, 's> {
    fn new(program: &'a Program, modules: &'a Modules, sources: &'s mut Sources) -> Self {
        let mut scopes = vec![Scope::of(String::new(), &program.statements)];
        for module in &modules.modules {
            scopes.push(Scope::of(format!("{}.", module.name), &module.program.statements));
        }
        let imports = std::iter::once(&modules.imports);
        let imports = imports.chain(modules.modules.iter().map(|m| &m.imports));
        for (scope, imports) in scopes.iter_mut().zip(imports) {
            let place = |i: &'a modules::Import| (i.alias.value.as_str(), i.module.map(|m| m + 1));
            scope.imports = imports.iter().map(place).collect();
        }
        Expander {
            scopes,
            sources,
            limits: Limits::default(),
            names: HashSet::new(),
            axes: HashMap::new(),
            made: HashSet::new(),
            early: HashMap::new(),
            wanted: Vec::new(),
            uses: HashMap::new(),
            instances: HashMap::new(),
            calling: Vec::new(),
            level: 0,
            depth_apart: 0,
            size: 0,
            out: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Notes what the program defines, and reports what is defined twice.
    fn collect(&mut self, program: &'a Program) {
        let env = Env::of(0);
        for statement in &program.statements {
            self.collect_statement(&statement.kind, &env);
        }
        let mut twice: Vec<(String, Span, Span)> = Vec::new();
        for scope in &self.scopes {
            for (name, first) in &scope.repeated {
                twice.push((name.value.clone(), name.span, first.span));
            }
            for callable in scope.callables.values() {
                twice.extend(call::repeated_parameters(*callable));
            }
        }
        twice.sort_by_key(|(_, span, _)| *span);
        for (name, span, first) in twice {
            self.report(CallProblem::DefinedTwice { name, span, first });
        }
    }

    /// Makes something that stands apart from the expression at hand: a statement of its own.
    fn apart<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let level = std::mem::take(&mut self.level);
        let calling = std::mem::take(&mut self.calling);
        self.depth_apart += 1;
        let made = make(self);
        self.depth_apart -= 1;
        (self.level, self.calling) = (level, calling);
        made
    }

    fn finish(self, program: &Program) -> Checked<Program> {
        let program = Program { statements: self.out, comments: program.comments.clone() };
        Checked { value: program, diagnostics: self.diagnostics }
    }
}

/// The nearest of some names, if it may be what was meant.
fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    let slips = 1 + name.chars().count() / 4;
    candidates
        .map(|c| (strsim::osa_distance(c, name), c))
        .filter(|(distance, c)| *distance <= slips && *c != name)
        .min()
        .map(|(_, c)| c.to_owned())
}
