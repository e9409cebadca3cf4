//! Expressions typed alone: exact values over data, means and intervals over a posterior.

use super::fit::no_fit;
use super::{Answer, Repl};
use crate::data::Tables;
use crate::diagnostic::Diagnostic;
use crate::output::{RowValues, element_name, significant, summary_table};
use crate::session::{Document, Sort, Value, ValueError};
use std::path::Path;

/// Elements of an array that are shown.
const MOST_ELEMENTS: usize = 20;

impl Repl<'_> {
    /// The program with an expression; only what is no equation where `bare`.
    fn with(&self, expression: &str, bare: bool) -> Document {
        let callable = |piece: &&super::Piece| {
            !bare
                || !piece.defined.is_empty()
                    && piece.defined.iter().all(|(sort, _)| *sort == Sort::Callable)
        };
        let kept = self.state.pieces.iter().filter(callable);
        let texts: Vec<(&str, String)> = kept.map(|p| (p.name.as_str(), p.placed())).collect();
        let pieces: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (*n, t.as_str())).collect();
        let name = format!("entry {}", self.entries);
        let read = |path: &Path| self.host.read(&self.folder.join(path));
        Document::with_expression(&self.folder, "session", &pieces, (&name, expression), &read)
    }

    fn evaluated(&self, expression: &str) -> Result<Value, ValueError> {
        // What needs no equation needs no data either.
        let bare = self.with(expression, true);
        if let Ok(value) = bare.value(&Tables::default(), None) {
            return Ok(value);
        }
        let document = self.with(expression, false);
        let tables = self.tables(&document, &self.state.data);
        document.value(&tables, self.fit.as_ref().map(|kept| &kept.saved))
    }

    /// Answers an expression.
    pub(super) fn expression(&mut self, text: &str) -> Answer {
        match self.evaluated(text) {
            Ok(value) => Answer::told(self.shown(&value)),
            Err(ValueError::Mistakes(errors, sources)) => {
                let errors: Vec<Diagnostic> = errors;
                Answer::refused(self.rendered(&errors, &sources))
            }
            Err(ValueError::NotFitted(latents)) => Answer::refused(format!(
                "error: this depends on {}, and there is no fit yet; `:fit` makes one",
                latents.iter().map(|l| format!("`{l}`")).collect::<Vec<String>>().join(", ")
            )),
            Err(ValueError::Failure(failure)) => {
                self.failed(failure, &crate::source::Sources::default())
            }
        }
    }

    fn shown(&self, value: &Value) -> String {
        match value {
            Value::Exact { labels, elements } => match (labels.as_slice(), elements.as_slice()) {
                ([only], [element]) if only.is_empty() => element.clone(),
                (labels, elements) => {
                    let pairs = labels.iter().zip(elements).take(MOST_ELEMENTS);
                    let lines = pairs.map(|(l, e)| format!("{}  {e}", element_name("", l)));
                    let mut text = lines.collect::<Vec<String>>().join("\n");
                    if elements.len() > MOST_ELEMENTS {
                        let rest = elements.len() - MOST_ELEMENTS;
                        text.push_str(&format!("\n… and {rest} more"));
                    }
                    text
                }
            },
            Value::Drawn(rows) => match rows.as_slice() {
                [row] if row.index.is_empty() => match &row.values {
                    RowValues::Moments(m) => {
                        let [mean, sd, low, high] =
                            [m.mean, m.sd, m.q05, m.q95].map(|x| significant(x.0, 4));
                        let sign = self.settings.human.style.plus_minus();
                        format!("{mean} {sign} {sd}, 90 % in [{low}, {high}]")
                    }
                    RowValues::Probabilities { probabilities } => {
                        let each = probabilities
                            .iter()
                            .map(|p| format!("{} {}", p.label, significant(p.probability, 3)));
                        each.collect::<Vec<String>>().join(", ")
                    }
                },
                rows => {
                    let mut rows = rows.to_vec();
                    rows.iter_mut().for_each(|row| row.name.clear());
                    summary_table(&rows, &self.settings.human)
                }
            },
        }
    }

    /// The values to plot of a name or expression: its elements over the posterior, or its cells.
    pub(super) fn draws_of(&self, name: &str) -> Result<Vec<(String, Vec<f64>)>, Answer> {
        if let Some(kept) = &self.fit {
            let found = kept.draws_of(name);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        match self.evaluated(name) {
            Ok(Value::Exact { elements, .. }) => {
                let cells: Vec<f64> = elements.iter().filter_map(|e| e.parse().ok()).collect();
                if cells.is_empty() {
                    return Err(Answer::refused(format!("error: `{name}` has no numbers to plot")));
                }
                Ok(vec![(name.to_owned(), cells)])
            }
            Ok(Value::Drawn(_)) | Err(ValueError::NotFitted(_)) => match &self.fit {
                None => Err(no_fit()),
                Some(kept) => Err(Answer::refused(format!(
                    "error: `{name}` is no latent of the fit, which has {}",
                    kept.document()
                        .typed()
                        .latents()
                        .map(|v| format!("`{}`", kept.document().typed().variable(v).name))
                        .collect::<Vec<String>>()
                        .join(", ")
                ))),
            },
            Err(ValueError::Mistakes(errors, sources)) => {
                Err(Answer::refused(self.rendered(&errors, &sources)))
            }
            Err(ValueError::Failure(failure)) => {
                Err(self.failed(failure, &crate::source::Sources::default()))
            }
        }
    }
}
