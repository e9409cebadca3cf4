//! Collects what each statement introduces: tables, axes, data, definitions, `~` statements.
//!
//! After this every name of the program is known, whatever the order of the equations.

mod habit;

use super::{AxisDeclaration, Checker, Defined, Progress, problem::NameProblem};
use crate::library;
use crate::source::Span;
use crate::syntax::ast::{self, Binder, Entry, Extent, Name, StatementKind};
use crate::typed::{
    self, Axis, AxisId, AxisOrigin, DataEntry, DefinitionId, Kind, Plane, RandomId, RandomRole,
    Role, TableId, Variable, VariableId,
};

impl<'a> Checker<'a> {
    /// Runs the collection: axes first, because everything else may name them.
    pub(super) fn declare(&mut self) {
        let program = self.program;
        for statement in &program.statements {
            self.declare_axes(&statement.kind);
        }
        for statement in &program.statements {
            self.declare_levels(&statement.kind);
        }
        for (order, statement) in program.statements.iter().enumerate() {
            self.order = order;
            self.declare_names(statement);
        }
        self.declare_latents();
        self.resolve_ranges();
    }

    /// Adds an axis unless one of the name exists; `axis` statements come before tables, tables
    /// before array axes, array axes before levels.
    fn add_axis(&mut self, name: &Name, origin: AxisOrigin) -> AxisId {
        if let Some(axis) = self.axis_names.get(&name.value) {
            return *axis;
        }
        let axis = AxisId(self.typed.axes.len() as u32);
        self.typed.axes.push(Axis { name: name.value.clone(), span: name.span, origin });
        self.axis_names.insert(name.value.clone(), axis);
        axis
    }

    fn declare_axes(&mut self, statement: &'a StatementKind) {
        match statement {
            StatementKind::Axis { name, extent } => {
                if let Some(first) = self.declared_axes.get(&name.value) {
                    let first = first.name.span;
                    self.report(NameProblem::DefinedTwice {
                        name: name.value.clone(),
                        span: name.span,
                        first,
                    });
                    return;
                }
                self.declared_axes.insert(name.value.clone(), AxisDeclaration { name, extent });
                let origin = match extent {
                    Extent::Labels(labels, _) => {
                        AxisOrigin::Labels(labels.iter().map(|l| l.value.clone()).collect())
                    }
                    // Filled in by `resolve_ranges`, when names can be looked up.
                    Extent::Range(..) | Extent::Axis(_) => AxisOrigin::Array,
                };
                // An `axis` statement decides over a table or array of the same name.
                let axis = self.add_axis(name, AxisOrigin::Array);
                self.typed.axes[axis.index()].origin = origin;
                self.typed.axes[axis.index()].span = name.span;
            }
            StatementKind::Data(data) => {
                for entry in &data.entries {
                    if let Entry::Table { name, .. } = entry {
                        let table = TableId(self.typed.tables.len() as u32);
                        let axis = self.add_axis(name, AxisOrigin::Rows(table));
                        self.typed.tables.push(typed::Table {
                            name: name.value.clone(),
                            span: name.span,
                            axis,
                            columns: Vec::new(),
                            from: data.from.as_ref().map(|f| f.value.clone()),
                        });
                    }
                }
            }
            StatementKind::Import { .. }
            | StatementKind::Define(_)
            | StatementKind::Random(_)
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Ode(_)
            | StatementKind::Part(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => {}
        }
    }

    /// Axes that exist because an array or a column mentions them.
    fn declare_levels(&mut self, statement: &'a StatementKind) {
        match statement {
            StatementKind::Data(data) => {
                for entry in &data.entries {
                    if let Entry::Array { axes, .. } = entry {
                        for axis in axes {
                            let id = self.add_axis(axis, AxisOrigin::Array);
                            if matches!(self.typed.axis(id).origin, AxisOrigin::Levels) {
                                self.typed.axes[id.index()].origin = AxisOrigin::Array;
                            }
                        }
                    }
                }
                for entry in &data.entries {
                    match entry {
                        Entry::Table { columns, .. } => {
                            for column in columns {
                                self.declare_kind(&column.name, column.kind.as_ref());
                            }
                        }
                        Entry::Array { name, kind, .. } => {
                            self.declare_kind(name, kind.as_ref());
                        }
                    }
                }
            }
            StatementKind::Define(define) => {
                if let (ast::ExprKind::Call(function, arguments), Some(binders)) =
                    (&define.value.kind, &define.binders)
                    && function.value == "columns"
                    && let Some(Binder { name: Some(axis), extent: None, .. }) = binders.last()
                {
                    let labels = arguments.iter().filter_map(super::statement::column_label);
                    let labels = labels.map(|l| l.value).collect();
                    self.add_axis(axis, AxisOrigin::Labels(labels));
                }
            }
            StatementKind::Axis { .. }
            | StatementKind::Import { .. }
            | StatementKind::Random(_)
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_)
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Ode(_)
            | StatementKind::Part(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_)
            | StatementKind::Error => {}
        }
    }

    fn declare_kind(&mut self, column: &Name, kind: Option<&Name>) {
        match kind.map(|k| k.value.as_str()) {
            None | Some("real" | "int" | "bool") => {}
            Some("index") => {
                self.add_axis(column, AxisOrigin::Levels);
            }
            Some(text) => {
                let Some(kind) = kind else { return };
                if let Some(meant) =
                    meant_kind(text).filter(|_| !self.axis_names.contains_key(text))
                {
                    let (kind, span) = (kind.value.clone(), kind.span);
                    self.report(NameProblem::NumberKind { kind, span, meant });
                    self.add_axis(column, AxisOrigin::Levels);
                    return;
                }
                self.add_axis(kind, AxisOrigin::Levels);
            }
        }
    }

    /// Reports `mu = Normal(0, 1)`, and `y_new = normal_rng(mu, sigma)`.
    fn defines_as_distribution(&mut self, define: &ast::Define) -> bool {
        let ast::ExprKind::Call(family, _) = &define.value.ungrouped().kind else { return false };
        let synonym = library::synonym(&family.value).and_then(library::family);
        let drawn = family.value.ends_with("_rng");
        let known = library::family(&family.value)
            .or(synonym.filter(|_| drawn || family.value.starts_with(char::is_uppercase)));
        let Some(known) = known else { return false };
        let mut edits = Vec::new();
        if define.binders.is_none() {
            let name = define.name.span;
            if drawn {
                edits.push((Span { end: name.start, ..name }, "predict ".to_owned()));
            }
            let sign = Span { start: name.end, end: define.value.span.start, ..name };
            edits.push((sign, " ~ ".to_owned()));
            if known.name != family.value {
                edits.push((family.span, known.name.to_owned()));
            }
        }
        self.report(NameProblem::DefinesAsDistribution {
            name: define.name.value.clone(),
            span: define.name.span,
            value: family.span,
            family: known.name.to_owned(),
            edits,
        });
        true
    }

    fn declare_names(&mut self, statement: &'a ast::Statement) {
        let documentation = &statement.documentation;
        match &statement.kind {
            StatementKind::Data(data) => self.declare_data(data, documentation.as_ref()),
            StatementKind::Define(define) if self.defines_as_distribution(define) => {
                self.poisoned.insert(define.name.value.clone());
            }
            StatementKind::Define(define) if self.computes_data(define, statement.span) => {}
            StatementKind::Define(define) => {
                let definition = DefinitionId(self.definitions.len() as u32);
                self.definitions.push((Defined::Equation(define), statement.span));
                self.declare_variable(
                    &define.name,
                    Role::Derived(definition),
                    documentation.as_ref(),
                );
            }
            StatementKind::Random(random) => self.randoms.push((random, statement.span)),
            StatementKind::Ode(ode) => {
                self.declare_ode(ode, statement.span, documentation.as_ref())
            }
            // A statement that could not be read may have defined anything: stay silent about
            // names that are missing.
            StatementKind::Error => self.unreadable = true,
            StatementKind::Axis { .. }
            | StatementKind::Report(_)
            | StatementKind::Predict(_)
            | StatementKind::Factor(_) => {}
            // Expansion leaves none of these.
            StatementKind::Import { .. }
            | StatementKind::Function(_)
            | StatementKind::Distribution(_)
            | StatementKind::Part(_)
            | StatementKind::Use(_)
            | StatementKind::Output(_) => {}
        }
    }

    fn declare_data(&mut self, data: &'a ast::Data, documentation: Option<&String>) {
        if self.columns_in_brackets(data) {
            return;
        }
        for hint in &data.hints {
            self.report(NameProblem::NotYet {
                what: format!("the hint `{}` on data", hint.name.value),
                span: hint.name.span,
            });
        }
        let from = data.from.as_ref().map(|f| f.value.clone());
        for entry in &data.entries {
            match entry {
                Entry::Table { name, columns } => {
                    let Some(table) = self.typed.tables.iter().position(|t| t.span == name.span)
                    else {
                        continue;
                    };
                    if let Some(first) =
                        self.typed.tables[..table].iter().find(|t| t.name == name.value)
                    {
                        let first = first.span;
                        self.report(NameProblem::DefinedTwice {
                            name: name.value.clone(),
                            span: name.span,
                            first,
                        });
                        continue;
                    }
                    let axis = self.typed.tables[table].axis;
                    let label = self.label_column(name, columns);
                    for column in columns.iter().filter(|c| Some(c.name.span) != label) {
                        let id = self.declare_entry(
                            &column.name,
                            vec![axis],
                            column.kind.as_ref(),
                            DataEntry {
                                table: Some(TableId(table as u32)),
                                header: column.header.as_ref().map(|h| h.value.clone()),
                                missing: column.missing.is_some(),
                                from: from.clone(),
                            },
                            documentation,
                        );
                        self.typed.tables[table].columns.extend(id);
                    }
                }
                Entry::Array { name, missing, axes, kind } => {
                    let axes = axes
                        .iter()
                        .filter_map(|a| self.axis_names.get(&a.value).copied())
                        .collect();
                    self.declare_entry(
                        name,
                        axes,
                        kind.as_ref(),
                        DataEntry {
                            table: None,
                            header: None,
                            missing: missing.is_some(),
                            from: from.clone(),
                        },
                        documentation,
                    );
                }
            }
        }
    }

    fn declare_entry(
        &mut self,
        name: &'a Name,
        axes: Vec<AxisId>,
        kind: Option<&Name>,
        entry: DataEntry,
        documentation: Option<&String>,
    ) -> Option<VariableId> {
        let kind = match kind.map(|k| k.value.as_str()) {
            None | Some("real") => Kind::Real,
            Some("int") => Kind::Int,
            Some("bool") => Kind::Bool,
            Some("index") => Kind::Index(*self.axis_names.get(&name.value)?),
            Some(text) => match (self.axis_names.get(text), meant_kind(text)) {
                (Some(axis), _) => Kind::Index(*axis),
                (None, Some("int")) => Kind::Int,
                (None, Some("bool")) => Kind::Bool,
                (None, Some("index")) => Kind::Index(*self.axis_names.get(&name.value)?),
                (None, _) => Kind::Real,
            },
        };
        // A single number is never missing.
        if entry.missing && !axes.is_empty() && self.has_distribution(&name.value) {
            return self.declare_incomplete(name, axes, kind, entry, documentation);
        }
        let id = self.declare_variable(name, Role::Data(entry), documentation)?;
        let variable = &mut self.typed.variables[id.index()];
        variable.axes = axes;
        variable.kind = kind;
        self.progress[id.index()] = Progress::Done;
        Some(id)
    }

    /// Adds a variable that the program has no name for.
    pub(super) fn hidden_variable(&mut self, name: String, span: Span, role: Role) -> VariableId {
        let id = VariableId(self.typed.variables.len() as u32);
        self.typed.variables.push(Variable {
            name,
            span,
            axes: Vec::new(),
            kind: Kind::Real,
            plane: Plane::Latent,
            role,
            finite: false,
            observed: None,
            range: None,
            documentation: None,
            order: self.order,
        });
        self.progress.push(Progress::Done);
        id
    }

    /// Adds a variable unless the name is taken.
    pub(super) fn declare_variable(
        &mut self,
        name: &'a Name,
        role: Role,
        documentation: Option<&String>,
    ) -> Option<VariableId> {
        if let Some(first) = self.names.get(&name.value) {
            let first = self.typed.variable(*first).span;
            self.report(NameProblem::DefinedTwice {
                name: name.value.clone(),
                span: name.span,
                first,
            });
            return None;
        }
        let id = VariableId(self.typed.variables.len() as u32);
        self.typed.variables.push(Variable {
            name: name.value.clone(),
            span: name.span,
            order: self.order,
            axes: Vec::new(),
            kind: Kind::Real,
            plane: Plane::Data,
            role,
            finite: false,
            observed: None,
            range: None,
            documentation: documentation.cloned(),
        });
        self.progress.push(Progress::Waiting);
        self.names.insert(name.value.clone(), id);
        Some(id)
    }

    /// Gives every `~` statement its variable: data and defined names are observed, others are
    /// latent or predicted.
    fn declare_latents(&mut self) {
        let randoms = std::mem::take(&mut self.randoms);
        let mut first_of: Vec<(VariableId, Span)> = Vec::new();
        for (random, span) in randoms {
            let name = &random.name;
            let id = RandomId(self.randoms.len() as u32);
            let earlier = self
                .names
                .get(&name.value)
                .and_then(|v| first_of.iter().find(|(first, _)| first == v))
                .copied();
            if let Some((variable, first)) = earlier
                && !random.predict
            {
                let observed =
                    matches!(self.typed.variable(variable).role, Role::Data(_) | Role::Derived(_));
                self.report(NameProblem::TwoPriors {
                    name: name.value.clone(),
                    span: name.span,
                    first,
                    observed,
                });
                continue;
            }
            let documentation = self.documentation_at(span);
            self.order = self.order_at(span);
            let existing = self.names.get(&name.value).copied();
            let (variable, role) = match existing {
                Some(variable) if random.predict => {
                    let first = self.typed.variable(variable).span;
                    self.report(NameProblem::PredictsDefined {
                        name: name.value.clone(),
                        span: name.span,
                        first,
                    });
                    continue;
                }
                Some(whole) if self.typed.is_whole(whole) => {
                    first_of.push((whole, name.span));
                    self.declare_missing(whole, random, span);
                    continue;
                }
                Some(variable) => (variable, RandomRole::Observed),
                None => {
                    let (role, role_of) = if random.predict {
                        (Role::Predicted(id), RandomRole::Predicted)
                    } else {
                        let finite = self.is_finite(&random.distribution);
                        (Role::Latent(id), super::recurrence::latent_role(finite))
                    };
                    match self.declare_variable(name, role, documentation.as_ref()) {
                        Some(variable) => (variable, role_of),
                        None => continue,
                    }
                }
            };
            first_of.push((variable, name.span));
            self.randoms.push((random, span));
            self.random_heads.push((variable, role));
        }
    }

    fn documentation_at(&self, span: Span) -> Option<String> {
        let statement = self.program.statements.iter().find(|s| s.span == span)?;
        statement.documentation.clone()
    }

    fn order_at(&self, span: Span) -> usize {
        self.program.statements.iter().position(|s| s.span == span).unwrap_or_default()
    }

    /// Elaborates the bounds of `axis name = a..b`, once all names are known.
    fn resolve_ranges(&mut self) {
        let mut declared: Vec<AxisDeclaration<'a>> = self.declared_axes.values().copied().collect();
        declared.sort_by_key(|d| d.name.span.start);
        for AxisDeclaration { name, extent } in declared {
            let Some(axis) = self.axis_names.get(&name.value).copied() else { continue };
            let origin = match extent {
                Extent::Labels(labels, _) => {
                    self.check_labels(labels);
                    continue;
                }
                Extent::Axis(other) => match self.named_axis(other) {
                    Ok(other) if self.typed.resolve_axis(other) == axis => {
                        let (name, span) = (name.value.clone(), name.span);
                        self.report(NameProblem::AxisCycle { name, span });
                        continue;
                    }
                    Ok(other) => AxisOrigin::Same(other),
                    Err(_) => continue,
                },
                Extent::Range(low, high) => match self.range_bounds(low, high) {
                    Ok((low, high)) => AxisOrigin::Range(low, high),
                    Err(_) => continue,
                },
            };
            self.typed.axes[axis.index()].origin = origin;
        }
    }

    fn check_labels(&mut self, labels: &[crate::source::Spanned<String>]) {
        for (i, label) in labels.iter().enumerate() {
            if let Some(first) = labels[..i].iter().find(|l| l.value == label.value) {
                self.report(NameProblem::DefinedTwice {
                    name: format!("\"{}\"", label.value),
                    span: label.span,
                    first: first.span,
                });
            }
        }
    }
}

/// The kind that other languages call by this name.
fn meant_kind(kind: &str) -> Option<&'static str> {
    match kind {
        "float" | "float32" | "float64" | "double" | "f64" | "number" | "numeric" | "vector"
        | "continuous" => Some("real"),
        "integer" | "int32" | "int64" | "long" | "count" => Some("int"),
        "boolean" | "logical" | "binary" => Some("bool"),
        "string" | "str" | "text" | "label" | "factor" | "category" | "categorical" | "nominal"
        | "character" | "object" => Some("index"),
        _ => None,
    }
}
