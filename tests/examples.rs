//! Every example binds, compiles and fits; its gradients agree with a second way to compute them.
//!
//! The files of an example are its `data.csv` if it has one, and otherwise those its program names.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::path::{Path, PathBuf};
use vippl::data::{Binding, Inputs, Mode, read_file};
use vippl::engine::reference;
use vippl::inference::{Level, LogDensity, Summary, Verdict};
use vippl::session::{Document, FitOptions, Model, Timings};

/// The two ways differ by rounding only: adjoints sum in another order than forward duals.
const GRADIENT: f64 = 1e-8;

/// Maximum likelihood estimates and standard errors (`tests/oracle/maximum_likelihood.py`).
const MAXIMUM_LIKELIHOOD: &[(&str, &str, f64, f64)] = &[
    ("flying", "alpha", -0.7659, 0.1948),
    ("flying", "b_income", 0.5903, 0.1674),
    ("flying", "b_party", -0.3839, 0.1807),
    ("doctor_visits", "level[excellent]", 1.1944, 0.1263),
    ("doctor_visits", "level[good]", 1.0092, 0.1275),
    ("doctor_visits", "level[fair]", 1.6477, 0.2351),
    ("doctor_visits", "level[poor]", 0.6853, 0.5871),
    ("doctor_visits", "b_coinsurance", -0.0611, 0.0353),
    ("doctor_visits", "b_diseases", 0.3097, 0.0725),
    ("doctor_visits", "b_limitation", 0.2728, 0.2290),
    ("investment", "mu", 3.9109, 0.1755),
    ("investment", "b_value", 0.6501, 0.0789),
    ("investment", "b_capital", 0.2582, 0.0268),
];

/// What a weak prior may move a mean, in standard errors, and what it and the data's asymmetry may
/// change of a standard error.
const MEAN_SHIFT: f64 = 0.2;
const SD_CHANGE: f64 = 0.2;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&folder).expect("a folder of examples");
    let folders = entries.map(|entry| entry.expect("a readable entry").path());
    let mut examples: Vec<PathBuf> = folders.filter(|f| f.join("model.vi").exists()).collect();
    examples.sort();
    examples
}

fn name(example: &Path) -> String {
    example.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn open(example: &Path) -> Document {
    let text = std::fs::read_to_string(example.join("model.vi")).expect("a readable program");
    let document = Document::open("model.vi", &text);
    let told: Vec<&str> = document.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert!(told.is_empty(), "{}: {told:?}", name(example));
    document
}

fn bind(example: &Path) -> Binding {
    let document = open(example);
    let data = example.join("data.csv");
    let files = data.exists().then(|| data.to_string_lossy().into_owned());
    let tables = Inputs::parse(files).read(document.typed(), example, &read_file);
    let bound = document.bind(&tables, Mode::Fit);
    let complaints = bound.diagnostics;
    bound.value.unwrap_or_else(|| panic!("{}: {complaints:?}", name(example)))
}

fn compile(example: &Path) -> Model {
    Model::compile(bind(example)).unwrap_or_else(|f| panic!("{}: {f:?}", name(example)))
}

#[test]
fn equations_with_all_their_indices_are_as_reviewed() {
    for example in examples() {
        let document = open(&example);
        let typed = document.typed();
        let mut lines = Vec::new();
        for definition in &typed.definitions {
            lines.extend(typed.print_definition(definition));
        }
        lines.extend(typed.randoms.iter().map(|random| typed.print_random(random)));
        insta::assert_snapshot!(format!("equations_of_{}", name(&example)), lines.join("\n"));
    }
}

#[test]
fn gradients_agree_with_global_forward_mode() {
    for example in examples() {
        let model = compile(&example);
        let target = model.target();
        let mut workspace = target.workspace();
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for _ in 0..3 {
            let point: Vec<f64> =
                (0..target.dimension()).map(|_| rng.random_range(-1.0..1.0)).collect();
            let mut gradient = vec![0.0; point.len()];
            let value = target.gradient(&mut workspace, &point, &mut gradient);
            let (expected, witness) =
                reference::gradient(&model.bound, &point).expect("the reference evaluates");
            let error = (value - expected).abs() / expected.abs().max(1.0);
            assert!(error < GRADIENT, "{}: {value} and {expected}", name(&example));
            let size = witness.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
            for (g, w) in gradient.iter().zip(&witness) {
                assert!((g - w).abs() / size < GRADIENT, "{}: {g} and {w}", name(&example));
            }
        }
    }
}

/// Every element with its name, as printed, and its summary.
fn fit(example: &Path) -> (Verdict, Vec<(String, Summary)>) {
    let model = compile(example);
    let options = FitOptions { seed: 1, draws: 1000, predict: true, ..FitOptions::default() };
    let fitted = model.fit(&options, Timings::default(), &mut |_| {});
    let fitted = fitted.unwrap_or_else(|f| panic!("{}: {f:?}", name(example)));
    let elements = model.elements();
    let names = elements.iter().map(|e| vippl::output::element_name(&e.name, &e.index));
    (fitted.fit.verdict, names.zip(fitted.fit.draws.summaries()).collect())
}

#[test]
fn every_example_has_a_finite_summary() {
    for example in examples() {
        for (element, s) in fit(&example).1 {
            let numbers = [s.mean, s.sd, s.q05, s.q50, s.q95, s.mcse_mean];
            assert!(numbers.iter().all(|x| x.is_finite()), "{}: {element} {s:?}", name(&example));
            assert!(s.q05 <= s.q50 && s.q50 <= s.q95, "{}: {element} {s:?}", name(&example));
        }
    }
}

#[test]
fn fits_agree_with_maximum_likelihood_where_priors_say_little() {
    for example in examples() {
        let wanted: Vec<_> =
            MAXIMUM_LIKELIHOOD.iter().filter(|row| row.0 == name(&example)).collect();
        if wanted.is_empty() {
            continue;
        }
        let (verdict, fitted) = fit(&example);
        assert_ne!(verdict.level, Level::DoNotUse, "{}: {verdict:?}", name(&example));
        for (_, element, estimate, error) in wanted {
            let found = fitted.iter().find(|(name, _)| name == element);
            let (_, s) = found.unwrap_or_else(|| panic!("no {element}"));
            assert!((s.mean - estimate).abs() < MEAN_SHIFT * error, "{element}: {s:?}");
            assert!((s.sd / error).ln().abs() < SD_CHANGE, "{element}: {s:?}");
        }
    }
}

#[test]
fn every_example_says_what_it_shows_and_where_its_data_come_from() {
    for example in examples() {
        let page = std::fs::read_to_string(example.join("README.md")).unwrap_or_default();
        assert!(
            page.contains("## Data"),
            "{} has no README with a section on data",
            name(&example)
        );
    }
}
