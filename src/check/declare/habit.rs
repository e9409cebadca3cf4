//! Data as they are easily written wrong: columns in brackets or after a colon, a column of labels
//! beside the one that equations use.

use super::super::{Checker, problem::NameProblem};
use super::meant_kind;
use crate::source::Span;
use crate::syntax::ast::{self, Entry, Name, StatementKind};
use crate::typed::{Kind, Role};

impl Checker<'_> {
    /// Reports `data car[mpg, wt]` and `data car: mpg, wt` where one of the names is given a
    /// distribution. What the statement declares is then unknown.
    pub(super) fn columns_in_brackets(&mut self, data: &ast::Data) -> bool {
        let found = data.entries.iter().find_map(|entry| self.bracketed(data, entry));
        let Some(problem) = found else { return false };
        self.report(problem);
        self.unreadable = true;
        true
    }

    fn bracketed(&self, data: &ast::Data, entry: &Entry) -> Option<NameProblem> {
        let Entry::Array { name, axes, kind, missing } = entry else { return None };
        let (table, at) = (name.value.clone(), name.span);
        let gap = |start: u32, end: u32| Span { start, end, ..at };
        if let Some(last) = axes.last().filter(|_| axes.iter().any(|a| self.is_drawn(a))) {
            let columns: Vec<String> = axes.iter().map(|a| a.value.clone()).collect();
            let edits = vec![
                (gap(at.end, axes[0].span.start), "(".to_owned()),
                (gap(last.span.end, last.span.end + 1), ")".to_owned()),
            ];
            let span = at.to(last.span);
            return Some(NameProblem::ColumnsInBrackets { table, columns, span, edits });
        }
        let first = kind.as_ref().filter(|k| self.is_only_a_kind(k))?;
        let later: Vec<&Name> = data.entries.iter().filter_map(plain).collect();
        let last = later.last().copied().unwrap_or(first);
        let alone = missing.is_none() && axes.is_empty() && later.len() + 1 == data.entries.len();
        if !alone || later.first().is_some_and(|l| l.span.start < at.start) {
            return None;
        }
        let columns = std::iter::once(first).chain(later.iter().copied());
        let columns = columns.map(|c| c.value.clone()).collect();
        let edits = vec![
            (gap(at.end, first.span.start), "(".to_owned()),
            (gap(last.span.end, last.span.end), ")".to_owned()),
        ];
        let span = at.to(last.span);
        Some(NameProblem::ColumnsInBrackets { table, columns, span, edits })
    }

    /// Reports `y = a + b * x` for data `y`.
    pub(in crate::check) fn computes_data(&mut self, define: &ast::Define, line: Span) -> bool {
        let (name, value) = (define.name.value.clone(), define.value.span);
        let found = self.names.get(&name).map(|v| self.typed.variable(*v));
        let Some(first) = found.filter(|v| matches!(v.role, Role::Data(_))).map(|v| v.span) else {
            return false;
        };
        let span = define.name.span;
        let mut edits = Vec::new();
        if define.binders.is_none() && define.guard.is_none() && !define.report {
            let sigma = Name::new("sigma".to_owned(), span);
            let has_sigma = self.names.contains_key("sigma") || self.is_drawn(&sigma);
            if !has_sigma {
                let before = Span { end: line.start, ..line };
                edits.push((before, "sigma ~ HalfNormal(1)\n".to_owned()));
            }
            let sign = Span { start: span.end, end: value.start, ..span };
            edits.push((sign, " ~ Normal(".to_owned()));
            edits.push((Span { start: value.end, ..value }, ", sigma)".to_owned()));
        }
        self.report(NameProblem::ComputesData { name, span, first, edits });
        true
    }

    /// What follows the name of a column: its kind, or nothing.
    pub(in crate::check) fn kind_at(&self, declared: Span) -> Option<Span> {
        let columns = self.program.statements.iter().filter_map(|s| {
            if let StatementKind::Data(data) = &s.kind { Some(&data.entries) } else { None }
        });
        let mut columns = columns.flatten().flat_map(|entry| match entry {
            Entry::Table { columns, .. } => columns.as_slice(),
            Entry::Array { .. } => &[],
        });
        let column = columns.find(|c| c.name.span == declared && c.missing.is_none())?;
        let end = column.kind.as_ref().map_or(declared.end, |k| k.span.end);
        Some(Span { start: declared.end, end, ..declared })
    }

    /// The axis that the one subscript of a name is an element of, if a column says so.
    pub(in crate::check) fn axis_of_subscript(&self, at: &[ast::Subscript]) -> Option<String> {
        let [ast::Subscript { axis: None, value }] = at else { return None };
        let ast::ExprKind::Name(name) = &value.kind else { return None };
        match self.names.get(name).map(|v| self.typed.variable(*v).kind) {
            Some(Kind::Index(axis)) => Some(self.typed.axis(axis).name.clone()),
            Some(Kind::Real | Kind::Int | Kind::Bool) | None => None,
        }
    }

    /// Whether some `~` stands after this name.
    fn is_drawn(&self, name: &Name) -> bool {
        self.program
            .statements
            .iter()
            .any(|s| matches!(&s.kind, StatementKind::Random(r) if r.name.value == name.value))
    }

    /// Whether a word after a colon is neither a kind nor an axis that anything else has.
    fn is_only_a_kind(&self, kind: &Name) -> bool {
        let text = kind.value.as_str();
        let is_kind = matches!(text, "real" | "int" | "bool" | "index");
        let here = self.axis_names.get(text).map(|axis| self.typed.axis(*axis));
        let is_first = here.is_some_and(|axis| axis.span == kind.span);
        let binds = |binders: &Option<Vec<ast::Binder>>| {
            let bound = binders.iter().flatten();
            bound.flat_map(|b| b.name.iter()).any(|name| name.value == text)
        };
        let is_bound = self.program.statements.iter().any(|s| match &s.kind {
            StatementKind::Random(random) => binds(&random.binders),
            StatementKind::Define(define) => binds(&define.binders),
            StatementKind::Import { .. }
            | StatementKind::Data(_)
            | StatementKind::Axis { .. }
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Ode(_)
            | StatementKind::Part(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => false,
        });
        !is_kind && meant_kind(text).is_none() && is_first && !is_bound
    }

    /// Reports a column with the name of its table where another table has it too, and gives its
    /// place: it is not declared.
    pub(super) fn label_column(&mut self, table: &Name, columns: &[ast::Column]) -> Option<Span> {
        let at = columns.iter().position(|c| c.name.value == table.value)?;
        let (name, span) = (table.value.clone(), columns[at].name.span);
        let other = self.program.statements.iter().find_map(|s| {
            let StatementKind::Data(data) = &s.kind else { return None };
            data.entries.iter().find_map(|entry| match entry {
                Entry::Table { name: other, columns } if other.value != name => {
                    columns.iter().find(|c| c.name.value == name).map(|c| c.name.span)
                }
                Entry::Table { .. } | Entry::Array { .. } => None,
            })
        })?;
        let start = |c: &ast::Column| c.header.as_ref().map_or(c.name.span, |h| h.span).start;
        let end = |c: &ast::Column| c.kind.as_ref().map_or(c.name.span, |k| k.span).end;
        let cut = match (columns.get(at + 1), at.checked_sub(1)) {
            (Some(next), _) => Span { start: start(&columns[at]), end: start(next), ..span },
            (None, Some(before)) => {
                let (start, end) = (end(&columns[before]), end(&columns[at]));
                Span { start, end, ..span }
            }
            (None, None) => return None,
        };
        self.report(NameProblem::LabelColumn { name, span, other, cut });
        Some(span)
    }
}

/// The name of an entry that is a name and nothing else.
fn plain(entry: &Entry) -> Option<&Name> {
    match entry {
        Entry::Array { name, missing: None, axes, kind: None } if axes.is_empty() => Some(name),
        Entry::Array { .. } | Entry::Table { .. } => None,
    }
}
