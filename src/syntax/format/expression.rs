//! Expressions: blanks around operators, chains filled line by line, operators first.

use super::Writer;
use super::doc::Doc;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::token::Token;

/// How tightly a binary operator binds; a chain is of one level.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Power,
}

fn level(operator: BinaryOperator) -> Level {
    match operator {
        BinaryOperator::Or => Level::Or,
        BinaryOperator::And => Level::And,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual => Level::Comparison,
        BinaryOperator::Add | BinaryOperator::Subtract => Level::Sum,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Contract => {
            Level::Product
        }
        BinaryOperator::Power => Level::Power,
    }
}

/// `t-1`, `K+1`: the sum or difference of two names or numbers, written without blanks where it
/// is an index or the end of a range.
fn shift(e: &Expr) -> Option<(&Expr, BinaryOperator, Span, &Expr)> {
    let ExprKind::Binary(operator, place, left, right) = &e.kind else { return None };
    let atom = |e: &Expr| matches!(e.kind, ExprKind::Name(_) | ExprKind::Number { .. });
    let plain = level(*operator) == Level::Sum && atom(left) && atom(right);
    plain.then_some((left, *operator, *place, right))
}

impl<'t> Writer<'t> {
    /// An expression after the comments before it.
    pub(super) fn expr(&mut self, e: &'t Expr) -> Doc {
        let before = self.comments_before(e.span.start);
        Doc::Concat(vec![before, self.bare(e)])
    }

    fn bare(&mut self, e: &'t Expr) -> Doc {
        match &e.kind {
            ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Name(_) => {
                Doc::text(self.slice(e.span))
            }
            ExprKind::Unary(operator, operand) => {
                let sign = match operator {
                    UnaryOperator::Negate => "-",
                    UnaryOperator::Not => "not ",
                };
                Doc::Concat(vec![Doc::text(sign), self.expr(operand)])
            }
            ExprKind::Binary(operator, place, left, right) => match level(*operator) {
                Level::Power => self.tight(left, *operator, *place, right),
                level @ (Level::Or
                | Level::And
                | Level::Comparison
                | Level::Sum
                | Level::Product) => self.chain(e, level),
            },
            ExprKind::Index(base, subscripts) => {
                let base = self.expr(base);
                let list = self.bracketed(subscripts, e.span.end, |w, s| {
                    let name = w.argument_name(&s.axis);
                    Doc::Concat(vec![name, w.index(&s.value)])
                });
                Doc::Concat(vec![base, list])
            }
            ExprKind::Call(name, arguments) => {
                let name = self.name(name);
                let list = self.arguments(arguments, e.span.end);
                Doc::Concat(vec![name, list])
            }
            ExprKind::Comprehension { function, binders, guard, body } => {
                let head = Doc::Concat(vec![self.name(function), Doc::text("(")]);
                let binders = self.separated(binders, |w, b| w.binder(b), Doc::text(" "));
                let guard = match guard {
                    Some(guard) => Doc::Concat(vec![Doc::text(" where "), self.expr(guard)]),
                    None => Doc::Concat(Vec::new()),
                };
                let body = self.expr(body);
                let end = self.comments_before(e.span.end - 1);
                let inside = vec![binders, guard, Doc::text(":"), Doc::Line, body, end];
                Doc::group(vec![head, Doc::indent(inside), Doc::SoftLine, Doc::text(")")])
            }
            ExprKind::List(items) => self.filled("[", items, "]", e.span.end, |w, i| w.expr(i)),
            ExprKind::If(..) => self.conditional(e),
            ExprKind::In(value, bounds) => {
                let value = self.expr(value);
                Doc::Concat(vec![value, Doc::text(" in "), self.interval(bounds)])
            }
            ExprKind::Start(value, first) => {
                let value = self.expr(value);
                let first = vec![Doc::Line, Doc::text("start "), self.expr(first)];
                Doc::group(vec![value, Doc::indent(first)])
            }
            ExprKind::Group(inner) => {
                let inner = self.expr(inner);
                let end = self.comments_before(e.span.end - 1);
                let inside = Doc::indent(vec![inner, end]);
                Doc::Concat(vec![Doc::text("("), inside, Doc::text(")")])
            }
            // Not of the parser, or of a text that is refused.
            ExprKind::Written(_) | ExprKind::Error => Doc::text(self.slice(e.span)),
        }
    }

    /// Operand and operator without blanks.
    fn tight(
        &mut self,
        left: &'t Expr,
        operator: BinaryOperator,
        place: Span,
        right: &'t Expr,
    ) -> Doc {
        let left = self.expr(left);
        let before = self.comments_before(place.start);
        let symbol = Doc::text(operator.symbol());
        Doc::Concat(vec![left, before, symbol, self.expr(right)])
    }

    /// An index or the end of a range.
    pub(super) fn index(&mut self, e: &'t Expr) -> Doc {
        match shift(e) {
            Some((left, operator, place, right)) => self.tight(left, operator, place, right),
            None => self.expr(e),
        }
    }

    /// `a + b - c`: as many terms on a line as fit, each further line beginning with its operator.
    fn chain(&mut self, e: &'t Expr, of: Level) -> Doc {
        let mut links = Vec::new();
        let mut first = e;
        while let ExprKind::Binary(operator, place, left, right) = &first.kind
            && level(*operator) == of
        {
            links.push((*operator, *place, right));
            first = left;
        }
        let mut docs = vec![self.expr(first)];
        for (operator, place, operand) in links.into_iter().rev() {
            let trailing = self.trailing_before(place.start);
            let before = self.comments_before(place.start);
            let symbol = Doc::text(format!("{} ", operator.symbol()));
            let operand = self.expr(operand);
            docs.push(trailing);
            docs.push(Doc::Group(Box::new(Doc::indent(vec![Doc::Line, before, symbol, operand]))));
        }
        Doc::Concat(docs)
    }

    /// `if a then b else if c then d else e`
    fn conditional(&mut self, e: &'t Expr) -> Doc {
        let mut docs = Vec::new();
        let mut last = e;
        while let ExprKind::If(condition, yes, no) = &last.kind {
            let word = self.next(Token::Else, yes.span.end);
            let condition = vec![Doc::text("if "), self.expr(condition)];
            let yes = vec![Doc::Line, Doc::text("then "), self.expr(yes)];
            let branch = Doc::group(vec![Doc::Concat(condition), Doc::indent(yes)]);
            if docs.is_empty() {
                docs.push(branch);
            } else {
                docs.push(Doc::indent(vec![branch]));
            }
            let trailing = self.trailing_before(word);
            docs.push(Doc::indent(vec![trailing, Doc::Line, Doc::text("else ")]));
            let before = self.comments_before(no.span.start);
            docs.push(Doc::indent(vec![before]));
            last = no;
        }
        docs.push(Doc::indent(vec![self.bare(last)]));
        Doc::group(docs)
    }

    /// `[low, high]`
    pub(super) fn interval(&mut self, interval: &'t Interval) -> Doc {
        let before = self.comments_before(interval.span.start);
        let low = self.expr(&interval.low);
        let high = self.expr(&interval.high);
        let end = self.comments_before(interval.span.end - 1);
        let inside = Doc::indent(vec![low, Doc::text(", "), high, end]);
        Doc::Concat(vec![before, Doc::text("["), inside, Doc::text("]")])
    }

    /// A name as written.
    pub(super) fn name(&mut self, name: &Name) -> Doc {
        let before = self.comments_before(name.span.start);
        Doc::Concat(vec![before, Doc::text(self.slice(name.span))])
    }

    fn argument_name(&mut self, name: &Option<Name>) -> Doc {
        match name {
            Some(name) => Doc::Concat(vec![self.name(name), Doc::text(" = ")]),
            None => Doc::Concat(Vec::new()),
        }
    }

    /// `(a, b = c)`; `end` is one past the `)`.
    pub(super) fn arguments(&mut self, arguments: &'t [Argument], end: u32) -> Doc {
        self.list("(", arguments, ")", end, |w, argument| {
            let name = w.argument_name(&argument.name);
            Doc::Concat(vec![name, w.expr(&argument.value)])
        })
    }

    /// The binders on a left side, in brackets.
    pub(super) fn binders(&mut self, binders: &'t [Binder]) -> Doc {
        let last = binders.last().map_or(0, |b| b.span.end);
        let end = self.next(Token::CloseBracket, last) + 1;
        self.bracketed(binders, end, |w, b| w.binder(b))
    }

    fn binder(&mut self, binder: &'t Binder) -> Doc {
        match (&binder.name, &binder.extent) {
            (Some(name), None) => self.name(name),
            (Some(name), Some(extent)) => {
                let name = self.name(name);
                Doc::Concat(vec![name, Doc::text(" in "), self.extent(extent)])
            }
            (None, Some(extent)) => self.extent(extent),
            (None, None) => Doc::Concat(Vec::new()),
        }
    }

    /// The elements of an axis.
    pub(super) fn extent(&mut self, extent: &'t Extent) -> Doc {
        match extent {
            Extent::Range(low, high) => {
                let low = self.index(low);
                Doc::Concat(vec![low, Doc::text(".."), self.index(high)])
            }
            Extent::Labels(labels, span) => {
                let before = self.comments_before(span.start);
                let label = |w: &mut Self, label: &'t crate::source::Spanned<String>| w.name(label);
                Doc::Concat(vec![before, self.filled("[", labels, "]", span.end, label)])
            }
            Extent::Axis(name) => self.name(name),
        }
    }

    /// Items between brackets, which stay on their line.
    pub(super) fn bracketed<T>(
        &mut self,
        items: &'t [T],
        end: u32,
        each: impl FnMut(&mut Self, &'t T) -> Doc,
    ) -> Doc {
        let items = self.separated(items, each, Doc::text(" "));
        let last = self.comments_before(end - 1);
        Doc::Concat(vec![Doc::text("["), Doc::indent(vec![items, last]), Doc::text("]")])
    }

    /// Items between brackets; one a line where they do not fit on one.
    pub(super) fn list<T>(
        &mut self,
        open: &str,
        items: &'t [T],
        close: &str,
        end: u32,
        each: impl FnMut(&mut Self, &'t T) -> Doc,
    ) -> Doc {
        let items = self.separated(items, each, Doc::Line);
        let last = self.comments_before(end - 1);
        if items.is_empty() && last.is_empty() {
            return Doc::text(format!("{open}{close}"));
        }
        let inside = Doc::indent(vec![Doc::SoftLine, items, last]);
        Doc::group(vec![Doc::text(open), inside, Doc::SoftLine, Doc::text(close)])
    }

    /// Items between brackets; as many on a line as fit.
    pub(super) fn filled<T>(
        &mut self,
        open: &str,
        items: &'t [T],
        close: &str,
        end: u32,
        mut each: impl FnMut(&mut Self, &'t T) -> Doc,
    ) -> Doc {
        let mut docs = vec![Doc::SoftLine];
        for (number, item) in items.iter().enumerate() {
            let mut item = each(self, item);
            if number > 0 {
                docs.extend(item.take_trailing());
            }
            let comma = if number + 1 < items.len() { "," } else { "" };
            let item = Doc::Concat(vec![item, Doc::text(comma)]);
            match number {
                0 => docs.push(item),
                _ => docs.push(Doc::group(vec![Doc::Line, item])),
            }
        }
        docs.push(self.comments_before(end - 1));
        Doc::group(vec![Doc::text(open), Doc::indent(docs), Doc::SoftLine, Doc::text(close)])
    }

    /// Items with commas between them, each after the comments before it.
    pub(super) fn separated<T>(
        &mut self,
        items: &'t [T],
        mut each: impl FnMut(&mut Self, &'t T) -> Doc,
        gap: Doc,
    ) -> Doc {
        let mut docs = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let mut item = each(self, item);
            if number > 0 {
                docs.push(Doc::text(","));
                docs.extend(item.take_trailing());
                docs.push(gap.clone());
            }
            docs.push(item);
        }
        Doc::Concat(docs)
    }
}
