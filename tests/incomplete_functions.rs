//! The incomplete gamma and beta functions with their derivatives against 80-digit references
//! (`tests/oracle/incomplete.py`).

mod oracle;

use num_dual::{Dual64, DualNum};
use oracle::{number, numbers, rows};
use vippl::library::Density;
use vippl::math::{Binary, Dual, Order, Orders, Scalar, Ternary};

/// Largest errors of value, first and second derivative relative to max(1, |reference|). For shapes
/// of 900 the kernel is a difference of numbers of size 10⁴, and a shape derivative of such.
const ALLOWED: [f64; 3] = [1e-11, 1e-10, 1e-7];

fn call<S: Scalar>(function: &str, at: &[S]) -> S {
    match (function, at) {
        ("LnGammaLower", &[a, x]) => a.apply2(Binary::LnGammaLower(Order::Zero), x),
        ("LnGammaUpper", &[a, x]) => a.apply2(Binary::LnGammaUpper(Order::Zero), x),
        ("LnBetaLower", &[a, b, l]) => a.apply3(Ternary::LnBetaLower(Orders::Zero), b, l),
        _ => panic!("no function {function}"),
    }
}

#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, row: &[&str], what: &str, got: f64, want: f64, order: usize) {
        let off = (got - want).abs() / want.abs().max(1.0);
        if off.is_nan() || off > ALLOWED[order] {
            self.0.push(format!("{}({}) {what}: {got}, not {want}: {off:e}", row[0], row[1]));
        }
    }
}

#[test]
fn values_and_two_orders_of_derivatives_agree_with_the_references() {
    let mut failures = Failures::default();
    for row in rows(include_str!("oracle/incomplete.csv")) {
        let finite = |cell| numbers(cell).into_iter().flatten().collect::<Vec<f64>>();
        let (at, first, mut second) = (finite(row[1]), finite(row[3]), finite(row[4]).into_iter());
        let value = number(row[2]).expect("a value");
        failures.check(&row, "value", call(row[0], &at), value, 0);
        for (i, &slope) in first.iter().enumerate() {
            let one = |k: usize, of: usize| if k == of { 1.0 } else { 0.0 };
            let along = |k: usize| Dual { value: at[k], tangent: one(k, i) };
            let ours = call(row[0], &(0..at.len()).map(along).collect::<Vec<_>>()).tangent;
            failures.check(&row, &format!("slope {i}"), ours, slope, 1);
            let lifted = |k: usize| Dual64::new(at[k], one(k, i));
            let theirs = call(row[0], &(0..at.len()).map(lifted).collect::<Vec<_>>()).eps;
            failures.check(&row, &format!("slope {i} by num-dual"), theirs, slope, 1);
            for j in i..at.len() {
                let twice = |k: usize| Dual {
                    value: Dual { value: at[k], tangent: one(k, i) },
                    tangent: Dual::fixed(one(k, j)),
                };
                let got = call(row[0], &(0..at.len()).map(twice).collect::<Vec<_>>());
                let want = second.next().expect("a second derivative");
                failures.check(&row, &format!("slopes {i} {j}"), got.tangent.tangent, want, 2);
            }
        }
    }
    assert!(failures.0.is_empty(), "{} off\n{}", failures.0.len(), failures.0.join("\n"));
}

#[test]
fn outside_the_support_tails_are_whole_and_have_no_slope() {
    let cases: [(Density, Vec<f64>, f64, f64); 9] = [
        (Density::GammaShapeRate, vec![2.0, 3.0], 0.0, f64::INFINITY),
        (Density::InvGamma, vec![2.0, 3.0], 0.0, f64::INFINITY),
        (Density::ChiSquare, vec![4.0], -1.0, f64::INFINITY),
        (Density::Beta, vec![2.0, 3.0], 0.0, 1.0),
        (Density::BetaMeanSize, vec![0.3, 5.0], -1.0, 2.0),
        (Density::HalfStudentT, vec![3.0, 2.0], 0.0, f64::INFINITY),
        (Density::BinomialProbability, vec![9.0, 0.3], -1.0, 9.0),
        (Density::PoissonRate, vec![4.0], -1.0, f64::INFINITY),
        (Density::NegBinomialMean, vec![4.0, 2.0], -3.0, f64::INFINITY),
    ];
    for (density, parameters, low, high) in cases {
        for i in 0..parameters.len() {
            let mut along: Vec<Dual<f64>> = parameters.iter().map(|&p| Dual::fixed(p)).collect();
            along[i] = Dual::variable(parameters[i]);
            let ln_cdf = |x: f64| density.ln_cdf(Dual::fixed(x), &along).expect("a cdf");
            let ln_survival = |x: f64| density.ln_survival(Dual::fixed(x), &along).expect("a cdf");
            let what = format!("{density:?} {i}");
            assert_eq!(ln_cdf(low).value, f64::NEG_INFINITY, "{what}");
            assert_eq!(ln_survival(low), Dual { value: 0.0, tangent: 0.0 }, "{what}");
            // An infinite bound is no bound, and never asked for.
            if high.is_finite() {
                assert_eq!(ln_survival(high).value, f64::NEG_INFINITY, "{what}");
                assert_eq!(ln_cdf(high), Dual { value: 0.0, tangent: 0.0 }, "{what}");
            }
        }
    }
}

#[test]
fn the_mass_of_an_interval_has_the_gradient_of_a_sum() {
    // The mass of whole numbers by adding them up, which needs no incomplete function.
    let cases = [
        (Density::PoissonRate, vec![4.5], 2.0, 9.0),
        (Density::PoissonLog, vec![1.2], 0.0, 3.0),
        (Density::BinomialProbability, vec![12.0, 0.3], 3.0, 7.0),
        (Density::BinomialLogit, vec![12.0, -1.5], 1.0, 12.0),
        (Density::NegBinomialMean, vec![4.0, 1.5], 1.0, 6.0),
        (Density::NegBinomialLog, vec![1.0, 0.5], 2.0, 30.0),
    ];
    for (density, parameters, low, high) in cases {
        let last = parameters.len() - 1;
        let along: Vec<Dual64> = parameters
            .iter()
            .enumerate()
            .map(|(i, &p)| Dual64::new(p, if i == last { 1.0 } else { 0.0 }))
            .collect();
        let mut sum = Dual64::from(0.0);
        let mut x = low;
        while x <= high {
            sum += DualNum::exp(&density.log_density(Dual64::from(x), &along));
            x += 1.0;
        }
        let want = DualNum::ln(&sum);
        let bounds = (Some(Dual64::from(low)), Some(Dual64::from(high)));
        let got = density.ln_mass(bounds.0, bounds.1, &along).expect("a cdf");
        assert!((got.re - want.re).abs() < 1e-12, "{density:?}: {got} {want}");
        assert!((got.eps - want.eps).abs() < 1e-11, "{density:?}: {got} {want}");
        let ours: Vec<Dual<f64>> =
            along.iter().map(|d| Dual { value: d.re, tangent: d.eps }).collect();
        let (low, high) = (Some(Dual::fixed(low)), Some(Dual::fixed(high)));
        let got = density.ln_mass(low, high, &ours).expect("a cdf");
        assert!((got.tangent - want.eps).abs() < 1e-11, "{density:?}: {got:?} {want}");
    }
}

#[test]
fn the_mass_of_a_t_interval_has_the_gradient_of_a_difference() {
    // d/dlocation P(T > 0) = p(0), the density at the bound.
    let parameters = [4.0, 1.3, 2.0];
    let along = [Dual::fixed(4.0), Dual::variable(1.3), Dual::fixed(2.0)];
    let mass = Density::StudentT.ln_mass(Some(Dual::fixed(0.0)), None, &along).expect("a cdf");
    let want = (Density::StudentT.log_density(0.0, &parameters) - mass.value).exp();
    assert!((mass.tangent - want).abs() < 1e-13, "{} {want}", mass.tangent);
}
