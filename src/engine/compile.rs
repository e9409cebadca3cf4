//! Turns an expression with its data and the places of its inputs into a [`Routine`].
//!
//! What is the same for all rows moves to the prelude; what depends on data only is computed here
//! and becomes a column. The rest becomes instructions over as few registers as their lifetimes
//! allow.

use super::lane::{from_mask, to_mask};
use super::routine::{Code, Instruction, Operand, Routine, Sink, Source};
use crate::graph::{Expression, Leaf, Literal, NodeId, Op, Value};
use std::sync::Arc;

/// An expression's surroundings.
pub(super) struct Surroundings {
    pub(super) rows: usize,
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
                .is_some_and(|source| source.places.single(self.rows).is_some()),
        }
    }

    fn column(&self, k: u32) -> Arc<[f64]> {
        self.columns.get(k as usize).cloned().unwrap_or_else(|| vec![f64::NAN; self.rows].into())
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

fn classify(expression: &Expression, surroundings: &Surroundings) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::with_capacity(expression.ops.len());
    for op in &expression.ops {
        let mut class = Class::Constant;
        if let Op::Leaf(leaf) = op {
            class = match (surroundings.is_uniform(*leaf), leaf) {
                (true, _) => Class::Uniform,
                (false, Leaf::Column(_)) => Class::Data,
                (false, Leaf::Input(_)) => Class::Row,
            };
        }
        classes.push(op.operands().fold(class, |class, id| class.join(classes[id.index()])));
    }
    classes
}

/// What is known of an operation when data are bound.
enum Known {
    Nothing,
    Number(f64),
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
}

/// Evaluates everything that depends on constants and data only; masks as 1 or 0.
fn evaluate_data(
    expression: &Expression,
    classes: &[Class],
    surroundings: &Surroundings,
) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::with_capacity(expression.ops.len());
    for (op, class) in expression.ops.iter().zip(classes) {
        let at = |row: usize| {
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
        };
        let result = match (class, op) {
            (Class::Constant, _) => Known::Number(at(0)),
            (Class::Data, Op::Leaf(Leaf::Column(k))) => Known::Column(surroundings.column(*k)),
            (Class::Data, _) => Known::Column((0..surroundings.rows).map(at).collect()),
            (Class::Uniform | Class::Row, _) => Known::Nothing,
        };
        known.push(result);
    }
    known
}

/// Compiles an expression; outputs without a sink, and those known to be 0, are left out.
pub(super) fn routine(
    expression: &Expression,
    sinks: Vec<Option<Sink>>,
    surroundings: &Surroundings,
) -> Routine {
    let is_zero = |id: &NodeId| {
        let op = expression.ops[id.index()];
        if let Op::Constant(c) = op { c.value() == 0.0 } else { op.is_mask() }
    };
    let wanted: Vec<(NodeId, Sink)> = expression
        .outputs
        .iter()
        .zip(sinks)
        .filter(|(id, _)| !is_zero(id))
        .filter_map(|(id, sink)| Some((*id, sink?)))
        .collect();
    let outputs: Vec<NodeId> = wanted.iter().map(|(id, _)| *id).collect();
    let expression = Expression::pruned(&expression.ops, &outputs);
    let classes = classify(&expression, surroundings);
    let known = evaluate_data(&expression, &classes, surroundings);
    let mut emitter = Emitter::new(surroundings, &expression, classes, known);
    emitter.emit_all();
    let (mut scalar_outputs, mut row_outputs) = (Vec::new(), Vec::new());
    for (id, (_, sink)) in expression.outputs.iter().zip(wanted) {
        match emitter.operand(*id) {
            Operand::Scalar(slot) => scalar_outputs.push((sink, slot)),
            Operand::Register(register) => row_outputs.push((sink, register)),
        }
    }
    Routine {
        rows: surroundings.rows,
        sources: surroundings.sources.clone(),
        columns: emitter.columns,
        prelude: emitter.prelude,
        instructions: emitter.instructions,
        registers: emitter.register_count as usize,
        scalar_outputs,
        row_outputs,
    }
}

/// Writes instructions, and keeps track of where every number is.
struct Emitter<'a> {
    surroundings: &'a Surroundings,
    expression: &'a Expression,
    classes: Vec<Class>,
    known: Vec<Known>,
    /// How many instructions and outputs have yet to read each operation.
    uses: Vec<usize>,
    slots: Vec<Option<u32>>,
    registers: Vec<Option<u32>>,
    free: Vec<u32>,
    register_count: u32,
    prelude: Vec<Op>,
    instructions: Vec<Instruction>,
    columns: Vec<Arc<[f64]>>,
}

impl<'a> Emitter<'a> {
    fn new(
        surroundings: &'a Surroundings,
        expression: &'a Expression,
        classes: Vec<Class>,
        known: Vec<Known>,
    ) -> Self {
        let count = expression.ops.len();
        let mut uses = vec![0; count];
        for (op, class) in expression.ops.iter().zip(&classes) {
            if *class == Class::Row {
                op.operands().for_each(|id| uses[id.index()] += 1);
            }
        }
        expression.outputs.iter().for_each(|id| uses[id.index()] += 1);
        Emitter {
            surroundings,
            expression,
            classes,
            known,
            uses,
            slots: vec![None; count],
            registers: vec![None; count],
            free: Vec::new(),
            register_count: 0,
            prelude: Vec::new(),
            instructions: Vec::new(),
            columns: Vec::new(),
        }
    }

    fn emit_all(&mut self) {
        for position in 0..self.expression.ops.len() {
            let id = NodeId(position as u32);
            if self.classes[position] == Class::Row {
                self.emit(id);
            }
        }
    }

    /// The scalar of an operation that is the same for all rows.
    fn slot(&mut self, id: NodeId) -> u32 {
        if let Some(slot) = self.slots[id.index()] {
            return slot;
        }
        let mut op = self.expression.ops[id.index()];
        if let Op::Leaf(Leaf::Column(k)) = op {
            let only = self.surroundings.column(k).first().copied();
            op = Op::Constant(Literal::new(only.unwrap_or(f64::NAN)));
        }
        let op = op.map(|operand| NodeId(self.slot(operand)));
        let slot = self.prelude.len() as u32;
        self.prelude.push(op);
        self.slots[id.index()] = Some(slot);
        slot
    }

    /// Where an operation's number is, loading it if need be.
    fn operand(&mut self, id: NodeId) -> Operand {
        if self.classes[id.index()].is_scalar() {
            Operand::Scalar(self.slot(id))
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
            (Known::Column(column), _) => {
                self.columns.push(column.clone());
                Code::Column(self.columns.len() as u32 - 1)
            }
            (Known::Nothing | Known::Number(_), Op::Leaf(Leaf::Input(k)))
                if !self.classes[id.index()].is_scalar() =>
            {
                Code::Input(k)
            }
            (Known::Nothing | Known::Number(_), _) => Code::Broadcast(self.slot(id)),
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
            Op::Less(a, b) => Code::Less(self.operand(a), self.operand(b)),
            Op::Same(a, b) => Code::Same(self.operand(a), self.operand(b)),
            Op::Gated(a, b) => Code::Gated(self.operand(a), self.operand(b)),
            Op::Select(mask, yes, no) => {
                Code::Select(self.register(mask), self.register(yes), self.register(no))
            }
        })
    }
}
