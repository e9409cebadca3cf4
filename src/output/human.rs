//! The record of a fit as a person reads it.

use super::fit::{DataRecord, FitRecord, Row, RowValues, VariableRecord, element_name};
use super::number::{decimals, exact, fixed, significant};
use super::style::Style;
use super::table::{Align, Table};
use crate::inference::Level;
use std::fmt::Write;

/// How a report is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanOptions {
    /// What the stream can show.
    pub style: Style,
    /// Whether to print every row of long arrays.
    pub all: bool,
    /// The most rows of one variable that are printed without `all`.
    pub longest: usize,
    /// How many rows are printed of a longer one.
    pub shown: usize,
    /// How many columns there are to wrap words in.
    pub width: usize,
}

impl Default for HumanOptions {
    fn default() -> Self {
        HumanOptions { style: Style::PLAIN, all: false, longest: 40, shown: 10, width: 96 }
    }
}

/// The whole report.
pub fn report(record: &FitRecord, options: &HumanOptions) -> String {
    let mut out = String::new();
    let style = options.style;
    data(&mut out, &record.data, style);
    for (role, list) in [
        ("observed", "observed"),
        ("latent", "latent"),
        ("report", "reported"),
        ("predict", "predicted"),
    ] {
        let of_role = record.variables.iter().filter(|v| v.role == role);
        let names: Vec<String> = of_role.map(sized).collect();
        if !names.is_empty() {
            paragraph(&mut out, &format!("{list}: "), &names.join(", "), options.width);
        }
    }
    out.push('\n');
    out.push_str(&summary_table(&record.summary, options));
    out.push('\n');
    facts(&mut out, record, style);
    verdict(&mut out, record, options);
    out
}

/// A list of names with sizes, as `check` prints them: `mu, tau, alpha[85]`.
/// `y[100]`, or `y[3 of 100]` where only some cells are meant.
pub fn counted_name(name: &str, sizes: &[String], cells: Option<usize>) -> String {
    let total: Option<usize> = sizes.iter().map(|s| s.parse::<usize>().ok()).product();
    match cells.zip(total) {
        Some((cells, total)) if cells < total => {
            element_name(name, &[format!("{cells} of {total}")])
        }
        Some(_) | None => element_name(name, sizes),
    }
}

fn sized(variable: &VariableRecord) -> String {
    let sizes: Vec<String> = variable.shape.iter().map(usize::to_string).collect();
    counted_name(&variable.name, &sizes, variable.cells)
}

fn data(out: &mut String, data: &DataRecord, style: Style) {
    for file in &data.files {
        let rows = file
            .rows
            .map_or(String::new(), |n| format!("{n} {}; ", if n == 1 { "row" } else { "rows" }));
        let _ = writeln!(out, "{}: {rows}{}", style.bold(&file.file), file.columns.join(", "));
    }
    if !data.scalars.0.is_empty() {
        let list: Vec<String> =
            data.scalars.0.iter().map(|(name, x)| format!("{name} = {}", exact(x.0))).collect();
        let _ = writeln!(out, "scalars: {}", list.join(", "));
    }
    for (axis, size) in &data.axes.0 {
        let labels = data.labels.0.iter().find(|(name, _)| name == axis).map(|(_, l)| l.as_slice());
        let mut labels = labels.unwrap_or_default().to_vec();
        if labels.len() < *size {
            labels.push(style.ellipsis().to_owned());
        }
        let _ = writeln!(out, "axis {axis}: {size} ({})", labels.join(", "));
    }
}

/// The posterior summary. Long variables are cut unless `all`.
pub fn summary_table(rows: &[Row], options: &HumanOptions) -> String {
    let columns = ["mean", "sd", "5 %", "50 %", "95 %", "mcse"].map(|name| (name, Align::Right));
    let mut header = vec![("", Align::Left)];
    header.extend(columns);
    let mut table = Table::new(&header);
    let mut hidden: Vec<(usize, &str, usize)> = Vec::new();
    let mut likely = String::new();
    let mut printed = 0;
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let length =
            rest.iter().take_while(|r| r.name == first.name && r.role == first.role).count();
        let (variable, after) = rest.split_at(length);
        rest = after;
        let is_cut = !options.all && length > options.longest;
        let shown = if is_cut { options.shown.min(length) } else { length };
        for row in &variable[..shown] {
            match &row.values {
                RowValues::Moments(_) => {
                    table.row(cells(row));
                    printed += 1;
                }
                RowValues::Probabilities { .. } => likely.push_str(&shares(row)),
            }
        }
        if is_cut {
            match &first.values {
                RowValues::Moments(_) => hidden.push((printed, &first.name, length - shown)),
                RowValues::Probabilities { .. } => {
                    let _ = writeln!(likely, "{}", more(&first.name, length - shown, options));
                }
            }
        }
    }
    let mut out = String::new();
    for (index, line) in table.lines().into_iter().enumerate() {
        if index == 0 && printed == 0 {
            continue;
        }
        let line = if index == 0 { options.style.bold(&line) } else { line };
        let _ = writeln!(out, "{line}");
        for (_, name, count) in hidden.iter().filter(|(after, _, _)| index > 0 && *after == index) {
            let _ = writeln!(out, "{}", more(name, *count, options));
        }
    }
    out.push_str(&likely);
    out
}

/// What is said of rows that are not printed.
fn more(name: &str, count: usize, options: &HumanOptions) -> String {
    let ellipsis = options.style.ellipsis();
    let text =
        format!("{ellipsis} {count} more of {name} (--all prints them, --output DIR saves them)");
    options.style.dim(&text)
}

fn cells(row: &Row) -> Vec<String> {
    let name = element_name(&row.name, &row.index);
    match &row.values {
        RowValues::Probabilities { .. } => vec![name],
        RowValues::Moments(m) => {
            let (sd, mcse) = (m.sd.0, m.mcse_mean.0);
            let decimals = decimals(mcse, sd);
            let mut cells = vec![name];
            let numbers = [m.mean, m.sd, m.q05, m.q50, m.q95];
            cells.extend(numbers.iter().map(|x| fixed(x.0, decimals)));
            cells.push(significant(mcse, 2));
            cells
        }
    }
}

fn shares(row: &Row) -> String {
    let RowValues::Probabilities { probabilities } = &row.values else { return String::new() };
    let shares = probabilities.iter().filter(|p| p.probability >= 0.0005);
    let shares: Vec<String> =
        shares.map(|p| format!("{} {:.1} %", p.label, 100.0 * p.probability)).collect();
    format!("{}: {}\n", element_name(&row.name, &row.index), shares.join(", "))
}

/// Differences of ELBOs below 0.0001 nats mean nothing.
const ELBO_DECIMALS: i32 = 4;

fn facts(out: &mut String, record: &FitRecord, style: Style) {
    let error = record.elbo_error.0;
    let decimals = decimals(error, f64::NAN).map(|d| (d + 1).min(ELBO_DECIMALS));
    let recentered = match record.diagnostics.recentered.join(", ") {
        names if names.is_empty() => names,
        names => format!(", {names} re-centred"),
    };
    let _ = match &record.diagnostics.chains {
        Some(chains) => writeln!(
            out,
            "{} chains of {} draws by {}{recentered}; R-hat {}, effective {} (tails {}), {} diverged",
            chains.chains,
            chains.draws,
            record.method,
            fixed(chains.rhat.0, Some(3)),
            fixed(chains.bulk_ess.0, Some(0)),
            fixed(chains.tail_ess.0, Some(0)),
            chains.divergences
        ),
        None => writeln!(
            out,
            "ELBO {} {} {}; {} guide, {} algorithm{recentered}",
            fixed(record.elbo.0, decimals),
            style.plus_minus(),
            fixed(error, decimals),
            record.guide,
            record.algorithm
        ),
    };
    let _ = writeln!(
        out,
        "{} gradients, {} log densities, {} s; seed {}",
        record.gradient_evaluations,
        record.log_density_evaluations,
        significant(record.seconds.total, 2),
        record.seed
    );
}

fn verdict(out: &mut String, record: &FitRecord, options: &HumanOptions) {
    let verdict = &record.verdict;
    let (word, meaning) = match verdict.level {
        Level::Good => ("GOOD", "every check passed"),
        Level::Caution => ("CAUTION", "some numbers may be off"),
        Level::DoNotUse => ("DO NOT USE", "the numbers above do not describe the posterior"),
    };
    let _ = writeln!(out, "{}: {meaning}", options.style.level(verdict.level, word));
    for reason in &verdict.reasons {
        paragraph(out, "  because ", reason, options.width);
    }
    for advice in &verdict.advice {
        paragraph(out, "  try     ", advice, options.width);
    }
}

/// Words after a lead, wrapped and indented under their first line.
fn paragraph(out: &mut String, lead: &str, text: &str, width: usize) {
    let indent = lead.chars().count();
    let mut column = indent;
    out.push_str(lead);
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}
