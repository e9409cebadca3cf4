//! Every example binds, compiles and fits; its gradients agree with a second way to compute them.
//!
//! The files of an example are its `data.csv` if it has one, and otherwise those its program names.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::path::{Path, PathBuf};
use vippl::data::{Binding, Inputs, Mode, read_file};
use vippl::engine::reference;
use vippl::inference::{Level, LogDensity};
use vippl::session::{Document, FitOptions, Model, Timings};

/// The two ways differ by rounding only: adjoints sum in another order than forward duals.
const GRADIENT: f64 = 1e-8;

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

#[test]
fn every_example_has_a_fit_that_can_be_used() {
    for example in examples() {
        let model = compile(&example);
        let options = FitOptions { seed: 1, draws: 1000, predict: true, ..FitOptions::default() };
        let fitted = model.fit(&options, Timings::default(), &mut |_| {});
        let fitted = fitted.unwrap_or_else(|f| panic!("{}: {f:?}", name(&example)));
        let verdict = &fitted.fit.verdict;
        assert_ne!(verdict.level, Level::DoNotUse, "{}: {verdict:?}", name(&example));
        for (element, s) in model.elements().iter().zip(fitted.fit.draws.summaries()) {
            let numbers = [s.mean, s.sd, s.q05, s.q50, s.q95, s.mcse_mean];
            assert!(numbers.iter().all(|x| x.is_finite()), "{}: {element:?} {s:?}", name(&example));
            assert!(s.q05 <= s.q50 && s.q50 <= s.q95, "{}: {element:?} {s:?}", name(&example));
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
