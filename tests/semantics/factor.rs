//! Cholesky factors against closed forms, with their derivatives.

use crate::witness::{D, assert_density, d, half_normal, noise, normal, sum};
use crate::{bind, value};
use num_dual::DualNum;
use serde_json::json;

fn observed(seed: u64, count: usize) -> Vec<f64> {
    let mut draw = noise(seed);
    (0..count).map(|_| draw()).collect()
}

/// The factor of [[a, b], [b, c]].
fn factor(a: D, b: D, c: D) -> [D; 4] {
    let first = a.sqrt();
    let second = b / first;
    [first, d(0.0), second, (c - second * second).sqrt()]
}

#[test]
fn the_factor_of_data_is_data() {
    // X Xᵀ + 1 of rows (1, 2), (3, 4), (5, 6): checked by hand up to the second row.
    let found = value(
        "S[i in row, j in row] = sum(f in feature: X[i, f] * X[j, f]) + (if i == j then 1 else 0)\n\
         v = cholesky(S)",
    );
    let root = 6.0_f64.sqrt();
    let second = 11.0 / root;
    let third = 17.0 / root;
    let diagonal = (26.0 - second * second).sqrt();
    let below = (39.0 - third * second) / diagonal;
    let last = (62.0 - third * third - below * below).sqrt();
    let expected = [root, 0.0, 0.0, second, diagonal, 0.0, third, below, last];
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{found:?} is not {expected:?}");
    }
}

#[test]
fn the_factor_of_a_latent_matrix_has_its_closed_form() {
    let y = observed(1, 2);
    let program = "\
data y[item], z[item]
a ~ HalfNormal(1)
b ~ Normal(0, 0.1)
c ~ HalfNormal(1)
S[i in item, j in item] = if i == j then (if i == 1 then 1 + a else 1 + c) else b
L = cholesky(S)
f[i in item] = sum(j in item: L[i, j] * z[j])
y ~ Normal(f, 1)
";
    let z = [0.4, -1.3];
    assert_density(program, &json!({ "y": y, "z": z }), |at| {
        let (a, b, c) = (at.one("a"), at.one("b"), at.one("c"));
        let l = factor(a + 1.0, b, c + 1.0);
        let f = [l[0] * z[0], l[2] * z[0] + l[3] * z[1]];
        half_normal(a, 1.0)
            + normal(b, d(0.0), d(0.1))
            + half_normal(c, 1.0)
            + sum((0..2).map(|i| normal(d(y[i]), f[i], d(1.0))))
    });
}

/// One factor for each group, and a factor that is an argument.
#[test]
fn factors_of_groups_and_of_arguments() {
    let y = observed(2, 4);
    let rows: Vec<&[f64]> = y.chunks(2).collect();
    let program = "\
data y[group, item], x[item]
s[group] ~ HalfNormal(1)
S[g in group, i in item, j in item] = if i == j then 1 + s[g]^2 else 0.5
L[group, i in item, j in item] = cholesky(S)
one[i in item, j in item] = if i == j then 2 else 1
x ~ MvNormal(0, chol = cholesky(one))
y[g in group, i in item] ~ Normal(L[g, 2, 1] + L[g, 2, 2], i)
";
    let x = [0.3, -0.2];
    assert_density(program, &json!({ "y": rows, "x": x }), |at| {
        let s = at.all("s");
        let each = (0..4).map(|k| {
            let variance = s[k / 2] * s[k / 2] + 1.0;
            let l = factor(variance, d(0.5), variance);
            normal(d(y[k]), l[2] + l[3], d((k % 2 + 1) as f64))
        });
        let l = factor(d(2.0), d(1.0), d(2.0));
        let first = d(x[0]) / l[0];
        let second = (d(x[1]) - l[2] * first) / l[3];
        let known =
            normal(first, d(0.0), d(1.0)) + normal(second, d(0.0), d(1.0)) - l[0].ln() - l[3].ln();
        sum(s.iter().map(|s| half_normal(*s, 1.0))) + sum(each) + known
    });
}

#[test]
fn a_factor_times_its_transpose_is_the_matrix() {
    let data = crate::DATA;
    let program = bind(&format!(
        "{data}S[i in feature, j in feature] = if i == j then 3 else 1\n\
         v = cholesky(S) @ transpose(cholesky(S))\n"
    ));
    let found = program.typed.find("v").expect("defined");
    let cells: Vec<f64> = program.values[found.index()].as_ref().expect("data").cells().collect();
    let close = cells.iter().zip([3.0, 1.0, 1.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close, "{cells:?}");
}
