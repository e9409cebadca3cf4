//! Reports what the grammar accepts only to say something better than "unexpected token".
//!
//! Afterwards no comparison in the tree is chained, and no `if`, `in` or `start` is ambiguous.

use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;
use crate::syntax::ast::*;

/// Checks one statement.
pub(super) fn check(kind: &StatementKind, out: &mut Vec<Diagnostic>) {
    match kind {
        StatementKind::Axis { extent, .. } => check_extent(extent, out),
        StatementKind::Define(define) => {
            check_binders(define.binders.iter().flatten(), out);
            expr(&define.value, out);
            define.guard.iter().for_each(|e| expr(e, out));
        }
        StatementKind::Random(random) => {
            check_binders(random.binders.iter().flatten(), out);
            expr(&random.distribution, out);
            random.guard.iter().for_each(|e| expr(e, out));
            check_hints(&random.hints, out);
        }
        StatementKind::Data(data) => check_hints(&data.hints, out),
        StatementKind::Factor(value) => expr(value, out),
        StatementKind::Function(function) => {
            check_binders(function.binders.iter().flatten(), out);
            expr(&function.body, out);
        }
        StatementKind::Distribution(distribution) => {
            expr(&distribution.log_density, out);
            distribution.support.iter().for_each(|i| interval(i, out));
        }
        StatementKind::Ode(ode) => {
            expr(&ode.from, out);
            ode.hints.iter().flat_map(|h| &h.arguments).for_each(|a| expr(&a.value, out));
            ode.equations.iter().for_each(|e| ode_equation(e, out));
        }
        // The statements of a part are checked one by one.
        StatementKind::Part(_) => {}
        StatementKind::Use(used) => used.arguments.iter().for_each(|a| expr(&a.value, out)),
        StatementKind::Import { .. }
        | StatementKind::Report(_)
        | StatementKind::Predict(_)
        | StatementKind::Output(_)
        | StatementKind::Error => {}
    }
}

fn ode_equation(equation: &OdeEquation, out: &mut Vec<Diagnostic>) {
    let before = out.len();
    expr(&equation.rate, out);
    expr(&equation.start, out);
    if equation.start.kind == ExprKind::Error && out.len() == before {
        let state = &equation.state.value;
        out.push(
            Diagnostic::error(
                Slug::UnexpectedToken,
                format!("`{state}` has no value to start from"),
                equation.rate.span,
                "expected `start` and a value after this",
            )
            .help(format!("write `{state}' = … start` and the value at the initial time")),
        );
    }
}

fn check_hints(hints: &[Hint], out: &mut Vec<Diagnostic>) {
    hints.iter().flat_map(|h| &h.arguments).for_each(|a| expr(&a.value, out));
}

fn check_binders<'a>(binders: impl IntoIterator<Item = &'a Binder>, out: &mut Vec<Diagnostic>) {
    binders.into_iter().filter_map(|b| b.extent.as_ref()).for_each(|e| check_extent(e, out));
}

fn check_extent(extent: &Extent, out: &mut Vec<Diagnostic>) {
    match extent {
        Extent::Range(low, high) => {
            expr(low, out);
            expr(high, out);
        }
        Extent::Labels(..) | Extent::Axis(_) => {}
    }
}

fn interval(interval: &Interval, out: &mut Vec<Diagnostic>) {
    expr(&interval.low, out);
    expr(&interval.high, out);
}

fn expr(e: &Expr, out: &mut Vec<Diagnostic>) {
    match &e.kind {
        ExprKind::Unary(_, operand) => {
            let sign = Span { end: e.span.start + 1, ..e.span };
            loose_operand(operand, sign, out);
            expr(operand, out);
        }
        ExprKind::Binary(operator, place, left, right) => {
            if is_comparison(*operator) {
                chained(left, *place, out);
            }
            if !matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
                negated(right, *place, out);
            }
            loose_operand(right, *place, out);
            expr(left, out);
            expr(right, out);
        }
        ExprKind::If(..) => conditional(e, out),
        ExprKind::Index(base, subscripts) => {
            expr(base, out);
            subscripts.iter().for_each(|s| expr(&s.value, out));
        }
        ExprKind::Call(_, arguments) => arguments.iter().for_each(|a| expr(&a.value, out)),
        ExprKind::Comprehension { binders, guard, body, .. } => {
            check_binders(binders, out);
            guard.iter().for_each(|g| expr(g, out));
            expr(body, out);
        }
        ExprKind::List(items) => items.iter().for_each(|i| expr(i, out)),
        ExprKind::In(value, bounds) => {
            expr(value, out);
            interval(bounds, out);
        }
        ExprKind::Start(value, first) => {
            expr(value, out);
            expr(first, out);
        }
        ExprKind::Group(inner) => expr(inner, out),
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Written(_)
        | ExprKind::Error => {}
    }
}

fn is_comparison(operator: BinaryOperator) -> bool {
    match operator {
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual => true,
        BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Contract
        | BinaryOperator::Power
        | BinaryOperator::And
        | BinaryOperator::Or => false,
    }
}

/// `a < b < c`
fn chained(left: &Expr, place: Span, out: &mut Vec<Diagnostic>) {
    let ExprKind::Binary(first, first_place, before, middle) = &left.kind else { return };
    let longer = matches!(&before.kind, ExprKind::Binary(o, ..) if is_comparison(*o));
    if !is_comparison(*first) || longer {
        return;
    }
    let mut diagnostic = Diagnostic::error(
        Slug::ChainedComparison,
        "comparisons do not chain",
        place,
        "a second comparison",
    )
    .because(*first_place, "the first one")
    .help("join two comparisons with `and`: `a < b and b < c`");
    // A name or number is short enough to repeat in the edit.
    let repeated = if let ExprKind::Name(name) = &middle.kind {
        Some(name.clone())
    } else if let ExprKind::Number { value, .. } = &middle.kind {
        Some(value.to_string())
    } else {
        None
    };
    if let Some(repeated) = repeated {
        let insert = Span { end: place.start, ..place };
        diagnostic = diagnostic.edit(insert, format!("and {repeated} "));
    }
    out.push(diagnostic);
}

/// `b + if …` and `-if …`
fn loose_operand(operand: &Expr, operator: Span, out: &mut Vec<Diagnostic>) {
    if !matches!(operand.kind, ExprKind::If(..)) {
        return;
    }
    out.push(
        parenthesise(
            Diagnostic::error(
                Slug::ForeignSyntax,
                "an `if` after an operator needs parentheses",
                first_word(operand.span, "if"),
                "this `if` would take everything after its `else`",
            ),
            operand.span,
        )
        .because(operator, "the operator")
        .help("write parentheses around `if … then … else …`"),
    );
}

/// `a + not b`
fn negated(operand: &Expr, operator: Span, out: &mut Vec<Diagnostic>) {
    if !matches!(operand.kind, ExprKind::Unary(UnaryOperator::Not, _)) {
        return;
    }
    out.push(
        parenthesise(
            Diagnostic::error(
                Slug::UnexpectedToken,
                "a `not` after an operator needs parentheses",
                first_word(operand.span, "not"),
                "`not` reaches as far as the next `and` or `or`",
            ),
            operand.span,
        )
        .because(operator, "the operator")
        .help("write parentheses around `not …`"),
    );
}

/// `if … else if … else …`: the last branch is checked once, against the whole.
fn conditional(whole: &Expr, out: &mut Vec<Diagnostic>) {
    let mut branch = whole;
    while let ExprKind::If(condition, yes, no) = &branch.kind {
        expr(condition, out);
        expr(yes, out);
        branch = no;
    }
    dangling(whole, branch, out);
    expr(branch, out);
}

/// `if c then a else b in [0, 1]`
fn dangling(whole: &Expr, branch: &Expr, out: &mut Vec<Diagnostic>) {
    let (word, inner, outer_end) = if let ExprKind::In(value, bounds) = &branch.kind {
        ("in", value.span, bounds.span)
    } else if let ExprKind::Start(value, first) = &branch.kind {
        ("start", value.span, first.span)
    } else {
        return;
    };
    let after = Span { start: inner.end, end: outer_end.end, ..inner };
    let before = Span { end: inner.end, ..whole.span };
    out.push(
        parenthesise(
            Diagnostic::error(
                Slug::AmbiguousElse,
                format!("`{word}` after `else` is ambiguous"),
                after,
                "does this belong to the last branch or to the whole `if`?",
            ),
            before,
        )
        .help(format!(
            "for the whole, write `(if … then … else …) {word} …`; \
             for the branch, put the parentheses after `else`"
        )),
    );
}

fn parenthesise(diagnostic: Diagnostic, span: Span) -> Diagnostic {
    diagnostic
        .edit(Span { end: span.start, ..span }, "(")
        .edit(Span { start: span.end, ..span }, ")")
}

fn first_word(span: Span, word: &str) -> Span {
    Span { end: span.start + word.len() as u32, ..span }
}
