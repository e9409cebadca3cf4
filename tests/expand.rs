//! What functions, families, modules and parts stand for: the log density of a program that uses
//! them against that of the same model written by hand, and against formulas.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "expand/library.rs"]
mod library;

use serde_json::json;
use std::io::{Error, ErrorKind};
use std::path::Path;
use vippl::data::{Inputs, Mode};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::session::{Autodiff, Document, Model};

/// Opens a program beside some other files.
fn open(program: &str, files: &[(&str, &str)]) -> Document {
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        let text = file.map(|(_, text)| text.as_bytes().to_vec());
        text.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such file"))
    };
    Document::open_in(Path::new(""), "model.vi", program, &read)
}

/// The bound model of a program without mistakes.
fn model(program: &str, data: &serde_json::Value, files: &[(&str, &str)]) -> Model {
    let document = open(program, files);
    let said = |d: &[_]| render(d, &document.sources, &RenderOptions::default());
    assert!(!document.has_errors(), "{}", said(&document.diagnostics));
    let bytes = data.to_string().into_bytes();
    let tables = Inputs::parse(["data.json"].map(str::to_owned)).read(
        document.typed(),
        Path::new(""),
        &|_| Ok(bytes.clone()),
    );
    let bound = document.bind(&tables, Mode::Fit);
    let messages = said(&bound.diagnostics);
    Model::compile(bound.value.unwrap_or_else(|| panic!("{messages}"))).unwrap()
}

/// The log density at a point, of all `~` and factors.
fn density(
    program: &str,
    data: &serde_json::Value,
    point: &serde_json::Value,
    files: &[(&str, &str)],
) -> f64 {
    let model = model(program, data, files);
    let point = model.read_point(point, false).unwrap_or_else(|p| panic!("{p:?}"));
    model.density_at(&point, false, Autodiff::Mixed).unwrap().log_density
}

fn close(found: f64, expected: f64) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() < 1e-10 * scale, "{found} is not {expected}");
}

/// ln Normal(x | mean, sd)
fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    let z = (x - mean) / sd;
    -0.5 * z * z - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
}

/// Five rows in two towns.
fn data() -> serde_json::Value {
    json!({
        "y": [0.3, -1.2, 2.1, 0.4, 0.9],
        "x": [1.0, 2.0, -0.5, 0.25, 3.0],
        "w": [0.1, 0.2, 0.3, 0.4, 0.5],
        "town": ["a", "b", "a", "a", "b"],
        "k": 0.7,
    })
}

const COLUMNS: &str = "data row(y, x, w, town: index), k\n";

macro_rules! means {
    ($($name:ident: $functions:literal, $mean:literal is $by_hand:literal;)*) => {
        $(#[test]
        fn $name() {
            let program = |functions: &str, mean: &str| format!(
                "{COLUMNS}{functions}\na ~ Normal(0, 1)\nb[town] ~ Normal(0, 1)\n\
                 u = mean(w) + mean(x) + k + b[\"a\"]\naxis town = [\"a\", \"b\"]\n\
                 m[i in row] = {mean}\ny ~ Normal(m + 0 * (u + a + b[town]), 1)\n"
            );
            let point = json!({ "a": 0.6, "b": [0.35, -0.8] });
            let found = density(&program($functions, $mean), &data(), &point, &[]);
            close(found, density(&program("", $by_hand), &data(), &point, &[]));
        })*
    };
}

means! {
    an_argument_is_one_operand:
        "fun f(p, q) = p * q", "f(a + x[i], a - w[i])" is "(a + x[i]) * (a - w[i])";
    a_body_is_one_operand:
        "fun f(p, q) = p + q", "2 * f(a, x[i])" is "2 * (a + x[i])";
    a_sign_belongs_to_its_argument: "fun f(p) = p^2", "f(-a)" is "a^2";
    arguments_go_by_name: "fun f(p, q) = p - 2 * q", "f(q = a, p = x[i])" is "x[i] - 2 * a";
    a_function_calls_functions:
        "fun f(p) = g(p) + 1\nfun g(p) = 2 * p", "f(g(a))" is "2 * (2 * a) + 1";
    a_body_sees_the_names_of_the_program: "fun f(p) = p * k", "f(a)" is "a * k";
    an_index_of_a_body_does_not_catch_an_index_of_an_argument:
        "fun f(p) = sum(i in row: p * x[i])", "f(w[i])" is "sum(j in row: w[i] * x[j])";
    an_index_of_a_body_does_not_catch_a_name_of_the_program:
        "fun f(p) = sum(k in row: p * x[k])", "f(k)" is "k * sum(j in row: x[j])";
    an_index_of_a_body_does_not_catch_a_name_of_another_body:
        "fun f(p) = sum(k in row: g(x[k]))\nfun g(p) = p * k", "f(1)" is
        "k * sum(j in row: x[j])";
    a_bare_axis_of_a_body_does_not_catch_a_column_of_an_argument:
        "fun f(p) = sum(town: b[town] * p)", "f(b[town[i]])" is
        "b[town[i]] * sum(t in town: b[t])";
    a_parameter_may_stand_for_an_axis:
        "fun f(p, over_axis) = sum(j in over_axis: p * x[j])", "f(a, row)" is
        "a * sum(j in row: x[j])";
    an_array_parameter_brings_its_axes:
        "fun dot(p[n], q[n]) = sum(j in n: p[j] * q[j])", "dot(x, w) * a" is
        "a * sum(j in row: x[j] * w[j])";
    an_array_function_may_take_an_index_of_the_caller:
        "fun kernel(p[n], at) = sum(j in n: exp(-(p[j] - at)^2))", "a * kernel(x, w[i])" is
        "a * sum(j in row: exp(-(x[j] - w[i])^2))";
    a_function_of_arrays_is_not_indexed_by_its_caller:
        "fun spread(p[n]) = max(p) - min(p)", "a * spread(x)" is
        "a * (max(j in row: x[j]) - min(j in row: x[j]))";
    a_function_with_axes_is_indexed_like_an_array:
        "fun scaled(p[n])[i in n] = p[i] / max(j in n: p[j])", "a * scaled(x)[i]" is
        "a * x[i] / max(j in row: x[j])";
    functions_with_axes_take_one_another:
        "fun scaled(p[n])[i in n] = p[i] / max(j in n: p[j])", "a * scaled(scaled(x))[i]" is
        "a * x[i] / max(j in row: x[j])";
}

#[test]
fn a_choice_and_a_distribution_may_be_the_body_of_a_function() {
    let program = "\
data row(y, x)
fun level(z) = if z > 0 then 1 else -1
fun noise(mean) = Normal(mean, 2)
a ~ noise(0)
y ~ noise(a * level(x))
";
    let data = json!({ "y": [0.3, -1.2], "x": [2.0, -0.5] });
    let found = density(program, &data, &json!({ "a": 0.6 }), &[]);
    close(found, normal(0.6, 0.0, 2.0) + normal(0.3, 0.6, 2.0) + normal(-1.2, -0.6, 2.0));
}

#[test]
fn a_call_with_axes_is_a_definition_called_as_it_is_printed() {
    let program = "\
fun twice_sd(W[row, col])[i in row, k in col] = if k == 1 then W[i, k]
  else (W[i, k] - mean(j in row: W[j, k])) / (2 * sd(j in row: W[j, k]))
data y[person], W[person, covariate]
x = twice_sd(W)
coef[covariate] ~ Normal(0, 1)
y ~ Normal(x @ coef, 1)
";
    let data = json!({ "y": [0.5, 1.5, -1.0], "W": [[1, 1], [1, 2], [1, 6]] });
    let found = density(program, &data, &json!({ "coef": [0.3, 2.0] }), &[]);
    // The mean of 1, 2, 6 is 3, their variance 7.
    let scaled = [-2.0, -1.0, 3.0].map(|z: f64| z / (2.0 * 7.0_f64.sqrt()));
    let mean = scaled.map(|z| 0.3 + 2.0 * z);
    let likelihood = normal(0.5, mean[0], 1.0) + normal(1.5, mean[1], 1.0);
    let likelihood = likelihood + normal(-1.0, mean[2], 1.0);
    close(found, normal(0.3, 0.0, 1.0) + normal(2.0, 0.0, 1.0) + likelihood);
    let document = open(program, &[]);
    assert!(document.typed().find("twice_sd(W)").is_some());
}

const LENGTHS: &str = "\
import \"more/scales.vi\" as s
axis step = 1..2
knots[step] = [1, 2]
fun kinked(x) = s.unit * sum(k in step: max(x - knots[k], 0))
part random_effect[group](scale) {
  tau ~ HalfNormal(scale)
  z[group] ~ Normal(0, 1)
  output effect[group] = tau * z
}
";

fn modules() -> [(&'static str, &'static str); 2] {
    [("lib/lengths.vi", LENGTHS), ("lib/more/scales.vi", "unit = 10\n")]
}

#[test]
fn a_module_brings_its_functions_definitions_axes_and_parts() {
    let program = "\
import \"lib/lengths.vi\" as m
data row(y, x, g: index)
a ~ Normal(0, 1)
use m.random_effect[g](scale = 0.5 + 1.5) as e
y ~ Normal(m.kinked(x) * a + e.effect[g], 1)
";
    let by_hand = "\
data row(y, x, g: index)
a ~ Normal(0, 1)
tau ~ HalfNormal(2)
z[g] ~ Normal(0, 1)
y ~ Normal(10 * (max(x - 1, 0) + max(x - 2, 0)) * a + tau * z[g], 1)
";
    let data = json!({ "y": [0.3, -1.2, 2.0], "x": [2.5, 1.5, 0.0], "g": [1, 2, 2] });
    let point = json!({ "a": 0.1, "e.tau": 0.7, "e.z": [0.2, -0.4] });
    let found = density(program, &data, &point, &modules());
    let point = json!({ "a": 0.1, "tau": 0.7, "z": [0.2, -0.4] });
    close(found, density(by_hand, &data, &point, &[]));
}

#[test]
fn what_a_module_defines_and_nobody_uses_is_not_in_the_program() {
    let document = open(
        "import \"lib/lengths.vi\" as m\ndata y[n]\na ~ Normal(0, 1)\ny ~ Normal(a, 1)\n",
        &modules(),
    );
    assert_eq!(document.diagnostics, []);
    let names: Vec<&str> = document.typed().variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["y", "a"]);
    let imported: Vec<String> = document.imported().into_keys().collect();
    assert_eq!(imported, ["lib/lengths.vi", "lib/more/scales.vi"]);
}

#[test]
fn a_part_used_twice_has_latents_twice() {
    let program = "\
part random_effect[group](scale) {
  tau ~ HalfNormal(scale)
  z[group] ~ Normal(0, 1)
  output effect[group] = tau * z
}
data row(y, g: index, h: index)
use random_effect[g](1) as first
use random_effect[h](2) as second
y ~ Normal(first.effect[g] + second.effect[h], 1)
report second.effect
";
    let by_hand = "\
data row(y, g: index, h: index)
s ~ HalfNormal(1)
u[g] ~ Normal(0, 1)
t ~ HalfNormal(2)
v[h] ~ Normal(0, 1)
y ~ Normal(s * u[g] + t * v[h], 1)
";
    let data = json!({ "y": [0.3, -1.2, 2.0], "g": [1, 2, 2], "h": [1, 1, 3] });
    let point = json!({
        "first.tau": 0.4, "first.z": [1.0, -2.0], "second.tau": 1.4, "second.z": [0.5, 0.25]
    });
    let found = density(program, &data, &point, &[]);
    let point = json!({ "s": 0.4, "u": [1.0, -2.0], "t": 1.4, "v": [0.5, 0.25] });
    close(found, density(by_hand, &data, &point, &[]));
    let document = open(program, &[]);
    let latents: Vec<&str> =
        document.typed().latents().map(|v| document.typed().variable(v).name.as_str()).collect();
    assert_eq!(latents, ["first.tau", "first.z", "second.tau", "second.z"]);
}

#[test]
fn a_part_may_observe_its_inputs_and_use_other_parts() {
    let program = "\
part level(scale) {
  output a ~ Normal(0, scale)
}
part likelihood[row](y[row], x[row], prior) {
  use level(scale = 3) as l
  sigma ~ prior
  slope ~ Normal(0, 1)
  y ~ Normal(l.a + slope * x, sigma)
}
data y[n], x[n]
use likelihood[n](y, x, prior = HalfNormal(2)) as m
";
    let by_hand = "\
data y[n], x[n]
a ~ Normal(0, 3)
sigma ~ HalfNormal(2)
slope ~ Normal(0, 1)
y ~ Normal(a + slope * x, sigma)
";
    let data = json!({ "y": [0.3, -1.2], "x": [2.5, 1.5] });
    let point = json!({ "m.l.a": 0.4, "m.sigma": 1.2, "m.slope": -0.5 });
    let found = density(program, &data, &point, &[]);
    let point = json!({ "a": 0.4, "sigma": 1.2, "slope": -0.5 });
    close(found, density(by_hand, &data, &point, &[]));
}

#[test]
fn equations_with_parts_and_functions_stand_in_any_order() {
    let ordered = "\
fun scaled(p[n])[i in n] = p[i] / max(j in n: p[j])
part line[row](x[row]) {
  slope ~ Normal(0, 1)
  output mean[row] = slope * x
}
data y[n], x[n]
z = scaled(x)
use line[n](z) as l
y ~ Normal(scaled(z) + l.mean, 1)
";
    let reversed = "\
y ~ Normal(scaled(z) + l.mean, 1)
use line[n](z) as l
z = scaled(x)
data y[n], x[n]
part line[row](x[row]) {
  output mean[row] = slope * x
  slope ~ Normal(0, 1)
}
fun scaled(p[n])[i in n] = p[i] / max(j in n: p[j])
";
    let data = json!({ "y": [0.3, -1.2], "x": [2.5, 1.5] });
    let point = json!({ "l.slope": 0.4 });
    let found = density(ordered, &data, &point, &[]);
    close(density(reversed, &data, &point, &[]), found);
    let mean = [1.0, 0.6].map(|z| z + 0.4 * z);
    close(found, normal(0.4, 0.0, 1.0) + normal(0.3, mean[0], 1.0) + normal(-1.2, mean[1], 1.0));
}

#[test]
fn what_has_no_end_is_refused() {
    let nested = |open: &str, n: usize, close: &str| {
        let call = format!("{}a{}", open.repeat(n), close.repeat(n));
        format!(
            "fun f(x) = 1 + (1 + (1 + x))\ndata y[n]\na ~ Normal(0, 1)\ny ~ Normal({call}, 1)\n"
        )
    };
    assert!(!open(&nested("f(", 50, ")"), &[]).has_errors());
    assert!(open(&nested("f(", 200, ")"), &[]).has_errors());
    let chain = (1..2000).fold("fun f0(x) = x + 1\n".to_owned(), |text, i| {
        format!("{text}fun f{i}(x) = f{}(x) + 1\n", i - 1)
    });
    let program = format!("{chain}data y[n]\na ~ Normal(0, 1)\ny ~ Normal(f1999(a), 1)\n");
    assert!(open(&program, &[]).has_errors());
    let chain = (1..2000).fold("fun f0(x[n])[i in n] = x[i]\n".to_owned(), |text, i| {
        format!("{text}fun f{i}(x[n])[i in n] = f{}(x)[i]\n", i - 1)
    });
    let program = format!("{chain}data y[n]\na ~ Normal(0, 1)\ny ~ Normal(a + f1999(y), 1)\n");
    assert!(open(&program, &[]).has_errors());
    let values =
        (1..2000).fold("v0 = 1\n".to_owned(), |text, i| format!("{text}v{i} = v{} + 1\n", i - 1));
    let program = "import \"m.vi\" as m\ndata y[n]\na ~ Normal(0, 1)\ny ~ Normal(a, m.v300)\n";
    assert!(!open(program, &[("m.vi", &values)]).has_errors());
    let parts = "part p() {\n".repeat(5000);
    assert!(open(&parts, &[]).has_errors());
    assert!(open(&"output ".repeat(5000), &[]).has_errors());
}

#[test]
fn a_family_becomes_its_log_density_with_its_arguments_put_in() {
    let text = "\
dist Tent(mean, width)(x) = log(width) - abs(x - mean) on [mean - width, inf]
data y[n], w[n]
y[x in n] ~ Tent(w[x] + 1, width = 2)
";
    let mut sources = vippl::source::Sources::default();
    let id = sources.add("model.vi", text);
    let parsed = vippl::syntax::parser::parse(id, text);
    let modules = vippl::expand::Modules::default();
    let expanded = vippl::expand::expand(&parsed.value, &modules, &mut sources);
    assert_eq!(expanded.diagnostics, []);
    let tree = vippl::syntax::dump::program(&expanded.value);
    // The variate is not the index that the argument mentions.
    let mean = "(group (+ w[x] 1))";
    let density = format!("(- (log 2) (abs (- x2 {mean})))");
    let wanted = format!("(~ y[(x in n)] (written Tent x2 {density} (on [(- {mean} 2) inf])))");
    assert!(tree.contains(&wanted), "{tree}");
}
