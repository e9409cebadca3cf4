//! Random expressions over random inputs.

use crate::witness::{
    Formula, all_options, assert_agrees_with, body, column, density, empty, gather, noise, run,
    store, uniform,
};
use proptest::prelude::*;
use vippl::graph::BufferId;
use vippl::math::{Binary, Scalar, Unary};

const POINT: BufferId = BufferId::POINT;
/// u[0] is uniform, u[1..4] are gathered, the rest belong to one row each.
const SHARED: usize = 4;

/// A step reads two of the numbers so far and adds one.
#[derive(Clone, Copy, Debug)]
struct Step {
    operation: usize,
    a: usize,
    b: usize,
}

/// Runs the steps from three inputs and two columns; every operation maps moderate numbers to
/// moderate numbers.
fn evaluate<S: Scalar>(steps: &[Step], leaves: [S; 5]) -> S {
    let mut numbers = leaves.to_vec();
    for step in steps {
        let (a, b) = (numbers[step.a % numbers.len()], numbers[step.b % numbers.len()]);
        numbers.push(match step.operation {
            0 => a + b,
            1 => a - b,
            2 => a.apply(Unary::Tanh) * b,
            3 => a / (b.square() + 1.0),
            4 => (a.apply(Unary::Sin) - b.sigmoid()).exp(),
            5 => a.softplus() * -0.5,
            6 => S::select(a.less(b), a * 2.0, b.apply(Unary::Atan)),
            7 => (a.square() + 0.5).apply2(Binary::Pow, b.apply(Unary::Tanh)),
            8 => (a.abs() + 1.0).ln_gamma() - b,
            9 => b.sigmoid().apply2(Binary::XLogY, a.square() + 0.1),
            10 => -a,
            _ => a.apply(Unary::LnNormalCdf) / -2.0 + b * 0.0,
        });
        if let Some(last) = numbers.last_mut() {
            // Keeps values moderate without hiding the operation.
            *last = last.apply(Unary::Tanh) + *last * 0.1;
        }
    }
    numbers[numbers.len() - 1]
}

struct Random<'a> {
    steps: &'a [Step],
    groups: &'a [u32],
    columns: [&'a [f64]; 2],
}

impl Formula for Random<'_> {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let rows = self.groups.iter().enumerate();
        rows.fold(S::constant(0.0), |sum, (row, group)| {
            let columns = self.columns.map(|column| S::constant(column[row]));
            let leaves = [u[0], u[*group as usize], u[SHARED + row], columns[0], columns[1]];
            let y = evaluate(self.steps, leaves);
            sum + term(y)
        })
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..12_usize, 0..64_usize, 0..64_usize);
    let step = step.prop_map(|(operation, a, b)| Step { operation, a, b });
    prop::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_expressions_agree(
        steps in steps(),
        rows in prop::sample::select(vec![1_usize, 2, 7]),
        seed in 0..1000_u64,
        through_buffer in any::<bool>(),
        option in 0..4_usize,
    ) {
        let mut draw = noise(seed);
        let groups: Vec<u32> = (0..rows as u32).map(|r| 1 + (r * 5 + seed as u32) % 3).collect();
        let first: Vec<f64> = (0..rows).map(|_| 2.0 * draw()).collect();
        let second: Vec<f64> = (0..rows).map(|r| (r % 2) as f64).collect();
        let point: Vec<f64> = (0..SHARED + rows).map(|_| 2.0 * draw()).collect();
        let inputs = || vec![uniform(POINT, 0), gather(POINT, &groups), run(POINT, SHARED)];
        let columns = || vec![column(&first), column(&second)];
        let mut model = empty(SHARED + rows);
        if through_buffer {
            let stored = model.add_buffer(rows);
            model.nodes = vec![
                store(stored, rows, inputs(), columns(), body(|g| traced(&steps, g))),
                density(rows, vec![run(stored, 0)], vec![], body(|g| term(g.input(0)))),
            ];
        } else {
            model.nodes = vec![density(rows, inputs(), columns(), body(|g| term(traced(&steps, g))))];
        }
        let formula = Random { steps: &steps, groups: &groups, columns: [&first, &second] };
        assert_agrees_with(&model, &formula, &point, &all_options()[option]);
    }
}

fn term<S: Scalar>(y: S) -> S {
    y - y.square() * 0.5
}

fn traced<'g>(steps: &[Step], g: &'g vippl::graph::Graph) -> vippl::graph::Traced<'g> {
    evaluate(steps, [g.input(0), g.input(1), g.input(2), g.column(0), g.column(1)])
}
