//! Means and sds of all quantities by quadrature.

use vippl::inference::Target;

/// Points of a grid in one dimension, and in each of two.
const POINTS: [usize; 2] = [40_001, 1_201];

/// The mean and sd of every quantity, by the trapezoidal rule on [-radius, radius]^d, d < 3.
pub(crate) fn grid<T: Target>(target: &T, radius: f64) -> (Vec<f64>, Vec<f64>) {
    let dimension = target.dimension();
    let count = POINTS[dimension - 1];
    let mut workspace = target.workspace();
    let at = |i: usize| radius * (2.0 * i as f64 / (count - 1) as f64 - 1.0);
    let mut points: Vec<Vec<f64>> = (0..count).map(|i| vec![at(i)]).collect();
    if dimension == 2 {
        let second = |x: &Vec<f64>| (0..count).map(|j| vec![x[0], at(j)]).collect::<Vec<_>>();
        points = points.iter().flat_map(second).collect();
    }
    let log_p: Vec<f64> = points.iter().map(|x| target.log_density(&mut workspace, x)).collect();
    let highest = log_p.iter().copied().filter(|p| p.is_finite()).fold(f64::MIN, f64::max);
    let mut moments = vec![[0.0; 2]; target.quantity_count()];
    let (mut total, mut values) = (0.0, vec![0.0; moments.len()]);
    for (x, p) in points.iter().zip(&log_p) {
        let weight = (p - highest).exp();
        if weight > 0.0 {
            total += weight;
            target.quantities(&mut workspace, x, &mut values);
            for (moment, value) in moments.iter_mut().zip(&values) {
                moment[0] += weight * value;
                moment[1] += weight * value * value;
            }
        }
    }
    let mean = |m: &[f64; 2]| m[0] / total;
    let sd = |m: &[f64; 2]| (m[1] / total - mean(m).powi(2)).max(0.0).sqrt();
    (moments.iter().map(mean).collect(), moments.iter().map(sd).collect())
}
