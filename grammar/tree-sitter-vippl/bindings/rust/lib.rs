//! The grammar of .vi programs for tree-sitter.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_vippl() -> *const ();
}

/// The language, for a parser of the `tree-sitter` crate.
// The generated parser defines this symbol with this type.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_vippl) };

/// What is coloured how.
pub const HIGHLIGHTS_QUERY: &str = include_str!("../../queries/highlights.scm");
