//! Stan's values at points of real posteriors (see `tests/conformance`), for tests of parts.

use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A point of a posterior.
pub(crate) struct Point {
    /// Stan's unconstrained coordinates.
    pub(crate) unconstrained: Vec<f64>,
    /// The log density on the constrained scale.
    pub(crate) log_density: f64,
    /// The logarithm of the volume that all transforms together take.
    pub(crate) log_jacobian: f64,
    values: HashMap<String, f64>,
}

impl Point {
    pub(crate) fn scalar(&self, name: &str) -> f64 {
        self.values.get(name).copied().unwrap_or_else(|| panic!("Stan has no parameter {name}"))
    }

    /// `name.1`, `name.2`, …
    pub(crate) fn vector(&self, name: &str) -> Vec<f64> {
        (1..).map_while(|i| self.values.get(&format!("{name}.{i}")).copied()).collect()
    }

    /// `name.i.1`, `name.i.2`, …
    pub(crate) fn row(&self, name: &str, i: usize) -> Vec<f64> {
        self.vector(&format!("{name}.{i}"))
    }

    /// `name.1.1`, `name.1.2`, … in row order.
    pub(crate) fn matrix(&self, name: &str, columns: usize) -> Vec<f64> {
        (0..)
            .map_while(|k| {
                let (i, j) = (k / columns + 1, k % columns + 1);
                self.values.get(&format!("{name}.{i}.{j}")).copied()
            })
            .collect()
    }
}

/// The folder, or a loud word that the tests are skipped.
#[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VIPPL_POSTERIORDB").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/posteriordb"),
        PathBuf::from,
    );
    if folder.join("posteriors.json").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no posteriors in {}; set VIPPL_POSTERIORDB", folder.display());
    None
}

fn json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Numbers of a JSON array; what is not one is NaN.
pub(crate) fn array(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

/// The data of posteriors, by name.
pub(crate) fn data(name: &str) -> Option<Value> {
    Some(json(&folder()?.join("data").join(format!("{name}.json"))))
}

/// Stan's points of a posterior.
pub(crate) fn points(posterior: &str) -> Option<Vec<Point>> {
    let file = json(&folder()?.join("oracle").join(format!("{posterior}.json")));
    let names: Vec<&str> =
        file["param_names"].as_array()?.iter().filter_map(Value::as_str).collect();
    let point = |p: &Value| {
        let density = |name: &str| p[name].as_f64().unwrap_or(f64::NAN);
        let values = names.iter().map(|n| (*n).to_owned()).zip(array(&p["constrained"]));
        Point {
            unconstrained: array(&p["unconstrained"]),
            log_density: density("log_density_nojac"),
            log_jacobian: density("log_density_jac") - density("log_density_nojac"),
            values: values.collect(),
        }
    };
    Some(file["points"].as_array()?.iter().map(point).collect())
}
