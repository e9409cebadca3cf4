//! Turns a kernel into routines: one for its values, one for the adjoints of its inputs.
//!
//! A density adds its adjoints as soon as its inputs are known; a map waits for the adjoints of
//! what it stored, and recomputes.

use super::compile::{Surroundings, routine};
use super::data::bind;
use super::divide::share_reciprocals;
use super::factor::{as_written, factored};
use super::flat::{Layout, Places};
use super::fuse::Fused;
use super::lane::Lane;
use super::program::{Cost, Options};
use super::routine::{Destination, Origin, Part, Routine, Sink, Source, Space};
use super::workspace::Extent;
use crate::graph::{BufferId, Expression, Kernel, Leaf, Seed, Tag, Target, gradient, tangents};

/// A routine, and the same with tangents for products with the Hessian.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    pub(super) plain: Box<Routine>,
    pub(super) moving: Box<Routine>,
}

impl Versions {
    /// The version for these numbers.
    pub(super) fn of<T: Lane>(&self) -> &Routine {
        match T::PARTS {
            [_] => &self.plain,
            [] | [_, ..] => &self.moving,
        }
    }

    pub(super) fn extend(&mut self, extent: &mut Extent) {
        extent.include(&mut self.plain);
        extent.include(&mut self.moving);
    }
}

/// A kernel that adds to the log density.
#[derive(Clone, Debug)]
pub(super) struct DensityStep {
    /// The value alone.
    pub(super) value: Box<Routine>,
    /// The value and the adjoints of the inputs.
    pub(super) gradient: Versions,
    pub(super) tag: Tag,
}

/// A kernel that stores or accumulates values.
#[derive(Clone, Debug)]
pub(super) struct MapStep {
    pub(super) value: Versions,
    /// The adjoints of the inputs, given those of the values.
    pub(super) adjoint: Versions,
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
        row_operations: routines.iter().map(|routine| routine.row_operations()).sum(),
        operations: routines.iter().map(|routine| routine.prelude.instructions.len()).sum(),
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
    fused: &'a Fused,
    options: &'a Options,
    schedule: Schedule<'a>,
    body: Expression,
    surroundings: Surroundings,
}

impl<'a> KernelCompiler<'a> {
    pub(super) fn new(
        kernel: &'a Kernel,
        layout: &'a Layout,
        fused: &'a Fused,
        options: &'a Options,
        schedule: Schedule<'a>,
    ) -> Self {
        let sources = kernel.inputs.iter().map(|input| Source {
            space: Space::Values,
            part: Part::Value,
            from: match fused.product(input) {
                Some(product) => Origin::Product(product.clone()),
                None => Origin::Places(layout.places(input.buffer, &input.access)),
            },
            settled: !schedule.writes(input.buffer),
        });
        let (body, columns) = match options.simplify {
            true => bind(&kernel.body, kernel.rows, &kernel.columns),
            false => (kernel.body.clone(), kernel.columns.clone()),
        };
        let surroundings = Surroundings {
            rows: kernel.rows,
            in_parts: matches!(schedule, Schedule::InWaves(_)),
            factor: options.factor && options.simplify,
            share: options.share,
            places: layout.active(),
            sources: sources.collect(),
            columns,
        };
        KernelCompiler { kernel, layout, fused, options, schedule, body, surroundings }
    }

    pub(super) fn compile(mut self) -> KernelStep {
        match &self.kernel.target {
            Target::LogDensity => KernelStep::Density(self.density()),
            Target::Store(slot) => {
                let start = self.layout.slot(*slot);
                let settled = !self.schedule.writes(slot.buffer);
                let sink = Destination::Store(start);
                KernelStep::Map(self.map(sink, Places::Run(start), settled))
            }
            Target::Accumulate { buffer, index } => {
                let start = self.layout.range(*buffer).start;
                let places = Places::scattered(start, index);
                let settled = !self.schedule.writes(*buffer);
                let sink = Destination::Add(Space::Values, places.clone());
                KernelStep::Map(self.map(sink, places, settled))
            }
        }
    }

    fn density(&self) -> DensityStep {
        let mut sinks = vec![Some(Destination::Total)];
        sinks.extend(self.adjoint_sinks());
        DensityStep {
            value: Box::new(self.routine(&self.body, plain(vec![Some(Destination::Total)]))),
            gradient: self.versions(&self.gradient(Seed::One), sinks),
            tag: self.kernel.tag,
        }
    }

    fn map(&mut self, sink: Destination, places: Places, settled: bool) -> MapStep {
        let value = self.versions(&self.body, vec![Some(sink)]);
        let mut sinks = vec![None];
        sinks.extend(self.adjoint_sinks());
        // The adjoint of the value is read as one more input.
        let seed = Leaf::Input(self.surroundings.sources.len() as u32);
        let gradient = self.gradient(Seed::Read(seed));
        let from = Origin::Places(places);
        let source = Source { space: Space::Adjoints, part: Part::Value, from, settled };
        self.surroundings.sources.push(source);
        MapStep { value, adjoint: self.versions(&gradient, sinks), tag: self.kernel.tag }
    }

    fn gradient(&self, seed: Seed) -> Expression {
        gradient(&self.body, self.kernel.inputs.len(), seed, &self.options.differentiation)
    }

    fn adjoint_sinks(&self) -> Vec<Option<Destination>> {
        let to = self.kernel.inputs.iter().map(|input| match self.fused.product(input) {
            Some(product) => Destination::Transposed(product.clone()),
            None => {
                let places = self.layout.places(input.buffer, &input.access);
                Destination::Add(Space::Adjoints, places)
            }
        });
        to.map(Some).collect()
    }

    /// The routine for plain numbers, and the one for numbers with tangents: an input more for the
    /// tangent of every input, an output more for that of every output. Of the log density and its
    /// gradient only the tangent of the gradient is asked for.
    fn versions(&self, expression: &Expression, to: Vec<Option<Destination>>) -> Versions {
        let sources = &self.surroundings.sources;
        let moving = tangents(expression, sources.len(), &self.options.differentiation);
        let tangent = |source: &Source| Source { part: Part::Tangent, ..source.clone() };
        let surroundings = Surroundings {
            sources: sources.iter().cloned().chain(sources.iter().map(tangent)).collect(),
            columns: self.surroundings.columns.clone(),
            ..self.surroundings
        };
        let asked = |part: Part| {
            let sink = move |to: Destination| self.is_asked(part, &to).then_some(Sink { part, to });
            to.clone().into_iter().map(move |to| to.and_then(sink))
        };
        let sinks = asked(Part::Value).chain(asked(Part::Tangent)).collect();
        Versions {
            plain: Box::new(self.routine(expression, plain(to))),
            moving: Box::new(self.routine_in(&surroundings, &moving, sinks)),
        }
    }

    /// Whether a product with the Hessian needs what goes there.
    fn is_asked(&self, part: Part, to: &Destination) -> bool {
        let point = self.layout.range(BufferId::POINT);
        let first = match to {
            Destination::Total => return false,
            Destination::Store(_) | Destination::Add(Space::Values, _) => return true,
            Destination::Transposed(product) => product.inputs().start,
            Destination::Add(Space::Adjoints, places) => match places {
                Places::One(start) | Places::Run(start) => *start,
                Places::Scattered { start, .. }
                | Places::Runs { start, .. }
                | Places::Stretches { start, .. } => *start,
            },
        };
        match part {
            Part::Value => !point.contains(&first),
            Part::Tangent => true,
        }
    }

    fn routine(&self, expression: &Expression, sinks: Vec<Option<Sink>>) -> Routine {
        self.routine_in(&self.surroundings, expression, sinks)
    }

    fn routine_in(
        &self,
        surroundings: &Surroundings,
        expression: &Expression,
        sinks: Vec<Option<Sink>>,
    ) -> Routine {
        if !self.options.simplify {
            return routine(expression, as_written(expression, sinks), surroundings);
        }
        let (expression, columns) = bind(expression, surroundings.rows, &surroundings.columns);
        let surroundings =
            Surroundings { columns, sources: surroundings.sources.clone(), ..*surroundings };
        let is_uniform = |leaf| surroundings.is_uniform(leaf);
        let expression = share_reciprocals(&expression, is_uniform);
        // Rows in parts are not added up.
        if !surroundings.factor || surroundings.in_parts {
            return routine(&expression, as_written(&expression, sinks), &surroundings);
        }
        let (expression, wanted) = factored(&expression, sinks, is_uniform);
        routine(&expression, wanted, &surroundings)
    }
}

fn plain(to: Vec<Option<Destination>>) -> Vec<Option<Sink>> {
    to.into_iter().map(|to| to.map(|to| Sink { part: Part::Value, to })).collect()
}
