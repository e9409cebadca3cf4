//! Turns an expression with its data and the places of its inputs into a [`Routine`].
//!
//! What is the same for all rows moves to the prelude; what depends on data only is computed here
//! and becomes a column. The rest becomes instructions over as few registers as their lifetimes
//! allow.

use super::data::{Known, evaluate_data};
use super::routine::{Code, Instruction, Operand, Routine, Sink, Source};
use crate::graph::{Expression, Leaf, Literal, NodeId, Op};
use std::sync::Arc;

/// An expression's surroundings.
pub(super) struct Surroundings {
    pub(super) rows: usize,
    /// Whether rows run a few at a time, so that no output is drained for all of them at once.
    pub(super) in_parts: bool,
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
                .is_some_and(|source| source.settled && source.places.single(self.rows).is_some()),
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
    sinks: Vec<Option<Sink>>,
    surroundings: &Surroundings,
) -> Routine {
    let zero =
        |id: &NodeId| matches!(expression.ops[id.index()], Op::Constant(c) if c.value() == 0.0);
    let wanted: Vec<(NodeId, Sink)> = expression
        .outputs
        .iter()
        .zip(sinks)
        .filter(|(id, _)| !zero(id))
        .filter_map(|(id, sink)| Some((*id, sink?)))
        .collect();
    let outputs: Vec<NodeId> = wanted.iter().map(|(id, _)| *id).collect();
    let expression = Expression::pruned(&expression.ops, &outputs);
    let known = evaluate_data(&expression, surroundings.rows, &surroundings.columns);
    let classes = classify(&expression, &known, surroundings);
    let mut emitter = Emitter::new(&expression, classes, known);
    emitter.emit_all();
    let (mut scalar_outputs, mut row_outputs) = (Vec::new(), Vec::new());
    for (id, (_, sink)) in expression.outputs.iter().zip(wanted) {
        let operand = match surroundings.in_parts {
            true => Operand::Register(emitter.register(*id)),
            false => emitter.operand(*id),
        };
        match operand {
            Operand::Scalar(slot) => scalar_outputs.push((sink, slot)),
            Operand::Register(register) => row_outputs.push((sink, register)),
        }
    }
    Routine {
        rows: surroundings.rows,
        sources: surroundings.sources.clone(),
        columns: emitter.columns,
        first_scalar: 0,
        prelude: emitter.prelude,
        instructions: emitter.instructions,
        registers: emitter.register_count as usize,
        scalar_outputs,
        row_outputs,
    }
}

/// Writes instructions, and keeps track of where every number is.
struct Emitter<'a> {
    expression: &'a Expression,
    classes: Vec<Class>,
    known: Vec<Known>,
    /// How many instructions and outputs have yet to read each operation.
    uses: Vec<usize>,
    /// The scalar of each operation that is the same for all rows and is read.
    slots: Vec<u32>,
    registers: Vec<Option<u32>>,
    free: Vec<u32>,
    register_count: u32,
    prelude: Vec<Op>,
    instructions: Vec<Instruction>,
    columns: Vec<Arc<[f64]>>,
}

impl<'a> Emitter<'a> {
    fn new(expression: &'a Expression, classes: Vec<Class>, known: Vec<Known>) -> Self {
        let count = expression.ops.len();
        let mut uses = vec![0; count];
        for (op, class) in expression.ops.iter().zip(&classes) {
            if *class == Class::Row {
                op.operands().for_each(|id| uses[id.index()] += 1);
            }
        }
        expression.outputs.iter().for_each(|id| uses[id.index()] += 1);
        Emitter {
            expression,
            classes,
            known,
            uses,
            slots: vec![0; count],
            registers: vec![None; count],
            free: Vec::new(),
            register_count: 0,
            prelude: Vec::new(),
            instructions: Vec::new(),
            columns: Vec::new(),
        }
    }

    fn emit_all(&mut self) {
        self.emit_prelude();
        for position in 0..self.expression.ops.len() {
            if self.classes[position] == Class::Row {
                self.emit(NodeId(position as u32));
            }
        }
    }

    /// Computes every scalar that an instruction, an output or another scalar reads.
    fn emit_prelude(&mut self) {
        let scalars = self.expression.ops.iter().zip(&self.known).zip(&self.classes);
        let scalars: Vec<Option<Op>> = scalars
            .map(|((op, known), class)| match (known, class.is_scalar()) {
                (_, false) => None,
                (Known::Number(x), true) if !op.is_mask() => Some(Op::Constant(Literal::new(*x))),
                (Known::Nothing | Known::Number(_) | Known::Column(_), true) => Some(*op),
            })
            .collect();
        let mut read: Vec<bool> = self.uses.iter().map(|uses| *uses > 0).collect();
        for (position, op) in scalars.iter().enumerate().rev() {
            if let Some(op) = op
                && read[position]
            {
                op.operands().for_each(|operand| read[operand.index()] = true);
            }
        }
        for (position, op) in scalars.into_iter().enumerate() {
            if let Some(op) = op
                && read[position]
            {
                self.slots[position] = self.prelude.len() as u32;
                self.prelude.push(op.map(|operand| NodeId(self.slots[operand.index()])));
            }
        }
    }

    /// Where an operation's number is, loading it if need be.
    fn operand(&mut self, id: NodeId) -> Operand {
        if self.classes[id.index()].is_scalar() {
            Operand::Scalar(self.slots[id.index()])
        } else {
            Operand::Register(self.register(id))
        }
    }

    /// A register with the number of an operation, one per row.
    fn register(&mut self, id: NodeId) -> u32 {
        if let Some(register) = self.registers[id.index()] {
            return register;
        }
        let code = match (&self.known[id.index()], self.expression.ops[id.index()]) {
            _ if self.classes[id.index()].is_scalar() => Code::Broadcast(self.slots[id.index()]),
            (Known::Nothing, Op::Leaf(Leaf::Input(k))) => Code::Input(k),
            (Known::Column(column), _) => {
                self.columns.push(column.clone());
                Code::Column(self.columns.len() as u32 - 1)
            }
            (Known::Nothing | Known::Number(_), _) => Code::Broadcast(self.slots[id.index()]),
        };
        self.push(id, code)
    }

    fn push(&mut self, id: NodeId, code: Code) -> u32 {
        let target = self.free.pop().unwrap_or_else(|| {
            self.register_count += 1;
            self.register_count - 1
        });
        self.instructions.push(Instruction { target, code });
        self.registers[id.index()] = Some(target);
        target
    }

    fn emit(&mut self, id: NodeId) {
        let op = self.expression.ops[id.index()];
        let Some(code) = self.code(op) else { return };
        self.push(id, code);
        for operand in op.operands() {
            let uses = &mut self.uses[operand.index()];
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.free.extend(self.registers[operand.index()].take());
            }
        }
    }

    /// What computes an operation; nothing for a leaf, which is loaded where it is first read.
    fn code(&mut self, op: Op) -> Option<Code> {
        Some(match op {
            Op::Constant(_) | Op::Leaf(_) => return None,
            Op::Neg(a) => Code::Neg(self.register(a)),
            Op::Unary(f, a) => Code::Unary(f, self.register(a)),
            Op::Add(a, b) => Code::Add(self.operand(a), self.operand(b)),
            Op::Sub(a, b) => Code::Sub(self.operand(a), self.operand(b)),
            Op::Mul(a, b) => Code::Mul(self.operand(a), self.operand(b)),
            Op::Div(a, b) => Code::Div(self.operand(a), self.operand(b)),
            Op::Binary(f, a, b) => Code::Binary(f, self.operand(a), self.operand(b)),
            Op::Ternary(f, a, b, c) => {
                Code::Ternary(f, self.register(a), self.register(b), self.register(c))
            }
            Op::Less(a, b) => Code::Less(self.operand(a), self.operand(b)),
            Op::Same(a, b) => Code::Same(self.operand(a), self.operand(b)),
            Op::Gated(a, b) => Code::Gated(self.operand(a), self.operand(b)),
            Op::Select(mask, yes, no) => {
                Code::Select(self.register(mask), self.register(yes), self.register(no))
            }
        })
    }
}
