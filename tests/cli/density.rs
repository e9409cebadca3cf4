//! `vippl density`: values worked out by hand, and what a point can have wrong.

use super::*;

const POINT_MODEL: &str = "data t(y)\nmu ~ Normal(0, 10)\ns ~ HalfNormal(2)\ny ~ Normal(mu, s)\n";

fn files() -> Files {
    Files::new(&[("m.vi", POINT_MODEL), ("d.csv", "y\n1\n-1\n"), ("p.json", r#"{"mu":0.5,"s":2}"#)])
}

fn density(files: &Files, point: &str, flags: &[&str]) -> Output {
    let (model, data, point) = (files.path("m.vi"), files.path("d.csv"), files.path(point));
    vippl(&[&["density", &model, &data, "--at", &point][..], flags].concat())
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12 * (1.0 + b.abs())
}

#[test]
fn log_density_and_gradient_are_those_worked_out_by_hand() {
    let files = files();
    for autodiff in ["mixed", "forward"] {
        let output = density(&files, "p.json", &["--json", "--gradient", "--autodiff", autodiff]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let result = json(&output);
        let normal = |x: f64, m: f64, s: f64| {
            -0.5 * std::f64::consts::TAU.ln() - s.ln() - 0.5 * ((x - m) / s).powi(2)
        };
        let (mu, s) = (0.5f64, 2.0f64);
        let expected = normal(mu, 0.0, 10.0)
            + 2f64.ln()
            + normal(s, 0.0, 2.0)
            + normal(1.0, mu, s)
            + normal(-1.0, mu, s);
        let log_density = result["log_density"].as_f64().expect("a number");
        let unconstrained = result["log_density_unconstrained"].as_f64().expect("a number");
        assert!(close(log_density, expected), "{log_density} {expected}");
        // u = ln s, and the log-Jacobian of s = e^u is u.
        assert!(close(unconstrained, expected + s.ln()));
        let point = numbers(&result["unconstrained"]);
        assert!(close(point[0], mu) && close(point[1], s.ln()));
        let squares = (1.0 - mu).powi(2) + (-1.0 - mu).powi(2);
        let by_mu = -mu / 100.0 + ((1.0 - mu) + (-1.0 - mu)) / (s * s);
        let by_u = (-s / 4.0 - 2.0 / s + squares / s.powi(3)) * s + 1.0;
        let gradient = numbers(&result["gradient"]);
        assert!(close(gradient[0], by_mu) && close(gradient[1], by_u), "{gradient:?}");
    }
}

#[test]
fn keys_come_in_order_and_the_gradient_only_when_asked_for() {
    let files = files();
    let result = json(&density(&files, "p.json", &["--json"]));
    let keys: Vec<&String> = result.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["schema", "log_density", "log_density_unconstrained", "unconstrained"]);
}

#[test]
fn an_unconstrained_point_is_a_flat_list() {
    let files = files();
    std::fs::write(files.path("u.json"), "[0.5, 0.6931471805599453]").expect("written");
    let flat = json(&density(&files, "u.json", &["--json", "--unconstrained"]));
    let object = json(&density(&files, "p.json", &["--json"]));
    assert_eq!(flat, object);
}

#[test]
fn everything_wrong_with_a_point_is_told_at_once_with_names_and_elements() {
    let eight = |point: &str| {
        let files = Files::new(&[("p.json", point)]);
        vippl(&["density", EIGHT[0], EIGHT[1], "--at", &files.path("p.json")])
    };
    let output = eight(r#"{"mu":[1],"tua":2,"theta":[1,2,"x"]}"#);
    assert_eq!((code(&output), stdout(&output).as_str()), (65, ""));
    insta::assert_snapshot!(stderr(&output), @r"
    error: `mu` must be a number, but the point has an array of 1
    error: the point has no value for `tau`
    error: `theta` must be an array of 8 (one per school), but the point has an array of 3
    error: `tua` is not a latent of the program; did you mean `tau`?
    ");
    let output = eight(r#"{"mu":0,"tau":1,"theta":[1,2,"x",4,5,6,7,8]}"#);
    insta::assert_snapshot!(stderr(&output), @"error: `theta[C]` must be a number, but the point has a string");
    let output = eight(r#"{"mu":0,"tau":-1,"theta":[1,2,3,4,5,6,7,8]}"#);
    assert_eq!(code(&output), 65);
    insta::assert_snapshot!(stderr(&output), @"error: `tau` is -1, outside its support (0, inf)");
    let output = eight("[1, 2]");
    insta::assert_snapshot!(stderr(&output), @"error: the point must be an object from each latent to a number or nested arrays");
}

#[test]
fn an_unconstrained_point_of_the_wrong_length_is_told() {
    let files = files();
    std::fs::write(files.path("u.json"), "[0.5]").expect("written");
    let output = density(&files, "u.json", &["--unconstrained"]);
    assert_eq!(code(&output), 65);
    insta::assert_snapshot!(stderr(&output), @"error: the unconstrained point must have 2 coordinates, but has 1");
}

#[test]
fn a_density_that_is_not_finite_is_null() {
    let files = files();
    std::fs::write(files.path("u.json"), "[0.5, 1e6]").expect("written");
    let output = density(&files, "u.json", &["--json", "--unconstrained", "--gradient"]);
    assert_eq!(code(&output), 0);
    assert!(json(&output)["log_density"].is_null());
}

#[test]
fn a_point_may_come_from_standard_input() {
    use std::io::Write;
    use std::process::Stdio;
    let files = files();
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let mut child = command(&["density", &model, &data, "--at", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the process starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(br#"{"mu":0.5,"s":2}"#).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("the process ends");
    assert_eq!(json(&output), json(&density(&files, "p.json", &["--json"])));
}

#[test]
fn time_names_every_part_with_its_line() {
    let files = files();
    let output = density(&files, "p.json", &["--json", "--time"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let time = &json(&output)["time"];
    assert!(time["seconds"].as_f64().expect("a number") > 0.0);
    let nodes = time["nodes"].as_array().expect("a list");
    assert!(!nodes.is_empty());
    for node in nodes {
        assert!(node["line"].as_u64().expect("a line") >= 1, "{node}");
        assert!(!node["mode"].as_str().expect("words").is_empty(), "{node}");
    }
    let output = density(&files, "p.json", &["--time"]);
    assert!(stdout(&output).contains("us for a gradient"), "{}", stdout(&output));
}
