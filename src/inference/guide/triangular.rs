//! The triangular guide: a normal bent by an explicit triangular map, for funnels and bananas.
//!
//! x = m + P L y with y_k = a_k(z) + exp(b_k(z)) S_k(z_k), for standard normal z. The shift a_k is
//! quadratic and the log scale b_k linear in the first z_j before k, and S_k is the sinh-arcsinh
//! map sinh((asinh z + ε) e^δ) (Jones & Pewsey, 2009). P puts the coordinates on which the others
//! depend most first. Invariant: at parameters 0, y = z; the map is invertible at any finite ones.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::{FullRank, LocationScale};

/// A triangular map after an affine one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Triangular {
    /// The normal N(m, L Lᵀ) that is bent, in the order of `order`.
    base: FullRank,
    /// The coordinate of x that stands at each place of the base.
    order: Vec<usize>,
    /// How many z at most a map depends on.
    features: usize,
    /// The parameters, row after row: see [`Row`].
    parameters: Vec<f64>,
}

/// Where the parameters of y_k lie: linear and quadratic shifts, shift, linear log scales, log
/// scale, ε, δ.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// How many z it depends on, the first ones.
    inputs: usize,
    /// Its first parameter.
    start: usize,
}

impl Row {
    fn quadratic(self) -> usize {
        self.start + self.inputs
    }

    fn shift(self) -> usize {
        self.quadratic() + self.inputs * (self.inputs + 1) / 2
    }

    fn scale(self) -> usize {
        self.shift() + 1
    }

    fn skew(self) -> usize {
        self.scale() + self.inputs + 1
    }

    fn end(self) -> usize {
        self.skew() + 2
    }
}

/// y_k at a z, with its derivatives.
struct Evaluated {
    value: f64,
    /// ln ∂y_k/∂z_k
    log_slope: f64,
    /// exp(b_k) S_k(z_k)
    spread: f64,
    /// ∂S/∂ε and ∂ ln S′/∂ε, times exp(b_k) the first.
    by_skew: (f64, f64),
    /// The same by δ.
    by_tail: (f64, f64),
}

impl Triangular {
    /// The normal, not bent yet, with `order[i]` the coordinate that comes i-th; `None` if its
    /// covariance cannot be factored in that order.
    pub fn straight(normal: &FullRank, order: Vec<usize>, features: usize) -> Option<Self> {
        let covariance = normal.covariance();
        let dimension = order.len();
        let permuted =
            DMatrix::from_fn(dimension, dimension, |i, j| covariance[(order[i], order[j])]);
        let mean = DVector::from_fn(dimension, |i, _| normal.mean()[order[i]]);
        let base = FullRank::new(mean, nalgebra::Cholesky::new(permuted)?.l())?;
        let mut guide = Self { base, order, features, parameters: Vec::new() };
        guide.parameters = vec![0.0; guide.rows().last().map_or(0, |row| row.end())];
        Some(guide)
    }

    /// The parameters of the map.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The same guide with other parameters, as many as it has.
    pub fn with_parameters(&self, parameters: &[f64]) -> Self {
        Self { parameters: parameters.to_vec(), ..self.clone() }
    }

    /// Which parameters are ε and δ of the sinh-arcsinh maps.
    pub fn tail_parameters(&self) -> Vec<usize> {
        self.rows().flat_map(|row| [row.skew(), row.skew() + 1]).collect()
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let mut start = 0;
        (0..self.order.len()).map(move |index| {
            let row = Row { inputs: index.min(self.features), start };
            start = row.end();
            row
        })
    }

    fn evaluate(&self, row: Row, z: &[f64], own: f64) -> Evaluated {
        let theta = &self.parameters;
        let mut shift = theta[row.shift()];
        let mut log_scale = theta[row.scale()];
        let mut quadratic = row.quadratic();
        for i in 0..row.inputs {
            shift += theta[row.start + i] * z[i];
            log_scale += theta[row.scale() + 1 + i] * z[i];
            for j in 0..=i {
                shift += theta[quadratic] * feature(i, j, z);
                quadratic += 1;
            }
        }
        let scale = log_scale.exp();
        let tail = theta[row.skew() + 1].exp();
        let angle = (own.asinh() + theta[row.skew()]) * tail;
        let (value, slope) = (angle.sinh(), angle.cosh());
        let log_slope = slope.ln() + theta[row.skew() + 1] - 0.5 * (own * own).ln_1p();
        Evaluated {
            value: shift + scale * value,
            log_slope: log_scale + log_slope,
            spread: scale * value,
            by_skew: (scale * slope * tail, angle.tanh() * tail),
            by_tail: (scale * slope * angle, angle.tanh() * angle + 1.0),
        }
    }

    /// The points at base draws (d × M), and ln |∂y/∂z| at each.
    fn bend(&self, base: &DMatrix<f64>) -> (DMatrix<f64>, Vec<f64>) {
        let mut bent = base.clone();
        let mut log_slopes = vec![0.0; base.ncols()];
        for ((z, mut y), total) in
            base.column_iter().zip(bent.column_iter_mut()).zip(&mut log_slopes)
        {
            let z = z.as_slice();
            for (index, row) in self.rows().enumerate() {
                let evaluated = self.evaluate(row, z, z[index]);
                y[index] = evaluated.value;
                *total += evaluated.log_slope;
            }
        }
        (bent, log_slopes)
    }

    /// The gradient in the parameters of mean(log p + ln |∂y/∂z|), given those of log p in x at the
    /// points of the base draws, one per column.
    pub fn pull_back(&self, base: &DMatrix<f64>, gradients: &DMatrix<f64>) -> Vec<f64> {
        let ordered = DMatrix::from_fn(gradients.nrows(), gradients.ncols(), |i, j| {
            gradients[(self.order[i], j)]
        });
        let in_y = self.base.cholesky().tr_mul(&ordered);
        let mut out = vec![0.0; self.parameters.len()];
        for (z, slope) in base.column_iter().zip(in_y.column_iter()) {
            let z = z.as_slice();
            for (index, row) in self.rows().enumerate() {
                let evaluated = self.evaluate(row, z, z[index]);
                let slope = slope[index];
                out[row.shift()] += slope;
                let scaled = slope * evaluated.spread + 1.0;
                out[row.scale()] += scaled;
                let mut quadratic = row.quadratic();
                for i in 0..row.inputs {
                    out[row.start + i] += slope * z[i];
                    out[row.scale() + 1 + i] += scaled * z[i];
                    for j in 0..=i {
                        out[quadratic] += slope * feature(i, j, z);
                        quadratic += 1;
                    }
                }
                out[row.skew()] += slope * evaluated.by_skew.0 + evaluated.by_skew.1;
                out[row.skew() + 1] += slope * evaluated.by_tail.0 + evaluated.by_tail.1;
            }
        }
        let draws = base.ncols() as f64;
        out.iter_mut().for_each(|partial| *partial /= draws);
        out
    }
}

/// z_i z_j, or z_i² − 1: uncorrelated with the other features.
fn feature(i: usize, j: usize, z: &[f64]) -> f64 {
    if i == j { z[i] * z[i] - 1.0 } else { z[i] * z[j] }
}

impl LocationScale for Triangular {
    fn dimension(&self) -> usize {
        self.order.len()
    }

    /// ln |det L|, that of the normal alone.
    fn log_scale(&self) -> f64 {
        self.base.log_scale()
    }

    fn log_scales(&self, base: &DMatrix<f64>) -> Vec<f64> {
        let constant = self.log_scale();
        self.bend(base).1.into_iter().map(|slope| slope + constant).collect()
    }

    fn transform(&self, base: &DMatrix<f64>) -> DMatrix<f64> {
        let ordered = self.base.transform(&self.bend(base).0);
        let mut points = DMatrix::zeros(ordered.nrows(), ordered.ncols());
        for (index, &coordinate) in self.order.iter().enumerate() {
            points.row_mut(coordinate).copy_from(&ordered.row(index));
        }
        points
    }

    /// z_k = sinh(e^−δ asinh((y_k − a_k) e^(−b_k)) − ε), in order.
    fn whiten(&self, points: &DMatrix<f64>) -> DMatrix<f64> {
        let ordered =
            DMatrix::from_fn(points.nrows(), points.ncols(), |i, j| points[(self.order[i], j)]);
        let mut base = self.base.whiten(&ordered);
        for mut column in base.column_iter_mut() {
            let z = column.as_mut_slice();
            for (index, row) in self.rows().enumerate() {
                let (skew, tail) =
                    (self.parameters[row.skew()], self.parameters[row.skew() + 1].exp());
                // At the argument that S maps to 0, only the shift and the scale remain.
                let centre = self.evaluate(row, z, (-skew).sinh());
                let at_one = self.evaluate(row, z, (1.0f64.asinh() / tail - skew).sinh());
                let (shift, scale) = (centre.value, at_one.value - centre.value);
                z[index] = (((z[index] - shift) / scale).asinh() / tail - skew).sinh();
            }
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent() -> Triangular {
        let root = DMatrix::from_row_slice(3, 3, &[1.0, 0.0, 0.3, -0.5, 2.0, 0.0, 0.2, 0.1, 0.7]);
        let normal = FullRank::from_root(DVector::from_vec(vec![1.0, -1.0, 0.5]), &root);
        let straight = Triangular::straight(&normal.expect("regular"), vec![2, 0, 1], 2);
        let straight = straight.expect("regular");
        let parameters: Vec<f64> =
            (0..straight.parameters().len()).map(|i| 0.3 * (i as f64 * 1.3).sin()).collect();
        straight.with_parameters(&parameters)
    }

    fn base() -> DMatrix<f64> {
        DMatrix::from_fn(3, 4, |i, j| ((i * 4 + j) as f64 * 0.7).sin() * 1.5)
    }

    #[test]
    fn at_no_parameters_it_is_the_normal() {
        let root = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, -0.5, 2.0]);
        let normal = FullRank::from_root(DVector::from_vec(vec![1.0, -1.0]), &root);
        let normal = normal.expect("regular");
        let guide = Triangular::straight(&normal, vec![1, 0], 1).expect("regular");
        let points = DMatrix::from_row_slice(2, 3, &[0.3, -1.0, 2.0, 0.1, 0.7, -0.4]);
        let (own, expected) = (guide.log_density(&points), normal.log_density(&points));
        assert!(own.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn whitening_undoes_the_map() {
        let guide = bent();
        assert!((guide.whiten(&guide.transform(&base())) - base()).amax() < 1e-10);
    }

    #[test]
    fn the_log_scale_is_the_determinant_of_differences() {
        let guide = bent();
        let z = base().column(1).clone_owned();
        let at =
            |z: &DVector<f64>| guide.transform(&DMatrix::from_columns(std::slice::from_ref(z)));
        let step = 1e-6;
        let columns: Vec<DVector<f64>> = (0..3)
            .map(|i| {
                let mut moved = [z.clone(), z.clone()];
                moved[0][i] += step;
                moved[1][i] -= step;
                ((at(&moved[0]) - at(&moved[1])) / (2.0 * step)).column(0).clone_owned()
            })
            .collect();
        let determinant = DMatrix::from_columns(&columns).determinant().abs().ln();
        let own = guide.log_scales(&DMatrix::from_columns(&[z]))[0];
        assert!((own - determinant).abs() < 1e-7, "{own} {determinant}");
    }

    #[test]
    fn the_gradient_is_that_of_differences() {
        // log p(x) = −½ Σ x² − ⅓ x₀³: any smooth function would do.
        let guide = bent();
        let value = |guide: &Triangular| {
            let points = guide.transform(&base());
            let log_p = points
                .column_iter()
                .map(|x| -0.5 * x.norm_squared() - x[0].powi(3) / 3.0)
                .sum::<f64>();
            (log_p + guide.log_scales(&base()).iter().sum::<f64>()) / 4.0
        };
        let points = guide.transform(&base());
        let gradients = DMatrix::from_fn(3, 4, |i, j| {
            let x = points[(i, j)];
            if i == 0 { -x - x * x } else { -x }
        });
        let own = guide.pull_back(&base(), &gradients);
        for (index, partial) in own.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = guide.parameters().to_vec();
                moved[index] += step;
                value(&guide.with_parameters(&moved))
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((partial - difference).abs() < 1e-6, "{index}: {partial} {difference}");
        }
    }
}
