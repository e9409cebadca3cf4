//! Quantities, blame, inconsistent models, and equal bits for equal points.

use crate::witness::{body, column, density, empty, run, store, uniform};
use vippl::engine::{Blame, Options, Program};
use vippl::graph::{
    Access, BufferId, Graph, Inconsistency, Input, Kernel, Model, Node, Quantity, Slot, Tag, Target,
};
use vippl::inference::target::{LogDensity, Target as _};
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;

fn program(model: &Model) -> Program {
    Program::compile(model, &Options::default()).expect("the model is consistent")
}

#[test]
fn quantities_are_stored_values_and_those_only_reported() {
    let mut model = empty(2);
    let scales = model.add_buffer(2);
    let ratio = model.add_buffer(1);
    model.nodes = vec![
        store(scales, 2, vec![run(POINT, 0)], vec![], body(|g| g.input(0).exp())),
        density(2, vec![run(scales, 0)], vec![], body(|g| -g.input(0))),
    ];
    model.report_nodes = vec![store(
        ratio,
        1,
        vec![uniform(scales, 0), uniform(scales, 1)],
        vec![],
        body(|g| g.input(0) / g.input(1)),
    )];
    model.quantities = vec![
        Quantity { buffer: ratio, offset: 0, length: 1 },
        Quantity { buffer: scales, offset: 1, length: 1 },
        Quantity { buffer: POINT, offset: 0, length: 2 },
    ];
    let program = program(&model);
    let mut workspace = program.workspace();
    let point = [0.5_f64, -1.5];
    let mut out = vec![0.0; program.quantity_count()];
    program.quantities(&mut workspace, &point, &mut out);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-14 * b.abs();
    assert_eq!(out.len(), 4);
    assert!(close(out[0], 2.0_f64.exp()) && close(out[1], (-1.5_f64).exp()));
    assert_eq!(out[2..], point);
    let buffers = program.buffers(&mut workspace, &point);
    assert_eq!(buffers.get(ratio), &out[..1]);
    assert!(buffers.get(BufferId(9)).is_empty());
    let expected = -point[0].exp() - point[1].exp();
    assert!(close(program.log_density(&mut workspace, &point), expected));
}

#[test]
fn blame_names_the_statement_and_row_of_the_first_bad_term() {
    let mut model = empty(1);
    let mut data = vec![1.0; 600];
    data[400] = -1.0;
    model.nodes = vec![
        density(1, vec![uniform(POINT, 0)], vec![], body(|g| g.input(0).ln())),
        Node::Kernel(Kernel {
            rows: 600,
            inputs: vec![uniform(POINT, 0)],
            columns: vec![column(&data)],
            body: body(|g| (g.input(0) * g.column(0)).ln()),
            target: Target::LogDensity,
            tag: Tag(7),
        }),
    ];
    let program = program(&model);
    let mut workspace = program.workspace();
    assert!(program.log_density(&mut workspace, &[1.0]).is_nan());
    let Blame { tag, row, value } = program.blame(&[1.0]).expect("a bad term");
    assert_eq!((tag, row), (Tag(7), 400));
    assert!(value.is_nan());
    let blame = program.blame(&[0.0]).expect("a bad term");
    assert_eq!(blame, Blame { tag: Tag(0), row: 0, value: f64::NEG_INFINITY });
    let mut finite = model.clone();
    finite.nodes.truncate(1);
    let program = self::program(&finite);
    assert_eq!(program.blame(&[1.0]), None);
}

#[test]
fn a_non_finite_term_gives_a_non_finite_log_density_and_no_panic() {
    let mut model = empty(1);
    model.nodes = vec![density(3, vec![uniform(POINT, 0)], vec![], body(|g| g.input(0).ln()))];
    let program = program(&model);
    let mut workspace = program.workspace();
    let mut gradient = [0.0];
    let value = program.gradient(&mut workspace, &[0.0], &mut gradient);
    assert_eq!(value, f64::NEG_INFINITY);
    assert!(program.log_density(&mut workspace, &[f64::NAN]).is_nan());
    assert_eq!(program.log_density(&mut workspace, &[1.0]), 0.0);
}

#[test]
fn inconsistent_models_are_refused() {
    let kernel = |access, columns, target, body| {
        Node::Kernel(Kernel {
            rows: 3,
            inputs: vec![Input { buffer: POINT, access }],
            columns,
            body,
            target,
            tag: Tag(4),
        })
    };
    let identity = || body(|g| g.input(0));
    let whole = Access::Contiguous(0);
    let refused = |node, expected| {
        let mut model = empty(3);
        model.add_buffer(2);
        model.nodes = vec![node];
        let result = Program::compile(&model, &Options::default());
        assert_eq!(result.err(), Some(expected));
    };
    let tag = Tag(4);
    let slot = |buffer| Target::Store(Slot { buffer, offset: 0 });
    let sum = Target::LogDensity;
    refused(
        kernel(Access::Contiguous(1), vec![], sum.clone(), identity()),
        Inconsistency::OutOfBuffer(tag),
    );
    refused(
        kernel(Access::Gather([0, 3, 1].into()), vec![], sum.clone(), identity()),
        Inconsistency::OutOfBuffer(tag),
    );
    refused(
        kernel(Access::Gather([0, 1].into()), vec![], sum.clone(), identity()),
        Inconsistency::WrongLength(tag),
    );
    refused(
        kernel(whole.clone(), vec![column(&[1.0])], sum.clone(), identity()),
        Inconsistency::WrongLength(tag),
    );
    refused(
        kernel(whole.clone(), vec![], sum.clone(), body(|g| g.input(1))),
        Inconsistency::WrongBody(tag),
    );
    let graph = Graph::new();
    let two = graph.expression(&[graph.input(0), graph.input(0)]);
    refused(kernel(whole.clone(), vec![], sum, two), Inconsistency::WrongBody(tag));
    refused(
        kernel(whole.clone(), vec![], slot(BufferId(1)), identity()),
        Inconsistency::OutOfBuffer(tag),
    );
    refused(kernel(whole, vec![], slot(POINT), identity()), Inconsistency::WritesPoint(tag));
}

#[test]
fn the_same_point_gives_the_same_bits() {
    let mut model = empty(700);
    model.nodes = vec![density(
        700,
        vec![run(POINT, 0)],
        vec![],
        body(|g| g.input(0).softplus() + g.input(0).square()),
    )];
    let program = program(&model);
    let point: Vec<f64> = (0..700).map(|i| f64::from(i).sin()).collect();
    let evaluate = || {
        let mut gradient = vec![0.0; 700];
        let value = program.gradient(&mut program.workspace(), &point, &mut gradient);
        (value.to_bits(), gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>())
    };
    assert_eq!(evaluate(), evaluate());
}
