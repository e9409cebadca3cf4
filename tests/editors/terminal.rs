//! A person at a terminal: `vippl repl` driven through a real one, key by key.

use super::root;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use std::path::{Path, PathBuf};
use std::process::Command;
use vippl::repl::COMMANDS;

/// How long an answer may take on a slow machine, in milliseconds.
const PATIENCE: u64 = 120_000;

const PROMPT: &str = "vippl> ";

/// A terminal with a session in it.
struct Terminal {
    session: PtySession,
    /// The commands that were entered.
    used: Vec<String>,
}

impl Terminal {
    /// Begins a session whose history, and all that it writes, is in a folder.
    fn open(folder: &Path, arguments: &[&str]) -> Terminal {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vippl"));
        command.arg("repl").args(["--seed", "1"]).args(arguments).current_dir(root());
        command.env("TERM", "xterm").env("NO_COLOR", "1").env("COLUMNS", "100");
        command.env("LC_ALL", "C.UTF-8").env("XDG_STATE_HOME", folder);
        command.env("VISUAL", format!("cp {}", folder.join("edited.vi").display()));
        let options = Options::new().timeout_ms(Some(PATIENCE)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options).unwrap();
        let mut terminal = Terminal { session, used: Vec::new() };
        terminal.shows("Ctrl-D ends the session");
        terminal.shows(PROMPT);
        terminal
    }

    /// Waits until the terminal shows a text, and takes all before it away.
    fn shows(&mut self, text: &str) -> String {
        // The bytes of what is shown come as one character each.
        let bytes: String = text.bytes().map(char::from).collect();
        match self.session.exp_string(&bytes) {
            Ok(before) => before,
            Err(error) => {
                let shown: Vec<u8> = error.to_string().chars().map(|c| c as u8).collect();
                panic!("`{text}` was not shown: {}", String::from_utf8_lossy(&shown))
            }
        }
    }

    fn types(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Enters a line; what is answered has a text in it, and a prompt follows.
    fn enter(&mut self, line: &str, answer: &str) {
        if let Some(command) = line.strip_prefix(':') {
            self.used.push(command.split(' ').next().unwrap().to_owned());
        }
        self.types(line);
        self.types("\r");
        self.shows(answer);
        self.shows(PROMPT);
    }

    fn ends(mut self) {
        self.session.exp_eof().unwrap();
        let status = format!("{:?}", self.session.process().wait().unwrap());
        assert!(status.starts_with("Exited(") && status.ends_with(", 0)"), "{status}");
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn every_command_is_answered_at_a_terminal() {
    let (_kept, folder) = folder();
    std::fs::write(folder.join("edited.vi"), "a ~ Normal(0, 1)\nb = a + 1\n").unwrap();
    let saved = folder.join("saved.vi").display().to_string();
    let mut terminal = Terminal::open(&folder, &[]);
    terminal.enter(":help", "end the session, as Ctrl-D does");
    terminal.enter(":time on", "times are shown");
    terminal.enter(":time", "times are not shown");
    terminal.enter("data school(effect, se)", "se[school]: data, real");
    terminal.enter(":data examples/eight_schools/data.csv", "axis school: 8 (A, B, C");
    terminal.enter(":data", "eight_schools/data.csv\r\n");
    terminal.enter("mu ~ Normal(0, 5)", "mu: latent, real in (-inf, inf)");
    terminal.enter("tau ~ HalfCauchy(5)", "tau: latent, real in (0, inf)");
    terminal.enter("theta[school] ~ Normal(mu, tau)", "theta[school: 8]: latent");
    terminal.enter("effect ~ Normal(theta, se)", "observed data");
    terminal.enter("report spread = max(theta) - min(theta)", "spread: ");
    terminal.enter(":undo", "back from 6 to 5 statements");
    terminal.enter(":show", "effect ~ Normal(theta, se)\r\n");
    terminal.enter(":explain tau", "latent");
    terminal.enter(":explain unknown-name", "# Unknown name");
    terminal.enter(":prior 100", "theta[A]");
    terminal.enter(":density mu=1 tau=2 theta=[1,1,1,1,1,1,1,1]", "log density -");
    terminal.enter("mu + 1", "there is no fit yet");
    terminal.enter(":fit", "GOOD");
    terminal.enter("mu + 1", "90 % in [");
    terminal.enter(":summary", "theta[H]");
    terminal.enter(":plot theta", "theta[H]");
    terminal.enter(":predict", "effect[H]");
    terminal.enter(&format!(":save {saved}"), "saved in");
    terminal.enter(":edit", "b: derived, real");
    terminal.enter(&format!(":load {saved}"), "theta[school: 8]");
    let program = std::fs::read_to_string(&saved).unwrap();
    assert!(program.ends_with("effect ~ Normal(theta, se)\n"), "{program}");
    let missing =
        |command: &&vippl::repl::Command| !terminal.used.iter().any(|u| u == command.name);
    let missing: Vec<&str> = COMMANDS.iter().filter(missing).map(|c| c.name).collect();
    assert_eq!(missing, ["quit"]);
    terminal.types(":quit\r");
    terminal.ends();
}

#[test]
fn lines_go_on_are_pasted_completed_and_come_back() {
    let (_kept, folder) = folder();
    let mut terminal = Terminal::open(&folder, &[]);
    // A line that goes on, and a blank one that ends what could go on.
    terminal.types("data school(effect,\r");
    terminal.enter("  se)", "se[school]: data, real");
    terminal.types("x = 1 +\r");
    terminal.enter("", "error");
    // A program is pasted as a terminal pastes it.
    terminal.types("\u{1b}[200~μ ~ Normal(0, 5)\nτ ~ HalfCauchy(5)\u{1b}[201~");
    terminal.enter("", "τ: latent, real in (0, inf)");
    // What is typed ahead is not lost.
    terminal.types("1 + 1\r2 + 3\r4 + 5\r");
    for answer in ["\r\n2\r\n", "\r\n5\r\n", "\r\n9\r\n", PROMPT] {
        terminal.shows(answer);
    }
    // Tab: a command, its file, a family, a name.
    terminal.types(":da\t");
    terminal.types("examples/eight_schools/da\t\r");
    terminal.shows("axis school: 8");
    terminal.shows(PROMPT);
    terminal.types("theta[school] ~ StudentT\t4, μ, τ)\r");
    terminal.shows("theta[school: 8]: latent");
    terminal.shows(PROMPT);
    terminal.types("effect ~ Normal(thet\t, se)\r");
    terminal.shows("observed data");
    terminal.shows(PROMPT);
    // Ctrl-C gives a line up, the arrow brings an earlier one back.
    terminal.types("nonsense");
    terminal.session.send_control('c').unwrap();
    terminal.shows(PROMPT);
    terminal.enter("mean(effect)", "\r\n8.75\r\n");
    terminal.enter("\u{1b}[A", "\r\n8.75\r\n");
    terminal.session.send_control('d').unwrap();
    terminal.ends();
    // So does a later session.
    let mut later = Terminal::open(&folder, &["examples/eight_schools/data.csv"]);
    later.enter("data school(effect, se)", "effect[school: 8]");
    later.types("\u{1b}[A\u{1b}[A\r");
    later.shows("\r\n8.75\r\n");
    later.session.send_control('d').unwrap();
    later.ends();
}

#[test]
fn a_mistake_leaves_a_session_as_it_was() {
    let (_kept, folder) = folder();
    let mut terminal = Terminal::open(&folder, &["examples/linear/model.vi"]);
    for (wrong, answer) in [
        ("slope ~ Normal(0, scael)", "scael"),
        ("noise ~ Normal(0, 1) in [\r", "error"),
        (":data nowhere.csv", "nowhere.csv"),
        (":fit", "`:data FILE` gives data"),
        (":summary", "there is no fit yet"),
        (":fot", "did you mean `:fit`?"),
        (":load examples", "cannot be read"),
        ("1 +* 2", "error"),
    ] {
        terminal.enter(wrong, answer);
    }
    terminal.enter(":data examples/linear/data.csv", "40");
    terminal.enter("1 + 2^10", "\r\n1025\r\n");
    terminal.session.send_control('d').unwrap();
    terminal.ends();
}

/// A fit that takes minutes: every row has a sum over all latents that no rewrite makes cheaper.
const LONG: &str = "data school(effect, se)
axis k = 1..400
z[k] ~ StudentT(3, 0, 1)
f[i in school] = sum(j in k: z[j] * cos(j * se[i] + z[j]))
effect ~ StudentT(2, f, 1)
";

#[test]
fn ctrl_c_leaves_a_fit_and_keeps_the_session() {
    let (_kept, folder) = folder();
    let program = folder.join("long.vi");
    std::fs::write(&program, LONG).unwrap();
    let mut terminal = Terminal::open(
        &folder,
        &[&program.display().to_string(), "examples/eight_schools/data.csv"],
    );
    terminal.types(":fit\r");
    // The progress says that the fit runs.
    terminal.shows("ELBO");
    terminal.session.send_control('c').unwrap();
    terminal.shows("the fit was left");
    terminal.shows(PROMPT);
    terminal.enter(":show", "axis k = 1..400");
    terminal.enter("1 + 2^10", "\r\n1025\r\n");
    terminal.session.send_control('d').unwrap();
    terminal.ends();
}
