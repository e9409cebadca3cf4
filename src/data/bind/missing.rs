//! Checks cells that the data leave out: a name may have them only if `?` says so, and may be used
//! only where it has a `~` or a condition says what to do without it.

use super::Binder;
use crate::data::claim::{data_variables, entry};
use crate::data::origin::Raw;
use crate::diagnostic::{Diagnostic, Slug};
use crate::library::Elementwise;
use crate::typed::{AxisOrigin, Distribution, Expr, ExprKind, Kind, VariableId};

/// How many missing cells are named.
const SHOWN: usize = 5;

impl Binder<'_> {
    /// Missing cells of a name that is not declared with `?`.
    pub(super) fn unmarked(&self, variable: VariableId, raw: &Raw) -> Option<Diagnostic> {
        let missing = raw.cells.missing();
        if missing.count == 0 || entry(self.typed, variable).is_some_and(|e| e.missing) {
            return None;
        }
        let declared = self.typed.variable(variable);
        let name = &declared.name;
        let message = format!("`{name}` has {}", counted(missing.count));
        let first = if missing.count > missing.first.len() { "the first: " } else { "" };
        let problem =
            Diagnostic::error(Slug::MissingCells, message, declared.span, "declared here")
                .note(format!("{first}{}", raw.origin.places(&missing.first)));
        let help = match (self.predicts(), declared.axes.is_empty(), declared.observed) {
            (true, _, _) => "drop those rows".to_owned(),
            (false, true, _) => "give it a number".to_owned(),
            (false, false, Some(_)) => {
                format!("mark it `{name}?`, and its missing cells are inferred; or drop those rows")
            }
            (false, false, None) => format!(
                "mark it `{name}?` and give it a distribution, {}, from which its missing cells are \
                 inferred; or drop those rows",
                self.example(variable)
            ),
        };
        Some(problem.help(help))
    }

    /// Missing cells of a name that is declared with `?` and used, but has no `~`.
    pub(super) fn check_missing_cells(&mut self) {
        let mut problems = Vec::new();
        for variable in data_variables(self.typed) {
            let is_marked = entry(self.typed, variable).is_some_and(|e| e.missing);
            let has_distribution = self.typed.incomplete.iter().any(|i| i.given == variable);
            if !is_marked || has_distribution || self.absent[variable.index()] {
                continue;
            }
            let cells = self.values[variable.index()].iter().flat_map(|a| a.cells());
            let gaps: Vec<usize> =
                cells.enumerate().filter(|(_, v)| v.is_nan()).map(|(at, _)| at).collect();
            if !gaps.is_empty() && self.is_used_unasked(variable) {
                problems.push(self.without_distribution(variable, &gaps));
            }
        }
        self.problems.extend(problems);
    }

    fn without_distribution(&self, variable: VariableId, gaps: &[usize]) -> Diagnostic {
        let declared = self.typed.variable(variable);
        let name = &declared.name;
        let message = format!("`{name}` has {} and no `~`", counted(gaps.len()));
        let problem =
            Diagnostic::error(Slug::MissingCells, message, declared.span, "declared with `?` here");
        let first = if gaps.len() > SHOWN { "the first: " } else { "" };
        let place = |at: &usize| match &self.placed[variable.index()] {
            Some(placed) => placed.place(*at),
            None => self.element(variable, *at),
        };
        let places: Vec<String> = gaps.iter().take(SHOWN).map(place).collect();
        problem.note(format!("{first}{}", places.join("; "))).help(format!(
            "give it a distribution, {}, from which its missing cells are inferred; or drop those \
             rows",
            self.example(variable)
        ))
    }

    /// A `~` for a name.
    fn example(&self, variable: VariableId) -> String {
        let declared = self.typed.variable(variable);
        let distribution = match declared.kind {
            Kind::Real => "Normal(mu, sigma)",
            Kind::Int => "Binomial(n, p)",
            Kind::Bool => "Bernoulli(p)",
            Kind::Index(_) => "Categorical(share)",
        };
        format!("`{} ~ {distribution}`", declared.name)
    }

    /// Whether a cell is used where no condition asks whether it is missing.
    fn is_used_unasked(&self, variable: VariableId) -> bool {
        let typed = self.typed;
        let uses = |expr: &Expr| uses_unasked(expr, variable);
        let guarded = |guard: Option<&Expr>| guard.is_some_and(|g| asks(g, variable));
        let defined = typed.definitions.iter().flat_map(|d| d.value.expressions()).any(uses);
        let drawn = typed.randoms.iter().any(|random| {
            let observes = random.variable == variable;
            let asked = guarded(random.guard.as_ref());
            !asked && (observes || drawn_unasked(&random.distribution, variable))
        });
        let added = typed.factors.iter().any(|f| !guarded(f.guard.as_ref()) && uses(&f.value));
        let indexed = typed.axes.iter().any(|axis| match &axis.origin {
            AxisOrigin::Range(low, high) => uses(low) || uses(high),
            AxisOrigin::Rows(_)
            | AxisOrigin::Array
            | AxisOrigin::Levels
            | AxisOrigin::Labels(_)
            | AxisOrigin::Same(_) => false,
        });
        defined || drawn || added || indexed
    }
}

/// `1 missing cell`, `14 missing cells`
fn counted(count: usize) -> String {
    if count == 1 { "1 missing cell".to_owned() } else { format!("{count} missing cells") }
}

/// Whether an expression asks whether cells of a name are missing.
fn asks(expr: &Expr, variable: VariableId) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= is_question(e, variable));
    found
}

fn is_question(expr: &Expr, variable: VariableId) -> bool {
    let ExprKind::Call(Elementwise::IsMissing, arguments) = &expr.kind else { return false };
    arguments.iter().any(|a| matches!(&a.kind, ExprKind::Variable(v, _) if *v == variable))
}

fn uses_unasked(expr: &Expr, variable: VariableId) -> bool {
    if is_question(expr, variable) {
        return false;
    }
    if let ExprKind::If(condition, ..) = &expr.kind
        && asks(condition, variable)
    {
        return false;
    }
    if let ExprKind::Reduce(reduce) = &expr.kind
        && reduce.guard.as_ref().is_some_and(|guard| asks(guard, variable))
    {
        return false;
    }
    matches!(&expr.kind, ExprKind::Variable(used, _) if *used == variable)
        || expr.children().into_iter().any(|child| uses_unasked(child, variable))
}

fn drawn_unasked(distribution: &Distribution, variable: VariableId) -> bool {
    if let Distribution::Choice(choice) = distribution {
        let asked = asks(&choice.condition, variable);
        return !asked
            && (uses_unasked(&choice.condition, variable)
                || drawn_unasked(&choice.yes, variable)
                || drawn_unasked(&choice.no, variable));
    }
    distribution.expressions().into_iter().any(|e| uses_unasked(e, variable))
}
