//! Kernels whose rows take turns, in waves: forwards wave by wave, backwards in reverse.
//!
//! Invariant: a row reads only what is final when its turn comes ([`Model::check`]), so that the
//! backward sweep finds in the buffers what the forward sweep read.
//!
//! [`Model::check`]: crate::graph::Model::check

use super::execute::{run_prelude, run_rows};
use super::flat::Layout;
use super::fuse::Fused;
use super::kernel::{KernelCompiler, KernelStep, MapStep, Schedule};
use super::lane::Lane;
use super::program::{Cost, Options};
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
        // What rows in turn read is stored.
        let fused = Fused::default();
        let compiled = recurrence.kernels.iter().map(|kernel| {
            match KernelCompiler::new(kernel, layout, &fused, options, schedule).compile() {
                KernelStep::Map(map) => Some(map),
                KernelStep::Density(_) => None,
            }
        });
        let kernels: Vec<MapStep> = compiled.flatten().collect();
        RecurrenceStep { kernels, turns: turns(&recurrence.waves), tag: recurrence.tag }
    }

    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        self.kernels.iter().for_each(|kernel| run_prelude(kernel.value.of::<T>(), state));
        for (kernel, rows) in &self.turns {
            run_rows(self.kernels[*kernel as usize].value.of::<T>(), wide(rows), state);
        }
    }

    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        self.kernels.iter().for_each(|kernel| run_prelude(kernel.adjoint.of::<T>(), state));
        for (kernel, rows) in self.turns.iter().rev() {
            run_rows(self.kernels[*kernel as usize].adjoint.of::<T>(), wide(rows), state);
        }
    }

    /// Rows are those of all kernels together, and cost what they cost on average.
    pub(super) fn cost(&self) -> Cost {
        let routines =
            || self.kernels.iter().flat_map(|kernel| [&kernel.value.plain, &kernel.adjoint.plain]);
        let rows: usize = self.kernels.iter().map(|kernel| kernel.value.plain.rows).sum();
        let all: usize = routines().map(|routine| routine.rows * routine.row_operations()).sum();
        Cost {
            tag: self.tag,
            rows,
            row_operations: all.div_ceil(rows.max(1)),
            operations: routines().map(|routine| routine.prelude.instructions.len()).sum(),
        }
    }

    pub(super) fn extend(&mut self, extent: &mut Extent) {
        for kernel in &mut self.kernels {
            kernel.value.extend(extent);
            kernel.adjoint.extend(extent);
        }
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
