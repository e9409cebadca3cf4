//! Where the time of an evaluation goes.

use super::program::Program;
use super::routine::{Origin, Routine};
use super::step::Step;
use crate::graph::Tag;
use crate::inference::target::LogDensity;
use std::time::Instant;

/// What a node of the log density takes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTime {
    /// The statement it came from; the first of several that became one node.
    pub tag: Tag,
    /// How it is computed, in words.
    pub mode: String,
    /// Seconds of an evaluation with its gradient, a median.
    pub seconds: f64,
}

impl Program {
    /// Seconds of a log density with its gradient, and of every node in the order they run: medians
    /// over `runs` evaluations at a point. The nodes of a small model, which run as one list of
    /// instructions, have their parts of its time as they would divide it if each ran by itself.
    pub fn profile(&self, point: &[f64], runs: usize) -> (f64, Vec<NodeTime>) {
        let mut workspace = self.workspace();
        let mut gradient = vec![0.0; point.len()];
        let mut wholes = Vec::with_capacity(runs);
        let mut parts = vec![Vec::with_capacity(runs); self.steps.len()];
        for _ in 0..runs {
            let start = Instant::now();
            self.gradient(&mut workspace, point, &mut gradient);
            wholes.push(start.elapsed().as_secs_f64());
            let state = &mut workspace.plain;
            self.begin(state, point.iter().copied());
            state.adjoints.fill(0.0);
            let mut seconds = vec![0.0; self.steps.len()];
            for (step, seconds) in self.steps.iter().zip(&mut seconds) {
                let start = Instant::now();
                step.forward(state);
                *seconds += start.elapsed().as_secs_f64();
            }
            for (step, seconds) in self.steps.iter().zip(&mut seconds).rev() {
                let start = Instant::now();
                step.backward(state);
                *seconds += start.elapsed().as_secs_f64();
            }
            parts.iter_mut().zip(seconds).for_each(|(all, seconds)| all.push(seconds));
        }
        let whole = median(&mut wholes);
        let nodes = self.steps.iter().zip(&mut parts).map(|(step, times)| NodeTime {
            tag: step.cost().tag,
            mode: mode(step),
            seconds: median(times),
        });
        let mut nodes: Vec<NodeTime> = nodes.collect();
        if let Some(small) = &self.small {
            let sum: f64 = nodes.iter().map(|node| node.seconds).sum();
            for node in &mut nodes {
                node.seconds *= if sum > 0.0 { whole / sum } else { 1.0 };
                node.mode.push_str(&format!(", in one list of {}", small.length()));
            }
        }
        (whole, nodes)
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// How a step computes, in words.
fn mode(step: &Step) -> String {
    match step {
        Step::Density(density) => routine(&density.gradient.plain),
        Step::Map(map) => format!("{}, stored", routine(&map.adjoint.plain)),
        Step::Product(product) => {
            format!("{} x {} matrix", product.matrix.rows(), product.matrix.columns())
        }
        Step::Recurrence(_) => "rows in turns".to_owned(),
        Step::Elimination(_) => "finite latents summed out".to_owned(),
        Step::Cholesky(_) => "Cholesky factor".to_owned(),
        Step::TriangularSolve(_) => "triangular equations".to_owned(),
        Step::NoisyKronecker(_) => "matrix normals with noise".to_owned(),
        Step::Ode(_) => "differential equations".to_owned(),
    }
}

fn routine(routine: &Routine) -> String {
    let once = routine.prelude.instructions.len();
    if routine.rows == 1 || routine.instructions.is_empty() {
        return format!("{once} operations on scalars");
    }
    let matrices = routine.sources.iter().filter_map(|source| match &source.from {
        Origin::Places(_) => None,
        Origin::Product(product) => {
            let (rows, columns) = (product.matrix.rows(), product.matrix.columns());
            Some(format!(", with a {rows} x {columns} matrix"))
        }
    });
    let each = routine.row_operations();
    format!("{} rows x {each} operations{}", routine.rows, matrices.collect::<String>())
}
