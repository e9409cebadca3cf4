//! What a fit saves beside its draws, so that `predict` and `summary` need nothing else.

use super::document::Document;
use super::fit::Fitted;
use super::model::Model;
use super::predict::Latents;
use crate::bound;
use crate::data::Frozen;
use crate::output::Drawn;
use crate::typed::{AxisId, AxisOrigin, Kind, Role, VariableId};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// The name and version of the format of [`Saved`].
pub(super) const STATE_SCHEMA: &str = "vippl.state/2";

/// `state.json`. The constrained draws of the latents are in `draws.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// `vippl.state/2`
    pub schema: String,
    /// The program's name as it was given.
    pub model: String,
    /// The texts of the files that the program imports, by their paths relative to it.
    #[serde(default)]
    pub modules: BTreeMap<String, String>,
    /// The seed of the fit.
    pub seed: u64,
    /// The latents, in source order, with the labels of their elements.
    pub latents: Vec<SavedLatent>,
    /// Axes, statistics and data of the fit.
    pub frozen: Frozen,
}

/// A latent of a saved fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedLatent {
    /// Its name.
    pub name: String,
    /// How many cells it has, those that do not exist included.
    pub size: usize,
    /// The row-major position of every element.
    pub positions: Vec<usize>,
    /// The labels of every element.
    pub labels: Vec<Vec<String>>,
    /// The labels that its values stand for, if they are elements of an axis.
    pub levels: Option<Vec<String>>,
}

impl SavedLatent {
    fn new(bound: &bound::Program, variable: VariableId, positions: Vec<usize>) -> Self {
        let declared = bound.typed.variable(variable);
        SavedLatent {
            name: declared.name.clone(),
            size: bound.shape(variable).iter().product(),
            labels: positions.iter().map(|p| bound.labels(variable, *p)).collect(),
            positions,
            levels: match declared.kind {
                Kind::Index(axis) => {
                    let elements = &bound.axes[axis.index()];
                    Some((0..elements.len()).map(|p| elements.label(p)).collect())
                }
                Kind::Real | Kind::Int | Kind::Bool => None,
            },
        }
    }

    /// The draws of its elements, draw by draw, from what was written of all its cells.
    ///
    /// # Errors
    ///
    /// Why they cannot be.
    pub fn read(&self, drawn: &Drawn, count: usize) -> Result<Vec<f64>, String> {
        let (found, wanted) = (drawn.numbers.len(), count * self.size);
        if found != wanted {
            return Err(format!("it has {found} numbers for `{}`, not {wanted}", self.name));
        }
        let mut position_of = Vec::with_capacity(drawn.labels.len());
        for label in &drawn.labels {
            let levels = self.levels.as_deref().unwrap_or_default();
            match levels.iter().position(|level| level == label) {
                Some(position) => position_of.push(position as f64),
                None => return Err(format!("`{}` is `{label}` in it", self.name)),
            }
        }
        let number = |cell: f64| match self.levels {
            Some(_) => position_of.get(cell as usize).copied().unwrap_or(f64::NAN),
            None => cell,
        };
        let draws = drawn.numbers.chunks(self.size.max(1));
        Ok(draws.flat_map(|draw| self.positions.iter().map(|p| number(draw[*p]))).collect())
    }
}

impl Saved {
    /// What to save of a fit.
    pub fn new(document: &Document, model: &Model, fitted: &Fitted) -> Self {
        let bound = &model.bound;
        let is_latent = |v: VariableId| match bound.typed.variable(v).role {
            Role::Latent(_) => true,
            Role::Data(_) | Role::Derived(_) | Role::Predicted(_) => false,
        };
        let continuous = model.reported().iter().filter(|r| is_latent(r.variable)).map(|r| {
            let positions = r.positions.iter().map(|p| *p as usize);
            SavedLatent::new(bound, r.variable, positions.collect())
        });
        let finite = fitted.finite.iter().filter_map(|drawn| {
            let variable = bound.typed.find(&drawn.variable).filter(|v| is_latent(*v))?;
            Some(SavedLatent::new(bound, variable, drawn.positions.clone()))
        });
        Saved {
            schema: STATE_SCHEMA.to_owned(),
            model: document.name.clone(),
            modules: document.imported(),
            seed: fitted.seed,
            latents: continuous.chain(finite).collect(),
            frozen: Frozen::of(bound),
        }
    }
}

/// A fit read back: its state and the constrained draws of its latents.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedFit {
    /// What was saved.
    pub state: Saved,
    /// For every latent of the state, all draws of all its elements: draw by draw, row-major.
    pub draws: Vec<Vec<f64>>,
    /// How many draws there are.
    pub count: usize,
}

impl SavedFit {
    /// A fit as it would be read back.
    pub fn new(document: &Document, model: &Model, fitted: &Fitted) -> Self {
        let state = Saved::new(document, model, fitted);
        let quantities = &fitted.fit.draws;
        let draws = state.latents.iter().map(|latent| {
            let variable = model.bound.typed.find(&latent.name);
            let of = |r: &&crate::graph::lower::Reported| Some(r.variable) == variable;
            let drawn = fitted.finite.iter().find(|drawn| drawn.variable == latent.name);
            let mut values = Vec::new();
            for (draw, row) in fitted.resampled.iter().enumerate() {
                match (drawn, model.reported().iter().find(of)) {
                    (Some(drawn), _) => values.extend(drawn.draws.iter().map(|d| d[draw])),
                    (None, Some(reported)) => {
                        let columns = reported.offset..reported.offset + reported.positions.len();
                        values.extend(columns.map(|column| quantities.quantity(column)[*row]));
                    }
                    (None, None) => {}
                }
            }
            values
        });
        let draws = draws.collect();
        SavedFit { state, draws, count: fitted.resampled.len() }
    }

    /// The axes of rows that are not those of the fit: their table has other data now.
    pub fn fresh(&self, bound: &bound::Program) -> HashSet<AxisId> {
        let frozen = &self.state.frozen;
        let mut fresh = HashSet::new();
        for (index, axis) in bound.typed.axes.iter().enumerate() {
            let AxisOrigin::Rows(table) = axis.origin else { continue };
            let columns = bound.typed.tables.get(table.index()).map_or(&[][..], |t| &t.columns);
            let same = columns.iter().all(|column| {
                let name = &bound.typed.variable(*column).name;
                frozen.has(name, bound.values[column.index()].as_ref())
            });
            if !same {
                fresh.insert(AxisId(index as u32));
            }
        }
        fresh
    }

    /// The latent and the element within it that a column stands for.
    fn place(&self, column: usize) -> Option<(usize, usize)> {
        let mut rest = column;
        for (index, latent) in self.state.latents.iter().enumerate() {
            if rest < latent.labels.len() {
                return Some((index, rest));
            }
            rest -= latent.labels.len();
        }
        None
    }
}

impl Latents for SavedFit {
    type Workspace = ();

    fn workspace(&self) {}

    fn has(&self, name: &str) -> bool {
        self.state.latents.iter().any(|latent| latent.name == name)
    }

    fn assigns(&self) -> bool {
        false
    }

    fn assign(&self, (): &mut (), _: usize, _: &mut ChaCha8Rng) -> Option<Vec<f64>> {
        None
    }

    fn count(&self) -> usize {
        self.count
    }

    fn column(&self, name: &str, labels: &[String]) -> Option<usize> {
        let mut offset = 0;
        for latent in &self.state.latents {
            if latent.name == name {
                return latent.labels.iter().position(|l| l == labels).map(|p| offset + p);
            }
            offset += latent.labels.len();
        }
        None
    }

    fn value(&self, draw: usize, column: usize) -> f64 {
        let value = self.place(column).and_then(|(latent, position)| {
            let size = self.state.latents.get(latent)?.labels.len();
            self.draws.get(latent)?.get(draw * size + position).copied()
        });
        value.unwrap_or(f64::NAN)
    }
}
