//! Numbers at the ends of the range: log densities and gradients stay those of the formula.

use crate::witness::{assert_density, d, half_normal, normal, sum};
use num_dual::DualNum;
use serde_json::json;

/// √(e^(-l w)) is 0 in numbers where e^(-l w) is; so is its derivative, although √ is steep there.
#[test]
fn square_roots_of_what_vanishes_have_no_slope() {
    let (y, w) = ([0.3, 2.0, -1.0], [1.0, 2000.0, 5000.0]);
    let program = "\
data y[row], w[row]
l ~ HalfNormal(1)
z[row] ~ Normal(0, 1)
y ~ Normal(sqrt(exp(-l * w)) * z, 0.01)
";
    assert_density(program, &json!({ "y": y, "w": w }), |at| {
        let (l, z) = (at.one("l"), at.all("z"));
        let row = |i: usize| {
            let mean = (-l * (w[i] / 2.0)).exp() * z[i];
            normal(z[i], d(0.0), d(1.0)) + normal(d(y[i]), mean, d(0.01))
        };
        half_normal(l, 1.0) + sum((0..3).map(row))
    });
}
