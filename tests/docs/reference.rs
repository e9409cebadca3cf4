//! Writes docs/families.md and docs/functions.md from the declarations of the library, and holds
//! the committed pages against them.
//!
//! `VIPPL_BLESS=1 cargo test --test docs` writes the pages.

use super::root;
use std::fmt::Write;
use vippl::library::{
    Density, Family, FunctionRule, Parameterization, Support, distribution, function,
};

const FAMILIES: &str = "# Distribution families

Every family that a `~` can name. Each form lists the parameters in positional order, what they may
be, and the log density, which is always fully normalised. A form is chosen by the names of its
parameters; the first one also takes its arguments by position, unless the family is marked *named
arguments only*.

";

const FUNCTIONS: &str = "# Functions

Every function that an expression can call. How functions treat axes is in
[the language reference](language.md#functions-and-axes).

";

pub(super) fn support(support: Support, names: &[&str]) -> String {
    support.words(names)
}

fn form(out: &mut String, family: &Family, form: &Parameterization, first: bool) {
    let positional = first && !family.named_only;
    let names: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
    let shown: Vec<String> = names
        .iter()
        .map(|n| if positional { (*n).to_owned() } else { format!("{n} = …") })
        .collect();
    let call = match shown.as_slice() {
        [] => family.name.to_owned(),
        _ => format!("{}({})", family.name, shown.join(", ")),
    };
    let _ = writeln!(out, "`{call}`\n");
    for parameter in form.parameters {
        let range = support(parameter.support, &names);
        let _ = writeln!(out, "* `{}`: {} ({range})", parameter.name, parameter.doc);
    }
    let _ = writeln!(out, "* variate: {}", support(form.variate, &names));
    let _ = writeln!(out, "* log density: {}", form.doc.replace('*', "\\*"));
    let truncation = if form.density == Density::Flat {
        "bounds the support, and is never normalised"
    } else if form.density.has_cdf() {
        "conditions, with the normalising constant"
    } else {
        "not available"
    };
    let _ = writeln!(out, "* `in [a, b]`: {truncation}\n");
}

fn families() -> String {
    let mut out = FAMILIES.to_owned();
    for family in distribution::ALL {
        let _ = writeln!(out, "## {}\n\n{}", family.name, family.doc);
        if family.named_only {
            let _ = writeln!(out, "*Named arguments only.*");
        }
        if family.location_scale.is_some() {
            let _ = writeln!(out, "A location-scale family: takes `with noncentered`.");
        }
        out.push('\n');
        for (position, parameterization) in family.parameterizations.iter().enumerate() {
            form(&mut out, family, parameterization, position == 0);
        }
    }
    out.push_str(&super::joint::sections());
    format!("{}\n", out.trim_end())
}

fn functions() -> String {
    let mut out = FUNCTIONS.to_owned();
    type Wanted = fn(FunctionRule) -> bool;
    let sections: [(&str, Wanted); 3] = [
        ("Cell by cell", |r| matches!(r, FunctionRule::Elementwise(_))),
        ("Reductions", |r| {
            matches!(r, FunctionRule::Reduction(_) | FunctionRule::ReductionOrElementwise(..))
        }),
        ("Whole axes", |r| matches!(r, FunctionRule::WholeAxis(_))),
    ];
    for (title, wanted) in sections {
        let _ = writeln!(out, "## {title}\n\n| call | meaning |\n|---|---|");
        for f in function::ALL.iter().filter(|f| wanted(f.rule)) {
            let doc = f.doc.replace('|', "\\|").replace("* ", "\\* ");
            let _ = writeln!(out, "| `{}({})` | {doc} |", f.name, f.parameters.join(", "));
        }
        out.push('\n');
    }
    format!("{}\n", out.trim_end())
}

fn hold(page: &str, generated: &str) {
    let path = root().join("docs").join(page);
    if std::env::var_os("VIPPL_BLESS").is_some() {
        std::fs::write(&path, generated).expect("a writable page");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/{page} is not what the library declares; to write it again run\n    \
         VIPPL_BLESS=1 cargo test --test docs"
    );
}

#[test]
fn the_page_of_families_is_what_the_library_declares() {
    hold("families.md", &families());
}

#[test]
fn the_page_of_functions_is_what_the_library_declares() {
    hold("functions.md", &functions());
}
