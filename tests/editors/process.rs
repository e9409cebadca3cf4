//! `vippl lsp` as a process: a client of the protocol's own types on its standard streams.

use super::root;
use lsp_server::{Message, Notification, Request, RequestId};
use lsp_types::notification::{self as tell, Notification as _};
use lsp_types::request as ask;
use lsp_types::{Diagnostic, InitializeResult, Position, PublishDiagnosticsParams, Range};
use serde_json::{Value, json};
use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long an answer may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An editor and the server that it started.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Message>,
    next: i32,
    uri: String,
    version: i32,
    /// What was said of the text last, and of which version.
    told: Option<PublishDiagnosticsParams>,
}

impl Client {
    fn start() -> Client {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vippl"));
        command.args(["lsp", "--stdio"]).current_dir(root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stream = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        thread::spawn(move || {
            while let Ok(Some(message)) = Message::read(&mut stream) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (input, uri) = (child.stdin.take(), String::new());
        Client { child, input, output, next: 0, uri, version: 0, told: None }
    }

    fn initialized(settings: Value) -> Client {
        let mut client = Client::start();
        let params = json!({ "capabilities": {}, "initializationOptions": settings });
        let answer: InitializeResult = client.ask::<ask::Initialize>(params).unwrap();
        assert_eq!(answer.server_info.unwrap().name, "vippl");
        client.tell::<tell::Initialized>(json!({}));
        client
    }

    fn open(&mut self, path: &str, text: &str) {
        self.uri = format!("file://{}", root().join(path).display());
        self.version = 1;
        let item = json!({ "uri": self.uri, "languageId": "vippl", "version": 1, "text": text });
        self.tell::<tell::DidOpenTextDocument>(json!({ "textDocument": item }));
    }

    fn write(&mut self, message: Message) {
        message.write(self.input.as_mut().unwrap()).unwrap();
    }

    fn tell<N: tell::Notification>(&mut self, params: Value) {
        self.write(Message::Notification(Notification { method: N::METHOD.to_owned(), params }));
    }

    /// The answer to a request, read as the type that the protocol gives it.
    fn ask<R: ask::Request>(&mut self, params: Value) -> Result<R::Result, String> {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.write(Message::Request(Request {
            id: id.clone(),
            method: R::METHOD.to_owned(),
            params,
        }));
        loop {
            match self.receive() {
                Message::Response(response) => {
                    assert_eq!(response.id, id, "{}", R::METHOD);
                    let result = response.response_result.map_err(|error| error.message)?;
                    return Ok(serde_json::from_value(result)
                        .unwrap_or_else(|error| panic!("{}: {error}", R::METHOD)));
                }
                Message::Notification(_) | Message::Request(_) => {}
            }
        }
    }

    fn receive(&mut self) -> Message {
        let message = self.output.recv_timeout(PATIENCE).expect("an answer in time");
        if let Message::Notification(note) = &message
            && note.method == tell::PublishDiagnostics::METHOD
        {
            self.told = Some(serde_json::from_value(note.params.clone()).unwrap());
        }
        message
    }

    /// Waits until something is said that a test waits for.
    fn until(&mut self, wanted: &dyn Fn(&PublishDiagnosticsParams) -> bool) -> Vec<Diagnostic> {
        loop {
            self.receive();
            if let Some(told) = self.told.as_ref().filter(|told| wanted(told)) {
                return told.diagnostics.clone();
            }
        }
    }

    fn change(&mut self, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "text": text }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.tell::<tell::DidChangeTextDocument>(params);
    }

    /// Asks everything that a server says it can do, at a place; how many requests had an answer.
    fn ask_everything(&mut self, at: Position, whole: Range) -> usize {
        let text = json!({ "uri": self.uri });
        let place = json!({ "textDocument": text, "position": at });
        let ranged = json!({ "textDocument": text, "range": whole, "options":
            { "tabSize": 2, "insertSpaces": true }, "context": { "diagnostics": [] } });
        let mut named = place.clone();
        named["newName"] = json!("renamed");
        named["context"] = json!({ "includeDeclaration": true });
        let mut answered = 0;
        let mut note = |answer: Result<(), String>| answered += usize::from(answer.is_ok());
        note(self.ask::<ask::HoverRequest>(place.clone()).map(drop));
        note(self.ask::<ask::Completion>(place.clone()).map(drop));
        note(self.ask::<ask::SignatureHelpRequest>(place.clone()).map(drop));
        note(self.ask::<ask::GotoDefinition>(place.clone()).map(drop));
        note(self.ask::<ask::References>(named.clone()).map(drop));
        note(self.ask::<ask::DocumentHighlightRequest>(place.clone()).map(drop));
        note(self.ask::<ask::DocumentSymbolRequest>(place.clone()).map(drop));
        note(self.ask::<ask::PrepareRenameRequest>(place).map(drop));
        note(self.ask::<ask::Rename>(named).map(drop));
        note(self.ask::<ask::Formatting>(ranged.clone()).map(drop));
        note(self.ask::<ask::RangeFormatting>(ranged.clone()).map(drop));
        note(self.ask::<ask::CodeActionRequest>(ranged.clone()).map(drop));
        note(self.ask::<ask::SemanticTokensFullRequest>(ranged.clone()).map(drop));
        note(self.ask::<ask::InlayHintRequest>(ranged.clone()).map(drop));
        note(self.ask::<ask::FoldingRangeRequest>(ranged.clone()).map(drop));
        note(self.ask::<ask::DocumentDiagnosticRequest>(ranged).map(drop));
        let page = json!({ "command": "vippl.explain", "arguments": ["unknown-name"] });
        note(self.ask::<ask::ExecuteCommand>(page).map(drop));
        answered
    }

    /// Ends the connection; the code that the server ends with, and what it wrote beside it.
    fn ended(mut self) -> (i32, String) {
        drop(self.input.take());
        let mut written = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut written).unwrap();
        (self.child.wait().unwrap().code().unwrap(), written)
    }

    fn shuts_down(mut self) {
        self.ask::<ask::Shutdown>(Value::Null).unwrap();
        self.tell::<tell::Exit>(Value::Null);
        assert_eq!(self.ended(), (0, String::new()));
    }
}

fn range(lines: u32) -> Range {
    Range { start: Position::new(0, 0), end: Position::new(lines, 0) }
}

/// How many requests a server answers.
const REQUESTS: usize = 17;

#[test]
fn every_request_is_answered_as_the_protocol_has_it() {
    let mut client = Client::initialized(json!({}));
    let text = std::fs::read_to_string(root().join("examples/eight_schools/model.vi")).unwrap();
    client.open("examples/eight_schools/data.vi", &text);
    // The data beside the program have been looked at when hover knows a size.
    assert!(client.until(&|told| told.version == Some(1)).is_empty());
    let line = text.lines().position(|line| line.starts_with("theta[school]")).unwrap();
    let theta = Position::new(line as u32, 2);
    assert_eq!(client.ask_everything(theta, range(99)), REQUESTS);
    client.shuts_down();
}

#[test]
fn half_typed_and_hostile_texts_are_answered_too() {
    let mut client = Client::initialized(json!({}));
    client.open("half.vi", "");
    let deep = "(".repeat(20_000);
    let long = format!("x = {}", "1 + ".repeat(20_000));
    let texts = [
        "data school(effect, se\nmu ~ Normal(",
        "theta[school] ~ ",
        "data t(y) from \"",
        "part p(a) {\n  output b = ",
        "ode at t from 0 {\n  x' = ",
        "x = \"\u{0}\u{feff}\u{202e}🦀",
        "\r\r\n\n\r# \u{2028}",
        &deep,
        &long,
    ];
    for text in texts {
        client.change(text);
        let lines = text.matches('\n').count() as u32;
        let column = text.rsplit('\n').next().unwrap().encode_utf16().count() as u32;
        client.ask_everything(Position::new(lines, column), range(lines + 1));
        client.ask_everything(Position::new(u32::MAX, u32::MAX), range(u32::MAX));
    }
    // What is said last is about the last text.
    client.change("mu = lost\n");
    let last = client.version;
    let told = client.until(&|told| told.version == Some(last));
    let slugs: Vec<Value> = told.iter().map(|d| json!(d.code)).collect();
    assert!(slugs.contains(&json!("unknown-name")), "{slugs:?}");
    client.shuts_down();
}

#[test]
fn large_data_do_not_keep_keys_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("y,x\n");
    for row in 0..400_000 {
        table.push_str(&format!("{}.5,{}\n", row % 7, row % 11));
    }
    std::fs::write(folder.path().join("m.csv"), table).unwrap();
    let mut client = Client::initialized(json!({}));
    let text = "data t(y, z)\nm ~ Normal(0, 1)\ny ~ Normal(m * z, 1)\n";
    client.open(folder.path().join("m.vi").to_str().unwrap(), text);
    // The server begins to look at the data when no key comes; keys that come then are answered
    // before it has.
    thread::sleep(Duration::from_millis(160));
    for _ in 0..3 {
        client.change(text);
        let symbols = client
            .ask::<ask::DocumentSymbolRequest>(json!({ "textDocument": { "uri": client.uri } }));
        assert!(symbols.unwrap().is_some());
    }
    // What the data say comes all the same, of the text as it is now.
    let last = client.version;
    client.until(&|told| {
        let missing = |d: &Diagnostic| json!(d.code) == "missing-column";
        told.version == Some(last) && told.diagnostics.iter().any(missing)
    });
    client.shuts_down();
}

#[test]
fn a_server_ends_with_the_code_that_the_protocol_asks_for() {
    // `exit` without `shutdown` is a mistake of the editor.
    let mut client = Client::initialized(json!({}));
    client.tell::<tell::Exit>(Value::Null);
    assert_eq!(client.ended(), (1, String::new()));
    // Nothing is answered before `initialize`, but that.
    let mut client = Client::start();
    let early = client.ask::<ask::Shutdown>(Value::Null).unwrap_err();
    assert!(early.contains("initialize"), "{early}");
    assert_eq!(client.ended().0, 70);
    // An editor that goes away takes the server with it.
    assert_eq!(Client::initialized(json!({})).ended(), (0, String::new()));
}

#[test]
fn what_is_no_message_ends_a_server_with_a_sentence() {
    for noise in ["Content-Length: 5\r\n\r\nhello", "Content-Length: -3\r\n\r\n", "hello\r\n\r\n"] {
        let mut client = Client::initialized(json!({}));
        client.input.as_mut().unwrap().write_all(noise.as_bytes()).unwrap();
        let (code, written) = client.ended();
        assert_eq!(code, 70, "{noise}: {written}");
        assert!(written.contains("the connection to the editor"), "{written}");
        assert!(!written.contains("panicked"), "{written}");
    }
}
