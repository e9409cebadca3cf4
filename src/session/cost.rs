//! What it costs to sum out the latents with finitely many values, before anything is compiled.

use crate::bound::{self, EvaluationError, Evaluator, Finite};
use crate::diagnostic::{Diagnostic, Slug};
use crate::engine;
use crate::graph::eliminate::{TooLarge, plan};
use crate::source::Span;
use crate::typed::RandomRole;

/// The most entries that a table may be allowed: 8 GiB of numbers.
pub const LARGEST_TABLE: usize = 1 << 30;

/// The most entries of a table, where not asked for otherwise.
pub fn usual_table() -> usize {
    engine::Options::default().largest_table
}

/// Which latents a statement ties together at one of its elements.
struct Tie {
    scope: Vec<u32>,
    span: Span,
}

/// The error for a program whose latents with finitely many values meet in a table that is too
/// large, with their names and the line where they meet.
pub(super) fn costly(bound: &bound::Program, largest: usize) -> Option<Diagnostic> {
    let evaluator = Evaluator::of(bound, ());
    // What cannot be evaluated is said when the program is compiled.
    let finite = Finite::of(bound, &evaluator).ok()?;
    if finite.elements.is_empty() {
        return None;
    }
    let ties = ties(bound, &evaluator, &finite).ok()?;
    let sizes: Vec<u32> = finite.elements.iter().map(|e| e.size).collect();
    let scopes: Vec<&[u32]> = ties.iter().map(|tie| tie.scope.as_slice()).collect();
    let too_large = plan(&sizes, &scopes, largest).err()?;
    Some(explain(bound, &finite, &ties, &too_large, largest))
}

fn ties(
    bound: &bound::Program,
    evaluator: &Evaluator<'_, ()>,
    finite: &Finite,
) -> Result<Vec<Tie>, EvaluationError> {
    let mut ties = Vec::new();
    for random in &bound.typed.randoms {
        if random.role == RandomRole::Predicted || !bound::finite::is_finite(bound, random) {
            continue;
        }
        let over = random.distribution.over();
        let indices: Vec<_> =
            random.indices.iter().copied().filter(|i| !over.contains(i)).collect();
        over.iter().for_each(|index| evaluator.set(*index, 0));
        evaluator.for_each(&indices, random.guard.as_ref(), |_| {
            let position = random.indices.iter().fold(0, |position, index| {
                position * evaluator.extent(*index) + evaluator.at(*index)
            });
            let scope = finite.scope(evaluator, random, position)?;
            ties.push(Tie { scope, span: random.span });
            Ok::<(), EvaluationError>(())
        })?;
    }
    for factor in &bound.typed.factors {
        if !bound::finite::mentions(bound, &factor.value) {
            continue;
        }
        evaluator.for_each(&factor.indices, factor.guard.as_ref(), |_| {
            let scope = finite.scope_of_factor(evaluator, factor)?;
            ties.push(Tie { scope, span: factor.span });
            Ok::<(), EvaluationError>(())
        })?;
    }
    Ok(ties)
}

fn explain(
    bound: &bound::Program,
    finite: &Finite,
    ties: &[Tie],
    too_large: &TooLarge,
    largest: usize,
) -> Diagnostic {
    let meets = |tie: &&Tie| tie.scope.iter().filter(|v| too_large.variables.contains(v)).count();
    let names = names(bound, finite, &too_large.variables);
    let message = format!(
        "summing out {names} needs a table of {} entries; the largest allowed has {}",
        power(too_large.entries),
        power(largest),
    );
    // The first statement of those that tie most of them.
    let most = ties.iter().map(|tie| meets(&tie)).max().unwrap_or(0);
    let line = ties.iter().find(|tie| meets(tie) == most).map(|tie| tie.span);
    let span = line.unwrap_or_default();
    let problem = Diagnostic::error(Slug::CostlyElimination, message, span, "they meet here");
    let help = "latents that one statement uses together are summed over all combinations of their \
                values: give them fewer values, or use fewer of them in one statement";
    problem.help(match too_large.entries.checked_next_power_of_two() {
        Some(enough) if enough <= LARGEST_TABLE => {
            format!("{help}; or allow it: `--max-table {}`", power(enough))
        }
        Some(_) | None => help.to_owned(),
    })
}

/// `z[1], z[2] and 18 more`
fn names(bound: &bound::Program, finite: &Finite, variables: &[u32]) -> String {
    const SHOWN: usize = 3;
    let elements = variables.iter().filter_map(|v| finite.elements.get(*v as usize));
    let name = |element: &bound::FiniteElement| {
        let name = &bound.typed.variable(element.variable).name;
        let labels = bound.labels(element.variable, element.position);
        format!("`{}`", crate::output::element_name(name, &labels))
    };
    let shown: Vec<String> = elements.take(SHOWN).map(name).collect();
    match variables.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `2^20`, or the number where it is no power of two.
fn power(entries: usize) -> String {
    match entries {
        usize::MAX => "more than 2^64".to_owned(),
        _ if entries.is_power_of_two() => format!("2^{}", entries.ilog2()),
        _ => entries.to_string(),
    }
}
