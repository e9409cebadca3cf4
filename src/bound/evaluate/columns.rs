//! Evaluates data-only expressions for many rows at once, a block of rows at a time.
//!
//! The values are those of [`Evaluator::data`] row by row, bit for bit, and so are the failures:
//! after one, the rows are evaluated again one by one, and the first that fails is reported.

use super::super::Elements;
use super::super::arithmetic::binary;
use super::{EvaluationError, Evaluator};
use crate::typed::{AxisId, Expr, ExprKind, IndexId, Kind, Operator, VariableId};
use std::borrow::Cow;
use std::ops::Range;

/// Rows evaluated together: few enough that their columns stay in the cache.
const BLOCK: usize = 2048;

/// Rows below this number are evaluated one by one.
const FEWEST: usize = 16;

/// Rows, and the position of each index that varies among them in every row.
struct Block {
    count: usize,
    indices: Vec<(IndexId, Vec<u32>)>,
}

impl Block {
    fn of(&self, index: IndexId) -> Option<&[u32]> {
        self.indices.iter().rev().find(|(own, _)| *own == index).map(|(_, at)| &at[..])
    }

    /// Some of the rows.
    fn select(&self, rows: &[u32]) -> Block {
        let pick = |at: &[u32]| rows.iter().map(|row| at[*row as usize]).collect();
        let indices = self.indices.iter().map(|(index, at)| (*index, pick(at))).collect();
        Block { count: rows.len(), indices }
    }
}

/// One number for all rows, or one for each.
enum Column {
    One(f64),
    Rows(Vec<f64>),
}

impl Column {
    fn at(&self, row: usize) -> f64 {
        match self {
            Column::One(x) => *x,
            Column::Rows(values) => values[row],
        }
    }

    fn extend(self, to: &mut Vec<f64>, count: usize) {
        match self {
            Column::One(x) => to.resize(to.len() + count, x),
            Column::Rows(values) => to.extend(values),
        }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Column {
        match self {
            Column::One(x) => Column::One(f(x)),
            Column::Rows(mut values) => {
                values.iter_mut().for_each(|x| *x = f(*x));
                Column::Rows(values)
            }
        }
    }

    fn try_map(
        self,
        f: impl Fn(f64) -> Result<f64, EvaluationError>,
    ) -> Result<Column, EvaluationError> {
        match self {
            Column::One(x) => f(x).map(Column::One),
            Column::Rows(values) => {
                values.into_iter().map(f).collect::<Result<_, _>>().map(Column::Rows)
            }
        }
    }

    fn zip(self, other: Column, operator: Operator) -> Column {
        match (self, other) {
            (a, Column::One(b)) => a.map(|a| binary(operator, a, b)),
            (Column::One(a), b) => b.map(|b| binary(operator, a, b)),
            (Column::Rows(mut a), Column::Rows(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = binary(operator, *a, b));
                Column::Rows(a)
            }
        }
    }
}

/// The rows whose condition holds, and the others.
fn split(condition: &[f64]) -> (Vec<u32>, Vec<u32>) {
    (0..condition.len() as u32).partition(|row| condition[*row as usize] != 0.0)
}

impl<V> Evaluator<'_, V> {
    /// The values of a data-only expression for every combination of the indices that the guard
    /// lets through, the last index running fastest. After a failure the indices stand where it
    /// was.
    pub fn data_over(
        &self,
        expr: &Expr,
        indices: &[IndexId],
        guard: Option<&Expr>,
    ) -> Result<Vec<f64>, EvaluationError> {
        let total: usize = indices.iter().map(|index| self.extent(*index)).product();
        let mut values = Vec::new();
        if total >= FEWEST && self.fill_over(expr, indices, guard, total, &mut values).is_ok() {
            return Ok(values);
        }
        values.clear();
        self.for_each(indices, guard, |_| {
            values.push(self.data(expr)?);
            Ok::<(), EvaluationError>(())
        })?;
        Ok(values)
    }

    /// The values of a data-only expression in rows, given by the position in each row of every
    /// index that varies. After a failure the indices stand where it was.
    pub fn data_at(
        &self,
        expr: &Expr,
        count: usize,
        indices: &[(IndexId, Cow<'_, [u32]>)],
    ) -> Result<Vec<f64>, EvaluationError> {
        let mut values = Vec::with_capacity(count);
        if count >= FEWEST && self.fill_at(expr, count, indices, &mut values).is_ok() {
            return Ok(values);
        }
        values.clear();
        for row in 0..count {
            indices.iter().for_each(|(index, at)| self.set(*index, at[row] as usize));
            values.push(self.data(expr)?);
        }
        Ok(values)
    }

    fn fill_over(
        &self,
        expr: &Expr,
        indices: &[IndexId],
        guard: Option<&Expr>,
        total: usize,
        values: &mut Vec<f64>,
    ) -> Result<(), EvaluationError> {
        for rows in blocks(total) {
            let mut block = self.block(indices, rows);
            if let Some(guard) = guard {
                match self.column(guard, &block)? {
                    Column::One(truth) if truth != 0.0 => {}
                    Column::One(_) => continue,
                    Column::Rows(truths) => block = block.select(&split(&truths).0),
                }
            }
            self.column(expr, &block)?.extend(values, block.count);
        }
        Ok(())
    }

    fn fill_at(
        &self,
        expr: &Expr,
        count: usize,
        indices: &[(IndexId, Cow<'_, [u32]>)],
        values: &mut Vec<f64>,
    ) -> Result<(), EvaluationError> {
        for rows in blocks(count) {
            let part =
                |(index, at): &(IndexId, Cow<'_, [u32]>)| (*index, at[rows.clone()].to_vec());
            let block = Block { count: rows.len(), indices: indices.iter().map(part).collect() };
            self.column(expr, &block)?.extend(values, block.count);
        }
        Ok(())
    }

    /// Some of all combinations of indices.
    fn block(&self, indices: &[IndexId], rows: Range<usize>) -> Block {
        let mut stride = 1;
        let columns = indices.iter().rev().map(|index| {
            let size = self.extent(*index);
            let at = rows.clone().map(|row| (row / stride % size) as u32).collect();
            stride *= size;
            (*index, at)
        });
        Block { count: rows.len(), indices: columns.collect() }
    }

    /// The value in every row. Fails where a row has none, not always with the first of them.
    fn column(&self, expr: &Expr, block: &Block) -> Result<Column, EvaluationError> {
        if block.count == 0 {
            return Ok(Column::Rows(Vec::new()));
        }
        match &expr.kind {
            ExprKind::Number(x) => Ok(Column::One(*x)),
            ExprKind::Index(index) => Ok(match block.of(*index) {
                Some(at) => Column::Rows(at.iter().map(|at| f64::from(*at)).collect()),
                None => Column::One(self.at(*index) as f64),
            }),
            ExprKind::Variable(variable, at) => self.cells(*variable, at, expr, block),
            ExprKind::ElementNumber(element) => match self.first_number(element.ty) {
                Some(first) => Ok(self.column(element, block)?.map(|at| first + at)),
                None => self.rows(expr, block),
            },
            ExprKind::ElementOf(number) => {
                let Some((axis, first)) = self.range_of(expr) else {
                    return self.rows(expr, block);
                };
                let last = self.axes[axis.index()].len() as f64;
                let span = expr.span;
                let column = self.column(number, block)?;
                column.try_map(|value| match value - first {
                    at if at >= 0.0 && at < last && at.fract() == 0.0 => Ok(at),
                    _ => Err(EvaluationError::OutOfRange { span, axis, value }),
                })
            }
            ExprKind::Below(number, axis) => {
                let first = self.first(*axis);
                Ok(self.column(number, block)?.map(|x| f64::from(u8::from(x < first))))
            }
            ExprKind::Negate(a) => Ok(self.column(a, block)?.map(|a| -a)),
            ExprKind::Not(a) => Ok(self.column(a, block)?.map(|a| f64::from(u8::from(a == 0.0)))),
            ExprKind::Binary(Operator::And, a, b) => {
                self.choose(a, block, |rows| self.column(b, rows), |_| Ok(Column::One(0.0)))
            }
            ExprKind::Binary(Operator::Or, a, b) => {
                self.choose(a, block, |_| Ok(Column::One(1.0)), |rows| self.column(b, rows))
            }
            ExprKind::Binary(operator, a, b) => {
                let (a, b) = (self.column(a, block)?, self.column(b, block)?);
                Ok(a.zip(b, *operator))
            }
            ExprKind::Call(function, arguments) => {
                let columns: Vec<Column> =
                    arguments.iter().map(|a| self.column(a, block)).collect::<Result<_, _>>()?;
                let mut numbers = vec![0.0; columns.len()];
                let apply = |row| {
                    for (number, column) in numbers.iter_mut().zip(&columns) {
                        *number = column.at(row);
                    }
                    function.apply(&numbers)
                };
                Ok(Column::Rows((0..block.count).map(apply).collect()))
            }
            ExprKind::If(condition, yes, no) => self.choose(
                condition,
                block,
                |rows| self.column(yes, rows),
                |rows| self.column(no, rows),
            ),
            ExprKind::Reduce(reduce) if !reduce.outer.iter().any(|i| block.of(*i).is_some()) => {
                self.data(expr).map(Column::One)
            }
            ExprKind::Size(_) | ExprKind::Label(_) => self.data(expr).map(Column::One),
            ExprKind::ElementAt(_)
            | ExprKind::LogDensity(..)
            | ExprKind::Covariance(..)
            | ExprKind::Reduce(_)
            | ExprKind::State(_)
            | ExprKind::Time
            | ExprKind::Error => self.rows(expr, block),
        }
    }

    /// The values row by row.
    fn rows(&self, expr: &Expr, block: &Block) -> Result<Column, EvaluationError> {
        let row = |row: usize| {
            block.indices.iter().for_each(|(index, at)| self.set(*index, at[row] as usize));
            self.data(expr)
        };
        Ok(Column::Rows((0..block.count).map(row).collect::<Result<_, _>>()?))
    }

    /// Either side, evaluated only in the rows where the condition wants it.
    fn choose(
        &self,
        condition: &Expr,
        block: &Block,
        yes: impl Fn(&Block) -> Result<Column, EvaluationError>,
        no: impl Fn(&Block) -> Result<Column, EvaluationError>,
    ) -> Result<Column, EvaluationError> {
        let truths = match self.column(condition, block)? {
            Column::One(truth) => return if truth != 0.0 { yes(block) } else { no(block) },
            Column::Rows(truths) => truths,
        };
        let (holds, fails) = split(&truths);
        if fails.is_empty() {
            return yes(block);
        }
        if holds.is_empty() {
            return no(block);
        }
        let mut values = vec![0.0; block.count];
        for (rows, side) in
            [(&holds, yes(&block.select(&holds))?), (&fails, no(&block.select(&fails))?)]
        {
            for (k, row) in rows.iter().enumerate() {
                values[*row as usize] = side.at(k);
            }
        }
        Ok(Column::Rows(values))
    }

    /// Elements of a variable.
    fn cells(
        &self,
        variable: VariableId,
        at: &[Expr],
        expr: &Expr,
        block: &Block,
    ) -> Result<Column, EvaluationError> {
        let Some(array) = &self.data[variable.index()] else { return self.rows(expr, block) };
        let span = expr.span;
        let mut positions = vec![0_usize; block.count];
        let axes = &self.typed.variable(variable).axes;
        for (axis, subscript) in axes.iter().zip(at) {
            let size = self.axes[axis.index()].len();
            if let Some(at) = subscript.index().and_then(|index| block.of(index)) {
                let row = |(position, at): (&mut usize, &u32)| {
                    *position = *position * size + *at as usize;
                };
                positions.iter_mut().zip(at).for_each(row);
                continue;
            }
            let span = subscript.span;
            let column = self.column(subscript, block)?;
            for (row, position) in positions.iter_mut().enumerate() {
                let value = column.at(row);
                if value.is_nan() {
                    return Err(EvaluationError::MissingIndex { span });
                }
                if value < 0.0 || value >= size as f64 {
                    return Err(EvaluationError::OutOfRange { span, axis: *axis, value });
                }
                *position = *position * size + value as usize;
            }
        }
        let may_be_left_out = self.typed.left_out_by(variable).is_some();
        let cell = |position: usize| match array.get(position) {
            None => Err(EvaluationError::Unavailable { span }),
            Some(x) if x.is_nan() && may_be_left_out => {
                Err(EvaluationError::LeftOut { span, variable, position })
            }
            Some(x) => Ok(x),
        };
        Ok(Column::Rows(positions.into_iter().map(cell).collect::<Result<_, _>>()?))
    }

    /// What is added to the position of an element to give its integer, unless labels say so.
    fn first_number(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::Index(axis) => match &self.axes[axis.index()] {
                Elements::Range { first, .. } => Some(*first as f64),
                Elements::Labels(_) => None,
            },
            Kind::Real | Kind::Int | Kind::Bool => Some(0.0),
        }
    }

    /// The axis an expression is an element of and the first integer of that axis, if it is a
    /// range.
    fn range_of(&self, expr: &Expr) -> Option<(AxisId, f64)> {
        match expr.ty {
            Kind::Index(axis) => self.first_number(expr.ty).map(|first| (axis, first)),
            Kind::Real | Kind::Int | Kind::Bool => None,
        }
    }
}

/// Parts of so many rows.
fn blocks(total: usize) -> impl Iterator<Item = Range<usize>> {
    (0..total).step_by(BLOCK).map(move |start| start..total.min(start + BLOCK))
}
