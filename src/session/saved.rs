//! What a fit saves beside its draws, so that `predict` and `summary` need nothing else.

use super::document::Document;
use super::model::Model;
use super::predict::Latents;
use crate::data::Frozen;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name and version of the format of [`Saved`].
pub(super) const STATE_SCHEMA: &str = "vippl.state/1";

/// `state.json`. The constrained draws of the latents are in `draws.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// `vippl.state/1`
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
    /// The labels of every element, row-major.
    pub labels: Vec<Vec<String>>,
}

impl Saved {
    /// What to save of a fit made with `seed`.
    pub fn new(document: &Document, model: &Model, seed: u64) -> Self {
        let typed = &model.bound.typed;
        let latents = typed.latents().map(|variable| {
            let size: usize = model.bound.shape(variable).iter().product();
            SavedLatent {
                name: typed.variable(variable).name.clone(),
                labels: (0..size).map(|p| model.bound.labels(variable, p)).collect(),
            }
        });
        Saved {
            schema: STATE_SCHEMA.to_owned(),
            model: document.name.clone(),
            modules: document.imported(),
            seed,
            latents: latents.collect(),
            frozen: Frozen::of(&model.bound),
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
