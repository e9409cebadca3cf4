//! Mistakes about modules: files that cannot be read, statements and names that are not theirs.

use super::Explain;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::{Span, Spanned};
use crate::syntax::ast::Name;

/// A mistake about a module.
#[derive(Clone, Debug)]
pub(in crate::expand) enum ModuleProblem {
    NeedsAlias { path: Spanned<String> },
    AliasTwice { alias: Name, first: Span },
    ImportsItself { span: Span, chain: Vec<String> },
    NoStandard { name: String, span: Span, known: Vec<&'static str> },
    Unreadable { file: String, span: Span, why: String },
    Misplaced { what: &'static str, span: Span, import: Span },
    NoSuchName { module: String, name: String, span: Span, nearest: Option<String> },
    NotOfModule { name: String, span: Span },
    NotAValue { name: String, span: Span, what: &'static str, defined: Span },
}

impl Explain for ModuleProblem {
    fn diagnostic(self) -> Diagnostic {
        match self {
            ModuleProblem::NeedsAlias { path } => Diagnostic::error(
                Slug::BadImport,
                "this module has no name to be reached by",
                path.span,
                "the name of the file is not a name of the language",
            )
            .help(format!("give it one: `import \"{}\" as m`", path.value))
            .edit(Span { start: path.span.end, ..path.span }, " as m"),
            ModuleProblem::AliasTwice { alias, first } => Diagnostic::error(
                Slug::DefinedTwice,
                format!("`{}` is defined twice", alias.value),
                alias.span,
                "another module of this name",
            )
            .because(first, "first defined here")
            .help("give one of the modules another name with `as`"),
            ModuleProblem::ImportsItself { span, chain } => Diagnostic::error(
                Slug::BadImport,
                "these modules import each other",
                span,
                "this import closes the circle",
            )
            .note(format!("the chain: {}", chain.join(" -> ")))
            .help("move what both need to a third module"),
            ModuleProblem::NoStandard { name, span, known } => {
                let near = super::super::nearest(&name, known.iter().copied());
                let known: Vec<String> = known.iter().map(|n| format!("std/{n}")).collect();
                let diagnostic = Diagnostic::error(
                    Slug::BadImport,
                    format!("there is no module `std/{name}`"),
                    span,
                    "not in the standard library",
                )
                .note(format!("its modules: {}", known.join(", ")));
                match near {
                    Some(near) => diagnostic
                        .help(format!("did you mean `std/{near}`?"))
                        .edit(span, format!("\"std/{near}\"")),
                    None => diagnostic,
                }
            }
            ModuleProblem::Unreadable { file, span, why } => Diagnostic::error(
                Slug::BadImport,
                format!("the module `{file}` cannot be read"),
                span,
                "imported here",
            )
            .note(why)
            .help("the path is relative to the file that imports it"),
            ModuleProblem::Misplaced { what, span, import } => Diagnostic::error(
                Slug::BadModule,
                format!("{what} cannot stand in a module"),
                span,
                "not a definition that others can use",
            )
            .because(import, "imported here")
            .help("a module has `fun`, `dist`, `part`, `axis`, `import` and definitions by `=`"),
            ModuleProblem::NoSuchName { module, name, span, nearest } => {
                let diagnostic = Diagnostic::error(
                    Slug::UnknownName,
                    format!("the module `{module}` has no `{name}`"),
                    span,
                    "not defined there",
                );
                match nearest {
                    Some(near) => diagnostic
                        .help(format!("did you mean `{module}.{near}`?"))
                        .edit(span, format!("{module}.{near}")),
                    None => diagnostic,
                }
            }
            ModuleProblem::NotOfModule { name, span } => Diagnostic::error(
                Slug::UnknownName,
                format!("`{name}` is not defined in this module"),
                span,
                "unknown here",
            )
            .help("a module does not see the program that imports it; make this a parameter"),
            ModuleProblem::NotAValue { name, span, what, defined } => Diagnostic::error(
                Slug::WrongKind,
                format!("`{name}` is a {what}, not a value"),
                span,
                "a value is wanted here",
            )
            .because(defined, "defined here")
            .help(match what {
                "part" => format!("bring it in by a line `use {name}(…) as h`"),
                _ => format!("call it: `{name}(…)`"),
            }),
        }
    }
}
