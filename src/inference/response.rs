//! Covariances of a mean-field guide by linear response: how its means move when the density is tilted.
//!
//! With E = −∇² ELBO over all parameters, the covariance of the posterior is about the block of E⁻¹ that
//! belongs to the means (Giordano, Broderick & Jordan, "Covariances, robustness, and variational
//! Bayes", 2018), exactly so for a normal posterior. E is never formed: its equations are solved by
//! conjugate gradients on Hessian-vector products averaged over fixed draws.

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::evaluate::Evaluator;
use super::family::Family;
use super::guide::{Bordered, FullRank, Guide, MeanField};
use super::optimizer::NewtonCg;
use super::target::LogDensity;

/// The constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Fixed draws.
    pub draws: usize,
    /// The residual of each equation, relative to its right-hand side.
    pub tolerance: f64,
    /// Steps for each equation at most.
    pub max_iterations: usize,
    /// The most coordinates of a border.
    pub border: usize,
    /// A coordinate is in the border if the squares of its curvatures with the others, in units of its
    /// own, sum to more than this.
    pub least_coupling: f64,
    /// Random directions that those sums are estimated by.
    pub probes: usize,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            draws: 4,
            tolerance: 1e-3,
            max_iterations: 200,
            border: 12,
            least_coupling: 0.05,
            probes: 8,
        }
    }
}

impl Response {
    /// The covariances of some coordinates with all (d × K), given a mean-field guide at the maximum of
    /// its ELBO, averaged over the columns of `base` (d × M); `None` where they are not finite.
    pub fn covariances<T: LogDensity>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &MeanField,
        base: &DMatrix<f64>,
        coordinates: &[usize],
    ) -> Option<DMatrix<f64>> {
        let family = Family::MeanField(guide.clone());
        let zero = vec![0.0; family.parameters()];
        let points = family.transform(&zero, base);
        let mut slopes = DMatrix::zeros(base.nrows(), base.ncols());
        evaluator.gradients(&points, &mut slopes);
        let pulled = family.pull_back(&zero, base, &slopes);
        let solver = NewtonCg {
            max_inner: self.max_iterations,
            forcing: self.tolerance,
            ..NewtonCg::default()
        };
        let dimension = guide.mean.len();
        let mut columns = DMatrix::zeros(dimension, coordinates.len());
        for (&coordinate, mut column) in coordinates.iter().zip(columns.column_iter_mut()) {
            let mut tilt = zero.clone();
            tilt[coordinate] = -guide.scale[coordinate];
            let response = solver.direction(&tilt, |direction| {
                let moved = family.push(&zero, base, direction);
                let products = evaluator.hessian_vectors(&points, &moved);
                let mut curved = family.pull_back(&zero, base, &products);
                let bent = family.bend(&pulled, direction);
                curved.iter_mut().zip(bent).for_each(|(c, b)| *c = -(*c + b));
                curved
            });
            for (entry, (u, s)) in column.iter_mut().zip(response.iter().zip(&guide.scale)) {
                *entry = u * s;
            }
        }
        columns.iter().all(|entry| entry.is_finite()).then_some(columns)
    }

    /// The coordinates that curve most with the others, at most [`Response::border`] of them: those that
    /// a mean-field guide gets most wrong.
    pub fn border<T: LogDensity, R: Rng>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &MeanField,
        base: &DMatrix<f64>,
        rng: &mut R,
    ) -> Vec<usize> {
        let dimension = guide.mean.len();
        let family = Family::MeanField(guide.clone());
        let points = family.transform(&vec![0.0; 2 * dimension], base);
        let scale = DVector::from_column_slice(&guide.scale);
        let mut coupling = vec![0.0; dimension];
        for _ in 0..self.probes {
            let signs = DVector::from_fn(dimension, |_, _| if rng.random() { 1.0 } else { -1.0 });
            let direction = scale.component_mul(&signs);
            let directions = DMatrix::from_fn(dimension, base.ncols(), |i, _| direction[i]);
            let product = evaluator.hessian_vectors(&points, &directions).column_mean();
            // At the maximum, s² E[−∂²] is 1.
            let rest = product.component_mul(&scale) + &signs;
            coupling.iter_mut().zip(rest.iter()).for_each(|(sum, rest)| *sum += rest * rest);
        }
        let mut order: Vec<usize> = (0..dimension).collect();
        order.sort_by(|&a, &b| coupling[b].total_cmp(&coupling[a]).then(a.cmp(&b)));
        let enough = self.least_coupling * self.probes as f64;
        order.retain(|index| coupling[*index] > enough);
        order.truncate(self.border);
        order.sort_unstable();
        order
    }

    /// The guide with the covariances of its border; `None` if there is none, or they are none of a
    /// normal.
    pub fn bordered<T: LogDensity, R: Rng>(
        &self,
        evaluator: &mut Evaluator<T>,
        guide: &MeanField,
        base: &DMatrix<f64>,
        rng: &mut R,
    ) -> Option<Guide> {
        let border = self.border(evaluator, guide, base, rng);
        if border.is_empty() {
            return None;
        }
        let columns = self.covariances(evaluator, guide, base, &border)?;
        let own = DMatrix::from_fn(border.len(), border.len(), |i, j| {
            0.5 * (columns[(border[i], j)] + columns[(border[j], i)])
        });
        let root = Cholesky::new(own)?.l();
        let rest: Vec<usize> =
            (0..guide.mean.len()).filter(|i| border.binary_search(i).is_err()).collect();
        let mut loadings = Vec::with_capacity(rest.len() * border.len());
        for &i in &rest {
            let mut row = DVector::from_fn(border.len(), |j, _| columns[(i, j)]);
            root.solve_lower_triangular_mut(&mut row);
            loadings.extend(row.iter());
        }
        let pick = |from: &[f64], list: &[usize]| list.iter().map(|i| from[*i]).collect::<Vec<_>>();
        let mean = DVector::from_vec(pick(&guide.mean, &border));
        Some(Guide::Bordered(Bordered {
            core: FullRank::new(mean, root)?,
            mean: pick(&guide.mean, &rest),
            scale: pick(&guide.scale, &rest),
            border,
            rest,
            loadings,
        }))
    }
}
