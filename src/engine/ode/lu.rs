//! Equations in small dense matrices of plain numbers, with many right sides of any lane.

use crate::engine::lane::{Lane, add_scaled};

/// Turns a row-major matrix into its factors, L below the diagonal, and notes the exchanges of
/// rows. A singular matrix gives solutions that are not finite.
pub(super) fn factorize(matrix: &mut [f64], pivots: &mut [usize]) {
    let size = pivots.len();
    for column in 0..size {
        let below = (column..size).map(|row| matrix[row * size + column].abs());
        let largest = below
            .enumerate()
            .fold((0, -1.0), |largest, (row, x)| if x > largest.1 { (row, x) } else { largest });
        let pivot = column + largest.0;
        pivots[column] = pivot;
        if pivot != column {
            for j in 0..size {
                matrix.swap(pivot * size + j, column * size + j);
            }
        }
        let (above, below) = matrix.split_at_mut((column + 1) * size);
        let own = &above[column * size..];
        for row in below.chunks_exact_mut(size) {
            let factor = row[column] / own[column];
            row[column] = factor;
            add_scaled(&mut row[column + 1..], -factor, &own[column + 1..]);
        }
    }
}

/// Solves for all columns of the right side, row-major, in place.
pub(super) fn solve<T: Lane>(factors: &[f64], pivots: &[usize], sides: &mut [T]) {
    let size = pivots.len();
    let width = sides.len() / size.max(1);
    for (row, pivot) in pivots.iter().enumerate().filter(|(row, pivot)| row != *pivot) {
        for column in 0..width {
            sides.swap(row * width + column, pivot * width + column);
        }
    }
    for row in 0..size {
        let (above, own) = sides.split_at_mut(row * width);
        for (column, other) in above.chunks_exact(width).enumerate() {
            let factor = T::constant(-factors[row * size + column]);
            add_scaled(&mut own[..width], factor, other);
        }
    }
    for row in (0..size).rev() {
        let (above, below) = sides.split_at_mut((row + 1) * width);
        let own = &mut above[row * width..];
        for (column, other) in (row + 1..).zip(below.chunks_exact(width)) {
            add_scaled(own, T::constant(-factors[row * size + column]), other);
        }
        own.iter_mut().for_each(|x| *x = *x / factors[row * size + row]);
    }
}
