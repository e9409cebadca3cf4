//! Fits, priors, predictions and densities of the program so far.

use super::{Answer, Repl, State};
use crate::data::{Binding, Mode};
use crate::diagnostic::{Diagnostic, Severity};
use crate::inference::Progress;
use crate::output::{FitRecord, density_plot, exact, report, sparkline, summary_table};
use crate::session::{
    Autodiff, Document, Failure, FitOptions, Model, SavedFit, Sort, Timings, Wanted, predict,
    predicted_rows, record,
};
use std::collections::HashMap;

/// Draws from the priors, unless told otherwise.
const PRIOR_DRAWS: usize = 1000;

/// Elements of an array that `:plot` draws.
const MOST_PLOTS: usize = 20;

/// A fit of the program, with what is asked of it.
pub(super) struct Kept {
    document: Document,
    model: Model,
    record: FitRecord,
    pub(super) saved: SavedFit,
}

impl Repl<'_> {
    /// Drops the fit where the program has changed; more definitions do not change what was fitted.
    pub(super) fn keep_fit(&mut self, state: &State) -> Option<String> {
        self.fit.as_ref()?;
        let more = state.pieces.strip_prefix(self.state.pieces.as_slice());
        let defines = |sort: &Sort| match sort {
            Sort::Definition | Sort::Callable => true,
            Sort::Data | Sort::Axis | Sort::Random => false,
        };
        let harmless = more.is_some_and(|more| {
            let all = |p: &super::Piece| {
                !p.defined.is_empty() && p.defined.iter().all(|(sort, _)| defines(sort))
            };
            more.iter().all(all)
        });
        if harmless {
            return None;
        }
        self.fit = None;
        Some("the fit was of the program before this: `:fit` again".to_owned())
    }

    /// The whole program with its data, compiled.
    fn compiled(&self) -> Result<(Document, Model, Vec<Diagnostic>), Answer> {
        let document = self.whole()?;
        let (binding, told) = self.bound(&document)?;
        let model = Model::compile(binding).map_err(|f| self.failed(f, &document.sources))?;
        Ok((document, model, told))
    }

    fn bound(&self, document: &Document) -> Result<(Binding, Vec<Diagnostic>), Answer> {
        let bound = document.bind(&self.tables(document, &self.state.data), Mode::Fit);
        let (errors, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
            bound.diagnostics.into_iter().partition(Diagnostic::is_error);
        match bound.value {
            Some(binding) if errors.is_empty() => Ok((binding, others)),
            Some(_) | None => {
                let text = self.rendered(&errors, &document.sources);
                let hint =
                    if self.state.data.is_empty() { "\n`:data FILE` gives data" } else { "" };
                Err(Answer::refused(text + hint))
            }
        }
    }

    pub(super) fn fit_now(&mut self, seed: Option<&str>) -> Answer {
        let seed = match seed.map(str::parse::<u64>) {
            None => self.settings.seed,
            Some(Ok(seed)) => seed,
            Some(Err(_)) => return Answer::refused("error: the seed is a whole number"),
        };
        let (document, model, mut told) = match self.compiled() {
            Ok(compiled) => compiled,
            Err(refusal) => return refusal,
        };
        told.extend(document.diagnostics.iter().cloned());
        told.retain(|d| d.severity == Severity::Warning);
        let options = FitOptions { seed, ..FitOptions::default() };
        let (host, interrupt) = (self.host, options.inference.interrupt.clone());
        let mut progress = |progress: Progress| {
            host.progress(&progress.to_string());
            if host.is_cancelled() {
                interrupt.raise();
            }
        };
        let fitted = model.fit(&options, Timings::default(), &mut progress);
        host.progress("");
        let left = || Answer::refused("the fit was left; the program and the fit before it stay");
        match fitted {
            Err(Failure::Interrupted) => left(),
            Err(failure) => self.failed(failure, &document.sources),
            Ok(fitted) if fitted.fit.diagnostics.interrupted => left(),
            Ok(fitted) => {
                let record = record(&document, &model, &fitted, &told);
                let mut text = self.rendered(&told, &document.sources);
                if !text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(&report(&record, &self.settings.human));
                let saved = SavedFit::new(&document, &model, &fitted);
                self.fit = Some(Kept { document, model, record, saved });
                Answer::told(text)
            }
        }
    }

    pub(super) fn summary(&self, all: bool) -> Answer {
        match &self.fit {
            None => no_fit(),
            Some(kept) => {
                let options = crate::output::HumanOptions { all, ..self.settings.human };
                Answer::told(report(&kept.record, &options))
            }
        }
    }

    pub(super) fn prior(&self, draws: Option<&str>) -> Answer {
        let draws = match draws.map(str::parse::<usize>) {
            None => PRIOR_DRAWS,
            Some(Ok(draws)) if (2..=1_000_000).contains(&draws) => draws,
            Some(Ok(_) | Err(_)) => {
                return Answer::refused("error: the draws are a whole number from 2 to 1000000");
            }
        };
        let document = self.document();
        let binding = match self.bound(&document) {
            Ok((binding, _)) => binding,
            Err(refusal) => return refusal,
        };
        match Model::prior(&binding.program, draws, self.settings.seed) {
            Ok(drawn) => {
                let rows = predicted_rows(&binding.program, &drawn);
                Answer::told(summary_table(&rows, &self.settings.human))
            }
            Err(failure) => self.failed(failure, &document.sources),
        }
    }

    pub(super) fn predict(&self) -> Answer {
        let Some(kept) = &self.fit else { return no_fit() };
        let document = self.document();
        let binding = match self.bound(&document) {
            Ok((binding, _)) => binding,
            Err(refusal) => return refusal,
        };
        let program = &binding.program;
        let wanted = Wanted::predictions(program, kept.saved.fresh(program));
        match predict::predict(program, &kept.saved, &wanted, kept.saved.state.seed) {
            Ok(drawn) => {
                let rows = predicted_rows(program, &drawn);
                Answer::told(summary_table(&rows, &self.settings.human))
            }
            Err(error) => self.failed(error.into(), &document.sources),
        }
    }

    /// The log density at a point, given as JSON or as `name=NUMBER`s.
    pub(super) fn density(&self, point: &str) -> Answer {
        let (document, model) = match (&self.fit, self.compiled()) {
            (_, Ok((document, model, _))) => (document, model),
            (_, Err(refusal)) => return refusal,
        };
        let at = match (point, &self.fit) {
            ("", Some(kept)) => Ok(kept.means()),
            ("", None) => return no_fit(),
            (text, _) if text.starts_with('{') => serde_json::from_str(text)
                .map_err(|error| format!("the point is not JSON: {error}")),
            (text, _) => assignments(text),
        };
        let at = match at {
            Ok(at) => at,
            Err(why) => return Answer::refused(format!("error: {why}")),
        };
        let point = match model.read_point(&at, false) {
            Ok(point) => point,
            Err(problems) => {
                let lines = problems.iter().map(|problem| format!("error: {problem}"));
                return Answer::refused(lines.collect::<Vec<String>>().join("\n"));
            }
        };
        match model.density_at(&point, false, Autodiff::Mixed) {
            Ok(density) => Answer::told(format!(
                "log density {}; on the unconstrained scale {}",
                exact(density.log_density),
                exact(density.log_density_unconstrained)
            )),
            Err(failure) => self.failed(failure, &document.sources),
        }
    }

    /// The density of everything that has a name.
    pub(super) fn plot(&self, name: &str) -> Answer {
        let style = self.settings.human.style;
        let elements = match self.draws_of(name) {
            Ok(elements) => elements,
            Err(refusal) => return refusal,
        };
        if let [(label, draws)] = elements.as_slice() {
            return Answer::told(density_plot(label, draws, self.settings.human.width, style));
        }
        let shown = &elements[..elements.len().min(MOST_PLOTS)];
        let width = shown.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
        let lines = shown
            .iter()
            .map(|(label, draws)| format!("{label:width$}  {}", sparkline(draws, style)));
        let mut text = lines.collect::<Vec<String>>().join("\n");
        if shown.len() < elements.len() {
            text.push_str(&format!("\n… and {} more", elements.len() - shown.len()));
        }
        Answer::told(text)
    }
}

impl Kept {
    /// The mean of every latent, as a point.
    fn means(&self) -> serde_json::Value {
        let bound = &self.model.bound;
        let of = |latent: &crate::session::SavedLatent, draws: &Vec<f64>| {
            let size = latent.labels.len();
            let count = self.saved.count.max(1) as f64;
            let mut cells = vec![serde_json::Value::Null; latent.size];
            for (element, position) in latent.positions.iter().enumerate() {
                let sum: f64 = draws.iter().skip(element).step_by(size.max(1)).sum();
                cells[*position] = serde_json::json!(sum / count);
            }
            let shape = bound.typed.find(&latent.name).map(|v| bound.shape(v)).unwrap_or_default();
            (latent.name.clone(), nested(&cells, &shape))
        };
        let latents = self.saved.state.latents.iter().zip(&self.saved.draws);
        let continuous: Vec<String> =
            bound.typed.latents().map(|v| bound.typed.variable(v).name.clone()).collect();
        let latents = latents.filter(|(latent, _)| continuous.contains(&latent.name));
        serde_json::Value::Object(latents.map(|(latent, draws)| of(latent, draws)).collect())
    }

    /// The draws of every element of a latent or report, weighted ones made equal.
    pub(super) fn draws_of(&self, name: &str) -> Vec<(String, Vec<f64>)> {
        let mut found = Vec::new();
        for (latent, draws) in self.saved.state.latents.iter().zip(&self.saved.draws) {
            if latent.name == name {
                let size = latent.labels.len().max(1);
                for (element, labels) in latent.labels.iter().enumerate() {
                    let own = draws.iter().skip(element).step_by(size).copied().collect();
                    found.push((crate::output::element_name(name, labels), own));
                }
            }
        }
        found
    }

    /// The program that was fitted.
    pub(super) fn document(&self) -> &Document {
        &self.document
    }
}

fn nested(cells: &[serde_json::Value], shape: &[usize]) -> serde_json::Value {
    match shape {
        [] => cells.first().cloned().unwrap_or_default(),
        [_, rest @ ..] => {
            let size = rest.iter().product::<usize>().max(1);
            cells.chunks(size).map(|chunk| nested(chunk, rest)).collect()
        }
    }
}

/// `mu=1 tau=[1, 2]`
fn assignments(text: &str) -> Result<serde_json::Value, String> {
    let mut values: HashMap<String, serde_json::Value> = HashMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let end = after
            .char_indices()
            .find(|(at, c)| {
                let depth = after[..*at].matches('[').count() - after[..*at].matches(']').count();
                (c.is_whitespace() || *c == ',') && depth == 0 && *at > 0
            })
            .map_or(after.len(), |(at, _)| at);
        let value = serde_json::from_str(after[..end].trim())
            .map_err(|_| format!("`{}` is neither a number nor an array", after[..end].trim()))?;
        values.insert(name.trim_matches([' ', ',']).to_owned(), value);
        rest = &after[end..];
    }
    match rest.trim_matches([' ', ',']) {
        "" => Ok(values.into_iter().collect()),
        rest => Err(format!("`{rest}` is not `name=NUMBER`")),
    }
}

pub(super) fn no_fit() -> Answer {
    Answer::refused("error: there is no fit yet; `:fit` makes one")
}
