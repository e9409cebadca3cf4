//! Fits real posteriors by default settings and compares them with reference draws.
//!
//! `cargo bench --bench posteriors -- [--seeds N] [--referenced] [NAME…]`; the folder is
//! `VIPPL_POSTERIORDB`. Prints, for each posterior and seed: dimension, verdict, me = max |mean -
//! reference| / sd, sd = max |ln(sd / reference sd)|, the largest standard error of a reference's mean in
//! sds, gradients, seconds; then, over the posteriors with a reference: medians, fits outside 0.05 sd and
//! 8 %, and of these the GOOD ones outside 0.2 sd and 20 % (silent) and those inside 0.05 sd and 5 % that
//! are not GOOD (false alarms). Last, what other tools reached on the same posteriors, from the tables in
//! `VIPPL_PEERS`, by default the folder `peers` beside that of the posteriors.

#![allow(clippy::print_stdout, reason = "prints a table")]

#[path = "../tests/conformance/database.rs"]
mod database;
#[path = "../tests/conformance/fitting.rs"]
mod fitting;

use fitting::{Errors, Fitted, errors, fit};
use std::path::Path;
use vippl::inference::Level;

fn main() {
    let Some(folder) = database::folder() else { return };
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let referenced = arguments.iter().any(|a| a == "--referenced");
    let at = arguments.iter().position(|a| a == "--seeds");
    let seeds: u64 = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(3);
    let is_number = |a: &String| a.parse::<u64>().is_ok();
    let wanted: Vec<&String> =
        arguments.iter().filter(|a| !a.starts_with("--") && !is_number(a)).collect();
    println!(
        "{:<55} {:>5} {:>12} {:>7} {:>7} {:>7} {:>9} {:>8}",
        "posterior", "d", "verdict", "me", "sd", "noise", "gradients", "seconds"
    );
    let (mut all, mut names) = (Vec::new(), Vec::new());
    for posterior in database::posteriors(&folder) {
        let named = |w: &&String| posterior.name.contains(w.as_str());
        if !wanted.is_empty() && !wanted.iter().any(named) || referenced && !posterior.has_reference
        {
            continue;
        }
        names.push(posterior.name.clone());
        for seed in 1..=seeds {
            let fitted = fit(&folder, &posterior, seed);
            let found = errors(&folder, &posterior, &fitted);
            let unknown = Errors { mean: f64::NAN, sd: f64::NAN, noise: f64::NAN };
            let Errors { mean: me, sd, noise } = found.unwrap_or(unknown);
            println!(
                "{:<55} {:>5} {:>12} {me:>7.3} {sd:>7.3} {noise:>7.3} {:>9} {:>8.2}",
                posterior.name,
                fitted.dimension,
                format!("{:?}", fitted.level),
                fitted.gradients,
                fitted.seconds
            );
            if found.is_some() {
                all.push((me, sd, fitted));
            }
        }
    }
    if !all.is_empty() {
        summarise(&all);
    }
    let beside = folder.join("../peers");
    compare(&std::env::var_os("VIPPL_PEERS").map_or(beside, Into::into), &names);
}

/// Prints what other tools reached on posteriors of these names.
fn compare(folder: &Path, names: &[String]) {
    // A file, its columns for posterior and tool, the largest errors of means and sds, CPU seconds.
    let tables = [("stan.md", [0, 3, 9, 11, 8]), ("python.md", [0, 1, 2, 4, 6])];
    println!("\n{:<55} {:>22} {:>7} {:>7} {:>12}", "other tools", "", "me", "sd", "CPU seconds");
    for (file, [name, tool, mean, sd, seconds]) in tables {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            println!("no {file} in {}", folder.display());
            continue;
        };
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
            // A name without its model stands for the data.
            let is_of = |of: &String| of == cell(name) || of.split('-').next() == Some(cell(name));
            if names.iter().any(is_of) {
                let (tool, seconds) = (cell(tool), cell(seconds));
                println!(
                    "{:<55} {tool:>22} {:>7} {:>7} {seconds:>12}",
                    cell(name),
                    cell(mean),
                    cell(sd)
                );
            }
        }
    }
}

fn summarise(all: &[(f64, f64, Fitted)]) {
    let median = |of: &dyn Fn(&(f64, f64, Fitted)) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let count = |of: &dyn Fn(&(f64, f64, Fitted)) -> bool| all.iter().filter(|fit| of(fit)).count();
    let good = |fit: &(f64, f64, Fitted)| fit.2.level == Level::Good;
    println!(
        "\n{} fits: median me {:.3}, sd {:.3}, gradients {}, seconds {:.2}; {} outside, {} silent, {} \
         false alarms",
        all.len(),
        median(&|fit| fit.0),
        median(&|fit| fit.1),
        median(&|fit| fit.2.gradients as f64),
        median(&|fit| fit.2.seconds),
        count(&|fit| fit.0 > 0.05 || fit.1 > 1.08f64.ln()),
        count(&|fit| good(fit) && (fit.0 > 0.2 || fit.1 > 1.2f64.ln())),
        count(&|fit| !good(fit) && fit.0 < 0.05 && fit.1 < 1.05f64.ln()),
    );
}
