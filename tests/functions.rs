//! The functions of the language against 60-digit references (`tests/oracle/special.py`), and
//! the names by which they are found.

mod oracle;

use oracle::{number, numbers, rows, ulps};
use vippl::library::{Elementwise, FunctionRule, Reduction, WholeAxis, family, function, synonym};
use vippl::math::Dual;

/// Relative error of compositions such as Γ = exp ln Γ, in units of the last place of the larger
/// of the value and 1.
const ALLOWED: f64 = 2000.0;

#[test]
fn elementwise_functions_and_their_partials_agree_with_the_references() {
    for row in rows(include_str!("oracle/elementwise.csv")) {
        let f = Elementwise::ALL.iter().find(|f| f.name() == row[0]).expect("a function");
        let at: Vec<f64> = numbers(row[1]).into_iter().flatten().collect();
        let want = number(row[2]).expect("a value");
        assert!(ulps(f.apply(&at), want, 1.0) < ALLOWED, "{row:?}: {}", f.apply(&at));
        assert!(f.range().contains(want, &[]), "{row:?} is outside the declared range");
        for (i, slope) in numbers(row[3]).into_iter().enumerate() {
            let mut along: Vec<_> = at.iter().map(|&x| Dual::fixed(x)).collect();
            along[i] = Dual::variable(at[i]);
            let got = f.apply(&along).tangent;
            assert!(ulps(got, slope.expect("a slope"), 1.0) < ALLOWED, "{row:?}: {got}");
        }
    }
}

#[test]
fn every_elementwise_function_has_references_and_is_found_by_name() {
    let table = rows(include_str!("oracle/elementwise.csv"));
    for f in Elementwise::ALL {
        assert!(table.iter().any(|row| row[0] == f.name()), "{f:?}");
        let rule = function(f.name()).expect("an entry").rule;
        let own = match rule {
            FunctionRule::Elementwise(g) | FunctionRule::ReductionOrElementwise(_, g) => g == *f,
            FunctionRule::Reduction(_) | FunctionRule::WholeAxis(_) => false,
        };
        assert!(own, "{f:?} is found as {rule:?}");
        assert_eq!(f.arity(), f.parameters().len());
    }
}

#[test]
fn names_are_unique_and_documented() {
    let mut names: Vec<_> = vippl::library::function::ALL.iter().map(|f| f.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for f in vippl::library::function::ALL {
        assert!(!f.doc.is_empty() && !f.parameters.is_empty(), "{}", f.name);
    }
}

#[test]
fn max_reduces_or_compares_and_others_do_one_thing() {
    let rule = |name| function(name).expect("a function").rule;
    assert_eq!(
        rule("max"),
        FunctionRule::ReductionOrElementwise(Reduction::Max, Elementwise::Max2)
    );
    assert_eq!(rule("mean"), FunctionRule::Reduction(Reduction::Mean));
    assert_eq!(rule("size"), FunctionRule::WholeAxis(WholeAxis::Size));
    assert_eq!(rule("exp"), FunctionRule::Elementwise(Elementwise::Exp));
}

#[test]
fn names_of_other_languages_are_understood() {
    for (name, ours) in [
        ("normal", "Normal"),
        ("normal_lpdf", "Normal"),
        ("half_cauchy_lpdf", "HalfCauchy"),
        ("dnorm", "Normal"),
        ("Gaussian", "Normal"),
        ("Student", "StudentT"),
        ("Bin", "Binomial"),
        ("Pois", "Poisson"),
        ("HalfT", "HalfStudentT"),
        ("Exp", "Exponential"),
        ("InverseGamma", "InvGamma"),
        ("LKJ", "LKJCholesky"),
        ("ln", "log"),
        ("pow", "^"),
        ("Phi", "normal_cdf"),
        ("std", "sd"),
        ("length", "size"),
        ("ilogit", "inv_logit"),
        ("sigmoid", "inv_logit"),
        ("expit", "inv_logit"),
    ] {
        assert_eq!(synonym(name), Some(ours), "{name}");
    }
    for name in ["log", "Normal", "gamma", "alpha", "_lpdf", ""] {
        assert_eq!(synonym(name), None, "{name}");
    }
    assert!(family("normal").is_none());
}
