//! The numbers a routine computes with, and loops over them.

use super::routine::Part;
use crate::math::{Dual, Scalar};
use std::hint::black_box;

/// A number of a register: `f64`, or a dual number for products with the Hessian. A mask is kept
/// as 1 or 0.
pub(super) trait Lane: Scalar<Mask = bool> + Send + Sync {
    /// The number without its tangent.
    fn real(self) -> f64;

    /// The number and its tangent, which is 0 where there is none.
    fn parts(self) -> [f64; 2];

    /// What a number consists of.
    const PARTS: &'static [Part];

    /// The number or its tangent.
    fn part(self, part: Part) -> f64;

    /// Overwrites the number or its tangent.
    fn set_part(&mut self, part: Part, x: f64);

    /// Adds to the number or its tangent.
    fn add_part(&mut self, part: Part, x: f64);

    /// Whether the number and its tangent are 0.
    fn is_zero(self) -> bool {
        self.parts() == [0.0; 2]
    }
}

impl Lane for f64 {
    #[inline(always)]
    fn real(self) -> f64 {
        self
    }

    #[inline(always)]
    fn parts(self) -> [f64; 2] {
        [self, 0.0]
    }

    const PARTS: &'static [Part] = &[Part::Value];

    #[inline(always)]
    fn part(self, part: Part) -> f64 {
        match part {
            Part::Value => self,
            Part::Tangent => 0.0,
        }
    }

    #[inline(always)]
    fn set_part(&mut self, part: Part, x: f64) {
        match part {
            Part::Value => *self = x,
            Part::Tangent => {}
        }
    }

    #[inline(always)]
    fn add_part(&mut self, part: Part, x: f64) {
        match part {
            Part::Value => *self += x,
            Part::Tangent => {}
        }
    }
}

impl Lane for Dual<f64> {
    #[inline(always)]
    fn real(self) -> f64 {
        self.value
    }

    #[inline(always)]
    fn parts(self) -> [f64; 2] {
        [self.value, self.tangent]
    }

    const PARTS: &'static [Part] = &[Part::Value, Part::Tangent];

    #[inline(always)]
    fn part(self, part: Part) -> f64 {
        match part {
            Part::Value => self.value,
            Part::Tangent => self.tangent,
        }
    }

    #[inline(always)]
    fn set_part(&mut self, part: Part, x: f64) {
        match part {
            Part::Value => self.value = x,
            Part::Tangent => self.tangent = x,
        }
    }

    #[inline(always)]
    fn add_part(&mut self, part: Part, x: f64) {
        match part {
            Part::Value => self.value += x,
            Part::Tangent => self.tangent += x,
        }
    }
}

/// How many partial sums are kept, so that additions do not wait for each other.
const PARTIAL_SUMS: usize = 8;

/// Σ x, always in the same order.
#[inline(always)]
pub(super) fn sum<T: Lane>(xs: &[T]) -> T {
    let mut partial = [[T::constant(0.0); PARTIAL_SUMS]; 2];
    let (pairs, rest) = xs.as_chunks::<{ 2 * PARTIAL_SUMS }>();
    for pair in pairs {
        for i in 0..PARTIAL_SUMS {
            partial[0][i] = partial[0][i] + pair[i];
            partial[1][i] = partial[1][i] + pair[i + PARTIAL_SUMS];
        }
    }
    let [mut even, odd] = partial;
    let (chunks, rest) = rest.as_chunks::<PARTIAL_SUMS>();
    for chunk in chunks {
        for i in 0..PARTIAL_SUMS {
            even[i] = even[i] + chunk[i];
        }
    }
    let mut sum = T::constant(0.0);
    for x in rest {
        sum = sum + *x;
    }
    for i in 0..PARTIAL_SUMS {
        even[i] = even[i] + odd[i];
    }
    sum + join(even)
}

/// The sum of partial sums, in pairs, so that few additions wait for each other.
#[inline(always)]
pub(super) fn join<T: Lane>(partial: [T; PARTIAL_SUMS]) -> T {
    // Without this the compiler keeps partial sums in pairs, as they are added here, all through the
    // loop before: a quarter of the widest vectors.
    let [a, b, c, d, e, f, g, h] = black_box(partial);
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Σ x y, always in the same order.
pub(super) fn dot<T: Lane>(xs: &[T], ys: &[T]) -> T {
    let mut partial = [T::constant(0.0); PARTIAL_SUMS];
    let (x_chunks, x_rest) = xs.as_chunks::<PARTIAL_SUMS>();
    let (y_chunks, y_rest) = ys.as_chunks::<PARTIAL_SUMS>();
    for (xs, ys) in x_chunks.iter().zip(y_chunks) {
        for ((sum, x), y) in partial.iter_mut().zip(xs).zip(ys) {
            *sum = *sum + *x * *y;
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(x, y)| *x * *y);
    rest.fold(T::constant(0.0), |sum, x| sum + x) + join(partial)
}

/// to += factor x, as far as both go.
pub(super) fn add_scaled<T: Lane>(to: &mut [T], factor: T, xs: &[T]) {
    for (to, x) in to.iter_mut().zip(xs) {
        *to = *to + factor * *x;
    }
}

/// The number that stands for a mask.
pub(super) fn from_mask<T: Lane>(mask: bool) -> T {
    T::constant(if mask { 1.0 } else { 0.0 })
}

/// The mask that a number stands for.
pub(super) fn to_mask<T: Lane>(number: T) -> bool {
    T::constant(0.0).less(number)
}
