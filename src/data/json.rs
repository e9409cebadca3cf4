//! Turns the bytes of a JSON file into named blocks of cells.
//!
//! Stan's data files are read unchanged: one object; numbers, and nested arrays in row order;
//! `"NaN"`, `"Inf"`, `"-Inf"` as text. `null` is a missing cell. Truth values are 1 and 0, any
//! other text is a label. An object inside the object is a table, column by column; an array of
//! objects is one row by row.

use super::column::{Cells, Labels, Numbers, Want};
use crate::diagnostic::{Diagnostic, Severity, Slug};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Integers beyond this are kept as text too, since `f64` cannot tell them apart.
const LARGEST_EXACT: u64 = 1 << 53;

/// A JSON value, arrays flattened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A scalar (no axes) or an array.
    Block(Block),
    /// Named values, in the order of the file.
    Object(Vec<(String, Value)>),
}

/// A scalar or array in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    /// The length of each axis; empty for a scalar.
    pub(crate) shape: Vec<usize>,
    /// The cells; NaN where missing or text.
    values: Vec<f64>,
    /// The cells that are text, or integers that need it, by position.
    texts: Vec<(usize, String)>,
    /// The missing cells.
    missing: Vec<usize>,
}

/// Reads a JSON text.
pub(crate) fn parse(name: &str, text: &[u8]) -> Result<Value, Box<Diagnostic>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    ValueSeed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            let message = format!("`{name}` is not usable JSON");
            let problem = Diagnostic::new(Slug::BadFile, Severity::Error, message);
            let help = "names stand in double quotes, a `,` between values and none after the last; \
                        the rows of an array are of equal length";
            Box::new(problem.note(error.to_string()).help(help))
        })
}

impl Block {
    /// Fills a column up to a row with missing cells.
    fn skip_to(&mut self, row: usize) {
        let gap = self.values.len()..row;
        self.missing.extend(gap.clone());
        self.values.extend(gap.map(|_| f64::NAN));
    }

    /// The cells as what the program wants of them.
    pub(crate) fn cells(&self, want: Want) -> Cells {
        let mut texts = self.texts.iter().peekable();
        let mut missing = self.missing.iter().peekable();
        let mut cells = Cells::new(want);
        for (position, value) in self.values.iter().enumerate() {
            let text = texts.next_if(|(p, _)| *p == position).map(|(_, text)| text);
            let is_missing = missing.next_if(|p| **p == position).is_some();
            match &mut cells {
                Cells::Numbers(numbers) => push_number(numbers, *value, text, is_missing),
                Cells::Labels(labels) => push_label(labels, *value, text, is_missing),
            }
        }
        cells
    }
}

fn push_number(numbers: &mut Numbers, value: f64, text: Option<&String>, missing: bool) {
    match text {
        _ if missing => numbers.push_missing("null"),
        Some(text) if value.is_nan() => numbers.push_text(text),
        Some(_) | None => numbers.values.push(value),
    }
}

fn push_label(labels: &mut Labels, value: f64, text: Option<&String>, missing: bool) {
    match text {
        _ if missing => labels.push_missing("null"),
        Some(text) => labels.push(text),
        None => labels.push(&value.to_string()),
    }
}

struct ValueSeed;

impl<'de> DeserializeSeed<'de> for ValueSeed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a label, an array or an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the name `{name}` occurs twice")));
            }
            entries.push((name, map.next_value_seed(ValueSeed)?));
        }
        Ok(Value::Object(entries))
    }

    /// An array of cells, or of rows: objects that give a cell each by the name of its column.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut block = Block { shape: vec![0], ..Block::default() };
        let mut rows: Vec<Vec<(String, Block)>> = Vec::new();
        let mut length = 0;
        while let Some(row) = seq.next_element_seed(Element { block: &mut block })? {
            rows.extend(row);
            length += 1;
        }
        if rows.is_empty() {
            block.shape[0] = length;
            return Ok(Value::Block(block));
        }
        if rows.len() != length {
            return Err(A::Error::custom("an array mixes objects and other values"));
        }
        Ok(Value::Object(columns(rows)))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        scalar(|block| block.visit_bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        scalar(|block| block.visit_i64(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        scalar(|block| block.visit_u64(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        scalar(|block| block.visit_f64(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        scalar(|block| block.visit_str(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        scalar(|block| block.visit_unit())
    }
}

/// The columns of rows, in the order they first occur; a row without one has a missing cell.
fn columns(rows: Vec<Vec<(String, Block)>>) -> Vec<(String, Value)> {
    let count = rows.len();
    let mut columns: Vec<(String, Block)> = Vec::new();
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for (row, cells) in rows.into_iter().enumerate() {
        for (name, cell) in cells {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                columns.push((name, Block { shape: vec![count], ..Block::default() }));
                columns.len() - 1
            });
            let column = &mut columns[place].1;
            column.skip_to(row);
            column.missing.extend(cell.missing.iter().map(|_| row));
            column.texts.extend(cell.texts.into_iter().map(|(_, text)| (row, text)));
            column.values.extend(cell.values);
        }
    }
    columns.iter_mut().for_each(|(_, column)| column.skip_to(count));
    columns.into_iter().map(|(name, column)| (name, Value::Block(column))).collect()
}

/// An element of an array: a cell or array that goes into its block, or a row.
struct Element<'a> {
    block: &'a mut Block,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Option<Vec<(String, Block)>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Option<Vec<(String, Block)>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a label, an array or a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row: Vec<(String, Block)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if row.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("the name `{name}` occurs twice in a row")));
            }
            match map.next_value_seed(ValueSeed)? {
                Value::Block(cell) if cell.shape.is_empty() => row.push((name, cell)),
                Value::Block(_) | Value::Object(_) => {
                    let problem = format!("`{name}` is not one cell of its row");
                    return Err(A::Error::custom(problem));
                }
            }
        }
        Ok(Some(row))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Nested { block: self.block, depth: 1 }.visit_seq(seq).map(|()| None)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_bool(value).map(|()| None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_i64(value).map(|()| None)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_u64(value).map(|()| None)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_f64(value).map(|()| None)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_str(value).map(|()| None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Nested { block: self.block, depth: 1 }.visit_unit().map(|()| None)
    }
}

fn scalar<E>(visit: impl FnOnce(Nested<'_>) -> Result<(), E>) -> Result<Value, E> {
    let mut block = Block::default();
    visit(Nested { block: &mut block, depth: 0 })?;
    Ok(Value::Block(block))
}

/// An element of an array, `depth` axes deep.
struct Nested<'a> {
    block: &'a mut Block,
    depth: usize,
}

impl Nested<'_> {
    fn leaf<E: Error>(&mut self, value: f64) -> Result<(), E> {
        if self.depth != self.block.shape.len() {
            return Err(E::custom("an array mixes numbers and arrays"));
        }
        self.block.values.push(value);
        Ok(())
    }

    fn text<E: Error>(&mut self, value: f64, text: String) -> Result<(), E> {
        self.block.texts.push((self.block.values.len(), text));
        self.leaf(value)
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a label or an array of them")
    }

    /// Every array of one depth must have the same length; the first one fixes it.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Nested { block, depth } = self;
        let first = depth == block.shape.len();
        if first {
            if !block.values.is_empty() {
                return Err(A::Error::custom("an array mixes numbers and arrays"));
            }
            block.shape.push(0);
        }
        let mut length = 0;
        while seq.next_element_seed(Nested { block, depth: depth + 1 })?.is_some() {
            length += 1;
        }
        if first {
            block.shape[depth] = length;
        } else if block.shape[depth] != length {
            return Err(A::Error::custom(format!(
                "the rows of an array have different lengths: {} and {length}",
                block.shape[depth]
            )));
        }
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.leaf(f64::from(u8::from(value)))
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        if value.unsigned_abs() > LARGEST_EXACT {
            return self.text(value as f64, value.to_string());
        }
        self.leaf(value as f64)
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        if value > LARGEST_EXACT {
            return self.text(value as f64, value.to_string());
        }
        self.leaf(value as f64)
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        match value {
            "NaN" => self.visit_unit(),
            "Inf" | "+Inf" | "Infinity" | "+Infinity" => self.leaf(f64::INFINITY),
            "-Inf" | "-Infinity" => self.leaf(f64::NEG_INFINITY),
            _ => self.text(f64::NAN, value.to_owned()),
        }
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.block.missing.push(self.block.values.len());
        self.leaf(f64::NAN)
    }
}
