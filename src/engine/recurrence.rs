//! Kernels whose rows take turns, in waves: forwards wave by wave, backwards in reverse.
//!
//! Invariant: a row reads only what is final when its turn comes ([`Model::check`]), so that the
//! backward sweep finds in the buffers what the forward sweep read.
//!
//! [`Model::check`]: crate::graph::Model::check

use super::execute::{run_prelude, run_rows};
use super::flat::Layout;
use super::kernel::{KernelCompiler, KernelStep, MapStep, Schedule};
use super::lane::Lane;
use super::program::{Cost, Options};
use super::routine::Routine;
use super::workspace::{Extent, State};
use crate::graph::{Recurrence, Tag};
use std::ops::Range;

/// A recurrence with one pair of routines per kernel.
#[derive(Clone, Debug)]
pub(super) struct RecurrenceStep {
    kernels: Vec<MapStep>,
    /// Kernel and rows, in the order they run.
    turns: Vec<(u32, Range<u32>)>,
    tag: Tag,
}

impl RecurrenceStep {
    pub(super) fn new(recurrence: &Recurrence, layout: &Layout, options: &Options) -> Self {
        let written = recurrence.written();
        let schedule = Schedule::InWaves(&written);
        let compiled = recurrence.kernels.iter().map(|kernel| {
            match KernelCompiler::new(kernel, layout, options, schedule).compile() {
                KernelStep::Map(map) => Some(map),
                KernelStep::Density(_) => None,
            }
        });
        let mut kernels: Vec<MapStep> = compiled.flatten().collect();
        separate_scalars(kernels.iter_mut().map(|kernel| &mut kernel.value));
        separate_scalars(kernels.iter_mut().map(|kernel| &mut kernel.adjoint));
        RecurrenceStep { kernels, turns: turns(&recurrence.waves), tag: recurrence.tag }
    }

    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        self.kernels.iter().for_each(|kernel| run_prelude(&kernel.value, state));
        for (kernel, rows) in &self.turns {
            run_rows(&self.kernels[*kernel as usize].value, wide(rows), state);
        }
    }

    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        self.kernels.iter().for_each(|kernel| run_prelude(&kernel.adjoint, state));
        for (kernel, rows) in self.turns.iter().rev() {
            run_rows(&self.kernels[*kernel as usize].adjoint, wide(rows), state);
        }
    }

    /// Rows are those of all kernels together, and cost what they cost on average.
    pub(super) fn cost(&self) -> Cost {
        let routines = || self.kernels.iter().flat_map(|kernel| [&kernel.value, &kernel.adjoint]);
        let rows: usize = self.kernels.iter().map(|kernel| kernel.value.rows).sum();
        let all: usize = routines().map(|routine| routine.rows * routine.instructions.len()).sum();
        Cost {
            tag: self.tag,
            rows,
            row_operations: all.div_ceil(rows.max(1)),
            operations: routines().map(|routine| routine.prelude.len()).sum(),
        }
    }

    pub(super) fn extend(&self, extent: &mut Extent) {
        for kernel in &self.kernels {
            extent.include(&kernel.value);
            extent.include(&kernel.adjoint);
        }
    }
}

/// The preludes of all run before the first row, so that each keeps its scalars to itself.
fn separate_scalars<'r>(routines: impl Iterator<Item = &'r mut Routine>) {
    let mut first = 0;
    for routine in routines {
        routine.first_scalar = first;
        first += routine.prelude.len();
    }
}

/// The rows of every kernel in every wave, given the ends of the waves.
fn turns(waves: &[Vec<u32>]) -> Vec<(u32, Range<u32>)> {
    let mut turns = Vec::new();
    let mut starts = vec![0; waves.first().map_or(0, Vec::len)];
    for ends in waves {
        for (kernel, (start, end)) in starts.iter_mut().zip(ends).enumerate() {
            if *start < *end {
                turns.push((kernel as u32, *start..*end));
            }
            *start = *end;
        }
    }
    turns
}

fn wide(rows: &Range<u32>) -> Range<usize> {
    rows.start as usize..rows.end as usize
}
