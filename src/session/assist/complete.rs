//! What can be written at a place, by the tokens before it.

use super::names::{Index, SymbolKind};
use crate::library::catalogue::{Callable, catalogue, entry};
use crate::session::Document;
use crate::source::SourceId;
use crate::syntax::lexer::lex;
use crate::syntax::token::{Lexeme, Token};
use std::ops::Range;

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// A word of the language.
    Keyword,
    /// A family or kernel.
    Family,
    /// A function.
    Function,
    /// An argument of the call around the place.
    Parameter,
    /// A column of the data.
    Column,
    /// An axis or table.
    Axis,
    /// Any other name of the program.
    Name,
}

/// Something that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is shown.
    pub label: String,
    /// What is written.
    pub insert: String,
    /// What it is.
    pub kind: CandidateKind,
    /// A few words about it.
    pub detail: String,
}

/// What can be written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is there already, and is replaced.
    pub range: Range<usize>,
    /// The candidates, likelier ones first.
    pub candidates: Vec<Candidate>,
    /// Whether the path of a file is wanted; `range` is what is there of it.
    pub wants_path: bool,
}

/// A call that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    /// How many arguments come before the one at the place.
    pub(super) position: usize,
    /// The name of the argument at the place, if it has one.
    pub(super) argument: Option<String>,
    /// The names of the arguments.
    pub(super) named: Vec<String>,
}

/// What a place is inside of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// The innermost call.
    pub(super) call: Option<Call>,
    /// The first word of the statement.
    first: Option<Token>,
    /// The token before the word at the place.
    previous: Option<Token>,
    /// Whether the place is in the brackets of the columns of a table.
    in_columns: bool,
    /// Whether the place is in square brackets.
    in_brackets: bool,
    /// Where the word at the place begins.
    word: usize,
    /// Where the string at the place begins, inside its quotes.
    string: Option<usize>,
}

/// Reads the tokens before a place.
pub(super) fn around(text: &str, offset: usize) -> Around {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let lexed = lex(SourceId::default(), before);
    let mut tokens = lexed.tokens;
    let mut around = Around { word: offset, ..Around::default() };
    if lexed.comments.last().is_some_and(|c| {
        c.span.end as usize >= before.trim_end_matches([' ', '\t']).len() && !before.ends_with('\n')
    }) {
        return around;
    }
    // A string that is still open is one bad token to the end.
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let quotes: Vec<usize> = before[line..].match_indices('"').map(|(at, _)| line + at).collect();
    if quotes.len() % 2 == 1 {
        around.string = quotes.last().map(|at| at + 1);
        tokens.retain(|lexeme| quotes.last().is_none_or(|at| (lexeme.end as usize) <= *at));
    } else if let Some(last) = tokens.last().copied()
        && last.end as usize == offset
        && (last.token.is_name() || last.token.is_reserved() || last.token == Token::Qualified)
    {
        around.word = last.start as usize;
        tokens.pop();
    }
    let mut open: Vec<(Lexeme, Option<Lexeme>, usize)> = Vec::new();
    let mut named: Vec<(usize, Lexeme, usize)> = Vec::new();
    let mut start = true;
    for (at, lexeme) in tokens.iter().enumerate() {
        let previous = at.checked_sub(1).map(|i| tokens[i]);
        if lexeme.token == Token::Newline {
            let inside = open.last().is_some_and(|(o, ..)| o.token != Token::OpenBrace);
            let goes_on = previous.is_some_and(|p| p.token.continues_line());
            let next = tokens.get(at + 1).map(|l| l.token);
            let after = tokens.get(at + 2).map(|l| l.token);
            // Whatever is open, such a line is the beginning of a statement.
            let begins = next.is_some_and(Token::starts_statement)
                && after.is_some_and(Token::is_name)
                || next.is_some_and(Token::is_name) && after == Some(Token::Tilde);
            start |= begins || !inside && !goes_on;
            continue;
        }
        if start {
            open.retain(|(o, ..)| o.token == Token::OpenBrace);
            around.first = Some(lexeme.token);
            start = false;
        }
        if lexeme.token.opens() {
            let callee = previous.filter(|p| {
                lexeme.token == Token::OpenParen
                    && p.end == lexeme.start
                    && (p.token.is_name() || p.token == Token::Qualified)
            });
            open.push((*lexeme, callee, 0));
            start = lexeme.token == Token::OpenBrace;
        } else if lexeme.token.closes() {
            open.pop();
        } else if lexeme.token == Token::Comma {
            if let Some((_, _, count)) = open.last_mut() {
                *count += 1;
            }
        } else if lexeme.token == Token::Equal
            && let Some(name) = previous
            && let Some((_, Some(_), count)) = open.last()
        {
            named.push((open.len(), name, *count));
        }
    }
    if start {
        around.first = None;
    }
    around.previous = tokens.iter().rfind(|l| l.token != Token::Newline).map(|l| l.token);
    if start && !around.previous.is_some_and(Token::continues_line) {
        around.previous = None;
    }
    let depth = open.len();
    if let Some((bracket, callee, position)) = open.last() {
        around.in_brackets = bracket.token == Token::OpenBracket;
        around.in_columns = around.first == Some(Token::Data) && callee.is_some();
        if let Some(callee) = callee.filter(|_| !around.in_columns) {
            let own =
                named.iter().filter(|(at, name, _)| *at == depth && name.start > bracket.start);
            let own: Vec<&(usize, Lexeme, usize)> = own.collect();
            let slice = |lexeme: &Lexeme| text[lexeme.range()].to_owned();
            let current = own.iter().rfind(|(_, _, count)| count == position);
            around.call = Some(Call {
                name: slice(&callee),
                position: *position,
                argument: current.map(|(_, name, _)| slice(name)),
                named: own.iter().map(|(_, name, _)| slice(name)).collect(),
            });
        }
    }
    around
}

/// Words that can start a statement, and what each is for.
const STARTS: &[(&str, &str)] = &[
    ("data", "what is observed"),
    ("axis", "an axis with its elements"),
    ("report", "a quantity to print beside the latents"),
    ("predict", "a quantity to draw after the fit"),
    ("factor", "a term of the log density"),
    ("fun", "a function"),
    ("dist", "a family by its log density"),
    ("import", "a module"),
    ("ode", "differential equations"),
    ("part", "a piece of model"),
    ("use", "a part in its place"),
];

const KINDS: &[(&str, &str)] = &[
    ("real", "any number"),
    ("int", "a whole number"),
    ("bool", "0 or 1, true or false"),
    ("index", "the levels of the column make an axis"),
];

const HINTS: &[(&str, &str)] = &[
    ("noncentered", "fit the standardised value"),
    ("centered", "fit the value as written"),
    ("batch", "fit on parts of the rows"),
];

/// What can be written at a place. `columns` are the headers of the data at hand.
pub fn complete(
    document: &Document,
    index: &Index,
    columns: &[String],
    text: &str,
    offset: usize,
) -> Completion {
    let around = around(text, offset);
    let offset = offset.min(text.len());
    if let Some(start) = around.string {
        let wants_path = matches!(around.previous, Some(Token::From | Token::Import));
        let mut candidates = Vec::new();
        if around.in_columns {
            candidates.extend(columns.iter().map(|header| Candidate {
                label: header.clone(),
                insert: header.clone(),
                kind: CandidateKind::Column,
                detail: "column".to_owned(),
            }));
        }
        return Completion { range: start.min(offset)..offset, candidates, wants_path };
    }
    let mut list = List::default();
    let data = around.first == Some(Token::Data);
    if around.in_columns && around.previous != Some(Token::Colon) {
        columns.iter().for_each(|header| list.column(header));
    } else if data && around.previous == Some(Token::Colon) {
        list.words(KINDS);
        list.names(index, offset, &|kind| kind == SymbolKind::Axis || kind == SymbolKind::Table);
    } else if around.previous == Some(Token::With) {
        list.words(HINTS);
    } else if data {
        list.words(&[("from", "the file of the data"), ("with", "a hint")]);
    } else if around.previous.is_none() {
        list.words(STARTS);
        list.names(index, offset, &|kind| kind != SymbolKind::Local);
    } else {
        if let Some(call) = &around.call
            && call.argument.is_none()
            && matches!(around.previous, Some(Token::OpenParen | Token::Comma))
        {
            list.parameters(document, call);
        }
        if around.previous == Some(Token::Tilde) {
            list.callables(Some(Callable::Family));
        }
        let axes_first = around.in_brackets || around.previous == Some(Token::In);
        if axes_first {
            list.names(index, offset, &|kind| matches!(kind, SymbolKind::Axis | SymbolKind::Table));
        }
        list.names(index, offset, &|_| true);
        if around.previous != Some(Token::Tilde) {
            list.callables(None);
        } else {
            list.callables(Some(Callable::Function));
        }
        let words =
            ["if", "then", "else", "and", "or", "not", "in", "where", "over", "start", "with"];
        words.iter().for_each(|word| list.words(&[(word, "")]));
    }
    Completion { range: around.word.min(offset)..offset, candidates: list.found, wants_path: false }
}

/// Candidates, each once.
#[derive(Default)]
struct List {
    found: Vec<Candidate>,
}

impl List {
    fn push(&mut self, label: &str, insert: String, kind: CandidateKind, detail: String) {
        if !self.found.iter().any(|candidate| candidate.label == label) {
            self.found.push(Candidate { label: label.to_owned(), insert, kind, detail });
        }
    }

    fn words(&mut self, words: &[(&str, &str)]) {
        for (word, detail) in words {
            let detail = (*detail).to_owned();
            self.push(word, (*word).to_owned(), CandidateKind::Keyword, detail);
        }
    }

    /// A column; one whose header is no name gets one.
    fn column(&mut self, header: &str) {
        let tokens = lex(SourceId::default(), header).tokens;
        let is_name = matches!(tokens.as_slice(), [one]
            if one.token.is_name() && one.range() == (0..header.len()));
        let insert = match is_name {
            true => header.to_owned(),
            false => format!("\"{header}\" as {}", crate::syntax::plain::letters(header)),
        };
        self.push(header, insert, CandidateKind::Column, "column".to_owned());
    }

    fn names(&mut self, index: &Index, offset: usize, wanted: &dyn Fn(SymbolKind) -> bool) {
        for symbol in index.visible(offset).filter(|symbol| wanted(symbol.kind)) {
            let (kind, detail) = match symbol.kind {
                SymbolKind::Table => (CandidateKind::Axis, "table"),
                SymbolKind::Column => (CandidateKind::Column, "column"),
                SymbolKind::Data => (CandidateKind::Name, "data"),
                SymbolKind::Axis => (CandidateKind::Axis, "axis"),
                SymbolKind::Definition => (CandidateKind::Name, "definition"),
                SymbolKind::Random => (CandidateKind::Name, "latent"),
                SymbolKind::Function => (CandidateKind::Function, "function"),
                SymbolKind::Family => (CandidateKind::Family, "family"),
                SymbolKind::Part => (CandidateKind::Name, "part"),
                SymbolKind::Module => (CandidateKind::Name, "module"),
                SymbolKind::Local => (CandidateKind::Name, "of this line"),
                SymbolKind::Unknown => continue,
            };
            self.push(&symbol.name, symbol.name.clone(), kind, detail.to_owned());
        }
    }

    /// Arguments of a call that are not written yet.
    fn parameters(&mut self, document: &Document, call: &Call) {
        let mut add = |name: &str, detail: String| {
            if !call.named.iter().any(|written| written == name) && !name.contains(' ') {
                self.push(name, format!("{name} = "), CandidateKind::Parameter, detail);
            }
        };
        if let Some((parameters, _)) = super::signature::written(document, &call.name) {
            parameters.iter().for_each(|p| add(&p.name.value, "parameter".to_owned()));
            return;
        }
        let forms = entry(&call.name).map(|entry| entry.forms.as_slice()).unwrap_or_default();
        for parameter in forms.iter().flat_map(|form| &form.parameters) {
            add(parameter.name, parameter.doc.to_owned());
        }
    }

    fn callables(&mut self, only: Option<Callable>) {
        for entry in catalogue() {
            if only.is_some_and(|only| only != entry.callable) {
                continue;
            }
            let kind = match entry.callable {
                Callable::Family | Callable::Kernel => CandidateKind::Family,
                Callable::Function => CandidateKind::Function,
            };
            let call = entry.forms.first().map(|form| form.call(entry.name)).unwrap_or_default();
            self.push(entry.name, entry.name.to_owned(), kind, call);
        }
    }
}
