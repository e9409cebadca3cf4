//! Computes what one kernel stores row by row where another reads it.
//!
//! A copy is read at its source by whoever reads it. Anything else is computed anew by its reader,
//! if there is one and their rows are the same. What is reported as well is stored for reports only.

use super::Draft;
use super::usage::usage;
use crate::graph::expression::{Expression, Leaf, Op};
use crate::graph::node::{Access, Input, Kernel, Node, Slot, Target};
use crate::graph::trace::{Graph, Traced};

/// Inlines as long as there is anything to inline.
pub(super) fn inline(draft: &mut Draft) {
    let mut position = 0;
    while position < draft.model.nodes.len() {
        if !inline_at(draft, position) {
            position += 1;
        }
    }
}

/// Removes the node at a position if its readers can do without.
fn inline_at(draft: &mut Draft, position: usize) -> bool {
    let model = &mut draft.model;
    let Node::Kernel(kernel) = &model.nodes[position] else { return false };
    let Target::Store(slot) = kernel.target else { return false };
    let usage = &usage(model)[slot.buffer.index()];
    if usage.elsewhere || usage.writers != 1 || usage.kernels.is_empty() {
        return false;
    }
    let mut readers = usage.kernels.clone();
    readers.dedup();
    let reader = |position: &usize| match &model.nodes[*position] {
        Node::Kernel(reader) => Some(reader),
        Node::Product(_)
        | Node::Recurrence(_)
        | Node::Elimination(_)
        | Node::Cholesky(_)
        | Node::TriangularSolve(_)
        | Node::NoisyKronecker(_)
        | Node::Ode(_) => None,
    };
    let is_copy = matches!(kernel.body.ops[..], [Op::Leaf(Leaf::Input(0))]);
    let replaced: Option<Vec<(usize, Kernel)>> = readers
        .iter()
        .map(|at| {
            let replaced = match is_copy {
                true => redirected(reader(at)?, kernel, slot)?,
                false if readers.len() == 1 => substituted(reader(at)?, kernel, slot)?,
                false => return None,
            };
            Some((*at, replaced))
        })
        .collect();
    let Some(replaced) = replaced else { return false };
    let reported = usage.reported;
    for (at, kernel) in replaced {
        model.nodes[at] = Node::Kernel(kernel);
    }
    let node = model.nodes.remove(position);
    if reported {
        draft.kernels.push(node);
    }
    true
}

/// The reader of a copy with its inputs read at the source.
fn redirected(reader: &Kernel, copy: &Kernel, slot: Slot) -> Option<Kernel> {
    let source = copy.inputs.first()?;
    let mut reader = reader.clone();
    for input in &mut reader.inputs {
        if input.buffer == slot.buffer {
            let row =
                |element: usize| element.checked_sub(slot.offset).filter(|row| *row < copy.rows);
            let access = match &input.access {
                Access::Uniform(element) => {
                    Access::Uniform(read_at(&source.access, row(*element)?))
                }
                Access::Contiguous(first) => {
                    let start = row(*first)?;
                    (start + reader.rows <= copy.rows).then_some(())?;
                    match &source.access {
                        Access::Uniform(element) => Access::Uniform(*element),
                        Access::Contiguous(offset) => Access::Contiguous(offset + start),
                        Access::Gather(index) => {
                            Access::Gather(index[start..start + reader.rows].into())
                        }
                    }
                }
                Access::Gather(index) => {
                    let rows: Option<Vec<usize>> =
                        index.iter().map(|element| row(*element as usize)).collect();
                    let read = |row: usize| read_at(&source.access, row) as u32;
                    Access::Gather(rows?.into_iter().map(read).collect())
                }
            };
            *input = Input { buffer: source.buffer, access };
        }
    }
    Some(reader)
}

fn read_at(access: &Access, row: usize) -> usize {
    match access {
        Access::Uniform(element) => *element,
        Access::Contiguous(offset) => offset + row,
        Access::Gather(index) => index[row] as usize,
    }
}

/// The reader with the body of a kernel in place of what it stored, if the rows of both are the
/// same.
fn substituted(reader: &Kernel, stored: &Kernel, slot: Slot) -> Option<Kernel> {
    let aligned = |input: &Input| match &input.access {
        Access::Contiguous(first) => *first == slot.offset,
        Access::Uniform(element) => stored.rows == 1 && *element == slot.offset,
        Access::Gather(_) => false,
    };
    let reads = |input: &&Input| input.buffer == slot.buffer;
    if reader.rows != stored.rows || !reader.inputs.iter().filter(reads).all(aligned) {
        return None;
    }
    let (inputs, columns) = (reader.inputs.len() as u32, reader.columns.len() as u32);
    let graph = Graph::new();
    let moved = |leaf| match leaf {
        Leaf::Input(k) => Leaf::Input(k + inputs),
        Leaf::Column(k) => Leaf::Column(k + columns),
    };
    let value = output(&stored.body, |leaf| graph.leaf(moved(leaf)))?;
    let body = output(&reader.body, |leaf| match leaf {
        Leaf::Input(k) if reader.inputs[k as usize].buffer == slot.buffer => value,
        Leaf::Input(_) | Leaf::Column(_) => graph.leaf(leaf),
    })?;
    let body = graph.expression(&[body]);
    let mut kernel = Kernel { body, ..reader.clone() };
    kernel.inputs.extend(stored.inputs.iter().cloned());
    kernel.columns.extend(stored.columns.iter().cloned());
    Some(tidied(kernel))
}

fn output<'g>(body: &Expression, leaf: impl Fn(Leaf) -> Traced<'g>) -> Option<Traced<'g>> {
    let values = body.values(leaf);
    body.outputs.first().map(|id| values[id.index()].number())
}

/// The kernel without the inputs and columns that its body does not name, and with equal inputs
/// read once.
pub(super) fn tidied(kernel: Kernel) -> Kernel {
    let Kernel { inputs, columns, body, .. } = &kernel;
    let mut kept: Vec<Input> = Vec::new();
    let mut input_of = vec![None; inputs.len()];
    let mut kept_columns = Vec::new();
    let mut column_of = vec![None; columns.len()];
    for op in &body.ops {
        match op {
            Op::Leaf(Leaf::Input(k)) => {
                let input = &inputs[*k as usize];
                let known = kept.iter().position(|other| same(other, input));
                input_of[*k as usize] = Some(known.unwrap_or_else(|| {
                    kept.push(input.clone());
                    kept.len() - 1
                }));
            }
            Op::Leaf(Leaf::Column(k)) => {
                column_of[*k as usize].get_or_insert_with(|| {
                    kept_columns.push(columns[*k as usize].clone());
                    kept_columns.len() - 1
                });
            }
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
            | Op::Gated(..) => {}
        }
    }
    let graph = Graph::new();
    let value = output(body, |leaf| {
        graph.leaf(match leaf {
            Leaf::Input(k) => Leaf::Input(input_of[k as usize].unwrap_or(0) as u32),
            Leaf::Column(k) => Leaf::Column(column_of[k as usize].unwrap_or(0) as u32),
        })
    });
    let body = value.map_or_else(|| body.clone(), |value| graph.expression(&[value]));
    Kernel { inputs: kept, columns: kept_columns, body, ..kernel }
}

/// Whether two inputs are known to read the same.
pub(super) fn same(a: &Input, b: &Input) -> bool {
    a.buffer == b.buffer
        && match (&a.access, &b.access) {
            (Access::Uniform(a), Access::Uniform(b)) => a == b,
            (Access::Contiguous(a), Access::Contiguous(b)) => a == b,
            (Access::Gather(a), Access::Gather(b)) => std::sync::Arc::ptr_eq(a, b) || a == b,
            (Access::Uniform(_) | Access::Contiguous(_) | Access::Gather(_), _) => false,
        }
}
