//! Reads the committed reference values; each table names the script that writes it.
#![allow(dead_code, reason = "each test crate uses a part")]

pub(crate) mod stan;

/// The rows of a table without its header, cut at commas.
pub(crate) fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

/// Numbers separated by blanks; `-` stands for no value.
pub(crate) fn numbers(cell: &str) -> Vec<Option<f64>> {
    cell.split_whitespace().map(number).collect()
}

/// A number, or no value for `-`.
pub(crate) fn number(cell: &str) -> Option<f64> {
    (cell != "-").then(|| cell.parse().expect("a number"))
}

/// The error in units of the last place of the larger of the reference and `floor`; infinite
/// where only one of the two is finite, or only one is NaN.
pub(crate) fn ulps(got: f64, want: f64, floor: f64) -> f64 {
    if got == want || (got.is_nan() && want.is_nan()) {
        0.0
    } else if !(got.is_finite() && want.is_finite()) {
        f64::INFINITY
    } else {
        // Denormal numbers have a fixed spacing.
        (got - want).abs() / (want.abs().max(floor).max(f64::MIN_POSITIVE) * f64::EPSILON)
    }
}
