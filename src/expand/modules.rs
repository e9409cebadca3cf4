//! Reads the modules that a program imports, and those that they import, each once.
//!
//! Every module of the result has been parsed, holds only statements that a module may have, and
//! imports no module that imports it.

use super::problem::{ModuleProblem, Report};
use super::standard;
use crate::diagnostic::{Checked, Diagnostic};
use crate::source::{SourceId, Sources, Span, Spanned};
use crate::syntax::ast::{Name, Program, StatementKind};
use crate::syntax::parser::parse;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Component, Path, PathBuf};

/// Reads a file named by an `import`. Paths are relative to the folder of the program.
pub type Read<'r> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'r;

/// The modules behind a program.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// The modules, those that others import before these.
    pub(super) modules: Vec<Module>,
    /// What the program itself imports.
    pub(super) imports: Vec<Import>,
    /// The files that were read, by their paths relative to the program.
    files: Vec<(PathBuf, SourceId)>,
}

/// A module.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// What its names begin with in an expanded program: `m` of `m.f`.
    pub(super) name: String,
    /// Its text, parsed.
    pub(super) program: Program,
    /// What it imports.
    pub(super) imports: Vec<Import>,
}

/// The name a module is reached by.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The name.
    pub(super) alias: Name,
    /// The module; `None` if it could not be read, which has been reported.
    pub(super) module: Option<usize>,
}

impl Modules {
    /// Loads the modules of a program, whose folder is shown in the names of files. Paths are
    /// relative to the file that imports them; `std/…` names a module of the standard library.
    pub fn load(
        program: &Program,
        folder: &Path,
        sources: &mut Sources,
        read: &Read<'_>,
    ) -> Checked<Modules> {
        let mut loader = Loader {
            folder,
            sources,
            read,
            files: Vec::new(),
            modules: Vec::new(),
            known: HashMap::new(),
            names: HashSet::new(),
            loading: Vec::new(),
            diagnostics: Vec::new(),
        };
        let imports = loader.imports(program, Path::new(""));
        let modules = Modules { modules: loader.modules, imports, files: loader.files };
        Checked { value: modules, diagnostics: loader.diagnostics }
    }

    /// The files that were read, by their paths relative to the program.
    pub fn files(&self) -> impl Iterator<Item = (&Path, SourceId)> {
        self.files.iter().map(|(path, source)| (path.as_path(), *source))
    }
}

struct Loader<'l> {
    folder: &'l Path,
    files: Vec<(PathBuf, SourceId)>,
    sources: &'l mut Sources,
    read: &'l Read<'l>,
    modules: Vec<Module>,
    /// Modules by file, with those that could not be read.
    known: HashMap<PathBuf, Option<usize>>,
    names: HashSet<String>,
    /// The files being loaded, outermost first, with the place of the `import`.
    loading: Vec<(PathBuf, Span)>,
    diagnostics: Vec<Diagnostic>,
}

impl Report for Loader<'_> {
    fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }
}

impl Loader<'_> {
    fn imports(&mut self, program: &Program, folder: &Path) -> Vec<Import> {
        let mut imports: Vec<Import> = Vec::new();
        for statement in &program.statements {
            let StatementKind::Import { path, alias } = &statement.kind else { continue };
            let alias = match alias.clone().or_else(|| stem(path)) {
                Some(alias) => alias,
                None => {
                    self.report(ModuleProblem::NeedsAlias { path: path.clone() });
                    continue;
                }
            };
            if let Some(first) = imports.iter().find(|i| i.alias.value == alias.value) {
                let first = first.alias.span;
                self.report(ModuleProblem::AliasTwice { alias, first });
                continue;
            }
            let module = self.module(path, folder, &alias.value);
            imports.push(Import { alias, module });
        }
        imports
    }

    /// The module of a path, loaded if it is not yet.
    fn module(&mut self, path: &Spanned<String>, folder: &Path, alias: &str) -> Option<usize> {
        let standard = path.value.strip_prefix("std/").map(|name| name.trim_end_matches(".vi"));
        let file = match standard {
            Some(name) => Path::new("std").join(name),
            None => normal(&folder.join(&path.value)),
        };
        if let Some(at) = self.loading.iter().position(|(loading, _)| *loading == file) {
            let mut chain: Vec<String> =
                self.loading[at..].iter().map(|(file, _)| file.display().to_string()).collect();
            chain.push(file.display().to_string());
            self.report(ModuleProblem::ImportsItself { span: path.span, chain });
            return None;
        }
        if let Some(known) = self.known.get(&file) {
            return *known;
        }
        let loaded = match standard {
            Some(name) => match standard::text(name) {
                Some(text) => Some(self.sources.add_embedded(file.display().to_string(), text)),
                None => {
                    self.report(ModuleProblem::NoStandard {
                        name: name.to_owned(),
                        span: path.span,
                        known: standard::names(),
                    });
                    None
                }
            },
            None => self.read_file(&file, path),
        };
        let module = loaded.map(|source| self.parsed(source, file.clone(), path.span, alias));
        self.known.insert(file, module);
        module
    }

    fn read_file(&mut self, file: &Path, path: &Spanned<String>) -> Option<SourceId> {
        let shown = self.folder.join(file).display().to_string();
        let text = (self.read)(file).map_err(|error| error.to_string()).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
        });
        match text {
            Ok(text) => {
                let source = self.sources.add(shown, text);
                self.files.push((file.to_path_buf(), source));
                Some(source)
            }
            Err(why) => {
                self.report(ModuleProblem::Unreadable { file: shown, span: path.span, why });
                None
            }
        }
    }

    fn parsed(&mut self, source: SourceId, file: PathBuf, import: Span, alias: &str) -> usize {
        let text = self.sources.get(source).map_or(String::new(), |s| s.text.clone());
        let parsed = parse(source, &text);
        self.diagnostics.extend(parsed.diagnostics);
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        self.loading.push((file, import));
        let imports = self.imports(&parsed.value, &folder);
        self.loading.pop();
        for statement in &parsed.value.statements {
            if let Some(what) = misplaced(&statement.kind) {
                let span = statement.span;
                self.report(ModuleProblem::Misplaced { what, span, import });
            }
        }
        let mut name = alias.to_owned();
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        self.modules.push(Module { name, program: parsed.value, imports });
        self.modules.len() - 1
    }
}

/// What a module may not have.
fn misplaced(kind: &StatementKind) -> Option<&'static str> {
    match kind {
        StatementKind::Data(_) => Some("`data`"),
        StatementKind::Random(_) => Some("a `~`"),
        StatementKind::Report(_) => Some("`report`"),
        StatementKind::Predict(_) => Some("`predict`"),
        StatementKind::Factor(_) => Some("`factor`"),
        StatementKind::Ode(_) => Some("`ode`"),
        StatementKind::Use(_) => Some("`use`"),
        StatementKind::Define(define) if define.report => Some("`report`"),
        // `output` is reported where statements are expanded, wherever it stands.
        StatementKind::Import { .. }
        | StatementKind::Axis { .. }
        | StatementKind::Define(_)
        | StatementKind::Function(_)
        | StatementKind::Distribution(_)
        | StatementKind::Part(_)
        | StatementKind::Output(_)
        | StatementKind::Error => None,
    }
}

/// The name that `import "folder/name.vi"` gives a module.
fn stem(path: &Spanned<String>) -> Option<Name> {
    let stem = Path::new(&path.value).file_stem()?.to_str()?;
    let mut letters = stem.chars();
    let starts = letters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let is_name = starts && letters.all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| Name::new(stem.to_owned(), path.span))
}

/// A path without `.` and, where it can be told without the file system, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            Component::Prefix(_)
            | Component::RootDir
            | Component::ParentDir
            | Component::Normal(_) => out.push(component),
        }
    }
    out
}
