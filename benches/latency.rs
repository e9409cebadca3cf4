//! How long an editor waits: a program of 500 lines, changed key by key.
//!
//! `cargo bench --bench latency`. Every key is a change, then what an editor asks after it: the
//! diagnostics it is sent (or pulls), completion at the key, hover on a name, colours and the outline.
//! Prints the median and the 95th percentile of each over all keys, in milliseconds; the bar is
//! 20 ms at the 95th percentile.

#![allow(clippy::print_stdout, reason = "prints a table")]
#![allow(clippy::unwrap_used, reason = "a failure must stop the benchmark")]

use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::time::Instant;
use vippl::lsp::{Host, Server};

const URI: &str = "file:///models/large.vi";
const LINES: usize = 500;

/// The bar, in milliseconds.
const BAR: f64 = 20.0;

/// What is typed, into the middle of the program.
const TYPED: &str = "shift[site] ~ Normal(level_20 + 0.5 * slope_3, spread_7) with noncentered\n";

struct NoFiles;

impl Host for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// A hierarchical regression of many outcomes, as long as asked for.
fn program() -> String {
    let mut text = String::from("# Many outcomes of the same sites.\ndata row(site: index, x");
    let outcomes = (LINES - 4) / 8;
    (0..outcomes).for_each(|k| text.push_str(&format!(", y_{k}")));
    text.push_str(")\nz = standardize(x)\n\n");
    for k in 0..outcomes {
        text.push_str(&format!(
            "# Outcome {k}.\nlevel_{k} ~ Normal(0, 5)\nspread_{k} ~ HalfNormal(2)\n\
             slope_{k} ~ Normal(0, 1)\neffect_{k}[site] ~ Normal(level_{k}, spread_{k})\n\
             fitted_{k} = effect_{k}[site] + slope_{k} * z\n\
             noise_{k} ~ Gamma(shape = 2, rate = 1)\ny_{k} ~ StudentT(4, fitted_{k}, noise_{k})\n"
        ));
    }
    text
}

/// Times of one kind of request.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push(start.elapsed().as_secs_f64() * 1e3);
        result
    }

    fn quantile(&mut self, level: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[((self.0.len() - 1) as f64 * level).round() as usize]
    }
}

fn note(server: &mut Server<'_>, method: &str, params: Value) -> Vec<Message> {
    server.handle(Message::Notification(Notification { method: method.to_owned(), params }))
}

fn ask(server: &mut Server<'_>, method: &str, position: Value) -> Value {
    let params = json!({ "textDocument": { "uri": URI }, "position": position });
    let request = Request { id: 1.into(), method: format!("textDocument/{method}"), params };
    match server.handle(Message::Request(request)).pop() {
        Some(Message::Response(response)) => response.response_result.unwrap(),
        other => panic!("{method}: {other:?}"),
    }
}

fn main() {
    let text = program();
    println!("{} lines, {} bytes, {} keys", text.lines().count(), text.len(), TYPED.len());
    for pulls in [false, true] {
        let capabilities = if pulls { json!({ "diagnostic": {} }) } else { json!({}) };
        let initialize = json!({ "capabilities": { "textDocument": capabilities } });
        let mut server = Server::new(&NoFiles, &initialize);
        let item = json!({ "uri": URI, "languageId": "vippl", "version": 1, "text": text });
        note(&mut server, "textDocument/didOpen", json!({ "textDocument": item }));
        let line = text.lines().position(|line| line.starts_with("# Outcome 30")).unwrap();
        let mut times: Vec<(&str, Times)> = [
            "change and diagnostics",
            "completion",
            "hover",
            "semanticTokens/full",
            "documentSymbol",
        ]
        .map(|name| (name, Times::default()))
        .into();
        for (column, key) in TYPED.char_indices() {
            let here = json!({ "line": line, "character": column });
            let change =
                json!([{ "range": { "start": here, "end": here }, "text": key.to_string() }]);
            let document = json!({ "uri": URI, "version": column + 2 });
            let changes = json!({ "textDocument": document, "contentChanges": change });
            times[0].1.time(|| {
                let told = note(&mut server, "textDocument/didChange", changes);
                if pulls { ask(&mut server, "diagnostic", here.clone()) } else { json!(told.len()) }
            });
            let after = json!({ "line": line, "character": column + 1 });
            let name = json!({ "line": line + 2, "character": 3 });
            for (method, times) in &mut times[1..] {
                let at = if *method == "completion" { &after } else { &name };
                times.time(|| ask(&mut server, method, at.clone()));
            }
        }
        println!("\n{}", if pulls { "diagnostics are pulled" } else { "diagnostics are pushed" });
        println!("{:>24} {:>8} {:>8}", "ms", "median", "95 %");
        for (name, times) in &mut times {
            let (median, high) = (times.quantile(0.5), times.quantile(0.95));
            let mark = if high > BAR { "  above the bar" } else { "" };
            println!("{name:>24} {median:8.2} {high:8.2}{mark}");
        }
    }
}
