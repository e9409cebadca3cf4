//! The language server: messages of an editor to answers, over the questions of `session`.
//!
//! [`Server::handle`] takes one message and gives those to send; nothing here reads a stream. What
//! takes longer than a key may is a [`Look`], for whoever has the time.
//! Invariant: whatever an editor sends, in whatever state its texts are, it gets an answer.

mod actions;
mod diagnostics;
mod lookup;
mod open;
mod place;
mod symbols;
mod tokens;

pub use open::{Found, Look};

use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types::request::{self as ask, Request as _};
use lsp_types::{
    CodeActionProviderCapability, CompletionOptions, DiagnosticOptions,
    DiagnosticServerCapabilities, ExecuteCommandOptions, FoldingRangeProviderCapability,
    HoverProviderCapability, OneOf, RenameOptions, SemanticTokensFullOptions,
    SemanticTokensOptions, ServerCapabilities, SignatureHelpOptions, TextDocumentSyncCapability,
    TextDocumentSyncKind, Uri, WorkDoneProgressOptions, notification as told,
    notification::Notification as _,
};
use open::Open;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// The command that gives the page of a diagnostic, in Markdown.
const EXPLAIN: &str = "vippl.explain";

/// What a server asks of the process around it.
pub trait Host: Sync {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a folder; those of folders end with `/`.
    fn list(&self, folder: &Path) -> Vec<String>;
}

/// What an editor may set, as `initializationOptions` or under `vippl` in its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Data as on the command line; paths are relative to the program.
    pub data: Vec<String>,
    /// Where the pages of the diagnostics are: `SLUG.html` is put after it.
    pub documentation: Option<String>,
}

/// A server with the texts that are open.
pub struct Server<'h> {
    host: &'h dyn Host,
    settings: Settings,
    documents: HashMap<String, Open>,
    /// How often any text has changed.
    changes: u64,
    pulls: bool,
}

/// What the server can do, for the answer to `initialize`.
pub fn capabilities() -> ServerCapabilities {
    let no_progress = WorkDoneProgressOptions::default();
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(
            TextDocumentSyncKind::INCREMENTAL,
        )),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(
                ["(", "[", "~", ",", ":", "\"", " "].map(str::to_owned).to_vec(),
            ),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(["(", ","].map(str::to_owned).to_vec()),
            retrigger_characters: Some(vec!["=".to_owned()]),
            work_done_progress_options: no_progress,
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: no_progress,
        })),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: vec![EXPLAIN.to_owned()],
            work_done_progress_options: no_progress,
        }),
        semantic_tokens_provider: Some(
            SemanticTokensOptions {
                legend: tokens::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            }
            .into(),
        ),
        inlay_hint_provider: Some(OneOf::Left(true)),
        diagnostic_provider: Some(DiagnosticServerCapabilities::Options(DiagnosticOptions {
            identifier: Some("vippl".to_owned()),
            inter_file_dependencies: true,
            workspace_diagnostics: false,
            work_done_progress_options: no_progress,
        })),
        ..ServerCapabilities::default()
    }
}

impl<'h> Server<'h> {
    /// A server for an editor that has sent these parameters of `initialize`.
    pub fn new(host: &'h dyn Host, initialize: &Value) -> Self {
        let settings = initialize.get("initializationOptions").cloned().unwrap_or_default();
        let pulls = initialize.pointer("/capabilities/textDocument/diagnostic").is_some();
        let (documents, default) = (HashMap::new(), Settings::default());
        let mut server = Server { host, settings: default, documents, changes: 0, pulls };
        server.set(settings);
        server
    }

    /// Whether there is work to do when no message comes.
    pub fn is_waiting(&self) -> bool {
        self.documents.values().any(Open::is_waiting)
    }

    /// A look at the data of a text that has changed since the last one.
    pub fn look(&mut self) -> Option<Look> {
        let open = self.documents.values_mut().find(|open| open.is_waiting())?;
        Some(open.look(&self.settings))
    }

    /// Takes what a look found, and tells it.
    pub fn learn(&mut self, found: Found) -> Vec<Message> {
        let uri = found.uri.as_str().to_owned();
        let mut out = Vec::new();
        if self.documents.get_mut(&uri).is_some_and(|open| open.learn(found)) {
            out.extend(self.publish(&uri));
            if self.pulls {
                let id = format!("refresh {uri} {}", self.version(&uri)).into();
                let method = ask::WorkspaceDiagnosticRefresh::METHOD.to_owned();
                out.push(Message::Request(Request { id, method, params: Value::Null }));
            }
        }
        out
    }

    fn version(&self, uri: &str) -> i32 {
        self.documents.get(uri).map_or(0, |open| open.version)
    }

    /// Answers a message.
    pub fn handle(&mut self, message: Message) -> Vec<Message> {
        match message {
            Message::Request(request) => {
                let id = request.id.clone();
                let response = match self.answer(request) {
                    Ok(value) => Response::new_ok(id, value),
                    Err((code, message)) => Response::new_err(id, code as i32, message),
                };
                vec![Message::Response(response)]
            }
            Message::Notification(notification) => self.note(notification),
            Message::Response(_) => Vec::new(),
        }
    }

    fn note(&mut self, notification: Notification) -> Vec<Message> {
        let Notification { method, params } = notification;
        match method.as_str() {
            told::DidOpenTextDocument::METHOD => {
                let Some(params) = read::<lsp_types::DidOpenTextDocumentParams>(params) else {
                    return Vec::new();
                };
                let item = params.text_document;
                let key = item.uri.as_str().to_owned();
                self.changes += 1;
                let open = Open::new(item.uri, item.version, item.text, self.changes, self.host);
                self.documents.insert(key.clone(), open);
                self.publish(&key)
            }
            told::DidChangeTextDocument::METHOD => {
                let Some(params) = read::<lsp_types::DidChangeTextDocumentParams>(params) else {
                    return Vec::new();
                };
                let key = params.text_document.uri.as_str().to_owned();
                let Some(open) = self.documents.get_mut(&key) else { return Vec::new() };
                self.changes += 1;
                let version = params.text_document.version;
                open.change(version, &params.content_changes, self.changes, self.host);
                self.publish(&key)
            }
            told::DidSaveTextDocument::METHOD => {
                // Files beside the program may have changed too.
                self.documents.values_mut().for_each(Open::forget_data);
                Vec::new()
            }
            told::DidCloseTextDocument::METHOD => {
                let Some(params) = read::<lsp_types::DidCloseTextDocumentParams>(params) else {
                    return Vec::new();
                };
                self.documents.remove(params.text_document.uri.as_str());
                vec![published(params.text_document.uri, Vec::new(), None)]
            }
            told::DidChangeConfiguration::METHOD => {
                let settings = params.pointer("/settings/vippl").cloned();
                self.set(settings.unwrap_or_default());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Takes settings; what is no setting is as if it were not there.
    fn set(&mut self, settings: Value) {
        self.settings = serde_json::from_value(settings).unwrap_or_default();
        self.documents.values_mut().for_each(Open::forget_data);
    }

    /// The diagnostics of a text, to be sent unasked to editors that do not ask.
    fn publish(&self, key: &str) -> Vec<Message> {
        match self.documents.get(key) {
            Some(open) if !self.pulls => {
                let found = diagnostics::all(open, &self.settings);
                vec![published(open.uri.clone(), found, Some(open.version))]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn answer(&mut self, request: Request) -> Result<Value, (ErrorCode, String)> {
        let Request { method, params, .. } = request;
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).unwrap_or("");
        let open = self.documents.get(uri);
        if method == ask::ExecuteCommand::METHOD {
            return Ok(explain(&params));
        }
        if !method.starts_with("textDocument/") {
            return Err((ErrorCode::MethodNotFound, format!("there is no `{method}`")));
        }
        let Some(open) = open else {
            return Err((ErrorCode::InvalidParams, format!("`{uri}` is not open")));
        };
        let at = params.get("position").cloned().and_then(read);
        let at = at.map_or(0, |position| open.lines.offset(&open.text, position));
        let wrong = |why: String| (ErrorCode::InvalidParams, why);
        match method.as_str() {
            ask::HoverRequest::METHOD => Ok(json!(lookup::hover(open, at))),
            ask::Completion::METHOD => Ok(json!(lookup::completion(open, at, self.host))),
            ask::SignatureHelpRequest::METHOD => Ok(json!(lookup::signature_help(open, at))),
            ask::GotoDefinition::METHOD => Ok(json!(symbols::definition(open, at))),
            ask::References::METHOD => {
                let all = params.pointer("/context/includeDeclaration") != Some(&json!(false));
                Ok(json!(symbols::references(open, at, all)))
            }
            ask::DocumentHighlightRequest::METHOD => Ok(json!(symbols::highlights(open, at))),
            ask::DocumentSymbolRequest::METHOD => Ok(json!(symbols::outline(open))),
            ask::PrepareRenameRequest::METHOD => {
                symbols::prepare_rename(open, at).map(|range| json!(range)).map_err(wrong)
            }
            ask::Rename::METHOD => {
                let new = params.get("newName").and_then(Value::as_str).unwrap_or("");
                symbols::rename(open, at, new).map(|edit| json!(edit)).map_err(wrong)
            }
            ask::Formatting::METHOD => Ok(json!(actions::formatting(open))),
            ask::RangeFormatting::METHOD => {
                let range = params.get("range").cloned().and_then(read);
                Ok(json!(range.and_then(|range| actions::range_formatting(open, range))))
            }
            ask::CodeActionRequest::METHOD => {
                let range = params.get("range").cloned().and_then(read);
                Ok(json!(actions::quick_fixes(open, range, &self.settings)))
            }
            ask::SemanticTokensFullRequest::METHOD => Ok(json!(tokens::all(open))),
            ask::InlayHintRequest::METHOD => Ok(json!(lookup::inlay_hints(open))),
            ask::FoldingRangeRequest::METHOD => Ok(json!(symbols::folding(open))),
            ask::DocumentDiagnosticRequest::METHOD => {
                let items = diagnostics::all(open, &self.settings);
                Ok(json!({ "kind": "full", "items": items }))
            }
            _ => Err((ErrorCode::MethodNotFound, format!("there is no `{method}`"))),
        }
    }
}

fn read<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).ok()
}

fn published(uri: Uri, diagnostics: Vec<lsp_types::Diagnostic>, version: Option<i32>) -> Message {
    let params = lsp_types::PublishDiagnosticsParams { uri, diagnostics, version };
    Message::Notification(Notification::new(told::PublishDiagnostics::METHOD.to_owned(), params))
}

/// The page of the diagnostic that a command asks for.
fn explain(params: &Value) -> Value {
    let asked = params.get("command").and_then(Value::as_str) == Some(EXPLAIN);
    let slug = params.pointer("/arguments/0").and_then(Value::as_str).filter(|_| asked);
    let slug = crate::diagnostic::Slug::ALL.iter().find(|s| Some(s.name()) == slug);
    slug.map_or(Value::Null, |slug| json!(slug.page()))
}
