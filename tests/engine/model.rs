//! Models built by hand, with every kind of node.

use crate::witness::{
    Formula, assert_agrees, body, column, density, empty, gather, noise, product, run, store,
    uniform,
};
use std::sync::Arc;
use vippl::engine::{Options, Program};
use vippl::graph::{Access, BufferId, Input, Kernel, Matrix, Node, Tag, Target};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;

pub(crate) fn normal<S: Scalar>(x: S, mean: S, scale: S) -> S {
    let z = (x - mean) / scale;
    z.square() * -0.5 - scale.ln() - 0.918_938_533_204_672_8
}

const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

struct EightSchools;

impl Formula for EightSchools {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (mean, scale) = (u[0], u[1].exp());
        let mut sum = normal(mean, S::constant(0.0), S::constant(5.0)) + u[1];
        sum = sum + (scale.square() / 25.0 + 1.0).ln() * -1.0;
        for (j, (effect, error)) in EFFECTS.iter().zip(ERRORS).enumerate() {
            let theta = mean + scale * u[2 + j];
            sum = sum + normal(u[2 + j], S::constant(0.0), S::constant(1.0));
            sum = sum + normal(S::constant(*effect), theta, S::constant(error));
        }
        sum
    }
}

#[test]
fn eight_schools_agrees() {
    let mut model = empty(10);
    let scale = model.add_buffer(1);
    let theta = model.add_buffer(8);
    model.nodes = vec![
        store(scale, 1, vec![uniform(POINT, 1)], vec![], body(|g| g.input(0).exp())),
        density(1, vec![uniform(POINT, 1)], vec![], body(|g| g.input(0))),
        density(
            1,
            vec![uniform(POINT, 0)],
            vec![],
            body(|g| normal(g.input(0), Scalar::constant(0.0), Scalar::constant(5.0))),
        ),
        density(
            1,
            vec![uniform(scale, 0)],
            vec![],
            body(|g| -(g.input(0).square() / 25.0 + 1.0).ln()),
        ),
        density(
            8,
            vec![run(POINT, 2)],
            vec![],
            body(|g| normal(g.input(0), Scalar::constant(0.0), Scalar::constant(1.0))),
        ),
        store(
            theta,
            8,
            vec![uniform(POINT, 0), uniform(scale, 0), run(POINT, 2)],
            vec![],
            body(|g| g.input(0) + g.input(1) * g.input(2)),
        ),
        // The schools in reverse order, through an index.
        density(
            8,
            vec![gather(theta, &[7, 6, 5, 4, 3, 2, 1, 0])],
            vec![
                column(&EFFECTS.iter().rev().copied().collect::<Vec<_>>()),
                column(&ERRORS.iter().rev().copied().collect::<Vec<_>>()),
            ],
            body(|g| normal(g.column(0), g.input(0), g.column(1))),
        ),
    ];
    let mut draw = noise(5);
    for _ in 0..5 {
        let point: Vec<f64> = (0..10).map(|_| draw()).collect();
        assert_agrees(&model, &EightSchools, &point);
    }
    assert_agrees(&model, &EightSchools, &[0.0; 10]);
}

/// Logistic regression: y ~ bernoulli_logit(intercept + X beta).
struct Logistic {
    matrix: Arc<Matrix>,
    outcomes: Vec<f64>,
}

impl Logistic {
    fn simulated(rows: usize, columns: usize) -> Self {
        let mut draw = noise(rows as u64);
        let matrix = Matrix::from_rows(rows, columns, (0..rows * columns).map(|_| draw()));
        let outcomes = (0..rows).map(|_| f64::from(u8::from(draw() > 0.0))).collect();
        Logistic { matrix: Arc::new(matrix), outcomes }
    }
}

fn bernoulli_logit<S: Scalar>(y: S, eta: S) -> S {
    y * eta - eta.softplus()
}

impl Formula for Logistic {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut sum = u.iter().fold(S::constant(0.0), |sum, x| sum - x.square() * 0.5);
        for (row, y) in self.outcomes.iter().enumerate() {
            let betas = u[1..].iter().enumerate();
            let eta = betas.fold(u[0], |eta, (k, beta)| eta + *beta * self.matrix.at(row, k));
            sum = sum + bernoulli_logit(S::constant(*y), eta);
        }
        sum
    }
}

#[test]
fn regression_through_a_product_agrees() {
    for (rows, columns) in [(1, 1), (7, 3), (300, 6), (257, 4)] {
        let formula = Logistic::simulated(rows, columns);
        let mut model = empty(1 + columns);
        let eta = model.add_buffer(rows);
        model.nodes = vec![
            density(1 + columns, vec![run(POINT, 0)], vec![], body(|g| g.input(0).square() * -0.5)),
            product(&formula.matrix, 1, eta),
            density(
                rows,
                vec![uniform(POINT, 0), run(eta, 0)],
                vec![column(&formula.outcomes)],
                body(|g| bernoulli_logit(g.column(0), g.input(0) + g.input(1))),
            ),
        ];
        let mut draw = noise(11);
        let point: Vec<f64> = (0..=columns).map(|_| draw()).collect();
        assert_agrees(&model, &formula, &point);
    }
}

/// low ~ normal, high = low + e^u, x in (low, high), with density normal(x | 0.5, 2).
struct Interval;

fn interval<S: Scalar>(u: S, low: S, high: S) -> S {
    low + (high - low) * u.sigmoid()
}

fn interval_log_jacobian<S: Scalar>(u: S, low: S, high: S) -> S {
    (high - low).ln() - u.abs() - (-u.abs()).exp().log1p() * 2.0
}

impl Formula for Interval {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (low, high) = (u[0], u[0] + u[1].exp());
        let mut sum = normal(low, S::constant(0.0), S::constant(1.0)) + u[1];
        for v in &u[2..] {
            let x = interval(*v, low, high);
            sum = sum + interval_log_jacobian(*v, low, high);
            sum = sum + normal(x, S::constant(0.5), S::constant(2.0));
        }
        sum
    }
}

#[test]
fn transforms_with_latent_bounds_agree() {
    for count in [1, 3, 8] {
        let mut model = empty(2 + count);
        let high = model.add_buffer(1);
        let x = model.add_buffer(count);
        let bounded = || vec![run(POINT, 2), uniform(POINT, 0), uniform(high, 0)];
        model.nodes = vec![
            store(
                high,
                1,
                vec![uniform(POINT, 0), uniform(POINT, 1)],
                vec![],
                body(|g| g.input(0) + g.input(1).exp()),
            ),
            density(1, vec![uniform(POINT, 1)], vec![], body(|g| g.input(0))),
            density(
                1,
                vec![uniform(POINT, 0)],
                vec![],
                body(|g| normal(g.input(0), Scalar::constant(0.0), Scalar::constant(1.0))),
            ),
            store(
                x,
                count,
                bounded(),
                vec![],
                body(|g| interval(g.input(0), g.input(1), g.input(2))),
            ),
            density(
                count,
                bounded(),
                vec![],
                body(|g| interval_log_jacobian(g.input(0), g.input(1), g.input(2))),
            ),
            density(
                count,
                vec![run(x, 0)],
                vec![],
                body(|g| normal(g.input(0), Scalar::constant(0.5), Scalar::constant(2.0))),
            ),
        ];
        let mut draw = noise(7);
        let point: Vec<f64> = (0..2 + count).map(|_| 2.0 * draw()).collect();
        assert_agrees(&model, &Interval, &point);
    }
}

/// Sums over segments, then a density of the sums: Σ_s ln(1 + (Σ_{r in s} w_r e^{u_g})²).
struct Segments {
    groups: Vec<u32>,
    segments: Vec<u32>,
    weights: Vec<f64>,
    segment_count: usize,
}

impl Formula for Segments {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut sums = vec![S::constant(0.0); self.segment_count];
        for ((group, segment), weight) in self.groups.iter().zip(&self.segments).zip(&self.weights)
        {
            let sum = &mut sums[*segment as usize];
            *sum = *sum + u[*group as usize].exp() * *weight;
        }
        sums.iter().fold(S::constant(0.0), |total, sum| total + sum.square().log1p())
    }
}

#[test]
fn segment_sums_agree() {
    for rows in [1, 7, 300] {
        let mut draw = noise(rows as u64);
        let formula = Segments {
            groups: (0..rows as u32).map(|r| (r * 7) % 4).collect(),
            segments: (0..rows as u32).map(|r| (r * r + 1) % 5).collect(),
            weights: (0..rows).map(|_| draw()).collect(),
            segment_count: 6,
        };
        let mut model = empty(4);
        let sums = model.add_buffer(6);
        model.nodes = vec![
            Node::Kernel(Kernel {
                rows,
                inputs: vec![Input {
                    buffer: POINT,
                    access: Access::Gather(formula.groups.clone().into()),
                }],
                columns: vec![column(&formula.weights)],
                body: body(|g| g.input(0).exp() * g.column(0)),
                target: Target::Accumulate { buffer: sums, index: formula.segments.clone().into() },
                tag: Tag(3),
            }),
            density(6, vec![run(sums, 0)], vec![], body(|g| g.input(0).square().log1p())),
        ];
        assert_agrees(&model, &formula, &[0.3, -0.2, 0.9, 0.1]);
    }
}

/// Terms that are the same for every row count once for each of them.
struct Repeated;

impl Formula for Repeated {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        (u[0] * u[1]).softplus() * 300.0 + u[1].exp() * 4.0
    }
}

#[test]
fn terms_without_row_inputs_count_once_per_row() {
    let mut model = empty(2);
    let copies = model.add_buffer(4);
    model.nodes = vec![
        density(
            300,
            vec![uniform(POINT, 0), uniform(POINT, 1)],
            vec![],
            body(|g| (g.input(0) * g.input(1)).softplus()),
        ),
        store(copies, 4, vec![uniform(POINT, 1)], vec![], body(|g| g.input(0).exp())),
        density(4, vec![gather(copies, &[0, 1, 2, 3])], vec![], body(|g| g.input(0))),
    ];
    assert_agrees(&model, &Repeated, &[0.4, -0.7]);
}

const TERMS: usize = 1500;

/// -(Σ_k (k + 1) / TERMS · sin u_k)²: one row with very many operations.
fn long<S: Scalar>(u: impl Fn(usize) -> S) -> S {
    let mut sum = S::constant(0.0);
    for k in 0..TERMS {
        sum = sum + u(k).apply(vippl::math::Unary::Sin) * ((k + 1) as f64 / TERMS as f64);
    }
    -sum.square()
}

#[test]
fn long_expressions_compile_and_have_the_gradient_of_the_closed_form() {
    let mut model = empty(TERMS);
    let inputs = (0..TERMS).map(|k| uniform(POINT, k)).collect();
    model.nodes = vec![density(1, inputs, vec![], body(|g| long(|k| g.input(k as u32))))];
    let point: Vec<f64> = (0..TERMS).map(|k| (k as f64).cos()).collect();
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    let mut gradient = vec![0.0; TERMS];
    let value = program.gradient(&mut program.workspace(), &point, &mut gradient);
    let sum: f64 =
        point.iter().enumerate().map(|(k, u)| (k + 1) as f64 / TERMS as f64 * u.sin()).sum();
    assert!((value + sum * sum).abs() < 1e-9 * sum * sum);
    for (k, (slope, u)) in gradient.iter().zip(&point).enumerate() {
        let expected = -2.0 * sum * (k + 1) as f64 / TERMS as f64 * u.cos();
        assert!((slope - expected).abs() < 1e-9 * (1.0 + expected.abs()), "coordinate {k}");
    }
}
