//! The standard library against formulas and tables.

use super::{close, density, normal};
use serde_json::json;

#[test]
fn twice_sd_centres_and_divides_by_two_standard_deviations() {
    let program = "\
import \"std/priors\" as p
data y[n], x[n]
b ~ Normal(0, 1)
z = p.twice_sd(x)
y ~ Normal(b * z, 1)
";
    let data = json!({ "y": [0.5, 1.5, -1.0], "x": [1, 2, 6] });
    let mean = [-2.0, -1.0, 3.0].map(|z: f64| 0.3 * z / (2.0 * 7.0_f64.sqrt()));
    let found = density(program, &data, &json!({ "b": 0.3 }), &[]);
    let rows = normal(0.5, mean[0], 1.0) + normal(1.5, mean[1], 1.0) + normal(-1.0, mean[2], 1.0);
    close(found, normal(0.3, 0.0, 1.0) + rows);
}
