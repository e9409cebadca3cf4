//! What a guide cannot represent, it must own up to.

use vippl::inference::verdict::Reported;
use vippl::inference::{Fit, FitError, Level, Options, Reason, fit};

use crate::targets::{
    Analytic, Banana, EightSchools, Funnel, Gaussian, Nowhere, SCHOOL_EVIDENCE, SCHOOL_MEAN,
    SCHOOL_SD,
};
use crate::{errors, fitted};

/// GOOD promises means within 0.1 sd and sds within 10 %.
fn assert_honest(fit: &Fit, mean: &[f64], sd: &[f64]) {
    let (of_mean, of_sd) = errors(fit, mean, sd);
    let right = of_mean < 0.1 && of_sd < 1.1f64.ln();
    assert!(right || fit.verdict.level != Level::Good, "{of_mean} {of_sd} {:?}", fit.verdict);
    assert_eq!(fit.verdict.level == Level::Good, fit.verdict.level < Level::Caution);
    assert!(right || !fit.verdict.reasons.is_empty());
}

#[test]
fn noncentred_eight_schools_are_right() {
    for seed in 0..5 {
        let fit = fitted(&Analytic(EightSchools { centred: false }), seed);
        let (of_mean, of_sd) = errors(&fit, &SCHOOL_MEAN, &SCHOOL_SD);
        assert!(of_mean < 0.1 && of_sd < 1.1f64.ln(), "{seed}: {of_mean} {of_sd}");
        assert!((fit.log_evidence - SCHOOL_EVIDENCE).abs() < 0.2, "{}", fit.log_evidence);
        assert!(fit.verdict.level < Level::DoNotUse, "{:?}", fit.verdict);
    }
}

#[test]
fn centred_eight_schools_are_right_or_flagged() {
    for seed in 0..5 {
        let fit = fitted(&Analytic(EightSchools { centred: true }), seed);
        assert_honest(&fit, &SCHOOL_MEAN, &SCHOOL_SD);
    }
}

#[test]
fn funnels_are_right_or_flagged() {
    for dimension in [2, 5, 10] {
        let mut sd = vec![(9.0f64 / 4.0).exp(); dimension];
        sd[0] = 3.0;
        for seed in 0..3 {
            assert_honest(&fitted(&Analytic(Funnel(dimension)), seed), &vec![0.0; dimension], &sd);
        }
    }
}

#[test]
fn bananas_are_right_or_flagged() {
    for (scale, bend) in [(10.0, 0.1), (3.0, 0.3), (1.0, 0.3)] {
        let sd = [scale, (1.0 + 2.0 * f64::powi(bend, 2) * f64::powi(scale, 4)).sqrt()];
        for seed in 0..3 {
            assert_honest(&fitted(&Analytic(Banana { scale, bend }), seed), &[0.0; 2], &sd);
        }
    }
}

#[test]
fn a_large_model_under_mean_field_is_never_good() {
    let target = Gaussian::of_condition(550, 10.0);
    let fit = fitted(&target, 1);
    assert!(fit.diagnostics.mean_field);
    assert_eq!(fit.diagnostics.reported, Reported::Guide);
    assert!(fit.verdict.level >= Level::Caution);
    let names_the_guide = |reason: &Reason| matches!(reason, Reason::MeanFieldForSize { .. });
    assert!(fit.verdict.reasons.iter().any(names_the_guide), "{:?}", fit.verdict);
}

#[test]
fn a_density_that_is_finite_nowhere_is_an_error() {
    let result = fit(&Analytic(Nowhere), &Options::default(), 1, &mut |_| {});
    assert_eq!(result.err(), Some(FitError::NoFiniteStart { starts: 8, attempts: 100 }));
}
