//! Which coordinates of the point every element and every row of the log density depends on.
//!
//! Sets are held once each and named by their position, so that a million rows that depend on few
//! different sets cost four bytes each. What depends on many coordinates has no set of its own.

use super::node::{Access, BufferId, Input, Kernel, Model, Node, Slot, Target};
use std::collections::HashMap;
use std::sync::Arc;

/// The name of a set of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Row(u32);

impl Row {
    /// The set of no coordinates.
    const NOTHING: Row = Row(0);
    /// More coordinates than are told apart; its set is empty.
    const MANY: Row = Row(1);

    /// Whether these are more coordinates than are told apart.
    pub(super) fn is_many(self) -> bool {
        self == Row::MANY
    }

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
    /// What depends on which of these coordinates, up to `largest` of them; `None` if finite variables
    /// are tied to one another.
    pub(super) fn of(
        model: &Model,
        nodes: &[Node],
        coordinates: impl IntoIterator<Item = u32>,
        largest: usize,
    ) -> Option<Self> {
        let mut sets = Sets::new(largest);
        let mut elements: Vec<Vec<Row>> =
            model.buffers.iter().map(|length| vec![Row::NOTHING; *length]).collect();
        for coordinate in coordinates {
            elements[BufferId::POINT.index()][coordinate as usize] = sets.intern(vec![coordinate]);
        }
        let mut dependence = Dependence { sets, elements, densities: Vec::new() };
        if nodes.iter().any(|node| matches!(node, Node::Elimination(_))) {
            return None;
        }
        nodes.iter().for_each(|node| dependence.visit(node));
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

    fn visit(&mut self, node: &Node) {
        match node {
            Node::Kernel(kernel) => self.kernel(kernel),
            Node::Recurrence(recurrence) => {
                let mut turns = Vec::new();
                recurrence.for_each_row(|_, kernel, row| turns.push((kernel, row)));
                for (kernel, row) in turns {
                    let kernel = &recurrence.kernels[kernel];
                    let set = self.row(kernel, row);
                    self.write(kernel, row, set);
                }
            }
            Node::Product(product) => {
                let matrix = &product.matrix;
                let (from, to) = (product.input, product.output);
                for row in 0..matrix.rows() {
                    let used =
                        (0..matrix.columns()).filter(|column| matrix.at(row, *column) != 0.0);
                    let set = self.union_of(used.map(|column| (from.buffer, from.offset + column)));
                    self.fill(to.buffer, to.offset + row, 1, set);
                }
            }
            Node::Cholesky(cholesky) => {
                let size = cholesky.size * cholesky.size;
                let (from, to) = (cholesky.input, cholesky.output);
                for matrix in 0..cholesky.count {
                    let set = self.union_of(part(from, matrix, size));
                    self.fill(to.buffer, to.offset + matrix * size, size, set);
                }
            }
            Node::TriangularSolve(solve) => {
                let length = solve.size * solve.columns;
                let to = solve.output;
                for index in 0..solve.count {
                    let shared = if solve.shared { 0 } else { index };
                    let matrix = part(solve.matrix, shared, solve.size * solve.size);
                    let set = self.union_of(matrix.chain(part(solve.input, index, length)));
                    self.fill(to.buffer, to.offset + index * length, length, set);
                }
            }
            Node::NoisyKronecker(node) => {
                for item in 0..node.count {
                    let matrix = |of: usize| {
                        let item = if node.shared[of] { 0 } else { item };
                        part(node.matrices[of], item, node.extent[of] * node.extent[of])
                    };
                    let values = part(node.values, item, node.extent[0] * node.extent[1]);
                    let read = matrix(0).chain(matrix(1)).chain(part(node.noise, item, 1));
                    let set = self.union_of(read.chain(values));
                    self.fill(node.output.buffer, node.output.offset + item, 1, set);
                }
            }
            Node::Ode(ode) => {
                let set = self.union_of(ode.parameters.iter().chain(&ode.initial).copied());
                self.fill(ode.output.buffer, ode.output.offset, ode.states * ode.times.len(), set);
            }
            // Adds to the log density alone, in rows that are not told apart: see `of`.
            Node::Elimination(_) => {}
        }
    }

    fn kernel(&mut self, kernel: &Kernel) {
        let mut sets = Vec::with_capacity(kernel.rows);
        for row in 0..kernel.rows {
            let set = self.row(kernel, row);
            sets.push(set);
            self.write(kernel, row, set);
        }
        if matches!(kernel.target, Target::LogDensity) {
            self.densities.push(sets);
        }
    }

    /// The union over what a row reads.
    fn row(&mut self, kernel: &Kernel, row: usize) -> Row {
        let mut set = Row::NOTHING;
        for Input { buffer, access } in &kernel.inputs {
            let element = match access {
                Access::Uniform(offset) => *offset,
                Access::Contiguous(offset) => offset + row,
                Access::Gather(index) => index[row] as usize,
            };
            let own = self.elements[buffer.index()][element];
            set = self.sets.union(set, own);
        }
        set
    }

    fn write(&mut self, kernel: &Kernel, row: usize, set: Row) {
        match &kernel.target {
            Target::LogDensity => {}
            Target::Store(slot) => {
                self.elements[slot.buffer.index()][slot.offset + row] = set;
            }
            Target::Accumulate { buffer, index } => {
                let element = index[row] as usize;
                let before = self.elements[buffer.index()][element];
                self.elements[buffer.index()][element] = self.sets.union(before, set);
            }
        }
    }

    fn union_of(&mut self, read: impl Iterator<Item = (BufferId, usize)>) -> Row {
        read.fold(Row::NOTHING, |set, (buffer, element)| {
            self.sets.union(set, self.elements[buffer.index()][element])
        })
    }

    fn fill(&mut self, buffer: BufferId, first: usize, length: usize, set: Row) {
        self.elements[buffer.index()][first..first + length].fill(set);
    }
}

/// The elements of item `item` of a buffer's part that holds items of this length.
fn part(slot: Slot, item: usize, length: usize) -> impl Iterator<Item = (BufferId, usize)> {
    (0..length).map(move |i| (slot.buffer, slot.offset + item * length + i))
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
        let nothing: Arc<[u32]> = Arc::new([]);
        let members = vec![nothing.clone(), nothing.clone()];
        let known = HashMap::from([(nothing, Row::NOTHING)]);
        Sets { members, known, unions: HashMap::new(), largest }
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

    /// The union of two sets.
    fn union(&mut self, a: Row, b: Row) -> Row {
        let pair = (a.min(b), a.max(b));
        if a == b || pair.0 == Row::NOTHING {
            return pair.1;
        }
        if pair.0 == Row::MANY {
            return Row::MANY;
        }
        if let Some(row) = self.unions.get(&pair) {
            return *row;
        }
        let (first, second) = (&self.members[a.index()], &self.members[b.index()]);
        let mut both: Vec<u32> = first.iter().chain(second.iter()).copied().collect();
        both.sort_unstable();
        both.dedup();
        let row = if both.len() > self.largest { Row::MANY } else { self.intern(both) };
        self.unions.insert(pair, row);
        row
    }
}
