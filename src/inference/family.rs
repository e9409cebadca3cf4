//! Normals with parameters θ: what every algorithm but `natural` moves.
//!
//! θ is measured in the scale of a normal N(m, R Rᵀ): x = m + R (u + W z), z ~ N(0, I), with θ = (u, W).
//! W is diagonal (mean-field, with R diagonal) or lower triangular (full-rank); its diagonal is held as
//! logarithms. Invariant: θ = 0 is that normal itself, and any finite θ is a normal.

use nalgebra::{DMatrix, DVector};

use super::guide::{FullRank, Guide, LN_2_PI, LocationScale, MeanField};

/// A family around a normal.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    /// Independent coordinates: θ = (u, ln diag W).
    MeanField(MeanField),
    /// All correlations: θ = (u, W by rows, its diagonal as logarithms).
    FullRank(FullRank),
}

/// Where W_ij of d coordinates lies in θ, for j ≤ i.
fn place(dimension: usize, i: usize, j: usize) -> usize {
    dimension + i * (i + 1) / 2 + j
}

impl Family {
    /// d
    pub fn dimension(&self) -> usize {
        match self {
            Family::MeanField(normal) => normal.dimension(),
            Family::FullRank(normal) => normal.dimension(),
        }
    }

    /// The number of parameters: 2 d, or d + d (d + 1) / 2.
    pub fn parameters(&self) -> usize {
        let d = self.dimension();
        match self {
            Family::MeanField(_) => 2 * d,
            Family::FullRank(_) => d + d * (d + 1) / 2,
        }
    }

    /// The parameters that are logarithms of scales: those that the entropy grows with.
    pub fn log_scales(&self) -> Vec<usize> {
        let d = self.dimension();
        match self {
            Family::MeanField(_) => (d..2 * d).collect(),
            Family::FullRank(_) => (0..d).map(|i| place(d, i, i)).collect(),
        }
    }

    /// The normal that θ stands for; `None` if its scales are not positive numbers.
    pub fn guide(&self, theta: &[f64]) -> Option<Guide> {
        self.at(theta).map(|family| match family {
            Family::MeanField(normal) => Guide::MeanField(normal),
            Family::FullRank(normal) => Guide::FullRank(normal),
        })
    }

    /// The same family around the normal that θ stands for.
    pub fn at(&self, theta: &[f64]) -> Option<Family> {
        let d = self.dimension();
        match self {
            Family::MeanField(normal) => {
                let (u, v) = theta.split_at(d);
                let mean =
                    normal.mean.iter().zip(&normal.scale).zip(u).map(|((m, s), u)| m + s * u);
                let scale = normal.scale.iter().zip(v).map(|(s, v)| s * v.exp());
                let moved = MeanField { mean: mean.collect(), scale: scale.collect() };
                let positive = |s: &f64| s.is_finite() && *s > 0.0;
                let valid = moved.scale.iter().all(positive)
                    && moved.mean.iter().all(|mean| mean.is_finite());
                valid.then_some(Family::MeanField(moved))
            }
            Family::FullRank(normal) => {
                let shift = DVector::from_column_slice(&theta[..d]);
                let mean = normal.mean() + normal.cholesky() * shift;
                let root = normal.cholesky() * weights(theta, d);
                FullRank::new(mean, root).map(Family::FullRank)
            }
        }
    }

    /// The entropy at θ.
    pub fn entropy(&self, theta: &[f64]) -> f64 {
        let own = match self {
            Family::MeanField(normal) => normal.log_scale(),
            Family::FullRank(normal) => normal.log_scale(),
        };
        let logs: f64 = self.log_scales().into_iter().map(|index| theta[index]).sum();
        own + logs + 0.5 * self.dimension() as f64 * (1.0 + LN_2_PI)
    }

    /// The points x of base draws z, column by column (d × M).
    pub fn transform(&self, theta: &[f64], base: &DMatrix<f64>) -> DMatrix<f64> {
        let d = self.dimension();
        match self {
            Family::MeanField(normal) => DMatrix::from_fn(d, base.ncols(), |i, k| {
                normal.mean[i] + normal.scale[i] * (theta[i] + theta[d + i].exp() * base[(i, k)])
            }),
            Family::FullRank(normal) => {
                let mut inner = weights(theta, d) * base;
                let shift = DVector::from_column_slice(&theta[..d]);
                inner.column_iter_mut().for_each(|mut column| column += &shift);
                let mut points = normal.cholesky() * inner;
                points.column_iter_mut().for_each(|mut column| column += normal.mean());
                points
            }
        }
    }

    /// The mean over draws of gᵀ ∂x/∂θ, given g for each draw (d × M).
    pub fn pull_back(&self, theta: &[f64], base: &DMatrix<f64>, slopes: &DMatrix<f64>) -> Vec<f64> {
        let d = self.dimension();
        let draws = base.ncols() as f64;
        let mut out = vec![0.0; self.parameters()];
        match self {
            Family::MeanField(normal) => {
                for (g, z) in slopes.column_iter().zip(base.column_iter()) {
                    for i in 0..d {
                        let slope = normal.scale[i] * g[i] / draws;
                        out[i] += slope;
                        out[d + i] += slope * theta[d + i].exp() * z[i];
                    }
                }
            }
            Family::FullRank(normal) => {
                let inner = normal.cholesky().tr_mul(slopes);
                let mean = inner.column_mean();
                out[..d].copy_from_slice(mean.as_slice());
                let product = inner * base.transpose() / draws;
                for i in 0..d {
                    for j in 0..i {
                        out[place(d, i, j)] = product[(i, j)];
                    }
                    out[place(d, i, i)] = product[(i, i)] * theta[place(d, i, i)].exp();
                }
            }
        }
        out
    }

    /// ∂x/∂θ · δ, column by column (d × M).
    pub fn push(&self, theta: &[f64], base: &DMatrix<f64>, direction: &[f64]) -> DMatrix<f64> {
        let d = self.dimension();
        match self {
            Family::MeanField(normal) => DMatrix::from_fn(d, base.ncols(), |i, k| {
                let turn = theta[d + i].exp() * base[(i, k)] * direction[d + i];
                normal.scale[i] * (direction[i] + turn)
            }),
            Family::FullRank(normal) => {
                let mut change = DMatrix::zeros(d, d);
                for i in 0..d {
                    for j in 0..i {
                        change[(i, j)] = direction[place(d, i, j)];
                    }
                    let at = place(d, i, i);
                    change[(i, i)] = direction[at] * theta[at].exp();
                }
                let mut inner = change * base;
                let shift = DVector::from_column_slice(&direction[..d]);
                inner.column_iter_mut().for_each(|mut column| column += &shift);
                normal.cholesky() * inner
            }
        }
    }

    /// The part of the second derivative that bends x: the mean of gᵀ ∂²x/∂θ² · δ, which only the
    /// logarithms have. `pulled` is [`Family::pull_back`] of g.
    pub fn bend(&self, pulled: &[f64], direction: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; pulled.len()];
        for index in self.log_scales() {
            out[index] = pulled[index] * direction[index];
        }
        out
    }

    /// Σ_k w_k ∂ ln q(x_k)/∂θ at fixed points x_k, those of the base draws.
    pub fn score(&self, theta: &[f64], base: &DMatrix<f64>, by: &[f64]) -> Vec<f64> {
        let d = self.dimension();
        let mut out = vec![0.0; self.parameters()];
        match self {
            Family::MeanField(_) => {
                for (z, w) in base.column_iter().zip(by) {
                    for i in 0..d {
                        out[i] += w * z[i] * (-theta[d + i]).exp();
                        out[d + i] += w * (z[i] * z[i] - 1.0);
                    }
                }
            }
            Family::FullRank(_) => {
                let inverse = self.unwhiten(theta, base);
                let mut scaled = base.clone();
                scaled.column_iter_mut().zip(by).for_each(|(mut column, w)| column *= *w);
                let total: f64 = by.iter().sum();
                let first = &inverse * DVector::from_column_slice(by);
                out[..d].copy_from_slice(first.as_slice());
                let product = inverse * scaled.transpose();
                for i in 0..d {
                    for j in 0..i {
                        out[place(d, i, j)] = product[(i, j)];
                    }
                    let at = place(d, i, i);
                    out[at] = product[(i, i)] * theta[at].exp() - total;
                }
            }
        }
        out
    }

    /// ∂ ln q(x)/∂x at the points of the base draws, column by column (d × M): −R⁻ᵀ W⁻ᵀ z.
    pub fn slopes(&self, theta: &[f64], base: &DMatrix<f64>) -> DMatrix<f64> {
        let d = self.dimension();
        match self {
            Family::MeanField(normal) => DMatrix::from_fn(d, base.ncols(), |i, k| {
                -base[(i, k)] / (normal.scale[i] * theta[d + i].exp())
            }),
            Family::FullRank(normal) => {
                let mut inverse = -self.unwhiten(theta, base);
                normal.cholesky().tr_solve_lower_triangular_mut(&mut inverse);
                inverse
            }
        }
    }

    /// ln q at the points of the base draws.
    pub fn log_densities(&self, theta: &[f64], base: &DMatrix<f64>) -> Vec<f64> {
        // The entropy is d/2 more than −ln q at the mean.
        let highest = 0.5 * self.dimension() as f64 - self.entropy(theta);
        base.column_iter().map(|z| highest - 0.5 * z.norm_squared()).collect()
    }

    /// W⁻ᵀ z, column by column.
    fn unwhiten(&self, theta: &[f64], base: &DMatrix<f64>) -> DMatrix<f64> {
        let mut inverse = base.clone();
        weights(theta, self.dimension()).tr_solve_lower_triangular_mut(&mut inverse);
        inverse
    }

    /// How far apart two parameters are: the largest move of a mean in sds of its coordinate, and the
    /// largest change of an entry of W, logarithms on its diagonal.
    pub fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let d = self.dimension();
        let scale = |index: usize| match self {
            Family::MeanField(_) if index < d => a[d + index].exp(),
            Family::FullRank(_) if index < d => a[place(d, index, index)].exp(),
            Family::MeanField(_) | Family::FullRank(_) => 1.0,
        };
        let moves = a.iter().zip(b).enumerate().map(|(i, (a, b))| (a - b).abs() / scale(i));
        moves.fold(0.0, |largest, x| if x > largest || x.is_nan() { x } else { largest })
    }
}

/// W
fn weights(theta: &[f64], dimension: usize) -> DMatrix<f64> {
    DMatrix::from_fn(dimension, dimension, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => theta[place(dimension, i, i)].exp(),
        std::cmp::Ordering::Greater => theta[place(dimension, i, j)],
    })
}
