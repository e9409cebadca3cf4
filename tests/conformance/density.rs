//! Log densities and gradients at fixed points.

use crate::database::{Posterior, SOLVED, bind_model, folder, json, posteriors};
use crate::maps::{DATA, Parameters, map};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use vippl::bound::Program;
use vippl::engine::{self, reference};
use vippl::graph::lower;
use vippl::inference::LogDensity;

/// The README's rule: constants agree at all points to 1e-8 + 1e-11 · max |lp|.
const ABSOLUTE: f64 = 1e-8;
const RELATIVE: f64 = 1e-11;
/// Gradients agree to 1e-8 of their norm.
const GRADIENT: f64 = 1e-8;
/// Duals are run in chunks over the whole model: quadratic work, so only up to this many latents.
const MOST_DUALS: usize = 400;

pub(crate) struct Point {
    pub(crate) parameters: Parameters,
    pub(crate) log_density: f64,
    gradient: Vec<f64>,
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

pub(crate) fn points(folder: &Path, posterior: &Posterior) -> (Vec<String>, Vec<Point>) {
    let oracle = json(&folder.join("oracle").join(format!("{}.json", posterior.name)));
    let names: Vec<String> = oracle["param_names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|n| n.as_str().map(str::to_owned))
        .collect();
    let points = oracle["points"].as_array().into_iter().flatten().map(|point| Point {
        parameters: Parameters(
            names.iter().cloned().zip(numbers(&point["constrained"])).collect::<HashMap<_, _>>(),
        ),
        log_density: point["log_density_nojac"].as_f64().unwrap_or(f64::NAN),
        gradient: numbers(&point["gradient_jac"]),
    });
    let points = points.collect();
    (names, points)
}

/// The posteriors whose densities Stan computes exactly.
fn exact(folder: &Path) -> impl Iterator<Item = Posterior> {
    posteriors(folder).into_iter().filter(|posterior| posterior.tier != SOLVED)
}

/// Stan's name of a latent's element: `theta.3`, column-major and 1-based for several axes.
fn stan_name(program: &Program, variable: vippl::typed::VariableId, position: usize) -> String {
    let mut name = program.typed.variable(variable).name.clone();
    let mut rest = position;
    let mut indices: Vec<usize> = Vec::new();
    for size in program.shape(variable).iter().rev() {
        indices.push(rest % size + 1);
        rest /= size;
    }
    for index in indices.iter().rev() {
        name.push_str(&format!(".{index}"));
    }
    name
}

/// The names of Stan's parameters in the order of the program's constrained latents.
fn latent_names(program: &Program) -> Vec<String> {
    let mut names = Vec::new();
    for variable in program.typed.latents() {
        let size: usize = program.shape(variable).iter().product();
        names.extend((0..size).map(|position| stan_name(program, variable, position)));
    }
    names
}

/// The program's constrained latents at a point of Stan's, and the map's log-Jacobian.
pub(crate) fn constrained(
    program: &Program,
    model: &str,
    parameters: &Parameters,
) -> (Vec<f64>, f64) {
    let map = map(model);
    let mut parameters = parameters.clone();
    for name in DATA {
        let data = program.typed.find(name).and_then(|v| program.values[v.index()].as_ref());
        let cells: Vec<f64> = data.into_iter().flat_map(|data| data.cells()).collect();
        parameters.insert(name, &cells);
    }
    let parameters = &parameters;
    let mapped: HashMap<&str, Vec<f64>> =
        map.as_ref().map(|m| (m.latents)(parameters).into_iter().collect()).unwrap_or_default();
    let mut values = Vec::new();
    for variable in program.typed.latents() {
        let name = program.typed.variable(variable).name.as_str();
        match mapped.get(name) {
            Some(own) => values.extend(own),
            None => {
                let size: usize = program.shape(variable).iter().product();
                let own = (0..size).map(|p| parameters.scalar(&stan_name(program, variable, p)));
                values.extend(own);
            }
        }
    }
    (values, map.map_or(0.0, |m| (m.log_jacobian)(parameters)))
}

pub(crate) fn compiled(program: &Program) -> (lower::Density, engine::Program) {
    let density = lower::density(program, &lower::Coordinates::new()).expect("lowers");
    let compiled = engine::Program::compile(&density.model, &engine::Options::default());
    (density, compiled.expect("compiles"))
}

/// Every posterior's constant: the program's log density minus Stan's, the same at all points.
///
/// What the constants are: ln 2 for each half family that Stan writes with a declared bound, ln K!
/// for an ordered vector of K, the mass of other declared bounds, and what Stan leaves out of `~`
/// statements or the program writes as a proper family. The others:
///
/// | posterior | constant |
/// |---|---|
/// | `M0_data` | -Σ ln C(5, captures): Stan's binomial coefficients of the animals seen |
/// | `iohmm_reg_simulated` | 3 ln 2 + ln 2! - 500 ln 3: half normals, a simplex, 500 uniform states |
/// | `synthetic_grid_RBF_kernels` | ln 2 - 450 ln 2π: a half Cauchy; Stan leaves out what 900 normals share |
/// | `bball_drive_event_0` | 2 (ln 2 - ln Φ(3)) - ln 2: bounds of two ordered pairs, a uniform first state |
/// | `hmm_example` | -ln Φ(3) - ln Φ(10) - ln 2: likewise |
/// | `fims_Aus_Jpn_irt` | ln 3 + ln 2π / 2: effects of sum 0 have a free coordinate fewer |
/// | `science_irt` | twice that, for items and steps |
/// | `uk_drivers` | ln 3! + 3 ln 2: an ordered triple of half Student t |
#[test]
fn log_densities_agree_with_stan_up_to_one_constant() {
    let Some(folder) = folder() else { return };
    let mut constants = BTreeMap::new();
    let mut failures = Vec::new();
    for posterior in exact(&folder) {
        let program = bind_model(&folder, &posterior).program;
        let (_, points) = points(&folder, &posterior);
        let mut differences = Vec::new();
        for point in &points {
            let (values, jacobian) = constrained(&program, &posterior.model, &point.parameters);
            let unconstrained = reference::unconstrain(&program, &values).expect("inside supports");
            let own = reference::evaluate(&program, &unconstrained).expect("evaluates");
            let tolerance =
                ABSOLUTE + RELATIVE * own.log_density.abs().max(point.log_density.abs());
            differences.push((own.log_density + jacobian - point.log_density, tolerance));
        }
        let agree = differences.iter().all(|(a, tolerance)| {
            differences.iter().all(|(b, other)| (a - b).abs() <= tolerance.max(*other))
        });
        if !agree || differences.is_empty() {
            failures.push(format!("{}: {differences:?}", posterior.name));
            continue;
        }
        constants.insert(posterior.name.clone(), differences[0].0);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let list = constants.iter().map(|(name, constant)| format!("{name}: {constant:.6}"));
    let list = list.collect::<Vec<_>>().join("\n").replace("-0.000000", "0.000000");
    insta::assert_snapshot!("constants", list);
}

/// Where the program has Stan's parameters and as many coordinates (so no simplex, correlations or
/// effects that sum to zero, for which there are many charts), its gradient is Stan's.
#[test]
fn gradients_agree_with_stan_where_the_parameters_do() {
    let Some(folder) = folder() else { return };
    let mut compared = 0;
    let mut failures = Vec::new();
    for posterior in exact(&folder) {
        if map(&posterior.model).is_some() {
            continue;
        }
        let program = bind_model(&folder, &posterior).program;
        let (_, compiled) = compiled(&program);
        let mut workspace = compiled.workspace();
        let (stan_names, points) = points(&folder, &posterior);
        let names = latent_names(&program);
        if compiled.dimension() != names.len() {
            continue;
        }
        let place: Vec<usize> = names
            .iter()
            .map(|n| stan_names.iter().position(|s| s == n).unwrap_or_else(|| panic!("{n}")))
            .collect();
        for point in &points {
            let (values, _) = constrained(&program, &posterior.model, &point.parameters);
            let unconstrained = reference::unconstrain(&program, &values).expect("inside supports");
            let mut own = vec![0.0; unconstrained.len()];
            compiled.gradient(&mut workspace, &unconstrained, &mut own);
            let stan: Vec<f64> = place.iter().map(|p| point.gradient[*p]).collect();
            check_gradient(&posterior.name, &own, &stan, &mut failures);
            compared += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared > 200, "only {compared} gradients were compared");
}

/// The compiled gradient is that of global forward-mode duals, and the compiled density the plain
/// reading's, at every point.
#[test]
fn the_engine_agrees_with_the_plain_reading() {
    let Some(folder) = folder() else { return };
    let mut failures = Vec::new();
    for posterior in exact(&folder) {
        let program = bind_model(&folder, &posterior).program;
        let (_, compiled) = compiled(&program);
        let mut workspace = compiled.workspace();
        let (_, points) = points(&folder, &posterior);
        let duals = compiled.dimension() <= MOST_DUALS;
        for (i, point) in points.iter().enumerate() {
            let (values, _) = constrained(&program, &posterior.model, &point.parameters);
            let unconstrained = reference::unconstrain(&program, &values).expect("inside supports");
            let evaluation = reference::evaluate(&program, &unconstrained).expect("evaluates");
            let plain = evaluation.log_density + evaluation.log_jacobian;
            let mut own = vec![0.0; unconstrained.len()];
            let value = compiled.gradient(&mut workspace, &unconstrained, &mut own);
            if (value - plain).abs() > ABSOLUTE + RELATIVE * plain.abs() {
                failures.push(format!("{}: {value} is not {plain}", posterior.name));
            }
            let expensive = program.typed.variables.len() * compiled.dimension() > 1000;
            if duals && (i == 0 || !expensive) {
                let (_, plain) = reference::gradient(&program, &unconstrained).expect("evaluates");
                check_gradient(&posterior.name, &own, &plain, &mut failures);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check_gradient(name: &str, own: &[f64], other: &[f64], failures: &mut Vec<String>) {
    let norm = other.iter().map(|g| g * g).sum::<f64>().sqrt();
    let error = own.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    if error.is_nan() || error > GRADIENT * norm.max(1.0) {
        let worst = own
            .iter()
            .zip(other)
            .enumerate()
            .max_by(|a, b| (a.1.0 - a.1.1).abs().total_cmp(&(b.1.0 - b.1.1).abs()));
        failures.push(format!("{name}: gradient off by {error:e} of {norm:e}; worst {worst:?}"));
    }
}
