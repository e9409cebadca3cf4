//! What the commands answer, those about a fit aside.

use super::command::{COMMANDS, Which, find, words};
use super::{Answer, Repl, State};
use crate::diagnostic::Slug;
use crate::session::{Stage, explain};
use std::fmt::Write;
use std::path::Path;

impl Repl<'_> {
    /// Answers a command, given without its colon.
    pub(super) fn command(&mut self, text: &str) -> Answer {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let arguments = words(rest);
        let which = match find(name) {
            Ok(which) => which,
            Err(nearest) => {
                let hint = match nearest {
                    Some(nearest) => format!("; did you mean `:{nearest}`?"),
                    None => "; `:help` lists all".to_owned(),
                };
                return Answer::refused(format!("error: there is no command `:{name}`{hint}"));
            }
        };
        let one = |what: &str| match arguments.as_slice() {
            [one] => Ok(one.clone()),
            [] | [_, ..] => Err(Answer::refused(format!("error: `:{name}` takes {what}"))),
        };
        let answer = match which {
            Which::Data => Ok(self.add_data(&arguments)),
            Which::Show => Ok(Answer::told(self.text())),
            Which::Explain => Ok(self.explain(arguments.first().map(String::as_str))),
            Which::Prior => Ok(self.prior(arguments.first().map(String::as_str))),
            Which::Fit => Ok(self.fit_now(arguments.first().map(String::as_str))),
            Which::Summary => Ok(self.summary(arguments.iter().any(|a| a == "all"))),
            Which::Plot => one("a name").map(|name| self.plot(&name)),
            Which::Predict => Ok(self.predict()),
            Which::Density => Ok(self.density(rest.trim())),
            Which::Undo => Ok(self.undo()),
            Which::Edit => Ok(self.edit()),
            Which::Load => one("a file").map(|path| self.load(Path::new(&path))),
            Which::Save => one("a file").map(|path| self.save(Path::new(&path))),
            Which::Time => Ok(self.time(arguments.first().map(String::as_str))),
            Which::Help => Ok(Answer::told(help())),
            Which::Quit => Ok(Answer { ends: true, ..Answer::default() }),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// Adds data to the program, if they can be read.
    fn add_data(&mut self, more: &[String]) -> Answer {
        if more.is_empty() {
            let list = self.state.data.join("\n");
            return Answer::told(if list.is_empty() { "no data".to_owned() } else { list });
        }
        let mut data = self.state.data.clone();
        for argument in more {
            // A number or file for the same name takes the place of the one before.
            let name = argument.split_once('=').map(|(name, _)| name);
            let same = |other: &String| {
                other == argument
                    || name.is_some() && other.split_once('=').map(|(name, _)| name) == name
            };
            data.retain(|other| !same(other));
            data.push(argument.clone());
        }
        let document = self.document();
        let (report, problems) = self.look(&document, &data);
        if !problems.is_empty() {
            return Answer::refused(self.rendered(&problems, &document.sources));
        }
        let mut lines = String::new();
        for file in report.iter().flat_map(|report| &report.files) {
            let rows = file.rows.map_or(String::new(), |rows| format!("{rows} rows; "));
            let _ = writeln!(lines, "{}: {rows}{}", file.file, file.names.join(", "));
        }
        for axis in report.iter().flat_map(|report| &report.axes) {
            let more = if axis.size > axis.first.len() { ", ..." } else { "" };
            let _ = writeln!(
                lines,
                "axis {}: {} ({}{more})",
                axis.name,
                axis.size,
                axis.first.join(", ")
            );
        }
        if report.is_none() {
            lines.push_str("kept until the program declares all of its data");
            let columns = self.tables(&document, &data).columns();
            if !super::declares(&document) && !columns.is_empty() {
                let _ = write!(lines, "; the columns are {}", columns.join(", "));
            }
        }
        let pieces = self.state.pieces.clone();
        self.past.push(std::mem::replace(&mut self.state, State { pieces, data }));
        self.fit = None;
        Answer::told(lines)
    }

    fn explain(&self, name: Option<&str>) -> Answer {
        let document = self.document();
        let explained = explain(document.typed(), &document.sources);
        let Some(name) = name else {
            let lines = explained.equations.iter().flat_map(|equation| &equation.lines);
            return Answer::told(lines.cloned().collect::<Vec<String>>().join("\n"));
        };
        if let Some(slug) = Slug::ALL.iter().find(|slug| slug.name() == name) {
            return Answer::told(slug.page());
        }
        match crate::session::describe(&document, name) {
            Some(text) => Answer::told(text),
            None => {
                let names = explained.names.iter().map(|row| row.name.as_str());
                let hint = crate::session::nearest(name, names)
                    .map(|nearest| format!("; did you mean `{nearest}`?"))
                    .unwrap_or_default();
                Answer::refused(format!("error: nothing is known of `{name}`{hint}"))
            }
        }
    }

    fn undo(&mut self) -> Answer {
        let Some(before) = self.past.pop() else {
            return Answer::refused("error: there is nothing to take back");
        };
        let now = std::mem::replace(&mut self.state, before);
        self.fit = None;
        let count = |state: &State| state.pieces.len();
        let data = if now.data == self.state.data { "" } else { ", with the data of before" };
        let (was, is) = (count(&now), count(&self.state));
        Answer::told(format!("back from {was} to {is} statements{data}"))
    }

    fn edit(&mut self) -> Answer {
        match self.host.edit(&self.text()) {
            Ok(text) => self.replace("the edited program", &text),
            Err(error) => Answer::refused(format!("error: the editor: {error}")),
        }
    }

    fn save(&self, path: &Path) -> Answer {
        let text = self.text();
        // What was typed is laid out; what cannot be stays as it is.
        let text =
            crate::session::format(crate::source::SourceId::default(), &text).unwrap_or(text);
        match self.host.write(path, &text) {
            Ok(()) => Answer::told(format!("saved in {}", path.display())),
            Err(error) => {
                Answer::refused(format!("error: `{}` cannot be written: {error}", path.display()))
            }
        }
    }

    fn time(&mut self, argument: Option<&str>) -> Answer {
        self.timed = match argument {
            None => !self.timed,
            Some("on") => true,
            Some("off") => false,
            Some(other) => {
                return Answer::refused(format!("error: `:time` is `on` or `off`, not `{other}`"));
            }
        };
        Answer::told(if self.timed { "times are shown" } else { "times are not shown" })
    }

    /// The whole program: every latent must matter now.
    pub(super) fn whole(&self) -> Result<crate::session::Document, Answer> {
        let document = self.open(&self.state, Stage::Whole);
        let errors: Vec<_> =
            document.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
        if errors.is_empty() {
            Ok(document)
        } else {
            Err(Answer::refused(self.rendered(&errors, &document.sources)))
        }
    }
}

fn help() -> String {
    let mut out = String::from(
        "Type equations, as in a program: each is checked at once, and replaces the one before\n\
         that defined the same name. Type an expression alone to see its value.\n\n",
    );
    let heads = COMMANDS.iter().map(|c| format!(":{} {}", c.name, c.arguments));
    let heads: Vec<String> = heads.map(|head| head.trim_end().to_owned()).collect();
    let width = heads.iter().map(|head| head.chars().count()).max().unwrap_or_default();
    for (head, command) in heads.iter().zip(COMMANDS) {
        let _ = writeln!(out, "{head:width$}  {}", command.help);
    }
    out
}
