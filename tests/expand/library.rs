//! The standard library: its functions against a table by SciPy and mpmath (tests/oracle/stdlib.py),
//! its parts against the same equations written by hand and against formulas.

use super::{close, density, model, normal};
use serde_json::json;

/// The data of the table.
fn table_data() -> serde_json::Value {
    json!({
        "x": [-1.3, -0.2, 0.4, 1.7, 2.9],
        "y": [0, 1, 2, 5, 9],
        "t": [0.5, 1, 2, 4, 8],
        "c": [-1.1, 0.3, 2.0],
    })
}

/// The values of an expression over the data of the table.
fn values(module: &str, expression: &str) -> Vec<f64> {
    let program = format!(
        "import \"std/{module}\" as m\ndata x[row], y[row]: int, t[row], c[cut]\n\
         v = {expression}\na ~ Normal(0, 1)\nx ~ Normal(a + 0 * (y + t) + 0 * mean(c), 1)\n"
    );
    let program = model(&program, &table_data(), &[]).bound;
    let variable = program.typed.find("v").unwrap();
    program.values[variable.index()].as_ref().unwrap().cells().collect()
}

#[test]
fn functions_have_the_values_of_the_table() {
    let table = include_str!("../oracle/stdlib.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
    let mut rows = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let (module, expression) = (&record[0], &record[1]);
        let expected: Vec<f64> = record[2].split(' ').map(|v| v.parse().unwrap()).collect();
        let found = values(module, expression);
        assert_eq!(found.len(), expected.len(), "{expression}");
        for (a, b) in found.iter().zip(&expected) {
            let near = (a - b).abs() <= 2e-10 * b.abs().max(1.0);
            assert!(near, "{module}: {expression}: {a} is not {b}");
        }
        rows += 1;
    }
    assert!(rows > 20, "only {rows} rows");
}

/// A part by its `use` line and output, against the equations it stands for: latents first.
fn same(used: &str, mean: &str, by_hand: &str, point: &serde_json::Value) {
    let data = json!({
        "y": [0.3, -1.2, 2.1, 0.4],
        "x": [-1.5, 0.2, 1.0, 1.4],
        "g": [1, 2, 3, 2],
        "ok": [1, 0, 1, 1],
    });
    let program = |lines: &str, mean: &str| {
        format!(
            "data row(y, x, g: index, ok: bool)\n{lines}\n\
             y ~ Normal({mean} + 0 * x + 0 * ok + 0 * w[g], 1)\nw[g] ~ Normal(0, 1)\n"
        )
    };
    let mut renamed = serde_json::Map::new();
    for (name, value) in point.as_object().unwrap() {
        let plain = name.rsplit('.').next().unwrap();
        renamed.insert(plain.to_owned(), value.clone());
    }
    let with = |mut point: serde_json::Value| {
        point["w"] = json!([0.0, 0.0, 0.0]);
        point
    };
    let found = density(&program(used, mean), &data, &with(point.clone()), &[]);
    let hand = mean.replace("p.", "");
    let expected = density(&program(by_hand, &hand), &data, &with(renamed.into()), &[]);
    close(found, expected);
}

#[test]
fn group_effects_are_normal_around_zero() {
    same(
        "import \"std/priors\" as m\nuse m.group_effects[g](scale = 2) as p",
        "p.effect[g]",
        "sd ~ HalfNormal(2)\nz[g] ~ Normal(0, 1)\neffect[g] = sd * z",
        &json!({ "p.sd": 0.4, "p.z": [0.1, -0.7, 2.0] }),
    );
}

#[test]
fn default_priors_follow_the_scale_of_the_data() {
    same(
        "import \"std/priors\" as m\na ~ m.intercept(y)\nb ~ m.coefficient(y, x)\n\
         s ~ m.penalised_sd(upper = 2, probability = 0.05)\nr ~ m.residual_sd(y)\n\
         l ~ m.logit_coefficient()",
        "(a + b * x + s + r + l)",
        "a ~ Normal(mean(y), 2.5 * sd(y))\nb ~ Normal(0, 2.5 * sd(y) / sd(x))\n\
         s ~ Exponential(rate = 1.4978661367769954)\nr ~ Exponential(rate = 1 / sd(y))\n\
         l ~ StudentT(7, 0, 2.5)",
        &json!({ "a": 0.4, "b": 0.1, "s": 0.3, "r": 0.2, "l": -0.5 }),
    );
}

#[test]
fn the_horseshoe_holds_its_local_scales_below_the_slab() {
    same(
        "import \"std/shrinkage\" as m\n\
         use m.horseshoe[g](scale = 0.1, slab_scale = 2, slab_df = 4) as p",
        "p.beta[g]",
        "tau ~ HalfCauchy(0.1)\nlambda[g] ~ HalfCauchy(1)\n\
         slab ~ InvGamma(shape = 2, scale = 8)\nz[g] ~ Normal(0, 1)\n\
         beta[g] = z * tau * lambda / sqrt(1 + tau^2 * lambda^2 / slab)",
        &json!({
            "p.tau": 0.2, "p.lambda": [0.5, 3.0, 20.0], "p.slab": 3.0, "p.z": [0.1, -0.7, 1.5]
        }),
    );
}

#[test]
fn a_spline_walks_at_random_over_its_basis() {
    let program = "\
import \"std/splines\" as m
data y[n], x[n]
use m.smooth[n](x, low = 0, high = 4, count = 7, level_scale = 3, scale = 1) as s
y ~ Normal(s.f, 1)
";
    let data = json!({ "y": [0.5, -1.0], "x": [1.0, 2.0] });
    let z = [0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7];
    let point = json!({ "s.level": 0.8, "s.sd": 0.5, "s.z": z });
    let found = density(program, &data, &point, &[]);
    let mut walk = vec![0.8];
    for step in z {
        walk.push(walk.last().unwrap() + 0.5 * step);
    }
    // At a knot the cubic B-splines are 1/6, 2/3, 1/6; walk[k] is the weight of function k.
    let f = |k: usize| walk[k] / 6.0 + walk[k + 1] * 2.0 / 3.0 + walk[k + 2] / 6.0;
    let priors = normal(0.8, 0.0, 3.0) + 2.0_f64.ln() + normal(0.5, 0.0, 1.0);
    let priors = priors + z.iter().map(|z| normal(*z, 0.0, 1.0)).sum::<f64>();
    close(found, priors + normal(0.5, f(2), 1.0) + normal(-1.0, f(3), 1.0));
}

#[test]
fn a_season_is_a_fourier_series() {
    let program = "\
import \"std/seasonal\" as m
data y[n], x[n]
use m.season[n](x, period = 12, pairs = 1, scale = 2) as s
y ~ Normal(s.effect, 1)
";
    let data = json!({ "y": [0.5, -1.0], "x": [3.0, 6.0] });
    let point = json!({ "s.sd": 0.5, "s.a": [0.8], "s.b": [-0.4] });
    let found = density(program, &data, &point, &[]);
    let priors = 2.0_f64.ln() + normal(0.5, 0.0, 2.0) + normal(0.8, 0.0, 1.0);
    let priors = priors + normal(-0.4, 0.0, 1.0);
    // A quarter and a half of the period.
    close(found, priors + normal(0.5, 0.5 * 0.8, 1.0) + normal(-1.0, 0.5 * 0.4, 1.0));
}

#[test]
fn a_two_parameter_model_observes_its_answers() {
    let program = "\
import \"std/item_response\" as m
data answer(item: index, person: index, right: bool)
use m.two_parameter_model[item, person](right, item, person, scale = 2) as p
";
    let by_hand = "\
data answer(item: index, person: index, right: bool)
b[item] ~ Normal(0, 2)
a[item] ~ LogNormal(0, 0.5)
theta[person] ~ Normal(0, 1)
right ~ Bernoulli(logit = a[item] * (theta[person] - b[item]))
";
    let data = json!({ "item": [1, 2, 1], "person": [1, 1, 2], "right": [1, 0, 1] });
    let point = json!({
        "p.difficulty": [0.2, -0.3], "p.discrimination": [1.1, 0.9], "p.ability": [0.5, -0.5]
    });
    let found = density(program, &data, &point, &[]);
    let point = json!({ "b": [0.2, -0.3], "a": [1.1, 0.9], "theta": [0.5, -0.5] });
    close(found, density(by_hand, &data, &point, &[]));
}

#[test]
fn a_gaussian_process_is_a_sum_of_eigenfunctions() {
    let program = "\
import \"std/gaussian_process\" as m
data y[n], x[n]
use m.smooth[n](x, half_width = 2, count = 2, sd_scale = 1,
  lengthscale_prior = InvGamma(shape = 3, scale = 1)) as g
y ~ Normal(g.f, 1)
";
    let by_hand = "\
data y[n], x[n]
sd ~ HalfNormal(1)
lengthscale ~ InvGamma(shape = 3, scale = 1)
z[1..2] ~ Normal(0, 1)
one = sd * sqrt(sqrt(2 * pi) * lengthscale * exp(-0.5 * lengthscale^2 * pi^2 / 16))
two = sd * sqrt(sqrt(2 * pi) * lengthscale * exp(-0.5 * lengthscale^2 * pi^2 / 4))
f[i in n] = z[1] * one * sin(pi / 4 * (x[i] + 2)) / sqrt(2)
  + z[2] * two * sin(pi / 2 * (x[i] + 2)) / sqrt(2)
y ~ Normal(f, 1)
";
    let data = json!({ "y": [0.5, -1.0], "x": [-0.7, 1.2] });
    let point = json!({ "g.sd": 0.5, "g.lengthscale": 0.8, "g.z": [-0.4, 1.1] });
    let found = density(program, &data, &point, &[]);
    let point = json!({ "sd": 0.5, "lengthscale": 0.8, "z": [-0.4, 1.1] });
    close(found, density(by_hand, &data, &point, &[]));
}

#[test]
fn a_random_walk_starts_at_its_first_level() {
    let program = "\
import \"std/series\" as m
data y[time]
use m.random_walk[time](first = 1, first_sd = 2, scale = 0.5) as w
y ~ Normal(w.level, 1)
";
    let point = json!({ "w.sd": 0.4, "w.level": [0.2, 0.5, -0.1] });
    let found = density(program, &json!({ "y": [0.5, -1.0, 0.3] }), &point, &[]);
    let walk = normal(0.2, 1.0, 2.0) + normal(0.5, 0.2, 0.4) + normal(-0.1, 0.5, 0.4);
    let rows = normal(0.5, 0.2, 1.0) + normal(-1.0, 0.5, 1.0) + normal(0.3, -0.1, 1.0);
    close(found, 2.0_f64.ln() + normal(0.4, 0.0, 0.5) + walk + rows);
}

#[test]
fn autoregressive_noise_is_stationary_and_a_trend_moves_by_its_slope() {
    let program = "\
import \"std/series\" as m
data y[time]
use m.ar1[time](scale = 0.5) as w
use m.local_trend[time](first = 0, first_sd = 1, level_scale = 0.5, slope_scale = 0.3) as t
y ~ Normal(w.noise + t.level, 1)
";
    let point = json!({
        "w.sd": 0.4, "w.rho": 0.7, "w.noise": [0.2, 0.5, -0.1],
        "t.level_sd": 0.3, "t.slope_sd": 0.2, "t.slope": [0.1, 0.2, 0.3], "t.level": [1, 2, 3]
    });
    let found = density(program, &json!({ "y": [0.5, -1.0, 0.3] }), &point, &[]);
    let half = |x, sd| 2.0_f64.ln() + normal(x, 0.0, sd);
    let noise = normal(0.2, 0.0, 0.4 / 0.51_f64.sqrt()) + normal(0.5, 0.14, 0.4);
    let noise = noise + normal(-0.1, 0.35, 0.4) + half(0.4, 0.5) - 2.0_f64.ln();
    let slope = normal(0.1, 0.0, 0.3) + normal(0.2, 0.1, 0.2) + normal(0.3, 0.2, 0.2);
    let level = normal(1.0, 0.0, 1.0) + normal(2.0, 1.1, 0.3) + normal(3.0, 2.2, 0.3);
    let rows = normal(0.5, 1.2, 1.0) + normal(-1.0, 2.5, 1.0) + normal(0.3, 2.9, 1.0);
    close(found, noise + half(0.3, 0.5) + half(0.2, 0.3) + slope + level + rows);
}

#[test]
fn r2d2_shares_what_is_explained_among_features() {
    let program = "\
import \"std/shrinkage\" as m
data y[row], X[row, f]
sigma ~ HalfNormal(1)
use m.r2d2[f](mean = 0.4, precision = 5, concentration = 0.5, sigma = sigma) as r
y ~ Normal(X @ r.beta, sigma)
";
    let data = json!({ "y": [0.5, -1.0], "X": [[1, 2, 3], [0.5, -1, 2]] });
    let point = json!({
        "sigma": 0.8, "r.r2": 0.3, "r.share": [0.2, 0.5, 0.3], "r.z": [0.1, -0.4, 1.2]
    });
    // By scipy.stats: halfnorm, beta(2, 3), dirichlet and norm at beta = z 0.8 sqrt(share 3/7).
    close(density(program, &data, &point, &[]), -7.737855365714124);
}

#[test]
fn cutpoints_have_the_density_of_their_probabilities() {
    let program = "\
import \"std/ordinal\" as m
data y[row]: cat
axis cat = 1..4
axis cut = 1..3
eta ~ Normal(0, 1)
c[cut] ~ Ordered(Flat)
factor m.induced_dirichlet(c, alpha = 1)
p[row, k in cat] = m.cumulative(eta, c, k)
y ~ Categorical(p)
";
    let point = json!({ "eta": 0.4, "c": [-1.1, 0.3, 2.0] });
    let found = density(program, &json!({ "y": [1, 2, 4] }), &point, &[]);
    // The numbers are in the table.
    let probabilities = [0.18242552380635635, 0.29259528871470364, 0.16798161486607555];
    let rows: f64 = probabilities.iter().map(|p: &f64| p.ln()).sum();
    close(found, normal(0.4, 0.0, 1.0) - 3.545477692025806 + rows);
}
