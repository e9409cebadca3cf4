//! Turns the bytes of a JSON file into named blocks of cells.
//!
//! Stan's data files are read unchanged: one object; numbers, and nested arrays in row order;
//! `"NaN"`, `"Inf"`, `"-Inf"` as text. `null` is a missing cell. Truth values are 1 and 0, any
//! other text is a label. An object inside the object is a table, column by column.

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
            Box::new(problem.note(error.to_string()))
        })
}

impl Block {
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
        _ if missing => numbers.push_missing(b"null"),
        Some(text) if value.is_nan() => numbers.push(text.as_bytes()),
        Some(_) | None => numbers.values.push(value),
    }
}

fn push_label(labels: &mut Labels, value: f64, text: Option<&String>, missing: bool) {
    match text {
        _ if missing => labels.push_missing(b"null"),
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

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        let mut block = Block::default();
        Nested { block: &mut block, depth: 0 }.visit_seq(seq)?;
        Ok(Value::Block(block))
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
