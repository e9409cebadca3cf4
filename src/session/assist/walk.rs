//! Walks a tree as written and notes every name in it.

use super::names::{Index, Scopes, SymbolKind};
use crate::source::Span;
use crate::syntax::ast::*;
use std::collections::HashMap;

/// A walk through a program.
pub(super) struct Walker {
    scopes: Scopes,
    /// The parameters of functions, families and parts of the program, by their names.
    parameters: HashMap<String, HashMap<String, usize>>,
}

impl Walker {
    pub(super) fn new() -> Self {
        Walker { scopes: Scopes::default(), parameters: HashMap::new() }
    }

    pub(super) fn finish(self) -> Index {
        let mut index = self.scopes.index;
        index.occurrences.sort_by_key(|o| (o.span.start, o.span.end));
        index.occurrences.dedup();
        index
    }

    pub(super) fn program(&mut self, program: &Program) {
        self.declare_all(&program.statements);
        self.each(&program.statements, u32::MAX);
        self.arguments_by_name(&program.statements);
    }

    /// Makes the names of statements known before any is read: equations come in any order.
    fn declare_all(&mut self, statements: &[Statement]) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Import { alias, .. } => {
                    alias.iter().for_each(|a| self.declare(a, SymbolKind::Module));
                }
                StatementKind::Data(data) => {
                    data.entries.iter().for_each(|entry| self.declare_entry(entry));
                }
                StatementKind::Axis { name, .. } => self.declare(name, SymbolKind::Axis),
                StatementKind::Define(define) => {
                    self.declare(&define.name, SymbolKind::Definition);
                    self.declare_axes(&define.binders);
                }
                StatementKind::Random(random) => {
                    self.declare(&random.name, SymbolKind::Random);
                    self.declare_axes(&random.binders);
                }
                StatementKind::Function(f) => self.declare(&f.name, SymbolKind::Function),
                StatementKind::Distribution(d) => self.declare(&d.name, SymbolKind::Family),
                StatementKind::Ode(ode) => match &ode.name {
                    Some(name) => self.declare(name, SymbolKind::Definition),
                    None => ode
                        .equations
                        .iter()
                        .for_each(|e| self.declare(&e.state, SymbolKind::Definition)),
                },
                StatementKind::Part(part) => self.declare(&part.name, SymbolKind::Part),
                StatementKind::Use(used) => self.declare(&used.alias, SymbolKind::Part),
                StatementKind::Report(_)
                | StatementKind::Predict(_)
                | StatementKind::Factor(_)
                | StatementKind::Output(_)
                | StatementKind::Error => {}
            }
        }
    }

    fn declare(&mut self, name: &Name, kind: SymbolKind) {
        self.scopes.declare(&name.value, kind, name.span);
    }

    fn declare_entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Table { name, columns } => {
                self.declare(name, SymbolKind::Table);
                columns.iter().for_each(|c| self.declare(&c.name, SymbolKind::Column));
            }
            Entry::Array { name, axes, .. } => {
                self.declare(name, SymbolKind::Data);
                axes.iter().for_each(|axis| self.declare(axis, SymbolKind::Axis));
            }
        }
    }

    /// A bare name on a left side is an axis, perhaps of this line only.
    fn declare_axes(&mut self, binders: &Option<Vec<Binder>>) {
        for binder in binders.iter().flatten() {
            if let (Some(name), None) = (&binder.name, &binder.extent) {
                self.declare(name, SymbolKind::Axis);
            }
        }
    }

    /// A name where it is used; `module.name` is a use of the module.
    fn name(&mut self, name: &Name, defines: bool) {
        let own = name.value.split_once('.').map_or(name.value.as_str(), |(module, _)| module);
        let symbol = self.scopes.resolve(own);
        let end = name.span.start + own.len() as u32;
        self.scopes.occurs(symbol, Span { end, ..name.span }, defines);
    }

    /// Reads statements. What is typed after one belongs to it until the next begins, or `end`.
    fn each(&mut self, statements: &[Statement], end: u32) {
        for (at, statement) in statements.iter().enumerate() {
            let next = statements.get(at + 1).map_or(end, |next| next.span.start);
            let end = next.max(statement.span.end);
            self.statement(statement, Span { end, ..statement.span });
        }
    }

    /// Reads a statement, whose own names are known in `scope`.
    fn statement(&mut self, statement: &Statement, scope: Span) {
        match &statement.kind {
            StatementKind::Import { alias, .. } => alias.iter().for_each(|a| self.name(a, true)),
            StatementKind::Data(data) => {
                data.entries.iter().for_each(|entry| self.entry(entry));
                self.hints(&data.hints);
            }
            StatementKind::Axis { name, extent } => {
                self.name(name, true);
                self.extent(extent);
            }
            StatementKind::Define(define) => {
                self.name(&define.name, true);
                self.scopes.open(scope);
                self.binders(define.binders.iter().flatten());
                self.expr(&define.value);
                define.guard.iter().for_each(|guard| self.expr(guard));
                self.scopes.close();
            }
            StatementKind::Random(random) => {
                self.name(&random.name, true);
                self.scopes.open(scope);
                self.binders(random.binders.iter().flatten());
                self.expr(&random.distribution);
                random.over.iter().for_each(|axis| self.name(axis, false));
                random.guard.iter().for_each(|guard| self.expr(guard));
                self.hints(&random.hints);
                self.scopes.close();
            }
            StatementKind::Report(names)
            | StatementKind::Predict(names)
            | StatementKind::Output(names) => {
                names.iter().for_each(|name| self.name(name, false));
            }
            StatementKind::Factor(value) => self.expr(value),
            StatementKind::Function(function) => {
                self.name(&function.name, true);
                self.scopes.open(scope);
                self.parameters_of(&function.name, &function.parameters);
                self.binders(function.binders.iter().flatten());
                self.expr(&function.body);
                self.scopes.close();
            }
            StatementKind::Distribution(family) => {
                self.name(&family.name, true);
                self.scopes.open(scope);
                self.parameters_of(&family.name, &family.parameters);
                self.local(&family.variate);
                self.expr(&family.log_density);
                family.support.iter().for_each(|support| self.interval(support));
                self.scopes.close();
            }
            StatementKind::Ode(ode) => self.ode(ode, scope),
            StatementKind::Part(part) => {
                self.name(&part.name, true);
                self.scopes.open(scope);
                for axis in &part.axes {
                    self.local(axis);
                }
                self.parameters_of(&part.name, &part.parameters);
                self.declare_all(&part.statements);
                self.each(&part.statements, statement.span.end);
                self.scopes.close();
            }
            StatementKind::Use(used) => {
                self.name(&used.part, false);
                used.axes.iter().for_each(|axis| self.name(axis, false));
                used.arguments.iter().for_each(|argument| self.expr(&argument.value));
                self.name(&used.alias, true);
            }
            StatementKind::Error => {}
        }
    }

    /// A name of this statement only.
    fn local(&mut self, name: &Name) -> usize {
        let symbol = self.scopes.declare(&name.value, SymbolKind::Local, name.span);
        self.scopes.occurs(symbol, name.span, true);
        symbol
    }

    fn parameters_of(&mut self, callee: &Name, parameters: &[FunctionParameter]) {
        let mut known = HashMap::new();
        for parameter in parameters {
            known.insert(parameter.name.value.clone(), self.local(&parameter.name));
            parameter.axes.iter().for_each(|axis| {
                self.local(axis);
            });
        }
        self.parameters.insert(callee.value.clone(), known);
    }

    fn ode(&mut self, ode: &Ode, span: Span) {
        ode.name.iter().for_each(|name| self.name(name, true));
        ode.axes.iter().for_each(|axis| self.name(axis, false));
        self.name(&ode.at, false);
        self.expr(&ode.from);
        self.hints(&ode.hints);
        self.scopes.open(span);
        for equation in &ode.equations {
            if ode.name.is_some() {
                self.scopes.declare(&equation.state.value, SymbolKind::Local, equation.state.span);
            }
        }
        for equation in &ode.equations {
            self.name(&equation.state, true);
            self.expr(&equation.rate);
            self.expr(&equation.start);
        }
        self.scopes.close();
    }

    fn entry(&mut self, entry: &Entry) {
        let kind = |walker: &mut Self, kind: &Option<Name>| {
            let axis = kind
                .as_ref()
                .filter(|k| !matches!(k.value.as_str(), "real" | "int" | "bool" | "index"));
            if let Some(axis) = axis {
                walker.name(axis, false);
            }
        };
        match entry {
            Entry::Table { name, columns } => {
                self.name(name, true);
                for column in columns {
                    self.name(&column.name, true);
                    kind(self, &column.kind);
                }
            }
            Entry::Array { name, axes, kind: of, .. } => {
                self.name(name, true);
                axes.iter().for_each(|axis| self.name(axis, false));
                kind(self, of);
            }
        }
    }

    fn hints(&mut self, hints: &[Hint]) {
        let arguments = hints.iter().flat_map(|hint| &hint.arguments);
        arguments.for_each(|argument| self.expr(&argument.value));
    }

    fn binders<'a>(&mut self, binders: impl IntoIterator<Item = &'a Binder>) {
        for binder in binders {
            binder.extent.iter().for_each(|extent| self.extent(extent));
            match (&binder.name, &binder.extent) {
                (Some(name), Some(_)) => {
                    self.local(name);
                }
                (Some(name), None) => self.name(name, false),
                (None, _) => {}
            }
        }
    }

    fn extent(&mut self, extent: &Extent) {
        match extent {
            Extent::Range(low, high) => {
                self.expr(low);
                self.expr(high);
            }
            Extent::Labels(..) => {}
            Extent::Axis(axis) => self.name(axis, false),
        }
    }

    fn interval(&mut self, interval: &Interval) {
        self.expr(&interval.low);
        self.expr(&interval.high);
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Number { .. } | ExprKind::Label(_) | ExprKind::Error => {}
            ExprKind::Name(name) => {
                self.name(&crate::source::Spanned::new(name.clone(), e.span), false);
            }
            ExprKind::Unary(_, operand) => self.expr(operand),
            ExprKind::Binary(_, _, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Index(base, subscripts) => {
                self.expr(base);
                for subscript in subscripts {
                    subscript.axis.iter().for_each(|axis| self.name(axis, false));
                    self.expr(&subscript.value);
                }
            }
            ExprKind::Call(name, arguments) => {
                self.name(name, false);
                arguments.iter().for_each(|argument| self.expr(&argument.value));
            }
            ExprKind::Comprehension { function, binders, guard, body } => {
                self.name(function, false);
                self.scopes.open(e.span);
                self.binders(binders);
                guard.iter().for_each(|guard| self.expr(guard));
                self.expr(body);
                self.scopes.close();
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::If(condition, yes, no) => {
                self.expr(condition);
                self.expr(yes);
                self.expr(no);
            }
            ExprKind::In(value, bounds) => {
                self.expr(value);
                self.interval(bounds);
            }
            ExprKind::Start(value, first) => {
                self.expr(value);
                self.expr(first);
            }
            ExprKind::Group(inner) => self.expr(inner),
            ExprKind::Written(written) => self.expr(&written.log_density),
        }
    }

    /// The names of arguments that are parameters of the program's own functions.
    fn arguments_by_name(&mut self, statements: &[Statement]) {
        let mut found = Vec::new();
        for statement in statements {
            super::folds::calls(statement, &mut |callee, arguments| {
                let Some(parameters) = self.parameters.get(callee) else { return };
                for name in arguments.iter().filter_map(|argument| argument.name.as_ref()) {
                    found.extend(parameters.get(&name.value).map(|symbol| (*symbol, name.span)));
                }
            });
        }
        for (symbol, span) in found {
            self.scopes.occurs(symbol, span, false);
        }
    }
}
