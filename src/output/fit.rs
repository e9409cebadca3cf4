//! The record of a fit: `vippl run --json`, `fit.json`, and what the human report is drawn from.
//!
//! Invariant: keys come in the order of the fields, and a record read back is the one written,
//! except that numbers that are not finite are NaN.

use super::number::Number;
use super::ordered::Ordered;
use crate::inference::verdict::Reported;
use crate::inference::{Level, Summary};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The name and version of the format of [`FitRecord`].
pub const FIT_SCHEMA: &str = "vippl.fit/1";

/// Everything there is to tell of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitRecord {
    /// `vippl.fit/1`
    pub schema: String,
    /// The program's name, as it was given.
    pub model: String,
    /// What was bound.
    pub data: DataRecord,
    /// The seed of everything random.
    pub seed: u64,
    /// `vi`, `nuts`, `importance`, `laplace`, `pathfinder` or `map`.
    pub method: String,
    /// `full-rank`, `mean-field`, `mixture` (of full-rank normals) or `triangular`; `none` for
    /// chains.
    pub guide: String,
    /// How the guide was fitted.
    pub algorithm: String,
    /// The guide's ELBO.
    pub elbo: Number,
    /// Its Monte Carlo standard error.
    pub elbo_error: Number,
    /// How often the gradient was evaluated.
    pub gradient_evaluations: u64,
    /// How often the log density alone was evaluated.
    pub log_density_evaluations: u64,
    /// Time, total and by phase.
    pub seconds: Seconds,
    /// How far the numbers can be relied on.
    pub verdict: VerdictRecord,
    /// What the verdict rests on.
    pub diagnostics: DiagnosticsRecord,
    /// One row per element, in declaration order.
    pub summary: Vec<Row>,
    /// The program's names with their sizes.
    pub variables: Vec<VariableRecord>,
    /// Warnings and notes on the program and its data.
    pub warnings: Vec<serde_json::Value>,
}

/// What was bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// The rows of all tables together.
    pub rows: usize,
    /// The size of every named axis.
    pub axes: Ordered<usize>,
    /// The first labels of every named axis.
    pub labels: Ordered<Vec<String>>,
    /// The scalars.
    pub scalars: Ordered<Number>,
    /// The files read.
    pub files: Vec<FileRecord>,
}

/// A file that gave data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The file.
    pub file: String,
    /// How many rows a CSV file has.
    pub rows: Option<usize>,
    /// The names it gave.
    pub columns: Vec<String>,
}

/// Wall time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// All phases.
    pub total: f64,
    /// Parsing and checking.
    pub check: f64,
    /// Reading data and binding.
    pub bind: f64,
    /// Lowering and compiling.
    pub compile: f64,
    /// Fitting, checking and correcting.
    pub fit: f64,
    /// Drawing predictions.
    pub predict: f64,
}

/// The verdict in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// `good`, `caution` or `do-not-use`.
    pub level: Level,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// What to try, a sentence each.
    pub advice: Vec<String>,
}

/// What the verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticsRecord {
    /// The number of unconstrained coordinates.
    pub dimension: usize,
    /// Whether the numbers are the guide's own, corrected by importance weights, from chains, or
    /// those of a mode.
    pub reported: Reported,
    /// k-hat of the importance weights.
    pub khat: Number,
    /// The relative error that their tail gives their sum.
    #[serde(default)]
    pub weight_error: Option<Number>,
    /// Their effective sample size.
    pub ess: Number,
    /// The draws weighted.
    pub checked_draws: usize,
    /// log evidence - ELBO, in nats.
    pub self_kl: Number,
    /// The log evidence by importance sampling.
    pub log_evidence: Number,
    /// How often the proposal was refitted.
    pub refits: usize,
    /// How many starts there were.
    pub starts: usize,
    /// How many modes were fitted.
    pub modes: usize,
    /// How many more were found near the best of them.
    #[serde(default)]
    pub modes_left_out: usize,
    /// What leaving out those that one start alone found changes the most, of a mean in sds or of an sd
    /// relatively.
    #[serde(default)]
    pub resting_on_once: Option<Number>,
    /// Whether the modes kept met their tolerances.
    pub converged: bool,
    /// Products of the Hessian with a vector.
    pub hessian_vector_products: u64,
    /// The latents that were fitted in coordinates that are not canonical: standardised by their
    /// location and scale, wholly or in part.
    pub recentered: Vec<String>,
    /// What Markov chains tell, if the method made any.
    pub chains: Option<ChainsRecord>,
    /// The ELBO of the best mode, step by step.
    #[serde(default)]
    pub elbo_path: Vec<Number>,
    /// Every start.
    #[serde(default)]
    pub start_reports: Vec<StartRecord>,
    /// Every mode that was fitted, best first.
    #[serde(default)]
    pub mode_reports: Vec<ModeRecord>,
    /// How well every quantity is known, in the order of the summary's latents and reports, then those
    /// with finitely many values.
    #[serde(default)]
    pub quantities: Vec<QuantityRecord>,
    /// The latents that were integrated out, if any were.
    #[serde(default)]
    pub integrated: Option<IntegratedRecord>,
    /// Whether the fit was stopped before its end.
    #[serde(default)]
    pub interrupted: bool,
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartRecord {
    /// The ELBO of its candidate.
    pub elbo: Number,
    /// Steps of its optimisation.
    pub iterations: usize,
    /// The mode that it led to, by its place in `mode_reports`.
    pub mode: Option<usize>,
}

/// A mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeRecord {
    /// The ELBO of its guide on the fixed draws.
    pub elbo: Number,
    /// How many starts led to it.
    pub starts: usize,
    /// Whether its fit met the tolerances.
    pub converged: bool,
    /// Whether it is part of the guide.
    pub kept: bool,
}

/// How well a quantity is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantityRecord {
    /// The name of its variable.
    pub name: String,
    /// Its labels.
    pub index: Vec<String>,
    /// k-hat of the weights times squared distances from the mean.
    pub khat: Number,
    /// The relative error of its sd by the tail of these.
    pub tail_error: Number,
    /// The Monte Carlo standard error of its mean, in sds.
    pub mean_error: Number,
    /// The relative Monte Carlo standard error of its sd.
    pub sd_error: Number,
}

/// Latents integrated out of the density that the guide was fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegratedRecord {
    /// How many.
    pub locals: usize,
    /// How many blocks, independent of one another given the others.
    pub blocks: usize,
    /// By how much a finer rule of integration changes the log density of the others, in nats.
    pub error: Number,
    /// The share of accepted moves, if moves drew them: one block is coupled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Number>,
}

/// What Markov chains tell of the draws they made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainsRecord {
    /// How many.
    pub chains: usize,
    /// The draws of each.
    pub draws: usize,
    /// Draws whose trajectory diverged.
    pub divergences: usize,
    /// Draws whose trajectory reached its largest length.
    pub saturated: usize,
    /// The largest rank-normalised split R-hat of a quantity.
    pub rhat: Number,
    /// The smallest effective sample size of a quantity, in its bulk.
    pub bulk_ess: Number,
    /// The same in its tails.
    pub tail_ess: Number,
}

/// A name of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariableRecord {
    /// The name.
    pub name: String,
    /// `observed`, `latent`, `report` or `predict`.
    pub role: String,
    /// Its axes.
    pub axes: Vec<String>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// How many cells it is about, where others of the name are given or missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<usize>,
}

/// What a row of the summary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowRole {
    /// Inferred.
    Latent,
    /// Computed, and asked for by `report`.
    Report,
    /// Drawn after the fit.
    Predict,
}

impl RowRole {
    /// The role as written in files.
    pub fn name(self) -> &'static str {
        match self {
            RowRole::Latent => "latent",
            RowRole::Report => "report",
            RowRole::Predict => "predict",
        }
    }
}

/// A quantity that is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The name of its variable.
    pub name: String,
    /// Its labels, in the order of the axes on the left.
    pub index: Vec<String>,
    /// What it is.
    pub role: RowRole,
}

/// `alpha[AITKIN]`
pub fn element_name(name: &str, index: &[String]) -> String {
    if index.is_empty() { name.to_owned() } else { format!("{name}[{}]", index.join(", ")) }
}

/// A row of the summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of the variable.
    pub name: String,
    /// The labels of the element, in the order of the axes on the left.
    pub index: Vec<String>,
    /// What is known of its distribution.
    #[serde(flatten)]
    pub values: RowValues,
    /// What it is.
    pub role: RowRole,
}

/// What is reported of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RowValues {
    /// Of an element of an axis: how likely each is.
    Probabilities {
        /// One per element.
        probabilities: Vec<Probability>,
    },
    /// Of a number.
    Moments(Moments),
}

/// How likely a label is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// The label.
    pub label: String,
    /// Its probability.
    pub probability: f64,
}

/// Moments and quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// The mean.
    pub mean: Number,
    /// The standard deviation.
    pub sd: Number,
    /// The 5 % quantile.
    pub q05: Number,
    /// The median.
    pub q50: Number,
    /// The 95 % quantile.
    pub q95: Number,
    /// The Monte Carlo standard error of the mean.
    pub mcse_mean: Number,
}

impl From<&Summary> for Moments {
    fn from(summary: &Summary) -> Self {
        Moments {
            mean: Number(summary.mean),
            sd: Number(summary.sd),
            q05: Number(summary.q05),
            q50: Number(summary.q50),
            q95: Number(summary.q95),
            mcse_mean: Number(summary.mcse_mean),
        }
    }
}

/// Writes rows as CSV: `name,role,mean,sd,q05,q50,q95,mcse_mean`, then `probabilities` as
/// `label=p` pairs if any row has them. What is not finite is `NA`.
///
/// # Errors
///
/// Those of the writer.
pub fn write_summary(rows: &[Row], out: impl Write) -> std::io::Result<()> {
    let has_shares = rows.iter().any(|row| match &row.values {
        RowValues::Probabilities { .. } => true,
        RowValues::Moments(_) => false,
    });
    let mut csv = csv::Writer::from_writer(out);
    let mut header = vec!["name", "role", "mean", "sd", "q05", "q50", "q95", "mcse_mean"];
    if has_shares {
        header.push("probabilities");
    }
    csv.write_record(&header)?;
    for row in rows {
        let mut cells = vec![element_name(&row.name, &row.index), row.role.name().to_owned()];
        let (numbers, shares) = match &row.values {
            RowValues::Moments(m) => {
                let numbers = [m.mean, m.sd, m.q05, m.q50, m.q95, m.mcse_mean];
                (numbers.map(|x| cell(x.0)), String::new())
            }
            RowValues::Probabilities { probabilities } => {
                let pairs = probabilities.iter().map(|p| format!("{}={}", p.label, p.probability));
                let empty = std::array::from_fn(|_| "NA".to_owned());
                (empty, pairs.collect::<Vec<String>>().join(" "))
            }
        };
        cells.extend(numbers);
        if has_shares {
            cells.push(shares);
        }
        csv.write_record(&cells)?;
    }
    csv.flush()
}

/// A number in a CSV cell.
pub(super) fn cell(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { "NA".to_owned() }
}
