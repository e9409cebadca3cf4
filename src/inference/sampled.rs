//! A fit by Markov chains: draws, what they tell of themselves, and the verdict.

use nalgebra::DMatrix;

use super::evaluate::Evaluator;
use super::fit::{Draws, Fit, FitError, Progress};
use super::nuts::Chain;
use super::options::{Method, Options};
use super::quantities;
use super::target::Target;
use super::verdict::{ChainReport, Diagnostics, Reported, Verdict};

/// Samples by NUTS.
///
/// # Errors
///
/// If no chain finds a point with a finite density.
pub fn sample<T: Target>(
    mut evaluator: Evaluator<T>,
    target: &T,
    options: &Options,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fit, FitError> {
    let nuts = &options.nuts;
    let chains = nuts.sample(&mut evaluator, target, &options.starts, seed);
    if chains.is_empty() {
        let (starts, attempts) = (nuts.chains, options.starts.attempts);
        return Err(FitError::NoFiniteStart { starts, attempts });
    }
    for (index, chain) in chains.iter().enumerate() {
        let divergences = chain.divergences;
        progress(Progress::Sampled { chain: index, of: chains.len(), divergences });
    }
    Ok(conclude(evaluator, &chains, options, seed))
}

fn conclude<T: Target>(
    mut evaluator: Evaluator<T>,
    chains: &[Chain],
    options: &Options,
    seed: u64,
) -> Fit {
    let dimension = evaluator.dimension();
    let columns: Vec<f64> = chains.iter().flat_map(|chain| chain.points.iter().copied()).collect();
    let count = columns.len() / dimension;
    let points = DMatrix::from_vec(dimension, count, columns);
    let quantities = evaluator.quantities(&points).transpose();
    let log_weights = vec![-(count as f64).ln(); count];
    let draws = Draws { points, log_weights, quantities, chains: Some(chains.len()), repeats: 1 };
    let report = ChainReport {
        wanted: options.nuts.chains,
        chains: chains.len(),
        draws: count / chains.len(),
        divergences: chains.iter().map(|chain| chain.divergences).sum(),
        saturated: chains.iter().map(|chain| chain.saturated).sum(),
        rhat: 1.0,
        bulk_ess: f64::INFINITY,
        tail_ess: f64::INFINITY,
    };
    let (mut checks, report) = quantities::check_chains(&draws, report);
    quantities::pardon_constants(&mut evaluator, &mut checks, seed);
    let diagnostics = Diagnostics {
        dimension,
        reported: Reported::Chains,
        khat: f64::NAN,
        weight_error: f64::NAN,
        ess: report.bulk_ess,
        checked_draws: count,
        self_kl: f64::NAN,
        refits: 0,
        quantities: checks,
        starts: Vec::new(),
        modes: Vec::new(),
        resting_on_once: 0.0,
        left_out: 0,
        single: true,
        elbo_path: Vec::new(),
        mean_field: false,
        interrupted: evaluator.is_interrupted(),
        too_large: false,
        integrated: None,
        chains: Some(report),
    };
    Fit {
        method: Method::Nuts,
        guide: None,
        algorithm: "nuts",
        elbo: f64::NAN,
        elbo_error: f64::NAN,
        log_evidence: f64::NAN,
        counts: evaluator.counts(),
        verdict: Verdict::judge(&diagnostics, &options.thresholds),
        diagnostics,
        draws,
    }
}
