//! Cuts the tokens of a program into statements: the newline rule and the matching of brackets.
//!
//! Every statement it hands on has matching brackets, or is marked broken and already reported.

use super::blocks;
use crate::diagnostic::{Diagnostic, Slug};
use crate::source::{SourceId, Span};
use crate::syntax::token::{Lexeme, Token};

/// The tokens of one statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Piece {
    /// The tokens, without newlines except between the equations of an `ode` block.
    pub(super) tokens: Vec<Lexeme>,
    /// Whether a mistake in it is already reported, so that the parser should not add to it.
    pub(super) broken: bool,
    /// The equations of a `part`, whose head is in `tokens`.
    pub(super) inside: Option<Inside>,
}

/// What stands in the braces of a `part`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inside {
    /// The statements.
    pub(super) pieces: Vec<Piece>,
    /// The last token of the part.
    pub(super) end: Lexeme,
}

/// What the tokens of a program are cut into.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The statements.
    pub(super) pieces: Vec<Piece>,
    /// Brackets that do not match, and blocks of other languages.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Blocks of other languages, about whose inside nothing more is said.
    pub(super) skipped: Vec<Span>,
}

struct Open {
    /// Where the bracket is in the current piece.
    index: usize,
    lexeme: Lexeme,
    has_colon: bool,
}

struct Cutter<'t> {
    source: SourceId,
    text: &'t str,
    tokens: &'t [Lexeme],
    /// Whether these are the tokens of a part, in which there are no further parts.
    in_part: bool,
    current: Piece,
    open: Vec<Open>,
    out: Layout,
}

/// Cuts tokens into statements.
pub(super) fn cut(source: SourceId, text: &str, tokens: &[Lexeme]) -> Layout {
    cut_part(source, text, tokens, false)
}

fn cut_part(source: SourceId, text: &str, tokens: &[Lexeme], in_part: bool) -> Layout {
    let mut cutter = Cutter {
        source,
        text,
        tokens,
        in_part,
        current: Piece::default(),
        open: Vec::new(),
        out: Layout::default(),
    };
    let mut at = 0;
    while let Some(lexeme) = tokens.get(at).copied() {
        at = if lexeme.token == Token::Newline {
            cutter.newline(at)
        } else if cutter.current.tokens.is_empty() {
            cutter.first(at)
        } else {
            cutter.token(at)
        };
    }
    cutter.finish();
    cutter.out
}

impl Cutter<'_> {
    fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.source, lexeme.start as usize, lexeme.end as usize)
    }

    /// The first token of a statement, or of a block of another language.
    fn first(&mut self, at: usize) -> usize {
        if !self.in_part
            && let Some(open) = blocks::part(&self.tokens[at..])
        {
            return self.part(at, at + open);
        }
        let Some(block) = blocks::find(self.source, self.text, &self.tokens[at..]) else {
            return self.token(at);
        };
        let last = self.tokens[at + block.length - 1];
        self.out.skipped.push(self.span(self.tokens[at]).to(self.span(last)));
        self.out.diagnostics.push(block.diagnostic);
        let tokens = self.tokens[at..at + block.length].to_vec();
        self.out.pieces.push(Piece { tokens, broken: true, inside: None });
        at + block.length
    }

    /// A part from its first token; its brace is at `open`.
    fn part(&mut self, at: usize, open: usize) -> usize {
        let length = blocks::matching_brace(self.tokens, open);
        let written = self.tokens[at..length].iter().rev().find(|l| l.token != Token::Newline);
        let last = written.copied().unwrap_or(self.tokens[open]);
        let closed = self.tokens[length - 1].token == Token::CloseBrace;
        let tokens = self.tokens[at..open].to_vec();
        let tokens = tokens.into_iter().filter(|l| l.token != Token::Newline).collect();
        let mut broken = false;
        if !closed {
            let end = Span::new(self.source, last.end as usize, last.end as usize);
            let message = "expected `}` to close this `{`";
            let diagnostic =
                Diagnostic::error(Slug::UnbalancedBracket, message, end, "the program ends here")
                    .because(self.span(self.tokens[open]), "opened here")
                    .help("write `}` on a line of its own after the last equation of the part")
                    .edit(end, "\n}");
            self.out.diagnostics.push(diagnostic);
            broken = true;
        }
        let end = if closed { length - 1 } else { length };
        let inside = cut_part(self.source, self.text, &self.tokens[open + 1..end], true);
        self.out.diagnostics.extend(inside.diagnostics);
        self.out.skipped.extend(inside.skipped);
        let inside = Some(Inside { pieces: inside.pieces, end: last });
        self.out.pieces.push(Piece { tokens, broken, inside });
        length
    }

    fn token(&mut self, at: usize) -> usize {
        let lexeme = self.tokens[at];
        let index = self.current.tokens.len();
        self.current.tokens.push(lexeme);
        if lexeme.token == Token::Bad {
            self.current.broken = true;
        } else if lexeme.token.opens() {
            self.open.push(Open { index, lexeme, has_colon: false });
        } else if lexeme.token.closes() {
            self.close(lexeme);
        } else if lexeme.token == Token::Colon
            && let Some(open) = self.open.last_mut()
        {
            open.has_colon = true;
        }
        at + 1
    }

    fn close(&mut self, closer: Lexeme) {
        let Some(open) = self.open.last() else {
            return self.report_closer(closer);
        };
        if closing(open.lexeme.token) == closer.token {
            let (index, has_colon) = (open.index, open.has_colon);
            self.open.pop();
            if has_colon && self.current.tokens[index].token == Token::OpenParen {
                self.current.tokens[index].token = Token::OpenComprehension;
            }
            return;
        }
        self.report_mismatch(open.lexeme, closer);
        match self.open.iter().rposition(|o| closing(o.lexeme.token) == closer.token) {
            Some(depth) => self.open.truncate(depth),
            None => {
                self.open.pop();
            }
        }
    }

    /// Whether the newline at `at` ends a statement, separates equations, or is nothing.
    fn newline(&mut self, at: usize) -> usize {
        let next = self.tokens[at..].iter().position(|l| l.token != Token::Newline);
        let Some(next) = next.map(|offset| at + offset) else {
            return self.tokens.len();
        };
        let Some(previous) = self.current.tokens.last().copied() else { return next };
        let (last, first) = (previous.token, self.tokens[next].token);
        let inside = self.open.last().map(|o| o.lexeme.token);
        if starts_statement(&self.tokens[next..], last, inside) {
            self.finish();
            return next;
        }
        let continues = last.continues_line() || first.continues_line();
        match inside {
            None if !continues => self.finish(),
            Some(Token::OpenBrace)
                if !continues && last != Token::OpenBrace && first != Token::CloseBrace =>
            {
                self.current.tokens.push(self.tokens[at]);
            }
            None | Some(_) => {}
        }
        next
    }

    /// Ends the statement. Brackets still open are one mistake.
    fn finish(&mut self) {
        if !self.open.is_empty() {
            self.report_unclosed();
            self.open.clear();
        }
        let piece = std::mem::take(&mut self.current);
        if !piece.tokens.is_empty() {
            self.out.pieces.push(piece);
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.current.broken {
            self.out.diagnostics.push(diagnostic);
        }
        self.current.broken = true;
    }

    fn report_closer(&mut self, closer: Lexeme) {
        let symbol = symbol(closer.token);
        let span = self.span(closer);
        let opener = symbol_opening(closer.token);
        let message = format!("this `{symbol}` closes nothing");
        let here = format!("no `{opener}` before it is open");
        self.report(
            Diagnostic::error(Slug::UnbalancedBracket, message, span, here)
                .help(format!("delete the `{symbol}`, or open a `{opener}` before it"))
                .edit(span, ""),
        );
    }

    fn report_mismatch(&mut self, open: Lexeme, closer: Lexeme) {
        let (opener, wanted) = (symbol(open.token), symbol(closing(open.token)));
        let found = symbol(closer.token);
        let span = self.span(closer);
        let message = format!("expected `{wanted}` to close this `{opener}`, found `{found}`");
        self.report(
            Diagnostic::error(Slug::UnbalancedBracket, message, span, format!("not `{wanted}`"))
                .because(self.span(open), "opened here")
                .help(format!("write `{wanted}`, or close the `{opener}` earlier"))
                .edit(span, wanted),
        );
    }

    fn report_unclosed(&mut self) {
        let (Some(open), Some(last)) = (self.open.last(), self.current.tokens.last()) else {
            return;
        };
        let end = Span::new(self.source, last.end as usize, last.end as usize);
        let opener = symbol(open.lexeme.token);
        let wanted = symbol(closing(open.lexeme.token));
        let missing: String =
            self.open.iter().rev().map(|o| symbol(closing(o.lexeme.token))).collect();
        let message = format!("expected `{wanted}` to close this `{opener}`");
        let diagnostic =
            Diagnostic::error(Slug::UnbalancedBracket, message, end, "the statement ends here")
                .because(self.span(open.lexeme), "opened here");
        let unfinished = last.token.continues_line() || last.token.opens();
        let diagnostic = if unfinished {
            let before = &self.text[last.range()];
            diagnostic.help(format!("write what comes after the `{before}`, and then `{missing}`"))
        } else {
            diagnostic
                .help(format!("write `{missing}` where the bracket should end"))
                .edit(end, missing)
        };
        self.report(diagnostic);
    }
}

/// Whether tokens at the beginning of a line can only be the beginning of a statement.
///
/// The newline rule alone would let a bracket left open, or an operator left dangling, swallow the
/// lines below it. In a correct program no line inside a bracket or after an operator looks so.
fn starts_statement(tokens: &[Lexeme], previous: Token, inside: Option<Token>) -> bool {
    let Some(first) = tokens.first() else { return false };
    let Some(second) = tokens.get(1) else { return false };
    if first.token == Token::With && opens_a_block(tokens) {
        return true;
    }
    if !first.token.is_name() {
        return false;
    }
    if first.token.starts_statement()
        && (second.token.is_name() || matches!(second.token, Token::String | Token::Qualified))
        && !(second.token == Token::As)
    {
        return true;
    }
    if second.token == Token::OpenBracket {
        let after = after_bracket(&tokens[1..]);
        return matches!(after, Some(Token::Tilde | Token::Equal));
    }
    // `name =` may name an argument in parentheses; in braces it lacks only its `'`.
    let names_argument =
        matches!(previous, Token::Comma | Token::OpenParen | Token::OpenBracket | Token::Newline);
    let defines = match inside {
        None => true,
        Some(open) => open != Token::OpenBrace && !names_argument,
    };
    second.token == Token::Tilde || second.token == Token::Equal && defines
}

/// `with pm.Model() as model:`, a line that ends with a colon.
fn opens_a_block(tokens: &[Lexeme]) -> bool {
    let line = tokens.split(|l| l.token == Token::Newline).next().unwrap_or(tokens);
    line.last().is_some_and(|l| l.token == Token::Colon)
}

/// The token after the bracket that opens `tokens`, if it closes on the same line.
fn after_bracket(tokens: &[Lexeme]) -> Option<Token> {
    let mut depth = 0usize;
    for (at, lexeme) in tokens.iter().enumerate() {
        if lexeme.token == Token::Newline {
            return None;
        } else if lexeme.token.opens() {
            depth += 1;
        } else if lexeme.token.closes() {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return tokens.get(at + 1).map(|l| l.token);
            }
        }
    }
    None
}

/// The token that closes a bracket.
pub(super) fn closing(open: Token) -> Token {
    if open == Token::OpenBracket {
        Token::CloseBracket
    } else if open == Token::OpenBrace {
        Token::CloseBrace
    } else {
        Token::CloseParen
    }
}

/// A bracket as written.
pub(super) fn symbol(token: Token) -> &'static str {
    token.text().unwrap_or("(")
}

fn symbol_opening(close: Token) -> &'static str {
    if close == Token::CloseBracket {
        "["
    } else if close == Token::CloseBrace {
        "{"
    } else {
        "("
    }
}
