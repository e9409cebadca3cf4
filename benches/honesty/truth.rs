//! Means and sds of all quantities by quadrature, or by long runs of NUTS that are kept on disk.

use crate::case::Case;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use vippl::inference::chains::mixing;
use vippl::inference::evaluate::Evaluator;
use vippl::inference::nuts::Nuts;
use vippl::inference::{Options, Target};

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

/// The mean and sd of every quantity by NUTS; `None` if it does not converge: an R-hat above 1.01,
/// an effective sample size below 1,000, or more than one divergence in 500.
pub(crate) fn nuts(case: &Case) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut hasher = DefaultHasher::new();
    (&case.text, serde_json::to_string(&case.data).ok()).hash(&mut hasher);
    let name = format!("truth-{:016x}.json", hasher.finish());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if let Some(kept) = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
        return kept;
    }
    let found = run(case);
    std::fs::write(&path, serde_json::to_vec(&found).expect("plain numbers")).expect("writable");
    found
}

fn run(case: &Case) -> Option<(Vec<f64>, Vec<f64>)> {
    let model = case.compile_for_truth();
    let target = model.target();
    let nuts = Nuts { draws: 6000, warmup: 1500, acceptance: 0.99, ..Nuts::default() };
    let mut evaluator = Evaluator::new(target);
    let chains = nuts.sample(&mut evaluator, target, &Options::default().starts, 1);
    let divergences: usize = chains.iter().map(|chain| chain.divergences).sum();
    if chains.len() < nuts.chains || divergences * 500 > nuts.chains * nuts.draws {
        return None;
    }
    let quantities: Vec<_> = chains.iter().map(|c| evaluator.quantities(&c.points)).collect();
    let (mut means, mut sds) = (Vec::new(), Vec::new());
    for index in 0..target.quantity_count() {
        let draws: Vec<f64> = quantities
            .iter()
            .flat_map(|q| q.row(index).iter().copied().collect::<Vec<_>>())
            .collect();
        let told = mixing(&draws, nuts.chains);
        let enough = told.bulk_ess.min(told.mean_ess).min(told.sd_ess) > 1000.0;
        if told.rhat.is_nan() || told.rhat > 1.01 || !enough {
            return None;
        }
        let count = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / count;
        means.push(mean);
        sds.push((draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt());
    }
    Some((means, sds))
}
