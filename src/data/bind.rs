//! Turns a checked program and the files given for it into a bound program.
//!
//! Axes, columns and definitions wait for one another only through what they name: each round
//! settles everything whose needs are settled, until nothing moves.

mod advice;
mod axes;
mod cells;
mod explain;
mod factor;
mod finite;
mod indices;
mod missing;
mod observed;
mod outcomes;
mod recurrence;
mod solved;
mod supports;

use super::claim::{self, Claims, data_variables};
use super::frozen::Frozen;
use super::inputs::Tables;
use super::origin::{self, Cellar, Origin};
use super::report::BindingReport;
use crate::bound::{self, Array, Elements, Evaluator};
use crate::diagnostic::{Checked, Diagnostic, Slug};
use crate::source::Span;
use crate::typed::{
    AxisId, AxisOrigin, DefinitionId, DefinitionValue, Expr, ExprKind, IndexId, Kind, Plane,
    Program, ReduceId, VariableId,
};
use explain::Failure;
use std::collections::HashMap;

/// What the data are for.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// Fitting: everything declared must be given.
    Fit,
    /// Prediction: what is not given again is taken from the fit, and observed columns may be
    /// absent.
    Predict(&'a Frozen),
}

/// A program with its data, and what to tell a user about them.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The bound program.
    pub program: bound::Program,
    /// Sizes, files and labels.
    pub report: BindingReport,
}

/// Binds a program to what was given for it. No value if any diagnostic is an error.
pub fn bind(typed: Program, tables: &Tables, mode: Mode<'_>) -> Checked<Option<Binding>> {
    let mut claims = claim::claim(&typed, tables);
    let cellar = origin::read(&typed, tables, &claims);
    let mut problems = std::mem::take(&mut claims.problems);
    let mut binder = Binder::new(&typed, &claims, cellar, mode);
    binder.problems.append(&mut problems);
    binder.bind();
    let mut diagnostics = std::mem::take(&mut binder.problems);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Checked { value: None, diagnostics };
    }
    // A file that cannot be opened is why its data are missing.
    if diagnostics.iter().any(|d| d.slug == Slug::BadFile) {
        diagnostics.retain(|d| d.slug != Slug::MissingData);
    }
    diagnostics.extend(claims.ignored());
    let report = BindingReport::new(&binder, tables);
    let Binder { axes, values, frozen, recurrences, .. } = binder;
    let program = bound::Program { typed, axes, values, recurrences, frozen };
    Checked { value: Some(Binding { program, report }), diagnostics }
}

/// Who fixed the size of an axis, for messages.
#[derive(Clone, Debug)]
struct Sized {
    by: String,
    span: Span,
}

/// Where the cells of a settled variable stand: their origin, and the row-major position in the
/// file of each cell where the file's order differs.
#[derive(Clone, Debug)]
struct Placed {
    origin: Origin,
    order: Option<Vec<usize>>,
}

impl Placed {
    fn place(&self, position: usize) -> String {
        let at = self.order.as_ref().and_then(|o| o.get(position)).copied();
        self.origin.place(at.unwrap_or(position))
    }
}

/// The state of a binding.
pub(super) struct Binder<'a> {
    pub(super) typed: &'a Program,
    pub(super) claims: &'a Claims<'a>,
    pub(super) cellar: Cellar,
    pub(super) axes: Vec<Elements>,
    values: Vec<Option<Array>>,
    frozen: HashMap<ReduceId, f64>,
    mode: Mode<'a>,
    settled: Vec<bool>,
    sized: Vec<Option<Sized>>,
    placed: Vec<Option<Placed>>,
    /// Observed data that a prediction was not given, and what is computed from them.
    absent: Vec<bool>,
    /// The orders of the recurrences, once all are known.
    recurrences: Vec<bound::Order>,
    /// Axes, by id, and variables that have been tried and refused.
    refused_axes: Vec<bool>,
    refused: Vec<bool>,
    problems: Vec<Diagnostic>,
}

impl<'a> Binder<'a> {
    fn new(typed: &'a Program, claims: &'a Claims<'a>, cellar: Cellar, mode: Mode<'a>) -> Self {
        let frozen = match mode {
            Mode::Fit => HashMap::new(),
            Mode::Predict(frozen) => frozen.reductions(),
        };
        let (axes, variables) = (typed.axes.len(), typed.variables.len());
        Binder {
            typed,
            claims,
            cellar,
            axes: vec![Elements::Range { first: 1, size: 0 }; axes],
            values: vec![None; variables],
            frozen,
            mode,
            settled: vec![false; axes],
            sized: vec![None; axes],
            placed: vec![None; variables],
            absent: vec![false; variables],
            recurrences: Vec::new(),
            refused_axes: vec![false; axes],
            refused: vec![false; variables],
            problems: Vec::new(),
        }
    }

    /// Whether the data are for predictions.
    fn predicts(&self) -> bool {
        match self.mode {
            Mode::Fit => false,
            Mode::Predict(_) => true,
        }
    }

    fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn has_errors(&self) -> bool {
        self.problems.iter().any(Diagnostic::is_error)
    }

    fn bind(&mut self) {
        let mut cellar_problems = std::mem::take(&mut self.cellar.problems);
        self.problems.append(&mut cellar_problems);
        self.check_given();
        self.check_ranks();
        while self.settle_axes()
            | self.settle_data()
            | self.settle_definitions()
            | self.settle_recurrences()
        {}
        if !self.has_errors() {
            self.report_unsettled();
        }
        if !self.has_errors() {
            self.check_missing_cells();
        }
        if !self.has_errors() {
            self.check_index_plane();
            self.order_recurrences();
        }
        if !self.has_errors() {
            self.check_systems();
            self.check_supports();
            self.check_observed();
            self.check_outcomes();
        }
        if !self.has_errors() {
            self.check_finite();
            self.freeze_reductions();
        }
    }

    /// Everything declared must be given, except what a prediction takes from the fit.
    fn check_given(&mut self) {
        let optional = match self.mode {
            Mode::Fit => Vec::new(),
            Mode::Predict(_) => self.feeds_observations(),
        };
        let mut nowhere = Vec::new();
        for variable in data_variables(self.typed) {
            if self.claims.places[variable.index()].is_some() {
                continue;
            }
            let missing = self.claims.absent.iter().find(|(v, _)| *v == variable);
            let touched = self.first_axis(variable).is_some_and(|a| self.is_touched(a));
            match (self.mode, missing) {
                (Mode::Predict(_), None) if !touched => continue,
                (Mode::Predict(_), _) if optional.contains(&variable) => {
                    self.absent[variable.index()] = true;
                    continue;
                }
                (Mode::Fit | Mode::Predict(_), Some((_, file))) => {
                    let problem = self.claims.missing_column(variable, *file);
                    self.report(problem);
                }
                (Mode::Fit | Mode::Predict(_), None) => nowhere.push(variable),
            }
            self.refused[variable.index()] = true;
        }
        // A file or argument with a mistake probably has what is missing.
        if !self.has_errors() {
            self.problems.extend(self.claims.missing_data(&nowhere));
        }
    }

    /// What a file gives must have as many axes as the program declares.
    fn check_ranks(&mut self) {
        for variable in data_variables(self.typed) {
            let Some(raw) = &mut self.cellar.raw[variable.index()] else { continue };
            match cells::fit_rank(self.typed, variable, raw) {
                Ok(()) => {}
                Err(problem) => {
                    self.refused[variable.index()] = true;
                    self.report(*problem);
                }
            }
        }
    }

    /// Data that are observed, or from which an observed name is computed.
    fn feeds_observations(&self) -> Vec<VariableId> {
        let mut feeds: Vec<VariableId> = (0..self.typed.variables.len())
            .map(|i| VariableId(i as u32))
            .filter(|v| self.typed.variable(*v).observed.is_some())
            .collect();
        for definition in self.typed.definition_order.iter().rev() {
            let definition = self.typed.definition(*definition);
            if feeds.contains(&definition.variable) {
                for expr in definition.value.expressions().into_iter() {
                    feeds.extend(expr.variables());
                }
            }
        }
        feeds
    }

    /// Whether an expression uses data that a prediction was not given.
    fn mentions_absent(&self, expr: &Expr) -> bool {
        expr.variables().iter().any(|v| self.absent[v.index()])
    }

    /// The first axis of a variable.
    fn first_axis(&self, variable: VariableId) -> Option<AxisId> {
        let axis = self.typed.variable(variable).axes.first()?;
        Some(self.typed.resolve_axis(*axis))
    }

    /// Whether new data give the elements of an axis: some variable with it in front, or its file.
    fn is_touched(&self, axis: AxisId) -> bool {
        let groups = self.claims.groups.iter().zip(&self.claims.group_files);
        let by_group = groups.into_iter().any(|(g, file)| g.axis == axis && file.is_some());
        by_group
            || data_variables(self.typed).any(|v| {
                self.first_axis(v) == Some(axis) && self.claims.places[v.index()].is_some()
            })
    }

    /// Whether everything an expression names has been settled.
    fn is_ready(&self, expr: &Expr) -> bool {
        let mut ready = true;
        expr.walk(&mut |e| {
            ready &= match &e.kind {
                ExprKind::Variable(variable, _) => self.values[variable.index()].is_some(),
                ExprKind::Index(index) => self.is_settled(self.typed.index_of(*index).axis),
                ExprKind::Size(axis) => self.is_settled(*axis),
                ExprKind::Below(_, axis) => self.is_settled(*axis),
                ExprKind::Label(_) | ExprKind::ElementOf(_) | ExprKind::ElementAt(_) => {
                    match e.ty {
                        Kind::Index(axis) => self.is_settled(axis),
                        Kind::Real | Kind::Int | Kind::Bool => true,
                    }
                }
                ExprKind::ElementNumber(element) => match element.ty {
                    Kind::Index(axis) => self.is_settled(axis),
                    Kind::Real | Kind::Int | Kind::Bool => true,
                },
                ExprKind::Reduce(reduce) => {
                    reduce.indices.iter().all(|i| self.is_settled(self.typed.index_of(*i).axis))
                }
                ExprKind::Number(_)
                | ExprKind::Negate(_)
                | ExprKind::Not(_)
                | ExprKind::Binary(..)
                | ExprKind::Call(..)
                | ExprKind::Covariance(..)
                | ExprKind::LogDensity(..)
                | ExprKind::State(_)
                | ExprKind::Time
                | ExprKind::If(..)
                | ExprKind::Error => true,
            };
        });
        ready
    }

    fn is_settled(&self, axis: AxisId) -> bool {
        self.settled[axis.index()]
    }

    /// Runs with an evaluator over everything settled so far.
    fn evaluate<T>(&mut self, run: impl FnOnce(&Evaluator<'_, ()>) -> T) -> T {
        let frozen = std::mem::take(&mut self.frozen);
        let evaluator = Evaluator::new(self.typed, &self.axes, &self.values, frozen, ());
        let result = run(&evaluator);
        self.frozen = evaluator.into_frozen();
        result
    }

    fn settle_data(&mut self) -> bool {
        let mut moved = false;
        for variable in data_variables(self.typed) {
            let declared = self.typed.variable(variable);
            let axes = declared.axes.iter().copied();
            let own = match declared.kind {
                Kind::Index(axis) => Some(axis),
                Kind::Real | Kind::Int | Kind::Bool => None,
            };
            if self.values[variable.index()].is_some()
                || self.refused[variable.index()]
                || !axes.chain(own).all(|a| self.is_settled(a))
            {
                continue;
            }
            match self.place(variable) {
                Ok(array) => {
                    self.values[variable.index()] = Some(array);
                    moved = true;
                }
                Err(problem) => {
                    self.refused[variable.index()] = true;
                    self.report(*problem);
                }
            }
        }
        moved
    }

    fn settle_definitions(&mut self) -> bool {
        let mut moved = false;
        for id in &self.typed.definition_order {
            let definition = self.typed.definition(*id);
            let variable = definition.variable.index();
            if self.typed.variable(definition.variable).plane != Plane::Data
                || self.values[variable].is_some()
                || self.refused[variable]
            {
                continue;
            }
            let axes = &self.typed.variable(definition.variable).axes;
            if !axes.iter().all(|a| self.is_settled(*a))
                || !definition.value.expressions().into_iter().all(|e| self.is_ready(e))
            {
                continue;
            }
            self.absent[variable] =
                definition.value.expressions().into_iter().any(|e| self.mentions_absent(e));
            let defined = self.define(*id).and_then(|array| match self.undefined(*id, &array) {
                Some(problem) => Err(Box::new(problem)),
                None => Ok(array),
            });
            match defined {
                Ok(array) => {
                    self.values[variable] = Some(array);
                    moved = true;
                }
                Err(problem) => {
                    self.refused[variable] = true;
                    self.report(*problem);
                }
            }
        }
        moved
    }

    /// The values of a data-only definition.
    fn define(&mut self, id: DefinitionId) -> Result<Array, Box<Diagnostic>> {
        let typed = self.typed;
        let definition = typed.definition(id);
        let shape = self.shape(definition.variable);
        let indices = &definition.indices;
        let values = match &definition.value {
            DefinitionValue::Factored(value) => return self.factor(id, value),
            DefinitionValue::Each(value) => self.evaluate(|evaluator| {
                let values = evaluator.data_over(value, indices, None);
                values.map_err(|error| Failure::at(evaluator, indices, error))
            }),
            // Solutions are computed with the latents.
            DefinitionValue::Solved(_) => Ok(Vec::new()),
            DefinitionValue::PerElement(elements) => {
                let last = shape.last().copied().unwrap_or(0);
                if last != elements.len() {
                    return Err(Box::new(self.list_length(definition.variable, elements.len())));
                }
                let outer = &indices[..indices.len().saturating_sub(1)];
                if let Some(array) = self.columns(elements, outer).filter(|a| a.shape() == shape) {
                    return Ok(array);
                }
                let mut values = vec![f64::NAN; shape.iter().product()];
                self.evaluate(|evaluator| {
                    for (k, element) in elements.iter().enumerate() {
                        let column = evaluator.data_over(element, outer, None);
                        let column =
                            column.map_err(|error| Failure::at(evaluator, outer, error))?;
                        let cells = values.iter_mut().skip(k).step_by(elements.len());
                        cells.zip(column).for_each(|(cell, value)| *cell = value);
                    }
                    Ok(values)
                })
            }
        };
        match values {
            Ok(values) => Ok(Array::new(&shape, values)),
            Err(failure) => Err(Box::new(self.explain(&failure, indices))),
        }
    }

    /// An array of whole variables as its columns, which it shares; `None` if an element is anything
    /// else, or has cells that may be missing.
    fn columns(&self, elements: &[Expr], outer: &[IndexId]) -> Option<Array> {
        let column = |element: &Expr| {
            let ExprKind::Variable(variable, at) = &element.kind else { return None };
            let is_whole = at.len() == outer.len()
                && at.iter().zip(outer).all(|(at, index)| at.index() == Some(*index))
                && self.typed.left_out_by(*variable).is_none();
            self.values[variable.index()].as_ref().filter(|_| is_whole)
        };
        Array::of_columns(&elements.iter().map(column).collect::<Option<Vec<_>>>()?)
    }

    /// The value of a scalar.
    pub(super) fn scalar(&self, variable: VariableId) -> Option<f64> {
        self.values[variable.index()].as_ref()?.get(0)
    }

    fn shape(&self, variable: VariableId) -> Vec<usize> {
        let axes = &self.typed.variable(variable).axes;
        axes.iter().map(|a| self.axes[a.index()].len()).collect()
    }

    fn list_length(&self, variable: VariableId, found: usize) -> Diagnostic {
        let declared = self.typed.variable(variable);
        let axis = declared.axes.last().copied();
        let (name, size) = axis.map_or((String::new(), 0), |a| {
            (self.typed.axis(a).name.clone(), self.axes[a.index()].len())
        });
        Diagnostic::error(
            Slug::LengthMismatch,
            format!("`{}` lists {found} values, but `{name}` has {size} elements", declared.name),
            declared.span,
            "defined here",
        )
    }

    /// Without errors, what is left waits for itself: a range whose ends need its own elements.
    fn report_unsettled(&mut self) {
        let axes = self.typed.axes.iter().zip(&self.settled);
        let (ranges, others): (Vec<_>, Vec<_>) =
            axes.filter(|(_, settled)| !*settled).partition(|(axis, _)| is_range(&axis.origin));
        let ranges = ranges.into_iter().map(|(axis, _)| {
            let message = format!("the ends of `{}` depend on its own elements", axis.name);
            Diagnostic::error(Slug::Cycle, message, axis.span, "defined here")
        });
        let others = others.into_iter().map(|(axis, _)| {
            let message = format!("nothing gives the elements of `{}`", axis.name);
            Diagnostic::error(Slug::MissingData, message, axis.span, "introduced here")
        });
        let cycles: Vec<Diagnostic> = ranges.collect();
        let problems = if cycles.is_empty() { others.collect() } else { cycles };
        self.problems.extend(problems);
    }

    /// The name of an element for a message: `y[AITKIN, 3]`.
    fn element(&self, variable: VariableId, position: usize) -> String {
        let declared = self.typed.variable(variable);
        let mut rest = position;
        let mut labels: Vec<String> = declared
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let elements = &self.axes[axis.index()];
                let size = elements.len().max(1);
                let label = elements.label(rest % size);
                rest /= size;
                label
            })
            .collect();
        labels.reverse();
        if labels.is_empty() {
            declared.name.clone()
        } else {
            format!("{}[{}]", declared.name, labels.join(", "))
        }
    }
}

fn is_range(origin: &AxisOrigin) -> bool {
    match origin {
        AxisOrigin::Range(..) => true,
        AxisOrigin::Rows(_)
        | AxisOrigin::Array
        | AxisOrigin::Levels
        | AxisOrigin::Labels(_)
        | AxisOrigin::Same(_) => false,
    }
}
