//! Turns a kernel into routines: one for its values, one for the adjoints of its inputs.
//!
//! A density adds its adjoints as soon as its inputs are known; a map waits for the adjoints of
//! what it stored, and recomputes.

use super::compile::{Surroundings, routine};
use super::data::bind;
use super::divide::share_reciprocals;
use super::flat::{Layout, Places};
use super::program::{Cost, Options};
use super::routine::{Routine, Sink, Source, Space};
use crate::graph::{BufferId, Expression, Kernel, Leaf, Seed, Tag, Target, gradient};

/// A kernel that adds to the log density.
#[derive(Clone, Debug)]
pub(super) struct DensityStep {
    /// The value alone.
    pub(super) value: Routine,
    /// The value and the adjoints of the inputs.
    pub(super) gradient: Routine,
    pub(super) tag: Tag,
}

/// A kernel that stores or accumulates values.
#[derive(Clone, Debug)]
pub(super) struct MapStep {
    pub(super) value: Routine,
    /// The adjoints of the inputs, given those of the values.
    pub(super) adjoint: Routine,
    pub(super) tag: Tag,
}

/// A compiled kernel.
#[derive(Clone, Debug)]
pub(super) enum KernelStep {
    Density(DensityStep),
    Map(MapStep),
}

/// What the routines of a kernel cost together.
pub(super) fn cost(tag: Tag, routines: &[&Routine]) -> Cost {
    Cost {
        tag,
        rows: routines.first().map_or(0, |routine| routine.rows),
        row_operations: routines.iter().map(|routine| routine.instructions.len()).sum(),
        operations: routines.iter().map(|routine| routine.prelude.len()).sum(),
    }
}

/// When the rows of a kernel run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schedule<'a> {
    /// All at once.
    Together,
    /// A few at a time; meanwhile these buffers are written, in ascending order.
    InWaves(&'a [BufferId]),
}

impl Schedule<'_> {
    /// Whether a buffer changes while rows run.
    fn writes(self, buffer: BufferId) -> bool {
        match self {
            Schedule::Together => false,
            Schedule::InWaves(written) => written.binary_search(&buffer).is_ok(),
        }
    }
}

/// Makes the routines of one kernel.
pub(super) struct KernelCompiler<'a> {
    kernel: &'a Kernel,
    layout: &'a Layout,
    options: &'a Options,
    schedule: Schedule<'a>,
    body: Expression,
    surroundings: Surroundings,
}

impl<'a> KernelCompiler<'a> {
    pub(super) fn new(
        kernel: &'a Kernel,
        layout: &'a Layout,
        options: &'a Options,
        schedule: Schedule<'a>,
    ) -> Self {
        let sources = kernel.inputs.iter().map(|input| Source {
            space: Space::Values,
            places: layout.places(input.buffer, &input.access),
            settled: !schedule.writes(input.buffer),
        });
        let (body, columns) = match options.simplify {
            true => bind(&kernel.body, kernel.rows, &kernel.columns),
            false => (kernel.body.clone(), kernel.columns.clone()),
        };
        let surroundings = Surroundings {
            rows: kernel.rows,
            in_parts: matches!(schedule, Schedule::InWaves(_)),
            sources: sources.collect(),
            columns,
        };
        KernelCompiler { kernel, layout, options, schedule, body, surroundings }
    }

    pub(super) fn compile(mut self) -> KernelStep {
        match &self.kernel.target {
            Target::LogDensity => KernelStep::Density(self.density()),
            Target::Store(slot) => {
                let start = self.layout.slot(*slot);
                let settled = !self.schedule.writes(slot.buffer);
                KernelStep::Map(self.map(Sink::Store(start), Places::Run(start), settled))
            }
            Target::Accumulate { buffer, index } => {
                let start = self.layout.range(*buffer).start;
                let places = Places::Scattered { start, index: index.clone() };
                let settled = !self.schedule.writes(*buffer);
                let sink = Sink::Add(Space::Values, places.clone());
                KernelStep::Map(self.map(sink, places, settled))
            }
        }
    }

    fn density(&self) -> DensityStep {
        let mut sinks = vec![Some(Sink::Total)];
        sinks.extend(self.adjoint_sinks());
        DensityStep {
            value: self.routine(&self.body, vec![Some(Sink::Total)]),
            gradient: self.routine(&self.gradient(Seed::One), sinks),
            tag: self.kernel.tag,
        }
    }

    fn map(&mut self, sink: Sink, places: Places, settled: bool) -> MapStep {
        let value = self.routine(&self.body, vec![Some(sink)]);
        let mut sinks = vec![None];
        sinks.extend(self.adjoint_sinks());
        // The adjoint of the value is read as one more input.
        let seed = Leaf::Input(self.surroundings.sources.len() as u32);
        let gradient = self.gradient(Seed::Read(seed));
        self.surroundings.sources.push(Source { space: Space::Adjoints, places, settled });
        MapStep { value, adjoint: self.routine(&gradient, sinks), tag: self.kernel.tag }
    }

    fn gradient(&self, seed: Seed) -> Expression {
        gradient(&self.body, self.kernel.inputs.len(), seed, &self.options.differentiation)
    }

    fn adjoint_sinks(&self) -> Vec<Option<Sink>> {
        let places = self.kernel.inputs.iter().map(|input| {
            let places = self.layout.places(input.buffer, &input.access);
            Some(Sink::Add(Space::Adjoints, places))
        });
        places.collect()
    }

    fn routine(&self, expression: &Expression, sinks: Vec<Option<Sink>>) -> Routine {
        if !self.options.simplify {
            return routine(expression, sinks, &self.surroundings);
        }
        let Surroundings { rows, in_parts, sources, columns } = &self.surroundings;
        let (expression, columns) = bind(expression, *rows, columns);
        let surroundings =
            Surroundings { rows: *rows, in_parts: *in_parts, sources: sources.clone(), columns };
        let is_uniform = |leaf| surroundings.is_uniform(leaf);
        routine(&share_reciprocals(&expression, is_uniform), sinks, &surroundings)
    }
}
