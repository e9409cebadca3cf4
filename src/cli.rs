//! The command line: arguments to calls of the session, results to streams and exit codes.
//!
//! Results go to stdout, everything else to stderr. Each command is one file; all of them end in
//! an `Exit` or a `Refusal`, and only [`main`] turns those into text and a code.

mod arguments;
mod check;
mod density;
mod exit;
mod explain;
mod files;
mod format;
mod generate;
mod load;
mod lsp;
mod predict;
mod prior;
mod repl;
mod run;
mod sbc;
mod summary;
mod terminal;
mod watch;

use arguments::{Command, Vippl};
use clap::Parser;
use exit::{Exit, Refusal};
use std::process::ExitCode;
use terminal::Terminal;

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let vippl = match Vippl::try_parse() {
        Ok(vippl) => vippl,
        Err(error) => return explain_usage(&error),
    };
    let terminal = Terminal::detect();
    let json = vippl.command.wants_json();
    let result = match vippl.command {
        Command::Run(arguments) => run::run(&arguments, &terminal),
        Command::Check(arguments) => check::check(&arguments, &terminal),
        Command::Explain(arguments) => explain::explain(&arguments, &terminal),
        Command::Density(arguments) => density::density(&arguments, &terminal),
        Command::Summary(arguments) => summary::summary(&arguments, &terminal),
        Command::Fmt(arguments) => format::run(&arguments, &terminal),
        Command::Repl(arguments) => repl::run(&arguments, &terminal),
        Command::Watch(arguments) => watch::watch(&arguments, &terminal),
        Command::Prior(arguments) => prior::prior(&arguments, &terminal),
        Command::Lsp(arguments) => lsp::run(&arguments),
        Command::Completions(arguments) => generate::completions(&arguments, &terminal),
        Command::Man(arguments) => generate::man(&arguments, &terminal),
        Command::Predict(arguments) => predict::predict(&arguments, &terminal),
        Command::Sbc(arguments) => sbc::sbc(&arguments, &terminal),
    };
    let exit = result.unwrap_or_else(|refusal| refuse(&refusal, json, &terminal));
    ExitCode::from(exit.code())
}

/// Tells why there is no result: people on stderr, programs by an object on stdout.
fn refuse(refusal: &Refusal, json: bool, terminal: &Terminal) -> Exit {
    terminal.diagnostics(&refusal.diagnostics, &refusal.sources);
    for message in &refusal.messages {
        terminal.tell(&format!("error: {message}"));
    }
    if json {
        // What cannot be written to stdout has been told on stderr.
        let _ = terminal.print_json(&refusal.to_json());
    }
    refusal.exit
}

/// Help and versions are results; anything else is a usage error.
fn explain_usage(error: &clap::Error) -> ExitCode {
    // A stream that is closed early has been told enough.
    let _ = error.print();
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    ExitCode::from(exit.code())
}
