//! Turns a random point into a candidate normal.
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
use super::fixed_draws::FixedDraws;
use super::guide::{FullRank, Guide, LocationScale};
use super::laplace::laplace;
use super::optimizer::NewtonCg;
use super::options::{Candidates, Starts};
use super::pathfinder::{PathPoint, best_normal};
use super::random::{Purpose, stream};
use super::target::{LogDensity, Target};

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
    /// Where the minimisation ended.
    pub end: DVector<f64>,
    /// log p there.
    pub height: f64,
    /// Whether that is a maximum of the density, as far as the normal's scale can tell.
    pub at_maximum: bool,
}

impl Candidate {
    /// The distance of a point from the end of this candidate's path, in the normal's scale.
    fn whitened_distance(&self, point: &DVector<f64>) -> f64 {
        let mut difference = point - &self.end;
        self.guide.cholesky().solve_lower_triangular_mut(&mut difference);
        difference.norm()
    }
}

/// Where a start ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// At a candidate of its own.
    New(Candidate),
    /// Where an earlier start ended.
    Known {
        /// Which of the candidates known at the time.
        candidate: usize,
    },
}

/// The point that start `index` begins at: every second one from the prior, if it can be drawn
/// from, the others uniform. `None` if none has a finite density.
pub fn finite_start<T: Target>(
    evaluator: &mut Evaluator<T>,
    target: &T,
    seed: u64,
    index: usize,
    options: &Starts,
) -> Option<Vec<f64>> {
    let mut rng = stream(seed, Purpose::Start, index as u32);
    if index % 2 == 1 {
        for _ in 0..options.attempts {
            let Some(point) = target.draw_prior(&mut rng) else { break };
            if is_finite(evaluator, &point) {
                return Some(point);
            }
        }
    }
    finite_point(evaluator, &mut rng, options.radius, options.attempts)
}

fn is_finite<T: LogDensity>(evaluator: &mut Evaluator<T>, point: &[f64]) -> bool {
    let mut gradient = vec![0.0; point.len()];
    let value = evaluator.gradient(point, &mut gradient);
    value.is_finite() && gradient.iter().all(|partial| partial.is_finite())
}

/// A point uniform in (−radius, radius)^d with a finite log density and gradient.
pub fn finite_point<T: LogDensity, R: Rng>(
    evaluator: &mut Evaluator<T>,
    rng: &mut R,
    radius: f64,
    attempts: usize,
) -> Option<Vec<f64>> {
    finite_point_around(evaluator, &vec![0.0; evaluator.dimension()], rng, radius, attempts)
}

/// The same with coordinates up to `radius` away from those of `centre`.
fn finite_point_around<T: LogDensity, R: Rng>(
    evaluator: &mut Evaluator<T>,
    centre: &[f64],
    rng: &mut R,
    radius: f64,
    attempts: usize,
) -> Option<Vec<f64>> {
    let mut draw = || centre.iter().map(|c| c + rng.random_range(-radius..radius)).collect();
    (0..attempts).find_map(|_| {
        let point: Vec<f64> = draw();
        is_finite(evaluator, &point).then_some(point)
    })
}

/// The point that start `index` begins at, around where another began.
pub fn start_around<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    centre: &[f64],
    seed: u64,
    index: usize,
    options: &Starts,
) -> Option<Vec<f64>> {
    let mut rng = stream(seed, Purpose::Start, index as u32);
    finite_point_around(evaluator, centre, &mut rng, options.radius, options.attempts)
}

/// The point that the mean-field fit of start `index` begins at.
pub fn middle_start<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    seed: u64,
    index: usize,
    options: &Starts,
) -> Option<Vec<f64>> {
    let mut rng = stream(seed, Purpose::Start, index as u32);
    finite_point(evaluator, &mut rng, options.radius_mean_field, options.attempts)
}

/// Where a mean-field fit from `point` ends: its normal is the candidate.
pub fn mean_field_ending<T: Target>(
    evaluator: &mut Evaluator<T>,
    point: &[f64],
    fixed: &FixedDraws,
    path_base: &DMatrix<f64>,
    common_base: &DMatrix<f64>,
    options: &Starts,
) -> Option<Ending> {
    let fixed = FixedDraws {
        stages: options.stages_large.clone(),
        newton: NewtonCg { max_iterations: 0, ..fixed.newton.clone() },
        ..fixed.clone()
    };
    let fitted = fixed.fit(evaluator, fixed.around(point), path_base, |_, _| {})?;
    let Guide::MeanField(normal) = &fitted.guide else { return None };
    let end = DVector::from_column_slice(&normal.mean);
    let root = DMatrix::from_diagonal(&DVector::from_column_slice(&normal.scale));
    let guide = FullRank::new(end.clone(), root)?;
    let (guide, elbo) = finite_elbo(evaluator, guide, common_base, options.laplace_shrinks)?;
    Some(Ending::New(Candidate {
        guide,
        elbo,
        method: Method::MeanField,
        iterations: fitted.path.len(),
        end,
        height: elbo,
        at_maximum: false,
    }))
}

/// Where the start at `point` ends: at a known candidate, or at the better of its own; `None` if no
/// normal has a finite ELBO.
pub fn ending<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    point: Vec<f64>,
    known: &[&Candidate],
    path_base: &DMatrix<f64>,
    common_base: &DMatrix<f64>,
    options: &Starts,
) -> Option<Ending> {
    let path = descend(evaluator, point, options)?;
    let end = &path.last()?.point;
    let here = |candidate: &&Candidate| candidate.whitened_distance(end) < options.same_end;
    if let Some(candidate) = known.iter().position(here) {
        return Some(Ending::Known { candidate });
    }
    let memory = options.lbfgs.memory;
    let (wants_end, wants_path) = match options.candidates {
        Candidates::Both => (true, true),
        Candidates::Laplace => (true, false),
        Candidates::Pathfinder => (false, true),
    };
    let along = wants_path
        .then(|| best_normal(evaluator, &path, memory, options.path_candidates, path_base))
        .flatten()
        .map(|guide| (Method::Pathfinder, guide));
    let at_end = wants_end
        .then(|| laplace(evaluator, end.as_slice()))
        .flatten()
        .map(|guide| (Method::Laplace, guide));
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
            let slope = guide.cholesky().tr_mul(&path.last()?.gradient).norm();
            let at_maximum = slope < options.flat;
            let (end, iterations) = (end.clone(), path.len() - 1);
            let height = path.last()?.log_density;
            best = Some(Candidate { guide, elbo, method, iterations, end, height, at_maximum });
        }
    }
    best.map(Ending::New)
}

/// The path of L-BFGS on −log p.
pub fn descend<T: LogDensity>(
    evaluator: &mut Evaluator<T>,
    point: Vec<f64>,
    options: &Starts,
) -> Option<Vec<PathPoint>> {
    let mut objective = |point: &[f64], gradient: &mut [f64]| {
        if evaluator.is_interrupted() {
            return f64::INFINITY;
        }
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
            log_density: -state.value,
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

/// The draws that judge the points of start `index`'s path, or that a mean-field fit of it is on.
pub fn path_base(
    seed: u64,
    index: u32,
    dimension: usize,
    options: &Starts,
    fixed: &FixedDraws,
) -> DMatrix<f64> {
    let mut rng = stream(seed, Purpose::Path, index);
    match options.are_mean_field(dimension) {
        true => draws::matched_marginals(&mut rng, dimension, fixed.draws_for(dimension)),
        false => draws::antithetic(&mut rng, dimension, options.path_draws),
    }
}

/// Whether two normals stand for one mode: their means are near in the scale of one of them.
pub fn same_mode(a: &FullRank, b: &FullRank, options: &Starts) -> bool {
    a.whitened_distances_squared(b).0 < options.same_mode.max(a.dimension() as f64)
}

/// Whether two candidates stand for one mode. Distinct maxima do not, however near the wider one
/// sees the other: a narrow mode beside a wide one.
pub fn same_candidate(a: &Candidate, b: &Candidate, options: &Starts) -> bool {
    let apart = || a.whitened_distance(&b.end).max(b.whitened_distance(&a.end));
    let distinct = a.at_maximum && b.at_maximum && apart() > options.same_mode.sqrt();
    !distinct && same_mode(&a.guide, &b.guide, options)
}
