//! Decides which file gives which data: by name where one was given, else by column names and keys.

mod messages;

use super::csv::Csv;
use super::inputs::{Asked, Content, Tables};
use super::json::Value;
use super::labels::nearest;
use super::suggest;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::source::Span;
use crate::typed::{AxisId, AxisOrigin, DataEntry, Kind, Program, Role, VariableId};
use std::collections::BTreeSet;

/// Where the cells of a data variable are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place<'a> {
    /// One column of a CSV file.
    Column { file: usize, column: usize },
    /// Columns of a CSV file, one per element of the second axis.
    Matrix { file: usize, columns: Vec<usize> },
    /// A value of a JSON file.
    Json { file: usize, value: &'a Value },
    /// A number given by name.
    Scalar(f64),
}

/// Variables over one axis that a CSV file gives together: a table, or arrays with one axis.
pub(super) struct Group {
    /// The row axis.
    pub(super) axis: AxisId,
    /// The name by which a user gives its file.
    pub(super) name: String,
    span: Span,
    columns: Vec<VariableId>,
}

/// Who gives what.
pub(super) struct Claims<'a> {
    program: &'a Program,
    tables: &'a Tables,
    /// All groups of the program.
    pub(super) groups: Vec<Group>,
    /// The place of every variable's cells, by variable.
    pub(super) places: Vec<Option<Place<'a>>>,
    /// The file and column that label the elements of an axis, by axis.
    pub(super) labels: Vec<Option<(usize, usize)>>,
    /// Columns declared but not found: the variable and the file that should have them.
    pub(super) absent: Vec<(VariableId, usize)>,
    /// The file that gives each group.
    pub(super) group_files: Vec<Option<usize>>,
    /// What was found wrong.
    pub(super) problems: Vec<Diagnostic>,
}

/// What the program declares of a data variable.
pub(super) fn entry(program: &Program, variable: VariableId) -> Option<&DataEntry> {
    match &program.variable(variable).role {
        Role::Data(entry) => Some(entry),
        Role::Derived(_) | Role::Latent(_) | Role::Predicted(_) => None,
    }
}

/// The header of the column, or the key, that holds a variable.
pub(super) fn header(program: &Program, variable: VariableId) -> &str {
    let named = entry(program, variable).and_then(|e| e.header.as_deref());
    named.unwrap_or(&program.variable(variable).name)
}

/// All variables that a file must give.
pub(super) fn data_variables(program: &Program) -> impl Iterator<Item = VariableId> + '_ {
    let ids = (0..program.variables.len()).map(|i| VariableId(i as u32));
    ids.filter(|v| entry(program, *v).is_some())
}

fn groups(program: &Program) -> Vec<Group> {
    let mut groups: Vec<Group> = program
        .tables
        .iter()
        .map(|table| Group {
            axis: program.resolve_axis(table.axis),
            name: table.name.clone(),
            span: table.span,
            columns: table.columns.clone(),
        })
        .collect();
    for variable in data_variables(program) {
        let declared = program.variable(variable);
        if entry(program, variable).is_some_and(|e| e.table.is_some()) || declared.axes.len() != 1 {
            continue;
        }
        let axis = program.resolve_axis(declared.axes[0]);
        match groups.iter_mut().find(|g| g.axis == axis) {
            Some(group) => group.columns.push(variable),
            None => groups.push(Group {
                axis,
                name: program.axis(declared.axes[0]).name.clone(),
                span: declared.span,
                columns: vec![variable],
            }),
        }
    }
    groups
}

/// Decides for all files. Columns that a file lacks are in [`Claims::absent`], not yet problems.
pub(super) fn claim<'a>(program: &'a Program, tables: &'a Tables) -> Claims<'a> {
    let groups = groups(program);
    let mut claims = Claims {
        program,
        tables,
        places: vec![None; program.variables.len()],
        labels: vec![None; program.axes.len()],
        absent: Vec::new(),
        group_files: vec![None; groups.len()],
        groups,
        problems: Vec::new(),
    };
    claims.claim_scalars();
    let order = |pass: usize, asked: &Asked, is_json: bool| match asked {
        Asked::Named(_) => pass == 0,
        Asked::Positional => pass == if is_json { 1 } else { 2 },
        Asked::Default(_) => pass == 3,
    };
    for pass in 0..4 {
        for (index, file) in tables.files.iter().enumerate() {
            match &file.content {
                Ok(_) if claims.is_given_twice(index) => {
                    if pass == 0 {
                        let name = &file.name;
                        let message = format!("`{name}` is a second file for the same data");
                        claims.problems.push(unclaimed(message).help("leave one of them out"));
                    }
                }
                Ok(content) => {
                    if order(pass, &file.asked, matches!(content, Content::Json(_))) {
                        claims.claim_file(index, content);
                    }
                }
                Err(problem) => {
                    if order(pass, &file.asked, false)
                        && (pass < 3 || !claims.wants_default(index).is_empty())
                    {
                        claims.problems.push((**problem).clone());
                    }
                }
            }
        }
    }
    claims
}

impl<'a> Claims<'a> {
    fn claim_scalars(&mut self) {
        for (position, (name, value)) in self.tables.scalars.iter().enumerate() {
            if let Some((_, first)) = self.tables.scalars[..position].iter().find(|s| s.0 == *name)
            {
                self.problems.push(
                    unclaimed(format!("`{name}` is given twice: {first} and {value}"))
                        .help("leave one of them out"),
                );
                continue;
            }
            let variable = self.data_named(name);
            match variable {
                Some(v) if self.program.variable(v).axes.is_empty() => {
                    self.places[v.index()] = Some(Place::Scalar(*value));
                }
                Some(v) => {
                    let declared = self.program.variable(v);
                    self.problems.push(
                        unclaimed(format!("`{name}` is an array, so it cannot be {value}"))
                            .at(declared.span, "declared here")
                            .help(format!("give it a file: `{name}=FILE`")),
                    );
                }
                None => self.unknown(name),
            }
        }
    }

    /// Whether an earlier file was given for the same name.
    fn is_given_twice(&self, file: usize) -> bool {
        let files = &self.tables.files;
        match &files[file].asked {
            Asked::Named(_) => files[..file].iter().any(|f| f.asked == files[file].asked),
            Asked::Positional | Asked::Default(_) => false,
        }
    }

    fn data_named(&self, name: &str) -> Option<VariableId> {
        self.program.find(name).filter(|v| entry(self.program, *v).is_some())
    }

    /// A name on the command line that no entry has.
    fn unknown(&mut self, name: &str) {
        let program = self.program;
        let known: Vec<&str> = self
            .groups
            .iter()
            .map(|g| g.name.as_str())
            .chain(data_variables(program).map(|v| program.variable(v).name.as_str()))
            .collect();
        let mut problem = unclaimed(format!("the program has no data called `{name}`"));
        problem = match nearest(name, known.iter().copied()).first() {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.note(format!("it has {}", list(known.iter().copied()))),
        };
        self.problems.push(problem);
    }

    fn claim_file(&mut self, file: usize, content: &'a Content) {
        let asked = &self.tables.files[file].asked;
        match (asked, content) {
            (Asked::Named(name), content) => self.claim_named(name, file, content),
            (Asked::Positional, Content::Json(value)) => self.claim_json(file, value),
            (Asked::Positional, Content::Csv(csv)) => self.claim_csv(file, csv),
            (Asked::Default(_), content) => self.claim_default(file, content),
        }
    }

    fn claim_named(&mut self, name: &str, file: usize, content: &'a Content) {
        let group = self.groups.iter().position(|g| g.name == name);
        let variable = self.data_named(name);
        match (content, group, variable) {
            (Content::Csv(csv), Some(group), _) => self.take_group(group, file, csv),
            (Content::Csv(csv), None, Some(variable)) => self.take_variable(variable, file, csv),
            (Content::Json(Value::Object(entries)), Some(group), _) => {
                let columns = self.groups[group].columns.clone();
                self.take_keys(file, entries, &columns);
                self.group_files[group] = Some(file);
            }
            (Content::Json(value), None, Some(variable)) => {
                let value = match value {
                    Value::Object(entries) => {
                        let key = header(self.program, variable);
                        entries.iter().find(|(k, _)| k == key).map(|(_, v)| v)
                    }
                    Value::Block(_) => Some(value),
                };
                match value {
                    Some(value) => self.place(variable, Place::Json { file, value }),
                    None => self.absent.push((variable, file)),
                }
            }
            (Content::Json(Value::Block(_)), Some(group), _) => {
                let shown = &self.tables.files[file].name;
                let problem = Diagnostic::new(
                    Slug::BadFile,
                    Severity::Error,
                    format!("`{shown}` is one array, but `{name}` is a table"),
                );
                let span = self.groups[group].span;
                self.problems.push(
                    problem
                        .at(span, "declared here")
                        .help("write an object that gives each column an array"),
                );
            }
            (_, None, None) => self.unknown(name),
        }
    }

    /// Claims one place; the first to claim has it.
    fn place(&mut self, variable: VariableId, place: Place<'a>) {
        let slot = &mut self.places[variable.index()];
        if slot.is_none() {
            *slot = Some(place);
        }
    }

    fn claim_json(&mut self, file: usize, value: &'a Value) {
        match value {
            Value::Object(entries) => {
                let all: Vec<VariableId> = data_variables(self.program).collect();
                self.take_keys(file, entries, &all);
                for group in 0..self.groups.len() {
                    let name = &self.groups[group].name;
                    let table = entries.iter().find_map(|(key, value)| match value {
                        Value::Object(columns) if key == name => Some(columns),
                        Value::Object(_) | Value::Block(_) => None,
                    });
                    if let Some(columns) = table {
                        let wanted = self.groups[group].columns.clone();
                        self.take_keys(file, columns, &wanted);
                    }
                }
            }
            Value::Block(_) => {
                let name = &self.tables.files[file].name;
                self.problems.push(
                    unclaimed(format!("`{name}` does not say which data it is"))
                        .help("write a JSON object, or give the file a name: `name=FILE`"),
                );
            }
        }
    }

    fn take_keys(&mut self, file: usize, entries: &'a [(String, Value)], wanted: &[VariableId]) {
        for variable in wanted {
            let key = header(self.program, *variable);
            let name = &self.program.variable(*variable).name;
            let found = entries
                .iter()
                .find(|(k, _)| k == key)
                .or_else(|| entries.iter().find(|(k, _)| k == name));
            if let Some((_, value @ Value::Block(_))) = found {
                self.place(*variable, Place::Json { file, value });
            }
        }
    }

    /// A CSV file without a name goes to the group all of whose columns it has, else to the only
    /// group that is left, else to the only array with two axes.
    fn claim_csv(&mut self, file: usize, csv: &Csv) {
        let open: Vec<usize> = (0..self.groups.len())
            .filter(|g| {
                self.group_files[*g].is_none()
                    && self.groups[*g].columns.iter().any(|v| self.places[v.index()].is_none())
            })
            .collect();
        let has = |g: usize| {
            let wanted = self.groups[g].columns.iter();
            let wanted = wanted.filter(|v| self.places[v.index()].is_none());
            let (mut found, mut all) = (0, true);
            for variable in wanted {
                let there = csv.columns(header(self.program, *variable)).next().is_some();
                found += usize::from(there);
                all &= there;
            }
            (all, found)
        };
        let full: Vec<usize> = open.iter().copied().filter(|g| has(*g).0).collect();
        let some: Vec<usize> = open.iter().copied().filter(|g| has(*g).1 > 0).collect();
        let matrices: Vec<VariableId> = data_variables(self.program)
            .filter(|v| {
                self.program.variable(*v).axes.len() == 2 && self.places[v.index()].is_none()
            })
            .collect();
        match (&full[..], &some[..], &matrices[..], &open[..]) {
            ([group], ..) | ([], [group], ..) => self.take_group(*group, file, csv),
            ([], [], [variable], _) => self.take_variable(*variable, file, csv),
            ([], [], [], [group]) => self.take_group(*group, file, csv),
            ([], [], [], []) => self.unwanted(file, csv),
            _ => self.ambiguous(file, &open, &matrices),
        }
    }

    fn unwanted(&mut self, file: usize, csv: &Csv) {
        let name = &self.tables.files[file].name;
        let problem = suggest::columns_as_scalars(self.program, csv).unwrap_or_else(|| {
            unclaimed(format!("no data of the program are left for `{name}`"))
                .note(format!("its columns are {}", list(csv.header.iter().map(String::as_str))))
                .help("leave it out, or declare what it holds: `data row(…)` with its columns")
        });
        self.problems.push(problem);
    }

    fn ambiguous(&mut self, file: usize, groups: &[usize], matrices: &[VariableId]) {
        let file = &self.tables.files[file].name;
        let names: Vec<&str> = groups
            .iter()
            .map(|g| self.groups[*g].name.as_str())
            .chain(matrices.iter().map(|v| self.program.variable(*v).name.as_str()))
            .collect();
        let first = names.first().copied().unwrap_or("name");
        self.problems.push(
            unclaimed(format!("`{file}` does not say which data it is"))
                .note(format!("it could be {}", list(names.iter().copied())))
                .help(format!("give it a name: `{first}={file}`")),
        );
    }

    /// Takes every column of a group that nobody has claimed yet.
    fn take_group(&mut self, group: usize, file: usize, csv: &Csv) {
        self.group_files[group] = Some(file);
        let program = self.program;
        let columns = self.groups[group].columns.clone();
        for variable in &columns {
            if self.places[variable.index()].is_none() {
                self.take_column(*variable, file, csv);
            }
        }
        let (name, axis) = (self.groups[group].name.clone(), self.groups[group].axis);
        // A column of the table's own name labels its rows, unless it is declared as something else.
        let is_other = |v: VariableId| match program.variable(v).kind {
            Kind::Index(of) => program.resolve_axis(of) != axis,
            Kind::Real | Kind::Int | Kind::Bool => true,
        };
        if !columns.iter().any(|v| header(program, *v) == name && is_other(*v)) {
            self.take_labels(axis, &name, file, csv);
        }
    }

    fn take_column(&mut self, variable: VariableId, file: usize, csv: &Csv) {
        let name = header(self.program, variable);
        let mut found = csv.columns(name);
        match (found.next(), found.next()) {
            (Some(column), None) => self.place(variable, Place::Column { file, column }),
            (Some(_), Some(_)) => self.problems.push(
                Diagnostic::new(
                    Slug::BadFile,
                    Severity::Error,
                    format!("`{}` has two columns called `{name}`", csv.name),
                )
                .at(self.program.variable(variable).span, "declared here")
                .help("rename one of them in the first line of the file, or delete it"),
            ),
            (None, _) => self.absent.push((variable, file)),
        }
    }

    fn take_labels(&mut self, axis: AxisId, name: &str, file: usize, csv: &Csv) {
        if let Some(column) = csv.columns(name).next() {
            self.labels[axis.index()] = Some((file, column));
        }
    }

    /// Takes a CSV file for one array: a column for an array with one axis or none, all columns
    /// for one with two.
    fn take_variable(&mut self, variable: VariableId, file: usize, csv: &Csv) {
        let declared = self.program.variable(variable);
        match declared.axes[..] {
            [] => self.take_column(variable, file, csv),
            [axis] => {
                self.take_column(variable, file, csv);
                let axis = self.program.resolve_axis(axis);
                self.take_labels(axis, &self.program.axis(axis).name, file, csv);
            }
            [rows, columns] => {
                let rows = self.program.resolve_axis(rows);
                let row_name = &self.program.axis(rows).name;
                self.take_labels(rows, row_name, file, csv);
                let columns = self.matrix_columns(columns, row_name, csv);
                self.place(variable, Place::Matrix { file, columns });
            }
            _ => self.problems.push(
                Diagnostic::new(
                    Slug::BadFile,
                    Severity::Error,
                    format!(
                        "`{}` has {} axes; a CSV file can give two at most",
                        declared.name,
                        declared.axes.len()
                    ),
                )
                .at(declared.span, "declared here")
                .help("give it in a JSON file, as arrays of arrays"),
            ),
        }
    }

    /// The columns of a matrix: those named by the labels of its second axis where the program
    /// lists them, else all but the one that labels the rows.
    fn matrix_columns(&self, axis: AxisId, row_name: &str, csv: &Csv) -> Vec<usize> {
        let axis = self.program.resolve_axis(axis);
        let wanted = |name: &String| match &self.program.axis(axis).origin {
            AxisOrigin::Labels(labels) => labels.contains(name),
            AxisOrigin::Rows(_)
            | AxisOrigin::Array
            | AxisOrigin::Levels
            | AxisOrigin::Range(..)
            | AxisOrigin::Same(_) => name != row_name,
        };
        let columns = csv.header.iter().enumerate();
        columns.filter(|(_, name)| wanted(name)).map(|(column, _)| column).collect()
    }

    /// The columns of a CSV file that something uses.
    pub(super) fn used_columns(&self, file: usize) -> BTreeSet<usize> {
        let mut used = BTreeSet::new();
        for place in self.places.iter().flatten() {
            match place {
                Place::Column { file: f, column } if *f == file => {
                    used.insert(*column);
                }
                Place::Matrix { file: f, columns } if *f == file => used.extend(columns),
                Place::Column { .. }
                | Place::Matrix { .. }
                | Place::Json { .. }
                | Place::Scalar(_) => {}
            }
        }
        used.extend(self.labels.iter().flatten().filter(|(f, _)| *f == file).map(|(_, c)| *c));
        used
    }

    /// The groups and variables that still want a default file.
    fn wants_default(&self, file: usize) -> Vec<VariableId> {
        let Asked::Default(text) = &self.tables.files[file].asked else { return Vec::new() };
        data_variables(self.program)
            .filter(|v| {
                let Some(entry) = entry(self.program, *v) else { return false };
                let from = match entry.table {
                    Some(table) => &self.program.tables[table.index()].from,
                    None => &entry.from,
                };
                from.as_ref() == Some(text)
                    && self.places[v.index()].is_none()
                    && !self.absent.iter().any(|(absent, _)| absent == v)
            })
            .collect()
    }

    fn claim_default(&mut self, file: usize, content: &'a Content) {
        let wanted = self.wants_default(file);
        match content {
            Content::Json(Value::Object(entries)) => self.take_keys(file, entries, &wanted),
            Content::Json(value) => match &wanted[..] {
                [variable] => self.place(*variable, Place::Json { file, value }),
                _ => self.claim_json(file, value),
            },
            Content::Csv(csv) => {
                for group in 0..self.groups.len() {
                    let columns = &self.groups[group].columns;
                    if columns.iter().any(|v| wanted.contains(v)) {
                        self.take_group(group, file, csv);
                    }
                }
                for variable in wanted {
                    if self.program.variable(variable).axes.len() != 1 {
                        self.take_variable(variable, file, csv);
                    }
                }
            }
        }
    }
}

fn unclaimed(message: String) -> Diagnostic {
    Diagnostic::new(Slug::UnclaimedData, Severity::Error, message)
}

/// Names in code quotes, at most twelve of them.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    if text.is_empty() { "none".to_owned() } else { text }
}
