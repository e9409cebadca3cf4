//! Trees of expressions: their names, their size, and how they are printed.

use crate::syntax::ast::{
    Argument, Binder, Expr, ExprKind, Extent, FunctionParameter, Interval, Subscript, UnaryOperator,
};
use std::collections::HashSet;

/// Calls `visit` on every expression directly inside another.
pub(super) fn children<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    let interval = |i: &'e Interval, visit: &mut dyn FnMut(&'e Expr)| {
        visit(&i.low);
        visit(&i.high);
    };
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Name(_) | ExprKind::Error => {}
        ExprKind::Unary(_, a) | ExprKind::Group(a) => visit(a),
        ExprKind::Binary(_, _, a, b) | ExprKind::Start(a, b) => {
            visit(a);
            visit(b);
        }
        ExprKind::Index(base, subscripts) => {
            visit(base);
            subscripts.iter().for_each(|s| visit(&s.value));
        }
        ExprKind::Call(_, arguments) => arguments.iter().for_each(|a| visit(&a.value)),
        ExprKind::Comprehension { binders, guard, body, .. } => {
            for binder in binders {
                if let Some(Extent::Range(low, high)) = &binder.extent {
                    visit(low);
                    visit(high);
                }
            }
            guard.iter().for_each(|g| visit(g));
            visit(body);
        }
        ExprKind::List(items) => items.iter().for_each(visit),
        ExprKind::If(c, a, b) => {
            visit(c);
            visit(a);
            visit(b);
        }
        ExprKind::In(a, bounds) => {
            visit(a);
            interval(bounds, visit);
        }
        ExprKind::Written(written) => {
            visit(&written.log_density);
            if let Some(support) = &written.support {
                interval(support, visit);
            }
        }
    }
}

/// Adds every name of an expression, of axes and of indices too.
pub(super) fn names(expr: &Expr, out: &mut HashSet<String>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            out.insert(name.clone());
        }
        ExprKind::Comprehension { binders, .. } => {
            for binder in binders {
                out.extend(binder.name.iter().map(|n| n.value.clone()));
                if let Some(Extent::Axis(axis)) = &binder.extent {
                    out.insert(axis.value.clone());
                }
            }
        }
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Index(..)
        | ExprKind::Call(..)
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Group(_)
        | ExprKind::Written(_)
        | ExprKind::Error => {}
    }
    children(expr, &mut |child| names(child, out));
}

/// How many expressions are nested in one another.
pub(super) fn depth(expr: &Expr) -> usize {
    let mut deepest = 0;
    children(expr, &mut |child| deepest = deepest.max(depth(child)));
    deepest + 1
}

/// How many expressions there are.
pub(super) fn size(expr: &Expr) -> usize {
    let mut total = 1;
    children(expr, &mut |child| total += size(child));
    total
}

/// The expression as one operand, whatever stands around it.
pub(super) fn grouped(expr: Expr) -> Expr {
    match expr.kind {
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Index(..)
        | ExprKind::Call(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::Group(_)
        | ExprKind::Written(_)
        | ExprKind::Error => expr,
        ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..) => {
            let span = expr.span;
            Expr { kind: ExprKind::Group(Box::new(expr)), span }
        }
    }
}

/// Whether an expression can only be a distribution.
pub(super) fn is_distribution(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Group(inner) => is_distribution(inner),
        ExprKind::Call(family, _) => {
            let name = family.value.rsplit('.').next().unwrap_or_default();
            name.chars().next().is_some_and(char::is_uppercase)
        }
        ExprKind::In(..) | ExprKind::Written(_) => true,
        ExprKind::If(_, yes, no) => is_distribution(yes) || is_distribution(no),
        ExprKind::Start(a, b) => is_distribution(a) || is_distribution(b),
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::Error => false,
    }
}

/// `a, b`
fn list<T>(items: &[T], each: impl Fn(&T) -> String) -> String {
    items.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// `f(a, W[row, col])`
pub(super) fn signature(name: &str, parameters: &[FunctionParameter]) -> String {
    let parameter = |p: &FunctionParameter| match p.axes.as_slice() {
        [] => p.name.value.clone(),
        axes => format!("{}[{}]", p.name.value, list(axes, |a| a.value.clone())),
    };
    format!("{name}({})", list(parameters, parameter))
}

/// `[row, k in 1..3]`
pub(super) fn extents(extents: &[Extent]) -> String {
    format!("[{}]", list(extents, extent))
}

/// An axis as written.
pub(super) fn extent(extent: &Extent) -> String {
    match extent {
        Extent::Axis(name) => name.value.clone(),
        Extent::Range(low, high) => format!("{}..{}", print(low), print(high)),
        Extent::Labels(labels, _) => format!("[{}]", list(labels, |l| format!("{:?}", l.value))),
    }
}

fn binder(binder: &Binder) -> String {
    match (&binder.name, &binder.extent) {
        (Some(name), Some(over)) => format!("{} in {}", name.value, extent(over)),
        (Some(name), None) => name.value.clone(),
        (None, Some(over)) => extent(over),
        (None, None) => String::new(),
    }
}

fn argument(argument: &Argument) -> String {
    match &argument.name {
        Some(name) => format!("{} = {}", name.value, print(&argument.value)),
        None => print(&argument.value),
    }
}

fn subscript(subscript: &Subscript) -> String {
    match &subscript.axis {
        Some(axis) => format!("{} = {}", axis.value, print(&subscript.value)),
        None => print(&subscript.value),
    }
}

/// An expression as it would be written.
pub(super) fn print(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Number { value, integer: true } => format!("{value}"),
        ExprKind::Number { value, integer: false } => format!("{value:?}"),
        ExprKind::Label(label) => format!("\"{label}\""),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Unary(UnaryOperator::Negate, a) => format!("-{}", print(a)),
        ExprKind::Unary(UnaryOperator::Not, a) => format!("not {}", print(a)),
        ExprKind::Binary(operator, _, a, b) => {
            format!("{} {} {}", print(a), operator.symbol(), print(b))
        }
        ExprKind::Index(base, subscripts) => {
            format!("{}[{}]", print(base), list(subscripts, subscript))
        }
        ExprKind::Call(name, arguments) => {
            format!("{}({})", name.value, list(arguments, argument))
        }
        ExprKind::Comprehension { function, binders, guard, body } => {
            let guard = guard.as_ref().map_or(String::new(), |g| format!(" where {}", print(g)));
            format!("{}({}{guard}: {})", function.value, list(binders, binder), print(body))
        }
        ExprKind::List(items) => format!("[{}]", list(items, print)),
        ExprKind::If(c, a, b) => format!("if {} then {} else {}", print(c), print(a), print(b)),
        ExprKind::In(a, i) => format!("{} in [{}, {}]", print(a), print(&i.low), print(&i.high)),
        ExprKind::Start(a, b) => format!("{} start {}", print(a), print(b)),
        ExprKind::Group(inner) => format!("({})", print(inner)),
        ExprKind::Written(written) => {
            let density = print(&written.log_density);
            format!("{}({}: {density})", written.family.value, written.variate.value)
        }
        ExprKind::Error => "error".to_owned(),
    }
}

/// `[row, col]`
pub(super) fn names_of(names: &[crate::syntax::ast::Name]) -> String {
    format!("[{}]", list(names, |name| name.value.clone()))
}
