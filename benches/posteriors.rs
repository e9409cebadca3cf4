//! Fits real posteriors by default settings and compares them with reference draws.
//!
//! `cargo bench --bench posteriors -- [NAME…]`; the folder is `VIPPL_POSTERIORDB`. Prints, for each
//! posterior and seed: dimension, verdict, me = max |mean - reference| / sd, sd = max |ln(sd /
//! reference sd)|, gradients, seconds.

#![allow(clippy::print_stdout, reason = "prints a table")]

#[path = "../tests/conformance/database.rs"]
mod database;
#[path = "../tests/conformance/fitting.rs"]
mod fitting;

use fitting::{errors, fit};

fn main() {
    let Some(folder) = database::folder() else { return };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    println!(
        "{:<55} {:>5} {:>12} {:>7} {:>7} {:>9} {:>8}",
        "posterior", "d", "verdict", "me", "sd", "gradients", "seconds"
    );
    for posterior in database::posteriors(&folder) {
        let named = |w: &String| posterior.name.contains(w.as_str());
        if !wanted.is_empty() && !wanted.iter().any(named) {
            continue;
        }
        for seed in 1..=1 {
            let fitted = fit(&folder, &posterior, seed);
            let (me, sd) = errors(&folder, &posterior, &fitted).unwrap_or((f64::NAN, f64::NAN));
            println!(
                "{:<55} {:>5} {:>12} {me:>7.3} {sd:>7.3} {:>9} {:>8.2}",
                posterior.name,
                fitted.dimension,
                format!("{:?}", fitted.level),
                fitted.gradients,
                fitted.seconds
            );
        }
    }
}
