//! Matrix normals with noise, from the eigenvalues of their two covariances.
//!
//! With R = U diag(a) Uᵀ, C = V diag(b) Vᵀ and noise s, the covariance of all values is diagonal in
//! the basis of U and V, with entries aᵢ bⱼ + s = 1 / dᵢⱼ. For Z = d ∘ (Uᵀ X V) the log density is
//! -½ Σ (Z² / d - ln d) - n m ln √(2π), and its derivatives, in that basis, are -Z in X,
//! ½ Σ (Z² - d) in s, ½ (Z diag(b) Zᵀ - diag(Σⱼ bⱼ dᵢⱼ)) in R, and likewise in C (Saatçi 2011,
//! "Scalable inference for structured Gaussian process models", chapter 5). Tangents of these follow
//! from the tangent of the inverse covariance, -M⁻¹ Ṁ M⁻¹, so that no eigenvector is
//! differentiated, and eigenvalues may coincide.

use super::flat::Layout;
use super::lane::Lane;
use super::program::Cost;
use super::routine::Part;
use super::workspace::{Extent, State};
use crate::graph::{NoisyKronecker, Slot, Tag};
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::eigen::symmetric_eigen;
use nalgebra::{DMatrix, DVector};
use std::ops::Range;

/// Matrix normals with their places.
#[derive(Clone, Debug)]
pub(super) struct NoisyKroneckerStep {
    extent: [usize; 2],
    count: usize,
    matrices: [usize; 2],
    shared: [bool; 2],
    noise: usize,
    values: usize,
    output: usize,
    /// Where the eigenvectors and eigenvalues begin that the sweeps share.
    memory: usize,
    pub(super) tag: Tag,
}

/// A group in the basis of the eigenvectors.
struct Residual {
    /// dᵢⱼ, NaN where the covariance is not positive.
    inverse: DMatrix<f64>,
    z: DMatrix<f64>,
    log_density: f64,
}

/// For everything that a group reads, in the basis of the eigenvectors: the derivatives of the log
/// density, their tangents, or its own tangent.
struct Parts {
    /// R and C.
    matrices: [DMatrix<f64>; 2],
    noise: f64,
    values: DMatrix<f64>,
}

/// Eigenvectors in columns, and eigenvalues.
struct Spectrum {
    vectors: DMatrix<f64>,
    values: DVector<f64>,
}

impl NoisyKroneckerStep {
    pub(super) fn new(node: &NoisyKronecker, layout: &Layout) -> Self {
        let place = |slot: Slot| layout.slot(slot);
        NoisyKroneckerStep {
            extent: node.extent,
            // Values without rows or columns need no work.
            count: if node.extent.contains(&0) { 0 } else { node.count },
            matrices: node.matrices.map(place),
            shared: node.shared,
            noise: place(node.noise),
            values: place(node.values),
            output: place(node.output),
            memory: 0,
            tag: node.tag,
        }
    }

    /// The positions of R or C.
    fn matrix(&self, of: usize, item: usize) -> Range<usize> {
        let length = self.extent[of] * self.extent[of];
        let start = self.matrices[of] + if self.shared[of] { 0 } else { item * length };
        start..start + length
    }

    /// The positions of the values.
    fn given(&self, item: usize) -> Range<usize> {
        let length = self.extent[0] * self.extent[1];
        let start = self.values + item * length;
        start..start + length
    }

    /// How many numbers are kept for each group.
    fn kept(&self) -> usize {
        self.extent.iter().map(|size| size * size + size).sum()
    }

    /// Stores the log densities, and keeps the eigenvectors.
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        let mut spectra: [Option<Spectrum>; 2] = [None, None];
        for item in 0..self.count {
            let [down, across] = [0, 1].map(|of| {
                let known = spectra[of].take().filter(|_| self.shared[of]);
                let matrix = &state.values[self.matrix(of, item)];
                known.unwrap_or_else(|| Spectrum::new(matrix, self.extent[of]))
            });
            let pair = [down, across];
            let kept = pair.iter().flat_map(Spectrum::numbers).map(T::constant);
            let memory = &mut state.memory[self.memory + item * self.kept()..];
            memory.iter_mut().zip(kept).for_each(|(to, x)| *to = x);
            let residual = self.residual(state, item, &pair);
            let mut log_density = T::constant(residual.log_density);
            if let Some(motion) = self.motion(state, item, &pair) {
                let tangent = residual.gradient(&pair).dot(&motion);
                log_density.set_part(Part::Tangent, tangent);
            }
            state.values[self.output + item] = log_density;
            spectra = pair.map(Some);
        }
    }

    /// Adds to the adjoints of what was read.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        for item in 0..self.count {
            let [weight, weight_tangent] = state.adjoints[self.output + item].parts();
            let spectra = self.recall(state, item);
            let residual = self.residual(state, item, &spectra);
            let gradient = residual.gradient(&spectra);
            self.add(state, item, &spectra, (&gradient, weight), Part::Value);
            if let Some(motion) = self.motion(state, item, &spectra) {
                let tangent = residual.tangent(&motion, &spectra);
                self.add(state, item, &spectra, (&tangent, weight), Part::Tangent);
                self.add(state, item, &spectra, (&gradient, weight_tangent), Part::Tangent);
            }
        }
    }

    /// Adds the weighted derivatives of a group to a part of the adjoints.
    fn add<T: Lane>(
        &self,
        state: &mut State<T>,
        item: usize,
        spectra: &[Spectrum; 2],
        (group, weight): (&Parts, f64),
        part: Part,
    ) {
        let [down, across] = spectra;
        for (of, spectrum) in spectra.iter().enumerate() {
            let whole = &spectrum.vectors * &group.matrices[of] * spectrum.vectors.transpose();
            let to = &mut state.adjoints[self.matrix(of, item)];
            for (i, row) in to.chunks_exact_mut(self.extent[of]).enumerate() {
                for (j, to) in row[..=i].iter_mut().enumerate() {
                    let both = if i == j { whole[(i, i)] } else { whole[(i, j)] + whole[(j, i)] };
                    to.add_part(part, weight * both);
                }
            }
        }
        let values = &down.vectors * &group.values * across.vectors.transpose();
        let to = &mut state.adjoints[self.given(item)];
        for (i, row) in to.chunks_exact_mut(self.extent[1]).enumerate() {
            for (j, to) in row.iter_mut().enumerate() {
                to.add_part(part, weight * values[(i, j)]);
            }
        }
        state.adjoints[self.noise + item].add_part(part, weight * group.noise);
    }

    /// The eigenvectors that [`NoisyKroneckerStep::forward`] kept.
    fn recall<T: Lane>(&self, state: &State<T>, item: usize) -> [Spectrum; 2] {
        let mut numbers = state.memory[self.memory + item * self.kept()..].iter().map(|x| x.real());
        self.extent.map(|size| {
            let vectors = DMatrix::from_iterator(size, size, numbers.by_ref().take(size * size));
            let values = DVector::from_iterator(size, numbers.by_ref().take(size));
            Spectrum { vectors, values }
        })
    }

    /// A part of Uᵀ X V.
    fn turned<T: Lane>(
        &self,
        state: &State<T>,
        item: usize,
        [down, across]: &[Spectrum; 2],
        part: Part,
    ) -> DMatrix<f64> {
        let [n, m] = self.extent;
        let given = &state.values[self.given(item)];
        let x = DMatrix::from_row_iterator(n, m, given.iter().map(|x| x.part(part)));
        down.vectors.tr_mul(&x) * &across.vectors
    }

    fn residual<T: Lane>(
        &self,
        state: &State<T>,
        item: usize,
        spectra: &[Spectrum; 2],
    ) -> Residual {
        let [n, m] = self.extent;
        let [a, b] = spectra.each_ref().map(|spectrum| &spectrum.values);
        let noise = state.values[self.noise + item].real();
        let inverse = DMatrix::from_fn(n, m, |i, j| {
            let variance = a[i] * b[j] + noise;
            if variance > 0.0 { variance.recip() } else { f64::NAN }
        });
        let x = self.turned(state, item, spectra, Part::Value);
        let z = x.component_mul(&inverse);
        let squares = x.component_mul(&z).sum() - inverse.iter().map(|d| d.ln()).sum::<f64>();
        let log_density = -0.5 * squares - (n * m) as f64 * LN_SQRT_TAU;
        Residual { inverse, z, log_density }
    }

    /// The tangent of what is read, if the lane has tangents.
    fn motion<T: Lane>(
        &self,
        state: &State<T>,
        item: usize,
        spectra: &[Spectrum; 2],
    ) -> Option<Parts> {
        if !T::PARTS.contains(&Part::Tangent) {
            return None;
        }
        let matrices = [0, 1].map(|of| {
            let (given, vectors) = (&state.values[self.matrix(of, item)], &spectra[of].vectors);
            vectors.tr_mul(&symmetric(given, self.extent[of], Part::Tangent)) * vectors
        });
        let noise = state.values[self.noise + item].part(Part::Tangent);
        let values = self.turned(state, item, spectra, Part::Tangent);
        Some(Parts { matrices, noise, values })
    }

    pub(super) fn cost(&self) -> Cost {
        let [n, m] = self.extent;
        let row_operations = 16 * (n * n + m * m) + 8 * n * m;
        Cost { tag: self.tag, rows: self.count * n.max(m), row_operations, operations: 0 }
    }

    /// Makes room for what the sweeps share.
    pub(super) fn extend(&mut self, extent: &mut Extent) {
        self.memory = extent.memory;
        extent.memory += self.count * self.kept();
    }
}

impl Residual {
    /// The derivatives of the log density.
    fn gradient(&self, spectra: &[Spectrum; 2]) -> Parts {
        let Residual { inverse, z, .. } = self;
        let [a, b] = spectra.each_ref().map(|spectrum| &spectrum.values);
        let down = scale_columns(z, b) * z.transpose() - DMatrix::from_diagonal(&(inverse * b));
        let across = scale_rows(z, a).tr_mul(z) - DMatrix::from_diagonal(&inverse.tr_mul(a));
        Parts {
            matrices: [down * 0.5, across * 0.5],
            noise: 0.5 * (z.norm_squared() - inverse.sum()),
            values: -z,
        }
    }

    /// The tangents of the derivatives.
    fn tangent(&self, motion: &Parts, spectra: &[Spectrum; 2]) -> Parts {
        let Residual { inverse, z, .. } = self;
        let [a, b] = spectra.each_ref().map(|spectrum| &spectrum.values);
        let ([r, c], noise) = (&motion.matrices, motion.noise);
        let (weighted, lifted) = (scale_columns(z, b), scale_rows(z, a));
        let moving =
            (&motion.values - r * &weighted - &lifted * c - z * noise).component_mul(inverse);
        // The tangent of the covariance on its diagonal, by d².
        let trace = inverse
            .map_with_location(|i, j, d| d * d * (r[(i, i)] * b[j] + a[i] * c[(j, j)] + noise));
        let (inner, outer) = (&moving * weighted.transpose(), moving.tr_mul(&lifted));
        let down = &inner + inner.transpose() + z * c * z.transpose()
            - traces(inverse, b, r, &(c.diagonal(), a), noise);
        let across = &outer + outer.transpose() + z.tr_mul(&(r * z))
            - traces(&inverse.transpose(), a, c, &(r.diagonal(), b), noise);
        Parts {
            matrices: [down * 0.5, across * 0.5],
            noise: z.dot(&moving) + 0.5 * trace.sum(),
            values: -moving,
        }
    }
}

impl Parts {
    /// The sum of products.
    fn dot(&self, other: &Parts) -> f64 {
        let matrices: f64 = self.matrices.iter().zip(&other.matrices).map(|(x, y)| x.dot(y)).sum();
        matrices + self.noise * other.noise + self.values.dot(&other.values)
    }
}

impl Spectrum {
    /// That of the symmetric matrix with this lower triangle; NaN where it is not finite.
    fn new<T: Lane>(lower: &[T], size: usize) -> Self {
        let matrix = symmetric(lower, size, Part::Value);
        let (values, vectors) = symmetric_eigen(matrix).unwrap_or_else(|| {
            (DVector::from_element(size, f64::NAN), DMatrix::identity(size, size))
        });
        Spectrum { vectors, values }
    }

    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.vectors.iter().chain(self.values.iter()).copied()
    }
}

/// The tangent of Tr₂[M⁻¹ (I ⊗ C)], whose i-th entry is Σⱼ bⱼ dᵢⱼ, where R moves by `own`, C by
/// `other` on its diagonal, and the noise by `noise`.
fn traces(
    inverse: &DMatrix<f64>,
    b: &DVector<f64>,
    own: &DMatrix<f64>,
    (other, a): &(DVector<f64>, &DVector<f64>),
    noise: f64,
) -> DMatrix<f64> {
    let weighted = scale_columns(inverse, b);
    let mut trace = -(&weighted * weighted.transpose()).component_mul(own);
    for i in 0..inverse.nrows() {
        for (j, other) in other.iter().enumerate() {
            let d = inverse[(i, j)];
            trace[(i, i)] += d * other - d * weighted[(i, j)] * (a[i] * other + noise);
        }
    }
    trace
}

/// A part of the symmetric matrix with this lower triangle.
fn symmetric<T: Lane>(lower: &[T], size: usize, part: Part) -> DMatrix<f64> {
    DMatrix::from_fn(size, size, |i, j| lower[i.max(j) * size + i.min(j)].part(part))
}

fn scale_columns(matrix: &DMatrix<f64>, by: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * by[j])
}

fn scale_rows(matrix: &DMatrix<f64>, by: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * by[i])
}
