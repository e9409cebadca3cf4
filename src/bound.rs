//! A program bound to its data: sizes, labels and the values of everything that depends on data only.

mod arithmetic;
mod error;
mod evaluate;
pub mod finite;
mod joint;
mod order;
pub mod solved;
pub mod space;

pub(crate) use arithmetic::{arithmetic, covariance, log_sum_exp, lower_factor, power};
pub use error::EvaluationError;
pub use evaluate::{Evaluator, Values};
pub use finite::{Finite, FiniteElement};
pub use joint::JointArguments;
pub use order::{Order, OrderError, order};
pub use space::{Groups, Space};

use crate::typed::{self, AxisId, ReduceId, VariableId};
use ndarray::ArrayD;
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

/// A dense array in row-major order. Index-valued cells hold positions; missing cells are NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Array(ArrayD<f64>);

impl Array {
    /// An array of cells in row-major order. Positions beyond the last cell are missing.
    pub fn new(shape: &[usize], mut cells: Vec<f64>) -> Self {
        cells.resize(shape.iter().product(), f64::NAN);
        let array = ArrayD::from_shape_vec(shape, cells);
        Array(array.unwrap_or_else(|_| ArrayD::from_elem(shape, f64::NAN)))
    }

    /// The length of each axis; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    /// The cells, the last axis running fastest.
    pub fn cells(&self) -> &[f64] {
        // Made from a vector in this order and never rearranged, so there is a slice.
        self.0.as_slice().unwrap_or(&[])
    }

    /// Changes a cell; nothing where there is none.
    pub fn set(&mut self, position: usize, value: f64) {
        if let Some(cell) = self.cells_mut().get_mut(position) {
            *cell = value;
        }
    }

    /// The cells, to be changed.
    pub fn cells_mut(&mut self) -> &mut [f64] {
        self.0.as_slice_mut().unwrap_or(&mut [])
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
