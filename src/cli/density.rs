//! `vippl density`: the log density at a point, and its gradient.

use super::arguments::{AutodiffArgument, DensityArguments};
use super::exit::{Exit, Refusal};
use super::files;
use super::load::{Loaded, Warnings};
use super::terminal::Terminal;
use crate::data::Mode;
use crate::output::{Number, exact};
use crate::session::{Autodiff, DensityAt, DensityTime, PointProblem};
use crate::source::Sources;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// Evaluates the log density at a point.
pub(super) fn density(arguments: &DensityArguments, terminal: &Terminal) -> Result<Exit, Refusal> {
    let program = &arguments.program;
    let warnings = Warnings { quiet: program.json, deny: program.deny_warnings };
    let mut loaded = Loaded::open(&program.model, &program.data, warnings, terminal)?;
    loaded.largest_table = program.max_table.unwrap_or(loaded.largest_table);
    let directory = files::directory_of(&program.model);
    let binding = loaded.bind(&program.data, &directory, Mode::Fit, terminal)?;
    let model = loaded.compile(binding)?;
    let bad_point = |messages: Vec<String>| Refusal {
        messages,
        ..Refusal::with_places(Exit::Data, Vec::new(), &loaded.document.sources)
    };
    let at = arguments.at.display();
    let value: Value = serde_json::from_slice(&files::read_input(&arguments.at)?)
        .map_err(|error| bad_point(vec![format!("`{at}` is not JSON: {error}")]))?;
    let point = model
        .read_point(&value, arguments.unconstrained)
        .map_err(|problems| bad_point(problems.iter().map(PointProblem::to_string).collect()))?;
    let autodiff = match arguments.autodiff {
        AutodiffArgument::Mixed => Autodiff::Mixed,
        AutodiffArgument::Forward => Autodiff::Forward,
    };
    let result = model
        .density_at(&point, arguments.gradient, autodiff)
        .map_err(|failure| Refusal::from_failure(failure, &loaded.document.sources))?;
    let time = arguments.time.then(|| model.density_time(&result.unconstrained));
    let time = time.map(|time| TimeRecord::new(&time, &loaded.document.sources));
    if program.json {
        terminal.print_json(&DensityRecord::new(&result, time))?;
    } else {
        terminal.print(&to_text(&result))?;
        if let Some(time) = time {
            terminal.print(&time.to_text())?;
        }
    }
    Ok(Exit::Success)
}

/// The result for programs, keys in this order.
#[derive(Serialize)]
struct DensityRecord {
    schema: &'static str,
    log_density: Number,
    log_density_unconstrained: Number,
    unconstrained: Vec<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient: Option<Vec<Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<TimeRecord>,
}

/// Where the time goes, keys in this order.
#[derive(Serialize)]
struct TimeRecord {
    seconds: Number,
    instructions: &'static str,
    nodes: Vec<NodeRecord>,
}

#[derive(Serialize)]
struct NodeRecord {
    line: usize,
    name: String,
    mode: String,
    seconds: Number,
}

impl TimeRecord {
    fn new(time: &DensityTime, sources: &Sources) -> Self {
        let nodes = time.nodes.iter().map(|node| NodeRecord {
            line: sources.line(node.span),
            name: node.name.clone(),
            mode: node.mode.clone(),
            seconds: Number(node.seconds),
        });
        let (seconds, instructions) = (Number(time.seconds), time.instructions);
        TimeRecord { seconds, instructions, nodes: nodes.collect() }
    }

    fn to_text(&self) -> String {
        let mut out = String::new();
        let microseconds = |seconds: &Number| 1e6 * seconds.0;
        let total = self.nodes.iter().map(|node| node.seconds.0).sum::<f64>().max(1e-12);
        let (each, instructions) = (microseconds(&self.seconds), self.instructions);
        let _ = writeln!(out, "time: {each:.2} us for a gradient, {instructions} instructions");
        for node in &self.nodes {
            let share = 100.0 * node.seconds.0 / total;
            let NodeRecord { line, name, mode, seconds } = node;
            let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
            let _ = writeln!(
                out,
                "  {share:>4.0} % {:>10.2} us  line {line}: {name}{mode}",
                microseconds(seconds)
            );
        }
        out
    }
}

impl DensityRecord {
    fn new(result: &DensityAt, time: Option<TimeRecord>) -> Self {
        let numbers = |values: &[f64]| values.iter().copied().map(Number).collect();
        DensityRecord {
            schema: "vippl.density/1",
            log_density: Number(result.log_density),
            log_density_unconstrained: Number(result.log_density_unconstrained),
            unconstrained: numbers(&result.unconstrained),
            gradient: result.gradient.as_deref().map(numbers),
            time,
        }
    }
}

fn to_text(result: &DensityAt) -> String {
    let mut out = String::new();
    let list = |values: &[f64]| {
        let values: Vec<String> = values.iter().copied().map(exact).collect();
        values.join(" ")
    };
    let _ = writeln!(out, "log density: {}", exact(result.log_density));
    let total = exact(result.log_density_unconstrained);
    let _ = writeln!(out, "log density, unconstrained: {total}");
    let _ = writeln!(out, "unconstrained: {}", list(&result.unconstrained));
    if let Some(gradient) = &result.gradient {
        let _ = writeln!(out, "gradient: {}", list(gradient));
    }
    out
}
