//! Aligned columns without rules, as both people and `awk` like them. The only user of comfy-table.

use comfy_table::{CellAlignment, ContentArrangement, presets};

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At its left edge.
    Left,
    /// At its right edge.
    Right,
}

/// Rows of cells under a header.
#[derive(Clone, Debug)]
pub struct Table {
    table: comfy_table::Table,
    align: Vec<Align>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|(name, _)| *name));
        Table { table, align: columns.iter().map(|(_, align)| *align).collect() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.table.add_row(cells);
    }

    /// The lines, the header first, without blanks at their ends.
    pub fn lines(&mut self) -> Vec<String> {
        for (index, align) in self.align.iter().enumerate() {
            if let Some(column) = self.table.column_mut(index) {
                column.set_padding((0, 2));
                column.set_cell_alignment(match align {
                    Align::Left => CellAlignment::Left,
                    Align::Right => CellAlignment::Right,
                });
            }
        }
        self.table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}
