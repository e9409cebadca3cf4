//! Statements: the left side, the value on the same line if it fits, then the clauses.

use super::doc::Doc;
use super::{Content, Item, Writer};
use crate::syntax::ast::*;
use crate::syntax::token::Token;

impl<'t> Writer<'t> {
    /// A statement, without the comments before it.
    pub(super) fn statement(&mut self, statement: &'t Statement) -> Doc {
        let end = statement.span.end;
        match &statement.kind {
            StatementKind::Import { path, alias } => {
                let path = self.name(path);
                let alias = self.word(" as ", alias);
                Doc::Concat(vec![Doc::text("import "), path, alias])
            }
            StatementKind::Data(data) => self.data(data),
            StatementKind::Axis { name, extent } => {
                let left = Doc::Concat(vec![Doc::text("axis "), self.name(name), Doc::text(" =")]);
                let extent = self.extent(extent);
                Doc::group(vec![left, Doc::Hang(Box::new(extent))])
            }
            StatementKind::Define(define) => {
                let word = if define.report { "report " } else { "" };
                let left = self.left(word, &define.name, &define.binders, " =");
                let value = self.value(&define.value);
                let guard = self.guard(&define.guard);
                Doc::group(vec![left, value, Doc::indent(vec![guard])])
            }
            StatementKind::Random(random) => self.random(random),
            StatementKind::Report(names) => self.listing("report ", names),
            StatementKind::Predict(names) => self.listing("predict ", names),
            StatementKind::Output(names) => self.listing("output ", names),
            StatementKind::Factor(value) => {
                // A line may not be broken after `factor`.
                let value = self.expr(value);
                Doc::group(vec![Doc::text("factor "), value])
            }
            StatementKind::Function(function) => {
                let name = Doc::Concat(vec![Doc::text("fun "), self.name(&function.name)]);
                let parameters = self.parameters(&function.parameters);
                let binders = self.optional_binders(&function.binders);
                let left = Doc::Concat(vec![name, parameters, binders, Doc::text(" =")]);
                let body = self.value(&function.body);
                Doc::group(vec![left, body])
            }
            StatementKind::Distribution(family) => self.family(family),
            StatementKind::Ode(ode) => self.ode(ode, end),
            StatementKind::Part(part) => self.part(part, end),
            StatementKind::Use(used) => {
                let part = Doc::Concat(vec![Doc::text("use "), self.name(&used.part)]);
                let axes = self.axes(&used.axes);
                let close = self.closing_of(&used.alias);
                let arguments = self.arguments(&used.arguments, close);
                let alias = vec![Doc::text(" as "), self.name(&used.alias)];
                Doc::Concat(vec![part, axes, arguments, Doc::Concat(alias)])
            }
            StatementKind::Error => Doc::text(self.slice(statement.span)),
        }
    }

    /// One past the `)` before `as alias`.
    fn closing_of(&self, alias: &Name) -> u32 {
        let at = self.tokens.partition_point(|lexeme| lexeme.start < alias.span.start);
        let before = self.tokens[..at].iter().rev().find(|l| l.token == Token::CloseParen);
        before.map_or(alias.span.start, |lexeme| lexeme.end)
    }

    /// A word before a name, if there is one.
    fn word(&mut self, word: &str, name: &Option<Name>) -> Doc {
        match name {
            Some(name) => Doc::Concat(vec![Doc::text(word), self.name(name)]),
            None => Doc::Concat(Vec::new()),
        }
    }

    /// What stands right of `=` or `~`.
    fn value(&mut self, e: &'t Expr) -> Doc {
        Doc::Hang(Box::new(self.expr(e)))
    }

    fn left(
        &mut self,
        word: &str,
        name: &Name,
        binders: &'t Option<Vec<Binder>>,
        operator: &str,
    ) -> Doc {
        let name = self.name(name);
        let binders = self.optional_binders(binders);
        Doc::Concat(vec![Doc::text(word), name, binders, Doc::text(operator)])
    }

    fn optional_binders(&mut self, binders: &'t Option<Vec<Binder>>) -> Doc {
        match binders {
            Some(binders) => self.binders(binders),
            None => Doc::Concat(Vec::new()),
        }
    }

    fn random(&mut self, random: &'t Random) -> Doc {
        let word = if random.predict { "predict " } else { "" };
        let left = self.left(word, &random.name, &random.binders, " ~");
        let value = self.value(&random.distribution);
        let mut clauses = Vec::new();
        if !random.over.is_empty() {
            let names = self.separated(&random.over, |w, n| w.name(n), Doc::text(" "));
            clauses.extend([Doc::Line, Doc::text("over "), names]);
        }
        clauses.push(self.guard(&random.guard));
        clauses.push(self.hints(&random.hints, Doc::Line));
        Doc::group(vec![left, value, Doc::indent(clauses)])
    }

    fn guard(&mut self, guard: &'t Option<Expr>) -> Doc {
        match guard {
            Some(guard) => Doc::Concat(vec![Doc::Line, Doc::text("where "), self.expr(guard)]),
            None => Doc::Concat(Vec::new()),
        }
    }

    fn hints(&mut self, hints: &'t [Hint], gap: Doc) -> Doc {
        if hints.is_empty() {
            return Doc::Concat(Vec::new());
        }
        let hints = self.separated(hints, |w, hint| w.hint(hint), Doc::text(" "));
        Doc::Concat(vec![gap, Doc::text("with "), hints])
    }

    fn hint(&mut self, hint: &'t Hint) -> Doc {
        let name = self.name(&hint.name);
        let Some(last) = hint.arguments.last() else {
            // `with centered()` is `with centered`, in the tree too.
            return name;
        };
        let end = self.next(Token::CloseParen, last.value.span.end) + 1;
        Doc::Concat(vec![name, self.arguments(&hint.arguments, end)])
    }

    fn listing(&mut self, word: &str, names: &'t [Name]) -> Doc {
        let names = self.separated(names, |w, n| w.name(n), Doc::Line);
        Doc::group(vec![Doc::text(word), Doc::indent(vec![names])])
    }

    fn data(&mut self, data: &'t Data) -> Doc {
        let entries = self.separated(&data.entries, |w, entry| w.entry(entry), Doc::Line);
        let from = match &data.from {
            // A line may not be broken before `from`.
            Some(from) => Doc::Concat(vec![Doc::text(" from "), self.name(from)]),
            None => Doc::Concat(Vec::new()),
        };
        let hints = self.hints(&data.hints, Doc::Line);
        Doc::group(vec![Doc::text("data "), Doc::indent(vec![entries, from, hints])])
    }

    fn entry(&mut self, entry: &'t Entry) -> Doc {
        match entry {
            Entry::Table { name, columns } => {
                let name = self.name(name);
                let last = columns.last().map_or(0, column_end);
                let end = self.next(Token::CloseParen, last) + 1;
                let columns = self.filled("(", columns, ")", end, |w, c| w.column(c));
                Doc::Concat(vec![name, columns])
            }
            Entry::Array { name, missing, axes, kind } => {
                let mark = Doc::text(if missing.is_some() { "?" } else { "" });
                let name = Doc::Concat(vec![self.name(name), mark]);
                let axes = self.axes(axes);
                Doc::Concat(vec![name, axes, self.word(": ", kind)])
            }
        }
    }

    fn column(&mut self, column: &'t Column) -> Doc {
        let header = match &column.header {
            Some(header) => Doc::Concat(vec![self.name(header), Doc::text(" as ")]),
            None => Doc::Concat(Vec::new()),
        };
        let mark = Doc::text(if column.missing.is_some() { "?" } else { "" });
        let name = self.name(&column.name);
        Doc::Concat(vec![header, name, mark, self.word(": ", &column.kind)])
    }

    /// `[a, b]`, or nothing.
    fn axes(&mut self, axes: &'t [Name]) -> Doc {
        let Some(last) = axes.last() else { return Doc::Concat(Vec::new()) };
        let end = self.next(Token::CloseBracket, last.span.end) + 1;
        self.bracketed(axes, end, |w, axis| w.name(axis))
    }

    fn parameters(&mut self, parameters: &'t [FunctionParameter]) -> Doc {
        let end = |p: &FunctionParameter| p.axes.last().map_or(p.name.span.end, |a| a.span.end);
        // Without parameters only blanks and comments stand between the brackets.
        let end = match parameters.last() {
            Some(last) => self.next(Token::CloseParen, end(last)) + 1,
            None => 1,
        };
        self.list("(", parameters, ")", end, |w, p| {
            let name = w.name(&p.name);
            Doc::Concat(vec![name, w.axes(&p.axes)])
        })
    }

    /// `dist name(parameters)(variate) = log_density on [low, high]`
    fn family(&mut self, family: &'t DistributionDefinition) -> Doc {
        let name = Doc::Concat(vec![Doc::text("dist "), self.name(&family.name)]);
        let parameters = self.parameters(&family.parameters);
        let end = self.next(Token::CloseParen, family.variate.span.end) + 1;
        let variate = std::slice::from_ref(&family.variate);
        let variate = self.list("(", variate, ")", end, |w, v| w.name(v));
        let left = Doc::Concat(vec![name, parameters, variate, Doc::text(" =")]);
        let value = self.value(&family.log_density);
        let on = match &family.support {
            // A line may not be broken before `on`.
            Some(on) => Doc::Concat(vec![Doc::text(" on "), self.interval(on)]),
            None => Doc::Concat(Vec::new()),
        };
        Doc::group(vec![left, value, on])
    }

    fn ode(&mut self, ode: &'t Ode, end: u32) -> Doc {
        let name = self.word(" ", &ode.name);
        let axes = self.axes(&ode.axes);
        let at = Doc::Concat(vec![Doc::text(" at "), self.name(&ode.at)]);
        let from = Doc::Concat(vec![Doc::text(" from "), self.expr(&ode.from)]);
        let stiff = Doc::text(if ode.stiff { " stiff" } else { "" });
        let hints = self.hints(&ode.hints, Doc::text(" "));
        let head = vec![Doc::text("ode"), name, axes, at, from, stiff, hints, Doc::text(" {")];
        let head = Doc::group(head);
        let items = ode.equations.iter().map(|equation| Item {
            span: equation.state.span.to(equation.start.span),
            content: Content::Equation(equation),
        });
        let inside = self.next(Token::OpenBrace, ode.from.span.end) + 1;
        let lines = self.lines(items.collect(), inside, end - 1);
        Doc::Concat(vec![head, Doc::indent(vec![lines]), Doc::HardLine, Doc::text("}")])
    }

    /// `state' = rate start value`
    pub(super) fn equation(&mut self, equation: &'t OdeEquation) -> Doc {
        let left = Doc::Concat(vec![self.name(&equation.state), Doc::text("' =")]);
        let rate = self.expr(&equation.rate);
        let start = vec![Doc::Line, Doc::text("start "), self.expr(&equation.start)];
        let value = Doc::group(vec![rate, Doc::indent(start)]);
        Doc::group(vec![left, Doc::Hang(Box::new(value))])
    }

    fn part(&mut self, part: &'t Part, end: u32) -> Doc {
        let name = Doc::Concat(vec![Doc::text("part "), self.name(&part.name)]);
        let axes = self.axes(&part.axes);
        let parameters = self.parameters(&part.parameters);
        let inside = self.next(Token::OpenBrace, part.name.span.end) + 1;
        let items = self.statements(&part.statements);
        let lines = self.lines(items, inside, end - 1);
        let head = Doc::Concat(vec![name, axes, parameters, Doc::text(" {")]);
        Doc::Concat(vec![head, Doc::indent(vec![lines]), Doc::HardLine, Doc::text("}")])
    }
}

fn column_end(column: &Column) -> u32 {
    column.kind.as_ref().map_or(column.name.span.end, |kind| kind.span.end)
}
