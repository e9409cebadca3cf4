//! Levels, volatilities and states that change with time.

use crate::judge::posterior;
use crate::simulate::Draws;
use serde_json::json;

#[test]
fn a_level_that_walks() {
    let mut draws = Draws::new(21);
    let mut level = Vec::new();
    for _ in 0..60 {
        level.push(draws.normal(level.last().copied().unwrap_or(1000.0), 60.0));
    }
    let y: Vec<f64> = level.iter().map(|l| draws.normal(*l, 60.0)).collect();
    let program = "\
data y[year], m0, C0
sigma_y ~ HalfCauchy(100)
sigma_theta ~ HalfCauchy(100)
level[t in year] ~ Normal(level[t-1], sigma_theta) start Normal(m0, sqrt(C0))
y ~ Normal(level, sigma_y)
";
    let posterior = posterior(program, &json!({ "y": y, "m0": 1000, "C0": 10000 }));
    posterior.assert_near("sigma_y", &[60.0]);
    posterior.assert_near("sigma_theta", &[60.0]);
    posterior.assert_covered("level", &level, 5);
}

#[test]
fn a_volatility_that_walks() {
    let mut draws = Draws::new(22);
    let (mu, phi, sigma) = (-1.0, 0.9, 0.4);
    let mut volatility = Vec::new();
    for _ in 0..500 {
        let before = volatility.last().map_or(0.0, |h| h - mu);
        let sd = if volatility.is_empty() { sigma / f64::sqrt(1.0 - phi * phi) } else { sigma };
        volatility.push(draws.normal(mu + phi * before, sd));
    }
    let y: Vec<f64> = volatility.iter().map(|h| draws.normal(0.0, f64::exp(h / 2.0))).collect();
    let program = "\
data y[time]
phi ~ Uniform(-1, 1)
sigma ~ HalfCauchy(5)
mu ~ Cauchy(0, 10)
h[t in time] ~ Normal(mu + phi * (h[t-1] - mu), sigma) start Normal(mu, sigma / sqrt(1 - phi^2))
y ~ Normal(0, exp(h / 2))
";
    let posterior = posterior(program, &json!({ "y": y }));
    for (name, truth) in [("mu", mu), ("phi", phi), ("sigma", sigma)] {
        posterior.assert_near(name, &[truth]);
    }
    posterior.assert_covered("h", &volatility, 10);
}

#[test]
fn states_that_a_covariate_changes() {
    let mut draws = Draws::new(23);
    let (level, slope, rate) = ([-1.5, -1.0], [0.8, 0.0], [2.0, 8.0]);
    let rain: Vec<f64> = (0..300).map(|_| draws.normal(0.0, 1.0)).collect();
    let (mut z, mut states) = (0, Vec::new());
    for x in &rain {
        let leave = crate::simulate::inv_logit(level[z] + slope[z] * x);
        z = if !states.is_empty() && draws.hit(leave) { 1 - z } else { z };
        states.push(z);
    }
    let y: Vec<usize> = states.iter().map(|z| draws.poisson(rate[*z])).collect();
    let program = "\
data y[day]: int, rain[day]
axis state = [\"low\", \"high\"]
a[state] ~ Normal(0, 2)
b[state] ~ Normal(0, 2)
rate[state] ~ Ordered(Gamma(shape = 2, rate = 0.5))
leave[t in day, s in state] = inv_logit(a[s] + b[s] * rain[t])
P[t in day, i in state, j in state] = if i == j then 1 - leave[t, i] else leave[t, i]
z[t in day] ~ Categorical(P[t, z[t-1]]) start DiscreteUniform(state)
y ~ Poisson(rate[z])
";
    let posterior = posterior(program, &json!({ "y": y, "rain": rain }));
    posterior.assert_near("a", &level);
    posterior.assert_near("b", &slope);
    posterior.assert_near("rate", &rate);
    posterior.assert_labels("z", &states, 2);
}

#[test]
fn noise_that_lasts() {
    // ARMA(1, 1): the past errors are a recurrence of latents.
    let mut draws = Draws::new(24);
    let (mu, phi, theta, sigma) = (0.3, 0.7, 0.3, 0.8);
    let (mut y, mut before, mut error) = (Vec::new(), mu, 0.0);
    for _ in 0..200 {
        let now = draws.normal(0.0, sigma);
        before = mu + phi * before + theta * error + now;
        error = now;
        y.push(before);
    }
    let program = "\
data y[time]
mu ~ Normal(0, 10)
phi ~ Normal(0, 2)
theta ~ Normal(0, 2)
sigma ~ HalfCauchy(2.5)
nu[t in time] = mu + (phi * y[t-1] + theta * err[t-1] start phi * mu)
err = y - nu
y ~ Normal(nu, sigma)
";
    let posterior = posterior(program, &json!({ "y": y }));
    for (name, truth) in [("mu", mu), ("phi", phi), ("theta", theta), ("sigma", sigma)] {
        posterior.assert_near(name, &[truth]);
    }
}
