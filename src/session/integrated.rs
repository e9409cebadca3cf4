//! A model's locals integrated out: which they are, and the programs that the integration needs.

use super::failure::Failure;
use super::model::Model;
use crate::engine;
use crate::graph::SeparationOptions;
use crate::graph::lower::{self, Coordinates};
use crate::inference::Parts;

/// How far a model is separated. A draw of the globals costs as much as thirty gradients, and as many
/// draws as in a model of globals alone are needed.
const SEPARATION: SeparationOptions =
    SeparationOptions { most_globals: 64, most_in_block: 2, least_blocks: 8 };

impl Model {
    /// Whether some latent has at least this many coordinates.
    pub(super) fn has_site_of(&self, length: usize) -> bool {
        self.density.sites.iter().any(|site| site.length >= length)
    }

    /// The log density in parts, in some coordinates; `None` where no locals are independent of one
    /// another given few globals.
    pub(super) fn in_parts(
        &self,
        coordinates: &Coordinates,
    ) -> Result<Option<Parts<engine::Program>>, Failure> {
        let density = lower::density(&self.bound, coordinates)?;
        let sites = density.sites.iter().filter(|site| site.length >= SEPARATION.least_blocks);
        let candidates: Vec<_> = sites.map(|site| site.offset..site.offset + site.length).collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let Some(separated) = density.model.separate(&candidates, &SEPARATION) else {
            return Ok(None);
        };
        let compile = |model| engine::Program::compile(model, &engine::Options::default());
        let own = |list: Vec<u32>| list.into_iter().map(|c| c as usize).collect::<Vec<usize>>();
        Ok(Some(Parts {
            weighed: compile(&separated.weighed)?,
            parts: compile(&separated.parts)?,
            globals: own(separated.globals),
            blocks: separated.blocks.into_iter().map(own).collect(),
        }))
    }
}
