//! The scratch memory of one thread.

use super::block::Register;
use super::elimination::Lanes;
use super::execute::{Given, Sinks};
use super::isa::Isa;
use super::lane::Lane;
use super::routine::Routine;
use super::small::Numbers;
use crate::math::Dual;

/// The scratch memory of one thread for one [`Program`](super::Program): an evaluation allocates
/// nothing.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) plain: State<f64>,
    pub(super) dual: State<Dual<f64>>,
    /// One for each point of a batch; empty until there is one.
    pub(super) batch: Vec<State<f64>>,
    /// The numbers of a small model.
    pub(super) small: Option<Numbers>,
}

/// How much memory a program needs.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) isa: Isa,
    pub(super) positions: usize,
    /// Positions that have adjoints, which come first.
    pub(super) active: usize,
    pub(super) scalars: usize,
    /// Scalars that never change.
    pub(super) constants: Vec<(usize, f64)>,
    /// The most shares that rows of a routine are divided into.
    pub(super) shares: usize,
    /// Registers of blocks, and of single rows.
    pub(super) registers: usize,
    pub(super) row_registers: usize,
    /// Numbers that steps keep between the forward and the backward sweep, each in its own place.
    pub(super) memory: usize,
    /// Numbers that a step needs while it runs.
    pub(super) scratch: usize,
    /// Plain numbers that a step needs while it runs.
    pub(super) reals: usize,
    /// Positions that a step needs while it runs.
    pub(super) pivots: usize,
    /// Vectors that an elimination needs while it runs, and those that all keep for the way back.
    pub(super) strips: usize,
    pub(super) kept: usize,
}

impl Extent {
    /// Nothing yet.
    pub(super) fn new(isa: Isa, positions: usize, active: usize) -> Self {
        Extent {
            isa,
            positions,
            active,
            scalars: 0,
            constants: Vec::new(),
            shares: 0,
            registers: 0,
            row_registers: 0,
            memory: 0,
            scratch: 0,
            reals: 0,
            pivots: 0,
            strips: 0,
            kept: 0,
        }
    }

    /// Makes room for a routine, and gives it scalars of its own.
    pub(super) fn include(&mut self, routine: &mut Routine) {
        routine.first_scalar = self.scalars;
        self.scalars += routine.prelude.scalars;
        let constants = routine.prelude.constants.iter();
        self.constants
            .extend(constants.map(|(slot, x)| (routine.first_scalar + *slot as usize, *x)));
        self.row_registers = self.row_registers.max(routine.registers);
        self.shares = self.shares.max(routine.shares.len());
        if routine.rows > 1 {
            self.registers = self.registers.max(routine.registers);
        }
    }
}

impl Workspace {
    pub(super) fn new(extent: &Extent, small: Option<Numbers>) -> Self {
        let (plain, dual) = (State::new(extent), State::new(extent));
        Workspace { plain, dual, batch: Vec::new(), small }
    }
}

/// All numbers of an evaluation.
#[derive(Clone, Debug)]
pub(super) struct State<T> {
    pub(super) isa: Isa,
    /// Every element of every buffer.
    pub(super) values: Vec<T>,
    /// The derivative of the log density in each of them.
    pub(super) adjoints: Vec<T>,
    pub(super) scalars: Vec<f64>,
    pub(super) registers: Vec<Register>,
    /// Registers in which points take turns; empty until they do.
    pub(super) shared: Vec<Register>,
    /// The registers of a single row.
    pub(super) row: Vec<f64>,
    /// What shares of rows are computed in; empty until there are shares.
    pub(super) partials: Vec<Partial<T>>,
    /// What steps keep between the sweeps.
    pub(super) memory: Vec<T>,
    /// What a step needs while it runs.
    pub(super) scratch: Vec<T>,
    pub(super) reals: Vec<f64>,
    pub(super) pivots: Vec<usize>,
    pub(super) strips: Vec<Lanes>,
    /// What eliminations keep between the sweeps.
    pub(super) kept: Vec<Lanes>,
    /// The log density so far.
    pub(super) total: T,
}

impl<T: Lane> State<T> {
    pub(super) fn new(extent: &Extent) -> Self {
        let zero = T::constant(0.0);
        let mut scalars = vec![0.0; extent.scalars];
        extent.constants.iter().for_each(|(position, x)| scalars[*position] = *x);
        State {
            isa: extent.isa,
            values: vec![zero; extent.positions],
            adjoints: vec![zero; extent.active],
            scalars,
            registers: vec![Register::ZERO; extent.registers],
            shared: Vec::new(),
            row: vec![0.0; extent.row_registers],
            partials: Vec::new(),
            memory: vec![zero; extent.memory],
            scratch: vec![zero; extent.scratch],
            reals: vec![0.0; extent.reals],
            pivots: vec![0; extent.pivots],
            strips: vec![Lanes::default(); T::PARTS.len() * extent.strips],
            kept: vec![Lanes::default(); T::PARTS.len() * extent.kept],
            total: zero,
        }
    }
}

impl<T> State<T> {
    /// What rows are computed from, the registers, and the places of shares.
    #[inline(always)]
    pub(super) fn split(&mut self) -> (Given<'_, T>, &mut [Register], &mut Vec<Partial<T>>) {
        let State { isa, values, adjoints, scalars, registers, partials, .. } = self;
        (Given { isa: *isa, values, adjoints, scalars }, registers, partials)
    }

    /// What rows are computed from, and the registers of a share if there are shares.
    #[inline(always)]
    pub(super) fn given(&mut self, share: Option<usize>) -> (Given<'_, T>, &mut [Register]) {
        let (given, registers, partials) = self.split();
        match share {
            None => (given, registers),
            Some(share) => (given, &mut partials[share].registers),
        }
    }

    /// The scalars and where outputs are put: in a share if there are shares.
    #[inline(always)]
    pub(super) fn sinks(&mut self, share: Option<usize>) -> (&[f64], Sinks<'_, T>) {
        let State { scalars, values, adjoints, partials, total, .. } = self;
        let Some(share) = share else {
            return (scalars, Sinks { values, adjoints, total });
        };
        let Partial { adjoints, total, .. } = &mut partials[share];
        (scalars, Sinks { values: &mut [], adjoints, total })
    }

    /// The scalars, the registers and the adjoints, of a share if there are shares.
    #[inline(always)]
    pub(super) fn transposing(&mut self, share: Option<usize>) -> (&[f64], &[Register], &mut [T]) {
        let State { scalars, registers, adjoints, partials, .. } = self;
        match share {
            None => (scalars, registers, adjoints),
            Some(share) => {
                let Partial { registers, adjoints, .. } = &mut partials[share];
                (scalars, registers, adjoints)
            }
        }
    }
}

/// What a share of rows adds, until it is added to the whole.
#[derive(Clone, Debug)]
pub(super) struct Partial<T> {
    pub(super) registers: Vec<Register>,
    pub(super) adjoints: Vec<T>,
    pub(super) total: T,
}
