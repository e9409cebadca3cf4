//! A program with data to its posterior, and the posterior to whether it contains the truth.

use serde_json::Value;
use std::collections::HashMap;
use vippl::data::{Mode, Tables};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::inference::{Level, Summary, summarize};
use vippl::session::{Document, FitOptions, Model, Timings};

/// How many posterior sds the truth may be from the mean.
const SDS: f64 = 4.0;
/// The probability of the intervals, and how improbable a number of hits is an alarm.
const INTERVAL: f64 = 0.9;
const ALARM: f64 = 1e-4;

/// What a fit says of every element of every name, row-major.
pub(crate) struct Posterior {
    summaries: HashMap<String, Vec<Summary>>,
    /// Draws of latents with finitely many values; those of labels are positions.
    finite: HashMap<String, Vec<Vec<f64>>>,
}

/// Fits a program by default settings; the verdict is not DO NOT USE, and all numbers are finite.
///
/// # Panics
///
/// With the rendered messages if the program or its data have a mistake.
#[track_caller]
pub(crate) fn posterior(program: &str, data: &Value) -> Posterior {
    let document = Document::open("program.vi", program);
    let text = |d: &[_]| render(d, &document.sources, &RenderOptions::default());
    assert!(!document.has_errors(), "{}", text(&document.diagnostics));
    let tables = Tables::default().with_file("data.json", data.to_string());
    let bound = document.bind(&tables, Mode::Fit);
    let messages = text(&bound.diagnostics);
    let binding = bound.value.unwrap_or_else(|| panic!("{messages}"));
    let model = Model::compile(binding).unwrap();
    let options = FitOptions { seed: 1, draws: 2000, ..FitOptions::default() };
    let fitted = model.fit(&options, Timings::default(), &mut |_| {}).unwrap();
    let verdict = &fitted.fit.verdict;
    assert_ne!(verdict.level, Level::DoNotUse, "{:?}", verdict.reasons);
    let mut summaries: HashMap<String, Vec<Summary>> = HashMap::new();
    for (element, summary) in model.elements().into_iter().zip(fitted.fit.draws.summaries()) {
        let numbers = [summary.mean, summary.sd, summary.q05, summary.q50, summary.q95];
        assert!(numbers.iter().all(|x| x.is_finite()), "{}: {summary:?}", element.name);
        summaries.entry(element.name).or_default().push(summary);
    }
    let mut finite = HashMap::new();
    for prediction in fitted.finite {
        let own: &mut Vec<Summary> = summaries.entry(prediction.variable.clone()).or_default();
        let equal = vec![1.0 / options.draws as f64; options.draws];
        own.extend(prediction.draws.iter().map(|draws| summarize(draws, &equal)));
        finite.insert(prediction.variable, prediction.draws);
    }
    Posterior { summaries, finite }
}

impl Posterior {
    #[track_caller]
    fn of(&self, name: &str) -> &[Summary] {
        self.summaries.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Every element is within 4 sds of the truth.
    #[track_caller]
    pub(crate) fn assert_near(&self, name: &str, truth: &[f64]) {
        let own = self.of(name);
        assert_eq!(own.len(), truth.len(), "{name}");
        for (i, (s, truth)) in own.iter().zip(truth).enumerate() {
            let off = (s.mean - truth).abs() / s.sd;
            assert!(off < SDS, "{name}[{i}]: {truth}, but {} with sd {}", s.mean, s.sd);
        }
    }

    /// Of every `step`-th element, the 90 % intervals contain the truth about nine times in ten:
    /// steps make the elements of a series nearly independent given the parameters.
    #[track_caller]
    pub(crate) fn assert_covered(&self, name: &str, truth: &[f64], step: usize) {
        let own = self.of(name);
        assert_eq!(own.len(), truth.len(), "{name}");
        let inside = |(s, truth): &(&Summary, &f64)| s.q05 <= **truth && **truth <= s.q95;
        let judged = || own.iter().zip(truth).step_by(step);
        let (hits, count) = (judged().filter(inside).count(), judged().count());
        let (below, above) = tails(hits, count, INTERVAL);
        // Intervals of whole numbers contain more than they promise.
        let above = if self.finite.contains_key(name) { 1.0 } else { above };
        assert!(below.min(above) > ALARM / 2.0, "{name}: {hits} of {count} intervals");
    }

    /// The likeliest labels are right as often as their probabilities say, within 4 sds of that
    /// number.
    #[track_caller]
    pub(crate) fn assert_labels(&self, name: &str, truth: &[usize], labels: usize) {
        let (mut hits, mut expected, mut variance) = (0.0, 0.0, 0.0);
        for (draws, truth) in self.finite[name].iter().zip(truth) {
            let share = |label: usize| {
                let count = draws.iter().filter(|draw| **draw == label as f64).count();
                count as f64 / draws.len() as f64
            };
            let best = (0..labels).max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap();
            let p = share(best);
            hits += f64::from(u8::from(best == *truth));
            expected += p;
            variance += p * (1.0 - p);
        }
        let off = (hits - expected).abs();
        assert!(off < SDS * variance.sqrt().max(1.0), "{name}: {hits} right, {expected} expected");
    }
}

/// The probabilities of at most and of at least `hits` in `count` trials.
fn tails(hits: usize, count: usize, p: f64) -> (f64, f64) {
    let mut term = (1.0 - p).powi(count as i32);
    let (mut below, mut above) = (0.0, 0.0);
    for k in 0..=count {
        below += if k <= hits { term } else { 0.0 };
        above += if k >= hits { term } else { 0.0 };
        term *= (count - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
    }
    (below, above)
}

#[test]
fn tails_of_a_binomial_overlap_in_one_term() {
    let (below, above) = tails(7, 10, 0.9);
    // 120 · 0.9^7 · 0.1^3
    assert!((below + above - 1.0 - 0.057_395_628).abs() < 1e-12, "{below} {above}");
}
