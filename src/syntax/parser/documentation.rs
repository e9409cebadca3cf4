//! Gives each statement the block of comments directly above it.

use crate::syntax::ast::{Comment, Statement, StatementKind};

/// Attaches documentation. `comments` and `statements` are in the order of the text.
pub(super) fn attach(text: &str, comments: &[Comment], statements: &mut [Statement]) {
    for statement in statements {
        if let StatementKind::Part(part) = &mut statement.kind {
            attach(text, comments, &mut part.statements);
        }
        let start = statement.span.start as usize;
        let before = comments.partition_point(|c| (c.span.end as usize) <= start);
        let mut block = Vec::new();
        let mut below = start;
        for comment in comments[..before].iter().rev() {
            let (from, to) = (comment.span.start as usize, comment.span.end as usize);
            let gap = text.get(to..below).unwrap_or("");
            let adjacent = gap.trim().is_empty() && gap.matches('\n').count() == 1;
            let line = text[..from].rsplit('\n').next().unwrap_or("");
            if !adjacent || !line.trim().is_empty() {
                break;
            }
            block.push(comment.text.as_str());
            below = from;
        }
        if !block.is_empty() {
            block.reverse();
            statement.documentation = Some(block.join("\n"));
        }
    }
}
