//! Compares a compiled model with a plain formula under num-dual.

use num_dual::{Dual64, HyperDual64};
use std::sync::Arc;
use vippl::engine::{Isa, Options, Program};
use vippl::graph::rewrite::Rewrites;
use vippl::graph::{
    Access, BufferId, Expression, Graph, Input, Kernel, Matrix, Model, Node, Product, Slot, Tag,
    Target, Traced,
};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

/// Relative error allowed: sums and shared reciprocals round differently from the plain formula.
const TOLERANCE: f64 = 1e-10;

/// A log density as a plain formula of the unconstrained point.
pub(crate) trait Formula {
    fn log_density<S: Scalar>(&self, point: &[S]) -> S;
}

/// Numbers that look random and are always the same, in (-1, 1).
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 / (1_u64 << 53) as f64) * 2.0 - 1.0
    }
}

/// The options every model is tested with: as users have them; step by step, in as many shares of rows
/// as there can be; without any simplification; with the reverse mode inside kernels, no rewrites, and
/// plain instructions; with the rewrites alone.
pub(crate) fn all_options() -> [Options; 5] {
    let plain = Options::default();
    let mut steps = plain;
    steps.small = 0;
    steps.share = 1;
    let mut verbatim = plain;
    verbatim.simplify = false;
    verbatim.fuse = false;
    verbatim.factor = false;
    verbatim.small = 0;
    verbatim.rewrites = Rewrites::NONE;
    verbatim.differentiation.simplify = false;
    let mut reverse = plain;
    reverse.differentiation.widest_island = 0;
    reverse.rewrites = Rewrites::NONE;
    reverse.isa = Isa::BASELINE;
    let mut rewritten = verbatim;
    rewritten.fuse = true;
    rewritten.small = plain.small;
    rewritten.rewrites = Rewrites::ALL;
    [plain, steps, verbatim, reverse, rewritten]
}

fn assert_close(what: &str, actual: f64, expected: f64, scale: f64) {
    let close = (actual - expected).abs() <= TOLERANCE * scale.max(expected.abs()).max(1.0);
    let same = actual == expected || (actual.is_nan() && expected.is_nan());
    assert!(close || same, "{what}: engine {actual:e}, witness {expected:e}");
}

/// Value, gradient and a product with the Hessian agree, however the model is compiled.
pub(crate) fn assert_agrees(model: &Model, formula: &impl Formula, point: &[f64]) {
    for options in all_options() {
        assert_agrees_with(model, formula, point, &options);
    }
    assert_same_bits(model, point);
}

/// A small model has the same bits as one list of instructions and step by step; products with the
/// Hessian also where the point, or what is left of it in the workspace, is that of the last product.
fn assert_same_bits(model: &Model, point: &[f64]) {
    let steps = Options { small: 0, ..Options::default() };
    let results = [Options::default(), steps].map(|options| {
        let program = Program::compile(model, &options).expect("the model is consistent");
        let n = point.len();
        let (mut workspace, mut results) = (program.workspace(), vec![0.0; n]);
        let value = program.gradient(&mut workspace, point, &mut results);
        let (elsewhere, mut product) = (point.iter().map(|x| 0.75 * x).collect(), vec![0.0; n]);
        let elsewhere: &Vec<f64> = &elsewhere;
        for (point, step) in [(point, 0.5), (point, -2.0), (elsewhere, 0.5), (point, 0.5)] {
            program.hessian_vector(&mut workspace, point, &vec![step; n], &mut product);
            results.extend(&product);
        }
        results.extend([value, program.log_density(&mut workspace, point)]);
        results
    });
    let [list, steps] = results;
    for (a, b) in list.iter().zip(steps) {
        assert!(a.to_bits() == b.to_bits() || (*a == 0.0 && b == 0.0) || a.is_nan() && b.is_nan());
    }
}

pub(crate) fn assert_agrees_with(
    model: &Model,
    formula: &impl Formula,
    point: &[f64],
    options: &Options,
) {
    let n = point.len();
    let mut draw = noise(n as u64 + 17);
    let direction: Vec<f64> = (0..n).map(|_| draw()).collect();
    let expected = formula.log_density(point);
    let gradients: Vec<f64> = (0..n)
        .map(|i| {
            let dual = |j: usize| Dual64::new(point[j], f64::from(u8::from(i == j)));
            formula.log_density(&(0..n).map(dual).collect::<Vec<_>>()).eps
        })
        .collect();
    let products: Vec<f64> = (0..n)
        .map(|i| {
            let hyper = |j: usize| {
                HyperDual64::new(point[j], f64::from(u8::from(i == j)), direction[j], 0.0)
            };
            formula.log_density(&(0..n).map(hyper).collect::<Vec<_>>()).eps1eps2
        })
        .collect();

    let program = Program::compile(model, options).expect("the model is consistent");
    let mut workspace = program.workspace();
    let (mut gradient, mut product) = (vec![f64::NAN; n], vec![f64::NAN; n]);
    let size = |xs: &[f64]| xs.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    // Twice, so that a value left in the workspace would show.
    for _ in 0..2 {
        let value = program.log_density(&mut workspace, point);
        assert_close("log density", value, expected, 0.0);
        let value = program.gradient(&mut workspace, point, &mut gradient);
        assert_close("log density with gradient", value, expected, 0.0);
        for i in 0..n {
            assert_close(&format!("gradient {i}"), gradient[i], gradients[i], size(&gradients));
        }
        program.hessian_vector(&mut workspace, point, &direction, &mut product);
        for i in 0..n {
            assert_close(&format!("product {i}"), product[i], products[i], size(&products));
        }
    }
}

/// A model of this many coordinates, so far without nodes.
pub(crate) fn empty(dimension: usize) -> Model {
    Model {
        buffers: vec![dimension],
        nodes: Vec::new(),
        report_nodes: Vec::new(),
        quantities: Vec::new(),
    }
}

/// The expression of a function of the leaves.
pub(crate) fn body(f: impl for<'g> FnOnce(&'g Graph) -> Traced<'g>) -> Expression {
    let graph = Graph::new();
    let value = f(&graph);
    graph.expression(&[value])
}

pub(crate) fn uniform(buffer: BufferId, offset: usize) -> Input {
    Input { buffer, access: Access::Uniform(offset) }
}

pub(crate) fn run(buffer: BufferId, offset: usize) -> Input {
    Input { buffer, access: Access::Contiguous(offset) }
}

pub(crate) fn gather(buffer: BufferId, index: &[u32]) -> Input {
    Input { buffer, access: Access::Gather(index.into()) }
}

pub(crate) fn column(values: &[f64]) -> Arc<[f64]> {
    values.into()
}

/// A kernel with tag 0 that adds to the log density.
pub(crate) fn density(
    rows: usize,
    inputs: Vec<Input>,
    columns: Vec<Arc<[f64]>>,
    body: Expression,
) -> Node {
    Node::Kernel(Kernel { rows, inputs, columns, body, target: Target::LogDensity, tag: Tag(0) })
}

/// The product, with tag 2, of a matrix with coordinates from one on, into a buffer.
pub(crate) fn product(matrix: &Arc<Matrix>, first: usize, into: BufferId) -> Node {
    let (input, output) =
        (Slot { buffer: BufferId::POINT, offset: first }, Slot { buffer: into, offset: 0 });
    Node::Product(Product { matrix: matrix.clone(), input, output, tag: Tag(2) })
}

/// A kernel with tag 1 that stores its values from the start of a buffer.
pub(crate) fn store(
    buffer: BufferId,
    rows: usize,
    inputs: Vec<Input>,
    columns: Vec<Arc<[f64]>>,
    body: Expression,
) -> Node {
    let target = Target::Store(Slot { buffer, offset: 0 });
    Node::Kernel(Kernel { rows, inputs, columns, body, target, tag: Tag(1) })
}
