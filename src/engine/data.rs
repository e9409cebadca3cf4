//! Evaluates what depends on data only, once, when a kernel is compiled.

use super::lane::{from_mask, to_mask};
use crate::graph::{Expression, Graph, Leaf, NodeId, Op, Traced, TracedMask, Value};
use crate::math::Scalar;
use std::sync::Arc;

/// What is known of an operation when data are bound; masks as 1 or 0.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It depends on inputs.
    Nothing,
    /// The same number for all rows.
    Number(f64),
    /// One number per row.
    Column(Arc<[f64]>),
}

impl Known {
    fn at(&self, row: usize) -> f64 {
        match self {
            Known::Nothing => f64::NAN,
            Known::Number(x) => *x,
            Known::Column(column) => column.get(row).copied().unwrap_or(f64::NAN),
        }
    }

    /// A column, or a number where all its rows agree bit by bit.
    fn from_column(column: Arc<[f64]>) -> Self {
        match column.split_first() {
            Some((first, rest)) if rest.iter().all(|x| x.to_bits() == first.to_bits()) => {
                Known::Number(*first)
            }
            Some(_) | None => Known::Column(column),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Known::Number(_))
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Known::Nothing)
    }
}

/// The value of every operation that depends on constants and columns only.
pub(super) fn evaluate_data(
    expression: &Expression,
    rows: usize,
    columns: &[Arc<[f64]>],
) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::with_capacity(expression.ops.len());
    for op in &expression.ops {
        let result = match op {
            Op::Leaf(Leaf::Input(_)) => Known::Nothing,
            Op::Leaf(Leaf::Column(k)) => columns
                .get(*k as usize)
                .map_or(Known::Number(f64::NAN), |column| Known::from_column(column.clone())),
            Op::Constant(_)
            | Op::Neg(_)
            | Op::Add(..)
            | Op::Sub(..)
            | Op::Mul(..)
            | Op::Div(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Ternary(..)
            | Op::Less(..)
            | Op::Same(..)
            | Op::Select(..)
            | Op::Gated(..) => evaluate_operation(expression, op, &known, rows),
        };
        known.push(result);
    }
    known
}

fn evaluate_operation(expression: &Expression, op: &Op, known: &[Known], rows: usize) -> Known {
    let operands = || op.operands().map(|id| &known[id.index()]);
    let at = |row| evaluate_row(expression, op, known, row);
    if operands().any(Known::is_nothing) {
        Known::Nothing
    } else if operands().all(Known::is_number) {
        Known::Number(at(0))
    } else if op.is_mask() {
        // A mask has no number to stand for it in an expression.
        Known::Column((0..rows).map(at).collect())
    } else {
        Known::from_column((0..rows).map(at).collect())
    }
}

fn evaluate_row(expression: &Expression, op: &Op, known: &[Known], row: usize) -> f64 {
    let value = op.evaluate::<f64>(
        |_| f64::NAN,
        |id| {
            let x = known[id.index()].at(row);
            let is_mask = expression.ops[id.index()].is_mask();
            if is_mask { Value::Mask(to_mask(x)) } else { Value::Number(x) }
        },
    );
    match value {
        Value::Number(x) => x,
        Value::Mask(mask) => from_mask(mask),
    }
}

/// The expression in which columns stand for what depends on data only, and the columns.
pub(super) fn bind(
    expression: &Expression,
    rows: usize,
    columns: &[Arc<[f64]>],
) -> (Expression, Vec<Arc<[f64]>>) {
    let mut binder = Binder {
        expression,
        known: evaluate_data(expression, rows, columns),
        values: vec![None; expression.ops.len()],
        columns: Vec::new(),
    };
    let graph = Graph::new();
    for (position, op) in expression.ops.iter().enumerate() {
        if binder.known[position].is_nothing() {
            op.operands().for_each(|id| binder.bind_known(&graph, id));
            binder.copy(&graph, NodeId(position as u32));
        }
    }
    expression.outputs.iter().for_each(|id| binder.bind_known(&graph, *id));
    let outputs: Vec<_> = expression.outputs.iter().map(|id| binder.value(*id).number()).collect();
    (graph.expression(&outputs), binder.columns)
}

struct Binder<'a, 'g> {
    expression: &'a Expression,
    known: Vec<Known>,
    values: Vec<Option<Value<Traced<'g>>>>,
    columns: Vec<Arc<[f64]>>,
}

impl<'g> Binder<'_, 'g> {
    /// Gives a known operation that is used a value. A mask that differs from row to row is
    /// compared anew, from columns.
    fn bind_known(&mut self, graph: &'g Graph, id: NodeId) {
        if self.values[id.index()].is_some() {
            return;
        }
        let op = self.expression.ops[id.index()];
        self.values[id.index()] = match (&self.known[id.index()], op.is_mask()) {
            (Known::Nothing, _) => return,
            (Known::Number(x), true) => Some(Value::Mask(TracedMask::Known(to_mask(*x)))),
            (Known::Number(x), false) => Some(Value::Number(Traced::Constant(*x))),
            (Known::Column(column), false) => {
                self.columns.push(column.clone());
                Some(Value::Number(graph.column(self.columns.len() as u32 - 1)))
            }
            (Known::Column(column), true) => {
                if let Known::Number(x) = Known::from_column(column.clone()) {
                    self.values[id.index()] = Some(Value::Mask(TracedMask::Known(to_mask(x))));
                    return;
                }
                op.operands().for_each(|operand| self.bind_known(graph, operand));
                return self.copy(graph, id);
            }
        };
    }

    fn copy(&mut self, graph: &'g Graph, id: NodeId) {
        let op = self.expression.ops[id.index()];
        let value = op.evaluate(|leaf| graph.leaf(leaf), |operand| self.value(operand));
        self.values[id.index()] = Some(value);
    }

    fn value(&self, id: NodeId) -> Value<Traced<'g>> {
        self.values[id.index()].unwrap_or(Value::Number(Traced::constant(f64::NAN)))
    }
}
