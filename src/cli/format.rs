//! `vippl fmt`: programs to their canonical layout, in place.

use super::arguments::FormatArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::terminal::Terminal;
use crate::session::{FormatError, format};
use crate::source::Sources;
use std::path::Path;

/// Lays out programs, or says which are not in their layout.
pub(super) fn run(arguments: &FormatArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let mut paths = Vec::new();
    for path in &arguments.paths {
        files::programs_in(path, &mut paths)?;
    }
    let mut sources = Sources::default();
    let mut refused = Refusal::with_places(Exit::Program, Vec::new(), &sources);
    let mut changed = 0;
    for path in &paths {
        let text = files::read_text(path)?;
        let name = if path == Path::new("-") { "<stdin>".to_owned() } else { shown(path) };
        let id = sources.add(name.clone(), text.clone());
        match format(id, &text) {
            Err(FormatError::Syntax(found)) => refused.diagnostics.extend(found),
            Err(FormatError::Changed) => {
                refused.exit = Exit::Internal;
                refused.messages.push(format!(
                    "`{name}` is left as it is: its layout would change its meaning, which is a \
                     mistake in vippl; please report it with the program"
                ));
            }
            Ok(laid_out) if arguments.check => {
                if laid_out != text {
                    changed += 1;
                    terminal.print(&format!("{name}:{}\n", first_difference(&text, &laid_out)))?;
                }
            }
            Ok(laid_out) if path == Path::new("-") => terminal.print(&laid_out)?,
            Ok(laid_out) => {
                if laid_out != text {
                    changed += 1;
                    files::replace(path, &laid_out)?;
                    terminal.tell(&format!("laid out {name}"));
                }
            }
        }
    }
    if !refused.diagnostics.is_empty() || !refused.messages.is_empty() {
        refused.sources = sources;
        return Err(refused);
    }
    if arguments.check && changed > 0 {
        let files = if changed == 1 { "1 file is" } else { &format!("{changed} files are") };
        terminal.tell(&format!("{files} not in the layout of `vippl fmt`"));
        return Ok(Exit::Program);
    }
    Ok(Exit::Success)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The first line, from 1, at which two texts differ.
fn first_difference(a: &str, b: &str) -> usize {
    let same = a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count();
    same + 1
}
