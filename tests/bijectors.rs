//! Transforms between unconstrained and constrained numbers, against Stan's formulas.

use vippl::math::{Bijector, Dual};

const SHAPES: [(Bijector, f64, f64); 7] = [
    (Bijector::Identity, f64::NEG_INFINITY, f64::INFINITY),
    (Bijector::Lower, 0.0, f64::INFINITY),
    (Bijector::Lower, -3.5, f64::INFINITY),
    (Bijector::Upper, f64::NEG_INFINITY, 2.0),
    (Bijector::Interval, 0.0, 1.0),
    (Bijector::Interval, -10.0, 10.0),
    (Bijector::Interval, 3.0, 3.5),
];

#[test]
fn constrained_values_come_back() {
    for (shape, lower, upper) in SHAPES {
        for u in [-12.0, -2.0, -0.1, 0.0, 0.7, 3.0, 12.0] {
            let x = shape.constrain(u, lower, upper);
            let back = shape.unconstrain(x, lower, upper);
            // Near a bound x has few digits left to tell u from.
            assert!((back - u).abs() < 1e-9, "{shape:?} {u} {x} {back}");
        }
    }
}

#[test]
fn the_log_jacobian_is_the_logarithm_of_the_derivative() {
    for (shape, lower, upper) in SHAPES {
        for u in [-30.0, -2.0, -0.1, 0.0, 0.7, 3.0, 30.0] {
            let x = shape.constrain(Dual::variable(u), Dual::fixed(lower), Dual::fixed(upper));
            let want = x.tangent.abs().ln();
            let got = shape.log_jacobian(u, lower, upper);
            // 1 - sigmoid(30) keeps three digits.
            assert!((got - want).abs() < 1e-2, "{shape:?} {u} {got} {want}");
            assert!(u.abs() > 5.0 || (got - want).abs() < 1e-12, "{shape:?} {u} {got} {want}");
        }
    }
}

#[test]
fn far_out_the_log_jacobian_stays_finite_and_the_ends_are_reached() {
    let unit = Bijector::Interval;
    assert_eq!(unit.log_jacobian(800.0, 0.0, 1.0), -800.0);
    assert_eq!(unit.log_jacobian(-800.0, 0.0, 1.0), -800.0);
    assert_eq!(unit.constrain(800.0, 2.0, 5.0), 5.0);
    assert_eq!(unit.constrain(-800.0, 2.0, 5.0), 2.0);
    assert_eq!(unit.unconstrain(2.0, 2.0, 5.0), f64::NEG_INFINITY);
    assert!(Bijector::Lower.unconstrain(-1.0, 0.0, f64::INFINITY).is_nan());
}

#[test]
fn bounds_may_depend_on_other_latents() {
    let (u, upper) = (0.3, 4.0);
    let x = Bijector::Interval.constrain(Dual::fixed(u), Dual::fixed(1.0), Dual::variable(upper));
    let sigmoid = 1.0 / (1.0 + f64::exp(-u));
    assert!((x.tangent - sigmoid).abs() < 1e-15);
    let slope = Bijector::Interval
        .log_jacobian(Dual::fixed(u), Dual::fixed(1.0), Dual::variable(upper))
        .tangent;
    assert!((slope - 1.0 / (upper - 1.0)).abs() < 1e-15);
}

#[test]
fn the_shape_follows_from_the_finite_ends() {
    assert_eq!(Bijector::onto(false, false), Bijector::Identity);
    assert_eq!(Bijector::onto(true, false), Bijector::Lower);
    assert_eq!(Bijector::onto(false, true), Bijector::Upper);
    assert_eq!(Bijector::onto(true, true), Bijector::Interval);
}
