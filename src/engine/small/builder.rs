//! Writes the instructions of routines one after the other, and keeps track of where the numbers of
//! buffers and adjoints are.

use super::settle::settle;
use super::{Act, At, Instruction, LANES, List, Place, Results};
use crate::engine::flat::{Divided, Layout, Places};
use crate::engine::product::PlacedProduct;
use crate::engine::routine::{
    BLOCK, Code, Destination, Operand, Origin, Output, Part, Routine, Sink, Source, Space,
};
use crate::graph::Matrix;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// What an instruction writes to.
#[derive(Clone, Copy, Debug)]
enum Room {
    /// So many numbers, from a vector on.
    Vectors(usize),
    /// So many numbers anywhere.
    Singles(usize),
}

/// The numbers of an output: value × times × factor.
#[derive(Clone, Copy, Debug)]
struct Factors {
    value: At,
    times: Option<At>,
    factor: Option<Place>,
}

/// Where the numbers of every position are; nothing for a 0 that nobody wrote.
#[derive(Clone, Debug)]
struct Positions {
    values: Vec<Option<Place>>,
    adjoints: Vec<Option<Place>>,
    total: Option<Place>,
}

pub(super) struct Builder {
    most: usize,
    /// Whether there is no room left.
    full: bool,
    dimension: usize,
    numbers: Vec<f64>,
    instructions: Vec<Instruction>,
    tables: Vec<Box<[Place]>>,
    points: Vec<usize>,
    value: Positions,
    tangent: Positions,
    /// What was written already.
    constants: HashMap<u64, Place>,
    columns: Vec<(Arc<[f64]>, Place)>,
    matrices: Vec<(Arc<Matrix>, Vec<Place>)>,
    known_tables: HashMap<Box<[Place]>, Place>,
    gathered: HashMap<Vec<Place>, Place>,
    known: HashMap<Act, Place>,
}

impl Builder {
    /// A list that computes values, or values and tangents, of at most so many numbers.
    pub(super) fn new(layout: &Layout, dimension: usize, part: Part, most: usize) -> Option<Self> {
        // What is larger needs no list to be made to see that.
        if layout.size() > most {
            return None;
        }
        let nothing = Positions {
            values: vec![None; layout.size()],
            adjoints: vec![None; layout.active()],
            total: None,
        };
        let mut builder = Builder {
            most,
            full: false,
            dimension,
            numbers: Vec::new(),
            instructions: Vec::new(),
            tables: Vec::new(),
            points: Vec::new(),
            value: nothing.clone(),
            tangent: nothing,
            constants: HashMap::new(),
            columns: Vec::new(),
            matrices: Vec::new(),
            known_tables: HashMap::new(),
            gathered: HashMap::new(),
            known: HashMap::new(),
        };
        builder.point(Part::Value);
        match part {
            Part::Value => {}
            Part::Tangent => builder.point(Part::Tangent),
        }
        Some(builder)
    }

    fn point(&mut self, part: Part) {
        let (start, dimension) = (self.room(self.dimension), self.dimension);
        self.points.push(start as usize);
        let values = self.positions(part).values[..dimension].iter_mut();
        values.zip(start..).for_each(|(to, place)| *to = Some(place));
    }

    fn positions(&mut self, part: Part) -> &mut Positions {
        match part {
            Part::Value => &mut self.value,
            Part::Tangent => &mut self.tangent,
        }
    }

    fn space(&mut self, part: Part, space: Space) -> &mut Vec<Option<Place>> {
        let positions = self.positions(part);
        match space {
            Space::Values => &mut positions.values,
            Space::Adjoints => &mut positions.adjoints,
        }
    }

    /// Room for numbers of rows: whole vectors, the first aligned.
    fn room(&mut self, rows: usize) -> Place {
        let start = self.numbers.len().next_multiple_of(LANES);
        self.extend(start, rows.next_multiple_of(LANES))
    }

    /// Room for numbers from a place on. Once there is none, all places are the first, and the list
    /// is not used.
    fn extend(&mut self, start: usize, count: usize) -> Place {
        self.full |= start + count > self.most;
        if self.full {
            return 0;
        }
        self.numbers.resize(start + count, 0.0);
        start as Place
    }

    fn constant(&mut self, x: f64) -> Place {
        if let Some(known) = self.constants.get(&x.to_bits()) {
            return *known;
        }
        let place = self.extend(self.numbers.len(), 1);
        if !self.full {
            self.numbers[place as usize] = x;
        }
        self.constants.insert(x.to_bits(), place);
        place
    }

    /// Data, followed by as many of its last number as make whole vectors.
    fn data(&mut self, data: &[f64]) -> Place {
        let start = self.room(data.len());
        if self.full {
            return start;
        }
        let last = data.last().copied().unwrap_or(0.0);
        let to = &mut self.numbers[start as usize..];
        to.fill(last);
        to[..data.len()].copy_from_slice(data);
        start
    }

    fn column(&mut self, column: &Arc<[f64]>) -> Place {
        let same = |known: &&(Arc<[f64]>, Place)| Arc::ptr_eq(&known.0, column);
        if let Some((_, place)) = self.columns.iter().find(same) {
            return *place;
        }
        let place = self.data(column);
        self.columns.push((column.clone(), place));
        place
    }

    /// Writes an instruction, unless there is one: room for so many numbers in vectors, or for so many
    /// single ones.
    fn write(&mut self, act: Act, room: Room) -> Place {
        if let Some(place) = self.known.get(&act) {
            return *place;
        }
        let target = match room {
            Room::Vectors(count) => self.room(count),
            Room::Singles(count) => self.extend(self.numbers.len(), count),
        };
        self.instructions.push(Instruction { act, target });
        self.known.insert(act, target);
        target
    }

    /// Numbers from these operands; the second is that of a pair.
    fn compute(&mut self, code: Code<At>, rows: usize) -> (At, At) {
        // In the one order in which it is looked up.
        let code = if let Code::Add(a, b) = code {
            Code::Add(a.min(b), a.max(b))
        } else if let Code::Mul(a, b) = code {
            Code::Mul(a.min(b), a.max(b))
        } else {
            code
        };
        let mut single = true;
        let places = code.map(|at| match at {
            At::One(place) => place,
            At::Rows(place) => {
                single = false;
                place
            }
        });
        if let (true, Code::Pair(pair, place, _)) = (single, places) {
            let first = self.write(Act::Pair(pair, place), Room::Singles(2));
            return (At::One(first), At::One(first + 1));
        }
        if single {
            let place = self.write(Act::single(places), Room::Singles(1));
            return (At::One(place), At::One(place));
        }
        let length = rows.next_multiple_of(LANES);
        let count = code.results();
        // Where the second numbers of a pair go follows from where the first do.
        let code = if let Code::Pair(pair, a, _) = code { Code::Pair(pair, a, 0) } else { code };
        let first = self.write(Act::Rows(code, rows as Place), Room::Vectors(count * length));
        (At::Rows(first), At::Rows(first + length as Place))
    }

    /// The sum of the numbers of an output over some of its rows.
    fn sum_of(&mut self, numbers: Factors, rows: Range<usize>) -> Place {
        let Factors { value, times, factor } = numbers;
        let (first, count) = (rows.start as Place, rows.len());
        let from = |at: At| match at {
            At::One(place) => At::One(place),
            At::Rows(start) => At::Rows(start + first),
        };
        let sum = match times {
            None => self.sum(from(value), count),
            Some(times) => {
                let (a, b) = (self.spread(value, rows.end), self.spread(times, rows.end));
                self.write(Act::Dot(a + first, b + first, count as Place), Room::Singles(1))
            }
        };
        let scaled = self.scaled(At::One(sum), factor, 1);
        self.sum(scaled, 1)
    }

    /// A number of an output for each row.
    fn each(&mut self, numbers: Factors, rows: usize) -> Place {
        let Factors { value, times, factor } = numbers;
        let product = times.map(|times| self.compute(Code::Mul(value, times), rows).0);
        let at = self.scaled(product.unwrap_or(value), factor, rows);
        self.spread(at, rows)
    }

    fn scaled(&mut self, at: At, factor: Option<Place>, rows: usize) -> At {
        match factor {
            None => at,
            Some(factor) => {
                let code = Code::Mul(At::One(factor), at);
                self.compute(code, rows).0
            }
        }
    }

    fn sum(&mut self, at: At, rows: usize) -> Place {
        match at {
            At::Rows(start) => self.write(Act::Sum(start, rows as Place), Room::Singles(1)),
            At::One(place) if rows == 1 => place,
            At::One(place) => {
                let factor = self.constant(rows as f64);
                self.write(Act::single(Code::Mul(place, factor)), Room::Singles(1))
            }
        }
    }

    /// A number for each row, copied if it is the same.
    fn spread(&mut self, at: At, rows: usize) -> Place {
        match at {
            At::Rows(start) => start,
            At::One(place) => {
                let act = Act::Rows(Code::Copy(At::One(place)), rows as Place);
                self.write(act, Room::Vectors(rows))
            }
        }
    }

    /// The numbers at these places.
    fn at(&mut self, places: Vec<Place>) -> At {
        let first = places.first().copied().unwrap_or(0);
        let length = places.len().next_multiple_of(LANES);
        if places.iter().all(|place| *place == first) {
            return At::One(first);
        }
        let follow = places.iter().zip(first..).all(|(place, next)| *place == next);
        // Beyond the last row there must be something to read.
        if follow && first as usize + length <= self.numbers.len() {
            return At::Rows(first);
        }
        if let Some(known) = self.gathered.get(&places) {
            return At::Rows(*known);
        }
        let target = self.gather(&places);
        self.gathered.insert(places, target);
        At::Rows(target)
    }

    /// The table of these numbers.
    fn table(&mut self, places: Box<[Place]>) -> Place {
        if let Some(known) = self.known_tables.get(&places) {
            return *known;
        }
        let table = self.tables.len() as Place;
        self.tables.push(places.clone());
        self.known_tables.insert(places, table);
        table
    }

    /// A new copy of the numbers at these places.
    fn gather(&mut self, places: &[Place]) -> Place {
        let length = places.len().next_multiple_of(LANES);
        let mut table = places.to_vec();
        table.resize(length, places.last().copied().unwrap_or(0));
        let act = Act::Gather(self.table(table.into()));
        let target = self.room(length);
        self.instructions.push(Instruction { act, target });
        target
    }

    /// Where the number of a position is.
    fn read(&mut self, part: Part, space: Space, position: usize) -> Place {
        let place = self.space(part, space)[position];
        place.unwrap_or_else(|| self.constant(0.0))
    }

    fn read_rows(&mut self, source: &Source, places: &Places, rows: usize) -> At {
        let read = |row| self.read(source.part, source.space, places.at(row));
        let places = (0..rows).map(read).collect();
        self.at(places)
    }

    /// The numbers that an input reads.
    fn source(&mut self, source: &Source, rows: usize) -> At {
        let product = match &source.from {
            Origin::Places(places) => return self.read_rows(source, places, rows),
            Origin::Product(product) => product,
        };
        let columns = self.matrix(product);
        let terms = product.inputs().zip(columns).flat_map(|(position, column)| {
            [column, self.read(source.part, Space::Values, position)]
        });
        let terms = terms.collect();
        let act = Act::Product(self.table(terms), rows as Place);
        At::Rows(self.write(act, Room::Vectors(rows)))
    }

    /// The columns of the matrix of a product, which has one tile.
    fn matrix(&mut self, product: &PlacedProduct) -> Vec<Place> {
        let same = |known: &&(Arc<Matrix>, Vec<Place>)| Arc::ptr_eq(&known.0, &product.matrix);
        if let Some((_, columns)) = self.matrices.iter().find(same) {
            return columns.clone();
        }
        let (tile, height) = product.matrix.tile(0);
        let columns: Vec<Place> =
            tile.chunks_exact(height).map(|column| self.data(column)).collect();
        self.matrices.push((product.matrix.clone(), columns.clone()));
        columns
    }

    /// Appends a routine; nothing if the list would be too long.
    pub(super) fn routine(&mut self, routine: &Routine) -> Option<()> {
        if routine.is_idle() {
            return Some(());
        }
        if routine.rows > BLOCK {
            return None;
        }
        let scalars = self.prelude(routine);
        for (sink, slot) in &routine.scalar_outputs {
            let value = At::One(scalars[*slot as usize]);
            self.put(sink, Factors { value, times: None, factor: None }, routine.rows);
        }
        if !routine.row_outputs.is_empty() {
            self.block(routine, &scalars);
        }
        (!self.full).then_some(())
    }

    /// Where the scalars of a routine are.
    fn prelude(&mut self, routine: &Routine) -> Vec<Place> {
        let prelude = &routine.prelude;
        let mut scalars = vec![0; prelude.scalars];
        for (slot, x) in &prelude.constants {
            scalars[*slot as usize] = self.constant(*x);
        }
        for (slot, source) in &prelude.loads {
            let at = self.source(&routine.sources[*source as usize], 1);
            scalars[*slot as usize] = self.sum(at, 1);
        }
        for instruction in &prelude.instructions {
            let code = instruction.code.map(|operand| match operand {
                Operand::Register(k) | Operand::Scalar(k) => At::One(scalars[k as usize]),
                Operand::Column(k) => At::One(self.constant(routine.columns[k as usize][0])),
            });
            let (first, second) = self.compute(code, 1);
            scalars[instruction.target as usize] = self.sum(first, 1);
            if let Code::Pair(_, _, other) = instruction.code {
                scalars[other as usize] = self.sum(second, 1);
            }
        }
        scalars
    }

    /// The rows of a routine.
    fn block(&mut self, routine: &Routine, scalars: &[Place]) {
        let rows = routine.rows;
        let zero = At::One(self.constant(0.0));
        let mut registers = vec![zero; routine.registers];
        for (register, source) in &routine.loads {
            registers[*register as usize] = self.source(&routine.sources[*source as usize], rows);
        }
        for instruction in &routine.instructions {
            let code =
                instruction.code.map(|operand| self.operand(routine, scalars, &registers, operand));
            let (first, second) = self.compute(code, rows);
            registers[instruction.target as usize] = first;
            if let Code::Pair(_, _, other) = instruction.code {
                registers[other as usize] = second;
            }
        }
        for Output { sink, factor, value, times } in &routine.row_outputs {
            let value = self.operand(routine, scalars, &registers, *value);
            let times = times.map(|times| self.operand(routine, scalars, &registers, times));
            let factor = factor.map(|slot| scalars[slot as usize]);
            self.put(sink, Factors { value, times, factor }, rows);
        }
    }

    fn operand(
        &mut self,
        routine: &Routine,
        scalars: &[Place],
        registers: &[At],
        operand: Operand,
    ) -> At {
        match operand {
            Operand::Register(k) => registers[k as usize],
            Operand::Column(k) => At::Rows(self.column(&routine.columns[k as usize])),
            Operand::Scalar(k) => At::One(scalars[k as usize]),
        }
    }

    /// Notes where an output is.
    fn put(&mut self, sink: &Sink, numbers: Factors, rows: usize) {
        match &sink.to {
            Destination::Total => {
                let added = self.sum_of(numbers, 0..rows);
                let total = self.positions(sink.part).total;
                let total = self.plus(total, added);
                self.positions(sink.part).total = Some(total);
            }
            Destination::Store(start) => {
                let range = *start..start + rows;
                let stored = match numbers {
                    Factors { value: At::One(place), times: None, factor: None } => {
                        let values = &mut self.positions(sink.part).values[range];
                        return values.fill(Some(place));
                    }
                    Factors { .. } => self.each(numbers, rows),
                };
                self.place(sink.part, Space::Values, range, stored);
            }
            Destination::Add(space, places) => self.add(sink.part, *space, places, numbers, rows),
            Destination::Transposed(product) => {
                let Factors { value, factor, .. } = numbers;
                let columns = self.matrix(product);
                let (r, count) = (self.spread(value, rows), columns.len());
                let act = Act::Transposed(self.table(columns.into()), r, rows as Place);
                let dots = self.write(act, Room::Vectors(count));
                let scaled = self.scaled(At::Rows(dots), factor, count);
                let added = self.spread(scaled, count);
                self.add_run(sink.part, Space::Adjoints, product.inputs(), added);
            }
        }
    }

    fn plus(&mut self, sum: Option<Place>, added: Place) -> Place {
        match sum {
            None => added,
            Some(sum) => {
                let (first, second) = (sum.min(added), sum.max(added));
                self.write(Act::Add(first, second), Room::Singles(1))
            }
        }
    }

    fn add_one(&mut self, part: Part, space: Space, position: usize, added: Place) {
        let before = self.space(part, space)[position];
        let sum = self.plus(before, added);
        self.space(part, space)[position] = Some(sum);
    }

    /// Adds numbers, from a place on, to a range of positions.
    fn add_run(&mut self, part: Part, space: Space, range: Range<usize>, added: Place) {
        let rows = range.len();
        let nothing = self.space(part, space)[range.clone()].iter().all(Option::is_none);
        let before: Vec<Place> = range.clone().map(|p| self.read(part, space, p)).collect();
        let sum = if nothing {
            added
        } else {
            let before = self.at(before);
            let act = Act::Rows(Code::Add(before, At::Rows(added)), rows as Place);
            self.write(act, Room::Vectors(rows))
        };
        self.place(part, space, range, sum);
    }

    fn add(&mut self, part: Part, space: Space, places: &Places, numbers: Factors, rows: usize) {
        match places {
            Places::One(position) => {
                let added = self.sum_of(numbers, 0..rows);
                self.add_one(part, space, *position, added);
            }
            Places::Run(start) if rows == 1 => {
                let added = self.sum_of(numbers, 0..1);
                self.add_one(part, space, *start, added);
            }
            Places::Run(start) => {
                let added = self.each(numbers, rows);
                self.add_run(part, space, *start..start + rows, added);
            }
            Places::Runs { start, index, ends, first } => {
                for run in Divided::new(ends, first, &(0..rows)) {
                    let position = start + index[run.start] as usize;
                    let sum = self.sum_of(numbers, run);
                    self.add_one(part, space, position, sum);
                }
            }
            Places::Scattered { start, index } | Places::Stretches { start, index, .. } => {
                let added = self.each(numbers, rows);
                let (low, high) = (index.iter().min(), index.iter().max());
                let (Some(low), Some(high)) = (low, high) else { return };
                let range = start + *low as usize..start + *high as usize + 1;
                let before: Vec<Place> = range.clone().map(|p| self.read(part, space, p)).collect();
                let target = self.gather(&before);
                let distances = index.iter().map(|element| (element - low) as Place).collect();
                let act = Act::Scatter(added, self.table(distances));
                self.instructions.push(Instruction { act, target });
                self.place(part, space, range, target);
            }
        }
    }

    /// Notes that the numbers of a range of positions are here.
    fn place(&mut self, part: Part, space: Space, range: Range<usize>, start: Place) {
        let to = self.space(part, space)[range].iter_mut();
        to.zip(start..).for_each(|(to, place)| *to = Some(place));
    }

    /// The results so far, values or tangents.
    pub(super) fn results(&mut self, part: Part) -> Results {
        let derivatives = (0..self.dimension).map(|k| self.read(part, Space::Adjoints, k));
        let derivatives = derivatives.collect();
        let total = self.positions(part).total;
        let total = total.unwrap_or_else(|| self.constant(0.0));
        Results { total, derivatives, end: self.instructions.len() }
    }

    /// Begins anew at the same point, without forgetting what was computed.
    pub(super) fn begin_again(&mut self) {
        for positions in [&mut self.value, &mut self.tangent] {
            positions.values[self.dimension..].fill(None);
            positions.adjoints.fill(None);
            positions.total = None;
        }
    }

    /// The list; nothing if there is no room for it.
    pub(super) fn finish(self) -> Option<List> {
        if self.full {
            return None;
        }
        let direction = match &self.points[..] {
            [_, start] => *start..start + self.dimension,
            _ => 0..0,
        };
        let (instructions, settled) = settle(self.instructions, &self.tables, direction);
        Some(List {
            numbers: self.numbers,
            instructions,
            settled,
            tables: self.tables,
            points: self.points,
        })
    }
}
