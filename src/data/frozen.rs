//! What a fit keeps of its data, so that a prediction reads new data as the fit did.

use crate::bound::{self, Array, Elements};
use crate::data::claim::data_variables;
use crate::typed::{AxisId, ReduceId};
use std::collections::{BTreeMap, HashMap};

/// Axes, statistics and data of a fit.
///
/// Closed reductions of data (`mean(x)`, `center(x)`, …) keep their value, index axes the order of
/// their levels, and tables that are not given again their data.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Frozen {
    /// The name and elements of every axis, in the order of the program.
    axes: Vec<(String, Elements)>,
    /// Values of closed reductions by number.
    reductions: BTreeMap<u32, Cell>,
    /// Data by name.
    data: BTreeMap<String, Stored>,
}

/// A number, as text where JSON has no number for it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(into = "Written", try_from = "Written")]
struct Cell(f64);

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

impl From<Cell> for Written {
    fn from(Cell(x): Cell) -> Written {
        if x.is_finite() { Written::Number(x) } else { Written::Text(x.to_string()) }
    }
}

impl TryFrom<Written> for Cell {
    type Error = std::num::ParseFloatError;

    fn try_from(written: Written) -> Result<Cell, Self::Error> {
        match written {
            Written::Number(x) => Ok(Cell(x)),
            Written::Text(text) => text.parse().map(Cell),
        }
    }
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Stored {
    shape: Vec<usize>,
    values: Vec<Cell>,
}

impl Frozen {
    /// What to keep of a bound program.
    pub fn of(program: &bound::Program) -> Frozen {
        let typed = &program.typed;
        let axes = typed.axes.iter().zip(&program.axes);
        let data = data_variables(typed).filter_map(|v| {
            let array = program.values[v.index()].as_ref()?;
            let values = array.cells().map(Cell).collect();
            let stored = Stored { shape: array.shape().to_vec(), values };
            Some((typed.variable(v).name.clone(), stored))
        });
        Frozen {
            axes: axes.map(|(axis, e)| (axis.name.clone(), e.clone())).collect(),
            reductions: program.frozen.iter().map(|(id, x)| (id.0, Cell(*x))).collect(),
            data: data.collect(),
        }
    }

    /// The elements of an axis in the fit.
    pub(super) fn elements(&self, axis: AxisId, name: &str) -> Option<Elements> {
        let here = self.axes.get(axis.index()).filter(|(n, _)| n == name);
        here.or_else(|| self.axes.iter().find(|(n, _)| n == name)).map(|(_, e)| e.clone())
    }

    /// The data of a variable in the fit.
    pub(super) fn array(&self, name: &str) -> Option<Array> {
        let stored = self.data.get(name)?;
        let values = stored.values.iter().map(|Cell(x)| *x).collect();
        Some(Array::new(&stored.shape, values))
    }

    /// Whether the fit had these data of a variable, cell by cell.
    pub fn has(&self, name: &str, array: Option<&Array>) -> bool {
        let bits = |array: &Array| array.cells().map(f64::to_bits).collect::<Vec<u64>>();
        let stored = self.array(name);
        match (&stored, array) {
            (Some(stored), Some(array)) => {
                stored.shape() == array.shape() && bits(stored) == bits(array)
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// The closed reductions of the fit.
    pub(super) fn reductions(&self) -> HashMap<ReduceId, f64> {
        self.reductions.iter().map(|(id, Cell(x))| (ReduceId(*id), *x)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_survives_storage() {
        let stored = Stored {
            shape: vec![4],
            values: [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1].map(Cell).to_vec(),
        };
        let frozen = Frozen {
            axes: vec![("g".to_owned(), Elements::Labels(vec!["a".to_owned()]))],
            reductions: BTreeMap::from([(3, Cell(1.5))]),
            data: BTreeMap::from([("x".to_owned(), stored)]),
        };
        let text = serde_json::to_string(&frozen).expect("writes");
        let back: Frozen = serde_json::from_str(&text).expect("reads");
        let bits =
            |f: &Frozen| f.array("x").map(|a| a.cells().map(f64::to_bits).collect::<Vec<_>>());
        assert_eq!(bits(&back), bits(&frozen));
        assert_eq!((&back.axes, back.reductions()), (&frozen.axes, frozen.reductions()));
    }
}
