//! Every method on targets with known answers.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rayon::ThreadPoolBuilder;
use vippl::inference::guide::Guide;
use vippl::inference::verdict::Reported;
use vippl::inference::{Fit, GuideChoice, Level, LogDensity, Method, Options, Reason, Target, fit};

use crate::targets::{
    Analytic, Banana, Bimodal, Density, EightSchools, Funnel, Gaussian, SCHOOL_MEAN, SCHOOL_SD,
};
use crate::{errors, fitted, fitted_with};

fn by<T: Target>(method: Method, target: &T, seed: u64) -> Fit {
    fit(target, &Options { method, ..Options::default() }, seed, &mut |_| {}).unwrap()
}

#[test]
fn every_method_but_the_mode_is_good_at_a_normal() {
    let target = Gaussian::correlated(0.9);
    let reported = [
        (Method::Vi, Reported::Corrected),
        (Method::Nuts, Reported::Chains),
        (Method::Importance, Reported::Corrected),
        (Method::Laplace, Reported::Guide),
    ];
    for (method, reported) in reported {
        let fit = by(method, &target, 1);
        let (mean, sd) = errors(&fit, &[3.0, -2.0], &[1.0, 1.0]);
        // Four standard errors of 1,000 effective draws of a chain; the others have more.
        assert!(mean < 0.13 && sd < 0.09, "{method:?}: {mean} {sd}");
        assert_eq!(fit.diagnostics.reported, reported);
        assert_eq!(fit.verdict.level, Level::Good, "{method:?}: {:?}", fit.verdict);
    }
}

#[test]
fn pathfinder_reports_its_own_normal() {
    let fit = by(Method::Pathfinder, &Gaussian::of_condition(5, 10.0), 1);
    assert_eq!(fit.diagnostics.reported, Reported::Guide);
    assert!(fit.counts.hessian_vector == 0, "no Hessian is formed");
}

#[test]
fn the_mode_is_a_point_to_be_used_with_caution() {
    let fit = by(Method::Map, &Gaussian::correlated(0.9), 1);
    let summaries = fit.draws.summaries();
    assert!((summaries[0].mean - 3.0).abs() < 1e-4 && (summaries[1].mean + 2.0).abs() < 1e-4);
    assert!(summaries[0].sd.is_nan(), "a point has no spread");
    assert_eq!(fit.verdict.reasons, vec![Reason::ModeOnly]);
    assert_eq!(fit.verdict.level, Level::Caution);
}

#[test]
fn chains_tell_their_errors_by_effective_draws() {
    let fit = by(Method::Nuts, &Analytic(EightSchools { centred: false }), 2);
    let chains = fit.diagnostics.chains.unwrap();
    assert!(fit.guide.is_none() && fit.elbo.is_nan());
    assert!(chains.rhat < 1.01 && chains.bulk_ess > 400.0, "{chains:?}");
    for ((found, mean), sd) in fit.draws.summaries().iter().zip(&SCHOOL_MEAN).zip(&SCHOOL_SD) {
        // Four and a half standard errors, and one in a hundred sds for what quadrature left out.
        assert!((found.mean - mean).abs() < 4.5 * found.mcse_mean + 0.01 * sd, "{found:?} {mean}");
    }
}

#[test]
fn chains_in_different_modes_are_not_to_be_used() {
    let fit = by(Method::Nuts, &Analytic(Bimodal { dimension: 2, half_distance: 12.0 }), 1);
    assert_eq!(fit.verdict.level, Level::DoNotUse, "{:?}", fit.verdict);
    assert!(fit.verdict.reasons.iter().any(|r| matches!(r, Reason::ChainsDisagree { .. })));
}

#[test]
fn chains_do_not_depend_on_the_number_of_threads() {
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| by(Method::Nuts, &Analytic(Funnel(3)), 7))
    };
    let (one, three) = (with(1), with(3));
    assert!(one.draws == three.draws && one.counts == three.counts);
}

#[test]
fn a_triangular_guide_bends_into_funnels() {
    for dimension in [2, 10] {
        let target = Analytic(Funnel(dimension));
        let fit = fitted_with(&target, GuideChoice::Triangular, 1);
        assert!(matches!(fit.guide, Some(Guide::Triangular(_))));
        let straight = fitted_with(&target, GuideChoice::FullRank, 1);
        let (bent, straight) = (fit.diagnostics.efficiency(), straight.diagnostics.efficiency());
        assert!(bent > 0.2 && bent > straight, "{dimension}: {bent} {straight}");
    }
}

#[test]
fn a_triangular_guide_of_a_banana_is_right_or_flagged() {
    let banana = Analytic(Banana { scale: 3.0, bend: 0.3 });
    for seed in 0..3 {
        let fit = fitted_with(&banana, GuideChoice::Triangular, seed);
        let (mean, sd) = errors(&fit, &[0.0, 0.0], &[3.0, (1.0f64 + 2.0 * 0.09 * 81.0).sqrt()]);
        let right = mean < 0.2 && sd < 1.2f64.ln();
        assert!(right || fit.verdict.level != Level::Good, "{mean} {sd} {:?}", fit.guide);
    }
}

/// Two normals far apart, one where uniform starts are, and a prior as wide as both.
struct Remote {
    distance: f64,
    /// Of the normal that is far.
    share: f64,
}

impl Remote {
    fn moments(&self) -> (f64, f64) {
        let Remote { distance, share } = *self;
        (share * distance, (1.0 + share * (1.0 - share) * distance * distance).sqrt())
    }
}

impl Density for Remote {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: num_dual::DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let (near, far) = (x[0].powi(2) * -0.5, (x[0] - D::from(self.distance)).powi(2) * -0.5);
        let (near, far) = (near + (1.0 - self.share).ln(), far + self.share.ln());
        let high = if near.re() > far.re() { near } else { far };
        high + ((near - high).exp() + (far - high).exp()).ln()
    }
}

struct WithPrior(Analytic<Remote>);

impl LogDensity for WithPrior {
    type Workspace = ();

    fn dimension(&self) -> usize {
        1
    }

    fn workspace(&self) {}

    fn log_density(&self, workspace: &mut (), point: &[f64]) -> f64 {
        self.0.log_density(workspace, point)
    }

    fn gradient(&self, workspace: &mut (), point: &[f64], gradient: &mut [f64]) -> f64 {
        self.0.gradient(workspace, point, gradient)
    }

    fn hessian_vector(&self, workspace: &mut (), at: &[f64], v: &[f64], product: &mut [f64]) {
        self.0.hessian_vector(workspace, at, v, product);
    }
}

impl Target for WithPrior {
    fn quantity_count(&self) -> usize {
        1
    }

    fn quantities(&self, workspace: &mut (), point: &[f64], out: &mut [f64]) {
        self.0.quantities(workspace, point, out);
    }

    fn draw_prior(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let z: f64 = rng.sample(StandardNormal);
        Some(vec![self.0.0.distance * z])
    }
}

#[test]
fn starts_from_the_prior_find_a_mode_that_uniform_ones_do_not() {
    let remote = Remote { distance: 60.0, share: 0.3 };
    let (mean, sd) = remote.moments();
    let fit = fitted(&WithPrior(Analytic(remote)), 1);
    let (mean_error, sd_error) = errors(&fit, &[mean], &[sd]);
    assert!(mean_error < 0.05 && sd_error < 0.05, "{mean_error} {sd_error}");
}

#[test]
fn a_mode_of_little_weight_is_kept_where_it_is_far_away() {
    // It adds 24 to a variance of 1.
    let remote = Remote { distance: 2000.0, share: (-12.0f64).exp() };
    let (mean, sd) = remote.moments();
    let fit = fitted(&WithPrior(Analytic(remote)), 1);
    let (mean_error, sd_error) = errors(&fit, &[mean], &[sd]);
    assert!(mean_error < 0.05 && sd_error < 0.05, "{mean_error} {sd_error}");
}

/// x ~ N(100, 1), and a probability that is 1 in all digits.
struct Rounded;

impl Density for Rounded {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: num_dual::DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let z = x[0] - D::from(100.0);
        z * z * -0.5
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        vec![x[0], 1.0 / (1.0 + (-x[0]).exp()), 7.0, 1e-310 * x[0]]
    }
}

#[test]
fn a_quantity_that_is_stuck_or_too_small_is_told_of_and_a_constant_is_not() {
    let fit = fitted(&Analytic(Rounded), 1);
    let reasons = &fit.verdict.reasons;
    assert!(reasons.contains(&Reason::ConstantQuantities { quantities: vec![1] }), "{reasons:?}");
    assert!(reasons.contains(&Reason::NotFiniteQuantities { quantities: vec![3] }), "{reasons:?}");
    assert_eq!(reasons.len(), 2, "{reasons:?}");
}

/// Student's t with ν degrees of freedom: sd √(ν/(ν − 2)).
struct Student(f64);

impl Density for Student {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: num_dual::DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        (x[0] * x[0] / self.0).ln_1p() * (-0.5 * (self.0 + 1.0))
    }
}

#[test]
fn heavy_tails_are_right_or_flagged() {
    // With fewer degrees of freedom most of the variance is beyond a million draws.
    for freedom in [2.6, 3.0, 4.0, 6.0] {
        for seed in 0..10 {
            let fit = fitted(&Analytic(Student(freedom)), seed);
            let (mean, sd) = errors(&fit, &[0.0], &[(freedom / (freedom - 2.0)).sqrt()]);
            let right = mean < 0.1 && sd < 1.2f64.ln();
            assert!(right || fit.verdict.level != Level::Good, "{freedom} {seed}: {mean} {sd}");
        }
    }
}
