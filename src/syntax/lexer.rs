//! Cuts text into tokens. Total: every byte is a token, a blank, a comment, or reported.
//!
//! A spelling of another language that has a counterpart here becomes that counterpart and is
//! noted in [`Lexed::foreign`], so that the parser goes on as if it had been written.

use logos::Logos;

use super::ast::Comment;
use super::foreign::{Foreign, Spelling};
use super::plain;
use super::token::{Lexeme, Token};
use crate::diagnostic::{Diagnostic, Edit, Slug};
use crate::source::{SourceId, Span};

/// The tokens of a text, and what lies between them.
#[derive(Clone, Debug, Default)]
pub struct Lexed {
    /// The tokens, newlines included.
    pub tokens: Vec<Lexeme>,
    /// The comments.
    pub comments: Vec<Comment>,
    /// Spellings of other languages, already replaced in `tokens`.
    pub foreign: Vec<Foreign>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// The shapes logos tells apart; [`Token`] is what they mean.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(skip r"[ \t\r\u{A0}\u{FEFF}]+")]
#[logos(subpattern letter = r"[A-Za-z_\u{391}-\u{3A1}\u{3A3}-\u{3A9}\u{3B1}-\u{3C9}\u{3D0}-\u{3D7}\u{3F0}\u{3F1}\u{3F5}]")]
#[logos(subpattern word = r"(?&letter)((?&letter)|[0-9])*")]
#[logos(subpattern exponent = r"([eE][+-]?[0-9]+)?")]
enum Shape {
    #[token("\n")]
    Newline,
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Comment,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    SlashComment,
    #[regex(r"(?&word)")]
    Word,
    #[regex(r"(?&word)(\.(?&word))+")]
    Qualified,
    #[regex(r"[0-9]+(\.[0-9]+)?(?&exponent)")]
    Number,
    #[regex(r"\.[0-9]+(?&exponent)")]
    Fraction,
    #[regex(r#""[^"\n]*""#)]
    String,
    #[regex(r#""[^"\n]*"#)]
    OpenString,
    #[regex(r"[“”„][^“”„\n]*[“”]")]
    CurlyString,
    #[token("'")]
    Quote,
    #[regex(r"\.\.|==|!=|<=|>=|[=~+*/@^<>()\[\]{},:?|\-]")]
    Symbol,
    #[regex(r"\*\*|&&?|\|\||!|:=|;|%\*%|\.\*|\./|\.\^")]
    #[regex(r"[≤≥≠×·⋅∙÷−–—∼˜～←∈∧∨¬…]")]
    Foreign,
}

/// Cuts a text into tokens.
pub fn lex(source: SourceId, text: &str) -> Lexed {
    let mut writer = Writer { source, text, out: Lexed::default() };
    let mut shapes = Shape::lexer(text);
    while let Some(shape) = shapes.next() {
        let span = shapes.span();
        match shape {
            Ok(Shape::Quote) => {
                let length = writer.quote(span.start);
                shapes.bump(length - 1);
            }
            Ok(shape) => writer.shape(shape, span.start, span.end),
            Err(()) => {
                let end = writer.unknown(span.start, span.end);
                shapes.bump(end - span.end);
            }
        }
    }
    writer.out
}

struct Writer<'t> {
    source: SourceId,
    text: &'t str,
    out: Lexed,
}

impl Writer<'_> {
    fn push(&mut self, token: Token, start: usize, end: usize) {
        self.out.tokens.push(Lexeme { token, start: start as u32, end: end as u32 });
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    fn shape(&mut self, shape: Shape, start: usize, end: usize) {
        let text = &self.text[start..end];
        match shape {
            Shape::Newline => self.push(Token::Newline, start, end),
            Shape::Comment => self.comment(start, end, 1),
            Shape::SlashComment => {
                self.comment(start, end, 2);
                self.foreign(Spelling::of("//"), start, start + 2);
            }
            Shape::Word => self.word(start, end),
            Shape::Qualified => self.push(Token::Qualified, start, end),
            Shape::Number => self.number(start, end),
            Shape::Fraction => self.fraction(start, end),
            Shape::String => self.push(Token::String, start, end),
            Shape::OpenString => self.open_string(start, end),
            Shape::CurlyString => {
                self.push(Token::String, start, end);
                self.foreign(Spelling::of("“”"), start, end);
            }
            Shape::Quote => {}
            Shape::Symbol => match Token::from_text(text) {
                Some(token) => self.push(token, start, end),
                None => {
                    self.unknown(start, end);
                }
            },
            Shape::Foreign => match Spelling::of(text) {
                Some(spelling) => {
                    self.push(spelling.token, start, end);
                    self.foreign(Some(spelling), start, end);
                }
                None => {
                    self.unknown(start, end);
                }
            },
        }
    }

    fn foreign(&mut self, spelling: Option<&'static Spelling>, start: usize, end: usize) {
        let Some(spelling) = spelling else { return };
        let span = self.span(start, end);
        let replacement = spelling.replacement_at(self.text, start, end);
        self.out.foreign.push(Foreign { spelling, span, replacement });
    }

    fn comment(&mut self, start: usize, end: usize, marker: usize) {
        let end = start + self.text[start..end].trim_end().len();
        let text = self.text[start + marker..end].trim().to_string();
        self.out.comments.push(Comment { span: self.span(start, end), text });
    }

    /// A name or keyword. Letters glued to a number (`2x`, `1_000`) are reported here.
    fn word(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        let glued = self
            .out
            .tokens
            .last()
            .copied()
            .filter(|l| l.token == Token::Number && l.end as usize == start);
        let Some(number) = glued else {
            return self.push(Token::from_text(text).unwrap_or(Token::Name), start, end);
        };
        self.out.tokens.pop();
        let digits = &self.text[number.range()];
        let both = (number.start as usize, end);
        let rest_is_digits = text.chars().all(|c| c == '_' || c.is_ascii_digit());
        if rest_is_digits {
            let joined = format!("{digits}{}", text.replace('_', ""));
            self.bad_number(both, "a number has no `_`", "digits are written together", &joined);
        } else {
            let product = format!("{digits} * {text}");
            let message = format!("`{digits}{text}` is neither a number nor a name");
            self.bad_number(both, &message, "a product needs `*`", &product);
        }
    }

    /// `.5`, or the `.3` of `1.2.3`.
    fn fraction(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        let glued = self.out.tokens.pop_if(|l| l.token == Token::Number && l.end as usize == start);
        let Some(number) = glued else {
            let here = "the digit before the point is missing";
            let message = "a number starts with a digit";
            return self.bad_number((start, end), message, here, &format!("0{text}"));
        };
        let place = (number.start as usize, end);
        self.push(Token::Bad, place.0, place.1);
        let message = "a number has one decimal point".to_string();
        self.report(Slug::BadNumber, message, place, "two decimal points", |d| {
            d.help("keep one of the points")
        });
    }

    fn number(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        if text.parse::<f64>().is_ok_and(f64::is_finite) {
            self.push(Token::Number, start, end);
        } else {
            let message = format!("`{text}` is too large for a number");
            self.push(Token::Bad, start, end);
            let here = "numbers go up to about 1.8e308";
            self.report(Slug::BadNumber, message, (start, end), here, |d| {
                d.help("write `inf` for infinity")
            });
        }
    }

    fn bad_number(&mut self, place: (usize, usize), message: &str, here: &str, instead: &str) {
        self.push(Token::Bad, place.0, place.1);
        let span = self.span(place.0, place.1);
        self.report(Slug::BadNumber, message.to_string(), place, here, |d| {
            d.help(format!("write `{instead}`")).edit(span, instead)
        });
    }

    fn open_string(&mut self, start: usize, end: usize) {
        let end = start + self.text[start..end].trim_end().len();
        self.push(Token::Bad, start, end);
        let message = "this string has no closing `\"`".to_string();
        self.report(Slug::UnterminatedString, message, (start, end), "starts here", |d| {
            d.help("close the string with `\"` on the same line")
        });
    }

    /// A `'`: the prime of `hare'`, or a string in single quotes. Returns how many bytes it takes.
    fn quote(&mut self, start: usize) -> usize {
        let after_name = self.text[..start]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || "_)]".contains(c));
        let line = self.text[start + 1..].split('\n').next().unwrap_or("");
        match line.find('\'') {
            Some(length) if !after_name => {
                let end = start + length + 2;
                self.push(Token::String, start, end);
                self.foreign(Spelling::of("''"), start, end);
                end - start
            }
            Some(_) | None => {
                self.push(Token::Prime, start, start + 1);
                1
            }
        }
    }

    /// Characters no token starts with; a run of them is one mistake. Returns where it ends.
    fn unknown(&mut self, start: usize, end: usize) -> usize {
        if self.text[start..end].starts_with(char::is_alphabetic) {
            return self.foreign_word(start, end);
        }
        if let Some(last) = self.out.tokens.last().copied()
            && last.token == Token::Number
            && last.end as usize == start
            && &self.text[start..end] == "."
        {
            self.out.tokens.pop();
            let number = format!("{}.0", &self.text[last.range()]);
            let place = (last.start as usize, end);
            let here = "the digit after the point is missing";
            self.bad_number(place, "a point is followed by a digit", here, &number);
            return end;
        }
        if let Some(last) = self.out.tokens.last_mut()
            && last.token == Token::Bad
            && last.end as usize == start
            && let Some(label) = self.out.diagnostics.last_mut().and_then(|d| d.primary.as_mut())
            && label.span.end as usize == start
        {
            last.end = end as u32;
            label.span.end = end as u32;
            return end;
        }
        self.push(Token::Bad, start, end);
        let span = self.span(start, end);
        let character = &self.text[start..end];
        let message = format!("`{character}` has no meaning here");
        let (here, help, instead) = advice(character);
        self.report(Slug::UnexpectedCharacter, message, (start, end), here, |d| {
            let d = d.help(help);
            match instead {
                Some(text) => d.edit(span, text),
                None => d,
            }
        });
        end
    }

    /// A word with letters that names do not have, such as `größe`; all its places are one
    /// mistake. Returns where it ends.
    fn foreign_word(&mut self, start: usize, end: usize) -> usize {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let rest = &self.text[end..];
        let end = end + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let glued = self.out.tokens.pop_if(|l| l.end as usize == start && l.token.is_name());
        let start = glued.map_or(start, |l| l.start as usize);
        self.push(Token::Bad, start, end);
        let word = &self.text[start..end];
        let plain = plain::letters(word);
        let line = self.text[..start].rsplit('\n').next().unwrap_or("").trim_end();
        let is_column = line.trim_start().starts_with("data") && line.ends_with(['(', ',']);
        let instead = if is_column { format!("\"{word}\" as {plain}") } else { plain };
        let span = self.span(start, end);
        let message = format!("`{word}` has letters that names do not have");
        if let Some(first) = self.out.diagnostics.iter_mut().find(|d| d.message == message) {
            first.edits.push(Edit { span, replacement: instead });
            return end;
        }
        let here = "not a name";
        self.report(Slug::UnexpectedCharacter, message, (start, end), here, |d| {
            let help = "names are made of the letters a-z, A-Z, Greek letters, digits and `_`; a \
                        column whose header has others gets a name with `as`";
            d.help(help).edit(span, instead)
        });
        end
    }

    fn report(
        &mut self,
        slug: Slug,
        message: String,
        (start, end): (usize, usize),
        here: &str,
        finish: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let diagnostic = Diagnostic::error(slug, message, self.span(start, end), here);
        self.out.diagnostics.push(finish(diagnostic));
    }
}

/// What a character without meaning probably stands for: label, help and replacement.
fn advice(character: &str) -> (&'static str, &'static str, Option<&'static str>) {
    match character {
        "²" => ("a superscript", "write a power as `x^2`", Some("^2")),
        "³" => ("a superscript", "write a power as `x^3`", Some("^3")),
        "∞" => ("infinity is a name", "write `inf`", Some("inf")),
        "µ" => ("this is the micro sign", "write the Greek letter `μ`", Some("μ")),
        "%" => (
            "no operator",
            "`%` is not an operator; neither remainders nor percents have one",
            None,
        ),
        "$" => {
            ("no operator", "columns are names of their own: write `height`, not `df$height`", None)
        }
        "`" => (
            "names are not quoted",
            "give a column with an unusual header a name: `data t(\"body mass\" as body_mass)`",
            None,
        ),
        "\\" => {
            ("not needed", "a line that ends with an operator or a comma goes on by itself", None)
        }
        "." => (
            "no operator",
            "a decimal point stands between digits, a range is `1..K`, and functions are no methods: \
             `f(x)`, not `x.f()`",
            None,
        ),
        _ => (
            "not part of the language",
            "names are made of the letters a-z, A-Z, Greek letters, digits and `_`",
            None,
        ),
    }
}
