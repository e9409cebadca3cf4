//! New data are read as the fit read its own.

use super::{Case, case, elements, labels, values};
use vippl::data::{Frozen, Mode};

const RADON: &str = "data house(county: index, x, y)
c = center(x)
a[county] ~ Normal(0, 1)
b ~ Normal(0, 1)
y ~ Normal(a[county] + b * c, 1)";

fn frozen(fit: &Case<'_>) -> Frozen {
    let kept = Frozen::of(&fit.bind().program);
    let text = serde_json::to_string(&kept).expect("writes");
    serde_json::from_str(&text).expect("reads")
}

#[test]
fn statistics_and_levels_are_those_of_the_fit_and_new_levels_come_last() {
    let fit = case(RADON, &[("h.csv", "county,x,y\nC,1,0\nB,3,0\n")], &["h.csv"]);
    let kept = frozen(&fit);
    let new = case(RADON, &[("n.csv", "county,x\nA,10\nB,20\n")], &["n.csv"]);
    let binding = new.bind_as(Mode::Predict(&kept));
    assert_eq!(elements(&binding, "county"), ["B", "C", "A"]);
    assert_eq!(labels(&binding, "county"), ["A", "B"]);
    assert_eq!(values(&binding, "c"), [8.0, 18.0]);
    assert!(values(&binding, "y").iter().all(|y| y.is_nan()));
}

#[test]
fn what_is_not_given_again_is_taken_from_the_fit() {
    let program = "data house(county: county, y), k: int
data county(u)
b ~ Normal(0, k)
y ~ Normal(b * u[county], 1)";
    let files = [
        ("h.csv", "county,y\nB,1\nA,2\n"),
        ("c.csv", "county,u\nA,5\nB,6\n"),
        ("n.csv", "county\nB\n"),
    ];
    let kept = frozen(&case(program, &files, &["house=h.csv", "county=c.csv", "k=2"]));
    let binding = case(program, &files, &["house=n.csv"]).bind_as(Mode::Predict(&kept));
    assert_eq!(values(&binding, "u"), [5.0, 6.0]);
    assert_eq!(values(&binding, "k"), [2.0]);
    assert_eq!(labels(&binding, "county"), ["B"]);
    let same = case(program, &files, &[]).bind_as(Mode::Predict(&kept));
    assert_eq!(values(&same, "y"), [1.0, 2.0]);
}

#[test]
fn a_declared_range_keeps_its_elements() {
    let program = "data obs(when: int, y)
axis year = min(when)..max(when)
m[year] ~ Normal(0, 1)
y ~ Normal(m[when], 1)";
    let kept = frozen(&case(program, &[("o.csv", "when,y\n3,1\n1,2\n")], &["o.csv"]));
    let inside = case(program, &[("n.csv", "when\n2\n")], &["n.csv"]);
    assert_eq!(elements(&inside.bind_as(Mode::Predict(&kept)), "year"), ["1", "2", "3"]);
    let outside = case(program, &[("n.csv", "when\n4\n")], &["n.csv"]);
    insta::assert_snapshot!(outside.messages(Mode::Predict(&kept)));
}

#[test]
fn a_new_file_must_have_the_columns_that_are_not_observed() {
    let kept = frozen(&case(RADON, &[("h.csv", "county,x,y\nC,1,0\nB,3,0\n")], &["h.csv"]));
    let new = case(RADON, &[("n.csv", "county,y\nA,10\n")], &["n.csv"]);
    insta::assert_snapshot!(new.messages(Mode::Predict(&kept)));
}
