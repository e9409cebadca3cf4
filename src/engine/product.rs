//! A dense matrix of data times a vector, and its adjoint: whole, or a block of rows at a time inside a
//! kernel, so that the matrix is read from memory once for both.

use super::block::Register;
use super::flat::Layout;
use super::isa::Task;
use super::lane::{Lane, join};
use super::routine::{BLOCK, Part};
use super::workspace::State;
use crate::graph::{Matrix, Product, Tag};
use crate::math::straight::Arithmetic;
use std::ops::Range;
use std::sync::Arc;

/// How many partial sums of a dot product are kept: one vector of the widest kind.
const LANES: usize = 8;

/// How many points share the loads of a matrix: their partial sums and what is loaded fit the vector
/// registers.
pub(super) const ABREAST: usize = 4;

/// A product with its places.
#[derive(Clone, Debug)]
pub(super) struct PlacedProduct {
    pub(super) matrix: Arc<Matrix>,
    input: usize,
    output: usize,
    pub(super) tag: Tag,
}

impl PlacedProduct {
    pub(super) fn new(product: &Product, layout: &Layout) -> Self {
        PlacedProduct {
            matrix: product.matrix.clone(),
            input: layout.slot(product.input),
            output: layout.slot(product.output),
            tag: product.tag,
        }
    }

    /// output = X input
    pub(super) fn forward<T: Lane>(&self, state: &mut State<T>) {
        state.isa.run(Forward { product: self, state });
    }

    /// adjoint of input += Xᵀ adjoint of output
    pub(super) fn backward<T: Lane>(&self, state: &mut State<T>) {
        state.isa.run(Backward { product: self, state });
    }

    /// The positions of the vector.
    pub(super) fn inputs(&self) -> Range<usize> {
        self.input..self.input + self.matrix.columns()
    }

    fn vector<'s, T>(&self, values: &'s [T]) -> &'s [T] {
        &values[self.input..self.input + self.matrix.columns()]
    }

    /// Some rows of X v, all in one tile.
    #[inline(always)]
    pub(super) fn block<A: Arithmetic, T: Lane>(
        &self,
        rows: &Range<usize>,
        values: &[T],
        part: Part,
        out: &mut [f64],
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let out = &mut out[..inside.len()];
        let mut columns = tile.chunks_exact(height);
        let (fours, rest) = self.vector(values).as_chunks::<4>();
        out.fill(0.0);
        for four in fours {
            let [a, b, c, d] = four.map(|v| v.part(part));
            let mut next = || columns.next().map_or(&[][..], |column| &column[inside.clone()]);
            let (xa, xb, xc, xd) = (next(), next(), next(), next());
            let length = out.len();
            let (xa, xb, xc, xd) = (&xa[..length], &xb[..length], &xc[..length], &xd[..length]);
            for i in 0..length {
                let near = A::fma(xa[i], a, A::fma(xb[i], b, out[i]));
                out[i] = A::fma(xc[i], c, A::fma(xd[i], d, near));
            }
        }
        for (v, column) in rest.iter().zip(columns) {
            let v = v.part(part);
            for (out, x) in out.iter_mut().zip(&column[inside.clone()]) {
                *out = A::fma(*x, v, *out);
            }
        }
    }

    /// Some rows of X v for several v, all in one tile: each number of X is loaded once for all. Each
    /// has the bits of [`PlacedProduct::block`].
    #[inline(always)]
    pub(super) fn block_abreast<A: Arithmetic>(
        &self,
        rows: &Range<usize>,
        values: [&[f64]; ABREAST],
        out: &mut [Register; ABREAST],
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let length = inside.len().min(BLOCK);
        let mut columns = tile.chunks_exact(height).map(|column| &column[inside.clone()][..length]);
        let vectors = values.map(|values| self.vector(values));
        out.iter_mut().for_each(|out| out.0[..length].fill(0.0));
        let mut k = 0;
        while k + 4 <= self.matrix.columns() {
            let v = vectors.map(|v| [v[k], v[k + 1], v[k + 2], v[k + 3]]);
            let mut next = || columns.next().map_or(&[][..], |column| column);
            let (xa, xb, xc, xd) = (next(), next(), next(), next());
            let (xa, xb, xc, xd) = (&xa[..length], &xb[..length], &xc[..length], &xd[..length]);
            for i in 0..length {
                let (a, b, c, d) = (xa[i], xb[i], xc[i], xd[i]);
                for p in 0..ABREAST {
                    let near = A::fma(a, v[p][0], A::fma(b, v[p][1], out[p].0[i]));
                    out[p].0[i] = A::fma(c, v[p][2], A::fma(d, v[p][3], near));
                }
            }
            k += 4;
        }
        for column in columns {
            let v = vectors.map(|v| v[k]);
            for (i, x) in column.iter().enumerate() {
                for p in 0..ABREAST {
                    out[p].0[i] = A::fma(*x, v[p], out[p].0[i]);
                }
            }
            k += 1;
        }
    }

    /// A single row of X v, with the same bits.
    #[inline(always)]
    pub(super) fn row<A: Arithmetic, T: Lane>(&self, row: usize, values: &[T], part: Part) -> f64 {
        let mut out = [0.0];
        self.block::<A, T>(&(row..row + 1), values, part, &mut out);
        out[0]
    }

    /// adjoint += factor Xᵀ r for some rows, all in one tile.
    #[inline(always)]
    pub(super) fn add_transposed<A: Arithmetic, T: Lane>(
        &self,
        rows: &Range<usize>,
        r: &[f64],
        factor: f64,
        adjoints: &mut [T],
        part: Part,
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let to = &mut adjoints[self.input..self.input + self.matrix.columns()];
        for (to, column) in to.iter_mut().zip(tile.chunks_exact(height)) {
            to.add_part(part, factor * dot::<A>(&column[inside.clone()], r));
        }
    }

    /// For several points adjoint += factor Xᵀ r, for some rows, all in one tile: each number of X is
    /// loaded once for all. Each has the bits of [`PlacedProduct::add_transposed`].
    #[inline(always)]
    pub(super) fn add_transposed_abreast<A: Arithmetic>(
        &self,
        rows: &Range<usize>,
        r: [&[f64]; ABREAST],
        factors: [f64; ABREAST],
        adjoints: [&mut [f64]; ABREAST],
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let to = adjoints.map(|to| &mut to[self.input..self.input + self.matrix.columns()]);
        for (k, column) in tile.chunks_exact(height).enumerate() {
            let dots = dots::<A>(&column[inside.clone()], r);
            for p in 0..ABREAST {
                to[p][k] += factors[p] * dots[p];
            }
        }
    }

    #[inline(always)]
    pub(super) fn add_transposed_row<A: Arithmetic, T: Lane>(
        &self,
        row: usize,
        r: f64,
        adjoints: &mut [T],
        part: Part,
    ) {
        self.add_transposed::<A, T>(&(row..row + 1), &[r], 1.0, adjoints, part);
    }

    /// adjoint += Xᵀ r where r is the same for all rows.
    #[inline(always)]
    pub(super) fn add_transposed_constant<A: Arithmetic, T: Lane>(
        &self,
        r: f64,
        adjoints: &mut [T],
        part: Part,
    ) {
        let all = [r; BLOCK];
        for first in (0..self.matrix.rows()).step_by(BLOCK) {
            let rows = first..self.matrix.rows().min(first + BLOCK);
            self.add_transposed::<A, T>(&rows, &all[..rows.len()], 1.0, adjoints, part);
        }
    }
}

/// Σ x y, always in the same order.
#[inline(always)]
pub(super) fn dot<A: Arithmetic>(xs: &[f64], ys: &[f64]) -> f64 {
    let mut partial = [[0.0; LANES]; 2];
    let (x_chunks, x_rest) = xs.as_chunks::<{ 2 * LANES }>();
    let (y_chunks, y_rest) = ys.as_chunks::<{ 2 * LANES }>();
    for k in 0..x_chunks.len().min(y_chunks.len()) {
        let (xs, ys) = (&x_chunks[k], &y_chunks[k]);
        for i in 0..LANES {
            partial[0][i] = A::fma(xs[i], ys[i], partial[0][i]);
            partial[1][i] = A::fma(xs[i + LANES], ys[i + LANES], partial[1][i]);
        }
    }
    finish::<A>(x_rest, y_rest, partial)
}

/// The sum of partial sums, and of the products that are in none of them yet.
#[inline(always)]
fn finish<A: Arithmetic>(xs: &[f64], ys: &[f64], partial: [[f64; LANES]; 2]) -> f64 {
    let [mut even, odd] = partial;
    let (x_chunks, x_rest) = xs.as_chunks::<LANES>();
    let (y_chunks, y_rest) = ys.as_chunks::<LANES>();
    if let ([xs], [ys]) = (x_chunks, y_chunks) {
        for i in 0..LANES {
            even[i] = A::fma(xs[i], ys[i], even[i]);
        }
    }
    let mut rest = 0.0;
    for i in 0..x_rest.len().min(y_rest.len()) {
        rest += x_rest[i] * y_rest[i];
    }
    for i in 0..LANES {
        even[i] += odd[i];
    }
    rest + join(even)
}

/// Σ x y for several y of the length of x, each with the bits of [`dot`].
#[inline(always)]
fn dots<A: Arithmetic>(xs: &[f64], ys: [&[f64]; ABREAST]) -> [f64; ABREAST] {
    let mut partial = [[[0.0; LANES]; 2]; ABREAST];
    let (chunks, _) = xs.as_chunks::<{ 2 * LANES }>();
    let all = ys.map(|ys| &ys.as_chunks::<{ 2 * LANES }>().0[..chunks.len()]);
    for k in 0..chunks.len() {
        let xs = &chunks[k];
        for p in 0..ABREAST {
            let ys = &all[p][k];
            for i in 0..LANES {
                partial[p][0][i] = A::fma(xs[i], ys[i], partial[p][0][i]);
                partial[p][1][i] = A::fma(xs[i + LANES], ys[i + LANES], partial[p][1][i]);
            }
        }
    }
    let done = chunks.len() * 2 * LANES;
    let mut dots = [0.0; ABREAST];
    for p in 0..ABREAST {
        dots[p] = finish::<A>(&xs[done..], &ys[p][done..], partial[p]);
    }
    dots
}

struct Forward<'a, T> {
    product: &'a PlacedProduct,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Forward { product, state } = self;
        let mut block = [0.0; BLOCK];
        for first in (0..product.matrix.rows()).step_by(BLOCK) {
            let rows = first..product.matrix.rows().min(first + BLOCK);
            for part in T::PARTS {
                product.block::<A, T>(&rows, &state.values, *part, &mut block);
                let to = &mut state.values[product.output + rows.start..][..rows.len()];
                for (to, x) in to.iter_mut().zip(&block) {
                    to.set_part(*part, *x);
                }
            }
        }
    }
}

struct Backward<'a, T> {
    product: &'a PlacedProduct,
    state: &'a mut State<T>,
}

impl<T: Lane> Task for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Backward { product, state } = self;
        let mut block = [0.0; BLOCK];
        for first in (0..product.matrix.rows()).step_by(BLOCK) {
            let rows = first..product.matrix.rows().min(first + BLOCK);
            let block = &mut block[..rows.len()];
            for part in T::PARTS {
                let from = &state.adjoints[product.output + rows.start..][..rows.len()];
                for (to, x) in block.iter_mut().zip(from) {
                    *to = x.part(*part);
                }
                product.add_transposed::<A, T>(&rows, block, 1.0, &mut state.adjoints, *part);
            }
        }
    }
}
