//! Turns the texts of index columns into levels, and labels into positions.
//!
//! Levels that are numbers are the same when the numbers are (`1`, `1.0`, `1e0`) and sort as
//! numbers, before all other text; the first spelling met is the one printed. A number with a
//! leading zero (`007`) or too large to be exact is text.

use crate::bound::Elements;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The largest integer up to which `f64` tells neighbours apart: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The number a label stands for, if it is one.
pub(crate) fn number(label: &str) -> Option<f64> {
    let text = label.trim();
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let leading_zero = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    if leading_zero || !digits.first().is_some_and(|d| d.is_ascii_digit() || *d == b'.') {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    (value.abs() < LARGEST_EXACT).then_some(if value == 0.0 { 0.0 } else { value })
}

/// What makes two labels the same level.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Number(u64),
    Text(String),
}

impl Key {
    fn of(label: &str) -> Key {
        match number(label) {
            Some(value) => Key::Number(value.to_bits()),
            None => Key::Text(label.to_owned()),
        }
    }
}

/// Finds the position of a label on an axis in constant time.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    /// The integers first, first + 1, …
    Range {
        /// The first element.
        first: i64,
        /// How many.
        size: usize,
    },
    /// Labels.
    Labels(Levels),
}

impl Lookup {
    /// The lookup of the elements of an axis.
    pub(crate) fn new(elements: &Elements) -> Lookup {
        match elements {
            Elements::Range { first, size } => Lookup::Range { first: *first, size: *size },
            Elements::Labels(labels) => {
                let mut levels = Levels::default();
                labels.iter().for_each(|label| {
                    levels.add(label);
                });
                Lookup::Labels(levels)
            }
        }
    }

    /// The position of a label.
    pub(crate) fn position(&self, label: &str) -> Option<usize> {
        match self {
            Lookup::Range { first, size } => {
                let offset = number(label)? - *first as f64;
                (offset >= 0.0 && offset < *size as f64 && offset.fract() == 0.0)
                    .then_some(offset as usize)
            }
            Lookup::Labels(levels) => levels.known.get(&Key::of(label)).copied(),
        }
    }
}

/// Distinct labels in the order they were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    labels: Vec<String>,
    known: HashMap<Key, usize>,
}

impl Levels {
    /// Adds a label and gives its position; the second value says whether it is new.
    pub(crate) fn add(&mut self, label: &str) -> (usize, bool) {
        let next = self.labels.len();
        let position = *self.known.entry(Key::of(label)).or_insert(next);
        if position == next {
            self.labels.push(label.to_owned());
        }
        (position, position == next)
    }

    /// The labels in the order they were added.
    pub(crate) fn in_order(self) -> Vec<String> {
        self.labels
    }

    /// The labels, sorted.
    pub(crate) fn sorted(self) -> Vec<String> {
        let mut labels = self.labels;
        labels.sort_by(|a, b| compare(a, b));
        labels
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Labels that are the integers first, first + 1, … in this order are a range.
pub(crate) fn consecutive(labels: &[String]) -> Option<Elements> {
    let first = number(labels.first()?)?;
    let all = labels.iter().enumerate().all(|(i, l)| number(l) == Some(first + i as f64));
    (all && first.fract() == 0.0)
        .then_some(Elements::Range { first: first as i64, size: labels.len() })
}

/// Pairs of labels that differ only in case or in spaces.
pub(crate) fn near_misses(labels: &[String]) -> Vec<(&str, &str)> {
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut pairs = Vec::new();
    for label in labels {
        let folded = label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        match first.get(&folded) {
            Some(other) => pairs.push((*other, label.as_str())),
            None => {
                first.insert(folded, label);
            }
        }
    }
    pairs
}

/// The names most like a word, best first.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const CLOSE: f64 = 0.75;
    const SHOWN: usize = 3;
    let folded = word.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= CLOSE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.truncate(SHOWN);
    scored.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(labels: &[&str]) -> Vec<String> {
        let mut levels = Levels::default();
        for label in labels {
            levels.add(label);
        }
        levels.sorted()
    }

    #[test]
    fn levels_that_are_numbers_sort_as_numbers_before_text() {
        assert_eq!(sorted(&["10", "b", "9", "-1", "a", "2.5"]), ["-1", "2.5", "9", "10", "a", "b"]);
    }

    #[test]
    fn one_number_in_several_spellings_is_one_level() {
        assert_eq!(sorted(&["1", "1.0", "1e0", "2"]), ["1", "2"]);
        assert_eq!(sorted(&["7", "007", "inf", "nan"]), ["7", "007", "inf", "nan"]);
        let large = ["9007199254740993", "9007199254740992"];
        assert_eq!(sorted(&large).len(), 2);
    }

    #[test]
    fn a_range_finds_its_integers_and_nothing_else() {
        let lookup = Lookup::new(&Elements::Range { first: 3, size: 2 });
        let found = ["3", "4.0", "5", "2", "3.5", "x"].map(|l| lookup.position(l));
        assert_eq!(found, [Some(0), Some(1), None, None, None, None]);
    }

    #[test]
    fn labels_that_differ_in_case_or_space_are_near_misses() {
        let labels = ["Oslo", "oslo", "Bergen", "New  York", "New York"].map(str::to_owned);
        assert_eq!(near_misses(&labels), [("Oslo", "oslo"), ("New  York", "New York")]);
    }
}
