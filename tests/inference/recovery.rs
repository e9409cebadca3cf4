//! What a guide can represent, it must find.

use nalgebra::{DMatrix, DVector};
use vippl::inference::guide::{Guide, LocationScale};
use vippl::inference::{GuideChoice, Level};

use crate::targets::{Analytic, Bimodal, Density, Gaussian, Regression};
use crate::{errors, fitted, fitted_with};

/// The largest error of the mean, in sds, and of the covariance, relative to the target's.
fn gaussian_errors(guide: &Guide, target: &Gaussian) -> (f64, f64) {
    let Guide::FullRank(guide) = guide else { panic!("expected one full-rank normal") };
    let root = target.covariance.clone().cholesky().unwrap().l();
    let whiten = |x: &DMatrix<f64>| root.solve_lower_triangular(x).unwrap();
    let mean: DVector<f64> = guide.mean() - &target.mean;
    let mean = whiten(&DMatrix::from_column_slice(mean.len(), 1, mean.as_slice())).amax();
    let half = whiten(&guide.covariance());
    let covariance = whiten(&half.transpose()) - DMatrix::identity(half.nrows(), half.ncols());
    (mean, covariance.amax())
}

#[test]
fn full_rank_recovers_a_correlated_gaussian_exactly() {
    for target in [Gaussian::correlated(0.95), Gaussian::of_condition(20, 100.0)] {
        let fit = fitted(&target, 1);
        let (mean, covariance) = gaussian_errors(fit.guide.as_ref().unwrap(), &target);
        assert!(mean < 1e-6 && covariance < 1e-6, "{mean} {covariance}");
        assert!(fit.elbo.abs() < 1e-6, "a normalised target has log evidence 0: {}", fit.elbo);
        assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict);
    }
}

#[test]
fn full_rank_recovers_a_gaussian_of_condition_ten_thousand_in_200_dimensions() {
    let target = Gaussian::of_condition(200, 1e4);
    let fit = fitted(&target, 1);
    let (mean, covariance) = gaussian_errors(fit.guide.as_ref().unwrap(), &target);
    assert!(mean < 1e-6 && covariance < 1e-6, "{mean} {covariance}");
    assert!(fit.diagnostics.khat < 0.7);
}

#[test]
fn mean_field_shows_its_known_variance_deficit() {
    // The best mean-field normal has variances 1/Λ_jj = 1 − ρ², and KL −½ ln(1 − ρ²).
    let rho: f64 = 0.8;
    let fit = fitted_with(&Gaussian::correlated(rho), GuideChoice::MeanField, 1);
    let Some(Guide::MeanField(guide)) = &fit.guide else { panic!("expected mean-field") };
    for scale in &guide.scale {
        assert!((scale * scale - (1.0 - rho * rho)).abs() < 1e-3, "{scale}");
    }
    assert!((guide.mean[0] - 3.0).abs() < 1e-3 && (guide.mean[1] + 2.0).abs() < 1e-3);
    let kl = -0.5 * (1.0 - rho * rho).ln();
    assert!((fit.elbo + kl).abs() < 4.0 * fit.elbo_error + 1e-3, "{} {kl}", fit.elbo);
    assert!((fit.diagnostics.self_kl - kl).abs() < 0.1, "{}", fit.diagnostics.self_kl);
}

#[test]
fn the_correction_mends_what_mean_field_gets_wrong() {
    let fit = fitted_with(&Gaussian::correlated(0.8), GuideChoice::MeanField, 1);
    let (mean, sd) = errors(&fit, &[3.0, -2.0], &[1.0, 1.0]);
    assert!(mean < 0.05 && sd < 0.05, "{mean} {sd}");
}

#[test]
fn regressions_agree_with_quadrature() {
    // regression.py
    let cases = [
        (
            Regression::Logistic,
            [0.8506931784, 2.5019443324],
            [1.0235628907, 1.2815812147],
            -4.8238929944,
        ),
        (
            Regression::Poisson,
            [0.4537294324, 1.0147386003],
            [0.3246290694, 0.2282490792],
            10.3941507692,
        ),
    ];
    for (model, mean, sd, evidence) in cases {
        let fit = fitted(&Analytic(model), 1);
        let (of_mean, of_sd) = errors(&fit, &mean, &sd);
        assert!(of_mean < 0.05 && of_sd < 0.05, "{of_mean} {of_sd}");
        assert!((fit.log_evidence - evidence).abs() < 0.05, "{}", fit.log_evidence);
        assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict);
    }
}

#[test]
fn both_modes_are_found_and_weighted() {
    let target = Analytic(Bimodal { dimension: 3, half_distance: 4.0 });
    let sd = (1.0f64 + 4.0 * 0.3 * 0.7 * 16.0).sqrt();
    for seed in 0..3 {
        let fit = fitted(&target, seed);
        let Some(Guide::Mixture(mixture)) = &fit.guide else { panic!("expected two normals") };
        assert!((mixture.weights[0] - 0.7).abs() < 1e-3, "{:?}", mixture.weights);
        assert_eq!(mixture.components[0].dimension(), 3);
        let (of_mean, of_sd) = errors(&fit, &[-1.6, 0.0, 0.0], &[sd, 1.0, 1.0]);
        assert!(of_mean < 0.05 && of_sd < 0.05, "{of_mean} {of_sd}");
    }
}

/// Half N(0, 1), half a normal so narrow that no random start ends there.
struct Needle;

impl Density for Needle {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: num_dual::DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        const WIDTH: f64 = 0.01;
        let wide = x[0].powi(2) * -0.5;
        let narrow = ((x[0] - D::from(4.0)) / WIDTH).powi(2) * -0.5;
        (wide.exp() * 0.5 + narrow.exp() * (0.5 / WIDTH) + D::from(1e-300)).ln()
    }
}

#[test]
fn a_mode_that_only_heavy_draws_come_near_is_found() {
    let sd = (0.5 * (1.0 + 1e-4) + 0.25 * 16.0f64).sqrt();
    for seed in 0..4 {
        let fit = fitted(&Analytic(Needle), seed);
        let (of_mean, of_sd) = errors(&fit, &[2.0], &[sd]);
        assert!(of_mean < 0.05 && of_sd < 0.05, "{seed}: {of_mean} {of_sd} {:?}", fit.verdict);
    }
}

/// A wave of period 3 under a normal of sd 8: far more modes than random starts of radius 2 find.
struct Comb;

impl Density for Comb {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: num_dual::DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        (x[0] * (std::f64::consts::TAU / 3.0)).cos() * 8.0 - x[0].powi(2) / 128.0
    }
}

#[test]
fn modes_that_follow_one_another_at_equal_distances_are_found() {
    // By symmetry and by quadrature over (-80, 80).
    let density = |x: f64| Comb.log_density(&[x]).exp();
    let points = || (0..160_000).map(|i| f64::from(i) / 1000.0 - 80.0);
    let total: f64 = points().map(density).sum();
    let sd = (points().map(|x| x * x * density(x)).sum::<f64>() / total).sqrt();
    for seed in 0..4 {
        let fit = fitted(&Analytic(Comb), seed);
        let (of_mean, of_sd) = errors(&fit, &[0.0], &[sd]);
        assert!(of_mean < 0.05 && of_sd < 0.05, "{seed}: {of_mean} {of_sd} {:?}", fit.verdict);
    }
}
