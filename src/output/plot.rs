//! Numbers to a picture of how they are distributed, in the characters of a terminal.

use super::number::significant;
use super::style::Style;

/// Eighths of a cell, from below.
const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The same where only ASCII can be shown.
const ASCII: [&str; 9] = [" ", ".", ".", ":", ":", "-", "=", "#", "#"];

/// How many lines a plot is high.
const HEIGHT: usize = 8;
/// How many columns the widest plot has; more bins than this show noise.
const WIDEST: usize = 60;
/// How many columns a plot on one line has.
const SPARK: usize = 24;

/// How many of the values fall in each of `count` equal parts between two ends.
fn bins(values: &[f64], (low, high): (f64, f64), count: usize) -> Vec<usize> {
    let mut bins = vec![0usize; count];
    for value in values.iter().filter(|value| value.is_finite()) {
        let place = (value - low) / (high - low) * count as f64;
        if place >= 0.0 && place <= count as f64 {
            bins[(place as usize).min(count - 1)] += 1;
        }
    }
    bins
}

/// The ends between which values are drawn: all but the outer 0.5 % on either side.
fn ends(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * (sorted.len() - 1) as f64).round() as usize).copied();
    let (low, high) = if sorted.is_empty() { return None } else { (at(0.005)?, at(0.995)?) };
    Some(if low < high { (low, high) } else { (low - 0.5, high + 0.5) })
}

fn blocks(style: Style) -> &'static [&'static str; 9] {
    if style.unicode { &BLOCKS } else { &ASCII }
}

/// A histogram over several lines, with its ends below it. At most `width` columns wide.
pub fn density_plot(name: &str, values: &[f64], width: usize, style: Style) -> String {
    let Some((low, high)) = ends(values) else {
        return format!("{name}: nothing finite to plot");
    };
    let columns = width.clamp(10, WIDEST);
    let counts = bins(values, (low, high), columns);
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let mut lines = vec![name.to_owned()];
    for row in (0..HEIGHT).rev() {
        let cells = counts.iter().map(|count| {
            let eighths = count * HEIGHT * 8 / most;
            blocks(style)[eighths.saturating_sub(row * 8).min(8)]
        });
        lines.push(cells.collect::<String>().trim_end().to_owned());
    }
    let (low, high) = (significant(low, 3), significant(high, 3));
    let gap = columns.saturating_sub(low.chars().count() + high.chars().count()).max(1);
    lines.push(format!("{low}{}{high}", " ".repeat(gap)));
    lines.join("\n")
}

/// A histogram on one line, between its ends.
pub fn sparkline(values: &[f64], style: Style) -> String {
    let Some((low, high)) = ends(values) else { return "nothing finite to plot".to_owned() };
    let counts = bins(values, (low, high), SPARK);
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let bars: String = counts.iter().map(|count| blocks(style)[count * 8 / most]).collect();
    format!("{:>9} {bars} {}", significant(low, 3), significant(high, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_the_counts() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).chain([0.0; 10]).collect();
        let plot = density_plot("x", &values, 10, Style { unicode: true, color: false });
        let last = plot.lines().nth(HEIGHT).expect("a row");
        assert!(last.chars().all(|c| c == '█'), "{plot}");
        assert_eq!(plot.lines().nth(1).expect("a row").trim_end(), "█", "{plot}");
    }

    #[test]
    fn what_is_not_finite_is_no_bar() {
        assert_eq!(sparkline(&[f64::NAN], Style::PLAIN), "nothing finite to plot");
        let ascii = Style { unicode: false, color: false };
        assert!(density_plot("x", &[1.0, f64::INFINITY], 20, ascii).contains('#'));
    }
}
