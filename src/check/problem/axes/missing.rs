//! The message for a right side that varies over axes which the left side does not have.

use crate::diagnostic::{Diagnostic, Slug};
use crate::source::Span;

/// What stands on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Left {
    /// Data: their axes are given.
    Data,
    /// A latent or a prediction, whose axes are those written.
    Latent,
    /// A definition.
    Definition,
}

/// The facts. Lists of axes are printed: `[house, county]`.
#[derive(Clone, Debug)]
pub(in crate::check) struct MissingAxis {
    /// The name on the left, its place and what it is.
    pub(in crate::check) name: String,
    pub(in crate::check) span: Span,
    pub(in crate::check) kind: Left,
    /// The axes on the left; `[]` for none.
    pub(in crate::check) left: String,
    /// The right side.
    pub(in crate::check) value: Span,
    /// The axes too many.
    pub(in crate::check) free: String,
    /// A column over the left axes that picks one element of the first axis too many.
    pub(in crate::check) column: Option<String>,
    /// A column over the missing axis that says to which element of the left axis a row belongs,
    /// and the bare index on the left.
    pub(in crate::check) member: Option<(String, (String, Span))>,
    /// The name that brings the axis, where it stands, where it is declared.
    pub(in crate::check) culprit: Option<(String, Span, Span)>,
    /// Unobserved data of nearly the same name, for a latent without axes.
    pub(in crate::check) nearest: Option<String>,
}

impl MissingAxis {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        if let Some(data) = &self.nearest {
            return self.misspelt_observation(data);
        }
        let MissingAxis { name, span, left, free, .. } = self;
        let has_axes = self.has_axes();
        let at = self.at();
        let here = format!("varies over {free}");
        let mut diagnostic = Diagnostic::error(Slug::MissingAxis, self.message(), at, here);
        if let Some((_, _, declared)) = &self.culprit {
            diagnostic = diagnostic.because(*declared, format!("over {free}"));
        }
        let why = if has_axes { format!("over {left}") } else { "one number".to_owned() };
        diagnostic = diagnostic.because(*span, why);
        let culprit = self.culprit.as_ref().map_or("x", |(name, ..)| name);
        let (axes, bound) = (inner(free), inner(left));
        if let Some(grouped) = self.grouped(&diagnostic) {
            return grouped;
        }
        match (has_axes, &self.column, self.kind) {
            (true, Some(column), Left::Data | Left::Latent | Left::Definition) => diagnostic
                .help(format!(
                    "choose one per {bound}, for example with an index: `{culprit}[{column}]`"
                ))
                .edit(Span { start: at.end, ..at }, format!("[{column}]")),
            (true, None, Left::Data) => diagnostic.help(format!(
                "choose one with an index: `{culprit}[…]`, or reduce it: `sum(…)`"
            )),
            (true, None, Left::Latent | Left::Definition) => diagnostic.help(format!(
                "choose one with an index: `{culprit}[…]`, reduce it: `sum(…)`, or add the axis on the left: `{name}[{bound}, {axes}]`"
            )),
            (false, _, Left::Latent) => diagnostic
                .help(format!("if each {axes} has its own value, write `{name}[{axes}]`"))
                .edit(Span { start: span.end, ..*span }, format!("[{axes}]")),
            (false, _, Left::Definition) => diagnostic
                .help(format!("write `{name}[{axes}]`, or reduce the right side: `mean(…)`")),
            (false, _, Left::Data) => diagnostic.help(format!(
                "choose one with an index: `{culprit}[…]`, or reduce the right side: `mean(…)`"
            )),
        }
    }

    /// A column of rows in an equation of their groups.
    fn grouped(&self, diagnostic: &Diagnostic) -> Option<Diagnostic> {
        let (member, (group, binder)) = self.member.as_ref()?;
        let (column, at, _) = self.culprit.as_ref().filter(|_| self.kind != Left::Data)?;
        let (rows, initial) = (inner(&self.free), &group[..group.chars().next()?.len_utf8()]);
        let index = if initial == "i" { "k" } else { initial };
        let mean = format!("mean(i in {rows} where {member}[i] == {index}: {column}[i])");
        Some(
            diagnostic
                .clone()
                .help(format!(
                    "give each {group} one value, in a table of its own: `data {group}({column})`; or take the mean of its rows: `{mean}`"
                ))
                .edit(*binder, format!("{index} in {group}"))
                .edit(*at, mean),
        )
    }

    /// A latent without axes whose name is near that of data.
    fn misspelt_observation(&self, data: &str) -> Diagnostic {
        let MissingAxis { name, span, free, .. } = self;
        let axes = inner(free);
        let here = "a latent without an axis, because `data` does not declare it";
        Diagnostic::error(Slug::MissingAxis, self.message(), *span, here)
            .because(self.at(), format!("varies over {free}"))
            .help(format!(
                "did you mean the data `{data}`? If `{name}` is a latent with one value for each {axes}, write `{name}[{axes}]`"
            ))
            .edit(*span, data)
    }

    fn has_axes(&self) -> bool {
        self.left != "[]"
    }

    fn at(&self) -> Span {
        self.culprit.as_ref().map_or(self.value, |(_, span, _)| *span)
    }

    fn message(&self) -> String {
        let MissingAxis { name, free, left, .. } = self;
        if self.has_axes() {
            format!("the right side varies over {free}, but `{name}` has axes {left}")
        } else {
            format!("the right side varies over {free}, but `{name}` has no axis")
        }
    }
}

/// The axes of a printed list.
fn inner(list: &str) -> &str {
    list.trim_matches(['[', ']'])
}
