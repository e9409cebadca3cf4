//! Special functions without branches, against 50-digit references (`oracle/straight.py`), with fused
//! and with separate arithmetic.

mod oracle;

use oracle::{number, rows};
use vippl::math::straight::{self, Arithmetic, Fused, Separate};

/// The distance in units of the last place of the wanted number, or of `least` if that is larger.
/// Unlike `oracle::ulps`, the unit is that of the number itself and not the largest of its binade.
fn units(got: f64, want: f64, least: f64) -> f64 {
    if got == want || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    let unit = |x: f64| (x.abs().next_up() - x.abs()).max(5e-324);
    (got - want).abs() / unit(want).max(if least > 0.0 { unit(least) } else { 0.0 })
}

fn value<A: Arithmetic>(function: &str, x: f64) -> f64 {
    match function {
        "exp" => straight::exp::<A>(x),
        "ln" => straight::ln::<A>(x),
        "log1p" => straight::log1p::<A>(x),
        "expm1" => straight::expm1::<A>(x),
        "tanh" => straight::tanh::<A>(x),
        "softplus" => straight::softplus::<A>(x),
        "sigmoid" => straight::sigmoid::<A>(x),
        "ln_gamma" => straight::ln_gamma::<A>(x),
        "digamma" => straight::digamma::<A>(x),
        "erf" => straight::erf::<A>(x),
        "normal_cdf" => straight::normal_cdf::<A>(x),
        "ln_normal_cdf" => straight::ln_normal_cdf::<A>(x),
        "softplus_in_parts" => {
            let (high, shifted, _) = straight::softplus_in_parts::<A>(x);
            high + straight::ln::<A>(shifted)
        }
        "sigmoid_in_parts" => straight::softplus_in_parts::<A>(x).2,
        other => panic!("{other} is not known"),
    }
}

/// The documented error: with fused and with separate arithmetic, in units of the last place, and
/// the size below which it is absolute.
fn allowed(function: &str) -> (f64, f64, f64) {
    match function {
        "exp" | "ln" => (1.0, 1.0, 0.0),
        "log1p" => (1.5, 1.5, 0.0),
        "expm1" => (2.0, 2.0, 0.0),
        "tanh" => (2.5, 2.5, 0.0),
        "softplus" | "sigmoid" | "sigmoid_in_parts" => (2.5, 2.5, 0.0),
        "softplus_in_parts" => (1.5, 1.5, 1.0),
        "ln_gamma" => (5.0, 7.0, 0.0),
        "digamma" => (4.0, 4.0, 1.0),
        "erf" => (2.0, 2.0, 0.0),
        "normal_cdf" => (5.5, 5.5, 0.0),
        "ln_normal_cdf" => (6.0, 6.0, 0.0),
        other => panic!("{other} is not known"),
    }
}

#[test]
fn values_are_within_their_documented_error() {
    for row in rows(include_str!("oracle/straight.csv")) {
        let (x, want) = (number(row[1]).expect("a number"), number(row[2]).expect("a number"));
        let (fused, separate, least) = allowed(row[0]);
        let error = units(value::<Fused>(row[0], x), want, least);
        assert!(error <= fused, "{}({x:e}): {error} ulps", row[0]);
        let error = units(value::<Separate>(row[0], x), want, least);
        assert!(error <= separate, "{}({x:e}), separate: {error} ulps", row[0]);
    }
}

#[test]
fn edges_have_their_limits() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let cases = [
        ("exp", -inf, 0.0),
        ("exp", inf, inf),
        ("exp", 710.0, inf),
        ("exp", -746.0, 0.0),
        ("exp", 0.0, 1.0),
        ("ln", 0.0, -inf),
        ("ln", -0.0, -inf),
        ("ln", -1.0, nan),
        ("ln", -inf, nan),
        ("ln", inf, inf),
        ("ln", 1.0, 0.0),
        ("log1p", -1.0, -inf),
        ("log1p", -1.5, nan),
        ("log1p", inf, inf),
        ("log1p", 0.0, 0.0),
        ("expm1", -inf, -1.0),
        ("expm1", inf, inf),
        ("expm1", 0.0, 0.0),
        ("tanh", -inf, -1.0),
        ("tanh", inf, 1.0),
        ("tanh", 0.0, 0.0),
        ("softplus", -inf, 0.0),
        ("softplus", inf, inf),
        ("sigmoid", -inf, 0.0),
        ("sigmoid", inf, 1.0),
        ("sigmoid", 0.0, 0.5),
        ("softplus_in_parts", -inf, 0.0),
        ("softplus_in_parts", inf, inf),
        ("sigmoid_in_parts", -inf, 0.0),
        ("sigmoid_in_parts", -708.5, 0.0),
        ("sigmoid_in_parts", inf, 1.0),
        ("sigmoid_in_parts", 0.0, 0.5),
        ("ln_gamma", 1.0, 0.0),
        ("ln_gamma", 2.0, 0.0),
        ("erf", -inf, -1.0),
        ("erf", inf, 1.0),
        ("erf", 0.0, 0.0),
        ("normal_cdf", -inf, 0.0),
        ("normal_cdf", inf, 1.0),
        ("normal_cdf", 0.0, 0.5),
        ("ln_normal_cdf", -inf, -inf),
        ("ln_normal_cdf", inf, 0.0),
        ("ln_normal_cdf", 60.0, 0.0),
    ];
    for (function, x, want) in cases {
        for got in [value::<Fused>(function, x), value::<Separate>(function, x)] {
            assert!(units(got, want, 0.0) == 0.0, "{function}({x}): {got}");
        }
    }
    for (function, _, _) in cases {
        assert!(value::<Fused>(function, nan).is_nan(), "{function}(NaN)");
        assert!(value::<Separate>(function, nan).is_nan(), "{function}(NaN), separate");
    }
}

#[test]
fn pairs_have_the_bits_of_each_alone() {
    for x in [-745.0, -3.0, -0.1, 0.0, 0.4, 30.0] {
        let both = straight::softplus_and_sigmoid::<Fused>(x);
        assert_eq!(both, (straight::softplus::<Fused>(x), straight::sigmoid::<Fused>(x)));
    }
    for x in [1e-300, 0.3, 1.0, 1.7, 2.0, 5.5, 8.0, 1e9] {
        let both = straight::ln_gamma_and_digamma::<Fused>(x);
        assert_eq!(both, (straight::ln_gamma::<Fused>(x), straight::digamma::<Fused>(x)));
    }
}
