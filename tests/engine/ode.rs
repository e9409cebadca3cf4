//! Solutions of differential equations against closed forms and published values.

use crate::witness::{Formula, assert_agrees, column, density, empty, noise, run};
use vippl::engine::{Options, Program};
use vippl::graph::{
    BufferId, Expression, Graph, Inconsistency, Model, Node, Ode, Slot, Tag, Traced,
};
use vippl::inference::target::LogDensity;
use vippl::math::{Scalar, Unary};

const POINT: BufferId = BufferId::POINT;

fn equations(f: impl for<'g> FnOnce(&'g Graph) -> Vec<Traced<'g>>) -> Expression {
    let graph = Graph::new();
    let rates = f(&graph);
    graph.expression(&rates)
}

/// Initial states from the start of the point, then parameters.
fn ode(states: usize, parameters: usize, times: &[f64], equations: Expression) -> Ode {
    Ode {
        equations,
        states,
        parameters: (states..states + parameters).map(|i| (POINT, i)).collect(),
        initial: (0..states).map(|i| (POINT, i)).collect(),
        start: 0.0,
        times: times.into(),
        output: Slot { buffer: BufferId(1), offset: 0 },
        stiff: false,
        relative_tolerance: 1e-12,
        absolute_tolerance: 1e-13,
        max_steps: 100_000,
        tag: Tag(8),
    }
}

/// Some weight for every output.
fn weights(count: usize) -> Vec<f64> {
    (0..count).map(|i| f64::cos(i as f64 + 0.5)).collect()
}

/// Σ weight × tanh(output).
fn model(ode: Ode) -> Model {
    let mut model = empty(ode.states + ode.parameters.len());
    let count = ode.states * ode.times.len();
    let output = model.add_buffer(count);
    model.nodes = vec![
        Node::Ode(ode),
        density(
            count,
            vec![run(output, 0)],
            vec![column(&weights(count))],
            crate::witness::body(|g| g.input(0).tanh() * g.column(0)),
        ),
    ];
    model
}

fn score<S: Scalar>(outputs: &[S]) -> S {
    let weighted = outputs.iter().zip(weights(outputs.len())).map(|(y, w)| y.tanh() * w);
    weighted.fold(S::constant(0.0), |sum, x| sum + x)
}

const TIMES: [f64; 5] = [0.0, 0.3, 0.30001, 1.7, 4.0];

/// x″ = -w² x from (x, v).
struct Oscillator;

impl Formula for Oscillator {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (x, v, w) = (u[0], u[1], u[2]);
        let mut outputs = Vec::new();
        for t in TIMES {
            let (sin, cos) = ((w * t).apply(Unary::Sin), (w * t).apply(Unary::Cos));
            outputs.push(x * cos + v / w * sin);
            outputs.push(v * cos - x * w * sin);
        }
        score(&outputs)
    }
}

#[test]
fn an_oscillator_agrees_with_its_closed_form() {
    for stiff in [false, true] {
        let mut node =
            ode(2, 1, &TIMES, equations(|g| vec![g.input(1), -g.input(0) * g.input(2).square()]));
        node.stiff = stiff;
        assert_agrees(&model(node), &Oscillator, &[0.4, -0.3, 1.3]);
    }
}

/// 4,000 times over eight periods: most are inside a step.
#[test]
fn many_times_between_steps_are_as_accurate_as_the_steps() {
    let times: Vec<f64> = (0..=4_000).map(|k| f64::from(k) * 0.01).collect();
    let (x, v, w) = (0.4, -0.3, 1.3);
    for (tolerance, allowed) in [(1e-5, 1e-3), (1e-8, 1e-6), (1e-11, 1e-9)] {
        let rates = equations(|g| vec![g.input(1), -g.input(0) * g.input(2).square()]);
        let mut node = ode(2, 1, &times, rates);
        (node.relative_tolerance, node.absolute_tolerance) = (tolerance, tolerance);
        let outputs = states(node, &[x, v, w]);
        for (t, output) in times.iter().zip(outputs.chunks(2)) {
            let (sin, cos) = f64::sin_cos(w * t);
            let error = (output[0] - x * cos - v / w * sin).abs();
            assert!(error < allowed, "{tolerance}: {error:e} at {t}");
            assert!((output[1] - v * cos + x * w * sin).abs() < allowed);
        }
    }
}

/// y′ = r y (1 - y / k).
struct Growth;

impl Formula for Growth {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (y, r, k) = (u[0], u[1], u[2]);
        let at = |t: f64| k / ((k / y - 1.0) * (r * -t).exp() + 1.0);
        score(&TIMES.map(at))
    }
}

#[test]
fn logistic_growth_agrees_with_its_closed_form() {
    for stiff in [false, true] {
        let mut node = ode(
            1,
            2,
            &TIMES,
            equations(|g| {
                let (y, r, k) = (g.input(0), g.input(1), g.input(2));
                vec![r * y * (-(y / k) + 1.0)]
            }),
        );
        node.stiff = stiff;
        assert_agrees(&model(node), &Growth, &[0.2, 1.4, 1.1]);
    }
}

/// y′ = a t y.
struct Driven;

impl Formula for Driven {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        score(&TIMES.map(|t| u[0] * (u[1] * (t * t * 0.5)).exp()))
    }
}

#[test]
fn equations_that_depend_on_time_agree_with_their_closed_form() {
    for stiff in [false, true] {
        let mut node = ode(1, 1, &TIMES, equations(|g| vec![g.input(1) * g.input(2) * g.input(0)]));
        node.stiff = stiff;
        assert_agrees(&model(node), &Driven, &[0.6, -0.4]);
    }
}

/// y′ = -k (y - a cos t) - a sin t with large k, solved by a cos t + (y₀ - a) e^{-k t}
/// (Prothero and Robinson 1974).
struct Stiff;

const RATE: f64 = 1e4;

impl Formula for Stiff {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (y, a) = (u[0], u[1]);
        let k = u[2].exp() * RATE;
        score(&TIMES.map(|t| a * t.cos() + (y - a) * (k * -t).exp()))
    }
}

#[test]
fn a_stiff_equation_agrees_with_its_closed_form_in_few_steps() {
    let mut node = ode(
        1,
        2,
        &TIMES,
        equations(|g| {
            let (y, a, t) = (g.input(0), g.input(1), g.input(3));
            let (sin, cos) = (t.apply(Unary::Sin), t.apply(Unary::Cos));
            vec![-(g.input(2).exp() * RATE) * (y - a * cos) - a * sin]
        }),
    );
    node.stiff = true;
    node.absolute_tolerance = 1e-12;
    node.relative_tolerance = 1e-10;
    // An explicit method would need more than 10,000.
    node.max_steps = 3_000;
    assert_agrees(&model(node), &Stiff, &[0.9, 0.7, 0.2]);
}

fn states(node: Ode, point: &[f64]) -> Vec<f64> {
    let program = Program::compile(&model(node), &Options::default()).expect("consistent");
    program.buffers(&mut program.workspace(), point).get(BufferId(1)).to_vec()
}

fn assert_digits(actual: &[f64], expected: &[f64], tolerance: f64) {
    for (a, b) in actual.iter().zip(expected) {
        assert!((a - b).abs() < tolerance * b.abs(), "{a:e} and {b:e}");
    }
}

fn robertson(times: &[f64]) -> Ode {
    let mut node = ode(
        3,
        3,
        times,
        equations(|g| {
            let (a, b, c) = (g.input(0), g.input(1), g.input(2));
            let (slow, fast, back) = (g.input(3) * a, g.input(4) * b.square(), g.input(5) * b * c);
            vec![back - slow, slow - back - fast, fast]
        }),
    );
    node.stiff = true;
    node.relative_tolerance = 1e-9;
    node.absolute_tolerance = 1e-20;
    node
}

const ROBERTSON: [f64; 6] = [1.0, 0.0, 0.0, 0.04, 3e7, 1e4];

/// The reference solution of the test set for initial value problem solvers (Mazzia and Magherini
/// 2008, problem ROBER) at t = 10¹¹.
#[test]
fn robertsons_reaction_reaches_the_published_states() {
    let expected = [2.083_340_149_701_255e-8, 8.333_360_770_334_713e-14, 0.999_999_979_166_505];
    assert_digits(&states(robertson(&[1e11]), &ROBERTSON), &expected, 1e-6);
}

/// The total is conserved whatever the rates: its derivatives are those of the initial states.
#[test]
fn sensitivities_of_a_stiff_system_conserve_what_the_system_conserves() {
    let mut node = robertson(&[0.4, 40.0, 4000.0]);
    node.absolute_tolerance = 1e-14;
    let mut model = model(node);
    model.nodes.pop();
    model.nodes.push(density(
        3,
        vec![run(BufferId(1), 6)],
        vec![],
        crate::witness::body(|g| g.input(0)),
    ));
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    let mut gradient = [0.0; 6];
    let total = program.gradient(&mut program.workspace(), &ROBERTSON, &mut gradient);
    assert!((total - 1.0).abs() < 1e-9);
    for (i, derivative) in gradient.iter().enumerate() {
        let (expected, scale) = if i < 3 { (1.0, 1.0) } else { (0.0, ROBERTSON[i]) };
        assert!((derivative - expected).abs() * scale < 1e-6, "{i}: {derivative}");
    }
}

/// The reference solution of the same test set, problem VDPOL with ε = 10⁻⁶ at t = 2.
#[test]
fn van_der_pols_oscillator_reaches_the_published_states() {
    let mut node = ode(
        2,
        1,
        &[2.0],
        equations(|g| {
            let (x, v) = (g.input(0), g.input(1));
            vec![v, ((-x.square() + 1.0) * v - x) / g.input(2)]
        }),
    );
    node.stiff = true;
    node.relative_tolerance = 1e-10;
    node.absolute_tolerance = 1e-10;
    let expected = [1.706_167_732_170_48, -0.892_809_701_024_796];
    assert_digits(&states(node, &[2.0, 0.0, 1e-6]), &expected, 1e-7);
}

/// y′ = y² from 1 is infinite at t = 1.
fn explosion(stiff: bool) -> Ode {
    let mut node = ode(1, 0, &[0.5, 0.9, 1.5, 2.0], equations(|g| vec![g.input(0).square()]));
    node.stiff = stiff;
    node.relative_tolerance = 1e-9;
    node.max_steps = 2_000;
    node
}

#[test]
fn a_solution_that_ends_is_not_a_number_from_there_on() {
    for stiff in [false, true] {
        let values = states(explosion(stiff), &[1.0]);
        assert_digits(&values[..2], &[2.0, 10.0], 1e-6);
        assert!(values[2].is_nan() && values[3].is_nan());
        let program = Program::compile(&model(explosion(stiff)), &Options::default());
        let program = program.expect("consistent");
        let mut workspace = program.workspace();
        let mut gradient = [0.0];
        assert!(program.gradient(&mut workspace, &[1.0], &mut gradient).is_nan());
        assert_eq!(program.blame(&[1.0]).map(|blame| blame.row), Some(2));
        // At another point all is well again.
        assert!(program.gradient(&mut workspace, &[0.1], &mut gradient).is_finite());
        assert!(gradient[0].is_finite());
    }
}

#[test]
fn too_few_steps_give_no_solution() {
    for stiff in [false, true] {
        let mut node = explosion(stiff);
        node.max_steps = 1;
        assert!(states(node, &[1.0]).iter().all(|y| y.is_nan()));
    }
}

/// y′ = c A y with a full matrix A: the solution is Σ (c t A)ᵏ y₀ / k!.
struct Mixing {
    size: usize,
    matrix: Vec<f64>,
}

impl Mixing {
    fn rate<S: Scalar>(&self, row: usize, y: &[S]) -> S {
        let own = &self.matrix[row * self.size..][..self.size];
        own.iter().zip(y).fold(S::constant(0.0), |sum, (a, y)| sum + *y * *a)
    }
}

impl Formula for Mixing {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (initial, c) = u.split_at(self.size);
        let mut outputs = Vec::new();
        for t in TIMES {
            let (mut term, mut sum) = (initial.to_vec(), initial.to_vec());
            for k in 1..60 {
                let rates = (0..self.size).map(|row| self.rate(row, &term));
                term = rates.map(|x| x * c[0] * (t / f64::from(k))).collect();
                sum.iter_mut().zip(&term).for_each(|(sum, x)| *sum = *sum + *x);
            }
            outputs.extend(sum);
        }
        score(&outputs)
    }
}

#[test]
fn a_linear_system_of_many_states_agrees_with_its_series() {
    let size = 6;
    let mut draw = noise(12);
    let formula = Mixing { size, matrix: (0..size * size).map(|_| draw()).collect() };
    let point: Vec<f64> = (0..=size).map(|_| 0.5 * draw()).collect();
    for stiff in [false, true] {
        let rates = equations(|g| {
            let states: Vec<_> = (0..size as u32).map(|i| g.input(i)).collect();
            (0..size).map(|row| formula.rate(row, &states) * g.input(size as u32)).collect()
        });
        let mut node = ode(size, 1, &TIMES, rates);
        node.stiff = stiff;
        assert_agrees(&model(node), &formula, &point);
    }
}

#[test]
fn points_that_are_no_numbers_give_no_solution() {
    for stiff in [false, true] {
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300] {
            for point in [[bad, 1.0, 1.0], [0.5, bad, 1.0], [bad; 3]] {
                let mut node = ode(
                    1,
                    2,
                    &TIMES,
                    equations(|g| vec![g.input(1) * g.input(0).square() - g.input(2).exp()]),
                );
                node.stiff = stiff;
                node.max_steps = 500;
                let program = Program::compile(&model(node), &Options::default());
                let program = program.expect("consistent");
                let mut workspace = program.workspace();
                let (mut gradient, mut product) = ([0.0; 3], [0.0; 3]);
                let value = program.gradient(&mut workspace, &point, &mut gradient);
                program.hessian_vector(&mut workspace, &point, &[1.0; 3], &mut product);
                assert!(value.is_nan(), "{stiff} {point:?}");
            }
        }
    }
}

#[test]
fn no_times_and_only_the_start_are_no_steps() {
    for stiff in [false, true] {
        let at = |times: &[f64]| {
            let mut node = ode(1, 1, times, equations(|g| vec![g.input(0) * g.input(1)]));
            node.stiff = stiff;
            states(node, &[0.7, 2.0])
        };
        assert!(at(&[]).is_empty());
        assert_eq!(at(&[0.0, 0.0]), [0.7, 0.7]);
    }
}

#[test]
fn a_system_without_states_is_no_work() {
    for stiff in [false, true] {
        let mut node = ode(0, 1, &TIMES, equations(|_| vec![]));
        node.stiff = stiff;
        let program = Program::compile(&model(node), &Options::default()).expect("consistent");
        let mut gradient = [1.0];
        assert_eq!(program.gradient(&mut program.workspace(), &[0.5], &mut gradient), 0.0);
        assert_eq!(gradient, [0.0]);
    }
}

#[test]
fn inconsistent_equations_are_refused() {
    let decay = || ode(1, 1, &[1.0, 2.0], equations(|g| vec![-g.input(0) * g.input(1)]));
    let check = |change: fn(&mut Ode)| {
        let mut node = decay();
        change(&mut node);
        let mut model = empty(2);
        model.add_buffer(2);
        model.nodes = vec![Node::Ode(node)];
        model.check()
    };
    let tag = Tag(8);
    assert_eq!(check(|_| {}), None);
    assert_eq!(check(|n| n.states = 2), Some(Inconsistency::WrongBody(tag)));
    assert_eq!(check(|n| n.parameters.clear()), None, "input 1 is then the time");
    assert_eq!(check(|n| n.times = [2.0, 1.0].into()), Some(Inconsistency::WrongLength(tag)));
    assert_eq!(check(|n| n.start = 1.5), Some(Inconsistency::WrongLength(tag)));
    assert_eq!(check(|n| n.start = f64::NAN), Some(Inconsistency::WrongLength(tag)));
    assert_eq!(check(|n| n.initial.clear()), Some(Inconsistency::WrongLength(tag)));
    let nothing = Some(Inconsistency::WrongTolerance(tag));
    assert_eq!(check(|n| n.relative_tolerance = 0.0), nothing);
    assert_eq!(check(|n| n.parameters[0].1 = 2), Some(Inconsistency::OutOfBuffer(tag)));
    assert_eq!(check(|n| n.initial[0].0 = n.output.buffer), Some(Inconsistency::WritesInput(tag)));
}
