//! Fits of analytic targets against closed forms, quadrature and published estimates.
//!
//! Seeds are fixed. A statistical bound is four standard errors or more of the estimate it judges,
//! a false alarm below 1e-4 per comparison.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod algorithms;
mod collapse;
mod coupling;
mod estimators;
mod honesty;
mod methods;
mod programs;
mod recovery;
mod repeatability;
mod sampling;
mod separation;
mod targets;

use vippl::inference::{Fit, GuideChoice, Options, Target, fit};

/// The fit with default options.
fn fitted<T: Target>(target: &T, seed: u64) -> Fit {
    fit(target, &Options::default(), seed, &mut |_| {}).unwrap()
}

/// The fit with a given family of guides.
fn fitted_with<T: Target>(target: &T, guide: GuideChoice, seed: u64) -> Fit {
    fit(target, &Options { guide, ..Options::default() }, seed, &mut |_| {}).unwrap()
}

/// The largest error of a mean in sds, and the largest |ln| ratio of an sd.
fn errors(fit: &Fit, mean: &[f64], sd: &[f64]) -> (f64, f64) {
    let truth = mean.iter().zip(sd);
    fit.draws.summaries().iter().zip(truth).fold(
        (0.0, 0.0),
        |worst: (f64, f64), (found, (m, s))| {
            let of_mean = (found.mean - m).abs() / s;
            (worst.0.max(of_mean), worst.1.max((found.sd / s).ln().abs()))
        },
    )
}
