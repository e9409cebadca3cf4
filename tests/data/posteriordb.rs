//! Real data bound to real programs, compared with a plain reading of the same files.

use super::check;
use serde_json::Value;
use std::path::{Path, PathBuf};
use vippl::data::{Binding, Inputs, Mode, bind, read_file};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::expand::Modules;
use vippl::source::Sources;
use vippl::typed::{Kind, Program, Role};

/// The folder of posteriordb, or nothing with a loud word.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("VIPPL_POSTERIORDB").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/posteriordb");
    let folder = given.unwrap_or(default);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no posteriordb at {} (set VIPPL_POSTERIORDB)", folder.display());
    None
}

fn json(path: &Path) -> Value {
    let text = std::fs::read(path).expect("the file exists");
    serde_json::from_slice(&text).expect("the file is JSON")
}

fn bind_file(program: &str, file: &Path, scalars: &[String]) -> Result<Binding, String> {
    let mut sources = Sources::default();
    let typed = check(&mut sources, program);
    let argument = file.display().to_string();
    let tables = Inputs::parse(std::iter::once(&argument).chain(scalars)).read(
        &typed,
        Path::new(""),
        &read_file,
    );
    let bound = bind(typed, &tables, Mode::Fit);
    bound.value.ok_or_else(|| render(&bound.diagnostics, &sources, &RenderOptions::default()))
}

/// What a table cannot hold: the scalars of a program as arguments.
fn scalars(program: &str, data: &Value) -> Vec<String> {
    let typed = check(&mut Sources::default(), program);
    let scalars = typed
        .variables
        .iter()
        .filter(|v| v.axes.is_empty() && matches!(v.role, Role::Data(_)))
        .map(|v| format!("{}={}", v.name, data[&v.name]));
    scalars.collect()
}

/// The numbers of a nested array, row by row.
fn flatten(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|v| flatten(v, numbers)),
        Value::Number(x) => numbers.push(x.as_f64().expect("a finite number")),
        Value::Bool(b) => numbers.push(f64::from(u8::from(*b))),
        Value::Null | Value::String(_) | Value::Object(_) => panic!("unexpected {value}"),
    }
}

/// Every number of every data variable is that of the file; index columns print their integer.
fn agree(binding: &Binding, data: &Value) {
    let program = &binding.program;
    for (variable, array) in program.typed.variables.iter().zip(&program.values) {
        if !matches!(variable.role, Role::Data(_)) {
            continue;
        }
        let mut expected = Vec::new();
        flatten(&data[&variable.name], &mut expected);
        let found: Vec<f64> = array.as_ref().expect("bound").cells().collect();
        let found: Vec<f64> = match variable.kind {
            Kind::Index(axis) => found
                .iter()
                .map(|p| program.axes[axis.index()].label(*p as usize).parse().expect("an integer"))
                .collect(),
            Kind::Real | Kind::Int | Kind::Bool => found,
        };
        assert_eq!(found, expected, "{}", variable.name);
    }
}

fn is_readable(program: &str) -> bool {
    let mut sources = Sources::default();
    let id = sources.add("model.vi", program);
    let parsed = vippl::syntax::parser::parse(id, program);
    let expanded = vippl::expand::expand(&parsed.value, &Modules::default(), &mut sources);
    let checked = vippl::check::check(&expanded.value);
    let _: &Program = &checked.value;
    let all = [parsed.diagnostics, expanded.diagnostics, checked.diagnostics].concat();
    !all.iter().any(|d| d.is_error())
}

#[test]
fn every_posterior_of_the_first_tiers_binds_to_its_data() {
    let Some(folder) = folder() else { return };
    let list = json(&folder.join("posteriors.json"));
    let (mut bound, mut failures) = (0, Vec::new());
    for posterior in list.as_array().expect("a list") {
        let text = |key: &str| posterior[key].as_str().unwrap_or_default().to_owned();
        let model = folder.join("models").join(format!("{}.vi", text("model")));
        let file = folder.join("data").join(format!("{}.json", text("data")));
        let (Ok(program), true) = (std::fs::read_to_string(&model), file.exists()) else {
            continue;
        };
        if !["T1", "T2", "T3"].contains(&text("tier").as_str()) || !is_readable(&program) {
            continue;
        }
        match bind_file(&program, &file, &[]) {
            Ok(binding) => {
                agree(&binding, &json(&file));
                bound += 1;
            }
            Err(messages) => failures.push(format!("{}:\n{messages}", text("posterior"))),
        }
    }
    eprintln!("bound {bound} posteriors");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(bound >= 40, "only {bound} posteriors of the first tiers were bound");
}

#[test]
fn every_csv_file_binds_to_the_same_values_as_its_json_file() {
    let Some(folder) = folder() else { return };
    for (csv, data, model) in [
        ("earnings", "earnings", "earn_height"),
        ("eight_schools", "eight_schools", "eight_schools_centered"),
        ("kidiq", "kidiq", "kidscore_momiq"),
        ("kilpisjarvi", "kilpisjarvi_mod", "kilpisjarvi"),
        ("mesquite", "mesquite", "mesquite"),
        ("nes2000", "nes2000", "nes"),
        ("pilots", "pilots", "pilots"),
        ("radon_all", "radon_all", "radon_county_intercept"),
        ("radon_mn", "radon_mn", "radon_hierarchical_intercept_centered"),
        ("seeds", "seeds_data", "seeds_model"),
        ("surgical", "surgical_data", "surgical_model"),
        ("wells", "wells_data", "wells_dist"),
    ] {
        let table = folder.join("../csv").join(format!("{csv}.csv"));
        let program = folder.join("models").join(format!("{model}.vi"));
        let (Ok(program), true) = (std::fs::read_to_string(&program), table.exists()) else {
            eprintln!("SKIPPED: {csv} or {model} is not there");
            continue;
        };
        let json = json(&folder.join("data").join(format!("{data}.json")));
        let binding = bind_file(&program, &table, &scalars(&program, &json));
        let binding = binding.unwrap_or_else(|e| panic!("{csv}: {e}"));
        agree(&binding, &json);
    }
}

#[test]
fn small_tables_without_a_posterior_bind() {
    let Some(folder) = folder() else { return };
    for (csv, x, y, rows) in [("mtcars", "wt", "mpg", 32), ("lsd", "concentration", "score", 7)] {
        let table = folder.join("../csv").join(format!("{csv}.csv"));
        if !table.exists() {
            eprintln!("SKIPPED: no {}", table.display());
            continue;
        }
        let program = format!(
            "data row({y}, {x})\na ~ Normal(0, 100)\nb ~ Normal(0, 100)\n\
             s ~ HalfCauchy(5)\n{y} ~ Normal(a + b * {x}, s)"
        );
        let binding = bind_file(&program, &table, &[]).unwrap_or_else(|e| panic!("{csv}: {e}"));
        assert_eq!(binding.report.files[0].rows, Some(rows));
    }
}
