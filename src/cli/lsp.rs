//! `vippl lsp`: the language server on the standard streams.

use super::arguments::LspArguments;
use super::exit::{Exit, Refusal};
use crate::lsp::{Found, Host, Server, capabilities};
use lsp_server::{Connection, ErrorCode, Message, Response};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long no key must be pressed before the data are looked at.
const IDLE: Duration = Duration::from_millis(150);

/// How long to wait where there is nothing else to do.
const FOREVER: Duration = Duration::from_secs(3600);

/// The file system.
struct Files;

impl Host for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        crate::data::read_file(path)
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.path().is_dir() { name + "/" } else { name }
            })
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }
}

/// What happens to a server.
enum Event {
    Message(Message),
    Found(Found),
    /// The editor has said all that it will say.
    Gone,
}

/// Serves an editor until it says so or goes away.
///
/// `--stdio` changes nothing: editors give it to every server.
pub(super) fn run(_: &LspArguments) -> Result<Exit, Refusal> {
    let broken = |why: &dyn std::fmt::Display| {
        Refusal::new(Exit::Internal, format!("the connection to the editor: {why}"))
    };
    let (connection, threads) = Connection::stdio();
    let (id, initialize) = connection.initialize_start().map_err(|e| broken(&e))?;
    let answer = serde_json::json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "vippl", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, answer).map_err(|e| broken(&e))?;
    let Connection { sender, receiver } = connection;
    let (happens, events) = channel();
    let heard = happens.clone();
    thread::spawn(move || {
        for message in receiver {
            if heard.send(Event::Message(message)).is_err() {
                return;
            }
        }
        // A server that has ended listens to nothing more.
        drop(heard.send(Event::Gone));
    });
    let mut server = Server::new(&Files, &initialize);
    let send = |message: Message| sender.send(message).is_ok();
    let exit = serve(&mut server, &send, &happens, &events);
    drop(sender);
    threads.join().map_err(|e| broken(&e))?;
    Ok(exit)
}

/// Answers what is heard; looks at data on a thread of their own, one at a time, when no key comes.
fn serve(
    server: &mut Server<'_>,
    send: &dyn Fn(Message) -> bool,
    happens: &Sender<Event>,
    events: &Receiver<Event>,
) -> Exit {
    let (mut looking, mut down) = (false, false);
    loop {
        let wait = if server.is_waiting() && !looking { IDLE } else { FOREVER };
        let answers = match events.recv_timeout(wait) {
            Ok(Event::Message(Message::Notification(note))) if note.method == "exit" => {
                // To leave without a word is a mistake of the editor, says the protocol.
                return if down { Exit::Success } else { Exit::Program };
            }
            Ok(Event::Message(Message::Request(request))) if request.method == "shutdown" => {
                down = true;
                vec![Response::new_ok(request.id, ()).into()]
            }
            Ok(Event::Message(Message::Request(request))) if down => {
                let why = "the server was told to shut down".to_owned();
                vec![Response::new_err(request.id, ErrorCode::InvalidRequest as i32, why).into()]
            }
            Ok(Event::Message(message)) => server.handle(message),
            Ok(Event::Found(found)) => {
                looking = false;
                server.learn(found)
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(look) = server.look() {
                    looking = true;
                    let found = happens.clone();
                    // Nobody is there to hear it when the server has ended.
                    thread::spawn(move || drop(found.send(Event::Found(look.take(&Files)))));
                }
                Vec::new()
            }
            Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => return Exit::Success,
        };
        if !answers.into_iter().all(send) {
            return Exit::Success;
        }
    }
}
