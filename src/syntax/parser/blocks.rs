//! Recognises the blocks and loops of other languages, so that each is one message.

use crate::diagnostic::{Diagnostic, Slug};
use crate::source::{SourceId, Span};
use crate::syntax::token::{Lexeme, Token};

/// A block of another language at the start of a statement.
pub(super) struct Block {
    /// How many tokens it covers.
    pub(super) length: usize,
    /// What to say about it.
    pub(super) diagnostic: Diagnostic,
}

/// The block that `tokens` start with, if any.
pub(super) fn find(source: SourceId, text: &str, tokens: &[Lexeme]) -> Option<Block> {
    let first = tokens.first().filter(|l| l.token.is_name())?;
    match &text[first.range()] {
        "for" | "while" | "repeat" => repetition(source, text, tokens),
        _ => block(source, text, tokens),
    }
}

/// Where the brace of a part is that `tokens` start with: on its line, or the first of the next.
pub(super) fn part(tokens: &[Lexeme]) -> Option<usize> {
    let [first, second, ..] = tokens else { return None };
    if first.token != Token::Part || !second.token.is_name() {
        return None;
    }
    let mut depth = 0usize;
    for (at, lexeme) in tokens.iter().enumerate() {
        let token = lexeme.token;
        if token == Token::OpenBrace {
            return Some(at);
        } else if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && matches!(token, Token::Equal | Token::Tilde) {
            return None;
        } else if depth == 0 && token == Token::Newline {
            let next = at + tokens[at..].iter().position(|l| l.token != Token::Newline)?;
            return (tokens[next].token == Token::OpenBrace).then_some(next);
        }
    }
    None
}

fn span(source: SourceId, first: Lexeme, last: Lexeme) -> Span {
    Span::new(source, first.start as usize, last.end as usize)
}

/// `data { … }`, `transformed parameters { … }`, `model { … }`
fn block(source: SourceId, text: &str, tokens: &[Lexeme]) -> Option<Block> {
    let words = tokens.iter().take_while(|l| l.token.is_name()).count();
    if words == 0 || words > 2 {
        return None;
    }
    let brace = words + tokens[words..].iter().position(|l| l.token != Token::Newline)?;
    if tokens[brace].token != Token::OpenBrace {
        return None;
    }
    let name = &text[tokens[0].start as usize..tokens[words - 1].end as usize];
    let help = match name {
        "data" => "list the data on a line: `data N: int, school(y, sigma)`",
        "parameters" => "delete the block: a name with `~` that is not data is a latent",
        "transformed data" | "transformed parameters" | "generated quantities" => {
            "write the equations alone, one per line; `report` prints a quantity after the fit"
        }
        "functions" => "write each function as `fun name(x) = …`",
        _ => "write the equations alone, one per line, in any order",
    };
    let length = matching_brace(tokens, brace);
    let header = span(source, tokens[0], tokens[brace]);
    let diagnostic = Diagnostic::error(
        Slug::ForeignSyntax,
        format!("there are no blocks, so no `{name} {{ … }}`"),
        header,
        "a block starts here",
    )
    .help(help);
    Some(Block { length, diagnostic })
}

/// `for (i in 1:N) …` with or without braces.
fn repetition(source: SourceId, text: &str, tokens: &[Lexeme]) -> Option<Block> {
    let next = tokens.get(1)?;
    if !next.token.is_name() && next.token != Token::OpenParen {
        return None;
    }
    let line = tokens.iter().position(|l| l.token == Token::Newline).unwrap_or(tokens.len());
    let brace = tokens[..line].iter().position(|l| l.token == Token::OpenBrace);
    let word = &text[tokens[0].range()];
    let header = span(source, tokens[0], tokens[brace.unwrap_or(line).max(1) - 1]);
    let index = tokens[1..line].iter().find(|l| l.token.is_name());
    let index = index.map_or("i", |l| &text[l.range()]);
    let diagnostic = Diagnostic::error(
        Slug::ForeignSyntax,
        format!("there are no loops, so no `{word}`"),
        header,
        "a loop starts here",
    )
    .help(format!(
        "write the index on the left, as in `y[{index} in school] ~ Normal(theta[{index}], 1)`; \
         one equation covers every element"
    ));
    let length = brace.map_or(line, |b| matching_brace(tokens, b));
    Some(Block { length, diagnostic })
}

/// How many tokens there are up to the brace that closes the one at `open`.
pub(super) fn matching_brace(tokens: &[Lexeme], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, lexeme) in tokens.iter().enumerate().skip(open) {
        if lexeme.token == Token::OpenBrace {
            depth += 1;
        } else if lexeme.token == Token::CloseBrace {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}
