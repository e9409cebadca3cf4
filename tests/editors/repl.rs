//! Sessions: what is typed, and what is answered.

use super::root;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use vippl::diagnostic::render::RenderOptions;
use vippl::output::HumanOptions;
use vippl::repl::{Answer, COMMANDS, Host, Repl, Settings};

/// A process whose files are those of the project, and written ones kept in memory.
#[derive(Default)]
struct Memory {
    written: Mutex<HashMap<String, String>>,
    /// After how many tellings of progress a fit is left; 0 for never.
    patience: AtomicUsize,
    edited: Option<&'static str>,
}

impl Host for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let written = self.written.lock().unwrap();
        match written.get(&path.display().to_string()) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => std::fs::read(root().join(path)),
        }
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        self.written.lock().unwrap().insert(path.display().to_string(), text.to_owned());
        Ok(())
    }

    fn edit(&self, _: &str) -> io::Result<String> {
        self.edited.map(str::to_owned).ok_or_else(|| io::Error::other("there is no editor"))
    }

    fn is_cancelled(&self) -> bool {
        let before = self.patience.load(Ordering::SeqCst);
        before > 0 && self.patience.fetch_sub(1, Ordering::SeqCst) == 1
    }

    fn progress(&self, _: &str) {}
}

fn settings() -> Settings {
    Settings { human: HumanOptions::default(), diagnostics: RenderOptions::default(), seed: 1 }
}

/// A transcript of a session.
fn transcript(host: &Memory, entries: &[&str]) -> String {
    let mut repl = Repl::new(host, settings());
    let mut out = String::new();
    for entry in entries {
        assert!(Repl::is_complete(entry), "{entry}");
        let answer = repl.enter(entry);
        let mark = if answer.refused { "!" } else { "" };
        out.push_str(&format!("vippl> {entry}\n{mark}{}\n", answer.text));
    }
    out
}

const SCHOOLS: &[&str] = &[
    "data school(effect, se)",
    ":data examples/eight_schools/data.csv",
    "mu ~ Normal(0, 5)",
    "tau ~ HalfCauchy(5)",
    "theta[school] ~ Normal(mu, tau)",
    "effect ~ Normal(theta, se)",
];

fn with<'e>(more: &[&'e str]) -> Vec<&'e str> {
    SCHOOLS.iter().chain(more).copied().collect()
}

#[test]
fn every_equation_answers_with_what_it_defined() {
    insta::assert_snapshot!(transcript(&Memory::default(), SCHOOLS));
}

#[test]
fn data_may_come_before_the_program_that_declares_them() {
    let host = Memory::default();
    let mut repl = Repl::new(&host, settings());
    let kept = repl.enter(":data examples/eight_schools/data.csv");
    assert!(!kept.refused && kept.text.contains("columns are school, effect, se"), "{}", kept.text);
    let told = repl.enter("data school(effect, se)");
    assert!(told.text.contains("effect[school: 8]"), "{}", told.text);
    assert_eq!(repl.enter("mean(effect)").text, "8.75");
    // A program that declares other data says so.
    assert!(repl.enter(":data examples/linear/data.csv").refused);
}

#[test]
fn a_mistake_is_shown_on_the_line_just_typed_and_changes_nothing() {
    let entries = with(&[
        "x ~ Normal(mu, taus)",
        "y = theta + ",
        "z = mean(effect",
        "effect ~ Normal(mu, 1)",
        "theta[scool] ~ Normal(mu, tau)",
        ":show",
    ]);
    let entries: Vec<&str> = entries.into_iter().filter(|e| Repl::is_complete(e)).collect();
    insta::assert_snapshot!(transcript(&Memory::default(), &entries));
}

#[test]
fn an_expression_alone_is_evaluated_over_data_exactly() {
    let entries =
        with(&["1 + 2^10", "mean(effect)", "effect[2]", "effect", "mu + 1", "effec", "1 +* 2"]);
    insta::assert_snapshot!(transcript(&Memory::default(), &entries));
}

#[test]
fn a_line_that_goes_on_is_not_complete() {
    for (text, complete) in [
        ("x = 1", true),
        ("x = 1 +", false),
        ("x = f(1,", false),
        ("x = if a then b", false),
        ("x = if a then b else c", true),
        ("part walk[time](a)", false),
        ("part walk[time](a) {\n  output x = 1", false),
        ("part walk[time](a) {\n  output x = 1\n}", true),
        ("data school(y,", false),
        ("# only a comment", true),
        (":fit", true),
        (":density {\"mu\": 1", true),
        ("y ~ Normal(0, 1)\n  where", false),
    ] {
        assert_eq!(Repl::is_complete(text), complete, "{text}");
    }
}

#[test]
fn every_command_is_answered_before_there_is_anything() {
    let host = Memory::default();
    let mut out = String::new();
    for command in COMMANDS {
        let mut repl = Repl::new(&host, settings());
        let Answer { text, refused, ends } = repl.enter(&format!(":{}", command.name));
        assert_eq!(ends, command.name == "quit");
        if command.name != "help" {
            let mark = if refused { "!" } else { "" };
            out.push_str(&format!(":{}\n{mark}{text}\n", command.name));
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn help_lists_every_command() {
    let host = Memory::default();
    let text = Repl::new(&host, settings()).enter(":help").text;
    for command in COMMANDS {
        assert!(text.contains(&format!(":{}", command.name)), "{}", command.name);
    }
}

#[test]
fn a_session_can_be_taken_back_saved_loaded_and_edited() {
    let host = Memory { edited: Some("a ~ Normal(0, 1)\nb = a + 1\n"), ..Memory::default() };
    let entries = with(&[
        "mu ~ Normal(0, 10)",
        ":undo",
        ":save out.vi",
        ":edit",
        ":show",
        ":load out.vi",
        ":show",
        ":load nowhere.vi",
        ":load examples/linear/model.vi",
        ":explain slope",
        ":explain unknown-name",
        ":explain slop",
        ":explain",
        ":tim",
        ":time off",
        ":fot",
        ":data nowhere.csv",
        ":data",
    ]);
    insta::assert_snapshot!(transcript(&host, &entries));
}

#[test]
fn a_fit_answers_summaries_plots_predictions_densities_and_expressions() {
    let host = Memory::default();
    let mut repl = Repl::new(&host, settings());
    let answer = repl.load(Path::new("examples/linear/model.vi"));
    assert!(!answer.refused, "{}", answer.text);
    let mut ask = |entry: &str| {
        let answer = repl.enter(entry);
        assert!(!answer.refused, "{entry}: {}", answer.text);
        answer.text
    };
    ask(":data examples/linear/data.csv");
    let prior = ask(":prior 200");
    assert!(prior.contains("slope") && prior.contains("y[1]"), "{prior}");
    let fit = ask(":fit");
    assert!(fit.contains("GOOD"), "{fit}");
    assert_eq!(ask(":summary"), fit);
    assert!(ask(":plot slope").lines().count() > 5);
    assert!(ask(":plot x").lines().count() > 5);
    assert!(ask(":predict").contains("y[40]"));
    assert!(ask(":density").starts_with("log density -"));
    let given = ask(":density intercept=1 slope=2 noise=0.5");
    assert_eq!(given, ask(":density {\"intercept\": 1, \"slope\": 2, \"noise\": 0.5}"));
    // A definition leaves the fit as it is, and an expression is over its draws.
    ask("at_two = intercept + 2 * slope");
    let two = ask("at_two");
    assert!(two.contains('±') && two.contains("90 % in ["), "{two}");
    assert_eq!(two, ask("intercept + 2 * slope"));
    let number = |text: &str| text.split(' ').next().unwrap().parse::<f64>().unwrap();
    let (sum, at) = (number(&ask("intercept")) + 2.0 * number(&ask("slope")), number(&two));
    assert!((sum - at).abs() < 0.01, "{sum} {at}");
    assert_eq!(ask("mean(x) - mean(x)"), "0");
    let dropped = ask("slope ~ Normal(0, 1)");
    assert!(dropped.contains("(replaced)") && dropped.contains("`:fit` again"), "{dropped}");
    assert!(repl.enter(":summary").refused);
}

#[test]
fn a_fit_that_is_left_keeps_the_session() {
    let host = Memory::default();
    let mut repl = Repl::new(&host, settings());
    SCHOOLS.iter().for_each(|entry| assert!(!repl.enter(entry).refused, "{entry}"));
    let before = repl.text();
    host.patience.store(2, Ordering::SeqCst);
    let answer = repl.enter(":fit");
    assert!(answer.refused && answer.text.contains("was left"), "{}", answer.text);
    assert_eq!(repl.text(), before);
    assert!(!repl.enter(":fit").refused);
}
