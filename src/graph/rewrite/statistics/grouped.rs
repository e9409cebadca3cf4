//! Sums the squares of linear functions of data within each group of rows that gather the same.
//!
//! Of a group with X = Q R and ‖X a‖² = ‖R a‖² only the rows of R are left, as rows of a kernel of the
//! same form; a group with fewer rows than R keeps its own. The first rows of all groups come first,
//! then the second of all that have one, and so on: groups are then read and added to one after the
//! other.

use super::form::{Basis, Form};
use super::rows::Rows;
use crate::graph::expression::Leaf;
use crate::graph::matrix::Matrix;
use crate::graph::node::{Access, Input, Kernel, Model, Node, Product, Slot, Target};
use crate::graph::rewrite::inline::tidied;
use crate::graph::trace::{Graph, Traced};
use crate::math::Scalar;
use std::sync::Arc;

/// There must be so many times fewer rows than before.
const WORTH: usize = 2;

/// The nodes that stand for a kernel with this form, if they have far fewer rows.
pub(super) fn summary<'g>(
    model: &mut Model,
    rows: &Rows<'_>,
    graph: &'g Graph,
    form: &Form<'g>,
) -> Option<Vec<Node>> {
    let rest = form.rest()?;
    let Kernel { inputs, tag, .. } = rows.kernel;
    let groups = Groups::of(rows.kernel);
    let height: usize = groups.sizes().map(|count| count.min(rows.size)).sum();
    if height * WORTH > rows.kernel.rows {
        return None;
    }
    let Reduced { columns, group } = groups.reduce(rows, height);
    let mut nodes = Vec::new();
    let mut kernel = Kernel {
        rows: height,
        inputs: inputs.iter().map(|input| groups.regrouped(input, &group)).collect(),
        columns: Vec::new(),
        ..rows.kernel.clone()
    };
    let mut leaves = Vec::new();
    for (basis, offset) in &rows.places {
        leaves.push((
            *basis,
            match (basis, rows.product(*basis)) {
                (Basis::Product(k), Some(product)) => {
                    let buffer = model.add_buffer(height);
                    kernel.inputs[*k as usize] = Input { buffer, access: Access::Contiguous(0) };
                    let mut matrix = Matrix::zero(height, product.matrix.columns());
                    for column in 0..product.matrix.columns() {
                        for (row, x) in columns[offset + column].iter().enumerate() {
                            matrix.set(row, column, *x);
                        }
                    }
                    let (matrix, output) = (Arc::new(matrix), Slot { buffer, offset: 0 });
                    nodes.push(Node::Product(Product { matrix, output, ..product.clone() }));
                    Leaf::Input(*k)
                }
                (Basis::One | Basis::Column(_) | Basis::Product(_), _) => {
                    kernel.columns.push(columns[*offset].as_slice().into());
                    Leaf::Column(kernel.columns.len() as u32 - 1)
                }
            },
        ));
    }
    let nothing = Traced::Constant(0.0);
    let sum = form.squares.iter().fold(nothing, |sum, (factor, affine)| {
        let terms = leaves.iter().filter_map(|(basis, leaf)| {
            affine.get(basis).map(|coefficient| *coefficient * graph.leaf(*leaf))
        });
        sum + *factor * terms.fold(nothing, |sum, term| sum + term).square()
    });
    kernel.body = graph.expression(&[sum]);
    nodes.push(Node::Kernel(tidied(kernel)));
    // What each group adds for each of its rows.
    let group: Vec<usize> = (0..groups.starts.len()).collect();
    let weights = groups.sizes().map(|count| count as f64).collect();
    nodes.push(Node::Kernel(tidied(Kernel {
        rows: group.len(),
        inputs: inputs.iter().map(|input| groups.regrouped(input, &group)).collect(),
        columns: vec![weights],
        body: graph.expression(&[rest * graph.column(0)]),
        target: Target::LogDensity,
        tag: *tag,
    })));
    Some(nodes)
}

/// Rows by what they gather.
struct Groups {
    /// All rows, those of a group next to each other.
    order: Vec<u32>,
    /// Where each group begins.
    starts: Vec<usize>,
}

/// Rows that stand for those of all groups.
struct Reduced {
    columns: Vec<Vec<f64>>,
    /// The group of each row.
    group: Vec<usize>,
}

impl Groups {
    fn of(kernel: &Kernel) -> Self {
        let mut indices = kernel.gathers();
        let last = |index: &&Arc<[u32]>| index.iter().max().copied().unwrap_or(0);
        // Groups that differ in the widest index only follow one another.
        indices.sort_by_key(last);
        let mut order: Vec<u32> = (0..kernel.rows as u32).collect();
        for index in indices.iter().rev() {
            order = sorted(&order, index, last(index) as usize + 1);
        }
        let differ = |pair: &[u32]| {
            let [a, b] = [pair[0], pair[1]].map(|row| row as usize);
            indices.iter().any(|index| index[a] != index[b])
        };
        let breaks = (1..order.len()).filter(|row| differ(&order[row - 1..=*row]));
        let starts = std::iter::once(0).chain(breaks).collect();
        Groups { order, starts }
    }

    /// The rows of a group.
    fn rows(&self, group: usize) -> &[u32] {
        let end = self.starts.get(group + 1).copied().unwrap_or(self.order.len());
        &self.order[self.starts[group]..end]
    }

    /// How many rows each group has.
    fn sizes(&self) -> impl Iterator<Item = usize> {
        (0..self.starts.len()).map(|group| self.rows(group).len())
    }

    /// The rows that are left, of which there are so many.
    fn reduce(&self, rows: &Rows<'_>, height: usize) -> Reduced {
        let mut members = vec![Vec::new(); rows.size];
        for (group, count) in self.sizes().enumerate() {
            members[..count.min(rows.size)].iter_mut().for_each(|members| members.push(group));
        }
        let mut next: Vec<usize> = Vec::new();
        members.iter().fold(0, |first, members| {
            next.push(first);
            first + members.len()
        });
        let mut columns = vec![vec![0.0; height]; rows.size];
        let mut triangle: Vec<Vec<f64>> = Vec::new();
        for group in 0..self.starts.len() {
            let own = self.rows(group);
            let count = own.len().min(rows.size);
            let row = |i: usize| own[i] as usize;
            if own.len() > rows.size {
                rows.reduce(own.len(), row, &mut triangle);
            } else {
                triangle.resize_with(rows.size, Vec::new);
                triangle.iter_mut().for_each(|c| c.resize(rows.size.max(c.len()), 0.0));
                rows.read(count, row, &mut triangle, 0);
            }
            for (k, next) in next[..count].iter_mut().enumerate() {
                for (to, from) in columns.iter_mut().zip(&triangle) {
                    to[*next] = from[k];
                }
                *next += 1;
            }
        }
        Reduced { columns, group: members.concat() }
    }

    /// An input, gathered for these groups in place of rows.
    fn regrouped(&self, input: &Input, groups: &[usize]) -> Input {
        let Access::Gather(index) = &input.access else { return input.clone() };
        let first = |group: &usize| index[self.order[self.starts[*group]] as usize];
        let access = Access::Gather(groups.iter().map(first).collect());
        Input { access, ..input.clone() }
    }
}

/// The same rows by their element; those with the same element keep their order.
fn sorted(rows: &[u32], index: &[u32], elements: usize) -> Vec<u32> {
    let mut next = vec![0; elements + 1];
    index.iter().for_each(|element| next[*element as usize + 1] += 1);
    (0..elements).for_each(|element| next[element + 1] += next[element]);
    let mut sorted = vec![0; rows.len()];
    for row in rows {
        let place: &mut usize = &mut next[index[*row as usize] as usize];
        sorted[*place] = *row;
        *place += 1;
    }
    sorted
}
