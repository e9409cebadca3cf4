//! The data of rows, and triangles with the same sums of squares.

use super::form::Basis;
use crate::graph::matrix::Matrix;
use crate::graph::node::{Kernel, Product};
use std::collections::BTreeMap;

/// So many products are added up side by side.
const LANES: usize = 8;

/// The rows x_r of a kernel.
pub(super) struct Rows<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) products: &'a [Option<Product>],
    /// Where the elements of each basis begin.
    pub(super) places: BTreeMap<Basis, usize>,
    /// How many elements there are.
    pub(super) size: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        kernel: &'a Kernel,
        products: &'a [Option<Product>],
        bases: impl Iterator<Item = Basis>,
    ) -> Self {
        let mut rows = Rows { kernel, products, places: BTreeMap::new(), size: 0 };
        let mut bases: Vec<Basis> = bases.collect();
        bases.sort_unstable();
        bases.dedup();
        for basis in bases {
            rows.places.insert(basis, rows.size);
            rows.size += rows.product(basis).map_or(1, |product| product.matrix.columns());
        }
        rows
    }

    /// The product that a basis is.
    pub(super) fn product(&self, basis: Basis) -> Option<&'a Product> {
        match basis {
            Basis::One | Basis::Column(_) => None,
            Basis::Product(k) => self.products[k as usize].as_ref(),
        }
    }

    /// Writes the elements of so many rows, the first in the given place.
    pub(super) fn read(
        &self,
        count: usize,
        row: impl Fn(usize) -> usize,
        columns: &mut [Vec<f64>],
        first: usize,
    ) {
        for (basis, offset) in &self.places {
            match (basis, self.product(*basis)) {
                (Basis::One, _) => columns[*offset][first..first + count].fill(1.0),
                (Basis::Column(k), _) => {
                    let from = &self.kernel.columns[*k as usize];
                    let to = &mut columns[*offset][first..first + count];
                    to.iter_mut().enumerate().for_each(|(i, to)| *to = from[row(i)]);
                }
                (Basis::Product(_), None) => {}
                (Basis::Product(_), Some(product)) => {
                    for k in 0..product.matrix.columns() {
                        let to = &mut columns[offset + k][first..first + count];
                        to.iter_mut().enumerate().for_each(|(i, to)| {
                            *to = product.matrix.at(row(i), k);
                        });
                    }
                }
            }
        }
    }

    /// The R of a QR of so many rows, by Householder reflections of R on top of a block of rows. It is
    /// in the first rows of the columns, which are of any length before.
    pub(super) fn reduce(
        &self,
        count: usize,
        row: impl Fn(usize) -> usize,
        columns: &mut Vec<Vec<f64>>,
    ) {
        let (size, height) = (self.size, Matrix::TILE.max(2 * self.size));
        columns.resize_with(size, Vec::new);
        for column in columns.iter_mut() {
            column.resize(size + height, 0.0);
            column[..size].fill(0.0);
        }
        for first in (0..count).step_by(height) {
            let rows = height.min(count - first);
            self.read(rows, |i| row(first + i), columns, size);
            // Whole vectors, so that the order of sums does not depend on what follows.
            let end = size + rows.next_multiple_of(LANES).min(height);
            columns.iter_mut().for_each(|column| column[size + rows..end].fill(0.0));
            reflect(columns, size, end);
        }
    }
}

/// Turns a triangle on top of a block into a triangle on top of zeros; columns end with the block.
fn reflect(columns: &mut [Vec<f64>], size: usize, end: usize) {
    for pivot in 0..columns.len() {
        let (done, rest) = columns.split_at_mut(pivot + 1);
        let own = &mut done[pivot][..end];
        let block = dot(&own[size..], &own[size..]);
        if block == 0.0 {
            continue;
        }
        let length = (own[pivot] * own[pivot] + block).sqrt();
        let head = if own[pivot] > 0.0 { own[pivot] + length } else { own[pivot] - length };
        // H = 1 - 2 v vᵀ / vᵀ v with v = (head, block).
        let factor = 2.0 / (head * head + block);
        for other in rest {
            let along = head * other[pivot] + dot(&own[size..], &other[size..end]);
            let step = factor * along;
            other[pivot] -= step * head;
            for (to, x) in other[size..end].iter_mut().zip(&own[size..]) {
                *to -= step * x;
            }
        }
        own[pivot] = if own[pivot] > 0.0 { -length } else { length };
        own[size..].fill(0.0);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| sum + a * b);
    sums.iter().fold(rest, |sum, x| sum + x)
}
