//! Which coordinate of a pair is integrated inside the other.

use super::Parts;
use crate::inference::evaluate::{Evaluation, Tally};
use crate::inference::target::Target;

/// The coordinates of each block, first the one whose curvature changes more along itself: where the
/// density is normal in the other one, given it, few nodes are needed.
pub(super) fn ordered<P: Target>(parts: &Parts<P>, tally: &Tally) -> Vec<Vec<usize>> {
    let length = parts.weighed.dimension();
    let mut workspace = parts.weighed.workspace();
    let (mut direction, mut product) = (vec![0.0; length], vec![0.0; length]);
    let mut curvatures = |place: usize, at: f64| {
        let mut point = vec![0.0; length];
        point[length - parts.blocks.len() - 1..].fill(1.0);
        direction.fill(0.0);
        for coordinate in parts.blocks.iter().filter_map(|block| block.get(place)) {
            direction[*coordinate] = 1.0;
            point[*coordinate] = at;
        }
        tally.count(Evaluation::HessianVector);
        parts.weighed.hessian_vector(&mut workspace, &point, &direction, &mut product);
        let own = |block: &Vec<usize>| block.get(place).map_or(f64::NAN, |at| product[*at]);
        parts.blocks.iter().map(own).collect::<Vec<f64>>()
    };
    let mut changes = |place: usize| {
        let [before, middle, after] = [-1.0, 0.0, 1.0].map(|at| curvatures(place, at));
        let ends = before.iter().zip(&after);
        let change = |(middle, (before, after)): (&f64, (&f64, &f64))| {
            ((before - middle).abs() + (after - middle).abs()) / middle.abs()
        };
        middle.iter().zip(ends).map(change).collect::<Vec<f64>>()
    };
    let (first, second) = (changes(0), changes(1));
    let in_order = |(block, (first, second)): (&Vec<usize>, (&f64, &f64))| {
        let mut block = block.clone();
        if first < second {
            block.reverse();
        }
        block
    };
    parts.blocks.iter().zip(first.iter().zip(&second)).map(in_order).collect()
}
