//! Colours by meaning: the classes of words, made finer by what the names are.

use super::open::Open;
use crate::session::{Class, SymbolKind, classes};
use lsp_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};

/// The types, by their number in the legend.
const TYPES: &[SemanticTokenType] = &[
    SemanticTokenType::KEYWORD,
    SemanticTokenType::CLASS,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::ENUM,
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::NUMBER,
    SemanticTokenType::STRING,
    SemanticTokenType::COMMENT,
    SemanticTokenType::OPERATOR,
];

/// The modifiers, by their bit in the legend.
const MODIFIERS: &[SemanticTokenModifier] =
    &[SemanticTokenModifier::DECLARATION, SemanticTokenModifier::READONLY];
const DECLARATION: u32 = 1;
const READONLY: u32 = 2;

/// What the numbers of tokens stand for.
pub(super) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend { token_types: TYPES.to_vec(), token_modifiers: MODIFIERS.to_vec() }
}

fn number(of: &SemanticTokenType) -> u32 {
    TYPES.iter().position(|known| known == of).unwrap_or_default() as u32
}

/// The tokens of a whole text.
pub(super) fn all(open: &Open) -> SemanticTokens {
    let mut data = Vec::new();
    let (mut line, mut column) = (0, 0);
    for (range, class) in classes(&open.text) {
        let (kind, modifiers) = meaning(open, range.start, class);
        let start = open.lines.position(&open.text, range.start);
        let units: usize = open.text[range].chars().map(char::len_utf16).sum();
        let delta_line = start.line - line;
        let delta_start = if delta_line == 0 { start.character - column } else { start.character };
        (line, column) = (start.line, start.character);
        data.push(SemanticToken {
            delta_line,
            delta_start,
            length: units as u32,
            token_type: number(&kind),
            token_modifiers_bitset: modifiers,
        });
    }
    SemanticTokens { result_id: None, data }
}

fn meaning(open: &Open, at: usize, class: Class) -> (SemanticTokenType, u32) {
    let plain = |kind: SemanticTokenType| (kind, 0);
    match class {
        Class::Keyword => plain(SemanticTokenType::KEYWORD),
        Class::Family => plain(SemanticTokenType::CLASS),
        Class::Function => plain(SemanticTokenType::FUNCTION),
        Class::Parameter => plain(SemanticTokenType::PARAMETER),
        Class::Number => plain(SemanticTokenType::NUMBER),
        Class::String => plain(SemanticTokenType::STRING),
        Class::Comment => plain(SemanticTokenType::COMMENT),
        Class::Operator => plain(SemanticTokenType::OPERATOR),
        Class::Name => {
            let Some(occurrence) = open.index.at(at) else {
                return plain(SemanticTokenType::VARIABLE);
            };
            let declares = if occurrence.defines { DECLARATION } else { 0 };
            match open.index.symbols[occurrence.symbol].kind {
                SymbolKind::Column | SymbolKind::Data => {
                    (SemanticTokenType::PROPERTY, declares | READONLY)
                }
                SymbolKind::Table | SymbolKind::Axis => (SemanticTokenType::ENUM, declares),
                SymbolKind::Module | SymbolKind::Part => (SemanticTokenType::NAMESPACE, declares),
                SymbolKind::Function => (SemanticTokenType::FUNCTION, declares),
                SymbolKind::Family => (SemanticTokenType::CLASS, declares),
                SymbolKind::Local => (SemanticTokenType::PARAMETER, declares),
                SymbolKind::Definition | SymbolKind::Random | SymbolKind::Unknown => {
                    (SemanticTokenType::VARIABLE, declares)
                }
            }
        }
    }
}
