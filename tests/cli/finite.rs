//! Models with finite latents, cutpoints, simplices, joint normals and cells that do not exist,
//! from the program to predictions for new rows.

use super::*;
use serde_json::Value;

/// Runs a program, prints the saved fit again, and predicts from it. Returns the record, the
/// prediction for the data of the fit, and that for new data.
fn through(model: &str, data: (&str, &str), new: Option<&str>) -> [Value; 3] {
    let files = Files::new(&[("m.vi", model), data, ("new.csv", new.unwrap_or_default())]);
    let (program, rows, fit) = (files.path("m.vi"), files.path(data.0), files.path("fit"));
    let flags = ["--seed", "1", "--draws", "500", "--json", "--exit-zero", "--output", &fit];
    let output = vippl(&[&["run", &program, &rows][..], &flags].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let again = vippl(&["summary", &fit, "--json"]);
    assert_eq!(stdout(&again), stdout(&output));
    let human = vippl(&["summary", &fit, "--all"]);
    assert_eq!(code(&human), 0, "{}", stderr(&human));
    let same = vippl(&["predict", &fit, "--json"]);
    assert_eq!(code(&same), 0, "{}", stderr(&same));
    let path = files.path("new.csv");
    let data: &[&str] = if new.is_some() { &["--data", &path] } else { &[] };
    let other = vippl(&[&["predict", &fit, "--json"][..], data].concat());
    assert_eq!(code(&other), 0, "{}", stderr(&other));
    [json(&output), json(&same), json(&other)]
}

/// The names of all rows in order, `z[1]`; every number of theirs is one.
fn elements(record: &Value) -> Vec<String> {
    let rows = record["summary"].as_array().expect("rows");
    let names = rows.iter().map(|row| {
        let index: Vec<&str> =
            row["index"].as_array().expect("labels").iter().filter_map(Value::as_str).collect();
        let name = row["name"].as_str().expect("a name");
        let name =
            if index.is_empty() { name.to_owned() } else { format!("{name}[{}]", index.join(",")) };
        let known = row["mean"].is_number() && row["sd"].is_number() && row["q50"].is_number();
        assert!(known || row["probabilities"].is_array(), "{row}");
        name
    });
    names.collect()
}

fn row<'r>(record: &'r Value, name: &str, index: &[&str]) -> &'r Value {
    let rows = record["summary"].as_array().expect("rows");
    let found =
        rows.iter().find(|row| row["name"] == name && row["index"] == serde_json::json!(index));
    found.unwrap_or_else(|| panic!("no {name}{index:?}"))
}

#[test]
fn a_mixture_tells_its_labels_and_new_rows_have_new_ones() {
    let model = "data d(y)\np ~ Beta(1, 1)\nz[d] ~ Bernoulli(p)\n\
                 y ~ Normal(if z then 9 else 0, 1)\nreport N = sum(z)\n";
    let [fit, same, new] = through(model, ("d.csv", "y\n0\n9\n8\n"), Some("y\n9\n"));
    assert_eq!(elements(&fit), ["p", "z[1]", "z[2]", "z[3]", "N"]);
    for (label, expected) in [("1", 0.0), ("2", 1.0), ("3", 1.0)] {
        assert_eq!(row(&fit, "z", &[label])["mean"], expected);
        assert_eq!(row(&fit, "z", &[label])["role"], "latent");
    }
    assert_eq!(row(&fit, "N", &[])["mean"], 2.0);
    assert_eq!(elements(&same), ["N", "y[1]", "y[2]", "y[3]"]);
    assert_eq!(row(&same, "N", &[])["mean"], 2.0);
    // P(z = 1) = E p = 3 / 5 whatever is observed now, within five errors of 500 draws.
    assert_eq!(elements(&new), ["N", "y[1]"]);
    let mean = row(&new, "N", &[])["mean"].as_f64().expect("a number");
    assert!((mean - 0.6).abs() < 5.0 * (0.24_f64 / 500.0).sqrt(), "{mean}");
}

#[test]
fn a_hidden_chain_tells_how_likely_each_state_is() {
    let model = "data time(y)\naxis state = [\"low\", \"high\"]\nm[state] = [0, 9]\n\
                 P[i in state, j in state] ~ Dirichlet(1) over j\n\
                 z[t in time] ~ Categorical(P[z[t-1]]) start DiscreteUniform(state)\n\
                 y ~ Normal(m[z], 1)\n";
    let rows = "y\n0\n0\n9\n9\n9\n0\n";
    let [fit, same, new] = through(model, ("d.csv", rows), Some("y\n5\n5\n"));
    let shares = row(&fit, "z", &["3"])["probabilities"].as_array().expect("shares");
    assert_eq!(shares[0]["label"], "low");
    assert_eq!(shares[1]["label"], "high");
    assert_eq!(shares[1]["probability"], 1.0);
    assert_eq!(elements(&same).len(), 6);
    let third = row(&same, "y", &["3"])["mean"].as_f64().expect("a number");
    assert!((third - 9.0).abs() < 5.0 / 500f64.sqrt(), "{third}");
    assert_eq!(elements(&new), ["y[1]", "y[2]"]);
    let first = row(&new, "y", &["1"]);
    // Half 0 and half 9.
    assert!((first["sd"].as_f64().expect("a number") - 4.61).abs() < 0.2, "{first}");
}

#[test]
fn an_ordinal_regression_predicts_grades() {
    let model = "data d(x, y: int)\naxis cut = 1..2\nb ~ Normal(0, 2)\n\
                 c[cut] ~ Ordered(Normal(0, 5))\ny ~ OrderedLogistic(b * x, c)\n";
    let rows = "x,y\n-2,1\n-1,1\n-1,2\n0,2\n0,1\n0,3\n1,3\n1,2\n2,3\n";
    let [fit, same, new] = through(model, ("d.csv", rows), Some("x\n-9\n9\n"));
    assert_eq!(elements(&fit), ["b", "c[1]", "c[2]"]);
    assert_eq!(elements(&same).len(), 9);
    let mean = |label| row(&new, "y", &[label])["mean"].as_f64().expect("a number");
    assert!(mean("1") < 1.3 && mean("2") > 2.7, "{new}");
}

#[test]
fn counts_and_proportions_are_predicted_together() {
    let model = "data n[kind]: int\ntheta[kind] ~ Dirichlet(1)\nn ~ Multinomial(sum(n), theta)\n";
    let [fit, same, _] = through(model, ("n.json", "{\"n\": [3, 5, 12]}"), None);
    assert_eq!(elements(&fit), ["theta[1]", "theta[2]", "theta[3]"]);
    let mean = |k| row(&same, "n", &[k])["mean"].as_f64().expect("a number");
    // Every draw has 20.
    let total: f64 = ["1", "2", "3"].into_iter().map(mean).sum();
    assert!((total - 20.0).abs() < 1e-9, "{total}");
}

#[test]
fn a_new_group_of_a_joint_hierarchy_is_drawn_whole() {
    let model = "data d(g: index, x, y)\naxis coef = [\"a\", \"b\"]\nm[coef] ~ Normal(0, 5)\n\
                 s[coef] ~ HalfNormal(1)\nL[i in coef, j in coef] ~ LKJCholesky(2)\n\
                 e[g, coef] ~ MvNormal(m, sd = s, corr_chol = L)\n\
                 y ~ Normal(e[g, \"a\"] + e[g, \"b\"] * x, 0.5)\n";
    let mut rows = "g,x,y\n".to_owned();
    for (g, (a, b)) in [("p", (1.0, 2.0)), ("q", (2.0, 2.5)), ("r", (3.0, 1.5))] {
        for x in [-1.0, 0.0, 1.0, 2.0] {
            rows.push_str(&format!("{g},{x},{}\n", a + b * x));
        }
    }
    let [fit, same, new] = through(model, ("d.csv", &rows), Some("g,x\np,10\nnew,10\n"));
    assert!(elements(&fit).contains(&"e[q,b]".to_owned()));
    assert_eq!(elements(&same).len(), 12);
    let sd = |label| row(&new, "y", &[label])["sd"].as_f64().expect("a number");
    assert!(sd("2") > 2.0 * sd("1"), "a new group is known less well: {new}");
}

#[test]
fn cells_that_do_not_exist_are_nowhere() {
    let model = "data y\naxis k = 1..3\nx[i in k, j in k] ~ Normal(0, 1) where i < j\n\
                 y ~ Normal(x[1, 2] + x[1, 3] + x[2, 3], 1)\n";
    let files = Files::new(&[("m.vi", model)]);
    let (program, fit) = (files.path("m.vi"), files.path("fit"));
    let output = vippl(&["run", &program, "y=1", "--json", "--seed", "1", "--output", &fit]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(elements(&json(&output)), ["x[1,2]", "x[1,3]", "x[2,3]"]);
    let header = files.read("fit/draws.csv");
    assert_eq!(header.lines().next(), Some(".draw,\"x[1, 2]\",\"x[1, 3]\",\"x[2, 3]\""));
    assert!(!files.read("fit/summary.csv").contains("NA"));
    let predicted = vippl(&["predict", &fit, "--json"]);
    assert_eq!(code(&predicted), 0, "{}", stderr(&predicted));
    // y' ~ N(3 / 4, 3 / 4 + 1) given y = 1.
    let mean = row(&json(&predicted), "y", &[])["mean"].as_f64().expect("a number");
    assert!((mean - 0.75).abs() < 5.0 * (1.75_f64 / 4000.0).sqrt(), "{mean}");
}
