//! Turns text into a tree. Total: any text gives a program and says what is wrong with the rest.
//!
//! The tokens are cut into statements before the grammar looks at them, so a mistake never reaches
//! beyond its statement, and each statement is parsed to its last token or reported.

mod alone;
mod blocks;
mod depth;
mod documentation;
mod expected;
mod expression;
mod habit;
mod layout;
mod salvage;
mod statement;
mod strict;

pub use self::alone::{is_complete, is_expression, parse_expression};

use chumsky::Parser;

use self::expression::{Text, expressions};
use self::layout::Piece;
use self::statement::{Form, Statements, head_end};
use super::ast::{Program, Statement, StatementKind};
use super::foreign::{self, Foreign};
use super::lexer::{Lexed, lex};
use crate::diagnostic::{Checked, Diagnostic, Slug};
use crate::source::{SourceId, Span};

/// How large a tree may grow, so that walking and dropping it never exhausts the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Brackets, prefix operators, powers and conditionals inside one another.
    pub nesting: usize,
    /// The depth of the tree of one statement, chains such as `a + b + …` included.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { nesting: 256, depth: 512 }
    }
}

/// Parses a program.
///
/// Diagnostics come in the order of the text. Statements that could not be read are in the tree
/// with as much of their left side as could be.
pub fn parse(source: SourceId, text: &str) -> Checked<Program> {
    let Lexed { tokens, comments, foreign, diagnostics } = lex(source, text);
    let layout = layout::cut(source, text, &tokens);
    let mut pieces = layout.pieces;
    let mut reader = Reader {
        text: Text { source, text },
        limits: Limits::default(),
        diagnostics: layout.diagnostics,
        foreign,
    };
    // The grammar borrows the tokens, so those are settled first.
    for piece in &mut pieces {
        reader.prepare(piece);
        piece.inside.iter_mut().flat_map(|i| &mut i.pieces).for_each(|p| reader.prepare(p));
    }
    let expressions = expressions(reader.text);
    let grammar = Statements::new(reader.text, &expressions);
    let mut statements = Vec::new();
    for piece in &pieces {
        reader.piece(piece, &grammar, &mut statements);
    }
    documentation::attach(text, &comments, &mut statements);
    let inside_block = |span: Span| layout.skipped.iter().any(|b| contains(*b, span));
    reader.foreign.retain(|f| !inside_block(f.span));
    let mut all = reader.diagnostics;
    all.extend(
        diagnostics
            .into_iter()
            .filter(|d| d.primary.as_ref().is_none_or(|label| !inside_block(label.span))),
    );
    reader.foreign.sort_by_key(|f| f.span.start);
    all.extend(foreign::report(&reader.foreign));
    all.sort_by_key(|d| d.primary.as_ref().map_or(0, |label| label.span.start));
    Checked { value: Program { statements, comments }, diagnostics: all }
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

struct Reader<'t> {
    text: Text<'t>,
    limits: Limits,
    diagnostics: Vec<Diagnostic>,
    foreign: Vec<Foreign>,
}

impl<'t> Reader<'t> {
    /// Reads habits of other languages as what they mean here, and refuses what is too deep.
    fn prepare(&mut self, piece: &mut Piece) {
        if !piece.broken
            && let Some(diagnostic) = habit::whole(self.text, &piece.tokens)
        {
            // The one message is about the spellings inside the statement too.
            let statement = self.text.cover(&piece.tokens);
            self.foreign.retain(|f| !contains(statement, f.span));
            self.diagnostics.push(diagnostic);
            piece.broken = true;
            return;
        }
        habit::rewrite(self.text, &mut piece.tokens, &mut self.foreign);
        if piece.broken {
            return;
        }
        if let Some(diagnostic) = habit::find(self.text, &piece.tokens) {
            self.diagnostics.push(diagnostic);
            piece.broken = true;
        } else if let Err(deep) = depth::check(&piece.tokens, &self.limits) {
            let (what, limit) = (deep.what, deep.limit);
            self.diagnostics.push(
                Diagnostic::error(
                    Slug::TooDeep,
                    format!("this expression is too deeply {what}"),
                    self.text.span(deep.at),
                    format!("beyond the limit of {limit}"),
                )
                .help("split it: give a part of it a name on its own line"),
            );
            piece.broken = true;
        }
    }

    /// Reads one statement, with all that stands in its braces if it is a part.
    fn piece(
        &mut self,
        piece: &'t Piece,
        grammar: &Statements<'t>,
        statements: &mut Vec<Statement>,
    ) {
        self.statement(&piece.tokens, piece.broken, grammar, statements);
        let Some(inside) = &piece.inside else { return self.needs_equations(statements) };
        let mut equations = Vec::new();
        for piece in &inside.pieces {
            self.piece(piece, grammar, &mut equations);
        }
        let Some(last) = statements.last_mut() else { return };
        last.span = last.span.to(self.text.span(inside.end));
        if let StatementKind::Part(part) = &mut last.kind {
            part.statements = equations;
        }
    }

    /// Reports a part without braces.
    fn needs_equations(&mut self, statements: &[Statement]) {
        let Some(Statement { kind: StatementKind::Part(part), .. }) = statements.last() else {
            return;
        };
        let message = format!("the part `{}` has no equations", part.name.value);
        self.diagnostics.push(
            Diagnostic::error(Slug::UnexpectedToken, message, part.name.span, "no `{` follows")
                .help("write its equations on the lines below, between `{` and `}`"),
        );
    }

    /// Reads the tokens of one statement. A `data` statement of which only some entries could be
    /// read is followed by an [`StatementKind::Error`] for the others, and so is one that holds
    /// several equations; an `output` before an equation follows that equation.
    fn statement(
        &mut self,
        tokens: &'t [super::token::Lexeme],
        mut broken: bool,
        grammar: &Statements<'t>,
        statements: &mut Vec<Statement>,
    ) {
        let form = Form::of(tokens);
        let repeated = Form::of(tokens.get(1..).unwrap_or_default()) == Form::Output;
        if form == Form::Output && head_end(tokens).is_some() && !repeated {
            return self.output(tokens, broken, grammar, statements);
        }
        let kind = if broken {
            self.salvage(tokens, grammar)
        } else {
            match grammar.rule(form).parse(tokens).into_result() {
                Ok(kind) => {
                    strict::check(&kind, &mut self.diagnostics);
                    kind
                }
                Err(failures) => {
                    broken = true;
                    let failure = failures.into_iter().max_by_key(|f| f.span().start);
                    if let Some(failure) = failure {
                        let message = expected::explain(self.text, tokens, form, &failure);
                        self.diagnostics.push(message);
                    }
                    self.salvage(tokens, grammar)
                }
            }
        };
        let span = self.text.cover(tokens);
        let is_data = matches!(kind, StatementKind::Data(_));
        let partial = broken && (is_data || salvage::holds_more(tokens));
        statements.push(Statement { kind, span, documentation: None });
        if partial {
            let kind = StatementKind::Error;
            statements.push(Statement { kind, span, documentation: None });
        }
    }

    /// `output name[binders] = …`: the equation, and that its name is an output.
    fn output(
        &mut self,
        tokens: &'t [super::token::Lexeme],
        broken: bool,
        grammar: &Statements<'t>,
        statements: &mut Vec<Statement>,
    ) {
        let Some((word, equation)) = tokens.split_first() else { return };
        self.statement(equation, broken, grammar, statements);
        let name = match statements.last().map(|s| &s.kind) {
            Some(StatementKind::Define(define)) => define.name.clone(),
            Some(StatementKind::Random(random)) => random.name.clone(),
            Some(_) | None => return,
        };
        let (kind, span) = (StatementKind::Output(vec![name]), self.text.span(*word));
        statements.push(Statement { kind, span, documentation: None });
    }

    /// What can be kept of a statement with a mistake, so that its names stay defined.
    fn salvage(
        &self,
        tokens: &'t [super::token::Lexeme],
        grammar: &Statements<'t>,
    ) -> StatementKind {
        salvage::salvage(self.text, tokens, grammar, &self.limits).unwrap_or(StatementKind::Error)
    }
}
