//! The cells of one data variable as read, and where in which file each stands.

use super::claim::{Claims, Place, header};
use super::column::{Cells, Want};
use super::csv::Lines;
use super::inputs::{Content, Tables};
use super::json::Value;
use crate::diagnostic::Diagnostic;
use crate::typed::{Kind, Program, VariableId};
use std::rc::Rc;

/// Where the cells of a variable come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// Columns of a CSV file: one, or one per element of the second axis.
    Csv {
        /// The file.
        file: String,
        /// The headers.
        columns: Vec<String>,
        /// The line of each row.
        lines: Rc<Lines>,
    },
    /// A value of a JSON file.
    Json {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// The length of each axis.
        shape: Vec<usize>,
    },
    /// A number on the command line.
    Argument(String),
    /// The data of the fit.
    Fit(String),
}

impl Origin {
    /// The place of a cell, for a message: its position in the file is row-major.
    pub(super) fn place(&self, position: usize) -> String {
        match self {
            Origin::Csv { file, columns, lines } => {
                let width = columns.len().max(1);
                let line = lines.line(position / width);
                let column = columns.get(position % width).map_or("", String::as_str);
                format!("`{file}`, line {line}, column `{column}`")
            }
            Origin::Json { file, key, shape } => {
                let mut rest = position;
                let mut subscripts: Vec<String> = shape
                    .iter()
                    .rev()
                    .map(|size| {
                        let subscript = rest % (*size).max(1) + 1;
                        rest /= (*size).max(1);
                        subscript.to_string()
                    })
                    .collect();
                subscripts.reverse();
                if subscripts.is_empty() {
                    format!("`{file}`, `{key}`")
                } else {
                    format!("`{file}`, `{key}[{}]`", subscripts.join(", "))
                }
            }
            Origin::Argument(name) => format!("the argument `{name}=…`"),
            Origin::Fit(name) => format!("`{name}` in the data of the fit"),
        }
    }

    /// The file, for a message.
    pub(super) fn file(&self) -> &str {
        match self {
            Origin::Csv { file, .. } | Origin::Json { file, .. } => file,
            Origin::Argument(_) => "the command line",
            Origin::Fit(_) => "the fit",
        }
    }

    /// Several places, for a message.
    pub(super) fn places(&self, positions: &[usize]) -> String {
        positions.iter().map(|p| self.place(*p)).collect::<Vec<_>>().join("; ")
    }
}

/// The cells of one variable as read.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// The length of each axis of the file's array.
    pub(super) shape: Vec<usize>,
    /// The cells in row-major order.
    pub(super) cells: Cells,
    /// The elements of the first axis, where a column names them.
    pub(super) rows: Option<Rc<Vec<String>>>,
    /// The elements of the second axis, where the header names them.
    pub(super) columns: Option<Vec<String>>,
    /// Where they stand.
    pub(super) origin: Origin,
}

/// All cells that were claimed, by variable, and the labels of rows, by axis.
#[derive(Default)]
pub(super) struct Cellar {
    /// The cells by variable.
    pub(super) raw: Vec<Option<Raw>>,
    /// The texts of the label column of an axis, by axis; its file and lines for messages.
    pub(super) labels: Vec<Option<(Rc<Vec<String>>, Origin)>>,
    /// Rows and columns of each CSV file, by file.
    pub(super) sizes: Vec<Option<(usize, usize)>>,
    /// What was found wrong.
    pub(super) problems: Vec<Diagnostic>,
}

fn want(kind: Kind) -> Want {
    match kind {
        Kind::Real | Kind::Int | Kind::Bool => Want::Numbers,
        Kind::Index(_) => Want::Labels,
    }
}

/// Reads every claimed cell, each file once.
pub(super) fn read(program: &Program, tables: &Tables, claims: &Claims<'_>) -> Cellar {
    let mut cellar = Cellar {
        raw: vec![None; program.variables.len()],
        labels: vec![None; program.axes.len()],
        sizes: vec![None; tables.files.len()],
        problems: Vec::new(),
    };
    for (file, opened) in tables.files.iter().enumerate() {
        if let Ok(Content::Csv(csv)) = &opened.content {
            let mut plan = Plan::new(program, claims, file);
            if plan.is_empty() {
                continue;
            }
            plan.wanted.sort_unstable();
            match csv.read(&plan.wanted, std::mem::take(&mut plan.slots)) {
                Ok(body) => {
                    cellar.sizes[file] = Some((body.rows, claims.used_columns(file).len()));
                    plan.store(program, &mut cellar, csv, body);
                }
                Err(problem) => cellar.problems.push(*problem),
            }
        }
    }
    for (index, place) in claims.places.iter().enumerate() {
        let id = VariableId(index as u32);
        let variable = program.variable(id);
        let (cells, shape, origin) = match place {
            Some(Place::Json { file, value: Value::Block(block) }) => {
                let origin = Origin::Json {
                    file: tables.files[*file].name.clone(),
                    key: header(program, id).to_owned(),
                    shape: block.shape.clone(),
                };
                (block.cells(want(variable.kind)), block.shape.clone(), origin)
            }
            Some(Place::Scalar(value)) => {
                let mut cells = Cells::new(want(variable.kind));
                cells.push(&value.to_string(), || false);
                (cells, Vec::new(), Origin::Argument(variable.name.clone()))
            }
            Some(Place::Json { value: Value::Object(_), .. })
            | Some(Place::Column { .. } | Place::Matrix { .. })
            | None => continue,
        };
        cellar.raw[index] = Some(Raw { shape, cells, rows: None, columns: None, origin });
    }
    cellar
}

/// What is read from one CSV file.
struct Plan {
    wanted: Vec<(usize, usize)>,
    slots: Vec<Cells>,
    /// The variable of a slot and its columns.
    variables: Vec<(VariableId, usize, Vec<usize>, bool)>,
    /// The axis of a slot that labels its elements, and its column.
    labels: Vec<(usize, usize, usize)>,
}

impl Plan {
    fn new(program: &Program, claims: &Claims<'_>, file: usize) -> Plan {
        let mut plan = Plan {
            wanted: Vec::new(),
            slots: Vec::new(),
            variables: Vec::new(),
            labels: Vec::new(),
        };
        for (index, place) in claims.places.iter().enumerate() {
            let (columns, is_matrix) = match place {
                Some(Place::Column { file: f, column }) if *f == file => (vec![*column], false),
                Some(Place::Matrix { file: f, columns }) if *f == file => (columns.clone(), true),
                Some(
                    Place::Column { .. }
                    | Place::Matrix { .. }
                    | Place::Json { .. }
                    | Place::Scalar(_),
                )
                | None => continue,
            };
            let id = VariableId(index as u32);
            let slot = plan.slot(&columns, want(program.variable(id).kind));
            plan.variables.push((id, slot, columns, is_matrix));
        }
        for (axis, place) in claims.labels.iter().enumerate() {
            if let Some((f, column)) = place
                && *f == file
            {
                let slot = plan.slot(&[*column], Want::Labels);
                plan.labels.push((axis, slot, *column));
            }
        }
        plan
    }

    fn slot(&mut self, columns: &[usize], want: Want) -> usize {
        let slot = self.slots.len();
        self.slots.push(Cells::new(want));
        self.wanted.extend(columns.iter().map(|column| (*column, slot)));
        slot
    }

    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn store(
        self,
        program: &Program,
        cellar: &mut Cellar,
        csv: &super::csv::Csv,
        body: super::csv::Body,
    ) {
        let lines = Rc::new(body.lines);
        let mut slots: Vec<Option<Cells>> = body.slots.into_iter().map(Some).collect();
        let origin = |columns: &[usize]| Origin::Csv {
            file: csv.name.clone(),
            columns: columns.iter().map(|c| csv.header[*c].clone()).collect(),
            lines: Rc::clone(&lines),
        };
        for (axis, slot, column) in self.labels {
            if let Some(Cells::Labels(labels)) = slots[slot].take() {
                let text = |code: &u32| labels.names.get(*code as usize).cloned();
                let texts: Rc<Vec<String>> =
                    Rc::new(labels.codes.iter().map(|c| text(c).unwrap_or_default()).collect());
                cellar.labels[axis] = Some((texts, origin(&[column])));
            }
        }
        for (variable, slot, columns, is_matrix) in self.variables {
            let Some(cells) = slots[slot].take() else { continue };
            let first = program.variable(variable).axes.first();
            let rows = first
                .and_then(|axis| cellar.labels[program.resolve_axis(*axis).index()].as_ref())
                .map(|(texts, _)| Rc::clone(texts));
            let headers = || columns.iter().map(|c| csv.header[*c].clone()).collect();
            cellar.raw[variable.index()] = Some(Raw {
                shape: if is_matrix { vec![body.rows, columns.len()] } else { vec![body.rows] },
                cells,
                rows,
                columns: is_matrix.then(headers),
                origin: origin(&columns),
            });
        }
    }
}
