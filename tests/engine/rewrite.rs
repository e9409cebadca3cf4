//! Models that rewrites change: sums of squares, terms that repeat, groups in any order, several
//! points at once, and every set of instructions.

use crate::witness::{
    Formula, all_options, assert_agrees, body, column, density, empty, gather, noise, product, run,
    store, uniform,
};
use std::sync::Arc;
use vippl::engine::{Isa, Options, Program};
use vippl::graph::{BufferId, Matrix, Model};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;

fn normal<S: Scalar>(x: S, mean: S, sd: S) -> S {
    ((x - mean) / sd).square() * -0.5 - sd.ln()
}

/// y ~ normal(a + c z + X beta, e^s), with s last.
struct Regression {
    x: Arc<Matrix>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Regression {
    fn simulated(rows: usize, columns: usize) -> Self {
        let mut draw = noise(rows as u64);
        let x = Matrix::from_rows(rows, columns, (0..rows * columns).map(|_| 3.0 + draw()));
        let y = (0..rows).map(|_| 100.0 + draw()).collect();
        let z = (0..rows).map(|_| draw()).collect();
        Regression { x: Arc::new(x), y, z }
    }

    fn model(&self) -> Model {
        let (rows, columns) = (self.x.rows(), self.x.columns());
        let mut model = empty(3 + columns);
        let [eta, sigma, mean] = [rows, 1, rows].map(|length| model.add_buffer(length));
        model.nodes = vec![
            store(sigma, 1, vec![uniform(POINT, 2 + columns)], vec![], body(|g| g.input(0).exp())),
            product(&self.x, 2, eta),
            store(
                mean,
                rows,
                vec![uniform(POINT, 0), uniform(POINT, 1), run(eta, 0)],
                vec![column(&self.z)],
                body(|g| g.input(0) + g.input(1) * g.column(0) + g.input(2)),
            ),
            density(
                rows,
                vec![run(mean, 0), uniform(sigma, 0)],
                vec![column(&self.y)],
                body(|g| normal(g.column(0), g.input(0), g.input(1))),
            ),
        ];
        model
    }
}

impl Formula for Regression {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let columns = self.x.columns();
        let sd = u[2 + columns].exp();
        (0..self.y.len()).fold(S::constant(0.0), |sum, row| {
            let start = u[0] + u[1] * self.z[row];
            let mean = (0..columns).fold(start, |eta, k| eta + u[2 + k] * self.x.at(row, k));
            sum + normal(S::constant(self.y[row]), mean, sd)
        })
    }
}

#[test]
fn sums_of_squares_agree_and_do_not_depend_on_the_number_of_rows() {
    let mut costs = Vec::new();
    for rows in [300, 700] {
        let formula = Regression::simulated(rows, 4);
        let mut draw = noise(3);
        let point: Vec<f64> = (0..7).map(|_| draw()).collect();
        assert_agrees(&formula.model(), &formula, &point);
        let program = Program::compile(&formula.model(), &Options::default()).expect("consistent");
        let cost = program.costs().iter().map(|cost| cost.rows).max();
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0] < Some(20), "{costs:?}");
}

/// y ~ negative binomial with mean e^(a + b x) and size e^s.
struct Counts {
    y: Vec<f64>,
    x: Vec<f64>,
}

fn count<S: Scalar>(y: S, eta: S, log_size: S) -> S {
    let size = log_size.exp();
    let z = eta - log_size;
    (y + size).ln_gamma() - size.ln_gamma() - (y + 1.0).ln_gamma() + y * z
        - (y + size) * z.softplus()
}

impl Formula for Counts {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        self.y.iter().zip(&self.x).fold(S::constant(0.0), |sum, (y, x)| {
            sum + count(S::constant(*y), u[0] + u[1] * *x, u[2])
        })
    }
}

#[test]
fn terms_that_repeat_agree() {
    let mut draw = noise(8);
    let y = (0..400).map(|_| (4.0 * (draw() + 1.0)).floor()).collect();
    let x = (0..400).map(|_| draw()).collect();
    let formula = Counts { y, x };
    let mut model = empty(3);
    let inputs = vec![uniform(POINT, 0), uniform(POINT, 1), uniform(POINT, 2)];
    let columns = vec![column(&formula.y), column(&formula.x)];
    let value = body(|g| count(g.column(0), g.input(0) + g.input(1) * g.column(1), g.input(2)));
    model.nodes.push(density(400, inputs, columns, value));
    assert_agrees(&model, &formula, &[0.3, -0.4, 0.2]);
}

/// y ~ normal(alpha\[g\] - beta\[h\], 1) for rows in no order.
struct Groups {
    y: Vec<f64>,
    g: Vec<u32>,
    h: Vec<u32>,
}

impl Formula for Groups {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        (0..self.y.len()).fold(S::constant(0.0), |sum, row| {
            let mean = u[self.g[row] as usize] - u[self.h[row] as usize].sigmoid();
            sum + normal(S::constant(self.y[row]), mean, S::constant(1.0))
        })
    }
}

#[test]
fn groups_agree_in_any_order() {
    for per_group in [3, 40] {
        let mut draw = noise(5);
        let rows = 1200;
        let groups = rows / per_group;
        let mut pick = |count: usize| ((draw() + 1.0) * 0.5 * count as f64) as u32;
        let g: Vec<u32> = (0..rows).map(|_| 4 + pick(groups)).collect();
        let h: Vec<u32> = (0..rows).map(|_| pick(4)).collect();
        let y = (0..rows).map(|_| draw()).collect();
        let formula = Groups { y, g, h };
        let mut model = empty(4 + groups);
        let mut nodes = vec![density(
            rows,
            vec![gather(POINT, &formula.g), gather(POINT, &formula.h)],
            vec![column(&formula.y)],
            body(|g| {
                let mean = g.input(0) - g.input(1).sigmoid();
                normal(g.column(0), mean, Scalar::constant(1.0))
            }),
        )];
        model.nodes.append(&mut nodes);
        let point: Vec<f64> = (0..4 + groups).map(|i| (i as f64).sin()).collect();
        let options = all_options();
        let values = options.map(|options| {
            let program = Program::compile(&model, &options).expect("consistent");
            let mut gradient = vec![0.0; point.len()];
            let value = program.gradient(&mut program.workspace(), &point, &mut gradient);
            (value, gradient)
        });
        let expected = formula.log_density(&point);
        for (value, gradient) in &values {
            assert!((value - expected).abs() < 1e-10 * expected.abs(), "{value} {expected}");
            for (a, b) in gradient.iter().zip(&values[1].1) {
                assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }
}

/// y ~ normal(alpha\[g\] + z slope\[g\] + e\[h\] + X beta, e^(s\[g\])) for rows in no order: five
/// groups g, some of few rows, three h, and two columns.
struct Hierarchy {
    x: Arc<Matrix>,
    y: Vec<f64>,
    z: Vec<f64>,
    g: Vec<u32>,
    h: Vec<u32>,
}

impl Hierarchy {
    fn simulated(rows: usize) -> Self {
        let mut draw = noise(rows as u64);
        let x = Matrix::from_rows(rows, 2, (0..rows * 2).map(|_| 2.0 + draw()));
        let y = (0..rows).map(|_| 50.0 + draw()).collect();
        let z = (0..rows).map(|_| draw()).collect();
        // The last groups are small: squares are nearer to 0.
        let mut pick = |count: f64| ((draw() + 1.0) * 0.5).powi(3).mul_add(-count, count) as u32;
        let g = (0..rows).map(|row| if row < 3 { 0 } else { 1 + pick(4.0).min(3) }).collect();
        let h = (0..rows).map(|_| pick(3.0).min(2)).collect();
        Hierarchy { x: Arc::new(x), y, z, g, h }
    }

    fn model(&self) -> Model {
        let rows = self.y.len();
        let at = |index: &[u32], first: u32| -> Vec<u32> {
            index.iter().map(|element| first + element).collect()
        };
        let mut model = empty(20);
        let eta = model.add_buffer(rows);
        model.nodes = vec![
            product(&self.x, 18, eta),
            density(
                rows,
                vec![
                    gather(POINT, &self.g),
                    gather(POINT, &at(&self.g, 5)),
                    gather(POINT, &at(&self.g, 10)),
                    gather(POINT, &at(&self.h, 15)),
                    run(eta, 0),
                ],
                vec![column(&self.y), column(&self.z)],
                body(|g| {
                    let mean = g.input(0) + g.column(1) * g.input(1) + g.input(3) + g.input(4);
                    normal(g.column(0), mean, g.input(2).exp())
                }),
            ),
        ];
        model
    }
}

impl Formula for Hierarchy {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        (0..self.y.len()).fold(S::constant(0.0), |sum, row| {
            let (g, h) = (self.g[row] as usize, self.h[row] as usize);
            let start = u[g] + u[5 + g] * self.z[row] + u[15 + h];
            let mean = (0..2).fold(start, |eta, k| eta + u[18 + k] * self.x.at(row, k));
            sum + normal(S::constant(self.y[row]), mean, u[10 + g].exp())
        })
    }
}

#[test]
fn sums_of_squares_of_groups_agree_and_do_not_depend_on_the_number_of_rows() {
    for rows in [200, 1300] {
        let formula = Hierarchy::simulated(rows);
        let model = formula.model();
        let point: Vec<f64> = (0..20).map(|i| (i as f64).sin()).collect();
        assert_agrees(&model, &formula, &point);
        let program = Program::compile(&model, &Options::default()).expect("consistent");
        let most = program.costs().iter().map(|cost| cost.rows).max();
        // Thirteen groups at most have rows, each as many as 1, y, z and both columns of X.
        assert!(most.is_some_and(|most| most <= 13 * 5), "{most:?}");
    }
}

/// The logistic regression of a matrix on signs.
fn logistic(rows: usize, columns: usize) -> Model {
    let mut draw = noise(2);
    let matrix = Matrix::from_rows(rows, columns, (0..rows * columns).map(|_| draw()));
    let y: Vec<f64> = (0..rows).map(|_| f64::from(u8::from(draw() > 0.0))).collect();
    let mut model = empty(columns);
    let eta = model.add_buffer(rows);
    model.nodes = vec![
        product(&Arc::new(matrix), 0, eta),
        density(
            rows,
            vec![run(eta, 0)],
            vec![column(&y)],
            body(|g| g.column(0) * g.input(0) - g.input(0).softplus()),
        ),
    ];
    model
}

#[test]
fn points_together_have_the_bits_of_each_alone() {
    let program = Program::compile(&logistic(1000, 5), &Options::default()).expect("consistent");
    let mut workspace = program.workspace();
    let mut draw = noise(4);
    let points: Vec<f64> = (0..5 * 11).map(|_| draw()).collect();
    let (mut values, mut gradients) = (vec![0.0; 11], vec![0.0; 5 * 11]);
    program.gradients(&mut workspace, &points, &mut values, &mut gradients);
    for (k, point) in points.chunks(5).enumerate() {
        let mut gradient = vec![0.0; 5];
        let value = program.gradient(&mut workspace, point, &mut gradient);
        assert_eq!(value.to_bits(), values[k].to_bits());
        assert_eq!(gradient, gradients[5 * k..5 * (k + 1)]);
    }
}

#[test]
fn every_set_of_instructions_agrees() {
    let point = [0.3, -0.2, 0.5, 0.1, -1.0];
    let evaluate = |isa: Isa| {
        let options = Options { isa, ..Options::default() };
        let program = Program::compile(&logistic(777, 5), &options).expect("consistent");
        let mut gradient = vec![0.0; 5];
        let value = program.gradient(&mut program.workspace(), &point, &mut gradient);
        (value, gradient)
    };
    let (value, gradient) = evaluate(Isa::BASELINE);
    for isa in Isa::available() {
        let (other, slopes) = evaluate(isa);
        assert!((value - other).abs() < 1e-13 * value.abs(), "{}", isa.name());
        for (a, b) in gradient.iter().zip(&slopes) {
            assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{}: {a} {b}", isa.name());
        }
    }
}
