//! Ways to fit, limits, and what a fit leaves behind when it is stopped.

use super::{command, stderr, stdout, vippl};
use serde_json::Value;
use std::process::{Command, Stdio};

const EXAMPLE: [&str; 2] = ["examples/linear/model.vi", "examples/linear/data.csv"];

fn json(arguments: &[&str]) -> Value {
    let output = vippl(arguments);
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

#[test]
fn an_algorithm_is_named_and_belongs_to_vi() {
    let [model, data] = EXAMPLE;
    let record = json(&["run", model, data, "--seed", "1", "--json", "--algorithm", "fixed"]);
    assert_eq!(record["algorithm"], "fixed");
    let wrong = vippl(&["run", model, data, "--method", "nuts", "--algorithm", "score"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(stderr(&wrong).contains("`--algorithm` is for `--method vi`"), "{}", stderr(&wrong));
}

#[test]
fn json_has_what_the_verdict_rests_on() {
    let [model, data] = EXAMPLE;
    let record = json(&["run", model, data, "--seed", "1", "--json"]);
    let diagnostics = &record["diagnostics"];
    assert!(diagnostics["elbo_path"].as_array().is_some_and(|path| !path.is_empty()));
    let starts = diagnostics["start_reports"].as_array().expect("starts");
    assert_eq!(Some(starts.len() as u64), diagnostics["starts"].as_u64());
    assert!(diagnostics["mode_reports"][0]["kept"] == true);
    let quantities = diagnostics["quantities"].as_array().expect("quantities");
    assert_eq!(quantities.len(), record["summary"].as_array().map_or(0, Vec::len));
    assert!(quantities[0]["mean_error"].as_f64().is_some_and(|error| error < 0.05));
}

#[test]
fn a_fit_without_memory_is_refused_before_it_begins() {
    let [model, data] = EXAMPLE;
    let output = vippl(&["run", model, data, "--memory", "0.00001"]);
    assert_eq!(output.status.code(), Some(71));
    let told = stderr(&output);
    assert!(told.contains("of memory, but 0.0 GiB is to be had"), "{told}");
}

#[test]
fn an_interrupted_fit_writes_what_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    // Thirty seconds of chains, if it were left alone.
    let program = folder.path().join("m.vi");
    let text = "axis k = 1..60\nx[k] ~ Normal(0, 1)\nfactor -0.1 * sum(i in k: x[i]^4)\n";
    std::fs::write(&program, text).expect("written");
    let output = folder.path().join("fit");
    let arguments = ["run", "--seed", "1", "--draws", "400000", "--method", "nuts", "--json"];
    let mut fit = command(&arguments);
    fit.arg(&program).arg("--output").arg(&output).stdout(Stdio::piped());
    let child = fit.spawn().expect("starts");
    std::thread::sleep(std::time::Duration::from_secs(4));
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().expect("kill");
    let ended = child.wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(130));
    let record: Value = serde_json::from_slice(&ended.stdout).expect("a record");
    assert_ne!(record["verdict"]["level"], "good");
    let reasons = record["verdict"]["reasons"].to_string();
    assert!(reasons.contains("stopped before its end"), "{reasons}");
    assert!(output.join("fit.json").exists());
}

#[test]
fn calibration_is_a_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("m.vi");
    std::fs::write(&program, "data y\nx ~ Normal(0, 1)\ny ~ Normal(x, 0.5)\n").expect("written");
    let path = program.to_str().expect("a path");
    let arguments = ["sbc", path, "y=1", "--simulations", "40", "--seed", "2"];
    let output = vippl(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("ranks are uniform"), "{}", stdout(&output));
    let record = json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(record["latents"][0]["ranks"].as_array().map(Vec::len), Some(40));
}
