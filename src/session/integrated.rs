//! A model's locals integrated out: which they are, and the programs that the integration needs.

use super::failure::Failure;
use super::model::Model;
use crate::engine;
use crate::graph::lower::{self, Coordinates, Site, Transform};
use crate::graph::{self, CouplingOptions, SeparationOptions};
use crate::inference::{Coupling, Parts, Probes};
use crate::math::Bijector;
use crate::math::sparse::Pattern;

/// How far a model is separated. A draw of the globals costs as much as thirty gradients, and as many
/// draws as in a model of globals alone are needed.
const SEPARATION: SeparationOptions =
    SeparationOptions { most_globals: 64, most_in_block: 2, least_blocks: 8 };

/// How coupled locals may be. A gradient of the marginal takes as many Hessians of the locals as there
/// are globals, twice, and each as many products as a local has neighbours' neighbours.
const COUPLING: CouplingOptions =
    CouplingOptions { most_in_row: 64, most_wide: 4, most_entries: 64 };

/// The most globals beside coupled locals, and the fewest locals.
const MOST_GLOBALS: usize = 8;
const LEAST_COUPLED: usize = 40;

/// The most products that give the Hessian of coupled locals.
const MOST_PROBES: usize = 128;

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
        let own = |list: Vec<u32>| list.into_iter().map(|c| c as usize).collect::<Vec<usize>>();
        Ok(Some(Parts {
            weighed: compile(&separated.weighed)?,
            parts: compile(&separated.parts)?,
            globals: own(separated.globals),
            blocks: separated.blocks.into_iter().map(own).collect(),
        }))
    }

    /// The latents that are coupled sparsely given few others, in some coordinates; `None` where there
    /// are no such.
    ///
    /// Those on the whole line are integrated out, whose density given the others is often nearly
    /// normal: all vectors, and single numbers where else too many would be left.
    pub(super) fn coupling(
        &self,
        coordinates: &Coordinates,
    ) -> Result<Option<Coupling<engine::Program>>, Failure> {
        let density = lower::density(&self.bound, coordinates)?;
        let dimension = density.model.dimension();
        let coupled = |least: usize| -> Vec<usize> {
            let sites = density.sites.iter().filter(|site| site.length >= least && on_line(site));
            sites.flat_map(|site| site.offset..site.offset + site.length).collect()
        };
        let few = |locals: &Vec<usize>| dimension - locals.len() <= MOST_GLOBALS;
        let locals = Some(coupled(2)).filter(few).unwrap_or_else(|| coupled(1));
        let globals: Vec<usize> =
            (0..dimension).filter(|c| locals.binary_search(c).is_err()).collect();
        if globals.is_empty() || globals.len() > MOST_GLOBALS || locals.len() < LEAST_COUPLED {
            return Ok(None);
        }
        let own: Vec<u32> = locals.iter().map(|c| *c as u32).collect();
        let Some(coupled) = density.model.couple(&own, &COUPLING) else { return Ok(None) };
        let Some(pattern) = Pattern::new(coupled.neighbours) else { return Ok(None) };
        let probes = Probes::new(&pattern);
        if probes.count() > MOST_PROBES {
            return Ok(None);
        }
        let weighed = coupled.weighed.as_ref().map(compile).transpose()?;
        Ok(Some(Coupling { locals, globals, pattern, probes, wide: coupled.wide, weighed }))
    }
}

fn compile(model: &graph::Model) -> Result<engine::Program, graph::Inconsistency> {
    engine::Program::compile(model, &engine::Options::default())
}

/// Whether every coordinate of a latent is its value, or its value less a location and by a scale.
fn on_line(site: &Site) -> bool {
    site.space.groups.is_none()
        && match &site.transform {
            Transform::Bijector(bijector) => *bijector == Bijector::Identity,
            Transform::Centering(_) => true,
        }
}
