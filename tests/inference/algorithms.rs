//! Every algorithm on targets with known answers: gradients within error bars of closed forms, the
//! optimum of each family, and what linear response makes of a mean-field guide.

use nalgebra::DMatrix;
use vippl::inference::draws::{antithetic, independent, matched};
use vippl::inference::evaluate::Evaluator;
use vippl::inference::family::Family;
use vippl::inference::fixed_draws::FixedDraws;
use vippl::inference::guide::{FullRank, Guide, LocationScale, MeanField};
use vippl::inference::random::{Purpose, stream};
use vippl::inference::response::Response;
use vippl::inference::stochastic::{Estimator, Stochastic};
use vippl::inference::{Algorithm, Fit, GuideChoice, Options, fit};

use crate::targets::Gaussian;

fn families() -> [Family; 2] {
    let target = Gaussian::of_condition(3, 20.0);
    let root = DMatrix::from_fn(3, 3, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.8,
        std::cmp::Ordering::Greater => 0.2 * (i + j) as f64,
    });
    let mean_field = MeanField { mean: vec![0.3, -0.2, 0.9], scale: vec![0.7, 1.1, 0.6] };
    [Family::MeanField(mean_field), Family::FullRank(FullRank::new(target.mean, root).unwrap())]
}

fn parameters(family: &Family) -> Vec<f64> {
    (0..family.parameters()).map(|i| 0.3 * (2.1 * i as f64 + 0.4).sin()).collect()
}

/// The ELBO of a normal for a normal target: matched draws give it exactly.
fn elbo(target: &Gaussian, family: &Family, theta: &[f64]) -> f64 {
    let base = matched(&mut stream(9, Purpose::FixedDraws, 0), 3, 64);
    let log_p = Evaluator::new(target).log_densities(&family.transform(theta, &base));
    log_p.iter().sum::<f64>() / 64.0 + family.entropy(theta)
}

#[test]
fn gradients_of_path_and_score_are_unbiased() {
    let target = Gaussian::of_condition(3, 20.0);
    for family in families() {
        let theta = parameters(&family);
        let exact: Vec<f64> = (0..theta.len())
            .map(|i| {
                let at = |step: f64| {
                    let mut moved = theta.clone();
                    moved[i] += step;
                    elbo(&target, &family, &moved)
                };
                (at(1e-5) - at(-1e-5)) / 2e-5
            })
            .collect();
        for estimator in [Estimator::Path, Estimator::Score] {
            let mut rng = stream(3, Purpose::Start, 0);
            let mut evaluator = Evaluator::new(&target);
            let (mut sum, mut squares) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
            let repeats = 4000.0;
            for _ in 0..4000 {
                let base = match estimator {
                    Estimator::Path => antithetic(&mut rng, 3, 8),
                    Estimator::Score => independent(&mut rng, 3, 8),
                };
                let stochastic = Stochastic::default();
                let found = stochastic.estimate(estimator, &mut evaluator, &family, &theta, &base);
                for (i, g) in found.unwrap().1.into_iter().enumerate() {
                    sum[i] += g;
                    squares[i] += g * g;
                }
            }
            for (i, exact) in exact.iter().enumerate() {
                let mean = sum[i] / repeats;
                let variance = (squares[i] / repeats - mean * mean).max(0.0);
                let error = (variance / repeats).sqrt();
                // Five standard errors: a false alarm in 2 million.
                assert!(
                    (mean - exact).abs() < 5.0 * error + 1e-7,
                    "{estimator:?} {i}: {mean} ± {error}, not {exact}"
                );
            }
        }
    }
}

#[test]
fn the_path_gradient_vanishes_at_the_posterior() {
    let target = Gaussian::of_condition(3, 20.0);
    let root = target.covariance.clone().cholesky().unwrap().l();
    let family = Family::FullRank(FullRank::new(target.mean.clone(), root).unwrap());
    let zero = vec![0.0; family.parameters()];
    let base = independent(&mut stream(1, Purpose::Start, 0), 3, 4);
    let mut evaluator = Evaluator::new(&target);
    let stochastic = Stochastic::default();
    let found = stochastic.estimate(Estimator::Path, &mut evaluator, &family, &zero, &base);
    assert!(found.unwrap().1.iter().all(|g| g.abs() < 1e-10));
}

fn by(guide: GuideChoice, algorithm: Algorithm, target: &Gaussian) -> Fit {
    let options = Options { guide, algorithm, ..Options::default() };
    fit(target, &options, 4, &mut |_| {}).unwrap()
}

#[test]
fn every_algorithm_finds_the_best_normal_of_its_family() {
    let target = Gaussian::of_condition(4, 10.0);
    let precision = target.precision.diagonal();
    let covariance = target.covariance.diagonal();
    for algorithm in [Algorithm::Natural, Algorithm::Fixed, Algorithm::Stochastic, Algorithm::Score]
    {
        // The score's gradients are noisy even at the optimum.
        let limit = if algorithm == Algorithm::Score { 0.15 } else { 0.03 };
        let fit = by(GuideChoice::MeanField, algorithm, &target);
        let Some(Guide::MeanField(guide)) = &fit.guide else { panic!("{:?}", fit.guide) };
        for i in 0..4 {
            // The known deficit: the sd given all other coordinates.
            let sd = precision[i].sqrt().recip();
            assert!((guide.mean[i] - target.mean[i]).abs() < limit * sd, "{algorithm:?} {i}");
            assert!((guide.scale[i] / sd).ln().abs() < limit, "{algorithm:?} {i}");
        }
        let fit = by(GuideChoice::FullRank, algorithm, &target);
        let Some(Guide::FullRank(guide)) = &fit.guide else { panic!("{:?}", fit.guide) };
        for i in 0..4 {
            let sd = covariance[i].sqrt();
            assert!((guide.mean()[i] - target.mean[i]).abs() < limit * sd, "{algorithm:?} {i}");
            let own = guide.covariance()[(i, i)].sqrt();
            assert!((own / sd).ln().abs() < limit, "{algorithm:?} {i}: {own} {sd}");
        }
    }
}

#[test]
fn linear_response_repairs_the_deficit_of_mean_field() {
    let target = Gaussian::of_condition(6, 30.0);
    let fixed = FixedDraws { gradient_tolerance: 1e-10, ..FixedDraws::default() };
    let base = matched(&mut stream(2, Purpose::FixedDraws, 0), 6, 64);
    let mut evaluator = Evaluator::new(&target);
    let fitted = fixed.fit(&mut evaluator, fixed.around(&[0.0; 6]), &base, |_, _| {}).unwrap();
    let Guide::MeanField(guide) = &fitted.guide else { panic!("{:?}", fitted.guide) };
    let deficit = (guide.scale[0].powi(2) / target.covariance[(0, 0)]).ln();
    assert!(deficit < -0.1, "mean-field is too narrow: {deficit}");
    let response = Response { tolerance: 1e-12, ..Response::default() };
    let all: Vec<usize> = (0..6).collect();
    let found = response.covariances(&mut evaluator, guide, &base, &all).unwrap();
    let scale = target.covariance.amax();
    assert!((found - &target.covariance).amax() < 1e-6 * scale);
    // With every coordinate in the border the guide is the posterior.
    let mut rng = stream(2, Purpose::Response, 0);
    let bordered = response.bordered(&mut evaluator, guide, &base, &mut rng).unwrap();
    let Guide::Bordered(bordered) = bordered else { panic!("{bordered:?}") };
    let points = bordered.transform(&base);
    assert!((bordered.whiten(&points) - &base).amax() < 1e-9);
    let log_q = bordered.log_density(&points);
    let log_p = evaluator.log_densities(&points);
    assert!(log_p.iter().zip(&log_q).all(|(p, q)| (p - q).abs() < 1e-4));
}
