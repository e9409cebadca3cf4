//! Kernels whose rows take turns: what a later row computes depends on what an earlier one stored.

use super::node::{Access, BufferId, Inconsistency, Kernel, Model, Tag, Target};
use std::collections::BTreeMap;

/// Kernels run in waves: in wave w = 0, 1, …, kernel k runs its rows from `waves[w - 1][k]` (0 for
/// the first wave) to `waves[w][k]`, all kernels in order; then the next wave.
///
/// A row may read what any kernel wrote in an earlier wave, or an earlier kernel in the same wave;
/// whatever it reads must be final by then. Elements that nobody here writes may have been filled
/// by earlier nodes. Targets store or accumulate.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// The kernels, in the order they take their turns.
    pub kernels: Vec<Kernel>,
    /// The end of each wave: for every kernel the first row that is left for a later wave.
    pub waves: Vec<Vec<u32>>,
    /// The statement it came from.
    pub tag: Tag,
}

impl Recurrence {
    /// The buffers that the kernels write, in ascending order.
    pub fn written(&self) -> Vec<BufferId> {
        let mut written: Vec<BufferId> =
            self.kernels.iter().filter_map(|kernel| kernel.target.buffer()).collect();
        written.sort_unstable();
        written.dedup();
        written
    }

    /// Calls `visit` with wave, kernel and row, in the order the rows run.
    pub(super) fn for_each_row(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let mut starts = vec![0; self.kernels.len()];
        for (wave, ends) in self.waves.iter().enumerate() {
            for (kernel, (start, end)) in starts.iter_mut().zip(ends).enumerate() {
                (*start..*end).for_each(|row| visit(wave, kernel, row as usize));
                *start = *end;
            }
        }
    }

    /// Whether the waves run every row of every kernel once.
    fn is_complete(&self) -> bool {
        let mut done = vec![0; self.kernels.len()];
        for ends in &self.waves {
            let forwards = done.iter().zip(ends).all(|(done, end)| done <= end);
            if ends.len() != done.len() || !forwards {
                return false;
            }
            done.clone_from(ends);
        }
        done.iter().zip(&self.kernels).all(|(done, kernel)| *done as usize == kernel.rows)
    }

    /// Whether every element is read only after it was written for the last time.
    fn is_ordered(&self, model: &Model) -> bool {
        // For every element of the buffers written, the turn of the last write, from 1.
        let mut last: BTreeMap<BufferId, Vec<usize>> = BTreeMap::new();
        for buffer in self.written() {
            let length = model.buffers.get(buffer.index()).copied().unwrap_or(0);
            last.insert(buffer, vec![0; length]);
        }
        let turn = |wave: usize, kernel: usize| wave * self.kernels.len() + kernel + 1;
        self.for_each_row(|wave, kernel, row| {
            let (buffer, element) = match &self.kernels[kernel].target {
                Target::LogDensity => return,
                Target::Store(slot) => (slot.buffer, slot.offset + row),
                Target::Accumulate { buffer, index } => (*buffer, index[row] as usize),
            };
            if let Some(turns) = last.get_mut(&buffer) {
                turns[element] = turn(wave, kernel);
            }
        });
        let mut ordered = true;
        self.for_each_row(|wave, kernel, row| {
            for input in &self.kernels[kernel].inputs {
                let element = match &input.access {
                    Access::Uniform(offset) => *offset,
                    Access::Contiguous(offset) => offset + row,
                    Access::Gather(index) => index[row] as usize,
                };
                let written = last.get(&input.buffer).map_or(0, |turns| turns[element]);
                ordered &= written < turn(wave, kernel);
            }
        });
        ordered
    }
}

impl Model {
    pub(super) fn check_recurrence(&self, recurrence: &Recurrence) -> Option<Inconsistency> {
        let kernels = &recurrence.kernels;
        let adds = kernels.iter().any(|kernel| matches!(kernel.target, Target::LogDensity));
        if adds {
            return Some(Inconsistency::DensityInRecurrence(recurrence.tag));
        }
        if let Some(found) = kernels.iter().find_map(|kernel| self.check_kernel(kernel)) {
            return Some(found);
        }
        if !recurrence.is_complete() {
            return Some(Inconsistency::WrongLength(recurrence.tag));
        }
        (!recurrence.is_ordered(self)).then_some(Inconsistency::ReadsTooEarly(recurrence.tag))
    }
}
