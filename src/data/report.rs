//! Sums up what was read: rows, columns, levels and numbers, as `run` and `check` print them.

use super::bind::Binder;
use super::claim::{Place, data_variables};
use super::inputs::Tables;
use crate::typed::AxisOrigin;

/// What was read and how large it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BindingReport {
    /// The files, in the order given.
    pub files: Vec<FileReport>,
    /// The named axes, in the order of the program.
    pub axes: Vec<AxisReport>,
    /// The scalars of the data, with their values.
    pub scalars: Vec<(String, f64)>,
}

/// A file that gave data.
#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    /// The file.
    pub file: String,
    /// The names it gave.
    pub names: Vec<String>,
    /// How many rows a CSV file has, the header not counted.
    pub rows: Option<usize>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisReport {
    /// Its name.
    pub name: String,
    /// How many elements it has.
    pub size: usize,
    /// The first labels.
    pub first: Vec<String>,
}

/// How many labels of an axis are shown.
const SHOWN: usize = 3;

impl BindingReport {
    pub(super) fn new(binder: &Binder<'_>, tables: &Tables) -> BindingReport {
        let files = tables.files.iter().enumerate().map(|(index, file)| {
            let names = data_variables(binder.typed).filter(|v| {
                match &binder.claims.places[v.index()] {
                    Some(
                        Place::Column { file, .. }
                        | Place::Matrix { file, .. }
                        | Place::Json { file, .. },
                    ) => *file == index,
                    Some(Place::Scalar(_)) | None => false,
                }
            });
            FileReport {
                file: file.name.clone(),
                names: names.map(|v| binder.typed.variable(v).name.clone()).collect(),
                rows: binder.cellar.sizes[index].map(|(rows, _)| rows),
            }
        });
        let axes = binder.typed.axes.iter().zip(&binder.axes);
        let axes = axes.filter(|(axis, _)| is_named(&axis.name, &axis.origin));
        let scalars = data_variables(binder.typed)
            .filter(|v| binder.typed.variable(*v).axes.is_empty())
            .filter_map(|v| Some((binder.typed.variable(v).name.clone(), binder.scalar(v)?)));
        BindingReport {
            files: files.filter(|f| !f.names.is_empty()).collect(),
            axes: axes
                .map(|(axis, elements)| AxisReport {
                    name: axis.name.clone(),
                    size: elements.len(),
                    first: (0..elements.len().min(SHOWN)).map(|p| elements.label(p)).collect(),
                })
                .collect(),
            scalars: scalars.collect(),
        }
    }
}

/// Whether the program names the axis, rather than writing its range in place.
fn is_named(name: &str, origin: &AxisOrigin) -> bool {
    match origin {
        AxisOrigin::Range(..) => !name.contains(".."),
        AxisOrigin::Rows(_)
        | AxisOrigin::Array
        | AxisOrigin::Levels
        | AxisOrigin::Labels(_)
        | AxisOrigin::Same(_) => true,
    }
}
