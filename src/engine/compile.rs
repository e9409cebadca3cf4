//! Turns an expression with its data and the places of its inputs into a [`Routine`].
//!
//! What is the same for all rows moves to the prelude; what depends on data only is computed here
//! and becomes a column. The rest becomes instructions over as few registers as their lifetimes
//! allow.

use super::data::{Known, evaluate_data};
use super::factor::Wanted;
use super::routine::{
    Code, Destination, Instruction, Operand, Origin, Output, Pair, Prelude, Routine, Source,
};
use super::share::shares;
use crate::graph::{Expression, Leaf, NodeId, Op};
use crate::math::Unary;
use std::collections::HashMap;
use std::sync::Arc;

/// With so many rows, which no list of a small model has, functions may be added up block by block.
const MANY_ROWS: usize = 1 << 13;

/// An expression's surroundings.
pub(super) struct Surroundings {
    pub(super) rows: usize,
    /// Whether rows run a few at a time, so that no output is drained for all of them at once.
    pub(super) in_parts: bool,
    /// Whether outputs are multiplied where they are added up.
    pub(super) factor: bool,
    /// How much work makes a share of the rows.
    pub(super) share: usize,
    /// How many adjoints there are.
    pub(super) places: usize,
    pub(super) sources: Vec<Source>,
    pub(super) columns: Vec<Arc<[f64]>>,
}

impl Surroundings {
    /// Whether a leaf is the same for all rows.
    pub(super) fn is_uniform(&self, leaf: Leaf) -> bool {
        match leaf {
            Leaf::Column(_) => self.rows == 1,
            Leaf::Input(k) => self
                .sources
                .get(k as usize)
                .is_some_and(|source| source.settled && self.is_single(source)),
        }
    }
}

impl Surroundings {
    fn is_single(&self, source: &Source) -> bool {
        match &source.from {
            Origin::Places(places) => places.single(self.rows).is_some(),
            Origin::Product(_) => self.rows == 1,
        }
    }
}

/// What an operation depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Nothing.
    Constant,
    /// What is the same for all rows.
    Uniform,
    /// The row's data.
    Data,
    /// The row's data and inputs.
    Row,
}

impl Class {
    fn join(self, other: Class) -> Class {
        match (self, other) {
            (Class::Constant, class) | (class, Class::Constant) => class,
            (Class::Uniform, Class::Uniform) => Class::Uniform,
            (Class::Data, Class::Data) => Class::Data,
            (Class::Row, _)
            | (_, Class::Row)
            | (Class::Uniform, Class::Data)
            | (Class::Data, Class::Uniform) => Class::Row,
        }
    }

    fn is_scalar(self) -> bool {
        match self {
            Class::Constant | Class::Uniform => true,
            Class::Data | Class::Row => false,
        }
    }
}

fn classify(expression: &Expression, known: &[Known], surroundings: &Surroundings) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::with_capacity(expression.ops.len());
    for (op, known) in expression.ops.iter().zip(known) {
        let class = match (known, op) {
            (Known::Number(_), _) => Class::Constant,
            (Known::Column(_), _) => Class::Data,
            (Known::Nothing, Op::Leaf(leaf)) if surroundings.is_uniform(*leaf) => Class::Uniform,
            (Known::Nothing, Op::Leaf(_)) => Class::Row,
            (Known::Nothing, op) => op
                .operands()
                .fold(Class::Constant, |class, operand| class.join(classes[operand.index()])),
        };
        classes.push(class);
    }
    classes
}

/// Compiles an expression; outputs without a sink, and those known to be 0, are left out.
pub(super) fn routine(
    expression: &Expression,
    mut wanted: Vec<Wanted>,
    surroundings: &Surroundings,
) -> Routine {
    let zero =
        |id: &NodeId| matches!(expression.ops[id.index()], Op::Constant(c) if c.value() == 0.0);
    wanted.retain(|wanted| !zero(&wanted.value));
    // The values, and after them the factors.
    let values = wanted.iter().map(|wanted| wanted.value);
    let outputs: Vec<NodeId> =
        values.chain(wanted.iter().filter_map(|wanted| wanted.factor)).collect();
    let expression = Expression::pruned(&expression.ops, &outputs);
    let (values, factors) = expression.outputs.split_at(wanted.len());
    let known = evaluate_data(&expression, surroundings.rows, &surroundings.columns);
    let classes = classify(&expression, &known, surroundings);
    let mut emitter = Emitter::new(&expression, classes, known);
    if surroundings.factor {
        emitter.multiply_at_outputs(values.iter().zip(&wanted));
        if surroundings.rows >= MANY_ROWS && !surroundings.in_parts {
            emitter.find_summed(values.iter().zip(&wanted));
        }
    }
    emitter.emit_all();
    let (mut scalar_outputs, mut row_outputs) = (Vec::new(), Vec::new());
    let mut factors = factors.iter();
    for (id, Wanted { sink, factor, .. }) in values.iter().zip(wanted) {
        let factor = factor.and_then(|_| factors.next()).map(|factor| emitter.scalar(*factor));
        if let Some((value, times)) = emitter.multiplied(*id) {
            row_outputs.push(Output { sink, factor, value, times: Some(times) });
            continue;
        }
        match emitter.operand(*id) {
            Operand::Scalar(_) if surroundings.in_parts => {
                let value = Operand::Register(emitter.copied(*id));
                row_outputs.push(Output { sink, factor, value, times: None });
            }
            Operand::Scalar(slot) => {
                let slot = factor.map_or(slot, |factor| emitter.scaled(slot, factor));
                scalar_outputs.push((sink, slot));
            }
            value @ (Operand::Register(_) | Operand::Column(_)) => {
                row_outputs.push(Output { sink, factor, value, times: None });
            }
        }
    }
    let mut routine = Routine {
        rows: surroundings.rows,
        sources: surroundings.sources.clone(),
        columns: emitter.columns,
        first_scalar: 0,
        prelude: emitter.prelude,
        loads: emitter.loads,
        instructions: emitter.instructions,
        registers: emitter.register_count as usize,
        scalar_outputs,
        row_outputs,
        shares: Vec::new(),
    };
    if !surroundings.in_parts {
        routine.shares = shares(&routine, surroundings.share, surroundings.places);
    }
    routine
}

/// The operations that an addition or subtraction does on its way: products that nothing else
/// reads.
fn absorbed(expression: &Expression, classes: &[Class], reads: &[usize]) -> Vec<bool> {
    let mut absorbed = vec![false; expression.ops.len()];
    for (op, class) in expression.ops.iter().zip(classes) {
        if let (Op::Add(a, b) | Op::Sub(a, b), Class::Row) = (op, class) {
            let single = |id: &NodeId| {
                classes[id.index()] == Class::Row
                    && reads[id.index()] == 1
                    && matches!(expression.ops[id.index()], Op::Mul(..))
            };
            if let Some(product) = [a, b].into_iter().find(|id| single(id)) {
                absorbed[product.index()] = true;
            }
        }
    }
    absorbed
}

/// Writes instructions, and keeps track of where every number is.
struct Emitter<'a> {
    expression: &'a Expression,
    classes: Vec<Class>,
    known: Vec<Known>,
    /// How many instructions and outputs have yet to read each operation.
    uses: Vec<usize>,
    /// Products that are part of a sum.
    absorbed: Vec<bool>,
    /// Products that are computed where they are added up.
    multiplied: Vec<bool>,
    /// What is only ever added up over all rows, with no factor but -1.
    summed: Vec<bool>,
    /// Where to find both functions of a pair.
    pairs: HashMap<(Unary, NodeId), NodeId>,
    /// The scalar of each operation that is the same for all rows and is read.
    slots: Vec<u32>,
    registers: Vec<Option<u32>>,
    column_of: Vec<Option<u32>>,
    free: Vec<u32>,
    register_count: u32,
    prelude: Prelude,
    loads: Vec<(u32, u32)>,
    instructions: Vec<Instruction>,
    columns: Vec<Arc<[f64]>>,
}

impl<'a> Emitter<'a> {
    fn new(expression: &'a Expression, classes: Vec<Class>, known: Vec<Known>) -> Self {
        let count = expression.ops.len();
        let mut uses = vec![0; count];
        let mut pairs = HashMap::new();
        for (position, (op, class)) in expression.ops.iter().zip(&classes).enumerate() {
            if *class == Class::Row {
                op.operands().for_each(|id| uses[id.index()] += 1);
                if let Op::Unary(f, a) = op {
                    pairs.insert((*f, *a), NodeId(position as u32));
                }
            }
        }
        expression.outputs.iter().for_each(|id| uses[id.index()] += 1);
        let absorbed = absorbed(expression, &classes, &uses);
        Emitter {
            expression,
            classes,
            known,
            uses,
            absorbed,
            multiplied: vec![false; count],
            summed: vec![false; count],
            pairs,
            slots: vec![0; count],
            registers: vec![None; count],
            column_of: vec![None; count],
            free: Vec::new(),
            register_count: 0,
            prelude: Prelude::default(),
            loads: Vec::new(),
            instructions: Vec::new(),
            columns: Vec::new(),
        }
    }

    fn emit_all(&mut self) {
        self.emit_prelude();
        for position in 0..self.expression.ops.len() {
            let elsewhere = self.absorbed[position] || self.multiplied[position];
            if self.classes[position] == Class::Row && !elsewhere {
                self.emit(NodeId(position as u32));
            }
        }
    }

    /// Computes every scalar that an instruction, an output or another scalar reads.
    fn emit_prelude(&mut self) {
        let ops = &self.expression.ops;
        let is_computed = |position: usize| {
            self.classes[position].is_scalar() && matches!(self.known[position], Known::Nothing)
        };
        let mut read: Vec<bool> = self.uses.iter().map(|uses| *uses > 0).collect();
        for (position, op) in ops.iter().enumerate().rev() {
            if read[position] && is_computed(position) {
                op.operands().for_each(|operand| read[operand.index()] = true);
            }
        }
        let mut prelude = Prelude::default();
        for (position, op) in ops.iter().enumerate() {
            if !read[position] || !self.classes[position].is_scalar() {
                continue;
            }
            let slot = prelude.scalars as u32;
            prelude.scalars += 1;
            self.slots[position] = slot;
            let scalar = |id: NodeId| Operand::Scalar(self.slots[id.index()]);
            match (&self.known[position], op) {
                (Known::Number(x), _) => prelude.constants.push((slot, *x)),
                (Known::Nothing | Known::Column(_), Op::Leaf(Leaf::Input(k))) => {
                    prelude.loads.push((slot, *k));
                }
                (Known::Nothing | Known::Column(_), op) => {
                    let code = code(*op, scalar);
                    prelude
                        .instructions
                        .extend(code.map(|code| Instruction { target: slot, code }));
                }
            }
        }
        self.prelude = prelude;
    }

    /// Where an operation's number is, loading it if need be.
    fn operand(&mut self, id: NodeId) -> Operand {
        let position = id.index();
        if self.classes[position].is_scalar() {
            return Operand::Scalar(self.slots[position]);
        }
        if let Known::Column(column) = &self.known[position] {
            let column = *self.column_of[position].get_or_insert_with(|| {
                self.columns.push(column.clone());
                self.columns.len() as u32 - 1
            });
            return Operand::Column(column);
        }
        if let Some(register) = self.registers[position] {
            return Operand::Register(register);
        }
        // What is loaded comes before all instructions, so that none may use its register earlier.
        let register = self.fresh();
        if let Op::Leaf(Leaf::Input(k)) = self.expression.ops[position] {
            self.loads.push((register, k));
        }
        self.registers[position] = Some(register);
        Operand::Register(register)
    }

    /// The slot of what is the same for all rows.
    fn scalar(&self, id: NodeId) -> u32 {
        self.slots[id.index()]
    }

    /// The product of two scalars.
    fn scaled(&mut self, slot: u32, factor: u32) -> u32 {
        let target = self.prelude.scalars as u32;
        self.prelude.scalars += 1;
        let code = Code::Mul(Operand::Scalar(slot), Operand::Scalar(factor));
        self.prelude.instructions.push(Instruction { target, code });
        target
    }

    /// Leaves products that only outputs read to what adds them up.
    fn multiply_at_outputs<'w>(&mut self, outputs: impl Iterator<Item = (&'w NodeId, &'w Wanted)>) {
        let mut sums = vec![0; self.uses.len()];
        outputs
            .filter(|(_, wanted)| wanted.sink.to.takes_products())
            .for_each(|(id, _)| sums[id.index()] += 1);
        for (position, sums) in sums.into_iter().enumerate() {
            let all = sums > 0 && sums == self.uses[position];
            let per_row = self.classes[position] == Class::Row;
            self.multiplied[position] = all
                && per_row
                && match self.expression.ops[position] {
                    Op::Mul(a, b) => [a, b].iter().all(|id| !self.classes[id.index()].is_scalar()),
                    Op::Unary(Unary::Square, _) => true,
                    Op::Constant(_)
                    | Op::Leaf(_)
                    | Op::Neg(_)
                    | Op::Add(..)
                    | Op::Sub(..)
                    | Op::Div(..)
                    | Op::Unary(..)
                    | Op::Binary(..)
                    | Op::Ternary(..)
                    | Op::Less(..)
                    | Op::Same(..)
                    | Op::Select(..)
                    | Op::Gated(..) => false,
                };
        }
    }

    /// Finds what is only ever added up over all rows.
    fn find_summed<'w>(&mut self, outputs: impl Iterator<Item = (&'w NodeId, &'w Wanted)>) {
        let mut sums = vec![0; self.uses.len()];
        outputs
            .filter(|(_, wanted)| matches!(wanted.sink.to, Destination::Total))
            .for_each(|(id, _)| sums[id.index()] += 1);
        for (position, op) in self.expression.ops.iter().enumerate().rev() {
            let all = sums[position] > 0 && sums[position] == self.uses[position];
            self.summed[position] = all && self.classes[position] == Class::Row;
            if self.summed[position]
                && let Op::Add(..) | Op::Sub(..) | Op::Neg(_) = op
            {
                op.operands().for_each(|operand| sums[operand.index()] += 1);
            }
        }
    }

    /// The operands of a product that is left to what adds it up.
    fn multiplied(&mut self, id: NodeId) -> Option<(Operand, Operand)> {
        let op = self.multiplied[id.index()].then(|| self.expression.ops[id.index()])?;
        let mut operands = op.operands();
        let first = operands.next()?;
        let second = operands.next().unwrap_or(first);
        Some((self.operand(first), self.operand(second)))
    }

    fn fresh(&mut self) -> u32 {
        self.register_count += 1;
        self.register_count - 1
    }

    fn target(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| self.fresh())
    }

    /// A register with a number that is the same for all rows.
    fn copied(&mut self, id: NodeId) -> u32 {
        let (operand, target) = (self.operand(id), self.fresh());
        self.instructions.push(Instruction { target, code: Code::Copy(operand) });
        target
    }

    fn emit(&mut self, id: NodeId) {
        let op = self.expression.ops[id.index()];
        // The second function of a pair came with the first.
        if self.registers[id.index()].is_some() {
            return self.release(op);
        }
        if self.emit_pair(op, id) {
            return self.release(op);
        }
        let fused = self.fused(op);
        let code = match fused {
            Some((code, _)) => Some(code),
            None => {
                let mut operands = HashMap::new();
                op.operands().for_each(|id| {
                    operands.insert(id, self.operand(id));
                });
                code(op, |id| operands[&id])
            }
        };
        let Some(code) = code else { return };
        let target = self.target();
        self.instructions.push(Instruction { target, code });
        self.registers[id.index()] = Some(target);
        if let Some((_, product)) = fused {
            self.release(product);
        }
        self.release(op);
    }

    /// Takes note that the operands of an operation were read.
    fn release(&mut self, op: Op) {
        for operand in op.operands() {
            let uses = &mut self.uses[operand.index()];
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.free.extend(self.registers[operand.index()].take());
            }
        }
    }

    /// A sum with a product that nothing else reads, and the product.
    fn fused(&mut self, op: Op) -> Option<(Code, Op)> {
        let (a, b, subtracts) = match op {
            Op::Add(a, b) => (a, b, false),
            Op::Sub(a, b) => (a, b, true),
            Op::Constant(_)
            | Op::Leaf(_)
            | Op::Neg(_)
            | Op::Mul(..)
            | Op::Div(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Ternary(..)
            | Op::Less(..)
            | Op::Same(..)
            | Op::Select(..)
            | Op::Gated(..) => return None,
        };
        let first = self.absorbed[a.index()];
        let (product, other) = if first { (a, b) } else { (b, a) };
        let product = self.expression.ops[product.index()];
        let Op::Mul(x, y) = product else { return None };
        if !first && !self.absorbed[b.index()] {
            return None;
        }
        let (x, y, other) = (self.operand(x), self.operand(y), self.operand(other));
        let code = match (subtracts, first) {
            (false, _) => Code::MulAdd(x, y, other),
            (true, true) => Code::MulSub(x, y, other),
            (true, false) => Code::SubMul(x, y, other),
        };
        Some((code, product))
    }

    /// Computes two functions of the same number at once, if this is one and both are wanted, or if
    /// they are added up block by block.
    fn emit_pair(&mut self, op: Op, id: NodeId) -> bool {
        let Op::Unary(f, a) = op else { return false };
        let Some(pair) = Pair::ALL.into_iter().find(|pair| pair.functions().contains(&f)) else {
            return false;
        };
        let [first, second] = pair.functions().map(|f| self.pairs.get(&(f, a)).copied());
        let summed = matches!(pair, Pair::SoftplusSigmoid)
            && first.is_some_and(|softplus| self.summed[softplus.index()]);
        let both = first.is_some() && second.is_some();
        if ![first, second].contains(&Some(id)) || !(both || summed) {
            return false;
        }
        let pair = if summed { Pair::SummedSoftplusSigmoid } else { pair };
        let operand = self.operand(a);
        let (target, other) = (self.target(), self.target());
        self.instructions.push(Instruction { target, code: Code::Pair(pair, operand, other) });
        for (id, register) in [(first, target), (second, other)] {
            match id {
                Some(id) => self.registers[id.index()] = Some(register),
                None => self.free.push(register),
            }
        }
        true
    }
}

/// What computes an operation; nothing for a constant or a leaf, which are not computed.
fn code(op: Op, mut number: impl FnMut(NodeId) -> Operand) -> Option<Code> {
    Some(match op {
        Op::Constant(_) | Op::Leaf(_) => return None,
        Op::Neg(a) => Code::Neg(number(a)),
        Op::Unary(f, a) => Code::Unary(f, number(a)),
        Op::Add(a, b) => Code::Add(number(a), number(b)),
        Op::Sub(a, b) => Code::Sub(number(a), number(b)),
        Op::Mul(a, b) => Code::Mul(number(a), number(b)),
        Op::Div(a, b) => Code::Div(number(a), number(b)),
        Op::Binary(f, a, b) => Code::Binary(f, number(a), number(b)),
        Op::Ternary(f, a, b, c) => Code::Ternary(f, number(a), number(b), number(c)),
        Op::Less(a, b) => Code::Less(number(a), number(b)),
        Op::Same(a, b) => Code::Same(number(a), number(b)),
        Op::Gated(a, b) => Code::Gated(number(a), number(b)),
        Op::Select(mask, yes, no) => Code::Select(number(mask), number(yes), number(no)),
    })
}
