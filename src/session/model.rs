//! A bound program to a compiled target whose quantities have names, labels and roles.

use super::cost::usual_table;
use super::failure::Failure;
use crate::bound;
use crate::data::{Binding, BindingReport};
use crate::engine;
use crate::graph::lower::{self, Coordinates, Density, Reported};
use crate::output::{Element, RowRole};
use crate::typed::{self, RandomRole, Role, VariableId};
use std::borrow::Cow;

/// A program that can be evaluated and fitted.
#[derive(Clone, Debug)]
pub struct Model {
    /// The program with its data.
    pub bound: bound::Program,
    /// What was read.
    pub report: BindingReport,
    pub(super) density: Density,
    pub(super) engine: engine::Program,
    options: engine::Options,
}

impl Model {
    /// Compiles a bound program.
    ///
    /// # Errors
    ///
    /// [`Failure::Program`] for what this version cannot compile.
    pub fn compile(binding: Binding) -> Result<Self, Failure> {
        Self::compile_within(binding, usual_table())
    }

    /// The same with tables of as many entries as are allowed.
    ///
    /// # Errors
    ///
    /// As for [`Model::compile`].
    pub fn compile_within(binding: Binding, largest_table: usize) -> Result<Self, Failure> {
        let Binding { program: bound, report } = binding;
        let options = engine::Options { largest_table, ..engine::Options::default() };
        let (density, engine) = compile(&bound, &Coordinates::new(), &options)?;
        Ok(Model { bound, report, density, engine, options })
    }

    /// The log density in other coordinates; its quantities are those of [`Model::target`].
    pub(super) fn target_in(
        &self,
        coordinates: &Coordinates,
    ) -> Result<Cow<'_, engine::Program>, Failure> {
        if coordinates.is_empty() {
            return Ok(Cow::Borrowed(&self.engine));
        }
        Ok(Cow::Owned(compile(&self.bound, coordinates, &self.options)?.1))
    }

    /// The compiled log density.
    pub fn target(&self) -> &engine::Program {
        &self.engine
    }

    /// What every quantity of the target is, in its order: latents and reports as declared.
    pub fn elements(&self) -> Vec<Element> {
        let reported = self.density.reported.iter();
        let elements = reported.flat_map(|r| {
            let role = self.role(r.variable);
            r.positions.iter().map(move |position| Element {
                name: self.bound.typed.variable(r.variable).name.clone(),
                index: self.bound.labels(r.variable, *position as usize),
                role,
            })
        });
        elements.collect()
    }

    /// The variables that are quantities of the target, and which of their elements.
    pub(super) fn reported(&self) -> &[Reported] {
        &self.density.reported
    }

    pub(super) fn role(&self, variable: VariableId) -> RowRole {
        match self.bound.typed.variable(variable).role {
            Role::Latent(_) => RowRole::Latent,
            Role::Predicted(_) => RowRole::Predict,
            Role::Data(_) | Role::Derived(_) => RowRole::Report,
        }
    }

    /// The name of an element of a variable: `alpha[AITKIN]`.
    pub(super) fn element_name(&self, variable: VariableId, position: usize) -> String {
        let name = &self.bound.typed.variable(variable).name;
        crate::output::element_name(name, &self.bound.labels(variable, position))
    }

    /// What is observed, inferred, predicted and reported, with sizes.
    pub fn inventory(&self) -> Inventory {
        let size = |variable| {
            self.bound.shape(variable).iter().map(usize::to_string).collect::<Vec<String>>()
        };
        let mut inventory = inventory(&self.bound.typed, &size);
        for incomplete in &self.bound.typed.incomplete {
            let name = &self.bound.typed.variable(incomplete.given).name;
            let cells = self.bound.values[incomplete.given.index()].iter().flat_map(|a| a.cells());
            let total = cells.clone().count();
            let missing = cells.filter(|cell| cell.is_nan()).count();
            // Unless they are what is predicted, those that are given are predicted again.
            let role = &self.bound.typed.variable(incomplete.missing).role;
            let drawn = if matches!(role, Role::Predicted(_)) { missing } else { total - missing };
            let lists = [
                (&mut inventory.observed, total - missing),
                (&mut inventory.latent, missing),
                (&mut inventory.reported, missing),
                (&mut inventory.predicted, drawn),
            ];
            for (list, count) in lists {
                let own = list.iter_mut().filter(|sized| sized.name == *name);
                own.for_each(|sized| sized.cells = Some(count));
            }
        }
        inventory
    }
}

fn compile(
    bound: &bound::Program,
    coordinates: &Coordinates,
    options: &engine::Options,
) -> Result<(Density, engine::Program), Failure> {
    let density = lower::density(bound, coordinates)?;
    let engine = engine::Program::compile(&density.model, options)?;
    Ok((density, engine))
}

/// A name and its size along each axis, or the axes themselves where no data are bound.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sized {
    /// The name.
    pub name: String,
    /// Its axes.
    pub axes: Vec<String>,
    /// Their sizes as text; the axes' names without data.
    pub sizes: Vec<String>,
    /// How many cells it is about, where others of the name are given or missing.
    pub cells: Option<usize>,
}

impl Sized {
    /// `y[100]`, or `y[3 of 100]`.
    pub fn printed(&self) -> String {
        crate::output::counted_name(&self.name, &self.sizes, self.cells)
    }
}

/// What a program does with its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Names conditioned on.
    pub observed: Vec<Sized>,
    /// Names inferred.
    pub latent: Vec<Sized>,
    /// Names drawn after the fit.
    pub predicted: Vec<Sized>,
    /// Names printed beside the latents.
    pub reported: Vec<Sized>,
    /// The `factor` statements, as `explain` prints them, with the start of each in the text.
    pub factors: Vec<(crate::source::Span, String)>,
}

/// The names of a program by what is done with them; `size` prints the size of each axis.
pub fn inventory(program: &typed::Program, size: &dyn Fn(VariableId) -> Vec<String>) -> Inventory {
    let sized = |variable: VariableId| {
        let declared = program.variable(variable);
        let axes = declared.axes.iter().map(|a| program.axis(*a).name.clone());
        let (axes, sizes) = (axes.collect(), size(variable));
        Sized { name: declared.name.clone(), axes, sizes, cells: None }
    };
    let of = |roles: &[RandomRole]| {
        let randoms = program.randoms.iter().filter(|r| roles.contains(&r.role));
        randoms.map(|r| sized(r.variable)).collect::<Vec<Sized>>()
    };
    let mut predicted = of(&[RandomRole::Predicted]);
    predicted.extend(program.predictive.iter().map(|id| sized(program.random(*id).variable)));
    Inventory {
        observed: of(&[RandomRole::Observed]),
        latent: of(&[RandomRole::Latent, RandomRole::Finite]),
        predicted,
        reported: program.reports.iter().map(|v| sized(*v)).collect(),
        factors: program
            .factors
            .iter()
            .map(|f| (f.span, super::explain::factor(program, f)))
            .collect(),
    }
}
