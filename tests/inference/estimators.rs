//! The ELBO and its gradients against their closed forms.
//!
//! For q = N(m, B Bᵀ) and p = N(μ, P⁻¹): E_q[log p] = −½ (m − μ)ᵀ P (m − μ) − ½ tr(P B Bᵀ) −
//! ½ ln |2π P⁻¹|, with gradients −P (m − μ) in m and −P B in B (without the entropy's part).

use nalgebra::{DMatrix, DVector};
use vippl::inference::draws::{antithetic, matched};
use vippl::inference::elbo;
use vippl::inference::evaluate::Evaluator;
use vippl::inference::guide::{FullRank, LocationScale};
use vippl::inference::laplace::{hessian, laplace};
use vippl::inference::random::{Purpose, stream};

use crate::targets::{Analytic, Gaussian, Regression};

fn guide() -> FullRank {
    let cholesky = DMatrix::from_row_slice(2, 2, &[0.7, 0.0, -0.3, 1.4]);
    FullRank::new(DVector::from_vec(vec![2.0, -1.0]), cholesky).unwrap()
}

fn closed_form(target: &Gaussian) -> f64 {
    let off = guide().mean() - &target.mean;
    let log_det: f64 = target.covariance.determinant().ln();
    let expected = -0.5 * off.dot(&(&target.precision * &off))
        - 0.5 * (&target.precision * guide().covariance()).trace()
        - 0.5 * (2.0 * (2.0 * std::f64::consts::PI).ln() + log_det);
    expected + guide().entropy()
}

#[test]
fn matched_draws_give_the_elbo_of_a_gaussian_exactly() {
    let target = Gaussian::correlated(0.6);
    let base = matched(&mut stream(1, Purpose::FixedDraws, 0), 2, 64);
    let points = guide().transform(&base);
    let mut gradients = DMatrix::zeros(2, 64);
    let mut evaluator = Evaluator::new(&target);
    let entropy = guide().entropy();
    let value = elbo::estimate_with_gradients(&mut evaluator, &points, entropy, &mut gradients);
    assert!((value - closed_form(&target)).abs() < 1e-12);
    let in_mean = -(&target.precision * (guide().mean() - &target.mean));
    assert!((gradients.column_mean() - in_mean).amax() < 1e-12);
    let in_scale = -(&target.precision * guide().cholesky());
    assert!((&gradients * base.transpose() / 64.0 - in_scale).amax() < 1e-12);
}

#[test]
fn independent_draws_give_it_within_their_error() {
    let target = Gaussian::correlated(0.6);
    let base = antithetic(&mut stream(2, Purpose::FixedDraws, 0), 2, 20_000);
    let points = guide().transform(&base);
    let mut evaluator = Evaluator::new(&target);
    let log_p = evaluator.log_densities(&points);
    let log_q = guide().log_density(&points);
    let ratios: Vec<f64> = log_p.iter().zip(&log_q).map(|(p, q)| p - q).collect();
    let (value, error) = elbo::mean_log_ratio(&ratios);
    // An even function of antithetic draws has half as many independent values.
    let error = error * 2.0f64.sqrt();
    assert!((value - closed_form(&target)).abs() < 4.0 * error, "{value} ± {error}");
}

#[test]
fn the_estimate_at_a_point_outside_the_domain_is_minus_infinity() {
    let target = Gaussian::correlated(0.6);
    let points = DMatrix::from_element(2, 2, f64::INFINITY);
    assert_eq!(elbo::estimate(&mut Evaluator::new(&target), &points, 1.0), f64::NEG_INFINITY);
}

#[test]
fn the_laplace_normal_has_the_curvature_of_the_density() {
    // Poisson regression: −∇² log p = I / 2.5² + Σ e^η (1, x)(1, x)ᵀ.
    let (a, b) = (0.4, 1.0);
    let mut expected = DMatrix::identity(2, 2) / 6.25;
    for x in crate::targets::COVARIATE {
        let row = DVector::from_vec(vec![1.0, x]);
        expected += &row * row.transpose() * f64::exp(a + b * x);
    }
    let target = Analytic(Regression::Poisson);
    let mut evaluator = Evaluator::new(&target);
    let found = hessian(&mut evaluator, &[a, b]).unwrap();
    assert!((&found + &expected).amax() < 1e-10);
    let normal = laplace(&mut evaluator, &[a, b]).unwrap();
    assert!((normal.covariance() * expected - DMatrix::identity(2, 2)).amax() < 1e-10);
    assert_eq!(evaluator.counts().hessian_vector, 4);
}
