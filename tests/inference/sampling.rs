//! NUTS against closed forms and quadrature.
//!
//! A mean is compared within four and a half of its own Monte Carlo standard errors, with effective
//! sample sizes by `chains`, which agrees with ArviZ: a false alarm below 1e-5 per comparison.

use rayon::ThreadPoolBuilder;
use vippl::inference::chains::mixing;
use vippl::inference::evaluate::Evaluator;
use vippl::inference::nuts::{Chain, Nuts};
use vippl::inference::{Options, Target};

use crate::targets::{
    Analytic, EightSchools, Funnel, Gaussian, Regression, SCHOOL_MEAN, SCHOOL_SD,
};

fn chains<T: Target>(nuts: &Nuts, target: &T, seed: u64) -> Vec<Chain> {
    nuts.sample(&mut Evaluator::new(target), target, &Options::default().starts, seed)
}

/// The draws of every quantity, chain after chain.
fn quantities<T: Target>(target: &T, chains: &[Chain]) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); target.quantity_count()];
    let (mut workspace, mut values) = (target.workspace(), vec![0.0; columns.len()]);
    for point in chains.iter().flat_map(|chain| chain.points.column_iter()) {
        target.quantities(&mut workspace, point.clone_owned().as_slice(), &mut values);
        columns.iter_mut().zip(&values).for_each(|(column, value)| column.push(*value));
    }
    columns
}

/// Means, and sds by their squared deviations, agree with the truth.
fn assert_right<T: Target>(target: &T, nuts: &Nuts, mean: &[f64], sd: &[f64], slack: f64) {
    let chains = chains(nuts, target, 3);
    assert_eq!(chains.len(), 4);
    for (index, column) in quantities(target, &chains).iter().enumerate() {
        let found = mixing(column, 4);
        let n = column.len() as f64;
        let average = |f: &dyn Fn(f64) -> f64| column.iter().map(|x| f(*x)).sum::<f64>() / n;
        let own = average(&|x| x);
        let variance = average(&|x| (x - mean[index]).powi(2));
        let fourth = average(&|x| (x - mean[index]).powi(4));
        let error = 4.5 * sd[index] / found.mean_ess.sqrt() + slack * sd[index];
        assert!((own - mean[index]).abs() < error, "{index}: {own} {} ± {error}", mean[index]);
        let error = 4.5 * ((fourth - variance * variance) / found.sd_ess).sqrt();
        let error = error + 2.0 * slack * variance;
        let truth = sd[index] * sd[index];
        assert!((variance - truth).abs() < error, "{index}: {variance} {truth} ± {error}");
        assert!(found.rhat < 1.02 && found.bulk_ess > 400.0, "{index}: {found:?}");
    }
}

#[test]
fn a_correlated_normal_is_sampled_by_either_metric() {
    let target = Gaussian::correlated(0.9);
    for dense_limit in [0, 30] {
        let nuts = Nuts { dense_limit, ..Nuts::default() };
        assert_right(&target, &nuts, &[3.0, -2.0], &[1.0, 1.0], 0.0);
    }
}

#[test]
fn scales_that_differ_by_a_hundred_are_learned() {
    let target = Gaussian::of_condition(10, 1e4);
    let sd: Vec<f64> = target.covariance.diagonal().iter().map(|v| v.sqrt()).collect();
    assert_right(&target, &Nuts::default(), target.mean.as_slice(), &sd, 0.0);
}

#[test]
fn regressions_agree_with_quadrature() {
    // regression.py, to ten digits.
    let target = Analytic(Regression::Poisson);
    let (mean, sd) = ([0.4537294324, 1.0147386003], [0.3246290694, 0.2282490792]);
    assert_right(&target, &Nuts::default(), &mean, &sd, 0.0);
}

#[test]
fn noncentred_eight_schools_agree_with_quadrature() {
    let target = Analytic(EightSchools { centred: false });
    let nuts = Nuts { draws: 4000, acceptance: 0.95, ..Nuts::default() };
    assert_right(&target, &nuts, &SCHOOL_MEAN, &SCHOOL_SD, 0.01);
}

#[test]
fn a_funnel_makes_trajectories_diverge() {
    let chains = chains(&Nuts::default(), &Analytic(Funnel(10)), 1);
    assert!(chains.iter().map(|chain| chain.divergences).sum::<usize>() > 0);
}

#[test]
fn the_number_of_threads_changes_no_draw() {
    let target = Analytic(EightSchools { centred: false });
    let nuts = Nuts { warmup: 100, draws: 50, ..Nuts::default() };
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| chains(&nuts, &target, 7))
    };
    let (one, two) = (with(1), with(2));
    for (a, b) in one.iter().zip(&two) {
        assert!(a.points == b.points && a.step == b.step);
    }
}
