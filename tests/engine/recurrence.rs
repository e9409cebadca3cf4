//! Kernels whose rows take turns.

use crate::model::normal;
use crate::witness::{
    Formula, assert_agrees, body, column, density, empty, gather, noise, run, store, uniform,
};
use vippl::engine::{Options, Program};
use vippl::graph::{
    BufferId, Expression, Inconsistency, Input, Kernel, Node, Recurrence, Slot, Tag, Target, Traced,
};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;

fn kernel(rows: usize, inputs: Vec<Input>, body: Expression, target: Target) -> Kernel {
    Kernel { rows, inputs, columns: vec![], body, target, tag: Tag(3) }
}

fn into(buffer: BufferId, offset: usize) -> Target {
    Target::Store(Slot { buffer, offset })
}

/// The same number of rows of every kernel in every wave.
fn even_waves(count: usize, rows: &[usize]) -> Vec<Vec<u32>> {
    (1..=count).map(|wave| rows.iter().map(|rows| (wave * rows) as u32).collect()).collect()
}

fn recurrence(kernels: Vec<Kernel>, waves: Vec<Vec<u32>>) -> Node {
    Node::Recurrence(Recurrence { kernels, waves, tag: Tag(4) })
}

/// garch(1, 1): h_t = w + a (y_{t-1} - m)² + b h_{t-1}, y_t ~ normal(m, √h_t).
struct Garch {
    observed: Vec<f64>,
}

fn variance<S: Scalar>(w: S, a: S, b: S, residual: S, before: S) -> S {
    w.exp() + a.sigmoid() * residual.square() + b.sigmoid() * before
}

impl Formula for Garch {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut h = u[4].exp();
        let mut sum = S::constant(0.0);
        for (t, y) in self.observed.iter().enumerate() {
            if t > 0 {
                let residual = -u[3] + self.observed[t - 1];
                h = variance(u[0], u[1], u[2], residual, h);
            }
            sum = sum + normal(S::constant(*y), u[3], h.sqrt());
        }
        sum
    }
}

#[test]
fn variances_that_depend_on_the_variance_before_agree() {
    for count in [2, 5, 40] {
        let mut draw = noise(count as u64);
        let formula = Garch { observed: (0..count).map(|_| 2.0 * draw()).collect() };
        let mut model = empty(5);
        let h = model.add_buffer(count);
        let mut step = kernel(
            count - 1,
            vec![
                uniform(POINT, 0),
                uniform(POINT, 1),
                uniform(POINT, 2),
                uniform(POINT, 3),
                run(h, 0),
            ],
            body(|g| {
                let residual = g.column(0) - g.input(3);
                variance(g.input(0), g.input(1), g.input(2), residual, g.input(4))
            }),
            into(h, 1),
        );
        step.columns = vec![column(&formula.observed[..count - 1])];
        model.nodes = vec![
            store(h, 1, vec![uniform(POINT, 4)], vec![], body(|g| g.input(0).exp())),
            recurrence(vec![step], even_waves(count - 1, &[1])),
            density(
                count,
                vec![uniform(POINT, 3), run(h, 0)],
                vec![column(&formula.observed)],
                body(|g| normal(g.column(0), g.input(0), g.input(1).sqrt())),
            ),
        ];
        let point: Vec<f64> = (0..5).map(|_| draw()).collect();
        assert_agrees(&model, &formula, &point);
    }
}

/// x_t = u_t + tanh(Σ_{s < t} k^{t - s} x_s), density -Σ x_t⁴ / 4.
struct Causal;

impl Formula for Causal {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let k = u[0].sigmoid();
        let mut states: Vec<S> = Vec::new();
        let mut sum = S::constant(0.0);
        for own in &u[1..] {
            let count = states.len();
            let past = states.iter().enumerate().fold(S::constant(0.0), |past, (s, x)| {
                past + k.pow(S::constant((count - s) as f64)) * *x
            });
            let x = *own + past.tanh();
            states.push(x);
            sum = sum - x.square().square() * 0.25;
        }
        sum
    }
}

#[test]
fn causal_sums_agree() {
    let count = 9;
    let mut model = empty(1 + count);
    let (sums, x) = (model.add_buffer(count), model.add_buffer(count));
    let pairs: Vec<(u32, u32)> =
        (0..count as u32).flat_map(|t| (0..t).map(move |s| (t, s))).collect();
    let sources: Vec<u32> = pairs.iter().map(|(_, s)| *s).collect();
    let lags: Vec<f64> = pairs.iter().map(|(t, s)| f64::from(t - s)).collect();
    let mut add = kernel(
        pairs.len(),
        vec![uniform(POINT, 0), gather(x, &sources)],
        body(|g| g.input(0).sigmoid().pow(g.column(0)) * g.input(1)),
        Target::Accumulate { buffer: sums, index: pairs.iter().map(|(t, _)| *t).collect() },
    );
    add.columns = vec![column(&lags)];
    let settle = kernel(
        count,
        vec![run(POINT, 1), run(sums, 0)],
        body(|g| g.input(0) + g.input(1).tanh()),
        into(x, 0),
    );
    let waves = (0..count as u32).map(|t| vec![t * (t + 1) / 2, t + 1]).collect();
    model.nodes = vec![
        recurrence(vec![add, settle], waves),
        density(count, vec![run(x, 0)], vec![], body(|g| g.input(0).square().square() * -0.25)),
    ];
    let mut draw = noise(3);
    let point: Vec<f64> = (0..=count).map(|_| draw()).collect();
    assert_agrees(&model, &Causal, &point);
}

/// a = e^{u0}; for wave w: b_w = a c_{w-1} (c_{-1} = u1), c_w = sin(b_w) + u2 a; and one row in the
/// last wave that reads an element for all rows: d = b_0 c_0.
struct Interleaved {
    waves: usize,
}

impl Formula for Interleaved {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let a = u[0].exp();
        let (mut c, mut first) = (u[1], S::constant(0.0));
        for wave in 0..self.waves {
            let b = a * c;
            c = b.tanh() + u[2] * a.square();
            if wave == 0 {
                first = b * c;
            }
        }
        c * first
    }
}

#[test]
fn kernels_with_uniform_parts_take_turns_without_disturbing_each_other() {
    for waves in [1, 2, 7] {
        let mut model = empty(3);
        let (b, c, d) = (model.add_buffer(waves), model.add_buffer(waves + 1), model.add_buffer(1));
        let last = waves as u32;
        let kernels = vec![
            kernel(
                waves,
                vec![uniform(POINT, 0), run(c, 0)],
                body(|g| g.input(0).exp() * g.input(1)),
                into(b, 0),
            ),
            kernel(
                waves,
                vec![run(b, 0), uniform(POINT, 2), uniform(POINT, 0)],
                body(|g| g.input(0).tanh() + g.input(1) * g.input(2).exp().square()),
                into(c, 1),
            ),
            kernel(
                1,
                vec![uniform(b, 0), uniform(c, 1)],
                body(|g| g.input(0) * g.input(1)),
                into(d, 0),
            ),
        ];
        let ends = (1..=last).map(|w| vec![w, w, u32::from(w == last)]).collect();
        model.nodes = vec![
            store(c, 1, vec![uniform(POINT, 1)], vec![], body(|g| g.input(0))),
            recurrence(kernels, ends),
            density(
                1,
                vec![uniform(c, waves), uniform(d, 0)],
                vec![],
                body(|g| g.input(0) * g.input(1)),
            ),
        ];
        let mut draw = noise(waves as u64);
        let point: Vec<f64> = (0..3).map(|_| draw()).collect();
        assert_agrees(&model, &Interleaved { waves }, &point);
    }
}

/// Two populations of many rows: x_{w+1, r} = s x_{w, r} + x_{w, 0}².
struct Wide {
    waves: usize,
}

impl Formula for Wide {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut x = u[1..].to_vec();
        for _ in 0..self.waves {
            let shared = x[0].square();
            x.iter_mut().for_each(|x| *x = u[0] * *x + shared);
        }
        x.iter().fold(S::constant(0.0), |sum, x| sum - x.square())
    }
}

#[test]
fn waves_of_many_rows_agree() {
    let (rows, waves) = (300, 3);
    let mut model = empty(1 + rows);
    let x = model.add_buffer(rows * (waves + 1));
    let shared: Vec<u32> = (0..waves * rows).map(|r| (r / rows * rows) as u32).collect();
    let step = kernel(
        waves * rows,
        vec![uniform(POINT, 0), run(x, 0), gather(x, &shared)],
        body(|g| g.input(0) * g.input(1) + g.input(2).square()),
        into(x, rows),
    );
    model.nodes = vec![
        store(x, rows, vec![run(POINT, 1)], vec![], body(|g| g.input(0))),
        recurrence(vec![step], even_waves(waves, &[rows])),
        density(rows, vec![run(x, rows * waves)], vec![], body(|g| -g.input(0).square())),
    ];
    let mut draw = noise(8);
    let point: Vec<f64> = (0..=rows).map(|_| 0.5 * draw()).collect();
    assert_agrees(&model, &Wide { waves }, &point);
}

fn powers(count: usize, read: usize, waves: Vec<Vec<u32>>) -> vippl::graph::Model {
    let mut model = empty(1);
    let x = model.add_buffer(count + 1);
    let step = kernel(
        count,
        vec![uniform(POINT, 0), run(x, read)],
        body(|g| g.input(0) * g.input(1)),
        into(x, 1),
    );
    model.nodes = vec![
        store(x, 1, vec![], vec![], body(|_| Traced::Constant(1.0))),
        recurrence(vec![step], waves),
        density(1, vec![uniform(x, count)], vec![], body(|g| g.input(0))),
    ];
    model
}

#[test]
fn ten_thousand_turns_have_the_closed_form() {
    let count = 10_000;
    let model = powers(count, 0, even_waves(count, &[1]));
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    assert_eq!(program.costs().len(), 3);
    let mut workspace = program.workspace();
    let point = [0.999_9_f64];
    let (mut gradient, mut product) = ([0.0], [0.0]);
    let value = program.gradient(&mut workspace, &point, &mut gradient);
    program.hessian_vector(&mut workspace, &point, &[1.0], &mut product);
    let n = count as f64;
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b.abs(), "{a} and {b}");
    close(value, point[0].powf(n));
    close(gradient[0], n * point[0].powf(n - 1.0));
    close(product[0], n * (n - 1.0) * point[0].powf(n - 2.0));
}

#[test]
fn rows_out_of_turn_are_refused() {
    let error = |read, waves| powers(4, read, waves).check();
    assert_eq!(error(0, even_waves(4, &[1])), None);
    // All rows at once, and every row reading itself.
    assert_eq!(error(0, even_waves(1, &[4])), Some(Inconsistency::ReadsTooEarly(Tag(4))));
    assert_eq!(error(1, even_waves(4, &[1])), Some(Inconsistency::ReadsTooEarly(Tag(4))));
    // A row too few, a row too many, a kernel too many, and backwards.
    assert_eq!(error(0, even_waves(3, &[1])), Some(Inconsistency::WrongLength(Tag(4))));
    assert_eq!(error(0, even_waves(5, &[1])), Some(Inconsistency::WrongLength(Tag(4))));
    assert_eq!(error(0, even_waves(4, &[1, 1])), Some(Inconsistency::WrongLength(Tag(4))));
    let backwards = vec![vec![3], vec![2], vec![4]];
    assert_eq!(error(0, backwards), Some(Inconsistency::WrongLength(Tag(4))));
}

#[test]
fn a_recurrence_does_not_add_to_the_log_density() {
    let mut model = empty(1);
    let add = kernel(1, vec![uniform(POINT, 0)], body(|g| g.input(0)), Target::LogDensity);
    model.nodes = vec![recurrence(vec![add], vec![vec![1]])];
    assert_eq!(model.check(), Some(Inconsistency::DensityInRecurrence(Tag(4))));
}
