//! What a fit says, to people and to programs: records with a fixed schema, and their drawings.
//!
//! Everything is a value or a string here; drivers print, and open files.

mod advice;
mod draws;
mod fit;
mod human;
mod number;
mod ordered;
mod plot;
mod style;
mod table;

pub use advice::advice;
pub use draws::{DrawColumns, DrawTable, Drawn, read_draws};
pub use fit::{
    ChainsRecord, DataRecord, DiagnosticsRecord, Element, FIT_SCHEMA, FileRecord, FitRecord,
    IntegratedRecord, ModeRecord, Moments, Probability, QuantityRecord, Row, RowRole, RowValues,
    Seconds, StartRecord, VariableRecord, VerdictRecord, element_name, write_summary,
};
pub use human::{HumanOptions, counted_name, report, summary_table};
pub use number::{Number, decimals, exact, fixed, significant};
pub use ordered::Ordered;
pub use plot::{density_plot, sparkline};
pub use style::Style;
pub use table::{Align, Table};
