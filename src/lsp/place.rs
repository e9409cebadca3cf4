//! Places in a text: bytes here, lines and UTF-16 code units in the protocol.

use lsp_types::{Position, Range};

/// Where the lines of a text begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the lines: they end with `\n`, `\r\n` or `\r`.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
            if ends {
                starts.push(at + 1);
            }
        }
        Lines { starts }
    }

    /// The place of a byte; beyond the end is the end.
    pub(super) fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset).max(1) - 1;
        let units = text[self.starts[line]..offset].chars().map(char::len_utf16).sum::<usize>();
        Position { line: line as u32, character: units as u32 }
    }

    /// The byte at a place; beyond the end of a line is its end, beyond the last line the end.
    pub(super) fn offset(&self, text: &str, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else {
            return text.len();
        };
        let next = self.starts.get(position.line as usize + 1).copied().unwrap_or(text.len());
        let mut units = 0;
        for (at, c) in text[start..next].char_indices() {
            if units >= position.character as usize || matches!(c, '\n' | '\r') {
                return start + at;
            }
            units += c.len_utf16();
        }
        next
    }

    /// The range of some bytes.
    pub(super) fn range(&self, text: &str, bytes: std::ops::Range<usize>) -> Range {
        Range { start: self.position(text, bytes.start), end: self.position(text, bytes.end) }
    }

    /// The range of the whole text.
    pub(super) fn whole(&self, text: &str) -> Range {
        self.range(text, 0..text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_utf16_code_units() {
        let text = "α = 1\r\n# 🦀 crab\ry\n";
        let lines = Lines::of(text);
        assert_eq!(lines.starts.len(), 4);
        let crab = text.find("crab").expect("there");
        let position = lines.position(text, crab);
        assert_eq!(position, Position { line: 1, character: 5 });
        assert_eq!(lines.offset(text, position), crab);
        assert_eq!(lines.position(text, text.len()), Position { line: 3, character: 0 });
    }

    #[test]
    fn any_place_is_clamped() {
        let text = "ab\ncd";
        let lines = Lines::of(text);
        assert_eq!(lines.offset(text, Position { line: 0, character: 99 }), 2);
        assert_eq!(lines.offset(text, Position { line: 9, character: 0 }), 5);
        assert_eq!(lines.position(text, 99), Position { line: 1, character: 2 });
        assert_eq!(Lines::of("").offset("", Position { line: 0, character: 3 }), 0);
    }
}
