//! Models with differential equations: log densities against SciPy's solutions, gradients against
//! duals through another solver, and both, loosely, against Stan's, whose own solver is rough.

use crate::database::{Posterior, SOLVED, bind_model, folder, json, posteriors};
use crate::density::{compiled, constrained, points};
use std::path::Path;
use vippl::engine::reference;
use vippl::inference::LogDensity;

/// Log densities at the points of the oracle files, by tests/oracle/solutions.py.
const DENSITIES: [(&str, [f64; 5]); 2] = [
    (
        "hudson_lynx_hare-lotka_volterra",
        [
            -2335.1377975265095,
            -824.9533535527007,
            -878.9964366118619,
            -632.4661604371472,
            -1096.0052473550495,
        ],
    ),
    (
        "sir-sir",
        [
            -51649.5451666476,
            -126198.30318154159,
            -42275.28379050097,
            -25987.977377567044,
            -132340.98389044148,
        ],
    ),
];

/// Our solutions and SciPy's are right to about 1e-10 of each state.
const RELATIVE: f64 = 1e-8;
/// The plain reading takes 256 equal steps between two times.
const GRADIENT: f64 = 1e-5;
/// How far Stan's values may be off: a part of their size, and a bit.
const STAN: (f64, f64) = (1e-2, 2e-3);

fn solved(folder: &Path) -> Vec<Posterior> {
    posteriors(folder).into_iter().filter(|posterior| posterior.tier == SOLVED).collect()
}

#[test]
fn log_densities_are_those_of_converged_solutions() {
    let Some(folder) = folder() else { return };
    let mut failures = Vec::new();
    for posterior in solved(&folder) {
        let program = bind_model(&folder, &posterior).program;
        let (_, compiled) = compiled(&program);
        let mut workspace = compiled.workspace();
        let known = DENSITIES.iter().find(|(name, _)| *name == posterior.name);
        let (_, known) = known.unwrap_or_else(|| panic!("no densities of {}", posterior.name));
        let (_, points) = points(&folder, &posterior);
        for (point, expected) in points.iter().zip(known) {
            let (values, _) = constrained(&program, &posterior.model, &point.parameters);
            let unconstrained = reference::unconstrain(&program, &values).expect("inside supports");
            let (plain, by_duals) =
                reference::gradient(&program, &unconstrained).expect("evaluates");
            let jacobian = reference::evaluate(&program, &unconstrained).expect("evaluates");
            let mut own = vec![0.0; unconstrained.len()];
            let total = compiled.gradient(&mut workspace, &unconstrained, &mut own);
            let value = total - jacobian.log_jacobian;
            if (value - expected).abs() > RELATIVE * expected.abs() {
                failures.push(format!("{}: {value} is not {expected}", posterior.name));
            }
            if (total - plain).abs() > GRADIENT * plain.abs() {
                failures.push(format!("{}: {total} is not {plain} plainly", posterior.name));
            }
            let norm = by_duals.iter().map(|g| g * g).sum::<f64>().sqrt();
            let error = own.iter().zip(&by_duals).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            if error.is_nan() || error > GRADIENT * norm {
                failures.push(format!("{}: gradient off by {error:e} of {norm:e}", posterior.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Constants as in the exact comparison: of lotka_volterra, the mass above 0 of four normals; of
/// sir, that of four Cauchys.
#[test]
fn log_densities_are_near_those_of_a_rough_solver() {
    let Some(folder) = folder() else { return };
    for (name, densities) in DENSITIES {
        let oracle = json(&folder.join("oracle").join(format!("{name}.json")));
        let all = oracle["points"].as_array().into_iter().flatten();
        for (point, own) in all.zip(densities) {
            let read = |key: &str| point[key].as_f64().unwrap_or(f64::NAN);
            let jacobian = read("log_density_jac") - read("log_density_nojac");
            let stan = read("log_density_jac_in_gradient") - jacobian;
            // Four half Cauchys: 4 ln 2; normals above 0: -2 ln Φ(2) - 2 ln Φ(1).
            let constant = if name.starts_with("sir") { 4.0 * 2f64.ln() } else { 0.391_533 };
            let off = (own - constant - stan).abs();
            assert!(off < STAN.0 + STAN.1 * stan.abs(), "{name}: {own} and {stan}");
        }
    }
}
