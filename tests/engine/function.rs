//! Every operation in a kernel, at random and at awkward arguments, for every number of rows.

use crate::witness::{Formula, assert_agrees, body, column, density, empty, noise, run, store};
use vippl::graph::BufferId;
use vippl::math::{Binary, Order, Orders, Scalar, Ternary, Unary};

const ROW_COUNTS: [usize; 7] = [0, 1, 7, 255, 256, 257, 1000];

/// Arguments in the domain: spread over (low, high), with the awkward ones first.
fn arguments(f: Unary) -> (Vec<f64>, f64, f64) {
    match f {
        Unary::Abs => (vec![0.0, -1e-300], -3.0, 3.0),
        Unary::Exp | Unary::Expm1 => (vec![0.0, -800.0, 20.0], -5.0, 5.0),
        Unary::Ln | Unary::Recip | Unary::Sqrt => (vec![1.0, 1e-3, 1e9], 0.01, 5.0),
        Unary::Log1p => (vec![0.0, 1e-18, -0.99], -0.9, 5.0),
        Unary::Softplus | Unary::Sigmoid | Unary::Tanh => {
            (vec![0.0, 800.0, -800.0, 1e-9], -20.0, 20.0)
        }
        Unary::Square | Unary::Sin | Unary::Cos | Unary::Atan => (vec![0.0, -1e5], -5.0, 5.0),
        Unary::Asin => (vec![0.0, 0.99], -0.9, 0.9),
        Unary::LnGamma | Unary::Digamma => (vec![1.0, 2.0, 1e5], 0.1, 20.0),
        // Its second derivative is beyond the table.
        Unary::Trigamma => (vec![], 0.0, 0.0),
        Unary::Tetragamma => (vec![], 0.0, 0.0),
        Unary::Erf | Unary::NormalCdf => (vec![0.0, 8.0, -8.0], -3.0, 3.0),
        Unary::LnNormalCdf => (vec![0.0, 8.0, -40.0], -6.0, 4.0),
        Unary::LnBesselI0 | Unary::BesselRatio => (vec![1e-3, 100.0], 0.1, 20.0),
        Unary::Floor => (vec![0.5, -0.5], -5.0, 5.0),
    }
}

/// Σ weight_r f(x_r)²: the square makes every derivative matter twice.
struct Rows<F> {
    weights: Vec<f64>,
    f: F,
}

trait Row {
    fn at<S: Scalar>(&self, x: S) -> S;
}

impl<F: Row> Formula for Rows<F> {
    fn log_density<S: Scalar>(&self, point: &[S]) -> S {
        self.weights.iter().zip(point).fold(S::constant(0.0), |sum, (weight, x)| {
            let y = self.f.at(*x);
            sum + (y * *weight + y * y * 0.25)
        })
    }
}

fn check(f: impl Row, points: &[f64]) {
    let mut draw = noise(3);
    let weights: Vec<f64> = points.iter().map(|_| draw()).collect();
    let rows = points.len();
    // In one kernel, and through a buffer.
    let mut direct = empty(rows);
    direct.nodes.push(density(
        rows,
        vec![run(BufferId::POINT, 0)],
        vec![column(&weights)],
        body(|g| {
            let y = f.at(g.input(0));
            y * g.column(0) + y * y * 0.25
        }),
    ));
    let mut stored = empty(rows);
    let buffer = stored.add_buffer(rows);
    stored.nodes = vec![
        store(buffer, rows, vec![run(BufferId::POINT, 0)], vec![], body(|g| f.at(g.input(0)))),
        density(
            rows,
            vec![run(buffer, 0)],
            vec![column(&weights)],
            body(|g| g.input(0) * g.column(0) + g.input(0) * g.input(0) * 0.25),
        ),
    ];
    let formula = Rows { weights, f };
    assert_agrees(&direct, &formula, points);
    assert_agrees(&stored, &formula, points);
}

struct Apply(Unary);

impl Row for Apply {
    fn at<S: Scalar>(&self, x: S) -> S {
        x.apply(self.0)
    }
}

#[test]
fn functions_of_one_argument_agree() {
    for f in Unary::ALL {
        let (mut points, low, high) = arguments(f);
        if points.is_empty() {
            continue;
        }
        let mut draw = noise(1);
        points.extend((0..20).map(|_| low + (high - low) * (0.5 + 0.5 * draw())));
        check(Apply(f), &points);
    }
}

#[test]
fn tables_end_where_they_say() {
    // Value and gradient only: the second derivative of trigamma is not in the table.
    let graph = vippl::graph::Graph::new();
    let trigamma = graph.expression(&[graph.input(0).apply(Unary::Trigamma)]);
    let options = vippl::graph::DifferentiationOptions::default();
    let with_slope = vippl::graph::gradient(&trigamma, 1, vippl::graph::Seed::One, &options);
    let values = with_slope.evaluate(&[1.0_f64], &[]);
    let zeta3 = 1.202_056_903_159_594_2;
    assert!((values[0] - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-14);
    assert!((values[1] + 2.0 * zeta3).abs() < 1e-13);
}

/// A function of two or three arguments made of one, on either side.
struct Two {
    kind: usize,
}

impl Row for Two {
    fn at<S: Scalar>(&self, x: S) -> S {
        let positive = x.square() + 0.5;
        let other = x * 0.5 + 2.0;
        match self.kind {
            0 => x + other,
            1 => other - x.sin_(),
            2 => other * x.sin_(),
            3 => x.sin_() / positive,
            4 => S::constant(2.5) / positive,
            5 => positive.apply2(Binary::Pow, other),
            6 => positive.apply2(Binary::Pow, S::constant(3.0)),
            7 => S::constant(1.7).apply2(Binary::Pow, x),
            8 => other.apply2(Binary::XLogY, positive),
            9 => S::constant(0.0).apply2(Binary::XLogY, x.square()) + x,
            10 => (-x).square() - (-x) * 3.0,
            11 => x.min(other),
            12 => x.max(S::constant(0.25)),
            13 => S::select(x.less(S::constant(0.0)), (-x).ln() * x, x.softplus()),
            14 => S::select(x.same(S::constant(1.0)), x * 7.0, x.square()),
            15 => positive.apply2(Binary::LnGammaLower(Order::Zero), other.square() + 0.1),
            16 => positive.apply2(Binary::LnGammaUpper(Order::Zero), x.square() + 0.1),
            17 => positive.apply3(Ternary::LnBetaLower(Orders::Zero), other.square() + 0.1, x),
            18 => S::constant(0.5).apply3(Ternary::LnBetaLower(Orders::Zero), positive, x * 0.3),
            _ => (x - 1.0) / -4.0 + (x * -2.0) * (x * 0.5) / 3.0,
        }
    }
}

trait Sine: Scalar {
    fn sin_(self) -> Self {
        self.apply(Unary::Sin)
    }
}
impl<S: Scalar> Sine for S {}

#[test]
fn operations_on_two_numbers_and_selections_agree() {
    for kind in 0..20 {
        let mut points = vec![1.0, 1e-9, -3.0, 4.0];
        let mut draw = noise(2);
        points.extend((0..20).map(|_| 2.0 * draw()));
        check(Two { kind }, &points);
    }
}

struct Mixed;

impl Row for Mixed {
    fn at<S: Scalar>(&self, x: S) -> S {
        (x.softplus() - x * 0.3).ln() + (x.square() + 1.0).recip()
    }
}

#[test]
fn every_number_of_rows_agrees() {
    for rows in ROW_COUNTS {
        let mut draw = noise(rows as u64);
        let points: Vec<f64> = (0..rows).map(|_| 3.0 * draw()).collect();
        // The witness costs the square of the number of rows: large ones only as users have it.
        if rows < 20 {
            check(Mixed, &points);
        } else {
            check_separable(&points);
        }
    }
}

/// As [`check`], for a formula known to be separable: one derivative per row.
fn check_separable(points: &[f64]) {
    use num_dual::Dual2_64;
    use vippl::engine::{Options, Program};
    use vippl::inference::target::LogDensity;
    let rows = points.len();
    let mut model = empty(rows);
    model.nodes.push(density(
        rows,
        vec![run(BufferId::POINT, 0)],
        vec![],
        body(|g| Mixed.at(g.input(0))),
    ));
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    let mut workspace = program.workspace();
    let (mut gradient, mut product) = (vec![0.0; rows], vec![0.0; rows]);
    let direction: Vec<f64> = (0..rows).map(|i| 1.0 + i as f64 * 0.01).collect();
    let value = program.gradient(&mut workspace, points, &mut gradient);
    program.hessian_vector(&mut workspace, points, &direction, &mut product);
    let mut expected = 0.0;
    for (row, x) in points.iter().enumerate() {
        let y = Mixed.at(Dual2_64::new(*x, 1.0, 0.0));
        expected += y.re;
        assert!((gradient[row] - y.v1).abs() < 1e-12 * (1.0 + y.v1.abs()), "row {row}");
        let curved = y.v2 * direction[row];
        assert!((product[row] - curved).abs() < 1e-11 * (1.0 + curved.abs()), "row {row}");
    }
    assert!((value - expected).abs() < 1e-11 * (1.0 + expected.abs()));
}
