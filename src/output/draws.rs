//! Equally weighted draws as CSV and JSON, and back.

use super::fit::{cell, element_name};
use super::number::Number;
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::Write;

/// The draws of several variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrawTable {
    /// How many draws each element has.
    pub count: usize,
    /// The variables.
    pub variables: Vec<DrawColumns>,
}

/// The draws of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawColumns {
    /// Its name.
    pub name: String,
    /// Its axes.
    pub axes: Vec<String>,
    /// The labels of each axis.
    pub labels: Vec<Vec<String>>,
    /// The labels that values stand for, if values are elements of an axis.
    pub levels: Option<Vec<String>>,
    /// The row-major position of every element there is.
    pub positions: Vec<usize>,
    /// For every element, its value in every draw.
    pub draws: Vec<Vec<f64>>,
}

impl DrawColumns {
    fn size(&self) -> usize {
        self.labels.iter().map(Vec::len).product()
    }

    fn element(&self, position: usize) -> String {
        let mut rest = position;
        let mut index: Vec<String> = Vec::new();
        for labels in self.labels.iter().rev() {
            let size = labels.len().max(1);
            index.extend(labels.get(rest % size).cloned());
            rest /= size;
        }
        index.reverse();
        element_name(&self.name, &index)
    }

    /// A value as text: a label where it stands for one.
    fn text(&self, value: f64) -> String {
        let level = self.levels.as_ref().and_then(|levels| levels.get(value as usize));
        level.cloned().unwrap_or_else(|| cell(value))
    }

    fn json(&self, value: f64) -> Value {
        let level = self.levels.as_ref().and_then(|levels| levels.get(value as usize));
        level.map_or_else(|| json!(Number(value)), |level| json!(level))
    }

    /// One draw as nested arrays in the order of the axes; elements left out are null.
    fn nested(&self, draw: usize) -> Value {
        let mut flat = vec![Value::Null; self.size()];
        for (position, values) in self.positions.iter().zip(&self.draws) {
            if let (Some(place), Some(value)) = (flat.get_mut(*position), values.get(draw)) {
                *place = self.json(*value);
            }
        }
        for labels in self.labels.iter().skip(1).rev() {
            let size = labels.len().max(1);
            flat = flat.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect();
        }
        match self.labels.is_empty() {
            true => flat.pop().unwrap_or(Value::Null),
            false => Value::Array(flat),
        }
    }
}

impl DrawTable {
    /// Writes one row per draw: `.draw`, counted from 1, then every element.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_csv(&self, out: impl Write) -> std::io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let names = self.variables.iter().flat_map(|v| v.positions.iter().map(|p| v.element(*p)));
        csv.write_record(std::iter::once(".draw".to_owned()).chain(names))?;
        for draw in 0..self.count {
            csv.write_field((draw + 1).to_string())?;
            for variable in &self.variables {
                for values in &variable.draws {
                    let value = values.get(draw).copied().unwrap_or(f64::NAN);
                    csv.write_field(variable.text(value))?;
                }
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush()
    }

    /// Writes `{"posterior": {name: [chain][draw][…axes]}, "dims": …, "coords": …}`, as
    /// ArviZ's `from_dict` reads it, with one chain.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json(&self, mut out: impl Write) -> std::io::Result<()> {
        let mut dims = Map::new();
        let mut coords = Map::new();
        for variable in &self.variables {
            let axes = distinct(&variable.axes);
            for (axis, labels) in axes.iter().zip(&variable.labels) {
                coords.insert(axis.clone(), json!(labels));
            }
            dims.insert(variable.name.clone(), json!(axes));
        }
        write!(out, "{{\"schema\":\"vippl.draws/1\",\"draws\":{},\"posterior\":{{", self.count)?;
        for (index, variable) in self.variables.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\n{}:[[", Value::String(variable.name.clone()))?;
            for draw in 0..self.count {
                let comma = if draw == 0 { "" } else { "," };
                write!(out, "{comma}{}", variable.nested(draw))?;
            }
            write!(out, "]]")?;
        }
        let (dims, coords) = (Value::Object(dims), Value::Object(coords));
        writeln!(out, "}},\n\"dims\":{dims},\n\"coords\":{coords}}}")?;
        out.flush()
    }
}

/// Axis names without repetition: the second `state` of a transition matrix is `state_2`.
fn distinct(axes: &[String]) -> Vec<String> {
    let nth = |index: usize, axis: &String| match axes
        .iter()
        .take(index)
        .filter(|earlier| *earlier == axis)
        .count()
    {
        0 => axis.clone(),
        earlier => format!("{axis}_{}", earlier + 1),
    };
    axes.iter().enumerate().map(|(index, axis)| nth(index, axis)).collect()
}

/// What a `draws.json` has of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// All of its numbers, draw by draw and row-major. A label is its position among `labels`;
    /// what is neither is NaN.
    pub numbers: Vec<f64>,
    /// The distinct labels, in order of appearance.
    pub labels: Vec<String>,
}

/// The numbers of a `draws.json`: how many draws, and what it has of each name.
///
/// # Errors
///
/// What does not fit the format.
pub fn read_draws(text: &[u8]) -> Result<(usize, HashMap<String, Drawn>), serde_json::Error> {
    #[derive(Deserialize)]
    struct Written {
        draws: usize,
        posterior: HashMap<String, Drawn>,
    }
    let written: Written = serde_json::from_slice(text)?;
    Ok((written.draws, written.posterior))
}

impl<'de> Deserialize<'de> for Drawn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut drawn = Drawn::default();
        Cells(&mut drawn).deserialize(deserializer)?;
        Ok(drawn)
    }
}

/// Appends the cells of nested arrays.
struct Cells<'d>(&'d mut Drawn);

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Cells<'_> {
    fn push<E>(self, x: f64) -> Result<(), E> {
        self.0.numbers.push(x);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("numbers in nested arrays")
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<(), E> {
        self.push(x)
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<(), E> {
        self.push(x as f64)
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<(), E> {
        self.push(x as f64)
    }

    fn visit_str<E: Error>(self, label: &str) -> Result<(), E> {
        let known = self.0.labels.iter().position(|other| other == label);
        let position = known.unwrap_or(self.0.labels.len());
        if known.is_none() {
            self.0.labels.push(label.to_owned());
        }
        self.push(position as f64)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(f64::NAN)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Cells(&mut *self.0))?.is_some() {}
        Ok(())
    }
}
