//! The JSON of `run`, `check` and `explain`, and the human reports.

use super::*;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn row<'a>(fit: &'a Value, name: &str) -> &'a Value {
    let rows = fit["summary"].as_array().expect("rows");
    rows.iter().find(|row| row["name"] == name).expect("the row exists")
}

#[test]
fn run_prints_one_object_with_the_documented_keys_in_order() {
    let output = vippl(&[&["run"][..], &LINEAR, &["--json", "--seed", "5", "--predict"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let fit = json(&output);
    let documented = [
        "schema",
        "model",
        "data",
        "seed",
        "method",
        "guide",
        "algorithm",
        "elbo",
        "elbo_error",
        "gradient_evaluations",
        "log_density_evaluations",
        "seconds",
        "verdict",
        "diagnostics",
        "summary",
    ];
    assert_eq!(keys(&fit)[..documented.len()], documented);
    assert_eq!(fit["schema"], "vippl.fit/1");
    assert_eq!(fit["seed"], 5);
    assert_eq!(fit["data"]["rows"], 40);
    assert_eq!(fit["data"]["axes"]["point"], 40);
    assert_eq!(fit["verdict"]["level"], "good");
    let statistics = ["mean", "sd", "q05", "q50", "q95", "mcse_mean"];
    for row in fit["summary"].as_array().expect("rows") {
        let expected: Vec<&str> =
            ["name", "index"].into_iter().chain(statistics).chain(["role"]).collect();
        assert_eq!(keys(row), expected);
    }
    let roles: Vec<(&str, &str)> = fit["summary"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| (r["name"].as_str().expect("name"), r["role"].as_str().expect("role")))
        .collect();
    assert_eq!(
        roles[..5],
        [
            ("intercept", "latent"),
            ("slope", "latent"),
            ("noise", "latent"),
            ("root", "report"),
            ("y", "predict"),
        ]
    );
    assert_eq!(roles.len(), 4 + 40);
}

#[test]
fn predictions_come_only_when_asked_for() {
    let output = vippl(&[&["run"][..], &LINEAR, &["--json", "--seed", "5"]].concat());
    let fit = json(&output);
    assert_eq!(fit["summary"].as_array().map(Vec::len), Some(4));
}

#[test]
fn the_posterior_of_a_line_is_near_least_squares() {
    let output = vippl(&[&["run"][..], &LINEAR, &["--json", "--seed", "5"]].concat());
    let fit = json(&output);
    // From examples/linear/simulate.py; the priors move these by less than a hundredth of an se.
    for (name, mean, se) in [("slope", -0.84068, 0.05490), ("intercept", 1.42474, 0.09102)] {
        let row = row(&fit, name);
        let error = (row["mean"].as_f64().expect("a number") - mean).abs() / se;
        assert!(error < 0.1, "{name} is {error} standard errors off");
        // The t of 38 degrees of freedom is a little wider than the normal of the same se.
        let ratio = row["sd"].as_f64().expect("a number") / se;
        assert!((0.95..1.15).contains(&ratio), "{name}: {ratio}");
    }
}

#[test]
fn a_conjugate_posterior_is_met_in_closed_form() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("d.csv", "y\n1.5\n2.5\n3.5\n")]);
    let run = ["run", &files.path("m.vi"), &files.path("d.csv"), "--json", "--seed", "2"];
    let fit = json(&vippl(&run));
    // precision 3 + 1/100, mean (1.5 + 2.5 + 3.5) / precision
    let precision: f64 = 3.01;
    let (mean, sd) = (7.5 / precision, precision.sqrt().recip());
    let mu = row(&fit, "mu");
    assert!((mu["mean"].as_f64().expect("a number") - mean).abs() < 0.05 * sd);
    assert!((mu["sd"].as_f64().expect("a number") / sd - 1.0).abs() < 0.05);
    assert!((mu["q05"].as_f64().expect("a number") - (mean - 1.6449 * sd)).abs() < 0.1 * sd);
    // The guide is exact, so the ELBO is the log evidence: y ~ N(0, I + 100 11ᵀ).
    let squares = 1.5f64.powi(2) + 2.5f64.powi(2) + 3.5f64.powi(2);
    let quadratic = squares - 7.5f64.powi(2) / precision;
    let evidence = -0.5 * (3.0 * std::f64::consts::TAU.ln() + 301f64.ln() + quadratic);
    assert!((fit["elbo"].as_f64().expect("a number") - evidence).abs() < 1e-6, "{evidence}");
}

#[test]
fn labels_are_printed_not_positions() {
    let output = vippl(&[&["run"][..], &EIGHT, &["--json", "--seed", "1", "--exit-zero"]].concat());
    let fit = json(&output);
    let index: Vec<&str> = fit["summary"]
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["name"] == "theta")
        .map(|row| row["index"][0].as_str().expect("a label"))
        .collect();
    assert_eq!(index, ["A", "B", "C", "D", "E", "F", "G", "H"]);
}

#[test]
fn equal_seeds_give_equal_bits_for_any_number_of_threads() {
    let files = Files::new(&[]);
    let run = |threads: &str| {
        let directory = files.path(threads);
        let flags =
            ["--seed", "11", "--threads", threads, "--predict", "--json", "--output", &directory];
        let output = vippl(&[&["run"][..], &LINEAR, &flags].concat());
        let mut fit = json(&output);
        fit["seconds"] = Value::Null;
        (fit.to_string(), files.read(&format!("{threads}/draws.csv")))
    };
    let one = run("1");
    assert!(one == run("2"));
    assert!(one == run("4"));
}

#[test]
fn a_seed_is_made_up_and_told() {
    let run = || json(&vippl(&[&["run"][..], &LINEAR, &["--json"]].concat()))["seed"].as_u64();
    let (first, second) = (run(), run());
    assert!(first.is_some() && first != second);
}

#[test]
fn check_lists_what_is_observed_and_latent() {
    let phase_one = vippl(&["check", EIGHT[0]]);
    assert_eq!(stdout(&phase_one), "observed: effect[school] - latent: mu, tau, theta[school]\n");
    let both = vippl(&["check", EIGHT[0], EIGHT[1]]);
    insta::assert_snapshot!(stdout(&both), @r"
    examples/eight_schools/data.csv: 8 rows; effect, se
    axis school: 8 (A, B, C, ...)
    observed: effect[8] - latent: mu, tau, theta[8]
    ");
    let json = json(&vippl(&["check", EIGHT[0], EIGHT[1], "--json"]));
    assert_eq!(json["schema"], "vippl.check/1");
    assert_eq!(json["axes"]["school"], 8);
    assert_eq!(json["latent"][2]["shape"][0], 8);
}

#[test]
fn check_lists_factors() {
    let program = "data t(y)\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)\nfactor -mu^2\n";
    let files = Files::new(&[("m.vi", program)]);
    let output = vippl(&["check", &files.path("m.vi")]);
    insta::assert_snapshot!(stdout(&output), @r"
    observed: y[t] - latent: mu
    line 4 adds to the log density: factor -mu^2
    ");
}

#[test]
fn explain_writes_every_index_and_lists_every_name() {
    let output = vippl(&["explain", EIGHT[0]]);
    insta::assert_snapshot!(stdout(&output), @r"
    mu ~ Normal(0, 5)
    tau ~ HalfCauchy(5)
    theta[school] ~ Normal(mu, tau)
    effect[school] ~ Normal(theta[school], se[school])

    name    role           axes    kind  support
    effect  observed data  school  real
    se      data           school  real
    mu      latent                 real  (-inf, inf)
    tau     latent                 real  (0, inf)
    theta   latent         school  real  (-inf, inf)
    ");
}

#[test]
fn explain_has_a_page_for_every_slug_it_lists() {
    let list = stdout(&vippl(&["explain", "--list"]));
    assert!(list.lines().count() > 40);
    for slug in list.lines() {
        let output = vippl(&["explain", slug]);
        assert_eq!(code(&output), 0, "{slug}");
        let page = stdout(&output);
        let title = page.lines().next().unwrap_or_default();
        assert!(title.starts_with("# "), "{slug}: {title}");
    }
}

#[test]
fn the_human_report_says_what_was_bound_fitted_and_judged() {
    let output = vippl(&[&["run"][..], &LINEAR, &["--seed", "5"]].concat());
    assert_eq!(stderr(&output), "");
    insta::assert_snapshot!(without_statistics(&stdout(&output)), @r"
    examples/linear/data.csv: 40 rows; x, y
    axis point: 40 (1, 2, 3, …)
    observed: y[40]
    latent: intercept, slope, noise
    reported: root
    predicted: y[40]

    mean sd 5 % 50 % 95 % mcse
    intercept # # # # # #
    slope # # # # # #
    noise # # # # # #
    root # # # # # #

    ELBO # ± #; full-rank guide, natural algorithm
    # gradients, # log densities, # s; seed 5
    GOOD: every check passed
    ");
}

/// The report with every number that a fit estimates replaced by `#`, and columns collapsed.
fn without_statistics(report: &str) -> String {
    let statistics_from = report.find("\n\n").unwrap_or(0);
    let (head, tail) = report.split_at(statistics_from);
    let word = |word: &str| {
        let (number, punctuation) = match word.strip_suffix(';') {
            Some(number) => (number, ";"),
            None => (word, ""),
        };
        let is_statistic = number.parse::<f64>().is_ok() && !["5", "50", "95"].contains(&number);
        if is_statistic { format!("#{punctuation}") } else { word.to_owned() }
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    format!("{head}{}", tail.lines().map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn long_variables_are_cut_unless_all_is_given() {
    let run = |flags: &[&str]| {
        let fixed = ["--seed", "5", "--predict", "--quiet"];
        stdout(&vippl(&[&["run"][..], &[EIGHT_LONG], flags, &fixed].concat()))
    };
    let cut = run(&[]);
    assert!(cut.contains("… 32 more of y (--all prints them, --output DIR saves them)"), "{cut}");
    assert!(!cut.contains("y[11]"));
    let all = run(&["--all"]);
    assert!(all.contains("y[42]") && !all.contains("more of y"), "{all}");
}

/// A program with more rows than are printed, and data of its own.
const EIGHT_LONG: &str = "tests/cli/long.vi";
