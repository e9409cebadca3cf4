//! Large kernels are divided into shares of rows: the bits do not depend on who computes them.

use crate::witness::{
    Formula, assert_agrees_with, body, column, density, empty, gather, noise, product, run, store,
    uniform,
};
use rayon::ThreadPoolBuilder;
use std::sync::Arc;
use vippl::engine::{Options, Program};
use vippl::graph::{BufferId, Matrix, Model};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;
const COLUMNS: usize = 3;
const GROUPS: usize = 40;

/// A logistic regression with effects of groups, whose rows are in no order, an effect that is stored
/// for every row and read twice, and a scale that is the same for all rows.
struct Regression {
    x: Vec<f64>,
    y: Vec<f64>,
    group: Vec<u32>,
}

impl Regression {
    fn new(rows: usize) -> Self {
        let mut draw = noise(11);
        Regression {
            x: (0..rows * COLUMNS).map(|_| draw()).collect(),
            y: (0..rows).map(|_| f64::from(u8::from(draw() > 0.0))).collect(),
            group: (0..rows).map(|_| ((draw() + 1.0) * 0.5 * GROUPS as f64) as u32).collect(),
        }
    }

    fn model(&self) -> Model {
        let rows = self.y.len();
        let mut model = empty(1 + COLUMNS + GROUPS);
        let (linear, stored) = (model.add_buffer(rows), model.add_buffer(rows));
        let group: Vec<u32> = self.group.iter().map(|g| g + 1 + COLUMNS as u32).collect();
        let y = column(&self.y);
        model.nodes = vec![
            product(&Arc::new(Matrix::from_rows(rows, COLUMNS, self.x.iter().copied())), 1, linear),
            store(
                stored,
                rows,
                vec![gather(POINT, &group), uniform(POINT, 0)],
                vec![],
                body(|g| (g.input(0) * g.input(1).exp()).tanh()),
            ),
            density(
                rows,
                vec![run(linear, 0), run(stored, 0)],
                vec![y.clone()],
                body(|g| {
                    let eta = g.input(0) + g.input(1);
                    g.column(0) * eta - eta.softplus()
                }),
            ),
            density(
                rows,
                vec![run(stored, 0), uniform(POINT, 0)],
                vec![y],
                body(|g| (g.input(0) - g.column(0)).square() * g.input(1).exp() * -0.5),
            ),
        ];
        model
    }
}

impl Formula for Regression {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        (0..self.y.len()).fold(S::constant(0.0), |sum, row| {
            let stored = (u[1 + COLUMNS + self.group[row] as usize] * u[0].exp()).tanh();
            let x = &self.x[row * COLUMNS..(row + 1) * COLUMNS];
            let linear = x.iter().zip(&u[1..]).fold(S::constant(0.0), |sum, (x, b)| sum + *b * *x);
            let eta = linear + stored;
            let term = eta * self.y[row] - eta.softplus();
            sum + term + (stored - self.y[row]).square() * u[0].exp() * -0.5
        })
    }
}

/// Values, gradients and a product with the Hessian, of a batch of points and one by one.
fn bits(program: &Program, points: &[f64], dimension: usize) -> Vec<u64> {
    let mut workspace = program.workspace();
    let count = points.len() / dimension;
    let (mut values, mut gradients) = (vec![0.0; count], vec![0.0; points.len()]);
    program.gradients(&mut workspace, points, &mut values, &mut gradients);
    let mut results = values.clone();
    results.extend(&gradients);
    for (k, point) in points.chunks(dimension).enumerate() {
        let mut single = vec![0.0; dimension];
        let value = program.gradient(&mut workspace, point, &mut single);
        assert_eq!(value.to_bits(), values[k].to_bits());
        assert_eq!(single, gradients[k * dimension..(k + 1) * dimension]);
        results.push(program.log_density(&mut workspace, point));
        program.hessian_vector(&mut workspace, point, &vec![0.3; dimension], &mut single);
        results.extend(&single);
    }
    results.into_iter().map(f64::to_bits).collect()
}

/// Agrees with the formula and has the same bits for any number of threads, at points of which some
/// share the loads of the matrix and some are left over.
fn assert_same_bits(rows: usize, shares: &[usize]) {
    let regression = Regression::new(rows);
    let model = regression.model();
    let mut draw = noise(3);
    let points: Vec<f64> = (0..7 * model.dimension()).map(|_| draw()).collect();
    for share in shares {
        let options = Options { share: *share, ..Options::default() };
        assert_agrees_with(&model, &regression, &points[..model.dimension()], &options);
        let program = Program::compile(&model, &options).expect("the model is consistent");
        let of = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| bits(&program, &points, model.dimension()))
        };
        let one = of(1);
        for threads in [2, 4, 8] {
            assert_eq!(of(threads), one, "{threads} threads");
        }
    }
}

#[test]
fn shares_have_the_same_bits_for_any_number_of_threads() {
    assert_same_bits(1700, &[1, 1 << 13, usize::MAX]);
}

#[test]
fn functions_that_are_added_up_block_by_block_agree_with_the_formula() {
    assert_same_bits(9001, &[1 << 13, usize::MAX]);
}
