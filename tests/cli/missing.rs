//! Missing cells through the command line: from files to summaries, saved fits, new rows and points.

use super::*;
use serde_json::{Value, json};

const MODEL: &str = "data row(x?, y)\nb ~ Normal(0, 1)\nx ~ Normal(0, 1)\ny ~ Normal(b * x, 1)\n";
const ROWS: &str = "x,y\n1,0.5\nNA,2\n,-1\n-1,0\n";

fn files(model: &str, rows: &str) -> Files {
    Files::new(&[
        ("m.vi", model),
        ("d.csv", rows),
        ("new.csv", "x,y\nNA,1\n3,2\n"),
        ("outcome.csv", "x\nNA\n3\n"),
        ("p.json", r#"{"b": 0.5, "x": [null, 0.2, -0.4, null]}"#),
        ("known.json", r#"{"b": 0.5, "x": [9, 0.2, -0.4, null]}"#),
        ("less.json", r#"{"b": 0.5, "x": [null, null, -0.4, null]}"#),
    ])
}

fn rows(record: &Value) -> Vec<String> {
    let rows = record["summary"].as_array().expect("rows");
    let name = |row: &Value| {
        let label = row["index"][0].as_str().map_or(String::new(), |l| format!("[{l}]"));
        format!(
            "{} {}{label}",
            row["role"].as_str().expect("a role"),
            row["name"].as_str().expect("a name")
        )
    };
    rows.iter().map(name).collect()
}

#[test]
fn summaries_have_the_missing_rows_only() {
    let files = files(MODEL, ROWS);
    let (model, data, fit) = (files.path("m.vi"), files.path("d.csv"), files.path("fit"));
    let flags = ["--seed", "1", "--exit-zero", "--predict", "--output", &fit, "--json"];
    let output = vippl(&[&["run", &model, &data][..], &flags].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let observed: Vec<String> = ["1", "4"].iter().map(|row| format!("predict x[{row}]")).collect();
    let mut expected = vec!["latent b".to_owned(), "latent x[2]".into(), "latent x[3]".into()];
    expected.extend(observed);
    expected.extend((1..5).map(|row| format!("predict y[{row}]")));
    assert_eq!(rows(&json(&output)), expected);
    let record = json(&output);
    let variables = record["variables"].as_array().expect("variables");
    let of = |role: &str| variables.iter().find(|v| v["name"] == "x" && v["role"] == role);
    assert_eq!(of("observed").expect("given")["cells"], 2);
    assert_eq!(of("latent").expect("missing")["cells"], 2);
    // The draws of a name are together, cell by cell.
    let header = files.read("fit/draws.csv").lines().next().expect("a header").to_owned();
    assert_eq!(header.matches("x[").count(), 4, "{header}");

    let human = vippl(&["summary", &fit]);
    assert!(stdout(&human).contains("observed: x[2 of 4], y[4]"), "{}", stdout(&human));
    assert!(stdout(&human).contains("latent: b, x[2 of 4]"), "{}", stdout(&human));

    // The data of the fit: its own draws. New rows: drawn anew.
    let same = vippl(&["predict", &fit, "--json"]);
    assert_eq!(code(&same), 0, "{}", stderr(&same));
    let mean = |record: &Value, name: &str, row: &str| {
        let rows = record["summary"].as_array().expect("rows").clone();
        let found = rows.iter().rfind(|r| r["name"] == name && r["index"][0] == row).cloned();
        found.unwrap_or_else(|| panic!("no {name}[{row}]"))["mean"].as_f64().expect("a mean")
    };
    let kept = mean(&json(&same), "x", "2");
    let fitted = record["summary"].as_array().expect("rows").iter();
    let fitted = fitted.clone().find(|r| r["name"] == "x" && r["index"][0] == "2");
    let fitted = fitted.expect("x[2]")["mean"].as_f64().expect("a mean");
    assert!((kept - fitted).abs() < 0.1, "{kept} {fitted}");
    for new in ["new.csv", "outcome.csv"] {
        let output = vippl(&["predict", &fit, &files.path(new), "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let record = json(&output);
        assert!(mean(&record, "x", "1").abs() < 0.1, "{record}");
        assert!(mean(&record, "y", "2").is_finite());
    }
}

#[test]
fn a_whole_column_may_be_absent_from_new_data() {
    let model = "data row(x, y?)\nb ~ Normal(0, 1)\ny ~ Normal(b * x, 0.1)\n";
    let files = files(model, "x,y\n1,2\n2,4\n3,NA\n4,8\n");
    let (model, data, fit) = (files.path("m.vi"), files.path("d.csv"), files.path("fit"));
    let flags = ["--seed", "1", "--exit-zero", "--output", &fit];
    let output = vippl(&[&["run", &model, &data][..], &flags].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = vippl(&["predict", &fit, &files.path("half.csv"), "--json"]);
    assert_eq!(code(&output), 66);
    std::fs::write(files.path("half.csv"), "x\n10\n20\n").expect("writes");
    let output = vippl(&["predict", &fit, &files.path("half.csv"), "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(rows(&json(&output)), ["predict y[1]", "predict y[2]"]);
    let record = json(&output);
    let second = record["summary"][1]["mean"].as_f64().expect("a mean");
    assert!((second - 40.0).abs() < 1.0, "{second}");
}

#[test]
fn checks_and_explanations_count_and_name_them() {
    let files = files(MODEL, ROWS);
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let output = vippl(&["check", &model, &data]);
    assert!(
        stdout(&output).contains("observed: x[2 of 4], y[4] - latent: b, x[2 of 4]"),
        "{}",
        stdout(&output)
    );
    let output = vippl(&["check", &model]);
    assert!(stdout(&output).contains("latent: b, x[row where missing]"), "{}", stdout(&output));
    let output = vippl(&["explain", &model]);
    let text = stdout(&output);
    for line in [
        "x[row] ~ Normal(0, 1) where not is_missing(x[row])",
        "x[row] ~ Normal(0, 1) where is_missing(x[row])",
        "y[row] ~ Normal(b * x[row], 1)",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("missing cells, latent"), "{text}");
}

#[test]
fn a_point_has_the_missing_cells() {
    let files = files(MODEL, ROWS);
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let density = |point: &str| {
        vippl(&["density", &model, &data, "--at", &files.path(point), "--json", "--gradient"])
    };
    let output = density("p.json");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let normal = |x: f64, m: f64| -0.5 * std::f64::consts::TAU.ln() - 0.5 * (x - m) * (x - m);
    let x = [1.0, 0.2, -0.4, -1.0];
    let rows = x.iter().zip([0.5, 2.0, -1.0, 0.0]);
    let expected =
        normal(0.5, 0.0) + rows.map(|(x, y)| normal(*x, 0.0) + normal(y, 0.5 * x)).sum::<f64>();
    let found = json(&output)["log_density"].as_f64().expect("a number");
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    for (point, words) in [
        ("known.json", "`x[1]` is not missing, the data have 1"),
        ("less.json", "the point has no value for `x[2]`"),
    ] {
        let output = density(point);
        assert_eq!(code(&output), 65);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

/// Rows, in JSON, of a multivariate normal with gaps.
#[test]
fn rows_of_a_joint_family_have_gaps() {
    let model = "data y?[person, item]\nm[item] ~ Normal(0, 1)\n\
                 S[i in item, j in item] = if i == j then 1 else 0.9\n\
                 y ~ MvNormal(m, cov = S) over item\n";
    let data = json!({ "y": [[1.0, null], [0.0, 0.2], [null, null], [0.5, 0.4]] });
    let files = Files::new(&[("m.vi", model), ("d.json", &data.to_string())]);
    let (model, data, fit) = (files.path("m.vi"), files.path("d.json"), files.path("fit"));
    let flags = ["--seed", "1", "--exit-zero", "--output", &fit, "--json"];
    let output = vippl(&[&["run", &model, &data][..], &flags].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let gaps = rows(&json(&output));
    assert_eq!(gaps.iter().filter(|r| r.starts_with("latent y")).count(), 3, "{gaps:?}");
    // Persons that are wholly unknown can be drawn, half known ones cannot.
    let new = json!({ "y": [[null, null], [1.0, 2.0]] }).to_string();
    let half = json!({ "y": [[null, 1.0], [1.0, 2.0]] }).to_string();
    std::fs::write(files.path("new.json"), new).expect("writes");
    std::fs::write(files.path("half.json"), half).expect("writes");
    let output = vippl(&["predict", &fit, &files.path("new.json"), "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn larger_tables_are_allowed_when_asked_for() {
    let model =
        "data y[row]\nb ~ Normal(0, 1)\nz[1..18] ~ Bernoulli(0.5)\ny ~ Normal(b + sum(z), 1)\n";
    let files = Files::new(&[("m.vi", model), ("d.csv", "y\n9\n")]);
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let output = vippl(&["check", &model, &data]);
    assert_eq!(code(&output), 65);
    // The line may break between the two.
    let words = stderr(&output).replace('│', "");
    let words: Vec<&str> = words.split_whitespace().collect();
    assert!(words.join(" ").contains("`--max-table 2^18`"), "{words:?}");
    let output = vippl(&["check", &model, &data, "--max-table", "2^18"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = vippl(&["check", &model, &data, "--max-table", "2^99"]);
    assert_eq!(code(&output), 64);
}
