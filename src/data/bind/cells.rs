//! Turns the cells of a variable into an array over its axes: numbers checked by kind, labels as
//! positions, rows and columns in the order of the axes.

use super::{Binder, Mode, Placed, advice};
use crate::bound::{Array, Elements};
use crate::data::column::{Cells, Labels, MISSING, Numbers};
use crate::data::labels::{Lookup, nearest, number};
use crate::data::origin::{Origin, Raw};
use crate::diagnostic::{Diagnostic, Slug};
use crate::typed::{AxisId, AxisOrigin, Kind, Program, VariableId};

type Placing<T> = Result<T, Box<Diagnostic>>;

impl Binder<'_> {
    /// The array of a data variable whose axes are settled.
    pub(super) fn place(&mut self, variable: VariableId) -> Placing<Array> {
        if self.absent[variable.index()] {
            return Ok(Array::new(&self.shape(variable), Vec::new()));
        }
        let Some(mut raw) = self.cellar.raw[variable.index()].take() else {
            return self.keep_from_fit(variable);
        };
        let values = self.convert(variable, &mut raw)?;
        let shape = self.shape(variable);
        let source = raw.shape.clone();
        let mut orders: Vec<Option<Vec<usize>>> = Vec::new();
        for (dimension, axis) in self.typed.variable(variable).axes.iter().enumerate() {
            let labels = match dimension {
                0 => raw.rows.as_deref(),
                1 => raw.columns.as_ref(),
                _ => None,
            };
            orders.push(match labels {
                Some(labels) => self.order(variable, *axis, labels, &raw.origin)?,
                None => {
                    self.check_length(variable, *axis, source[dimension], &raw.origin)?;
                    None
                }
            });
        }
        let order =
            orders.iter().any(Option::is_some).then(|| permutation(&shape, &source, &orders));
        let values = match &order {
            Some(order) => order.iter().map(|p| values[*p]).collect(),
            None => values,
        };
        self.placed[variable.index()] = Some(Placed { origin: raw.origin, order });
        Ok(Array::new(&shape, values))
    }

    fn span_error(&self, variable: VariableId, slug: Slug, message: String) -> Diagnostic {
        Diagnostic::error(slug, message, self.typed.variable(variable).span, "declared here")
    }

    fn check_length(
        &self,
        variable: VariableId,
        axis: AxisId,
        found: usize,
        origin: &Origin,
    ) -> Placing<()> {
        let size = self.axes[axis.index()].len();
        if found == size {
            return Ok(());
        }
        let (declared, info) = (self.typed.variable(variable), self.typed.axis(axis));
        let name = &info.name;
        let problem = self.span_error(
            variable,
            Slug::LengthMismatch,
            format!(
                "`{}` has {found} {} along `{name}` in `{}`, but `{name}` has {size}",
                declared.name,
                if found == 1 { "element" } else { "elements" },
                origin.file(),
            ),
        );
        Err(Box::new(match &self.sized[self.typed.resolve_axis(axis).index()] {
            Some(sized) => problem.because(sized.span, format!("{size} elements by {}", sized.by)),
            None => problem.because(info.span, format!("{size} elements")),
        }))
    }

    /// For each element of an axis the row (or column) of the file that gives it; `None` if the
    /// file has them in order.
    fn order(
        &self,
        variable: VariableId,
        axis: AxisId,
        labels: &[String],
        origin: &Origin,
    ) -> Placing<Option<Vec<usize>>> {
        let elements = &self.axes[axis.index()];
        let lookup = Lookup::new(elements);
        let mut rows = vec![usize::MAX; elements.len()];
        let (name, axis_name) = (&self.typed.variable(variable).name, &self.typed.axis(axis).name);
        for (row, label) in labels.iter().enumerate() {
            let problem = |slug, message: String| {
                Box::new(self.span_error(variable, slug, message).note(format!(
                    "row {} of `{}`",
                    row + 1,
                    origin.file()
                )))
            };
            let Some(position) = lookup.position(label) else {
                let message = format!("`{label}` is not an element of `{axis_name}`");
                let problem = problem(Slug::UnknownLabel, message);
                return Err(Box::new(problem.note(describe(axis_name, elements))));
            };
            if rows[position] != usize::MAX {
                let message = format!("`{name}` is given twice for `{label}`");
                return Err(problem(Slug::BadFile, message));
            }
            rows[position] = row;
        }
        if let Some(missing) = rows.iter().position(|r| *r == usize::MAX) {
            let label = elements.label(missing);
            let message = format!(
                "`{}` gives no `{name}` for `{label}`, an element of `{axis_name}`",
                origin.file()
            );
            return Err(Box::new(self.span_error(variable, Slug::MissingData, message)));
        }
        let in_order = rows.iter().enumerate().all(|(position, row)| position == *row);
        Ok((!in_order).then_some(rows))
    }

    /// Cells as numbers, in the order of the file. Those that were read as numbers are taken, not copied.
    fn convert(&mut self, variable: VariableId, raw: &mut Raw) -> Placing<Vec<f64>> {
        if raw.cells.len() != raw.shape.iter().product::<usize>() {
            let message = format!("`{}` cannot be read in full", raw.origin.file());
            return Err(Box::new(self.span_error(variable, Slug::BadFile, message)));
        }
        if let Some(problem) = self.unmarked(variable, raw) {
            return Err(Box::new(problem));
        }
        let Raw { cells, origin, .. } = raw;
        match (cells, self.typed.variable(variable).kind) {
            (Cells::Numbers(numbers), kind) => self.numbers(variable, numbers, kind, origin),
            (Cells::Labels(labels), Kind::Index(axis)) => {
                self.positions(variable, labels, axis, origin)
            }
            (Cells::Labels(_), Kind::Real | Kind::Int | Kind::Bool) => Ok(Vec::new()),
        }
    }

    fn numbers(
        &self,
        variable: VariableId,
        numbers: &mut Numbers,
        kind: Kind,
        origin: &Origin,
    ) -> Placing<Vec<f64>> {
        let name = &self.typed.variable(variable).name;
        if numbers.bad.count > 0 {
            let text = &numbers.bad.text;
            let message = format!("`{text}` is not a number for `{name}`");
            let first = numbers.bad.first.first().copied().unwrap_or(0);
            let problem = self.bad_cell(variable, message, first, numbers.bad.count, origin);
            let in_json = matches!(origin, Origin::Json { .. });
            let problem = problem.help(advice::for_cell(text, name, kind, in_json));
            return Err(Box::new(problem));
        }
        let has_axes = !self.typed.variable(variable).axes.is_empty();
        let good = |x: f64| match kind {
            Kind::Real | Kind::Index(_) => x.is_finite() || !has_axes,
            Kind::Int => x.fract() == 0.0,
            Kind::Bool => x == 0.0 || x == 1.0,
        };
        let mut bad = numbers.values.iter().enumerate().filter(|(_, x)| !x.is_nan() && !good(**x));
        let Some((first, value)) = bad.next() else {
            return Ok(std::mem::take(&mut numbers.values));
        };
        let wanted = match kind {
            Kind::Real | Kind::Index(_) => "finite",
            Kind::Int => "a whole number",
            Kind::Bool => "0, 1, true or false",
        };
        let message = format!("`{value}` is not {wanted}, as `{name}` must be");
        let problem = self.bad_cell(variable, message, first, 1 + bad.count(), origin);
        Err(Box::new(match kind {
            Kind::Int => {
                problem.help(format!("if it may have a fraction, drop `: int` after `{name}`"))
            }
            Kind::Bool => {
                problem.help(format!("for counts write `{name}: int`, for labels `{name}: index`"))
            }
            Kind::Real | Kind::Index(_) => problem.help("leave out the row, or write a number"),
        }))
    }

    fn bad_cell(
        &self,
        variable: VariableId,
        message: String,
        first: usize,
        count: usize,
        origin: &Origin,
    ) -> Diagnostic {
        let problem = self.span_error(variable, Slug::BadCell, message).note(origin.place(first));
        match count {
            0 | 1 => problem,
            n => problem.note(format!("and {} more like it", n - 1)),
        }
    }

    fn positions(
        &self,
        variable: VariableId,
        labels: &Labels,
        axis: AxisId,
        origin: &Origin,
    ) -> Placing<Vec<f64>> {
        let lookup = Lookup::new(&self.axes[axis.index()]);
        let found: Vec<Option<usize>> = labels.names.iter().map(|n| lookup.position(n)).collect();
        let position = |code: &u32| match *code {
            MISSING => Some(f64::NAN),
            code => found.get(code as usize).copied().flatten().map(|p| p as f64),
        };
        let values: Option<Vec<f64>> = labels.codes.iter().map(position).collect();
        values.ok_or_else(|| Box::new(self.unknown_label(variable, labels, &found, axis, origin)))
    }

    fn unknown_label(
        &self,
        variable: VariableId,
        labels: &Labels,
        found: &[Option<usize>],
        axis: AxisId,
        origin: &Origin,
    ) -> Diagnostic {
        let unknown: Vec<usize> = (0..found.len()).filter(|code| found[*code].is_none()).collect();
        let code = unknown.first().copied().unwrap_or(0);
        let first = labels.codes.iter().position(|c| *c as usize == code).unwrap_or(0);
        let label = labels.names.get(code).map_or("", String::as_str);
        let (name, axis_name) = (&self.typed.variable(variable).name, &self.typed.axis(axis).name);
        let elements = &self.axes[axis.index()];
        let whole = number(label).is_some_and(|x| x.fract() == 0.0);
        let slug = match elements {
            Elements::Range { .. } if whole => Slug::IndexOutOfRange,
            Elements::Range { .. } => Slug::BadCell,
            Elements::Labels(_) => Slug::UnknownLabel,
        };
        let message = if slug == Slug::BadCell {
            format!(
                "`{label}` in `{name}` is not a whole number, as the elements of `{axis_name}` are"
            )
        } else {
            format!("`{label}` in `{name}` is not an element of the axis `{axis_name}`")
        };
        let mut problem = self.span_error(variable, slug, message).note(origin.place(first));
        problem = problem.note(describe(axis_name, elements));
        problem = match unknown.len() {
            0 | 1 => problem,
            2 => problem.note("1 other label is not either"),
            n => problem.note(format!("{} other labels are not either", n - 1)),
        };
        let resolved = self.typed.resolve_axis(axis);
        problem = match &self.sized[resolved.index()] {
            Some(sized) => {
                problem.because(sized.span, format!("its elements come from {}", sized.by))
            }
            None => problem.because(self.typed.axis(axis).span, "its elements are fixed here"),
        };
        if let Elements::Labels(known) = elements
            && let Some(near) = nearest(label, known.iter().map(String::as_str)).first()
        {
            return problem.help(format!("did you mean `{near}`?"));
        }
        if let (Mode::Fit, Elements::Labels(_), Some(sized)) =
            (self.mode, elements, &self.sized[resolved.index()])
        {
            return problem.help(format!(
                "add a row for `{label}` to {}, or leave out the rows that have it",
                sized.by
            ));
        }
        match (self.mode, &self.typed.axis(resolved).origin) {
            (Mode::Predict(_), AxisOrigin::Range(..)) => {
                problem.help("an axis that the program declares keeps the elements of the fit")
            }
            (
                Mode::Predict(_) | Mode::Fit,
                AxisOrigin::Range(..)
                | AxisOrigin::Rows(_)
                | AxisOrigin::Array
                | AxisOrigin::Levels
                | AxisOrigin::Labels(_)
                | AxisOrigin::Same(_),
            ) => problem,
        }
    }

    fn not_in_fit(&self, variable: VariableId) -> Box<Diagnostic> {
        let name = &self.typed.variable(variable).name;
        let message = format!("`{name}` was not given, and the fit has no such data");
        Box::new(self.span_error(variable, Slug::MissingData, message))
    }

    /// The data of the fit, for what a prediction was not given again.
    fn keep_from_fit(&mut self, variable: VariableId) -> Placing<Array> {
        let declared = self.typed.variable(variable);
        let Mode::Predict(frozen) = self.mode else {
            return Err(self.not_in_fit(variable));
        };
        let Some(mut array) = frozen.array(&declared.name) else {
            return Err(self.not_in_fit(variable));
        };
        let origin = Origin::Fit(declared.name.clone());
        if array.shape().len() != declared.axes.len() {
            return Err(self.not_in_fit(variable));
        }
        for (axis, length) in declared.axes.iter().zip(array.shape()) {
            self.check_length(variable, *axis, *length, &origin)?;
        }
        if let Kind::Index(axis) = declared.kind
            && let Some(old) = frozen.elements(axis, &self.typed.axis(axis).name)
            && old != self.axes[axis.index()]
        {
            let lookup = Lookup::new(&self.axes[axis.index()]);
            for at in 0..array.len() {
                let label = old.label(array.get(at).unwrap_or(f64::NAN) as usize);
                let Some(position) = lookup.position(&label) else {
                    let name = &self.typed.axis(axis).name;
                    let message = format!("the new `{name}` has no element `{label}`");
                    let problem = self.span_error(variable, Slug::UnknownLabel, message);
                    return Err(Box::new(problem.note(format!(
                        "`{}` is taken from the fit and refers to it",
                        declared.name
                    ))));
                };
                array.set(at, position as f64);
            }
        }
        self.placed[variable.index()] = Some(Placed { origin, order: None });
        Ok(array)
    }
}

/// Makes the shape of a file's array that of the declaration, or says how they differ. A CSV
/// column with one row is a scalar where one is declared; an empty array has any number of axes.
pub(super) fn fit_rank(typed: &Program, variable: VariableId, raw: &mut Raw) -> Placing<()> {
    let declared = typed.variable(variable);
    let rank = declared.axes.len();
    if raw.shape.len() == rank {
        return Ok(());
    }
    if (rank > 0 && raw.shape.contains(&0)) || (rank == 0 && raw.shape == [1]) {
        raw.shape = vec![0; rank];
        return Ok(());
    }
    let found = match &raw.shape[..] {
        [] => "a single number".to_owned(),
        shape => {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("an array of {}", sizes.join(" by "))
        }
    };
    let axes: Vec<&str> = declared.axes.iter().map(|a| typed.axis(*a).name.as_str()).collect();
    let wanted = match &axes[..] {
        [] => "a single number".to_owned(),
        axes => format!("an array over [{}]", axes.join(", ")),
    };
    let (name, file) = (&declared.name, raw.origin.file());
    let problem = Diagnostic::error(
        Slug::LengthMismatch,
        format!("`{name}` is {found} in `{file}`, but is declared as {wanted}"),
        declared.span,
        "declared here",
    );
    Err(Box::new(if raw.shape.is_empty() && rank == 1 {
        problem.help("an array with one element is written `[x]`")
    } else {
        problem
    }))
}

/// Where each cell of the target stands in the source, both row-major.
fn permutation(target: &[usize], source: &[usize], orders: &[Option<Vec<usize>>]) -> Vec<usize> {
    let total: usize = target.iter().product();
    let mut order = Vec::with_capacity(total);
    let mut at = vec![0; target.len()];
    for _ in 0..total {
        let mut position = 0;
        for (dimension, index) in at.iter().enumerate() {
            let from = orders[dimension].as_ref().map_or(*index, |o| o[*index]);
            position = position * source[dimension] + from;
        }
        order.push(position);
        for dimension in (0..at.len()).rev() {
            at[dimension] += 1;
            if at[dimension] < target[dimension] {
                break;
            }
            at[dimension] = 0;
        }
    }
    order
}

/// The elements of an axis, for a message.
pub(super) fn describe(name: &str, elements: &Elements) -> String {
    const SHOWN: usize = 8;
    match elements {
        Elements::Range { size: 0, .. } => format!("`{name}` has no elements"),
        Elements::Range { first, size } => {
            format!("`{name}` has the elements {first} to {}", first + *size as i64 - 1)
        }
        Elements::Labels(labels) => {
            let shown: Vec<String> = labels.iter().take(SHOWN).map(|l| format!("`{l}`")).collect();
            let more = labels.len().saturating_sub(SHOWN);
            let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("`{name}` has the elements {}{tail}", shown.join(", "))
        }
    }
}
