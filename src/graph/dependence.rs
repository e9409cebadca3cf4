//! Which coordinates of the point every element and every row of the log density depends on.
//!
//! Sets are held once each and named by their position, so that a million rows that depend on few
//! different sets cost four bytes each.

use super::node::{Access, BufferId, Input, Kernel, Model, Node, Slot, Target};
use std::collections::HashMap;
use std::sync::Arc;

/// The name of a set of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Row(u32);

impl Row {
    /// The set of no coordinates.
    const NOTHING: Row = Row(0);

    /// The position among [`Dependence::sets`].
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The sets of a model.
pub(super) struct Dependence {
    sets: Sets,
    /// The set of every element of every buffer.
    elements: Vec<Vec<Row>>,
    /// The set of every row of the kernels of the log density, kernel by kernel.
    densities: Vec<Vec<Row>>,
}

impl Dependence {
    /// What depends on what; `None` if something depends on more than `largest` coordinates.
    pub(super) fn of(model: &Model, nodes: &[Node], largest: usize) -> Option<Self> {
        let mut sets = Sets::new(largest);
        let mut elements: Vec<Vec<Row>> =
            model.buffers.iter().map(|length| vec![Row::NOTHING; *length]).collect();
        for (coordinate, set) in elements[BufferId::POINT.index()].iter_mut().enumerate() {
            *set = sets.intern(vec![coordinate as u32]);
        }
        let mut dependence = Dependence { sets, elements, densities: Vec::new() };
        for node in nodes {
            dependence.visit(node)?;
        }
        Some(dependence)
    }

    /// All sets, each ascending.
    pub(super) fn sets(&self) -> &[Arc<[u32]>] {
        &self.sets.members
    }

    /// The set of every row of the kernels of the log density, in their order.
    pub(super) fn densities(&self) -> &[Vec<Row>] {
        &self.densities
    }

    fn visit(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Kernel(kernel) => self.kernel(kernel),
            Node::Recurrence(recurrence) => {
                let mut turns = Vec::new();
                recurrence.for_each_row(|_, kernel, row| turns.push((kernel, row)));
                turns.into_iter().try_for_each(|(kernel, row)| {
                    let kernel = &recurrence.kernels[kernel];
                    let set = self.row(kernel, row)?;
                    self.write(kernel, row, set)
                })
            }
            Node::Product(product) => {
                let matrix = &product.matrix;
                (0..matrix.rows()).try_for_each(|row| {
                    let used =
                        (0..matrix.columns()).filter(|column| matrix.at(row, *column) != 0.0);
                    let from =
                        used.map(|column| (product.input.buffer, product.input.offset + column));
                    let set = self.union_of(from)?;
                    self.elements[product.output.buffer.index()][product.output.offset + row] = set;
                    Some(())
                })
            }
            Node::Cholesky(cholesky) => {
                let size = cholesky.size * cholesky.size;
                (0..cholesky.count).try_for_each(|matrix| {
                    let (from, to) = (cholesky.input, cholesky.output);
                    let read = (0..size).map(|i| (from.buffer, from.offset + matrix * size + i));
                    let set = self.union_of(read)?;
                    self.fill(to.buffer, to.offset + matrix * size, size, set);
                    Some(())
                })
            }
            Node::TriangularSolve(solve) => {
                let square = solve.size * solve.size;
                let length = solve.size * solve.columns;
                (0..solve.count).try_for_each(|index| {
                    let first = if solve.shared { 0 } else { index * square };
                    let matrix =
                        (0..square).map(|i| (solve.matrix.buffer, solve.matrix.offset + first + i));
                    let right = (0..length)
                        .map(|i| (solve.input.buffer, solve.input.offset + index * length + i));
                    let set = self.union_of(matrix.chain(right))?;
                    let to = solve.output;
                    self.fill(to.buffer, to.offset + index * length, length, set);
                    Some(())
                })
            }
            Node::NoisyKronecker(node) => (0..node.count).try_for_each(|item| {
                let squares = node.extent.map(|size| size * size);
                let part = |slot: Slot, item: usize, length: usize| {
                    (0..length).map(move |i| (slot.buffer, slot.offset + item * length + i))
                };
                let matrix = |of: usize| {
                    let item = if node.shared[of] { 0 } else { item };
                    part(node.matrices[of], item, squares[of])
                };
                let values = part(node.values, item, node.extent[0] * node.extent[1]);
                let read = matrix(0).chain(matrix(1)).chain(part(node.noise, item, 1));
                let set = self.union_of(read.chain(values))?;
                self.fill(node.output.buffer, node.output.offset + item, 1, set);
                Some(())
            }),
            Node::Ode(ode) => {
                let read = ode.parameters.iter().chain(&ode.initial).copied();
                let set = self.union_of(read)?;
                self.fill(ode.output.buffer, ode.output.offset, ode.states * ode.times.len(), set);
                Some(())
            }
            // What is left after single sums ties its variables to one another.
            Node::Elimination(_) => None,
        }
    }

    fn kernel(&mut self, kernel: &Kernel) -> Option<()> {
        let mut sets = Vec::with_capacity(kernel.rows);
        for row in 0..kernel.rows {
            let set = self.row(kernel, row)?;
            sets.push(set);
            self.write(kernel, row, set)?;
        }
        if matches!(kernel.target, Target::LogDensity) {
            self.densities.push(sets);
        }
        Some(())
    }

    /// The union over what a row reads.
    fn row(&mut self, kernel: &Kernel, row: usize) -> Option<Row> {
        let mut set = Row::NOTHING;
        for Input { buffer, access } in &kernel.inputs {
            let element = match access {
                Access::Uniform(offset) => *offset,
                Access::Contiguous(offset) => offset + row,
                Access::Gather(index) => index[row] as usize,
            };
            let own = self.elements[buffer.index()][element];
            set = self.sets.union(set, own)?;
        }
        Some(set)
    }

    fn write(&mut self, kernel: &Kernel, row: usize, set: Row) -> Option<()> {
        match &kernel.target {
            Target::LogDensity => {}
            Target::Store(slot) => {
                self.elements[slot.buffer.index()][slot.offset + row] = set;
            }
            Target::Accumulate { buffer, index } => {
                let element = index[row] as usize;
                let before = self.elements[buffer.index()][element];
                self.elements[buffer.index()][element] = self.sets.union(before, set)?;
            }
        }
        Some(())
    }

    fn union_of(&mut self, read: impl Iterator<Item = (BufferId, usize)>) -> Option<Row> {
        let mut set = Row::NOTHING;
        for (buffer, element) in read {
            set = self.sets.union(set, self.elements[buffer.index()][element])?;
        }
        Some(set)
    }

    fn fill(&mut self, buffer: BufferId, first: usize, length: usize, set: Row) {
        self.elements[buffer.index()][first..first + length].fill(set);
    }
}

/// Sets of coordinates, each once.
struct Sets {
    members: Vec<Arc<[u32]>>,
    known: HashMap<Arc<[u32]>, Row>,
    unions: HashMap<(Row, Row), Row>,
    largest: usize,
}

impl Sets {
    fn new(largest: usize) -> Self {
        let mut sets =
            Sets { members: Vec::new(), known: HashMap::new(), unions: HashMap::new(), largest };
        sets.intern(Vec::new());
        sets
    }

    fn intern(&mut self, members: Vec<u32>) -> Row {
        let members: Arc<[u32]> = members.into();
        if let Some(row) = self.known.get(&members) {
            return *row;
        }
        let row = Row(self.members.len() as u32);
        self.members.push(members.clone());
        self.known.insert(members, row);
        row
    }

    /// The union of two sets; `None` if it is too large.
    fn union(&mut self, a: Row, b: Row) -> Option<Row> {
        let pair = (a.min(b), a.max(b));
        if a == b || pair.0 == Row::NOTHING {
            return Some(pair.1);
        }
        if let Some(row) = self.unions.get(&pair) {
            return Some(*row);
        }
        let (first, second) = (&self.members[a.index()], &self.members[b.index()]);
        let mut both: Vec<u32> = first.iter().chain(second.iter()).copied().collect();
        both.sort_unstable();
        both.dedup();
        if both.len() > self.largest {
            return None;
        }
        let row = self.intern(both);
        self.unions.insert(pair, row);
        Some(row)
    }
}
