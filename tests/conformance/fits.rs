//! Fits by default settings.

use crate::database::{folder, posteriors};
use crate::fitting::{errors, fit};
use vippl::inference::Level;

/// The bar: means within 0.1 reference sd, sds within 10 %.
const MEAN: f64 = 0.1;
const SD: f64 = 0.1;
/// At least this share of the posteriors with reference draws is within the bar.
const SHARE: f64 = 0.9;
/// Larger posteriors are left to `cargo bench --bench posteriors`.
const LARGEST: usize = 3_500_000;

/// Every posterior fits to finite numbers; nine in ten of those with reference draws are right,
/// and none of the others is called good.
#[test]
fn fits_are_finite_and_right_or_flagged() {
    let Some(folder) = folder() else { return };
    let (mut within, mut compared) = (0, 0);
    let mut failures = Vec::new();
    for posterior in posteriors(&folder) {
        let data = folder.join("data").join(format!("{}.json", posterior.data));
        if std::fs::metadata(data).is_ok_and(|file| file.len() as usize > LARGEST) {
            continue;
        }
        let fitted = fit(&folder, &posterior, 1);
        let finite = fitted.summaries.values().all(|s| s.mean.is_finite() && s.sd.is_finite());
        if !finite {
            failures.push(format!("{}: a summary is not finite", posterior.name));
        }
        let Some((mean, sd)) = errors(&folder, &posterior, &fitted) else { continue };
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
