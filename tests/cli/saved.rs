//! The output directory: written whole, read back, never lost.

use super::*;

const PARTS: [&str; 6] =
    ["draws.csv", "draws.json", "fit.json", "model.vi", "state.json", "summary.csv"];

fn save(files: &Files, flags: &[&str]) -> Output {
    let fit = files.path("fit");
    vippl(&[&["run"][..], &LINEAR, &["--seed", "9", "--output", &fit], flags].concat())
}

#[test]
fn a_saved_fit_has_all_its_parts_and_is_printed_again() {
    let files = Files::new(&[]);
    let output = save(&files, &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(files.names("fit"), PARTS);
    assert_eq!(names(files.0.path()), ["fit"], "temporary files are gone");
    let again = vippl(&["summary", &files.path("fit")]);
    assert_eq!(stdout(&again), stdout(&output));
    let from_file = files.read("fit/fit.json");
    assert_eq!(stdout(&vippl(&["summary", &files.path("fit"), "--json"])), from_file);
}

#[test]
fn fit_json_is_what_json_prints() {
    let files = Files::new(&[]);
    let output = save(&files, &["--json"]);
    assert_eq!(stdout(&output), files.read("fit/fit.json"));
}

#[test]
fn draws_have_the_moments_of_the_summary() {
    let files = Files::new(&[]);
    save(&files, &[]);
    let text = files.read("fit/draws.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(".draw,intercept,slope,noise,root"));
    let slopes: Vec<f64> = lines
        .map(|line| line.split(',').nth(2).and_then(|x| x.parse().ok()).expect("a number"))
        .collect();
    assert_eq!(slopes.len(), 4000);
    let mean = slopes.iter().sum::<f64>() / 4000.0;
    // The weighted draws' mean is near least squares (-0.84068, se 0.0549); resampling adds
    // an error of at most sd / sqrt(4000) per standard error: five of them.
    assert!((mean + 0.84068).abs() < 0.1 * 0.0549 + 5.0 * 0.0549 / 4000f64.sqrt(), "{mean}");
    let json: serde_json::Value =
        serde_json::from_str(&files.read("fit/draws.json")).expect("JSON");
    assert_eq!(json["posterior"]["slope"][0][17].as_f64(), Some(slopes[17]));
}

#[test]
fn labels_with_commas_and_quotes_survive_in_csv() {
    let model = "data t(g: index, y)\na[g] ~ Normal(0, 10)\ny ~ Normal(a[g], 1)\n";
    let data = "g,y\n\"x, \"\"y\"\"\",1\nz,2\n";
    let files = Files::new(&[("m.vi", model), ("d.csv", data)]);
    let (model, data, fit) = (files.path("m.vi"), files.path("d.csv"), files.path("fit"));
    let flags = ["--output", &fit, "--draws", "10", "--seed", "1"];
    let output = vippl(&[&["run", &model, &data][..], &flags].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = files.read("fit/draws.csv");
    assert_eq!(text.lines().next(), Some(".draw,\"a[x, \"\"y\"\"]\",a[z]"));
    assert_eq!(text.lines().count(), 11);
}

#[test]
fn an_earlier_fit_is_replaced_and_other_files_stay() {
    let files = Files::new(&[]);
    save(&files, &[]);
    std::fs::write(files.path("fit/notes.txt"), "mine").expect("written");
    let output = save(&files, &["--draws", "10"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(files.read("fit/draws.csv").lines().count(), 11);
    assert_eq!(files.read("fit/notes.txt"), "mine");
    assert_eq!(names(files.0.path()), ["fit"]);
}

#[test]
fn a_directory_that_is_not_a_fit_is_refused_before_fitting_unless_forced() {
    let files = Files::new(&[]);
    std::fs::create_dir(files.path("fit")).expect("made");
    std::fs::write(files.path("fit/thesis.txt"), "years of work").expect("written");
    let output = save(&files, &[]);
    assert_eq!((code(&output), stdout(&output).as_str()), (64, ""));
    assert!(stderr(&output).contains("is not an earlier fit"));
    assert_eq!(files.names("fit"), ["thesis.txt"]);
    let forced = save(&files, &["--force"]);
    assert_eq!(code(&forced), 0, "{}", stderr(&forced));
    assert_eq!(files.read("fit/thesis.txt"), "years of work");
    assert_eq!(files.names("fit").len(), PARTS.len() + 1);
}

#[test]
fn an_output_that_is_a_file_or_has_no_parent_is_refused() {
    let files = Files::new(&[("fit", "a file")]);
    assert_eq!(code(&save(&files, &["--force"])), 64);
    assert_eq!(files.read("fit"), "a file");
    let nowhere = files.path("no/where");
    let output = vippl(&[&["run"][..], &LINEAR, &["--output", &nowhere]].concat());
    assert_eq!(code(&output), 64);
}

#[test]
fn predictions_for_new_rows_use_the_saved_draws() {
    let files = Files::new(&[("new.csv", "x\n0\n10\n")]);
    save(&files, &[]);
    let (fit, new, csv) = (files.path("fit"), files.path("new.csv"), files.path("y.csv"));
    let output = vippl(&["predict", &fit, "--data", &new, "--json", "--output", &csv]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let prediction = json(&output);
    assert_eq!(prediction["schema"], "vippl.predict/1");
    let rows = prediction["summary"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    // Least squares at 0 and 10, and its residual sd (0.564) as a scale for the tolerance.
    for (row, expected) in rows.iter().zip([1.42474, 1.42474 - 10.0 * 0.84068]) {
        assert_eq!(row["role"], "predict");
        let mean = row["mean"].as_f64().expect("a number");
        assert!((mean - expected).abs() < 0.1, "{mean} {expected}");
    }
    let text = files.read("y.csv");
    assert_eq!(text.lines().next(), Some(".draw,y[1],y[2]"));
    assert_eq!(text.lines().count(), 4001);
    let again = vippl(&["predict", &fit, "--data", &new, "--json", "--threads", "1"]);
    assert_eq!(json(&again), prediction, "the same seed predicts the same");
}

#[test]
fn what_is_not_a_fit_cannot_be_summarised() {
    let files = Files::new(&[("fit.json", "{\"schema\":\"other/1\"}")]);
    let output = vippl(&["summary", files.0.path().to_str().expect("UTF-8")]);
    assert_eq!(code(&output), 65);
    assert!(stderr(&output).contains("is not a saved fit"));
}

#[test]
fn a_saved_fit_keeps_the_modules_it_was_made_with() {
    let model = "import \"scales.vi\" as s\ndata t(x, y)\nb ~ Normal(0, 5)\n\
                 y ~ Normal(s.tens(x) * b, 1)\npredict y\n";
    let module = "fun tens(x) = 10 * x\n";
    let data = "x,y\n0.1,1\n0.2,2\n0.3,3.5\n";
    let files = Files::new(&[("m.vi", model), ("scales.vi", module), ("d.csv", data)]);
    let (model, data, fit) = (files.path("m.vi"), files.path("d.csv"), files.path("fit"));
    let output = vippl(&["run", &model, &data, "--output", &fit, "--draws", "10", "--seed", "1"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    std::fs::remove_file(files.path("scales.vi")).expect("a module to remove");
    let predicted = vippl(&["predict", &fit, &data]);
    assert_eq!(code(&predicted), 0, "{}", stderr(&predicted));
    let broken = vippl(&["check", &model]);
    assert_eq!(code(&broken), 1, "{}", stderr(&broken));
    assert!(stderr(&broken).contains("bad-import"), "{}", stderr(&broken));
}
