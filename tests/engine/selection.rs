//! A value that is computed and not selected does no harm, however infinite it is.

use crate::witness::{Formula, assert_agrees, body, column, density, empty, run, store, uniform};
use vippl::graph::{BufferId, Traced};
use vippl::math::{Scalar, Unary};

const POINT: BufferId = BufferId::POINT;
const TIMES: [f64; 5] = [0.0, 1.0, 2.0, 0.0, 4.0];

/// Σ over t > 0 of -(u / t)², the others contribute -u².
struct Guarded;

impl Formula for Guarded {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        TIMES.iter().fold(S::constant(0.0), |sum, t| {
            let z = if *t > 0.0 { u[0] / *t } else { u[0] };
            sum - z.square() * 2.0
        })
    }
}

#[test]
fn infinite_values_behind_a_condition_are_harmless_in_one_kernel() {
    let mut model = empty(1);
    model.nodes = vec![density(
        5,
        vec![uniform(POINT, 0)],
        vec![column(&TIMES)],
        body(|g| {
            let (u, t) = (g.input(0), g.column(0));
            let z = Scalar::select(zero().less(t), u / t, u);
            z.square() * -2.0
        }),
    )];
    assert_agrees(&model, &Guarded, &[0.7]);
    assert_agrees(&model, &Guarded, &[0.0]);
}

fn zero<'g>() -> Traced<'g> {
    Traced::Constant(0.0)
}

#[test]
fn infinite_values_behind_a_condition_are_harmless_in_a_buffer() {
    let mut model = empty(1);
    let quotients = model.add_buffer(5);
    model.nodes = vec![
        store(
            quotients,
            5,
            vec![uniform(POINT, 0)],
            vec![column(&TIMES)],
            body(|g| g.input(0) / g.column(0)),
        ),
        density(
            5,
            vec![run(quotients, 0), uniform(POINT, 0)],
            vec![column(&TIMES)],
            body(|g| {
                let positive = zero().less(g.column(0));
                Scalar::select(positive, g.input(0), g.input(1)).square() * -2.0
            }),
        ),
    ];
    assert_agrees(&model, &Guarded, &[0.7]);
}

/// -(e^u - 1)²/2: at 0 the adjoint of the stored value is 0, its curvature is not.
struct Stationary;

impl Formula for Stationary {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        (u[0].exp() - 1.0).square() * -0.5
    }
}

#[test]
fn curvature_survives_where_an_adjoint_is_zero() {
    let mut model = empty(1);
    let stored = model.add_buffer(1);
    model.nodes = vec![
        store(stored, 1, vec![uniform(POINT, 0)], vec![], body(|g| g.input(0).exp() - 1.0)),
        density(1, vec![uniform(stored, 0)], vec![], body(|g| g.input(0).square() * -0.5)),
    ];
    assert_agrees(&model, &Stationary, &[0.0]);
}

/// Σ over c > 0 of c^{tanh u}, the others contribute u². The slope of a power selects as well.
struct Powers([f64; 3]);

impl Formula for Powers {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        self.0.iter().fold(S::constant(0.0), |sum, c| {
            let power = S::constant(*c).pow(u[0].apply(Unary::Tanh));
            sum + if *c > 0.0 { power } else { u[0].square() }
        })
    }
}

#[test]
fn conditions_on_data_may_hold_in_every_row_in_some_or_in_none() {
    for data in [[1.5, 2.0, 0.3], [1.5, 0.0, -0.3], [0.0; 3], [2.0; 3]] {
        let mut model = empty(1);
        let selected = body(|g| {
            let (u, c) = (g.input(0), g.column(0));
            Scalar::select(zero().less(c), c.pow(u.apply(Unary::Tanh)), u.square())
        });
        model.nodes = vec![density(3, vec![uniform(POINT, 0)], vec![column(&data)], selected)];
        assert_agrees(&model, &Powers(data), &[0.6]);
    }
}

/// √u where u > 0, stored although nothing uses it at 0: its slope there is finite, the tangent of
/// its slope is not.
#[test]
fn second_derivatives_of_stored_values_that_are_not_used_are_harmless() {
    struct Unused;
    impl Formula for Unused {
        fn log_density<S: Scalar>(&self, u: &[S]) -> S {
            u[0] * 3.0
        }
    }
    let mut model = empty(1);
    let root = model.add_buffer(1);
    model.nodes = vec![
        store(root, 1, vec![uniform(POINT, 0)], vec![], body(|g| g.input(0).sqrt())),
        density(
            1,
            vec![uniform(root, 0), uniform(POINT, 0)],
            vec![],
            body(|g| {
                Scalar::select(zero().less(g.input(1)), g.input(0), zero()) + g.input(1) * 3.0
            }),
        ),
    ];
    assert_agrees(&model, &Unused, &[0.0]);
}
