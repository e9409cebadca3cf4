//! Definitions and latents in terms of their own earlier elements, and what guards leave out.

use crate::witness::{D, assert_density, bernoulli, bind, d, half_normal, noise, normal, sum};
use num_dual::DualNum;
use serde_json::json;
use vippl::engine;
use vippl::graph::lower;
use vippl::inference::LogDensity;
use vippl::typed::RandomId;

fn reals(seed: u64, count: usize, scale: f64) -> Vec<f64> {
    let mut draw = noise(seed);
    (0..count).map(|_| scale * draw()).collect()
}

fn seen(y: &[f64], mean: &[D], sd: D) -> D {
    sum(y.iter().zip(mean).map(|(y, mean)| normal(d(*y), *mean, sd)))
}

#[test]
fn variances_follow_the_variance_before() {
    let y = reals(1, 9, 2.0);
    let program = "\
data y[time]
mu ~ Normal(0, 2)
w ~ HalfNormal(1)
a ~ Uniform(0, 1)
b ~ Uniform(0, 1)
h[t in time] = w + a * (y[t-1] - mu)^2 + b * h[t-1] start 0.7
y ~ Normal(mu, sqrt(h))
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (mu, w, a, b) = (at.one("mu"), at.one("w"), at.one("a"), at.one("b"));
        let mut h = d(0.7);
        let mut total = normal(mu, d(0.0), d(2.0)) + half_normal(w, 1.0);
        for t in 0..y.len() {
            if t > 0 {
                let residual = -mu + y[t - 1];
                h = w + a * residual * residual + b * h;
            }
            total += normal(d(y[t]), mu, h.sqrt());
        }
        total
    });
}

#[test]
fn sums_over_all_earlier_elements() {
    let y = reals(2, 7, 2.0);
    let program = "\
data y[day]
k ~ Uniform(0, 1)
e[day] ~ Normal(0, 1)
x[t in day] = e[t] + sum(s in day where s < t: k^(t - s) * x[s])
y ~ Normal(x, 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (k, e) = (at.one("k"), at.all("e"));
        let mut x: Vec<D> = Vec::new();
        for (t, own) in e.iter().enumerate() {
            let past = x.iter().enumerate().map(|(s, x)| k.powi((t - s) as i32) * *x);
            x.push(*own + sum(past));
        }
        sum(e.iter().map(|e| normal(*e, d(0.0), d(1.0)))) + seen(&y, &x, d(1.0))
    });
}

#[test]
fn two_names_that_need_each_other() {
    let y = reals(3, 6, 2.0);
    let program = "\
data y[time]
a ~ Normal(0, 1)
b ~ Normal(0, 1)
prey[t in time] = prey[t-1] + a * hunter[t-1] start 1
hunter[t in time] = b * hunter[t-1] - prey[t] start 0.5
y ~ Normal(prey + hunter, 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (a, b) = (at.one("a"), at.one("b"));
        let (mut prey, mut hunter) = (d(1.0), d(0.5));
        let mut mean = vec![prey + hunter];
        for _ in 1..y.len() {
            prey += a * hunter;
            hunter = b * hunter - prey;
            mean.push(prey + hunter);
        }
        normal(a, d(0.0), d(1.0)) + normal(b, d(0.0), d(1.0)) + seen(&y, &mean, d(1.0))
    });
}

#[test]
fn counts_of_what_happened_before_are_data() {
    let y = [[0, 1, 1, 0], [1, 0, 1, 1]];
    let program = "\
data y[dog, trial]: bool
a ~ Uniform(0, 1)
shocks[i in dog, t in trial] = shocks[i, t-1] + y[i, t-1] start 0
y ~ Bernoulli(0.9 * a^(shocks + 1))
";
    assert_density(program, &json!({ "y": y }), |at| {
        let a = at.one("a");
        sum(y.iter().flat_map(|y| {
            (0..4).map(|t| {
                let shocks = y[..t].iter().sum::<i32>();
                bernoulli(y[t] == 1, a.powi(shocks + 1) * 0.9)
            })
        }))
    });
}

#[test]
fn a_start_inside_a_sum_replaces_its_terms() {
    let y = reals(4, 6, 2.0);
    let program = "\
data y[time]
phi ~ Uniform(-1, 1)
x[t in time] = 0.3 + sum(k in 1..2: phi^k * (x[t-k] start 2))
y ~ Normal(x, 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let phi = at.one("phi");
        let mut x: Vec<D> = Vec::new();
        for t in 0..y.len() {
            let lag = |k: usize| if k <= t { x[t - k] } else { d(2.0) };
            x.push(phi * lag(1) + phi * phi * lag(2) + 0.3);
        }
        seen(&y, &x, d(1.0)) - 2f64.ln()
    });
}

#[test]
fn a_start_outside_a_sum_replaces_it_all() {
    let y = reals(5, 6, 2.0);
    let program = "\
data y[time]
phi ~ Uniform(-1, 1)
x[t in time] = 0.3 + sum(k in 1..2: phi^k * x[t-k]) start 2
y ~ Normal(x, 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let phi = at.one("phi");
        let mut x: Vec<D> = Vec::new();
        for t in 0..y.len() {
            let own = if t < 2 { d(2.0) } else { phi * x[t - 1] + phi * phi * x[t - 2] + 0.3 };
            x.push(own);
        }
        seen(&y, &x, d(1.0)) - 2f64.ln()
    });
}

#[test]
fn latents_walk_from_their_start() {
    let y = reals(6, 5, 2.0);
    let program = "\
data y[year], m0, C0
s ~ HalfNormal(1)
level[t in year] ~ Normal(level[t-1], s) start Normal(m0, sqrt(C0))
y ~ Normal(level, 1)
";
    assert_density(program, &json!({ "y": y, "m0": 0.5, "C0": 4.0 }), |at| {
        let (s, level) = (at.one("s"), at.all("level"));
        let steps = sum(level.windows(2).map(|pair| normal(pair[1], pair[0], s)));
        half_normal(s, 1.0) + normal(level[0], d(0.5), d(2.0)) + steps + seen(&y, level, d(1.0))
    });
}

#[test]
fn labels_in_a_list_have_a_next_and_a_last() {
    // In the file the seasons are in another order.
    let (season, y) = (["autumn", "spring", "summer", "autumn"], reals(7, 4, 2.0));
    let program = "\
data visit(season: season, y)
axis season = [\"spring\", \"summer\", \"autumn\"]
step ~ Normal(0, 1)
mean[s in season] = mean[s-1] + step start 1
y ~ Normal(mean[season], 1)
";
    assert_density(program, &json!({ "season": season, "y": y }), |at| {
        let step = at.one("step");
        let mean = [2.0, 0.0, 1.0, 2.0].map(|steps| step * steps + 1.0);
        normal(step, d(0.0), d(1.0)) + seen(&y, &mean, d(1.0))
    });
}

#[test]
fn a_branch_that_data_exclude_may_leave_its_axis() {
    let y = reals(8, 5, 2.0);
    let program = "\
data y[time], x[time]
b ~ Normal(0, 1)
change[t in time] = if t == 1 then b else x[t] - b * x[t-1]
y[t in time] ~ if t > 3 then Normal(change[t-3], 1) else Normal(change[t+1], 2)
";
    let x = reals(9, 5, 1.0);
    assert_density(program, &json!({ "y": y, "x": x }), |at| {
        let b = at.one("b");
        let change = |t: usize| if t == 0 { b } else { -b * x[t - 1] + x[t] };
        let row = |t: usize| match t {
            0..3 => normal(d(y[t]), change(t + 1), d(2.0)),
            _ => normal(d(y[t]), change(t - 3), d(1.0)),
        };
        normal(b, d(0.0), d(1.0)) + sum((0..5).map(row))
    });
}

#[test]
fn latents_that_a_guard_leaves_out_do_not_exist() {
    let y = reals(10, 6, 2.0);
    let program = "\
data y[time], used[time]: bool
s ~ HalfNormal(1)
e[t in time] ~ Normal(0, s) where used[t]
y[t in time] ~ Normal(if used[t] then e[t] else s, 1)
";
    let used = [1, 0, 1, 1, 0, 0];
    let dimension = assert_density(program, &json!({ "y": y, "used": used }), |at| {
        let (s, e) = (at.one("s"), at.all("e"));
        let row = |t: usize| match used[t] {
            1 => normal(e[t], d(0.0), s) + normal(d(y[t]), e[t], d(1.0)),
            _ => normal(d(y[t]), s, d(1.0)),
        };
        half_normal(s, 1.0) + sum((0..6).map(row))
    });
    assert_eq!(dimension, 4);
}

/// A latent of a series in coordinates between its value (1) and its standardised value (0) has the
/// density of its values, with the log-Jacobian of the way there.
#[test]
fn a_walk_in_other_coordinates_is_the_same_walk() {
    let y = reals(9, 6, 2.0);
    let program = "\
data y[time]
s ~ HalfNormal(1)
rho ~ Normal(0, 1)
x[t in time] ~ Normal(rho * x[t-1], s) start Normal(1, 2 * s)
y ~ Normal(x, 1)
";
    let bound = bind(program, &json!({ "y": y }));
    let walk = bound.typed.find("x").expect("a latent");
    let id = bound.typed.randoms.iter().position(|r| r.variable == walk).expect("a statement");
    for centredness in [[0.0; 6], [1.0, 0.0, 0.3, 1.0, 0.5, 0.7]] {
        let coordinates = lower::Coordinates::from([(RandomId(id as u32), centredness.into())]);
        let density = lower::density(&bound, &coordinates).expect("lowers");
        let compiled = engine::Program::compile(&density.model, &engine::Options::default())
            .expect("compiles");
        let mut draw = noise(10);
        let point: Vec<f64> = (0..8).map(|_| draw()).collect();
        let mut gradient = vec![0.0; 8];
        let value = compiled.gradient(&mut compiled.workspace(), &point, &mut gradient);
        for (k, own) in gradient.iter().enumerate() {
            let u = |i: usize| D::new(point[i], f64::from(u8::from(i == k)));
            let (s, rho) = (u(0).exp(), u(1));
            let mut total = half_normal(s, 1.0) + u(0) + normal(rho, d(0.0), d(1.0));
            let mut before = None;
            for (t, c) in centredness.iter().enumerate() {
                let (location, scale) = match before {
                    Some(before) => (rho * before, s),
                    None => (d(1.0), s * 2.0),
                };
                let x = location + scale.powf(1.0 - c) * (u(t + 2) - location * *c);
                total += scale.ln() * (1.0 - c);
                total += normal(x, location, scale) + normal(d(y[t]), x, d(1.0));
                before = Some(x);
            }
            assert!((value - total.re).abs() < 1e-9 * total.re.abs(), "{value} {}", total.re);
            assert!((own - total.eps).abs() < 1e-8 * total.eps.abs().max(1.0), "{own} {total}");
        }
    }
}
