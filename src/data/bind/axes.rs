//! Finds the elements of every axis: from the program, a label column, a header, a length, or the
//! levels of the columns that hold its elements.

use super::explain::Failure;
use super::{Binder, Mode, Sized};
use crate::bound::Elements;
use crate::data::claim::data_variables;
use crate::data::column::Cells;
use crate::data::labels::{self, Levels};
use crate::diagnostic::{Diagnostic, Severity, Slug};
use crate::typed::{AxisId, AxisOrigin, Expr, Kind, VariableId};

/// The largest axis: positions are exact in `f64` and arrays fit in memory.
const LARGEST_AXIS: f64 = 1e9;

impl Binder<'_> {
    /// Settles every axis whose elements can be known now.
    pub(super) fn settle_axes(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.typed.axes.len() {
            let axis = AxisId(index as u32);
            if self.settled[index] || self.refused_axes[index] {
                continue;
            }
            match self.elements(axis) {
                Ok(Some((elements, sized))) => {
                    self.axes[index] = elements;
                    self.sized[index] = sized;
                    self.settled[index] = true;
                    moved = true;
                }
                Ok(None) => {}
                Err(problem) => {
                    self.refused_axes[index] = true;
                    self.report(*problem);
                }
            }
        }
        moved
    }

    fn elements(
        &mut self,
        axis: AxisId,
    ) -> Result<Option<(Elements, Option<Sized>)>, Box<Diagnostic>> {
        let typed = self.typed;
        match &typed.axis(axis).origin {
            AxisOrigin::Same(other) => {
                let ready = self.is_settled(*other);
                let sized = self.sized[other.index()].clone();
                Ok(ready.then(|| (self.axes[other.index()].clone(), sized)))
            }
            AxisOrigin::Labels(labels) => Ok(Some((Elements::Labels(labels.clone()), None))),
            AxisOrigin::Range(low, high) => match self.kept(axis) {
                Some(elements) => Ok(Some((elements, None))),
                None => Ok(self.range(axis, low, high)?.map(|e| (e, None))),
            },
            AxisOrigin::Rows(_) | AxisOrigin::Array => self.given_elements(axis),
            AxisOrigin::Levels => match self.given_elements(axis)? {
                Some(found) => Ok(Some(found)),
                None => Ok(self.levels(axis).map(|e| (e, None))),
            },
        }
    }

    /// The elements the axis had in the fit.
    fn kept(&self, axis: AxisId) -> Option<Elements> {
        match self.mode {
            Mode::Fit => None,
            Mode::Predict(frozen) => frozen.elements(axis, &self.typed.axis(axis).name),
        }
    }

    fn range(
        &mut self,
        axis: AxisId,
        low: &Expr,
        high: &Expr,
    ) -> Result<Option<Elements>, Box<Diagnostic>> {
        if !self.is_ready(low) || !self.is_ready(high) {
            return Ok(None);
        }
        let mut ends = [0.0; 2];
        for (end, expr) in ends.iter_mut().zip([low, high]) {
            let value = self.evaluate(|evaluator| {
                evaluator.data(expr).map_err(|error| Failure::at(evaluator, &[], error))
            });
            *end = value.map_err(|failure| Box::new(self.explain(&failure, &[])))?;
            if end.fract() != 0.0 || !end.is_finite() || end.abs() > 1e15 {
                return Err(Box::new(Diagnostic::error(
                    Slug::WrongKind,
                    format!("an end of `{}` is {end}, not a whole number", self.axis_name(axis)),
                    expr.span,
                    "the end of a range of elements",
                )));
            }
        }
        let size = (ends[1] - ends[0] + 1.0).max(0.0);
        if size > LARGEST_AXIS {
            return Err(Box::new(
                Diagnostic::error(
                    Slug::LengthMismatch,
                    format!("`{}` would have {size} elements", self.axis_name(axis)),
                    low.span.to(high.span),
                    format!("{}..{}", ends[0], ends[1]),
                )
                .help("an axis has at most 10^9 elements"),
            ));
        }
        Ok(Some(Elements::Range { first: ends[0] as i64, size: size as usize }))
    }

    fn axis_name(&self, axis: AxisId) -> &str {
        &self.typed.axis(axis).name
    }

    /// Elements from what is laid out over the axis: labels of rows, a header, or a length.
    fn given_elements(
        &self,
        axis: AxisId,
    ) -> Result<Option<(Elements, Option<Sized>)>, Box<Diagnostic>> {
        let span = self.typed.axis(axis).span;
        if let Some((texts, origin)) = &self.cellar.labels[axis.index()] {
            let labels = self.distinct(axis, texts, |position| origin.place(position))?;
            let sized = Sized { by: format!("`{}`", origin.file()), span };
            return Ok(Some((labels, Some(sized))));
        }
        let kept = self.kept(axis).filter(|_| !self.is_touched(axis));
        if let Some(elements) = kept
            && !self.is_levels_of_columns(axis)
        {
            return Ok(Some((elements, None)));
        }
        for variable in data_variables(self.typed) {
            let Some((dimension, raw)) = self.laid_out(variable, axis) else { continue };
            let declared = self.typed.variable(variable);
            let sized = Sized { by: format!("`{}`", declared.name), span: declared.span };
            if dimension == 1
                && let Some(headers) = &raw.columns
            {
                let file = raw.origin.file();
                let labels = self.distinct(axis, headers, |_| format!("the header of `{file}`"))?;
                return Ok(Some((labels, Some(sized))));
            }
        }
        for variable in data_variables(self.typed) {
            let Some((dimension, raw)) = self.laid_out(variable, axis) else { continue };
            let Some(size) = raw.shape.get(dimension) else { continue };
            let declared = self.typed.variable(variable);
            let sized = Sized { by: format!("`{}`", declared.name), span: declared.span };
            return Ok(Some((Elements::Range { first: 1, size: *size }, Some(sized))));
        }
        let groups = self.claims.groups.iter().zip(&self.claims.group_files);
        for (group, file) in groups {
            if group.axis == axis
                && let Some((rows, _)) = file.and_then(|f| self.cellar.sizes[f])
            {
                let sized = Sized { by: format!("`{}`", group.name), span };
                return Ok(Some((Elements::Range { first: 1, size: rows }, Some(sized))));
            }
        }
        Ok(None)
    }

    /// Whether nothing but index columns can give the elements.
    fn is_levels_of_columns(&self, axis: AxisId) -> bool {
        let is_levels = match &self.typed.axis(axis).origin {
            AxisOrigin::Levels => true,
            AxisOrigin::Rows(_)
            | AxisOrigin::Array
            | AxisOrigin::Range(..)
            | AxisOrigin::Labels(_)
            | AxisOrigin::Same(_) => false,
        };
        is_levels
            && !data_variables(self.typed).any(|v| {
                let axes = &self.typed.variable(v).axes;
                axes.iter().any(|a| self.typed.resolve_axis(*a) == axis)
            })
    }

    /// The dimension of a variable that runs over an axis, with its cells.
    fn laid_out(
        &self,
        variable: VariableId,
        axis: AxisId,
    ) -> Option<(usize, &crate::data::origin::Raw)> {
        let axes = &self.typed.variable(variable).axes;
        let dimension = axes.iter().position(|a| self.typed.resolve_axis(*a) == axis)?;
        Some((dimension, self.cellar.raw[variable.index()].as_ref()?))
    }

    /// Labels as elements; an error if one occurs twice or is missing.
    fn distinct(
        &self,
        axis: AxisId,
        texts: &[String],
        place: impl Fn(usize) -> String,
    ) -> Result<Elements, Box<Diagnostic>> {
        let name = self.axis_name(axis);
        let problem = |what: String, position: usize| {
            Box::new(
                Diagnostic::error(
                    Slug::BadFile,
                    what,
                    self.typed.axis(axis).span,
                    format!("`{name}` labels its rows by the column of its own name"),
                )
                .note(place(position)),
            )
        };
        let mut levels = Levels::default();
        for (position, text) in texts.iter().enumerate() {
            if text.is_empty() {
                return Err(problem(format!("an element of `{name}` has no label"), position));
            }
            if !levels.add(text).1 {
                return Err(problem(format!("`{name}` has two elements `{text}`"), position));
            }
        }
        Ok(labels::consecutive(texts).unwrap_or_else(|| Elements::Labels(texts.to_vec())))
    }

    /// The sorted levels of all columns that hold elements of the axis. A prediction keeps those
    /// of the fit in front.
    fn levels(&mut self, axis: AxisId) -> Option<Elements> {
        let mut levels = Levels::default();
        let mut any = false;
        for variable in data_variables(self.typed) {
            let holds = match self.typed.variable(variable).kind {
                Kind::Index(a) => self.typed.resolve_axis(a) == axis,
                Kind::Real | Kind::Int | Kind::Bool => false,
            };
            if !holds {
                continue;
            }
            if let Some(raw) = &self.cellar.raw[variable.index()]
                && let Cells::Labels(labels) = &raw.cells
            {
                any = true;
                labels.names.iter().for_each(|name| {
                    levels.add(name);
                });
            }
        }
        let sorted = levels.sorted();
        match self.kept(axis) {
            None if !any => None,
            None => {
                self.warn_near_misses(axis, &sorted);
                Some(Elements::Labels(sorted))
            }
            Some(Elements::Labels(kept)) => {
                let mut all = Levels::default();
                kept.iter().chain(&sorted).for_each(|label| {
                    all.add(label);
                });
                Some(Elements::Labels(all.in_order()))
            }
            Some(kept @ Elements::Range { .. }) => Some(kept),
        }
    }

    fn warn_near_misses(&mut self, axis: AxisId, labels: &[String]) {
        const SHOWN: usize = 3;
        let pairs = labels::near_misses(labels);
        if pairs.is_empty() {
            return;
        }
        let shown: Vec<String> =
            pairs.iter().take(SHOWN).map(|(a, b)| format!("`{a}` and `{b}`")).collect();
        let mut warning = Diagnostic::new(
            Slug::UnknownLabel,
            Severity::Warning,
            format!("levels of `{}` differ only in case or spaces", self.axis_name(axis)),
        )
        .at(self.typed.axis(axis).span, "each spelling is a level of its own")
        .note(shown.join("; "));
        if pairs.len() > SHOWN {
            warning = warning.note(format!("and {} more pairs", pairs.len() - SHOWN));
        }
        self.report(warning);
    }
}
