//! The scratch memory of one thread.

use super::lane::Lane;
use super::routine::{BLOCK, Routine};
use crate::math::Dual;

/// The scratch memory of one thread for one [`Program`](super::Program): an evaluation allocates
/// nothing.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) plain: State<f64>,
    pub(super) dual: State<Dual<f64>>,
}

/// How much memory a program needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) positions: usize,
    pub(super) scalars: usize,
    pub(super) registers: usize,
    /// The length of a register.
    pub(super) lanes: usize,
    /// Numbers that steps keep between the forward and the backward sweep, each in its own place.
    pub(super) memory: usize,
    /// Numbers that a step needs while it runs.
    pub(super) scratch: usize,
    /// Plain numbers that a step needs while it runs.
    pub(super) reals: usize,
    /// Positions that a step needs while it runs.
    pub(super) pivots: usize,
}

impl Extent {
    /// Makes room for a routine.
    pub(super) fn include(&mut self, routine: &Routine) {
        self.scalars = self.scalars.max(routine.first_scalar + routine.prelude.len());
        self.registers = self.registers.max(routine.registers);
        self.lanes = self.lanes.max(routine.rows.min(BLOCK));
    }
}

impl Workspace {
    pub(super) fn new(extent: Extent) -> Self {
        Workspace { plain: State::new(extent), dual: State::new(extent) }
    }
}

/// All numbers of an evaluation.
#[derive(Clone, Debug)]
pub(super) struct State<T> {
    /// Every element of every buffer.
    pub(super) values: Vec<T>,
    /// The derivative of the log density in each of them.
    pub(super) adjoints: Vec<T>,
    pub(super) scalars: Vec<T>,
    pub(super) registers: Vec<Box<[T]>>,
    /// The registers of a single row.
    pub(super) row: Vec<T>,
    /// What steps keep between the sweeps.
    pub(super) memory: Vec<T>,
    /// What a step needs while it runs.
    pub(super) scratch: Vec<T>,
    pub(super) reals: Vec<f64>,
    pub(super) pivots: Vec<usize>,
    /// The log density so far.
    pub(super) total: T,
}

impl<T: Lane> State<T> {
    fn new(extent: Extent) -> Self {
        let zero = T::constant(0.0);
        State {
            values: vec![zero; extent.positions],
            adjoints: vec![zero; extent.positions],
            scalars: vec![zero; extent.scalars],
            registers: vec![vec![zero; extent.lanes].into(); extent.registers],
            row: vec![zero; extent.registers],
            memory: vec![zero; extent.memory],
            scratch: vec![zero; extent.scratch],
            reals: vec![0.0; extent.reals],
            pivots: vec![0; extent.pivots],
            total: zero,
        }
    }
}
