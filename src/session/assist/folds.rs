//! What can be folded, and the calls of a tree.

use crate::source::Span;
use crate::syntax::ast::*;

/// The stretches of more than one line that can be folded: statements, and blocks of comments.
pub fn folds(text: &str, program: &Program) -> Vec<Span> {
    let mut folds: Vec<Span> = Vec::new();
    let mut add = |span: Span| {
        let written = text.get(span.range()).unwrap_or("");
        if written.contains('\n') {
            folds.push(span);
        }
    };
    for statement in &program.statements {
        add(statement.span);
        if let StatementKind::Part(part) = &statement.kind {
            part.statements.iter().for_each(|inner| add(inner.span));
        }
    }
    let mut block: Option<Span> = None;
    for comment in &program.comments {
        let joined = block.filter(|block| {
            let gap = text.get(block.end as usize..comment.span.start as usize).unwrap_or("x");
            gap.trim().is_empty() && gap.matches('\n').count() == 1
        });
        block = Some(match joined {
            Some(block) => block.to(comment.span),
            None => {
                block.into_iter().for_each(&mut add);
                comment.span
            }
        });
    }
    block.into_iter().for_each(&mut add);
    folds.sort_by_key(|span| (span.start, span.end));
    folds
}

/// Visits every call with named arguments in a statement.
pub(super) fn calls(statement: &Statement, visit: &mut dyn FnMut(&str, &[Argument])) {
    match &statement.kind {
        StatementKind::Define(define) => {
            in_expr(&define.value, visit);
            define.guard.iter().for_each(|guard| in_expr(guard, visit));
        }
        StatementKind::Random(random) => {
            in_expr(&random.distribution, visit);
            random.guard.iter().for_each(|guard| in_expr(guard, visit));
        }
        StatementKind::Factor(value) => in_expr(value, visit),
        StatementKind::Function(function) => in_expr(&function.body, visit),
        StatementKind::Distribution(family) => in_expr(&family.log_density, visit),
        StatementKind::Ode(ode) => {
            in_expr(&ode.from, visit);
            for equation in &ode.equations {
                in_expr(&equation.rate, visit);
                in_expr(&equation.start, visit);
            }
        }
        StatementKind::Part(part) => {
            part.statements.iter().for_each(|statement| calls(statement, visit));
        }
        StatementKind::Use(used) => {
            visit(&used.part.value, &used.arguments);
            used.arguments.iter().for_each(|argument| in_expr(&argument.value, visit));
        }
        StatementKind::Import { .. }
        | StatementKind::Data(_)
        | StatementKind::Axis { .. }
        | StatementKind::Report(_)
        | StatementKind::Predict(_)
        | StatementKind::Output(_)
        | StatementKind::Error => {}
    }
}

fn in_expr(e: &Expr, visit: &mut dyn FnMut(&str, &[Argument])) {
    match &e.kind {
        ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Name(_) | ExprKind::Error => {}
        ExprKind::Unary(_, inner) | ExprKind::Group(inner) => in_expr(inner, visit),
        ExprKind::Binary(_, _, left, right) | ExprKind::Start(left, right) => {
            in_expr(left, visit);
            in_expr(right, visit);
        }
        ExprKind::Index(base, subscripts) => {
            in_expr(base, visit);
            subscripts.iter().for_each(|subscript| in_expr(&subscript.value, visit));
        }
        ExprKind::Call(name, arguments) => {
            visit(&name.value, arguments);
            arguments.iter().for_each(|argument| in_expr(&argument.value, visit));
        }
        ExprKind::Comprehension { guard, body, .. } => {
            guard.iter().for_each(|guard| in_expr(guard, visit));
            in_expr(body, visit);
        }
        ExprKind::List(items) => items.iter().for_each(|item| in_expr(item, visit)),
        ExprKind::If(condition, yes, no) => {
            in_expr(condition, visit);
            in_expr(yes, visit);
            in_expr(no, visit);
        }
        ExprKind::In(value, bounds) => {
            in_expr(value, visit);
            in_expr(&bounds.low, visit);
            in_expr(&bounds.high, visit);
        }
        ExprKind::Written(written) => in_expr(&written.log_density, visit),
    }
}
