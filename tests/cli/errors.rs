//! Exit codes, and what is said where.

use super::*;

#[test]
fn a_mistake_in_the_program_ends_with_1() {
    let files = Files::new(&[("m.vi", "data t(y)\nmu ~ Normal(0, 1)\ny ~ Nrmal(mu, 1)\n")]);
    for command in ["run", "check", "explain"] {
        let output = vippl(&[command, &files.path("m.vi")]);
        assert_eq!((code(&output), stdout(&output).as_str()), (1, ""), "{command}");
        assert!(stderr(&output).contains("error[unknown-function]"), "{command}");
        assert!(stderr(&output).contains("did you mean `Normal`?"), "{command}");
    }
}

#[test]
fn an_error_is_an_object_on_stdout_where_json_was_asked_for() {
    let files = Files::new(&[("m.vi", "data t(y)\nmu ~ Normal(0, 1)\ny ~ Nrmal(mu, 1)\n")]);
    let error = json(&vippl(&["run", &files.path("m.vi"), "--json"]));
    assert_eq!(error["schema"], "vippl.error/1");
    assert_eq!(error["exit"], 1);
    assert_eq!(error["diagnostics"][0]["slug"], "unknown-function");
    assert_eq!(error["diagnostics"][0]["place"]["line"], 3);
}

#[test]
fn a_mistake_on_the_command_line_ends_with_64() {
    for arguments in [
        &[][..],
        &["run"],
        &["fit", "x.vi"],
        &["run", "--guide", "wide", "x.vi"],
        &["run", "--draws", "0", "x.vi"],
        &["run", "--seed", "-1", "x.vi"],
        &["explain"],
        &["explain", "unknwn-name"],
    ] {
        let output = vippl(arguments);
        assert_eq!((code(&output), stdout(&output).as_str()), (64, ""), "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
    let output = vippl(&["explain", "unknwn-name"]);
    assert!(stderr(&output).contains("did you mean `unknown-name`?"));
}

#[test]
fn a_table_where_the_program_should_be_is_recognised() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("d.csv", "y\n1\n")]);
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let swapped = vippl(&["run", &data, &model]);
    assert_eq!(code(&swapped), 64);
    assert!(stderr(&swapped).contains(&format!("write `{model} {data}`")), "{}", stderr(&swapped));
    let alone = vippl(&["check", &data]);
    assert_eq!(code(&alone), 64);
    assert!(stderr(&alone).contains("a file of data, not a program"), "{}", stderr(&alone));
}

#[test]
fn a_program_without_a_data_line_is_told_the_line_for_its_file() {
    let program = "# fuel\na ~ Normal(0, 10)\nmpg ~ Normal(a + b[car] * wt, 1)\n";
    let files = Files::new(&[
        ("m.vi", program),
        ("d.csv", "car,mpg,wt,body mass\nMazda,21,2.6,1\nDatsun,22,2.3,2\n"),
    ]);
    let output = vippl(&["run", &files.path("m.vi"), &files.path("d.csv")]);
    assert_eq!(code(&output), 1);
    let told = stderr(&output);
    assert!(told.contains("begin with `data row(car: index, mpg, wt)`"), "{told}");
    assert!(!told.contains("unknown name"), "{told}");
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_fit() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("d.csv", "y\n1\n")]);
    let output =
        vippl(&["run", &files.path("m.vi"), &files.path("d.csv"), "--output", "/proc/fit"]);
    // Where there is no such file system the parent does not exist, which is a usage error.
    let expected = if std::path::Path::new("/proc").is_dir() { 74 } else { 64 };
    assert_eq!((code(&output), stdout(&output).as_str()), (expected, ""));
    assert!(stderr(&output).contains("/proc/fit"), "{}", stderr(&output));
}

#[test]
fn a_report_of_predictions_says_how_to_print_it() {
    let program = format!("{CONJUGATE}predict new ~ Normal(mu, 1)\nreport twice = 2 * new\n");
    let files = Files::new(&[("m.vi", &program), ("d.csv", "y\n1\n2\n")]);
    let arguments = ["run", &files.path("m.vi"), &files.path("d.csv"), "--seed", "1"];
    let output = vippl(&arguments);
    assert!(stderr(&output).contains("`twice` is computed from predictions"));
    assert!(stderr(&output).contains("--predict"));
    let asked = vippl(&[&arguments[..], &["--predict"]].concat());
    assert!(!stderr(&asked).contains("computed from predictions"), "{}", stderr(&asked));
    assert!(stdout(&asked).contains("twice"));
}

#[test]
fn an_improper_posterior_is_blamed_on_flat_priors() {
    let program = "data t(y)\na ~ Flat\nb ~ Flat\ny ~ Normal(a + b, 1)\n";
    let files = Files::new(&[("m.vi", program), ("d.csv", "y\n1\n2\n")]);
    let output = vippl(&["run", &files.path("m.vi"), &files.path("d.csv"), "--seed", "1"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stdout(&output).contains("replace `Flat` by proper priors"), "{}", stdout(&output));
}

#[test]
fn a_report_of_data_alone_has_no_spread() {
    let program = format!("{CONJUGATE}report total = 1.1 * sum(y)\n");
    let files = Files::new(&[("m.vi", &program), ("d.csv", "y\n1\n2\n")]);
    let arguments = ["run", &files.path("m.vi"), &files.path("d.csv"), "--seed", "1", "--json"];
    let fit = json(&vippl(&arguments));
    let rows = fit["summary"].as_array().expect("a summary");
    let total = rows.iter().find(|row| row["name"] == "total").expect("the report");
    assert_eq!((&total["sd"], &total["mcse_mean"]), (&0.0.into(), &0.0.into()));
    assert_eq!((&total["q05"], &total["q95"]), (&total["mean"], &total["mean"]));
}

#[test]
fn help_and_version_are_results() {
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"]] {
        let output = vippl(arguments);
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{arguments:?}");
        assert!(stdout(&output).contains("vippl"), "{arguments:?}");
    }
}

#[test]
fn a_mistake_in_the_data_ends_with_65() {
    for (data, slug) in
        [("x\n1\n", "missing-column"), ("y\n1\ntwo\n", "bad-cell"), ("y\n1\nNA\n", "missing-cells")]
    {
        let files = Files::new(&[("m.vi", CONJUGATE), ("d.csv", data)]);
        let output = vippl(&["run", &files.path("m.vi"), &files.path("d.csv")]);
        assert_eq!((code(&output), stdout(&output).as_str()), (65, ""), "{data}");
        assert!(stderr(&output).contains(&format!("error[{slug}]")), "{}", stderr(&output));
    }
}

#[test]
fn an_input_that_does_not_exist_ends_with_66() {
    let files = Files::new(&[("m.vi", CONJUGATE)]);
    for arguments in [
        &["run", "nowhere.vi"][..],
        &["check", "nowhere.vi"],
        &["explain", "nowhere.vi"],
        &["run", &files.path("m.vi"), "nowhere.csv"],
        &["check", &files.path("m.vi"), "t=nowhere.csv"],
        &["density", EIGHT[0], EIGHT[1], "--at", "nowhere.json"],
        &["summary", "nowhere"],
        &["predict", "nowhere"],
    ] {
        let output = vippl(arguments);
        assert_eq!((code(&output), stdout(&output).as_str()), (66, ""), "{arguments:?}");
        assert!(stderr(&output).contains("nowhere"), "{arguments:?}");
    }
}

#[test]
fn a_density_that_is_finite_nowhere_names_statement_row_and_value() {
    let files = Files::new(&[
        ("m.vi", "data t(y)\nmu ~ Normal(0, 1)\ny ~ Normal(mu, sqrt(-1 - mu^2))\n"),
        ("d.csv", "t,y\nfirst,7\nsecond,8\n"),
    ]);
    let output = vippl(&["run", &files.path("m.vi"), &files.path("d.csv")]);
    assert_eq!((code(&output), stdout(&output).as_str()), (1, ""));
    let told = stderr(&output);
    for part in ["error[not-finite]", "m.vi:3:", "`y[first]` is NaN", "`y[first]` is observed as 7"]
    {
        assert!(told.contains(part), "no {part} in {told}");
    }
}

#[test]
fn a_program_without_latents_has_nothing_to_fit() {
    let files = Files::new(&[("m.vi", "data t(y)\ny ~ Normal(0, 1)\n"), ("d.csv", "y\n1\n")]);
    let output = vippl(&["run", &files.path("m.vi"), &files.path("d.csv")]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("error[nothing-to-fit]"), "{}", stderr(&output));
}

#[test]
fn warnings_stop_a_run_only_if_denied() {
    let files = Files::new(&[
        ("m.vi", "data t(y)\nmu ~ Flat\ny ~ Normal(mu, 1)\n"),
        ("d.csv", "y\n1\n2\n"),
    ]);
    let (model, data) = (files.path("m.vi"), files.path("d.csv"));
    let output = vippl(&["run", &model, &data, "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("warning[improper-prior]"));
    assert_eq!(json(&output)["warnings"][0]["slug"], "improper-prior");
    let quiet = vippl(&["run", &model, &data, "--quiet"]);
    assert_eq!((code(&quiet), stderr(&quiet).as_str()), (0, ""));
    let denied = vippl(&["run", &model, &data, "--deny-warnings"]);
    assert_eq!((code(&denied), stdout(&denied).as_str()), (1, ""));
    assert!(stderr(&denied).contains("warning[improper-prior]"));
}

/// Tails that no normal or t follows, in twenty dimensions, and data that say nothing.
const HOPELESS: &str = "data t(y)\nx[t] ~ Cauchy(0, 1)\ny ~ Normal(x, 1000)\n";

#[test]
fn a_fit_that_should_not_be_used_ends_with_3_but_is_written() {
    let data = format!("y\n{}", "0\n".repeat(20));
    let files = Files::new(&[("m.vi", HOPELESS), ("d.csv", &data)]);
    let (model, data, fit) = (files.path("m.vi"), files.path("d.csv"), files.path("fit"));
    let flags = ["--seed", "1", "--method", "laplace"];
    let output = vippl(&[&["run", &model, &data, "--json", "--output", &fit][..], &flags].concat());
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(json(&output)["verdict"]["level"], "do-not-use");
    assert!(files.names("fit").contains(&"draws.csv".to_owned()));
    let forgiven = vippl(&[&["run", &model, &data, "--exit-zero"][..], &flags].concat());
    assert_eq!(code(&forgiven), 0);
    assert!(stdout(&forgiven).contains("DO NOT USE"));
}

#[test]
fn threads_from_the_environment_must_be_a_number() {
    let output = command(&[&["run"][..], &LINEAR].concat())
        .env("VIPPL_THREADS", "many")
        .output()
        .expect("the process starts");
    assert_eq!(code(&output), 64);
}
