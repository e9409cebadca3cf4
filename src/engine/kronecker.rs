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
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::ops::Range;

/// How often the eigenvalue iteration may sweep, per row.
const EIGEN_SWEEPS: usize = 64;

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

/// The log density of a group and its derivatives in the basis of the eigenvectors, or the tangents of
/// all of these.
struct Group {
    /// The derivative in R and in C.
    matrices: [DMatrix<f64>; 2],
    noise: f64,
    values: DMatrix<f64>,
    log_density: f64,
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
        for item in 0..self.count {
            let spectra =
                [0, 1].map(|of| spectrum(&state.values[self.matrix(of, item)], self.extent[of]));
            let kept = spectra.iter().flat_map(Spectrum::numbers).map(T::constant);
            let memory = &mut state.memory[self.memory + item * self.kept()..];
            memory.iter_mut().zip(kept).for_each(|(to, x)| *to = x);
            let (group, tangent) = self.derivatives(state, item, &spectra);
            let mut log_density = T::constant(group.log_density);
            if let Some(tangent) = tangent {
                log_density.set_part(Part::Tangent, tangent.log_density);
            }
            state.values[self.output + item] = log_density;
        }
    }

    /// Adds to the adjoints of what was read.
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        for item in 0..self.count {
            let weight = state.adjoints[self.output + item];
            let spectra = self.recall(state, item);
            let (group, tangent) = self.derivatives(state, item, &spectra);
            let [value_weight, tangent_weight] = weight.parts();
            self.add(state, item, &spectra, (&group, value_weight), Part::Value);
            if let Some(tangent) = tangent {
                self.add(state, item, &spectra, (&tangent, value_weight), Part::Tangent);
                self.add(state, item, &spectra, (&group, tangent_weight), Part::Tangent);
            }
        }
    }

    /// Adds the weighted derivatives of a group to a part of the adjoints.
    fn add<T: Lane>(
        &self,
        state: &mut State<T>,
        item: usize,
        spectra: &[Spectrum; 2],
        (group, weight): (&Group, f64),
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

    /// The log density and its derivatives, and the tangents of both if the lane has tangents.
    fn derivatives<T: Lane>(
        &self,
        state: &State<T>,
        item: usize,
        [down, across]: &[Spectrum; 2],
    ) -> (Group, Option<Group>) {
        let [n, m] = self.extent;
        let turned = |part: Part| {
            let given = &state.values[self.given(item)];
            let x = DMatrix::from_row_iterator(n, m, given.iter().map(|x| x.part(part)));
            down.vectors.tr_mul(&x) * &across.vectors
        };
        let (a, b) = (&down.values, &across.values);
        let [noise, noise_tangent] = state.values[self.noise + item].parts();
        let inverse = DMatrix::from_fn(n, m, |i, j| {
            let variance = a[i] * b[j] + noise;
            if variance > 0.0 { variance.recip() } else { f64::NAN }
        });
        let x = turned(Part::Value);
        let z = x.component_mul(&inverse);
        let squares = x.component_mul(&z).sum() - inverse.iter().map(|d| d.ln()).sum::<f64>();
        let weighted = scale_columns(&z, b);
        let lifted = scale_rows(&z, a);
        let group = Group {
            matrices: [
                (&weighted * z.transpose() - DMatrix::from_diagonal(&(&inverse * b))) * 0.5,
                (lifted.tr_mul(&z) - DMatrix::from_diagonal(&inverse.tr_mul(a))) * 0.5,
            ],
            noise: 0.5 * (z.norm_squared() - inverse.sum()),
            values: -&z,
            log_density: -0.5 * squares - (n * m) as f64 * LN_SQRT_TAU,
        };
        if T::PARTS.len() == 1 {
            return (group, None);
        }
        let [r, c] = &[(0, &down.vectors), (1, &across.vectors)].map(|(of, vectors)| {
            let given = &state.values[self.matrix(of, item)];
            vectors.tr_mul(&symmetric(given, self.extent[of], Part::Tangent)) * vectors
        });
        let x = turned(Part::Tangent);
        let z_tangent =
            (&x - r * &weighted - &lifted * c - &z * noise_tangent).component_mul(&inverse);
        // The tangent of the covariance, as far as it is diagonal, for each pair.
        let variance =
            DMatrix::from_fn(n, m, |i, j| r[(i, i)] * b[j] + a[i] * c[(j, j)] + noise_tangent);
        let square = inverse.component_mul(&inverse);
        let inner = &z_tangent * weighted.transpose();
        let outer = z_tangent.tr_mul(&lifted);
        let traces = [
            traces(&inverse, b, r, &(c.diagonal(), a), noise_tangent),
            traces(&inverse.transpose(), a, c, &(r.diagonal(), b), noise_tangent),
        ];
        let quadratic = [
            &inner + inner.transpose() + &z * c * z.transpose(),
            &outer + outer.transpose() + z.tr_mul(&(r * &z)),
        ];
        let dot = |p: &DMatrix<f64>, q: &DMatrix<f64>| p.component_mul(q).sum();
        let log_density = dot(&group.matrices[0], r)
            + dot(&group.matrices[1], c)
            + dot(&group.values, &x)
            + group.noise * noise_tangent;
        let [first, second] = quadratic;
        let [first_trace, second_trace] = traces;
        let tangent = Group {
            matrices: [(first - first_trace) * 0.5, (second - second_trace) * 0.5],
            noise: dot(&z, &z_tangent) + 0.5 * dot(&square, &variance),
            values: -z_tangent,
            log_density,
        };
        (group, Some(tangent))
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

impl Spectrum {
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

/// The eigenvectors of the symmetric matrix with this lower triangle; NaN where it is not finite.
fn spectrum<T: Lane>(lower: &[T], size: usize) -> Spectrum {
    let matrix = symmetric(lower, size, Part::Value);
    let finite = matrix.iter().all(|x| x.is_finite());
    let sweeps = EIGEN_SWEEPS * size;
    match finite.then(|| SymmetricEigen::try_new(matrix, f64::EPSILON, sweeps)).flatten() {
        Some(eigen) => Spectrum { vectors: eigen.eigenvectors, values: eigen.eigenvalues },
        None => Spectrum {
            vectors: DMatrix::identity(size, size),
            values: DVector::from_element(size, f64::NAN),
        },
    }
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
