//! A `~` whose right side is a sum: a formula of R, a mean without its family, or a mixture.

use super::{
    Checker, Context, Reported,
    problem::{FamilyProblem, NotADistribution},
};
use crate::library;
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, Name};
use crate::syntax::formula::{Formula, Term};
use crate::typed::{Kind, RandomRole, Role};

impl Checker<'_> {
    /// Reports a right side of `~` that is a number, or a sum of distributions.
    pub(super) fn not_a_distribution(
        &mut self,
        name: &Name,
        expr: &Expr,
        context: &Context,
        role: RandomRole,
    ) -> Reported {
        let mut parts = Vec::new();
        summands(expr, &mut parts);
        if parts.iter().any(|part| family_in(part).is_some()) {
            return self.sum_of_distributions(name, expr, &parts);
        }
        if self.free(expr, context).is_err() {
            return Reported;
        }
        let known = role == RandomRole::Observed;
        let statement = self.random_span(name);
        let mut problem = NotADistribution {
            name: name.value.clone(),
            span: expr.span,
            known,
            equations: None,
            edits: Vec::new(),
        };
        if known && let Some(formula) = self.formula(name, &parts) {
            let is_taken = |n: &str| self.names.contains_key(n) || self.axis_names.contains_key(n);
            let equations = formula.equations(&is_taken);
            problem.edits.extend(statement.map(|(span, _)| (span, equations.join("\n"))));
            problem.equations = Some(equations);
        } else if known {
            let at = |start, end| Span { start, end, ..expr.span };
            problem.edits = vec![
                (at(expr.span.start, expr.span.start), "Normal(".to_owned()),
                (at(expr.span.end, expr.span.end), ", sigma)".to_owned()),
            ];
            if let (Some((span, _)), false) = (statement, self.names.contains_key("sigma")) {
                let line = "sigma ~ HalfNormal(1)\n".to_owned();
                problem.edits.insert(0, (Span { end: span.start, ..span }, line));
            }
        } else if let Some((_, false)) = statement {
            let sign = Span { start: name.span.end, end: expr.span.start, ..name.span };
            problem.edits.push((sign, " = ".to_owned()));
        }
        self.report(FamilyProblem::NotADistribution(Box::new(problem)))
    }

    /// The place of the `~` statement with this name, and whether its left side has an index.
    fn random_span(&self, name: &Name) -> Option<(Span, bool)> {
        let found = self.randoms.iter().find(|(tree, _)| tree.name.span == name.span);
        found.map(|(tree, span)| (*span, tree.binders.is_some()))
    }

    /// `y ~ 1 + x + g` over data, as a formula of R.
    fn formula(&self, name: &Name, parts: &[&Expr]) -> Option<Formula> {
        let (mut intercept, mut terms) = (true, Vec::new());
        for part in parts {
            if let ExprKind::Number { value, .. } = &part.kind {
                intercept = *value != 0.0;
                continue;
            }
            let mut factors = Vec::new();
            columns(part, &mut factors)?;
            let kinds = factors.iter().map(|factor| {
                let variable = self.typed.variable(*self.names.get(factor)?);
                matches!(variable.role, Role::Data(_)).then_some(variable.kind)
            });
            let kinds = kinds.collect::<Option<Vec<Kind>>>()?;
            terms.push(match (&factors[..], &kinds[..]) {
                ([group], [Kind::Index(_)]) => {
                    Term::Group { intercept: true, slopes: Vec::new(), group: group.clone() }
                }
                _ => Term::Slope(factors),
            });
        }
        Some(Formula { response: name.value.clone(), intercept, terms })
    }

    fn sum_of_distributions(&mut self, name: &Name, expr: &Expr, parts: &[&Expr]) -> Reported {
        let families: Vec<&Expr> = parts.iter().filter_map(|part| family_in(part)).collect();
        let axes = self.names.get(&name.value).map(|v| self.typed.variable(*v).axes.clone());
        let axes = axes.filter(|a| !a.is_empty()).map_or(String::new(), |a| self.axis_list(&a));
        let (help, edits) = match (&families[..], parts) {
            ([noise], [.., last]) if parts.len() > 1 => {
                let help = "give the rest of the sum to the distribution, as its mean: \
                            `y ~ Normal(a + b * x, sd)`";
                (help.to_owned(), with_mean(expr, noise, last).unwrap_or_default())
            }
            ([first, second], [weighted, _]) => {
                let weight = weight_of(weighted);
                let p = weight.clone().unwrap_or_else(|| "p".to_owned());
                let help = format!(
                    "a mixture chooses one of its parts: `z{axes} ~ Bernoulli({p})`, and then \
                     `{} ~ if z then … else …`",
                    name.value
                );
                let statement = self.random_span(name).map(|(span, _)| span);
                let line = weight.zip(statement).map(|(weight, span)| {
                    let line = format!("z{axes} ~ Bernoulli({weight})\n");
                    (Span { end: span.start, ..span }, line)
                });
                let at = |start, end| Span { start, end, ..expr.span };
                let edits = line.map_or(Vec::new(), |line| {
                    vec![
                        line,
                        (at(expr.span.start, first.span.start), "if z then ".to_owned()),
                        (at(first.span.end, second.span.start), " else ".to_owned()),
                        (at(second.span.end, expr.span.end), String::new()),
                    ]
                });
                (help, edits)
            }
            ([_], [_]) => {
                let help = "give the multiple to its parameters: `Normal(c * mean, c * sd)`";
                (help.to_owned(), Vec::new())
            }
            _ => {
                let help = format!(
                    "a mixture chooses one of its parts: `z{axes} ~ Categorical(w)`, and then \
                     `{} ~ Normal(mu[z], sd)`; numbers are combined inside a distribution",
                    name.value
                );
                (help, Vec::new())
            }
        };
        let span = families.first().map_or(expr.span, |f| f.span);
        self.report(FamilyProblem::SumOfDistributions { span, help, edits })
    }
}

/// The parts of a sum, in order.
fn summands<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Group(inner) => summands(inner, parts),
        ExprKind::Binary(BinaryOperator::Add, _, a, b) => {
            summands(a, parts);
            summands(b, parts);
        }
        ExprKind::Binary(..)
        | ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Unary(..)
        | ExprKind::Index(..)
        | ExprKind::Call(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => parts.push(expr),
    }
}

/// The call of a family that is a part of a sum, with or without a weight.
fn family_in(expr: &Expr) -> Option<&Expr> {
    match &expr.ungrouped().kind {
        ExprKind::Call(name, _) if library::family(&name.value).is_some() => Some(expr),
        ExprKind::Binary(BinaryOperator::Multiply, _, a, b) => family_in(a).or(family_in(b)),
        ExprKind::Binary(..)
        | ExprKind::Call(..)
        | ExprKind::Group(_)
        | ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Name(_)
        | ExprKind::Unary(..)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => None,
    }
}

/// The weight of `w * Family(…)`, where it is a name or a number.
fn weight_of(part: &Expr) -> Option<String> {
    let ExprKind::Binary(BinaryOperator::Multiply, _, a, b) = &part.ungrouped().kind else {
        return None;
    };
    let weight = if family_in(a).is_some() { b } else { a };
    match &weight.ungrouped().kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Number { value, .. } => Some(value.to_string()),
        ExprKind::Binary(..)
        | ExprKind::Call(..)
        | ExprKind::Group(_)
        | ExprKind::Label(_)
        | ExprKind::Unary(..)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => None,
    }
}

/// The edits from `a + b * x + Normal(0, s)` to `Normal(a + b * x, s)`.
fn with_mean(sum: &Expr, noise: &Expr, last: &Expr) -> Option<Vec<(Span, String)>> {
    let ExprKind::Call(family, arguments) = &noise.kind else { return None };
    let ExprKind::Binary(BinaryOperator::Add, _, rest, _) = &sum.kind else { return None };
    let [mean, sd] = &arguments[..] else { return None };
    let is_zero = matches!(mean.value.kind, ExprKind::Number { value, .. } if value == 0.0);
    if !is_zero || mean.name.is_some() || last.span != noise.span {
        return None;
    }
    let sd = sd.name.as_ref().map_or(sd.value.span, |n| n.span);
    let at = |start, end| Span { start, end, ..sum.span };
    Some(vec![
        (at(sum.span.start, sum.span.start), format!("{}(", family.value)),
        (at(rest.span.end, sd.start), ", ".to_owned()),
    ])
}

/// The names of a product of names.
fn columns(expr: &Expr, names: &mut Vec<String>) -> Option<()> {
    match &expr.ungrouped().kind {
        ExprKind::Name(name) => names.push(name.clone()),
        ExprKind::Binary(BinaryOperator::Multiply, _, a, b) => {
            columns(a, names)?;
            columns(b, names)?;
        }
        ExprKind::Binary(..)
        | ExprKind::Number { .. }
        | ExprKind::Call(..)
        | ExprKind::Group(_)
        | ExprKind::Label(_)
        | ExprKind::Unary(..)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::If(..)
        | ExprKind::In(..)
        | ExprKind::Start(..)
        | ExprKind::Written(_)
        | ExprKind::Error => return None,
    }
    Some(())
}
