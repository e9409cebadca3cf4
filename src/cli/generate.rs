//! `vippl completions` and `vippl man`: files for the shell, from the declarations of the arguments.

use super::arguments::{CompletionsArguments, ManArguments, Vippl};
use super::exit::{Exit, Refusal};
use super::terminal::Terminal;
use clap::CommandFactory;

/// Prints the completions of a shell.
pub(super) fn completions(
    arguments: &CompletionsArguments,
    terminal: &Terminal,
) -> Result<Exit, Refusal> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, &mut Vippl::command(), "vippl", &mut out);
    terminal.print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Success)
}

/// Prints the man page of vippl, or writes those of all commands.
pub(super) fn man(arguments: &ManArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let command = Vippl::command();
    match &arguments.output {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(command, folder)?;
        }
        None => {
            let mut out = Vec::new();
            clap_mangen::Man::new(command).render(&mut out)?;
            terminal.print(&String::from_utf8_lossy(&out))?;
        }
    }
    Ok(Exit::Success)
}
