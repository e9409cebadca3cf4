//! What can be typed. The only user of clap beside the parse itself.

use crate::session::LARGEST_TABLE;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Bayesian models as equations, fitted by variational inference.
#[derive(Clone, Debug, Parser)]
#[command(name = "vippl", version, arg_required_else_help = true)]
pub(super) struct Vippl {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Fit a program to data and print the posterior
    Run(RunArguments),
    /// Check a program, and its data if given, without fitting
    Check(CheckArguments),
    /// Lay out programs the one way all are laid out
    Fmt(FormatArguments),
    /// Enter a program line by line, and look at it, its data and its fit
    Repl(ReplArguments),
    /// Check a program again whenever it or its data are saved
    Watch(WatchArguments),
    /// Draw from the priors, and what the program would predict from them
    Prior(PriorArguments),
    /// Serve an editor over standard input and output
    Lsp(LspArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the man page
    Man(ManArguments),
    /// Print a program with every index written, or the page of a diagnostic
    Explain(ExplainArguments),
    /// Evaluate the log density at a point
    Density(DensityArguments),
    /// Print a saved fit again
    Summary(SummaryArguments),
    /// Draw predictions from a saved fit
    Predict(PredictArguments),
    /// Simulate data from the priors, fit them, and see whether fits recover what was simulated
    Sbc(SbcArguments),
}

impl Command {
    /// The command that these words are.
    pub(super) fn parsed(words: Vec<std::ffi::OsString>) -> Option<Command> {
        Vippl::try_parse_from(words).ok().map(|vippl| vippl.command)
    }

    /// Whether the result is for programs.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Command::Run(arguments) => arguments.json,
            Command::Check(arguments) => arguments.program.json,
            Command::Explain(arguments) => arguments.json,
            Command::Density(arguments) => arguments.program.json,
            Command::Summary(arguments) => arguments.json,
            Command::Predict(arguments) => arguments.drawn.json,
            Command::Sbc(arguments) => arguments.program.json,
            Command::Prior(arguments) => arguments.drawn.json,
            Command::Fmt(_)
            | Command::Repl(_)
            | Command::Watch(_)
            | Command::Lsp(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }
}

/// A program and its data.
#[derive(Clone, Debug, Args)]
pub(super) struct ProgramArguments {
    /// The program (`-` reads standard input)
    #[arg(value_name = "MODEL.vi")]
    pub(super) model: PathBuf,
    /// Data: FILE.csv, FILE.json, table=FILE or name=NUMBER
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// The most entries of a table in which finite latents are summed out: N or 2^K [default: 2^16]
    #[arg(long, value_name = "N", value_parser = table_size)]
    pub(super) max_table: Option<usize>,
    /// Treat warnings as errors
    #[arg(long)]
    pub(super) deny_warnings: bool,
}

/// A number of entries: `1000000` or `2^20`.
fn table_size(text: &str) -> Result<usize, String> {
    let size = match text.trim().strip_prefix("2^") {
        Some(power) => power.parse().ok().and_then(|power| 1_usize.checked_shl(power)),
        None => text.trim().parse().ok(),
    };
    match size {
        Some(size @ 1..=LARGEST_TABLE) => Ok(size),
        Some(_) | None => Err("write a number from 1 to 2^30, as 1000000 or 2^20".to_owned()),
    }
}

#[derive(Clone, Debug, Args)]
pub(super) struct RunArguments {
    /// The program (`-` reads standard input)
    #[arg(value_name = "MODEL.vi")]
    pub(super) model: PathBuf,
    /// Data: FILE.csv, FILE.json, table=FILE or name=NUMBER
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// How to come by draws of the posterior
    #[arg(long, value_enum, default_value_t = MethodArgument::Vi)]
    pub(super) method: MethodArgument,
    /// The family of distributions that `vi` fits
    #[arg(long, value_enum, default_value_t = GuideArgument::Auto)]
    pub(super) guide: GuideArgument,
    /// How the guide is fitted
    #[arg(long, value_enum, default_value_t = AlgorithmArgument::Auto)]
    pub(super) algorithm: AlgorithmArgument,
    /// Posterior draws to keep for --output and predictions
    #[arg(long, value_name = "N", default_value_t = 4000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) draws: u32,
    /// The seed of everything random [default: from the system]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// Also draw what the program predicts (what it observes, if it has no `predict`)
    #[arg(long)]
    pub(super) predict: bool,
    /// Save the fit: draws, summary, and what `predict` and `summary` need
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    /// Let --output replace the files of a directory that is not an earlier fit
    #[arg(long)]
    pub(super) force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print every row of long arrays
    #[arg(long)]
    pub(super) all: bool,
    /// No warnings and no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// The memory that the fit may take [default: what is free]
    #[arg(long, value_name = "GIB")]
    pub(super) memory: Option<f64>,
    /// Threads to use [default: VIPPL_THREADS, or all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// The most entries of a table in which finite latents are summed out: N or 2^K [default: 2^16]
    #[arg(long, value_name = "N", value_parser = table_size)]
    pub(super) max_table: Option<usize>,
    /// Treat warnings as errors
    #[arg(long)]
    pub(super) deny_warnings: bool,
    /// End with 0 whatever the verdict
    #[arg(long)]
    pub(super) exit_zero: bool,
}

/// A way to draws of the posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MethodArgument {
    /// Variational inference, checked and corrected by importance weights
    Vi,
    /// Markov chains (the no-U-turn sampler): slow, and right where guides are not
    Nuts,
    /// Importance sampling from the normals that the starts find
    Importance,
    /// Normals with the curvature of the modes
    Laplace,
    /// The best normals along the ways to the modes
    Pathfinder,
    /// The highest mode alone
    Map,
}

/// A family of guides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GuideArgument {
    /// Full-rank up to 500 latents, triangular where that falls short, mean-field above
    Auto,
    /// Independent normals
    MeanField,
    /// Normals with correlations
    FullRank,
    /// The same, bent: for funnels and ridges
    Triangular,
}

/// A way to fit a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AlgorithmArgument {
    /// Natural for guides with correlations, fixed for mean-field
    Auto,
    /// Natural gradients on fixed draws
    Natural,
    /// L-BFGS and Newton's method on fixed draws
    Fixed,
    /// Gradients along the path of fresh draws
    Stochastic,
    /// Gradients of the score of fresh draws
    Score,
}

#[derive(Clone, Debug, Args)]
pub(super) struct SbcArguments {
    #[command(flatten)]
    pub(super) program: ProgramArguments,
    /// Data sets to simulate and fit
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub(super) simulations: u32,
    /// How to come by draws of the posterior
    #[arg(long, value_enum, default_value_t = MethodArgument::Vi)]
    pub(super) method: MethodArgument,
    /// The family of distributions that `vi` fits
    #[arg(long, value_enum, default_value_t = GuideArgument::Auto)]
    pub(super) guide: GuideArgument,
    /// The seed of everything random [default: from the system]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// No warnings and no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Threads to use [default: VIPPL_THREADS, or all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) program: ProgramArguments,
}

#[derive(Clone, Debug, Args)]
pub(super) struct FormatArguments {
    /// Programs, or folders of them (`-` lays out standard input)
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Change nothing; list the programs that are not in their layout, and end with 1 if there are
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct WatchArguments {
    /// The program
    #[arg(value_name = "MODEL.vi")]
    pub(super) model: PathBuf,
    /// Data: FILE.csv, FILE.json, table=FILE or name=NUMBER
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// Fit too
    #[arg(long)]
    pub(super) fit: bool,
    /// End after so many checks
    #[arg(long, value_name = "N", hide = true)]
    pub(super) rounds: Option<u32>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct PriorArguments {
    /// The program (`-` reads standard input)
    #[arg(value_name = "MODEL.vi")]
    pub(super) model: PathBuf,
    /// Data: FILE.csv, FILE.json, table=FILE or name=NUMBER
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// How many draws
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(super) draws: u32,
    /// The seed of the draws [default: from the system]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    #[command(flatten)]
    pub(super) drawn: DrawnArguments,
}

#[derive(Clone, Debug, Args)]
pub(super) struct LspArguments {
    /// Over standard input and output, as always
    #[arg(long)]
    pub(super) stdio: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ManArguments {
    /// Write the pages of all commands to a folder
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ReplArguments {
    /// A program to begin with
    #[arg(value_name = "MODEL.vi")]
    pub(super) model: Option<PathBuf>,
    /// Data: FILE.csv, FILE.json, table=FILE or name=NUMBER
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// The seed of fits and draws [default: from the system]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// Threads to use [default: VIPPL_THREADS, or all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArguments {
    /// A program (MODEL.vi, `-` reads standard input) or the name of a diagnostic
    #[arg(value_name = "MODEL.vi|SLUG", required_unless_present = "list")]
    pub(super) target: Option<String>,
    /// List the names of all diagnostics
    #[arg(long)]
    pub(super) list: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct DensityArguments {
    #[command(flatten)]
    pub(super) program: ProgramArguments,
    /// The point: an object from latent to number or nested arrays (`-` reads standard input)
    #[arg(long, value_name = "POINT.json")]
    pub(super) at: PathBuf,
    /// The gradient on the unconstrained scale too
    #[arg(long)]
    pub(super) gradient: bool,
    /// The point is a flat list of unconstrained coordinates
    #[arg(long)]
    pub(super) unconstrained: bool,
    /// How long an evaluation takes, and each of its parts
    #[arg(long)]
    pub(super) time: bool,
    /// How to differentiate
    #[arg(long, value_enum, default_value_t = AutodiffArgument::Mixed)]
    pub(super) autodiff: AutodiffArgument,
}

/// A mode of differentiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AutodiffArgument {
    /// Dual numbers inside statements, adjoints between them, as in fits
    Mixed,
    /// Dual numbers through the whole program: slow, a check of the other
    Forward,
}

#[derive(Clone, Debug, Args)]
pub(super) struct SummaryArguments {
    /// What `vippl run --output` saved
    #[arg(value_name = "DIR")]
    pub(super) directory: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print every row of long arrays
    #[arg(long)]
    pub(super) all: bool,
}

/// What becomes of draws.
#[derive(Clone, Debug, Args)]
pub(super) struct DrawnArguments {
    /// Save every draw as CSV
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print every row of long arrays
    #[arg(long)]
    pub(super) all: bool,
    /// No warnings
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Threads to use [default: VIPPL_THREADS, or all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct PredictArguments {
    /// What `vippl run --output` saved
    #[arg(value_name = "DIR")]
    pub(super) directory: PathBuf,
    /// New data: FILE.csv, FILE.json, table=FILE or name=NUMBER; the rest is as in the fit
    #[arg(value_name = "DATA")]
    pub(super) data: Vec<String>,
    /// The same, as an option
    #[arg(long = "data", value_name = "DATA")]
    pub(super) more_data: Vec<String>,
    /// The seed of the draws [default: that of the fit]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    #[command(flatten)]
    pub(super) drawn: DrawnArguments,
}
