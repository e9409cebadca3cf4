//! `vippl lsp`: the language server on the standard streams.

use super::arguments::LspArguments;
use super::exit::{Exit, Refusal};
use crate::lsp::{Host, Server, capabilities};
use lsp_server::{Connection, Message};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long no key must be pressed before the data are looked at.
const IDLE: Duration = Duration::from_millis(150);

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
    let mut server = Server::new(&Files, &initialize);
    serve(&connection, &mut server).map_err(|e| broken(&e))?;
    drop(connection);
    threads.join().map_err(|e| broken(&e))?;
    Ok(Exit::Success)
}

fn serve(connection: &Connection, server: &mut Server<'_>) -> Result<(), String> {
    loop {
        let wait = if server.is_waiting() { IDLE } else { Duration::from_secs(3600) };
        let answers = match connection.receiver.recv_timeout(wait) {
            Ok(Message::Request(request)) => {
                if connection.handle_shutdown(&request).map_err(|e| e.to_string())? {
                    return Ok(());
                }
                server.handle(Message::Request(request))
            }
            Ok(message) => server.handle(message),
            Err(error) if error.is_timeout() => server.idle(),
            Err(_) => return Ok(()),
        };
        for answer in answers {
            connection.sender.send(answer).map_err(|error| error.to_string())?;
        }
    }
}
