//! A checked program as a reader wants it: every equation fully indexed, every name with its role.

use crate::source::{Sources, Span};
use crate::typed::{
    Distribution, Factor, Kind, Program, RandomRole, Role, Structure, Variable, VariableId,
};

/// An equation with all its indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The statement.
    pub span: Span,
    /// The equation, one line per element where elements differ.
    pub lines: Vec<String>,
}

/// What is known of a name without data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// The name.
    pub name: String,
    /// `data`, `observed data`, `derived`, `latent` or `predicted`; `, reported` if so.
    pub role: String,
    /// Its axes.
    pub axes: Vec<String>,
    /// `real`, `int`, `bool` or `index<axis>`.
    pub kind: String,
    /// The interval of a latent, as the program writes its ends.
    pub support: Option<String>,
    /// The comment above it.
    pub documentation: Option<String>,
}

/// A program explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Every equation, in the order of the text.
    pub equations: Vec<Equation>,
    /// Every name, in the order of the text.
    pub names: Vec<NameRow>,
}

/// Explains a checked program.
pub fn explain(program: &Program, sources: &Sources) -> Explained {
    // What a name with missing cells is as a whole goes without saying.
    let written = program.definitions.iter().filter(|d| !program.is_whole(d.variable));
    let definitions = written.map(|definition| {
        let mut lines = program.print_definition(definition);
        let one = lines.len() == 1 && program.reports.contains(&definition.variable);
        if let (true, Some(line)) = (one, lines.first_mut()) {
            line.insert_str(0, "report ");
        }
        Equation { span: definition.span, lines }
    });
    let randoms = program
        .randoms
        .iter()
        .map(|random| Equation { span: random.span, lines: vec![program.print_random(random)] });
    let factors =
        program.factors.iter().map(|f| Equation { span: f.span, lines: vec![factor(program, f)] });
    let mut equations: Vec<Equation> = definitions.chain(randoms).chain(factors).collect();
    equations.sort_by_key(|equation| sources.order(equation.span));
    let mut ids: Vec<VariableId> =
        (0..program.variables.len()).map(|i| VariableId(i as u32)).collect();
    ids.retain(|id| !program.is_whole(*id));
    ids.sort_by_key(|id| program.variable(*id).order);
    Explained { equations, names: ids.into_iter().map(|id| row(program, id)).collect() }
}

/// A `factor` statement with all its indices.
pub(super) fn factor(program: &Program, factor: &Factor) -> String {
    let value = program.print(&factor.value);
    if factor.indices.is_empty() {
        return format!("factor {value}");
    }
    let binder = |id| {
        let index = program.index_of(id);
        let axis = &program.axis(index.axis).name;
        if *axis == index.name { axis.clone() } else { format!("{} in {axis}", index.name) }
    };
    let binders: Vec<String> = factor.indices.iter().map(|id| binder(*id)).collect();
    let guard = factor.guard.as_ref().map(|g| format!(" where {}", program.print(g)));
    format!("factor sum({}{}: {value})", binders.join(", "), guard.unwrap_or_default())
}

fn row(program: &Program, id: VariableId) -> NameRow {
    let variable = program.variable(id);
    let axes = variable.axes.iter().map(|a| program.axis(*a).name.clone());
    NameRow {
        name: variable.name.clone(),
        role: role(program, id, variable),
        axes: axes.collect(),
        kind: kind(program, variable.kind),
        support: support(program, variable),
        documentation: variable.documentation.clone(),
    }
}

fn role(program: &Program, id: VariableId, variable: &Variable) -> String {
    let observed = if variable.observed.is_some() { "observed " } else { "" };
    let reported = if program.reports.contains(&id) { ", reported" } else { "" };
    let missing = program.missing_cells_of(id).is_some();
    let missing = if missing { "missing cells, " } else { "" };
    match variable.role {
        Role::Data(_) => format!("{observed}data{reported}"),
        Role::Derived(_) => format!("{observed}derived{reported}"),
        Role::Latent(_) => format!("{missing}latent{reported}"),
        Role::Predicted(_) => format!("{missing}predicted{reported}"),
    }
}

/// The kind as the language writes it.
fn kind(program: &Program, kind: Kind) -> String {
    match kind {
        Kind::Real => "real".to_owned(),
        Kind::Int => "int".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Index(axis) => format!("index<{}>", program.axis(axis).name),
    }
}

fn support(program: &Program, variable: &Variable) -> Option<String> {
    let random = match variable.role {
        Role::Latent(id) | Role::Predicted(id) => program.randoms.get(id.index())?,
        Role::Data(_) | Role::Derived(_) => return None,
    };
    let discrete = random.distribution.is_discrete();
    match random.role {
        RandomRole::Observed => None,
        RandomRole::Latent | RandomRole::Finite | RandomRole::Predicted => {
            Some(space(program, variable, &random.distribution, discrete))
        }
    }
}

/// The set of values: an interval, the elements of an axis, or how elements are tied.
fn space(
    program: &Program,
    variable: &Variable,
    distribution: &Distribution,
    discrete: bool,
) -> String {
    match (distribution, variable.kind) {
        (Distribution::Structured(structured), _) => {
            let tied = match structured.structure {
                Structure::Ordered => "increasing",
                Structure::ZeroSum => "sums to 0",
            };
            let inside = interval(program, distribution, discrete);
            format!("{inside}, {tied}")
        }
        (Distribution::Joint(joint), _) => joint.form.variate.words().to_owned(),
        (_, Kind::Index(axis)) => format!("elements of {}", program.axis(axis).name),
        (_, Kind::Bool) => "{0, 1}".to_owned(),
        (_, Kind::Real | Kind::Int) => interval(program, distribution, discrete),
    }
}

/// `(0, inf)`, `{0, ..., n}`
fn interval(program: &Program, distribution: &Distribution, discrete: bool) -> String {
    let (low, high) = distribution.ends();
    let end = |end: Option<&crate::typed::Expr>, otherwise: &str| {
        end.map_or(otherwise.to_owned(), |e| program.print(e))
    };
    let (low, high) = (end(low.as_ref(), "-inf"), end(high.as_ref(), "inf"));
    if discrete { format!("{{{low}, ..., {high}}}") } else { format!("({low}, {high})") }
}
