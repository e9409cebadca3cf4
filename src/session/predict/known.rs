//! The values of one draw so far, constrained: what the evaluator and compiled kernels both read.

use crate::bound::{self, Evaluator, Values};
use crate::graph::lower::ConstrainedLayout;
use crate::typed::{Plane, VariableId};
use std::cell::RefCell;
use std::rc::Rc;

/// Values by variable. A value that is not known yet is NaN.
#[derive(Debug)]
pub(super) struct Known {
    /// Where each variable begins among the values that kernels read.
    offsets: Vec<Option<usize>>,
    /// Latents and predictions, as [`ConstrainedLayout`] says.
    point: RefCell<Vec<f64>>,
    /// Everything else that is computed or drawn.
    others: RefCell<Vec<Vec<f64>>>,
}

impl Values<f64> for Rc<Known> {
    fn value(&self, variable: VariableId, position: usize) -> Option<f64> {
        match self.offsets[variable.index()] {
            Some(offset) => self.point.borrow().get(offset + position).copied(),
            None => self.others.borrow()[variable.index()].get(position).copied(),
        }
    }
}

/// The values of a draw and the reader of expressions over them.
pub(super) struct Draw<'a> {
    pub(super) evaluator: Evaluator<'a, Rc<Known>>,
    bound: &'a bound::Program,
    known: Rc<Known>,
}

impl<'a> Draw<'a> {
    pub(super) fn new(bound: &'a bound::Program, layout: &ConstrainedLayout) -> Self {
        let count = bound.typed.variables.len();
        let offsets = (0..count).map(|i| layout.offset(VariableId(i as u32)));
        let known = Rc::new(Known {
            offsets: offsets.collect(),
            point: RefCell::new(vec![f64::NAN; layout.len()]),
            others: RefCell::new(vec![Vec::new(); count]),
        });
        Draw { evaluator: Evaluator::of(bound, known.clone()), bound, known }
    }

    /// Forgets everything that was drawn.
    pub(super) fn begin(&self) {
        self.known.point.borrow_mut().fill(f64::NAN);
    }

    /// Gives an element its value.
    pub(super) fn set(&self, variable: VariableId, position: usize, value: f64) {
        if self.bound.typed.variable(variable).plane == Plane::Finite {
            self.evaluator.assign(variable, position, value);
        }
        if let Some(offset) = self.known.offsets[variable.index()] {
            if let Some(cell) = self.known.point.borrow_mut().get_mut(offset + position) {
                *cell = value;
            }
            return;
        }
        let others = &mut self.known.others.borrow_mut()[variable.index()];
        if others.len() <= position {
            others.resize(position + 1, f64::NAN);
        }
        others[position] = value;
    }

    /// The value of an element; NaN without one.
    pub(super) fn get(&self, variable: VariableId, position: usize) -> f64 {
        self.known.value(variable, position).unwrap_or(f64::NAN)
    }

    /// Calls `read` with all that kernels read.
    pub(super) fn with_point<R>(&self, read: impl FnOnce(&[f64]) -> R) -> R {
        read(&self.known.point.borrow())
    }
}
