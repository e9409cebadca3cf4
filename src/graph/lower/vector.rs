//! The values of latents whose elements are tied, from their coordinates: each group is a run
//! ([`Run`]) along its coordinates, or several.

use super::super::node::{BufferId, Node, Slot, Tag, Target};
use super::super::recurrence::Recurrence;
use super::super::trace::Traced;
use super::builder::{Builder, build};
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::bound::Groups;
use crate::math::bijector::recurrence::Run;
use crate::math::bijector::recurrence::Step;
use crate::math::{Bijector, Scalar, VectorBijector};
use crate::typed::{Expr, Random};
use std::f64::consts::LN_2;

/// One run: the coordinates it takes, in its order, and where its values go.
struct Along {
    /// The group, for its bounds.
    group: usize,
    /// Positions in the unconstrained point.
    coordinates: Vec<u32>,
    /// Elements of the target buffer, one for each coordinate and one for what is left, if any.
    values: Vec<u32>,
}

/// Steps of runs that happen in the same turn stand together; first all first steps.
struct Steps {
    /// The coordinate of each step.
    coordinates: Vec<u32>,
    /// Where the running number before the step is, and that after it.
    before: Vec<u32>,
    after: Vec<u32>,
    /// How many values are left.
    left: Vec<f64>,
    /// The group of each step.
    groups: Vec<u32>,
    /// Where the value of each step goes.
    values: Vec<u32>,
    /// The number of steps up to the end of every turn.
    waves: Vec<Vec<u32>>,
}

impl Steps {
    /// Running numbers are stored run by run, one more than there are steps.
    fn of(runs: &[Along]) -> (Self, Vec<u32>) {
        let mut steps = Steps {
            coordinates: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            left: Vec::new(),
            groups: Vec::new(),
            values: Vec::new(),
            waves: Vec::new(),
        };
        let mut starts = Vec::new();
        let mut next = 0u32;
        for run in runs {
            starts.push(next);
            next += run.coordinates.len() as u32 + 1;
        }
        let longest = runs.iter().map(|run| run.coordinates.len()).max().unwrap_or(0);
        for turn in 0..longest {
            for (run, start) in runs.iter().zip(&starts) {
                let Some(coordinate) = run.coordinates.get(turn) else { continue };
                steps.coordinates.push(*coordinate);
                steps.before.push(start + turn as u32);
                steps.after.push(start + turn as u32 + 1);
                steps.left.push((run.coordinates.len() - turn) as f64);
                steps.groups.push(run.group as u32);
                steps.values.push(run.values[turn]);
            }
            steps.waves.push(vec![steps.coordinates.len() as u32]);
        }
        (steps, starts)
    }
}

/// Where the steps of runs read.
struct Place<'s> {
    run: Run,
    steps: &'s Steps,
    states: BufferId,
    ends: [Option<Slot>; 2],
}

impl Place<'_> {
    fn step<'g>(&self, k: &mut Builder<'g>) -> Step<Traced<'g>> {
        let u = k.gather(BufferId::POINT, &self.steps.coordinates);
        let state = k.gather(self.states, &self.steps.before);
        let left = k.column(&self.steps.left);
        let (_, upper) = k.ends(&self.ends, &self.steps.groups);
        self.run.step(u, state, left, upper)
    }
}

impl Lowering<'_> {
    /// Adds the kernels that compute tied elements and the log-Jacobian.
    pub(super) fn transform_groups(
        &mut self,
        random: &Random,
        groups: &Groups,
        offset: usize,
        buffer: BufferId,
    ) -> Result<(), LowerError> {
        let tag = self.origin(random.span, Some(random.variable), &Rows::count(0));
        let dimension = groups.bijector.dimension(groups.rows);
        let coordinates = |group: usize| -> Vec<u32> {
            let first = offset + group * dimension;
            (first..first + dimension).map(|c| c as u32).collect()
        };
        let members = groups.members.iter().enumerate();
        match groups.bijector {
            VectorBijector::Simplex => {
                let runs = members.map(|(group, members)| Along {
                    group,
                    coordinates: coordinates(group),
                    values: members.clone(),
                });
                self.run(random, groups, Run::Stick, &runs.collect::<Vec<_>>(), buffer, tag)
            }
            VectorBijector::ZeroSum => {
                let runs = members.map(|(group, members)| Along {
                    group,
                    coordinates: coordinates(group).into_iter().rev().collect(),
                    values: members.iter().rev().copied().collect(),
                });
                self.run(random, groups, Run::Contrast, &runs.collect::<Vec<_>>(), buffer, tag)
            }
            VectorBijector::Ordered(shape) => {
                let backwards = shape == Bijector::Upper;
                let run = match shape {
                    Bijector::Identity | Bijector::Lower => Run::Rise,
                    Bijector::Upper => Run::Fall,
                    Bijector::Interval => Run::Border,
                };
                let runs = members.map(|(group, members)| {
                    let (mut coordinates, mut values) = (coordinates(group), members.clone());
                    if backwards {
                        coordinates.reverse();
                        values.reverse();
                    }
                    Along { group, coordinates, values }
                });
                let mut runs: Vec<Along> = runs.collect();
                if shape == Bijector::Identity {
                    let firsts: Vec<(u32, u32)> = runs
                        .iter_mut()
                        .map(|run| (run.coordinates.remove(0), run.values.remove(0)))
                        .collect();
                    self.copy_first(&firsts, buffer, tag);
                    return self.rise_from(&runs, &firsts, buffer, tag);
                }
                self.run(random, groups, run, &runs, buffer, tag)
            }
            VectorBijector::CholeskyCorrelation => {
                let runs = self.rows_of(groups, offset, true, |group, i, j| {
                    groups.members[group][i * groups.rows + j]
                });
                self.run(random, groups, Run::Row, &runs, buffer, tag)
            }
            VectorBijector::Correlation => {
                let size = groups.rows * groups.rows;
                let factor = self.model.add_buffer(size * groups.members.len());
                let runs = self.rows_of(groups, offset, false, |group, i, j| {
                    (group * size + i * groups.rows + j) as u32
                });
                self.run(random, groups, Run::Row, &runs, factor, tag)?;
                self.square(groups, factor, buffer, 1, tag);
                Ok(())
            }
            VectorBijector::CholeskyFactor => {
                self.triangle(groups, offset, buffer, tag, |group, i, j| {
                    groups.members[group][i * groups.rows + j]
                });
                Ok(())
            }
            VectorBijector::Covariance => {
                let size = groups.rows * groups.rows;
                let factor = self.model.add_buffer(size * groups.members.len());
                self.triangle(groups, offset, factor, tag, |group, i, j| {
                    (group * size + i * groups.rows + j) as u32
                });
                self.square(groups, factor, buffer, 0, tag);
                Ok(())
            }
        }
    }

    /// The runs of the rows of lower triangular matrices; coordinates row by row or column by
    /// column.
    fn rows_of(
        &self,
        groups: &Groups,
        offset: usize,
        by_row: bool,
        cell: impl Fn(usize, usize, usize) -> u32,
    ) -> Vec<Along> {
        let rows = groups.rows;
        let dimension = groups.bijector.dimension(rows);
        let mut runs = Vec::new();
        for group in 0..groups.members.len() {
            let first = offset + group * dimension;
            for i in 0..rows {
                let coordinate = |j: usize| {
                    let at = match by_row {
                        true => i * i.saturating_sub(1) / 2 + j,
                        false => j * (2 * rows - j - 1) / 2 + i - j - 1,
                    };
                    (first + at) as u32
                };
                runs.push(Along {
                    group,
                    coordinates: (0..i).map(coordinate).collect(),
                    values: (0..=i).map(|j| cell(group, i, j)).collect(),
                });
            }
        }
        runs
    }

    /// The running numbers by turns, then the values and the log-Jacobian from them.
    fn run(
        &mut self,
        random: &Random,
        groups: &Groups,
        run: Run,
        runs: &[Along],
        buffer: BufferId,
        tag: Tag,
    ) -> Result<(), LowerError> {
        let (low, high) = random.distribution.ends();
        let ends = self.group_ends(random, groups, low.as_ref(), high.as_ref())?;
        let (steps, starts) = Steps::of(runs);
        let total: usize = runs.iter().map(|run| run.coordinates.len() + 1).sum();
        let states = self.model.add_buffer(total);
        // Where each run begins.
        let of_run: Vec<u32> = runs.iter().map(|run| run.group as u32).collect();
        let add = |buffer, index: &[u32]| Target::Accumulate { buffer, index: index.into() };
        self.kernel(runs.len(), tag, add(states, &starts), |k| {
            let (lower, upper) = k.ends(&ends, &of_run);
            run.start(lower, upper)
        });
        let at = Place { run, steps: &steps, states, ends };
        let count = steps.coordinates.len();
        if count > 0 {
            let kernel = build(count, tag, add(states, &steps.after), |k| at.step(k).state);
            let waves = steps.waves.clone();
            self.push(Node::Recurrence(Recurrence { kernels: vec![kernel], waves, tag }));
            self.kernel(count, tag, add(buffer, &steps.values), |k| at.step(k).value);
            self.kernel(count, tag, Target::LogDensity, |k| at.step(k).log_jacobian);
        }
        // What is left without a coordinate.
        if run.last(0.0).is_some() {
            let last = |(run, start): (&Along, &u32)| start + run.coordinates.len() as u32;
            let states_left: Vec<u32> = runs.iter().zip(&starts).map(last).collect();
            let values: Vec<u32> = runs
                .iter()
                .filter_map(|run| run.values.get(run.coordinates.len()).copied())
                .collect();
            self.kernel(runs.len(), tag, add(buffer, &values), |k| {
                let state = k.gather(states, &states_left);
                run.last(state).unwrap_or(state)
            });
        }
        Ok(())
    }

    /// The first value of each run is its coordinate.
    fn copy_first(&mut self, firsts: &[(u32, u32)], buffer: BufferId, tag: Tag) {
        let (coordinates, values): (Vec<u32>, Vec<u32>) = firsts.iter().copied().unzip();
        let target = Target::Accumulate { buffer, index: values.into() };
        self.kernel(firsts.len(), tag, target, |k| k.gather(BufferId::POINT, &coordinates));
    }

    /// Ascending values: each is the one before, which is stored already, plus e^u.
    fn rise_from(
        &mut self,
        runs: &[Along],
        firsts: &[(u32, u32)],
        buffer: BufferId,
        tag: Tag,
    ) -> Result<(), LowerError> {
        let (mut coordinates, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let mut waves = Vec::new();
        let longest = runs.iter().map(|run| run.coordinates.len()).max().unwrap_or(0);
        for turn in 0..longest {
            for (run, (_, first)) in runs.iter().zip(firsts) {
                let Some(coordinate) = run.coordinates.get(turn) else { continue };
                coordinates.push(*coordinate);
                before.push(if turn == 0 { *first } else { run.values[turn - 1] });
                after.push(run.values[turn]);
            }
            waves.push(vec![coordinates.len() as u32]);
        }
        let count = coordinates.len();
        if count == 0 {
            return Ok(());
        }
        let target = Target::Accumulate { buffer, index: after.into() };
        let kernel = build(count, tag, target, |k| {
            k.gather(buffer, &before) + k.gather(BufferId::POINT, &coordinates).exp()
        });
        self.push(Node::Recurrence(Recurrence { kernels: vec![kernel], waves, tag }));
        self.kernel(count, tag, Target::LogDensity, |k| k.gather(BufferId::POINT, &coordinates));
        Ok(())
    }

    /// Lower triangular matrices with a diagonal of e^u.
    fn triangle(
        &mut self,
        groups: &Groups,
        offset: usize,
        buffer: BufferId,
        tag: Tag,
        cell: impl Fn(usize, usize, usize) -> u32,
    ) {
        let dimension = groups.bijector.dimension(groups.rows);
        let (mut inside, mut diagonal) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for group in 0..groups.members.len() {
            for i in 0..groups.rows {
                for j in 0..=i {
                    let coordinate = (offset + group * dimension + i * (i + 1) / 2 + j) as u32;
                    let to = if i == j { &mut diagonal } else { &mut inside };
                    to.0.push(coordinate);
                    to.1.push(cell(group, i, j));
                }
            }
        }
        let add = |index: &[u32]| Target::Accumulate { buffer, index: index.into() };
        self.kernel(inside.0.len(), tag, add(&inside.1), |k| k.gather(BufferId::POINT, &inside.0));
        self.kernel(diagonal.0.len(), tag, add(&diagonal.1), |k| {
            k.gather(BufferId::POINT, &diagonal.0).exp()
        });
        self.kernel(diagonal.0.len(), tag, Target::LogDensity, |k| {
            k.gather(BufferId::POINT, &diagonal.0)
        });
    }

    /// L ↦ L Lᵀ and what it adds to the log-Jacobian: Σ (K - k + 1 - fixed) ln L_kk, and K ln 2
    /// where the diagonal is free (`fixed` is 0).
    fn square(
        &mut self,
        groups: &Groups,
        factor: BufferId,
        buffer: BufferId,
        fixed: usize,
        tag: Tag,
    ) {
        let rows = groups.rows;
        let (mut left, mut right, mut to) = (Vec::new(), Vec::new(), Vec::new());
        let (mut diagonal, mut weights) = (Vec::new(), Vec::new());
        for (group, members) in groups.members.iter().enumerate() {
            let cell = |i: usize, j: usize| (group * rows * rows + i * rows + j) as u32;
            for i in 0..rows {
                for j in 0..rows {
                    for k in 0..=i.min(j) {
                        left.push(cell(i, k));
                        right.push(cell(j, k));
                        to.push(members[i * rows + j]);
                    }
                }
                diagonal.push(cell(i, i));
                weights.push((rows - i) as f64 - fixed as f64);
            }
        }
        let target = Target::Accumulate { buffer, index: to.into() };
        self.kernel(left.len(), tag, target, |k| {
            k.gather(factor, &left) * k.gather(factor, &right)
        });
        let constant = if fixed == 0 { LN_2 } else { 0.0 };
        self.kernel(diagonal.len(), tag, Target::LogDensity, |k| {
            k.column(&weights) * k.gather(factor, &diagonal).ln() + constant
        });
    }

    /// The ends of the interval of each group, in a buffer each.
    fn group_ends(
        &mut self,
        random: &Random,
        groups: &Groups,
        low: Option<&Expr>,
        high: Option<&Expr>,
    ) -> Result<[Option<Slot>; 2], LowerError> {
        let firsts = groups.members.iter().map(|m| m.first().copied().unwrap_or(0)).collect();
        let rows = Rows::at(&self.evaluator, &random.indices, firsts);
        let mut ends = [None, None];
        for (slot, end) in ends.iter_mut().zip([low, high]) {
            if let Some(end) = end {
                let tag = self.origin(end.span, None, &rows);
                *slot = Some(self.store(end, &rows, tag)?);
            }
        }
        Ok(ends)
    }
}
