//! `vippl fmt`, `vippl watch` and `vippl prior` as processes.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

const CROOKED: &str = "# Rates.\ndata t(y)\nmu~Normal( 0,10 )\n\n\n\ny ~Normal(mu,1)";
const STRAIGHT: &str = "# Rates.\ndata t(y)\nmu ~ Normal(0, 10)\n\ny ~ Normal(mu, 1)\n";

#[test]
fn fmt_lays_files_out_in_place_and_says_which() {
    let files = Files::new(&[("a.vi", CROOKED), ("b.vi", STRAIGHT), ("c.txt", CROOKED)]);
    let folder = files.0.path().to_str().expect("UTF-8");
    let checked = vippl(&["fmt", "--check", folder]);
    assert_eq!(code(&checked), 1);
    assert_eq!(stdout(&checked), format!("{}:3\n", files.path("a.vi")));
    assert!(stderr(&checked).contains("1 file is not in the layout"), "{}", stderr(&checked));
    assert_eq!(files.read("a.vi"), CROOKED);
    let written = vippl(&["fmt", folder]);
    assert_eq!((code(&written), stdout(&written).as_str()), (0, ""));
    assert_eq!(stderr(&written), format!("laid out {}\n", files.path("a.vi")));
    assert_eq!((files.read("a.vi").as_str(), files.read("b.vi").as_str()), (STRAIGHT, STRAIGHT));
    assert_eq!(files.read("c.txt"), CROOKED);
    let again = vippl(&["fmt", "--check", folder]);
    assert_eq!((code(&again), stdout(&again), stderr(&again)), (0, String::new(), String::new()));
}

#[test]
fn fmt_lays_standard_input_out_on_standard_output() {
    let lay_out = |text: &str| {
        let mut command = command(&["fmt", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the process starts");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
        child.wait_with_output().expect("the process ends")
    };
    let output = lay_out(CROOKED);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, STRAIGHT));
    let output = lay_out("x = (\n");
    assert_eq!((code(&output), stdout(&output).as_str()), (1, ""));
    assert!(stderr(&output).contains("<stdin>:"), "{}", stderr(&output));
}

#[test]
fn fmt_leaves_what_is_no_program_as_it_is() {
    let files = Files::new(&[("bad.vi", "x = (\n"), ("good.vi", CROOKED)]);
    let output = vippl(&["fmt", &files.path("bad.vi"), &files.path("good.vi")]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("error["), "{}", stderr(&output));
    assert_eq!(files.read("bad.vi"), "x = (\n");
    assert_eq!(files.read("good.vi"), STRAIGHT);
    assert_eq!(code(&vippl(&["fmt", &files.path("nowhere.vi")])), 66);
}

#[test]
fn watch_checks_again_on_every_save_of_program_and_data() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("t.csv", "y\n1\n2\n")]);
    let (model, data) = (files.path("m.vi"), files.path("t.csv"));
    let mut command = command(&["watch", "--rounds", "4", &model, &data]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the process starts");
    let (sender, lines) = channel();
    let streams: [Box<dyn Read + Send>; 2] = [
        Box::new(child.stdout.take().expect("a pipe")),
        Box::new(child.stderr.take().expect("a pipe")),
    ];
    for stream in streams {
        let sender = sender.clone();
        thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        });
    }
    let shows = |text: &str| loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("`{text}` in time"));
        if line.contains(text) {
            return;
        }
    };
    // As editors save: a new file in place of the old one, so that no half of it is seen. Every text
    // has another length, as the clock of a file system may be coarse.
    let save = |path: &str, text: &str| {
        let new = files.path("new");
        std::fs::write(&new, text).expect("a file is written");
        std::fs::rename(&new, path).expect("a file is renamed");
    };
    shows("observed: y[2]");
    save(&model, &CONJUGATE.replace("mu, 1", "mean, 1"));
    shows("unknown name `mean`");
    save(&model, CONJUGATE);
    shows("observed: y[2]");
    save(&data, "y\n1\n2\n3\n");
    shows("observed: y[3]");
    assert!(child.wait().expect("the process ends").success());
}

#[test]
fn watch_fits_when_asked() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("t.csv", "y\n1\n2\n")]);
    let arguments = ["watch", "--fit", "--rounds", "1", &files.path("m.vi"), &files.path("t.csv")];
    let output = vippl(&arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("GOOD"), "{}", stdout(&output));
}

#[test]
fn prior_draws_have_the_moments_of_the_priors() {
    let files = Files::new(&[("m.vi", CONJUGATE), ("t.csv", "y\n1\n2\n")]);
    let draws = files.path("draws.csv");
    let model = [files.path("m.vi"), files.path("t.csv")];
    let output = vippl(&[
        "prior", &model[0], &model[1], "--draws", "4000", "--seed", "3", "--json", "--output",
        &draws,
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let prior = json(&output);
    assert_eq!(prior["schema"], "vippl.prior/1");
    let rows = prior["summary"].as_array().expect("rows");
    let mu = rows.iter().find(|row| row["name"] == "mu").expect("the row of mu");
    // mu ~ Normal(0, 10): its mean has a Monte Carlo error of 10 / sqrt(4000) = 0.16, its sd one of
    // 10 / sqrt(8000) = 0.11; four of each.
    let number = |key: &str| mu[key].as_f64().expect("a number");
    assert!(number("mean").abs() < 0.64 && (number("sd") - 10.0).abs() < 0.44, "{mu}");
    assert_eq!(files.read("draws.csv").lines().count(), 4001);
    let printed = vippl(&["prior", &model[0], &model[1], "--seed", "3"]);
    assert!(stdout(&printed).contains("y[2]"), "{}", stdout(&printed));
    assert_eq!(code(&vippl(&["prior", &model[0]])), 65);
}
