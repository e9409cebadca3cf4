//! Cells as they were read: numbers or labels, with a tally of those that could not be.
//!
//! Cells are counted in reading order, row by row. A missing cell is NaN or [`MISSING`].

use std::collections::HashMap;

/// The code of a missing label.
pub(crate) const MISSING: u32 = u32::MAX;

/// How many places a tally remembers.
const REMEMBERED: usize = 5;

/// What the program wants of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Numbers: real, int or bool.
    Numbers,
    /// The text of each cell, as an element of an axis.
    Labels,
}

/// How many cells have a defect, and the first of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) count: usize,
    /// The first few cells.
    pub(crate) first: Vec<usize>,
    /// The text of the first.
    pub(crate) text: String,
}

impl Tally {
    fn add(&mut self, cell: usize, text: &str) {
        if self.count == 0 {
            self.text = text.to_owned();
        }
        if self.first.len() < REMEMBERED {
            self.first.push(cell);
        }
        self.count += 1;
    }
}

/// Cells read as numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// One number per cell; NaN where missing or bad.
    pub(crate) values: Vec<f64>,
    /// Empty and NA cells.
    pub(crate) missing: Tally,
    /// Cells that are not numbers.
    pub(crate) bad: Tally,
}

/// Cells read as labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    /// One code per cell: a position in `names`, or [`MISSING`].
    pub(crate) codes: Vec<u32>,
    /// The distinct texts, in order of first appearance.
    pub(crate) names: Vec<String>,
    /// Empty and NA cells.
    pub(crate) missing: Tally,
    known: HashMap<String, u32>,
}

/// Cells of either sort.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    /// Numbers.
    Numbers(Numbers),
    /// Labels.
    Labels(Labels),
}

impl Cells {
    /// No cells yet.
    pub(crate) fn new(want: Want) -> Self {
        match want {
            Want::Numbers => Cells::Numbers(Numbers::default()),
            Want::Labels => Cells::Labels(Labels::default()),
        }
    }

    /// Adds a cell given as text; a quoted text of a label is never missing.
    pub(crate) fn push(&mut self, text: &str, quoted: impl FnOnce() -> bool) {
        match self {
            Cells::Numbers(numbers) => numbers.push(text),
            Cells::Labels(labels) => {
                let missing = is_missing(trimmed(text));
                if missing && (text.is_empty() || !quoted()) {
                    labels.push_missing(text);
                } else {
                    labels.push(text);
                }
            }
        }
    }

    /// Adds the cell that the rest of a line begins with if it is a short number and numbers are
    /// wanted: how many bytes it has.
    #[inline]
    pub(crate) fn push_short(&mut self, rest: &str, delimiter: u8) -> Option<usize> {
        let Cells::Numbers(numbers) = self else { return None };
        let (number, length) = short_number(rest.as_bytes())?;
        if rest.as_bytes().get(length).is_some_and(|next| *next != delimiter) {
            return None;
        }
        numbers.values.push(number);
        Some(length)
    }

    /// The cells that are empty or NA.
    pub(crate) fn missing(&self) -> &Tally {
        match self {
            Cells::Numbers(numbers) => &numbers.missing,
            Cells::Labels(labels) => &labels.missing,
        }
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Cells::Numbers(numbers) => numbers.values.len(),
            Cells::Labels(labels) => labels.codes.len(),
        }
    }
}

impl Numbers {
    /// Adds a cell given as text.
    pub(crate) fn push(&mut self, text: &str) {
        let cell = self.values.len();
        let text = trimmed(text);
        match number(text) {
            Some(value) if !value.is_nan() => self.values.push(value),
            Some(_) => self.push_missing(text),
            None if is_missing(text) || is_written_missing(text) => self.push_missing(text),
            None => {
                self.bad.add(cell, text);
                self.values.push(f64::NAN);
            }
        }
    }

    /// Adds a cell that is text where numbers are not: a number in quotes is a mistake.
    pub(crate) fn push_text(&mut self, text: &str) {
        let cell = self.values.len();
        let trimmed = text.trim();
        if is_missing(trimmed) || is_written_missing(trimmed) {
            return self.push_missing(trimmed);
        }
        self.bad.add(cell, trimmed);
        self.values.push(f64::NAN);
    }

    /// Adds a missing cell.
    pub(crate) fn push_missing(&mut self, text: &str) {
        self.missing.add(self.values.len(), text);
        self.values.push(f64::NAN);
    }
}

impl Labels {
    /// Adds a label.
    pub(crate) fn push(&mut self, text: &str) {
        let code = match self.known.get(text) {
            Some(code) => *code,
            None => {
                let code = self.names.len() as u32;
                self.names.push(text.to_owned());
                self.known.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }

    /// Adds a missing cell.
    pub(crate) fn push_missing(&mut self, text: &str) {
        self.missing.add(self.codes.len(), text);
        self.codes.push(MISSING);
    }
}

/// Whether an unquoted cell says that there is no value.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "NaN" | "null")
}

/// Whether a cell of a column of numbers says in another way that there is no value.
fn is_written_missing(text: &str) -> bool {
    let marks = ["n/a", "#n/a", "<na>", "na", "none", ".", "-", "--", "?"];
    marks.iter().any(|mark| text.eq_ignore_ascii_case(mark))
}

/// A number or a truth value.
///
/// Numbers are what Rust's `f64` reads (`2`, `-1.5`, `1e-3`, `Inf`); truth values are `true`,
/// `True`, `TRUE` for 1 and `false`, `False`, `FALSE` for 0.
fn number(text: &str) -> Option<f64> {
    if let Some((number, length)) = short_number(text.as_bytes())
        && length == text.len()
    {
        return Some(number);
    }
    match text {
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => text.parse().ok(),
    }
}

/// 10⁰, 10¹, … as far as a short number needs them. All are exact.
const POWERS_OF_TEN: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19,
];

/// The number that a text begins with, and how many bytes it has: digits with at most one point among
/// them and at most one minus before them. `None` unless what they are without the point is at most
/// 2⁵³: then it and the power of ten below it are exact, and their quotient is the nearest number.
fn short_number(text: &[u8]) -> Option<(f64, usize)> {
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    let is_negative = text.first() == Some(&b'-');
    let first = usize::from(is_negative);
    let (mut at, mut whole, mut point) = (first, 0_u64, None);
    while let Some(byte) = text.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            break;
        }
        at += 1;
    }
    let digits = at - first - usize::from(point.is_some());
    if digits == 0 || digits >= POWERS_OF_TEN.len() || whole > EXACT {
        return None;
    }
    let size = whole as f64 / POWERS_OF_TEN[point.map_or(0, |point| at - 1 - point)];
    Some((if is_negative { -size } else { size }, at))
}

/// A cell without the spaces around it. Most have none, and the ends tell.
fn trimmed(text: &str) -> &str {
    let is_space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    let bytes = text.as_bytes();
    if is_space(bytes.first()) || is_space(bytes.last()) { text.trim_ascii() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_truth_values_and_missing_cells_are_told_apart() {
        let mut numbers = Numbers::default();
        for text in ["1", " 2.5 ", "1e3", "TRUE", "false", "", "NA", "nan", "1,5", "x"] {
            numbers.push(text);
        }
        assert_eq!(numbers.values[..5], [1.0, 2.5, 1000.0, 1.0, 0.0]);
        assert_eq!(numbers.missing.first, [5, 6, 7]);
        assert_eq!((numbers.bad.count, numbers.bad.text.as_str()), (2, "1,5"));
    }

    #[test]
    fn short_numbers_are_those_of_the_standard_library() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let mut found = 0;
        for _ in 0..20_000 {
            let length = 1 + draw(22);
            let any: String =
                (0..length).map(|_| char::from(b"0123456789.-"[draw(12) as usize])).collect();
            let decimals = draw(18) as usize;
            let number = (draw(2_000_000) as f64 - 1e6) / [1.0, 1e3, 7.0][draw(3) as usize];
            for text in [any, format!("{number:.decimals$}"), number.to_string()] {
                if let Some((x, length)) = short_number(text.as_bytes()) {
                    let expected: f64 = text[..length].parse().expect("a number");
                    assert_eq!(x.to_bits(), expected.to_bits(), "{text}");
                    found += 1;
                }
            }
        }
        assert!(found > 30_000, "{found}");
        for text in ["", "-", ".", "-.", "--1", "e5", "9007199254740993", "+1"] {
            assert_eq!(short_number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(short_number(b"-0").map(|(x, _)| x.to_bits()), Some((-0.0_f64).to_bits()));
    }

    #[test]
    fn labels_are_kept_exactly_and_a_quoted_na_is_a_label() {
        let mut cells = Cells::new(Want::Labels);
        for (text, quoted) in [(" a", false), ("a", false), ("NA", true), ("NA", false)] {
            cells.push(text, || quoted);
        }
        let Cells::Labels(labels) = cells else { unreachable!("asked for labels") };
        assert_eq!(labels.names, [" a", "a", "NA"]);
        assert_eq!(labels.codes, [0, 1, 2, MISSING]);
    }
}
