//! What binding computes from columns long enough to be computed a block of rows at a time.

use super::{case, values};
use std::fmt::Write;
use vippl::data::Mode;

/// More rows than one block holds.
const ROWS: usize = 5000;

fn x(row: usize) -> f64 {
    (row % 17) as f64 - 8.0
}

fn group(row: usize) -> usize {
    row * 7 % 5
}

fn file(line_break: &str) -> String {
    let mut text = format!("x,g,y{line_break}");
    for row in 0..ROWS {
        let _ = write!(text, "{},c{},1{line_break}", x(row), group(row));
    }
    text
}

const PROGRAM: &str = r"data obs(x, g: index, y)
side[i in obs] = if x[i] > 0 and x[i] < 5 then log(x[i]) else -x[i]
before[i in obs] = if i > 1 then x[i - 1] else 0
outside[i in obs] = if x[i] == 0 or 1 / x[i] > 0.2 then 1 else 2
held[c in g] = mean(i in obs where g[i] == c: x[i])
apart[i in obs] = x[i] - held[g[i]]
powers[obs, term] = columns(one = 1, x, square = x^2)
m ~ Normal(0, 1)
y ~ Normal(m + apart + side + before + outside + sum(k in term: powers[k]), 1)";

#[test]
fn long_columns_are_computed_row_by_row() {
    let text = file("\n");
    let binding = case(PROGRAM, &[("o.csv", &text)], &["o.csv"]).bind();
    let mean = |group_wanted: usize| {
        let of: Vec<f64> = (0..ROWS).filter(|row| group(*row) == group_wanted).map(x).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    let means: Vec<f64> = (0..5).map(mean).collect();
    let expect = |name: &str, expected: &dyn Fn(usize) -> f64| {
        let found = values(&binding, name);
        assert_eq!(found.len(), ROWS, "{name}");
        for (row, found) in found.iter().enumerate() {
            let expected = expected(row);
            assert!((found - expected).abs() < 1e-12, "{name}, row {row}: {found}, {expected}");
        }
    };
    expect("side", &|row| match x(row) {
        x if x > 0.0 && x < 5.0 => x.ln(),
        x => -x,
    });
    expect("before", &|row| if row > 0 { x(row - 1) } else { 0.0 });
    expect("outside", &|row| if x(row) == 0.0 || 1.0 / x(row) > 0.2 { 1.0 } else { 2.0 });
    expect("apart", &|row| x(row) - means[group(row)]);
    let powers = values(&binding, "powers");
    for row in 0..ROWS {
        assert_eq!(powers[3 * row..3 * row + 3], [1.0, x(row), x(row) * x(row)]);
    }
}

#[test]
fn line_breaks_and_quotes_do_not_change_what_is_read() {
    let plain = file("\n");
    let quoted = plain.replacen("c0", "\"c0\"", 1);
    let blank = plain.replacen('\n', "\n\n", 3);
    for text in [file("\r\n"), file("\r"), quoted, blank] {
        let binding = case(PROGRAM, &[("o.csv", &text)], &["o.csv"]).bind();
        let expected: Vec<f64> = (0..ROWS).map(x).collect();
        assert_eq!(values(&binding, "x"), expected);
        let groups: Vec<f64> = (0..ROWS).map(|row| group(row) as f64).collect();
        assert_eq!(values(&binding, "g"), groups);
    }
}

#[test]
fn the_first_row_without_a_value_is_named() {
    let program = "data obs(x, at: int)
b[k in 1..3] ~ Normal(0, 1)
shifted[i in obs] = x[at[i]]
x ~ Normal(shifted + b[1], 1)";
    let mut text = "x,at\n".to_owned();
    for row in 0..ROWS {
        let at = if row % 1000 == 777 { 9000 + row } else { 1 };
        let _ = writeln!(text, "{},{at}", x(row));
    }
    let problems = case(program, &[("o.csv", &text)], &["o.csv"]).messages(Mode::Fit);
    assert!(problems.contains("9777"), "{problems}");
}
