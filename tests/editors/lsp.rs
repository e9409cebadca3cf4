//! A scripted editor: every request, on good, half-typed and hostile texts.

use super::{programs, root};
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use vippl::lsp::{Host, Server, capabilities};

/// The files of the project.
struct Files;

impl Host for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// An editor with one text open.
struct Editor {
    server: Server<'static>,
    uri: String,
    version: i32,
    told: Vec<Value>,
}

impl Editor {
    fn open(path: &str, text: &str) -> Editor {
        Editor::with(json!({}), path, text)
    }

    fn with(settings: Value, path: &str, text: &str) -> Editor {
        let initialize = json!({ "capabilities": {}, "initializationOptions": settings });
        let uri = format!("file://{}", root().join(path).display());
        let server = Server::new(&Files, &initialize);
        let mut editor = Editor { server, uri, version: 1, told: Vec::new() };
        let item = json!({ "uri": editor.uri, "languageId": "vippl", "version": 1, "text": text });
        editor.note("textDocument/didOpen", json!({ "textDocument": item }));
        editor
    }

    fn note(&mut self, method: &str, params: Value) {
        let notification = Notification { method: method.to_owned(), params };
        let messages = self.server.handle(Message::Notification(notification));
        self.take(messages);
    }

    fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            if let Message::Notification(n) = message {
                assert_eq!(n.method, "textDocument/publishDiagnostics");
                self.told = n.params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn change(&mut self, changes: Value) {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.note("textDocument/didChange", params);
    }

    fn idle(&mut self) {
        while let Some(look) = self.server.look() {
            let messages = self.server.learn(look.take(&Files));
            self.take(messages);
        }
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Result<Value, String> {
        params["textDocument"] = json!({ "uri": self.uri });
        let request = Request { id: 1.into(), method: format!("textDocument/{method}"), params };
        let messages = self.server.handle(Message::Request(request));
        let [Message::Response(response)] = messages.as_slice() else { panic!("{messages:?}") };
        response.response_result.clone().map_err(|error| error.message)
    }

    fn result(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn at(&mut self, method: &str, line: u32, character: u32) -> Value {
        self.result(method, json!({ "position": { "line": line, "character": character } }))
    }

    fn labels(&mut self, line: u32, character: u32) -> Vec<String> {
        let list = self.at("completion", line, character);
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }
}

const SCHOOLS: &str = "# Effects of coaching.
data school(effect, se)

# The common mean.
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
shifted = theta - mu
effect ~ Normal(theta, se)
report worst = min(shifted)
";

/// A file of this name would have the data of the eight schools beside it.
const DATA: &str = "examples/eight_schools/data.vi";

#[test]
fn a_program_without_mistakes_has_nothing_said_of_it() {
    let mut editor = Editor::open(DATA, SCHOOLS);
    editor.idle();
    assert_eq!(editor.told, Vec::<Value>::new());
}

#[test]
fn a_mistake_has_a_place_related_places_and_the_name_of_its_kind() {
    let documentation = json!({ "documentation": "https://example.org/errors/" });
    let text = SCHOOLS.replace("Normal(mu, tau)", "Normal(mu, taus)");
    let editor =
        Editor::with(documentation, "%CE%B1.vi", &text.replace("effect ~", "y = x\neffect ~"));
    let first = &editor.told[0];
    assert_eq!(first["code"], "unknown-name");
    assert_eq!(first["source"], "vippl");
    assert_eq!(first["severity"], 1);
    let page = "https://example.org/errors/unknown-name.html";
    assert_eq!(first["codeDescription"]["href"], page);
    assert_eq!(first["range"]["start"], json!({ "line": 6, "character": 27 }));
    assert!(first["message"].as_str().unwrap().contains("try this: "), "{first}");
    let twice =
        Editor::open("m.vi", "data y\nm ~ Normal(0, 1)\nm ~ Normal(0, 2)\ny ~ Normal(m, 1)");
    let related = &twice.told[0]["relatedInformation"][0];
    assert_eq!(related["location"]["range"]["start"]["line"], 1, "{:?}", twice.told);
}

#[test]
fn places_are_in_utf16_code_units() {
    let mut editor = Editor::open("m.vi", "# 🦀\nα = \"🦀\" + β\n");
    let beta = editor.told.iter().find(|d| d["code"] == "unknown-name").unwrap().clone();
    assert_eq!(beta["range"]["start"], json!({ "line": 1, "character": 11 }), "{beta}");
    // One crab is two code units wide.
    let range =
        json!({ "start": { "line": 0, "character": 2 }, "end": { "line": 0, "character": 4 } });
    editor.change(json!([{ "range": range, "text": "crab" }]));
    let highlights = editor.at("documentHighlight", 1, 0);
    assert_eq!(highlights[0]["range"]["end"], json!({ "line": 1, "character": 1 }));
}

#[test]
fn data_beside_the_program_are_looked_at() {
    let text = SCHOOLS.replace("(effect, se)", "(effect, sd)").replace("theta, se", "theta, sd");
    let mut editor = Editor::open(DATA, &text);
    assert_eq!(editor.told, Vec::<Value>::new());
    editor.idle();
    assert_eq!(editor.told[0]["code"], "missing-column", "{:?}", editor.told);
    let given = json!({ "data": ["data.csv"] });
    let mut editor = Editor::with(given, "examples/eight_schools/other.vi", &text);
    editor.idle();
    assert_eq!(editor.told[0]["code"], "missing-column");
    let from = text.replace("(effect, sd)", "(effect, sd) from \"data.csv\"");
    let mut editor = Editor::open("examples/eight_schools/other.vi", &from);
    editor.idle();
    assert_eq!(editor.told[0]["code"], "missing-column");
}

#[test]
fn hover_says_what_a_name_is() {
    let mut editor = Editor::open(DATA, SCHOOLS);
    editor.idle();
    let mut text = |line, character| {
        editor.at("hover", line, character)["contents"]["value"].as_str().unwrap().to_owned()
    };
    let theta = text(6, 1);
    assert!(theta.contains("theta[school: 8]: latent, real in (-inf, inf)"), "{theta}");
    assert!(theta.contains("theta[school] ~ Normal(mu, tau)"), "{theta}");
    assert!(text(4, 0).contains("The common mean."));
    assert!(text(7, 2).contains("shifted[school] = theta[school] - mu"));
    let normal = text(4, 6);
    assert!(normal.contains("Normal(mean, sd)") && normal.contains("positive"), "{normal}");
    assert!(text(9, 16).contains("smallest"));
    assert_eq!(editor.at("hover", 3, 0), Value::Null);
}

#[test]
fn completion_knows_columns_families_arguments_axes_and_names() {
    let mut editor = Editor::open(DATA, SCHOOLS);
    editor.idle();
    let mut completed = |line: &str| {
        let text = SCHOOLS.replace("theta[school] ~ Normal(mu, tau)\n", &format!("{line}\n"));
        editor.change(json!([{ "text": text }]));
        editor.labels(6, line.encode_utf16().count() as u32)
    };
    assert!(completed("").contains(&"predict".to_owned()));
    assert_eq!(completed("data person(")[..3], ["school", "effect", "se"]);
    assert_eq!(completed("data person(y: ")[..4], ["real", "int", "bool", "index"]);
    let families = completed("x ~ No");
    assert!(families[0] == "Flat" && families.contains(&"Normal".to_owned()), "{families:?}");
    let arguments = completed("x ~ Gamma(");
    assert_eq!(arguments[..2], ["shape", "rate"], "{arguments:?}");
    assert!(!completed("x ~ Gamma(shape = 1, ").contains(&"shape".to_owned()));
    assert_eq!(completed("x[")[0], "school");
    let names = completed("x = mu + ");
    assert!(names.contains(&"tau".to_owned()) && names.contains(&"exp".to_owned()));
    assert!(completed("x[i in school] = ").contains(&"i".to_owned()));
    assert_eq!(completed("x ~ Normal(0, 1) with ")[0], "noncentered");
    assert!(completed("data t(y) from \"").contains(&"data.csv".to_owned()));
    assert!(completed("# no").is_empty() || !completed("# no").contains(&"data.csv".to_owned()));
}

#[test]
fn signatures_say_which_argument_is_written() {
    let mut editor = Editor::open(
        "m.vi",
        "x ~ Normal(0, \ny ~ Gamma(shape = 2, scale = \nfun f(a, b[k]) = a\nz = f(1, ",
    );
    let help = editor.at("signatureHelp", 0, 14);
    assert_eq!(help["signatures"][0]["label"], "Normal(mean, sd)");
    assert_eq!(help["activeParameter"], 1);
    let help = editor.at("signatureHelp", 1, 29);
    let active = help["activeSignature"].as_u64().unwrap() as usize;
    let label = help["signatures"][active]["label"].as_str().unwrap();
    assert!(label.contains("scale"), "{help}");
    let help = editor.at("signatureHelp", 3, 9);
    assert_eq!(help["signatures"][0]["label"], "f(a, b[k])");
    assert_eq!(help["activeParameter"], 1);
    assert_eq!(Editor::open("m.vi", "x = 1").at("signatureHelp", 0, 3), Value::Null);
}

#[test]
fn names_are_followed_to_their_definitions_and_uses() {
    let mut editor = Editor::open("m.vi", SCHOOLS);
    let definition = editor.at("definition", 7, 11);
    assert_eq!(definition["range"]["start"], json!({ "line": 6, "character": 0 }));
    assert_eq!(editor.at("definition", 6, 7)["range"]["start"]["line"], 1);
    let uses = editor.result(
        "references",
        json!({ "position": { "line": 4, "character": 0 }, "context": { "includeDeclaration": true } }),
    );
    let lines: Vec<u64> = uses
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["range"]["start"]["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [4, 6, 7]);
    assert_eq!(editor.at("definition", 4, 6), Value::Null);
}

/// The text after edits in any order that do not meet.
fn edited(text: &str, edits: &Value) -> String {
    let mut edits: Vec<Value> = edits.as_array().unwrap().clone();
    edits.sort_by_key(|e| {
        let start = &e["range"]["start"];
        (start["line"].as_u64().unwrap(), start["character"].as_u64().unwrap())
    });
    let mut text = text.to_owned();
    let offset = |text: &str, place: &Value| {
        let (line, column) =
            (place["line"].as_u64().unwrap(), place["character"].as_u64().unwrap());
        let start: usize = text.split_inclusive('\n').take(line as usize).map(str::len).sum();
        let mut units = 0;
        let rest = &text[start..];
        let at = rest.char_indices().find(|(_, c)| {
            let here = units == column;
            units += c.len_utf16() as u64;
            here
        });
        start + at.map_or(rest.len(), |(at, _)| at)
    };
    for edit in edits.iter().rev() {
        let range = &edit["range"];
        let (start, end) = (offset(&text, &range["start"]), offset(&text, &range["end"]));
        text.replace_range(start..end, edit["newText"].as_str().unwrap());
    }
    text
}

#[test]
fn a_new_name_is_written_everywhere_and_keeps_the_header_of_its_column() {
    let mut editor = Editor::open("m.vi", SCHOOLS);
    let uri = editor.uri.clone();
    let mut rename = |line: u32, character: u32, new: &str| {
        let position = json!({ "line": line, "character": character });
        editor.ask("rename", json!({ "position": position, "newName": new }))
    };
    let changes = rename(6, 0, "θ").unwrap()["changes"][&uri].clone();
    assert_eq!(edited(SCHOOLS, &changes), SCHOOLS.replace("theta", "θ"));
    let changes = rename(1, 13, "observed").unwrap()["changes"][&uri].clone();
    let expected =
        SCHOOLS.replace("(effect,", "(\"effect\" as observed,").replace("effect ~", "observed ~");
    assert_eq!(edited(SCHOOLS, &changes), expected);
    for (new, why) in [("if", "not a name"), ("a b", "not a name"), ("tau", "defined already")] {
        let error = rename(4, 0, new).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    assert!(rename(4, 6, "x").unwrap_err().contains("not defined"));
    assert!(rename(0, 0, "x").unwrap_err().contains("no name"));
    assert_eq!(editor.at("prepareRename", 6, 2)["end"]["character"], 5);
}

#[test]
fn names_of_one_statement_are_renamed_in_it_alone() {
    let text = "data y[a]\nfun f(x, s) = x / s\nx[i in a] = f(y[i], s = 2)\nz[i in a] = x[i]\nz ~ Normal(0, 1)\n";
    let mut editor = Editor::open("m.vi", text);
    let uri = editor.uri.clone();
    let mut rename = |line: u32, character: u32| {
        let position = json!({ "line": line, "character": character });
        let answer = editor.ask("rename", json!({ "position": position, "newName": "new" }));
        edited(text, &answer.unwrap()["changes"][&uri])
    };
    assert_eq!(rename(2, 2), text.replace("x[i in a] = f(y[i]", "x[new in a] = f(y[new]"));
    assert_eq!(
        rename(1, 9),
        text.replace("f(x, s) = x / s", "f(x, new) = x / new").replace("s = 2", "new = 2")
    );
    assert_eq!(rename(1, 6), text.replace("f(x, s) = x /", "f(new, s) = new /"));
}

#[test]
fn every_try_this_that_is_an_edit_is_an_action() {
    for (wrong, right) in [
        ("data y\nx <- 3\ny ~ Normal(x, 1)\n", "data y\nx = 3\ny ~ Normal(x, 1)\n"),
        (
            "data y\nlevel ~ Normal(0, 1)\ny ~ Normal(lefel, 1)\n",
            "data y\nlevel ~ Normal(0, 1)\ny ~ Normal(level, 1)\n",
        ),
    ] {
        let mut editor = Editor::open("m.vi", wrong);
        let whole =
            json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
        let actions = editor
            .result("codeAction", json!({ "range": whole, "context": { "diagnostics": [] } }));
        let fix = actions.as_array().unwrap().iter().find(|a| a["kind"] == "quickfix");
        let fix = fix.unwrap_or_else(|| panic!("{actions}"));
        assert_eq!(edited(wrong, &fix["edit"]["changes"][&editor.uri]), right);
        let explain = actions.as_array().unwrap().iter().find(|a| a["command"] == "vippl.explain");
        assert!(explain.is_some(), "{actions}");
    }
}

#[test]
fn the_layout_is_one_edit_and_none_where_there_are_mistakes() {
    let mut editor = Editor::open("m.vi", "x=1\n\n\n\ny  = x");
    let edits = editor.result("formatting", json!({ "options": {} }));
    assert_eq!(edited("x=1\n\n\n\ny  = x", &edits), "x = 1\n\ny = x\n");
    editor.change(json!([{ "text": "x = 1\n" }]));
    assert_eq!(editor.result("formatting", json!({ "options": {} })), json!([]));
    editor.change(json!([{ "text": "x = (\n" }]));
    assert_eq!(editor.result("formatting", json!({ "options": {} })), Value::Null);
}

#[test]
fn a_range_is_laid_out_by_the_statements_it_touches() {
    let text = "x=1\n\n\ny  =  x  # why\nz=y\nw = (\n";
    let mut editor = Editor::open("m.vi", text);
    let mut lay_out = |from: u32, to: u32| {
        let range = json!({ "start": { "line": from, "character": 1 },
            "end": { "line": to, "character": 1 } });
        let edits = editor.result("rangeFormatting", json!({ "range": range, "options": {} }));
        edits.is_array().then(|| edited(text, &edits))
    };
    assert_eq!(lay_out(3, 3).unwrap(), text.replace("y  =  x", "y = x"));
    assert_eq!(lay_out(3, 4).unwrap(), text.replace("y  =  x", "y = x").replace("z=y", "z = y"));
    assert_eq!(lay_out(0, 0).unwrap(), text.replace("x=1", "x = 1"));
    // Nothing is there, or nothing that could be laid out.
    assert_eq!(lay_out(1, 1), None);
    assert_eq!(lay_out(4, 5), None);
}

#[test]
fn the_outline_the_folds_the_hints_and_the_colours_are_those_of_the_text() {
    let text = "# a\n# b\ndata t(y, x)\npart p(a) {\n  output b = a\n}\nf = x + 1\ns ~ HalfNormal(1)\ny ~ Normal(f, s)\n";
    let mut editor = Editor::open("m.vi", text);
    let outline = editor.result("documentSymbol", json!({}));
    let names: Vec<&str> =
        outline.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["t", "p", "f", "s", "y"]);
    assert_eq!(outline[0]["children"][1]["name"], "x");
    let folds = editor.result("foldingRange", json!({}));
    assert_eq!(folds[0], json!({ "startLine": 0, "endLine": 1, "kind": "comment" }));
    assert_eq!(folds[1]["startLine"], 3);
    let range =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let hints = editor.result("inlayHint", json!({ "range": range }));
    let hints: Vec<&str> =
        hints.as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap()).collect();
    assert_eq!(hints, ["[t]", " in (0, inf)"]);
    let tokens = editor.result("semanticTokens/full", json!({}));
    let data = tokens["data"].as_array().unwrap();
    assert_eq!(data.len() % 5, 0);
    // The first word is a comment, the third the keyword `data`.
    let types = &capabilities().semantic_tokens_provider.map(|p| json!(p)).unwrap()["legend"];
    let name = |token: usize| {
        let number = data[token * 5 + 3].as_u64().unwrap() as usize;
        types["tokenTypes"][number].as_str().unwrap().to_owned()
    };
    assert_eq!((name(0), name(2), name(3)), ("comment".into(), "keyword".into(), "enum".into()));
}

#[test]
fn pulled_diagnostics_are_those_that_are_pushed() {
    let mut editor = Editor::open("m.vi", "x = y");
    let pulled = editor.result("diagnostic", json!({}));
    assert_eq!(pulled["kind"], "full");
    assert_eq!(pulled["items"].as_array().unwrap(), &editor.told);
}

#[test]
fn what_is_not_understood_is_an_error_and_no_more() {
    let mut editor = Editor::open("m.vi", "x = 1");
    assert!(editor.ask("nonsense", json!({})).is_err());
    assert!(editor.ask("rename", json!({ "position": "here" })).is_err());
    assert!(editor.ask("hover", json!({ "position": { "line": -1 } })).is_ok());
    editor.note("textDocument/didChange", json!({ "contentChanges": 3 }));
    editor.note("workspace/didChangeConfiguration", json!({ "settings": { "vippl": 3 } }));
    editor.note("$/cancelRequest", json!({ "id": 1 }));
    let beyond =
        json!({ "start": { "line": 7, "character": 9 }, "end": { "line": 3, "character": 0 } });
    editor.change(json!([{ "range": beyond, "text": "\ny = 2" }]));
    assert_eq!(editor.result("documentSymbol", json!({})).as_array().unwrap().len(), 2);
    let uri = editor.uri.clone();
    editor.note("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    assert!(editor.ask("hover", json!({})).is_err());
}

/// Asks for whatever answer there is.
fn survive(editor: &mut Editor, method: &str, params: Value) {
    // Either way, it is an answer.
    drop(editor.ask(method, params));
}

/// Every request on a text, at a few of its places.
fn asked_everything(editor: &mut Editor, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len() - 1;
    let end = (last as u32, lines[last].encode_utf16().count() as u32);
    for (line, character) in [end, (0, 3), (last as u32 / 2, 5)] {
        let position = json!({ "line": line, "character": character });
        for method in ["hover", "completion", "signatureHelp", "definition", "documentHighlight"] {
            survive(editor, method, json!({ "position": position }));
        }
        survive(editor, "references", json!({ "position": position }));
        survive(editor, "prepareRename", json!({ "position": position }));
        survive(editor, "rename", json!({ "position": position, "newName": "fresh" }));
    }
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": end.0, "character": end.1 } });
    for method in
        ["documentSymbol", "formatting", "semanticTokens/full", "foldingRange", "diagnostic"]
    {
        survive(editor, method, json!({}));
    }
    survive(editor, "inlayHint", json!({ "range": whole }));
    survive(editor, "codeAction", json!({ "range": whole }));
    survive(editor, "rangeFormatting", json!({ "range": whole }));
}

/// Programs cut off anywhere and damaged anywhere.
#[test]
fn half_typed_and_damaged_programs_are_survived() {
    let programs: Vec<String> = programs().into_iter().map(|(_, text)| text).collect();
    let mut editor = Editor::open("m.vi", "");
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below.max(1)
    };
    for count in 0..60 {
        let text = &programs[random(programs.len())];
        let mut characters: Vec<char> = text.chars().collect();
        if count % 2 == 0 {
            characters.truncate(random(characters.len() + 1));
        } else {
            for _ in 0..=random(4) {
                let at = random(characters.len());
                let other = characters.get(random(characters.len())).copied().unwrap_or('(');
                match random(3) {
                    0 if at < characters.len() => drop(characters.remove(at)),
                    1 => characters.insert(at, other),
                    _ => characters.extend(['(', '"', '[', '{', '~', 'é', '🦀'].get(at % 7)),
                }
            }
        }
        let text: String = characters.into_iter().collect();
        editor.change(json!([{ "text": text }]));
        editor.idle();
        asked_everything(&mut editor, &text);
    }
}

#[test]
fn a_program_is_typed_key_by_key() {
    let mut editor = Editor::open("m.vi", "");
    let text = include_str!("../../stdlib/dynamics.vi");
    let keys: Vec<char> = text.chars().collect();
    for end in (0..keys.len()).step_by(3) {
        let so_far: String = keys[..end].iter().collect();
        editor.change(json!([{ "text": so_far }]));
        let lines = so_far.matches('\n').count() as u32;
        let column = so_far.rsplit('\n').next().unwrap().chars().count() as u32;
        editor.labels(lines, column);
        editor.at("signatureHelp", lines, column);
    }
    editor.change(json!([{ "text": text }]));
    assert_eq!(editor.told, Vec::<Value>::new());
}
