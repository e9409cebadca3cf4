//! Results on stdout, all else on stderr; colours and pipes.

use super::*;
use std::process::Stdio;

const ESCAPE: char = '\x1b';

fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    command.envs(variables.iter().copied());
    command.output().expect("the process starts")
}

#[test]
fn colours_are_for_terminals_unless_forced_and_never_against_no_color() {
    let run = [&["run"][..], &LINEAR, &["--seed", "1"]].concat();
    let plain = run_with(&[], &run);
    assert!(!stdout(&plain).contains(ESCAPE) && !stderr(&plain).contains(ESCAPE));
    let forced = run_with(&[("CLICOLOR_FORCE", "1")], &run);
    assert!(stdout(&forced).contains(ESCAPE));
    let never = run_with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &run);
    assert!(!stdout(&never).contains(ESCAPE));
}

#[test]
fn diagnostics_follow_the_same_rules() {
    let files = Files::new(&[("m.vi", "mu ~ Nrmal(0, 1)\n")]);
    let check = ["check", &files.path("m.vi")];
    assert!(!stderr(&run_with(&[], &check)).contains(ESCAPE));
    assert!(stderr(&run_with(&[("CLICOLOR_FORCE", "1")], &check)).contains(ESCAPE));
    assert!(
        !stderr(&run_with(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &check)).contains(ESCAPE)
    );
}

#[test]
fn a_locale_without_unicode_gets_ascii() {
    let run = [&["run"][..], &LINEAR, &["--seed", "1"]].concat();
    let output = run_with(&[("LC_ALL", "C")], &run);
    assert!(stdout(&output).is_ascii());
}

#[test]
fn no_progress_is_written_where_no_one_watches() {
    let output = vippl(&[&["run"][..], &LINEAR, &["--seed", "1"]].concat());
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    for arguments in [&[&["run"][..], &LINEAR].concat()[..], &["explain", "--list"], &["--help"]] {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the process starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the process ends");
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{arguments:?}");
    }
}
