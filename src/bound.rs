//! A program bound to its data: sizes, labels and the values of everything that depends on data only.

mod arithmetic;
mod error;
mod evaluate;
pub mod finite;
mod joint;
mod order;
pub mod solved;
pub mod space;

pub(crate) use arithmetic::{arithmetic, covariance, log_sum_exp, lower_factor, negation, power};
pub use error::EvaluationError;
pub use evaluate::{Evaluator, Values};
pub use finite::{Finite, FiniteElement};
pub use joint::JointArguments;
pub use order::{Order, OrderError, order};
pub use space::{Groups, Space};

use crate::typed::{self, AxisId, ReduceId, VariableId};
use ndarray::ArcArray1;
use std::collections::HashMap;

/// A checked program with its data. Every axis has elements, every data-only variable a value,
/// every index expression has been evaluated and is in range.
#[derive(Clone, Debug)]
pub struct Program {
    /// The checked program.
    pub typed: typed::Program,
    /// The elements of every axis, by [`AxisId`].
    pub axes: Vec<Elements>,
    /// The value of every data-only variable, by [`VariableId`]; `None` for the others.
    pub values: Vec<Option<Array>>,
    /// The order of every [`typed::Program::recurrences`], in their order.
    pub recurrences: Vec<Order>,
    /// Data-only reductions outside any index, kept from fit to prediction.
    pub frozen: HashMap<ReduceId, f64>,
}

/// The elements of an axis, in order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Elements {
    /// The integers first, first + 1, …
    Range {
        /// The first element.
        first: i64,
        /// How many.
        size: usize,
    },
    /// Labels. Levels that are all numbers are sorted as numbers and printed as in the data.
    Labels(Vec<String>),
}

impl Elements {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Elements::Range { size, .. } => *size,
            Elements::Labels(labels) => labels.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of the element at a position.
    pub fn label(&self, position: usize) -> String {
        match self {
            Elements::Range { first, .. } => (first + position as i64).to_string(),
            Elements::Labels(labels) => labels.get(position).cloned().unwrap_or_default(),
        }
    }

    /// The position of a label.
    pub fn position(&self, label: &str) -> Option<usize> {
        match self {
            Elements::Range { first, size } => {
                let offset = label.trim().parse::<i64>().ok()?.checked_sub(*first)?;
                (offset >= 0 && (offset as usize) < *size).then_some(offset as usize)
            }
            Elements::Labels(labels) => labels.iter().position(|l| l == label),
        }
    }
}

/// A dense array. Index-valued cells hold positions; missing cells are NaN. Clones, and arrays made of
/// columns, share their cells until one of them is changed.
#[derive(Clone, Debug)]
pub struct Array {
    shape: Vec<usize>,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    /// In row-major order.
    Ordered(ArcArray1<f64>),
    /// For each element of the last axis, the cells over the other axes in row-major order.
    Columns(Vec<ArcArray1<f64>>),
}

impl Array {
    /// An array of cells in row-major order. Positions beyond the last cell are missing.
    pub fn new(shape: &[usize], mut cells: Vec<f64>) -> Self {
        cells.resize(shape.iter().product(), f64::NAN);
        Array { shape: shape.to_vec(), cells: Cells::Ordered(cells.into()) }
    }

    /// The array whose elements along a further, last axis are these; `None` if their shapes differ.
    pub fn of_columns(columns: &[&Array]) -> Option<Self> {
        let shape = columns.first()?.shape();
        let shared = columns.iter().map(|column| match &column.cells {
            Cells::Ordered(cells) if column.shape() == shape => Some(cells.clone()),
            Cells::Ordered(_) | Cells::Columns(_) => None,
        });
        let cells = Cells::Columns(shared.collect::<Option<_>>()?);
        Some(Array { shape: [shape, &[columns.len()]].concat(), cells })
    }

    /// The length of each axis; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells, the last axis running fastest.
    pub fn cells(&self) -> impl Iterator<Item = f64> + Clone + '_ {
        (0..self.len()).map(|position| self.get(position).unwrap_or(f64::NAN))
    }

    /// The cell at a row-major position, if there is one.
    #[inline]
    pub fn get(&self, position: usize) -> Option<f64> {
        match &self.cells {
            Cells::Ordered(cells) => cells.get(position).copied(),
            Cells::Columns(columns) => {
                let width = columns.len();
                columns[position % width].get(position / width).copied()
            }
        }
    }

    /// Changes a cell; nothing where there is none.
    pub fn set(&mut self, position: usize, value: f64) {
        let (cells, position) = match &mut self.cells {
            Cells::Ordered(cells) => (cells, position),
            Cells::Columns(columns) => {
                let width = columns.len();
                (&mut columns[position % width], position / width)
            }
        };
        if let Some(cell) = cells.get_mut(position) {
            *cell = value;
        }
    }
}

impl Program {
    /// The number of elements of an axis.
    pub fn size(&self, axis: AxisId) -> usize {
        self.axes[axis.index()].len()
    }

    /// The length of each axis of a variable.
    pub fn shape(&self, variable: VariableId) -> Vec<usize> {
        self.typed.variable(variable).axes.iter().map(|a| self.size(*a)).collect()
    }

    /// The labels of a variable's element at a row-major position, one per axis.
    pub fn labels(&self, variable: VariableId, position: usize) -> Vec<String> {
        let mut rest = position;
        let axes = &self.typed.variable(variable).axes;
        let mut labels: Vec<String> = axes
            .iter()
            .rev()
            .map(|axis| {
                let size = self.size(*axis).max(1);
                let label = self.axes[axis.index()].label(rest % size);
                rest /= size;
                label
            })
            .collect();
        labels.reverse();
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    #[test]
    fn an_array_of_columns_shares_them_until_it_is_changed() {
        let (a, b) = (Array::new(&[3], vec![1.0, 2.0, 3.0]), Array::new(&[3], vec![4.0, 5.0, 6.0]));
        let mut both = Array::of_columns(&[&a, &b]).expect("their shapes agree");
        assert_eq!((both.shape(), both.len()), (&[3, 2][..], 6));
        assert_eq!(both.cells().collect::<Vec<_>>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        both.set(3, 9.0);
        assert_eq!((both.get(3), both.get(6)), (Some(9.0), None));
        assert_eq!((a.get(1), b.get(1)), (Some(2.0), Some(5.0)));
        assert!(Array::of_columns(&[&a, &Array::new(&[2], Vec::new())]).is_none());
        assert!(Array::of_columns(&[&both]).is_none());
    }
}
