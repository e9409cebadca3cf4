//! Bounds the depth of the tree from the tokens alone, before anything recursive looks at them.

use super::Limits;
use crate::syntax::token::{Lexeme, Token};

/// Operators seen in one bracket since its last comma. `a + b + c` is a tree of depth two, so each
/// kind of chain adds its length; a looser operator starts the tighter chains anew.
#[derive(Clone, Copy, Default)]
struct Chains {
    tight: usize,
    products: usize,
    sums: usize,
    /// Connectives, comparisons and the words of `if`: never started anew.
    loose: usize,
    longest_tight: usize,
    longest_product: usize,
    longest_sum: usize,
    /// The deepest bracket inside.
    inside: usize,
    /// The deepest of the parts before the last comma.
    earlier: usize,
}

impl Chains {
    fn see(&mut self, token: Token, prefix: bool) {
        if token == Token::Caret || token == Token::Minus && prefix {
            self.tight += 1;
        } else if matches!(token, Token::Star | Token::Slash | Token::Contract) {
            self.products += 1;
            self.tight = 0;
        } else if matches!(token, Token::Plus | Token::Minus) {
            self.sums += 1;
            (self.products, self.tight) = (0, 0);
        } else if matches!(token, Token::Comma | Token::Newline) {
            *self = Chains { earlier: self.depth(), ..Chains::default() };
        } else if token.is_reserved() || token.is_comparison() {
            self.loose += 1;
            (self.sums, self.products, self.tight) = (0, 0, 0);
        }
        self.longest_tight = self.longest_tight.max(self.tight);
        self.longest_product = self.longest_product.max(self.products);
        self.longest_sum = self.longest_sum.max(self.sums);
    }

    fn depth(&self) -> usize {
        let chains = self.longest_tight + self.longest_product + self.longest_sum + self.loose;
        self.earlier.max(chains + self.inside)
    }

    /// What recursion of the grammar itself (not of chains from the left) this level needs.
    fn nesting(&self) -> usize {
        self.longest_tight + self.loose
    }
}

/// The first token beyond a limit, and the limit.
pub(super) struct TooDeep {
    pub(super) at: Lexeme,
    pub(super) limit: usize,
    pub(super) what: &'static str,
}

/// Checks the tokens of one statement.
pub(super) fn check(tokens: &[Lexeme], limits: &Limits) -> Result<(), TooDeep> {
    let mut outer: Vec<Chains> = Vec::new();
    let mut level = Chains::default();
    let mut operand_before = false;
    for lexeme in tokens.iter().copied() {
        let token = lexeme.token;
        if token.opens() {
            // A bracket after an operand is an index or a call: one more link of a tight chain.
            if operand_before {
                level.tight += 1;
                level.longest_tight = level.longest_tight.max(level.tight);
            }
            outer.push(std::mem::take(&mut level));
        } else if token.closes() {
            let depth = level.depth() + 1;
            level = outer.pop().unwrap_or_default();
            level.inside = level.inside.max(depth);
        } else {
            level.see(token, !operand_before);
        }
        operand_before = token.ends_operand();
        if outer.len() > limits.nesting || level.nesting() > limits.nesting {
            return Err(TooDeep { at: lexeme, limit: limits.nesting, what: "nested" });
        }
        if level.depth() > limits.depth {
            return Err(TooDeep { at: lexeme, limit: limits.depth, what: "chained" });
        }
    }
    Ok(())
}
