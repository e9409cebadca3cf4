//! A point given by a user to the log density there, on both spaces, and its gradient.

use super::failure::Failure;
use super::model::Model;
use crate::bound;
use crate::engine::Isa;
use crate::engine::reference::{self, PointError};
use crate::inference::LogDensity;
use crate::output::exact;
use crate::source::Span;
use crate::typed::VariableId;
use serde_json::Value;

/// How a gradient is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autodiff {
    /// As fits do: dual numbers inside statements, adjoints between them.
    #[default]
    Mixed,
    /// By dual numbers through the whole program: slow and independent of the engine.
    Forward,
}

/// A point, read but not yet known to lie in the supports.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// The latents in source order, row-major.
    Constrained(Vec<f64>),
    /// One number per unconstrained coordinate.
    Unconstrained(Vec<f64>),
}

/// What is wrong with a point.
#[derive(Clone, Debug, PartialEq)]
pub enum PointProblem {
    /// The point is not an object from latent names to values, or not a flat list of numbers.
    WrongForm {
        /// What was wanted.
        wanted: &'static str,
    },
    /// A latent without a value.
    Missing {
        /// The latent.
        name: String,
    },
    /// A name that is not a latent.
    Extra {
        /// The name.
        name: String,
        /// A latent of a similar name.
        nearest: Option<String>,
    },
    /// A number for a cell that the data give.
    Known {
        /// The element.
        at: String,
        /// Its value in the data.
        value: f64,
    },
    /// An array of the wrong length somewhere in a latent's value.
    WrongShape {
        /// The latent, and the element within it.
        at: String,
        /// What it should be: `an array of 8 (school)` or `a number`.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// A flat vector of the wrong length.
    WrongLength {
        /// The number of coordinates.
        wanted: usize,
        /// The number given.
        found: usize,
    },
    /// A value outside the support of its latent.
    Outside {
        /// The element.
        at: String,
        /// Its value.
        value: f64,
        /// The ends of the support.
        support: (f64, f64),
    },
}

impl std::fmt::Display for PointProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PointProblem::WrongForm { wanted } => write!(f, "the point must be {wanted}"),
            PointProblem::Missing { name } => write!(f, "the point has no value for `{name}`"),
            PointProblem::Extra { name, nearest: None } => {
                write!(f, "`{name}` is not a latent of the program")
            }
            PointProblem::Extra { name, nearest: Some(nearest) } => {
                write!(f, "`{name}` is not a latent of the program; did you mean `{nearest}`?")
            }
            PointProblem::Known { at, value } => {
                let value = exact(*value);
                write!(f, "`{at}` is not missing, the data have {value}; the point has null there")
            }
            PointProblem::WrongShape { at, wanted, found } => {
                write!(f, "`{at}` must be {wanted}, but the point has {found}")
            }
            PointProblem::WrongLength { wanted, found } => {
                write!(f, "the unconstrained point must have {wanted} coordinates, but has {found}")
            }
            PointProblem::Outside { at, value, support: (low, high) } => {
                let [value, low, high] = [*value, *low, *high].map(exact);
                write!(f, "`{at}` is {value}, outside its support ({low}, {high})")
            }
        }
    }
}

/// A log density at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityAt {
    /// On the constrained space: all `~` and factors, fully normalised.
    pub log_density: f64,
    /// With ln |d constrained / d unconstrained|.
    pub log_density_unconstrained: f64,
    /// The point, unconstrained.
    pub unconstrained: Vec<f64>,
    /// The gradient of `log_density_unconstrained`, if asked for.
    pub gradient: Option<Vec<f64>>,
}

/// Where the time of an evaluation goes.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityTime {
    /// Seconds of a log density with its gradient.
    pub seconds: f64,
    /// The instructions of the processor that are used.
    pub instructions: &'static str,
    /// What it consists of, in the order it is computed.
    pub nodes: Vec<NodeTime>,
}

/// What a part of an evaluation takes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTime {
    /// The statement it comes from.
    pub span: Span,
    /// The variable of the statement; empty for a factor.
    pub name: String,
    /// How it is computed.
    pub mode: String,
    /// Seconds.
    pub seconds: f64,
}

/// A profile takes so many evaluations.
const TIMED: usize = 51;

impl Model {
    /// Times the evaluation at an unconstrained point, and every part of it.
    pub fn density_time(&self, unconstrained: &[f64]) -> DensityTime {
        let (seconds, nodes) = self.engine.profile(unconstrained, TIMED);
        let nodes = nodes.into_iter().filter_map(|node| {
            let origin = self.density.origins.get(node.tag.0 as usize)?;
            let name = origin.variable.map(|v| self.bound.typed.variable(v).name.clone());
            let name = name.unwrap_or_default();
            Some(NodeTime { span: origin.span, name, mode: node.mode, seconds: node.seconds })
        });
        DensityTime { seconds, instructions: Isa::best().name(), nodes: nodes.collect() }
    }

    /// Reads a point: an object from latent to number or nested arrays, or, if `unconstrained`, a
    /// flat list of numbers.
    ///
    /// # Errors
    ///
    /// Everything wrong with its form.
    pub fn read_point(
        &self,
        value: &Value,
        unconstrained: bool,
    ) -> Result<Point, Vec<PointProblem>> {
        if unconstrained {
            self.read_coordinates(value).map(Point::Unconstrained).map_err(|problem| vec![problem])
        } else {
            self.read_latents(value).map(Point::Constrained)
        }
    }

    fn read_coordinates(&self, value: &Value) -> Result<Vec<f64>, PointProblem> {
        let wanted = "a flat list of numbers";
        let list = value.as_array().ok_or(PointProblem::WrongForm { wanted })?;
        let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
        let numbers = numbers.ok_or(PointProblem::WrongForm { wanted })?;
        let dimension = self.engine.dimension();
        if numbers.len() != dimension {
            let found = numbers.len();
            return Err(PointProblem::WrongLength { wanted: dimension, found });
        }
        Ok(numbers)
    }

    fn read_latents(&self, value: &Value) -> Result<Vec<f64>, Vec<PointProblem>> {
        let wanted = "an object from each latent to a number or nested arrays";
        let object = value.as_object().ok_or_else(|| vec![PointProblem::WrongForm { wanted }])?;
        let typed = &self.bound.typed;
        let latents: Vec<VariableId> = typed.latents().collect();
        let mut problems = Vec::new();
        let mut numbers = Vec::new();
        for latent in &latents {
            let name = &typed.variable(*latent).name;
            match object.get(name) {
                // A column of which no cell is missing has none to give a value to.
                None if self.is_complete(*latent) => {
                    let size: usize = self.bound.shape(*latent).iter().product();
                    numbers.extend(std::iter::repeat_n(f64::NAN, size));
                }
                None => problems.push(PointProblem::Missing { name: name.clone() }),
                Some(value) => {
                    let (bound, first) = (&self.bound, numbers.len());
                    let mut reader =
                        Reader { bound, latent: *latent, first, numbers: &mut numbers };
                    problems.extend(reader.read(value, &mut Vec::new()).err());
                }
            }
        }
        let names: Vec<&str> = latents.iter().map(|v| typed.variable(*v).name.as_str()).collect();
        for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
            let nearest = super::nearest(name, names.iter().copied());
            problems.push(PointProblem::Extra { name: name.clone(), nearest });
        }
        if problems.is_empty() { Ok(numbers) } else { Err(problems) }
    }

    /// Whether a latent stands for missing cells of which there are none.
    fn is_complete(&self, latent: VariableId) -> bool {
        self.bound.typed.missing_cells_of(latent).is_some_and(|incomplete| {
            let array = self.bound.values[incomplete.given.index()].as_ref();
            array.is_some_and(|a| !a.cells().any(|cell| cell.is_nan()))
        })
    }

    /// The log density at a point, and its gradient by the given method if wanted.
    ///
    /// # Errors
    ///
    /// [`Failure::Data`] if the point is outside the support of a latent.
    pub fn density_at(
        &self,
        point: &Point,
        gradient: bool,
        autodiff: Autodiff,
    ) -> Result<DensityAt, Failure> {
        let unconstrained = match point {
            Point::Unconstrained(point) => point.clone(),
            Point::Constrained(values) => self.unconstrain(values)?,
        };
        let evaluation = reference::evaluate::<f64>(&self.bound, &unconstrained)?;
        let total = evaluation.log_density + evaluation.log_jacobian;
        let mut partials = vec![0.0; unconstrained.len()];
        let value = match (autodiff, gradient) {
            (Autodiff::Forward, false) => total,
            (Autodiff::Forward, true) => {
                let (value, forward) = reference::gradient(&self.bound, &unconstrained)?;
                partials = forward;
                value
            }
            (Autodiff::Mixed, false) => {
                self.engine.log_density(&mut self.engine.workspace(), &unconstrained)
            }
            (Autodiff::Mixed, true) => {
                let workspace = &mut self.engine.workspace();
                self.engine.gradient(workspace, &unconstrained, &mut partials)
            }
        };
        Ok(DensityAt {
            log_density: evaluation.log_density,
            log_density_unconstrained: value,
            unconstrained,
            gradient: gradient.then_some(partials),
        })
    }

    fn unconstrain(&self, values: &[f64]) -> Result<Vec<f64>, Failure> {
        reference::unconstrain(&self.bound, values).map_err(|error| match error {
            PointError::Evaluation(error) => error.into(),
            PointError::Outside(outside) => {
                let problem = PointProblem::Outside {
                    at: self.element_name(outside.variable, outside.position),
                    value: outside.value,
                    support: outside.support,
                };
                Failure::Data(vec![problem.to_string()])
            }
        })
    }
}

/// Reads nested arrays in the order of a latent's axes.
struct Reader<'a> {
    bound: &'a bound::Program,
    latent: VariableId,
    /// How many numbers stand before those of the latent.
    first: usize,
    numbers: &'a mut Vec<f64>,
}

impl Reader<'_> {
    /// Whether some cells of the latent may not exist.
    fn has_guard(&self) -> bool {
        let typed = &self.bound.typed;
        let own = typed.randoms.iter().find(|random| random.variable == self.latent);
        own.is_some_and(|random| random.guard.is_some())
    }

    /// The data's cell that is read next, of a name with missing cells.
    fn cell(&self) -> Option<f64> {
        let incomplete = self.bound.typed.missing_cells_of(self.latent)?;
        let array = self.bound.values[incomplete.given.index()].as_ref()?;
        array.get(self.numbers.len() - self.first)
    }

    /// Reads the value at the given labels, one per axis already entered.
    fn read(&mut self, value: &Value, labels: &mut Vec<String>) -> Result<(), PointProblem> {
        let declared = self.bound.typed.variable(self.latent);
        let wrong = |labels: &[String], wanted: String| PointProblem::WrongShape {
            at: crate::output::element_name(&declared.name, labels),
            wanted,
            found: describe(value),
        };
        let Some(axis) = declared.axes.get(labels.len()).copied() else {
            // A cell that does not exist has no number.
            let number = match value.is_null() && self.has_guard() {
                true => f64::NAN,
                false => value.as_f64().ok_or_else(|| wrong(labels, "a number".to_owned()))?,
            };
            let at = || crate::output::element_name(&declared.name, labels);
            match self.cell() {
                Some(known) if known.is_nan() && number.is_nan() => {
                    return Err(PointProblem::Missing { name: at() });
                }
                Some(known) if known.is_finite() && number.is_finite() && known != number => {
                    return Err(PointProblem::Known { at: at(), value: known });
                }
                Some(_) | None => {}
            }
            self.numbers.push(number);
            return Ok(());
        };
        let size = self.bound.size(axis);
        let items = value.as_array().filter(|items| items.len() == size).ok_or_else(|| {
            let axis = &self.bound.typed.axis(axis).name;
            wrong(labels, format!("an array of {size} (one per {axis})"))
        })?;
        for (position, item) in items.iter().enumerate() {
            labels.push(self.bound.axes[axis.index()].label(position));
            self.read(item, labels)?;
            labels.pop();
        }
        Ok(())
    }
}

/// What a JSON value is, in words.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}
