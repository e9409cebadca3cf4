//! Turns a random point into a candidate normal, and candidates into distinct modes.
//!
//! A start minimises −log p and offers the Laplace normal at the end and Pathfinder's best normal
//! along the path; the higher ELBO on common draws wins. Candidates are never ranked by the height
//! of the density, which is largest where a hierarchical model degenerates.

use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::draws;
use super::elbo;
use super::evaluate::Evaluator;
use super::guide::{FullRank, LocationScale};
use super::laplace::laplace;
use super::options::Starts;
use super::pathfinder::{PathPoint, best_normal};
use super::random::{Purpose, stream};
use super::target::LogDensity;

/// Where a candidate came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The Hessian at the end of the path.
    Laplace,
    /// The best normal along the path.
    Pathfinder,
    /// Mean-field from the point itself.
    MeanField,
}

/// What a start found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The normal.
    pub guide: FullRank,
    /// Its ELBO on the common draws.
    pub elbo: f64,
    /// Where it came from.
    pub method: Method,
    /// Steps of the minimisation.
    pub iterations: usize,
}

/// Candidates of one mode: the best of them, and which starts they are.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The best normal.
    pub guide: FullRank,
    /// The starts that led here.
    pub starts: Vec<usize>,
}

/// A point uniform in (−radius, radius)^d with a finite log density and gradient.
pub fn finite_point<T: LogDensity, R: Rng>(
    evaluator: &mut Evaluator<T>,
    rng: &mut R,
    radius: f64,
    attempts: usize,
) -> Option<Vec<f64>> {
    let dimension = evaluator.dimension();
    let mut gradient = vec![0.0; dimension];
    for _ in 0..attempts {
        let point: Vec<f64> = (0..dimension).map(|_| rng.random_range(-radius..radius)).collect();
        let value = evaluator.gradient(&point, &mut gradient);
        if value.is_finite() && gradient.iter().all(|partial| partial.is_finite()) {
            return Some(point);
        }
    }
    None
}

/// The better candidate of the start at `point`; `None` if no normal has a finite ELBO.
pub fn candidate<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    point: Vec<f64>,
    path_base: &DMatrix<f64>,
    common_base: &DMatrix<f64>,
    options: &Starts,
) -> Option<Candidate> {
    let path = descend(evaluator, point, options)?;
    let end = path.last()?.point.as_slice().to_vec();
    let memory = options.lbfgs.memory;
    let along = best_normal(evaluator, &path, memory, options.path_candidates, path_base)
        .map(|guide| (Method::Pathfinder, guide));
    let at_end = laplace(evaluator, &end).map(|guide| (Method::Laplace, guide));
    let mut best: Option<Candidate> = None;
    for (method, guide) in at_end.into_iter().chain(along) {
        let shrinks = match method {
            Method::Laplace => options.laplace_shrinks,
            Method::Pathfinder | Method::MeanField => 0,
        };
        let Some((guide, elbo)) = finite_elbo(evaluator, guide, common_base, shrinks) else {
            continue;
        };
        if best.as_ref().is_none_or(|best| elbo > best.elbo) {
            best = Some(Candidate { guide, elbo, method, iterations: path.len() - 1 });
        }
    }
    best
}

/// The path of L-BFGS on −log p.
fn descend<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    point: Vec<f64>,
    options: &Starts,
) -> Option<Vec<PathPoint>> {
    let mut objective = |point: &[f64], gradient: &mut [f64]| {
        let value = evaluator.gradient(point, gradient);
        gradient.iter_mut().for_each(|partial| *partial = -*partial);
        -value
    };
    let state = options.lbfgs.start(point, &mut objective)?;
    let mut path = Vec::new();
    options.lbfgs.minimize(state, &mut objective, |state| {
        path.push(PathPoint {
            point: DVector::from_column_slice(&state.point),
            gradient: DVector::from_column_slice(&state.gradient),
        });
    });
    Some(path)
}

/// The ELBO of a normal, halved in scale at most `shrinks` times until it is finite.
fn finite_elbo<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    mut guide: FullRank,
    base: &DMatrix<f64>,
    shrinks: usize,
) -> Option<(FullRank, f64)> {
    for _ in 0..=shrinks {
        let elbo = elbo::estimate(evaluator, &guide.transform(base), guide.entropy());
        if elbo.is_finite() {
            return Some((guide, elbo));
        }
        guide = guide.scaled(0.5);
    }
    None
}

/// The draws that judge the points of start `index`'s path.
pub fn path_base(seed: u64, index: u32, dimension: usize, options: &Starts) -> DMatrix<f64> {
    draws::antithetic(&mut stream(seed, Purpose::Path, index), dimension, options.path_draws)
}

/// Groups candidates whose means are near in each other's scales; best first, `modes` at most.
///
/// Starts of modes beyond that number belong to no cluster.
pub fn cluster(candidates: &[Option<Candidate>], options: &Starts) -> Vec<Cluster> {
    let mut order: Vec<(usize, &Candidate)> =
        candidates.iter().enumerate().filter_map(|(i, c)| Some((i, c.as_ref()?))).collect();
    order.sort_by(|a, b| b.1.elbo.total_cmp(&a.1.elbo));
    let mut clusters: Vec<Cluster> = Vec::new();
    for (index, candidate) in order {
        let near = |cluster: &&mut Cluster| same_mode(&cluster.guide, &candidate.guide, options);
        if let Some(cluster) = clusters.iter_mut().find(near) {
            cluster.starts.push(index);
        } else if clusters.len() < options.modes {
            clusters.push(Cluster { guide: candidate.guide.clone(), starts: vec![index] });
        }
    }
    clusters
}

/// Whether two normals stand for one mode.
pub fn same_mode(a: &FullRank, b: &FullRank, options: &Starts) -> bool {
    a.whitened_distance_squared(b) < options.same_mode.max(a.dimension() as f64)
}
