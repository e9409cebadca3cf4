//! Fits random programs by default settings, and counts silent failures and false alarms.
//!
//! `cargo bench --bench honesty -- multimodal|small [COUNT] [SEED]`. Prints, for each kind of
//! program: how many fits are wrong (a mean by more than 0.2 sd or an sd by more than 20 %), wrong
//! and GOOD (silent failures), right (within 0.05 sd and 5 %) but not GOOD (false alarms), all in
//! per cent of all fits. With `--each`, a line for every fit too.

#![allow(clippy::print_stdout, reason = "prints a table")]
#![allow(clippy::unwrap_used, reason = "a failure must stop the benchmark")]

mod case;
mod multimodal;
mod small;
mod truth;

use case::{Case, Truth};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use vippl::inference::verdict::QuantityCheck;
use vippl::inference::{Level, Reason};
use vippl::session::{FitOptions, Timings};

/// What became of the fits of one kind.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// Cases whose truth is not known.
    unknown: usize,
    fits: usize,
    failed: usize,
    wrong: usize,
    silent: usize,
    right: usize,
    alarms: usize,
    gradients: u64,
    log_densities: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let each = arguments.iter().any(|a| a == "--each");
    let mut words = arguments.iter().filter(|a| !a.starts_with("--"));
    let suite = words.next().map_or("multimodal", String::as_str);
    let count: usize = words.next().map_or(120, |n| n.parse().unwrap());
    let seed: u64 = words.next().map_or(1, |n| n.parse().unwrap());
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for index in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index as u64);
        let case = match suite {
            "multimodal" => multimodal::case(index, &mut rng),
            "small" => small::case(index, &mut rng),
            other => panic!("no suite is called {other}"),
        };
        let line = judge(&case, index as u64, tallies.entry(case.kind).or_default());
        if each {
            println!("{index:>4} {line}");
        }
    }
    print(&tallies);
}

/// Fits a case, compares it with the truth, and adds it to a tally.
fn judge(case: &Case, seed: u64, tally: &mut Tally) -> String {
    let model = case.compile();
    let truth = match &case.truth {
        Truth::Exact(mean, sd) => Some((mean.clone(), sd.clone())),
        Truth::Grid(radius) => Some(truth::grid(model.target(), *radius)),
        Truth::Nuts => truth::nuts(case),
    };
    let Some((mean, sd)) = truth else {
        tally.unknown += 1;
        return format!("{} unknown", case.kind);
    };
    tally.fits += 1;
    let options = FitOptions { seed, ..FitOptions::default() };
    let Ok(fitted) = model.fit(&options, Timings::default(), &mut |_| {}) else {
        tally.failed += 1;
        return format!("{} failed", case.kind);
    };
    let summaries = fitted.fit.draws.summaries();
    let (mut me, mut sd_error) = (0.0f64, 0.0f64);
    for ((own, mean), sd) in summaries.iter().zip(&mean).zip(&sd) {
        me = me.max((own.mean - mean).abs() / sd);
        sd_error = sd_error.max((own.sd / sd).ln().abs());
    }
    let (wrong, right) = (me > 0.2 || sd_error > 1.2f64.ln(), me < 0.05 && sd_error < 0.05);
    let good = fitted.fit.verdict.level == Level::Good;
    tally.wrong += usize::from(wrong);
    tally.silent += usize::from(wrong && good);
    tally.right += usize::from(right);
    tally.alarms += usize::from(right && !good);
    tally.gradients += fitted.fit.counts.gradient;
    tally.log_densities += fitted.fit.counts.log_density;
    let reasons: Vec<String> = fitted.fit.verdict.reasons.iter().map(short).collect();
    let mark = if wrong && good {
        "SILENT"
    } else if right && !good {
        "ALARM"
    } else {
        ""
    };
    let found = &fitted.fit.diagnostics;
    let worst =
        |error: fn(&QuantityCheck) -> f64| found.quantities.iter().map(error).fold(0.0, f64::max);
    format!(
        "{:<14} {:<6} me {me:.3} sd {sd_error:.3} {:?} k-hat {:.2} efficiency {:.2} tail {:.2} \
         sd error {:.2} gradients {} {}",
        case.kind,
        mark,
        fitted.fit.verdict.level,
        found.khat,
        found.efficiency(),
        worst(|quantity| quantity.tail_error),
        worst(|quantity| quantity.sd_error),
        fitted.fit.counts.gradient,
        reasons.join("; ")
    )
}

/// A reason without the places of its quantities.
fn short(reason: &Reason) -> String {
    reason.explain(&|index| format!("q{index}")).chars().take(70).collect()
}

fn print(tallies: &BTreeMap<&str, Tally>) {
    println!(
        "{:<18} {:>7} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>10}",
        "kind",
        "unknown",
        "fits",
        "failed",
        "wrong",
        "silent",
        "right",
        "alarms",
        "gradients",
        "densities"
    );
    let mut all = Tally::default();
    for (kind, tally) in tallies {
        row(kind, tally);
        all.unknown += tally.unknown;
        all.fits += tally.fits;
        all.failed += tally.failed;
        all.wrong += tally.wrong;
        all.silent += tally.silent;
        all.right += tally.right;
        all.alarms += tally.alarms;
        all.gradients += tally.gradients;
        all.log_densities += tally.log_densities;
    }
    row("all", &all);
}

fn row(kind: &str, tally: &Tally) {
    let share = |n: usize| format!("{:.1} %", 100.0 * n as f64 / tally.fits.max(1) as f64);
    let mean = |n: u64| n / tally.fits.max(1) as u64;
    println!(
        "{kind:<18} {:>7} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>10}",
        tally.unknown,
        tally.fits,
        tally.failed,
        share(tally.wrong),
        share(tally.silent),
        share(tally.right),
        share(tally.alarms),
        mean(tally.gradients),
        mean(tally.log_densities)
    );
}
