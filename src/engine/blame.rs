//! Finds out why a log density is not finite.

use super::execute::{for_each_block, output, run_prelude};
use super::kernel::DensityStep;
use super::program::Program;
use super::step::Step;
use super::workspace::State;
use crate::graph::Tag;
use crate::inference::target::LogDensity;

/// The first term of the log density that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blame {
    /// The statement it came from.
    pub tag: Tag,
    /// The row of the kernel; for finite variables summed out, the last variable of the sum.
    pub row: usize,
    /// The term: an infinity or NaN.
    pub value: f64,
}

impl Program {
    /// The first term that is not finite at a point, in the order of the model's nodes; `None`
    /// where all terms are finite.
    ///
    /// The model is compiled again, as it is written: this takes much longer than an evaluation.
    pub fn blame(&self, point: &[f64]) -> Option<Blame> {
        let verbatim = self.verbatim()?;
        let state = &mut verbatim.workspace().plain;
        verbatim.first_bad_term(state, point)
    }

    fn first_bad_term(&self, state: &mut State<f64>, point: &[f64]) -> Option<Blame> {
        self.begin(state, point.iter().copied());
        self.steps.iter().find_map(|step| match step {
            Step::Density(density) => first_bad_row(density, state),
            Step::Elimination(elimination) => {
                elimination.forward(state);
                let (row, value) = elimination.first_bad_root(state)?;
                Some(Blame { tag: elimination.tag, row, value })
            }
            Step::Map(_)
            | Step::Product(_)
            | Step::Recurrence(_)
            | Step::Cholesky(_)
            | Step::TriangularSolve(_)
            | Step::NoisyKronecker(_)
            | Step::Ode(_) => {
                step.evaluate(state);
                None
            }
        })
    }
}

fn first_bad_row(density: &DensityStep, state: &mut State<f64>) -> Option<Blame> {
    let routine = &density.value;
    if routine.is_idle() {
        return None;
    }
    let blame = |row, value| Blame { tag: density.tag, row, value };
    run_prelude(routine, state);
    for (_, slot) in &routine.scalar_outputs {
        let value = state.scalars[routine.first_scalar + *slot as usize];
        if !value.is_finite() {
            return Some(blame(0, value));
        }
    }
    let mut found = None;
    for_each_block(routine, state, |state, rows| {
        for term in &routine.row_outputs {
            let values = output(routine, term.value, &state.registers, rows);
            if found.is_none()
                && let Some(lane) = values.iter().position(|value| !value.is_finite())
            {
                found = Some(blame(rows.start + lane, values[lane]));
            }
        }
    });
    found
}
