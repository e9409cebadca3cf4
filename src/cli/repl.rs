//! `vippl repl`: a session at the terminal, or lines from standard input.
//!
//! What is typed and answered is [`crate::repl`]'s; here are the lines, the keys and the files.

mod line;

use super::arguments::ReplArguments;
use super::exit::{Exit, Refusal};
use super::files;
use super::run::thread_pool;
use super::terminal::{Terminal, variable};
use crate::diagnostic::render::RenderOptions;
use crate::repl::{Answer, Host, Repl, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use line::Helper;
use rustyline::config::CompletionType;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the progress line turns.
const TICK: Duration = Duration::from_millis(100);

/// The process around a session.
struct Process {
    cancelled: Arc<AtomicBool>,
    bar: ProgressBar,
    /// Whether what runs is shown.
    shows: bool,
}

impl Host for Process {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        crate::data::read_file(path)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let written = match path.exists() {
            true => files::replace(path, text),
            false => files::write_file(path, &|out| out.write_all(text.as_bytes())),
        };
        // The file that was written first, beside its place, is nobody's business.
        written.map_err(|error| io::Error::from(error.kind()))
    }

    fn edit(&self, text: &str) -> io::Result<String> {
        let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
        let editor = editor.ok_or_else(|| io::Error::other("neither VISUAL nor EDITOR is set"))?;
        let file = files::scratch("program.vi", text)?;
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let status = Command::new(program).args(words).arg(file.path()).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("`{editor}` ended with {status}")));
        }
        let bytes = crate::data::read_file(file.path())?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("the text is not UTF-8"))
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    fn progress(&self, message: &str) {
        if message.is_empty() {
            self.bar.finish_and_clear();
            self.bar.set_draw_target(ProgressDrawTarget::hidden());
            self.bar.reset();
        } else {
            if self.shows && self.bar.is_hidden() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.enable_steady_tick(TICK);
            }
            self.bar.set_message(message.to_owned());
        }
    }
}

/// Runs a session until its input ends.
pub(super) fn run(arguments: &ReplArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let pool = thread_pool(arguments.threads)?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancelled);
    // A second request, or one while nothing runs, ends the process as it always did.
    let handler = move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    };
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    if interactive {
        ctrlc::set_handler(handler)
            .map_err(|error| Refusal::new(Exit::Internal, format!("no signals: {error}")))?;
    }
    let bar = ProgressBar::hidden().with_style(ProgressStyle::default_spinner());
    let shows = interactive && terminal.shows_progress();
    let process = Process { cancelled: Arc::clone(&cancelled), bar, shows };
    let human = terminal.human(false);
    let settings = Settings {
        human,
        diagnostics: RenderOptions {
            color: human.style.color,
            unicode: human.style.unicode,
            ..RenderOptions::default()
        },
        seed: arguments.seed.unwrap_or_else(|| rand::random::<u32>().into()),
    };
    let mut session = Session {
        repl: Repl::new(&process, settings),
        process: &process,
        terminal,
        pool: &pool,
        interactive,
        refused: false,
    };
    let (model, data) = arguments_of(arguments);
    if let Some(model) = model {
        let answer = session.repl.load(&model);
        session.tell(&answer)?;
        if answer.refused && !interactive {
            return Ok(Exit::Program);
        }
    }
    if !data.is_empty() {
        let words: Vec<String> = data.iter().map(|word| format!("\"{word}\"")).collect();
        session.enter(&format!(":data {}", words.join(" ")))?;
    }
    if interactive { session.lines() } else { session.piped() }
}

/// The program and the data: a first argument that is no program is data too.
fn arguments_of(arguments: &ReplArguments) -> (Option<PathBuf>, Vec<String>) {
    let mut data = arguments.data.clone();
    match &arguments.model {
        Some(model) if model.extension().is_some_and(|ending| ending == "vi") => {
            (Some(model.clone()), data)
        }
        Some(first) => {
            data.insert(0, first.display().to_string());
            (None, data)
        }
        None => (None, data),
    }
}

/// A session and where it is told.
struct Session<'s> {
    repl: Repl<'s>,
    process: &'s Process,
    terminal: &'s Terminal,
    pool: &'s rayon::ThreadPool,
    interactive: bool,
    refused: bool,
}

impl Session<'_> {
    /// Enters a text; whether the session goes on.
    fn enter(&mut self, text: &str) -> Result<bool, Refusal> {
        self.process.cancelled.store(false, Ordering::SeqCst);
        let (repl, pool) = (&mut self.repl, self.pool);
        let answer = pool.install(|| repl.enter(text));
        self.process.progress("");
        self.tell(&answer)?;
        Ok(!answer.ends)
    }

    /// Tells an answer: to a program that reads a pipe, what was refused is no result.
    fn tell(&mut self, answer: &Answer) -> Result<(), Refusal> {
        self.refused |= answer.refused;
        if answer.text.is_empty() {
            return Ok(());
        }
        if answer.refused && !self.interactive {
            self.terminal.tell(&answer.text);
            return Ok(());
        }
        Ok(self.terminal.print(&format!("{}\n", answer.text))?)
    }

    /// Lines from a pipe: a blank line ends an entry that could go on.
    fn piped(&mut self) -> Result<Exit, Refusal> {
        let mut entry = String::new();
        let mut input = io::stdin().lock();
        loop {
            let mut line = String::new();
            let read = input.read_line(&mut line).map_err(|error| {
                Refusal::new(Exit::MissingInput, format!("standard input: {error}"))
            })?;
            entry.push_str(&line);
            let ends = read == 0 || line.trim().is_empty() || Repl::is_complete(&entry);
            if ends && !entry.trim().is_empty() {
                let text = std::mem::take(&mut entry);
                if !self.enter(text.trim_end())? {
                    break;
                }
            }
            if read == 0 {
                break;
            }
        }
        Ok(if self.refused { Exit::Program } else { Exit::Success })
    }

    /// Lines from a person.
    fn lines(&mut self) -> Result<Exit, Refusal> {
        let internal = |error: ReadlineError| Refusal::new(Exit::Internal, error.to_string());
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(10_000)
            .map_err(internal)?
            .auto_add_history(true)
            .build();
        let mut editor: Editor<Helper, FileHistory> =
            Editor::with_config(config).map_err(internal)?;
        editor.set_helper(Some(Helper::new(self.terminal.style())));
        let history = history();
        if let Some(path) = &history {
            // The first session has no history.
            let _ = editor.load_history(path);
        }
        self.terminal.print("vippl: `:help` lists the commands, Ctrl-D ends the session\n")?;
        loop {
            if let Some(helper) = editor.helper_mut() {
                helper.look(&self.repl);
            }
            match editor.readline("vippl> ") {
                Ok(text) => {
                    if let Some(path) = &history {
                        // A history that cannot be written is no reason to stop.
                        let _ = editor.append_history(path);
                    }
                    if !self.enter(&text)? {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(internal(error)),
            }
        }
        Ok(Exit::Success)
    }
}

/// Where the lines of earlier sessions are kept.
fn history() -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").map(PathBuf::from).or_else(|| {
        let home = variable("HOME").or_else(|| variable("USERPROFILE"))?;
        Some(Path::new(&home).join(".local").join("state"))
    })?;
    let folder = state.join("vippl");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
