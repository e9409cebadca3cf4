//! Fits by default settings.

use crate::database::{Posterior, bind_model, folder, posteriors};
use crate::fitting::{Errors, errors, fit};
use std::path::Path;
use vippl::inference::Level;

/// The bar: means within 0.1 reference sd, sds within 10 %.
const MEAN: f64 = 0.1;
const SD: f64 = 0.1;
/// At least this share of the posteriors with reference draws is within the bar.
const SHARE: f64 = 0.9;
/// Posteriors of more latents are left to `cargo bench --bench posteriors`.
const MOST_LATENTS: usize = 100;
/// The tiers whose posteriors are fitted here; the others' are in that benchmark.
const FITTED: [&str; 3] = ["T1", "T2", "T3"];

fn latents(folder: &Path, posterior: &Posterior) -> usize {
    let program = bind_model(folder, posterior).program;
    let size = |variable| program.shape(variable).iter().product::<usize>();
    program.typed.latents().map(size).sum()
}

/// Every posterior fits to finite numbers; nine in ten of those with reference draws are right,
/// and none of the others is called good.
#[test]
fn fits_are_finite_and_right_or_flagged() {
    let Some(folder) = folder() else { return };
    let (mut within, mut compared) = (0, 0);
    let mut failures = Vec::new();
    for posterior in posteriors(&folder) {
        if !FITTED.contains(&posterior.tier.as_str()) || latents(&folder, &posterior) > MOST_LATENTS
        {
            continue;
        }
        let fitted = fit(&folder, &posterior, 1);
        let finite = fitted.summaries.values().all(|s| s.mean.is_finite() && s.sd.is_finite());
        if !finite {
            failures.push(format!("{}: a summary is not finite", posterior.name));
        }
        let Some(Errors { mean, sd, .. }) = errors(&folder, &posterior, &fitted) else { continue };
        compared += 1;
        if mean < MEAN && sd < SD {
            within += 1;
        } else if fitted.level == Level::Good {
            failures.push(format!(
                "{}: called good with {mean}, {sd} ({} latents, {} gradients, {:.1} s)",
                posterior.name, fitted.dimension, fitted.gradients, fitted.seconds
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(within as f64 >= SHARE * f64::from(compared), "{within} of {compared}");
    assert!(compared >= 27, "only {compared} posteriors with reference draws");
}
