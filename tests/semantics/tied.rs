//! Families of several values whose arguments depend on finite latents, against sums over all
//! assignments written by hand.

use crate::witness::{
    D, assert_density, d, flat_simplex, half_normal, ln_factorial, noise, normal, over_all, sum,
};
use num_dual::DualNum;
use serde_json::json;
use std::f64::consts::PI;

/// Pairs of numbers.
fn pairs(seed: u64, count: usize) -> Vec<[f64; 2]> {
    let mut draw = noise(seed);
    (0..count).map(|_| [2.0 * draw(), 2.0 * draw()]).collect()
}

/// The log density of two normal values with these sds and this correlation.
fn two_normals(x: [f64; 2], mean: [D; 2], sd: [D; 2], rho: D) -> D {
    let z = [0, 1].map(|i| (-mean[i] + x[i]) / sd[i]);
    let left = -rho * rho + 1.0;
    let square = (z[0] * z[0] - rho * z[0] * z[1] * 2.0 + z[1] * z[1]) / left;
    -square * 0.5 - sd[0].ln() - sd[1].ln() - left.ln() * 0.5 - (2.0 * PI).ln()
}

#[test]
fn a_mixture_of_correlated_normals() {
    let y = pairs(1, 5);
    let program = "\
data y[row, dim]
axis class = 1..2
w[class] ~ Dirichlet(1)
mu[class, dim] ~ Normal(0, 3)
sd[dim] ~ HalfNormal(1)
rho ~ Uniform(-1, 1)
C[i in dim, j in dim] = if i == j then 1 else rho
z[row] ~ Categorical(w)
y ~ MvNormal(mu[z], sd = sd, corr = C) over dim
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (w, mu, sd, rho) = (at.all("w"), at.all("mu"), at.all("sd"), at.one("rho"));
        let prior = sum(mu.iter().map(|m| normal(*m, d(0.0), d(3.0))))
            + sum(sd.iter().map(|s| half_normal(*s, 1.0)))
            + flat_simplex(2)
            - 2f64.ln();
        let data = over_all(&[2; 5], |z| {
            sum((0..5).map(|i| {
                let mean = [mu[2 * z[i]], mu[2 * z[i] + 1]];
                w[z[i]].ln() + two_normals(y[i], mean, [sd[0], sd[1]], rho)
            }))
        });
        prior + data
    });
}

#[test]
fn each_class_has_a_covariance_of_its_own() {
    let y = pairs(2, 4);
    let program = "\
data y[row, dim]
axis class = 1..2
s[class, dim] ~ HalfNormal(1)
rho[class] ~ Uniform(-1, 1)
Sigma[k in class, i in dim, j in dim] = s[k, i] * s[k, j] * (if i == j then 1 else rho[k])
z[row] ~ DiscreteUniform(class)
y[r in row, k in dim] ~ MvNormal(0, cov = Sigma[z[r]]) over k
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (s, rho) = (at.all("s"), at.all("rho"));
        let prior = sum(s.iter().map(|s| half_normal(*s, 1.0))) - 4f64.ln();
        let data = over_all(&[2; 4], |z| {
            sum((0..4).map(|i| {
                let k = z[i];
                let sd = [s[2 * k], s[2 * k + 1]];
                two_normals(y[i], [d(0.0); 2], sd, rho[k]) - 2f64.ln()
            }))
        });
        prior + data
    });
}

#[test]
fn a_chain_of_states_with_two_measurements() {
    let y = pairs(3, 5);
    let program = "\
data y[time, dim]
axis state = 1..2
P[i in state, j in state] ~ Dirichlet(1) over j
m[state] ~ Normal(0, 1)
C[i in dim, j in dim] = if i == j then 1 else 0.5
z[t in time] ~ Categorical(P[z[t-1]]) start DiscreteUniform(state)
y ~ MvNormal(m[z], sd = 1, corr = C) over dim
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (p, m) = (at.all("P"), at.all("m"));
        let prior = sum(m.iter().map(|m| normal(*m, d(0.0), d(1.0)))) + 2.0 * flat_simplex(2);
        let data = over_all(&[2; 5], |z| {
            let moves = sum((1..5).map(|t| p[2 * z[t - 1] + z[t]].ln())) - 2f64.ln();
            let one = [d(1.0); 2];
            moves + sum((0..5).map(|t| two_normals(y[t], [m[z[t]]; 2], one, d(0.5))))
        });
        prior + data
    });
}

#[test]
fn counts_of_items_of_two_kinds_some_of_which_never_occur() {
    let y = [[3, 1, 0], [0, 2, 2], [0, 0, 4]];
    let program = "\
data y[case, grade]: int
axis kind = 1..2
p[kind] ~ Dirichlet(1)
first[1..2] ~ Dirichlet(1)
second[grade] ~ Dirichlet(1)
e[k in kind, g in grade] = if k == 1 then (if g <= 2 then first[min(g, 2)] else 0) else second[g]
z[case] ~ Categorical(p)
y ~ Multinomial(e[z]) over grade
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (p, first, second) = (at.all("p"), at.all("first"), at.all("second"));
        let prior = 2.0 * flat_simplex(2) + flat_simplex(3);
        let data = over_all(&[2; 3], |z| {
            sum((0..3).map(|i| {
                let ways = ln_factorial(4) - y[i].iter().map(|n| ln_factorial(*n)).sum::<f64>();
                let chance = (0..3).map(|g| match (z[i], g, y[i][g]) {
                    (_, _, 0) => d(0.0),
                    (0, 2, _) => d(f64::NEG_INFINITY),
                    (0, _, n) => first[g].ln() * n as f64,
                    (_, _, n) => second[g].ln() * n as f64,
                });
                p[z[i]].ln() + sum(chance) + ways
            }))
        });
        data + prior
    });
}

#[test]
fn proportions_whose_concentration_is_one_of_two() {
    let program = "\
data y[sample]
axis part = 1..2
dense[sample] ~ Bernoulli(0.25)
theta[sample, part] ~ Dirichlet(if dense then 8 else 1) over part
y[i in sample] ~ Normal(theta[i, 1], 0.1)
";
    let y = [0.3, 0.6, 0.9];
    assert_density(program, &json!({ "y": y }), |at| {
        let theta = at.all("theta");
        let data = sum((0..3).map(|i| normal(d(y[i]), theta[2 * i], d(0.1))));
        // Γ(16) / Γ(8)² = 15! / 7!²
        let beta = ln_factorial(15) - 2.0 * ln_factorial(7);
        let prior = sum((0..3).map(|i| {
            let x = theta[2 * i] * theta[2 * i + 1];
            (x.powi(7) * (0.25 * beta.exp()) + 0.75).ln()
        }));
        data + prior
    });
}
