//! Every unary and binary function of the scalar trait against 60-digit references
//! (`tests/oracle/special.py`), with first and second derivatives.

mod oracle;

use num_dual::{Dual3_64, Dual64};
use oracle::{number, rows, ulps};
use vippl::math::{Binary, Dual, Scalar, Unary};

/// Units in the last place allowed for value, first and second derivative, each with the
/// magnitude below which the error counts absolutely.
///
/// The floor is 1 where a function crosses zero at a number that is not representable, or is a
/// difference of numbers of size 1. e^-x² costs x² units. Negative arguments of the polygammas
/// are reflected, which cancels.
fn allowed(f: Unary, x: f64) -> [(f64, f64); 3] {
    const ROUNDING: f64 = 4.0;
    let tight = (ROUNDING, 0.0);
    let absolute = (ROUNDING, 1.0);
    match f {
        Unary::Softplus => [tight, tight, absolute],
        Unary::Sigmoid => [tight, absolute, absolute],
        Unary::Tanh => [tight, absolute, absolute],
        Unary::Asin => [tight, tight, (16.0, 1.0)],
        Unary::LnGamma | Unary::Digamma | Unary::Trigamma | Unary::Tetragamma if x < 0.0 => {
            [(100.0, 1.0); 3]
        }
        Unary::LnGamma | Unary::Digamma => [absolute, absolute, tight],
        Unary::Trigamma | Unary::Tetragamma => [tight; 3],
        Unary::Erf | Unary::NormalCdf => [tight, (20.0, 0.0), (20.0, 0.0)],
        Unary::LnNormalCdf => [tight, (8.0 + x * x, 0.0), (8.0 + x.powi(4), 0.0)],
        Unary::LnBesselI0 => [tight, tight, (8.0, 1.0)],
        Unary::BesselRatio => [tight, (8.0, 1.0), (1e7, 1.0)],
        Unary::Abs
        | Unary::Exp
        | Unary::Expm1
        | Unary::Ln
        | Unary::Log1p
        | Unary::Sqrt
        | Unary::Square
        | Unary::Recip
        | Unary::Sin
        | Unary::Cos
        | Unary::Atan
        | Unary::Floor => [tight; 3],
    }
}

fn named(name: &str) -> Unary {
    let found = Unary::ALL.into_iter().find(|f| format!("{f:?}") == name);
    found.unwrap_or_else(|| panic!("no function {name}"))
}

#[test]
fn unary_functions_and_their_derivatives_agree_with_the_references() {
    let mut failures = Vec::new();
    for row in rows(include_str!("oracle/unary.csv")) {
        let (f, x) = (named(row[0]), number(row[1]).expect("an argument"));
        let nested = Dual::variable(Dual::variable(x)).apply(f);
        let got = [nested.value.value, nested.value.tangent, nested.tangent.tangent];
        for (order, (units, floor)) in allowed(f, x).into_iter().enumerate() {
            let Some(want) = number(row[2 + order]) else { continue };
            let error = ulps(got[order], want, floor);
            if error > units {
                failures.push(format!("{f:?}({x:e}) order {order}: {} {want} {error}", got[order]));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_unary_function_has_references() {
    let table = rows(include_str!("oracle/unary.csv"));
    for f in Unary::ALL {
        let count = table.iter().filter(|row| row[0] == format!("{f:?}")).count();
        assert!(count >= 7, "{f:?} has {count} rows");
    }
}

#[test]
fn binary_functions_and_their_partials_agree_with_the_references() {
    for row in rows(include_str!("oracle/binary.csv")) {
        let f = [Binary::Pow, Binary::XLogY].into_iter().find(|f| format!("{f:?}") == row[0]);
        let f = f.unwrap_or_else(|| panic!("no function {}", row[0]));
        let (a, b) = (number(row[1]).expect("a"), number(row[2]).expect("b"));
        let da = Dual::variable(a).apply2(f, Dual::fixed(b));
        let db = Dual::fixed(a).apply2(f, Dual::variable(b));
        let lifted_a = Dual64::new(a, 1.0).apply2(f, Dual64::from(b));
        let lifted_b = Dual64::from(a).apply2(f, Dual64::new(b, 1.0));
        let value = number(row[3]).expect("a value");
        assert!(ulps(lifted_a.re, value, 0.0) < 4.0, "{row:?}: {lifted_a}");
        assert!(ulps(da.value, value, 0.0) < 4.0, "{row:?}: {da:?}");
        for (got, lifted, want) in
            [(da.tangent, lifted_a.eps, row[4]), (db.tangent, lifted_b.eps, row[5])]
        {
            let Some(want) = number(want) else { continue };
            // An infinite slope may be held at a very large number.
            let near =
                |got: f64| ulps(got, want, 0.0) < 8.0 || (want == f64::INFINITY && got >= 1e154);
            assert!(near(got), "{row:?}: {got}");
            assert!(!value.is_finite() || near(lifted), "{row:?}: {lifted}");
        }
    }
}

#[test]
fn lifted_functions_agree_with_nested_duals_to_third_order() {
    for row in rows(include_str!("oracle/unary.csv")) {
        let (f, x) = (named(row[0]), number(row[1]).expect("an argument"));
        if !(x.abs() > 1e-3 && x.abs() < 30.0) || number(row[2]).is_none_or(|y| !y.is_finite()) {
            continue;
        }
        let nested = Dual::variable(Dual::variable(Dual::variable(x))).apply(f);
        let lifted = Dual3_64::from(x).derivative().apply(f);
        assert_eq!(lifted.re, nested.value.value.value, "{f:?}({x})");
        let pairs = [
            (nested.value.value.tangent, lifted.v1),
            (nested.value.tangent.tangent, lifted.v2),
            (nested.tangent.tangent.tangent, lifted.v3),
        ];
        for (order, (a, b)) in (1..).zip(pairs) {
            let same = ulps(a, b, 1.0) < 1e4 || !a.is_finite();
            assert!(same, "{f:?}({x}) order {order}: {a} {b}");
        }
    }
}

#[test]
fn poles_do_not_spoil_values_or_constants() {
    let zero = Dual64::from(0.0);
    assert_eq!(Scalar::sqrt(zero).re, 0.0);
    assert_eq!(Scalar::sqrt(zero).eps, 0.0);
    assert_eq!(Scalar::tanh(Dual64::new(800.0, 1.0)), Dual64::new(1.0, 0.0));
    assert_eq!(Dual64::new(f64::INFINITY, 1.0).softplus().re, f64::INFINITY);
    assert_eq!(Dual64::from(0.0).x_log_y(Dual64::new(0.0, 1.0)), Dual64::new(0.0, 0.0));
    assert_eq!(Dual64::new(2.0, 1.0).subtracted_from(1.0), Dual64::new(-1.0, -1.0));
}

#[test]
fn selection_keeps_the_branch_not_taken_out_of_value_and_tangent() {
    let x = Dual::variable(-1.0);
    let chosen = Dual::select(x.less(Dual::constant(0.0)), x * 2.0, x.ln());
    assert_eq!(chosen, Dual { value: -2.0, tangent: 2.0 });
}
