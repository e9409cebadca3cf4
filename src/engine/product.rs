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

    /// Some rows of X v for one v or several, all in one tile: each number of X is loaded once for all.
    /// The bits are the same for any number of them.
    #[inline(always)]
    pub(super) fn times<A: Arithmetic, T: Lane, const P: usize>(
        &self,
        rows: &Range<usize>,
        values: [&[T]; P],
        part: Part,
        mut out: [&mut Register; P],
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let length = inside.len().min(BLOCK);
        let vectors = values.map(|values| &values[self.inputs()]);
        out.iter_mut().for_each(|out| out.0[..length].fill(0.0));
        let mut columns = tile.chunks_exact(height).map(|column| &column[inside.clone()][..length]);
        let mut next = || columns.next().unwrap_or_default();
        let (mut k, count) = (0, self.matrix.columns());
        let at = |v: &[T], k: usize| v[k].part(part);
        while k + 4 <= count {
            let v = vectors.map(|v| [at(v, k), at(v, k + 1), at(v, k + 2), at(v, k + 3)]);
            add_columns::<A, 4, P>([next(), next(), next(), next()], v, &mut out, length);
            k += 4;
        }
        while k + 2 <= count {
            let v = vectors.map(|v| [at(v, k), at(v, k + 1)]);
            add_columns::<A, 2, P>([next(), next()], v, &mut out, length);
            k += 2;
        }
        if k < count {
            add_columns::<A, 1, P>([next()], vectors.map(|v| [at(v, k)]), &mut out, length);
        }
    }

    /// A single row of X v, with the same bits.
    #[inline(always)]
    pub(super) fn row<A: Arithmetic, T: Lane>(&self, row: usize, values: &[T], part: Part) -> f64 {
        let mut out = Register::ZERO;
        self.times::<A, T, 1>(&(row..row + 1), [values], part, [&mut out]);
        out.0[0]
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
        self.add_all_transposed::<A, T, 1>(rows, [r], [factor], [adjoints], part);
    }

    /// For several points adjoint += factor Xᵀ r, for some rows, all in one tile: each number of X is
    /// loaded once for all. Each has the bits of [`PlacedProduct::add_transposed`].
    #[inline(always)]
    pub(super) fn add_all_transposed<A: Arithmetic, T: Lane, const P: usize>(
        &self,
        rows: &Range<usize>,
        r: [&[f64]; P],
        factors: [f64; P],
        adjoints: [&mut [T]; P],
        part: Part,
    ) {
        let first = rows.start - rows.start % BLOCK;
        let (tile, height) = self.matrix.tile(first);
        let inside = rows.start - first..rows.end - first;
        let to = adjoints.map(|to| &mut to[self.inputs()]);
        for (k, column) in tile.chunks_exact(height).enumerate() {
            let dots = dots::<A, P>(&column[inside.clone()], r);
            for p in 0..P {
                to[p][k].add_part(part, factors[p] * dots[p]);
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

/// Adds a few columns, each times a number, for each of some points.
#[allow(clippy::needless_range_loop, reason = "a loop over rows becomes vector code")]
#[inline(always)]
fn add_columns<A: Arithmetic, const COLUMNS: usize, const P: usize>(
    columns: [&[f64]; COLUMNS],
    factors: [[f64; COLUMNS]; P],
    out: &mut [&mut Register; P],
    length: usize,
) {
    let length = length.min(BLOCK);
    let mut cut = [&[][..]; COLUMNS];
    for k in 0..COLUMNS {
        cut[k] = &columns[k][..length];
    }
    for i in 0..length {
        for p in 0..P {
            let mut sum = out[p].0[i];
            for k in 0..COLUMNS {
                sum = A::fma(cut[k][i], factors[p][k], sum);
            }
            out[p].0[i] = sum;
        }
    }
}

/// Σ x y, always in the same order.
#[inline(always)]
pub(super) fn dot<A: Arithmetic>(xs: &[f64], ys: &[f64]) -> f64 {
    let [dot] = dots::<A, 1>(xs, [ys]);
    dot
}

/// Two vectors of partial sums, so that additions do not wait for each other.
type Partial = [[f64; LANES]; 2];

/// The sum of partial sums, and of the products that are in none of them yet.
#[inline(always)]
fn finish<A: Arithmetic>(xs: &[f64], ys: &[f64], partial: Partial) -> f64 {
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

/// So many numbers are multiplied at a time.
const STRIDE: usize = 2 * LANES;

/// Adds products to partial sums: a function of its own, so that they stay in vector registers.
#[inline(always)]
fn add_products<A: Arithmetic>(xs: &[f64; STRIDE], ys: &[f64; STRIDE], [even, odd]: &mut Partial) {
    for i in 0..LANES {
        even[i] = A::fma(xs[i], ys[i], even[i]);
    }
    for i in 0..LANES {
        odd[i] = A::fma(xs[i + LANES], ys[i + LANES], odd[i]);
    }
}

/// Σ x y for several y of the length of x, each always in the same order.
#[inline(always)]
fn dots<A: Arithmetic, const P: usize>(xs: &[f64], ys: [&[f64]; P]) -> [f64; P] {
    let mut dots = [0.0; P];
    if let ([a, b, c, d], [to_a, to_b, to_c, to_d]) = (&ys[..], &mut dots[..]) {
        [*to_a, *to_b, *to_c, *to_d] = four_dots::<A>(xs, [a, b, c, d]);
        return dots;
    }
    let (chunks, rest) = xs.as_chunks::<STRIDE>();
    for p in 0..P {
        let (y_chunks, y_rest) = ys[p].as_chunks::<STRIDE>();
        let y_chunks = &y_chunks[..chunks.len()];
        let mut partial = [[0.0; LANES]; 2];
        for (k, xs) in chunks.iter().enumerate() {
            add_products::<A>(xs, &y_chunks[k], &mut partial);
        }
        dots[p] = finish::<A>(rest, y_rest, partial);
    }
    dots
}

/// Σ x y for four y, where x is loaded once for all.
#[inline(always)]
fn four_dots<A: Arithmetic>(xs: &[f64], [a, b, c, d]: [&[f64]; 4]) -> [f64; 4] {
    let (chunks, rest) = xs.as_chunks::<STRIDE>();
    let count = chunks.len();
    let (a, a_rest) = a.as_chunks::<STRIDE>();
    let (b, b_rest) = b.as_chunks::<STRIDE>();
    let (c, c_rest) = c.as_chunks::<STRIDE>();
    let (d, d_rest) = d.as_chunks::<STRIDE>();
    let (a, b, c, d) = (&a[..count], &b[..count], &c[..count], &d[..count]);
    let zero = [[0.0; LANES]; 2];
    let (mut for_a, mut for_b, mut for_c, mut for_d) = (zero, zero, zero, zero);
    for (k, xs) in chunks.iter().enumerate() {
        let xs = *xs;
        add_products::<A>(&xs, &a[k], &mut for_a);
        add_products::<A>(&xs, &b[k], &mut for_b);
        add_products::<A>(&xs, &c[k], &mut for_c);
        add_products::<A>(&xs, &d[k], &mut for_d);
    }
    [
        finish::<A>(rest, a_rest, for_a),
        finish::<A>(rest, b_rest, for_b),
        finish::<A>(rest, c_rest, for_c),
        finish::<A>(rest, d_rest, for_d),
    ]
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
        let mut block = Register::ZERO;
        for first in (0..product.matrix.rows()).step_by(BLOCK) {
            let rows = first..product.matrix.rows().min(first + BLOCK);
            for part in T::PARTS {
                product.times::<A, T, 1>(&rows, [&state.values], *part, [&mut block]);
                let to = &mut state.values[product.output + rows.start..][..rows.len()];
                for (to, x) in to.iter_mut().zip(&block.0) {
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
